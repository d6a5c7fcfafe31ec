"""The shape of `charts.json`: which charts there are, what each shows and why, and from what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from voyant.artifacts.base import Artifact, ArtifactPart

__all__ = [
    "ChartEntry",
    "ChartFiles",
    "ChartKind",
    "ChartRequest",
    "ChartSource",
    "ChartsArtifact",
    "NoChart",
]

ChartKind = Literal["line", "bars", "points", "heat_map", "histogram", "multiples", "number"]

_Name = Annotated[str, Field(strict=True, min_length=1)]


class ChartRequest(ArtifactPart):
    """What a KPI's own `chart` may ask for; what it leaves out is chosen from the result."""

    kind: Literal["line", "bars", "points", "heat_map", "multiples", "number", "none"] | None = None
    x: _Name | None = None
    """The column across, or whose values name the bars."""
    y: _Name | list[_Name] | None = None
    """The column or columns that are measured."""
    series: _Name | None = None
    """The column that tells lines apart, or the second side of a heat map."""
    title: _Name | None = None
    top: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    """Bars that are shown; the others are one, or left out."""
    sort: Literal["given", "value"] | None = None
    """Keep the query's order, or put the largest first."""


class ChartFiles(ArtifactPart):
    """Where a chart lies, relative to the job's folder."""

    spec: str
    """Vega-Lite, with its data."""
    svg: str
    html: str
    """With hover and zoom; readable without scripts."""
    png: str | None
    """On request, by the setting `chart_png`."""


class ChartSource(ArtifactPart):
    """What a chart was drawn from."""

    artifact: str
    """A file of this job, `kpis.json`."""
    pointer: str
    """JSON pointer into it."""


class ChartEntry(ArtifactPart):
    """One chart."""

    name: str
    """Its files' stem; the same for the same chart in every run."""
    kind: ChartKind
    title: str
    subtitle: str
    reason: str
    """One line: why there is this chart, in this form."""
    description: str
    """What a screen reader says."""
    origin: Literal["kpi", "profile", "drift"]
    kpi: str | None
    """The KPI's name, for one of a KPI."""
    table: str | None
    columns: list[str]
    """The table's columns that it shows."""
    score: float | None
    """How much it shows, in [0, 1]; null for KPIs, which always get theirs."""
    files: ChartFiles
    sources: list[ChartSource]


class NoChart(ArtifactPart):
    """A KPI that has no chart."""

    kpi: str
    reason: str


class ChartsArtifact(Artifact):
    """`charts.json`."""

    charts: list[ChartEntry]
    """KPIs in their order, then findings, those that show most first."""
    without_chart: list[NoChart]
    max_charts: int
    """At most so many charts of findings."""
    findings_left_out: int
    """Findings that were worth a chart, but beyond `max_charts`."""
    vega_lite_version: str
