"""What is counted of a warehouse's column to compare it with an earlier state of itself?

Of a column with few different values the groups are here already, and no statement is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Final

from voyant.core.tables import ColumnKind, NumberDistances, ValueCounts
from voyant.engines import duckdb_comparisons as local
from voyant.engines.ibis_groups import Groups
from voyant.engines.ibis_summary import TableReader
from voyant.engines.ibis_types import Reading
from voyant.engines.ibis_wide import double, line_sql
from voyant.stats.moments import FIXED_POINT_ONE

__all__ = ["bin_counts", "number_distances", "value_counts"]

_NO_NUMBERS: Final = NumberDistances(wasserstein_distance=None, ks_statistic=None)


def value_counts(reader: TableReader, column: str, *, limit: int) -> ValueCounts:
    """Count the rows of each value: no statement, or one where there are many different ones."""
    reading = reader.readings[column]
    groups = reader.groups.get(column)
    if groups is not None:
        return local.most_frequent(reader.local.connection, _shown(groups), limit=limit)
    value = "v" if reading.line is None else line_sql(reading.line, "v")
    rows = reader.ask(
        "value counts",
        f"SELECT v, COUNT(*) AS c FROM source WHERE {value} IS NOT NULL "
        f"GROUP BY v ORDER BY 2 DESC, 1 LIMIT {limit + 1}",
        [("v", column)],
    )
    loaded = reader.local.load(reading, [(v, int(c)) for v, c in rows])
    try:
        return local.most_frequent(reader.local.connection, _shown(loaded), limit=limit)
    finally:
        reader.local.drop(loaded)


def bin_counts(reader: TableReader, column: str, edges: Sequence[float]) -> tuple[int, ...]:
    """Count numbers between edges: no statement, or one where there are many different ones."""
    reading = reader.readings[column]
    if reading.line is None or len(edges) < 2:  # noqa: PLR2004 - a bin has two edges
        return (0,) * max(len(edges) - 1, 0)
    groups = reader.groups.get(column)
    if groups is not None:
        return local.counts_between(reader.local.connection, _numbers(groups), edges)
    last = len(edges) - 2
    asked = ", ".join(
        f"COUNT(CASE WHEN y >= {double(left)} AND y {'<=' if place == last else '<'} "
        f"{double(right)} THEN 1 END)"
        for place, (left, right) in enumerate(pairwise(edges))
    )
    (row,) = reader.ask(
        "bin counts",
        f"SELECT {asked} FROM (SELECT {_scaled(reading)} AS y FROM source) AS s",
        [("v", column)],
    )
    return tuple(int(count) for count in row)


def number_distances(reference: TableReader, current: TableReader, column: str) -> NumberDistances:
    """Compare the numbers of a column that both tables have, at each value."""
    if reference.readings[column].line is None or current.readings[column].line is None:
        return _NO_NUMBERS
    before, after = reference.groups.get(column), current.groups.get(column)
    if before is not None and after is not None:
        return local.distances(
            current.local.connection,
            f"SELECT y, c AS r, 0 AS c FROM {_numbers(before)} "
            f"UNION ALL SELECT y, 0, c FROM {_numbers(after)}",
        )
    return _distances_there(reference, current, column)


def _distances_there(reference: TableReader, current: TableReader, column: str) -> NumberDistances:
    """Compare in the warehouse: one statement for the ends, one for the distances."""
    sides = {
        "earlier": reference.source([("v", column)]),
        "later": current.source([("v", column)]),
    }
    earlier = f"SELECT {_scaled(reference.readings[column])} AS y FROM earlier"
    later = f"SELECT {_scaled(current.readings[column])} AS y FROM later"
    both = (
        f"SELECT y, SUM(r) AS r, SUM(c) AS c FROM (SELECT y, 1 AS r, 0 AS c FROM ({earlier}) AS a "
        f"UNION ALL SELECT y, 0 AS r, 1 AS c FROM ({later}) AS b) AS u WHERE y IS NOT NULL "
        "GROUP BY y"
    )
    ask = current.statements.ask
    ((before, after, low, high),) = ask(
        "number distances",
        f"SELECT SUM(r), SUM(c), MIN(y), MAX(y) FROM ({both}) AS d",
        **sides,
    )
    if not before or not after:
        return _NO_NUMBERS
    span = float(high) - float(low)
    if not span:
        return NumberDistances(wasserstein_distance=0.0, ks_statistic=0.0)
    rows = "(ORDER BY y ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    share = "CAST(SUM({side}) OVER {rows} AS DOUBLE PRECISION) / {total}"
    gap = (
        f"ABS({share.format(side='r', rows=rows, total=double(before))} "
        f"- {share.format(side='c', rows=rows, total=double(after))})"
    )
    ((largest, area),) = ask(
        "number distances",
        f"""SELECT MAX(gap), SUM(VOYANT_WIDE(VOYANT_WHOLE(gap * width * {double(FIXED_POINT_ONE)})))
        FROM (SELECT {gap} AS gap,
            COALESCE((LEAD(y) OVER (ORDER BY y) - y) / {double(span)}, 0) AS width
            FROM ({both}) AS d) AS g""",
        **sides,
    )
    distance = int(area) / FIXED_POINT_ONE * span
    return NumberDistances(
        wasserstein_distance=distance if isfinite(distance) else None, ks_statistic=float(largest)
    )


def _scaled(reading: Reading) -> str:
    """Return common SQL for the double a value is, as quantiles are scaled."""
    assert reading.line is not None  # noqa: S101 - asked for numbers only
    unit = reading.line.unit
    number = f"CAST({line_sql(reading.line, 'v')} AS DOUBLE PRECISION)"
    return f"{number} * {double(unit.numerator)} / {double(unit.denominator)}"


def _numbers(groups: Groups) -> str:
    """Return DuckDB's SQL for each different finite number and its count."""
    number = local.finite_number(groups.measured_type)
    return f"(SELECT {number} AS y, sum(c)::BIGINT AS c FROM {groups.relation} GROUP BY 1)"


def _shown(groups: Groups) -> str:
    """Return DuckDB's SQL for each different value, as it is shown, and its count."""
    value = local.finite_number(groups.measured_type)
    if value is None:
        is_truth = groups.reading.column.kind is ColumnKind.BOOLEAN
        value = "v" if is_truth else local.shown_text("v::VARCHAR")
    return f"(SELECT {value} AS y, sum(c)::BIGINT AS c FROM {groups.relation} GROUP BY 1)"
