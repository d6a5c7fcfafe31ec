"""How are the tools answered for a tenant of the service? By its queue, its uploads, its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from voyant.core.config import Settings
from voyant.core.context import GeneratorContext
from voyant.core.engine import Engine
from voyant.core.errors import EngineError
from voyant.core.plan import Plan
from voyant.core.plugin_registry import default_registry
from voyant.core.tables import QueryResult
from voyant.engines.opening import open_engine
from voyant.jobs.durable.errors import QueueFullError
from voyant.jobs.durable.model import Job, JobEvent, JobQueue, JobSpec
from voyant.jobs.durable.places import upload_path
from voyant.mcp.answers import ColumnFacts, TableFacts
from voyant.mcp.desk import Order, RefusedError
from voyant.mcp.local import chosen_sources, referenced_sources
from voyant.mcp.turns import Turns
from voyant.service.audit import AuditLog
from voyant.service.auth import Caller
from voyant.service.keys import Role
from voyant.service.problems import Problem
from voyant.service.specs import check_spec
from voyant.service.table_names import table_name
from voyant.service.uploads import UploadStore

__all__ = ["HostedDesk"]


class HostedDesk:
    """Works for one caller of the service; implements `Desk`."""

    def __init__(
        self, settings: Settings, queue: JobQueue, audit: AuditLog, turns: Turns, caller: Caller
    ) -> None:
        """Keep for whom, and with what."""
        self._settings, self._queue, self._audit = settings, queue, audit
        self._turns = turns
        self._caller = caller

    def tables(self) -> list[TableFacts]:
        """List the tenant's uploaded tables."""
        return [
            _look(name, path, path.stat().st_mtime_ns, path.stat().st_size)
            for name, path in self._paths().items()
        ]

    def plan(self, only: Sequence[str] = (), skip: Sequence[str] = ()) -> Plan:
        """Say which generators a job would run."""
        default_registry.load_plugins(self._settings)
        return default_registry.plan({}, self._settings, only=only, skip=skip)

    def start(self, order: Order) -> str:
        """Submit a job."""
        self._needs(Role.ANALYST)
        uploads = {name: f"upload:{path.name}" for name, path in self._paths().items()}
        sources = chosen_sources(uploads, order.tables)
        reference = referenced_sources(uploads, order.reference)
        spec = JobSpec(
            sources={name: str(place) for name, place in sources.items()},
            reference={name: str(place) for name, place in reference.items()},
            kpis=[dict(kpi) for kpi in order.kpis],
            only=list(order.only),
            skip=list(order.skip),
            as_of=order.as_of,
        )
        try:
            check_spec(self._settings, self._caller.tenant_id, spec)
            job = self._queue.submit(self._caller.tenant_id, spec, requested_by=self._caller.key_id)
        except Problem as problem:
            self._write_down("run_analysis", str(problem.kind.status))
            raise RefusedError(problem.detail) from None
        except QueueFullError:
            self._write_down("run_analysis", "429")
            raise
        self._write_down("run_analysis", "done", job.job_id)
        return job.job_id

    def job(self, job_id: str) -> Job:
        """Return one of the tenant's jobs."""
        return self._queue.get(self._caller.tenant_id, job_id)

    def jobs(self, limit: int) -> Sequence[Job]:
        """List the tenant's jobs, the newest first."""
        return self._queue.list(self._caller.tenant_id, limit=limit).jobs

    def events(self, job_id: str, after: int) -> Sequence[JobEvent]:
        """List what happened to one of the tenant's jobs."""
        return self._queue.events(self._caller.tenant_id, job_id, after=after)

    def folder(self, job_id: str) -> Path:
        """Return the folder of one of the tenant's jobs."""
        return self._queue.folder(self._caller.tenant_id, job_id)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait for one of the turns that the tenants share; who may not ask is told at once."""
        self._needs(Role.ANALYST)
        return self._turns.take(self._caller.tenant_id)

    def query(self, sql: str, tables: Sequence[str]) -> QueryResult:
        """Run a SELECT in a process of its own, within the operator's limits."""
        self._needs(Role.ANALYST)
        sources = chosen_sources(self._paths(), tables)
        if not sources:
            raise RefusedError(
                "There is no table to ask.", remedy="Upload one: PUT /v1/tables/NAME."
            )
        try:
            with closing(_open(self._settings, sources)) as engine:
                result = engine.query(sql)
        except EngineError:
            self._write_down("query_tables", "refused or failed")
            raise
        self._write_down("query_tables", "done")
        return result

    def _paths(self) -> dict[str, Path]:
        """Return the file of each table; of two that would have one name, the first."""
        tenant = self._caller.tenant_id
        found: dict[str, Path] = {}
        for stored in UploadStore(self._settings, tenant).all():
            path = upload_path(self._settings, tenant, stored.name)
            found.setdefault(table_name(stored.name), path)
        return found

    def _needs(self, role: Role) -> None:
        if not self._caller.role.includes(role):
            raise RefusedError(
                f"This needs the role {role.value!r}; the key has {self._caller.role.value!r}.",
                remedy="Ask the operator for another key.",
            )

    def _write_down(self, tool: str, outcome: str, target: str | None = None) -> None:
        self._audit.add(
            action=f"mcp {tool}",
            outcome=outcome,
            tenant_id=self._caller.tenant_id,
            key_id=self._caller.key_id,
            target=target,
        )


def _open(settings: Settings | None, sources: Mapping[str, object]) -> Engine:
    values: dict[str, Any] = {"sources": dict(sources), "tables": []}
    return open_engine(GeneratorContext(values, settings=settings))


@lru_cache(maxsize=4_000)
def _look(name: str, path: Path, changed: int, size: int) -> TableFacts:
    """Open a file once; `changed` makes it another question when the file was replaced."""
    del changed
    try:
        with closing(_open(None, {name: path})) as engine:
            columns = [ColumnFacts(name=c.name, type=c.type) for c in engine.columns(name)]
    except (EngineError, OSError):  # the message may hold the service's own paths
        return TableFacts(name=name, size_bytes=size, columns=[], problem="It cannot be opened.")
    return TableFacts(name=name, size_bytes=size, columns=columns)
