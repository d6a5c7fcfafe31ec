"""What is a durable job, and what can be asked of the queue that keeps it?

Plain values and one protocol: the API, the pages and the tools for agents are written against these
alone, and never see the database or the library that makes jobs durable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Job",
    "JobEvent",
    "JobPage",
    "JobQueue",
    "JobSpec",
    "JobState",
    "QueueStatistics",
    "Schedule",
    "TenantUsage",
    "WorkerStatus",
]


class JobState(StrEnum):
    """Where a job is in its life; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


class JobSpec(BaseModel):
    """What a job is asked to do; all of it is JSON. What is empty comes from the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sources: dict[str, str] = Field(default_factory=dict[str, str])
    """Table name to an uploaded table (`upload:NAME`), or a place that the operator allows."""
    warehouse: str | None = None
    """Name of one of the operator's warehouses; a request never carries a URL of its own."""
    tables: list[str] = Field(default_factory=list[str])
    """Names of the tables to keep, all of them when empty."""
    reference: dict[str, str] = Field(default_factory=dict[str, str])
    """Earlier states of tables to compare them with: as in `sources`, or `before:COLUMN=VALUE`."""
    kpis: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    """KPI definitions."""
    contract: dict[str, Any] | None = None
    """An Open Data Contract that the tables are held against."""
    flags: dict[str, bool] = Field(default_factory=dict[str, bool])
    """Feature flags of this job; they can only turn generators off."""
    only: list[str] = Field(default_factory=list[str])
    """The only generators to run, if any."""
    skip: list[str] = Field(default_factory=list[str])
    """Generators not to run."""
    as_of: datetime | None = None
    """The moment the job speaks about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as the queue knows it.

    Attributes:
        job_id: Name of its folder below the tenant's artifact root.
        requested_by: The id of the API key or the schedule that asked for it.
        attempt: How often it has been started; more than one after a worker died or a retry.
        worker_id: Which worker has it, or had it last.
        generator: The generator that is running.
        error: Why it failed, one line.
        traceparent: The span of the request that asked for it.
        is_cancelling: Somebody asked to stop it, and its worker has not done so yet.
    """

    job_id: str
    tenant_id: str
    state: JobState
    spec: JobSpec
    requested_by: str
    submitted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempt: int = 0
    worker_id: str | None = None
    generator: str | None = None
    error: str | None = None
    schedule_id: str | None = None
    traceparent: str | None = None
    is_cancelling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something that happened to a job.

    Attributes:
        number: Rises by one for each event of a job, from 1.
        kind: `queued`, `started`, `generator_started`, `generator_finished`, `generator_skipped`,
            `generator_kept` (finished by an earlier attempt), `taken_over`, `attempt_failed`,
            `cancel_requested`, `cancelled`, `finished`.
        data: What belongs to it: the generator, its status, its duration ...
    """

    number: int
    at: datetime
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some jobs, the newest first; `next_cursor` is None on the last page."""

    jobs: tuple[Job, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A job that recurs: five cron fields, read in `timezone`."""

    schedule_id: str
    tenant_id: str
    name: str
    cron: str
    timezone: str
    spec: JobSpec
    requested_by: str
    is_enabled: bool = True
    next_at: datetime | None = None
    last_job_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUsage:
    """What a tenant uses now of what it may."""

    running: int
    queued: int
    stored_bytes: int
    stored_jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One worker that was heard of lately."""

    worker_id: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    is_alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatistics:
    """The whole queue at a glance, over all tenants.

    Attributes:
        jobs: How many jobs are in each state.
        oldest_wait_seconds: How long the job that waits longest has waited; 0 if none waits.
        workers: Workers alive, and those that died and were not heard of again.
    """

    jobs: Mapping[JobState, int]
    oldest_wait_seconds: float
    workers: tuple[WorkerStatus, ...]


@runtime_checkable
class JobQueue(Protocol):
    """Jobs, kept. Every question names the tenant: another tenant's job is an unknown one."""

    def submit(
        self,
        tenant_id: str,
        spec: JobSpec,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
    ) -> Job:
        """Keep a job and return at once.

        Raises:
            QueueFullError: The tenant has as many jobs as it may have.
            IdempotencyError: The key was used for another job.
        """
        ...

    def get(self, tenant_id: str, job_id: str) -> Job:
        """Return a job.

        Raises:
            UnknownJobError: The tenant has none of that name.
        """
        ...

    def list(
        self,
        tenant_id: str,
        *,
        state: JobState | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> JobPage:
        """List jobs, the newest first.

        Raises:
            CursorError: A cursor that no page has given out.
        """
        ...

    def cancel(self, tenant_id: str, job_id: str) -> Job:
        """Stop a job, or keep it from starting; nothing happens to one that has ended."""
        ...

    def retry(self, tenant_id: str, job_id: str, *, requested_by: str) -> Job:
        """Run a job that failed or was cancelled again from its beginning, under the same name.

        Raises:
            UnknownJobError: The tenant has none of that name.
            JobStateError: It has not ended, or it succeeded.
            QueueFullError: The tenant has as many jobs as it may have.
        """
        ...

    def delete(self, tenant_id: str, job_id: str) -> None:
        """Forget a job that has ended, and remove its folder.

        Raises:
            UnknownJobError: The tenant has none of that name.
            JobStateError: It has not ended.
        """
        ...

    def events(self, tenant_id: str, job_id: str, *, after: int = 0) -> Sequence[JobEvent]:
        """List what happened to a job since event number `after`."""
        ...

    def folder(self, tenant_id: str, job_id: str) -> Path:
        """Return the folder of a job's artifacts; it need not exist yet."""
        ...

    def usage(self, tenant_id: str) -> TenantUsage:
        """Measure what a tenant uses."""
        ...

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
        """Keep a recurring job.

        Raises:
            ScheduleError: Cron fields or a time zone nobody knows, or a name that is taken.
        """
        ...

    def schedules(self, tenant_id: str) -> Sequence[Schedule]:
        """List a tenant's recurring jobs."""
        ...

    def remove_schedule(self, tenant_id: str, schedule_id: str) -> None:
        """Forget a recurring job; what it has started goes on."""
        ...

    def enable_schedule(self, tenant_id: str, schedule_id: str, *, is_enabled: bool) -> Schedule:
        """Let a recurring job pause, or go on."""
        ...

    def sweep(self, tenant_id: str | None = None, *, is_dry_run: bool = False) -> Sequence[Job]:
        """Remove the jobs that are older, or more, than retention allows; return them."""
        ...

    def statistics(self) -> QueueStatistics:
        """Count jobs and workers, over all tenants: for `/readyz` and `/metrics`."""
        ...

    def close(self) -> None:
        """Let go of the database; safe to call twice."""
        ...
