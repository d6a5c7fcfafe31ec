"""How are many small questions asked on more than one connection?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side"]

_T = TypeVar("_T")


def side_by_side(items: Iterable[_T], workers: int, do: Callable[[int, _T], None]) -> None:
    """Do something for each item, `workers` at a time; the first worker is the calling thread.

    DuckDB spends most of a small question's time on planning, which takes one core.

    Args:
        items: Taken in order by whoever is free.
        workers: How many there are; at least one.
        do: Is given the worker's number, from 0, and the item. When it raises, no further item is
            begun, and its exception is raised here once all workers have ended.
    """
    waiting = deque(items)

    def work(worker: int) -> None:
        while True:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            try:
                do(worker, item)
            except BaseException:
                waiting.clear()
                raise

    with ThreadPoolExecutor(max_workers=workers) as pool:
        helpers = [pool.submit(work, worker) for worker in range(1, workers)]
        work(0)
        for helper in helpers:
            helper.result()
