"""What a person sees of one column: a line that tells it at a glance, and what opens below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from voyant.artifacts.profile import ColumnProfile, HistogramProfile, TextProfile
from voyant.report import svg
from voyant.report.column_facts import also_inexact, facts, point
from voyant.report.format import (
    Figure,
    Value,
    column_name,
    count,
    day,
    duration,
    number,
    percent,
    plural,
    value,
    visible,
)
from voyant.report.views import AlertView, Bar, Fact, Printed, bar, inexact_note, marked

__all__ = ["ColumnView", "HistogramView", "column_view"]

_GLANCE_VALUES = 3
_TOP_VALUES = 10
_FEW_TOP_VALUES = 5
_BARS_BY_VALUE = 60
_DATES_SUFFICE_SECONDS = 3 * 86_400
_PATTERNS = 6
_TYPE_CHARACTERS = 40
_FIND_CHARACTERS = 300
_TEMPORAL = ("date", "timestamp")
_NUMERIC = ("integer", "decimal", "float")
_QUANTILE_LABELS = {"0.5": "median"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramView:
    """A distribution, large, with what belongs beside it."""

    drawing: Markup
    strip: Markup
    left: Figure
    right: Figure
    tallest: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnView:
    """One column; the fields before `histogram` are its line, the others open below it."""

    anchor: str
    find: str
    name: Value
    type: str
    meaning: str
    status: str
    glance: Markup | None
    glance_bars: list[Bar]
    glance_scale: float
    glance_note: Printed
    typical: Printed
    span: Printed
    missing: Figure
    missing_fraction: float
    distinct: Figure
    is_unique: bool
    histogram: HistogramView | None
    evidence: str
    facts: list[Fact]
    quantiles: list[Fact]
    quantiles_note: str
    top_values: list[Bar]
    examples: list[Value]
    top_values_scale: float
    top_values_note: str
    top_values_rest: str
    patterns: list[Bar]
    patterns_scale: float
    patterns_note: str
    also_inexact: list[Fact]
    alerts: Sequence[AlertView]


def column_view(
    anchor: str, name: str, column: ColumnProfile, alerts: Sequence[AlertView], *, is_detailed: bool
) -> ColumnView:
    """Format one column.

    Args:
        anchor: Where it stands on the page.
        name: Its name.
        column: What the artifact says of it.
        alerts: Those about it, the worst first.
        is_detailed: Whether each histogram bar gets a tool tip and more values are listed; very
            wide tables cannot afford it.

    Returns:
        Everything the template prints.
    """
    most = _TOP_VALUES if is_detailed else _FEW_TOP_VALUES
    repeats = bool(column.top_values) and column.top_values[0].count > 1
    top = [bar(item.value, item.count, item.fraction) for item in column.top_values[:most]]
    shapes = [] if column.text is None else column.text.patterns[:_PATTERNS]
    patterns = [bar(item.pattern, item.count, item.count / max(column.count, 1)) for item in shapes]
    drawn = _drawn(column)
    title = f"Distribution of {visible(name)}"
    glance = None
    if drawn is not None and column.distinct_count != 1:
        glance = svg.small_histogram(drawn.edges, drawn.counts, title, f"{anchor}-d")
    rest = len(column.top_values) - len(top)
    typical, span = _typical(column)
    return ColumnView(
        anchor=anchor,
        find=visible(
            f"{name} {column.type} {column.kind} {column.semantic_type}"[:_FIND_CHARACTERS]
        ),
        name=column_name(name),
        type=value(column.type, length=_TYPE_CHARACTERS).text,
        meaning=visible(column.semantic_type.replace("_", " ")),
        status=alerts[0].status if alerts else "",
        glance=glance,
        glance_bars=top[:_GLANCE_VALUES] if glance is None and repeats else [],
        glance_scale=_scale(top),
        glance_note=_glance_note(column) if glance is None and not repeats else "",
        typical=typical,
        span=span,
        missing=percent(
            column.null_fraction,
            f"{count(column.null_count)} of {count(column.count + column.null_count)} rows",
        ),
        missing_fraction=column.null_fraction,
        distinct=marked(
            count(column.distinct_count), inexact_note(column.approximations, "distinct_count")
        ),
        is_unique=column.is_unique,
        histogram=None
        if glance is None or drawn is None
        else _histogram_view(f"{anchor}-d", title, column, drawn, is_detailed=is_detailed),
        evidence=visible(column.semantic_evidence),
        facts=list(facts(column)),
        quantiles=[
            Fact(
                label=_QUANTILE_LABELS.get(q, f"{100 * float(q):g}%"),
                figure=point(at, column.kind),
            )
            for q, at in column.quantiles.items()
        ],
        quantiles_note=inexact_note(column.approximations, "quantiles"),
        top_values=top if repeats else [],
        examples=[] if repeats else [item.value for item in top],
        top_values_scale=_scale(top),
        top_values_note=inexact_note(column.approximations, "top_values"),
        top_values_rest=f"{plural(rest, 'more value')} in profile.json" if rest and repeats else "",
        patterns=patterns,
        patterns_scale=_scale(patterns),
        patterns_note=_patterns_note(column),
        also_inexact=also_inexact(column),
        alerts=alerts,
    )


def _scale(bars: Sequence[Bar]) -> float:
    return max((item.fraction for item in bars), default=0.0) or 1.0


def _drawn(column: ColumnProfile) -> HistogramProfile | None:
    """Choose what to draw: one bar for each value of a whole-number column, where all are known."""
    if column.histogram is None or not sum(column.histogram.counts):
        return None
    by_value = {item.value: item.count for item in column.top_values if isinstance(item.value, int)}
    if column.kind != "integer" or not by_value or len(by_value) != column.distinct_count:
        return column.histogram
    low, high = min(by_value), max(by_value)
    if high - low >= _BARS_BY_VALUE:
        return column.histogram
    return HistogramProfile(
        edges=[at - 0.5 for at in range(low, high + 2)],
        counts=[by_value.get(at, 0) for at in range(low, high + 1)],
    )


def _patterns_note(column: ColumnProfile) -> str:
    made = column.approximations
    return inexact_note(made, "text.patterns") or inexact_note(made, "text")


def _glance_note(column: ColumnProfile) -> Printed:
    """Say what there is instead of a distribution."""
    if not column.count:
        return "no values"
    if not column.top_values:
        return ""
    first = value(column.top_values[0].value, length=34)
    return Markup("<small>{}</small> {}").format("e.g." if column.count > 1 else "only", first)


def _typical(column: ColumnProfile) -> tuple[Printed, Printed]:
    """Say in two lines what values are like: the middle, and from where to where."""
    if column.true_count is not None and column.count:
        share = percent(column.true_count / column.count)
        return Markup("{} <small>true</small>").format(share), ""
    if column.kind not in (*_TEMPORAL, *_NUMERIC) or column.min is None or column.max is None:
        return _typical_text(column.text, _patterns_note(column))
    low, high = point(column.min, column.kind), point(column.max, column.kind)
    span = Markup("{} <small>to</small> {}").format(low, high)
    if column.kind in _TEMPORAL:
        return _typical_time(column, span)
    middle = column.quantiles.get("0.5")
    if middle is None or isinstance(middle, str):
        return span, ""
    note = inexact_note(column.approximations, "quantiles")
    shown = Markup("{} <small>median</small>").format(marked(number(middle), note))
    return shown, "" if column.min == column.max else span


def _typical_time(column: ColumnProfile, span: Printed) -> tuple[Printed, Printed]:
    if column.time is None:
        return span, ""
    if column.time.range_seconds > _DATES_SUFFICE_SECONDS:
        span = Markup("{} <small>to</small> {}").format(day(str(column.min)), day(str(column.max)))
    return span, duration(column.time.range_seconds)


def _typical_text(text: TextProfile | None, note: str) -> tuple[Printed, Printed]:
    if text is None or text.min_length is None or text.max_length is None:
        return "", ""
    lengths = (
        plural(text.min_length, "character")
        if text.min_length == text.max_length
        else f"{count(text.min_length)} to {plural(text.max_length, 'character')}"
    )
    if not text.patterns:
        return lengths, ""
    pattern = value(text.patterns[0].pattern, length=22)
    sign = marked(Figure("", ""), note)
    return lengths, Markup('<span class="shape">{}{}</span>').format(sign, pattern)


def _histogram_view(
    identifier: str,
    title: str,
    column: ColumnProfile,
    drawn: HistogramProfile,
    *,
    is_detailed: bool,
) -> HistogramView:
    edges, counts = drawn.edges, drawn.counts
    bars_by_value = drawn is not column.histogram
    left, right = (
        (point(column.min, column.kind), point(column.max, column.kind))
        if bars_by_value
        else (point(edges[0], column.kind), point(edges[-1], column.kind))
    )
    tallest = f"tallest bar {plural(max(counts), 'row')}"
    description = f"From {left} to {right}, {tallest}"
    tips = _bin_titles(drawn, column.kind, bars_by_value=bars_by_value) if is_detailed else ()
    return HistogramView(
        drawing=svg.histogram(identifier, edges, title, description, list(tips)),
        strip=_strip(column, edges[0], edges[-1]),
        left=Figure(str(left), left.exact),
        right=Figure(str(right), right.exact),
        tallest=tallest,
        note=inexact_note(column.approximations, "top_values" if bars_by_value else "histogram"),
    )


def _strip(column: ColumnProfile, low: float | str, high: float | str) -> Markup:
    marks = {float(q): at for q, at in column.quantiles.items() if not isinstance(at, str)}
    if isinstance(low, str) or isinstance(high, str) or low >= high:
        return Markup()
    title = "Half of the values lie on the thick line, 90% on the thin one, half below the mark"
    return svg.quantile_strip(low, high, marks, title)


def _bin_titles(drawn: HistogramProfile, kind: str, *, bars_by_value: bool) -> Iterator[str]:
    edges: Sequence[float | str] = drawn.edges
    for left, right, rows in zip(edges, edges[1:], drawn.counts, strict=False):
        if bars_by_value:
            yield f"{number(float(left) + 0.5)}: {plural(rows, 'row')}"
        else:
            yield f"{point(left, kind)} to {point(right, kind)}: {plural(rows, 'row')}"
