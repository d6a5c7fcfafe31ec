"""Which charts does a job get: one for each KPI, and what stands out most in its tables?"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import Field, TypeAdapter

from voyant.artifacts.charts import (
    ChartEntry,
    ChartFiles,
    ChartKind,
    ChartsArtifact,
    ChartSource,
    NoChart,
)
from voyant.artifacts.kpis import KpiResult, KpisArtifact
from voyant.artifacts.pointers import make_pointer
from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register
from voyant.core.tables import Association
from voyant.generators.chart_choice import draw_kpi
from voyant.generators.chart_drift import find_drift
from voyant.generators.chart_findings import Finding, choose_findings, find_in_table
from voyant.report.chart_page import BUNDLE_NAME, render_chart
from voyant.report.drawer import Drawer, drawing
from voyant.report.vega import Drawing
from voyant.report.vega_render import (
    VEGA_LITE_VERSION,
    finish_svg,
    script_bundle,
    svg_file,
)

__all__ = [
    "ChartParameters",
    "PlannedChart",
    "chart_names",
    "compute",
    "generate_charts",
    "plan_kpi_charts",
]

_FOLDER = "charts"
_LONGEST_NAME = 60
_HASH_DIGITS = 6
_JSON = TypeAdapter[object](object)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChart:
    """A chart that is to be written; `label` is what its name is made from."""

    label: str
    drawing: Drawing
    reason: str
    origin: Literal["kpi", "profile", "drift"]
    sources: Sequence[ChartSource] = ()
    kpi: KpiResult | None = None
    table: str | None = None
    columns: Sequence[str] = ()
    score: float | None = None


def chart_names(labels: Sequence[str]) -> list[str]:
    """Make file names: letters, digits and dashes; alike ones get a mark of what they were made of.

    >>> chart_names(["delay_by_hour", "Größe (%)", "a b", "a-b", "con", "../x"])
    ['delay_by_hour', 'grosse', 'a-b-c8687a', 'a-b-d44362', 'chart-con', 'x']
    """
    slugs = [_slug(label) for label in labels]
    often = Counter(slugs)
    names = [
        slug if often[slug] == 1 else f"{slug}-{_mark(label)}"
        for slug, label in zip(slugs, labels, strict=True)
    ]
    again = Counter(names)
    return [name if again[name] == 1 else f"{name}-{place}" for place, name in enumerate(names, 1)]


def _slug(label: str) -> str:
    plain = unicodedata.normalize("NFKD", label.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:_LONGEST_NAME].strip("-_")
    is_taken = re.fullmatch(r"con|prn|aux|nul|(com|lpt)\d|vega-bundle|index", slug)
    return f"chart-{slug}".strip("-") if is_taken or not slug else slug


def _mark(label: str) -> str:
    return hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]


def compute(
    planned: Sequence[PlannedChart],
    without_chart: Sequence[NoChart],
    *,
    max_charts: int,
    findings_left_out: int,
    has_png: bool,
) -> ChartsArtifact:
    """Name the charts and make the index of them."""
    names = chart_names([chart.label for chart in planned])
    return ChartsArtifact(
        charts=[
            _entry(chart, name, has_png=has_png) for chart, name in zip(planned, names, strict=True)
        ],
        without_chart=list(without_chart),
        max_charts=max_charts,
        findings_left_out=findings_left_out,
        vega_lite_version=VEGA_LITE_VERSION,
    )


def _entry(chart: PlannedChart, name: str, *, has_png: bool) -> ChartEntry:
    stem = f"{_FOLDER}/{name}"
    return ChartEntry(
        name=name,
        kind=cast("ChartKind", chart.drawing.kind),
        title=chart.drawing.heading.title,
        subtitle=chart.drawing.heading.subtitle,
        reason=chart.reason,
        description=chart.drawing.description,
        origin=chart.origin,
        kpi=chart.kpi.name if chart.kpi else None,
        table=chart.table,
        columns=list(chart.columns),
        score=None if chart.score is None else round(chart.score, 4),
        files=ChartFiles(
            spec=f"{stem}.json",
            svg=f"{stem}.svg",
            html=f"{stem}.html",
            png=f"{stem}.png" if has_png else None,
        ),
        sources=list(chart.sources),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartParameters:
    """What `[generators.charts]` can set; the settings of the same meaning hold otherwise.

    Attributes:
        max_charts: Findings that are drawn, beside the KPIs.
        png: Whether each chart is written as PNG too.
    """

    max_charts: Annotated[int, Field(ge=0)] | None = None
    png: bool | None = None


@register(
    "charts",
    is_core=False,
    feature_flag="enable_charts",
    order=60,
    produces=("charts", "charts_script"),
    parameters=ChartParameters,
)
def generate_charts(ctx: GeneratorContext) -> ArtifactResult:
    """Draw the KPIs and what stands out in the tables, as Vega-Lite, SVG and pages."""
    max_charts, has_png = _limits(ctx)
    planned, without = list[PlannedChart](), list[NoChart]()
    if "kpis" in ctx.artifacts:  # without that file there are no KPIs to draw
        planned, without = plan_kpi_charts(KpisArtifact.model_validate(ctx.read_json("kpis")))
    with drawing() as drawer:
        for chart in planned:  # drawn while the tables are asked for what else is to be drawn
            drawer.begin(chart.drawing.spec)
        found = _findings(ctx) if max_charts else []
        for finding, score in choose_findings(found, max_charts):
            planned.append(_planned_finding(finding, score))
            drawer.begin(planned[-1].drawing.spec)
        artifact = compute(
            planned,
            without,
            max_charts=max_charts,
            findings_left_out=max(len(found) - max_charts, 0),
            has_png=has_png,
        )
        made = {"charts": ctx.write_json("charts.json", artifact)}
        for chart, entry in zip(planned, artifact.charts, strict=True):
            made |= _write(ctx, chart, entry, drawer)
    if planned:
        made["charts_script"] = ctx.write_text(f"{_FOLDER}/{BUNDLE_NAME}", script_bundle())
    return made


def _limits(ctx: GeneratorContext) -> tuple[int, bool]:
    """Return how many findings to draw, and whether as PNG too: own parameters, then settings."""
    given = cast("ChartParameters | None", ctx.parameters) or ChartParameters()
    most, png = given.max_charts, given.png
    return (
        cast("int", ctx.setting("max_charts")) if most is None else most,
        bool(ctx.setting("chart_png")) if png is None else png,
    )


def plan_kpi_charts(kpis: KpisArtifact) -> tuple[list[PlannedChart], list[NoChart]]:
    """Choose a chart for each KPI, or say why it has none."""
    planned, without = list[PlannedChart](), list[NoChart]()
    for place, kpi in enumerate(kpis.kpis):
        choice = draw_kpi(kpi)
        if choice.drawing is None:
            without.append(NoChart(kpi=kpi.name, reason=choice.reason))
            continue
        source = ChartSource(artifact="kpis.json", pointer=f"/kpis/{place}")
        planned.append(
            PlannedChart(
                label=kpi.name,
                drawing=choice.drawing,
                reason=choice.reason,
                origin="kpi",
                sources=[source],
                kpi=kpi,
            )
        )
    return planned, without


def _findings(ctx: GeneratorContext) -> list[Finding]:
    profile: dict[str, Any] = {}
    if "profile" in ctx.artifacts:
        profile = ctx.read_json("profile")["tables"]
    found = find_drift(ctx.read_json("drift")) if "drift" in ctx.artifacts else []
    for name in ctx.tables:
        known = _associations(profile[name]) if name in profile else None
        found += find_in_table(ctx.engine, ctx.summary(name), known)
    return found


def _associations(table: Mapping[str, Any]) -> list[Association]:  # JSON
    return [
        Association(
            left=entry["left"],
            right=entry["right"],
            method="pearson",
            value=entry["value"],
            row_count=entry["row_count"],
        )
        for entry in table["correlations"]["pearson"]
    ]


def _planned_finding(finding: Finding, score: float) -> PlannedChart:
    sources = [
        ChartSource(
            artifact="profile.json", pointer=make_pointer("tables", finding.table, "columns", c)
        )
        for c in finding.columns
    ]
    if finding.pointer:
        sources = [ChartSource(artifact=finding.artifact, pointer=finding.pointer)]
    return PlannedChart(
        label="-".join((finding.table, *finding.columns, finding.kind)),
        drawing=finding.draw(),
        reason=finding.reason,
        origin="drift" if finding.kind == "drift" else "profile",
        sources=sources,
        table=finding.table,
        columns=finding.columns,
        score=score,
    )


def _write(
    ctx: GeneratorContext, chart: PlannedChart, entry: ChartEntry, drawer: Drawer
) -> dict[str, str]:
    svg = finish_svg(drawer.svg(chart.drawing.spec), chart.drawing.description, entry.name)
    sql = chart.kpi.sql.strip() if chart.kpi else ""
    spec = _JSON.dump_json(chart.drawing.spec, indent=1).decode()
    files = entry.files
    made = {
        f"chart:{entry.name}.json": ctx.write_text(files.spec, f"{spec}\n"),
        f"chart:{entry.name}.svg": ctx.write_text(files.svg, svg_file(svg)),
        f"chart:{entry.name}.html": ctx.write_text(
            files.html, render_chart(entry, chart.drawing, svg, sql=sql)
        ),
    }
    if files.png is not None:
        made[f"chart:{entry.name}.png"] = ctx.write_bytes(files.png, drawer.png(chart.drawing.spec))
    return made
