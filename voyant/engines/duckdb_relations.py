"""What does DuckDB measure of several columns at once: keys, duplicates, correlations, references?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod, sqrt
from typing import TYPE_CHECKING, Any, Final

from voyant.core.tables import (
    Approximation,
    Association,
    Column,
    ColumnKind,
    ColumnSummary,
    Containment,
    Contingency,
    Measure,
    TableSummary,
)
from voyant.engines.sources import quote_name
from voyant.stats.moments import FIXED_POINT_ONE

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "containment",
    "contingencies",
    "distinct_count",
    "duplicate_rows",
    "pearson",
    "spearman",
    "unique_pairs",
]

_JOINT_GROUPS: Final = 200_000
_KEY_SAMPLE: Final = 64
_MOST_BITS: Final = 2**29  # 64 MiB for each thread


def duplicate_rows(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[Column]
) -> Measure:
    """Count rows that repeat an earlier one: rows are grouped by hash, then repeated hashes by value."""
    if not columns:
        return Measure(value=None, reason="the table has no columns")
    values = ", ".join(
        f"{quote_name(c.name)}::VARCHAR" if c.kind.is_nested else quote_name(c.name) for c in columns
    )
    rows = f"(SELECT hash({values}) AS voyant_h, {values} FROM {quote_name(table)})"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE voyant_d AS SELECT voyant_h AS h FROM "
        f"(SELECT voyant_h, count(*) AS c FROM {rows} GROUP BY 1) WHERE c > 1"
    )
    try:
        if _one(connection, "SELECT count(*) FROM voyant_d")[0] == 0:
            return Measure(value=0)
        repeated = f"(SELECT * FROM {rows} WHERE voyant_h IN (SELECT h FROM voyant_d))"
        (repeats,) = _one(
            connection,
            f"SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT * FROM {repeated})) "
            f"FROM {repeated}",
        )
        return Measure(value=int(repeats))
    finally:
        connection.execute("DROP TABLE voyant_d")


def distinct_count(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> Measure:
    """Count different combinations of values, rows with a null in any of them left out."""
    names = [quote_name(column) for column in columns]
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    (value,) = _one(
        connection,
        f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(names)} "
        f"FROM {quote_name(table)} WHERE {present})",
    )
    return Measure(value=int(value))


def unique_pairs(
    connection: duckdb.DuckDBPyConnection,
    summary: TableSummary,
    pairs: Sequence[tuple[str, str]],
    *,
    budget: int,
) -> tuple[tuple[tuple[str, str], ...], int]:
    """Find the first pair of columns whose combination never repeats.

    One scan takes the rows of one in 64 values of a pair's first column, whole groups of them; a pair
    that repeats there repeats. Only survivors are counted in full, `budget` of them at most.
    """
    checked = 0
    table = quote_name(summary.name)
    for left, right in pairs:
        if checked >= budget:
            break
        if _repeats(connection, table, left, right, f"hash({quote_name(left)}) % {_KEY_SAMPLE} = 0"):
            continue
        checked += 1
        place = _bit_place(summary.columns[left], summary.columns[right])
        if place is None:
            is_unique = not _repeats(connection, table, left, right, "true")
        else:
            expression, places = place
            (different,) = _one(
                connection,
                f"SELECT bit_count(bitstring_agg({expression}, 0::BIGINT, {places - 1}::BIGINT)) "
                f"FROM {table}",
            )
            is_unique = different == summary.row_count
        if is_unique:
            return ((left, right),), checked
    return (), checked


def _repeats(
    connection: duckdb.DuckDBPyConnection, table: str, left: str, right: str, where: str
) -> bool:
    row = connection.execute(
        f"SELECT 1 FROM (SELECT {quote_name(left)} AS a, {quote_name(right)} AS b FROM {table} "
        f"WHERE {where}) GROUP BY a, b HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    return row is not None


def _bit_place(left: ColumnSummary, right: ColumnSummary) -> tuple[str, int] | None:
    """Return SQL that numbers the pair's possible combinations, and how many there are.

    Setting one bit per combination is six times as fast as grouping by both columns, but only whole
    numbers of a narrow range can be numbered so.
    """
    ranges: list[tuple[int, int]] = []
    for column in (left, right):
        low, high = column.min, column.max
        if column.kind is not ColumnKind.INTEGER or type(low) is not int or type(high) is not int:
            return None
        ranges.append((low, high - low + 1))
    (low_a, width_a), (low_b, width_b) = ranges
    if width_a * width_b > _MOST_BITS:
        return None
    a, b = quote_name(left.name), quote_name(right.name)
    return (
        f"(({a}::BIGINT - ({low_a})) * {width_b} + ({b}::BIGINT - ({low_b})))",
        width_a * width_b,
    )


def pearson(
    connection: duckdb.DuckDBPyConnection, summary: TableSummary, columns: Sequence[str]
) -> tuple[Association, ...]:
    """Correlate all pairs over the rows where both are finite, in one scan."""
    usable = [summary.columns[c] for c in columns if _has_spread(summary.columns[c])]
    if len(usable) < 2:
        return ()
    expressions = ", ".join(f"{_deviation(c)} AS d{i}" for i, c in enumerate(usable))
    source = f"(SELECT {expressions} FROM {quote_name(summary.name)})"
    missing = [c.null_count + c.nan_count + c.infinite_count for c in usable]
    masks = _gap_masks(connection, source, missing)
    return _correlate(connection, source, [c.name for c in usable], masks, "pearson", None)


def spearman(
    connection: duckdb.DuckDBPyConnection,
    summary: TableSummary,
    columns: Sequence[str],
    *,
    sample_rows: int,
) -> tuple[Association, ...]:
    """Rank-correlate all pairs; ranks are average ranks among the rows where both are finite.

    Columns whose gaps lie in the same rows share one ranking; other pairs are ranked by themselves.
    """
    usable = [summary.columns[c] for c in columns if _has_spread(summary.columns[c])]
    if len(usable) < 2:
        return ()
    step = -(-summary.row_count // sample_rows)
    approximation = None
    if step > 1:
        rows = summary.row_count // step
        approximation = Approximation(
            method=f"even sample of {rows:,} rows; error is the largest standard error of a "
            "correlation from so many",
            error=1 / sqrt(max(rows - 1, 1)),
        )
    _sample(connection, summary.name, usable, step)
    try:
        return _rank_and_correlate(connection, [c.name for c in usable], approximation)
    finally:
        connection.execute("DROP TABLE IF EXISTS voyant_s; DROP TABLE IF EXISTS voyant_r")


def contingencies(
    connection: duckdb.DuckDBPyConnection,
    summary: TableSummary,
    pairs: Sequence[tuple[str, str]],
) -> tuple[Contingency, ...]:
    """Count rows per combination: from one joint grouping while it stays small, else pair by pair."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    if not names:
        return ()
    combinations_ = prod((summary.columns[n].distinct_count or 1) + 1 for n in names)
    source = quote_name(summary.name)
    if combinations_ <= _JOINT_GROUPS:
        quoted = ", ".join(f"{quote_name(n)}::VARCHAR AS {quote_name(n)}" for n in names)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE voyant_j AS SELECT {quoted}, count(*) AS voyant_c "
            f"FROM {source} GROUP BY ALL"
        )
        source, weight = "voyant_j", "sum(voyant_c)::BIGINT"
    else:
        weight = "count(*)"
    try:
        return tuple(_contingency(connection, source, weight, *pair) for pair in pairs)
    finally:
        connection.execute("DROP TABLE IF EXISTS voyant_j")


def containment(
    connection: duckdb.DuckDBPyConnection,
    child_table: str,
    child_column: str,
    parent_table: str,
    parent_column: str,
) -> Containment:
    """Group both sides by value, join the groups, and count; one scan of each column."""
    row = _one(
        connection,
        f"""WITH child AS (SELECT {quote_name(child_column)}::VARCHAR AS v, count(*) AS c
            FROM {quote_name(child_table)} WHERE {quote_name(child_column)} IS NOT NULL GROUP BY 1),
        parent AS (SELECT {quote_name(parent_column)}::VARCHAR AS v, count(*) AS c
            FROM {quote_name(parent_table)} WHERE {quote_name(parent_column)} IS NOT NULL GROUP BY 1)
        SELECT count(child.v), count(parent.v) FILTER (child.v IS NOT NULL),
            coalesce(sum(child.c), 0)::BIGINT,
            coalesce(sum(child.c) FILTER (parent.v IS NULL), 0)::BIGINT,
            (SELECT count(*) FROM parent), (SELECT coalesce(sum(c), 0)::BIGINT FROM parent),
            coalesce(max(child.c) FILTER (parent.v IS NOT NULL), 0)
        FROM child LEFT JOIN parent USING (v)""",
    )
    return Containment(
        child_table=child_table,
        child_column=child_column,
        parent_table=parent_table,
        parent_column=parent_column,
        child_distinct_count=row[0],
        matched_distinct_count=row[1],
        child_row_count=row[2],
        orphan_row_count=row[3],
        parent_distinct_count=row[4],
        parent_row_count=row[5],
        max_fan_out=row[6],
    )


def _has_spread(column: ColumnSummary) -> bool:
    return (
        column.kind.is_numeric
        and isinstance(column.min, (int, float))
        and isinstance(column.max, (int, float))
        and float(column.min) < float(column.max)  # whole numbers can differ by less than doubles
    )


def _deviation(column: ColumnSummary) -> str:
    """Return SQL for `(x - mean) / scale`, in [-1, 1], null where x is not finite."""
    low, high = float(column.min or 0), float(column.max or 0)  # type: ignore[arg-type]  # numbers
    center = low / 2 + high / 2 if column.mean is None else column.mean
    scale = max(high / 2 - center / 2, center / 2 - low / 2)
    value = f"{quote_name(column.name)}::DOUBLE"
    deviation = f"({value} * 0.5 - {center / 2!r}::DOUBLE) / {scale!r}::DOUBLE"
    if column.nan_count or column.infinite_count:
        return f"CASE WHEN isfinite({value}) THEN {deviation} END"
    return deviation


def _correlate(  # noqa: PLR0913 - shared by both correlations
    connection: duckdb.DuckDBPyConnection,
    source: str,
    names: Sequence[str],
    masks: Sequence[int | None],
    method: str,
    approximation: Approximation | None,
) -> tuple[Association, ...]:
    """Correlate all pairs of columns d0, d1, ... in one scan.

    The sums are of whole numbers (fixed point), so they do not depend on the order of the rows. A
    column's own sums are asked for once per set of rows, not once per pair: `masks` says for each
    column which column's gaps it shares, None without gaps.
    """
    asked: dict[str, int] = {}

    def sum_over(mask: int | None, *factors: int) -> int:
        product = " * ".join(f"d{i}" for i in factors)
        kept = product if mask is None else f"CASE WHEN d{mask} IS NOT NULL THEN {product} END"
        return asked.setdefault(
            f"sum(({kept} * {FIXED_POINT_ONE}.0::DOUBLE)::BIGINT)", len(asked)
        )

    def count_over(*columns: int) -> int:
        present = sorted({m for m in (masks[i] for i in columns) if m is not None})
        condition = " AND ".join(f"d{mask} IS NOT NULL" for mask in present)
        return asked.setdefault(
            f"count(*) FILTER ({condition})" if condition else "count(*)", len(asked)
        )

    def partner_mask(column: int, other: int) -> int | None:
        return None if masks[other] == masks[column] else masks[other]

    plans = [
        (
            (i, j),
            count_over(i, j),
            sum_over(partner_mask(i, j), i),
            sum_over(partner_mask(j, i), j),
            sum_over(partner_mask(i, j), i, i),
            sum_over(partner_mask(j, i), j, j),
            sum_over(None, i, j),
        )
        for i, j in combinations(range(len(names)), 2)
    ]
    row = _one(connection, f"SELECT {', '.join(asked)} FROM {source}")
    return tuple(
        Association(
            left=names[i],
            right=names[j],
            method=method,
            value=_coefficient(row[count], *(int(row[place] or 0) for place in sums)),
            row_count=int(row[count]),
            approximation=approximation,
        )
        for (i, j), count, *sums in plans
    )


def _coefficient(count: int, sx: int, sy: int, sxx: int, syy: int, sxy: int) -> float | None:
    """Return the correlation from fixed-point sums; they are whole, so the differences are exact."""
    if count < 2:
        return None
    one = FIXED_POINT_ONE
    vx, vy = count * sxx * one - sx * sx, count * syy * one - sy * sy
    if vx <= 0 or vy <= 0:
        return None
    value = (count * sxy * one - sx * sy) / (sqrt(vx) * sqrt(vy))
    return max(-1.0, min(1.0, value))


def _sample(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[ColumnSummary], step: int
) -> None:
    """Keep every step-th row, as finite doubles or null; the same rows each time."""
    kept = ", ".join(
        f"CASE WHEN isfinite({quote_name(c.name)}::DOUBLE) THEN {quote_name(c.name)}::DOUBLE END "
        f"AS d{i}"
        for i, c in enumerate(columns)
    )
    where = f"WHERE voyant_n % {step} = 0" if step > 1 else ""
    number = ", row_number() OVER () - 1 AS voyant_n" if step > 1 else ""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE voyant_s AS SELECT {kept} "
        f"FROM (SELECT *{number} FROM {quote_name(table)}) {where}"
    )


def _rank_and_correlate(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    approximation: Approximation | None,
) -> tuple[Association, ...]:
    """Rank within each set of rows that some pair shares, then correlate the ranks."""
    asked = ", ".join(f"count(*) FILTER (d{i} IS NULL)" for i in range(len(names)))
    missing = _one(connection, f"SELECT {asked} FROM voyant_s")
    masks = _gap_masks(connection, "voyant_s", missing)
    by_rows: dict[frozenset[int], list[tuple[int, int]]] = {}
    for i, j in combinations(range(len(names)), 2):
        shared = frozenset(m for m in (masks[i], masks[j]) if m is not None)
        by_rows.setdefault(shared, []).append((i, j))
    found: dict[tuple[str, str], Association] = {}
    for gaps, pairs in by_rows.items():
        members = sorted({index for pair in pairs for index in pair})
        wanted = {(names[i], names[j]) for i, j in pairs}
        for a in _correlate_ranks(connection, names, members, gaps, approximation):
            if (a.left, a.right) in wanted:
                found[a.left, a.right] = a
    return tuple(found[pair] for pair in combinations(names, 2) if pair in found)


def _gap_masks(
    connection: duckdb.DuckDBPyConnection, source: str, missing: Sequence[int]
) -> list[int | None]:
    """Return for each column the first column that is null in the same rows, None without nulls."""
    alike = [
        (i, j)
        for j in range(len(missing))
        for i in range(j)
        if missing[j] and missing[i] == missing[j]
    ]
    differing: dict[tuple[int, int], int] = {}
    if alike:
        asked = ", ".join(f"count(*) FILTER ((d{i} IS NULL) <> (d{j} IS NULL))" for i, j in alike)
        row = _one(connection, f"SELECT {asked} FROM {source}")
        differing = dict(zip(alike, row, strict=True))
    return [
        min((i for i in range(j) if differing.get((i, j)) == 0), default=j) if missing[j] else None
        for j in range(len(missing))
    ]


def _correlate_ranks(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    members: Sequence[int],
    gaps: frozenset[int],
    approximation: Approximation | None,
) -> tuple[Association, ...]:
    where = " AND ".join(f"d{i} IS NOT NULL" for i in sorted(gaps))
    ranks = ", ".join(
        # The average of the first and the last rank among equals.
        f"(rank() OVER (ORDER BY d{i}) + round(cume_dist() OVER (ORDER BY d{i}) * n)) / 2 AS r{i}"
        for i in members
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE voyant_r AS SELECT {ranks} FROM "
        f"(SELECT *, count(*) OVER () AS n FROM voyant_s {'WHERE ' + where if where else ''})"
    )
    (rows,) = _one(connection, "SELECT count(*) FROM voyant_r")
    if rows < 2:  # noqa: PLR2004 - one row has no spread
        return ()
    middle, half = (rows + 1) / 2, (rows - 1) / 2
    deviations = ", ".join(
        f"(r{member} - {middle!r}::DOUBLE) / {half!r}::DOUBLE AS d{place}"
        for place, member in enumerate(members)
    )
    source = f"(SELECT {deviations} FROM voyant_r)"
    kept = [names[member] for member in members]
    return _correlate(connection, source, kept, [None] * len(kept), "spearman", approximation)


def _contingency(
    connection: duckdb.DuckDBPyConnection, source: str, weight: str, left: str, right: str
) -> Contingency:
    a, b = quote_name(left), quote_name(right)
    rows = connection.execute(
        f"SELECT {a}::VARCHAR, {b}::VARCHAR, {weight} FROM {source} "
        f"WHERE {a} IS NOT NULL AND {b} IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    return Contingency(left=left, right=right, counts={(x, y): int(n) for x, y, n in rows})


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None, "an aggregate always gives one row"
    return row
