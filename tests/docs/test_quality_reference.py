"""The pages about checks name every check, setting and rule there is, and their examples work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from voyant.artifacts.contracts import read_contract
from voyant.artifacts.quality_settings import (
    CheckException,
    QualitySettings,
    RuleSettings,
    parse_quality,
)
from voyant.stats.quality import CHECKS, DIMENSION_WEIGHTS, SEVERITY_WEIGHTS

DOCS = Path(__file__).resolve().parents[2] / "docs"
CHECKS_PAGE = (DOCS / "reference" / "checks.md").read_text(encoding="utf-8")
QUALITY_PAGE = (DOCS / "explanation" / "quality.md").read_text(encoding="utf-8")
CONTRACTS_PAGE = (DOCS / "how-to" / "contracts.md").read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_every_check_has_a_row_with_its_dimension_and_severity():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (info|warning|error) \|", CHECKS_PAGE, re.MULTILINE)
    assert rows == [(name, kind.dimension, kind.severity) for name, kind in CHECKS.items()]


@pytest.mark.parametrize("name", ["missing_values", "near_empty"])
def test_thresholds_are_those_of_the_code(name):
    row = next(line for line in CHECKS_PAGE.splitlines() if line.startswith(f"| `{name}`"))
    assert f"More than {100 * CHECKS[name].max_fraction:g} %" in row


@pytest.mark.parametrize("model", [QualitySettings, CheckException, RuleSettings])
def test_every_setting_is_named(model):
    missing = {
        name
        for name in model.model_fields
        if f"`{name}`" not in CHECKS_PAGE and not re.search(rf"\b{name}\b[ .\]]", CHECKS_PAGE)
    }
    assert missing == set()


def test_defaults_are_those_of_the_code():
    settings = QualitySettings()
    for name in ("examples", "exact_values", "outlier_fence"):
        assert re.search(rf"^{name} = {getattr(settings, name)}\b", CHECKS_PAGE, re.MULTILINE), name


@pytest.mark.parametrize("text", [*blocks(CHECKS_PAGE, "toml"), *blocks(CONTRACTS_PAGE, "toml")])
def test_examples_of_settings_are_accepted(text):
    parse_quality(tomllib.loads(text)["quality"])


def test_the_example_contract_is_read_and_all_of_it_can_be_checked(tmp_path):
    (text,) = blocks(CONTRACTS_PAGE, "yaml")
    path = tmp_path / "orders.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    kinds = {rule.kind for rule in read_contract(path).rules}
    assert kinds == {
        "table", "column", "type", "unique", "required", "allowed", "row_count", "sql", "freshness",
    }  # fmt: skip


def test_weights_are_those_of_the_code():
    rows = dict(re.findall(r"^\| (\w+) \| (0\.\d+) \|", QUALITY_PAGE, re.MULTILINE))
    assert {name: float(weight) for name, weight in rows.items()} == DIMENSION_WEIGHTS
    assert SEVERITY_WEIGHTS == {"error": 3, "warning": 1, "info": 0}
    assert "an error weighs 3, a warning 1, a note 0" in QUALITY_PAGE
