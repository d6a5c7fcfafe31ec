"""Which request began this job? A span for each request, and where it goes on.

Spans are made where the observer `otel` is on; the `OTEL_*` variables say where they go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from voyant import __version__
from voyant.core.config import Settings

__all__ = ["set_up_tracing", "start_request_span"]

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_FIRST_SERVER_ERROR: Final = 500


def set_up_tracing(settings: Settings) -> Callable[[], None]:
    """Send spans where the `OTEL_*` variables say, if the settings switch `otel` on.

    Returns:
        What sends the rest, to be called in the end.

    Raises:
        ModuleNotFoundError: `otel` is on, and its packages are not installed.
    """
    provider = trace.get_tracer_provider()
    if "otel" not in settings.observers or not isinstance(provider, trace.ProxyTracerProvider):
        return _nothing
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - slow
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only where it is on
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - the same
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same

    own = TracerProvider(resource=Resource.create({"service.name": "voyant"}))
    own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(own)
    return own.shutdown


def _nothing() -> None:
    """Send what there is of no spans."""


class RequestSpan:
    """The span of one request, current while it is answered."""

    def __init__(self, span: Span, context: otel_context.Context) -> None:
        """Make a span the current one."""
        self._span = span
        self._token = otel_context.attach(trace.set_span_in_context(span, context))

    def end(self, route: str | None, status: int) -> None:
        """End it with what was answered."""
        otel_context.detach(self._token)
        if route is not None:
            self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= _FIRST_SERVER_ERROR:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def start_request_span(method: str, headers: Mapping[str, str], request_id: str) -> RequestSpan:
    """Start a request's span, inside the caller's own where it names one."""
    carrier = {key: headers[key] for key in ("traceparent", "tracestate") if key in headers}
    parent = _PROPAGATOR.extract(carrier)
    span = trace.get_tracer("voyant.service", __version__).start_span(
        f"voyant.request {method}",
        parent,
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method, "voyant.request_id": request_id},
    )
    return RequestSpan(span, parent)
