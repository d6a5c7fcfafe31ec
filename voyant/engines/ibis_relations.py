"""What is asked of a warehouse about several columns: keys, duplicates, categories, references?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final

from voyant.core.tables import (
    ColumnKind,
    Containment,
    Contingency,
    Measure,
    TableSummary,
)
from voyant.engines.ibis_groups import Groups
from voyant.engines.ibis_summary import TableReader
from voyant.engines.recipe import quote_literal

__all__ = ["containment", "contingencies", "distinct_count", "duplicate_rows", "unique_pairs"]

_JOINT_GROUPS: Final = 200_000
_PAIRS_AT_ONCE: Final = 64
_KEY_SAMPLE: Final = 64


def _aliases(columns: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"v{i}", name) for i, name in enumerate(columns)]


def duplicate_rows(reader: TableReader) -> Measure:
    """Count rows that repeat an earlier one: one pass over all columns."""
    aliases = _aliases(list(reader.readings))
    names = ", ".join(alias for alias, _ in aliases)
    ((repeats,),) = reader.ask(
        "duplicates",
        f"SELECT COALESCE(SUM(c - 1), 0) FROM (SELECT COUNT(*) AS c FROM source GROUP BY {names} "
        "HAVING COUNT(*) > 1) AS g",
        aliases,
    )
    return Measure(value=int(repeats))


def distinct_count(reader: TableReader, columns: Sequence[str]) -> Measure:
    """Count different combinations of values, rows with a null in any of them left out."""
    aliases = _aliases(columns)
    names = ", ".join(alias for alias, _ in aliases)
    present = " AND ".join(f"{alias} IS NOT NULL" for alias, _ in aliases)
    ((value,),) = reader.ask(
        "distinct",
        f"SELECT COUNT(*) FROM (SELECT {names} FROM source WHERE {present} GROUP BY {names}) AS g",
        aliases,
    )
    return Measure(value=int(value))


def unique_pairs(
    reader: TableReader, pairs: Sequence[tuple[str, str]], *, budget: int
) -> tuple[tuple[tuple[str, str], ...], int]:
    """Find the first pair of columns whose combination never repeats.

    First only rows of one in 64 values of a pair's first column are looked at, the same as with
    DuckDB, whole groups of them: a pair that repeats there repeats.
    """
    checked = 0
    for left, right in pairs:
        if checked >= budget:
            break
        sample = _sampled(reader, left)
        if sample and _repeats(reader, left, right, f"a IN ({', '.join(sample)})"):
            continue
        checked += 1
        if not _repeats(reader, left, right, "TRUE"):
            return ((left, right),), checked
    return (), checked


def _sampled(reader: TableReader, column: str) -> list[str]:
    """Return literals of one in 64 values; none where the values are not here."""
    groups = reader.groups.get(column)
    if groups is None or groups.reading.crosses_as not in {"whole", "text"}:
        return []
    rows = reader.local.connection.execute(
        f"SELECT {groups.crossing} FROM {groups.relation} "
        f"WHERE v IS NOT NULL AND hash(v) % {_KEY_SAMPLE} = 0"
    ).fetchall()
    if groups.reading.crosses_as == "whole":
        return [str(int(value)) for (value,) in rows]
    return [quote_literal(value) for (value,) in rows]


def _repeats(reader: TableReader, left: str, right: str, where: str) -> bool:
    rows = reader.ask(
        "unique pairs",
        f"SELECT 1 FROM (SELECT a, b FROM source WHERE {where}) AS s "
        "GROUP BY a, b HAVING COUNT(*) > 1 LIMIT 1",
        [("a", left), ("b", right)],
    )
    return bool(rows)


def contingencies(
    reader: TableReader, summary: TableSummary, pairs: Sequence[tuple[str, str]]
) -> tuple[Contingency, ...]:
    """Count rows per combination: one joint grouping while it is small, else many pairs at once."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    if not names:
        return ()
    found: dict[tuple[str, str], dict[tuple[Any, Any], int]] = {pair: {} for pair in pairs}
    if prod((summary.columns[name].distinct_count or 1) + 1 for name in names) <= _JOINT_GROUPS:
        _count_jointly(reader, names, found)
    else:
        for start in range(0, len(pairs), _PAIRS_AT_ONCE):
            _count_pairs(reader, pairs[start : start + _PAIRS_AT_ONCE], found)
    texts = {
        name: _texts(reader, name, [pair for pair in pairs if name in pair], found)
        for name in names
    }
    return tuple(_contingency(pair, found[pair], texts) for pair in pairs)


def _contingency(
    pair: tuple[str, str],
    counts: Mapping[tuple[Any, Any], int],
    texts: Mapping[str, Mapping[Any, str]],
) -> Contingency:
    left, right = pair
    shown: dict[tuple[str, str], int] = {}
    for (x, y), count in counts.items():
        key = texts[left][x], texts[right][y]
        shown[key] = shown.get(key, 0) + count
    return Contingency(left=left, right=right, counts=dict(sorted(shown.items())))


def _count_jointly(
    reader: TableReader,
    names: Sequence[str],
    found: dict[tuple[str, str], dict[tuple[Any, Any], int]],
) -> None:
    aliases = _aliases(names)
    listed = ", ".join(alias for alias, _ in aliases)
    rows = reader.ask(
        "contingencies", f"SELECT {listed}, COUNT(*) FROM source GROUP BY {listed}", aliases
    )
    place = {name: i for i, name in enumerate(names)}
    for (left, right), counts in found.items():
        i, j = place[left], place[right]
        for row in rows:
            if row[i] is not None and row[j] is not None:
                key = row[i], row[j]
                counts[key] = counts.get(key, 0) + int(row[-1])


def _count_pairs(
    reader: TableReader,
    pairs: Sequence[tuple[str, str]],
    found: dict[tuple[str, str], dict[tuple[Any, Any], int]],
) -> None:
    """Count several pairs in one pass, or each in its own where the dialect knows no better."""
    if not reader.statements.dialect.has_grouping_sets:
        for pair in pairs:
            rows = reader.ask(
                "contingencies",
                "SELECT a, b, COUNT(*) FROM source WHERE a IS NOT NULL AND b IS NOT NULL "
                "GROUP BY a, b",
                [("a", pair[0]), ("b", pair[1])],
            )
            found[pair] = {(x, y): int(count) for x, y, count in rows}
        return
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    aliases = _aliases(names)
    place = {name: i for i, name in enumerate(names)}
    sets = ", ".join(f"(v{place[left]}, v{place[right]})" for left, right in pairs)
    numbered = " ".join(
        f"WHEN GROUPING(v{place[left]}) = 0 AND GROUPING(v{place[right]}) = 0 THEN {n}"
        for n, (left, right) in enumerate(pairs)
    )
    listed = ", ".join(alias for alias, _ in aliases)
    rows = reader.ask(
        "contingencies",
        f"SELECT CASE {numbered} END, COUNT(*), {listed} FROM source "
        f"GROUP BY GROUPING SETS ({sets})",
        aliases,
    )
    for row in rows:
        pair = pairs[int(row[0])]
        x, y = row[2 + place[pair[0]]], row[2 + place[pair[1]]]
        if x is not None and y is not None:
            found[pair][x, y] = int(row[1])


def _texts(
    reader: TableReader,
    name: str,
    pairs: Sequence[tuple[str, str]],
    found: Mapping[tuple[str, str], Mapping[tuple[Any, Any], int]],
) -> dict[Any, str]:
    """Return each value that occurs as DuckDB writes it."""
    values = {key[0 if pair[0] == name else 1] for pair in pairs for key in found[pair]}
    for pair in pairs:
        if pair[0] == pair[1]:
            values |= {key[1] for key in found[pair]}
    return reader.local.texts(reader.readings[name], list(values))


def containment(
    child: TableReader, child_column: str, parent: TableReader, parent_column: str
) -> Containment:
    """Group both sides by value, join the groups and count; no statement if both are here."""
    child_groups, parent_groups = child.groups.get(child_column), parent.groups.get(parent_column)
    if child_groups is not None and parent_groups is not None:
        sql = _CONTAINMENT.format(child=_grouped(child_groups), parent=_grouped(parent_groups))
        row = child.local.connection.execute(sql).fetchall()[0]
    else:
        row = _contained_there(child, child_column, parent, parent_column)
    return Containment(
        child_table=child.name,
        child_column=child_column,
        parent_table=parent.name,
        parent_column=parent_column,
        child_distinct_count=int(row[0]),
        matched_distinct_count=int(row[1]),
        child_row_count=int(row[2]),
        orphan_row_count=int(row[3]),
        parent_distinct_count=int(row[4]),
        parent_row_count=int(row[5]),
        max_fan_out=int(row[6]),
    )


#: The groups of both sides joined, in words that DuckDB and common SQL share.
_CONTAINMENT: Final = """
SELECT COUNT(k.v), COUNT(CASE WHEN k.v IS NOT NULL THEN p.v END), COALESCE(SUM(k.c), 0),
    COALESCE(SUM(CASE WHEN p.v IS NULL THEN k.c END), 0),
    COUNT(p.v), COALESCE(SUM(p.c), 0), COALESCE(MAX(CASE WHEN p.v IS NOT NULL THEN k.c END), 0)
FROM {child} AS k FULL JOIN {parent} AS p ON k.v = p.v"""


def _grouped(groups: Groups) -> str:
    return (
        f"(SELECT v::VARCHAR AS v, sum(c)::BIGINT AS c FROM {groups.relation} "
        "WHERE v IS NOT NULL GROUP BY 1)"
    )


def _contained_there(
    child: TableReader, child_column: str, parent: TableReader, parent_column: str
) -> tuple[Any, ...]:
    readings = child.readings[child_column], parent.readings[parent_column]
    kinds = {reading.column.kind for reading in readings}
    is_alike = len({r.crosses_as for r in readings}) == 1 and (
        len(kinds) == 1 or not kinds & {ColumnKind.DATE, ColumnKind.TIMESTAMP}
    )
    value = "v" if is_alike else "CAST(v AS TEXT)"
    side = (
        f"(SELECT {value} AS v, COUNT(*) AS c FROM {{source}} WHERE v IS NOT NULL GROUP BY {value})"
    )
    (row,) = child.statements.ask(
        "containment",
        _CONTAINMENT.format(child=side.format(source="child"), parent=side.format(source="parent")),
        child=child.source([("v", child_column)]),
        parent=parent.source([("v", parent_column)]),
    )
    return row
