"""How does DuckDB count rows over time and over two numbers, and average a column by groups?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from voyant.core.series import BinAxis, GridCounts, GroupMean, GroupMeans, TimeCount, TimeGrain
from voyant.core.tables import Approximation, ColumnKind, ColumnSummary, Scalar, TableSummary
from voyant.engines.sources import quote_name
from voyant.stats.moments import FIXED_POINT_ONE

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "finite_range",
    "fits_64_bits",
    "grid_counts",
    "group_mean",
    "group_means",
    "span_start",
    "time_counts",
    "whole_range",
]

#: The squares of differences within so many bits are whole numbers of 64 bits.
_WHOLE_BITS: Final = 31
_TWO: Final = 2
_SPAN_SECONDS: Final = {TimeGrain.HOUR: 3_600, TimeGrain.DAY: 86_400, TimeGrain.WEEK: 604_800}
# 1970 began on a Thursday: the first Monday came four days later.
_FIRST_SECOND: Final = {TimeGrain.WEEK: 4 * 86_400}


def time_counts(
    connection: duckdb.DuckDBPyConnection, summary: TableSummary, column: str, grain: TimeGrain
) -> tuple[TimeCount, ...]:
    """Count the rows of each span of time; infinite dates are left out."""
    name = quote_name(column)
    # As UTC, so that days begin at its midnight whatever the session's time zone.
    is_zoned = summary.columns[column].has_time_zone
    moment = f"epoch_us({name if is_zoned else f'{name}::TIMESTAMP'})"
    rows = connection.execute(
        f"SELECT {span_start(grain)} AS s, count(*) FROM (SELECT {moment} AS us "
        f"FROM {quote_name(summary.name)} WHERE isfinite({name})) GROUP BY s ORDER BY s"
    ).fetchall()
    return tuple(starmap(TimeCount, rows))


def span_start(grain: TimeGrain) -> str:
    """Return SQL for the first second of the span that microsecond `us` lies in.

    Whole-number arithmetic where spans are alike: date_trunc on zoned times takes 30 times as long.
    """
    if grain in _SPAN_SECONDS:
        span, first = _SPAN_SECONDS[grain] * 1_000_000, _FIRST_SECOND.get(grain, 0) * 1_000_000
        since = f"(us - {first})"
        # DuckDB's remainder has the sign of the number; before 1970 a span begins below it.
        return f"({since} - ({since} % {span} + {span}) % {span} + {first}) // 1000000"
    return f"epoch(date_trunc('{grain.value}', make_timestamp(us)))::BIGINT"


def group_means(
    connection: duckdb.DuckDBPyConnection,
    summary: TableSummary,
    groups: Sequence[str],
    numbers: Sequence[str],
    *,
    sample_rows: int,
) -> tuple[GroupMeans, ...]:
    """Average by groups from sums of whole numbers, which are the same in any order of the rows.

    One scan for all groups. Integers of a modest range are taken as they are: exact, and a quarter
    of the time.
    """
    usable = [summary.columns[name] for name in numbers if finite_range(summary.columns[name])]
    if not usable or not groups:
        return ()
    keys = [f"g{place}" for place in range(len(groups))]
    read = [
        *(f"{_group_key(summary.columns[g])} AS {k}" for g, k in zip(groups, keys, strict=True)),
        *(f"{_share(column)} AS u{i}" for i, column in enumerate(usable)),
    ]
    sums = ", ".join(_sums(column, f"u{i}") for i, column in enumerate(usable))
    source, approximation = quote_name(summary.name), None
    step = -(-summary.row_count // sample_rows)
    if step > 1:
        source = f"(SELECT *, row_number() OVER () AS voyant_n FROM {source}) "
        source += f"WHERE voyant_n % {step} = 0"
        kept = summary.row_count // step
        approximation = Approximation(method=f"even sample of {kept:,} rows")
    rows = connection.execute(
        f"SELECT {', '.join(keys)}, GROUPING({', '.join(keys)}), {sums} "
        f"FROM (SELECT {', '.join(read)} FROM {source}) "
        f"GROUP BY GROUPING SETS ({', '.join(f'({key})' for key in keys)})"
    ).fetchall()
    found: list[GroupMeans] = []
    for place, group in enumerate(groups):
        # GROUPING has a bit for each column that a row is not grouped by, the last one's lowest.
        own = (1 << len(groups)) - 1 - (1 << (len(groups) - 1 - place))
        keyed = sorted(
            (row[place], row[len(groups) + 1 :])
            for row in rows
            if row[len(groups)] == own and row[place] is not None
        )
        found += [
            GroupMeans(
                group=group,
                number=column.name,
                approximation=approximation,
                groups=tuple(
                    group_mean(column, value, *facts[3 * i : 3 * i + 3])
                    for value, facts in keyed
                    if facts[3 * i]
                ),
            )
            for i, column in enumerate(usable)
        ]
    return tuple(found)


def grid_counts(
    connection: duckdb.DuckDBPyConnection, table: str, x: BinAxis, y: BinAxis
) -> GridCounts:
    """Count rows by cell in one pass."""
    source = quote_name(table)
    a, b = f"{quote_name(x.column)}::DOUBLE", f"{quote_name(y.column)}::DOUBLE"
    rows = connection.execute(
        f"SELECT {_bin('a', x)} AS i, {_bin('b', y)} AS j, count(*) "
        f"FROM (SELECT {a} AS a, {b} AS b FROM {source}) "
        "WHERE isfinite(a) AND isfinite(b) GROUP BY i, j ORDER BY i, j"
    ).fetchall()
    inside = {(int(i), int(j)): int(n) for i, j, n in rows if i is not None and j is not None}
    everything = sum(int(n) for *_, n in rows)
    return GridCounts(x=x, y=y, counts=inside, outside_count=everything - sum(inside.values()))


def _bin(value: str, axis: BinAxis) -> str:
    """Return SQL for the bin of a value, null outside the axis."""
    low, high = f"{axis.low!r}::DOUBLE", f"{axis.high!r}::DOUBLE"
    width = f"{(axis.high - axis.low) / axis.bins!r}::DOUBLE"
    return (
        f"CASE WHEN {value} BETWEEN {low} AND {high} "
        f"THEN least(floor(({value} - {low}) / {width}), {axis.bins - 1})::INTEGER END"
    )


def finite_range(column: ColumnSummary) -> tuple[float, float] | None:
    """Return the bounds of a column's finite numbers; None where there is no spread to measure."""
    if not column.kind.is_numeric or column.std is None:
        return None
    low, high = column.min, column.max
    if not isinstance(low, int | float) or not isinstance(high, int | float) or low >= high:
        return None
    return float(low), float(high)


def whole_range(column: ColumnSummary) -> tuple[int, int] | None:
    """Return the bounds of integers whose differences can be squared; None for other columns."""
    low, high = column.min, column.max
    if column.kind is not ColumnKind.INTEGER or not isinstance(low, int):
        return None
    return (low, high) if isinstance(high, int) and high - low < 1 << _WHOLE_BITS else None


def fits_64_bits(bounds: tuple[int, int]) -> bool:
    """Tell whether integers within bounds are whole numbers of 64 bits."""
    return -(1 << 63) < bounds[0] <= bounds[1] < 1 << 63


def _sums(column: ColumnSummary, share: str) -> str:
    """Return SQL for the count of what `_share` gives, its sum and that of its squares."""
    has_all = not (column.null_count or column.nan_count or column.infinite_count)
    counted = "count(*)" if has_all else f"count({share})"  # asked alike, it is counted once
    if whole_range(column):
        return f"{counted}, sum({share}), sum({share} * {share})"
    one = f"{FIXED_POINT_ONE}.0::DOUBLE"
    square = f"({share} * {share} * {one})"
    return f"{counted}, sum(({share} * {one})::BIGINT), sum({square}::BIGINT)"


def _share(column: ColumnSummary) -> str:
    """Return SQL that brings a number to [0, 1] between the column's bounds; null if not finite.

    Of integers of a modest range, the difference from the lowest one instead.
    """
    if whole := whole_range(column):
        wide = "BIGINT" if fits_64_bits(whole) else "HUGEINT"
        return f"({quote_name(column.name)}::{wide} - ({whole[0]}))::BIGINT"
    low, high = finite_range(column) or (0.0, 1.0)
    value = f"{quote_name(column.name)}::DOUBLE"
    # Halved first: the span of two large doubles may be no double.
    share = f"({value} * 0.5 - {low / 2!r}::DOUBLE) / {high / 2 - low / 2!r}::DOUBLE"
    return f"CASE WHEN isfinite({value}) THEN least(greatest({share}, 0), 1) END"


def _group_key(column: ColumnSummary) -> str:
    name = quote_name(column.name)
    is_plain = column.kind in {ColumnKind.BOOLEAN, ColumnKind.INTEGER}
    return name if is_plain else f"{name}::VARCHAR"


def group_mean(
    column: ColumnSummary, value: Any, count: int, total: int, squares: int
) -> GroupMean:
    """Return a group's mean and spread from its sums of shares, as whole numbers."""
    count, total, squares = int(count), int(total), int(squares)
    whole, one, span = whole_range(column), 1, 1.0
    if whole:
        mean = (whole[0] * count + total) / count
    else:
        low, high = finite_range(column) or (0.0, 1.0)
        one, span = FIXED_POINT_ONE, high - low
        mean = low + total / (count * one) * span
    # The differences are of whole numbers, so they are exact.
    spread = max(count * squares * one - total**2, 0)
    std = sqrt(spread / (count * (count - 1))) / one * span if count >= _TWO else None
    return GroupMean(value=_plain(value), count=int(count), mean=mean, std=std)


def _plain(value: Any) -> Scalar:
    return value if isinstance(value, bool | int | str) else str(value)
