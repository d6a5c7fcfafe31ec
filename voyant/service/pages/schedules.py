"""`/schedules`: jobs that recur: see them, add one, let one pause or end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup
from starlette.datastructures import FormData

from voyant.jobs.durable.errors import ScheduleError
from voyant.jobs.durable.model import Job, Schedule
from voyant.report.format import Value, value
from voyant.report.views import Badge
from voyant.service.keys import Role
from voyant.service.pages.rendering import render
from voyant.service.pages.route import Form, PageRoute, Visitor, see_other
from voyant.service.pages.sessions import Session
from voyant.service.pages.shown import ago, job_title, shown_moment
from voyant.service.parameters import Queue, ScheduleId, ServiceSettings
from voyant.service.problems import Problem
from voyant.service.specs import check_spec

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_LONGEST: Final = 100
_COMMON: Final = (
    ("0 3 * * *", "every night at three"),
    ("0 * * * *", "every hour"),
    ("0 6 * * 1", "Mondays at six"),
    ("0 6 1 * *", "the first of each month at six"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLine:
    """A schedule."""

    address: str
    name: Value
    cron: str
    said: str
    timezone: str
    badge: Badge
    is_enabled: bool
    next_at: Markup
    next_in: str
    last_job: str | None

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleLine:
        """Show a schedule."""
        return cls(
            address=f"/schedules/{schedule.schedule_id}",
            name=value(schedule.name),
            cron=schedule.cron,
            said=dict(_COMMON).get(schedule.cron, ""),
            timezone=schedule.timezone,
            badge=Badge(status="ok", text="on")
            if schedule.is_enabled
            else Badge(status="off", text="pausing"),
            is_enabled=schedule.is_enabled,
            next_at=shown_moment(schedule.next_at if schedule.is_enabled else None),
            next_in=ago(schedule.next_at) if schedule.is_enabled else "",
            last_job=schedule.last_job_id,
        )


@router.get("/schedules")
async def list_schedules(request: Request, session: Visitor, queue: Queue) -> Response:
    """Show the schedules."""
    found = await run_in_threadpool(queue.schedules, session.caller.tenant_id)
    context = {
        "schedules": [ScheduleLine.of(schedule) for schedule in found],
        "may_change": session.caller.role.includes(Role.ANALYST),
        "form_token": session.form_token,
    }
    return render(
        request, "schedules.html.j2", context, title="Schedules - Voyant", session=session
    )


@router.get("/schedules/new")
async def new_schedule(
    request: Request, session: Visitor, queue: Queue, job: Annotated[str, Query(max_length=200)]
) -> Response:
    """Ask how often a job is to recur."""
    if not session.caller.role.includes(Role.ANALYST):
        raise Problem("forbidden", "Your key can look, and change nothing.")
    found = await run_in_threadpool(queue.get, session.caller.tenant_id, job)
    return _ask(request, session, found, {"name": "", "cron": "0 3 * * *", "timezone": "UTC"})


@router.post("/schedules")
async def add_schedule(
    request: Request, session: Visitor, form: Form, queue: Queue, settings: ServiceSettings
) -> Response:
    """Keep a job that recurs."""
    tenant = session.caller.tenant_id
    job = await run_in_threadpool(queue.get, tenant, _text(form, "job"))
    given = {key: _text(form, key) for key in ("name", "cron", "timezone")}
    if not given["name"]:
        return _ask(request, session, job, given, ["The schedule has no name."])
    try:
        await run_in_threadpool(check_spec, settings, tenant, job.spec)
        await run_in_threadpool(
            queue.add_schedule,
            tenant,
            name=given["name"],
            cron=given["cron"],
            timezone=given["timezone"] or "UTC",
            spec=job.spec,
            requested_by=session.caller.key_id,
        )
    except ScheduleError as error:
        return _ask(request, session, job, given, [str(error)])
    except Problem as problem:
        return _ask(request, session, job, given, [problem.detail])
    return see_other("/schedules")


@router.post("/schedules/{schedule_id}/pause")
async def pause_schedule(
    session: Visitor, _form: Form, queue: Queue, schedule_id: ScheduleId
) -> Response:
    """Let a schedule pause."""
    await run_in_threadpool(
        queue.enable_schedule, session.caller.tenant_id, schedule_id, is_enabled=False
    )
    return see_other("/schedules")


@router.post("/schedules/{schedule_id}/resume")
async def resume_schedule(
    session: Visitor, _form: Form, queue: Queue, schedule_id: ScheduleId
) -> Response:
    """Let a schedule go on."""
    await run_in_threadpool(
        queue.enable_schedule, session.caller.tenant_id, schedule_id, is_enabled=True
    )
    return see_other("/schedules")


@router.post("/schedules/{schedule_id}/delete")
async def delete_schedule(
    session: Visitor, _form: Form, queue: Queue, schedule_id: ScheduleId
) -> Response:
    """Forget a schedule."""
    await run_in_threadpool(queue.remove_schedule, session.caller.tenant_id, schedule_id)
    return see_other("/schedules")


def _ask(
    request: Request,
    session: Session,
    job: Job,
    given: dict[str, str],
    faults: list[str] | None = None,
) -> Response:
    context = {
        "job_id": job.job_id,
        "title": job_title(job),
        "given": given,
        "common": _COMMON,
        "faults": faults or [],
        "form_token": session.form_token,
    }
    return render(
        request,
        "new_schedule.html.j2",
        context,
        title="New schedule - Voyant",
        session=session,
        status=422 if faults else 200,
    )


def _text(form: FormData, name: str) -> str:
    found = form.get(name)
    return found.strip()[:_LONGEST] if isinstance(found, str) else ""
