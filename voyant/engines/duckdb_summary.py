"""What does DuckDB measure of one column, and with how few passes over the table?

One `GROUP BY value` reads the column once and leaves a small table of values `v` and counts `c`, from
which everything else is computed exactly: distinct count, top values, quantiles, moments, histogram,
text lengths. It beats DuckDB's own approximate functions, which `SUMMARIZE` uses, several times over.

Text of which nearly every value differs is grouped by a 64-bit hash instead, which takes a fifth of the
memory, and is read twice more: once for lengths, once to find the values of the frequent hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from voyant.core.tables import (
    QUANTILE_GRID_STEPS,
    Approximation,
    Column,
    ColumnKind,
    ColumnSummary,
    Histogram,
    Scalar,
    TextFacts,
    TimeFacts,
    ValueCount,
)
from voyant.engines.duckdb_types import NumberLine, number_line
from voyant.engines.sources import quote_name
from voyant.stats.moments import FIXED_POINT_ONE, Moments, moments
from voyant.stats.patterns import top_shapes
from voyant.stats.quantiles import QUANTILES, even_edges, grid_from_ranks, integer_edges

if TYPE_CHECKING:
    import duckdb

__all__ = ["measure_column"]

_TOP_VALUES: Final = 100
_SAMPLE_VALUES: Final = 1_000
_PATTERNS: Final = 10
_HISTOGRAM_BINS: Final = 20
_LONGEST_SHOWN: Final = 500
# Below so many rows even all-different text is grouped by value; above, the first rows decide.
_WIDE_TEXT_ROWS: Final = 500_000
_PROBE_ROWS: Final = 50_000
_WIDE_FRACTION: Final = 0.3
_HASHES: Final = 2**64
_PARSE_ALL: Final = 100_000
_NARROW_ROWS: Final = 200_000
_NARROW_BINS: Final = 4_096
_SPACES: Final = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"
_CUT_VALUE: Final = (
    f"CASE WHEN length(v) > {_LONGEST_SHOWN} THEN left(v, {_LONGEST_SHOWN}) || '…' ELSE v END"
)
# A text's length, times four, plus 1 for white space (any character up to U+0020) around it, or 2 for
# nothing but white space: one number that a grouping can carry, instead of another scan. Comparing is
# cheap and trimming is not, so text is trimmed only where both ends are white space.
_PACKED_FACTS: Final = f"""(length(v) * 4 + CASE
    WHEN v < '!' AND v[-1] <= ' ' THEN CASE WHEN trim(v, {_SPACES}) = '' THEN 2 ELSE 1 END
    WHEN v < '!' OR v[-1] <= ' ' THEN 1 ELSE 0 END)"""
_UNPACKED_FACTS: Final = """min(n >> 2), max(n >> 2), sum((n >> 2) * c)::HUGEINT,
    coalesce(sum(c) FILTER (n >> 2 = 0), 0)::BIGINT,
    coalesce(sum(c) FILTER (n > 3 AND n & 3 = 2), 0)::BIGINT,
    coalesce(sum(c) FILTER (n > 3 AND n & 3 = 1), 0)::BIGINT"""


def measure_column(
    connection: duckdb.DuckDBPyConnection, table: str, column: Column, row_count: int
) -> ColumnSummary:
    """Measure one column.

    Args:
        connection: It may hold a temporary table `voyant_f`, which is replaced.
        table: The table's name, as it is.
        column: One of its columns.
        row_count: The table's rows.
    """
    measuring = _Measuring(connection, table, column, row_count)
    try:
        return measuring.measure()
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.main.voyant_f")


class _Measuring:
    """One column on its way to a summary."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: str, column: Column, row_count: int
    ) -> None:
        self._connection = connection
        self._column = column
        self._row_count = row_count
        self._table = quote_name(table)
        self._name = quote_name(column.name)
        self._approximations: dict[str, Approximation] = {}
        is_plain = number_line(column.type) is not None or column.kind is ColumnKind.BOOLEAN
        # JSON and ENUM sort and group otherwise than their text; nested values are told by their text.
        self._value = self._name if is_plain else f"{self._name}::VARCHAR"
        if column.type == "FLOAT":
            self._value = f"{self._name}::DOUBLE"

    def measure(self) -> ColumnSummary:
        line = number_line(self._column.type)
        if line is None and self._column.kind is not ColumnKind.BOOLEAN and self._is_wide():
            return self._measure_wide()
        self._run(
            f"CREATE OR REPLACE TEMP TABLE voyant_f AS SELECT {self._value} AS v, count(*) AS c "
            f"FROM {self._table} GROUP BY 1"
        )
        if line is not None:
            return self._measure_numbers(line)
        return self._measure_values()

    # Values on a number line ---------------------------------------------------------------------

    def _measure_numbers(self, line: NumberLine) -> ColumnSummary:
        finite = f"FILTER ({line.is_finite})" if line.is_finite else ""
        nan = "isnan(v)" if self._column.kind is ColumnKind.FLOAT else "false"
        total = "sum(x::HUGEINT * c)" if line.is_exact else "NULL"
        keep = f"CASE WHEN {line.is_finite} THEN {line.expression} END" if finite else line.expression
        row = self._one(
            f"""SELECT count(v), coalesce(sum(c) FILTER (v IS NOT NULL), 0)::BIGINT,
                coalesce(sum(c) FILTER ({nan}), 0)::BIGINT,
                coalesce(sum(c) FILTER (v IS NOT NULL AND x IS NULL), 0)::BIGINT,
                min(x), max(x), {total},
                coalesce(sum(c) FILTER (x = 0), 0)::BIGINT,
                coalesce(sum(c) FILTER (x < 0), 0)::BIGINT,
                (min(v) {finite})::VARCHAR, (max(v) {finite})::VARCHAR
            FROM (SELECT v, c, {keep} AS x FROM voyant_f)"""
        )
        distinct, count, nans, not_finite, low, high, total_x, zeros, negatives = row[:9]
        numbers = count - not_finite
        source = f"(SELECT c, {keep} AS x FROM voyant_f WHERE v IS NOT NULL)"
        if finite:
            source = f"(SELECT * FROM {source} WHERE x IS NOT NULL)"
        shape, total_value = self._moments(source, line, numbers, low, high, total_x)
        grid = self._grid(source, line, numbers, low, high)
        is_number = self._column.kind.is_numeric
        top, sample = self._top_and_sample()
        return self._summary(
            count=count,
            distinct_count=distinct,
            nan_count=nans,
            infinite_count=not_finite - nans,
            min=self._shown(low, line, row[9]),
            max=self._shown(high, line, row[10]),
            sum=total_value if is_number else None,
            mean=shape.mean if is_number else None,
            std=shape.std if is_number else None,
            variance=shape.variance if is_number else None,
            skewness=shape.skewness if is_number else None,
            kurtosis=shape.kurtosis if is_number else None,
            zero_count=zeros if is_number else None,
            negative_count=negatives if is_number else None,
            quantiles={q: grid[round(q * QUANTILE_GRID_STEPS)] for q in QUANTILES} if grid else {},
            quantile_grid=grid,
            histogram=self._histogram(source, line, numbers, low, high),
            top_values=top,
            sample=sample,
            time=None if is_number else self._time_facts(line, numbers, low, high),
        )

    def _moments(
        self, source: str, line: NumberLine, count: int, low: Any, high: Any, total_x: int | None
    ) -> tuple[Moments, float | int | None]:
        """Return the moments and the sum of the values."""
        if count == 0:
            return Moments(), None
        if low == high:
            value = Fraction(low) * line.unit
            return _constant(value, count), _number(value * count)
        if total_x is not None:
            center = total_x // count  # whole, so that x - center is exact
            difference = f"(x - ({center})::BIGINT)::DOUBLE"
        else:
            center = low / 2 + high / 2
            difference = f"(x * 0.5 - ({center!r}::DOUBLE * 0.5))"
        scale = max(high - center, center - low) if line.is_exact else high / 2 - low / 2
        divisor = float(scale) if line.is_exact else scale * 0.5
        powers = ["d", "d * d", "d * d * d", "d * d * d * d"]
        sums = ", ".join(
            f"sum(c::HUGEINT * ({power} * {FIXED_POINT_ONE}.0::DOUBLE)::BIGINT)" for power in powers
        )
        row = self._one(
            f"SELECT {sums} FROM (SELECT c, {difference} / {divisor!r}::DOUBLE AS d FROM {source})"
        )
        shape = moments(
            count, Fraction(center) * line.unit, Fraction(scale) * line.unit, [int(s) for s in row]
        )
        if total_x is not None:
            return _with_mean(shape, Fraction(total_x) * line.unit / count), _number(
                Fraction(total_x) * line.unit
            )
        exact = Fraction(center) * count + Fraction(scale) * Fraction(int(row[0]), FIXED_POINT_ONE)
        return shape, _number(exact, whole=False)

    def _grid(
        self, source: str, line: NumberLine, count: int, low: Any, high: Any
    ) -> tuple[float, ...]:
        """Fetch only the rows that stand at a wanted rank: at most twice the steps of the grid."""
        if count == 0:
            return ()
        steps, last = QUANTILE_GRID_STEPS, max(count - 1, 1)
        narrowed = self._narrowed(source, count, low, high) or (
            f"(SELECT x, c, 0 AS b, 0 AS o FROM {source})"
        )

        def wanted(expression: str) -> str:  # how many wanted ranks lie below a cumulative count
            return f"(({expression}) * {steps} + {last - 1}) // {last}"

        rows = self._all(
            f"""SELECT x, s FROM (
                SELECT x, c, o + sum(c) OVER (PARTITION BY b ORDER BY x ROWS UNBOUNDED PRECEDING)
                    ::BIGINT AS s
                FROM {narrowed})
            WHERE {wanted("s")} > {wanted("s - c")} OR {wanted("s - 1")} > {wanted("s - c - 1")}
                OR s = {count}
            ORDER BY s"""
        )
        up, down = line.unit.numerator, line.unit.denominator
        scaled = [(x * up / down, s) for x, s in rows]  # of whole numbers, rounded once
        return grid_from_ranks(scaled, count, steps)

    def _narrowed(self, source: str, count: int, low: Any, high: Any) -> str | None:
        """Keep only the equal-width bins in which a wanted rank lies, so that few rows are sorted.

        Returns:
            SQL with, for each row kept, its bin b and the number o of values in earlier bins; None
            where there are too few rows for it to pay.
        """
        rows = self._one(f"SELECT count(*) FROM {source}")[0]
        if rows < _NARROW_ROWS:
            return None
        start, width = float(low) / _NARROW_BINS, (float(high) / _NARROW_BINS) - (
            float(low) / _NARROW_BINS
        )
        place = (
            f"least(greatest(((x::DOUBLE / {_NARROW_BINS} - {start!r}::DOUBLE) * {_NARROW_BINS} / "
            f"{width!r}::DOUBLE), 0), {_NARROW_BINS - 1})::INT"
        )
        binned = f"(SELECT x, c, {place} AS b FROM {source})"
        kept: list[str] = []
        before = 0
        ranks = iter(_wanted_ranks(count))
        rank = next(ranks, None)
        for b, within in self._all(f"SELECT b, sum(c)::BIGINT FROM {binned} GROUP BY b ORDER BY b"):
            if rank is not None and rank < before + within:
                kept.append(f"({b}, {before})")
            while rank is not None and rank < before + within:
                rank = next(ranks, None)
            before += within
        return f"(SELECT x, c, b, o FROM {binned} JOIN (VALUES {', '.join(kept)}) AS k(b, o) USING (b))"

    def _histogram(
        self, source: str, line: NumberLine, count: int, low: Any, high: Any
    ) -> Histogram | None:
        """Count in equal bins; each value is compared with the edges themselves, not with a formula."""
        if count == 0:
            return None
        is_whole = self._column.kind in {ColumnKind.INTEGER, ColumnKind.DATE} and line.is_exact
        edges: Sequence[float] = (
            integer_edges(low, high, _HISTOGRAM_BINS)
            if is_whole
            else even_edges(float(low), float(high), _HISTOGRAM_BINS)
        )
        bins = len(edges) - 1
        if bins == 1:
            return Histogram(edges=self._scaled(edges, line), counts=(count,))
        width = (edges[-1] / bins) - (edges[0] / bins)
        listed = "[" + ", ".join(f"{float(edge)!r}::DOUBLE" for edge in edges) + "]"
        rows = self._all(
            f"""SELECT least(b - (x < e[b + 1])::INT + (x >= e[b + 2])::INT, {bins - 1}), sum(c)::BIGINT
            FROM (SELECT x::DOUBLE AS x, c, {listed} AS e,
                least(greatest(floor((x::DOUBLE / {float(width)!r}::DOUBLE) -
                    ({float(edges[0])!r}::DOUBLE / {float(width)!r}::DOUBLE)), 0), {bins - 1})::INT AS b
                FROM {source})
            GROUP BY 1"""
        )
        found = dict(rows)
        return Histogram(
            edges=self._scaled(edges, line), counts=tuple(found.get(i, 0) for i in range(bins))
        )

    @staticmethod
    def _scaled(edges: Sequence[float], line: NumberLine) -> tuple[float, ...]:
        return tuple(float(Fraction(edge) * line.unit) for edge in edges)

    def _shown(self, x: Any, line: NumberLine, shown: str) -> Scalar:
        if x is None:
            return None
        if self._column.kind.is_temporal:
            return _iso(shown)
        if not line.is_exact and self._column.kind is ColumnKind.INTEGER:
            return int(shown)
        return _number(Fraction(x) * line.unit, whole=self._column.kind is ColumnKind.INTEGER)

    def _time_facts(self, line: NumberLine, count: int, low: Any, high: Any) -> TimeFacts | None:
        if count == 0:
            return None
        days, missing, gap, start, end = self._one(
            """SELECT count(*), max(d) - min(d) + 1 - count(*), coalesce(max(g), 0),
                min_by(d, (-g, d)) FILTER (g > 0)::VARCHAR, min_by(n, (-g, d)) FILTER (g > 0)::VARCHAR
            FROM (SELECT d, lead(d) OVER (ORDER BY d) AS n, n - d - 1 AS g
                FROM (SELECT DISTINCT v::DATE AS d FROM voyant_f WHERE isfinite(v)))"""
        )
        return TimeFacts(
            range_seconds=float(Fraction(high - low) * line.unit),
            day_count=days,
            missing_day_count=missing,
            largest_gap_days=gap,
            largest_gap_start=start,
            largest_gap_end=end,
        )

    # Values told by their text ------------------------------------------------------------------------

    def _measure_values(self) -> ColumnSummary:
        distinct, count, low, high = self._one(
            "SELECT count(v), coalesce(sum(c) FILTER (v IS NOT NULL), 0)::BIGINT, min(v), max(v) "
            "FROM voyant_f"
        )
        top, sample = self._top_and_sample()
        is_boolean = self._column.kind is ColumnKind.BOOLEAN
        is_ordered = self._column.kind in {ColumnKind.TEXT, ColumnKind.TIME, ColumnKind.UUID}
        true_count = None
        if is_boolean:
            true_count = sum(entry.count for entry in top if entry.value is True)
        return self._summary(
            count=count,
            distinct_count=distinct,
            min=_cut(low) if is_ordered else None,
            max=_cut(high) if is_ordered else None,
            true_count=true_count,
            top_values=top,
            sample=sample,
            text=self._text_facts(sample, distinct, count)
            if self._column.kind is ColumnKind.TEXT
            else None,
        )

    def _text_facts(self, sample: Sequence[ValueCount], distinct: int, count: int) -> TextFacts:
        row = self._one(
            f"SELECT {_UNPACKED_FACTS} FROM (SELECT {_PACKED_FACTS} AS n, c FROM voyant_f "
            "WHERE v IS NOT NULL)"
        )
        numeric = temporal = None
        if distinct <= _PARSE_ALL:
            numeric, temporal = self._one(
                """SELECT coalesce(sum(c) FILTER (try_cast(v AS DOUBLE) IS NOT NULL), 0)::BIGINT,
                    coalesce(sum(c) FILTER (try_cast(v AS TIMESTAMP) IS NOT NULL), 0)::BIGINT
                FROM voyant_f WHERE v IS NOT NULL"""
            )
        return self._facts(row, sample, distinct, count, numeric, temporal)

    def _facts(  # noqa: PLR0913 - the parts of one record
        self,
        row: Sequence[Any],
        sample: Sequence[ValueCount],
        distinct: int,
        count: int,
        numeric: int | None,
        temporal: int | None,
    ) -> TextFacts:
        shapes = top_shapes(((str(s.value), s.count) for s in sample), _PATTERNS)
        if distinct > len(sample):
            self._approximations["text.patterns"] = Approximation(
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
            numeric_count=numeric,
            temporal_count=temporal,
        )

    # Wide text: nearly every value differs ------------------------------------------------------------

    def _is_wide(self) -> bool:
        if self._row_count <= _WIDE_TEXT_ROWS:
            return False
        seen, different = self._one(
            f"SELECT count(v), count(DISTINCT v) FROM "
            f"(SELECT {self._value} AS v FROM {self._table} LIMIT {_PROBE_ROWS})"
        )
        return different > seen * _WIDE_FRACTION

    def _measure_wide(self) -> ColumnSummary:
        is_text = self._column.kind is ColumnKind.TEXT
        facts = f", any_value({_PACKED_FACTS}) AS n" if is_text else ""
        self._run(
            f"""CREATE OR REPLACE TEMP TABLE voyant_f AS
            SELECT hash(v) AS h, count(*)::UINTEGER AS c{facts}
            FROM (SELECT {self._value} AS v FROM {self._table}) WHERE v IS NOT NULL GROUP BY 1"""
        )
        distinct, count = self._one("SELECT count(*), coalesce(sum(c), 0)::BIGINT FROM voyant_f")
        if distinct < count:  # otherwise all differ, which equal hashes could only have hidden
            self._approximations["distinct_count"] = Approximation(
                method="counted by 64-bit hash; error is the expected number of collisions",
                error=distinct**2 / (2 * _HASHES),
            )
        low, high = (
            self._one(f"SELECT min({self._name}), max({self._name}) FROM {self._table}")
            if is_text
            else (None, None)
        )
        top, sample = self._fetch_by_hash()
        return self._summary(
            count=count,
            distinct_count=distinct,
            min=_cut(low),
            max=_cut(high),
            top_values=top,
            sample=sample,
            text=self._wide_text_facts(sample, distinct, count) if is_text else None,
        )

    def _fetch_by_hash(self) -> tuple[tuple[ValueCount, ...], tuple[ValueCount, ...]]:
        """Find the values of the most frequent hashes, and of the smallest: an even sample of values."""
        self._run(
            f"""CREATE OR REPLACE TEMP TABLE voyant_h AS
            (SELECT h, c, true AS is_top FROM voyant_f WHERE c > 1 ORDER BY c DESC, h
                LIMIT {_TOP_VALUES})
            UNION ALL (SELECT h, c, false FROM voyant_f ORDER BY h LIMIT {_SAMPLE_VALUES})"""
        )
        rows = self._all(
            f"""SELECT is_top, {_CUT_VALUE}, c
            FROM (SELECT hash(v) AS h, any_value(v) AS v
                FROM (SELECT {self._value} AS v FROM {self._table})
                WHERE hash(v) IN (SELECT h FROM voyant_h) GROUP BY 1)
            JOIN voyant_h USING (h) ORDER BY is_top, c DESC, v"""
        )
        self._run("DROP TABLE voyant_h")
        top = tuple(ValueCount(value=v, count=c) for is_top, v, c in rows if is_top)
        return top, tuple(ValueCount(value=v, count=c) for is_top, v, c in rows if not is_top)

    def _wide_text_facts(self, sample: Sequence[ValueCount], distinct: int, count: int) -> TextFacts:
        row = self._one(f"SELECT {_UNPACKED_FACTS} FROM voyant_f")
        return self._facts(row, sample, distinct, count, None, None)

    # Shared ------------------------------------------------------------------------------------------

    def _top_and_sample(self) -> tuple[tuple[ValueCount, ...], tuple[ValueCount, ...]]:
        """Fetch the most frequent values, as they are for the top and as text for the sample."""
        kind = self._column.kind
        rows = self._all(
            f"""SELECT {"o" if kind.is_numeric or kind is ColumnKind.BOOLEAN else "NULL"},
                {_CUT_VALUE}, c
            FROM (SELECT v AS o, v::VARCHAR AS v, c FROM voyant_f WHERE v IS NOT NULL
                ORDER BY c DESC, o LIMIT {_SAMPLE_VALUES})
            ORDER BY c DESC, o"""
        )
        top = tuple(
            ValueCount(value=self._top_value(value, shown), count=count)
            for value, shown, count in rows[:_TOP_VALUES]
        )
        return top, tuple(ValueCount(value=shown, count=count) for _, shown, count in rows)

    def _top_value(self, value: Any, shown: str) -> Scalar:
        if self._column.kind.is_temporal:
            return _iso(shown)
        if value is None or isinstance(value, bool):
            return shown if value is None else value
        if isinstance(value, int):
            return value
        number = float(value)
        return number if number - number == 0 else shown

    def _summary(self, *, count: int, **facts: Any) -> ColumnSummary:
        return ColumnSummary(
            name=self._column.name,
            type=self._column.type,
            kind=self._column.kind,
            count=count,
            null_count=self._row_count - count,
            approximations=self._approximations,
            **facts,
        )

    def _run(self, sql: str) -> None:
        self._connection.execute(sql)

    def _one(self, sql: str) -> tuple[Any, ...]:
        row = self._connection.execute(sql).fetchone()
        assert row is not None, "an aggregate always gives one row"
        return row

    def _all(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


def _wanted_ranks(count: int) -> Iterator[int]:
    """Yield, rising, the ranks on both sides of each position of the quantile grid."""
    yielded = -1
    for step in range(QUANTILE_GRID_STEPS + 1):
        position = (count - 1) * step // QUANTILE_GRID_STEPS
        for rank in (position, min(position + 1, count - 1)):
            if rank > yielded:
                yielded = rank
                yield rank


def _number(value: Fraction, *, whole: bool = True) -> float | int | None:
    """Return a whole number as int if wanted, else the nearest float."""
    if whole and value.denominator == 1:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return None


def _constant(value: Fraction, count: int) -> Moments:
    spread = 0.0 if count > 1 else None
    return Moments(mean=float(value), variance=spread, std=spread)


def _with_mean(shape: Moments, mean: Fraction) -> Moments:
    """Replace a mean from fixed-point sums by the exact one."""
    return Moments(
        mean=float(mean),
        variance=shape.variance,
        std=shape.std,
        skewness=shape.skewness,
        kurtosis=shape.kurtosis,
    )


def _cut(value: Any) -> Scalar:
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        return value[:_LONGEST_SHOWN] + "…"
    return None if value is None else str(value)


def _iso(text: str) -> str:
    """Write a date or time as ISO 8601.

    >>> _iso("2013-01-01 05:00:00+00")
    '2013-01-01T05:00:00+00:00'
    """
    iso = text.replace(" ", "T", 1)
    return f"{iso}:00" if len(iso) > 3 and iso[-3] in "+-" and "T" in iso else iso
