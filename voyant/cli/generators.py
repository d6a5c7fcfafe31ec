"""`voyant generators` and `voyant plan`: which generators are there, and what would run?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug

__all__ = ["Only", "Skip", "generators", "plan"]

Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Run only this generator; may be repeated."),
]
Skip = Annotated[
    list[str] | None,
    typer.Option("--skip", metavar="NAME", help="Do not run this generator; may be repeated."),
]


def generators(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    _debug: Debug = False,
) -> None:
    """List the registered generators, in the order they run."""
    from voyant.cli.show import print_json, print_table
    from voyant.core.plugin_registry import list_generators

    listed = list_generators()
    if json:
        print_json(listed)
        return
    print_table(
        ("order", "generator", "kind", "flag", "description"),
        [
            (
                str(entry["order"]),
                entry["name"],
                _kind(is_core=entry["is_core"]),
                entry["feature_flag"] or "",
                entry["description"],
            )
            for entry in listed
        ],
    )


def plan(
    *,
    only: Only = None,
    skip: Skip = None,
    config: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    _debug: Debug = False,
) -> None:
    """Show what would run, in which order, what is off and why."""
    from voyant.cli.show import print_json, print_table
    from voyant.core.config import load_settings
    from voyant.core.plugin_registry import default_registry

    planned = default_registry.plan({}, load_settings(config), only=only or (), skip=skip or ())
    if json:
        print_json(
            [
                {
                    "name": step.definition.name,
                    "order": step.definition.order,
                    "is_core": step.definition.is_core,
                    "runs": not step.skip_reason,
                    "reason": step.skip_reason or None,
                    "gate": None if step.gate is None else asdict(step.gate),
                }
                for step in planned.steps
            ]
        )
        return
    print_table(
        ("order", "generator", "kind", "", "why"),
        [
            (
                str(step.definition.order),
                step.definition.name,
                _kind(is_core=step.definition.is_core),
                "off" if step.skip_reason else "runs",
                step.skip_reason or (step.gate.reason if step.gate else "no flag"),
            )
            for step in planned.steps
        ],
    )


def _kind(*, is_core: bool) -> str:
    return "core" if is_core else "extended"
