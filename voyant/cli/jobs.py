"""`voyant jobs`: what an operator asks of the service's queue, without the API."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug
from voyant.cli.serve import needs_service

if TYPE_CHECKING:
    from voyant.jobs.durable.model import Job
    from voyant.jobs.durable.queue import DatabaseQueue

__all__ = ["app"]

app = typer.Typer(
    help="See and change the jobs of the service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Tenant = Annotated[str | None, typer.Option(help="Whose job; the settings' tenant by default.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_REQUESTED_BY = "operator"


@app.callback()
def _jobs() -> None:
    """See and change the jobs of the service."""


@app.command("list")
def list_jobs(
    *,
    tenant: Tenant = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only those queued, running, succeeded, failed or cancelled."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    config: ConfigFile = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """List jobs, the newest first."""
    from voyant.cli.show import print_json, print_line, print_table
    from voyant.core.errors import ConfigurationError, did_you_mean

    with _queue(config, tenant) as (queue, owner):
        from voyant.jobs.durable.model import JobState

        states = [known.value for known in JobState]
        if state is not None and state not in states:
            raise ConfigurationError(
                f"There is no state {state!r}.", remedy=did_you_mean(state, states)
            )
        wanted = None if state is None else JobState(state)
        page = queue.list(owner, state=wanted, limit=limit)
    if json:
        print_json([_plain(job) for job in page.jobs])
    elif page.jobs:
        print_table(
            ("job", "state", "submitted", "attempt", "worker", "generator", "error"),
            [
                (
                    job.job_id,
                    job.state.value,
                    job.submitted_at.isoformat(timespec="seconds"),
                    str(job.attempt),
                    job.worker_id or "",
                    job.generator or "",
                    job.error or "",
                )
                for job in page.jobs
            ],
        )
    else:
        print_line(f"Tenant {owner!r} has no such job.")


@app.command("show")
def show(
    job_id: JobId,
    *,
    tenant: Tenant = None,
    config: ConfigFile = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Show a job, where its files are, and what happened to it."""
    from voyant.cli.show import print_json, print_line

    with _queue(config, tenant) as (queue, owner):
        job = queue.get(owner, job_id)
        events = queue.events(owner, job_id)
        folder = queue.folder(owner, job_id)
    if json:
        happened = [
            {"number": e.number, "at": e.at.isoformat(), "kind": e.kind, "data": dict(e.data)}
            for e in events
        ]
        print_json({**_plain(job), "folder": str(folder), "events": happened})
        return
    _say(job)
    print_line(f"folder {folder}")
    for event in events:
        facts = " ".join(f"{key}={value}" for key, value in event.data.items() if value is not None)
        print_line(f"{event.at.isoformat(timespec='milliseconds')} {event.kind} {facts}".rstrip())


@app.command("cancel")
def cancel(
    job_id: JobId, *, tenant: Tenant = None, config: ConfigFile = None, _debug: Debug = False
) -> None:
    """Stop a job, or keep it from starting."""
    with _queue(config, tenant) as (queue, owner):
        _say(queue.cancel(owner, job_id))


@app.command("retry")
def retry(
    job_id: JobId, *, tenant: Tenant = None, config: ConfigFile = None, _debug: Debug = False
) -> None:
    """Run a job that failed or was cancelled again, from its beginning."""
    with _queue(config, tenant) as (queue, owner):
        _say(queue.retry(owner, job_id, requested_by=_REQUESTED_BY))


@app.command("delete")
def delete(
    job_id: JobId, *, tenant: Tenant = None, config: ConfigFile = None, _debug: Debug = False
) -> None:
    """Forget a job that has ended, and remove its folder."""
    from voyant.cli.show import print_line

    with _queue(config, tenant) as (queue, owner):
        queue.delete(owner, job_id)
    print_line(f"{job_id} is gone, with its folder.")


@app.command("sweep")
def sweep(
    *,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's jobs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
    config: ConfigFile = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Remove the jobs that are older, or more, than retention allows."""
    from voyant.cli.show import print_json, print_line

    with _queue(config, tenant) as (queue, _):
        removed = queue.sweep(tenant, is_dry_run=dry_run)
    if json:
        print_json([_plain(job) for job in removed])
        return
    for job in removed:
        print_line(f"{job.tenant_id} {job.job_id}")
    print_line(f"{len(removed)} jobs {'would be' if dry_run else 'were'} removed.")


@contextmanager
def _queue(config: str | None, tenant: str | None) -> Generator[tuple[DatabaseQueue, str]]:
    """Open the queue of the settings, and say whose jobs are meant."""
    from voyant.core.config import load_settings

    settings = load_settings(config)
    with needs_service():
        from voyant.jobs.durable.queue import open_queue
    queue = open_queue(settings)
    try:
        yield queue, settings.tenant_id if tenant is None else tenant
    finally:
        queue.close()


def _say(job: Job) -> None:
    from voyant.cli.show import print_line

    state = "stopping" if job.is_cancelling else job.state.value
    print_line(f"{job.job_id} {state}" + (f": {job.error}" if job.error else ""))


def _plain(job: Job) -> dict[str, Any]:
    """Return a job as JSON can hold it."""
    from dataclasses import asdict

    plain = asdict(job)
    plain["spec"] = job.spec.model_dump(mode="json")
    for key in ("submitted_at", "started_at", "finished_at"):
        plain[key] = None if plain[key] is None else plain[key].isoformat()
    return plain
