"""What does a cell of another engine become once it has left it?"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

from voyant.core.tables import Scalar

__all__ = ["decimal_cell", "float_cell", "plain_cell", "time_text"]


def float_cell(value: float) -> Scalar:
    """Return a finite float as it is; NaN and infinities by name.

    >>> float_cell(0.5), float_cell(float("-inf"))
    (0.5, '-Infinity')
    """
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def decimal_cell(value: Decimal) -> Scalar:
    """Return a float if its shortest spelling is the same number, else text with all the digits.

    >>> decimal_cell(Decimal("1.50")), decimal_cell(Decimal("12345678901234567890.123"))
    (1.5, '12345678901234567890.123')
    """
    number = float(value)
    if not math.isfinite(number):
        return float_cell(number) if not value.is_finite() else str(value)
    return number if Decimal(repr(number)) == value else str(value)


def time_text(text: str) -> str:
    """Write a timestamp as ISO 8601 does.

    >>> time_text("2024-01-01 10:00:00+00"), time_text("infinity")
    ('2024-01-01T10:00:00+00', 'infinity')
    """
    return text if text.endswith("BC") else text.replace(" ", "T", 1)


def plain_cell(value: Any) -> Scalar:  # noqa: PLR0911 - one for each kind of value
    """Return whatever a Python driver hands over as JSON can hold it.

    >>> plain_cell(Decimal("0.1")), plain_cell(b"abc"), plain_cell(dt.date(2024, 2, 29))
    (0.1, '<3 bytes>', '2024-02-29')
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return float_cell(value)
        case Decimal():
            return decimal_cell(value)
        case bytes() | bytearray():
            return f"<{len(value)} bytes>"
        case memoryview():
            return f"<{value.nbytes} bytes>"
        case dt.datetime():
            utc = value if value.tzinfo is None else value.astimezone(dt.UTC)
            return _short(utc.isoformat()).replace("+00:00", "+00")
        case dt.date():
            return value.isoformat()
        case dt.time():
            return _short(value.isoformat())
        case _:
            return str(value)


def _short(text: str) -> str:
    """Leave out the zeros at the end of a fraction of a second."""
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    digits = rest[:6].rstrip("0")
    return f"{head}.{digits}{rest[6:]}" if digits else head + rest[6:]
