"""How are several workers started, kept going and stopped?"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from voyant.core.config import Settings
from voyant.jobs.durable.handover import settings_to
from voyant.jobs.durable.worker import default_worker_name

__all__ = ["WorkerPool", "start_workers"]

_WATCH_SECONDS: Final = 0.2
_FIRST_PAUSE_SECONDS: Final = 0.5
_LAST_PAUSE_SECONDS: Final = 15.0
#: A worker that lived so long has not died of what killed the one before.
_SETTLED_SECONDS: Final = 30.0

_logger = logging.getLogger("voyant.worker")


@dataclass(slots=True)
class _Slot:
    name: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_seconds: float = _FIRST_PAUSE_SECONDS
    start_at: float = field(default_factory=time.monotonic)


def start_workers(settings: Settings, count: int, *, name: str | None = None) -> WorkerPool:
    """Start worker processes; those that die are started again.

    They stop when the pool is stopped, and when this process ends, however it ends.

    Args:
        settings: Handed to each.
        count: How many; none is no mistake.
        name: They are called `<name>-1`, `<name>-2` ...; after this machine when None.
    """
    name = default_worker_name() if name is None else name
    return WorkerPool(settings, [f"{name}-{number}" for number in range(1, count + 1)])


class WorkerPool:
    """Some worker processes of this one."""

    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        """Start one of each name."""
        values = settings_to(settings, with_database=True)
        self._settings = json.dumps(values).encode() + b"\n"
        self._slots = [_Slot(name) for name in names]
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._tend()
        self._thread = threading.Thread(target=self._watch, name="voyant-workers", daemon=True)
        self._thread.start()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the workers that are there, by name."""
        return {
            slot.name: slot.process.pid
            for slot in self._slots
            if slot.process is not None and slot.process.poll() is None
        }

    def wait(self) -> None:
        """Wait until somebody calls `stop`."""
        self._stopping.wait()

    def stop(self, timeout_seconds: float = 20.0) -> None:
        """Stop the workers; jobs that run are put back. Safe to call twice."""
        self._stopping.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        with self._lock:
            running = [slot.process for slot in self._slots if slot.process is not None]
        for process in running:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        deadline = time.monotonic() + timeout_seconds
        for process in running:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch(self) -> None:
        while not self._stopping.wait(_WATCH_SECONDS):
            self._tend()

    def _tend(self) -> None:
        """Start the workers that are not there."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is not None:
                code = slot.process.poll()
                if code is None:
                    continue
                if slot.process.stdin is not None:
                    with contextlib.suppress(OSError):
                        slot.process.stdin.close()
                lived = now - slot.started_at
                settled = lived >= _SETTLED_SECONDS
                slot.pause_seconds = (
                    _FIRST_PAUSE_SECONDS
                    if settled
                    else min(slot.pause_seconds * 2, _LAST_PAUSE_SECONDS)
                )
                _logger.warning(
                    "Worker %s ended with %d; it is started again in %.1f s",
                    slot.name,
                    code,
                    slot.pause_seconds,
                )
                slot.process, slot.start_at = None, now + slot.pause_seconds
            if slot.start_at <= now:
                self._start(slot)

    def _start(self, slot: _Slot) -> None:
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "voyant.jobs.durable.worker_process", slot.name],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        slot.process, slot.started_at = process, time.monotonic()
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        with contextlib.suppress(OSError):  # it has just died: that is seen the next time
            process.stdin.write(self._settings)
            process.stdin.flush()
