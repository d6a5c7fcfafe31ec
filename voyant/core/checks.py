"""What can be asked of each row of a table, in words that every engine understands?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voyant.core.tables import Scalar

__all__ = ["FailureCount", "RowCheck", "RowCheckKind"]


class RowCheckKind(StrEnum):
    """What must hold of a row. All but the first two leave out rows with a null, and NaN."""

    NOT_NULL = "not_null"
    """Every one of the columns holds a value."""
    FILLED = "filled"
    """The column holds something that says something: not null, NaN, or blank text."""
    IN_RANGE = "in_range"
    """A number or a time lies between `low` and `high`; a missing bound does not bind."""
    IN_SET = "in_set"
    """The value is one of `values`; an empty set allows none."""
    NOT_IN_SET = "not_in_set"
    """The value is none of `values`."""
    LENGTH = "length"
    """A text has from `low` to `high` characters."""
    MATCHES = "matches"
    """Some part of the text matches `pattern` (RE2: no look-around, no back-references)."""
    NUMERIC_TEXT = "numeric_text"
    """The text, blank ones aside, reads as a plain number."""
    TEMPORAL_TEXT = "temporal_text"
    """The text, blank ones aside, reads as an ISO date or time."""
    MULTIPLE_OF = "multiple_of"
    """The number is a multiple of `low`."""
    ORDERED = "ordered"
    """The first column's time is not after the second's, in days if either holds days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCheck:
    """One thing that must hold of each row.

    Attributes:
        columns: One column; for `not_null` one or more, for `ordered` two.
        low: Lower bound, a number or ISO text; `is_low_open` leaves the bound itself out.
        high: Upper bound, likewise.
        values: For sets; compared as numbers with numeric columns, else as text.
        pattern: A regular expression.
    """

    kind: RowCheckKind
    columns: tuple[str, ...]
    low: Scalar = None
    high: Scalar = None
    is_low_open: bool = False
    is_high_open: bool = False
    values: tuple[Scalar, ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCount:
    """How many rows fail a check.

    Attributes:
        checked_count: Rows the check applies to.
        failing_count: Those of them that fail; None when it could not be asked, and `reason` says
            why.
    """

    checked_count: int = 0
    failing_count: int | None = None
    reason: str = ""
