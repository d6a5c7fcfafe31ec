"""Which chart shows a KPI's result, judged by the shape of the result, and why that one?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from voyant.artifacts.charts import ChartRequest
from voyant.artifacts.kpis import KpiResult
from voyant.core.errors import did_you_mean
from voyant.core.tables import Scalar
from voyant.report import format as fmt
from voyant.report.vega import Drawing, Heading
from voyant.report.vega_bars import Bar, BarPanel, bar_chart, bar_panels
from voyant.report.vega_cells import Cell, Side, heat_map
from voyant.report.vega_format import Look, clipped, humanised
from voyant.report.vega_lines import (
    LinePanel,
    Place,
    Point,
    line_chart,
    line_panels,
    point_chart,
)
from voyant.report.vega_number import Mark, number_chart, number_row
from voyant.report.vega_theme import ACCENT, NEUTRAL
from voyant.stats.sql_types import is_number_type, is_time_type

__all__ = ["Choice", "draw_kpi"]

_TOP: Final = 20
_REST_AT_MOST: Final = 2
_SERIES: Final = 5
_PANELS: Final = 4
_POINTS: Final = 500
_LEAST_STEPS: Final = 4
_GRID: Final = (24, 16)
_MOST_DECIMALS: Final = 5
_ADDS_UP: Final = re.compile(
    r"(?i)(^|_)(count|counts|sum|total|number|n|rows|amount|revenue|sales)(_|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A chart and why it is this one; or no chart, and why not."""

    drawing: Drawing | None
    reason: str


class _NoChartError(Exception):
    """Says why a result cannot be drawn; never leaves this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of the result; `numbers` or `times` (seconds since 1970) where it is such."""

    name: str
    values: Sequence[Scalar]
    numbers: Sequence[float | None] = ()
    times: Sequence[float | None] = ()

    @property
    def role(self) -> str:
        return "number" if self.numbers else "time" if self.times else "category"

    @property
    def is_whole(self) -> bool:
        return all(number is None or number == int(number) for number in self.numbers)

    @property
    def labels(self) -> list[str]:
        return [clipped(value) if isinstance(value, str) and value else fmt.value(value).text
                for value in self.values]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What to draw: the columns by what they do in the chart."""

    kpi: KpiResult
    request: ChartRequest
    heading: Heading
    kind: str
    x: _Column
    ys: Sequence[_Column]
    series: _Column | None = None
    reason: str = ""


def draw_kpi(kpi: KpiResult) -> Choice:
    """Choose and draw a KPI's chart; its own `chart` wins over the shape of the result.

    Returns:
        The chart, or why there is none: no data, nothing to measure, a `chart` that does not fit.
    """
    try:
        return _draw(kpi)
    except _NoChartError as fault:
        return Choice(drawing=None, reason=str(fault))


def _draw(kpi: KpiResult) -> Choice:
    request = _request(kpi)
    if request.kind == "none":
        raise _NoChartError("its definition asks for none")
    if kpi.status in {"error", "no_data"} or not kpi.rows:
        raise _NoChartError("it has no data" if kpi.status != "error" else "it failed")
    heading = Heading(title=request.title or humanised(kpi.name), subtitle=_subtitle(kpi))
    columns = [
        _read(column.name, column.type, [row[place] for row in kpi.rows])
        for place, column in enumerate(kpi.columns)
    ]
    if len(columns) == 1 == len(kpi.rows) and request.kind in {None, "number"}:
        return Choice(drawing=_number(kpi, heading, columns[0]), reason="a single value")
    shape = _asked(kpi, request, heading, columns) or _shape(kpi, request, heading, columns)
    return Choice(drawing=_DRAWERS[shape.kind](shape), reason=shape.reason)


def _request(kpi: KpiResult) -> ChartRequest:
    if kpi.chart is None:
        return ChartRequest()
    try:
        return ChartRequest.model_validate(kpi.chart)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = str(fault["loc"][0]) if fault["loc"] else ""
        hint = did_you_mean(field, ChartRequest.model_fields) if field else ""
        raise _NoChartError(
            f"its chart has a wrong {field!r}: {fault['msg']}. {hint}".strip()
        ) from None


def _subtitle(kpi: KpiResult) -> str:
    cut = f"Only the first {len(kpi.rows):,} rows of the result are kept." if kpi.truncated else ""
    return " ".join(part for part in (kpi.description.strip(), cut) if part)


# ---------------------------------------------------------------------------------- the columns


def _read(name: str, type_name: str, values: Sequence[Scalar]) -> _Column:
    present = [value for value in values if value is not None]
    if present and is_number_type(type_name):
        return _Column(name=name, values=values, numbers=[_number_of(value) for value in values])
    if present and all(isinstance(v, int | float) and not isinstance(v, bool) for v in present):
        return _Column(name=name, values=values, numbers=[_number_of(value) for value in values])
    if present and is_time_type(type_name):
        return _Column(name=name, values=values, times=[_seconds(value) for value in values])
    return _Column(name=name, values=values)


def _number_of(value: Scalar) -> float | None:
    """Return a finite float; None for NaN, infinity and what is no number."""
    try:
        number = float(value) if value is not None else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _seconds(value: Scalar) -> float | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:  # infinity, null, a year beyond 9999
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _looks(kpi: KpiResult, columns: Sequence[_Column]) -> dict[str, Look]:
    """Say how each number reads: the KPI's unit and format belong to the ones they can be true of.

    A whole number beside fractions, under a format with decimals, is a count of something else.
    """
    numbers = [column for column in columns if column.numbers]
    wants_fractions = bool(re.search(r"\.[1-9]\d*[fFeE%]?$|%$", kpi.format))
    fitting = [column for column in numbers if column.is_whole is not wants_fractions]
    looks: dict[str, Look] = {}
    for column in numbers:
        title = humanised(column.name)
        if not kpi.format or not fitting or column in fitting or len(numbers) == 1:
            looks[column.name] = Look(title=title, unit=kpi.unit, format=kpi.format)
        else:
            looks[column.name] = Look(title=title, format=_plain_format(column))
    return looks


def _plain_format(column: _Column) -> str:
    """Return one format for all of a column's numbers, with three digits of the largest one."""
    largest = max((abs(number) for number in column.numbers if number is not None), default=0.0)
    if column.is_whole or largest == 0 or largest >= 100:  # noqa: PLR2004 - three digits
        return ",.0f"
    decimals = 2 - math.floor(math.log10(largest))
    return f".{decimals}f" if decimals <= _MOST_DECIMALS else ".3g"


def _is_additive(column: _Column, look: Look) -> bool:
    return column.is_whole and "%" not in look.format and bool(_ADDS_UP.search(column.name))


# ------------------------------------------------------------------------------------ the shape


def _asked(
    kpi: KpiResult, request: ChartRequest, heading: Heading, columns: Sequence[_Column]
) -> _Shape | None:
    """Return what the definition asks for; None when it leaves the choice open."""
    if request.kind is None and request.x is None and request.y is None:
        return None
    by_name = {column.name: column for column in columns}

    def find(name: str) -> _Column:
        if name not in by_name:
            raise _NoChartError(
                f"its chart names the column {name!r}, which the result does not have. "
                f"{did_you_mean(name, by_name)}"
            )
        return by_name[name]

    asked_y = [request.y] if isinstance(request.y, str) else request.y or []
    series = find(request.series) if request.series else None
    x = find(request.x) if request.x else None
    ys = [find(name) for name in asked_y]
    taken = {column.name for column in (x, series, *ys) if column is not None}
    left = [column for column in columns if column.name not in taken]
    x = x or next((c for c in left if c.role != "number"), next(iter(left), None))
    if x is None:
        raise _NoChartError("its chart leaves no column for x")
    ys = ys or [c for c in left if c.numbers and c.name != x.name][:_PANELS]
    if not ys or not all(column.numbers for column in ys):
        raise _NoChartError("its chart has no numbers for y")
    kind: str = request.kind or ("bars" if x.role == "category" else "line")
    if kind == "line" and x.role == "category":
        raise _NoChartError(f"a line needs dates or numbers for x, and {x.name!r} has neither")
    if kind == "points" and not x.numbers:
        raise _NoChartError(f"points need numbers for x, and {x.name!r} has none")
    if len(ys) > 1 and kind in {"line", "bars", "multiples"}:
        kind = "bar_panels" if x.role == "category" or kind == "bars" else "line_panels"
    elif kind == "multiples":
        kind = "bars" if x.role == "category" else "line"
    return _Shape(
        kpi=kpi, request=request, heading=heading, kind=kind, x=x, ys=ys, series=series,
        reason="as its definition asks",
    )  # fmt: skip


def _shape(
    kpi: KpiResult, request: ChartRequest, heading: Heading, columns: Sequence[_Column]
) -> _Shape:
    numbers = [column for column in columns if column.numbers]
    times = [column for column in columns if column.times]
    names = [column for column in columns if column.role == "category"]
    if not numbers:
        raise _NoChartError("no column holds numbers")
    base = _Shape(kpi=kpi, request=request, heading=heading, kind="", x=columns[0], ys=numbers)
    if len(kpi.rows) == 1:
        return replace(base, kind="row", reason="one row: each of its numbers")
    if times and not _is_ranking(times[0], numbers):
        return _over_time(base, times[0], names)
    if times:
        names = [times[0], *names]
    if names:
        return _by_name(base, names)
    return _numbers_only(base, numbers)


def _is_ranking(time: _Column, numbers: Sequence[_Column]) -> bool:
    """Whether rows follow a number and not the calendar: the ten worst days."""
    times = [at for at in time.times if at is not None]
    if len(time.values) > _TOP or times == sorted(times):
        return False
    return any(_is_sorted(column.numbers) for column in numbers)


def _is_sorted(numbers: Sequence[float | None]) -> bool:
    known = [number for number in numbers if number is not None]
    return len(known) > 1 and known in (sorted(known), sorted(known, reverse=True))


def _over_time(base: _Shape, time: _Column, names: Sequence[_Column]) -> _Shape:
    known = [at for at in time.times if at is not None]
    is_repeated = len(set(known)) < len(known)
    if not known:
        raise _NoChartError(f"no date in {time.name!r} can be placed on an axis")
    if not is_repeated:
        several = len(base.ys) > 1
        reason = "numbers over time: a line for each" if several else "a number over time: a line"
        return replace(base, kind="line_panels" if several else "line", x=time, reason=reason)
    if not names:
        raise _NoChartError(f"{time.name!r} repeats, and nothing tells its rows apart")
    reason = f"a number over time by {names[0].name}: a line for each"
    return replace(base, kind="line", x=time, ys=base.ys[:1], series=names[0], reason=reason)


def _by_name(base: _Shape, names: Sequence[_Column]) -> _Shape:
    first, second = names[0], names[1] if len(names) > 1 else None
    is_repeated = len(set(first.labels)) < len(first.labels)
    if second is not None and is_repeated and _is_filled(first, second) and len(base.ys) == 1:
        reason = "a number for each pair of names: a heat map"
        return replace(base, kind="heat_map", x=second, series=first, reason=reason)
    x = first if second is None or not is_repeated else _joined(names)
    if len(base.ys) > 1:
        reason = "several numbers for each name: bars side by side"
        return replace(base, kind="bar_panels", x=x, reason=reason)
    return replace(base, kind="bars", x=x, reason="a number for each name: sorted bars")


def _is_filled(first: _Column, second: _Column) -> bool:
    """Whether most combinations occur, each once."""
    pairs = set(zip(first.labels, second.labels, strict=True))
    possible = len(set(first.labels)) * len(set(second.labels))
    return len(pairs) == len(first.labels) and len(pairs) >= possible / 2


def _joined(names: Sequence[_Column]) -> _Column:
    """Make one name of several."""
    values = [
        " \N{MIDDLE DOT} ".join(parts) for parts in zip(*(c.labels for c in names), strict=True)
    ]
    return _Column(name=", ".join(column.name for column in names), values=values)


def _numbers_only(base: _Shape, numbers: Sequence[_Column]) -> _Shape:
    x, *ys = numbers
    if not ys:
        x = _Column(name="row", values=[str(place) for place in range(1, len(x.values) + 1)])
        return replace(base, kind="bars", x=x, ys=numbers, reason="a number in each row: bars")
    steps = [number for number in x.numbers if number is not None]
    is_scale = x.is_whole and len(steps) == len(x.values) >= _LEAST_STEPS
    if is_scale and steps == sorted(set(steps)):
        several = len(ys) > 1
        reason = f"{'numbers' if several else 'a number'} at each {x.name}: a line" + (
            " for each" if several else ""
        )
        return replace(base, kind="line_panels" if several else "line", x=x, ys=ys, reason=reason)
    if len(x.values) > _POINTS:
        reason = "two numbers in many rows: a heat map of how many rows lie where"
        return replace(base, kind="binned", x=x, ys=ys[:1], reason=reason)
    return replace(base, kind="points", x=x, ys=ys[:1], reason="two numbers: a point for each row")


# ---------------------------------------------------------------------------------- the drawings


def _number(kpi: KpiResult, heading: Heading, column: _Column) -> Drawing:
    title = humanised(column.name)
    look = Look(title=title, unit=kpi.unit, format=kpi.format)
    value = column.numbers[0] if column.numbers else None
    if value is None:
        return number_chart(heading, str(kpi.value), Look(title=title))
    marks = [
        Mark(name=name, value=float(limit))
        for name, limit in (("target", kpi.target), ("warn", kpi.warn), ("critical", kpi.critical))
        if limit is not None
    ]
    notes: list[str] = []
    if kpi.target is not None and kpi.distance_to_target is not None:
        notes.append(_distance(look, kpi.distance_to_target.absolute, "target"))
    if kpi.change is not None:
        notes.append(_distance(look, kpi.change.absolute, "last time"))
    status = kpi.status if kpi.warn is not None or kpi.critical is not None else ""
    return number_chart(heading, value, look, marks=marks, note=", ".join(notes), status=status)


def _distance(look: Look, difference: float, what: str) -> str:
    size = look.text(abs(difference))
    is_nothing = size == look.text(0.0)
    if look.format.endswith("%"):
        size = f"{size.removesuffix('%')} percentage points"
    if is_nothing:
        return f"at {what}" if what == "target" else f"as {what}"
    if what == "target":
        return f"{size} {'above' if difference > 0 else 'below'} target"
    return f"{size} {'more' if difference > 0 else 'less'} than {what}"


def _place(column: _Column, row: int, look: Look) -> Place | None:
    if column.times:
        at = column.times[row]
        return None if at is None else Place(at=at, text=_time_text(column, row))
    at = column.numbers[row] if column.numbers else None
    return None if at is None else Place(at=at, text=look.text(at))


def _time_text(column: _Column, row: int) -> str:
    """Write a date; a column of first days of months names months."""
    texts = [str(value) for value in column.values if value is not None]
    if len(texts) > 1 and all(re.match(r"\d{4}-\d\d-01(T00:00:00|$)", text) for text in texts):
        return datetime.fromisoformat(str(column.values[row])).strftime("%b %Y")
    return fmt.moment(str(column.values[row])).text


def _x_look(shape: _Shape) -> Look:
    whole = bool(shape.x.numbers) and shape.x.is_whole
    return Look(title=humanised(shape.x.name), format="d" if whole else "")


def _points_of(shape: _Shape, y: _Column) -> list[Point]:
    look = _x_look(shape)
    names = shape.series.labels if shape.series else [""] * len(shape.x.values)
    points = [
        Point(x=place, y=y.numbers[row], series=names[row])
        for row in range(len(shape.x.values))
        if (place := _place(shape.x, row, look)) is not None
    ]
    return sorted(points, key=lambda point: point.x.at)


def _draw_line(shape: _Shape) -> Drawing:
    y = shape.ys[0]
    points = _points_of(shape, y)
    totals: dict[str, float] = {}
    for point in points:
        totals[point.series] = totals.get(point.series, 0.0) + abs(point.y or 0.0)
    shown = sorted(totals, key=lambda name: -totals[name])[:_SERIES]
    left_out = len(totals) - len(shown)
    return line_chart(
        _with_note(
            shape.heading, f"The {len(shown)} largest of {len(totals)}." if left_out else ""
        ),
        [point for point in points if point.series in shown],
        _x_look(shape),
        _looks(shape.kpi, shape.ys)[y.name],
        is_time=bool(shape.x.times),
    )


def _draw_line_panels(shape: _Shape) -> Drawing:
    looks = _looks(shape.kpi, shape.ys)
    main = _main(shape, looks)
    panels = [
        LinePanel(
            look=looks[y.name], points=_points_of(shape, y), color=ACCENT if y is main else NEUTRAL
        )
        for y in shape.ys[:_PANELS]
    ]
    heading = _with_note(shape.heading, _columns_note(shape))
    return line_panels(heading, panels, _x_look(shape), is_time=bool(shape.x.times))


def _columns_note(shape: _Shape) -> str:
    more = len(shape.ys) - _PANELS
    return f"{fmt.plural(more, 'more column')} in kpis.json." if more > 0 else ""


def _with_note(heading: Heading, note: str) -> Heading:
    return replace(heading, subtitle=" ".join(part for part in (heading.subtitle, note) if part))


def _order(shape: _Shape, measure: _Column) -> list[int]:
    """Return the rows as they are to stand: the query's order if it is one, else largest first."""
    rows = list(range(len(shape.x.values)))
    is_given = shape.request.sort == "given" or (
        shape.request.sort is None and any(_is_sorted(y.numbers) for y in shape.ys)
    )
    if is_given:
        return rows
    values = measure.numbers
    return sorted(rows, key=lambda row: -(-math.inf if values[row] is None else values[row]))  # type: ignore[operator]  # None is dealt with


def _main(shape: _Shape, looks: dict[str, Look]) -> _Column:
    """Return the measure the KPI is about: the first that its unit and format belong to."""
    return next((y for y in shape.ys if looks[y.name].format == shape.kpi.format), shape.ys[0])


def _draw_bars(shape: _Shape) -> Drawing:
    measure = shape.ys[0]
    look = _looks(shape.kpi, shape.ys)[measure.name]
    order, top = _order(shape, measure), shape.request.top or _TOP
    labels, values = shape.x.labels, measure.numbers
    bars = [Bar(label=labels[row], value=values[row]) for row in order[:top]]
    rest, note = order[top:], ""
    if rest and _is_additive(measure, look) and not shape.kpi.truncated:
        total = sum(values[row] or 0.0 for row in rest)
        if total <= _REST_AT_MOST * max(bar.value or 0.0 for bar in bars):
            bars.append(Bar(label=f"{len(rest):,} others", value=total, is_rest=True))
        else:  # a bar so long would leave nothing to see of the others
            note = f"{len(rest):,} others: {look.text(total, with_unit=True)} together."
    elif rest:
        note = f"The first {top} of {len(order):,}."
    category = Look(title=humanised(shape.x.name))
    return bar_chart(_with_note(shape.heading, note), bars, category, look)


def _draw_bar_panels(shape: _Shape) -> Drawing:
    looks = _looks(shape.kpi, shape.ys)
    main = _main(shape, looks)
    order, top = _order(shape, main), shape.request.top or _TOP
    shown, labels = order[:top], shape.x.labels
    panels = [
        BarPanel(
            look=looks[y.name],
            values=[y.numbers[row] for row in shown],
            color=ACCENT if y is main else NEUTRAL,
        )
        for y in shape.ys[:_PANELS]
    ]
    cut = f"The first {top} of {len(order):,}." if len(order) > top else ""
    note = " ".join(part for part in (cut, _columns_note(shape)) if part)
    return bar_panels(
        _with_note(shape.heading, note),
        [labels[row] for row in shown],
        panels,
        Look(title=humanised(shape.x.name)),
    )


def _draw_heat_map(shape: _Shape) -> Drawing:
    measure, across = shape.ys[0], shape.x
    up = shape.series
    if up is None:
        raise _NoChartError("a heat map needs two columns of names: x and series")
    x_labels, y_labels = across.labels, up.labels
    x_kept, y_kept = list(dict.fromkeys(x_labels))[:_TOP], list(dict.fromkeys(y_labels))[:_TOP]
    cells = [
        Cell(x=Side(text=x_labels[row]), y=Side(text=y_labels[row]), value=value)
        for row, value in enumerate(measure.numbers)
        if value is not None and x_labels[row] in x_kept and y_labels[row] in y_kept
    ]
    left_out = len(set(x_labels)) > _TOP or len(set(y_labels)) > _TOP
    look = _looks(shape.kpi, shape.ys)[measure.name]
    return heat_map(
        _with_note(shape.heading, f"The first {_TOP} names of each side." if left_out else ""),
        _checked_cells(cells),
        Look(title=humanised(across.name)),
        Look(title=humanised(up.name)),
        look,
        is_count=_is_additive(measure, look),
    )


def _checked_cells(cells: list[Cell]) -> list[Cell]:
    if not cells:
        raise _NoChartError("no pair of names has a number")
    return cells


def _draw_points(shape: _Shape) -> Drawing:
    y = shape.ys[0]
    looks = _looks(shape.kpi, [shape.x, y])
    points = [point for point in _points_of(shape, y) if point.y is not None]
    return point_chart(shape.heading, points, looks[shape.x.name], looks[y.name])


def _draw_binned(shape: _Shape) -> Drawing:
    y = shape.ys[0]
    looks = _looks(shape.kpi, [shape.x, y])
    pairs = [
        (a, b)
        for a, b in zip(shape.x.numbers, y.numbers, strict=True)
        if a is not None and b is not None
    ]
    if not pairs:
        raise _NoChartError("no row has both numbers")
    sides = [_edges([pair[side] for pair in pairs], _GRID[side]) for side in (0, 1)]
    counts: dict[tuple[int, int], int] = {}
    for a, b in pairs:
        key = _bin(a, sides[0]), _bin(b, sides[1])
        counts[key] = counts.get(key, 0) + 1
    look_x, look_y = looks[shape.x.name], looks[y.name]
    cells = [
        Cell(x=_side(sides[0], i, look_x), y=_side(sides[1], j, look_y), value=rows)
        for (i, j), rows in sorted(counts.items())
    ]
    return heat_map(
        shape.heading, cells, look_x, look_y, Look(title="Rows", format=",d"), is_count=True
    )


def _edges(values: Sequence[float], bins: int) -> list[float]:
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return [low + (high - low) * step / bins for step in range(bins + 1)]


def _bin(value: float, edges: Sequence[float]) -> int:
    share = (value - edges[0]) / (edges[-1] - edges[0])
    return min(int(share * (len(edges) - 1)), len(edges) - 2)


def _side(edges: Sequence[float], place: int, look: Look) -> Side:
    low, high = edges[place], edges[place + 1]
    return Side(text=f"{look.text(low)} to {look.text(high)}", low=low, high=high)


def _draw_row(shape: _Shape) -> Drawing:
    looks = _looks(shape.kpi, shape.ys)
    numbers = [(looks[y.name], y.numbers[0]) for y in shape.ys[:6]]
    return number_row(shape.heading, numbers)


_DRAWERS: Final = {
    "line": _draw_line,
    "line_panels": _draw_line_panels,
    "bars": _draw_bars,
    "bar_panels": _draw_bar_panels,
    "heat_map": _draw_heat_map,
    "points": _draw_points,
    "binned": _draw_binned,
    "row": _draw_row,
    "number": _draw_row,
}
