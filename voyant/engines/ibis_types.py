"""Which family does an Ibis type belong to, and how does a value leave the warehouse?

Values cross as the plainest thing that holds them exactly: whole numbers, doubles, decimals, truth
values, text. Dates cross as days and time stamps as microseconds since 1970, so that no driver, no
time zone and no calendar comes between. In this process DuckDB makes them again what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Final

import ibis as ibis_package
import ibis.expr.datatypes as dt

from voyant.core.tables import Column, ColumnKind

__all__ = [
    "Line",
    "Reading",
    "WarehouseColumn",
    "fingerprint",
    "ibis",
    "reading_of",
    "source_of",
    "split",
]

#: Ibis' own annotations are of little use to a strict type checker.
ibis: Final[Any] = ibis_package

_LARGEST_DECIMAL: Final = 38
_LARGEST_INT64_DECIMAL: Final = 18
#: What infinite dates and time stamps cross as.
_INFINITE_DAY: Final = 2_147_483_647
_INFINITE_MOMENT: Final = 9_223_372_036_854_775_807


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseColumn:
    """A column as a warehouse declares it; `type` is the warehouse's own spelling."""

    name: str
    type: str
    dtype: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How a value `v` becomes a number `x` in the warehouse, and what one unit of `x` is worth.

    Attributes:
        expression: Common SQL for x, `{v}` the value: whole where `is_exact`, else a double that is
            null for NaN and the infinities.
        is_exact: Whether sums of x are sums of whole numbers.
        unit: A value is `x * unit`; seconds since 1970 for dates.
        infinite: The number that stands for infinity, and its negative for minus infinity.
    """

    expression: str
    is_exact: bool
    unit: Fraction = Fraction(1)
    infinite: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one column is read.

    Attributes:
        column: As the engine declares it.
        dtype: As Ibis knows it.
        crosses_as: The class of values that leave the warehouse: `whole`, `double`, `decimal`,
            `truth` or `text`.
        local_type: DuckDB's type for the values.
        parameter: DuckDB's type for what crosses.
        restore: DuckDB's SQL that makes `x`, which crossed, the value again.
        line: None for values that stand on no number line.
    """

    column: Column
    dtype: Any
    crosses_as: str
    local_type: str
    parameter: str
    restore: str = "x"
    line: Line | None = None


def reading_of(column: WarehouseColumn) -> Reading:
    """Return how a column of any type is read; what has no better way is read as text."""
    dtype = column.dtype
    kind = _kind(dtype)
    shown = Column(
        name=column.name,
        type=column.type,
        kind=kind,
        has_time_zone=bool(getattr(dtype, "timezone", None)),
    )
    if kind in _PLAIN:
        crosses_as, local, expression = _PLAIN[kind]
        line = Line(expression=expression, is_exact=crosses_as == "whole") if expression else None
        return _reading(shown, dtype, crosses_as, local, local, line=line)
    if kind is ColumnKind.DECIMAL:
        return _decimal(shown, dtype)
    if kind.is_temporal:
        return _temporal(shown, dtype)
    if kind is ColumnKind.BLOB:
        return _reading(shown, dtype, "text", "BLOB", "VARCHAR", restore="unhex(x)::VARCHAR")
    local = _LOCAL_TYPES.get(kind, "VARCHAR")
    if kind is ColumnKind.TIME and "tz" in column.type.replace("with time zone", "tz").lower():
        local = "TIME WITH TIME ZONE"
    return _reading(shown, dtype, "text", local, "VARCHAR")


def _reading(
    column: Column,
    dtype: Any,
    crosses_as: str,
    local_type: str,
    parameter: str,
    *,
    restore: str = "x",
    line: Line | None = None,
) -> Reading:
    return Reading(
        column=column,
        dtype=dtype,
        crosses_as=crosses_as,
        local_type=local_type,
        parameter=parameter,
        restore=restore,
        line=line,
    )


def _decimal(column: Column, dtype: Any) -> Reading:
    """Read a decimal; DuckDB has 38 digits, and without a declared scale there is no telling."""
    precision, scale = getattr(dtype, "precision", None), getattr(dtype, "scale", None)
    if isinstance(dtype, dt.UInt64):
        precision, scale = 20, 0
    if precision is None or scale is None or precision > _LARGEST_DECIMAL:
        line = Line(expression="VOYANT_FINITE(CAST({v} AS DOUBLE PRECISION))", is_exact=False)
        return _reading(column, dtype, "decimal", "", "VARCHAR", line=line)
    local = f"DECIMAL({precision},{scale})"
    if precision <= _LARGEST_INT64_DECIMAL:
        line = Line(
            expression=f"CAST(VOYANT_NUMERIC({{v}}) * {10**scale} AS BIGINT)",
            is_exact=True,
            unit=Fraction(1, 10**scale),
        )
    else:
        line = Line(expression="VOYANT_FINITE(CAST({v} AS DOUBLE PRECISION))", is_exact=False)
    return _reading(column, dtype, "decimal", local, "VARCHAR", line=line)


def _temporal(column: Column, dtype: Any) -> Reading:
    if column.kind is ColumnKind.DATE:
        restore = (
            f"CASE x WHEN {_INFINITE_DAY} THEN 'infinity'::DATE "
            f"WHEN -{_INFINITE_DAY} THEN '-infinity'::DATE ELSE DATE '1970-01-01' + x::INTEGER END"
        )
        line = Line(
            expression="{v}", is_exact=True, unit=Fraction(_SECONDS_A_DAY), infinite=_INFINITE_DAY
        )
        return _reading(column, dtype, "whole", "DATE", "BIGINT", restore=restore, line=line)
    line = Line(
        expression="{v}", is_exact=True, unit=Fraction(1, 1_000_000), infinite=_INFINITE_MOMENT
    )
    restore = (
        f"CASE x WHEN {_INFINITE_MOMENT} THEN 'infinity'::TIMESTAMP "
        f"WHEN -{_INFINITE_MOMENT} THEN '-infinity'::TIMESTAMP ELSE make_timestamp(x) END"
    )
    local = "TIMESTAMP"
    if column.has_time_zone:
        local, restore = "TIMESTAMP WITH TIME ZONE", f"({restore})::TIMESTAMPTZ"
    return _reading(column, dtype, "whole", local, "BIGINT", restore=restore, line=line)


def _kind(dtype: Any) -> ColumnKind:
    if isinstance(dtype, dt.UInt64):
        return ColumnKind.DECIMAL  # read as DECIMAL(20,0): it does not fit 64 bits with a sign
    for family, kind in _KINDS:
        if isinstance(dtype, family):
            return kind
    return ColumnKind.OTHER


def source_of(table: Any, readings: Sequence[tuple[str, Reading]]) -> Any:
    """Return an Ibis expression that gives columns of a table under safe names.

    Args:
        table: An Ibis table.
        readings: For each column, its name in the statement and how it is read.
    """
    return table.select(**{name: _crossing(table[r.column.name], r) for name, r in readings})


def split(table: Any, reading: Reading, value: str) -> tuple[Any, Any]:
    """Return a table's rows before a value of a column, and those from it on.

    The value becomes one of the column's type, not the column text: an index can be used.
    """
    column, bound = table[reading.column.name], ibis.literal(value)
    if reading.crosses_as == "text" and not reading.column.kind.is_nested:
        column = _function("voyant_text", reading.dtype)(column)
    else:
        bound = bound.cast(reading.dtype)
    return table.filter(column < bound), table.filter(column >= bound)


def fingerprint(table: Any, readings: Sequence[Reading], seed: int) -> Any:
    """Return a number for each row that its values and a seed decide, as if thrown by dice."""
    values = [_told(table[reading.column.name], reading) for reading in readings]
    return _function("voyant_fingerprint", _TEXT)(_joined([ibis.literal(f"{seed}|"), *values]))


def _told(value: Any, reading: Reading) -> Any:
    name = "voyant_hex" if reading.column.kind is ColumnKind.BLOB else "voyant_text"
    return _function(name, reading.dtype)(value).fill_null("~").concat("|")


def _joined(texts: Sequence[Any]) -> Any:
    """Join texts, half by half: a chain over a thousand columns is too deep for a parser."""
    if not texts[1:]:
        return texts[0]
    half = len(texts) // 2
    return _joined(texts[:half]).concat(_joined(texts[half:]))


def _crossing(value: Any, reading: Reading) -> Any:
    kind = reading.column.kind
    if kind is ColumnKind.INTEGER:
        return value if isinstance(reading.dtype, dt.Int64) else value.cast("int64")
    if kind is ColumnKind.FLOAT:
        return value if isinstance(reading.dtype, dt.Float64) else value.cast("float64")
    if isinstance(reading.dtype, dt.UInt64):
        return value.cast("decimal(20, 0)")
    if kind in {ColumnKind.BOOLEAN, ColumnKind.DECIMAL}:
        return value
    name = _CROSSING_FUNCTIONS.get(kind, "voyant_text")
    return _function(name, reading.dtype)(value)


@cache
def _function(name: str, dtype: Any) -> Any:
    """Return a function that each dialect says in its own words."""
    is_number = name in {"voyant_days", "voyant_micros", "voyant_fingerprint"}
    returns = dt.int64 if is_number else dt.string

    def placeholder(value: Any) -> Any: ...

    return ibis.udf.scalar.builtin(placeholder, name=name, signature=((dtype,), returns))


_TEXT: Final[Any] = dt.string
_SECONDS_A_DAY: Final = 86_400
_CROSSING_FUNCTIONS: Final = {
    ColumnKind.DATE: "voyant_days",
    ColumnKind.TIMESTAMP: "voyant_micros",
    ColumnKind.BLOB: "voyant_hex",
}
#: What crosses, DuckDB's type, and the number line.
_PLAIN: Final = {
    ColumnKind.BOOLEAN: ("truth", "BOOLEAN", ""),
    ColumnKind.INTEGER: ("whole", "BIGINT", "{v}"),
    ColumnKind.FLOAT: ("double", "DOUBLE", "VOYANT_FINITE({v})"),
}
_LOCAL_TYPES: Final = {
    ColumnKind.TIME: "TIME",
    ColumnKind.INTERVAL: "INTERVAL",
    ColumnKind.UUID: "UUID",
}
_KINDS: Final = (
    (dt.Boolean, ColumnKind.BOOLEAN),
    (dt.Integer, ColumnKind.INTEGER),
    (dt.Floating, ColumnKind.FLOAT),
    (dt.Decimal, ColumnKind.DECIMAL),
    (dt.String, ColumnKind.TEXT),
    (dt.JSON, ColumnKind.TEXT),
    (dt.Date, ColumnKind.DATE),
    (dt.Time, ColumnKind.TIME),
    (dt.Timestamp, ColumnKind.TIMESTAMP),
    (dt.Interval, ColumnKind.INTERVAL),
    (dt.UUID, ColumnKind.UUID),
    (dt.Binary, ColumnKind.BLOB),
    (dt.Array, ColumnKind.LIST),
    (dt.Struct, ColumnKind.STRUCT),
    (dt.Map, ColumnKind.MAP),
)
