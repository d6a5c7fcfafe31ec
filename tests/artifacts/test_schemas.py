"""The published schemas are those of the models, and artifacts follow them."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest
from jsonschema import Draft202012Validator

import voyant.artifacts
from voyant.artifacts import schemas
from voyant.artifacts.base import Artifact
from voyant.artifacts.schemas import ARTIFACT_MODELS, make_schema, model_for, schema_path
from voyant.core.plugin_registry import PluginRegistry
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job


@pytest.mark.parametrize("name", ARTIFACT_MODELS)
def test_the_published_schema_is_the_models_own(name):
    published = json.loads(schema_path(name).read_text(encoding="utf-8"))
    assert published == make_schema(name), "run python -m voyant.artifacts.schemas"
    Draft202012Validator.check_schema(published)
    assert published["$id"].startswith(f"urn:voyant:artifact:{name.removesuffix('.json')}:")


def test_every_artifact_model_is_published():
    for module in pkgutil.iter_modules(voyant.artifacts.__path__):
        import_module(f"voyant.artifacts.{module.name}")
    published = {model_for(name) for name in ARTIFACT_MODELS}
    ours = {c for c in Artifact.__subclasses__() if c.__module__.startswith("voyant.artifacts.")}
    assert ours == published


def test_no_schema_is_left_over():
    folder = schema_path("x.json").parent
    expected = {schema_path(name).name for name in ARTIFACT_MODELS}
    assert {path.name for path in folder.glob("*.json")} == expected


def test_other_files_have_no_schema():
    assert model_for("charts/x.json") is None
    with pytest.raises(KeyError):
        make_schema("x.json")


def test_the_command_writes_them(monkeypatch, tmp_path):
    monkeypatch.setattr(schemas, "_FOLDER", tmp_path)
    paths = schemas.write_schemas()
    assert [path.name for path in paths] == [schema_path(name).name for name in ARTIFACT_MODELS]
    real = schema_path("manifest.json").name
    assert (tmp_path / real).read_bytes().endswith(b"}\n")


def test_the_module_runs():
    done = subprocess.run(
        [sys.executable, "-c", "import voyant.artifacts.schemas.__main__ as m; print(m.__doc__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "python -m voyant.artifacts.schemas" in done.stdout


def manifest_of_a_job(tmp_path):
    registry = PluginRegistry()
    registry.register("a", feature_flag="enable_a")(
        lambda ctx: {"a": ctx.write_text("a.txt", "x"), "gone": "nowhere"}
    )
    registry.register("b", is_core=True)(lambda ctx: 1 / 0)
    job = run_job(JobRequest(artifacts_root=tmp_path, job_id="job"), registry=registry)
    return json.loads((job.folder / "manifest.json").read_bytes())


def test_a_real_manifest_follows_its_schema(tmp_path):
    validator = Draft202012Validator(make_schema("manifest.json"))
    manifest = manifest_of_a_job(tmp_path)
    assert list(validator.iter_errors(manifest)) == []
    del manifest["tables"]
    assert list(validator.iter_errors(manifest)) != []
