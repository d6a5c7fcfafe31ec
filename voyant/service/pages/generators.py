"""`/generators`: what runs in a job, what is switched off, by whom and why."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from voyant.core.config import Settings
from voyant.core.plan import PlannedStep
from voyant.core.plugin_registry import default_registry
from voyant.report.format import Value, duration, value
from voyant.report.views import Badge
from voyant.service.pages.rendering import render
from voyant.service.pages.route import PageRoute, Visitor
from voyant.service.parameters import ServiceSettings

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorLine:
    """A generator, and how its switch stands."""

    order: str
    name: Value
    description: str
    kind: str
    origin: Value | None
    badge: Badge
    flag: Value | None
    decided: str
    reason: Value | None
    requires: str
    limits: str


@router.get("/generators")
async def list_generators(
    request: Request, session: Visitor, settings: ServiceSettings
) -> Response:
    """Show the generators, in the order they run."""
    lines = await run_in_threadpool(_lines, settings)
    context = {
        "generators": lines,
        "off_count": sum(line.badge.status == "off" for line in lines),
    }
    return render(
        request, "generators.html.j2", context, title="Generators - Voyant", session=session
    )


def _lines(settings: Settings) -> list[GeneratorLine]:
    default_registry.load_plugins(settings)
    return [_line(step) for step in default_registry.plan({}, settings).steps]


def _line(step: PlannedStep) -> GeneratorLine:
    definition, gate = step.definition, step.gate
    runs = not step.skip_reason
    origin = definition.origin
    return GeneratorLine(
        order=str(definition.order),
        name=value(definition.name),
        description=definition.description,
        kind="core" if definition.is_core else "extended",
        origin=None if origin is None else value(origin.distribution or origin.plugin),
        badge=Badge(status="ok", text="on") if runs else Badge(status="off", text="off"),
        flag=None if definition.feature_flag is None else value(definition.feature_flag),
        decided="" if gate is None else gate.source,
        reason=value(step.skip_reason, length=200) if step.skip_reason else None,
        requires=", ".join(definition.requires),
        limits=""
        if definition.timeout_seconds is None
        else f"{duration(definition.timeout_seconds)} at most",
    )
