"""What happened, a JSON object a line."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from voyant.core.errors import ConfigurationError
from voyant.observers.events import JsonLinesObserver


def stop(ctx):
    raise KeyboardInterrupt


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_step_is_a_line(run, tmp_path):
    path = tmp_path / "events.jsonl"
    observer = JsonLinesObserver(path)
    run(observer)
    observer.close()
    observer.close()
    events = lines(path)
    assert [(e["event"], e.get("generator")) for e in events] == [
        ("run_started", None),
        ("generator_started", "works"),
        ("generator_finished", "works"),
        ("generator_started", "breaks"),
        ("generator_finished", "breaks"),
        ("generator_skipped", "off"),
        ("run_finished", None),
    ]
    assert {(e["job_id"], e["tenant_id"]) for e in events} == {("job", "acme")}
    for event in events:
        assert datetime.fromisoformat(event["time"]).utcoffset() == timedelta(0)
    assert events[0]["generators"] == ["works", "breaks"]
    assert (events[2]["status"], events[2]["artifacts"], events[2]["error"]) == ("ok", ["a"], None)
    assert (events[4]["status"], events[4]["error"]) == ("failed", "on purpose")
    assert events[5]["reason"].startswith("enable_off is off")
    assert events[6]["failed"] == ["breaks"]
    assert (events[6]["success"], events[6]["artifact_count"]) == (True, 1)


def test_runs_share_a_file(run, tmp_path):
    path = tmp_path / "events.jsonl"
    for _ in range(2):
        observer = JsonLinesObserver(path)
        run(observer)
        observer.close()
    assert [event["event"] for event in lines(path)].count("run_finished") == 2


def test_an_interrupted_run_says_so(run, tmp_path):
    path = tmp_path / "events.jsonl"
    observer = JsonLinesObserver(path)
    with pytest.raises(KeyboardInterrupt):
        run(observer, stops=stop)
    observer.close()
    assert lines(path)[-1]["event"] == "run_interrupted"


def test_a_file_that_cannot_be_written_is_said_before_the_run(tmp_path):
    with pytest.raises(ConfigurationError, match="events_path"):
        JsonLinesObserver(tmp_path / "gone" / "events.jsonl")
