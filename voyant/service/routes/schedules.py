"""`/v1/schedules`: jobs that recur."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from voyant.jobs.durable.errors import UnknownScheduleError
from voyant.service.auth import Analyst, Viewer
from voyant.service.parameters import Queue, ScheduleId, ServiceSettings
from voyant.service.specs import check_spec
from voyant.service.views import NewSchedule, ScheduleChange, ScheduleList, ScheduleView
from voyant.service.wire import ServiceRoute, describe_problems

__all__ = ["router"]

router = APIRouter(prefix="/v1/schedules", tags=["schedules"], route_class=ServiceRoute)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses={
        status.HTTP_201_CREATED: {
            "headers": {
                "Location": {"description": "Its address.", "schema": {"type": "string"}},
            }
        },
        **describe_problems("forbidden", "source-not-allowed", has_body=True),
    },
)
async def add_schedule(
    request: Request,
    response: Response,
    caller: Analyst,
    queue: Queue,
    settings: ServiceSettings,
    schedule: NewSchedule,
) -> ScheduleView:
    """Keep a job that recurs."""
    await run_in_threadpool(check_spec, settings, caller.tenant_id, schedule.spec)
    made = await run_in_threadpool(
        queue.add_schedule,
        caller.tenant_id,
        name=schedule.name,
        cron=schedule.cron,
        timezone=schedule.timezone,
        spec=schedule.spec,
        requested_by=caller.key_id,
    )
    response.headers["Location"] = f"/v1/schedules/{made.schedule_id}"
    request.state.made = made.schedule_id
    return ScheduleView.of(made)


@router.get("", responses=describe_problems())
async def list_schedules(caller: Viewer, queue: Queue) -> ScheduleList:
    """List the tenant's schedules, by name."""
    found = await run_in_threadpool(queue.schedules, caller.tenant_id)
    return ScheduleList(schedules=[ScheduleView.of(schedule) for schedule in found])


@router.get("/{schedule_id}", responses=describe_problems("not-found"))
async def get_schedule(caller: Viewer, queue: Queue, schedule_id: ScheduleId) -> ScheduleView:
    """Return a schedule."""
    for schedule in await run_in_threadpool(queue.schedules, caller.tenant_id):
        if schedule.schedule_id == schedule_id:
            return ScheduleView.of(schedule)
    raise UnknownScheduleError(schedule_id)


@router.patch(
    "/{schedule_id}", responses=describe_problems("forbidden", "not-found", has_body=True)
)
async def change_schedule(
    caller: Analyst, queue: Queue, schedule_id: ScheduleId, change: ScheduleChange
) -> ScheduleView:
    """Let a schedule pause, or go on."""
    return ScheduleView.of(
        await run_in_threadpool(
            queue.enable_schedule, caller.tenant_id, schedule_id, is_enabled=change.is_enabled
        )
    )


@router.delete(
    "/{schedule_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=describe_problems("forbidden", "not-found"),
)
async def remove_schedule(caller: Analyst, queue: Queue, schedule_id: ScheduleId) -> None:
    """Forget a schedule; jobs that it has started go on."""
    await run_in_threadpool(queue.remove_schedule, caller.tenant_id, schedule_id)
