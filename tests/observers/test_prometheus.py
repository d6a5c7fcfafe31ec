"""Counts and times for Prometheus."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from voyant.observers import prometheus
from voyant.observers.prometheus import PrometheusObserver


def stop(ctx):
    raise KeyboardInterrupt


def test_runs_and_generators_are_counted(run, tmp_path):
    registry, path = CollectorRegistry(), tmp_path / "voyant.prom"
    for _ in range(2):
        run(PrometheusObserver(registry, textfile=str(path)))
    value = registry.get_sample_value
    assert value("voyant_runs_total", {"status": "ok"}) == 2
    for generator, status in (("works", "ok"), ("breaks", "failed"), ("off", "skipped")):
        labels = {"generator": generator, "status": status}
        assert value("voyant_generator_runs_total", labels) == 2
    assert value("voyant_generator_duration_seconds_count", {"generator": "works"}) == 2
    assert value("voyant_run_duration_seconds_count") == 2
    assert value("voyant_last_run_timestamp_seconds", {"status": "ok"})
    families = list(text_string_to_metric_families(path.read_text()))
    assert {"voyant_runs", "voyant_generator_runs"} <= {family.name for family in families}
    labels = {key for family in families for sample in family.samples for key in sample.labels}
    assert labels == {"status", "generator", "le"}  # no job, no tenant, no message


def test_an_interrupted_run_is_counted_once(run):
    registry = CollectorRegistry()
    observer = PrometheusObserver(registry)
    with pytest.raises(KeyboardInterrupt):
        run(observer, stops=stop)
    observer.close()
    observer.close()
    assert registry.get_sample_value("voyant_runs_total", {"status": "interrupted"}) == 1


def test_there_are_only_so_many_series(run, monkeypatch):
    monkeypatch.setattr(prometheus, "MAX_GENERATORS", 2)
    registry = CollectorRegistry()
    run(PrometheusObserver(registry))
    value = registry.get_sample_value
    assert value("voyant_generator_runs_total", {"generator": "other", "status": "skipped"}) == 1
    assert value("voyant_generator_runs_total", {"generator": "off", "status": "skipped"}) is None
