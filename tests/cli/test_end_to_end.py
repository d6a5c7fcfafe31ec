"""Real files, the real engine, the built-in generators: what a first user does first."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator

from voyant.artifacts.schemas import ARTIFACT_MODELS, schema_path
from voyant.artifacts.verify import verify_folder
from voyant.core.plugin_registry import list_generators

AS_OF = ("--as-of", "2024-03-01")
KPI = ("--kpi", "revenue=SELECT sum(amount) AS revenue FROM orders")


@pytest.fixture
def tables(workplace):
    days = [datetime(2024, 1, 1) + timedelta(days=n) for n in range(50)]  # noqa: DTZ001 - plain
    rows = "".join(f"{n},{n % 5},{n}.5,{day:%Y-%m-%d}\n" for n, day in enumerate(days))
    (workplace / "orders.csv").write_text(f"id,customer,amount,day\n{rows}")
    customers = pa.table({"customer": list(range(5)), "naïve name": ["a", "b", None, "d", "e"]})
    pq.write_table(customers, workplace / "customers.parquet")
    return ("orders.csv", "customers.parquet")


def run(voyant, tables, job, *more):
    done = voyant("run", *tables, *KPI, *AS_OF, "--out", "out", "--job-id", job, "--json", *more)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_files_become_a_folder_that_can_be_verified(voyant, tables):
    answer = run(voyant, tables, "job")
    manifest, folder = answer["manifest"], Path(answer["folder"])
    assert manifest["tables"] == ["orders", "customers"]
    assert manifest["versions"]["engine"].startswith("duckdb ")
    assert manifest["problems"] == []
    assert [entry["status"] for entry in manifest["generators"]] == ["ok"] * len(list_generators())
    assert {"kpis.json", "sufficiency.json"} <= {entry["path"] for entry in manifest["artifacts"]}
    assert verify_folder(folder).is_ok
    assert voyant("verify", folder).exit_code == 0


def test_every_json_artifact_follows_its_published_schema(voyant, tables):
    folder = Path(run(voyant, tables, "job")["folder"])
    found = [name for name in ARTIFACT_MODELS if (folder / name).exists()]
    assert {"manifest.json", "kpis.json", "sufficiency.json"} <= set(found)
    for name in found:
        schema = json.loads(schema_path(name).read_text(encoding="utf-8"))
        errors = Draft202012Validator(schema).iter_errors(json.loads((folder / name).read_bytes()))
        assert list(errors) == [], name


def test_the_same_input_gives_the_same_bytes(voyant, tables):
    # Two tenants, so that neither has a value of the other's to compare with.
    first = run(voyant, tables, "a", "--tenant", "one")["manifest"]["artifacts"]
    second = run(voyant, tables, "b", "--tenant", "two")["manifest"]["artifacts"]
    # The report says how long each generator took.
    paths = [entry["path"] for entry in first]
    assert [entry["path"] for entry in second] == paths
    assert "index.html" in paths
    for one, other in zip(first, second, strict=True):
        assert one == other or one["path"] == "index.html"


def test_a_kpi_knows_its_value_in_the_job_before(voyant, tables, workplace):
    expected = sum(n + 0.5 for n in range(50))
    run(voyant, tables, "a")
    with (workplace / "orders.csv").open("a") as file:
        file.write("50,0,100,2024-02-20\n")
    folder = Path(run(voyant, tables, "b")["folder"])
    (kpi,) = json.loads((folder / "kpis.json").read_text())["kpis"]
    assert (kpi["value"], kpi["previous"]) == (expected + 100, expected)


def test_a_failing_kpi_stops_the_job_and_keeps_its_account(voyant, tables):
    options = ("--kpi", "bad=SELECT nope FROM orders", "--out", "out", "--json")
    done = voyant("run", *tables, *options)
    assert done.exit_code == 1
    manifest = json.loads(done.stdout)["manifest"]
    assert manifest["failed_core"] == "kpi"
    assert "kpis.json" in {entry["path"] for entry in manifest["artifacts"]}
    assert "bad" in done.stderr
