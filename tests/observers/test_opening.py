"""Which observers the settings ask for."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from voyant.core.config import load_settings
from voyant.core.errors import ConfigurationError
from voyant.core.pipeline import Observer
from voyant.core.plugin_registry import PluginRegistry
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job
from voyant.observers import opening
from voyant.observers.opening import observing


class Mine(Observer):
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True
        sys.exit("on purpose")


MINE = Mine()


def make_mine(setting):
    MINE.closed = False
    return MINE


def make_nothing(setting):
    return None


def make_trouble(setting):
    raise RuntimeError("on purpose")


def make_exit(setting):
    sys.exit("on purpose")


@pytest.fixture(autouse=True)
def _plugins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = EntryPoints(
        EntryPoint(name, f"{__name__}:{function}", "voyant.observers")
        for name, function in [
            ("mine", "make_mine"),
            ("nothing", "make_nothing"),
            ("trouble", "make_trouble"),
            ("exit", "make_exit"),
        ]
    )
    monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])
    monkeypatch.setattr(opening.metadata, "entry_points", lambda group: found.select(group=group))


def names(**settings):
    with observing(load_settings(**settings)) as observers:
        return [type(observer).__name__ for observer in observers]


def test_there_are_none_by_default():
    assert names() == []


def test_a_path_or_address_switches_its_observer_on(tmp_path):
    assert names(events_path="events.jsonl") == ["JsonLinesObserver"]
    assert names(metrics_path="voyant.prom") == ["PrometheusObserver"]
    assert names(openlineage_url="file:///x") == ["OpenLineageObserver"]


def test_a_name_switches_its_observer_on(monkeypatch):
    monkeypatch.setenv("VOYANT_OBSERVERS", "mine, prometheus")
    assert names() == ["Mine", "PrometheusObserver"]


def test_named_twice_it_is_made_once():
    assert names(observers=["jsonl", "jsonl"], events_path="x") == ["JsonLinesObserver"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("prometeus", "There is no observer 'prometeus'. Did you mean 'prometheus'"),
        ("jsonl", "Set events_path"),
        ("nothing", "is NoneType, not an Observer"),
        ("trouble", "RuntimeError: on purpose"),
        ("exit", "SystemExit: on purpose"),
    ],
)
def test_one_that_cannot_be_made_is_said_before_the_run(name, message):
    with pytest.raises(ConfigurationError, match=message):
        names(observers=[name])


def test_a_missing_extra_is_named(monkeypatch):
    def fails(module):
        raise ModuleNotFoundError("x", name="opentelemetry.context")

    monkeypatch.setattr(opening.importlib, "import_module", fails)
    with pytest.raises(ConfigurationError, match=r"pip install 'voyant\[otel\]'"):
        names(observers=["otel"])


def test_one_that_cannot_be_closed_hurts_nobody(caplog):
    assert names(observers=["mine"]) == ["Mine"]
    assert MINE.closed
    assert "could not be closed" in caplog.text


def test_a_job_tells_them(tmp_path):
    registry = PluginRegistry()
    registry.register("works")(lambda ctx: {})
    settings = load_settings(events_path="events.jsonl", observers=["mine"])
    run_job(JobRequest(job_id="a"), settings, registry=registry)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["event"] == "run_finished"
    assert MINE.closed
