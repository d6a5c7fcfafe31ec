"""Which spec draws how much there is of each: sorted bars, panels of bars, a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voyant.report.vega import WIDTH, Drawing, Heading, Spec, spec_of
from voyant.report.vega_format import Look
from voyant.report.vega_theme import ACCENT, FAINT, INK, SOFT

__all__ = ["Bar", "BarPanel", "Bin", "bar_chart", "bar_panels", "distinct_labels", "histogram"]

_BAR_STEP: Final = 27
_PANEL_GAP: Final = 44
_HEIGHT: Final = 240
_LABEL_ROOM: Final = 52  # pixels that a number takes to the left of a negative bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `is_rest` marks what is left of many."""

    label: str
    value: float | None
    is_rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPanel:
    """One measure among several of the same things, in the same order."""

    look: Look
    values: Sequence[float | None]
    color: str = ACCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bar of a histogram, and how its bounds read."""

    low: float
    high: float
    value: float
    text: str


def distinct_labels(labels: Sequence[str]) -> list[str]:
    """Number labels that read the same, so that no two bars fall together.

    >>> distinct_labels(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    taken: set[str] = set()
    made: list[str] = []
    for label in labels:
        name, count = label, 1
        while name in taken:
            count += 1
            name = f"{label} ({count})"
        taken.add(name)
        made.append(name)
    return made


def bar_chart(heading: Heading, bars: Sequence[Bar], category: Look, measure: Look) -> Drawing:
    """Draw one horizontal bar for each thing, in the given order, each with its number."""
    labels = distinct_labels([bar.label for bar in bars])
    texts = [measure.text(bar.value) for bar in bars]
    colors = [FAINT if bar.is_rest else ACCENT for bar in bars]
    body = _bars(
        labels, [bar.value for bar in bars], texts, colors, category, measure, width=WIDTH * 0.72
    )
    description = f"{heading.title}: {measure.title} by {category.title}, {len(bars)} bars."
    return Drawing(
        kind="bars",
        heading=heading,
        spec=spec_of(heading, body, description),
        description=description,
        columns=(category.title, measure.axis_title),
        rows=tuple(zip(labels, texts, strict=True)),
    )


def bar_panels(
    heading: Heading, names: Sequence[str], panels: Sequence[BarPanel], category: Look
) -> Drawing:
    """Draw several measures of the same things side by side; each panel has its own scale."""
    labels = distinct_labels(names)
    width = max(90, (WIDTH - _PANEL_GAP * (len(panels) - 1)) / len(panels) * 0.8)
    views: list[Spec] = []
    columns = [[panel.look.text(value) for value in panel.values] for panel in panels]
    for place, (panel, texts) in enumerate(zip(panels, columns, strict=True)):
        view = _bars(
            labels,
            panel.values,
            texts,
            [panel.color] * len(labels),
            category,
            panel.look,
            width=width,
            has_labels=place == 0,
        )
        title = {"text": panel.look.title, "fontSize": 12.5, "offset": 8, "limit": width + 40}
        views.append({**view, "title": {**title, "anchor": "start", "frame": "group"}})
    description = f"{heading.title}: {', '.join(p.look.title for p in panels)} by {category.title}."
    return Drawing(
        kind="multiples",
        heading=heading,
        spec=spec_of(heading, {"hconcat": views, "spacing": _PANEL_GAP}, description),
        description=description,
        columns=(category.title, *(panel.look.axis_title for panel in panels)),
        rows=tuple(zip(labels, *columns, strict=True)),
    )


def _bars(
    labels: Sequence[str],
    values: Sequence[float | None],
    texts: Sequence[str],
    colors: Sequence[str],
    category: Look,
    measure: Look,
    *,
    width: float,
    has_labels: bool = True,
) -> Spec:
    rows = [
        {"y": label, "x": value, "text": text, "color": color}
        for label, value, text, color in zip(labels, values, texts, colors, strict=True)
    ]
    has_negative = any(value is not None and value < 0 for value in values)
    tips = [{"field": "y", "title": category.title}, {"field": "text", "title": measure.axis_title}]
    side = "datum.x < 0 ? 'right' : 'left'"
    return {
        "width": width,
        "height": {"step": _BAR_STEP},
        "data": {"values": rows},
        "encoding": {
            "y": {
                "field": "y",
                "type": "nominal",
                "sort": None,
                "axis": {"title": None, "labelColor": INK, "labels": has_labels},
            },
            "x": {
                "field": "x",
                "type": "quantitative",
                "axis": None,
                "scale": {"zero": True, **({"padding": _LABEL_ROOM} if has_negative else {})},
            },
            "tooltip": tips,
        },
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.68}},
                "encoding": {"color": {"field": "color", "type": "nominal", "scale": None}},
            },
            {
                "mark": {
                    "type": "text",
                    "align": {"expr": side},
                    "dx": {"expr": "datum.x < 0 ? -6 : 6"},
                    "color": SOFT,
                    "aria": False,
                },
                "encoding": {"text": {"field": "text", "type": "nominal"}},
            },
        ],
    }


def histogram(heading: Heading, bins: Sequence[Bin], x: Look, y: Look) -> Drawing:
    """Draw how many rows lie in each range."""
    values = [
        {"low": b.low, "high": b.high, "y": b.value, "range": b.text, "text": y.text(b.value)}
        for b in bins
    ]
    edges = [abs(edge) for b in bins for edge in (b.low, b.high)]
    body: Spec = {
        "width": WIDTH,
        "height": _HEIGHT,
        "data": {"values": values},
        # Vega-Lite gives bars between two edges no width if their ends are to be round.
        "mark": {"type": "bar", "binSpacing": 1, "cornerRadiusEnd": 0},
        "encoding": {
            "x": {
                "field": "low",
                "type": "quantitative",
                "bin": "binned",
                "scale": {"zero": False, "nice": False},
                "axis": {
                    "title": x.axis_title,
                    "format": x.axis_format(max(edges, default=0)),
                    "tickCount": 8,
                },
            },
            "x2": {"field": "high"},
            "y": {
                "field": "y",
                "type": "quantitative",
                "axis": {
                    "title": y.axis_title,
                    "format": y.axis_format(max((b.value for b in bins), default=0)),
                },
            },
            "tooltip": [{"field": "range", "title": x.title}, {"field": "text", "title": y.title}],
        },
    }
    description = f"{heading.title}: {y.title} by {x.title}, {len(bins)} ranges."
    return Drawing(
        kind="histogram",
        heading=heading,
        spec=spec_of(heading, body, description),
        description=description,
        columns=(x.axis_title, y.axis_title),
        rows=tuple((b.text, y.text(b.value)) for b in bins),
    )
