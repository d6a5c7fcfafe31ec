"""How is a PostgreSQL database opened and read: one read-only snapshot, in one transaction?

Nothing is written, not even a temporary table. All statements of a run see the database as it was
when the run began.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ibis.expr.datatypes as dt
import psycopg
from ibis.backends.sql.datatypes import PostgresType
from psycopg import sql as composing
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from voyant.core.config import redact_url
from voyant.core.errors import ConfigurationError, EngineError
from voyant.engines.dialects.postgres import PostgresSession
from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.tables import JobTable
from voyant.engines.ibis_dialects import DIALECTS, Dialect
from voyant.engines.ibis_statements import Warehouse, WarehouseTables
from voyant.engines.ibis_types import WarehouseColumn, ibis
from voyant.engines.sandbox import QueryLimits

__all__ = ["PostgresOpening", "PostgresWarehouse"]

_CONNECT_SECONDS: Final = 10
_WORK_MEMORY: Final = "128MB"
_HIDDEN: Final = "***"
_ONE_WORKER: Final = "SET LOCAL max_parallel_workers_per_gather = 0"
_MANY_WORKERS: Final = "SET LOCAL max_parallel_workers_per_gather TO DEFAULT"

#: Tables, views, materialised views, partitioned and foreign tables that the role may read; of a
#: partitioned table the parent alone.
_TABLES: Final = """
SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
ORDER BY NOT pg_catalog.pg_table_is_visible(c.oid), n.nspname COLLATE "C", c.relname COLLATE "C"
"""
#: Columns the role may read: name, declared type, the type below a domain, that type's category.
_COLUMNS: Final = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
    pg_catalog.format_type(
        CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END,
        CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END),
    CASE WHEN t.typtype = 'd' THEN b.typtype ELSE t.typtype END,
    CASE WHEN t.typtype = 'd' THEN b.typcategory ELSE t.typcategory END
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type AS b ON b.oid = t.typbasetype
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attnum
"""
#: What ANALYZE found; negative numbers are shares of the rows.
_STATISTICS: Final = """
SELECT s.attname, CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 0)
    ELSE s.n_distinct END
FROM pg_catalog.pg_stats AS s
    JOIN pg_catalog.pg_class AS c ON c.oid = %s
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE s.schemaname = n.nspname AND s.tablename = c.relname
"""
#: Bytes of a table, its partitions and children, with what is stored out of line.
_SIZE: Final = """
WITH RECURSIVE part(oid) AS (
    SELECT %s::oid UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN part AS p
        ON i.inhparent = p.oid)
SELECT sum(pg_catalog.pg_table_size(c.oid))
FROM pg_catalog.pg_class AS c JOIN part AS p ON p.oid = c.oid WHERE c.relkind IN ('r', 'm')
"""


@dataclass(frozen=True, slots=True)
class PostgresOpening:
    """What opens a database, here or in another process, where it sees the same snapshot."""

    url: str = field(repr=False)
    statement_timeout_seconds: float
    snapshot: str | None = None

    def __call__(self) -> Warehouse:
        """Open it.

        Raises:
            EngineError: The server cannot be reached, or refuses.
        """
        return PostgresWarehouse(self)


@dataclass(frozen=True, slots=True)
class _Table:
    oid: int
    schema: str
    name: str


class PostgresWarehouse:
    """One read-only transaction on a PostgreSQL server."""

    def __init__(self, opening: PostgresOpening) -> None:
        self._opening = opening
        self._secrets = _secrets(opening.url)
        self._lock = threading.RLock()
        self._is_ordered = False
        self._snapshot = opening.snapshot
        self._connection = self._connect()
        try:
            self._begin()
            self._found = self._list()
        except psycopg.Error as error:
            self._connection.close()
            raise EngineError(f"The warehouse cannot be read: {self._says(error)}.") from None
        self._columns: dict[str, tuple[WarehouseColumn, ...]] = {}
        self.tables: Mapping[str, Any] = WarehouseTables(self, tuple(self._found))

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        try:
            parameters = conninfo_to_dict(self._opening.url)
        except psycopg.Error:
            raise ConfigurationError(  # its own words might quote a part of the password
                f"The warehouse URL {redact_url(self._opening.url)!r} cannot be read.",
                remedy="Write postgresql://user:password@host:5432/database, with %40 for @ and so "
                "on in the password.",
            ) from None
        parameters.setdefault("connect_timeout", _CONNECT_SECONDS)
        parameters.setdefault("application_name", "voyant")
        try:
            return psycopg.connect(make_conninfo("", **parameters))
        except psycopg.Error as error:
            raise EngineError(
                f"The warehouse {redact_url(self._opening.url)!r} cannot be opened: "
                f"{self._says(error)}.",
                remedy="Check the address, the role and its password.",
            ) from None

    def _begin(self) -> None:
        """Begin the transaction that all of a run's statements are part of."""
        connection = self._connection
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        milliseconds = max(round(self._opening.statement_timeout_seconds * 1_000), 1)
        if self._opening.snapshot is None:
            self._snapshot = self._export()
        with connection.cursor() as cursor:
            if self._opening.snapshot is not None:
                cursor.execute(
                    composing.SQL("SET TRANSACTION SNAPSHOT {}").format(
                        composing.Literal(self._opening.snapshot)
                    )
                )
            for setting, value in (
                ("statement_timeout", str(milliseconds)),
                ("idle_in_transaction_session_timeout", "0"),
                ("TimeZone", "UTC"),
                ("DateStyle", "ISO, YMD"),
                ("IntervalStyle", "postgres"),
                ("bytea_output", "hex"),
                ("extra_float_digits", "1"),
                ("work_mem", _WORK_MEMORY),
                # Compiling hundreds of expressions costs more than it saves on millions of rows.
                ("jit", "off"),
                # A large table is then always read from its beginning: samples are every n-th row.
                ("synchronize_seqscans", "off"),
            ):
                cursor.execute("SELECT set_config(%s, %s, true)", (setting, value))

    def _export(self) -> str | None:
        """Name the snapshot, for other processes; None where the server does not export it."""
        try:
            row = self._connection.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
        except psycopg.Error:
            self._connection.rollback()  # nothing was read yet
            return None
        return str(row[0]) if row else None

    def _list(self) -> dict[str, _Table]:
        """Name tables as they are, those outside the search path or of a taken name by schema."""
        with self._connection.cursor() as cursor:
            rows = cursor.execute(_TABLES).fetchall()
        found: dict[str, _Table] = {}
        for oid, schema, name, is_visible in rows:
            shown = name if is_visible else f"{schema}.{name}"
            if shown in found:  # a table whose own name has a dot
                shown = f'"{schema}"."{name}"'
            found[shown] = _Table(oid, schema, name)
        return found

    @property
    def name(self) -> str:
        """Name the database and its version."""
        version = self._connection.info.server_version
        return f"postgresql {version // 10_000}.{version % 10_000}"

    @property
    def dialect(self) -> Dialect:
        """PostgreSQL's SQL."""
        return DIALECTS["postgres"]

    def columns(self, table: str) -> Sequence[WarehouseColumn]:
        """List a table's columns that the role may read."""
        with self._lock:
            if table not in self._columns:
                rows = self.fetch(_COLUMNS, (self._found[table].oid,))
                self._columns[table] = tuple(_column(*row) for row in rows)
            return self._columns[table]

    def ibis_table(self, table: str) -> Any:
        """Return a table as Ibis knows it."""
        found = self._found[table]
        schema = {column.name: column.dtype for column in self.columns(table)}
        return ibis.table(schema, name=found.name, database=found.schema)

    def distinct_hints(self, table: str) -> Mapping[str, float]:
        """Return what ANALYZE has found of columns' different values; 0 where it has not run."""
        return {name: float(n) for name, n in self.fetch(_STATISTICS, (self._found[table].oid,))}

    def fetch(
        self, sql: str, parameters: Sequence[Any] | None = None, *, is_ordered: bool = False
    ) -> list[tuple[Any, ...]]:
        """Run a statement; one that fails does not end the transaction."""
        with self._lock:
            try:
                with self._connection.transaction(), self._connection.cursor() as cursor:
                    if is_ordered != self._is_ordered:  # several workers give rows in any order
                        cursor.execute(_ONE_WORKER if is_ordered else _MANY_WORKERS)
                    # Without parameters a percent sign is a percent sign.
                    rows = cursor.execute(sql.encode(), parameters).fetchall()
                self._is_ordered = is_ordered
            except psycopg.errors.QueryCanceled as error:
                said = self._says(error)
                if "statement timeout" in said:
                    raise EngineError(
                        "A statement took longer than its limit of "
                        f"{self._opening.statement_timeout_seconds:g} s.",
                        remedy="Raise statement_timeout_seconds, or name fewer tables.",
                    ) from None
                raise EngineError("The work was interrupted.") from None
            except psycopg.Error as error:
                raise EngineError(f"The warehouse could not answer: {self._says(error)}.") from None
            return rows

    def interrupt(self) -> None:
        """Cancel the statement that is running."""
        if not self._connection.closed:
            self._connection.cancel_safe(timeout=_CONNECT_SECONDS)

    def close(self) -> None:
        """Close the connection, and with it the transaction."""
        self._connection.close()

    def handover(self) -> Callable[[], Warehouse]:
        """Return what opens the same snapshot in another process, while this transaction lasts."""
        return replace(self._opening, snapshot=self._snapshot)

    def scan_bytes(self, table: str) -> int | None:
        """Return the size of a table with its partitions, indexes left out; None for views."""
        ((size,),) = self.fetch(_SIZE, (self._found[table].oid,))
        return None if size is None else int(size)

    def job_table(self, table: str) -> JobTable:
        """Return how users' SQL may name a table."""
        found = self._found[table]
        names = tuple(column.name for column in self.columns(table))
        return JobTable(path=(found.schema, found.name), columns=names, name=table)

    def queries(
        self, tables: Callable[[], Sequence[JobTable]], limits: QueryLimits
    ) -> GuardedQueries:
        """Return what runs users' SQL, on a second connection that sees the same snapshot."""

        def session() -> PostgresSession:
            return PostgresSession(self._connect, limits, snapshot=self._snapshot)

        return GuardedQueries(session, dialect="postgres", tables=tables, limits=limits)

    def _says(self, error: BaseException) -> str:
        """Return the first line of what the server says, without any part of the credentials."""
        text = str(error).strip().split("\n", 1)[0]
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text.rstrip(" .")


def _column(name: str, shown: str, below: str, family: str, category: str) -> WarehouseColumn:
    """Return a column with the Ibis type that says how it is read."""
    dtype: Any
    if family == "e":
        dtype = dt.string  # an enumeration's values are told by their text
    elif family == "c" or category in {"G", "I", "V"} or below == "money":
        dtype = dt.unknown  # composite, geometric, network, bit strings, money: by their text too
    else:
        try:
            dtype = PostgresType.from_string(below)
        except Exception:  # noqa: BLE001 - Ibis raises what its parser does for types of extensions
            dtype = dt.unknown
    return WarehouseColumn(name=name, type=shown, dtype=dtype)


def _secrets(url: str) -> tuple[str, ...]:
    """Return what of a URL must not be shown: the password, as it is written and as it is meant."""
    authority = url.partition("://")[2].rpartition("@")[0]
    secrets = [authority.partition(":")[2]]
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        parameters = {}
    secrets += [str(parameters.get(name) or "") for name in ("password", "sslpassword")]
    return tuple(secret for secret in secrets if secret)
