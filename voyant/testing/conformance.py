"""Which laws does a generator break? It is run over the awkward tables, and all are reported."""

from __future__ import annotations

import asyncio
import copy
import os
import shutil
import tempfile
import threading
import traceback
from collections.abc import Awaitable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, cast

from voyant.core.context import GeneratorContext
from voyant.core.definition import Handler, check_handler
from voyant.core.errors import ContextError, RegistrationError, VoyantError
from voyant.core.plugin_registry import default_registry
from voyant.testing.contexts import job_context
from voyant.testing.files import faults_in_file
from voyant.testing.tables import AWKWARD_TABLES, write_awkward_database
from voyant.testing.watching import FileWatch, captured_output, state_changes, state_now

__all__ = ["LAWS", "BrokenLaw", "Report", "check_generator"]

#: Every law that is checked, and what it asks.
LAWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "signature": "it can be called with a context",
        "completes": "it gives a result or raises an error that it means to raise",
        "message": "what it raises says something",
        "returns": "it returns a mapping of str to path",
        "files": "each path is a file in the job's folder",
        "json": "JSON artifacts parse and hold no NaN",
        "page": "pages load nothing, have no inline handlers and escape the data",
        "same bytes": "the same input gives the same artifacts, byte for byte",
        "context": "the context is as it was",
        "folder": "nothing outside the job's folder is written",
        "state": "the process is as it was: working directory, environment, logging, ...",
        "quiet": "nothing is written to stdout",
        "optional keys": "it works without the context keys that may be missing",
        "time": "it finishes in time",
    }
)

_AS_OF: Final = "2024-06-01T00:00:00+00:00"
#: Three hundred columns take longer than all other tables together: once is enough.
_SLOW_TABLE: Final = "wide"
_KPI: Final = {"name": "order_count", "sql": "SELECT count(*) FROM orders"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLaw:
    """One breach: which of `LAWS`, on which tables, and what was seen."""

    law: str
    job: str
    message: str

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.law} [{self.job}]: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a check.

    Attributes:
        broken: Every breach, in the order they were seen.
        jobs: What it was run on.
        errors: For each job in which it raised an allowed error, the error's message.
    """

    broken: tuple[BrokenLaw, ...]
    jobs: tuple[str, ...]
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def ok(self) -> bool:
        """Whether every law was kept."""
        return not self.broken

    def __str__(self) -> str:
        """List the breaches, the same one on several tables once."""
        if self.ok:
            return f"Kept all laws in {len(self.jobs)} jobs."
        places: dict[tuple[str, str], list[str]] = {}
        for breach in self.broken:
            places.setdefault((breach.law, breach.message), []).append(breach.job)
        lines = [f"{law} [{', '.join(jobs)}]: {said}" for (law, said), jobs in places.items()]
        return "\n".join([f"Broke {len(lines)} laws:", *lines])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    name: str
    values: Mapping[str, Any]
    is_repeated: bool = True
    is_minimal: bool = False


@dataclass(slots=True)
class _Run:
    """One call of the generator and what was seen of it."""

    returned: object = None
    error: BaseException | None = None
    trace: str = ""
    is_late: bool = False
    is_skipped: bool = False
    breaches: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    digests: dict[str, str] = field(default_factory=dict[str, str])


def check_generator(
    generator: Handler,
    *,
    parameters: object | None = None,
    before: Sequence[Handler] = (),
    allowed_errors: tuple[type[BaseException], ...] = (VoyantError,),
    timeout_seconds: float = 60.0,
    tables: Sequence[str] = AWKWARD_TABLES,
    settings: object | None = None,
) -> Report:
    """Run a generator over the awkward tables, one job each and all together, and report.

    Args:
        generator: The function, as it is registered.
        parameters: What it finds in `ctx.parameters`; the defaults of what it registered when None.
        before: Generators that run before it in each job, so that it finds their artifacts.
        allowed_errors: What it may raise where a table does not suit it. Anything else is a breach.
        timeout_seconds: Time that one call may take; the check ends with the first that takes more.
        tables: Which of the awkward tables to use.
        settings: Handed to the context.

    Returns:
        The breaches. A generator is run up to twice per job, in a thread, and within this process:
        one that crashes takes the test with it.
    """
    try:
        check_handler(getattr(generator, "__name__", "generator"), generator)
    except RegistrationError as error:
        breach = BrokenLaw(law="signature", job="-", message=str(error))
        return Report(broken=(breach,), jobs=())
    if parameters is None:
        parameters = _registered_parameters(generator)
    broken: list[BrokenLaw] = []
    errors: dict[str, str] = {}
    with _workspace() as workspace:
        jobs = _jobs(workspace, tables)
        check = _Check(generator, before, parameters, settings, workspace, timeout_seconds)
        for job in jobs:
            run = check.run(job)
            breaches = run.breaches + _judge_outcome(run, job, allowed_errors)
            if job.is_repeated and run.error is None and not run.is_late:
                again = check.run(job)
                breaches += [new for new in again.breaches if new not in breaches]
                breaches += _differences(run, again)
            if job.is_minimal and all(breach.law != "completes" for breach in broken):
                renamed = {"completes": "optional keys"}
                breaches = [(renamed.get(law, law), said) for law, said in breaches]
            broken += [BrokenLaw(law=law, job=job.name, message=said) for law, said in breaches]
            if run.error is not None and (run.is_skipped or not breaches):
                errors[job.name] = str(run.error).replace(str(workspace), "...")
            if run.is_late:  # its thread still runs, and would spoil what comes next
                break
    return Report(broken=tuple(broken), jobs=tuple(job.name for job in jobs), errors=errors)


def _registered_parameters(generator: Handler) -> object | None:
    for definition in default_registry.snapshot():
        if definition.handler is generator and definition.parameters is not None:
            return cast("object", definition.parameters())
    return None


@contextmanager
def _workspace() -> Generator[Path]:
    """Give a folder to work in, and stand in an empty one inside it: a relative path is seen."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="voyant-check-", ignore_cleanup_errors=True) as folder:
        workspace = Path(folder).resolve()
        for name in ("artifacts", "elsewhere", "input"):
            (workspace / name).mkdir()
        os.chdir(workspace / "elsewhere")
        try:
            yield workspace
        finally:
            os.chdir(here)


def _jobs(workspace: Path, tables: Sequence[str]) -> list[_Job]:
    full = {"warehouse": str(write_awkward_database(workspace / "input" / "awkward.duckdb"))}
    none = write_awkward_database(workspace / "input" / "none.duckdb", with_tables=False)
    common: dict[str, Any] = {"tenant_id": "default", "kpis": [], "flags": {}, "as_of": _AS_OF}
    jobs = [
        _Job(
            name=table,
            values={**common, "sources": full, "tables": [table]},
            is_repeated=table != _SLOW_TABLE,
        )
        for table in tables
    ]
    several = [table for table in tables if table != _SLOW_TABLE]
    together: dict[str, Any] = {**common, "sources": full, "tables": several}
    if "orders" in tables:
        together["kpis"] = [_KPI]
    return [
        *jobs,
        _Job(name="all tables", values=together),
        _Job(name="no tables", values={**common, "sources": {"warehouse": str(none)}}),
        _Job(
            name="only the keys it must have",
            values={"sources": full, "tables": several},
            is_repeated=False,  # without `as_of` two runs may well differ
            is_minimal=True,
        ),
    ]


class _Check:
    """Runs one generator in one job after the other."""

    def __init__(
        self,
        generator: Handler,
        before: Sequence[Handler],
        parameters: object | None,
        settings: object | None,
        workspace: Path,
        timeout_seconds: float,
    ) -> None:
        self._generator, self._before = generator, before
        self._parameters, self._settings = parameters, settings
        self._workspace, self._seconds = workspace, timeout_seconds

    def run(self, job: _Job) -> _Run:
        """Run it once, in a job's folder that is new."""
        root = self._workspace / "artifacts"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        with job_context(root, settings=self._settings, **job.values) as ctx:
            made: dict[str, str] = {}
            for earlier in self._before:
                try:
                    made |= {key: str(path) for key, path in _call(earlier, ctx).items()}
                except VoyantError as error:  # then it would not be run either, or not be blamed
                    return _Run(error=error, is_skipped=True)
            ctx.artifacts, ctx.parameters = MappingProxyType(made), self._parameters
            folder = ctx.folder
            earlier_files = set(_files(folder))
            run = self._watched(ctx, folder)
            if not run.is_late and run.error is None:
                _judge_artifacts(run, folder)
                run.digests = {
                    path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
                    for path in _files(folder)
                    if path not in earlier_files and not path.name.startswith(".voyant")
                }
        return run

    def _watched(self, ctx: GeneratorContext, folder: Path) -> _Run:
        run = _Run()
        outside = self._outside(folder)
        values, artifacts = copy.deepcopy(dict(ctx)), dict(ctx.artifacts)
        parameters, state = copy.deepcopy(ctx.parameters), state_now()
        with FileWatch() as watch, captured_output() as output:
            run.is_late = not _within(self._seconds, lambda: _note(run, self._generator, ctx))
        if run.is_late:
            engine = ctx.opened("engine")
            getattr(engine, "interrupt", lambda: None)()
            run.breaches.append(("time", f"it was not done after {self._seconds:g} seconds"))
            return run
        run.breaches += [("state", said) for said in state_changes(state, state_now())]
        os.chdir(self._workspace / "elsewhere")
        if output.text:
            run.breaches.append(("quiet", f"it wrote {output.text[:60]!r} to stdout; use logging"))
        if dict(ctx) != values or dict(ctx.artifacts) != artifacts:
            run.breaches.append(("context", "it changed the context"))
        if ctx.parameters != parameters:
            run.breaches.append(("context", "it changed its parameters"))
        written = {*watch.outside(folder, self._workspace), *(self._outside(folder) - outside)}
        names = sorted(path.replace(str(self._workspace), "...") for path in written)
        run.breaches += [("folder", f"it wrote to {name}") for name in names]
        return run

    def _outside(self, folder: Path) -> set[str]:
        """Return the files of the workspace that are not the job's."""
        return {str(p) for p in _files(self._workspace) if not p.is_relative_to(folder)}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _note(run: _Run, generator: Handler, ctx: GeneratorContext) -> None:
    try:
        run.returned = _call(generator, ctx)
    except BaseException as caught:  # noqa: BLE001 - SystemExit is a finding too
        run.error = caught
        frames = traceback.extract_tb(caught.__traceback__)
        run.trace = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _call(generator: Handler, ctx: GeneratorContext) -> Mapping[str, object]:
    returned = generator(ctx)
    if not isinstance(returned, Awaitable):
        return returned
    awaited = cast("Awaitable[Mapping[str, object]]", returned)

    async def wait() -> Mapping[str, object]:
        return await awaited

    return asyncio.run(wait())


def _within(seconds: float, call: Any) -> bool:  # noqa: ANN401 - a function without arguments
    """Call it in a thread; say whether it was done in time."""
    thread = threading.Thread(target=call, name="voyant-check-generator", daemon=True)
    end = monotonic() + seconds
    thread.start()
    thread.join(max(0.0, end - monotonic()))
    return not thread.is_alive()


def _judge_outcome(
    run: _Run, job: _Job, allowed: tuple[type[BaseException], ...]
) -> list[tuple[str, str]]:
    if run.error is None or run.is_skipped:
        return []
    kind, said = type(run.error).__name__, str(run.error).strip()
    breaches: list[tuple[str, str]] = []
    needs_a_key = job.is_minimal and isinstance(run.error, ContextError)
    if needs_a_key or not isinstance(run.error, allowed):
        breaches.append(("completes", f"it raised {kind}: {said[:200]}{run.trace}"))
    if not said:
        breaches.append(("message", f"it raised {kind} without a message{run.trace}"))
    return breaches


def _judge_artifacts(run: _Run, folder: Path) -> None:
    """Judge what was returned and the files it names."""
    returned = run.returned
    if not isinstance(returned, Mapping):
        kind = type(returned).__name__
        run.breaches.append(("returns", f"it returned {kind}, not a mapping"))
        return
    for key, path in cast("Mapping[object, object]", returned).items():
        if not isinstance(key, str) or not key:
            run.breaches.append(("returns", f"it returned the key {key!r}, not a str"))
        if not isinstance(path, (str, os.PathLike)):
            run.breaches.append(("returns", f"it returned {path!r} as the path of {key!r}"))
            continue
        file = Path(cast("str", path))
        if not file.is_file():
            run.breaches.append(("files", f"there is no file for {key!r}"))
        elif not file.resolve().is_relative_to(folder.resolve()) or file.is_symlink():
            run.breaches.append(("files", f"the file of {key!r} is not in the job's folder"))
        else:
            law = "json" if file.suffix.lower() == ".json" else "page"
            run.breaches += [(law, fault) for fault in faults_in_file(file)]


def _differences(first: _Run, second: _Run) -> list[tuple[str, str]]:
    if second.error is not None:
        return [("same bytes", f"it raised {type(second.error).__name__} the second time only")]
    names = sorted({*first.digests, *second.digests})
    changed = [name for name in names if first.digests.get(name) != second.digests.get(name)]
    breaches = [("same bytes", f"{name} differs from run to run") for name in changed]
    if _keys(first) != _keys(second):
        breaches.append(("same bytes", "its artifact keys differ from run to run"))
    return breaches


def _keys(run: _Run) -> list[object]:
    returned = run.returned
    return list(cast("Mapping[object, object]", returned)) if isinstance(returned, Mapping) else []
