"""`/kpis`: each KPI's value, and how it came to be what it is."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup
from pydantic import ValidationError

from voyant.artifacts.kpi_history import KpiEntry, KpiHistory
from voyant.artifacts.kpis import KpiResult, KpisArtifact
from voyant.core.config import Settings
from voyant.core.tables import Scalar
from voyant.jobs.durable.model import JobQueue
from voyant.jobs.durable.places import tenant_root
from voyant.report.format import Value, value
from voyant.report.index_kpis import KpiView, kpis_view
from voyant.report.svg import sparkline
from voyant.report.views import Badge, Printed
from voyant.service.pages.rendering import render
from voyant.service.pages.route import PageRoute, Visitor
from voyant.service.pages.shown import shown_moment
from voyant.service.parameters import Queue, ServiceSettings

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_JOBS: Final = 60
_MOST_BYTES: Final = 8 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiLine:
    """A KPI and its history."""

    name: Value
    description: Value | None
    figure: Printed
    unit: str
    badge: Badge | None
    target: str
    change: str
    line: Markup
    first: Markup
    last: Markup
    job: str
    told: str


@router.get("/kpis")
async def list_kpis(
    request: Request, session: Visitor, queue: Queue, settings: ServiceSettings
) -> Response:
    """Show the KPIs."""
    lines = await run_in_threadpool(_lines, settings, queue, session.caller.tenant_id)
    context = {"kpis": lines}
    return render(request, "kpis.html.j2", context, title="KPIs - Voyant", session=session)


def _lines(settings: Settings, queue: JobQueue, tenant_id: str) -> list[KpiLine]:
    history = KpiHistory(tenant_root(settings, tenant_id), tenant_id)
    points: dict[str, list[tuple[KpiEntry, Scalar]]] = {}
    for entry in reversed(history.entries(_JOBS)):
        for name, scalar in entry.values.items():
            points.setdefault(name, []).append((entry, scalar))
    latest = {name: found[-1][0].job_id for name, found in points.items()}
    read = {job_id: _artifact(queue, tenant_id, job_id) for job_id in set(latest.values())}
    return [
        _line(name, found, read[latest[name]].get(name))
        for name, found in sorted(points.items(), key=lambda item: item[0].casefold())
    ]


def _artifact(queue: JobQueue, tenant_id: str, job_id: str) -> dict[str, KpiView]:
    """Return a job's own account of its KPIs, which knows their units and targets."""
    path = queue.folder(tenant_id, job_id) / "kpis.json"
    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        artifact = KpisArtifact.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return {}
    shown = kpis_view(artifact)
    views = {str(view.anchor): view for view in (*shown.values, *shown.results)}
    kpis: Sequence[KpiResult] = artifact.kpis
    return {
        kpi.name: views[anchor]
        for place, kpi in enumerate(kpis, start=1)
        if (anchor := f"k{place}") in views
    }


def _line(name: str, points: Sequence[tuple[KpiEntry, Scalar]], view: KpiView | None) -> KpiLine:
    numbers = [_number(scalar) for _, scalar in points]
    known = [number for number in numbers if number is not None]
    newest, scalar = points[-1]
    figure = view.figure if view is not None and view.figure is not None else None
    return KpiLine(
        name=value(name) if view is None else view.title,
        description=None if view is None else view.description,
        figure=value(scalar) if figure is None else figure,
        unit="" if view is None else view.unit,
        badge=None if view is None else view.badge,
        target="" if view is None else view.target,
        change="" if view is None else view.change,
        line=sparkline(numbers, _said(known)) if len(known) > 1 else Markup(),
        first=shown_moment(points[0][0].finished_at),
        last=shown_moment(newest.finished_at),
        job=f"/jobs/{newest.job_id}",
        told="one job so far" if len(points) == 1 else f"{len(points)} jobs",
    )


def _number(scalar: Scalar) -> float | None:
    """Return what a line can be drawn through.

    >>> [_number(scalar) for scalar in (3, "2.5", True, None, "much", float("inf"))]
    [3.0, 2.5, None, None, None, None]
    """
    if scalar is None or isinstance(scalar, bool):
        return None
    try:
        number = float(scalar)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _said(numbers: Sequence[float]) -> str:
    if not numbers:
        return "no numbers"
    low, high = min(numbers), max(numbers)
    told = [json.dumps(round(number, 4)) for number in (numbers[0], numbers[-1], low, high)]
    return f"From {told[0]} to {told[1]}, lowest {told[2]}, highest {told[3]}"
