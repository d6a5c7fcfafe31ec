"""The kpi generator on DuckDB: the demo's KPIs against pandas, and users' SQL against the guard."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from voyant.artifacts.kpis import KpisArtifact
from voyant.core.context import GeneratorContext
from voyant.core.errors import QueryError
from voyant.demo import KPIS
from voyant.generators.kpi import generate_kpis
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job


def run(folder, sources, kpis, **settings):
    """Run the generator; return kpis.json by KPI name, and the error if there was one."""
    ctx = GeneratorContext(
        {
            "job_id": "job",
            "tenant_id": "acme",
            "artifacts_root": str(folder),
            "sources": sources,
            "kpis": kpis,
        },
        settings=type("Settings", (), settings)(),
    )
    error = ""
    try:
        generate_kpis(ctx)
    except QueryError as raised:
        error = str(raised)
    finally:
        ctx.close()
    content = (folder / "job" / "kpis.json").read_text(encoding="utf-8")
    KpisArtifact.model_validate_json(content)
    return {kpi["name"]: kpi for kpi in json.loads(content)["kpis"]}, error


@pytest.fixture(scope="module")
def demo(tmp_path_factory, demo_tables):
    kpis, error = run(tmp_path_factory.mktemp("demo"), demo_tables, list(KPIS))
    assert error == ""
    return kpis


@pytest.fixture(scope="module")
def flights(demo_tables):
    return pd.read_parquet(demo_tables["flights"])


def test_the_single_values_of_the_demo(demo, flights, demo_tables):
    flown = flights[flights.dep_time.notna()]
    planes = pd.read_parquet(demo_tables["planes"])[["tailnum", "year"]].dropna()
    ages = flown.merge(planes, on="tailnum", suffixes=("", "_built"))
    expected = {
        "mean_departure_delay": (flights.dep_delay.mean(), "warn"),  # 12.6 of 12
        "on_time_fraction": ((flights.arr_delay < 15).mean(), "warn"),  # 73 % of 78 %
        "cancellation_fraction": (flights.dep_time.isna().mean(), "ok"),  # 2.5 % of 3 %
        "mean_aircraft_age": ((ages.year - ages.year_built).mean(), "ok"),  # no thresholds
    }
    for name, (value, status) in expected.items():
        assert demo[name]["value"] == pytest.approx(value, rel=1e-12)
        assert demo[name]["status"] == status
        target = demo[name]["target"]
        assert demo[name]["distance_to_target"]["absolute"] == pytest.approx(value - target)
        assert demo[name]["distance_to_target"]["relative"] == pytest.approx(value / target - 1)
    assert {name for name in demo if demo[name]["value"] is not None} == set(expected)


def test_the_tables_of_the_demo(demo, flights):
    months = flights.groupby("month").size()
    assert demo["flights_per_month"]["rows"] == [
        [f"2013-{month:02d}-01", int(count)] for month, count in months.items()
    ]
    assert demo["flights_per_month"]["columns"] == [
        {"name": "month", "type": "DATE"},
        {"name": "flight_count", "type": "BIGINT"},
    ]
    by_hour = flights[flights.dep_delay.notna()].groupby("hour").dep_delay
    hours, counts, means = zip(*demo["delay_by_hour"]["rows"], strict=True)
    assert list(hours) == list(by_hour.mean().index)
    assert list(counts) == list(by_hour.size())
    np.testing.assert_allclose(means, by_hour.mean(), atol=0.005 + 1e-9)


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    path.write_text(
        "customer,card,amount\n"
        "ann@example.com,4111111111111111,10.25\n"
        "bob@example.org,5555555555554444,20.50\n"
        "n/a,1234,\n",
        encoding="utf-8",
    )
    return {"orders": path}


def test_values_from_a_file_are_masked_and_its_totals_are_not(tmp_path, orders):
    kpis = [
        {"name": "who", "sql": "SELECT customer, card, amount FROM orders ORDER BY card"},
        {"name": "all", "sql": "SELECT list(customer ORDER BY card) FROM orders"},
        {"name": "total", "sql": "SELECT sum(amount) FROM orders", "target": 41},
    ]
    told, error = run(tmp_path, orders, kpis)
    assert error == ""
    assert told["who"]["rows"] == [
        ["n/a", 1234, None],
        ["[masked email]", "[masked card]", 10.25],
        ["[masked email]", "[masked card]", 20.5],
    ]
    assert told["who"]["masked_count"] == 4
    assert told["all"]["value"] == "[n/a, [masked email], [masked email]]"
    assert told["total"]["value"] == 30.75
    assert told["total"]["distance_to_target"] == {"absolute": -10.25, "relative": -0.25}


def test_an_error_of_the_engine_does_not_quote_a_person(tmp_path, orders):
    kpis = [{"name": "k", "sql": "SELECT sum(CAST(customer AS INTEGER)) FROM orders"}]
    told, error = run(tmp_path, orders, kpis)
    assert told["k"]["status"] == "error"
    assert "[masked email]" in told["k"]["error"]
    assert "[masked email]" in error
    assert "ann@" not in error + told["k"]["error"]


def test_limits_and_the_guard_fail_one_kpi_and_not_the_next(tmp_path, orders):
    file = tmp_path / "stolen.csv"
    kpis = [
        {"name": "writes", "sql": f"COPY orders TO '{file}'"},
        {"name": "reads", "sql": "SELECT * FROM read_text('/etc/hostname')"},
        {"name": "typo", "sql": "SELECT amuont FROM orders"},
        {
            "name": "slow",
            "sql": "SELECT sum(a.range + b.range) FROM range(10**6) a, range(10**6) b",
        },
        {"name": "long", "sql": "SELECT range FROM range(10) ORDER BY 1"},
        {"name": "good", "sql": "SELECT count(*) FROM orders", "direction": "up", "warn": 3},
        {"name": "none", "sql": "SELECT sum(amount) FROM orders WHERE card = 1234"},
    ]
    told, error = run(tmp_path, orders, kpis, query_timeout_seconds=1.0, query_max_rows=4)
    assert error.startswith("4 of 7 KPIs failed: 'writes': ")
    statuses = {name: kpi["status"] for name, kpi in told.items()}
    assert statuses == {
        "writes": "error",
        "reads": "error",
        "typo": "error",
        "slow": "error",
        "long": "ok",
        "good": "warn",
        "none": "no_data",
    }
    assert told["long"]["rows"] == [[0], [1], [2], [3]]
    assert told["long"]["truncated"] is True
    assert "amount" in told["typo"]["error"]
    assert not file.exists()


def test_awkward_values_become_json(tmp_path, orders):
    columns = {
        "wide": ("(170141183460469231731687303715884105727)::HUGEINT", 2**127 - 1),
        "exact": ("0.1::DECIMAL(4,2)", 0.1),
        "digits": ("12345678901234567890.12::DECIMAL(22,2)", "12345678901234567890.12"),
        "nan": ("'nan'::DOUBLE", "NaN"),
        "infinite": ("'-inf'::DOUBLE", "-Infinity"),
        "day": ("DATE '2013-01-31'", "2013-01-31"),
        "moment": ("TIMESTAMP '2013-01-31 05:06:07'", "2013-01-31T05:06:07"),
        "truth": ("true", True),
        "nothing": ("NULL::INTEGER", None),
        "text": ("'<script>' || chr(233)", "<script>\u00e9"),
    }
    select = ", ".join(f"{sql} AS {name}" for name, (sql, _) in columns.items())
    told, error = run(tmp_path, orders, [{"name": "k", "sql": f"SELECT {select}"}])
    assert error == ""
    assert told["k"]["rows"] == [[value for _, value in columns.values()]]
    assert [column["name"] for column in told["k"]["columns"]] == list(columns)


def test_a_job_is_compared_with_the_one_before_it(tmp_path):
    """A file that grows, its second day run twice: both runs look back to the first day."""
    orders = tmp_path / "orders.csv"
    total = {"name": "total", "sql": "SELECT sum(amount) FROM orders"}
    told = []
    for job_id, lines in (("monday", "8\n"), ("tuesday", "8\n2\n"), ("tuesday", "8\n2\n")):
        orders.write_text(f"amount\n{lines}", encoding="utf-8")
        job = run_job(
            JobRequest(
                sources={"orders": orders},
                kpis=[total],
                job_id=job_id,
                only=["kpi"],
                artifacts_root=tmp_path / "artifacts",
            )
        )
        assert job.result.success
        content = json.loads((job.folder / "kpis.json").read_text(encoding="utf-8"))
        (kpi,) = content["kpis"]
        told.append((kpi["previous"], kpi["value"], kpi["change"]))
        (entry,) = [entry for entry in job.manifest.generators if entry.name == "kpi"]
        assert set(entry.details["kpi_duration_ms"]) == {"total"}
    tuesday = (8, 10, {"absolute": 2, "relative": 0.25})
    assert told == [(None, 8, None), tuesday, tuesday]
