"""The page people read: everything earlier generators found, on one `index.html`."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from voyant import __version__
from voyant.artifacts.charts import ChartsArtifact
from voyant.artifacts.drift import DriftArtifact
from voyant.artifacts.kpis import KpisArtifact
from voyant.artifacts.narrative import NarrativeArtifact
from voyant.artifacts.profile import ProfileArtifact
from voyant.artifacts.quality import QualityArtifact
from voyant.artifacts.sufficiency import SufficiencyArtifact
from voyant.core.context import GeneratorContext
from voyant.core.engine import Engine
from voyant.core.plugin_registry import register
from voyant.core.results import ArtifactResult, StepReport
from voyant.report.run_report import RunReport

__all__ = ["generate_report"]

#: Section of the page -> the generator that makes what it shows.
_GENERATORS: Final = {
    "tables": "profile",
    "kpis": "kpi",
    "sufficiency": "sufficiency",
    "quality": "quality",
    "drift": "drift",
    "charts": "charts",
    "narrative": "narrative",
}

_M = TypeVar("_M", bound=BaseModel)


@register("report", feature_flag="enable_report", order=90, produces=("report",))
def generate_report(ctx: GeneratorContext) -> ArtifactResult:
    """Tie the run together on one page, with whatever artifacts there are."""
    from voyant.report.index_page import render_index  # noqa: PLC0415 - templates cost 100 ms

    return {"report": ctx.write_text("index.html", render_index(_collect(ctx)))}


def _collect(ctx: GeneratorContext) -> RunReport:
    """Read what earlier generators wrote, and say of the rest why it is not there."""
    absent = {section: _absence(ctx.steps, name) for section, name in _GENERATORS.items()}
    opened = ctx.opened("engine")
    engine = opened if isinstance(opened, Engine) else None
    charts = _read(ctx, "charts", "charts", ChartsArtifact, absent)
    return RunReport(
        as_of=ctx.as_of,
        version=__version__,
        engine="" if engine is None else engine.name,
        tables=() if engine is None else engine.tables(),
        profile=_read(ctx, "profile", "tables", ProfileArtifact, absent),
        kpis=_read(ctx, "kpis", "kpis", KpisArtifact, absent),
        sufficiency=_read(ctx, "sufficiency", "sufficiency", SufficiencyArtifact, absent),
        quality=_read(ctx, "quality", "quality", QualityArtifact, absent),
        drift=_read(ctx, "drift", "drift", DriftArtifact, absent),
        charts=charts,
        drawings=_drawings(charts, ctx.folder),
        narrative=_read(ctx, "narrative", "narrative", NarrativeArtifact, absent),
        absent=absent,
        steps=[replace(step, artifacts=_names(step, ctx.folder)) for step in ctx.steps],
    )


def _names(step: StepReport, folder: Path) -> tuple[str, ...]:
    """Name a generator's files as seen from the page; what lies outside the folder has no link."""
    paths = [Path(path).resolve() for path in step.artifacts]
    return tuple(
        path.relative_to(folder).as_posix() for path in paths if path.is_relative_to(folder)
    )


def _drawings(charts: ChartsArtifact | None, folder: Path) -> dict[str, str]:
    """Read the charts' SVG files; one that is not there leaves a link to its page."""
    found: dict[str, str] = {}
    for chart in () if charts is None else charts.charts:
        path = (folder / chart.files.svg).resolve()
        if path.is_relative_to(folder):
            with contextlib.suppress(OSError, UnicodeError):
                found[chart.files.svg] = path.read_text(encoding="utf-8")
    return found


def _read(
    ctx: GeneratorContext, key: str, section: str, model: type[_M], absent: dict[str, str]
) -> _M | None:
    """Read an artifact; one that is not as its model says is absent, with the reason."""
    path = ctx.artifacts.get(key)
    if path is None:
        return None
    try:
        return model.model_validate_json(Path(path).read_bytes())
    except ValidationError as error:
        absent[section] = f"{Path(path).name} is not as expected: {error.error_count()} faults."
    except OSError as error:
        absent[section] = f"{Path(path).name} cannot be read: {error.strerror}."
    return None


def _absence(steps: tuple[StepReport, ...], name: str) -> str:
    """Say why a generator's artifacts are not there."""
    step = next((step for step in steps if step.name == name), None)
    if step is None:
        return f"No generator called {name!r} ran before this page was made."
    if step.status == "skipped":
        return f"The generator {name!r} was skipped: {step.reason}."
    if step.status == "failed":
        return f"The generator {name!r} failed: {step.reason}"
    return f"The generator {name!r} made nothing that this page can show."
