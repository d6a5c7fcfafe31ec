"""How does DuckDB answer the questions of the `Engine` protocol?

Everything is computed inside DuckDB, on read-only inputs; only aggregates leave it. Each answer is
remembered for the run, so that a table is not scanned again for a later generator.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from voyant.core.checks import FailureCount, RowCheck
from voyant.core.errors import EngineError, UnknownTableError
from voyant.core.series import BinAxis, GridCounts, GroupMeans, TimeCount, TimeGrain
from voyant.core.tables import (
    Association,
    Column,
    Containment,
    Contingency,
    Measure,
    QueryResult,
    TableSummary,
    ValueCount,
)
from voyant.engines import duckdb_checks as row_checks
from voyant.engines import duckdb_relations as relations
from voyant.engines import duckdb_series as series
from voyant.engines.duckdb_summary import measure_column
from voyant.engines.duckdb_types import column_kind
from voyant.engines.recipe import open_connection
from voyant.engines.sandbox import QueryLimits, Sandbox
from voyant.engines.sources import open_sources, quote_name

__all__ = ["DuckDBEngine"]

_T = TypeVar("_T")


class DuckDBEngine:
    """The embedded engine: files, data frames and DuckDB databases, opened read-only."""

    def __init__(  # noqa: PLR0913 - one keyword per setting
        self,
        sources: Mapping[str, object],
        *,
        tables: Sequence[str] = (),
        threads: int | None = None,
        memory_limit_bytes: int | None = None,
        temp_directory: str | Path | None = None,
        limits: QueryLimits | None = None,
    ) -> None:
        """Open the inputs; text files are parsed here, once.

        Args:
            sources: Table name -> path, glob, folder, list of paths or data frame.
            tables: Names to keep, all when empty.
            threads: Worker threads, one per core when None.
            memory_limit_bytes: Above it DuckDB spills to disk; 80 % of the machine's when None.
            temp_directory: For parsed inputs and spilling; the system's when None.
            limits: For users' queries.

        Raises:
            SourceError: An input that cannot be opened as a table.
        """
        self._scratch = Path(tempfile.mkdtemp(prefix="voyant-", dir=temp_directory))
        self._limits = limits or QueryLimits()
        self._sandbox: Sandbox | None = None
        self._memory: dict[tuple[object, ...], Any] = {}
        self._lock = threading.RLock()
        try:
            self._recipe, self.origins = open_sources(sources, tables, self._scratch)
            self._connection = open_connection(
                self._recipe,
                threads=threads,
                memory_limit_bytes=memory_limit_bytes,
                temp_directory=self._scratch / "spill",
            )
        except BaseException:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise

    @property
    def name(self) -> str:
        """Name the engine and its version."""
        return f"duckdb {duckdb.__version__}"

    def tables(self) -> tuple[str, ...]:
        """List the job's tables, in the order they were given."""
        return self._recipe.tables

    def columns(self, table: str) -> tuple[Column, ...]:
        """List a table's columns; no rows are read."""
        return self._remember(("columns", table), lambda: self._columns(table))

    def _columns(self, table: str) -> tuple[Column, ...]:
        rows = self._connection.execute(f"DESCRIBE {quote_name(table)}").fetchall()
        return tuple(Column(name=r[0], type=r[1], kind=column_kind(r[1])) for r in rows)

    def summarize(self, table: str) -> TableSummary:
        """Measure every column: one scan of each, two more of text of which nearly all values differ."""
        return self._remember(("summary", table), lambda: self._summarize(table))

    def _summarize(self, table: str) -> TableSummary:
        columns = self.columns(table)
        rows = self._row_count(table)
        return TableSummary(
            name=table,
            row_count=rows,
            columns={c.name: measure_column(self._connection, table, c, rows) for c in columns},
        )

    def _row_count(self, table: str) -> int:
        row = self._connection.execute(f"SELECT count(*) FROM {quote_name(table)}").fetchone()
        return int(row[0]) if row else 0

    def duplicate_rows(self, table: str) -> Measure:
        """Count repeated rows: no scan if a key is known, one by hash, one more if some hash repeats."""
        return self._remember(("duplicates", table), lambda: self._duplicate_rows(table))

    def _duplicate_rows(self, table: str) -> Measure:
        summary = self.summarize(table)
        has_key = any(column.is_unique for column in summary.columns.values())
        if has_key or self._memory.get(("unique pair", table)):
            return Measure(value=0)
        return relations.duplicate_rows(self._connection, table, self.columns(table))

    def distinct_count(self, table: str, columns: Sequence[str]) -> Measure:
        """Count different combinations of values, rows with a null in any of them left out."""
        key = ("distinct", table, *columns)
        return self._remember(
            key, lambda: relations.distinct_count(self._connection, table, columns)
        )

    def unique_pairs(
        self, table: str, pairs: Sequence[tuple[str, str]], *, budget: int
    ) -> tuple[tuple[tuple[str, str], ...], int]:
        """Find pairs of never-null columns whose combination never repeats; stops at the first.

        Returns:
            The pairs found, and how many were counted in full.
        """
        key = ("unique pairs", table, tuple(pairs), budget)
        found, checked = self._remember(
            key,
            lambda: relations.unique_pairs(
                self._connection, self.summarize(table), pairs, budget=budget
            ),
        )
        if found:
            self._memory["unique pair", table] = True
        return found, checked

    def pearson(self, table: str, columns: Sequence[str]) -> tuple[Association, ...]:
        """Correlate all pairs of numeric columns; one scan."""
        return self._remember(
            ("pearson", table, *columns),
            lambda: relations.pearson(self._connection, self.summarize(table), columns),
        )

    def spearman(
        self, table: str, columns: Sequence[str], *, sample_rows: int
    ) -> tuple[Association, ...]:
        """Rank-correlate all pairs of numeric columns, on an even sample above `sample_rows` rows."""
        return self._remember(
            ("spearman", table, sample_rows, *columns),
            lambda: relations.spearman(
                self._connection, self.summarize(table), columns, sample_rows=sample_rows
            ),
        )

    def contingencies(
        self, table: str, pairs: Sequence[tuple[str, str]]
    ) -> tuple[Contingency, ...]:
        """Count the rows of each combination of values; one scan while the combinations are few."""
        return self._remember(
            ("contingencies", table, *pairs),
            lambda: relations.contingencies(self._connection, self.summarize(table), pairs),
        )

    def containment(
        self, child_table: str, child_column: str, parent_table: str, parent_column: str
    ) -> Containment:
        """Measure how far one column's values are found in another's; one scan of each."""
        for table in (child_table, parent_table):
            self.columns(table)
        key = ("containment", child_table, child_column, parent_table, parent_column)
        return self._remember(
            key,
            lambda: relations.containment(
                self._connection, child_table, child_column, parent_table, parent_column
            ),
        )

    def count_failures(self, table: str, checks: Sequence[RowCheck]) -> tuple[FailureCount, ...]:
        """Count for each check the rows it applies to and those that fail it: one scan for many."""
        if not checks:
            return ()
        columns = {column.name: column for column in self.columns(table)}
        return self._remember(
            ("failures", table, *checks),
            lambda: row_checks.count_failures(self._connection, table, columns, checks),
        )

    def failing_values(self, table: str, check: RowCheck, *, limit: int) -> tuple[ValueCount, ...]:
        """List different failing values as text, the most frequent first: one scan."""
        columns = {column.name: column for column in self.columns(table)}
        return self._remember(
            ("failing values", table, check, limit),
            lambda: row_checks.failing_values(
                self._connection, table, columns, check, limit=limit
            ),
        )

    def time_counts(self, table: str, column: str, grain: TimeGrain) -> tuple[TimeCount, ...]:
        """Count the rows of each span of time; one scan."""
        return self._remember(
            ("time counts", table, column, grain),
            lambda: series.time_counts(self._connection, self.summarize(table), column, grain),
        )

    def group_means(self, table: str, group: str, numbers: Sequence[str]) -> tuple[GroupMeans, ...]:
        """Average numeric columns by the values of another; one scan."""
        return self._remember(
            ("group means", table, group, *numbers),
            lambda: series.group_means(self._connection, self.summarize(table), group, numbers),
        )

    def grid_counts(self, table: str, x: BinAxis, y: BinAxis) -> GridCounts:
        """Count rows by two numbers at once; one scan."""
        return self._remember(
            ("grid counts", table, x, y),
            lambda: series.grid_counts(self._connection, table, x, y),
        )

    def query(self, sql: str) -> QueryResult:
        """Run a user's SQL in the sandbox's child process."""
        return self._user_sandbox().query(sql)

    def prepare_queries(self) -> None:
        """Start the process that runs users' SQL, so that it is ready when the first one comes."""
        self._user_sandbox().start()

    def _user_sandbox(self) -> Sandbox:
        with self._lock:
            if self._sandbox is None:
                self._sandbox = Sandbox(self._recipe, self._limits, temp_directory=self._scratch)
            return self._sandbox

    def interrupt(self) -> None:
        """Stop what is running, from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Let go of files, connections and the child process."""
        if self._sandbox is not None:
            self._sandbox.close()
        self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _remember(self, key: tuple[object, ...], compute: Callable[[], _T]) -> _T:
        """Answer from memory, or compute; DuckDB's errors become ours."""
        with self._lock:
            if key not in self._memory:
                table = key[1]
                if table not in self._recipe.tables:
                    raise UnknownTableError(str(table), self._recipe.tables)
                try:
                    self._memory[key] = compute()
                except duckdb.Error as error:
                    text = str(error).strip().split("\n", 1)[0]
                    raise EngineError(f"Table {table!r}: {text}") from error
            return self._memory[key]
