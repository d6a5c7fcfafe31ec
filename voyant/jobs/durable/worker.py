"""What does one worker do all day?

It claims a job, does it, and claims the next. Beside that, a thread keeps its lease alive, sees to
it that cancelled jobs stop, submits the jobs of schedules that are due, and removes old jobs.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from voyant.core.config import Settings
from voyant.core.errors import VoyantError
from voyant.jobs.durable.claims import Claim, claim_next
from voyant.jobs.durable.database import Database, Lock, database_url, open_database
from voyant.jobs.durable.errors import DatabaseError
from voyant.jobs.durable.lease import LeaseLostError, WorkerLease
from voyant.jobs.durable.retention import sweep
from voyant.jobs.durable.schedules import fire_due
from voyant.jobs.durable.schema import meta

if TYPE_CHECKING:
    from voyant.jobs.durable.workflow import Steps

__all__ = ["Worker", "default_worker_name", "run_worker"]

_BEAT_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 0.3
_SCHEDULE_SECONDS: Final = 1.0
_SWEEP_US: Final = 3_600 * 1_000_000
_LEASE_LOST_EXIT_CODE: Final = 75

_logger = logging.getLogger("voyant.worker")


def default_worker_name() -> str:
    """Return a name for the worker of a machine that was given none."""
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in socket.gethostname())
    return name.strip("-") or "worker"


def run_worker(settings: Settings, name: str, stop: threading.Event | None = None) -> None:
    """Be a worker until told to stop; SIGTERM and Ctrl-C do, where this is the main thread.

    A job that runs then is put back, and goes on elsewhere from the generator it was in.

    Raises:
        WorkerIdentityError: A living worker has the name.
        DatabaseError: The database cannot be opened.
    """
    stop = stop or threading.Event()
    database = open_database(database_url(settings))
    try:
        lease = WorkerLease.take(database, name, settings.worker_lease_seconds)
        Worker(database, lease, settings, stop).run()
    finally:
        database.close()


class Worker:
    """A worker with a lease."""

    def __init__(
        self, database: Database, lease: WorkerLease, settings: Settings, stop: threading.Event
    ) -> None:
        """Start nothing yet."""
        self._database, self._lease, self._settings = database, lease, settings
        self._stop = stop
        self._steps: Steps | None = None
        self._claim: Claim | None = None
        self._looked_at = 0.0

    def run(self) -> None:
        """Work until told to stop."""
        self._listen_to_signals()
        beats = threading.Thread(target=self._beat_for_ever, name="voyant-beat", daemon=True)
        beats.start()
        from voyant.jobs.durable.workflow import Steps  # noqa: PLC0415 - DBOS takes a second

        steps = self._steps = Steps(self._lease, self._settings)
        _logger.info("Worker %s is ready", self._lease.worker_id)
        while not self._stop.is_set():
            claim = self._next()
            if claim is None:
                self._stop.wait(_IDLE_SECONDS)
                continue
            job = claim.job
            ids = {"job_id": job.job_id, "tenant_id": job.tenant_id}
            _logger.info("%s begins, attempt %d", job.job_id, job.attempt, extra=ids)
            self._claim = claim
            steps.run(claim)
            self._claim = None
        steps.close()
        self._lease.give_up()

    def _next(self) -> Claim | None:
        try:
            return claim_next(self._lease, self._settings)
        except LeaseLostError:
            self._leave()
        except DatabaseError as error:
            _logger.warning("No job can be claimed: %s", error)
        return None

    def _beat_for_ever(self) -> None:
        """Keep the lease alive; end the process when it is not."""
        while True:
            try:
                self._beat()
            except LeaseLostError:
                self._leave()
            except DatabaseError as error:
                _logger.warning("The lease cannot be renewed: %s", error)
            except Exception:  # a beat that fails must not be the last
                _logger.exception("The worker's beat failed")
            if self._lease.left_seconds <= 0:
                self._leave()
            time.sleep(_BEAT_SECONDS)

    def _beat(self) -> None:
        if self._lease.left_seconds < self._lease.seconds * 0.75:
            self._lease.renew()
        process = None if self._steps is None else self._steps.process
        claim = self._claim
        if process is not None and claim is not None:
            process.beat(self._lease.over_at)
            if self._stop.is_set():
                process.stop("stopping")
            elif claim.is_cancelled():
                process.stop("cancelled")
        now = time.monotonic()
        if now - self._looked_at >= _SCHEDULE_SECONDS and not self._stop.is_set():
            self._looked_at = now
            try:
                fire_due(self._database, self._settings)
                self._sweep()
            except VoyantError as error:
                _logger.warning("Schedules or retention: %s", error)

    def _sweep(self) -> None:
        """Remove old jobs, once an hour, whichever worker comes first."""
        if self._settings.retention_days is None and self._settings.retention_jobs is None:
            return
        swept = meta.c.key == "swept_us"
        with self._database.read() as connection:
            now_us = self._database.now_us(connection)
            last = connection.execute(sa.select(meta.c.value).where(swept)).scalar_one_or_none()
        if last is not None and int(last) + _SWEEP_US > now_us:
            return
        with self._database.write(Lock.SCHEDULE) as connection:
            again = connection.execute(sa.select(meta.c.value).where(swept)).scalar_one_or_none()
            if again != last:
                return
            connection.execute(sa.delete(meta).where(swept))
            connection.execute(sa.insert(meta).values(key="swept_us", value=str(now_us)))
        removed = sweep(self._database, self._settings, None, is_dry_run=False)
        if removed:
            _logger.info("Retention removed %d jobs", len(removed))

    def _leave(self) -> None:
        """End the process at once: somebody else may have its job by now."""
        _logger.error("Worker %s lost its lease and stops at once", self._lease.worker_id)
        os._exit(_LEASE_LOST_EXIT_CODE)

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return

        def ask_to_stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            self._stop.set()

        signal.signal(signal.SIGTERM, ask_to_stop)
        signal.signal(signal.SIGINT, ask_to_stop)
