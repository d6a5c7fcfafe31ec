"""May this job be kept, and is it not one we have already?"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from voyant.artifacts.names import check_name
from voyant.core.config import Settings
from voyant.jobs.durable.database import Database, from_us
from voyant.jobs.durable.errors import IdempotencyError, QueueFullError
from voyant.jobs.durable.limits import TenantLimits, limits_of
from voyant.jobs.durable.model import Job, JobSpec, JobState
from voyant.jobs.durable.rows import find_job, lock_tenant, spec_hash, to_job
from voyant.jobs.durable.schema import events, idempotency_keys, jobs
from voyant.jobs.durable.tracing import current_request, current_traceparent
from voyant.jobs.request import new_job_id

__all__ = ["Tick", "check_room", "insert", "submit"]

_KEY_LIFETIME_US: Final = 24 * 3_600 * 1_000_000
_MAX_WAIT_SECONDS: Final = 300
_RECENT_JOBS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The moment of a schedule that a job is for; there is one job for each."""

    schedule_id: str
    at_us: int


def submit(
    database: Database,
    settings: Settings,
    tenant_id: str,
    spec: JobSpec,
    *,
    requested_by: str,
    idempotency_key: str | None = None,
) -> Job:
    """Keep a job, or return the one that its idempotency key was used for.

    Raises:
        QueueFullError: The tenant has as many jobs as it may have.
        IdempotencyError: The key was used for another job.
        UnsafeNameError: A tenant whose name could lead outside the artifact root.
    """
    check_name("tenant", tenant_id)
    digest = spec_hash(spec)
    with database.write() as connection:
        now_us = database.now_us(connection)
        tenant = lock_tenant(connection, tenant_id, now_us)
        if idempotency_key is not None:
            known = _known(connection, tenant_id, idempotency_key, digest, now_us)
            if known is not None:
                return known
        check_room(connection, tenant_id, limits_of(tenant, settings))
        job = insert(connection, tenant_id, spec, digest, requested_by, now_us)
        if idempotency_key is not None:
            connection.execute(
                sa.insert(idempotency_keys).values(
                    tenant_id=tenant_id,
                    key=idempotency_key,
                    spec_hash=digest,
                    job_id=job.job_id,
                    expires_us=now_us + _KEY_LIFETIME_US,
                )
            )
        return job


def insert(
    connection: sa.Connection,
    tenant_id: str,
    spec: JobSpec,
    digest: str,
    requested_by: str,
    now_us: int,
    tick: Tick | None = None,
) -> Job:
    """Write the row of a new job and its first event."""
    job_id = _new_name()
    connection.execute(
        sa.insert(jobs).values(
            job_id=job_id,
            tenant_id=tenant_id,
            state=JobState.QUEUED.value,
            spec=spec.model_dump_json(),
            spec_hash=digest,
            requested_by=requested_by,
            submitted_us=now_us,
            queued_us=now_us,
            schedule_id=None if tick is None else tick.schedule_id,
            tick_us=None if tick is None else tick.at_us,
            traceparent=current_traceparent(),
            event_count=1,
        )
    )
    connection.execute(
        sa.insert(events).values(
            job_id=job_id,
            number=1,
            at_us=now_us,
            kind="queued",
            data=json.dumps({"requested_by": requested_by, **asked_in()}),
        )
    )
    return Job(
        job_id=job_id,
        tenant_id=tenant_id,
        state=JobState.QUEUED,
        spec=spec,
        requested_by=requested_by,
        submitted_at=from_us(now_us),
        schedule_id=None if tick is None else tick.schedule_id,
    )


def asked_in() -> dict[str, str]:
    """Return the id of the request that asks, as a part of an event; nothing outside of one."""
    request_id = current_request.get()
    return {} if request_id is None else {"request_id": request_id}


def check_room(connection: sa.Connection, tenant_id: str, limits: TenantLimits) -> None:
    """Refuse a job that would be one too many.

    Raises:
        QueueFullError: So many wait, or the tenant's artifacts take all their room.
    """
    mine = jobs.c.tenant_id == tenant_id
    waiting = sa.select(sa.func.count()).where(mine, jobs.c.state == JobState.QUEUED.value)
    if connection.execute(waiting).scalar_one() >= limits.max_queued:
        raise QueueFullError(
            tenant_id,
            limit="queued",
            allowed=limits.max_queued,
            retry_after_seconds=_expected_wait(connection, tenant_id, limits),
        )
    if limits.max_bytes is not None:
        stored = sa.select(sa.func.coalesce(sa.func.sum(jobs.c.stored_bytes), 0)).where(mine)
        if connection.execute(stored).scalar_one() >= limits.max_bytes:
            raise QueueFullError(
                tenant_id,
                limit="bytes",
                allowed=limits.max_bytes,
                retry_after_seconds=_MAX_WAIT_SECONDS,
            )


def _expected_wait(connection: sa.Connection, tenant_id: str, limits: TenantLimits) -> int:
    """Guess in how many seconds there is room for one more, from the tenant's latest jobs."""
    latest = (
        sa.select((jobs.c.finished_us - jobs.c.started_us).label("took_us"))
        .where(
            jobs.c.tenant_id == tenant_id,
            jobs.c.finished_us.is_not(None),
            jobs.c.started_us.is_not(None),
        )
        .order_by(jobs.c.submitted_us.desc())
        .limit(_RECENT_JOBS)
        .subquery()
    )
    took_us = connection.execute(sa.select(sa.func.avg(latest.c.took_us))).scalar_one()
    seconds = float(took_us or 0) / 1_000_000 / limits.max_running
    return int(min(max(seconds, 1), _MAX_WAIT_SECONDS))


def _known(
    connection: sa.Connection, tenant_id: str, key: str, digest: str, now_us: int
) -> Job | None:
    """Return the job that a key was used for, within a day."""
    mine = (idempotency_keys.c.tenant_id == tenant_id) & (idempotency_keys.c.key == key)
    found = connection.execute(sa.select(idempotency_keys).where(mine)).mappings().first()
    if found is None:
        return None
    if found["expires_us"] <= now_us:
        connection.execute(sa.delete(idempotency_keys).where(mine))
        return None
    if found["spec_hash"] != digest:
        raise IdempotencyError(key)
    return to_job(find_job(connection, tenant_id, found["job_id"]))


def _new_name() -> str:
    """Return a name that sorts by time; 48 random bits keep those of one second apart."""
    return f"{new_job_id()}{secrets.token_hex(3)}"
