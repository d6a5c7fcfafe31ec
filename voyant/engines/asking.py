"""Who is told of each thing that an engine was asked, once there is an answer?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from voyant.core.engine import Asked

__all__ = ["Listener", "told_of"]

_T = TypeVar("_T")

#: Told of what was asked; None where nobody wants to know, which costs nothing.
Listener = Callable[[Asked], None] | None


def told_of(
    listener: Listener,
    kind: Literal["question", "statement"],
    name: str,
    tables: Sequence[str],
    compute: Callable[[], _T],
) -> _T:
    """Compute an answer, and tell of it when it is there or has failed."""
    if listener is None:
        return compute()
    started_ns, began, is_answered = time.time_ns(), time.perf_counter(), False
    try:
        found = compute()
        is_answered = True
    finally:
        listener(
            Asked(
                kind=kind,
                name=name,
                tables=tuple(tables),
                started_ns=started_ns,
                seconds=time.perf_counter() - began,
                is_answered=is_answered,
            )
        )
    return found
