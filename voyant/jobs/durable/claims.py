"""Which job is next, and may this worker still write what it is about to write?

A claim is a job, a worker's life and an attempt number. The number rises whenever somebody else
takes the job over, so every write of a claim asks for it (fencing): a worker that was frozen for an
hour and goes on as if nothing had happened changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, cast

import sqlalchemy as sa

from voyant.core.config import Settings
from voyant.jobs.durable.database import Lock
from voyant.jobs.durable.lease import LeaseLostError, WorkerLease, is_dead
from voyant.jobs.durable.limits import TenantLimits, limits_of
from voyant.jobs.durable.model import Job, JobState
from voyant.jobs.durable.places import StagedJob, tenant_root
from voyant.jobs.durable.rows import Row, append_event, to_job
from voyant.jobs.durable.schema import events, jobs, tenants, workers

__all__ = ["Claim", "claim_next"]

_RUNNING: Final = JobState.RUNNING.value
_QUEUED: Final = JobState.QUEUED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to do a job, until somebody else has it.

    Attributes:
        job: As it was when it was claimed; its `attempt` is the fence.
        round: How often the job was asked for: a retry begins from nothing.
        first_attempt: The number of the round's first attempt.
        limits: What its tenant may have.
    """

    lease: WorkerLease
    job: Job
    round: int
    first_attempt: int
    limits: TenantLimits

    @property
    def workflow_id(self) -> str:
        """The name of this attempt's workflow."""
        return self.workflow_of(self.job.attempt)

    @property
    def previous_workflow_id(self) -> str | None:
        """The name of the workflow of the attempt before, None for the first."""
        before = self.job.attempt - 1
        return None if before < self.first_attempt else self.workflow_of(before)

    def workflow_of(self, attempt: int) -> str:
        """Return the name of an attempt's workflow."""
        return f"{self.job.job_id}.{attempt}"

    @contextmanager
    def fenced(self) -> Generator[tuple[sa.Connection, int]]:
        """Give a transaction in which the job is still ours, and the time.

        Raises:
            LeaseLostError: It is not.
        """
        database = self.lease.database
        with database.write() as connection:
            query = sa.select(jobs.c.job_id).where(self._is_mine()).with_for_update()
            if connection.execute(query).first() is None:
                raise LeaseLostError
            self.lease.check(connection)
            yield connection, database.now_us(connection)

    def is_cancelled(self) -> bool:
        """Tell whether somebody asked to stop the job.

        Raises:
            LeaseLostError: It is not ours any more.
        """
        with self.lease.database.read() as connection:
            row = connection.execute(sa.select(jobs.c.cancel_us).where(self._is_mine())).first()
        if row is None:
            raise LeaseLostError
        return row[0] is not None

    def request_id(self) -> str | None:
        """Return the request in which the job was last asked for; None if it was in none."""
        mine = (events.c.job_id == self.job.job_id) & (events.c.kind == "queued")
        query = sa.select(events.c.data).where(mine).order_by(events.c.number.desc())
        with self.lease.database.read() as connection:
            for text in connection.execute(query).scalars():
                data = cast("dict[str, str]", json.loads(text))
                if "requested_by" in data:  # else it was put back, which nobody asked for
                    return data.get("request_id")
        return None

    def note(self, kind: str, *, generator: str | None, **data: object) -> None:
        """Write what the job is doing.

        Raises:
            LeaseLostError: It is not ours any more.
        """
        job_id = self.job.job_id
        with self.fenced() as (connection, now_us):
            if kind == "generator_started":
                connection.execute(
                    sa.update(jobs).where(jobs.c.job_id == job_id).values(generator=generator)
                )
            if generator is not None:
                data = {"generator": generator, **data}
            append_event(connection, job_id, kind, now_us, **data)

    def finish(self, state: JobState, error: str | None, stored_bytes: int) -> None:
        """Write the job's end.

        Raises:
            LeaseLostError: It is not ours any more.
        """
        with self.fenced() as (connection, now_us):
            _finish(connection, self.job.job_id, state, error, now_us, stored_bytes)

    def put_back(self, reason: str, *, is_free: bool) -> None:
        """Let another worker have the job.

        Args:
            reason: Why, for the event.
            is_free: Whether this attempt does not count against `job_max_attempts`.

        Raises:
            LeaseLostError: It is not ours any more.
        """
        job_id = self.job.job_id
        with self.fenced() as (connection, now_us):
            connection.execute(
                sa.update(jobs)
                .where(jobs.c.job_id == job_id)
                .values(
                    state=_QUEUED, generator=None, released=jobs.c.released + (1 if is_free else 0)
                )
            )
            append_event(connection, job_id, "queued", now_us, reason=reason)

    def _is_mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(
            jobs.c.job_id == self.job.job_id,
            jobs.c.state == _RUNNING,
            jobs.c.attempt == self.job.attempt,
            jobs.c.worker_token == self.lease.token,
        )


def claim_next(lease: WorkerLease, settings: Settings) -> Claim | None:
    """Claim the job of a dead worker, else the next of the tenant that was served longest ago.

    Raises:
        LeaseLostError: This worker is taken for dead itself.
    """
    if not _is_work(lease):
        return None
    with lease.database.write(Lock.CLAIM) as connection:
        lease.check(connection)
        now_us = lease.database.now_us(connection)
        orphan = _orphan(connection, settings, now_us)
        if orphan is not None:
            return _take(connection, lease, settings, orphan, now_us)
        while (waiting := _fair(connection, settings)) is not None:
            if not _give_up(connection, settings, waiting, now_us):
                return _take(connection, lease, settings, waiting, now_us)
        return None


def _is_work(lease: WorkerLease) -> bool:
    """Look, without a lock, whether there may be something to do."""
    query = sa.select(jobs.c.job_id).where(jobs.c.state.in_([_QUEUED, _RUNNING])).limit(1)
    with lease.database.read() as connection:
        return connection.execute(query).first() is not None


def _orphan(connection: sa.Connection, settings: Settings, now_us: int) -> Row | None:
    """Return a running job whose worker is dead; end those for which there is no more to do."""
    query = (
        sa.select(jobs, workers.c.lease_us, workers.c.host, workers.c.pid, workers.c.process_start)
        .select_from(
            jobs.outerjoin(
                workers,
                (workers.c.worker_id == jobs.c.worker_id)
                & (workers.c.token == jobs.c.worker_token),
            )
        )
        .where(jobs.c.state == _RUNNING)
        .order_by(jobs.c.started_us)
        .with_for_update(of=jobs, skip_locked=True)
    )
    for row in connection.execute(query).mappings().all():
        if row["lease_us"] is not None:
            if not is_dead(row, now_us):
                continue
            connection.execute(  # if it is only asleep, it finds this when it wakes up
                sa.update(workers).where(workers.c.token == row["worker_token"]).values(lease_us=0)
            )
        if row["cancel_us"] is not None:
            _discard(settings, row)
            _finish(connection, row["job_id"], JobState.CANCELLED, None, now_us)
        elif not _give_up(connection, settings, row, now_us):
            return row
    return None


def _give_up(connection: sa.Connection, settings: Settings, row: Row, now_us: int) -> bool:
    """End a job that has been tried so often that it may be what kills its workers."""
    tried = row["attempt"] - row["attempts_before"] - row["released"]
    if tried < settings.job_max_attempts:
        return False
    error = f"Its worker died {tried} times; it is not started again."
    if row["generator"] is not None:
        error = (
            f"Its worker died {tried} times, the last time in generator {row['generator']!r}; "
            "it is not started again."
        )
    _discard(settings, row)
    _finish(connection, row["job_id"], JobState.FAILED, error, now_us)
    return True


def _discard(settings: Settings, row: Row) -> None:
    """Remove what the attempts at a job have left that nobody is to take up."""
    StagedJob(
        tenant_root=tenant_root(settings, row["tenant_id"]),
        job_id=row["job_id"],
        round=row["round"],
        attempt=row["attempt"],
    ).discard()


def _fair(connection: sa.Connection, settings: Settings) -> Row | None:
    """Return the oldest waiting job of the tenant that was served longest ago."""
    waiting = sa.exists().where(jobs.c.tenant_id == tenants.c.tenant_id, jobs.c.state == _QUEUED)
    running = (
        sa.select(sa.func.count())
        .where(jobs.c.tenant_id == tenants.c.tenant_id, jobs.c.state == _RUNNING)
        .scalar_subquery()
    )
    allowed = sa.func.coalesce(tenants.c.max_running, settings.tenant_max_running)
    turn = (
        sa.select(tenants.c.tenant_id)
        .where(waiting, running < allowed)
        .order_by(tenants.c.served_us, tenants.c.tenant_id)
        .limit(1)
    )
    tenant_id = connection.execute(turn).scalar_one_or_none()
    if tenant_id is None:
        return None
    oldest = (
        sa.select(jobs)
        .where(jobs.c.tenant_id == tenant_id, jobs.c.state == _QUEUED)
        .order_by(jobs.c.queued_us, jobs.c.job_id)
        .limit(1)
        .with_for_update()
    )
    return connection.execute(oldest).mappings().first()  # None: cancelled meanwhile


def _take(
    connection: sa.Connection, lease: WorkerLease, settings: Settings, row: Row, now_us: int
) -> Claim:
    """Make a job this worker's, under the next attempt number."""
    job_id, tenant_id = row["job_id"], row["tenant_id"]
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.job_id == job_id)
        .values(
            state=_RUNNING,
            attempt=row["attempt"] + 1,
            worker_id=lease.worker_id,
            worker_token=lease.token,
            started_us=now_us if row["started_us"] is None else row["started_us"],
            generator=None,
        )
    )
    if row["state"] == _RUNNING:
        append_event(
            connection,
            job_id,
            "taken_over",
            now_us,
            worker=lease.worker_id,
            dead_worker=row["worker_id"],
            generator=row["generator"],
        )
    append_event(
        connection, job_id, "started", now_us, worker=lease.worker_id, attempt=row["attempt"] + 1
    )
    tenant = sa.update(tenants).where(tenants.c.tenant_id == tenant_id)
    connection.execute(tenant.values(served_us=now_us))
    limits = connection.execute(sa.select(tenants).where(tenants.c.tenant_id == tenant_id))
    claimed = connection.execute(sa.select(jobs).where(jobs.c.job_id == job_id)).mappings().one()
    return Claim(
        lease=lease,
        job=to_job(claimed),
        round=row["round"],
        first_attempt=row["attempts_before"] + 1,
        limits=limits_of(limits.mappings().one(), settings),
    )


def _finish(
    connection: sa.Connection,
    job_id: str,
    state: JobState,
    error: str | None,
    now_us: int,
    stored_bytes: int | None = None,
) -> None:
    """Write a job's end."""
    values: dict[str, object] = {"state": state.value, "finished_us": now_us, "error": error}
    if stored_bytes is not None:
        values["stored_bytes"] = stored_bytes
    connection.execute(sa.update(jobs).where(jobs.c.job_id == job_id).values(values))
    if state is JobState.CANCELLED:
        append_event(connection, job_id, "cancelled", now_us)
    else:
        append_event(connection, job_id, "finished", now_us, state=state.value, error=error)
