"""Real packages, made and installed for real: by `voyant new-generator`, and the examples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.plugins.fresh_environment import ROOT, make_environment, run
from voyant.cli import app
from voyant.core.plugin_registry import BUILTIN_GENERATORS

EXAMPLES = Path(__file__).parent
NAMES = ("missing_values", "anomalies", "webhook")
MADE = "table_sizes"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A fresh environment with Voyant, a package made just now, and the examples; its folder."""
    folder = tmp_path_factory.mktemp("installed")
    made = CliRunner().invoke(app, ["new-generator", MADE, "--dir", str(folder)])
    assert made.exit_code == 0, made.output
    packages = [folder / "voyant-table-sizes", *(EXAMPLES / name for name in NAMES)]
    make_environment(folder, packages)
    return folder


def own_tests_of(package: Path, installed: Path) -> str:
    python = installed / "venv" / "bin" / "python"
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", f"--confcutdir={package}")
    return run(python, "-m", "pytest", *options, "-W", "error", package / "tests", cwd=installed)


def test_a_new_generators_tests_pass_as_created(installed):
    assert "3 passed" in own_tests_of(installed / "voyant-table-sizes", installed)


@pytest.mark.parametrize("name", NAMES)
def test_an_examples_tests_pass(name, installed):
    output = own_tests_of(EXAMPLES / name, installed)
    assert re.search(r"^\d+ passed", output, re.MULTILINE), output


def test_voyant_lists_them_with_their_packages(installed):
    voyant = installed / "venv" / "bin" / "voyant"
    listed = json.loads(run(voyant, "generators", "--json", cwd=installed))
    found = {entry["name"]: entry for entry in listed["generators"]}
    for name in (MADE, *NAMES):
        assert found[name]["distribution"] == f"voyant-{name.replace('_', '-')}"
        assert found[name]["source"].startswith(f"voyant_{name}.")
    assert {plugin["status"] for plugin in listed["plugins"]} == {"loaded"}


def test_a_run_holds_their_artifacts(installed):
    (installed / "orders.csv").write_text("id,coupon\n1,\n2,\n3,x\n")
    voyant = installed / "venv" / "bin" / "voyant"
    shown = run(voyant, "run", "orders.csv", "--out", "out", "--json", cwd=installed)
    manifest = json.loads(shown)["manifest"]
    status = {entry["name"]: entry["status"] for entry in manifest["generators"]}
    assert {status[name] for name in (MADE, *NAMES)} == {"ok"}
    paths = {entry["path"] for entry in manifest["artifacts"]}
    assert {"table_sizes.json", "missing_values.json", "anomalies.json"} <= paths


def test_the_page_shows_the_package_as_it_is():
    page = (ROOT / "docs" / "how-to" / "write-a-generator.md").read_text(encoding="utf-8")
    package = EXAMPLES / "missing_values"
    for path in (
        "pyproject.toml",
        "src/voyant_missing_values/__init__.py",
        "tests/test_missing_values.py",
    ):
        language = "toml" if path.endswith("toml") else "python"
        code = (package / path).read_text(encoding="utf-8")
        assert f"`{path}`" in page
        assert f"```{language}\n{code}```" in page, path


@pytest.mark.parametrize("name", ["Row Counts", "7up", "../x", "", "Größe", "a-b"])
def test_a_name_that_no_generator_can_have_is_refused(name, tmp_path):
    refused = CliRunner().invoke(app, ["new-generator", name, "--dir", str(tmp_path)])
    assert refused.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BUILTIN_GENERATORS)
def test_the_name_of_a_built_in_generator_is_refused(name, tmp_path):
    refused = CliRunner().invoke(app, ["new-generator", name, "--dir", str(tmp_path)])
    assert refused.exit_code == 2
    assert f"{name!r}: Voyant's own is. Choose another name, such as 'my_{name}'." in refused.output
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "voyant-x").mkdir()
    refused = CliRunner().invoke(app, ["new-generator", "x", "--dir", str(tmp_path)])
    assert refused.exit_code == 2
    assert list((tmp_path / "voyant-x").iterdir()) == []
