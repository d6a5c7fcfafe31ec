"""How does a user's SQL run on another engine: checked, in time, and with few rows?"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from voyant.core.errors import EngineError, QueryMemoryError, QueryTimeoutError
from voyant.core.tables import QueryColumn, QueryResult, Scalar
from voyant.engines.dialects.check import checked_sql
from voyant.engines.dialects.tables import JobTable
from voyant.engines.sandbox import QueryLimits

__all__ = ["Answer", "GuardedQueries", "Session"]

# How long an engine may take to obey; it has its own clock, so this is rarely used up.
_GRACE_SECONDS: Final = 5.0
_CANCEL_AGAIN_SECONDS: Final = 0.5
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an engine says to one query: its columns, then its rows as they come."""

    columns: tuple[QueryColumn, ...]
    rows: Generator[tuple[Scalar, ...]]


class Session(Protocol):
    """A connection of its own for users' SQL, as restricted as the engine can make it."""

    def run(self, sql: str, *, max_rows: int) -> Answer:
        """Run SQL that has passed the check; at most `max_rows` rows are needed.

        Raises:
            QueryError: Or one of its kinds; no error of the driver leaves.
        """
        ...

    def cancel(self) -> None:
        """Stop what runs, from another thread; safe when nothing does."""
        ...

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        ...


@dataclass(slots=True)
class _Run:
    """One query in its thread."""

    result: tuple[tuple[QueryColumn, ...], tuple[tuple[Scalar, ...], ...], bool] | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class GuardedQueries:
    """Check each query, run it on a session of its own, and keep the time.

    Cells arrive as `sandbox.Sandbox` says; column types are the engine's own names.
    """

    def __init__(
        self,
        open_session: Callable[[], Session],
        *,
        dialect: str,
        tables: Callable[[], Collection[JobTable]],
        limits: QueryLimits,
    ) -> None:
        """Prepare; nothing is opened before the first query.

        Args:
            open_session: Opens a fresh, restricted connection; called again after a time-out.
            dialect: One of `check.DIALECTS`.
            tables: Says which tables queries may read; asked once.
            limits: What each query may use, as far as the engine can be told.
        """
        self._open_session = open_session
        self._dialect = dialect
        self._list_tables = tables
        self._limits = limits
        self._tables: Collection[JobTable] | None = None
        self._session: Session | None = None
        self._lock = threading.RLock()
        self._running: _Run | None = None

    def __enter__(self) -> Self:
        """Return itself; the session opens with the first query."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def query(self, sql: str) -> QueryResult:
        """Check a query and run it within the limits.

        Raises:
            UnsafeQueryError: It was refused before it ran.
            QueryTimeoutError: It was stopped at the deadline.
            QueryMemoryError: The engine ran out of the memory or disk the query may use, or one
                row is too large.
            QueryError: The engine could not run it.
        """
        with self._lock:
            if self._tables is None:
                self._tables = tuple(self._list_tables())
            limit = self._limits.max_rows + 1
            text = checked_sql(sql, dialect=self._dialect, tables=self._tables, max_rows=limit)
            if self._session is None:
                self._session = self._open_session()
            began = time.monotonic()
            columns, rows, truncated = self._wait(self._session, text, began)
            duration_ms = (time.monotonic() - began) * 1000
        return QueryResult(columns=columns, rows=rows, truncated=truncated, duration_ms=duration_ms)

    def interrupt(self) -> None:
        """Stop the query that runs, from another thread; the next one gets a fresh session."""
        session, running = self._session, self._running
        if session is not None and running is not None:
            session.cancel()

    def close(self) -> None:
        """Close the session, if there is one; safe to call twice."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _wait(
        self, session: Session, sql: str, began: float
    ) -> tuple[tuple[QueryColumn, ...], tuple[tuple[Scalar, ...], ...], bool]:
        """Run in a thread, so that a driver that does not answer cannot hold this one."""
        run = self._running = _Run()
        thread = threading.Thread(target=self._run, args=(session, sql, run), daemon=True)
        thread.start()
        try:
            if not run.done.wait(began + self._limits.timeout_seconds - time.monotonic()):
                _stop(session, run)
                self._drop(session, is_idle=run.done.is_set())
                raise self._too_late()
        except KeyboardInterrupt:
            session.cancel()
            self._drop(session, is_idle=False)
            raise
        finally:
            self._running = None
        if run.error is not None:
            if not isinstance(run.error, EngineError):
                self._drop(session, is_idle=True)
            raise run.error
        assert run.result is not None  # noqa: S101 - the thread left one or the other
        return run.result

    def _run(self, session: Session, sql: str, run: _Run) -> None:
        try:
            answer = session.run(sql, max_rows=self._limits.max_rows + 1)
            with closing(answer.rows) as cells:
                rows, truncated = self._collect(cells)
            run.result = answer.columns, rows, truncated
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            run.error = error
        finally:
            run.done.set()

    def _collect(
        self, cells: Iterator[tuple[Scalar, ...]]
    ) -> tuple[tuple[tuple[Scalar, ...], ...], bool]:
        """Take rows up to both bounds, and tell whether there were more."""
        rows: list[tuple[Scalar, ...]] = []
        size = 0
        for row in cells:
            if len(rows) == self._limits.max_rows:
                return tuple(rows), True
            size += len(json.dumps(row))
            if size > self._limits.max_result_bytes:
                if not rows:
                    raise QueryMemoryError(
                        f"One row of the result is larger than "
                        f"{self._limits.max_result_bytes / _MIB:g} MiB.",
                        remedy="Select less text, or aggregate it.",
                    )
                return tuple(rows), True
            rows.append(row)
        return tuple(rows), False

    def _drop(self, session: Session, *, is_idle: bool) -> None:
        """Give the session up; one that still works is closed by whoever it answers to."""
        self._session = None
        if is_idle:
            with suppress(Exception):
                session.close()

    def _too_late(self) -> QueryTimeoutError:
        return QueryTimeoutError(
            f"The query was stopped at its time limit of {self._limits.timeout_seconds:g} s.",
            remedy="Make it do less, or raise the limit.",
        )


def _stop(session: Session, run: _Run) -> None:
    """Cancel until it is over: what was about to begin when the first call came begins after it."""
    until = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < until:
        session.cancel()
        if run.done.wait(_CANCEL_AGAIN_SECONDS):
            return
