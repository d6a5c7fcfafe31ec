"""How is a job followed as it goes? Events as they happen, a sign of life between, an end.

Who follows a job, or waits for its end, holds a connection for long: a tenant may do so only so
often at the same time, so that the others find room.

Source: WHATWG HTML, section 9.2, Server-sent events.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Generator
from contextlib import ExitStack, contextmanager, nullcontext
from time import monotonic
from typing import Any, Final

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from voyant.core.errors import VoyantError
from voyant.jobs.durable.model import Job, JobEvent, JobQueue
from voyant.service.slots import Slots
from voyant.service.stopping import Stopping

__all__ = [
    "format_event",
    "most_followers",
    "place_to_wait",
    "stream_events",
    "wait_for_end",
]

#: Streams and waiting requests of one tenant at the same time.
_MOST_FOLLOWERS: Final = 32
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
    stopping: Stopping = request.app.state.stopping

    async def events() -> AsyncIterator[bytes]:
        yield f"retry: {_RETRY_MS}\n\n".encode()
        async for part in _follow(queue, tenant_id, job_id, after, stopping):
            yield part

    place = ExitStack()
    place.enter_context(_followers(request).take(tenant_id))
    return _Stream(place, events())


class _Stream(StreamingResponse):
    """A stream that gives its place back when it ends, also if nobody has read any of it."""

    def __init__(self, place: ExitStack, events: AsyncIterator[bytes]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


def most_followers() -> Slots:
    """Return what limits a tenant's streams and waiting requests."""
    return Slots(of_tenant=_MOST_FOLLOWERS, doing="follow a job or wait for its end")


def _followers(request: Request) -> Slots:
    slots: Slots = request.app.state.followers
    return slots


@contextmanager
def place_to_wait(request: Request, tenant_id: str, *, seconds: float) -> Generator[None]:
    """Have a place among the tenant's followers, if the request is to wait at all.

    It is taken before anything is done, so that a request that is refused has changed nothing.

    Raises:
        Problem: The tenant follows as many jobs as it may.
    """
    with _followers(request).take(tenant_id) if seconds else nullcontext():
        yield


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
