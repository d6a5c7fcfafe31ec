"""Is this the name of a numeric or of a temporal type, whichever engine spelled it?"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_number_type", "is_time_type"]

_NUMBER: Final = re.compile(
    r"(nullable\()?"
    r"(u?(tiny|small|medium|big|huge|byte)?int(eger)?\d*|byte|short|long|varint|bignum"
    r"|decimal\d*|dec|numeric|number|bignumeric|bigdecimal|fixed"
    r"|float\d*|double( precision)?|real)"
    r"( ?\(\d+(, ?-?\d+)?\))?( unsigned)?\)?",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"(nullable\()?(date(32)?|datetime(64)?|timestamp(tz|ntz|ltz|_\w+)?)( ?\([^)]*\))?"
    r"( with(out)? (local )?time zone)?\)?",
    re.IGNORECASE,
)


def is_number_type(name: str) -> bool:
    """Tell whether values of a type are numbers.

    >>> [is_number_type(name) for name in ("DECIMAL(18,3)", "double precision", "Nullable(Int64)")]
    [True, True, True]
    >>> [is_number_type(name) for name in ("interval", "integer[]", "array<int>", "point")]
    [False, False, False, False]
    """
    return _NUMBER.fullmatch(name) is not None


def is_time_type(name: str) -> bool:
    """Tell whether values of a type are days or moments.

    >>> [is_time_type(name) for name in ("DATE", "timestamp(3) without time zone", "timestamp_ntz")]
    [True, True, True]
    >>> [is_time_type(name) for name in ("daterange", "time without time zone", "DATE[]")]
    [False, False, False]
    """
    return _TIME.fullmatch(name) is not None
