"""How does a warehouse that Ibis knows answer the questions of the `Engine` protocol?

What is asked of many rows is computed in the warehouse; what is asked of few different values is
computed here, by the code that computes it for DuckDB. Each answer is remembered for the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb

from voyant.core.checks import FailureCount, RowCheck
from voyant.core.engine import Asked
from voyant.core.errors import (
    EngineError,
    SourceError,
    UnknownTableError,
    UnsafeQueryError,
    did_you_mean,
)
from voyant.core.scan_costs import refuse_costly
from voyant.core.selection import TableSelection
from voyant.core.series import BinAxis, GridCounts, GroupMeans, TimeCount, TimeGrain
from voyant.core.tables import (
    Association,
    Column,
    Containment,
    Contingency,
    Measure,
    NumberDistances,
    QueryResult,
    TableSummary,
    ValueCount,
    ValueCounts,
)
from voyant.engines import ibis_checks as row_checks
from voyant.engines import ibis_comparisons as comparisons
from voyant.engines import ibis_correlations as correlations
from voyant.engines import ibis_relations as relations
from voyant.engines import ibis_selection as selecting
from voyant.engines import ibis_series as series
from voyant.engines.asking import Listener, told_of
from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.tables import JobTable
from voyant.engines.ibis_groups import LocalGroups
from voyant.engines.ibis_statements import Statement, Statements, Warehouse
from voyant.engines.ibis_summary import GROUP_LIMIT, TableReader, summarize
from voyant.engines.ibis_types import Reading, reading_of, split
from voyant.engines.ingest import first_line
from voyant.engines.sandbox import QueryLimits

__all__ = ["IbisEngine", "IbisHandover"]

_T = TypeVar("_T")

#: Before the names of reference tables.
_REFERENCE: Final = "voyant_reference_"
#: Before the names of the later rows, where a table is compared with its own earlier ones.
_CURRENT: Final = "voyant_current_"
#: A reference that is the table's own earlier rows: `before:time_hour=2013-07-01`.
_BEFORE: Final = "before:"
#: Questions that are answered too soon to be told of.
_QUICK: Final = frozenset({"columns", "scan bytes", "selected"})


class IbisEngine:
    """Tables that stay where they are: in PostgreSQL, Spark and other warehouses."""

    def __init__(  # noqa: PLR0913 - one for each thing an operator can set
        self,
        warehouse: Warehouse,
        *,
        tables: Sequence[str] = (),
        reference: Mapping[str, object] | None = None,
        memory_limit_bytes: int | None = None,
        temp_directory: str | Path | None = None,
        group_limit: int = GROUP_LIMIT,
        limits: QueryLimits | None = None,
        selections: Mapping[str, TableSelection] | None = None,
        max_scan_bytes: int | None = None,
        answers: Mapping[tuple[object, ...], Any] | None = None,
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
            limits: What one query of a user may use.
            selections: Which rows of a table to look at, all of those not named.
            max_scan_bytes: A table whose full scan reads more is refused before it is read, unless
                rows of it are selected.
            answers: What an engine on the same tables remembers.

        Raises:
            SourceError: A table that the warehouse does not have, a table that is too large, or a
                selection that does not fit its table.
            UnknownTableError: A selection of a table that is not among those kept.
            UnsafeQueryError: A condition that is not allowed.
        """
        self.warehouse = warehouse
        self.statements = Statements(warehouse)
        self._group_limit = group_limit
        self._limits = limits or QueryLimits()
        self._queries: GuardedQueries | None = None
        self._told = 0
        self._reference_sources = dict(reference or {})
        self._memory_limit_bytes = memory_limit_bytes
        self._local = LocalGroups(
            temp_directory=temp_directory, memory_limit_bytes=memory_limit_bytes
        )
        self._memory: dict[tuple[object, ...], Any] = dict(answers or {})
        self._selections = dict(selections or {})
        self._progressed: Callable[[str], None] = _no_one
        self._listener: Listener = None
        self._readers: dict[str, TableReader] = {}
        self._grouped: set[str] = set()
        self._lock = threading.RLock()
        self._references: dict[str, str] = {}
        self._currents: dict[str, str] = {}
        try:
            self._tables = self._chosen(tables)
            self._check_selections(max_scan_bytes)
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

    def _check_selections(self, max_scan_bytes: int | None) -> None:
        for table in self._selections:
            if table not in self._tables:
                raise UnknownTableError(table, self._tables)
        refuse_costly(self, max_scan_bytes)
        for table in self._selections:
            self._selected(table)

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
            self._readers[name] = replace(self._make_reader(other, is_whole=True), name=name)
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
        return self._remember(("summary", table), lambda: self._summarize(table))

    def _summarize(self, table: str) -> TableSummary:
        summary = summarize(self._reader(table))
        self._grouped.add(table)
        return summary

    def duplicate_rows(self, table: str) -> Measure:
        """Count repeated rows: no pass if a key is known, else one over all columns."""
        return self._remember(("duplicates", table), lambda: self._duplicate_rows(table))

    def _duplicate_rows(self, table: str) -> Measure:
        summary = self.summarize(table)
        has_key = any(column.is_unique for column in summary.columns.values())
        if has_key or self._memory.get(("unique pair", table)):
            return Measure(value=0)
        return relations.duplicate_rows(self._reader(table))

    def distinct_count(self, table: str, columns: Sequence[str]) -> Measure:
        """Count different combinations of values, rows with a null in any of them left out."""
        return self._remember(
            ("distinct", table, *columns),
            lambda: relations.distinct_count(self._reader(table), columns),
        )

    def unique_pairs(
        self, table: str, pairs: Sequence[tuple[str, str]], *, budget: int
    ) -> tuple[tuple[tuple[str, str], ...], int]:
        """Find pairs of never-null columns whose combination never repeats; stops at the first.

        Returns:
            The pairs found, and how many were counted in full.
        """
        found, checked = self._remember(
            ("unique pairs", table, tuple(pairs), budget),
            lambda: relations.unique_pairs(self._measured(table), pairs, budget=budget),
        )
        if found:
            self._memory["unique pair", table] = True
        return found, checked

    def pearson(self, table: str, columns: Sequence[str]) -> tuple[Association, ...]:
        """Correlate all pairs of numeric columns: one pass, two where gaps are alike."""
        return self._remember(
            ("pearson", table, *columns),
            lambda: correlations.pearson(self._reader(table), self.summarize(table), columns),
        )

    def spearman(
        self, table: str, columns: Sequence[str], *, sample_rows: int
    ) -> tuple[Association, ...]:
        """Rank-correlate all pairs of numeric columns: `sample_rows` rows at most are fetched."""
        return self._remember(
            ("spearman", table, sample_rows, *columns),
            lambda: correlations.spearman(
                self._reader(table), self.summarize(table), columns, sample_rows=sample_rows
            ),
        )

    def contingencies(
        self, table: str, pairs: Sequence[tuple[str, str]]
    ) -> tuple[Contingency, ...]:
        """Count the rows of each combination of values: one pass while they are few."""
        return self._remember(
            ("contingencies", table, *pairs),
            lambda: relations.contingencies(self._reader(table), self.summarize(table), pairs),
        )

    def containment(
        self, child_table: str, child_column: str, parent_table: str, parent_column: str
    ) -> Containment:
        """Measure how far one column's values are found in another's: no pass, or one of each."""
        for table in (child_table, parent_table):
            self.columns(table)
        return self._remember(
            ("containment", child_table, child_column, parent_table, parent_column),
            lambda: relations.containment(
                self._measured(child_table),
                child_column,
                self._measured(parent_table),
                parent_column,
            ),
        )

    def count_failures(self, table: str, checks: Sequence[RowCheck]) -> tuple[FailureCount, ...]:
        """Count rows that fail checks: no pass for columns of few values, one for all others."""
        if not checks:
            return ()
        return self._remember(
            ("failures", table, *checks),
            lambda: row_checks.count_failures(self._measured(table), checks),
        )

    def failing_values(self, table: str, check: RowCheck, *, limit: int) -> tuple[ValueCount, ...]:
        """List different failing values as text, the most frequent first."""
        return self._remember(
            ("failing values", table, check, limit),
            lambda: row_checks.failing_values(self._measured(table), check, limit=limit),
        )

    def value_counts(self, table: str, column: str, *, limit: int) -> ValueCounts:
        """Count the rows of each value, the `limit` most frequent ones at most."""
        return self._remember(
            ("value counts", table, column, limit),
            lambda: comparisons.value_counts(self._measured(table), column, limit=limit),
        )

    def bin_counts(self, table: str, column: str, edges: Sequence[float]) -> tuple[int, ...]:
        """Count a column's finite numbers between rising edges."""
        return self._remember(
            ("bin counts", table, column, *edges),
            lambda: comparisons.bin_counts(self._measured(table), column, edges),
        )

    def number_distances(
        self, reference_table: str, current_table: str, column: str
    ) -> NumberDistances:
        """Compare the numbers of a column that both tables have."""
        return self._remember(
            ("number distances", reference_table, current_table, column),
            lambda: comparisons.number_distances(
                self._measured(reference_table), self._measured(current_table), column
            ),
        )

    def time_counts(self, table: str, column: str, grain: TimeGrain) -> tuple[TimeCount, ...]:
        """Count the rows of each span of time."""
        return self._remember(
            ("time counts", table, column, grain),
            lambda: series.time_counts(self._measured(table), column, grain),
        )

    def group_means(
        self, table: str, groups: Sequence[str], numbers: Sequence[str], *, sample_rows: int
    ) -> tuple[GroupMeans, ...]:
        """Average numeric columns by the values of others: one pass for each of these."""
        return self._remember(
            ("group means", table, sample_rows, tuple(groups), *numbers),
            lambda: series.group_means(
                self._reader(table), self.summarize(table), groups, numbers, sample_rows=sample_rows
            ),
        )

    def grid_counts(self, table: str, x: BinAxis, y: BinAxis) -> GridCounts:
        """Count rows by two numbers at once: one pass."""
        return self._remember(
            ("grid counts", table, x, y), lambda: series.grid_counts(self._reader(table), x, y)
        )

    def _measured(self, table: str) -> TableReader:
        """Return a table's reader after its columns' groups have been fetched."""
        self.summarize(table)
        if table not in self._grouped:  # the summary came from another process, without them
            self._summarize(table)
        return self._reader(table)

    def query(self, sql: str) -> QueryResult:
        """Run a user's SQL under the guard, on a connection of its own."""
        with self._lock:
            if self._queries is None:
                self._queries = self.warehouse.queries(self._queried, self._limits)
        queries = self._queries
        return told_of(self._listener, "statement", "query", (), lambda: queries.query(sql))

    def _queried(self) -> list[JobTable]:
        """List what users' queries may read: selected rows, but no samples."""
        return [
            replace(self.warehouse.job_table(table), rows=self._selected(table))
            for table in self._tables
        ]

    def report_to(self, progressed: Callable[[str], None]) -> None:
        """Tell somebody, in a few words, of each thing begun."""
        self._progressed = progressed

    def trace_to(self, listener: Callable[[Asked], None]) -> None:
        """Tell somebody of each statement sent, also of those that opening took."""

        def tell(statement: Statement) -> None:
            listener(
                Asked(
                    kind="statement",
                    name=statement.question,
                    tables=tuple(map(_shown, statement.tables)),
                    started_ns=statement.started_ns,
                    seconds=statement.seconds,
                    is_answered=statement.rows is not None,
                    row_count=statement.rows,
                )
            )

        self._listener, self.statements.observer = listener, tell
        for statement in self.statements.log:
            tell(statement)

    def selection(self, table: str) -> TableSelection | None:
        """Return what was selected of a table or its reference, None for all of it."""
        for names in (self._references, self._currents):
            for known, name in names.items():
                # Of another table nothing was selected; a split is of selected rows.
                if table == name and known in self._currents:
                    table = known
        found = self._selections.get(table)
        return None if found is None else selecting.told(found, self.statements.dialect)

    def whole_row_count(self, table: str) -> int | None:
        """Return the rows of a table of which all are looked at; of others it would cost a scan."""
        return None if self.selection(table) is not None else self.summarize(table).row_count

    def scan_bytes(self, table: str) -> int | None:
        """Return what a full scan of the whole table reads, None where the warehouse cannot say."""
        return self._remember(("scan bytes", table), lambda: self.warehouse.scan_bytes(table))

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

    def _selected(self, table: str) -> str:
        """Return the SELECT of a table's rows of condition and window; empty for all of them."""
        return self._remember(("selected", table), lambda: self._select(table))

    def _select(self, table: str) -> str:
        selection = self._selections.get(table)
        if selection is None:
            return ""
        dialect, target = self.statements.dialect, self.warehouse.job_table(table)
        sql = selecting.selected_sql(table, selection, target, self._readings(table), dialect)
        selecting.check_understood(table, sql, self.warehouse.tables[table], self.statements)
        return sql

    def _readings(self, table: str) -> dict[str, Reading]:
        return {column.name: reading_of(column) for column in self.warehouse.columns(table)}

    def _rows(self, table: str, readings: Mapping[str, Reading]) -> Any:
        """Return a table's selected rows as an Ibis expression."""
        whole, selection = self.warehouse.tables[table], self._selections.get(table)
        if selection is None:
            return whole
        rows = selecting.selected_rows(self._selected(table), whole)
        sample = selection.sample
        if sample is None:
            return rows
        bound = self._remember(
            ("sample", table),
            lambda: selecting.bound_of(table, sample, rows, readings, self.statements),
        )
        return selecting.sampled(rows, sample, bound, readings)

    def _make_reader(self, table: str, *, is_whole: bool = False) -> TableReader:
        readings = self._readings(table)
        return TableReader(
            statements=self.statements,
            name=table,
            stored_as=table,
            table=self.warehouse.tables[table] if is_whole else self._rows(table, readings),
            readings=readings,
            groups={},
            local=self._local,
            group_limit=self._group_limit,
        )

    def usage(self) -> dict[str, dict[str, float]]:
        """Return by question how many statements were sent, what they read, and for how long.

        Statements that were told of before are left out: they were another generator's.
        """
        log, self._told = self.statements.log[self._told :], len(self.statements.log)
        found: dict[str, dict[str, float]] = {}
        for statement in log:
            entry = found.setdefault(
                statement.question, {"statements": 0, "scans": 0, "seconds": 0.0}
            )
            entry["statements"] += 1
            entry["scans"] += len(statement.tables)
            entry["seconds"] = round(entry["seconds"] + statement.seconds, 3)
        return found

    def handover(self) -> IbisHandover:
        """Return what another process needs to open the same tables while this one lives."""
        return IbisHandover(
            connect=self.warehouse.handover(),
            tables=self._tables,
            reference=self._reference_sources,
            # Not under the lock: whoever holds it may be a generator that has been given up.
            memory=dict(self._memory),
            memory_limit_bytes=self._memory_limit_bytes,
            group_limit=self._group_limit,
            limits=self._limits,
            selections=self._selections,
        )

    def interrupt(self) -> None:
        """Stop what is running, from another thread."""
        if self._queries is not None:
            self._queries.interrupt()
        self.warehouse.interrupt()
        self._local.connection.interrupt()

    def close(self) -> None:
        """Let go of the warehouse and of what was fetched from it."""
        if self._queries is not None:
            self._queries.close()
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
                if key[0] not in _QUICK:
                    self._progressed(f"{_shown(table)}: {key[0]}")
                try:
                    self._memory[key] = compute()
                except EngineError as error:
                    if isinstance(error, (SourceError, UnknownTableError, UnsafeQueryError)):
                        raise
                    raise EngineError(
                        f"Table {table!r}: {error.what}", remedy=error.remedy
                    ) from None
                except duckdb.Error as error:
                    raise EngineError(f"Table {table!r}: {first_line(error)}.") from error
            found: _T = self._memory[key]
            return found


def _shown(table: str) -> str:
    """Return how to call a table before people."""
    return table.removeprefix(_REFERENCE).removeprefix(_CURRENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class IbisHandover:
    """An engine on its way to another process: how to connect, and every answer it remembers."""

    connect: Callable[[], Warehouse] = field(repr=False)
    tables: tuple[str, ...]
    reference: dict[str, object]
    memory: dict[tuple[object, ...], Any] = field(repr=False)
    memory_limit_bytes: int | None
    group_limit: int
    limits: QueryLimits = field(default_factory=QueryLimits)
    selections: dict[str, TableSelection] = field(default_factory=dict[str, TableSelection])

    def open(
        self, *, temp_directory: str | Path, memory_limit_bytes: int | None = None
    ) -> IbisEngine:
        """Open the tables again; no remembered answer is computed twice."""
        return IbisEngine(
            self.connect(),
            tables=self.tables,
            reference=self.reference,
            memory_limit_bytes=memory_limit_bytes,
            temp_directory=temp_directory,
            group_limit=self.group_limit,
            limits=self.limits,
            selections=self.selections,
            answers=self.memory,
        )


def _no_one(step: str) -> None:
    """Tell no one."""
