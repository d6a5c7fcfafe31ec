"""Metrics, logs and traces: what happened, whose it was, and no secret."""

from __future__ import annotations

import json
import logging
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.live import LiveService
from voyant.core.config import Settings
from voyant.jobs.durable.logs import JsonFormatter, log_as_json


def samples(text: str) -> dict[tuple, float]:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_metrics_say_what_jobs_and_generators_did(live):
    before = samples(live.ask("GET", "/metrics").text)
    kpis = [{"name": "a", "sql": "SELECT 1"}, {"name": "b", "sql": "SELECT 2"}]
    job = live.run_job(kpis=kpis, skip=["charts"])
    assert job["state"] == "succeeded"
    text = live.ask("GET", "/metrics").text
    after = samples(text)

    def rose(name, **labels) -> float:
        key = (name, *sorted(labels.items()))
        return after.get(key, 0) - before.get(key, 0)

    assert rose("voyant_jobs_ended_total", state="succeeded") == 1
    assert rose("voyant_jobs", state="succeeded") == 1
    assert rose("voyant_generator_runs_total", generator="profile", status="ok") == 1
    assert rose("voyant_generator_runs_total", generator="charts", status="skipped") == 1
    assert rose("voyant_generator_duration_seconds_count", generator="kpi") == 1
    assert rose("voyant_kpi_duration_seconds_count") == 2
    route = {"method": "POST", "route": "/v1/jobs", "status": "2xx"}
    assert rose("voyant_http_request_duration_seconds_count", **route) == 1
    assert after["voyant_workers", ("state", "alive")] == 1
    again = samples(live.ask("GET", "/metrics").text)
    assert (
        again["voyant_jobs_ended_total", ("state", "succeeded")]
        == (after["voyant_jobs_ended_total", ("state", "succeeded")])
    )
    assert job["job_id"] not in text
    assert "acme" not in text


def test_labels_stay_few_whatever_is_asked(service):
    for n in range(50):
        service.ask("GET", f"/v1/jobs/job-{n}")
        service.ask("GET", f"/made-up-{n}")
        service.ask(f"METHOD{n}", "/v1/jobs")
    text = service.client.get("/metrics").text
    series = [key for key in samples(text) if key[0].endswith("request_duration_seconds_count")]
    assert len(series) <= 5
    assert "made-up" not in text


def test_generators_beyond_a_hundred_share_a_label(service):
    metrics = service.client.app.state.metrics
    for n in range(150):
        metrics._count("acme", "j", "generator_finished", {"generator": f"g{n}", "status": "ok"})
    counted = {
        dict(key[1:])["generator"]: value
        for key, value in samples(metrics.render().decode()).items()
        if key[0] == "voyant_generator_runs_total"
    }
    assert len(counted) == 101
    assert counted["other"] == 50


def test_a_line_of_the_log_has_the_ids_of_its_request_and_its_job(live):
    job = live.run_job(only=["profile"])
    live.ask("GET", f"/v1/jobs/{job['job_id']}", headers={"X-Request-Id": "find-me"})
    (line,) = live.lines_of_request("find-me")
    assert line["tenant_id"] == "acme"
    assert line["job_id"] == job["job_id"]
    assert line["key_id"] == live.key().split("_", 2)[1]
    assert (line["status"], line["route"]) == (200, "/v1/jobs/{job_id}")
    ours = [entry for entry in live.log_lines() if entry.get("job_id") == job["job_id"]]
    assert any(entry["logger"] != "voyant.service.requests" for entry in ours), (
        "the job's own process says which job it is"
    )


def test_the_request_that_makes_a_job_can_be_followed_into_the_jobs_own_process(live):
    live.ask("PUT", "/v1/tables/orders.csv", content=b"id\n1\n")
    spec = {"sources": {"orders": "upload:orders.csv"}, "only": ["profile"]}
    headers = {"X-Request-Id": "made-here"}
    made = live.ask("POST", "/v1/jobs?wait_seconds=60", json=spec, headers=headers).json()
    assert made["state"] == "succeeded"
    lines = live.lines_of_request("made-here")
    assert {entry["job_id"] for entry in lines} == {made["job_id"]}
    (asked,) = [entry for entry in lines if entry["logger"] == "voyant.service.requests"]
    assert (asked["route"], asked["status"]) == ("/v1/jobs", 202)
    (*_, told) = [entry for entry in lines if entry["logger"] == "voyant.jobs"]
    assert told["tenant_id"] == "acme"


def test_a_schedule_that_is_made_is_no_job(service, caplog):
    service.upload()
    body = {"name": "n", "cron": "0 3 * * *", "spec": {"sources": {"orders": "upload:orders.csv"}}}
    with caplog.at_level(logging.INFO, "voyant.service.requests"):
        made = service.ask("POST", "/v1/schedules", json=body)
        job = service.ask("POST", "/v1/jobs", json=body["spec"]).json()
    assert made.status_code == 201
    ids = {record.route: record.job_id for record in caplog.records if record.name.endswith("sts")}
    assert ids == {"/v1/schedules": None, "/v1/jobs": job["job_id"]}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("key voyant_0123456789ab_" + "A" * 43, "key voyant_0123456789ab_***"),
        ("at postgresql://ann:hunter2@db/shop", "at postgresql://ann:***@db/shop"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer ***"),
        ("line\nbreak \u202e", "line\nbreak \u202e"),
    ],
)
def test_a_secret_that_gets_into_a_line_is_not_written(said, shown):
    record = logging.makeLogRecord({"msg": "%s", "args": (said,), "given": said, "name": "x"})
    try:
        raise RuntimeError(said)
    except RuntimeError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    line = JsonFormatter(job_id="j").format(record)
    assert "\n" not in line
    facts = json.loads(line)
    assert facts["message"] == facts["given"] == shown
    assert facts["job_id"] == "j"
    assert shown.splitlines()[0] in facts["traceback"]
    for secret in ("A" * 43, "hunter2", "abcdefghijkl"):
        assert secret not in line


def test_the_level_is_info_unless_the_settings_say_otherwise(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    root, ours = logging.getLogger(), logging.getLogger("voyant")
    before = (root.handlers, root.level, ours.level, logging.getLogger("uvicorn").level)
    try:
        log_as_json(Settings())
        assert ours.level == logging.INFO
        log_as_json(Settings(log_level="WARNING"))
        assert ours.level == logging.WARNING
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
        logging.getLogger("uvicorn").setLevel(before[3])


class _Collector(BaseHTTPRequestHandler):
    spans: list = []  # noqa: RUF012 - what a test looks at

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_request_its_job_and_the_generators_are_one_trace(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), _Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    trace_id, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    try:
        with LiveService(
            tmp_path,
            workers=1,
            VOYANT_OBSERVERS="otel",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
            OTEL_EXPORTER_OTLP_COMPRESSION="none",
        ) as service:
            service.ask("PUT", "/v1/tables/orders.csv", content=b"id\n1\n")
            spec = {"sources": {"orders": "upload:orders.csv"}, "only": ["profile"]}
            made = service.ask(
                "POST",
                "/v1/jobs?wait_seconds=60",
                json=spec,
                headers={"traceparent": f"00-{trace_id}-{caller}-01"},
            ).json()
            assert made["state"] == "succeeded", service.log.read_text()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    spans = {span.name: span for span in _Collector.spans if span.trace_id.hex() == trace_id}
    request = spans["voyant.request POST"]
    run = spans["voyant.run"]
    generator = spans["voyant.generator profile"]
    assert request.parent_span_id.hex() == caller
    assert run.parent_span_id == request.span_id
    assert generator.parent_span_id == run.span_id
    facts = {a.key: a.value.string_value or a.value.int_value for a in request.attributes}
    assert facts["http.route"] == "/v1/jobs"
    assert facts["http.response.status_code"] == 202
    assert re.fullmatch(r"[0-9a-f]{16}", facts["voyant.request_id"])
