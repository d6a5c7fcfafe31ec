"""Which spec draws how a measure goes: lines over time or a number, panels of lines, points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from voyant.report.vega import WIDTH, Drawing, Heading, Spec, spec_of
from voyant.report.vega_format import Look
from voyant.report.vega_theme import ACCENT, INK, SERIES

__all__ = ["LinePanel", "Place", "Point", "line_chart", "line_panels", "point_chart"]

_HEIGHT: Final = 270
_PANEL_HEIGHT: Final = 116
_POINTS_SHOWN_UP_TO: Final = 48
_LABEL_HEIGHT: Final = 15.0
_DAY_SECONDS: Final = 86_400
_TWO_DAYS, _TWO_MONTHS, _TWO_YEARS = 2, 62, 731


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands on the x axis: a number, or seconds since 1970; and how that reads."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a line or a scatter plot; a line is broken where y is None."""

    x: Place
    y: float | None
    series: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePanel:
    """One measure among several that share an x axis."""

    look: Look
    points: Sequence[Point]
    color: str = ACCENT


def line_chart(
    heading: Heading,
    points: Sequence[Point],
    x: Look,
    y: Look,
    *,
    is_time: bool,
    colors: Mapping[str, str] | None = None,
) -> Drawing:
    """Draw one line, or one for each series, named where it ends.

    Args:
        heading: What it says.
        points: In the order of x.
        x: How the axis across reads.
        y: How the axis up reads.
        is_time: Whether places on x are moments.
        colors: Of some series; the others take the next of the palette.
    """
    names = list(dict.fromkeys(point.series for point in points))
    given = colors or {}
    palette = iter(SERIES)
    paints = [given.get(name) or next(palette, SERIES[-1]) for name in names] or [ACCENT]
    body = _lines(points, x, y, is_time=is_time, height=_HEIGHT, colors=paints)
    description = f"{heading.title}: {y.title} by {x.title}, {len(points)} points."
    return Drawing(
        kind="line",
        heading=heading,
        spec=spec_of(heading, body, description),
        description=description,
        columns=(x.title, *(["Series"] if len(names) > 1 else []), y.axis_title),
        rows=tuple(
            (p.x.text, *([p.series] if len(names) > 1 else []), y.text(p.y)) for p in points
        ),
    )


def line_panels(
    heading: Heading, panels: Sequence[LinePanel], x: Look, *, is_time: bool
) -> Drawing:
    """Draw several measures above each other, over one x axis each its own scale."""
    views: list[Spec] = []
    for place, panel in enumerate(panels):
        view = _lines(
            panel.points,
            x,
            panel.look,
            is_time=is_time,
            height=_PANEL_HEIGHT,
            colors=[panel.color],
            name=f"zoom{place}",
            has_x_labels=place == len(panels) - 1,
        )
        views.append(view)
    description = f"{heading.title}: {', '.join(p.look.title for p in panels)} by {x.title}."
    texts = [[panel.look.text(point.y) for point in panel.points] for panel in panels]
    return Drawing(
        kind="multiples",
        heading=heading,
        spec=spec_of(heading, {"vconcat": views, "spacing": 34}, description),
        description=description,
        columns=(x.title, *(panel.look.axis_title for panel in panels)),
        rows=tuple(
            (point.x.text, *cells) for point, *cells in zip(panels[0].points, *texts, strict=True)
        ),
    )


def _lines(
    points: Sequence[Point],
    x: Look,
    y: Look,
    *,
    is_time: bool,
    height: int,
    colors: Sequence[str],
    name: str = "zoom",
    has_x_labels: bool = True,
) -> Spec:
    names = list(dict.fromkeys(point.series for point in points))
    values: list[Spec] = [
        {
            "x": point.x.at * 1000 if is_time else point.x.at,
            "y": point.y,
            "series": point.series,
            "when": point.x.text,
            "text": y.text(point.y, with_unit=True),
        }
        for point in points
    ]
    drawn = [point.y for point in points if point.y is not None]
    is_many = len(names) > 1
    color: Spec = (
        {
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": names, "range": list(colors)},
                "legend": None,
            }
        }
        if is_many
        else {}
    )
    marks: Spec = {} if is_many else {"color": colors[0]}
    tips = _tip("when", x.title)
    tips += _tip("series", "Series") if is_many else []
    tips += _tip("text", y.title)
    is_dotted = len(points) <= _POINTS_SHOWN_UP_TO
    dots: Spec = {"type": "point", "size": 34 if is_dotted else 90, "aria": False, **marks}
    dots["opacity"] = 1 if is_dotted else 0
    ends = _apart(
        [row for place, row in enumerate(values) if _is_last(values, place)], drawn, height
    )
    line: Spec = {"mark": {"type": "line", **marks}, "encoding": color}
    line["params"] = [
        {
            "name": name,
            "select": {"type": "interval", "encodings": ["x"], "zoom": "wheel![event.shiftKey]"},
            "bind": "scales",
        }
    ]
    return {
        "width": WIDTH,
        "height": height,
        "data": {"values": values},
        "encoding": {
            "x": _x_axis(points, x, is_time=is_time, has_labels=has_x_labels),
            "y": {
                "field": "y",
                "type": "quantitative",
                "scale": {"zero": False, "nice": True},
                "axis": {
                    "title": y.axis_title,
                    "format": y.axis_format(max(map(abs, drawn), default=0)),
                    "tickCount": 5 if height == _HEIGHT else 3,
                },
            },
        },
        "layer": [
            line,
            {"mark": dots, "encoding": {**color, "tooltip": tips}},
            {
                "data": {"values": ends},
                "mark": {
                    "type": "text",
                    "align": "left",
                    "dx": 8,
                    "dy": {"expr": "datum.dy"},
                    "fontWeight": 600,
                    "limit": 150,
                    "clip": False,
                    "aria": False,
                    # Not in the line's colour, which is too light for text so small.
                    "color": INK,
                },
                "encoding": {
                    "text": {"field": "series" if is_many else "text", "type": "nominal"},
                },
            },
        ],
    }


def _tip(field: str, title: str) -> list[Spec]:
    return [{"field": field, "title": title}]


def _apart(ends: Sequence[Spec], drawn: Sequence[float], height: int) -> list[Spec]:
    """Move labels at the ends of lines up or down so far that none covers another."""
    low, high = min(drawn, default=0.0), max(drawn, default=0.0)
    scale = height / (high - low or 1.0)
    placed: list[Spec] = []
    last = -_LABEL_HEIGHT
    for end in sorted(ends, key=lambda row: -float(str(row["y"]))):
        wanted = (high - float(str(end["y"]))) * scale
        at = max(wanted, last + _LABEL_HEIGHT)
        placed.append({**end, "dy": round(at - wanted, 1)})
        last = at
    return placed


def _is_last(values: Sequence[Spec], place: int) -> bool:
    """Decide whether a point is the last one that its series has a value for."""
    row = values[place]
    return row["y"] is not None and not any(
        later["series"] == row["series"] and later["y"] is not None for later in values[place + 1 :]
    )


def _x_axis(points: Sequence[Point], x: Look, *, is_time: bool, has_labels: bool) -> Spec:
    places = [point.x.at for point in points]
    span = max(places, default=0) - min(places, default=0)
    hidden: Spec = {} if has_labels else {"labels": False}
    if is_time:
        return {
            "field": "x",
            "type": "temporal",
            "scale": {"type": "utc", "padding": 8},
            "axis": {
                "title": None,
                "labelExpr": _time_label(span),
                "tickCount": 12 if _TWO_MONTHS < span / _DAY_SECONDS <= _TWO_YEARS else 7,
                **hidden,
            },
        }
    is_whole = all(place == int(place) for place in places)
    return {
        "field": "x",
        "type": "quantitative",
        "scale": {"zero": False, "nice": False, "padding": 8},
        "axis": {
            "title": x.axis_title if has_labels else None,
            **hidden,
            "format": x.axis_format(max(map(abs, places), default=0)),
            "tickCount": min(12, max(2, int(span))) if is_whole else 8,
            **({"tickMinStep": 1} if is_whole else {}),
        },
    }


def _time_label(span_seconds: float) -> str:
    """Write dates along an axis of a given length: what changes above, what stays below, once."""
    days = span_seconds / _DAY_SECONDS
    if days > _TWO_YEARS:
        return "utcFormat(datum.value, '%m') == '01' ? utcFormat(datum.value, '%Y') : ''"
    if days > _TWO_MONTHS:
        above, below, begins = "%b", "%Y", "utcFormat(datum.value, '%m') == '01'"
    elif days > _TWO_DAYS:
        above, below, begins = "%d", "%b %Y", "utcFormat(datum.value, '%d') == '01'"
    else:
        above, below, begins = "%H:%M", "%d %b %Y", "utcFormat(datum.value, '%H:%M') == '00:00'"
    return (
        f"[utcFormat(datum.value, '{above}'), "
        f"datum.index == 0 || {begins} ? utcFormat(datum.value, '{below}') : '']"
    )


# ------------------------------------------------------------------------------------------ points


def point_chart(heading: Heading, points: Sequence[Point], x: Look, y: Look) -> Drawing:
    """Draw one point per row; `series` is what a point is called in its tool tip."""
    values = [
        {
            "x": point.x.at,
            "y": point.y,
            "name": point.series,
            "across": point.x.text,
            "up": y.text(point.y, with_unit=True),
        }
        for point in points
        if point.y is not None
    ]
    is_named = any(point.series for point in points)
    tips = _tip("name", "Row") if is_named else []
    tips += _tip("across", x.title) + _tip("up", y.title)
    body: Spec = {
        "width": WIDTH,
        "height": WIDTH * 0.55,
        "data": {"values": values},
        "mark": {"type": "point", "aria": False},
        "params": [
            {
                "name": "zoom",
                "select": {"type": "interval", "zoom": "wheel![event.shiftKey]"},
                "bind": "scales",
            }
        ],
        "encoding": {
            "x": _number_axis("x", x, [point.x.at for point in points]),
            "y": _number_axis("y", y, [point.y for point in points if point.y is not None]),
            "tooltip": tips,
        },
    }
    description = f"{heading.title}: {y.title} against {x.title}, {len(values)} points."
    return Drawing(
        kind="points",
        heading=heading,
        spec=spec_of(heading, body, description),
        description=description,
        columns=(*(["Row"] if is_named else []), x.axis_title, y.axis_title),
        rows=tuple((*([p.series] if is_named else []), p.x.text, y.text(p.y)) for p in points),
    )


def _number_axis(name: str, look: Look, values: Sequence[float]) -> Spec:
    return {
        "field": name,
        "type": "quantitative",
        "scale": {"zero": False, "padding": 8},
        "axis": {
            "title": look.axis_title,
            "format": look.axis_format(max(map(abs, values), default=0)),
            "grid": True,
            "domain": False,
        },
    }
