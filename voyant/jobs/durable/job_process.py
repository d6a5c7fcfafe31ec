"""How does a worker start a job's process, hear from it, keep it alive and end it?"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any, Final, Literal, cast

from voyant.core.config import Settings
from voyant.jobs.durable.claims import Claim
from voyant.jobs.durable.clock import elapsed_seconds
from voyant.jobs.durable.handover import Assignment, settings_to
from voyant.jobs.durable.places import StagedJob, tenant_root

__all__ = ["LEASE_OVER_EXIT_CODE", "JobProcess", "StopReason", "staged"]

#: How a job's process ends when it has not heard that its worker is alive.
LEASE_OVER_EXIT_CODE: Final = 75

StopReason = Literal["cancelled", "timeout", "stopping"]

_TICK_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 5.0
_BLOCK_BYTES: Final = 65_536
#: What a job's process need not know.
_SECRET_VARIABLES: Final = ("VOYANT_DATABASE_URL",)


def staged(claim: Claim, settings: Settings) -> StagedJob:
    """Say where a claim's attempt writes."""
    return StagedJob(
        tenant_root=tenant_root(settings, claim.job.tenant_id),
        job_id=claim.job.job_id,
        round=claim.round,
        attempt=claim.job.attempt,
    )


class JobProcess:
    """One attempt at a job, in a process of its own."""

    def __init__(self, claim: Claim, settings: Settings) -> None:
        """Start nothing yet."""
        self._claim, self._settings = claim, settings
        self._lock = threading.Lock()
        self._stop_reason: StopReason | None = None
        self._orders: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The supervisor's process id, once there is one."""
        return None if self._process is None else self._process.pid

    def run(self, on_event: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Run the job to its end and return what came of it.

        Args:
            on_event: Told of each event; what it raises ends the process, and passes.

        Returns:
            `kind` is `done` (with `success` and `error`), `refused`, `crashed` (with `error`),
            `lost` (no sign of its worker came in time), or why it was stopped.
        """
        place = staged(self._claim, self._settings)
        place.prepare()
        scratch = tempfile.mkdtemp(prefix="voyant-job-", dir=self._settings.temp_directory)
        events = self._start(scratch, self._assignment(place, scratch))
        grace_seconds = 0.0
        try:
            outcome = self._listen(events, on_event)
            grace_seconds = _PATIENCE_SECONDS  # it has said its last word, and is ending by itself
        finally:
            os.close(events)
            code = self._end(grace_seconds)
            shutil.rmtree(scratch, ignore_errors=True)
        if self._stop_reason is not None:
            return {"kind": self._stop_reason}
        if outcome is not None:
            return outcome
        if code == LEASE_OVER_EXIT_CODE:
            return {"kind": "lost"}
        return {"kind": "crashed", "error": f"Its process {_describe(code)}."}

    def beat(self, alive_until: float) -> None:
        """Tell the process that its worker is alive until then."""
        with self._lock:
            if self._orders is not None:
                with contextlib.suppress(OSError):  # it has just ended
                    os.write(self._orders, f"{alive_until!r}\n".encode())

    def stop(self, reason: StopReason) -> None:
        """End the process and everything it has started, at once; the first reason stands."""
        with self._lock:
            if self._stop_reason is None:
                self._stop_reason = reason
            process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                os.write(process.stdin.fileno(), b"x")  # its supervisor kills them all

    def _assignment(self, place: StagedJob, scratch: str) -> Assignment:
        settings = self._settings
        values = settings_to(settings, with_database=False)
        memory = settings.worker_memory_limit
        values["temp_directory"] = scratch
        if memory is not None and settings.memory_limit is None:
            values["memory_limit"] = int(memory * 0.6)
        earlier = place.earlier()
        return Assignment(
            settings=values,
            spec=self._claim.job.spec,
            tenant_id=self._claim.job.tenant_id,
            job_id=self._claim.job.job_id,
            tenant_root=str(place.tenant_root),
            artifacts_root=str(place.root),
            earlier=None if earlier is None else str(earlier),
            scratch=scratch,
            max_rows=self._claim.limits.max_rows,
            memory_bytes=None if memory is None else int(memory),
            traceparent=self._claim.job.traceparent,
            request_id=self._claim.request_id(),
            alive_until=self._claim.lease.over_at,
        )

    def _start(self, scratch: str, assignment: Assignment) -> int:
        """Start the process; return where its events come from."""
        orders_out, orders_in = os.pipe()
        events_out, events_in = os.pipe()
        variables = {k: v for k, v in os.environ.items() if k not in _SECRET_VARIABLES}
        arguments = [str(os.getpid()), str(orders_out), str(events_in), scratch]
        try:
            process = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, "-m", "voyant.jobs.durable.child", *arguments],
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno(),
                pass_fds=(orders_out, events_in),
                env={**variables, "TMPDIR": scratch},
                start_new_session=True,
            )
        finally:
            os.close(orders_out)
            os.close(events_in)
        with self._lock:
            self._process, self._orders = process, orders_in
            is_stopped = self._stop_reason
        _write_all(orders_in, assignment.model_dump_json().encode() + b"\n")
        if is_stopped is not None:
            self.stop(is_stopped)
        return events_out

    def _listen(
        self, events: int, on_event: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any] | None:
        """Pass events on until there are no more; return the last word, if there was one."""
        outcome: dict[str, Any] | None = None
        deadline = elapsed_seconds() + self._claim.limits.job_timeout_seconds
        rest = b""
        while True:
            ready, _, _ = select.select([events], [], [], _TICK_SECONDS)
            if elapsed_seconds() > deadline:
                self.stop("timeout")
            if not ready:
                continue
            read = os.read(events, _BLOCK_BYTES)
            if not read:
                return outcome
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                facts = cast("dict[str, Any]", json.loads(line))
                if facts.pop("event") == "outcome":
                    outcome = facts
                else:
                    on_event(cast("dict[str, Any]", json.loads(line)))

    def _end(self, grace_seconds: float) -> int:
        """Make sure that nothing is left; return how the process ended."""
        process = self._process
        assert process is not None  # noqa: S101 - it was started
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
        with self._lock:
            orders, self._orders = self._orders, None
        if orders is not None:
            os.close(orders)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            return process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return process.wait()


def _write_all(descriptor: int, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # it has just died, which is noticed elsewhere
        while content:
            content = content[os.write(descriptor, content) :]


def _describe(code: int) -> str:
    """Say how a process ended that did not say what came of its job.

    >>> _describe(-9)
    'was killed by SIGKILL, perhaps for want of memory'
    """
    if code >= 0:
        return f"ended with exit code {code} without a result"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
    return f"was killed by {name}{hint}"
