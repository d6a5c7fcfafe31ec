"""What was selected stands in every artifact, and is never compared with something else."""

from __future__ import annotations

import json

import duckdb
import pytest

from voyant.core.config import load_settings
from voyant.core.errors import ConfigurationError
from voyant.core.selection import parse_selections
from voyant.generators.narrative import check_folder
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job

AS_OF = "2025-04-01T00:00:00+00:00"
KPIS = [{"name": "rows", "sql": "SELECT count(*) FROM orders"}]


@pytest.fixture
def orders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    duckdb.sql(
        """COPY (SELECT i AS id, ['EU', 'US'][i % 2 + 1] AS region, (i * 37) % 101 AS amount,
        TIMESTAMP '2025-04-01' - to_hours(i::BIGINT) AS at FROM range(2000) t(i))
        TO 'orders.parquet' (FORMAT parquet)"""
    )
    return "orders.parquet"


def run(orders, job_id, settings=None, **options):
    request = JobRequest(
        sources={"orders": orders}, job_id=job_id, as_of=AS_OF, kpis=KPIS, **options
    )
    job = run_job(request, settings or load_settings())
    assert job.result.success
    assert not [r.error for r in job.result.results if r.error]
    return job


def read(job, name):
    return json.loads((job.folder / name).read_bytes())


SELECT = {
    "orders": {
        "where": "region = 'EU'",
        "last": "30 days",
        "time_column": "at",
        "sample": {"rows": 100, "seed": 7},
    }
}
#: 30 days have 720 hours; half of the rows are EU's; the row of the moment itself is one of them.
FILTERED = 360


def test_every_artifact_and_page_says_so(orders):
    job = run(orders, "a", load_settings(select=SELECT))
    profile = read(job, "profile.json")["tables"]["orders"]
    assert profile["row_count"] == 100, "not scaled"
    selection = profile["selection"]
    assert selection["where"] == "region = 'EU'"
    assert selection["since"] == "2025-03-02T00:00:00+00:00"
    assert selection["until"] == AS_OF
    assert (selection["sample_method"], selection["sample_rows"]) == ("hash", 100)
    assert (selection["sample_seed"], selection["whole_row_count"]) == (7, 2_000)
    assert "a sample of 100 rows" in selection["description"]
    for name in ("sufficiency.json", "quality.json", "drift.json"):
        assert read(job, name)["selections"] == {"orders": selection["description"]}, name
    kpis = read(job, "kpis.json")
    assert kpis["kpis"][0]["value"] == FILTERED
    assert "sample" not in kpis["selections"]["orders"]
    assert "region = 'EU'" in kpis["selections"]["orders"]
    for page in ("profile.html", "quality.html", "drift.html", "index.html"):
        text = (job.folder / page).read_text()
        assert "a selection" in text, page
        assert "region = &#39;EU&#39;" in text, page
    narrative = (job.folder / "narrative.md").read_text()
    assert "are of a selection, not of the whole table: 100 of 2,000 rows" in narrative
    check_folder(job.folder)


def test_the_same_selection_gives_the_same_bytes(orders):
    jobs = [run(orders, name, load_settings(select=SELECT), skip=["drift"]) for name in "ab"]
    for name in ("profile.json", "quality.json", "sufficiency.json"):
        assert len({(job.folder / name).read_bytes() for job in jobs}) == 1, name


def test_the_whole_table_says_nothing(orders):
    job = run(orders, "a")
    assert read(job, "profile.json")["tables"]["orders"]["selection"] is None
    assert read(job, "drift.json")["selections"] == {}
    assert "a selection" not in (job.folder / "index.html").read_text()


def test_drift_does_not_compare_other_rows(orders):
    run(orders, "a")
    drift = read(run(orders, "b", where=["orders=region = 'EU'"]), "drift.json")["tables"]["orders"]
    assert drift["status"] == "not_assessable"
    assert drift["reasons"] == [
        "the baseline is of other rows (the whole table) than this run (rows where region = 'EU')"
    ]
    again = read(run(orders, "c"), "drift.json")["tables"]["orders"]
    assert again["status"] == "stable", "the baseline of the whole table is still there"


def test_a_window_that_moved_on_is_the_same_selection(orders):
    settings = load_settings(select={"orders": {"last": "30 days", "time_column": "at"}})
    run(orders, "a", settings)
    request = JobRequest(
        sources={"orders": orders}, job_id="b", as_of="2025-03-31T00:00:00+00:00", kpis=()
    )
    drift = read(run_job(request, settings), "drift.json")["tables"]["orders"]
    assert drift["compared_with"] == "baseline"
    assert drift["columns"]
    assert drift["volume"]["reference_row_count"] == 720


def test_the_size_of_a_sample_is_no_volume(orders):
    run(orders, "a", sample=["orders=200"])
    drift = read(run(orders, "b", sample=["orders=200"]), "drift.json")["tables"]["orders"]
    assert drift["status"] == "stable"
    assert drift["volume"]["status"] == "not_assessable"


def test_a_reference_that_is_whole_is_not_compared_with_a_selection(orders):
    job = run(orders, "a", where=["orders=region = 'EU'"], reference={"orders": orders})
    drift = read(job, "drift.json")["tables"]["orders"]
    assert drift["status"] == "not_assessable"
    assert "the reference is of other rows" in drift["reasons"][0]


def test_options_stand_in_the_manifest(orders):
    job = run(orders, "a", where=["orders=amount > 3"], sample=["orders=1%"])
    assert job.manifest.parameters.where == ["orders=amount > 3"]
    assert job.manifest.parameters.sample == ["orders=1%"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"were": "x"}, "select.orders.were.*Did you mean 'where'"),
        ({"where": 5}, "not text"),
        ({"last": "90 days"}, "last without the other"),
        ({"time_column": "at"}, "time_column without the other"),
        ({"last": "3 months", "time_column": "at"}, "'3 months'.*90 days"),
        ({"last": "0 days", "time_column": "at"}, "'0 days'"),
        ({"last": "999999999999 weeks", "time_column": "at"}, "shorter"),
        ({"sample": 5}, "rows = 100000"),
        ({"sample": {}}, "needs rows or fraction"),
        ({"sample": {"rows": 1, "fraction": 0.1}}, "needs rows or fraction"),
        ({"sample": {"rows": 0}}, "rows is 0"),
        ({"sample": {"rows": True}}, "rows is True"),
        ({"sample": {"fraction": 1.5}}, "fraction is 1.5"),
        ({"sample": {"rows": 1, "method": "bernoulli"}}, "method is 'bernoulli'.*hash"),
        ({"sample": {"rows": 1, "seed": -1}}, "seed is -1"),
        ({"sample": {"rows": 1, "sed": 1}}, "Did you mean 'seed'"),
    ],
)
def test_a_selection_that_is_none_is_refused_before_anything_runs(orders, table, message, tmp_path):
    settings = load_settings(select={"orders": table})
    with pytest.raises(ConfigurationError, match=message):
        run_job(JobRequest(sources={"orders": orders}, as_of=AS_OF), settings)
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize("option", ["orders", "=5", "orders=", "orders=x", "orders=5%%"])
def test_options_that_are_none(option):
    from datetime import UTC, datetime

    with pytest.raises(ConfigurationError, match="--sample"):
        parse_selections({}, sample=[option], as_of=datetime(2025, 1, 1, tzinfo=UTC))


def test_the_command_line_wins_over_the_settings():
    from datetime import UTC, datetime

    found = parse_selections(
        SELECT,
        where=["orders=id > 3"],
        sample=["orders=1_000"],
        as_of=datetime(2025, 1, 1, tzinfo=UTC),
    )
    assert found["orders"].where == "id > 3"
    assert found["orders"].sample.rows == 1_000
    assert found["orders"].time_column == "at"
