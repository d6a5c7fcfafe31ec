"""`voyant generators` and `voyant plan`: which generators are there, and what would run?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug

if TYPE_CHECKING:
    from voyant.core.config import Settings
    from voyant.core.definition import GeneratorDefinition
    from voyant.core.discovery import Plugin

__all__ = ["NoPlugins", "Only", "Skip", "generators", "plan", "settings_for"]

Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Run only this generator; may be repeated."),
]
Skip = Annotated[
    list[str] | None,
    typer.Option("--skip", metavar="NAME", help="Do not run this generator; may be repeated."),
]


NoPlugins = Annotated[
    bool, typer.Option("--no-plugins", help="Do not look for other people's generators.")
]


def settings_for(
    config: str | Path | None, *, no_plugins: bool, events: str | None = None
) -> Settings:
    """Read the settings, with what the options say over them."""
    from voyant.core.config import load_settings

    options: dict[str, Any] = {"plugins": False} if no_plugins else {}
    if events is not None:
        options["events_path"] = events
    return load_settings(config, **options)


def generators(
    *,
    config: ConfigFile = None,
    no_plugins: NoPlugins = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    _debug: Debug = False,
) -> None:
    """List the registered generators, in the order they run, and the plugins that are found."""
    from voyant.cli.show import print_json, print_line, print_table
    from voyant.core.plugin_registry import default_registry

    settings = settings_for(config, no_plugins=no_plugins)
    plugins = default_registry.load_plugins(settings)
    steps = {step.definition.name: step for step in default_registry.plan({}, settings).steps}
    registered = {entry["name"]: entry for entry in default_registry.describe()}
    listed: list[dict[str, Any]] = [
        registered[name]
        | {
            "order": step.definition.order,
            "is_core": step.definition.is_core,
            "timeout_seconds": step.definition.timeout_seconds,
            "isolation": step.definition.isolation,
            "memory_limit_bytes": step.definition.memory_limit_bytes,
            "enabled": step.gate is None or step.gate.enabled,
            "gate": None if step.gate is None else asdict(step.gate),
        }
        for name, step in steps.items()
    ]
    if json:
        print_json({"generators": listed, "plugins": [_plugin_facts(p) for p in plugins]})
        return
    print_table(
        ("order", "generator", "kind", "", "flag", "limits", "requires", "from", "description"),
        [
            (
                str(entry["order"]),
                entry["name"],
                _kind(is_core=entry["is_core"]),
                "on" if entry["enabled"] else "off",
                entry["feature_flag"] or "",
                _limits(steps[entry["name"]].definition),
                ", ".join(entry["requires"]),
                _origin(entry["distribution"], entry["version"], entry["plugin"]),
                entry["description"],
            )
            for entry in listed
        ],
    )
    for plugin in plugins:
        if plugin.status != "loaded":
            origin = plugin.origin
            where = _origin(origin.distribution, origin.version, plugin.reference)
            print_line(
                f"Plugin {origin.plugin} ({where}) {plugin.status}: {plugin.error} {plugin.remedy}"
            )


def plan(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files, as for `run`; they are not read."),
    ] = None,
    *,
    only: Only = None,
    skip: Skip = None,
    config: ConfigFile = None,
    no_plugins: NoPlugins = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    _debug: Debug = False,
) -> None:
    """Show what would run, in which order, what is off and why."""
    from voyant.cli.inputs import read_sources
    from voyant.cli.show import print_json, print_line, print_table
    from voyant.core.plugin_registry import default_registry

    sources = read_sources(paths or [], [])
    settings = settings_for(config, no_plugins=no_plugins)
    planned = default_registry.plan({}, settings, only=only or (), skip=skip or ())
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
                    "requires": list(step.definition.requires),
                    "timeout_seconds": step.definition.timeout_seconds,
                    "isolation": step.definition.isolation,
                    "memory_limit_bytes": step.definition.memory_limit_bytes,
                }
                for step in planned.steps
            ]
        )
        return
    print_table(
        ("order", "generator", "kind", "", "limits", "why"),
        [
            (
                str(step.definition.order),
                step.definition.name,
                _kind(is_core=step.definition.is_core),
                "off" if step.skip_reason else "runs",
                _limits(step.definition),
                step.skip_reason or (step.gate.reason if step.gate else "no flag"),
            )
            for step in planned.steps
        ],
    )
    if sources:
        print_line(f"Tables: {', '.join(sources)}")


def _kind(*, is_core: bool) -> str:
    return "core" if is_core else "extended"


def _limits(definition: GeneratorDefinition) -> str:
    """Say how long, where and with how much memory a generator may run.

    >>> from voyant.core.definition import GeneratorDefinition
    >>> _limits(GeneratorDefinition("x", print, timeout_seconds=60.0, isolation="process"))
    '60 s, own process'
    """
    parts: list[str] = []
    if definition.timeout_seconds is not None:
        parts.append(f"{definition.timeout_seconds:g} s")
    if definition.isolation == "process":
        parts.append("own process")
    if definition.memory_limit_bytes is not None:
        parts.append(f"{definition.memory_limit_bytes / 1024**2:,.0f} MiB")
    return ", ".join(parts)


def _origin(distribution: object, version: object, place: object) -> str:
    if distribution:
        return f"{distribution} {version}"
    return str(place or "voyant")


def _plugin_facts(plugin: Plugin) -> dict[str, object]:
    facts = asdict(plugin)
    facts.pop("traceback")
    origin = facts.pop("origin")
    return {"name": origin["plugin"], **origin, **facts}
