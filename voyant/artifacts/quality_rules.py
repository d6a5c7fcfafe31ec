"""What must hold of the tables, said by people: one rule, wherever it was written down?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from voyant.artifacts.quality_settings import QualitySettings, RuleSettings
from voyant.core.tables import Scalar
from voyant.stats.quality import Dimension, Severity

__all__ = ["Limit", "Rule", "RuleKind", "rules_of_settings", "say_values"]

RuleKind = Literal[
    "table", "column", "type", "required", "unique", "range", "length", "allowed", "pattern",
    "format", "multiple", "references", "row_count", "freshness", "filled", "sql", "unsupported",
]  # fmt: skip

_DIMENSIONS: dict[str, Dimension] = {
    "table": "coverage",
    "column": "coverage",
    "required": "completeness",
    "filled": "completeness",
    "unique": "uniqueness",
    "references": "consistency",
    "row_count": "coverage",
    "freshness": "timeliness",
    "sql": "accuracy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a number must be.

    Attributes:
        low: The least; the bound itself is left out if `is_low_open`.
        is_outside: Whether the number must lie outside of the bounds instead.
    """

    low: float | None = None
    high: float | None = None
    is_low_open: bool = False
    is_high_open: bool = False
    is_outside: bool = False

    def holds(self, number: float) -> bool:
        """Decide whether a number is within the limit.

        >>> Limit(low=0, high=0).holds(0), Limit(low=2, high=5, is_outside=True).holds(3)
        (True, False)
        """
        above = self.low is None or (number > self.low if self.is_low_open else number >= self.low)
        below = self.high is None or (
            number < self.high if self.is_high_open else number <= self.high
        )
        return (above and below) is not self.is_outside

    def __str__(self) -> str:
        """Say it: `= 0`, `>= 2`, `2 to 5`, `not 2 to 5`."""
        if self.low is not None and self.low == self.high:
            return f"{'not ' if self.is_outside else '= '}{_plain(self.low)}"
        if self.low is None or self.high is None:
            parts = [
                f"{sign}{'' if is_open else '='} {_plain(bound)}"
                for sign, bound, is_open in (
                    (">", self.low, self.is_low_open),
                    ("<", self.high, self.is_high_open),
                )
                if bound is not None
            ]
            return ("not " if self.is_outside else "") + "".join(parts)
        return f"{'not ' if self.is_outside else ''}{_plain(self.low)} to {_plain(self.high)}"


def _plain(number: float) -> str:
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that must hold.

    Attributes:
        alias: Another name of the table, if the run has none of the first.
        place: Where in its origin it stands: `rule-3`, `orders.amount`.
        origin: Where it was written: `voyant.toml`, or the contract's file name.
        said: What must hold, as the reader is to read it.
        limit: What the number of failing rows (a row count, an SQL value) must be; None stands for
            no more failing rows than `max_fraction`.
        is_percent: Whether the limit is in percent of the rows.
        reason: For `unsupported`: why it cannot be checked.
    """

    kind: RuleKind
    table: str
    columns: tuple[str, ...] = ()
    place: str
    alias: str = ""
    origin: str
    said: str
    name: str = ""
    description: str = ""
    severity: Severity = "error"
    stated_dimension: Dimension | None = None
    max_fraction: float = 0.0
    low: Scalar = None
    high: Scalar = None
    is_low_open: bool = False
    is_high_open: bool = False
    values: tuple[Scalar, ...] = ()
    word: str = ""
    """The pattern, type, format, SQL, or the table referred to."""
    other_column: str = ""
    max_age_seconds: float | None = None
    limit: Limit | None = None
    is_percent: bool = False
    reason: str = ""

    @property
    def id(self) -> str:
        """What the rule is called in the artifact; two of one name are numbered there."""
        where = ".".join((self.table, *self.columns))
        return f"{self.origin}:{self.name or self.kind}:{where}"

    @property
    def dimension(self) -> Dimension:
        """The dimension stated, or that of the kind of rule: validity unless another fits."""
        return self.stated_dimension or _DIMENSIONS.get(self.kind, "validity")


def rules_of_settings(settings: QualitySettings, origin: str = "voyant.toml") -> list[Rule]:
    """Turn the settings' rules into single ones."""
    return [
        rule
        for number, given in enumerate(settings.rules, 1)
        for rule in (*_column_rules(given, number, origin), *_table_rules(given, number, origin))
    ]


def _column_rules(given: RuleSettings, number: int, origin: str) -> Iterator[Rule]:
    columns = tuple(given.columns) or ((given.column,) if given.column else ())
    if given.required:
        for name in columns:
            yield replace(
                _rule(given, number, origin, "required", "holds a value"), columns=(name,)
            )
    said: list[tuple[RuleKind, bool, str, dict[str, Any]]] = [
        ("unique", given.unique, "no value repeats", {}),
        (
            "range",
            given.min is not None or given.max is not None,
            _bounds(given.min, given.max),
            {"low": given.min, "high": given.max},
        ),
        (
            "length",
            given.min_length is not None or given.max_length is not None,
            f"length {_bounds(given.min_length, given.max_length)}",
            {"low": given.min_length, "high": given.max_length},
        ),
        (
            "allowed",
            given.values is not None,
            say_values(given.values or []),
            {"values": tuple(given.values or ())},
        ),
        ("pattern", given.pattern is not None, f"matches {given.pattern}", {"word": given.pattern}),
        ("type", given.type is not None, f"is of type {given.type}", {"word": given.type}),
        ("format", given.format is not None, f"is a valid {given.format}", {"word": given.format}),
    ]
    for kind, is_said, words, facts in said:
        if is_said:
            yield replace(_rule(given, number, origin, kind, words), columns=columns, **facts)
    if given.references is not None:
        table, _, column = given.references.rpartition(".")
        rule = _rule(given, number, origin, "references", f"is found in {given.references}")
        yield replace(rule, columns=columns, word=table, other_column=column)
    if given.max_age_hours is not None:
        words = f"the newest is at most {given.max_age_hours:g} hours old"
        rule = _rule(given, number, origin, "freshness", words)
        yield replace(rule, columns=columns, max_age_seconds=given.max_age_hours * 3600)


def _table_rules(given: RuleSettings, number: int, origin: str) -> Iterator[Rule]:
    if given.min_rows is not None or given.max_rows is not None:
        limit = Limit(low=given.min_rows, high=given.max_rows)
        rule = _rule(given, number, origin, "row_count", f"rows {limit}")
        yield replace(rule, limit=limit)
    if given.sql is not None:
        low, high = given.at_least, given.at_most
        if given.must_be is not None or (low is None and high is None):
            low = high = given.must_be or 0.0
        limit = Limit(low=low, high=high)
        rule = _rule(given, number, origin, "sql", f"the query gives {limit}")
        yield replace(rule, word=given.sql, limit=limit)


def _rule(given: RuleSettings, number: int, origin: str, kind: RuleKind, said: str) -> Rule:
    return Rule(
        kind=kind,
        table=given.table,
        place=f"rule-{number}",
        origin=origin,
        said=said,
        name=given.name or "",
        description=given.description,
        severity=given.severity,
        stated_dimension=given.dimension,
        max_fraction=given.max_fraction,
    )


def _bounds(low: Scalar, high: Scalar) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def say_values(values: Sequence[Scalar], most: int = 8) -> str:
    """Say which values are allowed, the first ones by name."""
    shown = ", ".join(map(str, values[:most]))
    rest = len(values) - most
    return f"is one of {shown}" + (f" and {rest} more" if rest > 0 else "")
