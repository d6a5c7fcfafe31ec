"""How do Trino, Snowflake, BigQuery, ClickHouse and MySQL run a user's query, through Ibis?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any, Final

from voyant.core.errors import QueryError
from voyant.core.tables import QueryColumn, Scalar
from voyant.engines.dialects.cells import plain_cell
from voyant.engines.dialects.running import Answer

__all__ = ["RawSqlSession"]

# In this order: a bool is an int, and a datetime is a date.
_NAMES: Final = (
    (bool, "boolean"),
    (int, "bigint"),
    (float, "double"),
    (Decimal, "decimal"),
    (str, "varchar"),
    (dt.datetime, "timestamp"),
    (dt.date, "date"),
    (dt.time, "time"),
    (bytes, "binary"),
)


class RawSqlSession:
    """An Ibis connection of its own; what the engine itself limits is set by who opens it."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        """Open the connection.

        Args:
            connect: Returns an Ibis backend that nobody else uses.

        Raises:
            QueryError: The engine does not let us in.
        """
        try:
            self._backend = connect()
        except Exception as error:
            raise QueryError(
                f"The engine could not be opened for queries: {_said(error)}"
            ) from error
        self._running: Any = None

    def run(self, sql: str, *, max_rows: int) -> Answer:
        """Run a checked query, whose own LIMIT keeps the rows few."""
        try:
            self._running = result = self._backend.raw_sql(sql)
            columns, rows = _taken_apart(result, max_rows)
        except Exception as error:  # each engine's driver has errors of its own
            raise QueryError(
                f"{self._backend.name} could not run the query: {_said(error)}"
            ) from error
        finally:
            self._running = None
        return Answer(columns=columns, rows=rows)

    def cancel(self) -> None:
        """Ask the driver to stop, where it can: `cancel` of cursors and jobs."""
        cancel = getattr(self._running, "cancel", None)
        if cancel is not None:
            with suppress(Exception):
                cancel()

    def close(self) -> None:
        """Disconnect."""
        with suppress(Exception):
            self._backend.disconnect()


def _taken_apart(
    result: Any, max_rows: int
) -> tuple[tuple[QueryColumn, ...], Generator[tuple[Scalar, ...]]]:
    """Read columns and rows from whatever a driver calls a result."""
    if hasattr(result, "result_rows"):  # clickhouse-connect
        types = [getattr(kind, "name", str(kind)) for kind in result.column_types]
        return _columns(result.column_names, types), _cells(result.result_rows[:max_rows])
    if hasattr(result, "schema"):  # BigQuery's row iterator
        names = [column.name for column in result.schema]
        types = [column.field_type for column in result.schema]
        return _columns(names, types), _cells([tuple(row.values()) for row in result])
    with closing(result):  # a DB-API cursor
        names = [column[0] for column in result.description]
        rows = result.fetchmany(max_rows)
        types = [
            _type_name(column[1], [row[i] for row in rows])
            for i, column in enumerate(result.description)
        ]
        return _columns(names, types), _cells(rows)


def _columns(names: Sequence[str], types: Sequence[str]) -> tuple[QueryColumn, ...]:
    return tuple(QueryColumn(name=name, type=kind) for name, kind in zip(names, types, strict=True))


def _type_name(code: Any, values: Sequence[Any]) -> str:
    """Return a driver's name of a type; where it has but a number, that of the first value."""
    name = getattr(code, "name", code)
    if isinstance(name, str):
        return name
    known = next((value for value in values if value is not None), None)
    return next((name for kind, name in _NAMES if isinstance(known, kind)), "unknown")


def _cells(rows: Sequence[Sequence[Any]]) -> Generator[tuple[Scalar, ...]]:
    for row in rows:
        yield tuple(map(plain_cell, row))


def _said(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:500]
