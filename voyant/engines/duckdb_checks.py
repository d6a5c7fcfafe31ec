"""How many rows of a table break each of many checks, and with which values, in DuckDB's SQL?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import duckdb

from voyant.core.checks import FailureCount, RowCheck, RowCheckKind
from voyant.core.tables import Column, ColumnKind, Scalar, ValueCount
from voyant.engines.recipe import quote_literal
from voyant.engines.sources import quote_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CannotAskError", "Condition", "condition_of", "count_failures", "failing_values"]

#: Checks asked in one scan: a plan of thousands of aggregates takes longer than a second scan.
_CHECKS_PER_SCAN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """SQL for the rows a check applies to, and for what must hold of them."""

    applies: str
    holds: str

    @property
    def fails(self) -> str:
        """SQL for the rows that the check applies to and that fail it."""
        return f"({self.applies}) AND NOT coalesce({self.holds}, false)"


class CannotAskError(Exception):
    """A check that makes no sense of this column; the text says why."""


def count_failures(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, Column],
    checks: Sequence[RowCheck],
) -> tuple[FailureCount, ...]:
    """Count for each check the rows it applies to and those that fail it: one scan for 200 checks.

    A check that cannot be asked does not spoil the others.
    """
    answers: dict[int, FailureCount] = {}
    conditions: dict[int, Condition] = {}
    for place, check in enumerate(checks):
        try:
            conditions[place] = condition_of(connection, columns, check)
        except CannotAskError as error:
            answers[place] = FailureCount(reason=str(error))
    places = list(conditions)
    for start in range(0, len(places), _CHECKS_PER_SCAN):
        part = places[start : start + _CHECKS_PER_SCAN]
        answers.update(_scan(connection, table, {place: conditions[place] for place in part}))
    return tuple(answers[place] for place in range(len(checks)))


def _scan(
    connection: duckdb.DuckDBPyConnection, table: str, conditions: Mapping[int, Condition]
) -> dict[int, FailureCount]:
    """Ask several conditions at once; one by one if together they fail."""
    try:
        return _ask(connection, table, conditions)
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        if len(conditions) == 1:
            return dict.fromkeys(conditions, FailureCount(reason=_first_line(error)))
    answers: dict[int, FailureCount] = {}
    for place, condition in conditions.items():
        answers.update(_scan(connection, table, {place: condition}))
    return answers


def _ask(
    connection: duckdb.DuckDBPyConnection, table: str, conditions: Mapping[int, Condition]
) -> dict[int, FailureCount]:
    asked = ", ".join(
        f"count(*) FILTER ({c.applies}), count(*) FILTER ({c.fails})" for c in conditions.values()
    )
    row = connection.execute(f"SELECT {asked} FROM {quote_name(table)}").fetchone() or ()
    return {
        place: FailureCount(checked_count=int(checked), failing_count=int(failing))
        for place, checked, failing in zip(conditions, row[::2], row[1::2], strict=True)
    }


def failing_values(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, Column],
    check: RowCheck,
    *,
    limit: int,
) -> tuple[ValueCount, ...]:
    """List the different failing values of the check's columns as text, the most frequent first.

    Values of two columns are joined by a comma and a space. Empty when the check cannot be asked.
    """
    try:
        condition = condition_of(connection, columns, check)
    except CannotAskError:
        return ()
    texts = [f"coalesce({quote_name(name)}::VARCHAR, 'null')" for name in check.columns]
    shown = (
        f"{quote_name(check.columns[0])}::VARCHAR"
        if len(texts) == 1
        else " || ', ' || ".join(texts)
    )
    rows = connection.execute(
        f"SELECT v, count(*) AS c FROM (SELECT {shown} AS v FROM {quote_name(table)} "
        f"WHERE {condition.fails}) GROUP BY v ORDER BY c DESC, v LIMIT {int(limit)}"
    ).fetchall()
    return tuple(ValueCount(value=value, count=int(count)) for value, count in rows)


# --------------------------------------------------------------------------------- conditions


def condition_of(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Column], check: RowCheck
) -> Condition:
    """Return SQL for a check of these columns.

    Raises:
        CannotAskError: The check makes no sense of a column.
    """
    missing = [name for name in check.columns if name not in columns]
    if missing:
        raise CannotAskError(f"there is no column {missing[0]!r}")
    if check.kind is RowCheckKind.MATCHES:
        _try_pattern(connection, check.pattern)
    return _BUILDERS[check.kind](check, [columns[name] for name in check.columns])


def _present(column: Column) -> str:
    name = quote_name(column.name)
    nan = f" AND NOT isnan({name})" if column.kind is ColumnKind.FLOAT else ""
    return f"{name} IS NOT NULL{nan}"


def _not_null(check: RowCheck, columns: Sequence[Column]) -> Condition:
    del check
    held = " AND ".join(f"{quote_name(column.name)} IS NOT NULL" for column in columns)
    return Condition(applies="true", holds=held)


def _filled(check: RowCheck, columns: Sequence[Column]) -> Condition:
    del check
    column = columns[0]
    blank = ""
    if column.kind is ColumnKind.TEXT:
        blank = rf" AND regexp_matches({quote_name(column.name)}::VARCHAR, '\S')"
    return Condition(applies="true", holds=f"({_present(column)}){blank}")


def _in_range(check: RowCheck, columns: Sequence[Column]) -> Condition:
    column = columns[0]
    bounds = [
        f"{quote_name(column.name)} {operator}{'' if is_open else '='} {_bound(column, value)}"
        for operator, value, is_open in (
            (">", check.low, check.is_low_open),
            ("<", check.high, check.is_high_open),
        )
        if value is not None
    ]
    return Condition(applies=_present(column), holds=" AND ".join(bounds) or "true")


def _bound(column: Column, value: Scalar) -> str:
    if column.kind.is_numeric:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CannotAskError(f"{column.name} is {column.type}, and {value!r} is no number")
        return _number(value)
    if column.kind.is_temporal:
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            raise CannotAskError(f"{value!r} is no ISO date or time") from None
        # A day's bound on moments is its midnight; a moment's bound on days keeps its time.
        kind = "TIMESTAMPTZ" if column.has_time_zone else "TIMESTAMP"
        return f"CAST({quote_literal(str(value))} AS {kind})"
    raise CannotAskError(f"{column.name} is {column.type}: only numbers and times have a range")


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise CannotAskError(f"{value!r} is no bound")
    return f"{value!r}::DOUBLE"


def _in_set(check: RowCheck, columns: Sequence[Column]) -> Condition:
    return Condition(applies=_present(columns[0]), holds=_member(check, columns[0]))


def _not_in_set(check: RowCheck, columns: Sequence[Column]) -> Condition:
    return Condition(applies=_present(columns[0]), holds=f"NOT ({_member(check, columns[0])})")


def _member(check: RowCheck, column: Column) -> str:
    name = quote_name(column.name)
    if column.kind.is_numeric:
        literals = [
            _number(value)
            for value in map(_as_number, check.values)
            if value is not None and math.isfinite(value)
        ]
        return f"{name} IN ({', '.join(literals)})" if literals else "false"
    if column.kind is ColumnKind.BOOLEAN:
        texts = {str(value).lower() for value in check.values}
    else:
        texts = {str(value) for value in check.values if value is not None}
    listed = ", ".join(map(quote_literal, sorted(texts)))
    return f"{name}::VARCHAR IN ({listed})" if listed else "false"


def _as_number(value: Scalar) -> int | float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return None


def _text(column: Column, what: str) -> str:
    if column.kind is not ColumnKind.TEXT and column.kind is not ColumnKind.UUID:
        raise CannotAskError(f"{column.name} is {column.type}: only text has {what}")
    return f"{quote_name(column.name)}::VARCHAR"


def _length(check: RowCheck, columns: Sequence[Column]) -> Condition:
    length = f"length({_text(columns[0], 'a length')})"
    bounds = [
        f"{length} {operator} {int(value)}"
        for operator, value in ((">=", check.low), ("<=", check.high))
        if isinstance(value, int | float)
    ]
    return Condition(applies=_present(columns[0]), holds=" AND ".join(bounds) or "true")


def _matches(check: RowCheck, columns: Sequence[Column]) -> Condition:
    text = _text(columns[0], "a pattern")
    return Condition(
        applies=_present(columns[0]),
        holds=f"regexp_matches({text}, {quote_literal(check.pattern)})",
    )


def _try_pattern(connection: duckdb.DuckDBPyConnection, pattern: str) -> None:
    if "\0" in pattern:
        raise CannotAskError("the pattern holds a NUL character")
    try:
        connection.execute(f"SELECT regexp_matches('', {quote_literal(pattern)})").fetchall()
    except duckdb.Error as error:
        raise CannotAskError(
            f"the pattern {pattern!r} is none of RE2's: {_first_line(error)}"
        ) from None


def _readable(column: Column, holds: str) -> Condition:
    text = _text(column, "a reading")
    return Condition(
        applies=rf"{_present(column)} AND regexp_matches({text}, '\S')",
        holds=holds.format(text=text),
    )


def _numeric_text(check: RowCheck, columns: Sequence[Column]) -> Condition:
    del check
    # Not every text that a cast accepts is a number to a reader: '1_000', 'inf', 'nan'.
    plain = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
    return _readable(columns[0], f"regexp_matches({{text}}, {_braces(quote_literal(plain))})")


def _temporal_text(check: RowCheck, columns: Sequence[Column]) -> Condition:
    del check
    shape = r"^\s*\d{4}-\d{2}-\d{2}"
    return _readable(
        columns[0],
        f"regexp_matches({{text}}, {_braces(quote_literal(shape))}) "
        "AND TRY_CAST(trim({text}) AS TIMESTAMP) IS NOT NULL",
    )


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _multiple_of(check: RowCheck, columns: Sequence[Column]) -> Condition:
    column, step = columns[0], check.low
    if not column.kind.is_numeric or isinstance(step, bool) or not isinstance(step, int | float):
        raise CannotAskError(f"{column.name} is {column.type}: only numbers have multiples")
    if not step > 0 or not math.isfinite(step):
        raise CannotAskError(f"{step!r} has no multiples")
    name = quote_name(column.name)
    if column.kind is ColumnKind.INTEGER and float(step).is_integer():
        return Condition(applies=_present(column), holds=f"{name} % {int(step)} = 0")
    # 0.3 is three times 0.1 although no double says so: a billionth of a step is forgiven.
    steps = f"({name}::DOUBLE / {float(step)!r}::DOUBLE)"
    return Condition(
        applies=_present(column),
        holds=f"isfinite({steps}) AND "
        f"abs({steps} - round({steps})) <= 1e-9 * greatest(1, abs({steps}))",
    )


def _ordered(check: RowCheck, columns: Sequence[Column]) -> Condition:
    del check
    if not all(column.kind.is_temporal for column in columns):
        raise CannotAskError("only dates and timestamps have an order in time")
    is_daily = any(column.kind is ColumnKind.DATE for column in columns)
    first, second = (
        f"{quote_name(column.name)}{'::DATE' if is_daily else ''}" for column in columns
    )
    return Condition(
        applies=" AND ".join(_present(column) for column in columns),
        holds=f"{first} <= {second}",
    )


_BUILDERS: Final[Mapping[RowCheckKind, Callable[[RowCheck, Sequence[Column]], Condition]]] = {
    RowCheckKind.NOT_NULL: _not_null,
    RowCheckKind.FILLED: _filled,
    RowCheckKind.IN_RANGE: _in_range,
    RowCheckKind.IN_SET: _in_set,
    RowCheckKind.NOT_IN_SET: _not_in_set,
    RowCheckKind.LENGTH: _length,
    RowCheckKind.MATCHES: _matches,
    RowCheckKind.NUMERIC_TEXT: _numeric_text,
    RowCheckKind.TEMPORAL_TEXT: _temporal_text,
    RowCheckKind.MULTIPLE_OF: _multiple_of,
    RowCheckKind.ORDERED: _ordered,
}


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
