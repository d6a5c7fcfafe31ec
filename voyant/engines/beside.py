"""How are tables measured before they are asked for, while something else leaves a core idle?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from voyant.core.tables import TableSummary

if TYPE_CHECKING:
    import duckdb

__all__ = ["Beside"]

_TICK_SECONDS = 0.02

_logger = logging.getLogger("voyant.engines.beside")


class Beside:
    """Measures tables one after the other, in a thread and on a connection of its own.

    What goes wrong there is forgotten: whoever asks for the table has it measured again, and meets
    the same error.
    """

    def __init__(
        self,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        summarize: Callable[[duckdb.DuckDBPyConnection, str], TableSummary | None],
    ) -> None:
        """Prepare; the thread and its connection are made with the first table."""
        self._connect, self._summarize = connect, summarize
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[str, Future[TableSummary | None]] = {}

    def has(self, table: str) -> bool:
        """Tell whether a table was begun and not taken yet."""
        return table in self._begun

    def begin(self, table: str) -> None:
        """Measure a table after those begun before; called by one thread at a time."""
        try:
            if self._connection is None or self._pool is None:
                self._connection = self._connect()
                self._pool = ThreadPoolExecutor(1, "voyant-beside")
            self._begun[table] = self._pool.submit(self._summarize, self._connection, table)
        except Exception:  # no connection: whoever asks for the table finds out
            _logger.debug("Nothing can be measured beside", exc_info=True)

    def take(self, table: str) -> TableSummary | None:
        """Return what was measured, once; None where it was not begun, not done, or went wrong."""
        begun = self._begun.get(table)
        if begun is None:
            return None
        if begun.cancel():  # its turn had not come: whoever asks can measure it at once
            del self._begun[table]
            return None
        if not begun.done():
            import duckdb  # noqa: PLC0415 - loaded: a table is being measured

            error = begun.exception()
            if isinstance(error, duckdb.InterruptException):
                raise error  # somebody wants to stop who asked
        del self._begun[table]  # until now, `close` knows that it runs
        return None if begun.exception() is not None else begun.result()

    def interrupt(self) -> None:
        """End the statement that runs."""
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def close(self) -> None:
        """End the thread and its connection; safe to call twice."""
        if self._connection is None or self._pool is None:
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        for begun in list(self._begun.values()):
            while not begun.done():
                self._connection.interrupt()  # ends one statement; the next meets it again
                with suppress(TimeoutError):
                    begun.exception(_TICK_SECONDS)
        self._connection.close()
        self._begun.clear()
        self._connection = self._pool = None
