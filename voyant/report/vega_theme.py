"""How charts look: one set of colours for light and dark, one Vega-Lite configuration.

Specs name colours of the light theme only. The dark ones take their place by rule: in files by the
style sheet inside the SVG, on pages by `chart.css`, which the charts that `chart.js` draws follow
too. So every colour of a chart must be in `DARK_COLOURS`, and no two roles may share one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = [
    "ACCENT",
    "CRITICAL",
    "DARK_COLOURS",
    "FAINT",
    "FONT",
    "INK",
    "NEUTRAL",
    "OK",
    "PAPER",
    "RAMP",
    "RULE",
    "SERIES",
    "SOFT",
    "WARN",
    "dark_style",
    "make_config",
]

INK: Final = "#191b20"
SOFT: Final = "#5b606b"
RULE: Final = "#e5e1d8"
FAINT: Final = "#c9ccd6"
NEUTRAL: Final = "#a7adbb"
PAPER: Final = "#fdfcf9"
ACCENT: Final = "#5a73dd"
OK: Final = "#1e6b3c"
WARN: Final = "#8a5200"
CRITICAL: Final = "#b3231d"

#: Told apart by readers with any kind of colour vision, in this order; direct labels say it again.
SERIES: Final = (ACCENT, "#c9722b", "#12806f", "#a8458c", "#9a7b00", "#6d7380")
#: From few to many, even in lightness.
RAMP: Final = ("#e6ebfc", "#c5cff6", "#9dacee", "#7389e2", "#4a63cf", "#2b44ae", "#162a7d")

#: Light colour -> the colour that takes its place in the dark.
DARK_COLOURS: Final[Mapping[str, str]] = {
    INK: "#e9e7e2",
    SOFT: "#a3a8b2",
    RULE: "#2c3037",
    FAINT: "#4a505c",
    NEUTRAL: "#666d7b",
    PAPER: "#131519",
    OK: "#83d3a0",
    WARN: "#f0bb66",
    CRITICAL: "#ff938a",
    **dict(
        zip(SERIES, ("#7d92f2", "#e09455", "#4fc2ad", "#d883be", "#d6b43f", "#b4b9c4"), strict=True)
    ),
    **dict(
        zip(
            RAMP,
            ("#1c2340", "#2a3563", "#3b4a8a", "#5063b4", "#6c82dc", "#93a6f5", "#c5d0ff"),
            strict=True,
        )
    ),
}

#: The faces systems come with, and at the end whatever there is.
FONT: Final = "Helvetica Neue, Segoe UI, Roboto, Liberation Sans, Arial, sans-serif"


def dark_style(scope: str = "") -> str:
    """Return the rules that put dark colours in the place of light ones.

    Args:
        scope: A selector the chart stands in; none inside the chart's own file.
    """
    inside = f"{scope} " if scope else ""
    rules = "".join(
        f'{inside}[{paint}="{light}"]{{{paint}:{dark}}}'
        for light, dark in DARK_COLOURS.items()
        for paint in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"


def make_config() -> dict[str, object]:
    """Return the configuration every spec carries: quiet axes, no frame, room for names."""
    text = {"font": FONT, "fontSize": 12, "fill": INK}
    return {
        "background": "transparent",
        "font": FONT,
        "padding": 12,
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": INK,
            "fontSize": 16,
            "fontWeight": 600,
            "subtitleColor": SOFT,
            "subtitleFontSize": 12.5,
            "subtitlePadding": 5,
            "subtitleLineHeight": 17,
            "offset": 18,
        },
        "axis": {
            "labelColor": SOFT,
            "labelFontSize": 12,
            "labelLimit": 260,
            "labelPadding": 6,
            "labelOverlap": "greedy",
            "titleColor": SOFT,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titleLimit": 560,
            "domain": False,
            "ticks": False,
            "gridColor": RULE,
        },
        "axisX": {"titlePadding": 10, "grid": False, "domain": True, "domainColor": FAINT},
        "axisY": {
            "titleAngle": 0,
            "titleAlign": "left",
            "titleAnchor": "end",
            "titleBaseline": "bottom",
            "titleX": 0,
            "titleY": -9,
            "tickCount": 5,
        },
        "header": {
            "labelColor": INK,
            "labelFontSize": 12.5,
            "labelFontWeight": 600,
            "labelAnchor": "start",
            "labelLimit": 260,
            "labelPadding": 8,
        },
        "legend": {
            "labelColor": SOFT,
            "titleColor": SOFT,
            "titleFontWeight": "normal",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleLimit": 300,
        },
        "bar": {"color": ACCENT, "cornerRadiusEnd": 2},
        "line": {"color": ACCENT, "strokeWidth": 2.25, "strokeJoin": "round", "strokeCap": "round"},
        "point": {"color": ACCENT, "filled": True, "size": 46, "opacity": 0.8},
        "rule": {"color": SOFT},
        "text": text,
        "range": {"category": list(SERIES), "ramp": list(RAMP)},
    }
