"""Would a full scan of a table read more than the operator allows?"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from voyant.core.errors import SourceError
from voyant.core.selection import selection_of

__all__ = ["ScanCosts", "refuse_costly", "too_costly"]

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_STEP = 1_000


@runtime_checkable
class ScanCosts(Protocol):
    """An engine that can tell what a full scan reads, without scanning."""

    def tables(self) -> tuple[str, ...]:
        """List the job's tables."""
        ...

    def scan_bytes(self, table: str) -> int | None:
        """Return the bytes that a full scan of the whole table reads, None where unknown."""
        ...


def refuse_costly(engine: object, limit: int | None) -> None:
    """Refuse an engine's tables that are too large to scan, those apart of which rows are selected.

    Args:
        engine: Asked where it can tell.
        limit: Bytes; None allows everything.

    Raises:
        SourceError: Names the table, its size and what to do.
    """
    if limit is None or not isinstance(engine, ScanCosts):
        return
    for table in engine.tables():
        size = engine.scan_bytes(table)
        if size is not None and size > limit and selection_of(engine, table) is None:
            raise too_costly(table, size, limit)


def too_costly(table: str, size: int, limit: int) -> SourceError:
    """Return the error about a table that is too large."""
    sizes = f"{_shown(size)}, and max_scan_bytes allows {_shown(limit)}"
    return SourceError(
        f"A full scan of {table!r} reads {sizes}.",
        remedy=f"Select some of its rows ([select.{table}] with where, last or sample; --where, "
        "--sample), or raise max_scan_bytes.",
    )


def _shown(size: int) -> str:
    """Write a size so that two that differ do not look the same.

    >>> _shown(999), _shown(2_546_773_083)
    ('999 bytes', '2.547 GB')
    """
    number, unit = float(size), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    return f"{number:.4g} {_UNITS[unit]}"
