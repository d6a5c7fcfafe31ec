"""`--contract` and `--fail-on`: what a broken contract says, and which exit code it gives."""

from __future__ import annotations

import json

import pytest

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: amount, logicalType: number, logicalTypeOptions: {maximum: MOST}}
"""


@pytest.fixture
def contract(workplace):
    def write(most):
        path = workplace / "orders.odcs.yaml"
        path.write_text(CONTRACT.replace("MOST", str(most)), encoding="utf-8")
        return path

    return write


def test_a_kept_contract_ends_well(voyant, contract):
    result = voyant("run", "orders.csv", "--contract", contract(3.5), "--fail-on", "quality")
    assert result.exit_code == 0, result.output


def test_a_broken_contract_ends_with_3_and_says_which_check(voyant, contract):
    result = voyant("run", "orders.csv", "--contract", contract(3), "--fail-on", "quality")
    assert result.exit_code == 3
    assert "--fail-on quality:error: 1 check failed: orders.odcs.yaml:range" in result.stderr


def test_without_a_gate_it_only_reports(voyant, contract, workplace):
    arguments = ("orders.csv", "--contract", contract(3), "--out", "out", "--job-id", "job")
    assert voyant("run", *arguments).exit_code == 0
    made = json.loads((workplace / "out" / "job" / "quality.json").read_text(encoding="utf-8"))
    assert made["verdict"] == "failed"
    assert made["contracts"][0]["file"] == "orders.odcs.yaml"
    assert made["contracts"][0]["failed_count"] == 1


def test_json_names_the_gates_that_do_not_hold(voyant, contract):
    arguments = ("orders.csv", "--contract", contract(3), "--fail-on", "quality", "--json")
    result = voyant("run", *arguments)
    assert result.exit_code == 3
    assert list(json.loads(result.stdout)["failed_gates"]) == ["quality:error"]


def test_a_gate_without_its_artifact_does_not_stand_open(voyant):
    result = voyant("run", "orders.csv", "--fail-on", "quality", "--skip", "quality")
    assert result.exit_code == 3
    assert "there is no quality.json" in result.stderr


def test_a_gate_nobody_knows_is_refused_before_anything_runs(voyant, workplace):
    result = voyant("run", "orders.csv", "--fail-on", "qualty", "--out", "out")
    assert result.exit_code == 2
    assert "Did you mean 'quality'?" in result.stderr
    assert not (workplace / "out").exists()


@pytest.mark.parametrize("options", [(), ("--skip", "quality")])
def test_a_contract_that_cannot_be_read_is_refused_before_anything_runs(voyant, workplace, options):
    result = voyant("run", "orders.csv", "--contract", "none.yaml", "--out", "out", *options)
    assert result.exit_code == 2
    assert "The contract 'none.yaml' cannot be read" in result.stderr
    assert not (workplace / "out").exists()


def test_a_wrong_check_in_the_settings_is_refused_before_anything_runs(voyant, workplace):
    (workplace / "voyant.toml").write_text("[quality.checks.outlier]\nenabled = false\n")
    result = voyant("run", "orders.csv", "--out", "out")
    assert result.exit_code == 2
    assert "Did you mean 'outliers'?" in result.stderr
    assert not (workplace / "out").exists()


def test_rules_of_the_settings_are_checked(voyant, workplace):
    rule = '[[quality.rules]]\ntable = "orders"\ncolumn = "amount"\nmin = 3\n'
    (workplace / "voyant.toml").write_text(rule)
    result = voyant("run", "orders.csv", "--fail-on", "quality")
    assert result.exit_code == 3
    assert "voyant.toml:range:orders.amount" in result.stderr
