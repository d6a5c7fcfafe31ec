"""How do jobs, plans and rows become answers of a size that an agent can hold?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from voyant.artifacts.manifest import GeneratorEntry, Manifest
from voyant.core.plan import Plan
from voyant.core.tables import QueryResult, Scalar
from voyant.jobs.durable.model import Job, JobEvent, JobState
from voyant.mcp.answers import (
    ArtifactFacts,
    ColumnFacts,
    GeneratorFacts,
    GeneratorList,
    JobFacts,
    QueryAnswer,
    StepFacts,
)
from voyant.mcp.desk import Desk, NotFinishedError
from voyant.mcp.reading import read_manifest
from voyant.stats.masking import mask_value

__all__ = ["tell_generators", "tell_job", "tell_rows"]

_NARRATIVE: Final = "narrative.md"
_NARRATIVE_CHARACTERS: Final = 6_000
_ARTIFACTS_LISTED: Final = 500


def tell_generators(plan: Plan) -> GeneratorList:
    """Tell of the generators of a plan."""
    return GeneratorList(
        generators=[
            GeneratorFacts(
                name=step.definition.name,
                description=step.definition.description,
                order=step.definition.order,
                is_core=step.definition.is_core,
                runs=not step.skip_reason,
                reason=step.skip_reason or ("" if step.gate is None else step.gate.reason),
                flag=step.definition.feature_flag,
                requires=list(step.definition.requires),
                produces=list(step.definition.produces),
            )
            for step in plan.steps
        ]
    )


def tell_job(desk: Desk, job_id: str) -> JobFacts:
    """Tell how a job goes, and what it has made."""
    job = desk.job(job_id)
    steps, artifacts, narrative = _steps(desk.events(job_id, 0)), list[ArtifactFacts](), ""
    if job.state.is_final:
        folder = desk.folder(job_id)
        try:
            manifest = read_manifest(folder)
        except NotFinishedError:
            pass
        else:
            steps = [_step(entry) for entry in manifest.generators]
            artifacts = _artifacts(manifest)
            narrative = _narrative(folder, artifacts)
    return JobFacts(
        job_id=job.job_id,
        state=job.state.value,
        submitted_at=job.submitted_at,
        finished_at=job.finished_at,
        error=_error(job),
        steps=steps,
        artifacts=artifacts,
        narrative=narrative,
    )


def tell_rows(result: QueryResult, most_rows: int, most_characters: int) -> QueryAnswer:
    """Tell what a query gave, with what looks personal masked, in so many rows and characters."""
    rows: list[list[Scalar]] = []
    characters = masked = 0
    for row in result.rows[:most_rows]:
        cells = [mask_value(cell) for cell in row]
        characters += len(json.dumps(cells, ensure_ascii=False))
        if characters > most_characters:
            break
        masked += sum(new is not old and new != old for new, old in zip(cells, row, strict=True))
        rows.append(cells)
    return QueryAnswer(
        columns=[ColumnFacts(name=column.name, type=column.type) for column in result.columns],
        rows=rows,
        is_truncated=result.truncated or len(rows) < len(result.rows),
        masked_count=masked,
    )


def _error(job: Job) -> str:
    return (job.error or "") if job.state is JobState.FAILED else ""


def _step(entry: GeneratorEntry) -> StepFacts:
    return StepFacts(
        name=entry.name,
        status=entry.status,
        reason=entry.error or entry.reason or "",
        duration_ms=entry.duration_ms,
    )


def _steps(events: Sequence[JobEvent]) -> list[StepFacts]:
    """Tell from a job's events what its generators have done so far."""
    steps: dict[str, StepFacts] = {}
    for event in events:
        name = event.data.get("generator")
        if not isinstance(name, str):
            continue
        if event.kind == "generator_started":
            steps[name] = StepFacts(name=name, status="running", reason="", duration_ms=None)
        elif event.kind == "generator_skipped":
            reason = str(event.data.get("reason") or "")
            steps[name] = StepFacts(name=name, status="skipped", reason=reason, duration_ms=None)
        elif event.kind in {"generator_finished", "generator_kept"}:
            duration = event.data.get("duration_ms")
            steps[name] = StepFacts(
                name=name,
                status="failed" if event.data.get("status") == "failed" else "ok",
                reason=str(event.data.get("error") or ""),
                duration_ms=duration if isinstance(duration, (int, float)) else None,
            )
    return list(steps.values())


def _artifacts(manifest: Manifest) -> list[ArtifactFacts]:
    return [
        ArtifactFacts(path=it.path, media_type=it.media_type, size_bytes=it.size_bytes)
        for it in manifest.artifacts[:_ARTIFACTS_LISTED]
    ]


def _narrative(folder: Path, artifacts: Sequence[ArtifactFacts]) -> str:
    if not any(it.path == _NARRATIVE for it in artifacts):
        return ""
    try:
        text = (folder / _NARRATIVE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text if len(text) <= _NARRATIVE_CHARACTERS else text[:_NARRATIVE_CHARACTERS] + " ..."
