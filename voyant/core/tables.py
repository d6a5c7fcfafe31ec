"""What an engine says about tables: the plain values that leave it, and nothing else does.

Every number here is exact unless the same object names it in `approximations`, with the method that
made it and the error to expect. Floats are always finite: NaN and infinity are only counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "QUANTILE_GRID_STEPS",
    "Approximation",
    "Association",
    "Column",
    "ColumnKind",
    "ColumnSummary",
    "Containment",
    "Contingency",
    "Histogram",
    "Measure",
    "NumberDistances",
    "QueryColumn",
    "QueryResult",
    "Scalar",
    "TableSummary",
    "TextFacts",
    "TimeFacts",
    "ValueCount",
    "ValueCounts",
]

#: What a cell becomes once it has left the engine: JSON can hold all of it.
Scalar = None | bool | int | float | str

#: A summary keeps the values at q = 0, 1/200, ... 1, so that a later run can be compared with it.
QUANTILE_GRID_STEPS = 200


class ColumnKind(StrEnum):
    """What family a column's type belongs to, whatever the engine calls it."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    INTERVAL = "interval"
    UUID = "uuid"
    BLOB = "blob"
    LIST = "list"
    STRUCT = "struct"
    MAP = "map"
    OTHER = "other"

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic means something on it."""
        return self in {ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT}

    @property
    def is_temporal(self) -> bool:
        """Whether its values are points on a calendar."""
        return self in {ColumnKind.DATE, ColumnKind.TIMESTAMP}

    @property
    def is_nested(self) -> bool:
        """Whether one value holds several."""
        return self in {ColumnKind.LIST, ColumnKind.STRUCT, ColumnKind.MAP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as the engine declares it; `type` is the engine's own spelling.

    `has_time_zone` is said of times that name an instant, not what a clock on some wall showed.
    """

    name: str
    type: str
    kind: ColumnKind
    has_time_zone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approximation:
    """How a number that is not exact was made.

    Attributes:
        method: For instance `row sample of 50,000`.
        error: One standard error, in the unit of the number, or relative where `method` says so;
            None when none can be stated.
    """

    method: str
    error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number an engine was asked for, None when it could not be assessed, and why not."""

    value: float | int | None
    approximation: Approximation | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts between edges: `len(edges) == len(counts) + 1`; the last bin includes its right edge.

    Edges are numbers; for dates and timestamps they are seconds since 1970-01-01 UTC.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class ValueCount(NamedTuple):
    """A value and the number of rows that hold it; a run makes a hundred thousand of them."""

    value: Scalar
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFacts:
    """What only text has.

    Attributes:
        min_length: In characters (Unicode code points); None without values.
        max_length: In characters.
        mean_length: In characters.
        empty_count: Rows holding the empty string.
        whitespace_count: Rows holding only white space, at least one character of it.
        padded_count: Rows with leading or trailing white space around something.
        patterns: Shapes, most frequent first: `A` an upper-case letter, `a` a lower-case one, `9` a
            digit, other characters as they are, a run of equal marks written once with `+`.
        numeric_count: Rows whose text reads as a number; None when not assessed.
        temporal_count: Rows whose text reads as an ISO date or timestamp; None when not assessed.
    """

    min_length: int | None
    max_length: int | None
    mean_length: float | None
    empty_count: int
    whitespace_count: int
    padded_count: int
    patterns: tuple[ValueCount, ...] = ()
    numeric_count: int | None = None
    temporal_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFacts:
    """What only dates and timestamps have. Days are calendar days, UTC for timestamps with a zone.

    Attributes:
        range_seconds: From the earliest value to the latest.
        day_count: Different days that occur.
        missing_day_count: Days between the earliest and the latest that do not occur.
        largest_gap_days: The longest run of days without a value.
        largest_gap_start: The last day before that run (ISO), None without a gap.
        largest_gap_end: The first day after it (ISO).
    """

    range_seconds: float
    day_count: int
    missing_day_count: int
    largest_gap_days: int
    largest_gap_start: str | None = None
    largest_gap_end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class ColumnSummary:
    """Everything one column was measured for, once, for all generators of a run.

    `count` is rows with a value (not null); NaN counts as a value, and is left out, like the
    infinities, of every statistic below `infinite_count`. Moments: `std` and `variance` with n-1,
    `skewness` and `kurtosis` as pandas defines them (adjusted Fisher-Pearson G1, G2; kurtosis is
    excess). Quantiles interpolate linearly (Hyndman and Fan 1996, type 7). None stands where a
    statistic has no meaning for the column.

    Attributes:
        min: For text the smallest by code point, for dates ISO text, for numbers a number.
        quantiles: From 0.01 0.05 0.25 0.5 0.75 0.95 0.99 to a number (dates: seconds since 1970).
        quantile_grid: The values at 0, 1/200, ..., 1 (`QUANTILE_GRID_STEPS`); empty if not ordered.
        top_values: At most 100, by falling count, then rising value.
        sample: Different values as text, with counts: what semantic types are judged from. The most
            frequent ones, or where nearly all values differ, those of an even sample of rows.
        true_count: For booleans, rows that are true.
        approximations: For each field here that is not exact, how it was made.
    """

    name: str
    type: str
    kind: ColumnKind
    count: int
    null_count: int
    distinct_count: int | None
    nan_count: int = 0
    infinite_count: int = 0
    min: Scalar = None
    max: Scalar = None
    sum: float | int | None = None
    mean: float | None = None
    std: float | None = None
    variance: float | None = None
    skewness: float | None = None
    kurtosis: float | None = None
    zero_count: int | None = None
    negative_count: int | None = None
    true_count: int | None = None
    quantiles: Mapping[float, float] = field(default_factory=dict[float, float])
    quantile_grid: tuple[float, ...] = ()
    histogram: Histogram | None = None
    top_values: tuple[ValueCount, ...] = ()
    sample: tuple[ValueCount, ...] = ()
    text: TextFacts | None = None
    time: TimeFacts | None = None
    has_time_zone: bool = False
    approximations: Mapping[str, Approximation] = field(default_factory=dict[str, Approximation])

    @property
    def row_count(self) -> int:
        """Rows of the table."""
        return self.count + self.null_count

    @property
    def null_fraction(self) -> float:
        """Share of rows without a value, 0 for an empty table."""
        return self.null_count / self.row_count if self.row_count else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether every row holds a value of its own, none null; known exactly, or False."""
        exact = "distinct_count" not in self.approximations
        return (
            exact and self.count > 0 and self.null_count == 0 and self.distinct_count == self.count
        )

    @property
    def is_constant(self) -> bool:
        """Whether all rows that hold a value hold the same one."""
        return self.distinct_count == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """One table, measured: columns by name, in table order."""

    name: str
    row_count: int
    columns: Mapping[str, ColumnSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """How strongly two columns go together.

    Attributes:
        method: `pearson`, `spearman` or `cramers_v`.
        value: In [-1, 1], or [0, 1] for Cramer's V; None when not defined (a constant column).
        row_count: Rows in which both have a value and that were used.
    """

    left: str
    right: str
    method: str
    value: float | None
    row_count: int
    approximation: Approximation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contingency:
    """Rows per combination of two columns' values; nulls left out."""

    left: str
    right: str
    counts: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """How one table's column refers to another's, measured.

    Attributes:
        child_distinct_count: Different non-null values on the child side.
        matched_distinct_count: Those of them that the parent side holds.
        child_row_count: Child rows with a value.
        orphan_row_count: Child rows whose value the parent side does not hold.
        parent_distinct_count: Different non-null values on the parent side.
        parent_row_count: Parent rows with a value; equal to the distinct count for a unique parent.
        max_fan_out: The most child rows that one parent value has.
    """

    child_table: str
    child_column: str
    parent_table: str
    parent_column: str
    child_distinct_count: int
    matched_distinct_count: int
    child_row_count: int
    orphan_row_count: int
    parent_distinct_count: int
    parent_row_count: int
    max_fan_out: int

    @property
    def containment(self) -> float:
        """Share of the child's different values that the parent holds."""
        total = self.child_distinct_count
        return self.matched_distinct_count / total if total else 0.0

    @property
    def is_parent_unique(self) -> bool:
        """Whether each parent value stands in one row."""
        return self.parent_row_count == self.parent_distinct_count


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCounts:
    """How many rows hold each value of a column, nulls left out.

    Attributes:
        counts: Values with their rows, the most frequent first. Numbers are finite numbers, dates
            and timestamps seconds since 1970-01-01 UTC, booleans booleans, everything else text.
        is_complete: Whether these are all values; otherwise there were more than asked for.
    """

    counts: tuple[tuple[Scalar, int], ...]
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDistances:
    """How far apart the finite numbers (or moments) of two columns lie; None if one has none.

    Attributes:
        wasserstein_distance: In the unit of the numbers, seconds for dates.
        ks_statistic: In [0, 1].
    """

    wasserstein_distance: float | None
    ks_statistic: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryColumn:
    """A column of a query's result; `type` is the engine's own spelling."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """What a guarded query gave: rows in the query's order, cut at the limit if `truncated`."""

    columns: tuple[QueryColumn, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    truncated: bool
    duration_ms: float
