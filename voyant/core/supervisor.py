"""Who ends everything a generator's process has started, whatever became of that process?

The process that a run starts is this supervisor; it forks the worker in which the generator runs
and does nothing but wait. It adopts what the worker leaves behind, a daemon in a session of its own
too, and kills all of it when the worker ends, when the run says so over its standard input, or when
the run itself is gone. Then it dies as the worker died, so that the run sees how.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import Final, NoReturn

__all__ = ["supervise"]

#: How long what has been killed may take to be gone: a process in the middle of a disk access.
_PATIENCE_SECONDS: Final = 2.0
_TICK_MS: Final = 20
_SLOW_TICK_MS: Final = 500


def supervise(worker: int, *, run_pid: int, folder: str) -> NoReturn:
    """Wait for the worker or the run to end, end everything below, and die as the worker did.

    Args:
        worker: Process id of the worker.
        run_pid: Process id of the run that started this supervisor.
        folder: Temporary folder to remove if the run is no longer there to do so.
    """
    status = _wait(worker, run_pid)
    _end_all(worker)
    if _is_gone(run_pid):
        import shutil  # noqa: PLC0415 - only if the run was killed

        shutil.rmtree(folder, ignore_errors=True)
    _die_as(0 if status is None else status)


def _wait(worker: int, run_pid: int) -> int | None:
    """Return how the worker ended, None if the run no longer waits for it."""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    tick = _TICK_MS
    if hasattr(os, "pidfd_open"):
        poll.register(os.pidfd_open(worker), select.POLLIN)
        tick = _SLOW_TICK_MS
    while True:
        for pid, status in _ended():
            if pid == worker:
                return status
        if os.getppid() != run_pid or any(file == 0 for file, _ in poll.poll(tick)):
            return None


def _is_gone(run_pid: int) -> bool:
    """Tell whether the run has ended without a word: its end of our input is closed.

    The number of our parent alone does not tell: a dying process closes its files before its
    children get another parent.
    """
    poll = select.poll()
    poll.register(0, select.POLLIN)
    return os.getppid() != run_pid or (bool(poll.poll(0)) and not os.read(0, 1))


def _ended() -> list[tuple[int, int]]:
    """Collect children that have ended, adopted ones too."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def _end_all(worker: int) -> None:
    """Kill children until there are none: those of a killed child become ours."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        for pid in _children(worker):
            _kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:  # there are none left
            return
        time.sleep(0.001)


def _children(worker: int) -> list[int]:
    """List this process's children; without /proc, the worker and its group."""
    me = os.getpid()
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{me}/children").read_text().split()]
    except OSError:
        return [-worker, worker]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _die_as(status: int) -> NoReturn:
    """End with the worker's exit code, or by the signal it died of."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)  # only if that signal does not kill
    os._exit(os.waitstatus_to_exitcode(status))
