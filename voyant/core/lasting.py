"""How does a child process outlive the thread that wanted it, and still die with this process?

Linux kills a child that asked for it (PR_SET_PDEATHSIG) when the *thread* that made it ends, not
when the process does. So children are made in one thread that lasts as long as the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["end_lasting_thread", "in_lasting_thread"]

_T = TypeVar("_T")
_lock = threading.Lock()
_threads: dict[int, ThreadPoolExecutor] = {}


def in_lasting_thread(function: Callable[[], _T]) -> _T:
    """Call a function in a thread that lasts as long as this process; return what it returns."""
    with _lock:
        pool = _threads.get(os.getpid())  # a forked process has none of its parent's threads
        if pool is None:
            pool = _threads[os.getpid()] = ThreadPoolExecutor(
                1, thread_name_prefix="voyant-lasting"
            )
    return pool.submit(function).result()


def end_lasting_thread() -> None:
    """Let the thread end, before the process does; the processes it started have nothing to do."""
    with _lock:
        pool = _threads.pop(os.getpid(), None)
    if pool is not None:
        pool.shutdown(wait=False)
