"""How many rows of a warehouse's table break each of many checks, and with which values?

A check of one column whose different values are here is asked of them, in DuckDB, so that patterns
and text mean the same on every engine. Other checks are asked in the warehouse; those that it would
understand in its own way are not asked, and say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

import duckdb

from voyant.core.checks import FailureCount, RowCheck, RowCheckKind
from voyant.core.errors import EngineError
from voyant.core.tables import Column, ColumnKind, Scalar, ValueCount
from voyant.engines.duckdb_checks import CannotAskError, condition_of
from voyant.engines.ibis_groups import Groups
from voyant.engines.ibis_summary import TableReader
from voyant.engines.ibis_types import Reading
from voyant.engines.ibis_wide import double, line_sql
from voyant.engines.ingest import first_line, quote_name
from voyant.engines.recipe import quote_literal

__all__ = ["count_failures", "failing_values"]

_CHECKS_PER_SCAN: Final = 100
#: Combinations of two columns' failing values that are sorted here.
_MOST_COMBINATIONS: Final = 10_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    """Common SQL for the rows a check applies to, and for what must hold of them."""

    applies: str
    holds: str

    @property
    def fails(self) -> str:
        return f"({self.applies}) AND NOT COALESCE({self.holds}, FALSE)"


def count_failures(reader: TableReader, checks: Sequence[RowCheck]) -> tuple[FailureCount, ...]:
    """Count for each check the rows it applies to and those that fail it; one pass for many."""
    answers: dict[int, FailureCount] = {}
    open_checks: dict[int, RowCheck] = {}
    for place, check in enumerate(checks):
        groups = _groups_of(reader, check)
        if groups is None:
            open_checks[place] = check
        else:
            answers[place] = _count_here(reader, groups, check)
    places = list(open_checks)
    for start in range(0, len(places), _CHECKS_PER_SCAN):
        part = {place: open_checks[place] for place in places[start : start + _CHECKS_PER_SCAN]}
        answers.update(_count_there(reader, part))
    return tuple(answers[place] for place in range(len(checks)))


def failing_values(reader: TableReader, check: RowCheck, *, limit: int) -> tuple[ValueCount, ...]:
    """List different failing values as text, the most frequent first."""
    groups = _groups_of(reader, check)
    if groups is not None:
        return _values_here(reader, groups, check, limit)
    try:
        condition = _condition(reader, check)
    except CannotAskError:
        return ()
    return _values_there(reader, check, condition, limit)


def _groups_of(reader: TableReader, check: RowCheck) -> Groups | None:
    return reader.groups.get(check.columns[0]) if len(check.columns) == 1 else None


# ------------------------------------------------------------------------------- of values here


def _local(groups: Groups, check: RowCheck, reader: TableReader) -> tuple[str, str, str]:
    """Return DuckDB's SQL for a check's conditions, and for the groups they are asked of."""
    declared = groups.reading.column
    kind = ColumnKind.FLOAT if groups.local_type == "DOUBLE" else declared.kind
    column = replace(declared, kind=kind)
    condition = condition_of(reader.local.connection, {declared.name: column}, check)
    source = f"(SELECT v AS {quote_name(declared.name)}, c AS voyant_c FROM {groups.relation})"
    return condition.applies, condition.fails, source


def _count_here(reader: TableReader, groups: Groups, check: RowCheck) -> FailureCount:
    try:
        applies, fails, source = _local(groups, check, reader)
        row = reader.local.connection.execute(
            f"SELECT coalesce(sum(voyant_c) FILTER ({applies}), 0)::BIGINT, "
            f"coalesce(sum(voyant_c) FILTER ({fails}), 0)::BIGINT FROM {source}"
        ).fetchall()[0]
    except CannotAskError as error:
        return FailureCount(reason=str(error))
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        return FailureCount(reason=first_line(error))
    return FailureCount(checked_count=int(row[0]), failing_count=int(row[1]))


def _values_here(
    reader: TableReader, groups: Groups, check: RowCheck, limit: int
) -> tuple[ValueCount, ...]:
    try:
        _, fails, source = _local(groups, check, reader)
    except CannotAskError:
        return ()
    name = quote_name(groups.reading.column.name)
    rows = reader.local.connection.execute(
        f"SELECT {name}::VARCHAR AS v, sum(voyant_c)::BIGINT AS c FROM {source} WHERE {fails} "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {int(limit)}"
    ).fetchall()
    return tuple(ValueCount(value=value, count=int(count)) for value, count in rows)


# ---------------------------------------------------------------------------- in the warehouse


def _count_there(reader: TableReader, checks: Mapping[int, RowCheck]) -> dict[int, FailureCount]:
    answers: dict[int, FailureCount] = {}
    conditions: dict[int, _Condition] = {}
    for place, check in checks.items():
        try:
            conditions[place] = _condition(reader, check)
        except CannotAskError as error:
            answers[place] = FailureCount(reason=str(error))
    if not conditions:
        return answers
    return answers | _ask(reader, checks, conditions)


def _ask(
    reader: TableReader, checks: Mapping[int, RowCheck], conditions: Mapping[int, _Condition]
) -> dict[int, FailureCount]:
    """Ask several conditions at once; one by one if together they fail."""
    asked = ", ".join(
        f"COUNT(CASE WHEN {c.applies} THEN 1 END), COUNT(CASE WHEN {c.fails} THEN 1 END)"
        for c in conditions.values()
    )
    names = dict.fromkeys(name for place in conditions for name in checks[place].columns)
    aliases = [(_alias(reader, name), name) for name in names]
    try:
        (row,) = reader.ask("checks", f"SELECT {asked} FROM source", aliases)
    except EngineError as error:
        if len(conditions) == 1 and "could not answer" in error.what:
            return dict.fromkeys(conditions, FailureCount(reason=error.what))
        if "could not answer" not in error.what:
            raise
        answers: dict[int, FailureCount] = {}
        for place, condition in conditions.items():
            answers |= _ask(reader, checks, {place: condition})
        return answers
    return {
        place: FailureCount(checked_count=int(checked), failing_count=int(failing))
        for place, checked, failing in zip(conditions, row[::2], row[1::2], strict=True)
    }


def _values_there(
    reader: TableReader, check: RowCheck, condition: _Condition, limit: int
) -> tuple[ValueCount, ...]:
    aliases = [(_alias(reader, name), name) for name in dict.fromkeys(check.columns)]
    listed = ", ".join(alias for alias, _ in aliases)
    rows = reader.ask(
        "failing values",
        f"SELECT {listed}, COUNT(*) AS c FROM source WHERE {condition.fails} GROUP BY {listed} "
        f"ORDER BY c DESC, {listed} LIMIT {max(limit, _MOST_COMBINATIONS)}",
        aliases,
    )
    texts = [
        reader.local.texts(reader.readings[name], [row[i] for row in rows if row[i] is not None])
        for i, (_, name) in enumerate(aliases)
    ]
    counts: dict[str | None, int] = {}
    for row in rows:
        shown = [None if value is None else texts[i][value] for i, value in enumerate(row[:-1])]
        text = shown[0] if len(check.columns) == 1 else ", ".join(s or "null" for s in shown)
        counts[text] = counts.get(text, 0) + int(row[-1])
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or ""))
    return tuple(ValueCount(value=value, count=count) for value, count in ordered[:limit])


def _alias(reader: TableReader, name: str) -> str:
    return f"v{list(reader.readings).index(name)}"


# --------------------------------------------------------------------------------- conditions


def _condition(reader: TableReader, check: RowCheck) -> _Condition:
    missing = [name for name in check.columns if name not in reader.readings]
    if missing:
        raise CannotAskError(f"there is no column {missing[0]!r}")
    # What makes no sense of a column, or is no pattern, is told in DuckDB's words.
    declared = {name: reader.readings[name].column for name in check.columns}
    condition_of(reader.local.connection, declared, check)
    builder = _BUILDERS.get(check.kind)
    sides = [(_alias(reader, name), reader.readings[name]) for name in check.columns]
    if builder is None:
        raise CannotAskError(
            f"{check.columns[0]} has too many different values to be read here, and "
            f"{reader.statements.warehouse.name} reads text in its own way"
        )
    return builder(check, sides)


_Side = tuple[str, Reading]


def _present(side: _Side) -> str:
    alias, reading = side
    if reading.column.kind is ColumnKind.FLOAT:
        return f"{alias} IS NOT NULL AND NOT VOYANT_IS_NAN({alias})"
    return f"{alias} IS NOT NULL"


def _not_null(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    del check
    return _Condition(
        applies="TRUE", holds=" AND ".join(f"{alias} IS NOT NULL" for alias, _ in sides)
    )


def _filled(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    del check
    alias, reading = sides[0]
    blank = ""
    if reading.column.kind is ColumnKind.TEXT:
        blank = f" AND NOT VOYANT_IS_BLANK({alias})"
    return _Condition(applies="TRUE", holds=f"{_present(sides[0])}{blank}")


def _in_range(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    alias, reading = sides[0]
    bounds = [
        f"{alias} {operator}{'' if is_open else '='} {_bound(reading, value)}"
        for operator, value, is_open in (
            (">", check.low, check.is_low_open),
            ("<", check.high, check.is_high_open),
        )
        if value is not None
    ]
    return _Condition(applies=_present(sides[0]), holds=" AND ".join(bounds) or "TRUE")


def _bound(reading: Reading, value: Scalar) -> str:
    if reading.column.kind.is_temporal:
        return _moment(reading.column, str(value))
    return _number(value)


def _moment(column: Column, text: str) -> str:
    """Return a bound in what a date or time stamp crosses as; a moment within a day is no day."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if column.kind is ColumnKind.TIMESTAMP:
        return str(micros)
    days = Fraction(micros, 86_400_000_000)
    return str(int(days)) if days.denominator == 1 else double(float(days))


def _number(value: Scalar) -> str:
    if isinstance(value, int):
        return str(value)
    return double(float(str(value)))


def _in_set(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    return _Condition(applies=_present(sides[0]), holds=_member(check, sides[0]))


def _not_in_set(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    return _Condition(applies=_present(sides[0]), holds=f"NOT ({_member(check, sides[0])})")


def _member(check: RowCheck, side: _Side) -> str:
    alias, reading = side
    if reading.column.kind.is_numeric:
        literals = [_number(n) for n in map(_as_number, check.values) if n is not None]
    elif reading.crosses_as == "text":
        texts = {str(value) for value in check.values if value is not None}
        literals = [quote_literal(text) for text in sorted(texts)]
    elif not check.values:
        literals = []
    else:
        raise CannotAskError(
            f"{reading.column.name} has too many different {reading.column.type} values to compare "
            "them as text"
        )
    return f"{alias} IN ({', '.join(literals)})" if literals else "FALSE"


def _as_number(value: Scalar) -> int | float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    return value if math.isfinite(value) else None


def _length(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    bounds = [
        f"VOYANT_LENGTH({sides[0][0]}) {operator} {int(value)}"
        for operator, value in ((">=", check.low), ("<=", check.high))
        if isinstance(value, int | float)
    ]
    return _Condition(applies=_present(sides[0]), holds=" AND ".join(bounds) or "TRUE")


def _multiple_of(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    alias, reading = sides[0]
    step = float(str(check.low))
    if reading.column.kind is ColumnKind.INTEGER and step.is_integer():
        return _Condition(applies=_present(sides[0]), holds=f"MOD({alias}, {int(step)}) = 0")
    # 0.3 is three times 0.1 although no double says so: a billionth of a step is forgiven.
    steps = f"VOYANT_FINITE(CAST({alias} AS DOUBLE PRECISION) / {double(step)})"
    return _Condition(
        applies=_present(sides[0]),
        holds=f"ABS({steps} - ROUND({steps})) <= {double(1e-9)} * GREATEST(1, ABS({steps}))",
    )


def _ordered(check: RowCheck, sides: Sequence[_Side]) -> _Condition:
    del check
    is_daily = any(reading.column.kind is ColumnKind.DATE for _, reading in sides)
    first, second = (_time(side, is_daily=is_daily) for side in sides)
    return _Condition(
        applies=" AND ".join(_present(side) for side in sides), holds=f"{first} <= {second}"
    )


def _time(side: _Side, *, is_daily: bool) -> str:
    alias, reading = side
    if is_daily and reading.column.kind is ColumnKind.TIMESTAMP:
        assert reading.line is not None  # noqa: S101 - time stamps stand on a number line
        finite = line_sql(reading.line, alias)
        return f"COALESCE(FLOOR(({finite}) / 86400000000.0), {alias})"
    return alias


_BUILDERS: Final[Mapping[RowCheckKind, Callable[[RowCheck, Sequence[_Side]], _Condition]]] = {
    RowCheckKind.NOT_NULL: _not_null,
    RowCheckKind.FILLED: _filled,
    RowCheckKind.IN_RANGE: _in_range,
    RowCheckKind.IN_SET: _in_set,
    RowCheckKind.NOT_IN_SET: _not_in_set,
    RowCheckKind.LENGTH: _length,
    RowCheckKind.MULTIPLE_OF: _multiple_of,
    RowCheckKind.ORDERED: _ordered,
}
