"""What does DuckDB measure of values that stand on a number line: numbers, dates, time stamps?

All is computed from the small table of different values and their counts. Sums are of whole
numbers, so the answers do not depend on the number of threads.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import isfinite
from typing import Any, Final

from voyant.core.tables import (
    QUANTILE_GRID_STEPS,
    Approximation,
    ColumnKind,
    ColumnSummary,
    Histogram,
    Scalar,
    TimeFacts,
)
from voyant.engines.duckdb_column import Frequent, Measuring, Numbers, iso
from voyant.engines.duckdb_types import NumberLine, exact_line
from voyant.stats.moments import FIXED_POINT_ONE, Moments, moments, to_number
from voyant.stats.quantiles import QUANTILES, even_edges, grid_from_ranks, integer_edges

__all__ = ["measure_numbers"]

_HISTOGRAM_BINS: Final = 20
_NAN: Final = "nan"
# Above so many different values only the bins in which a wanted rank lies are sorted.
_NARROW_VALUES: Final = 200_000
_NARROW_BINS: Final = 4_096
_INT64_SPAN: Final = 2**63
_ROUNDED_FACTS: Final = (
    *("sum", "mean", "std", "variance", "skewness", "kurtosis"),
    *("quantiles", "quantile_grid", "histogram"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """The finite values of a column, as `x`.

    Attributes:
        source: SQL that gives each different x with its count c.
        line: How a value becomes x.
        count: Rows with a finite value; at least one.
        distinct: Different finite values, or a few more.
        low: The smallest x, an int where the line is exact, else a float.
        high: The largest x.
    """

    source: str
    line: NumberLine
    count: int
    distinct: int
    low: Any
    high: Any

    def offset(self, origin: Any) -> str:
        """Return SQL for `(x - origin) * self.half`, rounded once; origin lies in [low, high]."""
        if self.line.is_exact:
            wide = "::HUGEINT" if self.high - self.low >= _INT64_SPAN else ""
            return f"(x{wide} - ({origin}){wide or '::BIGINT'})::DOUBLE"
        if self.half == 1:
            return f"(x - {origin!r}::DOUBLE)"
        return f"(x * 0.5 - {origin * 0.5!r}::DOUBLE)"

    @property
    def half(self) -> float:
        """A factor that keeps differences within range: one half where they would be too large."""
        return 1 if self.line.is_exact or isfinite(self.high - self.low) else 0.5

    def distance(self, start: Any, end: Any) -> float:
        """Return `(end - start) * self.half`, as SQL computes it."""
        if self.line.is_exact:
            return float(end - start)
        return float(end - start if self.half == 1 else end * 0.5 - start * 0.5)


def measure_numbers(measuring: Measuring, line: NumberLine) -> ColumnSummary:
    """Measure a column whose values stand on a number line, from its groups."""
    declared, line = line, _exact_if_it_fits(measuring, line)
    kind = measuring.column.kind
    keep = f"CASE WHEN {line.is_finite} THEN {line.expression} END"
    keep = keep if line.is_finite else line.expression
    rows = measuring.few_values(keep)
    few = None if rows is None else sorted((x, c) for _, _, c, x in rows if x is not None)
    if few is not None and line is declared:
        measuring.numbers = _scaled(few, line)
    row = None if rows is None else _ends_of(rows, line)
    row = row or _counts_and_ends(measuring, line, keep)
    distinct, count, nans, not_finite, low, high, total, zeros, negatives, least, most = row
    facts: dict[str, Any] = {}
    if count > not_finite:
        numbers = _Numbers(
            source=f"(SELECT * FROM (SELECT c, {keep} AS x FROM {measuring.groups} "
            "WHERE v IS NOT NULL) WHERE x IS NOT NULL)",
            line=line,
            count=count - not_finite,
            distinct=distinct,
            low=low,
            high=high,
        )
        facts = _facts(measuring, numbers, few, total)
        facts["min"] = _shown(kind, line, low, least)
        facts["max"] = _shown(kind, line, high, most)
    if kind.is_numeric:
        facts |= {"zero_count": zeros, "negative_count": negatives}
    facts["top_values"], facts["sample"] = measuring.top_and_sample(
        measuring.most_frequent() if rows is None else rows
    )
    return measuring.summary(
        count=count,
        distinct_count=distinct,
        nan_count=nans,
        infinite_count=not_finite - nans,
        **facts,
    )


def _counts_and_ends(measuring: Measuring, line: NumberLine, keep: str) -> tuple[Any, ...]:
    """Count values, rows, NaN and other rows of a kind; fetch both ends and the sum."""
    is_nan = "isnan(v)" if measuring.column.kind is ColumnKind.FLOAT else "false"
    finite = f"FILTER ({line.is_finite})" if line.is_finite else ""
    return measuring.one(
        f"""SELECT count(v), coalesce(sum(c) FILTER (v IS NOT NULL), 0)::BIGINT,
            coalesce(sum(c) FILTER ({is_nan}), 0)::BIGINT,
            coalesce(sum(c) FILTER (v IS NOT NULL AND x IS NULL), 0)::BIGINT,
            min(x), max(x), {"sum(x::HUGEINT * c)" if line.is_exact else "NULL"},
            coalesce(sum(c) FILTER (x = 0), 0)::BIGINT,
            coalesce(sum(c) FILTER (x < 0), 0)::BIGINT,
            (min(v) {finite})::VARCHAR, (max(v) {finite})::VARCHAR
        FROM (SELECT v, c, {keep} AS x FROM {measuring.groups})"""
    )


def _scaled(few: Sequence[tuple[Any, int]], line: NumberLine) -> Numbers:
    """Scale as SQL does; packed, since they are kept."""
    up, down = float(line.unit.numerator), float(line.unit.denominator)
    return array("d", (float(x) * up / down for x, _ in few)), array("q", (c for _, c in few))


def _ends_of(rows: Sequence[Frequent], line: NumberLine) -> tuple[Any, ...] | None:
    """Do the same here of all values; None where no end is, or two values have one x."""
    finite = [(x, count, text) for _, text, count, x in rows if x is not None]
    if not finite or len({x for x, _, _ in finite}) < len(finite):
        return None
    count, kept = sum(row[2] for row in rows), sum(times for _, times, _ in finite)
    low, high = min(finite), max(finite)
    return (
        *(len(rows), count, sum(times for _, text, times, _ in rows if text == _NAN)),
        *(count - kept, low[0], high[0]),
        sum(x * times for x, times, _ in finite) if line.is_exact else None,
        sum(times for x, times, _ in finite if x == 0),
        sum(times for x, times, _ in finite if x < 0),
        *(low[2], high[2]),
    )


def _exact_if_it_fits(measuring: Measuring, line: NumberLine) -> NumberLine:
    """Use whole numbers for a wide type too when its values need no more than 62 bits."""
    kind = measuring.column.kind
    if line.is_exact or kind is ColumnKind.FLOAT:
        return line
    low, high = measuring.one(f"SELECT min(v)::VARCHAR, max(v)::VARCHAR FROM {measuring.groups}")
    exact = None if low is None else exact_line(measuring.column.type, low, high)
    if exact is None and low is not None:
        rounded = Approximation(
            method="from values rounded to double precision; the error is relative", error=2**-53
        )
        measuring.approximations.update(dict.fromkeys(_ROUNDED_FACTS, rounded))
    return exact or line


def _facts(
    measuring: Measuring, numbers: _Numbers, few: list[tuple[Any, int]] | None, total: int | None
) -> dict[str, Any]:
    grid = _grid(measuring, numbers, few)
    facts: dict[str, Any] = {
        "quantiles": {q: grid[round(q * QUANTILE_GRID_STEPS)] for q in QUANTILES},
        "quantile_grid": grid,
        "histogram": _histogram(measuring, numbers, few),
    }
    if not measuring.column.kind.is_numeric:
        facts["time"] = _time_facts(measuring, numbers)
        return facts
    shape, facts["sum"] = _moments(measuring, numbers, few, total)
    if shape.std is not None and shape.variance is None:
        measuring.approximations["variance"] = Approximation(
            method="left out: larger than the largest double-precision number"
        )
    return facts | {
        "mean": shape.mean,
        "std": shape.std,
        "variance": shape.variance,
        "skewness": shape.skewness,
        "kurtosis": shape.kurtosis,
    }


def _moments(
    measuring: Measuring,
    numbers: _Numbers,
    few: list[tuple[Any, int]] | None,
    total: int | None,
) -> tuple[Moments, float | int | None]:
    """Return the moments and the sum of the values."""
    low, high, count, unit = numbers.low, numbers.high, numbers.count, numbers.line.unit
    if low == high:
        value = Fraction(low) * unit
        spread = 0.0 if count > 1 else None
        return Moments(mean=float(value), variance=spread, std=spread), to_number(value * count)
    center = _center(numbers, total)
    divisor = max(numbers.distance(center, high), numbers.distance(low, center))
    if few is None:
        row = _power_sums(measuring, numbers, center, divisor)
    else:
        row = _power_sums_of(few, numbers, center, divisor)
    scale = Fraction(divisor) / Fraction(numbers.half)
    exact = None if total is None else Fraction(total) * unit
    shape = moments(
        count,
        Fraction(center) * unit,
        scale * unit,
        [int(value) for value in row],
        mean=None if exact is None else exact / count,
    )
    if exact is not None:
        return shape, to_number(exact)
    nearly = Fraction(center) * count + scale * Fraction(int(row[0]), FIXED_POINT_ONE)
    return shape, to_number(nearly, is_whole=False)


def _power_sums(
    measuring: Measuring, numbers: _Numbers, center: Any, divisor: float
) -> tuple[int, ...]:
    """Sum the first four powers of how far values lie from the center, in whole numbers."""
    powers = ["d", "d * d", "d * d * d", "d * d * d * d"]
    sums = ", ".join(
        f"sum(c::HUGEINT * ({power} * {FIXED_POINT_ONE}.0::DOUBLE)::BIGINT)" for power in powers
    )
    return measuring.one(
        f"SELECT {sums} FROM (SELECT c, {numbers.offset(center)} / {divisor!r}::DOUBLE AS d "
        f"FROM {numbers.source})"
    )


def _power_sums_of(
    few: Sequence[tuple[Any, int]], numbers: _Numbers, center: Any, divisor: float
) -> tuple[int, ...]:
    """Do the same here: DuckDB's doubles and its rounding are Python's."""
    one = float(FIXED_POINT_ONE)
    first = second = third = fourth = 0
    for x, count in few:
        deviation = numbers.distance(center, x) / divisor
        square = deviation * deviation
        cube = square * deviation
        first += count * round(deviation * one)
        second += count * round(square * one)
        third += count * round(cube * one)
        fourth += count * round(cube * deviation * one)
    return first, second, third, fourth


def _center(numbers: _Numbers, total: int | None) -> Any:
    if total is not None:
        return total // numbers.count  # whole, so that x - center is exact
    if numbers.half == 1:
        return numbers.low + (numbers.high - numbers.low) / 2
    return numbers.low / 2 + numbers.high / 2


def _grid(
    measuring: Measuring, numbers: _Numbers, few: list[tuple[Any, int]] | None
) -> tuple[float, ...]:
    up, down = numbers.line.unit.numerator, numbers.line.unit.denominator
    if few is None:
        rows = _ranked(measuring, numbers)
    else:
        rows = list(zip((x for x, _ in few), accumulate(c for _, c in few), strict=True))
    scaled = [(x * up / down, s) for x, s in rows]  # of whole numbers, rounded once
    return grid_from_ranks(scaled, numbers.count, QUANTILE_GRID_STEPS)


def _ranked(measuring: Measuring, numbers: _Numbers) -> list[tuple[Any, int]]:
    """Fetch only the rows that stand at a wanted rank: at most twice the steps of the grid."""
    count, steps, last = numbers.count, QUANTILE_GRID_STEPS, max(numbers.count - 1, 1)
    narrowed = _narrowed(measuring, numbers) or (
        f"(SELECT x, c, 0 AS b, 0 AS o FROM {numbers.source})"
    )

    def wanted(expression: str) -> str:  # how many wanted ranks lie below a cumulative count
        return f"(({expression}) * {steps} + {last - 1}) // {last}"

    return measuring.all(
        f"""SELECT x, s FROM (
            SELECT x, c, o + sum(c) OVER (PARTITION BY b ORDER BY x ROWS UNBOUNDED PRECEDING)
                ::BIGINT AS s
            FROM {narrowed})
        WHERE {wanted("s")} > {wanted("s - c")} OR {wanted("s - 1")} > {wanted("s - c - 1")}
            OR s = {count}
        ORDER BY s"""
    )


def _narrowed(measuring: Measuring, numbers: _Numbers) -> str | None:
    """Keep only the equal-width bins in which a wanted rank lies, so that few rows are sorted.

    Returns:
        SQL with, for each row kept, its bin b and the number o of values in earlier bins; None
        where there are too few different values for it to pay.
    """
    width = numbers.distance(numbers.low, numbers.high) / _NARROW_BINS
    if numbers.distinct < _NARROW_VALUES or width <= 0:
        return None
    place = _place(numbers, numbers.low, width, _NARROW_BINS)
    binned = f"(SELECT x, c, {place} AS b FROM {numbers.source})"
    kept: list[str] = []
    before = 0
    ranks = iter(_wanted_ranks(numbers.count))
    rank = next(ranks, None)
    counts = measuring.all(f"SELECT b, sum(c)::BIGINT FROM {binned} GROUP BY b ORDER BY b")
    for b, within in counts:
        if rank is not None and rank < before + within:
            kept.append(f"({b}, {before})")
        while rank is not None and rank < before + within:
            rank = next(ranks, None)
        before += within
    return f"(SELECT x, c, b, o FROM {binned} JOIN (VALUES {', '.join(kept)}) AS k(b, o) USING (b))"


def _place(numbers: _Numbers, start: Any, width: float, bins: int) -> str:
    """Return SQL for the number of the equal bin that x falls in, off by one at most."""
    return (
        f"least(greatest(floor({numbers.offset(start)} / {width!r}::DOUBLE), 0), {bins - 1})::INT"
    )


def _wanted_ranks(count: int) -> Iterator[int]:
    """Yield, rising, the ranks on both sides of each position of the quantile grid."""
    yielded = -1
    for step in range(QUANTILE_GRID_STEPS + 1):
        position = (count - 1) * step // QUANTILE_GRID_STEPS
        for rank in (position, min(position + 1, count - 1)):
            if rank > yielded:
                yielded = rank
                yield rank


def _histogram(
    measuring: Measuring, numbers: _Numbers, few: list[tuple[Any, int]] | None
) -> Histogram:
    """Count in equal bins; each value is compared with the edges themselves, not with a formula."""
    low, high, line = numbers.low, numbers.high, numbers.line
    kind = measuring.column.kind
    edges: Sequence[float] = even_edges(float(low), float(high), _HISTOGRAM_BINS)
    last = high
    if line.is_exact and kind in {ColumnKind.INTEGER, ColumnKind.DATE}:
        edges = integer_edges(low, high, _HISTOGRAM_BINS)
        last = edges[-1]
    # The ends are scaled as they are, not as the floats that the bins between are told by.
    ends = [float(Fraction(end) * line.unit) for end in (low, last)]
    wanted = len(edges) - 1
    # Where numbers lie so close, or are so large, that edges coincide, fewer remain.
    edges = sorted({float(edge) for edge in edges})
    bins = len(edges) - 1
    if bins < 2:  # noqa: PLR2004 - one bin holds all
        return Histogram(edges=tuple(ends), counts=(numbers.count,))
    if few is None:
        found = _bin_counts(measuring, numbers, edges, wanted)
        counts = [found.get(i, 0) for i in range(bins)]
    else:
        values, below = [float(x) for x, _ in few], [0, *accumulate(c for _, c in few)]
        counts_below = [0, *(below[bisect_left(values, edge)] for edge in edges[1:-1]), below[-1]]
        counts = [end - start for start, end in pairwise(counts_below)]
    between = [float(Fraction(edge) * line.unit) for edge in edges[1:-1]]
    return Histogram(edges=(ends[0], *between, ends[1]), counts=tuple(counts))


def _bin_counts(
    measuring: Measuring, numbers: _Numbers, edges: Sequence[float], wanted: int
) -> dict[int, int]:
    """Count the rows of each bin that has any; `wanted` bins of one width were asked for."""
    low, high, bins = numbers.low, numbers.high, len(edges) - 1
    listed = "[" + ", ".join(f"{edge!r}::DOUBLE" for edge in edges) + "]"
    is_float = measuring.column.kind is ColumnKind.FLOAT
    width = numbers.distance(low, high) / bins if is_float else edges[1] - edges[0]
    if bins < wanted or width <= 0:
        exactly = f"least(len(list_filter(e, lambda edge: edge <= x)) - 1, {bins - 1})"
        source = f"(SELECT x::DOUBLE AS x, c, {listed} AS e FROM {numbers.source})"
    else:
        exactly = f"least(b - (x < e[b + 1])::INT + (x >= e[b + 2])::INT, {bins - 1})"
        source = (
            f"(SELECT x::DOUBLE AS x, c, {listed} AS e, {_place(numbers, low, width, bins)} AS b "
            f"FROM {numbers.source})"
        )
    return dict(measuring.all(f"SELECT {exactly}, sum(c)::BIGINT FROM {source} GROUP BY 1"))


def _shown(kind: ColumnKind, line: NumberLine, x: Any, text: str) -> Scalar:
    """Return the least or greatest value as it is shown."""
    if kind.is_temporal:
        return iso(text)
    if kind is ColumnKind.INTEGER:
        return int(text)
    return float(Fraction(x) * line.unit if line.is_exact else Fraction(text))


def _time_facts(measuring: Measuring, numbers: _Numbers) -> TimeFacts:
    days, missing, gap, start, end = measuring.one(
        f"""SELECT count(*), max(d) - min(d) + 1 - count(*), coalesce(max(g), 0),
            min_by(d, (-g, d)) FILTER (g > 0)::VARCHAR, min_by(n, (-g, d)) FILTER (g > 0)::VARCHAR
        FROM (SELECT d, lead(d) OVER (ORDER BY d) AS n, n - d - 1 AS g
            FROM (SELECT DISTINCT v::DATE AS d FROM {measuring.groups} WHERE isfinite(v)))"""
    )
    return TimeFacts(
        range_seconds=float(Fraction(numbers.high - numbers.low) * numbers.line.unit),
        day_count=days,
        missing_day_count=missing,
        largest_gap_days=gap,
        largest_gap_start=start and iso(start),
        largest_gap_end=end and iso(end),
    )
