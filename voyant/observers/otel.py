"""Where did a run's time go? Spans for the run, its generators, and what the engine was asked."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider

from voyant import __version__
from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.engine import Asked
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult, PipelineResult
from voyant.observers.opening import Setting

__all__ = ["OpenTelemetryObserver", "make_observer"]


def make_observer(setting: Setting) -> OpenTelemetryObserver:
    """Make it; the `OTEL_*` variables say where spans go, unless the process has said so."""
    del setting
    provider = trace.get_tracer_provider()
    if not isinstance(provider, trace.ProxyTracerProvider):
        return OpenTelemetryObserver(provider)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - slow
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only without a provider
    from opentelemetry.sdk.trace import TracerProvider as SdkProvider  # noqa: PLC0415 - the same
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same

    own = SdkProvider(resource=Resource.create({"service.name": "voyant"}))
    own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryObserver(own, shut_down=own.shutdown)


class OpenTelemetryObserver(Observer):
    """Makes spans; what a generator traces itself becomes part of its span."""

    def __init__(
        self, provider: TracerProvider, *, shut_down: Callable[[], None] | None = None
    ) -> None:
        """Trace with a provider.

        Args:
            provider: Who makes the spans.
            shut_down: Called in the end, for a provider that is this observer's own.
        """
        self._tracer: Tracer = trace.get_tracer("voyant", __version__, tracer_provider=provider)
        self._shut_down = shut_down
        self._run: Span | None = None
        self._generator: Span | None = None
        self._token: Token[otel_context.Context] | None = None

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Start the run's span, inside whatever span the caller is in."""
        del plan
        facts = {f"voyant.{key}": str(context.get(key, "")) for key in ("job_id", "tenant_id")}
        self._run = self._tracer.start_span("voyant.run", attributes=facts)

    def generator_started(self, definition: GeneratorDefinition) -> None:
        """Start its span and make it the current one."""
        if self._run is None:
            return
        parent = trace.set_span_in_context(self._run)
        facts: dict[str, str | bool] = {
            "voyant.generator": definition.name,
            "voyant.is_core": definition.is_core,
        }
        self._generator = self._tracer.start_span(
            f"voyant.generator {definition.name}", parent, attributes=facts
        )
        self._token = otel_context.attach(trace.set_span_in_context(self._generator, parent))

    def engine_asked(self, asked: Asked) -> None:
        """Make a span of a question or a statement, inside that of the generator that asked."""
        whose = self._generator or self._run
        if whose is None:
            return
        is_inside = trace.get_current_span().get_span_context().is_valid
        span = self._tracer.start_span(
            f"voyant.{asked.kind} {asked.name}",
            None if is_inside else trace.set_span_in_context(whose),
            kind=SpanKind.CLIENT if asked.kind == "statement" else SpanKind.INTERNAL,
            attributes={"voyant.question": asked.name, "voyant.tables": asked.tables},
            start_time=asked.started_ns,
        )
        if asked.row_count is not None:
            span.set_attribute("voyant.row_count", asked.row_count)
        span.set_status(Status(StatusCode.OK if asked.is_answered else StatusCode.ERROR))
        span.end(asked.started_ns + int(asked.seconds * 1e9))

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """End its span."""
        del definition
        if self._generator is not None:
            self._generator.set_attribute("voyant.artifact_count", len(result.artifacts))
        self._end_generator(result.error)

    def generator_skipped(self, definition: GeneratorDefinition, reason: str) -> None:
        """Note it in the run's span."""
        if self._run is not None:
            facts = {"voyant.generator": definition.name, "voyant.reason": reason}
            self._run.add_event("voyant.generator_skipped", facts)

    def run_finished(self, result: PipelineResult) -> None:
        """End the run's span."""
        if self._run is not None:
            self._run.set_attribute("voyant.artifact_count", len(result.artifacts))
        failed = result.failed_core
        self._end_run(f"core generator {failed!r} failed" if failed else None)

    def close(self) -> None:
        """End what an interrupted run left open, and send what is not sent yet."""
        self._end_generator("interrupted")
        self._end_run("interrupted")
        if self._shut_down is not None:
            self._shut_down()

    def _end_generator(self, error: str | None) -> None:
        if self._token is not None:
            otel_context.detach(self._token)
        span, self._generator, self._token = self._generator, None, None
        _end(span, error)

    def _end_run(self, error: str | None) -> None:
        span, self._run = self._run, None
        _end(span, error)


def _end(span: Span | None, error: str | None) -> None:
    if span is None:
        return
    span.set_status(Status(StatusCode.OK) if error is None else Status(StatusCode.ERROR, error))
    span.end()
