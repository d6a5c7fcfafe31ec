"""`voyant run` and `voyant demo`: one job, from tables to a folder of artifacts."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug, ExitCode, end_at_once, is_debug, say_error
from voyant.cli.generators import NoPlugins, Only, Skip, settings_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voyant.core.config import Settings
    from voyant.jobs.fail_on import Gate
    from voyant.jobs.request import JobRequest
    from voyant.jobs.runner import JobResult

__all__ = ["demo", "run"]

_DEMO_JOB = "nycflights13"
_LISTED_FILES = 3
#: The last scheduled departures of the data: a demo of 2013 that complained of its age would bore.
_DEMO_AS_OF = "2014-01-01T00:00:00+00:00"
#: What moved between the two halves of the year.
_DEMO_REFERENCE = {"flights": "before:time_hour=2013-07-01"}

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
]


def run(  # noqa: PLR0913 - the options of the command
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files, folders or quoted globs."),
    ] = None,
    *,
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="A table and its name; may be repeated."),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="An earlier state of a table to compare it with; may be repeated.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=CONDITION", help="Look at these rows of a table only; may be repeated."
        ),
    ] = None,
    sample: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=ROWS|PERCENT",
            help="Look at a sample of a table, 100000 or 1%; may be repeated.",
        ),
    ] = None,
    warehouse: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where tables live when no path is named."),
    ] = None,
    kpi: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=SELECT", help="A KPI; may be repeated."),
    ] = None,
    config: ConfigFile = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder that the job's folder is made in.")
    ] = None,
    job_id: Annotated[
        str | None, typer.Option(help="Name of the job's folder; a finished job is replaced.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose job it is.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The moment ages are counted from (ISO 8601)."),
    ] = None,
    contract: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="An Open Data Contract (ODCS v3); may be repeated."),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GATE",
            help="Exit with 3 on quality[:info|warning|error] or drift; may be repeated.",
        ),
    ] = None,
    only: Only = None,
    skip: Skip = None,
    no_plugins: NoPlugins = False,
    events: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Append what happens to a file, a JSON object a line."),
    ] = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Run the generators over tables; write their artifacts."""
    from voyant.cli.inputs import merge_kpis, read_sources
    from voyant.core.errors import ConfigurationError
    from voyant.engines.warehouses import reads_paths
    from voyant.jobs.fail_on import parse_gate
    from voyant.jobs.request import JobRequest
    from voyant.objects.access import ObjectAccess

    gates = [parse_gate(text) for text in fail_on or ()]
    settings = settings_for(config, no_plugins=no_plugins, events=events)
    objects = ObjectAccess.of(lambda name: getattr(settings, name))
    are_here = warehouse is None or not reads_paths(warehouse)
    sources = read_sources(paths or [], table or [], objects=objects, are_here=are_here)
    if not sources:
        _check_warehouse(settings, warehouse)
    elif warehouse is not None and are_here:
        raise ConfigurationError(
            "Both paths and --warehouse were given.",
            remedy="Give one of them; only Spark reads paths: --warehouse spark://host:7077.",
        )
    request = JobRequest(
        sources=sources,
        reference=read_sources([], reference or [], option="--reference", are_here=are_here),
        kpis=merge_kpis(settings.kpis, kpi or ()),
        tenant_id=tenant,
        job_id=job_id,
        only=only or (),
        skip=skip or (),
        artifacts_root=out,
        as_of=as_of,
        contracts=contract or (),
        where=where or (),
        sample=sample or (),
        warehouse_url=warehouse,
    )
    _run(request, settings, json=json, debug=is_debug(ctx), gates=gates)


def demo(
    ctx: typer.Context,
    *,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder that the job's folder is made in.")
    ] = "voyant-demo",
    no_plugins: NoPlugins = False,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Run all generators on every flight that left New York in 2013."""
    from voyant.demo import KPIS, table_paths
    from voyant.jobs.request import JobRequest

    request = JobRequest(
        sources={name: str(path) for name, path in table_paths().items()},
        kpis=KPIS,
        job_id=_DEMO_JOB,
        artifacts_root=out,
        as_of=_DEMO_AS_OF,
        reference=_DEMO_REFERENCE,
    )
    _run(request, settings_for(None, no_plugins=no_plugins), json=json, debug=is_debug(ctx))


def _run(
    request: JobRequest,
    settings: Settings,
    *,
    json: bool,
    debug: bool,
    gates: Sequence[Gate] = (),
) -> None:
    """Run a job, show it, and end with the code that says how it went."""
    _start_drawer(request, settings)
    from voyant.cli.show import ProgressObserver, print_json
    from voyant.jobs.fail_on import find_unassessed, judge_gates, read_artifacts
    from voyant.jobs.runner import run_job

    _log_to_stderr(settings.log_level)
    progress = ProgressObserver()
    try:
        job = run_job(request, settings, [progress])
    finally:
        progress.stop()
    judged = read_artifacts(job.result.artifacts) if gates else {}
    trips, unassessed = judge_gates(gates, judged), find_unassessed(gates, judged)
    if json:
        page = _page(job)
        print_json(
            {
                "success": job.manifest.success,
                "folder": job.location,
                "page": page,
                "failed_gates": {str(trip.gate): trip.message for trip in trips},
                "unassessed_gates": {str(trip.gate): trip.message for trip in unassessed},
                "manifest": job.manifest.model_dump(mode="json"),
            }
        )
    else:
        _show_job(job)
    if job.scratch is not None:
        job.scratch.close()
    for outcome in job.result.results:
        if debug and outcome.traceback:
            sys.stderr.write(outcome.traceback)
        if outcome.error is not None:
            say_error(f"{outcome.name} failed: {outcome.error}")
    for problem in job.manifest.problems:
        say_error(f"{problem.generator or 'a generator'}: {problem.message}")
    for trip in (*trips, *unassessed):
        say_error(f"--fail-on {trip.gate}: {trip.message}.")
    if _loaded_our_code_only(job, settings):
        end_at_once()
    sys.stdout.flush()  # a reader that is gone is met here, where it is no fault
    if not job.manifest.success:
        raise typer.Exit(ExitCode.FAILED)
    raise typer.Exit(ExitCode.FOUND if trips else ExitCode.DONE)


def _loaded_our_code_only(job: JobResult, settings: Settings) -> bool:
    from voyant.core.plugin_registry import list_generators

    sources = [str(generator["source"]) for generator in list_generators()]
    others = job.manifest.plugins or settings.observers
    return not others and all(source.startswith("voyant.") for source in sources)


def _start_drawer(request: JobRequest, settings: Settings) -> None:
    """Let V8 start on the other core while this one imports everything else.

    The plan, which knows for certain whether charts are drawn, comes after that; a process that
    nobody needs ends with the run, or with this process.
    """
    is_chosen = "charts" in request.only if request.only else "charts" not in request.skip
    if settings.enable_charts and is_chosen:
        from voyant.report.drawer import make_drawer_ready

        with suppress(OSError):  # the generator that needs it meets the same, and says so
            make_drawer_ready()


def _show_job(job: JobResult) -> None:
    from voyant.cli.show import print_line, print_table
    from voyant.cli.text import milliseconds

    print_table(
        ("generator", "status", "time", "artifacts"),
        [
            (
                entry.name,
                entry.status,
                "" if entry.duration_ms is None else milliseconds(entry.duration_ms),
                _brief(entry.artifacts) or (entry.reason or ""),
            )
            for entry in job.manifest.generators
        ],
    )
    print_line(f"{len(job.manifest.artifacts)} artifacts in {job.location}")
    page = _page(job)
    if page is not None:
        print_line(f"Open {page}" if job.scratch is None else f"voyant open {job.location}")


def _brief(paths: Sequence[str]) -> str:
    """List files, pages first; a generator may have made a hundred."""
    listed = sorted(paths, key=lambda path: not path.endswith(".html"))
    rest = len(listed) - _LISTED_FILES
    if rest <= 1:
        return ", ".join(listed)
    return f"{', '.join(listed[:_LISTED_FILES])} and {rest} more"


def _page(job: JobResult) -> str | None:
    names = (name for name in ("index.html", "profile.html") if (job.folder / name).is_file())
    return next((f"{job.location}/{name}" for name in names), None)


def _check_warehouse(settings: Settings, given: str | None) -> None:
    """Refuse to start when nothing was named and the warehouse is not there."""
    from voyant.core.config import redact_url
    from voyant.core.errors import ConfigurationError

    url = given or settings.warehouse_url
    file = url.removeprefix("duckdb:///")
    if (given is None and settings.tables) or file == url or Path(file).is_file():
        return
    raise ConfigurationError(
        f"There is nothing to read: no path was named, and the warehouse {redact_url(url)!r} is "
        "not there.",
        remedy="Name tables (voyant run 'data/*.parquet'), or try `voyant demo`.",
    )


class _StderrHandler(logging.Handler):
    """Writes to whatever stderr is at the time, so that a progress line is not torn."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


def _log_to_stderr(level: str) -> None:
    logger = logging.getLogger("voyant")
    logger.setLevel(level)
    logger.handlers = [h for h in logger.handlers if not isinstance(h, _StderrHandler)]
    handler = _StderrHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    if level not in {"DEBUG", "INFO"}:  # the closing lines say which generator failed, and why
        handler.addFilter(lambda record: record.name != "voyant.pipeline")
    logger.addHandler(handler)
