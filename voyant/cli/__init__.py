"""The command line: what can be typed, and which function answers.

Every command lives in its own module here and imports what it needs when it runs, so that
`voyant --help` waits for nothing.
"""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from voyant import __version__
from voyant.cli import (
    baseline,
    config,
    generators,
    jobs,
    keys,
    mcp,
    new_generator,
    run,
    serve,
    verify,
    worker,
)
from voyant.cli.exits import Debug, VoyantGroup, leave, show_bug
from voyant.cli.open import open_page

__all__ = ["app", "main"]

app = typer.Typer(
    name="voyant",
    cls=VoyantGroup,
    help="Point it at tables: profile, KPIs, sufficiency and more, as verifiable artifacts.",
    epilog="Exit codes: 0 done, 1 a core generator failed or a folder is not as its manifest says, "
    "2 bad usage or configuration, 130 stopped with Ctrl-C.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("generators")(generators.generators)
app.command("plan")(generators.plan)
app.command("new-generator")(new_generator.new_generator)
app.add_typer(config.app, name="config")
app.add_typer(baseline.app, name="baseline")
app.command("mcp")(mcp.mcp)
app.command("serve")(serve.serve)
app.add_typer(keys.app, name="keys")
app.command("worker")(worker.worker)
app.add_typer(jobs.app, name="jobs")
app.command("open")(open_page)
app.command("verify")(verify.verify)
app.command("demo")(run.demo)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"voyant {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    _debug: Debug = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; the `voyant` command starts here."""
    # A run makes many small values and hardly a cycle: looking for cycles less often saves 5 %.
    gc.set_threshold(200_000, 20, 50)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a table called 'café' must not stop an ASCII terminal
            reconfigure(errors="backslashreplace")
    sys.excepthook = show_bug
    try:
        typer.main.get_command(app)(prog_name="voyant")
    except SystemExit as ending:
        leave(ending.code)
        raise
