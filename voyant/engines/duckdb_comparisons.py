"""What does DuckDB count of a column to compare it with an earlier state of itself?"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from voyant.core.tables import Column, ColumnKind, NumberDistances, ValueCounts
from voyant.engines.duckdb_column import Kept, Numbers
from voyant.engines.duckdb_types import number_line
from voyant.engines.sources import quote_name
from voyant.stats.moments import FIXED_POINT_ONE

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "bin_counts",
    "counts_between",
    "distances",
    "finite_number",
    "most_frequent",
    "number_distances",
    "shown_text",
    "value_counts",
]

#: Longer text is told apart by its beginning and its hash.
_LONGEST_TEXT: Final = 200
_NO_NUMBERS: Final = NumberDistances(wasserstein_distance=None, ks_statistic=None)


def value_counts(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: Column,
    *,
    limit: int,
    kept: Kept | None = None,
) -> ValueCounts:
    """Count the rows of each value, the most frequent first.

    Args:
        connection: Where the table is.
        table: The table's name, as it is.
        column: One of its columns.
        limit: The most values that are told.
        kept: What is left of measuring the column; the table's rows are not read again.
    """
    if kept is not None and kept.numbers is not None:
        return _most_frequent_of(kept.numbers, limit)
    name = quote_name(column.name)
    rows = f"(SELECT {name} AS v, 1 AS c FROM {quote_name(table)})" if kept is None else kept.groups
    value = finite_number(column.type)
    if value is None:
        value = "v"
        if column.kind is not ColumnKind.BOOLEAN:
            value = shown_text("v::VARCHAR")
    counted = "count(*)" if kept is None else "sum(c)::BIGINT"
    return most_frequent(
        connection,
        f"(SELECT y, {counted} AS c FROM (SELECT {value} AS y, c FROM {rows}) GROUP BY 1)",
        limit=limit,
    )


def _most_frequent_of(numbers: Numbers, limit: int) -> ValueCounts:
    rows: dict[float, int] = {}
    for number, count in zip(*numbers, strict=True):
        rows[number] = rows.get(number, 0) + count  # large whole numbers may have become one
    ranked = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    return ValueCounts(counts=tuple(ranked[:limit]), is_complete=len(ranked) <= limit)


def most_frequent(connection: duckdb.DuckDBPyConnection, groups: str, *, limit: int) -> ValueCounts:
    """Return the most frequent values of SQL that gives each value `y` with its count `c`."""
    rows = connection.execute(
        f"SELECT y, c FROM {groups} WHERE y IS NOT NULL ORDER BY 2 DESC, 1 LIMIT {limit + 1}"
    ).fetchall()
    return ValueCounts(counts=tuple(rows[:limit]), is_complete=len(rows) <= limit)


def bin_counts(
    connection: duckdb.DuckDBPyConnection, table: str, column: Column, edges: Sequence[float]
) -> tuple[int, ...]:
    """Count between edges; one scan."""
    source = _numbers(table, column)
    if source is None:
        return (0,) * max(len(edges) - 1, 0)
    # Grouped first: comparing each different value with the edges beats comparing each row.
    return counts_between(connection, f"(SELECT y, count(*) AS c FROM {source} GROUP BY 1)", edges)


def counts_between(
    connection: duckdb.DuckDBPyConnection, groups: str, edges: Sequence[float]
) -> tuple[int, ...]:
    """Count between edges what SQL gives: each number `y` with its count `c`."""
    if len(edges) < 2:  # noqa: PLR2004 - a bin has two edges
        return ()
    bins = len(edges) - 1
    rows = connection.execute(
        f"SELECT {_bin_of(edges, 0, bins)} AS bin, sum(c)::BIGINT FROM {groups} "
        f"WHERE y BETWEEN {_double(edges[0])} AND {_double(edges[-1])} GROUP BY bin"
    ).fetchall()
    counted = dict(rows)
    return tuple(counted.get(place, 0) for place in range(bins))


def _bin_of(edges: Sequence[float], first: int, end: int) -> str:
    """Return SQL for the bin, of those from `first` to before `end`, that `y` lies in.

    Halves them: a value is compared with the logarithm of their number, not with each.

    >>> _bin_of([0.0, 1.0, 2.0], 0, 2)
    'CASE WHEN y < 1.0::DOUBLE THEN 0 ELSE 1 END'
    """
    if end - first == 1:
        return str(first)
    middle = (first + end) // 2
    return (
        f"CASE WHEN y < {_double(edges[middle])} THEN {_bin_of(edges, first, middle)} "
        f"ELSE {_bin_of(edges, middle, end)} END"
    )


def number_distances(
    connection: duckdb.DuckDBPyConnection,
    reference: tuple[str, Column],
    current: tuple[str, Column],
) -> NumberDistances:
    """Compare the cumulative distributions of two columns at each value; one scan of each.

    The area between them is summed in whole numbers (fixed point), so that it does not depend on
    the order of the rows.
    """
    earlier, later = _numbers(*reference), _numbers(*current)
    if earlier is None or later is None:
        return _NO_NUMBERS
    return distances(
        connection,
        f"SELECT y, 1 AS r, 0 AS c FROM {earlier} UNION ALL SELECT y, 0, 1 FROM {later}",
    )


def distances(connection: duckdb.DuckDBPyConnection, sides: str) -> NumberDistances:
    """Compare two sides, given as SQL with numbers `y` and how many rows hold them, `r` and `c`."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE voyant_d AS SELECT y, sum(r)::BIGINT AS r, "
        f"sum(c)::BIGINT AS c FROM ({sides}) WHERE y IS NOT NULL GROUP BY 1"
    )
    try:
        before, after, low, high = _one(
            connection,
            "SELECT coalesce(sum(r), 0)::BIGINT, coalesce(sum(c), 0)::BIGINT, min(y), max(y) "
            "FROM voyant_d",
        )
        if not before or not after:
            return _NO_NUMBERS
        span = high - low
        if not span:
            return NumberDistances(wasserstein_distance=0.0, ks_statistic=0.0)
        largest, area = _one(
            connection,
            f"""SELECT max(gap), sum((gap * width * {FIXED_POINT_ONE}.0::DOUBLE)::BIGINT)
            FROM (SELECT
                abs(sum(r) OVER w / {before}::DOUBLE - sum(c) OVER w / {after}::DOUBLE) AS gap,
                coalesce((lead(y) OVER (ORDER BY y) - y) / {_double(span)}, 0) AS width
                FROM voyant_d WINDOW w AS (ORDER BY y ROWS UNBOUNDED PRECEDING))""",
        )
    finally:
        connection.execute("DROP TABLE IF EXISTS voyant_d")
    distance = int(area) / FIXED_POINT_ONE * span
    return NumberDistances(
        wasserstein_distance=distance if isfinite(distance) else None, ks_statistic=float(largest)
    )


def _numbers(table: str, column: Column) -> str | None:
    """Return SQL for a column's finite numbers `y` as doubles, null for the rest.

    None for values that stand on no number line. Quantiles are scaled in the same way, so that an
    edge taken from them falls on the value it came from.
    """
    kept = finite_number(column.type)
    if kept is None:
        return None
    values = f"SELECT {quote_name(column.name)} AS v FROM {quote_name(table)}"
    return f"(SELECT {kept} AS y FROM ({values}))"


def finite_number(type_name: str) -> str | None:
    """Return SQL for the double that a value `v` of a type is, null for NaN and infinities."""
    line = number_line(type_name)
    if line is None:
        return None
    unit = line.unit
    scaled = f"({line.expression})::DOUBLE * {unit.numerator}::DOUBLE / {unit.denominator}::DOUBLE"
    return f"CASE WHEN {line.is_finite} THEN {scaled} END" if line.is_finite else scaled


def shown_text(text: str) -> str:
    """Return SQL for a text as it is told apart: long ones by their beginning and their hash."""
    return (
        f"CASE WHEN length({text}) > {_LONGEST_TEXT} "
        f"THEN left({text}, {_LONGEST_TEXT}) || '…' || md5({text}) ELSE {text} END"
    )


def _double(number: float) -> str:
    return f"{float(number)!r}::DOUBLE"


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    return row or ()  # an aggregate always gives one row
