"""Which tables and views does a DuckDB file hold, which work, and how large are they?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voyant.engines.ingest import database_alias, first_line, quote_name
from voyant.engines.recipe import quote_literal

if TYPE_CHECKING:
    import duckdb

__all__ = ["StoredTable", "stored_tables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable:
    """A table or view.

    Attributes:
        schema: Where it is.
        name: What it is called.
        problem: What is wrong with a broken view, empty for what works.
        size_bytes: The blocks that a table takes; None for a view, and where nobody asked.
    """

    schema: str
    name: str
    problem: str = ""
    size_bytes: int | None = None


def stored_tables(path: Path, *, has_sizes: bool = False) -> list[StoredTable]:
    """List a DuckDB file's tables and views, those of the main schema first.

    Args:
        path: The file.
        has_sizes: Whether to ask for sizes, which reads the account of every column's blocks.
    """
    import duckdb  # noqa: PLC0415 - it costs 150 ms

    found: list[StoredTable] = []
    with duckdb.connect() as probe:
        name = database_alias(path)
        alias = quote_name(name)
        probe.execute(f"ATTACH {quote_literal(str(path))} AS {alias} (READ_ONLY)")
        rows: list[tuple[str, str, str]] = probe.execute(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables "
            "WHERE table_catalog NOT IN ('memory', 'system', 'temp') "
            "ORDER BY table_schema <> 'main', table_schema, table_name"
        ).fetchall()
        for schema, table, kind in rows:
            whole = f"{alias}.{quote_name(schema)}.{quote_name(table)}"
            problem, size = "", None
            if kind == "VIEW":
                try:
                    probe.execute(f"DESCRIBE {whole}")
                except duckdb.Error as error:
                    problem = first_line(error)
            elif has_sizes:
                size = _size(probe, name, whole)
            found.append(StoredTable(schema=schema, name=table, problem=problem, size_bytes=size))
    return found


def _size(probe: duckdb.DuckDBPyConnection, database: str, table: str) -> int:
    """Return the bytes of the blocks a table takes, by the file's own account."""
    row = probe.execute(
        "WITH blocks AS (SELECT DISTINCT unnest(list_append(additional_block_ids, block_id)) AS b "
        f"FROM pragma_storage_info({quote_literal(table)})) "
        "SELECT count(*) * (SELECT block_size FROM pragma_database_size() "
        f"WHERE database_name = {quote_literal(database)}) FROM blocks WHERE b >= 0"
    ).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
