"""What is the table of an uploaded file called, where nobody gives it another name?"""

from __future__ import annotations

from typing import Final

__all__ = ["table_name"]

_PACKED: Final = (".gz", ".zst")


def table_name(file: str) -> str:
    """Name the table of a file: its name without its endings.

    >>> [table_name(name) for name in ("orders.csv.gz", "a.b.parquet", "x")]
    ['orders', 'a.b', 'x']
    """
    stem = file
    for ending in _PACKED:
        stem = stem.removesuffix(ending)
    return stem.rpartition(".")[0] or stem
