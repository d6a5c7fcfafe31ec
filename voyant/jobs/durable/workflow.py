"""What are the steps of a job, and which of them has an earlier attempt already done?

DBOS writes down what each step returned. Every attempt is a workflow of its own name; one that
follows a dead one is forked from it, so steps that were done are not done again, and whatever the
dead one writes yet, should it wake up, it writes under its own name, where nobody looks any more.

DBOS's own recovery is not used: it hands a workflow to whoever has its executor's name, alive or
not. Executors here have names that are never used twice.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from dbos import DBOS, SetWorkflowID

from voyant import __version__
from voyant.artifacts.manifest import Manifest
from voyant.artifacts.store import MANIFEST_NAME, PROGRESS_NAME
from voyant.core.config import Settings
from voyant.jobs.durable.claims import Claim
from voyant.jobs.durable.database import database_url
from voyant.jobs.durable.errors import DatabaseError
from voyant.jobs.durable.job_process import JobProcess, staged
from voyant.jobs.durable.lease import LeaseLostError, WorkerLease
from voyant.jobs.durable.model import JobState
from voyant.jobs.durable.places import StagedJob, job_folder
from voyant.jobs.durable.retention import move_away
from voyant.jobs.runner import remember_job

__all__ = ["LEASE_LOST_EXIT_CODE", "Steps"]

LEASE_LOST_EXIT_CODE: Final = 75
_APPLICATION: Final = "voyant"
_POLL_SECONDS: Final = 0.3
_RETRY_SECONDS: Final = 0.3

_logger = logging.getLogger("voyant.worker")
_T = TypeVar("_T")


class _PutBackError(Exception):
    """The job waits again; whoever has it next goes on from where it was."""


class _Current:
    """The one job that this process has; steps are functions of the module, as DBOS wants them."""

    claim: Claim
    settings: Settings
    process: JobProcess | None = None


@DBOS.workflow(name="voyant_job", max_recovery_attempts=None)
def _job(job_id: str) -> str:
    outcome = _execute(job_id)
    stored_bytes = 0
    if outcome["kind"] == "done":
        stored_bytes = _publish(job_id, outcome["attempt"])
        _remember(job_id)
    return _finish(job_id, outcome, stored_bytes)


@DBOS.step(name="execute")
def _execute(job_id: str) -> dict[str, Any]:
    """Run the generators in a process of their own."""
    return _ours(job_id, _execute_here)


@DBOS.step(name="publish")
def _publish(job_id: str, attempt: int) -> int:
    """Put the folder in its place; return its size."""
    return _ours(job_id, lambda claim: _publish_here(claim, attempt))


@DBOS.step(name="remember")
def _remember(job_id: str) -> None:
    """Add the job to its tenant's KPI history and baselines."""
    _ours(job_id, _remember_here)


@DBOS.step(name="finish")
def _finish(job_id: str, outcome: dict[str, Any], stored_bytes: int) -> str:
    """Write the job's end."""
    return _ours(job_id, lambda claim: _finish_here(claim, outcome, stored_bytes))


def _ours(job_id: str, action: Callable[[Claim], _T]) -> _T:
    """Do a part of the job; end the process, before DBOS writes anything, if it is not ours."""
    claim = _Current.claim
    if claim.job.job_id != job_id or DBOS.workflow_id != claim.workflow_id:
        _leave(f"the job {job_id!r} is not this worker's")
    why = f"the job {job_id!r} has been taken over, or the lease is over"
    try:
        done = _insist(claim.lease, lambda: action(claim))
    except LeaseLostError:
        _leave(why)
    if claim.lease.left_seconds <= 0:
        _leave(why)
    return done


def _insist(lease: WorkerLease, action: Callable[[], _T]) -> _T:
    """Try until the database answers, for as long as the lease lasts."""
    while True:
        try:
            return action()
        except DatabaseError:
            if lease.left_seconds <= 0:
                raise LeaseLostError from None
            time.sleep(_RETRY_SECONDS)


def _leave(why: str) -> NoReturn:
    """End this process at once, and with it everything it has started."""
    sys.stderr.write(f"voyant worker: stopped at once: {why}\n")
    sys.stderr.flush()
    os._exit(LEASE_LOST_EXIT_CODE)


def _execute_here(claim: Claim) -> dict[str, Any]:
    process = JobProcess(claim, _Current.settings)
    _Current.process = process

    def on_event(facts: dict[str, Any]) -> None:
        kind, generator = facts.pop("event"), facts.pop("generator", None)
        _insist(claim.lease, lambda: claim.note(kind, generator=generator, **facts))

    try:
        outcome = process.run(on_event)
    finally:
        _Current.process = None
    if outcome["kind"] == "stopping":
        why = "its worker was stopped"
        _insist(claim.lease, lambda: claim.put_back(why, is_free=True))
        raise _PutBackError
    if outcome["kind"] == "lost":  # a machine so busy that a sign of life came too late
        why = "its process did not hear from its worker in time"
        _insist(claim.lease, lambda: claim.put_back(why, is_free=False))
        raise _PutBackError
    return {**outcome, "attempt": claim.job.attempt}


def _publish_here(claim: Claim, attempt: int) -> int:
    settings, job = _Current.settings, claim.job
    now = staged(claim, settings)
    place = StagedJob(
        tenant_root=now.tenant_root, job_id=now.job_id, round=now.round, attempt=attempt
    )
    final = job_folder(settings, job.tenant_id, job.job_id)
    old: Path | None = None
    with claim.fenced():
        if place.is_finished():
            old = move_away(final)
            place.folder.rename(final)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    (final / PROGRESS_NAME).unlink(missing_ok=True)
    manifest = _manifest(final)
    size = (final / MANIFEST_NAME).stat().st_size
    return size + sum(entry.size_bytes for entry in manifest.artifacts)


def _remember_here(claim: Claim) -> None:
    settings, job = _Current.settings, claim.job
    folder = job_folder(settings, job.tenant_id, job.job_id)
    remember_job(folder, _manifest(folder), folder.parent, settings)


def _manifest(folder: Path) -> Manifest:
    return Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())


def _finish_here(claim: Claim, outcome: dict[str, Any], stored_bytes: int) -> str:
    kind, error = outcome["kind"], outcome.get("error")
    state = JobState.FAILED
    if kind == "cancelled":
        state = JobState.CANCELLED
    elif kind == "timeout":
        error = f"It took longer than {claim.limits.job_timeout_seconds:g} seconds and was stopped."
    elif kind == "done" and outcome["success"]:
        state = JobState.SUCCEEDED
    staged(claim, _Current.settings).discard()
    claim.finish(state, None if error is None else " ".join(str(error).split()), stored_bytes)
    return state.value


class Steps:
    """Runs claimed jobs through DBOS; one for each worker process."""

    def __init__(self, lease: WorkerLease, settings: Settings) -> None:
        """Open DBOS's own tables, made if need be.

        Raises:
            DatabaseError: They cannot be opened.
        """
        self._lease, self._settings = lease, settings
        executor = f"{lease.worker_id}/{lease.token[:12]}"
        self._queue = f"voyant-{executor}"
        _Current.settings = settings
        DBOS(
            config={
                "name": _APPLICATION,
                "system_database_url": _system_database_url(settings),
                "application_version": f"voyant-{__version__}",
                "executor_id": executor,
                "console_log_level": "CRITICAL",  # what fails is logged by us
                "log_level": "CRITICAL",
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": 5.0,
                "sys_db_pool_size": 4,
            }
        )
        DBOS.listen_queues([self._queue])
        try:
            DBOS.launch()
        except Exception as error:
            raise DatabaseError(
                f"The tables of DBOS cannot be opened: {type(error).__name__}.",
                remedy="Check database_url, and that its user may make a schema.",
            ) from error
        for queue in DBOS.list_queues():  # of this worker's earlier lives
            if queue.name.startswith(f"voyant-{lease.worker_id}/"):
                DBOS.delete_queue(queue.name)
        DBOS.register_queue(self._queue, polling_interval_sec=_POLL_SECONDS)

    @property
    def process(self) -> JobProcess | None:
        """The process of the job that runs now."""
        return _Current.process

    def run(self, claim: Claim) -> None:
        """Do a job, from the step that the attempt before it was in."""
        _Current.claim = claim
        try:
            handle = self._continue(claim)
            if handle is None:
                with SetWorkflowID(claim.workflow_id):
                    handle = DBOS.start_workflow(_job, claim.job.job_id)
            handle.get_result(polling_interval_sec=_POLL_SECONDS)
        except LeaseLostError:
            _leave("the lease is over")
        except _PutBackError:
            return
        except Exception as error:  # a fault of ours, or a disk that is full: the job must end
            _logger.exception("The job %s could not be done", claim.job.job_id)
            reason = "".join(traceback.format_exception_only(error)).strip()
            _ours_or_leave(claim, lambda: claim.finish(JobState.FAILED, reason, 0))
        self._forget(claim)

    def close(self) -> None:
        """Let go of DBOS."""
        DBOS.delete_queue(self._queue)
        DBOS.destroy()

    def _continue(self, claim: Claim) -> Any:  # noqa: ANN401 - DBOS's handle, whatever its result
        """Fork the workflow of the attempt before; None if there was none that began."""
        before = claim.previous_workflow_id
        if before is None or DBOS.get_workflow_status(before) is None:
            return None
        DBOS.cancel_workflow(before)
        steps = DBOS.list_workflow_steps(before)
        done = [step["function_id"] for step in steps if step["error"] is None]
        with SetWorkflowID(claim.workflow_id):
            return DBOS.fork_workflow(
                before,
                max(done, default=0) + 1,
                application_version=f"voyant-{__version__}",
                queue_name=self._queue,
            )

    def _forget(self, claim: Claim) -> None:
        """Remove the workflows of a job that has ended: its row says all there is to know."""
        attempts = range(claim.first_attempt, claim.job.attempt + 1)
        DBOS.delete_workflows([claim.workflow_of(attempt) for attempt in attempts])


def _ours_or_leave(claim: Claim, action: Callable[[], None]) -> None:
    try:
        _insist(claim.lease, action)
    except LeaseLostError:
        _leave("the lease is over")


def _system_database_url(settings: Settings) -> str:
    """Return where DBOS keeps its tables: beside ours, in a file or schema of its own."""
    url = database_url(settings)
    if not url.startswith("sqlite:///"):
        return url.replace("postgres://", "postgresql://", 1)
    path = Path(url.removeprefix("sqlite:///"))
    file = path.with_name(f"{path.stem}.dbos{path.suffix}")
    with sqlite3.connect(file, timeout=30) as connection:  # it stays so: readers then never wait
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return f"sqlite:///{file}"
