"""How many runs, how long, how many failed: for Prometheus, from a registry or a text file."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Final, cast
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import write_to_textfile

from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult, PipelineResult
from voyant.observers.opening import Setting

__all__ = ["MAX_GENERATORS", "PrometheusObserver", "make_observer"]

#: Generators with series of their own; all further ones are counted together as `other`.
MAX_GENERATORS: Final = 100
_OTHER: Final = "other"
_SECONDS: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600)


def make_observer(setting: Setting) -> PrometheusObserver:
    """Make it from the settings: with `metrics_path` a registry of its own, written there."""
    path = cast("str | None", setting("metrics_path"))
    if path:
        return PrometheusObserver(registry=CollectorRegistry(), textfile=path)
    return PrometheusObserver()


class _Metrics:
    """The series of one registry. No label holds a job, a tenant, a table or a message."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.runs = Counter("voyant_runs", "Runs that ended.", ["status"], registry=registry)
        self.run_seconds = Histogram(
            "voyant_run_duration_seconds", "Time of a run.", registry=registry, buckets=_SECONDS
        )
        self.generators = Counter(
            "voyant_generator_runs",
            "Generators that ended, or were skipped.",
            ["generator", "status"],
            registry=registry,
        )
        self.generator_seconds = Histogram(
            "voyant_generator_duration_seconds",
            "Time of a generator.",
            ["generator"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.last_run = Gauge(
            "voyant_last_run_timestamp_seconds",
            "When the last run with this status ended.",
            ["status"],
            registry=registry,
        )
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def label_of(self, generator: str) -> str:
        """Return the generator's name while there are few, and `other` for all that come later."""
        with self._lock:
            if generator in self._names:
                return generator
            if len(self._names) >= MAX_GENERATORS:
                return _OTHER
            self._names.add(generator)
            return generator


_metrics: WeakKeyDictionary[CollectorRegistry, _Metrics] = WeakKeyDictionary()
_metrics_lock = threading.Lock()


class PrometheusObserver(Observer):
    """Counts runs and generators and measures how long they take.

    All observers of one registry share its series.
    """

    def __init__(
        self, registry: CollectorRegistry = REGISTRY, *, textfile: str | None = None
    ) -> None:
        """Use the series of a registry, made on first use.

        Args:
            registry: Where they live; the library's default one is what its servers expose.
            textfile: Written, whole, when a run ends: for node exporter's textfile collector.
        """
        with _metrics_lock:
            if registry not in _metrics:
                _metrics[registry] = _Metrics(registry)
        self._registry, self._textfile = registry, textfile
        self._series = _metrics[registry]
        self._started: float | None = None

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Start the clock."""
        del plan, context
        self._started = monotonic()

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Count it and measure its time."""
        label = self._series.label_of(definition.name)
        status = "ok" if result.success else "failed"
        self._series.generators.labels(label, status).inc()
        self._series.generator_seconds.labels(label).observe(result.duration_ms / 1000.0)

    def generator_skipped(self, definition: GeneratorDefinition, reason: str) -> None:
        """Count it."""
        del reason
        self._series.generators.labels(self._series.label_of(definition.name), "skipped").inc()

    def run_finished(self, result: PipelineResult) -> None:
        """Count the run."""
        self._end("ok" if result.success else "failed")

    def close(self) -> None:
        """Count a run that was interrupted; safe to call twice."""
        self._end("interrupted")

    def _end(self, status: str) -> None:
        started, self._started = self._started, None
        if started is None:
            return
        self._series.runs.labels(status).inc()
        self._series.run_seconds.observe(monotonic() - started)
        self._series.last_run.labels(status).set_to_current_time()
        if self._textfile is not None:
            write_to_textfile(self._textfile, self._registry)
