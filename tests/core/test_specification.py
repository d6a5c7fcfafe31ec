"""The specification's own words, run: `PLUGIN_REGISTRY.md` here is a copy of it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from voyant.core import plugin_registry
from voyant.core.config import Settings, get_settings
from voyant.core.plugin_registry import (
    clear_registry,
    get_generator,
    list_generators,
    register,
    run_generators,
)
from voyant.core.results import GeneratorResult, PipelineResult

TEXT = (Path(__file__).parent / "PLUGIN_REGISTRY.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def block(marker: str) -> str:
    """Return the one block of Python code that holds a text."""
    found = [code for code in BLOCKS if marker in code]
    assert len(found) == 1, marker
    return found[0]


@pytest.fixture(autouse=True)
def _no_generators() -> None:
    clear_registry()


def test_all_its_code_is_tested_here() -> None:
    markers = [
        *('name="my_generator"', '"job_id": "job_123"'),
        *('@register("profile"', '@register("charts"', "class Settings", "class PipelineResult"),
        *("class GeneratorResult", "class TestMyGenerator"),
    ]
    assert sorted(block(marker) for marker in markers) == sorted(BLOCKS)


def test_the_quick_start(tmp_path: Path, capsys) -> None:
    names: dict[str, object] = {}
    exec(block('name="my_generator"'), names)  # noqa: S102 - the specification's code
    (entry,) = list_generators()
    assert {key: entry[key] for key in ("name", "is_core", "feature_flag", "order")} == {
        "name": "my_generator",
        "is_core": False,
        "feature_flag": "enable_my_feature",
        "order": 75,
    }
    assert entry["description"] == "Generate my custom artifact"
    root = str(tmp_path / "artifacts")
    exec(block('"job_id": "job_123"').replace("/artifacts", root), names)  # noqa: S102 - the same
    path = os.path.join(root, "job_123", "my_artifact.json")  # noqa: PTH118 - text, as it is made there
    assert capsys.readouterr().out == f"Generated artifacts: {{'my_artifact': {path!r}}}\n"
    assert json.loads(Path(path).read_text(encoding="utf-8")) == {"result": "success"}


def test_a_failed_core_generator_is_named(tmp_path: Path, capsys) -> None:
    @register("profile", is_core=True, order=10)
    def generate_profile(ctx):
        raise RuntimeError("no tables")

    code = block('"job_id": "job_123"').replace("/artifacts", str(tmp_path))
    exec(code, {})  # noqa: S102 - the specification's code
    assert capsys.readouterr().out == "Pipeline failed at: profile\n"


@pytest.mark.parametrize(
    ("name", "terms"),
    [("profile", (True, None, 10)), ("charts", (False, "enable_charts", 60))],
)
def test_the_kinds_of_generators(name: str, terms: tuple[object, ...]) -> None:
    exec(block(f'@register("{name}"'), {"register": register})  # noqa: S102 - the specification's code
    definition = get_generator(name)
    assert (definition.is_core, definition.feature_flag, definition.order) == terms


def test_the_settings_it_shows() -> None:
    shown = ast.parse(block("class Settings")).body[0]
    for line in shown.body:
        name = line.target.id
        assert Settings.model_fields[name].annotation is bool
        assert getattr(get_settings(), name) is True


def test_the_example_of_a_gate(monkeypatch) -> None:
    code = block("class Settings").partition("# Generator registration")[2]
    exec(code, {"register": register})  # noqa: S102 - the specification's code
    definition = get_generator("quality")
    assert (definition.feature_flag, definition.order) == ("enable_quality", 100)
    monkeypatch.setenv("VOYANT_ENABLE_QUALITY", "0")
    assert run_generators({"job_id": "j"}).skipped == {
        "quality": "enable_quality is off (VOYANT_ENABLE_QUALITY)"
    }


@pytest.mark.parametrize("cls", [PipelineResult, GeneratorResult])
def test_the_results_begin_with_the_fields_it_names(cls) -> None:
    shown = ast.parse(block(f"class {cls.__name__}:")).body[0]
    names = [line.target.id for line in shown.body]
    assert [field.name for field in dataclasses.fields(cls)][: len(names)] == names


def test_the_table_of_context_keys() -> None:
    keys = re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE)
    assert keys == ["job_id", "tenant_id", "artifacts_root", "tables", "kpis", "flags"]
    seen: dict[str, object] = {}

    @register("reader")
    def read(ctx):
        seen.update({key: ctx[key] for key in keys})
        return {}

    given = dict.fromkeys(keys, "") | {"tables": ["a"], "kpis": [{"name": "k"}], "flags": {}}
    assert run_generators(given).results[0].error is None
    assert seen == given


@pytest.mark.parametrize("mock", [type("MockSettings", (), {}), SimpleNamespace, Mock])
def test_the_example_of_a_test(mock) -> None:
    names: dict[str, Any] = {"MockSettings": mock}
    exec(block("class TestMyGenerator"), names)  # noqa: S102 - the specification's code
    case = names["TestMyGenerator"]()
    case.setup_method()
    case.test_my_generator()
    assert [entry["name"] for entry in list_generators()] == ["test_gen"]


def test_the_api_it_lists() -> None:
    for name, parameters in re.findall(r"^### `(\w+)\((.*?)\)", TEXT, flags=re.MULTILINE):
        wanted = ast.parse(f"def f({parameters}): pass").body[0].args
        given = list(inspect.signature(getattr(plugin_registry, name)).parameters.values())
        assert [p.name for p in given][: len(wanted.args)] == [a.arg for a in wanted.args]
        defaults = [p.default for p in given[: len(wanted.args)] if p.default is not p.empty]
        assert defaults == [ast.literal_eval(d) for d in wanted.defaults]
