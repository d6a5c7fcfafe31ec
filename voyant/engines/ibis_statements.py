"""Which statements does the engine send to a warehouse, how many, and how long did they take?

Every statement goes through `Statements.ask`, which writes it in the warehouse's dialect, runs it,
counts it and times it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ibis.backends.sql import compilers

from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.tables import JobTable
from voyant.engines.ibis_dialects import Dialect
from voyant.engines.ibis_types import Reading, WarehouseColumn, ibis, source_of
from voyant.engines.sandbox import QueryLimits

__all__ = [
    "Source",
    "Statement",
    "Statements",
    "Warehouse",
    "WarehouseTables",
    "written",
]

_logger = logging.getLogger("voyant.engines.statements")


class Warehouse(Protocol):
    """One connection to a database that Ibis knows: what differs between databases, and no more."""

    @property
    def name(self) -> str:
        """Name the database and its version, for the manifest: `postgresql 15.14`."""
        ...

    @property
    def dialect(self) -> Dialect:
        """The SQL it is asked in."""
        ...

    @property
    def tables(self) -> Mapping[str, Any]:
        """The tables that can be read, by the name users give them, as Ibis tables."""
        ...

    def columns(self, table: str) -> Sequence[WarehouseColumn]:
        """List a table's columns, in table order; no rows are read."""
        ...

    def distinct_hints(self, table: str) -> Mapping[str, float]:
        """Return what the database guesses of columns' different values, where it keeps statistics.

        Guesses choose how columns are read, never an answer.
        """
        ...

    def fetch(self, sql: str, *, is_ordered: bool = False) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows; an `EngineError` is all that may be raised.

        Args:
            sql: In the warehouse's dialect.
            is_ordered: Whether the rows read must come in the same order each time.
        """
        ...

    def interrupt(self) -> None:
        """Stop the statement that is running, from another thread; safe when none is."""
        ...

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        ...

    def handover(self) -> Callable[[], Warehouse]:
        """Return what opens the same warehouse, in the same state if it can, in another process."""
        ...

    def scan_bytes(self, table: str) -> int | None:
        """Return what a full scan of a table reads, None where only a scan would tell."""
        ...

    def job_table(self, table: str) -> JobTable:
        """Return how users' SQL may name a table."""
        ...

    def queries(
        self, tables: Callable[[], Sequence[JobTable]], limits: QueryLimits
    ) -> GuardedQueries:
        """Return what runs users' SQL over some of the tables, on a connection of its own."""
        ...


class _HasIbisTables(Protocol):
    """A warehouse that says of a table what Ibis must know."""

    def ibis_table(self, table: str) -> Any:
        """Return a table as Ibis knows it."""
        ...


class WarehouseTables(Mapping[str, Any]):
    """The tables, as Ibis knows them; columns are looked up when a table is used."""

    def __init__(self, warehouse: _HasIbisTables, names: tuple[str, ...]) -> None:
        self._warehouse, self._names = warehouse, names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._warehouse.ibis_table(name)

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, slots=True)
class Source:
    """Columns of a table under safe names, for a statement to read.

    Attributes:
        table: The table's name, for the account of statements.
        expression: The columns, as an Ibis expression.
    """

    table: str
    expression: Any

    def tree(self, dialect: Dialect) -> Any:
        """Return the columns as the backend's own compiler puts them, an sqlglot expression."""
        name = "pyspark" if dialect.name == "spark" else dialect.name
        if name == "pyspark" and ibis.options.pyspark is None:
            # Spark's compiler reads an option that only Ibis' own connection to Spark would set.
            ibis.options.pyspark = _spark_options()
        compiler = getattr(compilers, name).compiler
        return dialect.finish(compiler.to_sqlglot(self.expression))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement that was run.

    Attributes:
        question: What it is part of: `summary`, `pearson` ...
        tables: The tables it reads, one entry for each time.
        sql: As it was sent.
        common: As it was written, in common SQL over `sources`.
        sources: What it reads, by name.
        rows: Rows it gave; None if it failed.
        started_ns: When it was sent, in nanoseconds since 1970.
        seconds: From sending to the last row.
    """

    question: str
    tables: tuple[str, ...]
    sql: str
    rows: int | None
    started_ns: int
    seconds: float
    common: str = field(repr=False)
    sources: Mapping[str, Source] = field(repr=False)


class Statements:
    """Writes, runs, counts and times statements."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.log: list[Statement] = []
        #: Called with each statement after it has run; for traces.
        self.observer: Callable[[Statement], None] | None = None
        self._lock = threading.Lock()

    @property
    def dialect(self) -> Dialect:
        """The SQL that is written."""
        return self.warehouse.dialect

    def source(
        self, table: str, ibis_table: Any, readings: Sequence[tuple[str, Reading]]
    ) -> Source:
        """Return columns of a table under safe names; only they are read."""
        return Source(table, source_of(ibis_table, readings))

    def ask(
        self, question: str, sql: str, *, is_ordered: bool = False, **sources: Source
    ) -> list[tuple[Any, ...]]:
        """Run one statement.

        Args:
            question: What it is part of.
            sql: Common SQL over the names of the sources.
            is_ordered: Whether the rows read must come in the same order each time.
            **sources: What the statement reads.
        """
        text = written(self.dialect, sql, sources)
        started_ns, began = time.time_ns(), time.perf_counter()
        rows: int | None = None
        try:
            found = self.warehouse.fetch(text, is_ordered=is_ordered)
            rows = len(found)
        finally:
            statement = Statement(
                question=question,
                tables=tuple(source.table for source in sources.values()),
                sql=text,
                rows=rows,
                started_ns=started_ns,
                seconds=time.perf_counter() - began,
                common=sql,
                sources=sources,
            )
            with self._lock:
                self.log.append(statement)
            _logger.debug("%s, %.3f s: %s", question, statement.seconds, text)
            if self.observer is not None:
                self.observer(statement)
        return found


def written(dialect: Dialect, sql: str, sources: Mapping[str, Source]) -> str:
    """Write common SQL over sources in a dialect."""
    return dialect.write(sql, {name: source.tree(dialect) for name, source in sources.items()})


def _spark_options() -> Any:
    fields = {"__annotations__": {"treat_nan_as_null": bool}, "treat_nan_as_null": False}
    return type("SparkOptions", (ibis.config.Config,), fields)()
