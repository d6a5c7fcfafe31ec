"""How a job goes from its request to its manifest."""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from voyant import __version__
from voyant.artifacts.baselines import BaselineStore, remember_baselines
from voyant.artifacts.kpi_history import KpiHistory
from voyant.artifacts.kpis import KpisArtifact
from voyant.artifacts.manifest import (
    Manifest,
    Parameters,
    PluginEntry,
    Resumption,
    Versions,
    describe_generators,
    list_artifacts,
)
from voyant.artifacts.quality_settings import parse_quality
from voyant.artifacts.store import ArtifactStore
from voyant.core.config import Settings, get_settings, redact_url
from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.engine import Engine
from voyant.core.errors import FolderError
from voyant.core.pipeline import Observer, run_plan
from voyant.core.plan import Plan
from voyant.core.plugin_registry import PluginRegistry, default_registry
from voyant.core.results import GeneratorResult, PipelineResult
from voyant.core.scratch import ScratchFolder
from voyant.core.selection import parse_selections
from voyant.engines.warehouses import reads_paths
from voyant.jobs.ahead import Ahead
from voyant.jobs.interrupts import CtrlC
from voyant.jobs.progress import Kept, ProgressWriter, fingerprint, keep
from voyant.jobs.request import JobRequest, new_job_id
from voyant.jobs.staging import Staging
from voyant.jobs.surroundings import Surroundings
from voyant.observers import observing

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Attempt", "JobResult", "make_context", "remember_job", "run_job"]

_logger = logging.getLogger("voyant.jobs")

_KPI_GENERATOR = "kpi"
_KPI_FILE = "kpis.json"
_DRIFT_GENERATOR = "drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a job that may be interrupted, and go on in another folder.

    Attributes:
        earlier: The folder of the attempt before this one.
    """

    earlier: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What came of a job.

    Attributes:
        folder: Where its files are, on this machine.
        manifest: The account of it, as written to `manifest.json`.
        result: What the pipeline returned, with tracebacks.
        location: Where its files belong: the folder, or its address in object storage.
        scratch: Keeps the folder, where the files belong elsewhere, while this result is held.
    """

    folder: Path
    manifest: Manifest
    result: PipelineResult
    location: str
    scratch: ScratchFolder | None = field(default=None, repr=False)


def run_job(
    request: JobRequest,
    settings: Settings | None = None,
    observers: Sequence[Observer] = (),
    *,
    registry: PluginRegistry = default_registry,
    attempt: Attempt | None = None,
) -> JobResult:
    """Run a job: its generators, the manifest, then the tenant's KPI history and baselines.

    A generator that fails is in the result, not raised. Ctrl-C passes through and leaves a folder
    without a manifest: an unfinished job.

    Args:
        request: What to do.
        settings: `get_settings()` when None.
        observers: Told of each step as it happens.
        registry: Where the generators come from.
        attempt: Keeps what an earlier attempt had done, and notes what this one does; the KPI
            history and baselines are then the caller's to keep, with `remember_job`.

    Raises:
        ConfigurationError: A generator or observer nobody knows, a flag without a clear value, a
            wrong check or contract; nothing ran.
        UnsafeNameError: A job or tenant name that could lead outside the root; nothing ran.
        FolderError: The folder is another tenant's, in use, or cannot be written.
        ObjectStoreError: The root is in object storage and cannot be read or written.
    """
    settings = settings or get_settings()
    context = make_context(request, settings)
    plugins = registry.load_plugins(settings)
    plan = registry.plan(context, settings, only=request.only, skip=request.skip)
    _check_quality(request, settings)
    started_at, clock = datetime.now(UTC), perf_counter()
    digest = "" if attempt is None else fingerprint(plan, context, settings)
    root, tenant = str(context["artifacts_root"]), context.tenant_id
    staging = Staging(root, str(context["job_id"]), tenant, settings)
    context["artifacts_root"] = staging.local_root
    with (
        Ahead(plan) as ahead,
        observing(settings) as watchers,
        Surroundings() as surroundings,
        CtrlC() as ctrl_c,
        closing(_open_store(context)) as store,
    ):
        recorder = _Recorder(store)
        kept = _keep(attempt, digest, store, recorder)
        context.setdefault("as_of", started_at if kept is None else kept.as_of)
        context = GeneratorContext(context, settings=settings, services={"writer": store})
        noting: tuple[Observer, ...] = ()
        if attempt is not None:
            began = started_at if kept is None else kept.started_at
            noting = (ProgressWriter(store, recorder, digest, context.as_of, began),)
        result = run_plan(
            plan,
            context,
            settings,
            observers=(recorder, *noting, surroundings, ctrl_c, ahead, *watchers, *observers),
            kept=() if kept is None else kept.results,
        )
        store.generator = None
        artifacts, problems = list_artifacts(store.folder, result, store.written, store.digests)
        manifest = Manifest(
            job_id=context.job_id,
            tenant_id=context.tenant_id,
            success=result.success,
            failed_core=result.failed_core,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            duration_ms=round((perf_counter() - clock) * 1000.0, 3),
            as_of=context.as_of,
            versions=Versions(
                voyant=__version__, python=platform.python_version(), engine=recorder.engine_name
            ),
            tables=list(recorder.tables),
            parameters=_parameters(request, context, settings),
            generators=describe_generators(
                plan, result, artifacts, cast("Mapping[str, dict[str, JsonValue]]", store.notes)
            ),
            plugins=[PluginEntry.of(plugin) for plugin in plugins],
            artifacts=artifacts,
            problems=problems,
            resumed=None
            if kept is None
            else Resumption(
                first_started_at=kept.started_at, kept=[done.name for done in kept.results]
            ),
        )
        store.write_manifest(manifest)
        folder = store.folder
    if attempt is None:
        remember_job(folder, manifest, context.artifacts_root, settings)
    staging.publish(folder, manifest)
    staging.push_state()
    return JobResult(
        folder=folder,
        manifest=manifest,
        result=result,
        location=staging.location if staging.scratch else str(folder),
        scratch=staging.scratch,
    )


def remember_job(
    folder: Path, manifest: Manifest, artifacts_root: str | Path, settings: Settings
) -> None:
    """Add a job to its tenant's KPI history and baselines; a second time changes nothing.

    Args:
        folder: Where its files are.
        manifest: The account of it.
        artifacts_root: Below which the history and the baselines are.
        settings: Which profile is kept as a baseline.
    """
    _remember_kpis(artifacts_root, manifest, folder)
    _remember_baselines(artifacts_root, manifest, folder, settings)


def _keep(
    attempt: Attempt | None, digest: str, store: ArtifactStore, recorder: _Recorder
) -> Kept | None:
    """Take over what an earlier attempt had done, if there was one and it was asked the same."""
    if attempt is None or attempt.earlier is None:
        return None
    kept = keep(attempt.earlier, digest, store)
    if kept is not None:
        recorder.tables, recorder.engine_name = kept.tables, kept.engine
    return kept


def make_context(request: JobRequest, settings: Settings) -> GeneratorContext:
    """Return the context that a request's generators are given, and `plan` decides by.

    Raises:
        ConfigurationError: An `as_of` that is not a time, or a selection that is none.
    """
    kpis = settings.kpis if request.kpis is None else request.kpis
    values: dict[str, Any] = {
        "job_id": new_job_id() if request.job_id is None else request.job_id,
        "tenant_id": settings.tenant_id if request.tenant_id is None else request.tenant_id,
        "artifacts_root": str(request.artifacts_root or settings.artifacts_root),
        "tables": list(request.tables),
        "kpis": [dict(kpi) for kpi in kpis],
        "flags": dict(request.flags),
        "sources": dict(request.sources),
        "reference": dict(request.reference),
        "contracts": [str(path) for path in request.contracts],
    }
    for name, options in (("where", request.where), ("sample", request.sample)):
        if options:
            values[name] = list(options)
    if not request.sources and request.warehouse_url is None:
        values["sources"] = dict(settings.tables)
        if settings.tables and reads_paths(settings.warehouse_url):
            values["warehouse_url"] = settings.warehouse_url
    if request.warehouse_url is not None:
        values["warehouse_url"] = request.warehouse_url
    if request.as_of is not None:
        values["as_of"] = request.as_of
    context = GeneratorContext(values, settings=settings)
    # Refused here, before anything runs.
    parse_selections(
        settings.select, where=request.where, sample=request.sample, as_of=context.as_of
    )
    return context


def _check_quality(request: JobRequest, settings: Settings) -> None:
    """Refuse a wrong `[quality]` table, and contracts that cannot be read, before anything runs."""
    quality = parse_quality(settings.quality)
    if request.contracts or quality.contracts:
        from voyant.artifacts.contracts import (  # noqa: PLC0415 - only jobs with a contract pay
            read_contract,
        )

        for path in (*request.contracts, *quality.contracts):
            read_contract(path)


class _Recorder(Observer):
    """Tells the store who writes, and asks the engine, while it is open, what it holds."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._context: GeneratorContext | None = None
        self.tables: tuple[str, ...] = ()
        self.engine_name: str | None = None

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        self._context = context
        self._store.expected = {step.definition.name for step in plan.steps if not step.skip_reason}

    def generator_started(self, definition: GeneratorDefinition) -> None:
        self._store.generator = definition.name

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        del definition, result
        if self._context is None:
            return
        engine = cast("Engine | None", self._context.opened("engine"))
        if engine is None:
            return
        if self.engine_name is None:
            self.tables, self.engine_name = engine.tables(), engine.name
        # Only engines that send statements somewhere count them.
        usage = getattr(engine, "usage", dict[str, object])()
        if usage:
            self._store.note("statements", usage)


def _open_store(context: GeneratorContext) -> ArtifactStore:
    return ArtifactStore(context.artifacts_root, job_id=context.job_id, tenant_id=context.tenant_id)


def _parameters(request: JobRequest, context: GeneratorContext, settings: Settings) -> Parameters:
    chosen = settings.model_dump(mode="json", exclude={"kpis", "tables"})
    sources = cast("dict[str, object]", context["sources"])
    return Parameters(
        sources={name: _origins(source) for name, source in sources.items()},
        reference={name: _origins(source) for name, source in request.reference.items()},
        kpis=[str(kpi.get("name", "")) for kpi in context.kpis],
        flags={name: bool(value) for name, value in context.flags.items()},
        only=list(request.only),
        skip=list(request.skip),
        where=list(request.where),
        sample=list(request.sample),
        settings={
            name: _hidden(value)
            for name, value in chosen.items()
            if settings.source_of(name) != "default"
            and not settings.source_of(name).startswith("follows")
        },
    )


def _origins(source: object) -> list[str]:
    """Name what a table was read from; a data frame by its type."""
    if isinstance(source, (str, Path)):
        return [str(_hidden(str(source)))]
    if isinstance(source, (list, tuple)):
        return [str(_hidden(str(part))) for part in cast("Sequence[object]", source)]
    return [type(source).__name__]


def _hidden(value: JsonValue) -> JsonValue:
    return redact_url(value) if isinstance(value, str) and "://" in value else value


def _remember_baselines(
    root: str | Path, manifest: Manifest, folder: Path, settings: Settings
) -> None:
    """Keep the profiles of a job that succeeded, for tables that have none to be compared with."""
    if not manifest.success or not any(
        e.name == _DRIFT_GENERATOR and e.status == "ok" for e in manifest.generators
    ):
        return
    try:
        kept = remember_baselines(
            BaselineStore(root, manifest.tenant_id),
            folder,
            manifest.job_id,
            manifest.finished_at,
            follows_previous=settings.baseline == "previous",
        )
    except (OSError, FolderError, ValueError) as error:  # the job itself is done, and stays so
        _logger.warning("Baselines not kept: %s job=%s", error, manifest.job_id)
        return
    for table in kept:
        _logger.info("The baseline of %r is now that of job %s", table, manifest.job_id)


def _remember_kpis(root: str | Path, manifest: Manifest, folder: Path) -> None:
    """Add the job's KPI values to the tenant's history, if they were computed without an error."""
    if not any(e.name == _KPI_GENERATOR and e.status == "ok" for e in manifest.generators):
        return
    try:
        values = KpisArtifact.model_validate_json((folder / _KPI_FILE).read_bytes()).values()
        history = KpiHistory(root, manifest.tenant_id)
        if values and not history.has(manifest.job_id, manifest.finished_at):
            history.append(manifest.job_id, manifest.finished_at, values)
    except (OSError, FolderError, ValueError) as error:  # the job itself is done, and stays so
        _logger.warning("KPI history not kept: %s job=%s", error, manifest.job_id)
