"""To which request and which trace does a job belong? To those in which it was asked for.

Nothing here loads OpenTelemetry: where nobody has, there is no trace.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Final

__all__ = ["current_request", "current_traceparent", "inside_trace"]

#: The id of the request that is being answered; a job's events and its process's logs have it.
current_request: Final = ContextVar[str | None]("voyant_request", default=None)


def current_traceparent() -> str | None:
    """Return the span that is current, as W3C's `traceparent`; None without one."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - loaded already
        TraceContextTextMapPropagator,
    )

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def inside_trace(traceparent: str | None) -> Generator[None]:
    """Let spans that are made inside belong to a trace, where OpenTelemetry is installed."""
    if traceparent is None or find_spec("opentelemetry") is None:
        yield
        return
    from opentelemetry import context  # noqa: PLC0415 - not installed everywhere
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - the same
        TraceContextTextMapPropagator,
    )

    token = context.attach(TraceContextTextMapPropagator().extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        context.detach(token)
