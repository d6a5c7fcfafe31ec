"""What does DuckDB measure of several columns at once: keys, duplicates, categories, references?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Final

from voyant.core.tables import (
    Column,
    ColumnKind,
    ColumnSummary,
    Containment,
    Contingency,
    Measure,
    TableSummary,
)
from voyant.engines.duckdb_types import is_told_by_text
from voyant.engines.ingest import quote_name

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "containment",
    "contingencies",
    "distinct_count",
    "duplicate_rows",
    "unique_pairs",
]

_JOINT_GROUPS: Final = 200_000
_KEY_SAMPLE: Final = 64
_REPEATED: Final = "memory.main.voyant_repeated"
_JOINT: Final = "memory.main.voyant_joint"
_MOST_BITS: Final = 2**29  # 64 MiB for each thread


def duplicate_rows(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[Column]
) -> Measure:
    """Count rows that repeat an earlier one: grouped by hash, then repeated hashes by value."""
    if not columns:
        return Measure(value=None, reason="the table has no columns")
    values = [
        f"{quote_name(c.name)}::VARCHAR" if is_told_by_text(c) else quote_name(c.name)
        for c in columns
    ]
    named = ", ".join(f"{value} AS v{i}" for i, value in enumerate(values))
    rows = f"(SELECT hash({', '.join(values)}) AS h, {named} FROM {quote_name(table)})"
    connection.execute(
        f"CREATE OR REPLACE TABLE {_REPEATED} AS SELECT h FROM "
        f"(SELECT h, count(*) AS c FROM {rows} GROUP BY 1) WHERE c > 1"
    )
    try:
        if _one(connection, f"SELECT count(*) FROM {_REPEATED}")[0] == 0:
            return Measure(value=0)
        repeated = f"(SELECT * FROM {rows} WHERE h IN (SELECT h FROM {_REPEATED}))"
        (repeats,) = _one(
            connection,
            f"SELECT (SELECT count(*) FROM {repeated}) - "
            f"(SELECT count(*) FROM (SELECT DISTINCT * FROM {repeated}))",
        )
        return Measure(value=int(repeats))
    finally:
        connection.execute(f"DROP TABLE {_REPEATED}")


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

    One scan takes the rows of one in 64 values of a pair's first column, whole groups of them; a
    pair that repeats there repeats. Only survivors are counted in full, `budget` of them at most.
    """
    checked = 0
    table = quote_name(summary.name)
    for left, right in pairs:
        if checked >= budget:
            break
        if _repeats(
            connection, table, left, right, f"hash({quote_name(left)}) % {_KEY_SAMPLE} = 0"
        ):
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


def contingencies(
    connection: duckdb.DuckDBPyConnection,
    summary: TableSummary,
    pairs: Sequence[tuple[str, str]],
) -> tuple[Contingency, ...]:
    """Count rows per combination: from one joint grouping while it is small, or pair by pair."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    if not names:
        return ()
    quoted = {name: f"{quote_name(name)}::VARCHAR" for name in names}
    if prod((summary.columns[name].distinct_count or 1) + 1 for name in names) > _JOINT_GROUPS:
        source = quote_name(summary.name)
        return tuple(_contingency(connection, source, "count(*)", pair, quoted) for pair in pairs)
    values = ", ".join(f"{value} AS v{i}" for i, value in enumerate(quoted.values()))
    connection.execute(
        f"CREATE OR REPLACE TABLE {_JOINT} AS SELECT {values}, count(*) AS c "
        f"FROM {quote_name(summary.name)} GROUP BY ALL"
    )
    joint = {name: f"v{i}" for i, name in enumerate(names)}
    try:
        weight = "sum(c)::BIGINT"
        return tuple(_contingency(connection, _JOINT, weight, pair, joint) for pair in pairs)
    finally:
        connection.execute(f"DROP TABLE {_JOINT}")


def containment(
    connection: duckdb.DuckDBPyConnection,
    child_table: str,
    child_column: str,
    parent_table: str,
    parent_column: str,
    *,
    kept: Sequence[str | None] = (None, None),
) -> Containment:
    """Group both sides by value, join the groups, and count; one scan of each column.

    Args:
        connection: Where the tables are.
        child_table: The table that refers.
        child_column: Its column.
        parent_table: The table that is referred to.
        parent_column: Its column.
        kept: For child and parent, a table of the column's values `v` and their rows `c`, which is
            read in place of the table's rows.
    """
    child, parent = (
        _texts(table, column, groups)
        for table, column, groups in zip(
            (child_table, parent_table), (child_column, parent_column), kept, strict=True
        )
    )
    row = _one(
        connection,
        f"""WITH child AS ({child}), parent AS ({parent})
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


def _texts(table: str, column: str, groups: str | None) -> str:
    """Return SQL for a column's values as text `v`, and their rows `c`."""
    if groups is not None:
        return f"SELECT v::VARCHAR AS v, c FROM {groups} WHERE v IS NOT NULL"
    name = quote_name(column)
    return (
        f"SELECT {name}::VARCHAR AS v, count(*) AS c FROM {quote_name(table)} "
        f"WHERE {name} IS NOT NULL GROUP BY 1"
    )


def _contingency(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    weight: str,
    pair: tuple[str, str],
    values: Mapping[str, str],
) -> Contingency:
    left, right = pair
    rows = connection.execute(
        f"SELECT {values[left]}, {values[right]}, {weight} FROM {source} "
        f"WHERE {values[left]} IS NOT NULL AND {values[right]} IS NOT NULL "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    return Contingency(left=left, right=right, counts={(x, y): int(n) for x, y, n in rows})


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    return connection.execute(sql).fetchall()[0]
