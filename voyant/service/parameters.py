"""What do the parts of an address and the query mean, and which are none?"""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Request

from voyant.core.config import Settings
from voyant.jobs.durable.queue import DatabaseQueue
from voyant.service.problems import Problem

__all__ = [
    "Cursor",
    "IdempotencyKey",
    "JobId",
    "Limit",
    "Queue",
    "ScheduleId",
    "ServiceSettings",
    "WaitSeconds",
]

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_IDEMPOTENCY_KEY: Final = r"^[!-~]{1,255}$"


def _known_shape(value: str) -> str:
    """Answer 404 to what can be nothing's id, before a database is asked."""
    if not _ID.fullmatch(value):
        raise Problem("not-found")
    return value


async def _job_id(
    job_id: Annotated[str, Path(description="A job.", examples=["20260331-141503-9f3a1c"])],
) -> str:
    return _known_shape(job_id)


async def _schedule_id(schedule_id: Annotated[str, Path(description="A schedule.")]) -> str:
    return _known_shape(schedule_id)


async def _queue(request: Request) -> DatabaseQueue:
    queue: DatabaseQueue = request.app.state.queue
    return queue


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


JobId = Annotated[str, Depends(_job_id)]
ScheduleId = Annotated[str, Depends(_schedule_id)]
Queue = Annotated[DatabaseQueue, Depends(_queue)]
ServiceSettings = Annotated[Settings, Depends(_settings)]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=300, pattern=r"^[A-Za-z0-9_-]+$", description="`next_cursor` of a page."),
]
WaitSeconds = Annotated[
    float,
    Query(ge=0, le=60, description="Answer only once the job has ended, or so much later."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=_IDEMPOTENCY_KEY,
        description="Repeating a request with the same key within a day finds the job it made.",
        examples=["2f6c1f0e-orders-2026-03-31"],
    ),
]
