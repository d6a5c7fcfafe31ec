"""How does a child process bind itself to its parent's life, and to limits of memory and CPU time?

The limits are the kernel's. They can be lowered but not raised again, and children inherit them.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
from typing import Final

__all__ = ["adopt_orphans", "die_with", "limit_cpu", "limit_memory"]

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


def die_with(parent_pid: int) -> None:
    """Ask the kernel for SIGKILL when the parent ends; leave now if it already has.

    On Linux "the parent" is the thread that started this process, not its whole process.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        raise SystemExit(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends; tell whether the system can."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def limit_memory(limit_bytes: int) -> None:
    """Let writable memory grow by this much and no more, for the rest of this process's life.

    Counted from here: threads have already reserved stacks and arenas, most of them never used.
    The limit that bites is the one on data. The address space gets twice the room, because
    Linux stops checking data when an allocator turns a reservation into memory while the address
    space is at its limit (measured: 195 MiB used under a limit of 128).
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - one line of /proc
            pages = [int(field) for field in file.read().split()]
    except OSError:
        return  # not Linux: the engine's own limit and the deadline remain
    size, data = (count * resource.getpagesize() for count in (pages[0], pages[5]))
    for kind, limit in (
        (resource.RLIMIT_AS, size + 2 * limit_bytes),
        (resource.RLIMIT_DATA, data + limit_bytes),
    ):
        allowed = _at_most_hard(kind, limit)
        resource.setrlimit(kind, (allowed, allowed))


def limit_cpu(seconds: float) -> None:
    """Let this process use so many more seconds of CPU time; then it gets SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most_hard(resource.RLIMIT_CPU, limit), hard))


def _at_most_hard(kind: int, limit: int) -> int:
    """Return the limit, lowered to the one this process was itself started under."""
    hard = resource.getrlimit(kind)[1]
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)
