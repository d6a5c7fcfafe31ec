"""How does a result that was given a shape become a drawing?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from voyant.artifacts.kpis import KpiResult
from voyant.generators.chart_columns import (
    MOST_NAMES,
    MOST_PANELS,
    NoChartError,
    ResultColumn,
    Shape,
    is_additive,
    is_sorted,
    looks_of,
)
from voyant.report import format as fmt
from voyant.report.vega import Drawing, Heading
from voyant.report.vega_bars import Bar, BarPanel, bar_chart, bar_panels
from voyant.report.vega_cells import Cell, Side, heat_map
from voyant.report.vega_format import Look, humanised
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

__all__ = ["draw_number", "draw_shape"]

_REST_AT_MOST: Final = 2
_SERIES: Final = 5
_GRID: Final = (24, 16)


def draw_shape(shape: Shape) -> Drawing:
    """Draw a result by what its columns do.

    Raises:
        NoChartError: There is nothing to draw, for a reason it says.
    """
    return _DRAWERS[shape.kind](shape)


def draw_number(kpi: KpiResult, heading: Heading, column: ResultColumn) -> Drawing:
    """Draw a single value, with its limits, its target and its change."""
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


def _place(column: ResultColumn, row: int, look: Look) -> Place | None:
    if column.times:
        at = column.times[row]
        return None if at is None else Place(at=at, text=_time_text(column, row))
    at = column.numbers[row] if column.numbers else None
    return None if at is None else Place(at=at, text=look.text(at))


def _time_text(column: ResultColumn, row: int) -> str:
    """Write a date; a column of first days of months names months."""
    texts = [str(value) for value in column.values if value is not None]
    if len(texts) > 1 and all(re.match(r"\d{4}-\d\d-01(T00:00:00|$)", text) for text in texts):
        return datetime.fromisoformat(str(column.values[row])).strftime("%b %Y")
    return fmt.moment(str(column.values[row])).text


def _x_look(shape: Shape) -> Look:
    whole = bool(shape.x.numbers) and shape.x.is_whole
    return Look(title=humanised(shape.x.name), format="d" if whole else "")


def _points_of(shape: Shape, y: ResultColumn) -> list[Point]:
    look = _x_look(shape)
    names = shape.series.labels if shape.series else [""] * len(shape.x.values)
    points = [
        Point(x=place, y=y.numbers[row], series=names[row])
        for row in range(len(shape.x.values))
        if (place := _place(shape.x, row, look)) is not None
    ]
    return sorted(points, key=lambda point: point.x.at)


def _draw_line(shape: Shape) -> Drawing:
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
        looks_of(shape.kpi, shape.ys)[y.name],
        is_time=bool(shape.x.times),
    )


def _draw_line_panels(shape: Shape) -> Drawing:
    looks = looks_of(shape.kpi, shape.ys)
    main = _main(shape, looks)
    panels = [
        LinePanel(
            look=looks[y.name], points=_points_of(shape, y), color=ACCENT if y is main else NEUTRAL
        )
        for y in shape.ys[:MOST_PANELS]
    ]
    heading = _with_note(shape.heading, _columns_note(shape))
    return line_panels(heading, panels, _x_look(shape), is_time=bool(shape.x.times))


def _columns_note(shape: Shape) -> str:
    more = len(shape.ys) - MOST_PANELS
    return f"{fmt.plural(more, 'more column')} in kpis.json." if more > 0 else ""


def _with_note(heading: Heading, note: str) -> Heading:
    return replace(heading, subtitle=" ".join(part for part in (heading.subtitle, note) if part))


def _order(shape: Shape, measure: ResultColumn) -> list[int]:
    """Return the rows as they are to stand: the query's order if it is one, else largest first."""
    rows = list(range(len(shape.x.values)))
    is_given = shape.request.sort == "given" or (
        shape.request.sort is None and any(is_sorted(y.numbers) for y in shape.ys)
    )
    if is_given:
        return rows
    values = measure.numbers
    return sorted(rows, key=lambda row: -(-math.inf if values[row] is None else values[row]))  # type: ignore[operator]  # None is dealt with


def _main(shape: Shape, looks: dict[str, Look]) -> ResultColumn:
    """Return the measure the KPI is about: the first that its unit and format belong to."""
    return next((y for y in shape.ys if looks[y.name].format == shape.kpi.format), shape.ys[0])


def _draw_bars(shape: Shape) -> Drawing:
    measure = shape.ys[0]
    look = looks_of(shape.kpi, shape.ys)[measure.name]
    order, top = _order(shape, measure), shape.request.top or MOST_NAMES
    labels, values = shape.x.labels, measure.numbers
    bars = [Bar(label=labels[row], value=values[row]) for row in order[:top]]
    rest, note = order[top:], ""
    if rest and is_additive(measure, look) and not shape.kpi.truncated:
        total = sum(values[row] or 0.0 for row in rest)
        if total <= _REST_AT_MOST * max(bar.value or 0.0 for bar in bars):
            bars.append(Bar(label=f"{len(rest):,} others", value=total, is_rest=True))
        else:  # a bar so long would leave nothing to see of the others
            note = f"{len(rest):,} others: {look.text(total, with_unit=True)} together."
    elif rest:
        note = f"The first {top} of {len(order):,}."
    category = Look(title=humanised(shape.x.name))
    return bar_chart(_with_note(shape.heading, note), bars, category, look)


def _draw_bar_panels(shape: Shape) -> Drawing:
    looks = looks_of(shape.kpi, shape.ys)
    main = _main(shape, looks)
    order, top = _order(shape, main), shape.request.top or MOST_NAMES
    shown, labels = order[:top], shape.x.labels
    panels = [
        BarPanel(
            look=looks[y.name],
            values=[y.numbers[row] for row in shown],
            color=ACCENT if y is main else NEUTRAL,
        )
        for y in shape.ys[:MOST_PANELS]
    ]
    cut = f"The first {top} of {len(order):,}." if len(order) > top else ""
    note = " ".join(part for part in (cut, _columns_note(shape)) if part)
    return bar_panels(
        _with_note(shape.heading, note),
        [labels[row] for row in shown],
        panels,
        Look(title=humanised(shape.x.name)),
    )


def _draw_heat_map(shape: Shape) -> Drawing:
    measure, across = shape.ys[0], shape.x
    up = shape.series
    if up is None:
        raise NoChartError("a heat map needs two columns of names: x and series")
    x_labels, y_labels = across.labels, up.labels
    x_kept, y_kept = (
        list(dict.fromkeys(x_labels))[:MOST_NAMES],
        list(dict.fromkeys(y_labels))[:MOST_NAMES],
    )
    cells = [
        Cell(x=Side(text=x_labels[row]), y=Side(text=y_labels[row]), value=value)
        for row, value in enumerate(measure.numbers)
        if value is not None and x_labels[row] in x_kept and y_labels[row] in y_kept
    ]
    left_out = len(set(x_labels)) > MOST_NAMES or len(set(y_labels)) > MOST_NAMES
    note = f"The first {MOST_NAMES} names of each side." if left_out else ""
    look = looks_of(shape.kpi, shape.ys)[measure.name]
    return heat_map(
        _with_note(shape.heading, note),
        _checked_cells(cells),
        Look(title=humanised(across.name)),
        Look(title=humanised(up.name)),
        look,
        is_count=is_additive(measure, look),
    )


def _checked_cells(cells: list[Cell]) -> list[Cell]:
    if not cells:
        raise NoChartError("no pair of names has a number")
    return cells


def _draw_points(shape: Shape) -> Drawing:
    y = shape.ys[0]
    looks = looks_of(shape.kpi, [shape.x, y])
    points = [point for point in _points_of(shape, y) if point.y is not None]
    return point_chart(shape.heading, points, looks[shape.x.name], looks[y.name])


def _draw_binned(shape: Shape) -> Drawing:
    y = shape.ys[0]
    looks = looks_of(shape.kpi, [shape.x, y])
    pairs = [
        (a, b)
        for a, b in zip(shape.x.numbers, y.numbers, strict=True)
        if a is not None and b is not None
    ]
    if not pairs:
        raise NoChartError("no row has both numbers")
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


def _draw_row(shape: Shape) -> Drawing:
    looks = looks_of(shape.kpi, shape.ys)
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
