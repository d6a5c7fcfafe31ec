"""What a person sees of the charts on the report: each drawing, why it is there, where to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from voyant.artifacts.charts import ChartEntry, ChartsArtifact
from voyant.report.format import Value, plural, value, visible
from voyant.report.inline_svg import NotADrawingError, inline_svg

__all__ = ["ChartsView", "charts_view"]

#: Drawings beyond so much text are linked, not shown: the page must stay small.
_ROOM_CHARACTERS: Final = 700_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartView:
    """One chart; without a drawing it is a link."""

    title: Value
    reason: Value
    link: str
    drawing: Markup
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartsView:
    """All charts: those of KPIs, then those of findings."""

    groups: list[tuple[str, list[ChartView]]]
    linked: list[ChartView]
    left_out: str


def charts_view(artifact: ChartsArtifact, drawings: Mapping[str, str]) -> ChartsView:
    """Format the charts that show more than one number; single values stand with the KPIs.

    Args:
        artifact: Which charts there are.
        drawings: The text of each SVG file, by its path in the artifact.
    """
    room = _ROOM_CHARACTERS
    kpis: list[ChartView] = []
    findings: list[ChartView] = []
    linked: list[ChartView] = []
    for place, entry in enumerate(artifact.charts, start=1):
        if entry.kind == "number":
            continue
        view = _chart_view(f"g{place}-", entry, drawings.get(entry.files.svg, ""))
        if not view.drawing or len(view.drawing) > room:
            linked.append(view)
            continue
        room -= len(view.drawing)
        (kpis if entry.origin == "kpi" else findings).append(view)
    left_out = artifact.findings_left_out
    return ChartsView(
        groups=[
            (title, views)
            for title, views in (("Found in the data", findings), ("From the KPIs", kpis))
            if views
        ],
        linked=linked,
        left_out=f"{plural(left_out, 'weaker finding')} not drawn." if left_out else "",
    )


def _chart_view(prefix: str, entry: ChartEntry, text: str) -> ChartView:
    drawing = Markup()
    if text:
        try:
            drawing = inline_svg(text, prefix, entry.description)
        except NotADrawingError:
            drawing = Markup()
    return ChartView(
        title=value(entry.title, length=100),
        reason=value(entry.reason, length=300),
        link=quote(entry.files.html),
        drawing=drawing,
        label=visible(entry.title),
    )
