"""How does a row become a job, a schedule or an event, and how is an event written?"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, cast

import sqlalchemy as sa

from voyant.jobs.durable.database import from_us
from voyant.jobs.durable.errors import CursorError, UnknownJobError
from voyant.jobs.durable.model import Job, JobEvent, JobSpec, JobState, Schedule
from voyant.jobs.durable.schema import events, jobs, tenants

__all__ = [
    "append_event",
    "find_job",
    "lock_tenant",
    "parse_cursor",
    "spec_hash",
    "to_cursor",
    "to_event",
    "to_job",
    "to_schedule",
]

Row = sa.RowMapping

# Put together once: most requests read a job.
_FIND_JOB = sa.select(jobs).where(
    jobs.c.job_id == sa.bindparam("job_id"), jobs.c.tenant_id == sa.bindparam("tenant_id")
)
_FIND_JOB_FOR_UPDATE = _FIND_JOB.with_for_update()


def to_job(row: Row) -> Job:
    """Read a row of `voyant_jobs`."""
    return Job(
        job_id=row["job_id"],
        tenant_id=row["tenant_id"],
        state=JobState(row["state"]),
        spec=JobSpec.model_validate_json(row["spec"]),
        requested_by=row["requested_by"],
        submitted_at=from_us(int(row["submitted_us"])),
        started_at=from_us(row["started_us"]),
        finished_at=from_us(row["finished_us"]),
        attempt=row["attempt"],
        worker_id=row["worker_id"],
        generator=row["generator"],
        error=row["error"],
        schedule_id=row["schedule_id"],
        traceparent=row["traceparent"],
        is_cancelling=row["cancel_us"] is not None and row["state"] == JobState.RUNNING.value,
    )


def to_schedule(row: Row) -> Schedule:
    """Read a row of `voyant_schedules`."""
    return Schedule(
        schedule_id=row["schedule_id"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        cron=row["cron"],
        timezone=row["timezone"],
        spec=JobSpec.model_validate_json(row["spec"]),
        requested_by=row["requested_by"],
        is_enabled=bool(row["is_enabled"]),
        next_at=from_us(row["next_us"]) if row["is_enabled"] else None,
        last_job_id=row["last_job_id"],
    )


def to_event(row: Row) -> JobEvent:
    """Read a row of `voyant_events`."""
    data = cast("dict[str, Any]", json.loads(row["data"]))
    return JobEvent(
        number=row["number"], at=from_us(int(row["at_us"])), kind=row["kind"], data=data
    )


def spec_hash(spec: JobSpec) -> str:
    """Return a digest that two specs share only if they ask for the same."""
    plain = json.dumps(spec.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def find_job(
    connection: sa.Connection, tenant_id: str, job_id: str, *, for_update: bool = False
) -> Row:
    """Return a job's row.

    Raises:
        UnknownJobError: The tenant has none of that name.
    """
    query = _FIND_JOB_FOR_UPDATE if for_update else _FIND_JOB
    asked = {"job_id": job_id, "tenant_id": tenant_id}
    row = connection.execute(query, asked).mappings().first()
    if row is None:
        raise UnknownJobError(job_id)
    return row


def lock_tenant(connection: sa.Connection, tenant_id: str, now_us: int) -> Row:
    """Return a tenant's row, made if need be, locked until the transaction ends."""
    query = sa.select(tenants).where(tenants.c.tenant_id == tenant_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is not None:
        return row
    connection.execute(
        sa.text(
            "INSERT INTO voyant_tenants (tenant_id, created_us, served_us) "
            "VALUES (:tenant_id, :now_us, 0) ON CONFLICT DO NOTHING"
        ),
        {"tenant_id": tenant_id, "now_us": now_us},
    )
    return connection.execute(query).mappings().one()


def append_event(
    connection: sa.Connection, job_id: str, kind: str, at_us: int, **data: object
) -> None:
    """Write what happened to a job; the number is the job's next."""
    counted = (
        sa.update(jobs)
        .where(jobs.c.job_id == job_id)
        .values(event_count=jobs.c.event_count + 1)
        .returning(jobs.c.event_count)
    )
    number = connection.execute(counted).scalar_one()
    connection.execute(
        sa.insert(events).values(
            job_id=job_id, number=number, at_us=at_us, kind=kind, data=json.dumps(data, default=str)
        )
    )


def to_cursor(row: Row) -> str:
    """Say where a page of jobs ended."""
    plain = f"{row['submitted_us']}:{row['job_id']}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def parse_cursor(cursor: str) -> tuple[int, str]:
    """Read where a page of jobs ended.

    Raises:
        CursorError: It is none of ours.
    """
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, job_id = plain.partition(":")
        number = int(moment)
    except ValueError:
        number, job_id = -1, ""
    if not job_id or not 0 <= number < 2**63:
        raise CursorError(cursor)
    return number, job_id
