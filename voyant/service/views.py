"""What do answers look like? Every one of `/v1` is JSON of one of these shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from voyant.artifacts.manifest import ArtifactEntry, GeneratorEntry, Manifest
from voyant.core.plan import PlannedStep
from voyant.jobs.durable.model import Job, JobSpec, JobState, Schedule, TenantUsage
from voyant.service.keys import Role

__all__ = [
    "ArtifactList",
    "ArtifactView",
    "AuditEntryView",
    "AuditPage",
    "BaselineChoice",
    "BaselineList",
    "BaselineView",
    "Cleared",
    "ColumnBaselineView",
    "GeneratorList",
    "GeneratorOutcome",
    "GeneratorView",
    "Health",
    "JobList",
    "JobView",
    "KpiHistoryView",
    "KpiPoint",
    "NewSchedule",
    "PlanView",
    "ScheduleChange",
    "ScheduleList",
    "ScheduleView",
    "StepView",
    "Sweep",
    "SweepRequest",
    "TableList",
    "TableView",
    "TenantView",
]

_JOB_ID = "20260331-141503-9f3a1c"


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True, extra="forbid")


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Health(_View):
    """How the service is."""

    status: str = Field(examples=["ok"])
    workers_alive: int | None = None
    """Workers heard of lately; only `/readyz` says."""


class JobView(_View):
    """A job."""

    job_id: str = Field(examples=[_JOB_ID])
    state: JobState
    spec: JobSpec
    """What it was asked to do."""
    requested_by: str
    """The id of the API key, or of the schedule, that asked for it."""
    submitted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempt: int
    """How often it has been started."""
    generator: str | None = Field(default=None, examples=["profile"])
    """The generator that is running."""
    is_cancelling: bool = False
    """Somebody asked to stop it, and it has not stopped yet."""
    error: str | None = None
    """Why it failed."""
    schedule_id: str | None = None

    @classmethod
    def of(cls, job: Job) -> JobView:
        """Show a job."""
        return cls.model_validate(job)


class JobList(_View):
    """A page of jobs, the newest first."""

    jobs: list[JobView]
    next_cursor: str | None
    """Give it as `cursor` to get the next page; null on the last one."""


class ArtifactView(_View):
    """One file that a job made."""

    path: str = Field(examples=["profile.json"])
    key: str | None
    generator: str | None
    media_type: str = Field(examples=["application/json"])
    size_bytes: int
    sha256: str
    url: str = Field(examples=[f"/v1/jobs/{_JOB_ID}/artifacts/profile.json"])

    @classmethod
    def of(cls, entry: ArtifactEntry, url: str) -> ArtifactView:
        """Show an entry of the manifest."""
        return cls(**entry.model_dump(), url=url)


class GeneratorOutcome(_View):
    """What became of one generator in a job."""

    name: str
    status: str = Field(examples=["ok"])
    """`ok`, `failed` or `skipped`."""
    is_core: bool
    reason: str | None
    """Why it was skipped."""
    error: str | None
    """Why it failed."""
    duration_ms: float | None
    artifacts: list[str]

    @classmethod
    def of(cls, entry: GeneratorEntry) -> GeneratorOutcome:
        """Show an entry of the manifest."""
        return cls(**entry.model_dump(include=set(cls.model_fields)))


class ArtifactList(_View):
    """What a finished job made."""

    job_id: str = Field(examples=[_JOB_ID])
    success: bool
    """True if no core generator failed."""
    tables: list[str]
    generators: list[GeneratorOutcome]
    artifacts: list[ArtifactView]

    @classmethod
    def of(cls, manifest: Manifest, artifacts: list[ArtifactView]) -> ArtifactList:
        """Show a manifest."""
        return cls(
            job_id=manifest.job_id,
            success=manifest.success,
            tables=manifest.tables,
            generators=[GeneratorOutcome.of(entry) for entry in manifest.generators],
            artifacts=artifacts,
        )


class GeneratorView(_View):
    """A generator that is registered."""

    name: str = Field(examples=["profile"])
    description: str
    order: int
    is_core: bool
    feature_flag: str | None
    enabled: bool
    """Whether the operator's switches let it run."""
    reason: str | None
    """Who switched it off, and how."""
    plugin: str | None
    """The plugin it came with; null for Voyant's own."""


class GeneratorList(_View):
    """The generators, in the order they run."""

    generators: list[GeneratorView]


class StepView(_View):
    """One generator of a plan."""

    name: str
    order: int
    is_core: bool
    runs: bool
    reason: str | None
    """Why it does not run."""

    @classmethod
    def of(cls, step: PlannedStep) -> StepView:
        """Show a step of a plan."""
        definition = step.definition
        return cls(
            name=definition.name,
            order=definition.order,
            is_core=definition.is_core,
            runs=not step.skip_reason,
            reason=step.skip_reason or None,
        )


class PlanView(_View):
    """What would run, in this order."""

    steps: list[StepView]


class TableView(_View):
    """A table that was uploaded."""

    name: str = Field(examples=["orders.csv"])
    source: str = Field(examples=["upload:orders.csv"])
    """What a job's `sources` call it."""
    size_bytes: int
    uploaded_at: datetime


class TableList(_View):
    """The tenant's uploaded tables, by name."""

    tables: list[TableView]


class ScheduleView(_View):
    """A job that recurs."""

    schedule_id: str
    name: str = Field(examples=["nightly"])
    cron: str = Field(examples=["0 3 * * *"])
    timezone: str = Field(examples=["Europe/Berlin"])
    spec: JobSpec
    requested_by: str
    is_enabled: bool
    next_at: datetime | None
    """When it runs next; null while it pauses."""
    last_job_id: str | None

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleView:
        """Show a schedule."""
        return cls.model_validate(schedule)


class ScheduleList(_View):
    """The tenant's schedules, by name."""

    schedules: list[ScheduleView]


class NewSchedule(_Body):
    """A job that is to recur."""

    name: str = Field(min_length=1, max_length=100, examples=["nightly"])
    """Unique within the tenant."""
    cron: str = Field(min_length=1, max_length=100, examples=["0 3 * * *"])
    """Minute, hour, day of the month, month, day of the week."""
    timezone: str = Field(default="UTC", max_length=100, examples=["Europe/Berlin"])
    """Where the clock hangs that the fields are read from."""
    spec: JobSpec


class ScheduleChange(_Body):
    """Whether a schedule is to pause."""

    is_enabled: bool


class ColumnBaselineView(_View):
    """What is kept of a column, in short."""

    name: str
    type: str
    count: int
    null_count: int
    distinct_count: int | None


class BaselineView(_View):
    """What a table is compared with."""

    table: str = Field(examples=["orders"])
    job_id: str = Field(examples=[_JOB_ID])
    """The job it comes from."""
    stored_at: datetime
    row_count: int
    columns: list[ColumnBaselineView]


class BaselineList(_View):
    """The tenant's baselines, by table."""

    baselines: list[BaselineView]


class BaselineChoice(_Body):
    """Which job's tables are to be compared with from now on."""

    job_id: str = Field(min_length=1, max_length=200, examples=[_JOB_ID])
    tables: list[str] | None = Field(default=None, max_length=1_000)
    """Only these; all of the job's when null."""


class Cleared(_View):
    """What is gone."""

    cleared: list[str]


class KpiPoint(_View):
    """A KPI's value in one job."""

    job_id: str
    finished_at: datetime
    value: int | float | str | bool | None


class KpiHistoryView(_View):
    """KPI values of the jobs before, the oldest first."""

    kpis: dict[str, list[KpiPoint]]


class SweepRequest(_Body):
    """How old jobs are to be removed."""

    is_dry_run: bool = True
    """Only say which jobs would be removed."""


class Sweep(_View):
    """Which jobs retention removes."""

    is_dry_run: bool
    jobs: list[str]


class AuditEntryView(_View):
    """One thing that somebody did, or tried to do."""

    number: int
    at: datetime
    key_id: str | None
    action: str = Field(examples=["POST /v1/jobs"])
    target: str | None
    outcome: str = Field(examples=["done"])
    """`done`, or the status that was answered."""
    request_id: str | None
    client: str | None


class AuditPage(_View):
    """A page of the audit log, the newest first."""

    entries: list[AuditEntryView]
    next_cursor: str | None


class UsageView(_View):
    """What a tenant uses now."""

    running: int
    queued: int
    stored_bytes: int
    stored_jobs: int

    @classmethod
    def of(cls, usage: TenantUsage) -> UsageView:
        """Show a tenant's usage."""
        return cls.model_validate(usage)


class TenantView(_View):
    """Whose key this is, and what the tenant uses."""

    tenant_id: str = Field(examples=["acme"])
    key_id: str
    role: Role
    usage: UsageView
    limits: dict[str, Any]
    """What the tenant may have; null is no limit."""
