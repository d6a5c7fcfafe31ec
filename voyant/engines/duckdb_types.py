"""Which family does a DuckDB type belong to, and how are its values put on a number line?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from voyant.core.tables import Column, ColumnKind

__all__ = [
    "NumberLine",
    "column_kind",
    "described_columns",
    "exact_line",
    "is_told_by_text",
    "number_line",
]

_KINDS: Final = {
    "BOOLEAN": ColumnKind.BOOLEAN,
    **dict.fromkeys(
        (
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "HUGEINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
            "UHUGEINT",
            "BIGNUM",
        ),
        ColumnKind.INTEGER,
    ),
    "FLOAT": ColumnKind.FLOAT,
    "DOUBLE": ColumnKind.FLOAT,
    "VARCHAR": ColumnKind.TEXT,
    "JSON": ColumnKind.TEXT,
    "ENUM": ColumnKind.TEXT,
    "DATE": ColumnKind.DATE,
    "TIME": ColumnKind.TIME,
    "TIME_NS": ColumnKind.TIME,
    "TIME WITH TIME ZONE": ColumnKind.TIME,
    "TIMESTAMP": ColumnKind.TIMESTAMP,
    "TIMESTAMP_S": ColumnKind.TIMESTAMP,
    "TIMESTAMP_MS": ColumnKind.TIMESTAMP,
    "TIMESTAMP_NS": ColumnKind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": ColumnKind.TIMESTAMP,
    "TIMESTAMPTZ_NS": ColumnKind.TIMESTAMP,
    "INTERVAL": ColumnKind.INTERVAL,
    "UUID": ColumnKind.UUID,
    "BLOB": ColumnKind.BLOB,
    "STRUCT": ColumnKind.STRUCT,
    "MAP": ColumnKind.MAP,
    "DECIMAL": ColumnKind.DECIMAL,
}

_decimal_pattern = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_INT64_INTEGERS: Final = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
)
_LARGEST_INT64_DECIMAL: Final = 18
_LARGEST_EXACT: Final = 2**62
_SECONDS_A_DAY: Final = 86_400


def column_kind(type_name: str) -> ColumnKind:
    """Return the family of a DuckDB type.

    >>> column_kind("DECIMAL(15,2)").value, column_kind("INTEGER[]").value
    ('decimal', 'list')
    """
    if type_name.endswith("]"):
        return ColumnKind.LIST
    return _KINDS.get(type_name.split("(", 1)[0].strip(), ColumnKind.OTHER)


def described_columns(rows: Iterable[tuple[Any, ...]]) -> tuple[Column, ...]:
    """Return the columns that the rows of a DESCRIBE statement name."""
    return tuple(
        Column(
            name=name,
            type=kind,
            kind=column_kind(kind),
            has_time_zone=kind in {"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"},
        )
        for name, kind, *_ in rows
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """How a value `v` becomes a number `x` in SQL, and what one unit of `x` is worth.

    Attributes:
        expression: SQL for x: a BIGINT where `is_exact`, else a DOUBLE.
        is_exact: Whether sums of x are sums of whole numbers.
        unit: A value is `x * unit`; seconds since 1970 for dates.
        is_finite: SQL that is false for NaN and infinities; empty where there are none.
    """

    expression: str
    is_exact: bool
    unit: Fraction
    is_finite: str = ""


def number_line(type_name: str) -> NumberLine | None:
    """Return how values of a type become numbers, None if they do not.

    >>> number_line("DECIMAL(15,2)").expression
    '(v * 100)::BIGINT'
    """
    kind = column_kind(type_name)
    if kind is ColumnKind.DECIMAL:
        return _decimal_line(type_name)
    if kind is ColumnKind.INTEGER:
        return _INT64_LINE if type_name in _INT64_INTEGERS else _DOUBLE_LINE
    return _LINES.get(kind)


def _decimal_line(type_name: str) -> NumberLine:
    found = _decimal_pattern.fullmatch(type_name)
    if found is None or int(found[1]) > _LARGEST_INT64_DECIMAL:
        return _DOUBLE_LINE
    return _scaled_line(int(found[1]), int(found[2]))


def _scaled_line(width: int, scale: int) -> NumberLine:
    """Return the line of a decimal's digits; DuckDB multiplies in 64 bits unless told otherwise."""
    fits = width + scale < _LARGEST_INT64_DECIMAL
    value = "v" if fits else f"v::DECIMAL(38,{scale})"
    return NumberLine(
        expression=f"({value} * {10**scale})::BIGINT", is_exact=True, unit=Fraction(1, 10**scale)
    )


_INT64_LINE: Final = NumberLine(expression="v::BIGINT", is_exact=True, unit=Fraction(1))
_DOUBLE_LINE: Final = NumberLine(expression="v::DOUBLE", is_exact=False, unit=Fraction(1))
_LINES: Final = {
    ColumnKind.FLOAT: replace(_DOUBLE_LINE, is_finite="isfinite(v)"),
    ColumnKind.DATE: NumberLine(
        expression="(v - DATE '1970-01-01')::BIGINT",
        is_exact=True,
        unit=Fraction(_SECONDS_A_DAY),
        is_finite="isfinite(v)",
    ),
    ColumnKind.TIMESTAMP: NumberLine(
        expression="epoch_us(v)",
        is_exact=True,
        unit=Fraction(1, 1_000_000),
        is_finite="isfinite(v)",
    ),
}


def exact_line(type_name: str, low: str, high: str) -> NumberLine | None:
    """Return a line of whole numbers for a type wider than 64 bits, if these two ends fit it.

    Args:
        type_name: A wide integer or decimal type.
        low: The least value of a column, as DuckDB's text.
        high: The greatest.

    >>> exact_line("HUGEINT", "-5", "7").expression
    'v::BIGINT'
    >>> exact_line("DECIMAL(38,2)", "0.00", "99999999999999999.00") is None
    True
    """
    most = max(abs(Decimal(low)), abs(Decimal(high)))
    if column_kind(type_name) is ColumnKind.INTEGER and most < _LARGEST_EXACT:
        return _INT64_LINE
    found = _decimal_pattern.fullmatch(type_name)
    if found is None or int(found[2]) > _LARGEST_INT64_DECIMAL:
        return None
    scale = int(found[2])
    if most.scaleb(scale) >= 10**_LARGEST_INT64_DECIMAL:
        return None
    return _scaled_line(38, scale)


def is_told_by_text(column: Column) -> bool:
    """Say whether a column's values are hashed by their text; not all such can be hashed."""
    return column.kind.is_nested or column.kind is ColumnKind.OTHER
