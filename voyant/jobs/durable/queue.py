"""The queue of durable jobs, as everything but the workers uses it: rows in a database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from voyant.core.config import Settings
from voyant.jobs.durable import retention, schedules, submission
from voyant.jobs.durable.database import Database, database_url, from_us, open_database
from voyant.jobs.durable.errors import JobStateError
from voyant.jobs.durable.limits import TenantLimits, limits_of
from voyant.jobs.durable.model import (
    Job,
    JobEvent,
    JobPage,
    JobQueue,
    JobSpec,
    JobState,
    QueueStatistics,
    Schedule,
    TenantUsage,
    WorkerStatus,
)
from voyant.jobs.durable.places import job_folder
from voyant.jobs.durable.rows import (
    append_event,
    find_job,
    lock_tenant,
    parse_cursor,
    to_cursor,
    to_event,
    to_job,
)
from voyant.jobs.durable.schema import events, jobs, tenants, workers

__all__ = ["DatabaseQueue", "open_queue"]

_MAX_PAGE = 500


def open_queue(settings: Settings) -> DatabaseQueue:
    """Open the queue of the settings' database; its tables are made if need be.

    Raises:
        DatabaseError: It cannot be reached, or its tables are of a later version of Voyant.
    """
    return DatabaseQueue(open_database(database_url(settings)), settings)


class DatabaseQueue(JobQueue):
    """Jobs in a database; threads may share it. It starts nothing: workers look for work."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Use an open database."""
        self.database = database
        self._settings = settings

    def submit(
        self,
        tenant_id: str,
        spec: JobSpec,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
    ) -> Job:
        """Keep a job and return at once."""
        return submission.submit(
            self.database,
            self._settings,
            tenant_id,
            spec,
            requested_by=requested_by,
            idempotency_key=idempotency_key,
        )

    def get(self, tenant_id: str, job_id: str) -> Job:
        """Return a job."""
        with self.database.read() as connection:
            return to_job(find_job(connection, tenant_id, job_id))

    def list(
        self,
        tenant_id: str,
        *,
        state: JobState | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> JobPage:
        """List jobs, the newest first; at most 500 of them."""
        limit = min(max(limit, 1), _MAX_PAGE)
        query = (
            sa.select(jobs)
            .where(jobs.c.tenant_id == tenant_id)
            .order_by(jobs.c.submitted_us.desc(), jobs.c.job_id.desc())
            .limit(limit + 1)
        )
        if state is not None:
            query = query.where(jobs.c.state == state.value)
        if cursor is not None:
            moment, job_id = parse_cursor(cursor)
            query = query.where(
                sa.or_(
                    jobs.c.submitted_us < moment,
                    sa.and_(jobs.c.submitted_us == moment, jobs.c.job_id < job_id),
                )
            )
        with self.database.read() as connection:
            rows = connection.execute(query).mappings().all()
        page = rows[:limit]
        return JobPage(
            jobs=tuple(to_job(row) for row in page),
            next_cursor=to_cursor(page[-1]) if len(rows) > limit else None,
        )

    def cancel(self, tenant_id: str, job_id: str) -> Job:
        """Stop a job, or keep it from starting; nothing happens to one that has ended."""
        with self.database.write() as connection:
            row = find_job(connection, tenant_id, job_id, for_update=True)
            now_us = self.database.now_us(connection)
            change = sa.update(jobs).where(jobs.c.job_id == job_id)
            if row["state"] == JobState.QUEUED:
                connection.execute(
                    change.values(state=JobState.CANCELLED.value, finished_us=now_us)
                )
                append_event(connection, job_id, "cancelled", now_us)
            elif row["state"] == JobState.RUNNING and row["cancel_us"] is None:
                connection.execute(change.values(cancel_us=now_us))
                append_event(connection, job_id, "cancel_requested", now_us)
            return to_job(find_job(connection, tenant_id, job_id))

    def retry(self, tenant_id: str, job_id: str, *, requested_by: str) -> Job:
        """Run a job that failed or was cancelled again from its beginning, under the same name."""
        with self.database.write() as connection:
            now_us = self.database.now_us(connection)
            tenant = lock_tenant(connection, tenant_id, now_us)
            row = find_job(connection, tenant_id, job_id, for_update=True)
            if row["state"] not in {JobState.FAILED, JobState.CANCELLED}:
                raise JobStateError(
                    job_id,
                    row["state"],
                    "only a job that failed or was cancelled can be retried",
                    "Submit it as a new job.",
                )
            submission.check_room(connection, tenant_id, limits_of(tenant, self._settings))
            connection.execute(
                sa.update(jobs)
                .where(jobs.c.job_id == job_id)
                .values(
                    state=JobState.QUEUED.value,
                    queued_us=now_us,
                    started_us=None,
                    finished_us=None,
                    attempts_before=row["attempt"],
                    released=0,
                    round=row["round"] + 1,
                    cancel_us=None,
                    generator=None,
                    error=None,
                )
            )
            asked = {"requested_by": requested_by, **submission.asked_in()}
            append_event(connection, job_id, "queued", now_us, **asked)
            return to_job(find_job(connection, tenant_id, job_id))

    def delete(self, tenant_id: str, job_id: str) -> None:
        """Forget a job that has ended, and remove its folder."""
        retention.delete_job(self.database, self._settings, tenant_id, job_id)

    def events(self, tenant_id: str, job_id: str, *, after: int = 0) -> Sequence[JobEvent]:
        """List what happened to a job since event number `after`."""
        query = (
            sa.select(events)
            .where(events.c.job_id == job_id, events.c.number > after)
            .order_by(events.c.number)
        )
        with self.database.read() as connection:
            find_job(connection, tenant_id, job_id)
            return tuple(to_event(row) for row in connection.execute(query).mappings())

    def folder(self, tenant_id: str, job_id: str) -> Path:
        """Return the folder of a job's artifacts; it need not exist yet."""
        return job_folder(self._settings, tenant_id, job_id)

    def usage(self, tenant_id: str) -> TenantUsage:
        """Measure what a tenant uses."""
        query = (
            sa.select(
                jobs.c.state,
                sa.func.count().label("jobs"),
                sa.func.sum(jobs.c.stored_bytes).label("bytes"),
            )
            .where(jobs.c.tenant_id == tenant_id)
            .group_by(jobs.c.state)
        )
        with self.database.read() as connection:
            rows = {row["state"]: row for row in connection.execute(query).mappings()}
        return TenantUsage(
            running=rows.get(JobState.RUNNING, {"jobs": 0})["jobs"],
            queued=rows.get(JobState.QUEUED, {"jobs": 0})["jobs"],
            stored_bytes=sum(int(row["bytes"]) for row in rows.values()),
            stored_jobs=sum(row["jobs"] for row in rows.values()),
        )

    def limits(self, tenant_id: str) -> TenantLimits:
        """Return what a tenant may have: its own limits, the settings' where it has none."""
        query = sa.select(tenants).where(tenants.c.tenant_id == tenant_id)
        with self.database.read() as connection:
            row = connection.execute(query).mappings().first()
        return limits_of(row, self._settings)

    def set_limits(self, tenant_id: str, **limits: float | None) -> TenantLimits:
        """Give a tenant limits of its own; None takes one back to what the settings say.

        Args:
            tenant_id: Whose.
            **limits: Attributes of `TenantLimits`.
        """
        with self.database.write() as connection:
            lock_tenant(connection, tenant_id, self.database.now_us(connection))
            connection.execute(
                sa.update(tenants).where(tenants.c.tenant_id == tenant_id).values(limits)
            )
        return self.limits(tenant_id)

    def add_schedule(
        self,
        tenant_id: str,
        *,
        name: str,
        cron: str,
        spec: JobSpec,
        requested_by: str,
        timezone: str = "UTC",
    ) -> Schedule:
        """Keep a recurring job."""
        return schedules.add_schedule(
            self.database,
            tenant_id,
            name=name,
            cron=cron,
            timezone=timezone,
            spec=spec,
            requested_by=requested_by,
        )

    def schedules(self, tenant_id: str) -> Sequence[Schedule]:
        """List a tenant's recurring jobs by name."""
        return schedules.list_schedules(self.database, tenant_id)

    def remove_schedule(self, tenant_id: str, schedule_id: str) -> None:
        """Forget a recurring job; what it has started goes on."""
        schedules.remove_schedule(self.database, tenant_id, schedule_id)

    def enable_schedule(self, tenant_id: str, schedule_id: str, *, is_enabled: bool) -> Schedule:
        """Let a recurring job pause, or go on."""
        return schedules.enable_schedule(
            self.database, tenant_id, schedule_id, is_enabled=is_enabled
        )

    def sweep(self, tenant_id: str | None = None, *, is_dry_run: bool = False) -> Sequence[Job]:
        """Remove the jobs that are older, or more, than retention allows; return them."""
        return retention.sweep(self.database, self._settings, tenant_id, is_dry_run=is_dry_run)

    def statistics(self) -> QueueStatistics:
        """Count jobs and workers, over all tenants."""
        counted = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        waiting = sa.select(sa.func.min(jobs.c.queued_us)).where(
            jobs.c.state == JobState.QUEUED.value
        )
        with self.database.read() as connection:
            now_us = self.database.now_us(connection)
            counts = {JobState(state): number for state, number in connection.execute(counted)}
            oldest_us = connection.execute(waiting).scalar_one()
            known = connection.execute(sa.select(workers).order_by(workers.c.worker_id))
            return QueueStatistics(
                jobs={state: counts.get(state, 0) for state in JobState},
                oldest_wait_seconds=0.0 if oldest_us is None else (now_us - oldest_us) / 1e6,
                workers=tuple(
                    WorkerStatus(
                        worker_id=row["worker_id"],
                        host=row["host"],
                        pid=row["pid"],
                        started_at=from_us(int(row["started_us"])),
                        seen_at=from_us(int(row["seen_us"])),
                        is_alive=row["lease_us"] > now_us,
                    )
                    for row in known.mappings()
                ),
            )

    def close(self) -> None:
        """Let go of the database; safe to call twice."""
        self.database.close()
