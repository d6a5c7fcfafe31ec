"""What can go wrong with durable jobs, as the API turns it into a status.

VoyantError
├── QueueFullError (RuntimeError)       the tenant has as much as it may have: 429
├── IdempotencyError (ValueError)       the key was used for another job: 422
├── CursorError (ValueError)            a cursor that `list` never gave out: 422
├── UnknownJobError (LookupError)       the tenant has no such job: 404
├── UnknownScheduleError (LookupError)  the tenant has no such recurring job: 404
├── ScheduleError (ValueError)          a recurring job that cannot be kept: 422
├── JobStateError (RuntimeError)        what was asked does not fit the job's state: 409
├── WorkerIdentityError (RuntimeError)  a worker of that name is alive already
└── DatabaseError (OSError)             the database cannot be opened, or gave up: 503
"""

from __future__ import annotations

from voyant.core.errors import VoyantError

__all__ = [
    "CursorError",
    "DatabaseError",
    "IdempotencyError",
    "JobStateError",
    "QueueFullError",
    "ScheduleError",
    "UnknownJobError",
    "UnknownScheduleError",
    "WorkerIdentityError",
]


class QueueFullError(VoyantError, RuntimeError):
    """A tenant that has as much as it may have.

    Attributes:
        limit: The limit that was met: `queued` or `bytes`.
        retry_after_seconds: When to ask again.
    """

    def __init__(
        self, tenant_id: str, *, limit: str, allowed: int, retry_after_seconds: int
    ) -> None:
        self.tenant_id, self.limit, self.allowed = tenant_id, limit, allowed
        self.retry_after_seconds = retry_after_seconds
        if limit == "bytes":
            what = f"The artifacts of tenant {tenant_id!r} take the {allowed} bytes they may take."
            remedy = "Delete old jobs, or ask the operator for more room."
        else:
            what = f"Tenant {tenant_id!r} has {allowed} jobs waiting, as many as it may have."
            remedy = f"Ask again in {retry_after_seconds} seconds."
        super().__init__(what, remedy=remedy)


class IdempotencyError(VoyantError, ValueError):
    """An idempotency key that was used for another job."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"The idempotency key {key!r} was used for another job.",
            remedy="Use a new key for a new job; repeat the same request to find the old one.",
        )


class CursorError(VoyantError, ValueError):
    """A cursor that no page of jobs has given out."""

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor
        super().__init__(
            f"{cursor[:80]!r} is no cursor.", remedy="Pass on the last page's next_cursor, or none."
        )


class UnknownJobError(VoyantError, LookupError):
    """A job that the tenant does not have; another tenant's is no different."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"There is no job {job_id!r}.", remedy="List the jobs to see their names.")


class UnknownScheduleError(VoyantError, LookupError):
    """A recurring job that the tenant does not have."""

    def __init__(self, schedule_id: str) -> None:
        self.schedule_id = schedule_id
        super().__init__(
            f"There is no schedule {schedule_id!r}.",
            remedy="List the schedules to see their names.",
        )


class ScheduleError(VoyantError, ValueError):
    """A recurring job that cannot be kept: its cron fields, its time zone, its name."""


class JobStateError(VoyantError, RuntimeError):
    """What was asked does not fit the state the job is in."""

    def __init__(self, job_id: str, state: str, action: str, remedy: str = "") -> None:
        self.job_id, self.state, self.action = job_id, state, action
        super().__init__(f"The job {job_id!r} is {state}: {action}.", remedy=remedy)


class WorkerIdentityError(VoyantError, RuntimeError):
    """A worker's name that another living process has."""

    def __init__(self, worker_id: str, holder: str) -> None:
        self.worker_id, self.holder = worker_id, holder
        super().__init__(
            f"A worker {worker_id!r} is alive already: {holder}.",
            remedy="Give this one another name (voyant worker --name), or stop the other.",
        )


class DatabaseError(VoyantError, OSError):
    """The database cannot be opened, is of another version, or did not answer."""
