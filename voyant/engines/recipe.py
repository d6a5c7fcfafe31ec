"""How are a job's tables opened, in this process or in the one that runs users' SQL?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import duckdb

__all__ = ["ConnectionRecipe", "add_connection", "open_connection", "quote_literal"]

# Spilling is allowed up to this many times the memory limit, so that a query cannot fill the disk.
_SPILL_FACTOR = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRecipe:
    """Everything needed to open a job's tables, as plain text that can cross to another process.

    Attributes:
        statements: SQL run in order before the connection is locked: `ATTACH '...' AS x
            (READ_ONLY)`, `CREATE TEMP VIEW "orders" AS SELECT * FROM read_parquet([...])`. They are
            trusted: never build one from a user's query.
        allowed_paths: Absolute paths of the files the views read.
        allowed_directories: Absolute paths of the folders the views read as a whole.
        tables: Names that users' queries may read: views or tables in the main or temp schema.
    """

    statements: tuple[str, ...] = ()
    allowed_paths: tuple[str, ...] = ()
    allowed_directories: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the recipe as a JSON object; `from_json` gives it back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ConnectionRecipe:
        """Return the recipe that `to_json` wrote.

        >>> recipe = ConnectionRecipe(statements=("SELECT 1",), tables=("orders",))
        >>> ConnectionRecipe.from_json(recipe.to_json()) == recipe
        True
        """
        fields: dict[str, list[str]] = json.loads(text)
        return cls(**{name: tuple(values) for name, values in fields.items()})


def quote_literal(text: str) -> str:
    """Return a SQL string literal.

    >>> quote_literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def open_connection(
    recipe: ConnectionRecipe,
    *,
    threads: int | None = None,
    memory_limit_bytes: int | None = None,
    temp_directory: str | Path | None = None,
    lock: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB and run the recipe's statements in it.

    Extensions are never installed or loaded on demand, Python variables are never read as tables,
    and times are shown in UTC, so that the same input gives the same text on every machine.

    Args:
        recipe: What to open.
        threads: Worker threads; DuckDB's default is one for each core.
        memory_limit_bytes: DuckDB's own memory limit, which not all of its functions obey.
        temp_directory: Where large operators may spill. Without one a locked connection does not
            spill at all.
        lock: After the statements, allow no file but the recipe's own, and no setting to change.
            A locked connection can still overwrite `allowed_paths` with `COPY ... TO`, so whoever
            runs a stranger's SQL on it checks the SQL and makes the files unwritable as well.

    Returns:
        A connection that the caller closes.
    """
    import duckdb  # noqa: PLC0415 - the recipe itself must not cost the 150 ms of this import

    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    if threads is not None:
        config["threads"] = threads
    if memory_limit_bytes is not None:
        config["memory_limit"] = f"{memory_limit_bytes}B"
    if temp_directory is not None:
        config["temp_directory"] = str(temp_directory)
    elif lock:
        config["temp_directory"] = ""
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in recipe.statements:
            connection.execute(statement)
        if lock:
            _lock(connection, recipe, memory_limit_bytes)
    except BaseException:
        connection.close()
        raise
    return connection


def add_connection(
    connection: duckdb.DuckDBPyConnection, statements: Sequence[str]
) -> duckdb.DuckDBPyConnection:
    """Return another connection to a database, for a second thread, with the same views in sight.

    Args:
        connection: From `open_connection`.
        statements: Those it was opened with; attached files are shared, views are not.
    """
    another = connection.cursor()
    try:
        another.execute("SET TimeZone = 'UTC'")
        for statement in statements:
            if not statement.startswith("ATTACH "):
                another.execute(statement)
    except BaseException:
        another.close()
        raise
    return another


def _lock(
    connection: duckdb.DuckDBPyConnection,
    recipe: ConnectionRecipe,
    memory_limit_bytes: int | None,
) -> None:
    """Allow the recipe's files only, then forbid every further change of a setting."""
    if memory_limit_bytes is not None:
        spill = memory_limit_bytes * _SPILL_FACTOR
        connection.execute(f"SET max_temp_directory_size = '{spill}B'")
    # Both lists can be set only while external access is still on.
    connection.execute(f"SET allowed_paths = {_quote_list(recipe.allowed_paths)}")
    connection.execute(f"SET allowed_directories = {_quote_list(recipe.allowed_directories)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _quote_list(values: Iterable[str]) -> str:
    return "[" + ", ".join(quote_literal(value) for value in values) + "]"
