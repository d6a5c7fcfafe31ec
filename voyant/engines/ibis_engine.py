"""How does a warehouse that Ibis knows answer the questions of the `Engine` protocol?

What is asked of many rows is computed in the warehouse; what is asked of few different values is
computed here, by the code that computes it for DuckDB. Each answer is remembered for the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb

from voyant.core.errors import EngineError, SourceError, UnknownTableError, did_you_mean
from voyant.core.tables import Column, QueryResult, TableSummary
from voyant.engines.ibis_groups import LocalGroups
from voyant.engines.ibis_statements import Statements, Warehouse
from voyant.engines.ibis_summary import GROUP_LIMIT, TableReader, summarize
from voyant.engines.ibis_types import reading_of, split
from voyant.engines.ingest import first_line

__all__ = ["IbisEngine"]

_T = TypeVar("_T")

#: Before the names of reference tables.
_REFERENCE: Final = "voyant_reference_"
#: Before the names of the later rows, where a table is compared with its own earlier ones.
_CURRENT: Final = "voyant_current_"
#: A reference that is the table's own earlier rows: `before:time_hour=2013-07-01`.
_BEFORE: Final = "before:"


class IbisEngine:
    """Tables that stay where they are: in PostgreSQL, Spark and other warehouses."""

    def __init__(
        self,
        warehouse: Warehouse,
        *,
        tables: Sequence[str] = (),
        reference: Mapping[str, object] | None = None,
        memory_limit_bytes: int | None = None,
        temp_directory: str | Path | None = None,
        group_limit: int = GROUP_LIMIT,
    ) -> None:
        """Take over an open warehouse.

        Args:
            warehouse: It is closed with the engine.
            tables: Names to keep, all when empty.
            reference: Earlier states of some of them: another table's name, or
                `before:COLUMN=VALUE` for the table's own earlier rows.
            memory_limit_bytes: For what is computed here.
            temp_directory: For what does not fit there.
            group_limit: Different values up to which a column's groups are fetched.

        Raises:
            SourceError: A table that the warehouse does not have.
        """
        self.warehouse = warehouse
        self.statements = Statements(warehouse)
        self._group_limit = group_limit
        self._memory_limit_bytes = memory_limit_bytes
        self._local = LocalGroups(
            temp_directory=temp_directory, memory_limit_bytes=memory_limit_bytes
        )
        self._memory: dict[tuple[object, ...], Any] = {}
        self._readers: dict[str, TableReader] = {}
        self._lock = threading.RLock()
        self._references: dict[str, str] = {}
        self._currents: dict[str, str] = {}
        try:
            self._tables = self._chosen(tables)
            for table, other in (reference or {}).items():
                self._open_reference(table, other)
        except BaseException:
            self.close()
            raise

    def _chosen(self, tables: Sequence[str]) -> tuple[str, ...]:
        known = tuple(self.warehouse.tables)
        for table in tables:
            if table not in known:
                raise SourceError(
                    f"There is no table {table!r} in the warehouse.",
                    remedy=did_you_mean(table, known),
                )
        return tuple(dict.fromkeys(tables)) or known

    def _open_reference(self, table: str, other: object) -> None:
        if table not in self._tables:
            raise UnknownTableError(table, self._tables)
        name = _REFERENCE + table
        if isinstance(other, str) and other.startswith(_BEFORE):
            column, equals, value = other.removeprefix(_BEFORE).partition("=")
            if not (column and equals and value):
                raise SourceError(
                    f"The reference of {table!r} is {other!r}.",
                    remedy="Write before:COLUMN=VALUE, such as before:time_hour=2013-07-01.",
                )
            reader = self._reader(table)
            if column not in reader.readings:
                raise SourceError(
                    f"The reference of {table!r} is {other!r}, and there is no column {column!r}.",
                    remedy=did_you_mean(column, reader.readings),
                )
            earlier, later = split(reader.table, reader.readings[column], value)
            self._readers[name] = replace(reader, name=name, table=earlier, groups={})
            self._currents[table] = _CURRENT + table
            self._readers[_CURRENT + table] = replace(
                reader, name=_CURRENT + table, table=later, groups={}
            )
            try:  # a value of the wrong type shows only when asked
                self._readers[name].ask(
                    "reference", "SELECT 1 FROM source LIMIT 1", [("v", column)]
                )
            except EngineError as error:
                raise SourceError(
                    f"The reference of {table!r} is {other!r}: {error.what}"
                ) from None
        else:
            known = tuple(self.warehouse.tables)
            if not isinstance(other, str) or other not in known:
                raise SourceError(
                    f"The reference of {table!r} is {other!r}, which is no table of the warehouse.",
                    remedy=did_you_mean(str(other), known),
                )
            self._readers[name] = replace(self._make_reader(other), name=name)
        self._references[table] = name

    @property
    def name(self) -> str:
        """Name the engine and its version."""
        return self.warehouse.name

    def tables(self) -> tuple[str, ...]:
        """List the job's tables."""
        return self._tables

    def columns(self, table: str) -> tuple[Column, ...]:
        """List a table's columns; no rows are read."""
        return self._remember(
            ("columns", table),
            lambda: tuple(reading.column for reading in self._reader(table).readings.values()),
        )

    def summarize(self, table: str) -> TableSummary:
        """Measure every column: one pass for rows, one for each 32 columns of few different values.

        Columns of many share two passes and take one more each.
        """
        return self._remember(("summary", table), lambda: summarize(self._reader(table)))

    def query(self, sql: str) -> QueryResult:
        """Refuse users' SQL: there is no guard for the warehouse's dialect yet."""
        del sql
        raise EngineError(
            f"Queries cannot be run on {self.name} yet.",
            remedy="Read the tables as files, or from a duckdb:/// warehouse.",
        )

    def reference(self, table: str) -> str | None:
        """Return the name under which a table's reference answers questions, None without one."""
        return self._references.get(table)

    def current(self, table: str) -> str:
        """Return the name under which the state to compare with the reference answers questions."""
        return self._currents.get(table, table)

    def _reader(self, table: str) -> TableReader:
        if table not in self._readers:
            self._readers[table] = self._make_reader(table)
        return self._readers[table]

    def _make_reader(self, table: str) -> TableReader:
        readings = {column.name: reading_of(column) for column in self.warehouse.columns(table)}
        return TableReader(
            statements=self.statements,
            name=table,
            table=self.warehouse.tables[table],
            readings=readings,
            groups={},
            local=self._local,
            group_limit=self._group_limit,
        )

    def interrupt(self) -> None:
        """Stop what is running, from another thread."""
        self.warehouse.interrupt()
        self._local.connection.interrupt()

    def close(self) -> None:
        """Let go of the warehouse and of what was fetched from it."""
        self.warehouse.close()
        self._local.close()

    def _remember(self, key: tuple[object, ...], compute: Callable[[], _T]) -> _T:
        """Answer from memory, or compute; every error becomes ours."""
        with self._lock:
            if key not in self._memory:
                table = str(key[1])
                compared = (*self._references.values(), *self._currents.values())
                if table not in (*self._tables, *compared):
                    raise UnknownTableError(table, self._tables)
                try:
                    self._memory[key] = compute()
                except EngineError as error:
                    if isinstance(error, (SourceError, UnknownTableError)):
                        raise
                    raise EngineError(
                        f"Table {table!r}: {error.what}", remedy=error.remedy
                    ) from None
                except duckdb.Error as error:
                    raise EngineError(f"Table {table!r}: {first_line(error)}.") from error
            found: _T = self._memory[key]
            return found
