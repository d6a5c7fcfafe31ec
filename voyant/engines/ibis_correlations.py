"""How strongly do numeric columns of a warehouse's table go together?

Pearson's is computed there, from sums of whole numbers, as for DuckDB. For Spearman's an even
sample of rows is fetched, and ranked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import isfinite, sqrt
from typing import Any, Final

from voyant.core.tables import Approximation, Association, ColumnSummary, TableSummary
from voyant.engines.duckdb_correlations import (
    SAMPLE_TABLE,
    coefficient,
    equal_gaps,
    has_spread,
    rank_and_correlate,
    shared_gaps,
)
from voyant.engines.ibis_summary import TableReader
from voyant.engines.ibis_wide import double, line_sql
from voyant.stats.moments import FIXED_POINT_ONE

__all__ = ["pearson", "spearman"]

#: Two deviations of so many bits multiply within 63.
_MOST_BITS: Final = 31
#: Six sums each at most: a statement gives at most 1,664 columns on PostgreSQL.
_PAIRS_AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variable:
    """One side of a correlation: how far each row lies from a center.

    Attributes:
        name: The column's.
        expression: Common SQL, null where there is no finite value: whole numbers below `2**bits`,
            or doubles in [-1, 1].
        bits: None for doubles.
    """

    name: str
    expression: str
    bits: int | None


def pearson(
    reader: TableReader, summary: TableSummary, columns: Sequence[str]
) -> tuple[Association, ...]:
    """Correlate all pairs over rows where both are finite: one pass, two where gaps are alike."""
    found = [
        (summary.columns[name], _deviation(reader, summary.columns[name], f"v{i}"))
        for i, name in enumerate(columns)
    ]
    usable = [(column, variable) for column, variable in found if variable is not None]
    variables = [variable for _, variable in usable]
    aliases = [(f"v{i}", name) for i, name in enumerate(columns) if found[i][1] is not None]
    missing = [c.null_count + c.nan_count + c.infinite_count for c, _ in usable]
    pairs = list(combinations(range(len(variables)), 2))
    if not pairs:
        return ()
    masks = _gap_masks(reader, variables, aliases, missing)
    return tuple(
        association
        for start in range(0, len(pairs), _PAIRS_AT_ONCE)
        for association in _correlate(
            reader, variables, aliases, masks, pairs[start : start + _PAIRS_AT_ONCE]
        )
    )


def _deviation(reader: TableReader, column: ColumnSummary, alias: str) -> _Variable | None:
    """Return how far a column's values lie from about their mean, None without spread."""
    if not has_spread(column):
        return None
    low, high = Fraction(str(column.min)), Fraction(str(column.max))
    line = reader.readings[column.name].line
    if line is not None and line.is_exact:
        center = round(Fraction(column.mean or 0) / line.unit)
        farthest = max(high / line.unit - center, center - low / line.unit)
        bits = int(farthest).bit_length()
        if bits <= _MOST_BITS:
            x = line_sql(line, alias)
            return _Variable(name=column.name, expression=f"{x} - ({center})", bits=bits)
    return _float_deviation(column, alias, float(low), float(high))


def _float_deviation(
    column: ColumnSummary, alias: str, low: float, high: float
) -> _Variable | None:
    half = 1.0 if isfinite(high - low) else 0.5  # keeps differences within range
    low, high = low * half, high * half
    center = low / 2 + high / 2 if column.mean is None else column.mean * half
    scale = max(high - center, center - low)
    if scale <= 0:
        return None  # as doubles all values are one
    value = f"CAST({alias} AS DOUBLE PRECISION)"
    deviation = f"({value} * {double(half)} - {double(center)}) / {double(scale)}"
    if column.nan_count or column.infinite_count:
        deviation = f"CASE WHEN VOYANT_FINITE({value}) IS NOT NULL THEN {deviation} END"
    return _Variable(name=column.name, expression=deviation, bits=None)


def _gap_masks(
    reader: TableReader,
    variables: Sequence[_Variable],
    aliases: Sequence[tuple[str, str]],
    missing: Sequence[int],
) -> list[int | None]:
    """Return for each column the first column that is null in the same rows, None without nulls."""
    alike = equal_gaps(missing)
    differing: dict[tuple[int, int], int] = {}
    if alike:
        read = ", ".join(
            f"CASE WHEN ({v.expression}) IS NULL THEN 1 ELSE 0 END AS g{i}"
            for i, v in enumerate(variables)
        )
        asked = ", ".join(f"COUNT(CASE WHEN g{i} <> g{j} THEN 1 END)" for i, j in alike)
        (row,) = reader.ask(
            "pearson", f"SELECT {asked} FROM (SELECT {read} FROM source) AS s", aliases
        )
        differing = dict(zip(alike, map(int, row), strict=True))
    return shared_gaps(missing, differing)


class _Sums:
    """The sums that correlations of many pairs need, each asked for once, in one statement.

    A column's own sums are asked for once per set of rows, not once per pair: `masks` says for each
    column which column's gaps it shares, None without gaps.
    """

    def __init__(self, variables: Sequence[_Variable], masks: Sequence[int | None]) -> None:
        self._variables, self._masks = variables, masks
        self.asked: dict[str, int] = {}

    def _ask(self, sql: str) -> int:
        return self.asked.setdefault(sql, len(self.asked))

    def _where(self, columns: Sequence[int], summed: str) -> str:
        """Return the sum over the rows in which other columns have a value as well."""
        masks = sorted({m for m in (self._masks[i] for i in columns) if m is not None})
        if not masks:
            return summed
        present = " AND ".join(f"x{m} IS NOT NULL" for m in masks)
        return f"CASE WHEN {present} THEN {summed} END"

    def count(self, i: int, j: int) -> int:
        return self._ask(f"COUNT({self._where((i, j), '1')})")

    def own(self, i: int, other: int) -> int:
        return self._ask(f"SUM(VOYANT_WIDE({self._where(self._others(i, other), self._whole(i))}))")

    def product(self, i: int, j: int, other: int) -> int:
        if self._is_whole(i) and self._is_whole(j):
            value = f"x{i} * x{j}"
        else:
            value = self._fixed(f"{self._double(i)} * {self._double(j)}")
        others = self._others(i, other) if i == j else ()
        return self._ask(f"SUM(VOYANT_WIDE({self._where(others, value)}))")

    def _others(self, i: int, other: int) -> tuple[int, ...]:
        return () if self._masks[other] == self._masks[i] else (other,)

    def unit(self, *columns: int) -> int:
        """Return how many units of a sum make 1, where deviations are taken to lie in [-1, 1]."""
        total = 0
        for i in columns:
            bits = self._variables[i].bits
            if bits is None:
                return FIXED_POINT_ONE
            total += bits
        return 1 << total

    def _is_whole(self, i: int) -> bool:
        return self._variables[i].bits is not None

    def _whole(self, i: int) -> str:
        return f"x{i}" if self._is_whole(i) else self._fixed(f"x{i}")

    def _fixed(self, value: str) -> str:
        return f"VOYANT_WHOLE({value} * {double(FIXED_POINT_ONE)})"

    def _double(self, i: int) -> str:
        bits = self._variables[i].bits
        return f"x{i}" if bits is None else f"(CAST(x{i} AS DOUBLE PRECISION) / {double(2**bits)})"


def _correlate(
    reader: TableReader,
    variables: Sequence[_Variable],
    aliases: Sequence[tuple[str, str]],
    masks: Sequence[int | None],
    pairs: Sequence[tuple[int, int]],
) -> tuple[Association, ...]:
    """Correlate pairs of variables in one pass."""
    sums = _Sums(variables, masks)
    plans = [
        (
            sums.count(i, j),
            (sums.own(i, j), sums.unit(i)),
            (sums.own(j, i), sums.unit(j)),
            (sums.product(i, i, j), sums.unit(i, i)),
            (sums.product(j, j, i), sums.unit(j, j)),
            (sums.product(i, j, i), sums.unit(i, j)),
        )
        for i, j in pairs
    ]
    read = ", ".join(f"{v.expression} AS x{i}" for i, v in enumerate(variables))
    (row,) = reader.ask(
        "pearson", f"SELECT {', '.join(sums.asked)} FROM (SELECT {read} FROM source) AS s", aliases
    )
    return tuple(
        Association(
            left=variables[i].name,
            right=variables[j].name,
            method="pearson",
            value=coefficient(
                int(row[count] or 0), *(Fraction(int(row[at] or 0), unit) for at, unit in parts)
            ),
            row_count=int(row[count] or 0),
        )
        for (i, j), (count, *parts) in zip(pairs, plans, strict=True)
    )


def spearman(
    reader: TableReader, summary: TableSummary, columns: Sequence[str], *, sample_rows: int
) -> tuple[Association, ...]:
    """Fetch every n-th row, at most `sample_rows` of them, and correlate ranks here."""
    usable = [summary.columns[name] for name in columns if has_spread(summary.columns[name])]
    if len(usable) < 2:  # noqa: PLR2004 - a pair has two
        return ()
    step = -(-summary.row_count // sample_rows)
    approximation = None
    aliases = [(f"v{i}", column.name) for i, column in enumerate(usable)]
    listed = ", ".join(alias for alias, _ in aliases)
    sql = f"SELECT {listed} FROM source"
    if step > 1:
        kept = -(-summary.row_count // step)
        approximation = Approximation(
            method=f"even sample of {kept:,} rows; error is the largest standard error of a "
            "correlation from so many",
            error=1 / sqrt(max(kept - 1, 1)),
        )
        sql = (
            f"SELECT {listed} FROM (SELECT {listed}, VOYANT_ROW() AS n FROM source) AS s "
            f"WHERE MOD(n, {step}) = 0"
        )
    rows = reader.ask("spearman", sql, aliases, is_ordered=step > 1)
    return _rank_here(reader, [column.name for column in usable], rows, approximation)


def _rank_here(
    reader: TableReader,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    approximation: Approximation | None,
) -> tuple[Association, ...]:
    with reader.local.holding():
        reader.local.keep_rows(SAMPLE_TABLE, [reader.readings[name] for name in names], rows)
        try:
            return rank_and_correlate([reader.local.connection], names, approximation)
        finally:
            reader.local.forget_rows(SAMPLE_TABLE)
