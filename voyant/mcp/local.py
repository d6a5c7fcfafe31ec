"""How are the tools answered on this machine, over the files of a folder, without a service?"""

from __future__ import annotations

import glob
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from voyant.artifacts.names import check_name
from voyant.artifacts.store import MANIFEST_NAME
from voyant.core.config import Settings
from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.engine import Engine
from voyant.core.errors import EngineError, FolderError, UnknownTableError, VoyantError
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.plugin_registry import default_registry
from voyant.core.results import GeneratorResult
from voyant.core.tables import QueryResult
from voyant.engines.opening import open_engine
from voyant.jobs.durable.model import Job, JobEvent, JobSpec, JobState
from voyant.jobs.request import JobRequest, new_job_id
from voyant.jobs.runner import run_job
from voyant.mcp.answers import ColumnFacts, TableFacts
from voyant.mcp.desk import NotFinishedError, Order
from voyant.mcp.reading import read_manifest

__all__ = ["LocalDesk", "chosen_sources", "referenced_sources"]

_BEFORE = "before:"
Sources = Mapping[str, object]


def chosen_sources(sources: Sources, names: Sequence[str]) -> dict[str, object]:
    """Return the sources of some tables, of all when none is named.

    Raises:
        UnknownTableError: A table nobody has.
    """
    for name in names:
        if name not in sources:
            raise UnknownTableError(name, sources)
    return {name: sources[name] for name in names or sources}


def referenced_sources(sources: Sources, reference: Mapping[str, str]) -> dict[str, object]:
    """Return what tables are compared with: another table's source, or `before:...` as it is.

    Raises:
        UnknownTableError: A table nobody has, on either side.
    """
    for name in (*reference, *(it for it in reference.values() if not it.startswith(_BEFORE))):
        if name not in sources:
            raise UnknownTableError(name, sources)
    return {
        name: other if other.startswith(_BEFORE) else sources[other]
        for name, other in reference.items()
    }


class LocalDesk:
    """Runs jobs in this process, one at a time, into `artifacts_root`; implements `Desk`."""

    def __init__(self, settings: Settings, sources: Callable[[], Sources]) -> None:
        """Keep what jobs are to use.

        Args:
            settings: Where artifacts go, limits, flags.
            sources: Finds the tables anew each time it is asked: files come and go.
        """
        self._settings, self._sources = settings, sources
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._known: dict[str, tuple[object, TableFacts]] = {}
        default_registry.load_plugins(settings)

    def tables(self) -> list[TableFacts]:
        """List the tables; a file is opened again only when it has changed."""
        found: list[TableFacts] = []
        for name, source in self._sources().items():
            signature, size = _signature(source)
            known = self._known.get(name)
            if known is None or known[0] != (source, signature):
                known = ((source, signature), self._look(name, source, size))
                self._known[name] = known
            found.append(known[1])
        return found

    def _look(self, name: str, source: object, size: int | None) -> TableFacts:
        try:
            with closing(self._open({name: source})) as engine:
                columns = [ColumnFacts(name=c.name, type=c.type) for c in engine.columns(name)]
        except (EngineError, OSError) as error:
            return TableFacts(name=name, size_bytes=size, columns=[], problem=str(error))
        return TableFacts(name=name, size_bytes=size, columns=columns)

    def plan(self, only: Sequence[str] = (), skip: Sequence[str] = ()) -> Plan:
        """Say which generators a job would run."""
        return default_registry.plan({}, self._settings, only=only, skip=skip)

    def start(self, order: Order) -> str:
        """Begin an analysis in a thread of its own."""
        sources = self._sources()
        request = JobRequest(
            sources=chosen_sources(sources, order.tables),
            reference=referenced_sources(sources, order.reference),
            kpis=order.kpis or None,
            only=order.only,
            skip=order.skip,
            as_of=order.as_of,
            job_id=new_job_id(),
            artifacts_root=self._settings.artifacts_root,
        )
        run = _Run(str(request.job_id), self._settings.tenant_id)
        with self._lock:
            self._runs[run.job.job_id] = run
        threading.Thread(
            target=run.go, args=(request, self._settings, self._turn), daemon=True
        ).start()
        return run.job.job_id

    def job(self, job_id: str) -> Job:
        """Return a job of this session, or one whose folder is there."""
        with self._lock:
            run = self._runs.get(job_id)
        return self._finished(self.folder(job_id)) if run is None else run.job

    def jobs(self, limit: int) -> Sequence[Job]:
        """List jobs, the newest first."""
        with self._lock:
            found = {job_id: run.job for job_id, run in self._runs.items()}
        for manifest in Path(self._settings.artifacts_root).glob(f"*/{MANIFEST_NAME}"):
            folder = manifest.parent
            if folder.name not in found:
                try:
                    found[folder.name] = self._finished(folder)
                except VoyantError:
                    continue  # another tenant's, or not to be read
        return sorted(found.values(), key=lambda job: job.submitted_at, reverse=True)[:limit]

    def events(self, job_id: str, after: int) -> Sequence[JobEvent]:
        """List what happened to a job of this session; of others only the end is known."""
        with self._lock:
            run = self._runs.get(job_id)
        return () if run is None else run.since(after)

    def folder(self, job_id: str) -> Path:
        """Return the folder of a job's artifacts."""
        return Path(self._settings.artifacts_root) / check_name("job", job_id)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Let every query run: there is one caller."""
        return nullcontext()

    def query(self, sql: str, tables: Sequence[str]) -> QueryResult:
        """Run a SELECT in a process of its own."""
        with closing(self._open(chosen_sources(self._sources(), tables))) as engine:
            return engine.query(sql)

    def _open(self, sources: Sources) -> Engine:
        values: dict[str, Any] = {"sources": dict(sources), "tables": []}
        return open_engine(GeneratorContext(values, settings=self._settings))

    def _finished(self, folder: Path) -> Job:
        """Return the job that a folder was left by.

        Raises:
            FolderError: There is none, or it is another tenant's.
        """
        try:
            manifest = read_manifest(folder)
        except NotFinishedError:
            manifest = None
        if manifest is None or manifest.tenant_id != self._settings.tenant_id:
            raise FolderError(
                f"There is no job {folder.name!r}.", remedy="List the jobs to see their names."
            )
        return Job(
            job_id=manifest.job_id,
            tenant_id=manifest.tenant_id,
            state=JobState.SUCCEEDED if manifest.success else JobState.FAILED,
            spec=JobSpec(),
            requested_by="local",
            submitted_at=manifest.started_at,
            started_at=manifest.started_at,
            finished_at=manifest.finished_at,
            attempt=1,
            error=None if manifest.success else f"{manifest.failed_core} failed.",
        )


class _Run(Observer):
    """A job of this session, and what has happened to it."""

    def __init__(self, job_id: str, tenant_id: str) -> None:
        self.job = Job(
            job_id=job_id,
            tenant_id=tenant_id,
            state=JobState.QUEUED,
            spec=JobSpec(),
            requested_by="local",
            submitted_at=datetime.now(UTC),
        )
        self._events: list[JobEvent] = []
        self._note("queued")

    def go(self, request: JobRequest, settings: Settings, turn: threading.Lock) -> None:
        """Run the job, when it is its turn."""
        with turn:
            self._change(state=JobState.RUNNING, started_at=datetime.now(UTC), attempt=1)
            self._note("started")
            try:
                done = run_job(request, settings, [self])
            except Exception as error:  # noqa: BLE001 - a thread's end: told to whoever asks
                said = str(error) if isinstance(error, VoyantError) else type(error).__name__
                self._end(JobState.FAILED, said)
            else:
                failed = done.manifest.failed_core
                if failed is None:
                    self._end(JobState.SUCCEEDED, None)
                else:
                    reason = next(r.error for r in done.result.results if r.name == failed)
                    self._end(JobState.FAILED, f"{failed} failed: {reason}")

    def since(self, after: int) -> list[JobEvent]:
        """List events since a number."""
        return self._events[after:]

    def generator_started(self, definition: GeneratorDefinition) -> None:
        self._change(generator=definition.name)
        self._note("generator_started", generator=definition.name)

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        self._note(
            "generator_finished",
            generator=definition.name,
            status="ok" if result.success else "failed",
            duration_ms=result.duration_ms,
            error=result.error,
        )

    def generator_skipped(self, definition: GeneratorDefinition, reason: str) -> None:
        self._note("generator_skipped", generator=definition.name, reason=reason)

    def _end(self, state: JobState, error: str | None) -> None:
        self._note("finished", state=state.value)
        self._change(state=state, finished_at=datetime.now(UTC), generator=None, error=error)

    def _change(self, **values: Any) -> None:  # noqa: ANN401 - the fields of a job
        self.job = replace(self.job, **values)

    def _note(self, kind: str, **data: object) -> None:
        number = len(self._events) + 1
        self._events.append(JobEvent(number=number, at=datetime.now(UTC), kind=kind, data=data))


def _signature(source: object) -> tuple[tuple[tuple[str, int, int], ...], int | None]:
    """Return what changes when a table's files do, and their size; nothing for what is no file."""
    paths = cast("Sequence[object]", source) if isinstance(source, (list, tuple)) else [source]
    files: list[Path] = []
    for path in paths:
        place = Path(str(path)).expanduser()
        if place.is_file():
            files.append(place)
        elif place.is_dir():
            files += [it for it in place.rglob("*") if it.is_file()]
        else:
            files += [Path(it) for it in glob.glob(str(place), recursive=True)]  # noqa: PTH207 - absolute or not
    states = [(str(file), file.stat()) for file in sorted(files)]
    size = sum(state.st_size for _, state in states) if states else None
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states), size
