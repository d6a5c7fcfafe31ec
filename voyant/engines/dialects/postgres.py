"""How does PostgreSQL run a user's query: read-only, in time, and within its own limits?"""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from voyant.core.errors import QueryError, QueryMemoryError, QueryTimeoutError
from voyant.core.tables import QueryColumn, Scalar
from voyant.engines.dialects.cells import decimal_cell, float_cell, time_text
from voyant.engines.dialects.running import Answer
from voyant.engines.sandbox import QueryLimits

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresSession"]

_log = logging.getLogger("voyant.engines.dialects.postgres")

_KIB: Final = 1024
# Spilling is allowed up to this many times the memory limit, as in the sandbox for DuckDB.
_SPILL_FACTOR: Final = 8
# Operators of one query that may each use `work_mem`; a guess, since no setting bounds their sum.
_OPERATORS: Final = 8
# Rows asked for at once: few at first, because nobody knows how long they are.
_FIRST_ROWS: Final = 10
_BATCH_ROWS: Final = 500

_TIMED_OUT: Final = frozenset({"57014"})  # query_canceled: statement_timeout, or our own cancel
_EXHAUSTED: Final = frozenset({"53000", "53100", "53200", "53400", "54000"})
_ROLE: Final = """
    SELECT rolname, rolsuper, pg_has_role(rolname, 'pg_write_all_data', 'MEMBER')
        OR pg_has_role(rolname, 'pg_read_server_files', 'MEMBER')
        OR pg_has_role(rolname, 'pg_execute_server_program', 'MEMBER')
    FROM pg_roles WHERE rolname = current_user
"""
_INTEGERS: Final = frozenset({20, 21, 23, 26})
_FLOATS: Final = frozenset({700, 701})
_TIMESTAMPS: Final = frozenset({1114, 1184})
_BOOLEAN, _BYTES, _NUMERIC = 16, 17, 1700


class PostgresSession:
    """One connection for users' SQL; every query is a read-only transaction that is rolled back."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        limits: QueryLimits,
        *,
        snapshot: str | None = None,
    ) -> None:
        """Open a connection and take away what queries do not need.

        Args:
            connect: Opens a new connection, best of a role that can only read.
            limits: `timeout_seconds`, `memory_limit_bytes` and `threads` are told to the server.
            snapshot: What another transaction exported, so that queries see what it sees.

        Raises:
            QueryError: The server does not let us in.
        """
        import psycopg  # noqa: PLC0415 - an extra

        self._errors = psycopg.Error
        self._snapshot = snapshot
        try:
            self._connection = connect()
            self._connection.autocommit = True
            self._restrict(limits)
        except psycopg.Error as error:
            raise QueryError(
                f"PostgreSQL could not be opened for queries: {_first_line(error)}"
            ) from error

    def run(self, sql: str, *, max_rows: int) -> Answer:
        """Run a checked query through a cursor, so that rows nobody reads are not made."""
        try:
            columns, rows = self._run(sql, max_rows)
        except self._errors as error:
            self._roll_back()
            raise _translated(error) from error
        return Answer(columns=columns, rows=rows)

    def cancel(self) -> None:
        """Ask the server to stop, over a connection of its own."""
        with suppress(self._errors, OSError):
            self._connection.cancel_safe(timeout=2.0)

    def close(self) -> None:
        """Close the connection."""
        with suppress(self._errors):
            self._connection.close()

    def _restrict(self, limits: QueryLimits) -> None:
        milliseconds = max(1, int(limits.timeout_seconds * 1000))
        work_mem = max(64, limits.memory_limit_bytes // _OPERATORS // _KIB)
        settings = {
            "default_transaction_read_only": "on",
            # Nothing is found by a short name but what PostgreSQL itself brings.
            "search_path": "pg_catalog, pg_temp",
            "statement_timeout": f"{milliseconds}ms",
            "lock_timeout": f"{min(milliseconds, 10_000)}ms",
            "idle_in_transaction_session_timeout": f"{milliseconds + 60_000}ms",
            "work_mem": f"{work_mem}kB",
            "max_parallel_workers_per_gather": str(limits.threads - 1),
            "cursor_tuple_fraction": "1",
            "standard_conforming_strings": "on",
            "client_encoding": "UTF8",
            "TimeZone": "UTC",
            "DateStyle": "ISO, YMD",
            "IntervalStyle": "postgres",
            "bytea_output": "hex",
            "extra_float_digits": "1",
            "application_name": "voyant queries",
        }
        for name, value in settings.items():
            self._connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        spill = f"{limits.memory_limit_bytes * _SPILL_FACTOR // _KIB}kB"
        with suppress(self._errors):  # a superuser's setting, unless SET was granted
            self._connection.execute("SELECT set_config('temp_file_limit', %s, false)", (spill,))
        row = self._connection.execute(_ROLE).fetchone()
        if row is not None and (row[1] or row[2]):
            _log.warning(
                "the role %r may do more than read: use one that cannot "
                "(docs/how-to/read-only-role.md); the query check and read-only transactions "
                "still hold",
                row[0],
            )

    def _run(
        self, sql: str, max_rows: int
    ) -> tuple[tuple[QueryColumn, ...], Generator[tuple[Scalar, ...]]]:
        from psycopg import sql as composing  # noqa: PLC0415 - an extra

        connection = self._connection
        connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if self._snapshot is not None:
            connection.execute(
                composing.SQL("SET TRANSACTION SNAPSHOT {}").format(
                    composing.Literal(self._snapshot)
                )
            )
        # `binary` makes psycopg use the extended protocol, in which there is no second statement.
        declare = f"DECLARE voyant NO SCROLL CURSOR WITHOUT HOLD FOR {sql}"
        connection.cursor(binary=True).execute(declare.encode())
        first = self._fetch(min(_FIRST_ROWS, max_rows))
        oids = [first.ftype(i) for i in range(first.nfields)]
        names = [(first.fname(i) or b"").decode() for i in range(first.nfields)]
        modifiers = [first.fmod(i) for i in range(first.nfields)]
        types = connection.execute(
            "SELECT format_type(t, m) FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY u(t, m, i) "
            "ORDER BY i",
            (oids, modifiers),
        ).fetchall()
        columns = tuple(
            QueryColumn(name=name, type=str(row[0])) for name, row in zip(names, types, strict=True)
        )
        return columns, self._rows(first, oids, max_rows)

    def _rows(self, page: Any, oids: list[int], max_rows: int) -> Generator[tuple[Scalar, ...]]:
        """Yield rows, and end the transaction after the last one that is wanted."""
        try:
            asked, seen = min(_FIRST_ROWS, max_rows), 0
            while page.ntuples:
                for i in range(page.ntuples):
                    yield tuple(_cell(page.get_value(i, j), oid) for j, oid in enumerate(oids))
                seen += page.ntuples
                if page.ntuples < asked or seen >= max_rows:
                    break
                asked = min(_BATCH_ROWS, max_rows - seen)
                page = self._fetch(asked)
        except self._errors as error:
            raise _translated(error) from error
        finally:
            self._roll_back()

    def _fetch(self, count: int) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(f"FETCH FORWARD {count} FROM voyant".encode())
        return cursor.pgresult

    def _roll_back(self) -> None:
        with suppress(self._errors):
            self._connection.execute("ROLLBACK")


def _cell(raw: bytes | None, oid: int) -> Scalar:  # noqa: PLR0911 - one for each kind of type
    if raw is None:
        return None
    text = raw.decode()
    if oid in _INTEGERS:
        return int(text)
    if oid in _FLOATS:
        return float_cell(float(text))
    if oid == _NUMERIC:
        return decimal_cell(Decimal(text))
    if oid == _BOOLEAN:
        return text == "t"
    if oid == _BYTES:
        return f"<{(len(text) - 2) // 2} bytes>"
    return time_text(text) if oid in _TIMESTAMPS else text


def _translated(error: psycopg.Error) -> QueryError:
    state = error.sqlstate or ""
    said = _first_line(error)
    if state in _TIMED_OUT:
        return QueryTimeoutError(
            f"The query was stopped at its time limit: {said}.",
            remedy="Make it do less, or raise the limit.",
        )
    if state in _EXHAUSTED:
        return QueryMemoryError(
            f"The query needs more than it may use: {said}.",
            remedy="Make it read or build less, or raise the limit.",
        )
    return QueryError(f"PostgreSQL could not run the query: {said}")


def _first_line(error: psycopg.Error) -> str:
    """Return the server's message without the text of the query, which follows it."""
    primary = error.diag.message_primary
    hint = error.diag.message_hint
    said = primary or str(error).strip().split("\n")[0]
    return f"{said}. {hint}" if hint else said
