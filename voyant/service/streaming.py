"""How is a job followed as it goes? Events as they happen, a sign of life between, an end.

Source: WHATWG HTML, section 9.2, Server-sent events.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any, Final

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from voyant.core.errors import VoyantError
from voyant.jobs.durable.model import Job, JobEvent, JobQueue
from voyant.service.problems import Problem
from voyant.service.stopping import Stopping

__all__ = ["MOST_STREAMS", "format_event", "stream_events", "wait_for_end"]

#: Streams of one tenant at the same time.
MOST_STREAMS: Final = 32
_POLL_SECONDS: Final = 0.25
_SLOWEST_POLL_SECONDS: Final = 2.0
_FIRST_PAUSE_SECONDS: Final = 0.05
_HEARTBEAT_SECONDS: Final = 15.0
#: A client asks again after this many milliseconds when the connection was lost.
_RETRY_MS: Final = 2_000


async def stream_events(
    request: Request, queue: JobQueue, tenant_id: str, job_id: str, *, after: int
) -> Response:
    """Answer with what happens to a job; 204, which ends a client's asking, if nothing will.

    Args:
        request: Who follows.
        queue: Where jobs are kept.
        tenant_id: Whose job it is.
        job_id: The job.
        after: The number of the last event that is known already.

    Raises:
        Problem: The tenant follows as many jobs as it may.
        UnknownJobError: The tenant has no such job.
    """
    job = await run_in_threadpool(queue.get, tenant_id, job_id)
    first = await run_in_threadpool(queue.events, tenant_id, job_id, after=after)
    if job.state.is_final and not first:
        return Response(status_code=204)
    streams: Counter[str] = request.app.state.streams
    if streams[tenant_id] >= MOST_STREAMS:
        raise Problem(
            "too-many-requests",
            f"The tenant follows {MOST_STREAMS} jobs already.",
            headers={"Retry-After": "5"},
        )
    stopping: Stopping = request.app.state.stopping

    async def events() -> AsyncIterator[bytes]:
        streams[tenant_id] += 1
        try:
            yield f"retry: {_RETRY_MS}\n\n".encode()
            async for part in _follow(queue, tenant_id, job_id, after, stopping):
                yield part
        finally:
            streams[tenant_id] -= 1

    return StreamingResponse(
        events(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def wait_for_end(request: Request, queue: JobQueue, job: Job, *, seconds: float) -> Job:
    """Return a job once it has ended, or as it is when the time is up or the service stops.

    Raises:
        UnknownJobError: It was deleted meanwhile.
    """
    stopping: Stopping = request.app.state.stopping
    until, pause = monotonic() + seconds, _FIRST_PAUSE_SECONDS
    while not job.state.is_final and (left := until - monotonic()) > 0:
        if await stopping.within(min(pause, left)):
            return job
        pause = min(pause * 1.2, _SLOWEST_POLL_SECONDS)
        job = await run_in_threadpool(queue.get, job.tenant_id, job.job_id)
    return job


async def _follow(
    queue: JobQueue, tenant_id: str, job_id: str, after: int, stopping: Stopping
) -> AsyncIterator[bytes]:
    """Yield events until the job has ended, was deleted, or the service stops."""
    wait, last_sign = _POLL_SECONDS, monotonic()
    while True:
        try:
            # In this order: what happened before the end is read after the end was seen.
            job = await run_in_threadpool(queue.get, tenant_id, job_id)
            found = await run_in_threadpool(queue.events, tenant_id, job_id, after=after)
        except VoyantError:  # deleted, or the database is away: the client will ask again
            return
        for event in found:
            after = event.number
            yield format_event(event)
        if job.state.is_final:
            return
        if found:
            wait, last_sign = _POLL_SECONDS, monotonic()
        elif monotonic() - last_sign >= _HEARTBEAT_SECONDS:
            last_sign = monotonic()
            yield b": still here\n\n"
        if await stopping.within(wait):
            return
        wait = min(wait * 1.2, _SLOWEST_POLL_SECONDS)


def format_event(event: JobEvent) -> bytes:
    """Write an event as it goes over the wire."""
    data: dict[str, Any] = {"at": event.at.isoformat(), **event.data}
    text = json.dumps(data, default=str)
    return f"id: {event.number}\nevent: {event.kind}\ndata: {text}\n\n".encode()
