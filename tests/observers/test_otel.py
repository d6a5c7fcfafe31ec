"""Spans: the run, and in it each generator."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from voyant.observers.otel import OpenTelemetryObserver


def stop(ctx):
    raise KeyboardInterrupt


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
def provider(exported):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    yield provider
    provider.shutdown()


def test_generators_are_spans_inside_the_run(run, provider, exported):
    def traces(ctx):
        with provider.get_tracer("mine").start_as_current_span("query"):
            return {}

    run(OpenTelemetryObserver(provider), traces=traces)
    spans = {span.name: span for span in exported.get_finished_spans()}
    whole = spans["voyant.run"]
    assert whole.parent is None
    assert whole.status.status_code is StatusCode.OK
    assert dict(whole.attributes) == {
        "voyant.job_id": "job",
        "voyant.tenant_id": "acme",
        "voyant.artifact_count": 1,
    }
    for name in ("works", "breaks", "traces"):
        assert spans[f"voyant.generator {name}"].parent.span_id == whole.context.span_id
    assert spans["query"].parent.span_id == spans["voyant.generator traces"].context.span_id
    failed = spans["voyant.generator breaks"].status
    assert (failed.status_code, failed.description) == (StatusCode.ERROR, "on purpose")
    (skipped,) = whole.events
    assert skipped.attributes["voyant.generator"] == "off"
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_an_interrupted_run_leaves_no_span_open(run, provider, exported):
    observer = OpenTelemetryObserver(provider)
    with pytest.raises(KeyboardInterrupt):
        run(observer, stops=stop)
    observer.close()
    spans = {span.name: span for span in exported.get_finished_spans()}
    for name in ("voyant.run", "voyant.generator stops"):
        assert spans[name].status.description == "interrupted"
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_the_run_is_inside_the_callers_span(run, provider, exported):
    with provider.get_tracer("caller").start_as_current_span("request") as outer:
        run(OpenTelemetryObserver(provider))
    spans = {span.name: span for span in exported.get_finished_spans()}
    assert spans["voyant.run"].parent.span_id == outer.get_span_context().span_id
