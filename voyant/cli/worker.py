"""`voyant worker`: processes that do the jobs of the service."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug

if TYPE_CHECKING:
    from types import FrameType

    from voyant.core.config import Settings

__all__ = ["needs_durable_jobs", "worker"]


def worker(
    *,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the worker, this machine's by default; no other may have it."),
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
    logging.basicConfig(
        level=settings.log_level,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    with needs_durable_jobs():
        from voyant.jobs.durable.worker import default_worker_name, run_worker
    chosen = default_worker_name() if name is None else name
    if count == 1:
        run_worker(settings, chosen)
    else:
        _run_several(settings, chosen, count)


def _run_several(settings: Settings, name: str, count: int) -> None:
    from voyant.jobs.durable.pool import start_workers

    def leave(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise SystemExit

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    pool = start_workers(settings, count, name=name)
    try:
        pool.wait()
    finally:
        pool.stop()


@contextmanager
def needs_durable_jobs() -> Generator[None]:
    """Say what to install when the extra `service` is not there.

    Raises:
        ConfigurationError: A package of the extra is missing.
    """
    from voyant.core.errors import ConfigurationError

    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("voyant"):
            raise
        raise ConfigurationError(
            f"The service needs {error.name!r}, which is not installed.",
            remedy="pip install 'voyant[service]'",
        ) from None
