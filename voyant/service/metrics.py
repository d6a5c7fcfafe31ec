"""What does `/metrics` say? Jobs, generators, KPIs, the queue and requests, in labels that are few.

Generators run in other processes, on other machines too. What they did is in the events of their
jobs: each look reads those that are new. Counters start at zero with the process; with several
processes of the API each counts everything, so take the largest, not the sum.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from voyant.artifacts.store import MANIFEST_NAME
from voyant.jobs.durable.model import JobState
from voyant.jobs.durable.queue import DatabaseQueue
from voyant.jobs.durable.schema import events, jobs

__all__ = ["CONTENT_TYPE_LATEST", "ServiceMetrics"]

_SECONDS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)
_FAST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
#: Generators with series of their own; all further ones are counted together.
_MOST_GENERATORS: Final = 100
_OTHER: Final = "other"
_KPI_GENERATOR: Final = "kpi"
_FINISHED: Final = "generator_finished"
_SKIPPED: Final = "generator_skipped"
_ENDS: Final = ("finished", "cancelled")
#: An event may be seen this much later than its own time says.
_LATE_US: Final = 30_000_000


class ServiceMetrics:
    """The series of one process."""

    def __init__(self, queue: DatabaseQueue) -> None:
        """Start to count what happens from now on."""
        self._queue = queue
        self._registry = registry = CollectorRegistry()
        self._jobs = Gauge("voyant_jobs", "Jobs by state.", ["state"], registry=registry)
        self._wait = Gauge(
            "voyant_queue_oldest_wait_seconds",
            "How long the job that waits longest has waited.",
            registry=registry,
        )
        self._workers = Gauge(
            "voyant_workers", "Workers, alive or lost.", ["state"], registry=registry
        )
        self._ended = Counter(
            "voyant_jobs_ended", "Jobs that came to an end.", ["state"], registry=registry
        )
        self._generators = Counter(
            "voyant_generator_runs",
            "Generators that ended, or were skipped.",
            ["generator", "status"],
            registry=registry,
        )
        self._generator_seconds = Histogram(
            "voyant_generator_duration_seconds",
            "Time of a generator.",
            ["generator"],
            registry=registry,
            buckets=_SECONDS,
        )
        self._kpi_seconds = Histogram(
            "voyant_kpi_duration_seconds",
            "Time of one KPI's statement.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._requests = Histogram(
            "voyant_http_request_duration_seconds",
            "Time until a response was sent.",
            ["method", "route", "status"],
            registry=registry,
            buckets=_FAST_SECONDS,
        )
        self._names: set[str] = set()
        self._seen: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()
        with queue.database.read() as connection:
            self._since_us = queue.database.now_us(connection)
        self._oldest_us = self._since_us

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the pattern, not the address."""
        self._requests.labels(method, route, f"{status // 100}xx").observe(seconds)

    def render(self) -> bytes:
        """Look at the queue, and write all series as Prometheus reads them.

        Raises:
            DatabaseError: The database did not answer.
        """
        statistics = self._queue.statistics()
        for state in JobState:
            self._jobs.labels(state.value).set(statistics.jobs.get(state, 0))
        self._wait.set(statistics.oldest_wait_seconds)
        alive = sum(worker.is_alive for worker in statistics.workers)
        self._workers.labels("alive").set(alive)
        self._workers.labels("lost").set(len(statistics.workers) - alive)
        with self._lock:
            for tenant_id, job_id, kind, data in self._new_events():
                self._count(tenant_id, job_id, kind, data)
        return generate_latest(self._registry)

    def _new_events(self) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
        """Yield events that were not counted yet: tenant, job, kind, and what belongs to it."""
        query = (
            sa.select(events, jobs.c.tenant_id)
            .join(jobs, jobs.c.job_id == events.c.job_id)
            .where(
                events.c.at_us >= max(self._since_us - _LATE_US, self._oldest_us),
                events.c.kind.in_([_FINISHED, _SKIPPED, *_ENDS]),
            )
        )
        with self._queue.database.read() as connection:
            now_us = self._queue.database.now_us(connection)
            rows = connection.execute(query).mappings().all()
        self._since_us = now_us
        for row in rows:
            key = (row["job_id"], row["number"])
            if key not in self._seen:
                self._seen[key] = row["at_us"]
                yield row["tenant_id"], row["job_id"], row["kind"], json.loads(row["data"])
        horizon_us = now_us - 2 * _LATE_US
        self._seen = {key: at_us for key, at_us in self._seen.items() if at_us > horizon_us}

    def _count(self, tenant_id: str, job_id: str, kind: str, data: Mapping[str, Any]) -> None:
        if kind in _ENDS:
            self._ended.labels(_state_of(kind, data)).inc()
            if kind == "finished":
                self._count_kpis(tenant_id, job_id)
            return
        label = self._label_of(str(data.get("generator", "")))
        status = "skipped" if kind == _SKIPPED else str(data.get("status", "ok"))
        self._generators.labels(label, status if status in {"ok", "skipped"} else "failed").inc()
        duration_ms = data.get("duration_ms")
        if isinstance(duration_ms, (int, float)):
            self._generator_seconds.labels(label).observe(duration_ms / 1_000)

    def _count_kpis(self, tenant_id: str, job_id: str) -> None:
        """Read from a finished job's manifest how long each KPI took."""
        try:
            path = self._queue.folder(tenant_id, job_id) / MANIFEST_NAME
            manifest = cast("dict[str, Any]", json.loads(path.read_bytes()))
        except (OSError, ValueError):
            return
        for entry in manifest.get("generators", ()):
            if entry["name"] == _KPI_GENERATOR:
                for duration_ms in entry["details"].get("kpi_duration_ms", {}).values():
                    self._kpi_seconds.observe(duration_ms / 1_000)

    def _label_of(self, generator: str) -> str:
        if generator not in self._names:
            if len(self._names) >= _MOST_GENERATORS:
                return _OTHER
            self._names.add(generator)
        return generator


def _state_of(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "cancelled":
        return JobState.CANCELLED.value
    state = str(data.get("state", JobState.SUCCEEDED.value))
    return state if state in set(JobState) else "unknown"
