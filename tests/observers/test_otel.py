"""Spans: the run, in it each generator, and in that each thing the engine was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from voyant.core.pipeline import Observer
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job
from voyant.observers.otel import OpenTelemetryObserver, make_observer

#: A run of KPIs with a literal, over rows with values, none of which belong into a span.
KPIS = [
    {"name": "of_ann", "sql": "SELECT count(*) AS n FROM orders WHERE who = 'ann-the-secret'"},
    {"name": "broken", "sql": "SELECT CAST(who AS INTEGER) AS n FROM orders"},
]


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


@pytest.fixture
def traced(tmp_path, monkeypatch, provider, exported):
    """Run a job, and give its spans, each with what it is inside of."""
    monkeypatch.chdir(tmp_path)

    def start(**request):
        job = JobRequest(
            job_id="job",
            artifacts_root=tmp_path / "out",
            only=["profile", "kpi"],
            kpis=KPIS,
            **request,
        )
        run_job(job, None, [OpenTelemetryObserver(provider)])
        spans = exported.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans}
        asked = [span for span in spans if not span.name.startswith("voyant.generator")]
        text = "".join(span.to_json() for span in asked)  # a generator's has its error's message
        for value in ("ann-the-secret", "bob-the-secret", "SELECT", "CAST"):
            assert value not in text
        return [(span, names.get(span.parent.span_id) if span.parent else None) for span in spans]

    return start


def of_kind(spans, kind):
    return [(span, inside) for span, inside in spans if span.name.startswith(f"voyant.{kind} ")]


def test_each_question_of_duckdb_is_a_span_inside_its_generator(traced, tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text("id,who\n" + "".join(f"{n},ann-the-secret\n" for n in range(5)))
    spans = traced(sources={"orders": str(orders)})
    asked = {(span.name, inside): span for span, inside in of_kind(spans, "question")}
    profile = "voyant.generator profile"
    whole = asked["voyant.question summary", profile]
    assert dict(whole.attributes) == {"voyant.question": "summary", "voyant.tables": ("orders",)}
    assert whole.kind is SpanKind.INTERNAL
    (around,) = [span for span, _ in spans if span.name == profile]
    assert around.start_time <= whole.start_time < whole.end_time <= around.end_time
    queries = [span for span, _ in of_kind(spans, "question") if span.name.endswith(" query")]
    assert [span.status.status_code for span in queries] == [StatusCode.OK, StatusCode.ERROR]
    assert [event for span in queries for event in span.events] == []
    assert of_kind(spans, "statement") == []


def test_each_statement_a_warehouse_is_sent_is_a_span(traced, postgres_server, tmp_path):
    database = postgres_server.new_database("traces")
    with postgres_server.connect(database) as admin:
        admin.execute(
            "CREATE TABLE orders AS SELECT n AS id, 'bob-the-secret' AS who "
            "FROM generate_series(1, 5) AS n"
        )
    spans = traced(warehouse_url=postgres_server.url(database), reference={"orders": "before:id=2"})
    sent = of_kind(spans, "statement")
    assert all(span.kind is SpanKind.CLIENT for span, _ in sent)
    assert {inside for _, inside in sent} >= {"voyant.generator profile", "voyant.generator kpi"}
    (first,) = [span for span, _ in sent if span.name == "voyant.statement reference"]
    assert first.attributes["voyant.tables"] == ("orders",)
    assert first.attributes["voyant.row_count"] == 1
    manifest = json.loads((tmp_path / "out" / "job" / "manifest.json").read_text())
    counted = {
        entry["name"]: sum(used["statements"] for used in entry["details"]["statements"].values())
        for entry in manifest["generators"]
        if "statements" in entry["details"]
    }
    traced_profile = [span for span, inside in sent if inside == "voyant.generator profile"]
    assert len(traced_profile) == counted["profile"]
    assert of_kind(spans, "question") == []


def test_an_engine_tells_nobody_where_nobody_wants_to_know(tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text("id\n1\n")
    heard = []

    class Deaf(Observer):
        """Wants to know when the run ends."""

        def run_started(self, _plan, context):
            heard.append(context.asked)

    request = JobRequest(
        sources={"orders": str(orders)}, artifacts_root=tmp_path / "out", only=["profile"]
    )
    run_job(request, None, [Deaf()])
    assert heard == [None]


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
