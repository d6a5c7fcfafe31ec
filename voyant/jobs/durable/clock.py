"""Which clock do leases go by?"""

from __future__ import annotations

import time

__all__ = ["elapsed_seconds"]


def elapsed_seconds() -> float:
    """Return a clock that also runs while the machine sleeps, where there is one."""
    kind = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(kind)
