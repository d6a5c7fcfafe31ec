"""Which tables do generators get wrong? Thirteen of them, in one DuckDB file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

__all__ = ["AWKWARD_TABLES", "HOSTILE_TABLE", "HOSTILE_TAG", "write_awkward_database"]

#: An element that only a page which forgot to escape can hold: see `awkward.sql`.
HOSTILE_TAG: Final = "voyant-hostile"
HOSTILE_TABLE: Final = f'say "hi" <{HOSTILE_TAG}>; DROP TABLE x; --'

#: Their names, as `awkward.sql` makes and explains them.
AWKWARD_TABLES: Final = (
    "empty",
    "one_row",
    "all_null",
    "constant",
    "not_finite",
    "wide",
    HOSTILE_TABLE,
    "decimals",
    "times",
    "nested",
    "blobs",
    "duplicates",
    "orders",
)


def write_awkward_database(path: str | Path, *, with_tables: bool = True) -> Path:
    """Write the awkward tables into a new DuckDB file and return its path.

    Args:
        path: Where; its folder exists, the file does not.
        with_tables: Whether to write them at all; a database without tables is awkward too.
    """
    import duckdb  # noqa: PLC0415 - only whoever asks for tables pays for it

    script = files("voyant.testing").joinpath("awkward.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(path)) as connection:
        if with_tables:
            connection.execute(script)
    return Path(path)
