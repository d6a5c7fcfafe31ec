"""`voyant worker`: processes that do the jobs of the service."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug
from voyant.cli.serve import needs_service

if TYPE_CHECKING:
    from types import FrameType


__all__ = ["worker"]


def worker(
    *,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the worker, after this machine by default; no other has it."),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, help="Processes; they are called NAME-1, NAME-2 ...")
    ] = 1,
    config: ConfigFile = None,
    _debug: Debug = False,
) -> None:
    """Do the jobs of the service until stopped; jobs that run then go on elsewhere."""
    from voyant.core.config import load_settings

    settings = load_settings(config)
    with needs_service():
        from voyant.jobs.durable.database import database_url, open_database
        from voyant.jobs.durable.lease import WorkerLease
        from voyant.jobs.durable.logs import log_as_json
        from voyant.jobs.durable.pool import WorkerPool
        from voyant.jobs.durable.worker import default_worker_name
    log_as_json(settings)
    chosen = f"{default_worker_name()}-worker" if name is None else name
    names = [chosen] if count == 1 else [f"{chosen}-{number}" for number in range(1, count + 1)]
    database = open_database(database_url(settings))
    try:
        for one in names:  # a name that is alive is refused here, where somebody sees it
            WorkerLease.take(database, one, settings.worker_lease_seconds).give_up()
    finally:
        database.close()
    signal.signal(signal.SIGTERM, _leave)
    pool = WorkerPool(settings, names)
    try:
        pool.wait()
    except KeyboardInterrupt:
        raise typer.Exit from None
    finally:
        pool.stop()


def _leave(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
