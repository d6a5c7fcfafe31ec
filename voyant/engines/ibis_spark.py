"""How is Spark opened and read: a cluster, this machine, or a Spark Connect server?

`spark://host:port` and `spark://local[*]` run the driver in this process (which needs Java), and
`sc://host:port` leaves it to a server. Nothing is written: tables that are paths become temporary
views of a session of our own.
"""

from __future__ import annotations

import re
import signal
import socket
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final

import ibis.expr.datatypes as ibis_types
from pyspark import errors as spark_errors
from pyspark import sql as spark_sql
from pyspark.sql import types as spark_types

from voyant.core.config import redact_url
from voyant.core.errors import ConfigurationError, EngineError, SourceError
from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.spark import SparkQuerySession
from voyant.engines.dialects.tables import JobTable
from voyant.engines.ibis_dialects import DIALECTS, Dialect
from voyant.engines.ibis_statements import Warehouse, WarehouseTables
from voyant.engines.ibis_types import WarehouseColumn, ibis
from voyant.engines.sandbox import QueryLimits
from voyant.engines.spark_costs import plan_bytes

__all__ = ["SparkOpening", "SparkWarehouse", "spark_source"]

#: Annotations of both packages are of little use to a strict type checker.
dt: Final[Any] = ibis_types
st: Final[Any] = spark_types
_sql: Final[Any] = spark_sql

_APPLICATION: Final = "voyant"
_CONNECT_PORT: Final = "15002"
_REACH_SECONDS: Final = 20.0
_FORMATS: Final = {
    ".parquet": "parquet",
    ".orc": "orc",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
}
#: What may stand before a path, where its name does not tell.
_NAMED_FORMATS: Final = ("parquet", "orc", "csv", "json", "delta", "iceberg", "table")
#: How a session of ours is set, whatever the cluster's defaults are.
_SESSION: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",  # a value that cannot be cast is null, not an error
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
}
#: For a driver that is started here; the cluster's own spark-defaults.conf wins over none of it.
_DRIVER: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "16",
    "spark.driver.extraJavaOptions": "-Dlog4j2.configurationFile="
    + (Path(__file__).parent / "spark-log4j2.properties").as_uri(),
}
_url_pattern = re.compile(r"(spark|sc)://([^/?#]+)/?([^?#]*)", re.IGNORECASE)
_secret_pattern = re.compile(r"(token|password|secret|key)=[^;&\s]+", re.IGNORECASE)
_lock = threading.Lock()
#: Warehouses of this process that share the driver it has started.
_users: list[int] = []


@dataclass(frozen=True, slots=True)
class SparkOpening:
    """What opens Spark, here or in another process.

    Attributes:
        url: `spark://host:port`, `spark://local[2]` or `sc://host:port`, with a catalog's schema as
            its path: `sc://host:15002/sales`.
        statement_timeout_seconds: Time each statement may take.
        sources: Tables that are paths, by name; without any, those of the catalog.
    """

    url: str = field(repr=False)
    statement_timeout_seconds: float
    sources: tuple[tuple[str, str], ...] = ()

    def __call__(self) -> Warehouse:
        """Open it.

        Raises:
            ConfigurationError: The URL cannot be read.
            EngineError: Spark cannot be reached.
            SourceError: A path that Spark cannot read.
        """
        return SparkWarehouse(self)


def spark_source(source: object) -> tuple[str, str]:
    """Return the format and the path of a table: `delta:/lake/orders`, or by the name's ending.

    Raises:
        SourceError: It is no path.

    >>> spark_source("/lake/orders.parquet"), spark_source("delta:s3a://lake/orders")
    (('parquet', '/lake/orders.parquet'), ('delta', 's3a://lake/orders'))
    >>> spark_source("/lake/orders"), spark_source("table:sales.orders")
    (('parquet', '/lake/orders'), ('table', 'sales.orders'))
    """
    text = str(source)
    before, colon, after = text.partition(":")
    if colon and before in _NAMED_FORMATS and after:
        return before, after
    if not text or "\0" in text:
        raise SourceError(f"The source {text!r} is no path.")
    return _FORMATS.get(PurePosixPath(text.rstrip("/*")).suffix.lower(), "parquet"), text


class SparkWarehouse:
    """A Spark session of our own, with temporary views for tables that are paths."""

    def __init__(self, opening: SparkOpening) -> None:
        self._opening = opening
        found = _url_pattern.fullmatch(opening.url)
        if found is None:
            raise ConfigurationError(
                f"The warehouse URL {redact_url(opening.url)!r} cannot be read.",
                remedy="Write spark://host:7077, spark://local[*] or sc://host:15002.",
            )
        self._is_remote = found[1].lower() == "sc"
        self._is_open = True
        self._columns: dict[str, tuple[WarehouseColumn, ...]] = {}
        self._lock = threading.RLock()
        self._address, self._database = found[2], found[3].strip("/")
        try:
            self._session = self._connect(self._address, self._database)
        except _SPARK_ERRORS as error:
            raise EngineError(
                f"The warehouse {redact_url(opening.url)!r} cannot be opened: {_says(error)}.",
                remedy="Check the address, that the cluster runs, and that java is on the path.",
            ) from None
        try:
            self._found = self._open_sources(self._session) if opening.sources else self._list()
        except BaseException as error:
            self.close()
            if isinstance(error, EngineError) or not isinstance(error, _SPARK_ERRORS):
                raise
            raise EngineError(f"The warehouse cannot be read: {_says(error)}.") from None
        self.tables: Mapping[str, Any] = WarehouseTables(self, tuple(self._found))

    def _connect(self, address: str, database: str) -> Any:
        if self._is_remote:
            _reach(address)
            session = _sql.SparkSession.builder.remote(f"sc://{address}").create()
        else:
            master = address if address.startswith("local") else f"spark://{address}"
            with _lock:
                builder = _sql.SparkSession.builder.master(master).appName(_APPLICATION)
                for name, value in _DRIVER.items():
                    builder = builder.config(name, value)
                with _own_interrupts():
                    session = builder.getOrCreate().newSession()
                running = session.sparkContext.master
                if running != master:
                    raise ConfigurationError(
                        f"Spark already runs in this process, on {running!r}; it cannot run on "
                        f"{master!r} too.",
                        remedy="Use sc:// for more than one cluster.",
                    )
                _users.append(id(self))
        for name, value in _SESSION.items():
            session.conf.set(name, value)
        if database:
            session.catalog.setCurrentDatabase(database)
        return session

    def _open_sources(self, session: Any) -> dict[str, str]:
        """Give a session the tables that are paths, as temporary views."""
        found: dict[str, str] = {}
        for name, source in self._opening.sources:
            kind, path = spark_source(source)
            try:
                if kind == "table":
                    frame = session.table(path)
                else:
                    reader = session.read.format(kind)
                    if kind in {"csv", "json"}:
                        reader = reader.option("inferSchema", "true").option("header", "true")
                    if path.endswith(".tsv"):
                        reader = reader.option("sep", "\t")
                    frame = reader.load(path)
                view = f"voyant_{len(found)}"
                frame.createOrReplaceTempView(view)
            except _SPARK_ERRORS as error:
                raise SourceError(
                    f"Table {name!r}: Spark cannot read {redact_url(path)!r} as {kind}: "
                    f"{_says(error)}.",
                    remedy="Check that the cluster sees the path, and write the format before it "
                    "where the name does not tell: parquet:, orc:, csv:, json:, delta:, iceberg:.",
                ) from None
            found[name] = view
        return found

    def scan_bytes(self, table: str) -> int | None:
        """Return the sizes of what the plan reads, as Spark knows them without reading it."""
        name = _quoted(self._found[table])
        try:
            plan = self._session.sql(f"EXPLAIN COST SELECT * FROM {name}").collect()[0][0]
        except _SPARK_ERRORS as error:
            raise EngineError(f"The warehouse could not answer: {_says(error)}.") from None
        return plan_bytes(str(plan))

    def job_table(self, table: str) -> JobTable:
        """Return how users' SQL may name a table."""
        names = tuple(column.name for column in self.columns(table))
        return JobTable(path=(self._found[table],), columns=names, name=table)

    def queries(
        self, tables: Callable[[], Sequence[JobTable]], limits: QueryLimits
    ) -> GuardedQueries:
        """Return what runs users' SQL, in a session that has these tables and nothing else new."""

        def session() -> Any:
            if self._is_remote:
                found = self._connect(self._address, self._database)
            else:
                found = self._session.newSession()
                if self._database:
                    found.catalog.setCurrentDatabase(self._database)
            self._open_sources(found)
            return found

        return GuardedQueries(
            lambda: SparkQuerySession(session), dialect="spark", tables=tables, limits=limits
        )

    def _list(self) -> dict[str, str]:
        return {
            table.name: table.name
            for table in self._session.catalog.listTables()
            if not table.isTemporary
        }

    @property
    def name(self) -> str:
        """Name the engine and its version."""
        return f"spark {self._session.version}"

    @property
    def dialect(self) -> Dialect:
        """Spark's SQL."""
        return DIALECTS["pyspark"]

    @property
    def session(self) -> Any:
        """The session that has the job's tables."""
        return self._session

    def relation(self, table: str) -> str:
        """Return the name by which the session knows a table."""
        return self._found[table]

    def columns(self, table: str) -> Sequence[WarehouseColumn]:
        """List a table's columns, in table order; no rows are read."""
        with self._lock:
            if table not in self._columns:
                try:
                    schema = self._session.table(_quoted(self._found[table])).schema
                except _SPARK_ERRORS as error:
                    raise EngineError(f"The warehouse could not answer: {_says(error)}.") from None
                self._columns[table] = tuple(
                    WarehouseColumn(
                        name=column.name,
                        type=column.dataType.simpleString(),
                        dtype=_dtype(column.dataType),
                    )
                    for column in schema.fields
                )
            return self._columns[table]

    def ibis_table(self, table: str) -> Any:
        """Return a table as Ibis knows it."""
        schema = {column.name: column.dtype for column in self.columns(table)}
        return ibis.table(schema, name=self._found[table])

    def distinct_hints(self, table: str) -> Mapping[str, float]:
        """Return nothing: Spark estimates in the same pass as it counts."""
        del table
        return {}

    def fetch(self, sql: str, *, is_ordered: bool = False) -> list[tuple[Any, ...]]:
        """Run a statement within its time.

        Samples are taken by the values' hash, so that no order of rows matters.
        """
        del is_ordered
        seconds = self._opening.statement_timeout_seconds
        is_late = threading.Event()

        def stop() -> None:
            is_late.set()
            self.interrupt()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            answer = self._session.sql(sql).toArrow()
        except _SPARK_ERRORS as error:
            if is_late.is_set():
                raise EngineError(
                    f"A statement took longer than its limit of {seconds:g} s.",
                    remedy="Raise statement_timeout_seconds, or name fewer tables.",
                ) from None
            said = _says(error)
            if "cancelled" in said.lower() or "OPERATION_CANCELED" in said:
                raise EngineError("The work was interrupted.") from None
            raise EngineError(f"The warehouse could not answer: {said}.") from None
        finally:
            timer.cancel()
        columns = [column.to_pylist() for column in answer.columns]
        return list(zip(*columns, strict=True))

    def interrupt(self) -> None:
        """Cancel what the session is running."""
        if self._is_open:
            try:
                self._session.interruptAll()
            except _SPARK_ERRORS:  # nothing ran, or the driver has gone
                return

    def close(self) -> None:
        """End the session, and the driver if it was started here for nobody else."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            if self._is_remote:
                self._session.stop()
            else:
                with _lock:
                    _users.remove(id(self))
                    if not _users:
                        self._session.stop()
        except _SPARK_ERRORS:  # the cluster has gone: so has the session
            return

    def handover(self) -> Callable[[], Warehouse]:
        """Return what opens the same tables from another process, with a session of its own."""
        return self._opening


_PLAIN: Final[Mapping[Any, Any]] = {
    st.BooleanType: dt.boolean,
    st.ByteType: dt.int8,
    st.ShortType: dt.int16,
    st.IntegerType: dt.int32,
    st.LongType: dt.int64,
    st.FloatType: dt.float32,
    st.DoubleType: dt.float64,
    st.StringType: dt.string,
    st.VarcharType: dt.string,
    st.CharType: dt.string,
    st.BinaryType: dt.binary,
    st.DateType: dt.date,
    # An instant, shown in the session's zone; the other is what a clock on a wall says.
    st.TimestampType: dt.Timestamp(timezone="UTC"),
    st.TimestampNTZType: dt.Timestamp(),
    st.NullType: dt.string,
}


def _dtype(kind: Any) -> Any:
    """Return the Ibis type that says how a Spark type is read."""
    if isinstance(kind, st.DecimalType):
        return dt.Decimal(kind.precision, kind.scale)
    if isinstance(kind, st.ArrayType):
        return dt.Array(_dtype(kind.elementType))
    if isinstance(kind, st.MapType):
        return dt.Map(_dtype(kind.keyType), _dtype(kind.valueType))
    if isinstance(kind, st.StructType):
        return dt.Struct({part.name: _dtype(part.dataType) for part in kind.fields})
    if isinstance(kind, (st.DayTimeIntervalType, st.YearMonthIntervalType)):
        return dt.Interval("s")
    return _PLAIN.get(type(kind), dt.unknown)


def _reach(address: str) -> None:
    """Connect to where a Spark Connect server should be: its client would try for ten minutes.

    Raises:
        OSError: Nobody listens there.
    """
    host, _, port = address.partition(";")[0].rpartition(":")
    if not port.isdigit():
        host, port = address.partition(";")[0], _CONNECT_PORT
    socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_SECONDS).close()


@contextmanager
def _own_interrupts() -> Generator[None]:
    """Keep what Ctrl-C does as it was.

    PySpark puts a handler of its own there, for good; once its driver has stopped, that one fails.
    """
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGINT, before)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _errors() -> tuple[type[BaseException], ...]:
    """Return what Spark, its gateway and its Connect client raise."""
    found: list[type[BaseException]] = [spark_errors.PySparkException, OSError, RuntimeError]
    for module, name in (("py4j.protocol", "Py4JError"), ("grpc", "RpcError")):
        if find_spec(module.partition(".")[0]) is not None:
            found.append(getattr(import_module(module), name))
    return tuple(found)


_SPARK_ERRORS: Final = _errors()


def _says(error: BaseException) -> str:
    """Return the first line of what Spark says, without anything that looks like a secret."""
    lines = [
        line.strip().removeprefix(": ")
        for line in str(error).strip().splitlines()
        if line.strip() and not line.startswith("An error occurred while calling")
    ]
    text = lines[0] if lines else type(error).__name__
    return _secret_pattern.sub(r"\1=***", redact_url(text) if "://" in text else text).rstrip(" .")
