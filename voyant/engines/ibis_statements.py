"""Which statements does the engine send to a warehouse, how many, and how long did they take?

Every statement goes through `Statements.ask`, which writes it in the warehouse's dialect, runs it,
counts it and times it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ibis.backends.sql import compilers

from voyant.engines.ibis_dialects import Dialect
from voyant.engines.ibis_types import Reading, WarehouseColumn, ibis, source_of

__all__ = ["Source", "Statement", "Statements", "Warehouse", "compiled_source"]

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


@dataclass(frozen=True, slots=True)
class Source:
    """Columns of a table under safe names, for a statement to read.

    Attributes:
        table: The table's name, for the account of statements.
        tree: The columns' expressions, as the backend's own compiler puts them.
    """

    table: str
    tree: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement that was run.

    Attributes:
        question: What it is part of: `summary`, `pearson` ...
        tables: The tables it reads, one entry for each time.
        sql: As it was sent.
        rows: Rows it gave; None if it failed.
        seconds: From sending to the last row.
    """

    question: str
    tables: tuple[str, ...]
    sql: str
    rows: int | None
    seconds: float


class Statements:
    """Writes, runs, counts and times statements."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.log: list[Statement] = []
        #: Called with each statement after it has run; for tests and traces.
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
        return Source(table, compiled_source(self.dialect, source_of(ibis_table, readings)))

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
        text = self.dialect.write(sql, {name: source.tree for name, source in sources.items()})
        tables = tuple(source.table for source in sources.values())
        return self.run(question, text, tables, is_ordered=is_ordered)

    def run(
        self, question: str, sql: str, tables: tuple[str, ...], *, is_ordered: bool = False
    ) -> list[tuple[Any, ...]]:
        """Run a statement in the warehouse's own words."""
        began = time.perf_counter()
        rows: int | None = None
        try:
            found = self.warehouse.fetch(sql, is_ordered=is_ordered)
            rows = len(found)
        finally:
            statement = Statement(
                question=question,
                tables=tables,
                sql=sql,
                rows=rows,
                seconds=time.perf_counter() - began,
            )
            with self._lock:
                self.log.append(statement)
            _logger.debug("%s, %.3f s: %s", question, statement.seconds, sql)
            if self.observer is not None:
                self.observer(statement)
        return found


def _spark_options() -> Any:
    fields = {"__annotations__": {"treat_nan_as_null": bool}, "treat_nan_as_null": False}
    return type("SparkOptions", (ibis.config.Config,), fields)()


def compiled_source(dialect: Dialect, expression: Any) -> Any:
    """Return an Ibis expression as the SQL tree of a backend, with every function named in it."""
    name = "pyspark" if dialect.name == "spark" else dialect.name
    if name == "pyspark" and ibis.options.pyspark is None:
        # Spark's compiler reads an option that only Ibis' own connection to Spark would set.
        ibis.options.pyspark = _spark_options()
    compiler = getattr(compilers, name).compiler
    return dialect.finish(compiler.to_sqlglot(expression))
