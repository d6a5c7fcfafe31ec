"""`voyant serve`: the API and pages for several teams, and workers for their jobs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug

__all__ = ["needs_service", "serve"]


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen at; this machine only by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Worker processes; 0 where others do the work.")
    ] = None,
    config: ConfigFile = None,
    _debug: Debug = False,
) -> None:
    """Serve the API, and run its jobs."""
    from voyant.cli.show import print_line
    from voyant.core.config import load_settings

    with needs_service():
        from voyant.service.server import serve as run
    given: dict[str, Any] = {"service_host": host, "service_port": port, "workers": workers}
    settings = load_settings(config, **{k: v for k, v in given.items() if v is not None})

    def listening(address: str) -> None:
        print_line(f"Voyant listens at {address}; stop it with Ctrl-C.")

    run(settings, listening=listening)


@contextmanager
def needs_service() -> Generator[None]:
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
