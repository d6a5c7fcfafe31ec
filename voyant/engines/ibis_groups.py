"""How are a column's different values kept here, once the warehouse has counted them?

Values and counts of columns with few different values stand in DuckDB, in this process: what it
says of its own columns it says of these with the same code, so both engines agree by construction.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb

from voyant.core.tables import Approximation, ColumnKind, ColumnSummary, ValueCount
from voyant.engines.duckdb_column import Measuring, iso
from voyant.engines.duckdb_numbers import measure_numbers
from voyant.engines.duckdb_text import measure_values
from voyant.engines.duckdb_types import number_line
from voyant.engines.ibis_types import Reading
from voyant.engines.ingest import first_line
from voyant.engines.recipe import ConnectionRecipe, open_connection

__all__ = ["Groups", "LocalGroups"]

_CHUNK: Final = 200_000
_MOST_DIGITS: Final = 38
_ROUNDED: Final = Approximation(
    method="from values rounded to double precision; the error is relative", error=2**-53
)
_ROUNDED_FACTS: Final = (
    *("distinct_count", "min", "max", "sum", "mean", "std", "variance", "skewness", "kurtosis"),
    *("quantiles", "quantile_grid", "histogram", "top_values"),
)


class Groups:
    """One column's different values `v` and their counts `c`, in a table of DuckDB's.

    Attributes:
        relation: The table, as SQL.
        reading: How the column is read.
        local_type: DuckDB's type of `v`; double precision where that is all that fits.
        count: Rows of the table; some more where values had to be rounded.
        is_rounded: Whether values had to be rounded to it.
    """

    def __init__(
        self, relation: str, reading: Reading, local_type: str, *, count: int, is_rounded: bool
    ) -> None:
        self.relation = relation
        self.reading = reading
        self.local_type = local_type
        self.count = count
        self.is_rounded = is_rounded

    @property
    def measured_type(self) -> str:
        """The type by which DuckDB's code tells what can be measured."""
        kind = self.reading.column.kind
        return self.reading.local_type if kind is ColumnKind.TIME else self.local_type

    @property
    def crossing(self) -> str:
        """DuckDB's SQL for what a value `v` crossed as; null for infinite dates."""
        kind = self.reading.column.kind
        if kind is ColumnKind.DATE:
            return "CASE WHEN isfinite(v) THEN v - DATE '1970-01-01' END"
        if kind is ColumnKind.TIMESTAMP:
            return "CASE WHEN isfinite(v) THEN epoch_us(v) END"
        return "v"


class LocalGroups:
    """The groups of all columns that were counted so far."""

    def __init__(
        self, *, temp_directory: str | Path | None, memory_limit_bytes: int | None
    ) -> None:
        self.connection = open_connection(
            ConnectionRecipe(), temp_directory=temp_directory, memory_limit_bytes=memory_limit_bytes
        )
        self._count = 0
        self._lock = threading.RLock()

    def load(self, reading: Reading, groups: Sequence[tuple[Any, int]]) -> Groups:
        """Keep a column's groups; the group of nulls too."""
        with self._lock:
            self._count += 1
            relation = f"memory.main.voyant_local_{self._count}"
            local_type, parameter, restore, rounded = _local(reading, groups)
            self.connection.execute(f"CREATE TABLE {relation} (v {local_type}, c BIGINT)")
            rows = iter(groups)
            while part := list(islice(rows, _CHUNK)):
                values = [_plain(value, parameter) for value, _ in part]
                self.connection.execute(
                    f"INSERT INTO {relation} SELECT {restore}, c FROM "
                    f"(SELECT unnest(?::{parameter}[]) AS x, unnest(?::BIGINT[]) AS c)",
                    [values, [int(count) for _, count in part]],
                )
            if rounded:  # values that differ may have become one
                self.connection.execute(
                    f"CREATE OR REPLACE TABLE {relation} AS "
                    f"SELECT v, sum(c)::BIGINT AS c FROM {relation} GROUP BY v"
                )
            return Groups(relation, reading, local_type, count=len(groups), is_rounded=rounded)

    def measure(self, groups: Groups, row_count: int) -> ColumnSummary:
        """Measure a column from its groups; where DuckDB cannot, say so."""
        declared = groups.reading.column
        with self._lock:
            measuring = self._measuring(groups, row_count)
            line = number_line(measuring.column.type)
            try:
                found = (
                    measure_values(measuring) if line is None else measure_numbers(measuring, line)
                )
            except duckdb.InterruptException:
                raise
            except duckdb.Error as error:
                found = _only_counts(measuring, error)
        if groups.is_rounded:
            facts = dict.fromkeys(_ROUNDED_FACTS, _ROUNDED)
            found = replace(found, approximations={**found.approximations, **facts})
        return replace(found, type=declared.type, kind=declared.kind)

    def _measuring(self, groups: Groups, row_count: int) -> Measuring:
        """Show DuckDB's own code a column's groups as those it is to read."""
        declared = groups.reading.column
        kind = ColumnKind.FLOAT if groups.local_type == "DOUBLE" else declared.kind
        local = replace(declared, type=groups.measured_type, kind=kind)
        measuring = Measuring(self.connection, "", local, row_count)
        measuring.groups, measuring.group_count = groups.relation, groups.count
        return measuring

    def top_and_sample(
        self, reading: Reading, groups: Sequence[tuple[Any, int]]
    ) -> tuple[tuple[ValueCount, ...], tuple[ValueCount, ...]]:
        """Show a few values as DuckDB does: the most frequent of them, and all as text."""
        with self._lock:
            loaded = self.load(reading, groups)
            try:
                measuring = self._measuring(loaded, 0)
                return measuring.top_and_sample(measuring.most_frequent())
            finally:
                self.drop(loaded)

    def texts(self, reading: Reading, values: Sequence[Any]) -> dict[Any, str]:
        """Return each value as DuckDB writes it."""
        different = list(dict.fromkeys(values))
        local_type, parameter, restore, _ = _local(reading, [(value, 1) for value in different])
        rows = self.connection.execute(
            f"SELECT (({restore})::{local_type})::VARCHAR FROM "
            f"(SELECT unnest(?::{parameter}[]) AS x)",
            [[_plain(value, parameter) for value in different]],
        ).fetchall()
        return dict(zip(different, (text for (text,) in rows), strict=True))

    @contextmanager
    def holding(self) -> Generator[None]:
        """Keep other threads from using the same tables."""
        with self._lock:
            yield

    def keep_rows(
        self, relation: str, readings: Sequence[Reading], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Keep rows of numbers under the names x0, x1 ..., null for what is not finite."""
        columns: list[str] = []
        parameters: list[str] = []
        values: list[list[Any]] = []
        for i, reading in enumerate(readings):
            column = [row[i] for row in rows]
            local_type, parameter, restore, _ = _local(reading, [(v, 1) for v in column])
            value = restore.replace("x", f"p{i}", 1)
            if local_type == "DOUBLE":
                value = f"CASE WHEN isfinite({value}) THEN {value} END"
            columns.append(f"{value} AS x{i}")
            parameters.append(f"unnest(?::{parameter}[]) AS p{i}")
            values.append([_plain(v, parameter) for v in column])
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {relation} AS "
            f"SELECT {', '.join(columns)} FROM (SELECT {', '.join(parameters)})",
            values,
        )

    def forget_rows(self, *relations: str) -> None:
        """Drop tables of rows."""
        for relation in relations:
            self.connection.execute(f"DROP TABLE IF EXISTS {relation}")

    def shown(self, reading: Reading, values: Sequence[int]) -> list[str]:
        """Show dates or time stamps as ISO text."""
        rows = self.connection.execute(
            f"SELECT ({reading.restore})::VARCHAR FROM (SELECT unnest(?::BIGINT[]) AS x)",
            [list(values)],
        ).fetchall()
        return [iso(text) for (text,) in rows]

    def days(self, *days: int) -> list[str]:
        """Show days since 1970-01-01 as ISO text."""
        rows = self.connection.execute(
            "SELECT (DATE '1970-01-01' + x::INTEGER)::VARCHAR "
            "FROM (SELECT unnest(?::BIGINT[]) AS x)",
            [list(days)],
        ).fetchall()
        return [iso(text) for (text,) in rows]

    def drop(self, groups: Groups) -> None:
        """Forget a column's groups."""
        self.connection.execute(f"DROP TABLE IF EXISTS {groups.relation} CASCADE")

    def close(self) -> None:
        """Let go of everything."""
        self.connection.close()


def _only_counts(measuring: Measuring, error: duckdb.Error) -> ColumnSummary:
    distinct, count = measuring.one(
        f"SELECT count(v), coalesce(sum(c) FILTER (v IS NOT NULL), 0)::BIGINT "
        f"FROM {measuring.groups}"
    )
    measuring.approximations.clear()
    measuring.approximations["sum"] = Approximation(
        method=f"only counted, since DuckDB cannot measure this column: {first_line(error)}"
    )
    return measuring.summary(count=count, distinct_count=distinct)


def _local(reading: Reading, groups: Sequence[tuple[Any, int]]) -> tuple[str, str, str, bool]:
    """Return the types of a column's values and of what is handed over, and how one is made other.

    The last is whether values have to be rounded.
    """
    if reading.crosses_as == "text":
        return "VARCHAR", "VARCHAR", reading.restore, False
    if reading.crosses_as != "decimal":
        return reading.local_type, reading.parameter, reading.restore, False
    values = [Decimal(value) for value, _ in groups if value is not None]
    if all(value.is_finite() for value in values):
        if reading.local_type:
            return reading.local_type, "VARCHAR", f"x::{reading.local_type}", False
        scale = max((max(-int(v.normalize().as_tuple().exponent), 0) for v in values), default=0)
        digits = max((v.adjusted() + 1 for v in values if v), default=1)
        if max(digits, 1) + scale <= _MOST_DIGITS:
            decimal = f"DECIMAL({_MOST_DIGITS},{scale})"
            return decimal, "VARCHAR", f"x::{decimal}", False
    return "DOUBLE", "DOUBLE", "x", True


def _plain(value: Any, parameter: str) -> Any:
    if value is None:
        return None
    if parameter == "VARCHAR":
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if parameter == "DOUBLE":
        number = float(value)
        return math.nan if math.isnan(number) else number
    return value
