"""How does DuckDB answer the questions of the `Engine` protocol?

Everything is computed inside DuckDB, on read-only inputs; only aggregates leave it. Each answer is
remembered for the run, so that a table is not scanned again for a later generator.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from voyant.core.checks import FailureCount, RowCheck
from voyant.core.engine import Asked
from voyant.core.errors import EngineError, SourceError, UnknownTableError
from voyant.core.scratch import ScratchFolder
from voyant.core.selection import TableSelection
from voyant.core.series import BinAxis, GridCounts, GroupMeans, TimeCount, TimeGrain
from voyant.core.tables import (
    Association,
    Column,
    ColumnKind,
    Containment,
    Contingency,
    Measure,
    NumberDistances,
    QueryResult,
    TableSummary,
    ValueCount,
    ValueCounts,
)
from voyant.engines import duckdb_checks as row_checks
from voyant.engines import duckdb_comparisons as comparisons
from voyant.engines import duckdb_correlations as correlations
from voyant.engines import duckdb_relations as relations
from voyant.engines import duckdb_series as series
from voyant.engines.asking import Listener, told_of
from voyant.engines.beside import Beside
from voyant.engines.duckdb_column import Kept
from voyant.engines.duckdb_selection import WHOLE, select_rows
from voyant.engines.duckdb_summary import WIDE_TEXT_ROWS, measure_columns
from voyant.engines.duckdb_types import described_columns
from voyant.engines.ingest import NO_SPACE_REMEDY, is_disk_full
from voyant.engines.recipe import add_connection, open_connection, quote_literal
from voyant.engines.remote import RemoteFiles
from voyant.engines.sandbox import QueryLimits, Sandbox
from voyant.engines.sources import first_line, open_sources, quote_name
from voyant.objects.access import ObjectAccess

if TYPE_CHECKING:
    from voyant.engines.duckdb_handover import EngineHandover

__all__ = ["DuckDBEngine"]

_T = TypeVar("_T")

#: Before the names of reference tables; users' SQL runs in a process that has none of them.
_REFERENCE = "voyant_reference_"
#: Before the names of the later rows, where a table is compared with its own earlier ones.
_CURRENT = "voyant_current_"
#: Questions that are answered too soon to be told of, or tell of their steps themselves.
_QUICK = frozenset({"columns", "summary", "whole"})
#: Questions that leave a core idle: most of their time is one large operator's.
_LONG = frozenset({"unique pairs", "duplicates", "pearson", "spearman"})
#: A reference that is the table's own earlier rows: `before:time_hour=2013-07-01`.
_BEFORE = "before:"
#: Columns of tables with at most so many rows are measured two at a time.
_SIDE_BY_SIDE_ROWS = 1_000_000


class DuckDBEngine:
    """The embedded engine: files, data frames and DuckDB databases, opened read-only."""

    #: Statements that open what the tables are compared with.
    _compared: tuple[str, ...]

    def __init__(  # noqa: PLR0913 - one for each thing an operator can set
        self,
        sources: Mapping[str, object],
        *,
        tables: Sequence[str] = (),
        reference: Mapping[str, object] | None = None,
        threads: int | None = None,
        memory_limit_bytes: int | None = None,
        temp_directory: str | Path | None = None,
        limits: QueryLimits | None = None,
        wide_text_rows: int = WIDE_TEXT_ROWS,
        objects: ObjectAccess | None = None,
        selections: Mapping[str, TableSelection] | None = None,
        max_scan_bytes: int | None = None,
    ) -> None:
        """Open the inputs; text files are parsed here, once.

        Args:
            sources: Table name -> path, glob, folder, list of paths or data frame.
            tables: Names to keep, all when empty.
            reference: Earlier states of some of the tables, by the table's name; not among the
                tables, and out of reach for users' queries. `before:COLUMN=VALUE` compares the
                table's rows from a value on with those before it.
            threads: Worker threads, one per core when None.
            memory_limit_bytes: Above it DuckDB spills to disk; 80 % of the machine's when None.
            temp_directory: For parsed inputs and spilling; the system's when None.
            limits: For users' queries.
            wide_text_rows: Rows above which text of which most values differ is grouped by hash.
            objects: Opens what is in object storage.
            selections: Which rows of a table to look at, all of those not named.
            max_scan_bytes: A table whose full scan reads more is refused before it is read, unless
                rows of it are selected.

        Raises:
            SourceError: An input that cannot be opened as a table.
        """
        self._start(threads, memory_limit_bytes, temp_directory, limits or QueryLimits())
        self._wide_text_rows = wide_text_rows
        if objects is not None:
            self._remote = RemoteFiles(objects, self._scratch / "objects")
        try:
            self._selections |= selections or {}
            opened = open_sources(
                sources,
                tables,
                self._scratch,
                remote=self._remote,
                hidden={table: WHOLE + table for table in self._selections},
                max_scan_bytes=max_scan_bytes,
            )
            self.origins = opened.origins
            self._scan_bytes |= opened.scan_bytes
            self._recipe, self._queried = select_rows(
                opened.recipe,
                self._selections,
                self._scratch,
                threads=threads,
                memory_limit_bytes=memory_limit_bytes,
                temp_directory=self._scratch / "spill",
            )
            self._compared = self._open_references(reference or {})
            self._connect()
        except duckdb.Error as error:
            self._folder.close()
            raise SourceError(
                f"An input cannot be opened: {self._remote.named(first_line(error))}.",
                remedy="Check that it is whole and of the kind its name says.",
            ) from error
        except BaseException:
            self._folder.close()
            raise

    def _start(
        self,
        threads: int | None,
        memory_limit_bytes: int | None,
        temp_directory: str | Path | None,
        limits: QueryLimits,
    ) -> None:
        self._folder = ScratchFolder("engine", temp_directory)
        self._scratch = self._folder.path
        self._threads, self._memory_limit_bytes = threads, memory_limit_bytes
        self._limits = limits
        self._wide_text_rows = WIDE_TEXT_ROWS
        self._references: dict[str, str] = {}
        self._currents: dict[str, str] = {}
        self._compared = ()
        self._helper: duckdb.DuckDBPyConnection | None = None
        self._kept: dict[tuple[str, str], Kept] = {}
        self._compared_later: list[str] = []
        self._beside = Beside(
            lambda: add_connection(self._connection, self._statements), self._summarize_beside
        )
        self._remote = RemoteFiles(ObjectAccess(), self._scratch / "objects")
        self._selections: dict[str, TableSelection] = {}
        self._scan_bytes: dict[str, int] = {}
        self._progressed: Callable[[str], None] = _no_one
        self._listener: Listener = None
        self._sandbox: Sandbox | None = None
        self._memory: dict[tuple[object, ...], Any] = {}
        self._lock = threading.RLock()

    def _connect(self) -> None:
        self._connection = open_connection(
            replace(self._recipe, statements=self._statements),
            threads=self._threads,
            memory_limit_bytes=self._memory_limit_bytes,
            temp_directory=self._scratch / "spill",
        )
        for cut in self._currents.values():  # a value of the wrong type shows only when asked
            self._connection.execute(f"SELECT 1 FROM {quote_name(cut)} LIMIT 1").fetchone()

    @property
    def _statements(self) -> tuple[str, ...]:
        return (*self._recipe.statements, *self._compared)

    def handover(self) -> EngineHandover:
        """Return what another process needs to open the same tables while this one lives."""
        # Only runs with an isolated generator pay; it knows this class.
        from voyant.engines.duckdb_handover import EngineHandover  # noqa: PLC0415

        return EngineHandover(
            recipe=self._recipe,
            queried=self._queried,
            selections=self._selections,
            origins=self.origins,
            # Not under the lock: whoever holds it may be a generator that has been given up.
            memory=dict(self._memory),
            threads=self._threads,
            memory_limit_bytes=self._memory_limit_bytes,
            limits=self._limits,
            wide_text_rows=self._wide_text_rows,
            references=self._references,
            currents=self._currents,
            compared=self._compared,
        )

    def _open_references(self, sources: Mapping[str, object]) -> tuple[str, ...]:
        for table in sources:
            if table not in self._recipe.tables:
                raise UnknownTableError(table, self._recipe.tables)
        splits = {
            table: source
            for table, source in sources.items()
            if isinstance(source, str) and source.startswith(_BEFORE)
        }
        others = {table: source for table, source in sources.items() if table not in splits}
        scratch = self._scratch / "reference"
        scratch.mkdir()
        recipe = open_sources(
            others, tuple(others), scratch, prefix=_REFERENCE, remote=self._remote
        ).recipe
        self._references = {table: _REFERENCE + table for table in (*recipe.tables, *splits)}
        self._currents = {table: _CURRENT + table for table in splits}
        statements = [s for table, split in splits.items() for s in self._split(table, split)]
        return (*recipe.statements, *statements)

    def _split(self, table: str, split: str) -> tuple[str, str]:
        """Return the statements that show a table's rows before a value, and from it on."""
        column, equals, value = split.removeprefix(_BEFORE).partition("=")
        if not (column and equals and value):
            raise SourceError(
                f"The reference of {table!r} is {split!r}.",
                remedy="Write before:COLUMN=VALUE, such as before:time_hour=2013-07-01.",
            )
        rows = f"SELECT * FROM {quote_name(table)} WHERE {quote_name(column)}"
        return (
            f"CREATE TEMP VIEW {quote_name(_REFERENCE + table)} AS {rows} < {quote_literal(value)}",
            f"CREATE TEMP VIEW {quote_name(_CURRENT + table)} AS {rows} >= {quote_literal(value)}",
        )

    @property
    def name(self) -> str:
        """Name the engine and its version."""
        return f"duckdb {duckdb.__version__}"

    def tables(self) -> tuple[str, ...]:
        """List the job's tables, in the order they were given."""
        return self._recipe.tables

    def columns(self, table: str) -> tuple[Column, ...]:
        """List a table's columns; no rows are read."""
        return self._remember(("columns", table), lambda: _columns(self._connection, table))

    def summarize(self, table: str) -> TableSummary:
        """Measure every column: one scan of each, two more of text where most values differ."""
        return self._remember(("summary", table), lambda: self._summarize(table))

    def _summarize(self, table: str) -> TableSummary:
        if self._beside.has(table):
            self._progressed(f"{self._shown(table)}: columns")
        summary = self._beside.take(table) or self._measure(table)
        if self._is_small(summary.row_count):
            compared = (self.reference(table), self._currents.get(table))
            self._compared_later += [name for name in compared if name is not None]
        return summary

    def _measure(self, table: str) -> TableSummary:
        rows = self._row_count(table)
        columns = measure_columns(
            self._connections(rows),
            table,
            self.columns(table),
            rows,
            wide_text_rows=self._wide_text_rows,
            kept=self._kept,
            progressed=lambda step: self._progressed(f"{self._shown(table)}: {step}"),
        )
        return TableSummary(name=table, row_count=rows, columns=columns)

    def _summarize_beside(
        self, connection: duckdb.DuckDBPyConnection, table: str
    ) -> TableSummary | None:
        """Measure a small table on a connection of its own; the engine's memory is not touched."""
        rows = _row_count(connection, table)
        if not self._is_small(rows):
            return None
        columns = measure_columns(
            [connection],
            table,
            _columns(connection, table),
            rows,
            wide_text_rows=self._wide_text_rows,
            kept=self._kept,
        )
        return TableSummary(name=table, row_count=rows, columns=columns)

    def _measure_next_beside(self, table: str) -> None:
        """Measure the first job table that is not, while a small one is asked what takes long."""
        asked: TableSummary | None = self._memory.get(("summary", table))
        if asked is None or not self._is_small(asked.row_count):
            return
        for name in self._recipe.tables:
            if name in self._selections:  # its rows may be many, and counting them is a scan
                continue
            if ("summary", name) not in self._memory and not self._beside.has(name):
                self._beside.begin(name)
                return
        self._measure_compared_beside(1)

    def _measure_compared_beside(self, most: int) -> None:
        """Begin to measure what was noted to be compared with, unless somebody has asked for it."""
        for name in self._compared_later[:most]:
            if ("summary", name) not in self._memory and not self._beside.has(name):
                self._beside.begin(name)
        del self._compared_later[:most]

    def _is_small(self, row_count: int) -> bool:
        """Tell whether questions about so many rows leave a core idle."""
        return row_count <= _SIDE_BY_SIDE_ROWS and (self._threads or os.cpu_count()) != 1

    def _connections(self, row_count: int) -> Sequence[duckdb.DuckDBPyConnection]:
        """Return what a table's columns are measured on: two for a small one, on several cores.

        A large one keeps DuckDB's own threads busy, and twice its groups would take twice the
        memory.
        """
        if not self._is_small(row_count):
            return (self._connection,)
        if self._helper is None:
            self._helper = add_connection(self._connection, self._statements)
        return (self._connection, self._helper)

    def report_to(self, progressed: Callable[[str], None]) -> None:
        """Tell somebody, in a few words, of each thing begun."""
        self._progressed = progressed

    def trace_to(self, listener: Callable[[Asked], None]) -> None:
        """Tell somebody of each question asked, as soon as it is answered."""
        self._listener = listener

    def _shown(self, table: object) -> str:
        """Return how to call a table before people."""
        name = str(table)
        return name.removeprefix(_REFERENCE).removeprefix(_CURRENT)

    def _row_count(self, table: str) -> int:
        return _row_count(self._connection, table)

    def duplicate_rows(self, table: str) -> Measure:
        """Count repeated rows: no scan if a key is known, one by hash, two more if some repeat."""
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
            lambda: correlations.pearson(self._connection, self.summarize(table), columns),
        )

    def spearman(
        self, table: str, columns: Sequence[str], *, sample_rows: int
    ) -> tuple[Association, ...]:
        """Rank-correlate all pairs of numeric columns, on an even sample of `sample_rows` rows."""
        return self._remember(
            ("spearman", table, sample_rows, *columns),
            lambda: correlations.spearman(
                self._connections(sample_rows),
                self.summarize(table),
                columns,
                sample_rows=sample_rows,
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
        """Measure how far one column's values are found in another's.

        One scan of each, or none of one that was measured and holds few different values.
        """
        for table in (child_table, parent_table):
            self.columns(table)
        key = ("containment", child_table, child_column, parent_table, parent_column)
        return self._remember(
            key,
            lambda: relations.containment(
                self._connection,
                child_table,
                child_column,
                parent_table,
                parent_column,
                kept=[
                    self._kept_texts(child_table, child_column),
                    self._kept_texts(parent_table, parent_column),
                ],
            ),
        )

    def _kept_texts(self, table: str, column: str) -> str | None:
        """Return the table of a column's values, if their text is what the column's would be."""
        kept = self._kept.get((table, column))
        if kept is None or self._column(table, column).kind is ColumnKind.FLOAT:
            return None  # zeros of both signs are one value, but two texts
        return kept.groups

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
            lambda: row_checks.failing_values(self._connection, table, columns, check, limit=limit),
        )

    def reference(self, table: str) -> str | None:
        """Return the name under which a table's reference answers questions, None without one."""
        return self._references.get(table)

    def current(self, table: str) -> str:
        """Return the name under which the state to compare with the reference answers questions."""
        return self._currents.get(table, table)

    def selection(self, table: str) -> TableSelection | None:
        """Return what was selected of a table or its reference, None for all of it."""
        for names in (self._references, self._currents):
            for known, name in names.items():
                # Of a reference from elsewhere nothing was selected; a split is of selected rows.
                if table == name and known in self._currents:
                    return self._selections.get(known)
        return self._selections.get(table)

    def scan_bytes(self, table: str) -> int | None:
        """Return what a full scan of the whole table reads: files' sizes, a database's blocks."""
        return self._scan_bytes.get(table)

    def whole_row_count(self, table: str) -> int | None:
        """Count all rows of a table, also those that were not selected: by metadata, mostly."""
        whole = WHOLE + table if table in self._selections else table
        return self._remember(("whole", table), lambda: self._row_count(whole))

    def value_counts(self, table: str, column: str, *, limit: int) -> ValueCounts:
        """Count the rows of each value, the `limit` most frequent ones at most.

        One scan, or none if the table was measured and the column holds few different values.
        """
        return self._remember(
            ("value counts", table, column, limit),
            lambda: comparisons.value_counts(
                self._connection,
                table,
                self._column(table, column),
                limit=limit,
                kept=self._kept.get((table, column)),
            ),
        )

    def bin_counts(self, table: str, column: str, edges: Sequence[float]) -> tuple[int, ...]:
        """Count a column's finite numbers between rising edges: one scan."""
        return self._remember(
            ("bin counts", table, column, *edges),
            lambda: comparisons.bin_counts(
                self._connection, table, self._column(table, column), edges
            ),
        )

    def number_distances(
        self, reference_table: str, current_table: str, column: str
    ) -> NumberDistances:
        """Compare the numbers of a column that both tables have: one scan of each."""
        return self._remember(
            ("number distances", reference_table, current_table, column),
            lambda: comparisons.number_distances(
                self._connection,
                (reference_table, self._column(reference_table, column)),
                (current_table, self._column(current_table, column)),
            ),
        )

    def _column(self, table: str, column: str) -> Column:
        return next(found for found in self.columns(table) if found.name == column)

    def time_counts(self, table: str, column: str, grain: TimeGrain) -> tuple[TimeCount, ...]:
        """Count the rows of each span of time; one scan."""
        return self._remember(
            ("time counts", table, column, grain),
            lambda: series.time_counts(self._connection, self.summarize(table), column, grain),
        )

    def group_means(
        self, table: str, groups: Sequence[str], numbers: Sequence[str], *, sample_rows: int
    ) -> tuple[GroupMeans, ...]:
        """Average numeric columns by the values of others; one scan."""
        return self._remember(
            ("group means", table, sample_rows, tuple(groups), *numbers),
            lambda: series.group_means(
                self._connection, self.summarize(table), groups, numbers, sample_rows=sample_rows
            ),
        )

    def grid_counts(self, table: str, x: BinAxis, y: BinAxis) -> GridCounts:
        """Count rows by two numbers at once; one scan."""
        return self._remember(
            ("grid counts", table, x, y),
            lambda: series.grid_counts(self._connection, table, x, y),
        )

    def query(self, sql: str) -> QueryResult:
        """Run a user's SQL in the sandbox's child process."""
        sandbox = self._user_sandbox()
        with self._lock:  # it runs in another process; here is time for what comes later
            self._measure_compared_beside(len(self._compared_later))
        return told_of(self._listener, "question", "query", (), lambda: sandbox.query(sql))

    def prepare_queries(self) -> None:
        """Start the process that runs users' SQL, so that it is ready when the first one comes."""
        self._user_sandbox().start()

    def _user_sandbox(self) -> Sandbox:
        with self._lock:
            if self._sandbox is None:
                self._sandbox = Sandbox(self._queried, self._limits, temp_directory=self._scratch)
            return self._sandbox

    def interrupt(self) -> None:
        """Stop what is running, from another thread; a user's query too."""
        self._connection.interrupt()
        self._beside.interrupt()
        if self._helper is not None:
            self._helper.interrupt()
        if self._sandbox is not None:
            self._sandbox.interrupt()

    def close(self) -> None:
        """Let go of files, connections and the child process."""
        if self._sandbox is not None:
            self._sandbox.close()
        self._beside.close()
        if self._helper is not None:
            self._helper.close()
        self._connection.close()
        self._folder.close()

    def _remember(self, key: tuple[object, ...], compute: Callable[[], _T]) -> _T:
        """Answer from memory, or compute; DuckDB's errors become ours."""
        with self._lock:
            if key not in self._memory:
                table = key[1]
                compared = (*self._references.values(), *self._currents.values())
                if table not in (*self._recipe.tables, *compared):
                    raise UnknownTableError(str(table), self._recipe.tables)
                if key[0] not in _QUICK:
                    self._progressed(f"{self._shown(table)}: {key[0]}")
                name, about = str(key[0]), (self._shown(table),)
                if key[0] in _LONG:
                    self._measure_next_beside(str(table))
                try:
                    self._memory[key] = told_of(self._listener, "question", name, about, compute)
                except duckdb.InterruptException as error:
                    raise EngineError(f"Table {table!r}: the work was interrupted.") from error
                except duckdb.OutOfMemoryException as error:
                    raise EngineError(
                        f"Table {table!r} needs more memory or disk than it may use: "
                        f"{first_line(error)}.",
                        remedy="Raise memory_limit, free some space in "
                        f"{str(self._scratch.parent)!r}, or let temp_directory name another disk.",
                    ) from error
                except duckdb.Error as error:
                    told = self._remote.named(first_line(error))
                    raise EngineError(
                        f"Table {table!r}: {told}.",
                        remedy=NO_SPACE_REMEDY if is_disk_full(error) else "",
                    ) from error
            found: _T = self._memory[key]
            return found


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[Column, ...]:
    return described_columns(connection.execute(f"DESCRIBE {quote_name(table)}").fetchall())


def _row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    rows = connection.execute(f"SELECT count(*) FROM {quote_name(table)}").fetchall()
    return int(rows[0][0])


def _no_one(step: str) -> None:
    """Tell no one."""
