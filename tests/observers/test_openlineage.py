"""OpenLineage events, judged by what the specification asks of them."""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import jsonschema
import pytest

from voyant.core.errors import ConfigurationError
from voyant.observers.openlineage import OpenLineageObserver, make_observer

# Source: OpenLineage specification 2-0-2, its prose and RunEvent; written here in our own words.
JOB = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}},
}
RUN_ID = {
    "type": "object",
    "required": ["runId"],
    "properties": {
        "runId": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
    },
}
URI = {"type": "string", "pattern": "^[a-z]+:"}
FACET = {
    "type": "object",
    "required": ["_producer", "_schemaURL"],
    "properties": {"_producer": URI, "_schemaURL": URI},
}
DATASETS = {"type": "array", "items": JOB}
RUN_EVENT = {
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "producer": URI,
        "schemaURL": URI,
        "job": JOB,
        "inputs": DATASETS,
        "outputs": DATASETS,
        "run": {
            **RUN_ID,
            "properties": {
                **RUN_ID["properties"],
                "facets": {
                    "type": "object",
                    "additionalProperties": FACET,
                    "properties": {
                        "parent": {
                            "allOf": [FACET, {"required": ["run", "job"]}],
                            "properties": {"run": RUN_ID, "job": JOB},
                        },
                        "errorMessage": {
                            "allOf": [FACET, {"required": ["message", "programmingLanguage"]}]
                        },
                    },
                },
            },
        },
    },
}


def stop(ctx):
    raise KeyboardInterrupt


def events_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def told(run, tmp_path):
    path = tmp_path / "with space.jsonl"
    observer = OpenLineageObserver(path.as_uri(), namespace="shop")
    run(observer)
    observer.close()
    return events_of(path)


def test_every_event_is_as_specified(told):
    validator = jsonschema.Draft202012Validator(RUN_EVENT)
    for event in told:
        validator.validate(event)
        assert datetime.fromisoformat(event["eventTime"]).tzinfo
        UUID(event["run"]["runId"])


def test_each_run_starts_and_ends_once(told):
    assert [(e["eventType"], e["job"]["name"]) for e in told] == [
        ("START", "voyant.run"),
        ("START", "voyant.works"),
        ("COMPLETE", "voyant.works"),
        ("START", "voyant.breaks"),
        ("FAIL", "voyant.breaks"),
        ("COMPLETE", "voyant.run"),
    ]
    ids = [e["run"]["runId"] for e in told]
    assert ids[0] == ids[5]
    assert ids[1] == ids[2]
    assert len(set(ids)) == 3
    assert {e["job"]["namespace"] for e in told} == {"shop"}


def test_generators_are_children_of_the_run(told):
    for event in told[1:5]:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == told[0]["run"]["runId"]
        assert parent["job"] == {"namespace": "shop", "name": "voyant.run"}
    assert "parent" not in told[0]["run"]["facets"]
    assert told[4]["run"]["facets"]["errorMessage"]["message"] == "on purpose"


def test_tables_go_in_and_artifacts_come_out(told, tmp_path):
    assert told[0]["inputs"] == [
        {"namespace": "file", "name": str(tmp_path / "data" / "orders.csv")},
        {"namespace": "voyant", "name": "frame"},
    ]
    artifact = {"namespace": "file", "name": str((tmp_path / "out" / "job" / "a.json").resolve())}
    assert told[2]["outputs"] == told[5]["outputs"] == [artifact]


def test_an_interrupted_run_is_aborted(run, tmp_path):
    path = tmp_path / "events.jsonl"
    observer = OpenLineageObserver(path.as_uri())
    with pytest.raises(KeyboardInterrupt):
        run(observer, stops=stop)
    observer.close()
    observer.close()
    last = [(e["eventType"], e["job"]["name"]) for e in events_of(path)[-2:]]
    assert last == [("ABORT", "voyant.stops"), ("ABORT", "voyant.run")]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.authorized = self.headers["Authorization"]
        self.server.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        found.received, found.answer = [], 201
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_events_are_posted(run, server):
    run(OpenLineageObserver(f"http://127.0.0.1:{server.server_port}/api/v1/lineage"))
    assert json.loads(server.received[0])["eventType"] == "START"
    assert len(server.received) == 6


def test_a_server_that_refuses_is_asked_once_and_the_run_goes_on(run, server, caplog):
    caplog.set_level(logging.WARNING)
    server.answer = 500
    url = f"http://ann:secret@127.0.0.1:{server.server_port}/x?key=secret"
    result = run(OpenLineageObserver(url))
    assert result.success
    assert len(server.received) == 1
    assert server.authorized == "Basic YW5uOnNlY3JldA=="  # ann:secret
    (record,) = [r for r in caplog.records if r.name == "voyant.observers.openlineage"]
    assert "127.0.0.1" in record.getMessage()
    assert "secret" not in caplog.text


@pytest.mark.parametrize("url", ["", "ftp://x/y", "lineage.example"])
def test_other_addresses_are_refused(url):
    settings = {"openlineage_url": url, "openlineage_namespace": "voyant"}
    with pytest.raises(ConfigurationError, match="openlineage_url"):
        make_observer(settings.get)


def test_a_file_in_a_missing_folder_only_silences_it(run, tmp_path):
    assert run(OpenLineageObserver(Path(tmp_path / "gone" / "x").as_uri())).success
