"""What in the tables is worth a chart: strong links, skew, rhythms; which show most, and why?

Every finding has a strength in [0, 1]: for two numbers |r|, for groups and rhythms the correlation
ratio, for skew how lopsided the quantiles lie. The choice goes from the strongest down, and counts
a kind or a column that already has its chart for less: a page is not one fact four times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from voyant.core.engine import Engine
from voyant.core.series import BinAxis, GroupMean, GroupMeans, TimeCount, TimeGrain
from voyant.core.tables import Association, ColumnKind, ColumnSummary, TableSummary
from voyant.report import format as fmt
from voyant.report.vega import Drawing, Heading
from voyant.report.vega_bars import Bar, Bin, bar_chart, histogram
from voyant.report.vega_cells import Cell, Side, heat_map
from voyant.report.vega_format import Look, clipped
from voyant.report.vega_lines import Place, Point, line_chart
from voyant.stats.event_time import choose_event_time
from voyant.stats.semantic import infer_semantic_type

__all__ = [
    "Finding",
    "choose_findings",
    "correlation_ratio",
    "find_in_table",
    "rhythm_strength",
    "skew_strength",
]

_LEAST: Final = {"pair": 0.5, "group": 0.15, "rhythm": 0.15, "skew": 0.6, "drift": 0.0}
_COPY_FROM: Final = 0.95  # two columns closer than this say the same thing twice
_COPY_STRENGTH: Final = 0.4
_KIND_AGAIN, _COLUMN_AGAIN = 0.8, 0.65
_QUANTITIES: Final = frozenset({"number", "money", "duration", "number_in_text"})
_NAMES: Final = frozenset({"category", "boolean_like", "country_code"})
_GROUP_LEVELS: Final = (2, 40)
_STEP_LEVELS: Final = (4, 31)
_MAX_NUMBERS, _MAX_GROUPS = 20, 10
_MAX_PAIRS: Final = 4
_GRID: Final = (32, 20)
_BINS: Final = 36
_SAMPLE_ROWS: Final = 500_000  # the means of an even sample; a page shows two digits of them
_LEAST_ROWS: Final = 30
_LEAST_GROUP_ROWS: Final = 10
_TOP_GROUPS: Final = 20
_WEEKS: Final = 6
_HOURS_UP_TO_DAYS: Final = 400
_DAY, _HOUR = 86_400, 3_600
_MONDAY: Final = 4  # 1970-01-01 was a Thursday: four days on, a week begins
_WEEKDAYS: Final = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a chart would show.

    Attributes:
        kind: `pair`, `group`, `rhythm`, `skew` or `drift`.
        columns: The columns it is about.
        strength: How much there is to see, in [0, 1].
        reason: One line.
        draw: Draws it; may ask the engine, so it is called for chosen findings only.
        artifact, pointer: Where the numbers behind it stand, if an artifact has them.
    """

    kind: str
    table: str
    columns: tuple[str, ...]
    strength: float
    reason: str
    draw: Callable[[], Drawing]
    artifact: str = ""
    pointer: str = ""


def choose_findings(findings: Sequence[Finding], limit: int) -> list[tuple[Finding, float]]:
    """Choose the findings that show most, each with the score it was chosen by.

    A kind that is already there counts 0.8 as much for each time, a column 0.65.

    Args:
        findings: In a fixed order, which decides between equals.
        limit: At most so many.
    """
    left, chosen = list(findings), list[tuple[Finding, float]]()
    kinds, columns = Counter[str](), Counter[tuple[str, str]]()

    def score(finding: Finding) -> float:
        repeats = sum(columns[finding.table, column] for column in finding.columns)
        return finding.strength * _KIND_AGAIN ** kinds[finding.kind] * _COLUMN_AGAIN**repeats

    while left and len(chosen) < limit:
        best = max(left, key=score)
        chosen.append((best, score(best)))
        left.remove(best)
        kinds[best.kind] += 1
        columns.update((best.table, column) for column in best.columns)
    return chosen


def find_in_table(
    engine: Engine, table: TableSummary, associations: Sequence[Association] | None
) -> list[Finding]:
    """Look for what is worth a chart in one table.

    Args:
        engine: Asked for means by group and counts over time; for correlations too if need be.
        table: Its summary.
        associations: Correlations that a profile has, None to ask for them.
    """
    if table.row_count < _LEAST_ROWS:
        return []
    meanings = {
        name: infer_semantic_type(column, table.row_count).name
        for name, column in table.columns.items()
    }
    numbers = [
        column
        for name, column in table.columns.items()
        if meanings[name] in _QUANTITIES
        and column.kind.is_numeric
        and column.std
        and not _is_named_as(name, table.name)
    ]
    wide = [column for column in numbers if not _is_step(column)][:_MAX_NUMBERS]
    found = _pairs(engine, table, [column.name for column in wide], associations)
    found += _groups(engine, table, meanings, wide)
    found += [skew for column in wide if (skew := _skew(engine, table, column))]
    found += _rhythms(engine, table)
    return [finding for finding in found if finding.strength >= _LEAST[finding.kind]]


def _is_step(column: ColumnSummary) -> bool:
    """Whether a number takes few whole values: an hour, a month, a grade."""
    low, high = _STEP_LEVELS
    return column.kind is ColumnKind.INTEGER and low <= (column.distinct_count or 0) <= high


def _is_named_as(column: str, table: str) -> bool:
    """Whether a column is named as its table, and so numbers things: `flight` in `flights`."""
    return column.casefold().removesuffix("s") == table.casefold().removesuffix("s")


# ------------------------------------------------------------------------------------ two numbers


def _pairs(
    engine: Engine,
    table: TableSummary,
    names: Sequence[str],
    associations: Sequence[Association] | None,
) -> list[Finding]:
    if len(names) < 2:  # noqa: PLR2004 - a pair
        return []
    known = engine.pearson(table.name, names) if associations is None else associations
    linked = [
        a
        for a in known
        if a.value is not None and {a.left, a.right} <= set(names) and a.row_count >= _LEAST_ROWS
    ]
    linked.sort(key=lambda a: -_link_strength(a.value or 0.0))
    return [_pair(engine, table, a) for a in linked[: _MAX_PAIRS * 2]]


def _link_strength(coefficient: float) -> float:
    """Return how much a correlation shows: near-copies of one another show little.

    >>> _link_strength(-0.8), _link_strength(0.99)
    (0.8, 0.4)
    """
    size = abs(coefficient)
    return size if size < _COPY_FROM else _COPY_STRENGTH


def _pair(engine: Engine, table: TableSummary, link: Association) -> Finding:
    value = link.value or 0.0
    x, y = table.columns[link.left], table.columns[link.right]
    how = "rise together" if value > 0 else "move against each other"

    def draw() -> Drawing:
        across, up = _axis(x, _GRID[0]), _axis(y, _GRID[1])
        grid = engine.grid_counts(table.name, across, up)
        total = sum(grid.counts.values()) + grid.outside_count
        note = f"{fmt.count(total)} rows"
        if grid.outside_count:
            share = fmt.percent(grid.outside_count / total)
            note += f", the {share} with the most extreme values left out"
        looks = Look(title=x.name), Look(title=y.name)
        return heat_map(
            Heading(
                title=f"{_short(x)} and {_short(y)} {how}",
                subtitle=f"{note}. r = {fmt.number(round(value, 2))}.",
            ),
            [
                Cell(x=_side(across, i, looks[0]), y=_side(up, j, looks[1]), value=rows)
                for (i, j), rows in sorted(grid.counts.items())
            ],
            *looks,
            Look(title="Rows", format=",d"),
            is_count=True,
        )

    return Finding(
        kind="pair",
        table=table.name,
        columns=(x.name, y.name),
        strength=_link_strength(value),
        reason=f"{x.name} and {y.name} {how}: correlation {fmt.number(round(value, 2))}",
        draw=draw,
    )


def _axis(column: ColumnSummary, bins: int) -> BinAxis:
    """Cut a column into bins from its 0.5 % to its 99.5 % quantile, between whole numbers."""
    low, high = _bounds(column, 1, -2)
    if column.kind is ColumnKind.INTEGER:
        width = max(1, -(-int(high - low + 1) // bins))
        count = -(-int(high - low + 1) // width)
        start = int(low) - 0.5
        return BinAxis(column=column.name, low=start, high=start + width * count, bins=count)
    return BinAxis(column=column.name, low=low, high=high, bins=bins)


def _bounds(column: ColumnSummary, first: int, last: int) -> tuple[float, float]:
    """Return two values of the quantile grid, the column's bounds where those are equal."""
    grid = column.quantile_grid
    if grid and grid[first] < grid[last]:
        return float(grid[first]), float(grid[last])
    return float(column.min or 0), float(column.max or 0)


def _side(axis: BinAxis, place: int, look: Look) -> Side:
    width = (axis.high - axis.low) / axis.bins
    low, high = axis.low + place * width, axis.low + (place + 1) * width
    return Side(
        text=f"{look.text(round(low, 6))} to {look.text(round(high, 6))}", low=low, high=high
    )


# ---------------------------------------------------------------------------------------- groups


def correlation_ratio(means: GroupMeans) -> float:
    """Return how far groups tell a number, in [0, 1]: the root of the variance they explain.

    The share is corrected for chance: with k groups of n rows, epsilon squared is
    `(SS_between - (k - 1) MS_within) / SS_total`, at least 0.

    Source: Kelley, T. L. (1935), "An unbiased correlation ratio measure", PNAS 21(9), 554-559.

    >>> groups = tuple(GroupMean(value=m, count=3, mean=m, std=1.0) for m in (1, 5))
    >>> round(correlation_ratio(GroupMeans(group="g", number="n", groups=groups)) ** 2, 6)
    0.821429
    """
    rows = sum(group.count for group in means.groups)
    freedom = rows - len(means.groups)
    if freedom <= 0 or len(means.groups) < 2:  # noqa: PLR2004 - one group explains nothing
        return 0.0
    mean = sum(group.count * group.mean for group in means.groups) / rows
    between = sum(group.count * (group.mean - mean) ** 2 for group in means.groups)
    within = sum((group.count - 1) * (group.std or 0.0) ** 2 for group in means.groups)
    total = between + within
    if total <= 0:
        return 0.0
    explained = between - (len(means.groups) - 1) * within / freedom
    return sqrt(max(0.0, explained / total))


def _groups(
    engine: Engine,
    table: TableSummary,
    meanings: Mapping[str, str],
    numbers: Sequence[ColumnSummary],
) -> list[Finding]:
    low, high = _GROUP_LEVELS
    groups = [
        column
        for name, column in table.columns.items()
        if (meanings[name] in _NAMES and low <= (column.distinct_count or 0) <= high)
        or (meanings[name] in {"number", "category"} and _is_step(column))
    ][:_MAX_GROUPS]
    if not groups or not numbers:
        return []
    return [
        _group(table, table.columns[means.group], means)
        for means in engine.group_means(
            table.name,
            [column.name for column in groups],
            [column.name for column in numbers],
            sample_rows=_SAMPLE_ROWS,
        )
        if means.number != means.group
        and sum(g.count >= _LEAST_GROUP_ROWS for g in means.groups) > 1
    ]


def _group(table: TableSummary, group: ColumnSummary, means: GroupMeans) -> Finding:
    ratio = correlation_ratio(means)
    kept = [g for g in means.groups if g.count >= _LEAST_GROUP_ROWS]
    low, high = min(kept, key=lambda g: g.mean), max(kept, key=lambda g: g.mean)
    look = Look(title=f"Mean {means.number}", format=_mean_format(high.mean, low.mean))
    is_step = _is_step(group)
    notes = [f"From an {means.approximation.method}."] if means.approximation else []
    if len(kept) < len(means.groups):
        notes.append(f"Groups under {_LEAST_GROUP_ROWS} rows left out.")
    by = f"{group.name} " if is_step else ""
    span = (
        f"from {look.text(low.mean)} ({by}{clipped(str(low.value), 24)}) "
        f"to {look.text(high.mean)} ({by}{clipped(str(high.value), 24)})"
    )

    def draw() -> Drawing:
        heading = Heading(
            title=f"Mean {clipped(means.number, 28)} by {clipped(group.name, 28)}",
            subtitle=" ".join((f"The mean goes {span}.", *notes)),
        )
        if is_step:
            points = [
                Point(x=Place(at=float(g.value), text=str(g.value)), y=g.mean)  # type: ignore[arg-type]  # a whole number
                for g in kept
            ]
            return line_chart(
                heading, points, Look(title=group.name, format="d"), look, is_time=False
            )
        ordered = sorted(kept, key=lambda g: -g.mean)
        bars = [Bar(label=clipped(str(g.value)), value=g.mean) for g in ordered]
        shown = (
            bars
            if len(bars) <= _TOP_GROUPS
            else [*bars[: _TOP_GROUPS // 2], *bars[-_TOP_GROUPS // 2 :]]
        )
        if len(shown) < len(bars):
            heading = Heading(
                title=heading.title,
                subtitle=f"{heading.subtitle} The ten highest and the ten lowest of {len(bars)}.",
            )
        return bar_chart(heading, shown, Look(title=group.name), look)

    return Finding(
        kind="group",
        table=table.name,
        columns=(group.name, means.number),
        strength=ratio if ratio < _COPY_FROM else _COPY_STRENGTH,
        reason=f"{group.name} explains {fmt.percent(ratio**2)} of the variance of {means.number}: "
        f"its mean goes {span}",
        draw=draw,
    )


def _mean_format(high: float, low: float) -> str:
    size = max(abs(high), abs(low))
    return ",.0f" if size >= 100 else ".1f" if size >= 1 else ".3g"  # noqa: PLR2004 - three digits


# ------------------------------------------------------------------------------------------ skew


def skew_strength(low: float, middle: float, high: float) -> float:
    """Return how lopsided values lie around their median, in [0, 1]; outliers do not count.

    Source: Hinkley, D. V. (1975), "On power transformations to symmetry", Biometrika 62, 101-111:
    `((high - middle) - (middle - low)) / (high - low)`, here of the 1 %, 50 % and 99 % quantiles.

    >>> skew_strength(-1.0, 0.0, 1.0), skew_strength(0.0, 1.0, 10.0)
    (0.0, 0.8)
    """
    return abs((high - middle) - (middle - low)) / (high - low) if high > low else 0.0


def _skew(engine: Engine, table: TableSummary, column: ColumnSummary) -> Finding | None:
    first, middle, last = (column.quantiles.get(q) for q in (0.01, 0.5, 0.99))
    # Where the median is at an end, values pile up there: a fact, and a chart of one bar.
    if first is None or middle is None or last is None or not first < middle < last:
        return None
    is_right = last - middle > middle - first
    low, high = _bounds(column, 0, -3) if is_right else _bounds(column, 2, -1)
    strength = skew_strength(first, middle, last)
    side, tail, end = ("most", "above", last) if is_right else ("least", "below", first)
    said = f"half of the values are at {side} {fmt.number(middle)}, 1% {tail} {fmt.number(end)}"

    def draw() -> Drawing:
        axis = _axis(column, _BINS)
        if column.kind is not ColumnKind.INTEGER:
            axis = BinAxis(column=column.name, low=low, high=high, bins=_BINS)
        width = (axis.high - axis.low) / axis.bins
        edges = [axis.low + width * step for step in range(axis.bins)] + [axis.high]
        counts = engine.bin_counts(table.name, column.name, edges)
        look = Look(title=column.name)
        bins = [
            Bin(
                low=a,
                high=b,
                value=rows,
                text=f"{look.text(round(a, 6))} to {look.text(round(b, 6))}",
            )
            for a, b, rows in zip(edges, edges[1:], counts, strict=False)
        ]
        beyond = column.count - column.nan_count - sum(counts)
        note = f" {fmt.plural(beyond, 'row')} beyond the edges not shown." if beyond > 0 else ""
        return histogram(
            Heading(
                title=f"{_short(column)} has a long tail",
                subtitle=f"{said[0].upper()}{said[1:]}.{note}",
            ),
            bins,
            look,
            Look(title="Rows", format=",d"),
        )

    return Finding(
        kind="skew",
        table=table.name,
        columns=(column.name,),
        strength=strength,
        reason=f"{column.name} has a long tail: {said}",
        draw=draw,
    )


# --------------------------------------------------------------------------------------- rhythms


def rhythm_strength(counts: Sequence[int], period: int) -> float:
    """Return how far the place within a period tells a count, as a correlation ratio in [0, 1].

    Args:
        counts: Rows of successive spans, none left out; the first stands at place 0.
        period: Spans until the rhythm begins again.

    >>> rhythm_strength([1, 5, 1, 5, 1, 5], 2), rhythm_strength([1, 1, 5, 5, 1, 5], 1)
    (1.0, 0.0)
    """
    groups: list[GroupMean] = []
    for place in range(period):
        values = counts[place::period]
        if len(values) > 1:
            mean = sum(values) / len(values)
            spread = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
            groups.append(GroupMean(value=place, count=len(values), mean=mean, std=sqrt(spread)))
    return correlation_ratio(GroupMeans(group="place", number="rows", groups=tuple(groups)))


def _rhythms(engine: Engine, table: TableSummary) -> list[Finding]:
    column = choose_event_time(table)
    if column is None or column.time is None or column.time.day_count < _WEEKS * 7:
        return []
    found: list[Finding] = []
    days = _filled(engine.time_counts(table.name, column.name, TimeGrain.DAY), _DAY)
    if days:
        first, counts = days
        offset = (first // _DAY - _MONDAY) % 7
        by_day = [_average(counts, (place - offset) % 7, 7) for place in range(7)]
        strength = rhythm_strength(counts, 7)
        found.append(_rhythm(table, column, strength, list(_WEEKDAYS), by_day, "day"))
    span_days = column.time.range_seconds / _DAY
    if column.kind is ColumnKind.TIMESTAMP and span_days <= _HOURS_UP_TO_DAYS:
        hours = _filled(engine.time_counts(table.name, column.name, TimeGrain.HOUR), _HOUR)
        if hours and len({(start // _HOUR) % 24 for start in (hours[0],)}) == 1:
            first, counts = hours
            offset = (first // _HOUR) % 24
            by_hour = [_average(counts, (place - offset) % 24, 24) for place in range(24)]
            strength = rhythm_strength(counts, 24)
            names = [f"{hour:02d}:00" for hour in range(24)]
            if sum(1 for rows in by_hour if rows) > 1:
                found.append(_rhythm(table, column, strength, names, by_hour, "hour"))
    return found


def _filled(counts: Sequence[TimeCount], step: int) -> tuple[int, list[int]] | None:
    """Put zeros where a span has no rows; None for what would be too long."""
    if not counts:
        return None
    first, last = counts[0].start, counts[-1].start
    length = (last - first) // step + 1
    if length > 24 * _HOURS_UP_TO_DAYS * 2:
        return None
    filled = [0] * length
    for span in counts:
        filled[(span.start - first) // step] = span.count
    return first, filled


def _average(counts: Sequence[int], place: int, period: int) -> float:
    values = counts[place::period]
    return sum(values) / len(values) if values else 0.0


def _rhythm(
    table: TableSummary,
    column: ColumnSummary,
    strength: float,
    names: Sequence[str],
    values: Sequence[float],
    unit: str,
) -> Finding:
    most, least = max(values), min(values)
    high, low = names[values.index(most)], names[values.index(least)]
    look = Look(title=f"Rows per {unit}", format=_mean_format(most, least))
    is_day = unit == "day"
    said = (
        f"{high} has {look.text(most)} rows on average, {low} {look.text(least)}"
        if is_day
        else f"on average {look.text(most)} rows at {high}, {look.text(least)} at {low}"
    )
    cycle = "week" if is_day else "day"

    def draw() -> Drawing:
        zone = " (UTC)" if "TIME ZONE" in column.type.upper() else ""
        heading = Heading(
            title=f"{clipped(table.name, 28)}: rows over the {cycle}",
            subtitle=f"{said[0].upper()}{said[1:]}, by {column.name}{zone}.",
        )
        if is_day:
            bars = [Bar(label=name, value=rows) for name, rows in zip(names, values, strict=True)]
            return bar_chart(heading, bars, Look(title="Weekday"), look)
        points = [
            Point(x=Place(at=hour, text=names[hour]), y=rows) for hour, rows in enumerate(values)
        ]
        return line_chart(
            heading, points, Look(title=f"Hour of the day{zone}", format="d"), look, is_time=False
        )

    return Finding(
        kind="rhythm",
        table=table.name,
        columns=(column.name,),
        strength=strength,
        reason=f"rows follow the {'weekday' if is_day else 'hour of the day'}: {said}",
        draw=draw,
    )


def _short(column: ColumnSummary) -> str:
    return clipped(column.name, 28) if column.name else fmt.column_name("").text
