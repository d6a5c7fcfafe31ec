"""Which questions about tables an engine must answer; generators ask these and never see SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from voyant.core.checks import FailureCount, RowCheck
from voyant.core.series import SeriesQuestions
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

__all__ = ["Asked", "Engine", "Reporting", "Traced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that an engine was asked; it holds no SQL and no value of a table.

    Attributes:
        kind: A question that the engine answers itself, or a statement it sent to a warehouse.
        name: What was asked, or what the statement is a part of: `summary`, `pearson`; `query` for
            a user's own SQL.
        tables: What it is about; none for a user's own SQL.
        started_ns: When it was asked, in nanoseconds since 1970.
        seconds: Until the answer was there.
        is_answered: False if an error was raised instead.
        row_count: Rows that a statement gave, where that is known.
    """

    kind: Literal["question", "statement"]
    name: str
    tables: tuple[str, ...]
    started_ns: int
    seconds: float
    is_answered: bool
    row_count: int | None = None


@runtime_checkable
class Traced(Protocol):
    """An engine that tells what it was asked, for traces."""

    def trace_to(self, listener: Callable[[Asked], None]) -> None:
        """Tell somebody of each thing asked, as soon as it is answered."""
        ...


@runtime_checkable
class Reporting(Protocol):
    """An engine that tells what it is about to do, for a display that moves."""

    def report_to(self, progressed: Callable[[str], None]) -> None:
        """Tell somebody, in a few words, of what is begun: `flights: column 3 of 19, carrier`."""
        ...


@runtime_checkable
class Engine(SeriesQuestions, Protocol):
    """Where tables live. Answers are plain values; an unknown table is an `UnknownTableError`."""

    @property
    def name(self) -> str:
        """Name the engine and its version, for the manifest: `duckdb 2.0.0`."""
        ...

    def tables(self) -> tuple[str, ...]:
        """List the job's tables, in the order they were given."""
        ...

    def columns(self, table: str) -> tuple[Column, ...]:
        """List a table's columns, in table order; no rows are read."""
        ...

    def summarize(self, table: str) -> TableSummary:
        """Measure every column of a table: computed once per run, then remembered."""
        ...

    def duplicate_rows(self, table: str) -> Measure:
        """Count rows that repeat an earlier one in every column; one pass, none if it has a key."""
        ...

    def distinct_count(self, table: str, columns: Sequence[str]) -> Measure:
        """Count different combinations of values, rows with a null in any of them left out."""
        ...

    def unique_pairs(
        self, table: str, pairs: Sequence[tuple[str, str]], *, budget: int
    ) -> tuple[tuple[tuple[str, str], ...], int]:
        """Find pairs of never-null columns whose combination never repeats.

        They are tried in the given order, until one is found or `budget` were counted in full.

        Returns:
            The pairs found, and how many were counted in full.
        """
        ...

    def pearson(self, table: str, columns: Sequence[str]) -> tuple[Association, ...]:
        """Correlate all pairs of numeric columns over the rows where both are finite; one pass."""
        ...

    def spearman(
        self, table: str, columns: Sequence[str], *, sample_rows: int
    ) -> tuple[Association, ...]:
        """Rank-correlate all pairs of numeric columns; an even sample above `sample_rows` rows."""
        ...

    def contingencies(
        self, table: str, pairs: Sequence[tuple[str, str]]
    ) -> tuple[Contingency, ...]:
        """Count rows per combination of values, for pairs of low-cardinality columns; one pass."""
        ...

    def containment(
        self, child_table: str, child_column: str, parent_table: str, parent_column: str
    ) -> Containment:
        """Measure how far one column's values are found in another table's column."""
        ...

    def count_failures(self, table: str, checks: Sequence[RowCheck]) -> tuple[FailureCount, ...]:
        """Count for each check the rows it applies to and those that fail it; one scan for many.

        A check that cannot be asked of its column says why, and does not spoil the others.
        """
        ...

    def failing_values(self, table: str, check: RowCheck, *, limit: int) -> tuple[ValueCount, ...]:
        """List at most `limit` different failing values as text, the most frequent first.

        The whole column's values are those that fail `in_set` with an empty set.
        """
        ...

    def reference(self, table: str) -> str | None:
        """Return the name under which a table's reference answers questions, None without one.

        A reference is an earlier state of the table, given to compare with. It is none of
        `tables()`, and users' SQL cannot read it.
        """
        ...

    def current(self, table: str) -> str:
        """Return the name under which the state to compare with the reference answers questions.

        It is the table itself, or, where the reference is the table's earlier rows, the later ones.
        """
        ...

    def value_counts(self, table: str, column: str, *, limit: int) -> ValueCounts:
        """Count the rows of each value, nulls left out; the `limit` most frequent at most."""
        ...

    def bin_counts(self, table: str, column: str, edges: Sequence[float]) -> tuple[int, ...]:
        """Count a column's finite numbers (or moments, in seconds since 1970) between rising edges.

        Bins hold their left edge, the last one its right edge too; what lies outside is left out.
        """
        ...

    def number_distances(
        self, reference_table: str, current_table: str, column: str
    ) -> NumberDistances:
        """Compare the numbers (or moments) of a column that both tables have, exactly."""
        ...

    def query(self, sql: str) -> QueryResult:
        """Run a user's SQL under the guard: read-only, the job's tables only, within the limits."""
        ...

    def interrupt(self) -> None:
        """Stop what is running, from another thread; safe when nothing is."""
        ...

    def close(self) -> None:
        """Let go of files, connections and child processes; safe to call twice."""
        ...
