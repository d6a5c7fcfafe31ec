"""`/v1/jobs`: submit a job, follow it, stop it, run it again, forget it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import Example

from voyant.jobs.durable.model import JobSpec, JobState
from voyant.service.auth import Analyst, Viewer
from voyant.service.parameters import (
    Cursor,
    IdempotencyKey,
    JobId,
    Limit,
    Queue,
    ServiceSettings,
    WaitSeconds,
)
from voyant.service.specs import check_spec
from voyant.service.streaming import place_to_wait, stream_events, wait_for_end
from voyant.service.views import JobList, JobView
from voyant.service.wire import ServiceRoute, describe_problems

__all__ = ["router"]

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=ServiceRoute)

_SPECS: Final[dict[str, Example]] = {
    "one upload": {
        "value": {
            "sources": {"orders": "upload:orders.csv"},
            "kpis": [{"name": "revenue", "sql": "SELECT sum(amount) FROM orders"}],
        }
    }
}
_LOCATION: Final[dict[str, Any]] = {
    "Location": {"description": "The job's address.", "schema": {"type": "string"}}
}
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"type": "string", "examples": ["generator_finished"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}
_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    status.HTTP_202_ACCEPTED: {"headers": _LOCATION}
}


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        **_ACCEPTED,
        **describe_problems(
            "forbidden",
            "source-not-allowed",
            "idempotency-key-reused",
            "too-many-jobs",
            "too-many-requests",
            has_body=True,
        ),
    },
)
async def submit_job(
    request: Request,
    response: Response,
    caller: Analyst,
    queue: Queue,
    settings: ServiceSettings,
    spec: Annotated[JobSpec, Body(openapi_examples=_SPECS)],
    idempotency_key: IdempotencyKey = None,
    wait_seconds: WaitSeconds = 0.0,
) -> JobView:
    """Keep a job and return at once; it runs when a worker is free and its turn has come."""
    with place_to_wait(request, caller.tenant_id, seconds=wait_seconds):
        await run_in_threadpool(check_spec, settings, caller.tenant_id, spec)
        job = await run_in_threadpool(
            queue.submit,
            caller.tenant_id,
            spec,
            requested_by=caller.key_id,
            idempotency_key=idempotency_key,
        )
        response.headers["Location"] = f"/v1/jobs/{job.job_id}"
        request.state.made = job.job_id
        job = await wait_for_end(request, queue, job, seconds=wait_seconds)
    return JobView.of(job)


@router.get("", responses=describe_problems("invalid-request"))
async def list_jobs(
    caller: Viewer,
    queue: Queue,
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobList:
    """List the tenant's jobs, the newest first."""
    page = await run_in_threadpool(
        queue.list, caller.tenant_id, state=state, limit=limit, cursor=cursor
    )
    return JobList(jobs=[JobView.of(job) for job in page.jobs], next_cursor=page.next_cursor)


@router.get(
    "/{job_id}", responses=describe_problems("not-found", "invalid-request", "too-many-requests")
)
async def get_job(
    request: Request, caller: Viewer, queue: Queue, job_id: JobId, wait_seconds: WaitSeconds = 0.0
) -> JobView:
    """Return a job."""
    with place_to_wait(request, caller.tenant_id, seconds=wait_seconds):
        job = await run_in_threadpool(queue.get, caller.tenant_id, job_id)
        return JobView.of(await wait_for_end(request, queue, job, seconds=wait_seconds))


@router.delete(
    "/{job_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=describe_problems("forbidden", "not-found", "conflict"),
)
async def delete_job(caller: Analyst, queue: Queue, job_id: JobId) -> None:
    """Forget a job that has ended, and remove its artifacts."""
    await run_in_threadpool(queue.delete, caller.tenant_id, job_id)


@router.post("/{job_id}/cancel", responses=describe_problems("forbidden", "not-found"))
async def cancel_job(caller: Analyst, queue: Queue, job_id: JobId) -> JobView:
    """Stop a job, or keep it from starting; nothing happens to one that has ended."""
    return JobView.of(await run_in_threadpool(queue.cancel, caller.tenant_id, job_id))


@router.post(
    "/{job_id}/retry",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        **_ACCEPTED,
        **describe_problems("forbidden", "not-found", "conflict", "too-many-jobs"),
    },
)
async def retry_job(response: Response, caller: Analyst, queue: Queue, job_id: JobId) -> JobView:
    """Run a job that failed or was cancelled again, under the same name."""
    job = await run_in_threadpool(queue.retry, caller.tenant_id, job_id, requested_by=caller.key_id)
    response.headers["Location"] = f"/v1/jobs/{job.job_id}"
    return JobView.of(job)


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={
        status.HTTP_200_OK: {
            "description": "What happens to the job, from its beginning until it ends.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        },
        status.HTTP_204_NO_CONTENT: {"description": "There is nothing more to come."},
        **describe_problems("not-found", "invalid-request", "too-many-requests"),
    },
)
async def follow_job(
    request: Request,
    caller: Viewer,
    queue: Queue,
    job_id: JobId,
    last_event_id: Annotated[
        int, Header(alias="Last-Event-ID", ge=0, le=2**31 - 1, description="Go on after it.")
    ] = 0,
) -> Response:
    """Follow a job as server-sent events; a lost connection goes on where it was."""
    return await stream_events(request, queue, caller.tenant_id, job_id, after=last_event_id)
