"""What does DuckDB measure of values told by their text: lengths, white space, shapes, wide text?

Text of which many values differ is grouped by a 64-bit hash instead of by value, which takes a
fifth of the memory, and is read twice more: once for the least and greatest value, once to find the
values of the frequent hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from voyant.core.tables import Approximation, ColumnKind, ColumnSummary, TextFacts, ValueCount
from voyant.engines.duckdb_column import (
    CUT_VALUE,
    SAMPLE_VALUES,
    TOP_VALUES,
    Frequent,
    Measuring,
    cut,
)
from voyant.stats.patterns import top_shapes

__all__ = ["is_wide", "measure_values", "measure_wide"]

_PATTERNS: Final = 10
_PROBE_ROWS: Final = 50_000
_WIDE_FRACTION: Final = 0.3
_HASHES: Final = 2**64
# Values that share the hundredth highest count: the first of them in order are shown, if not more.
_MOST_TIES: Final = 20_000
_PARSE_ALL: Final = 100_000
_SPACES: Final = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"
# A text's length, times four, plus 1 for white space (any character up to U+0020) around it, or 2
# for nothing but white space: one number that a grouping can carry, instead of another scan.
# Comparing is cheap and trimming is not, so text is trimmed only where both ends are white space.
_PACKED_FACTS: Final = f"""(length(v) * 4 + CASE
    WHEN v < '!' AND v[-1] <= ' ' THEN CASE WHEN trim(v, {_SPACES}) = '' THEN 2 ELSE 1 END
    WHEN v < '!' OR v[-1] <= ' ' THEN 1 ELSE 0 END)"""
_UNPACKED_FACTS: Final = """min(n >> 2), max(n >> 2), sum((n >> 2) * c)::HUGEINT,
    coalesce(sum(c) FILTER (n >> 2 = 0), 0)::BIGINT,
    coalesce(sum(c) FILTER (n > 3 AND n & 3 = 2), 0)::BIGINT,
    coalesce(sum(c) FILTER (n > 3 AND n & 3 = 1), 0)::BIGINT"""
_BLANK: Final = 2
_BLANK_AND_EMPTY: Final = 3
_IS_NUMBER: Final = "try_cast(v AS DOUBLE) IS NOT NULL"
_IS_TIME: Final = "try_cast(v AS TIMESTAMP) IS NOT NULL"
# The same, times four, plus 1 for text that is a number's, and 2 for text that is a time's.
_PARSED_FACTS: Final = f"{_PACKED_FACTS} * 4 + ({_IS_NUMBER})::INT + ({_IS_TIME})::INT * 2"
#: Kinds whose text sorts as the values do.
_ORDERED: Final = frozenset((ColumnKind.TEXT, ColumnKind.TIME, ColumnKind.UUID))


def measure_values(measuring: Measuring) -> ColumnSummary:
    """Measure booleans, text and everything that is only told by its text, from the groups."""
    kind = measuring.column.kind
    is_text = kind is ColumnKind.TEXT
    rows = measuring.few_values(_PARSED_FACTS if is_text else "NULL")
    parsed: tuple[int | None, int | None] = (None, None)
    if rows is None:
        packed, unpacked = (_PACKED_FACTS, f", {_UNPACKED_FACTS}") if is_text else ("NULL", "")
        distinct, count, low, high, *row = measuring.one(
            f"SELECT count(v), coalesce(sum(c), 0)::BIGINT, min(v), max(v){unpacked} "
            f"FROM (SELECT v, {packed} AS n, c FROM {measuring.groups} WHERE v IS NOT NULL)"
        )
        if is_text and distinct <= _PARSE_ALL:
            parsed = _count_parsed(measuring)
        rows = measuring.most_frequent()
    else:
        distinct, count = len(rows), sum(times for _, _, times, _ in rows)
        texts = [text for _, text, _, _ in rows]
        low, high = min(texts, default=None), max(texts, default=None)
        row = _unpacked([(n >> 2, times) for _, _, times, n in rows]) if is_text else []
        if is_text:
            parsed = _parsed_of(rows)
    top, sample = measuring.top_and_sample(rows)
    is_ordered = kind in _ORDERED and measuring.column.type != "TIME WITH TIME ZONE"
    true_count = None
    if kind is ColumnKind.BOOLEAN:
        true_count = sum(entry.count for entry in top if entry.value is True)
    return measuring.summary(
        count=count,
        distinct_count=distinct,
        min=cut(low) if is_ordered else None,
        max=cut(high) if is_ordered else None,
        true_count=true_count,
        top_values=top,
        sample=sample,
        text=_facts(measuring, row, sample, distinct, count, parsed) if is_text else None,
    )


def _count_parsed(measuring: Measuring) -> tuple[int, int]:
    """Count the rows of text that DuckDB reads as a number, and as a time."""
    numeric, temporal = measuring.one(
        f"""SELECT coalesce(sum(c) FILTER ({_IS_NUMBER}), 0)::BIGINT,
            coalesce(sum(c) FILTER ({_IS_TIME}), 0)::BIGINT
        FROM {measuring.groups} WHERE v IS NOT NULL"""
    )
    return numeric, temporal


def _parsed_of(rows: Sequence[Frequent]) -> tuple[int, int]:
    """Do the same here of all values."""
    numeric, temporal = (sum(count for _, _, count, facts in rows if facts & bit) for bit in (1, 2))
    return numeric, temporal


def _unpacked(facts: Sequence[tuple[int, int]]) -> list[int | None]:
    """Do what _UNPACKED_FACTS does, here, of each n and its rows."""
    lengths = [n >> 2 for n, _ in facts]
    return [
        *(min(lengths, default=None), max(lengths, default=None)),
        sum((n >> 2) * count for n, count in facts),
        sum(count for n, count in facts if n >> 2 == 0),
        sum(count for n, count in facts if n > _BLANK_AND_EMPTY and n & 3 == _BLANK),
        sum(count for n, count in facts if n > _BLANK_AND_EMPTY and n & 3 == 1),
    ]


def _facts(
    measuring: Measuring,
    row: Sequence[Any],
    sample: Sequence[ValueCount],
    distinct: int,
    count: int,
    parsed: tuple[int | None, int | None],
) -> TextFacts:
    shapes = top_shapes(((str(s.value), s.count) for s in sample), _PATTERNS)
    if distinct > len(sample):
        measuring.approximations["text.patterns"] = Approximation(
            method=f"shapes of {len(sample):,} of the values"
        )
    shortest, longest, total, empty, blank, padded = row
    return TextFacts(
        min_length=shortest,
        max_length=longest,
        mean_length=total / count if count else None,
        empty_count=empty,
        whitespace_count=blank,
        padded_count=padded,
        patterns=tuple(ValueCount(value=s, count=n) for s, n in shapes),
        numeric_count=parsed[0],
        temporal_count=parsed[1],
    )


def is_wide(measuring: Measuring) -> bool:
    """Say whether many of the first rows hold a text of their own."""
    seen, different = measuring.one(
        f"SELECT count(v), count(DISTINCT v) FROM "
        f"(SELECT {measuring.value} AS v FROM {measuring.table} LIMIT {_PROBE_ROWS})"
    )
    return bool(different > seen * _WIDE_FRACTION)


def measure_wide(measuring: Measuring) -> ColumnSummary:
    """Measure text of which many values differ, grouped by hash."""
    is_text = measuring.column.kind is ColumnKind.TEXT
    facts = f", any_value({_PACKED_FACTS}) AS n" if is_text else ""
    measuring.run(
        f"""CREATE OR REPLACE TABLE {measuring.groups} AS
        SELECT hash(v) AS h, count(*)::UINTEGER AS c{facts}
        FROM (SELECT {measuring.value} AS v FROM {measuring.table})
        WHERE v IS NOT NULL GROUP BY 1"""
    )
    distinct, count = measuring.one(
        f"SELECT count(*), coalesce(sum(c), 0)::BIGINT FROM {measuring.groups}"
    )
    if distinct < count:  # otherwise all differ, which equal hashes could only have hidden
        measuring.approximations["distinct_count"] = Approximation(
            method="counted by 64-bit hash; error is the expected number of collisions",
            error=distinct**2 / (2 * _HASHES),
        )
    low = high = text = None
    top, sample = _fetch_by_hash(measuring)
    if is_text:
        low, high = measuring.one(
            f"SELECT min(v), max(v) FROM (SELECT {measuring.value} AS v FROM {measuring.table})"
        )
        row = measuring.one(f"SELECT {_UNPACKED_FACTS} FROM {measuring.groups}")
        text = _facts(measuring, row, sample, distinct, count, (None, None))
    return measuring.summary(
        count=count,
        distinct_count=distinct,
        min=cut(low),
        max=cut(high),
        top_values=top,
        sample=sample,
        text=text,
    )


def _fetch_by_hash(
    measuring: Measuring,
) -> tuple[tuple[ValueCount, ...], tuple[ValueCount, ...]]:
    """Find the values of the most frequent hashes, and of the smallest: an even sample."""
    groups = measuring.groups
    chosen = f"{groups}_chosen"  # other columns are measured at the same time
    least = measuring.all(
        f"SELECT c FROM {groups} WHERE c > 1 ORDER BY c DESC LIMIT 1 OFFSET {TOP_VALUES - 1}"
    )
    cutoff = least[0][0] if least else 2
    (able,) = measuring.one(f"SELECT count(*) FROM {groups} WHERE c >= {cutoff}")
    if able > _MOST_TIES:
        cutoff += 1
    if able < TOP_VALUES or able > _MOST_TIES:
        measuring.approximations["top_values"] = Approximation(
            method=f"values that stand in fewer than {cutoff} rows are left out"
        )
    try:
        measuring.run(
            f"""CREATE OR REPLACE TABLE {chosen} AS
            (SELECT h, c, true AS is_top FROM {groups} WHERE c >= {cutoff})
            UNION ALL (SELECT h, c, false FROM {groups} ORDER BY h LIMIT {SAMPLE_VALUES})"""
        )
        rows = measuring.all(
            f"""SELECT is_top, {CUT_VALUE}, c
            FROM (SELECT hash(v) AS h, any_value(v) AS v
                FROM (SELECT {measuring.value} AS v FROM {measuring.table})
                WHERE hash(v) IN (SELECT h FROM {chosen}) GROUP BY 1) AS found
            JOIN {chosen} USING (h) ORDER BY is_top, c DESC, found.v"""
        )
    finally:
        measuring.run(f"DROP TABLE IF EXISTS {chosen}")
    top = [ValueCount(value=v, count=c) for is_top, v, c in rows if is_top]
    return tuple(top[:TOP_VALUES]), tuple(
        ValueCount(value=v, count=c) for is_top, v, c in rows if not is_top
    )
