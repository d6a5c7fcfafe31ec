"""`voyant mcp`: tables, analyses and artifacts as tools for an agent."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug
from voyant.cli.generators import NoPlugins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voyant.core.config import Settings

__all__ = ["mcp"]


def mcp(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Files, folders or quoted globs; the tables of the settings, else this folder.",
        ),
    ] = None,
    *,
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="A table and its name; may be repeated."),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder that job folders are made in.")
    ] = None,
    http: Annotated[
        bool,
        typer.Option(
            "--http", help="Serve the service's tenants over HTTP, each with its API key, instead."
        ),
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on, with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port, with --http.")] = 8090,
    config: ConfigFile = None,
    no_plugins: NoPlugins = False,
    _debug: Debug = False,
) -> None:
    """Give an agent tools over tables: on standard input and output, or over HTTP."""
    from voyant.core.config import load_settings
    from voyant.core.errors import ConfigurationError

    options: dict[str, object] = {"plugins": False} if no_plugins else {}
    if out is not None:
        options["artifacts_root"] = out
    settings = load_settings(config, **options)
    try:
        import mcp as _  # noqa: F401 - only whether it is there
    except ImportError:
        raise ConfigurationError(
            "The tools for agents are not installed.", remedy="Run: pip install 'voyant[mcp]'"
        ) from None
    if http:
        if paths or table:
            raise ConfigurationError(
                "--http was given together with tables.",
                remedy="Over HTTP each tenant sees the tables it has uploaded.",
            )
        from voyant.mcp.http import serve

        serve(settings, host=host, port=port)
        return
    logging.basicConfig(stream=sys.stderr, level=settings.log_level)
    from voyant.mcp.local import LocalDesk
    from voyant.mcp.tools import make_server

    sources = _finder(settings, paths or [], table or [])
    sources()  # a path that is not there is told at once
    desk = LocalDesk(settings, sources)
    make_server(lambda _ctx: desk).run("stdio")


def _finder(
    settings: Settings, paths: Sequence[str], tables: Sequence[str]
) -> Callable[[], Mapping[str, object]]:
    """Return what finds the tables anew each time: files come and go while an agent works."""
    from voyant.cli.inputs import read_sources

    def find() -> Mapping[str, object]:
        if not paths and not tables:
            return dict(settings.tables) if settings.tables else read_sources(["."], [])
        return read_sources(paths, tables)

    return find
