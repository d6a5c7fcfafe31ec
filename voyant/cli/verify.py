"""`voyant verify`: is a folder still what its manifest says?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug, ExitCode

if TYPE_CHECKING:
    from voyant.artifacts.verify import Verification

__all__ = ["verify"]


def verify(
    folder: Annotated[str, typer.Argument(help="A job's folder, or its s3:// address.")],
    *,
    config: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    _debug: Debug = False,
) -> None:
    """Check every file of a job's folder against its manifest."""
    from voyant.artifacts.verify import verify_folder
    from voyant.cli.show import print_json, print_line
    from voyant.core.config import load_settings
    from voyant.jobs.staging import fetch_job
    from voyant.objects.address import is_object_address

    if is_object_address(folder):
        fetched = fetch_job("", folder, load_settings(config))
        try:
            found = verify_folder(next(path for path in fetched.path.iterdir() if path.is_dir()))
        finally:
            fetched.close()
    else:
        found = verify_folder(folder)
        folder = str(found.folder)
    if json:
        print_json(
            {
                "folder": folder,
                "is_ok": found.is_ok,
                "problem": found.problem or None,
                "unchanged": found.unchanged,
                "changed": found.changed,
                "missing": found.missing,
                "unlisted": found.unlisted,
                "invalid": found.invalid,
            }
        )
    else:
        for line in _lines(found, folder):
            print_line(line)
    raise typer.Exit(ExitCode.DONE if found.is_ok else ExitCode.FAILED)


def _lines(found: Verification, folder: str) -> list[str]:
    if found.problem:
        return [f"{folder}: {found.problem}"]
    lines = [f"changed    {name}" for name in found.changed]
    lines += [f"missing    {name}" for name in found.missing]
    lines += [f"unlisted   {name}" for name in found.unlisted]
    lines += [f"invalid    {name}: {fault}" for name, fault in found.invalid.items()]
    if lines:
        return [*lines, f"{folder} is not as its manifest says."]
    return [f"{folder} is as its manifest says: {len(found.unchanged)} files."]
