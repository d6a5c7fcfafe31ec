"""How does a warehouse count rows over time and over two numbers, and average by groups?"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

from voyant.core.series import BinAxis, GridCounts, GroupMeans, TimeCount, TimeGrain
from voyant.core.tables import Approximation, ColumnKind, ColumnSummary, Scalar, TableSummary
from voyant.engines.duckdb_series import (
    finite_range,
    fits_64_bits,
    group_mean,
    span_start,
    whole_range,
)
from voyant.engines.ibis_summary import TableReader
from voyant.engines.ibis_wide import double, line_sql
from voyant.stats.moments import FIXED_POINT_ONE

__all__ = ["grid_counts", "group_means", "time_counts"]

_HOUR_MICROS: Final = 3_600_000_000
_DAY_MICROS: Final = 86_400_000_000


def time_counts(reader: TableReader, column: str, grain: TimeGrain) -> tuple[TimeCount, ...]:
    """Count the rows of each span of time: no statement, or one where there are many moments."""
    connection = reader.local.connection
    groups = reader.groups.get(column)
    if groups is not None:
        moments = (
            f"(SELECT epoch_us(v::TIMESTAMP) AS us, c FROM {groups.relation} WHERE isfinite(v))"
        )
        if groups.reading.local_type.endswith("TIME ZONE"):
            moments = moments.replace("v::TIMESTAMP", "v")
        rows = connection.execute(_spans(moments, grain)).fetchall()
    else:
        # Weeks, months and years are made of days here.
        span = _HOUR_MICROS if grain is TimeGrain.HOUR else _DAY_MICROS
        counted = _count_spans(reader, column, span)
        rows = connection.execute(
            _spans("(SELECT unnest(?::BIGINT[]) AS us, unnest(?::BIGINT[]) AS c)", grain),
            [[us for us, _ in counted], [count for _, count in counted]],
        ).fetchall()
    return tuple(TimeCount(start=int(start), count=int(count)) for start, count in rows)


def _spans(moments: str, grain: TimeGrain) -> str:
    return f"SELECT {span_start(grain)} AS s, sum(c)::BIGINT FROM {moments} GROUP BY s ORDER BY s"


def _count_spans(reader: TableReader, column: str, span: int) -> list[tuple[int, int]]:
    """Count the rows of each span of so many microseconds that has any."""
    reading = reader.readings[column]
    assert reading.line is not None  # noqa: S101 - asked of times only
    moment = line_sql(reading.line, "v")
    if reading.column.kind is ColumnKind.DATE:
        moment = f"({moment}) * {_DAY_MICROS}"
    start = f"us - MOD(MOD(us, {span}) + {span}, {span})"
    rows = reader.ask(
        "time counts",
        f"SELECT {start} AS s, COUNT(*) FROM (SELECT {moment} AS us FROM source) AS m "
        f"WHERE us IS NOT NULL GROUP BY {start}",
        [("v", column)],
    )
    return [(int(us), int(count)) for us, count in rows]


def group_means(
    reader: TableReader,
    summary: TableSummary,
    groups: Sequence[str],
    numbers: Sequence[str],
    *,
    sample_rows: int,
) -> tuple[GroupMeans, ...]:
    """Average by groups from sums of whole numbers: one pass for each column of groups."""
    return tuple(
        means
        for group in groups
        for means in _group_means(reader, summary, group, numbers, sample_rows)
    )


def _group_means(
    reader: TableReader,
    summary: TableSummary,
    group: str,
    numbers: Sequence[str],
    sample_rows: int,
) -> tuple[GroupMeans, ...]:
    usable = [summary.columns[name] for name in numbers if finite_range(summary.columns[name])]
    if not usable:
        return ()
    shares = ", ".join(
        f"{_share(reader, column, f'x{i}')} AS u{i}" for i, column in enumerate(usable)
    )
    sums = ", ".join(_sums(column, f"u{i}") for i, column in enumerate(usable))
    aliases = [("g", group), *((f"x{i}", column.name) for i, column in enumerate(usable))]
    source, approximation = "source", None
    step = -(-summary.row_count // sample_rows)
    if step > 1:
        listed = ", ".join(alias for alias, _ in aliases)
        source = (
            f"(SELECT {listed} FROM (SELECT {listed}, VOYANT_ROW() AS n FROM source) AS r "
            f"WHERE MOD(n + 1, {step}) = 0) AS k"
        )
        kept = summary.row_count // step
        approximation = Approximation(method=f"even sample of {kept:,} rows")
    rows = reader.ask(
        "group means",
        f"SELECT g, {sums} FROM (SELECT g, {shares} FROM {source}) AS s "
        "WHERE g IS NOT NULL GROUP BY g",
        aliases,
        is_ordered=step > 1,
    )
    keyed = _keyed(reader, group, rows)
    return tuple(
        GroupMeans(
            group=group,
            number=column.name,
            approximation=approximation,
            groups=tuple(
                group_mean(column, key, *row[1 + 3 * i : 4 + 3 * i])
                for key, row in keyed
                if row[1 + 3 * i]
            ),
        )
        for i, column in enumerate(usable)
    )


def _keyed(
    reader: TableReader, group: str, rows: Sequence[tuple[Any, ...]]
) -> list[tuple[Scalar, tuple[Any, ...]]]:
    """Show the groups' values as DuckDB does, in the order of what is shown."""
    reading = reader.readings[group]
    if reading.column.kind in {ColumnKind.BOOLEAN, ColumnKind.INTEGER}:
        return [(row[0], row) for row in sorted(rows, key=itemgetter(0))]
    texts = reader.local.texts(reading, [row[0] for row in rows])
    return [(texts[row[0]], row) for row in sorted(rows, key=lambda row: texts[row[0]])]


def _sums(column: ColumnSummary, share: str) -> str:
    """Return SQL for the count of what `_share` gives, its sum and that of its squares."""
    if whole_range(column):
        return f"COUNT({share}), SUM(VOYANT_WIDE({share})), SUM(VOYANT_WIDE({share} * {share}))"
    one = double(FIXED_POINT_ONE)
    return (
        f"COUNT({share}), SUM(VOYANT_WIDE(VOYANT_WHOLE({share} * {one}))), "
        f"SUM(VOYANT_WIDE(VOYANT_WHOLE({share} * {share} * {one})))"
    )


def _share(reader: TableReader, column: ColumnSummary, value: str) -> str:
    """Return SQL that brings a number to [0, 1] between its column's bounds; null if not finite.

    Of integers of a modest range, the difference from the lowest one instead.
    """
    if whole := whole_range(column):
        wide = f"CAST({value} AS BIGINT)" if fits_64_bits(whole) else value
        return f"CAST({wide} - ({whole[0]}) AS BIGINT)"
    low, high = finite_range(column) or (0.0, 1.0)
    x = _plain_double(reader, column.name, value)
    # Halved first: the span of two large doubles may be no double.
    share = f"({x} * {double(0.5)} - {double(low / 2)}) / {double(high / 2 - low / 2)}"
    return f"CASE WHEN {x} IS NOT NULL THEN LEAST(GREATEST({share}, 0), 1) END"


def _plain_double(reader: TableReader, column: str, value: str) -> str:
    """Return SQL for a number as a double, null where it is not finite."""
    number = f"CAST({value} AS DOUBLE PRECISION)"
    if reader.readings[column].column.kind is ColumnKind.INTEGER:
        return number
    return f"VOYANT_FINITE({number})"


def grid_counts(reader: TableReader, x: BinAxis, y: BinAxis) -> GridCounts:
    """Count rows by cell: one pass."""
    a = _plain_double(reader, x.column, "v0")
    b = _plain_double(reader, y.column, "v1")
    rows = reader.ask(
        "grid counts",
        f"SELECT i, j, COUNT(*) FROM (SELECT {_bin('a', x)} AS i, {_bin('b', y)} AS j FROM "
        f"(SELECT {a} AS a, {b} AS b FROM source) AS s WHERE a IS NOT NULL AND b IS NOT NULL) "
        "AS c GROUP BY i, j",
        [("v0", x.column), ("v1", y.column)],
    )
    inside = {(int(i), int(j)): int(n) for i, j, n in rows if i is not None and j is not None}
    everything = sum(int(n) for *_, n in rows)
    return GridCounts(
        x=x,
        y=y,
        counts=dict(sorted(inside.items())),
        outside_count=everything - sum(inside.values()),
    )


def _bin(value: str, axis: BinAxis) -> str:
    """Return SQL for the bin of a value, null outside the axis."""
    width = double((axis.high - axis.low) / axis.bins)
    return (
        f"CASE WHEN {value} BETWEEN {double(axis.low)} AND {double(axis.high)} "
        f"THEN CAST(LEAST(FLOOR(({value} - {double(axis.low)}) / {width}), {axis.bins - 1}) "
        "AS INTEGER) END"
    )
