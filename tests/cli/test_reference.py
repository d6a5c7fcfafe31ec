"""The reference has a heading for each command and a row for each option and artifact."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from voyant.artifacts.schemas import ARTIFACT_MODELS, model_for, schema_path
from voyant.cli import app
from voyant.cli.exits import ExitCode

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
COMMAND_LINE = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
ARTIFACTS = (REFERENCE / "artifacts.md").read_text(encoding="utf-8")


def commands():
    root = typer.main.get_command(app)
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            yield f"voyant {name}", command
        else:
            yield from ((f"voyant {name} {sub}", found) for sub, found in inner.items())


COMMANDS = list(commands())


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_and_option_is_documented(name, command):
    heading = f"\n## {name}\n"
    assert heading in COMMAND_LINE
    section = COMMAND_LINE.split(heading)[1].split("\n## ")[0]
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--") and option not in {"--debug", "--help"}:
                assert f"`{option}" in section, option


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code):
    assert f"\n| {code.value} | " in COMMAND_LINE


@pytest.mark.parametrize("name", ARTIFACT_MODELS)
def test_every_artifact_and_its_schema_are_documented(name):
    row = next(line for line in ARTIFACTS.splitlines() if line.startswith(f"| `{name}`"))
    assert schema_path(name).name in row


def test_every_field_of_the_manifest_is_documented():
    section = ARTIFACTS.split("\n## manifest.json\n")[1].split("\n## ")[0]
    fields = set(model_for("manifest.json").model_fields) - {"schema_version"}
    assert {name for name in fields if f"`{name}`" not in section} == set()
