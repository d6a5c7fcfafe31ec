"""Which spec draws how much there is of each pair: a heat map of names or of ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voyant.report.vega import WIDTH, Drawing, Heading, Spec, spec_of
from voyant.report.vega_format import Look
from voyant.report.vega_theme import RAMP

__all__ = ["Cell", "Side", "heat_map"]

_HEIGHT: Final = 300
_STEP: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Where a cell lies on one axis: a name, or a range with how it reads."""

    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell; cells that are not there stay empty."""

    x: Side
    y: Side
    value: float


def heat_map(
    heading: Heading, cells: Sequence[Cell], x: Look, y: Look, value: Look, *, is_count: bool
) -> Drawing:
    """Draw pairs as cells, darker where there is more.

    Args:
        heading: What it says.
        cells: All of them with ranges, or all of them with names.
        x: The axis across.
        y: The axis up.
        value: What the cells hold.
        is_count: Whether they are counts: then colours step by factors, so that few still show.
    """
    ranges = bool(cells) and cells[0].x.low is not None
    values = [
        {
            "x": cell.x.low if ranges else cell.x.text,
            "x2": cell.x.high,
            "y": cell.y.low if ranges else cell.y.text,
            "y2": cell.y.high,
            "across": cell.x.text,
            "up": cell.y.text,
            "value": cell.value,
            "text": value.text(cell.value, with_unit=True),
        }
        for cell in cells
    ]
    largest = max((abs(cell.value) for cell in cells), default=0)
    axes = _range_axes(cells, x, y) if ranges else _name_axes(x, y)
    body: Spec = {
        "width": WIDTH * 0.9 if ranges else {"step": _STEP * 1.6},
        "height": _HEIGHT if ranges else {"step": _STEP},
        "data": {"values": values},
        "mark": {"type": "rect", "aria": False},
        "encoding": {
            **axes,
            "color": {
                "field": "value",
                "type": "quantitative",
                "scale": {
                    "type": "threshold",
                    "domain": _steps([cell.value for cell in cells], is_count=is_count),
                    "range": list(RAMP),
                },
                "legend": {
                    "title": value.axis_title,
                    "format": value.axis_format(largest),
                    "orient": "right",
                },
            },
            "tooltip": [
                {"field": "across", "title": x.title},
                {"field": "up", "title": y.title},
                {"field": "text", "title": value.title},
            ],
        },
    }
    description = f"{heading.title}: {value.title} by {x.title} and {y.title}."
    return Drawing(
        kind="heat_map",
        heading=heading,
        spec=spec_of(heading, body, description),
        description=description,
        columns=(x.axis_title, y.axis_title, value.axis_title),
        rows=tuple((cell.x.text, cell.y.text, value.text(cell.value)) for cell in cells),
    )


def _steps(values: Sequence[float], *, is_count: bool) -> list[float]:
    """Return where colours change, rounded to two digits: evenly, or for counts by equal factors.

    >>> _steps([0, 70], is_count=False)
    [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    >>> _steps([1, 128], is_count=True)
    [2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    """
    low, high = min(values), max(values)
    is_count = is_count and low > 0
    parts = len(RAMP)
    steps = [
        high ** (part / parts) if is_count else low + (high - low) * part / parts
        for part in range(1, parts)
    ]
    rounded = [float(f"{step:.2g}") for step in steps]
    return rounded if rounded == sorted(set(rounded)) else steps


def _range_axes(cells: Sequence[Cell], x: Look, y: Look) -> Spec:
    far = [abs(cell.x.high or 0) for cell in cells], [abs(cell.y.high or 0) for cell in cells]
    return {
        "x": _range_axis("x", x, max(far[0])),
        "x2": {"field": "x2"},
        "y": _range_axis("y", y, max(far[1])),
        "y2": {"field": "y2"},
    }


def _range_axis(name: str, look: Look, largest: float) -> Spec:
    return {
        "field": name,
        "type": "quantitative",
        "bin": "binned",
        "scale": {"zero": False, "nice": False},
        "axis": {"title": look.axis_title, "format": look.axis_format(largest), "tickCount": 7},
    }


def _name_axes(x: Look, y: Look) -> Spec:
    axis: Spec = {"labelLimit": 150}
    return {
        "x": {
            "field": "x",
            "type": "nominal",
            "sort": None,
            "axis": {**axis, "title": x.title, "labelAngle": -35, "domain": False},
        },
        "y": {"field": "y", "type": "nominal", "sort": None, "axis": {**axis, "title": y.title}},
    }
