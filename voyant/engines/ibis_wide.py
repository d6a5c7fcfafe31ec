"""How is a column with many different values measured, without fetching them?

All such columns of a table share two passes: one for counts, ends and sums, one for moments, which
need the ends. Then each column is grouped once, in the warehouse, and gives its most frequent
values and those at the ranks of the quantile grid and the ends of bins: some hundred rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from math import isfinite
from typing import Any, Final

from voyant.core.tables import (
    QUANTILE_GRID_STEPS,
    Approximation,
    ColumnKind,
    ColumnSummary,
    Histogram,
    Scalar,
    TextFacts,
    TimeFacts,
    ValueCount,
)
from voyant.engines.duckdb_column import SAMPLE_VALUES, TOP_VALUES, cut
from voyant.engines.ibis_summary import TableReader
from voyant.engines.ibis_types import Line, Reading
from voyant.stats.moments import FIXED_POINT_ONE, moments, to_number
from voyant.stats.patterns import top_shapes
from voyant.stats.quantiles import QUANTILES, even_edges, grid_from_ranks, integer_edges

__all__ = ["double", "line_sql", "measure_wide"]

_BINS: Final = 20
_POWERS: Final = 4
#: A statement gives at most 1,664 columns on PostgreSQL.
_COLUMNS_AT_ONCE: Final = 50
_PATTERNS: Final = 10
_INT64_SPAN: Final = 2**63
_DAY: Final = 86_400
_DAY_MICROS: Final = 86_400_000_000
_NEARLY_ALL: Final = 0.3
_ORDERED: Final = frozenset((ColumnKind.TEXT, ColumnKind.TIME, ColumnKind.UUID))
_ROUNDED: Final = Approximation(
    method="from values rounded to double precision; the error is relative", error=2**-53
)
_ROUNDED_FACTS: Final = (
    *("min", "max", "sum", "mean", "std", "variance", "skewness", "kurtosis"),
    *("quantiles", "quantile_grid", "histogram"),
)


@dataclass(slots=True)
class _Wide:
    """One column, and what is known of it so far."""

    index: int
    reading: Reading
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    approximations: dict[str, Approximation] = field(default_factory=dict[str, Approximation])
    count: int = 0
    finite: int = 0
    low: Any = None
    high: Any = None
    total: int | None = None
    center: Any = None
    divisor: float = 1.0
    half: float = 1.0
    edges: tuple[float, ...] = ()
    last_edge: Any = None

    @property
    def line(self) -> Line:
        assert self.reading.line is not None  # noqa: S101 - numbers only
        return self.reading.line

    @property
    def v(self) -> str:
        return f"v{self.index}"

    @property
    def x(self) -> str:
        return f"x{self.index}"

    def distance(self, start: Any, end: Any) -> float:
        """Return `(end - start) * half`, as the warehouse computes it."""
        if self.line.is_exact:
            return float(end - start)
        return float(end - start if self.half == 1 else end * 0.5 - start * 0.5)

    def offset(self) -> str:
        """Return SQL for `(x - center) * half`, rounded once."""
        if self.line.is_exact:
            if self.high - self.low >= _INT64_SPAN:
                wide = f"CAST({self.x} AS DECIMAL(38, 0)) - ({self.center})"
                return f"CAST({wide} AS DOUBLE PRECISION)"
            return f"CAST({self.x} - ({self.center}) AS DOUBLE PRECISION)"
        if self.half == 1:
            return f"({self.x} - {double(self.center)})"
        return f"({self.x} * {double(0.5)} - {double(self.center * 0.5)})"


def measure_wide(
    reader: TableReader, names: Sequence[str], row_count: int
) -> dict[str, ColumnSummary]:
    """Measure columns with many different values: two passes for 50, and one more for each."""
    found: dict[str, ColumnSummary] = {}
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        found |= _measure(reader, names[start : start + _COLUMNS_AT_ONCE], row_count)
    return found


def _measure(reader: TableReader, names: Sequence[str], row_count: int) -> dict[str, ColumnSummary]:
    columns = [_Wide(i, reader.readings[name]) for i, name in enumerate(names)]
    aliases = [(column.v, column.reading.column.name) for column in columns]
    _count(reader, columns, aliases)
    numbers = [c for c in columns if c.reading.line is not None and c.finite]
    _spread(reader, numbers)
    for column in columns:
        if column.reading.line is None:
            _group_text(reader, column)
        else:
            _group_numbers(reader, column)
    return {
        column.reading.column.name: ColumnSummary(
            name=column.reading.column.name,
            type=column.reading.column.type,
            kind=column.reading.column.kind,
            has_time_zone=column.reading.column.has_time_zone,
            count=column.count,
            null_count=row_count - column.count,
            approximations=column.approximations,
            **column.facts,
        )
        for column in columns
    }


def double(number: float) -> str:
    """Return common SQL for a double, to the last bit."""
    return f"CAST('{float(number)!r}' AS DOUBLE PRECISION)"


def line_sql(line: Line, value: str) -> str:
    """Return common SQL for the number that a value stands for, null where it is not finite."""
    if line.infinite is not None:
        return (
            f"CASE WHEN {value} > -{line.infinite} AND {value} < {line.infinite} THEN {value} END"
        )
    return line.expression.format(v=value)


# ------------------------------------------------------------------------- counts, ends and sums


def _count(
    reader: TableReader, columns: Sequence[_Wide], aliases: Sequence[tuple[str, str]]
) -> None:
    """Take one pass for everything that needs no other fact first."""
    asked: list[list[str]] = []
    inner: list[str] = []
    for column in columns:
        line = column.reading.line
        if line is None:
            inner.append(column.v)
            asked.append(_asked_of_text(column))
        else:
            inner += [column.v, f"{line_sql(line, column.v)} AS {column.x}"]
            asked.append(_asked_of_numbers(column))
    flat = ", ".join(sql for part in asked for sql in part)
    (row,) = reader.ask(
        "summary", f"SELECT {flat} FROM (SELECT {', '.join(inner)} FROM source) AS s", aliases
    )
    values = iter(row)
    for column, part in zip(columns, asked, strict=True):
        found = [next(values) for _ in part]
        column.count = int(found[0])
        if column.reading.line is None:
            _take_text(column, found)
        else:
            _take_numbers(column, found)


def _asked_of_numbers(column: _Wide) -> list[str]:
    v, x = column.v, column.x
    is_nan = "FALSE"
    if column.reading.column.kind is ColumnKind.FLOAT:
        is_nan = f"VOYANT_IS_NAN({v})"
    elif column.reading.column.kind is ColumnKind.DECIMAL:  # PostgreSQL's may be NaN
        is_nan = f"VOYANT_IS_NAN(CAST({v} AS DOUBLE PRECISION))"
    return [
        f"COUNT({v})",
        f"COUNT({x})",
        f"MIN({x})",
        f"MAX({x})",
        f"SUM(VOYANT_WIDE({x}))" if column.line.is_exact else "NULL",
        f"COUNT(CASE WHEN {is_nan} THEN 1 END)",
        f"COUNT(CASE WHEN {x} = 0 THEN 1 END)",
        f"COUNT(CASE WHEN {x} < 0 THEN 1 END)",
    ]


def _take_numbers(column: _Wide, found: Sequence[Any]) -> None:
    _, finite, low, high, total, nans, zeros, negatives = found
    column.finite = int(finite)
    column.facts |= {
        "nan_count": int(nans),
        "infinite_count": column.count - column.finite - int(nans),
    }
    kind = column.reading.column.kind
    if kind.is_numeric:
        column.facts |= {"zero_count": int(zeros), "negative_count": int(negatives)}
    if not column.finite:
        return
    if column.line.is_exact:
        column.low, column.high, column.total = int(low), int(high), int(total)
    else:
        column.low, column.high = float(low), float(high)
        column.half = 1.0 if isfinite(column.high - column.low) else 0.5
        if kind is not ColumnKind.FLOAT:
            column.approximations |= dict.fromkeys(_ROUNDED_FACTS, _ROUNDED)
    column.facts["min"] = _shown(column, column.low)
    column.facts["max"] = _shown(column, column.high)


def _asked_of_text(column: _Wide) -> list[str]:
    v = column.v
    asked = [f"COUNT({v})"]
    if column.reading.column.kind in _ORDERED:
        asked += [f"MIN({v})", f"MAX({v})"]
    if column.reading.column.kind is ColumnKind.TEXT:
        length = f"VOYANT_LENGTH({v})"
        # Comparing is cheap: white space is looked for where an end has some.
        starts, ends = f"{v} < '!'", f"VOYANT_LAST({v}) <= ' '"
        filled = f"{v} <> ''"
        asked += [
            *(f"MIN({length})", f"MAX({length})", f"SUM({length})"),
            f"COUNT(CASE WHEN {v} = '' THEN 1 END)",
            f"COUNT(CASE WHEN {filled} AND {starts} AND VOYANT_IS_BLANK({v}) THEN 1 END)",
            f"COUNT(CASE WHEN {filled} AND ({starts} OR {ends}) THEN 1 END)",
        ]
    return asked


def _take_text(column: _Wide, found: Sequence[Any]) -> None:
    kind = column.reading.column.kind
    if kind in _ORDERED and column.reading.local_type != "TIME WITH TIME ZONE":
        column.facts |= {"min": cut(found[1]), "max": cut(found[2])}
    if kind is ColumnKind.TEXT:
        shortest, longest, total, empty, blank, around = found[3:]
        column.facts["text"] = TextFacts(
            min_length=shortest,
            max_length=longest,
            mean_length=int(total) / column.count if column.count else None,
            empty_count=int(empty),
            whitespace_count=int(blank),
            padded_count=int(around) - int(blank),
        )


def _shown(column: _Wide, x: Any) -> Scalar:
    kind = column.reading.column.kind
    if kind.is_temporal:
        return None  # written by DuckDB, with the other values
    if kind is ColumnKind.INTEGER:
        return int(x)
    return float(Fraction(x) * column.line.unit)


# ------------------------------------------------------------------------------------ moments


def _spread(reader: TableReader, columns: Sequence[_Wide]) -> None:
    """Take one pass for the sums of powers of all columns that have a spread."""
    for column in columns:
        _place(column)
    spread = [c for c in columns if c.low < c.high and c.reading.column.kind.is_numeric]
    inner: list[str] = []
    asked: list[str] = []
    one = double(FIXED_POINT_ONE)
    for column in spread:
        inner.append(f"{line_sql(column.line, column.v)} AS {column.x}")
        d = f"({column.offset()} / {double(column.divisor)})"
        asked += [
            f"SUM(VOYANT_WIDE(VOYANT_WHOLE({' * '.join([d] * power)} * {one})))"
            for power in range(1, _POWERS + 1)
        ]
    row: Sequence[Any] = ()
    if spread:
        (row,) = reader.ask(
            "summary",
            f"SELECT {', '.join(asked)} FROM (SELECT {', '.join(inner)} FROM source) AS s",
            [(column.v, column.reading.column.name) for column in spread],
        )
    sums = [int(value or 0) for value in row]
    for column in columns:
        if column in spread:
            at = spread.index(column) * _POWERS
            _take_moments(column, sums[at : at + _POWERS])
        elif column.reading.column.kind.is_numeric:
            _take_moments(column, None)


def _place(column: _Wide) -> None:
    """Choose the center, the divisor and the edges, as they are chosen for DuckDB."""
    low, high = column.low, column.high
    column.last_edge = high
    if column.total is not None:
        column.center = column.total // column.finite
    elif column.half == 1:
        column.center = low + (high - low) / 2
    else:
        column.center = low / 2 + high / 2
    column.divisor = (
        max(column.distance(column.center, high), column.distance(low, column.center)) or 1.0
    )
    edges: Sequence[float] = even_edges(float(low), float(high), _BINS)
    if column.line.is_exact and column.reading.column.kind in {ColumnKind.INTEGER, ColumnKind.DATE}:
        edges = integer_edges(low, high, _BINS)
        column.last_edge = edges[-1]
    column.edges = tuple(sorted({float(edge) for edge in edges}))


def _take_moments(column: _Wide, sums: Sequence[int] | None) -> None:
    unit, count = column.line.unit, column.finite
    exact = None if column.total is None else Fraction(column.total) * unit
    if sums is None:
        value = Fraction(column.low) * unit
        spread = 0.0 if count > 1 else None
        column.facts |= {"mean": float(value), "variance": spread, "std": spread}
        column.facts["sum"] = to_number(value * count)
        return
    scale = Fraction(column.divisor) / Fraction(column.half)
    shape = moments(
        count,
        Fraction(column.center) * unit,
        scale * unit,
        sums,
        mean=None if exact is None else exact / count,
    )
    nearly = Fraction(column.center) * count + scale * Fraction(sums[0], FIXED_POINT_ONE)
    column.facts |= {
        "sum": to_number(exact) if exact is not None else to_number(nearly, is_whole=False),
        "mean": shape.mean,
        "std": shape.std,
        "variance": shape.variance,
        "skewness": shape.skewness,
        "kurtosis": shape.kurtosis,
    }
    if shape.std is not None and shape.variance is None:
        column.approximations["variance"] = Approximation(
            method="left out: larger than the largest double-precision number"
        )


def _histogram(column: _Wide, reached: Mapping[int, int]) -> Histogram:
    """Return the histogram, given how many numbers lie up to the end of each bin that has any."""
    unit = column.line.unit
    first_edge, last_edge = (float(Fraction(end) * unit) for end in (column.low, column.last_edge))
    between = [float(Fraction(edge) * unit) for edge in column.edges[1:-1]]
    counts: list[int] = []
    before = 0
    for place in range(max(len(column.edges) - 1, 1)):
        after = reached.get(place, before)
        counts.append(after - before)
        before = after
    return Histogram(edges=(first_edge, *between, last_edge), counts=tuple(counts))


def _bin_sql(column: _Wide) -> str:
    """Return SQL for the bin that x lies in, told by the edges themselves."""
    ladder = " ".join(
        f"WHEN CAST(x AS DOUBLE PRECISION) < {double(edge)} THEN {place}"
        for place, edge in enumerate(column.edges[1:-1])
    )
    last = max(len(column.edges) - 2, 0)
    return f"CASE WHEN x IS NULL THEN NULL {ladder} ELSE {last} END"


# ---------------------------------------------------------------- values, ranks and distinct count


def _group_numbers(reader: TableReader, column: _Wide) -> None:
    """Group by value once: the frequent values, the different ones, those at wanted ranks."""
    last = max(column.finite - 1, 1)

    def wanted(reached: str) -> str:  # how many wanted ranks lie below a cumulative count
        least = f"GREATEST({reached}, 0)"
        return f"VOYANT_QUOTIENT({least} * {QUANTILE_GRID_STEPS} + {last - 1}, {last})"

    rows = reader.ask(
        "summary",
        f"""SELECT v, x, c, s, n, r, CASE WHEN b = COALESCE(e, -1) THEN NULL ELSE b END FROM (
            SELECT v, x, c, b, LEAD(b) OVER (ORDER BY x NULLS LAST) AS e,
                CAST(SUM(c) OVER (ORDER BY x NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING
                AND CURRENT ROW) AS BIGINT) AS s, COUNT(*) OVER () AS n,
                ROW_NUMBER() OVER (ORDER BY c DESC, v) AS r
            FROM (SELECT v, x, c, {_bin_sql(column)} AS b
            FROM (SELECT v, {line_sql(column.line, "v")} AS x, c FROM (
                SELECT v, COUNT(*) AS c FROM source WHERE v IS NOT NULL GROUP BY v) AS g) AS h) AS i
        ) AS q
        WHERE r <= {SAMPLE_VALUES} OR (x IS NOT NULL AND ({wanted("s")} > {wanted("s - c")}
            OR {wanted("s - 1")} > {wanted("s - c - 1")} OR s = {column.finite}
            OR b <> COALESCE(e, -1)))""",
        [("v", column.reading.column.name)],
    )
    column.facts["distinct_count"] = int(rows[0][4]) if rows else 0
    frequent = [(v, int(c)) for v, _, c, _, _, r, _ in rows if r <= SAMPLE_VALUES]
    column.facts["top_values"], column.facts["sample"] = reader.local.top_and_sample(
        column.reading, frequent
    )
    if not column.finite:
        return
    up, down = column.line.unit.numerator, column.line.unit.denominator
    exact = column.line.is_exact
    reached = sorted(
        (int(s), int(x) if exact else float(x)) for _, x, _, s, *_ in rows if x is not None
    )
    scaled = [(x * up / down, s) for s, x in reached]
    grid = grid_from_ranks(scaled, column.finite, QUANTILE_GRID_STEPS)
    column.facts |= {
        "quantiles": {q: grid[round(q * QUANTILE_GRID_STEPS)] for q in QUANTILES},
        "quantile_grid": grid,
        "histogram": _histogram(
            column, {int(row[6]): int(row[3]) for row in rows if row[6] is not None}
        ),
    }
    if column.reading.column.kind.is_temporal:
        column.facts["min"], column.facts["max"] = reader.local.shown(
            column.reading, [column.low, column.high]
        )
        column.facts["time"] = _time_facts(reader, column)


def _time_facts(reader: TableReader, column: _Wide) -> TimeFacts:
    day = "x"
    if column.reading.column.kind is not ColumnKind.DATE:
        within = f"MOD(MOD(x, {_DAY_MICROS}) + {_DAY_MICROS}, {_DAY_MICROS})"
        day = f"VOYANT_QUOTIENT(x - {within}, {_DAY_MICROS})"
    rows = reader.ask(
        "summary",
        f"SELECT DISTINCT {day} AS d FROM (SELECT {line_sql(column.line, 'v')} AS x FROM source) "
        "AS s WHERE x IS NOT NULL",
        [("v", column.reading.column.name)],
    )
    days = sorted(int(d) for (d,) in rows)
    gap, start = max(
        ((after - before - 1, -before) for before, after in pairwise(days)), default=(0, 0)
    )
    first, last = reader.local.days(-start, gap + 1 - start) if gap else (None, None)
    return TimeFacts(
        range_seconds=float(Fraction(column.high - column.low) * column.line.unit),
        day_count=len(days),
        missing_day_count=days[-1] - days[0] + 1 - len(days),
        largest_gap_days=gap,
        largest_gap_start=first,
        largest_gap_end=last,
    )


def _group_text(reader: TableReader, column: _Wide) -> None:
    """Group by value once: the frequent values, an even sample of all, the different ones."""
    rows = reader.ask(
        "summary",
        f"""SELECT v, c, n, r, h FROM (
            SELECT v, c, COUNT(*) OVER () AS n, ROW_NUMBER() OVER (ORDER BY c DESC, v) AS r,
                ROW_NUMBER() OVER (ORDER BY VOYANT_HASH(v), v) AS h
            FROM (SELECT v, COUNT(*) AS c FROM source WHERE v IS NOT NULL GROUP BY v) AS g) AS q
        WHERE r <= {SAMPLE_VALUES} OR h <= {SAMPLE_VALUES}""",
        [("v", column.reading.column.name)],
    )
    distinct = int(rows[0][2]) if rows else 0
    frequent = [(row[0], int(row[1])) for row in rows if row[3] <= SAMPLE_VALUES]
    top, sample = reader.local.top_and_sample(column.reading, frequent)
    if distinct > SAMPLE_VALUES and distinct > column.count * _NEARLY_ALL:
        even = [(row[0], int(row[1])) for row in rows if row[4] <= SAMPLE_VALUES]
        _, sample = reader.local.top_and_sample(column.reading, even)
    column.facts |= {"distinct_count": distinct, "top_values": top[:TOP_VALUES], "sample": sample}
    text: TextFacts | None = column.facts.get("text")
    if text is not None:
        column.facts["text"] = _with_shapes(column, text, sample, distinct)


def _with_shapes(
    column: _Wide, text: TextFacts, sample: Sequence[ValueCount], distinct: int
) -> TextFacts:
    shapes = top_shapes(((str(s.value), s.count) for s in sample), _PATTERNS)
    if distinct > len(sample):
        column.approximations["text.patterns"] = Approximation(
            method=f"shapes of {len(sample):,} of the values"
        )
    return replace(text, patterns=tuple(ValueCount(value=s, count=n) for s, n in shapes))
