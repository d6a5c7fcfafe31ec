"""What would Spark read for a plan, as its own statistics have it?"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["plan_bytes"]

#: A line of `EXPLAIN COST` about something that is read: a table, files, a cached table.
_READ: Final = re.compile(r"Relation.*Statistics\(sizeInBytes=([\d.E+]+) (\w+)")
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
#: What Spark says of a size it does not know is 8 EiB.
_UNKNOWN: Final = 2.0**62


def plan_bytes(explained: str) -> int | None:
    """Return the bytes that a plan reads; None where any part of it is unknown.

    Args:
        explained: The answer to `EXPLAIN COST`.

    >>> plan_bytes("Relation [a#1] parquet, Statistics(sizeInBytes=18.5 KiB)")
    18944
    >>> plan_bytes("Relation [a#1] jdbc, Statistics(sizeInBytes=8.0 EiB)")
    >>> plan_bytes("Range (0, 10, step=1), Statistics(sizeInBytes=80.0 B)")
    """
    sizes = [
        float(number) * 1024 ** _UNITS.index(unit)
        for number, unit in _READ.findall(explained.partition("== Physical Plan ==")[0])
        if unit in _UNITS
    ]
    return round(sum(sizes)) if sizes and max(sizes) < _UNKNOWN else None
