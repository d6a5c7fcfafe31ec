"""The reference pages of the core say what the code says."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from pathlib import Path

import pytest

from voyant.artifacts.schemas.descriptions import field_descriptions
from voyant.core import errors, plugin_registry
from voyant.core.config import Settings, load_settings
from voyant.core.context import GeneratorContext
from voyant.core.errors import VoyantError
from voyant.core.plugin_registry import PluginRegistry
from voyant.core.results import GeneratorResult, PipelineResult

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_every_setting_has_a_row_with_its_default_and_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", page("settings"), flags=re.MULTILINE)
    expected: list[tuple[str, str, str]] = []
    texts = field_descriptions(Settings)
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "-" if default is None else f"`{json.dumps(default)}`"
        expected.append((name, shown, " ".join(texts[name].split())))
    assert sorted(rows) == sorted(expected)


def test_the_settings_example_can_be_used(tmp_path: Path) -> None:
    (example,) = blocks(page("settings"), "toml")
    path = tmp_path / "voyant.toml"
    path.write_text(example, encoding="utf-8")
    settings = load_settings(path)
    for name in tomllib.loads(example):
        assert settings.source_of(name) == "voyant.toml"


def test_every_error_has_a_heading_and_its_parents() -> None:
    shown = re.findall(r"^## `(\w+)`\n\nInherits (.*)\.$", page("errors"), flags=re.MULTILINE)
    classes = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, VoyantError)
    ]
    assert shown == [
        (cls.__name__, ", ".join(f"`{base.__name__}`" for base in cls.__bases__)) for cls in classes
    ]


def test_the_error_tree_is_the_modules() -> None:
    (tree,) = blocks(page("errors"), "text")
    for line in tree.splitlines():
        assert line in str(errors.__doc__)


def signature(function: object) -> str:
    """Write a signature without annotations, in our quotes."""
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
    ]
    return str(inspect.Signature(parameters)).replace("'", '"')


REEXPORTED = {"ArtifactResult", "GeneratorContext", "GeneratorDefinition"}
VALUES = {"BUILTIN_GENERATORS", "default_registry", "GeneratorResult", "PipelineResult"}


@pytest.mark.parametrize("name", sorted({*plugin_registry.__all__} - REEXPORTED - VALUES))
def test_every_function_of_the_registry_has_a_heading_with_its_signature(name: str) -> None:
    heading = f"## `{name}{signature(getattr(plugin_registry, name))}`"
    assert heading in page("registry").splitlines()


def test_what_the_registry_and_its_results_offer_is_mentioned() -> None:
    text = page("registry")
    methods = [name for name in vars(PluginRegistry) if not name.startswith("_")]
    fields = [*PipelineResult.__dataclass_fields__, *GeneratorResult.__dataclass_fields__]
    for name in [*methods, *fields]:
        assert re.search(rf"`{name}\b", text), name


def test_everything_a_context_offers_is_mentioned() -> None:
    text = page("registry")
    internal = {"close"}
    for name in vars(GeneratorContext):
        if not name.startswith("_") and name not in internal:
            assert f"`ctx.{name}" in text, name


def test_the_registrys_example_runs(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    registry = PluginRegistry()
    monkeypatch.setattr(plugin_registry, "register", registry.register)
    monkeypatch.setattr(plugin_registry, "clear_registry", registry.clear)
    monkeypatch.setattr(plugin_registry, "run_generators", registry.run)
    (example,) = blocks(page("registry"), "python")
    exec(example, {})  # noqa: S102 - the page's code
    assert (tmp_path / "artifacts" / "job_123" / "kpi_names.json").is_file()
    assert [definition.name for definition in registry.snapshot()] == ["kpi_names"]
