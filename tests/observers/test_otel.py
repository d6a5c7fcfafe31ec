"""Spans: the run, and in it each generator."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from voyant.observers.otel import OpenTelemetryObserver, make_observer


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


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_without_a_provider_spans_go_where_the_standard_variables_say(run, monkeypatch):
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        observer = make_observer({}.get)
        run(observer)
        observer.close()
        server.shutdown()
        thread.join()
    paths = {path for path, _ in server.received}
    assert paths == {"/v1/traces"}
    assert any(b"voyant.generator works" in body for _, body in server.received)
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_a_provider_of_the_process_is_used(run, provider, exported, monkeypatch):
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    observer = make_observer({}.get)
    run(observer)
    observer.close()
    assert "voyant.run" in {span.name for span in exported.get_finished_spans()}
