"""Which family does a DuckDB type belong to, and how are its values put on a number line?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from voyant.core.tables import ColumnKind

__all__ = ["NumberLine", "column_kind", "number_line"]

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
_SECONDS_A_DAY: Final = 86_400


def column_kind(type_name: str) -> ColumnKind:
    """Return the family of a DuckDB type.

    >>> column_kind("DECIMAL(15,2)").value, column_kind("INTEGER[]").value
    ('decimal', 'list')
    """
    if type_name.endswith("]"):
        return ColumnKind.LIST
    return _KINDS.get(type_name.split("(", 1)[0].strip(), ColumnKind.OTHER)


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
    if kind is ColumnKind.INTEGER:
        if type_name in _INT64_INTEGERS:
            return NumberLine(expression="v::BIGINT", is_exact=True, unit=Fraction(1))
        return NumberLine(expression="v::DOUBLE", is_exact=False, unit=Fraction(1))
    if kind is ColumnKind.DECIMAL:
        found = _decimal_pattern.fullmatch(type_name)
        if found is not None and int(found[1]) <= _LARGEST_INT64_DECIMAL:
            factor = 10 ** int(found[2])
            return NumberLine(
                expression=f"(v * {factor})::BIGINT", is_exact=True, unit=Fraction(1, factor)
            )
        return NumberLine(expression="v::DOUBLE", is_exact=False, unit=Fraction(1))
    if kind is ColumnKind.FLOAT:
        return NumberLine(
            expression="v::DOUBLE", is_exact=False, unit=Fraction(1), is_finite="isfinite(v)"
        )
    if kind is ColumnKind.DATE:
        return NumberLine(
            expression="(v - DATE '1970-01-01')::BIGINT",
            is_exact=True,
            unit=Fraction(_SECONDS_A_DAY),
            is_finite="isfinite(v)",
        )
    if kind is ColumnKind.TIMESTAMP:
        return NumberLine(
            expression="epoch_us(v)",
            is_exact=True,
            unit=Fraction(1, 1_000_000),
            is_finite="isfinite(v)",
        )
    return None
