"""`voyant open`: show a job's page in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug

__all__ = ["open_page"]


def open_page(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB]", help="A job id, folder or s3:// address; the newest job if left out."
        ),
    ] = None,
    *,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder that holds the job folders.")
    ] = None,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the page's path and open nothing.")
    ] = False,
    config: ConfigFile = None,
    _debug: Debug = False,
) -> None:
    """Open a finished job's page in the browser."""
    from voyant.cli.show import print_line
    from voyant.core.config import load_settings
    from voyant.jobs.finding import find_job, find_page
    from voyant.jobs.staging import fetch_job
    from voyant.objects.address import is_object_address

    settings = load_settings(config)
    root = out if out is not None else settings.artifacts_root
    if is_object_address(job if job is not None and "://" in job else root):
        fetched = fetch_job(root, job, settings)
        fetched.keep()  # the browser reads it after this command has ended
        root, job = str(fetched.path), None
    page = find_page(find_job(root, job))
    print_line(str(page))
    if not print_only:
        _show(page.as_uri())


def _show(address: str) -> None:
    import webbrowser

    from voyant.cli.exits import say_error

    if not webbrowser.open(address):
        say_error("No browser could be started; open the file above yourself.")
