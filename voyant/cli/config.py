"""`voyant config show`: what is each setting, and who set it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from voyant.cli.exits import Debug

if TYPE_CHECKING:
    from voyant.core.config import Settings

__all__ = ["ConfigFile", "app", "hide_secrets"]

app = typer.Typer(help="Look at the settings.", no_args_is_help=True, rich_markup_mode=None)

ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings file; VOYANT_CONFIG, then voyant.toml if none."
    ),
]

_SECRET_WORDS = ("password", "passwd", "secret", "token", "api_key", "credential")


@app.command("show")
def show(
    *,
    config: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    _debug: Debug = False,
) -> None:
    """Show every setting with its value and who set it; secrets are hidden."""
    from json import dumps

    from voyant.cli.show import print_json, print_table
    from voyant.core.config import load_settings

    rows = _rows(load_settings(config))
    if json:
        print_json({name: {"value": value, "source": source} for name, value, source in rows})
        return
    print_table(
        ("setting", "value", "source"),
        [(name, dumps(value, ensure_ascii=False), source) for name, value, source in rows],
    )


@app.callback()
def _config() -> None:
    """Look at the settings."""


def hide_secrets(name: str, value: object) -> object:
    """Return a setting's value without passwords and tokens, however deep they lie.

    >>> hide_secrets("warehouse_url", "postgresql://ann:hunter2@db/shop")
    'postgresql://ann:***@db/shop'
    """
    from voyant.core.config import redact_url

    if any(word in name.lower() for word in _SECRET_WORDS):
        return "***"
    if isinstance(value, str):
        return redact_url(value) if "://" in value else value
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {key: hide_secrets(key, item) for key, item in fields.items()}
    if isinstance(value, list):
        return [hide_secrets(name, item) for item in cast("list[object]", value)]
    return value


def _rows(settings: Settings) -> list[tuple[str, object, str]]:
    values = settings.model_dump(mode="json")
    return [
        (name, hide_secrets(name, value), settings.source_of(name))
        for name, value in values.items()
    ]
