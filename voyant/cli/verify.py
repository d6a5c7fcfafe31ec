"""`voyant verify`: is a folder still what its manifest says?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.exits import Debug, ExitCode

if TYPE_CHECKING:
    from voyant.artifacts.verify import Verification

__all__ = ["verify"]


def verify(
    folder: Annotated[str, typer.Argument(help="A job's folder.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    _debug: Debug = False,
) -> None:
    """Check every file of a job's folder against its manifest."""
    from voyant.artifacts.verify import verify_folder
    from voyant.cli.show import print_json, print_line

    found = verify_folder(folder)
    if json:
        print_json(
            {
                "folder": str(found.folder),
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
        for line in _lines(found):
            print_line(line)
    raise typer.Exit(ExitCode.DONE if found.is_ok else ExitCode.FAILED)


def _lines(found: Verification) -> list[str]:
    if found.problem:
        return [f"{found.folder}: {found.problem}"]
    lines = [f"changed    {name}" for name in found.changed]
    lines += [f"missing    {name}" for name in found.missing]
    lines += [f"unlisted   {name}" for name in found.unlisted]
    lines += [f"invalid    {name}: {fault}" for name, fault in found.invalid.items()]
    if lines:
        return [*lines, f"{found.folder} is not as its manifest says."]
    return [f"{found.folder} is as its manifest says: {len(found.unchanged)} files."]
