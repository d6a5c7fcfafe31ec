"""Drift of real and of awkward tables, held to the published definitions recomputed here."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial import distance

from voyant.artifacts.baselines import BaselineStore, remember_baselines
from voyant.core.config import DriftRule
from voyant.core.plugin_registry import PluginRegistry
from voyant.generators.drift import generate_drift

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def drift(tmp_path):
    """Run the generator alone, over frames; `keep` makes its profile the baseline."""
    registry = PluginRegistry()
    registry.register("drift", order=50)(generate_drift)

    def run(now, *, before=None, job="job", keep=False, settings=None):
        context = {
            "job_id": job,
            "tenant_id": "acme",
            "artifacts_root": str(tmp_path),
            "as_of": "2030-01-01",
            "sources": {"t": now},
            "reference": {} if before is None else {"t": before},
        }

        class Given:
            enable_drift = True

        for name, value in (settings or {}).items():
            setattr(Given, name, value)
        result = registry.run(context, Given())
        assert result.results[0].error is None, result.results[0].traceback
        folder = tmp_path / job
        if keep:
            store = BaselineStore(tmp_path, "acme")
            assert remember_baselines(store, folder, job, MOMENT, follows_previous=False) == ["t"]
        return json.loads((folder / "drift.json").read_text())["tables"]["t"]

    run.root = tmp_path
    return run


@pytest.fixture(scope="module")
def halves(demo_tables):
    flights = pd.read_parquet(demo_tables["flights"])
    return flights[flights.month <= 6], flights[flights.month > 6]


# --- the published definitions, on real data ------------------------------------------------------


def is_category(before, after):
    """Evidently 0.7: text, whole numbers with at most 10 values, and numbers with at most 5."""
    if before.dtype.kind not in "iuf":
        return True
    few = max(before.nunique(), after.nunique()) <= 10 and before.dtype.kind in "iu"
    return bool(few) or int(pd.concat([before, after]).nunique()) <= 5


def published(before, after):
    """Return Evidently's default measure of two columns of more than 1,000 rows."""
    before, after = before.dropna(), after.dropna()
    if not is_category(before, after):
        area = stats.wasserstein_distance(before, after)
        return "wasserstein_normed", area / max(np.std(before), 0.001)
    names = sorted({*before, *after})
    shares = [
        side.value_counts(normalize=True).reindex(names, fill_value=0) for side in (before, after)
    ]
    return "js_distance", distance.jensenshannon(*shares)


def published_js_of_numbers(before, after):
    before, after = before.dropna().to_numpy(float), after.dropna().to_numpy(float)
    if len(set(before)) > 20:
        edges = np.histogram_bin_edges(np.concatenate([before, after]), bins="sturges")
        shares = [np.histogram(side, edges)[0] / len(side) for side in (before, after)]
    else:
        names = sorted({*before, *after})
        shares = [np.array([np.mean(side == n) for n in names]) for side in (before, after)]
    return distance.jensenshannon(*shares)


def test_flights_agree_with_the_published_definitions_exactly_and_from_a_profile(drift, halves):
    first, second = halves
    exact = drift(second, before=first, job="exact")
    drift(first, job="first", keep=True)
    stored = drift(second, job="second")
    assert (exact["compared_with"], stored["compared_with"]) == ("reference", "baseline")
    for name in first.columns.drop("time_hour"):
        measure, expected = published(first[name], second[name])
        for result in (exact, stored):
            column = result["columns"][name]
            assert column["measure"] == measure, name
            assert column["value"] == pytest.approx(expected, abs=1e-6), name
            assert (column["status"] == "drifted") == (expected >= 0.1), name
        if first[name].dtype.kind in "iuf":
            js = published_js_of_numbers(first[name], second[name])
            assert exact["columns"][name]["js_distance"] == pytest.approx(js, abs=1e-6), name
    drifted = {name for name, column in exact["columns"].items() if column["status"] == "drifted"}
    assert drifted == {"month", "tailnum", "time_hour"}
    assert exact["drifted_fraction"] == 3 / 19
    assert exact["status"] == stored["status"] == "stable"


def test_psi_is_the_published_sum_over_the_references_deciles(drift, halves):
    first, second = (half["dep_delay"].dropna() for half in halves)
    inner = np.unique(np.quantile(first, np.arange(0.1, 0.95, 0.1)))
    edges = [-np.inf, *inner, np.inf]
    p, q = (np.histogram(side, edges)[0] / len(side) for side in (first, second))
    found = drift(second.to_frame(), before=first.to_frame())["columns"]["dep_delay"]
    assert found["psi"] == pytest.approx(float(np.sum((q - p) * np.log(q / p))), abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("make", ["normal", "lognormal"])
def test_a_stored_profile_comes_within_its_stated_error(drift, make, shift):
    rng = np.random.default_rng(3)
    before, after = (getattr(rng, make)(size=20_000) for _ in range(2))
    before, after = pd.DataFrame({"x": before}), pd.DataFrame({"x": after + shift})
    exact = drift(after, before=before, job="exact")["columns"]["x"]
    drift(before, job="first", keep=True)
    stored = drift(after, job="second")["columns"]["x"]
    truth = stats.wasserstein_distance(before.x, after.x) / np.std(before.x)
    assert exact["wasserstein_normed"] == pytest.approx(truth, abs=1e-6)
    assert exact["approximations"] == {}
    assert exact["psi"] == pytest.approx(stored["psi"])  # the bins' counts are stored
    for name in ("wasserstein_normed", "ks_statistic", "js_distance"):
        error = stored["approximations"][name]["error"]
        assert abs(stored[name] - exact[name]) <= error + 2 / 20_000, name
    assert stored["status"] == exact["status"]


# --- what cannot be assessed is said -------------------------------------------------------------


def frame(**columns):
    return pd.DataFrame(columns)


EMPTY = pd.Series([], dtype="int64")
NULLS = pd.Series([None] * 100, dtype="Int64")
PLAIN = frame(n=range(100), c=["a", "b"] * 50)


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize(
    ("before", "now", "status", "reason"),
    [
        ([1, 2] * 50, EMPTY, "not_assessable", "no row holds a value any more"),
        (EMPTY, [1, 2] * 50, "not_assessable", "no row of the reference"),
        (EMPTY, EMPTY, "not_assessable", "neither now nor in the reference"),
        (range(100), [5], "not_assessable", "too few rows: one side has 1"),
        ([5], range(100), "not_assessable", "too few rows: one side has 1"),
        (range(100), NULLS, "drifted", "no row holds a value any more"),
        (NULLS, NULLS, "not_assessable", "neither now nor in the reference"),
        ([7] * 100, [7] * 50, "stable", ""),
        ([7] * 100, [8] * 100, "drifted", ""),
        ([7.5] * 100, np.arange(100) / 4, "not_assessable", "the reference holds one value only"),
        (range(100), [f"v{i}" for i in range(100)], "not_assessable", "its type changed from"),
        ([-np.inf, np.inf] * 50, [np.inf] * 100, "not_assessable", "no finite number"),
    ],
    ids=["emptied", "was empty", "always empty", "one row", "was one row", "all null",
         "always null", "constant", "other constant", "was constant", "retyped", "no number"],
)  # fmt: skip
def test_awkward_columns_have_a_stated_result(drift, before, now, status, reason, is_stored):
    before, now = frame(n=before), frame(n=now)
    if is_stored:
        drift(before, job="first", keep=True)
        table = drift(now, job="second")
    else:
        table = drift(now, before=before)
    column = table["columns"]["n"]
    assert column["status"] == status
    assert reason in column["reason"]
    assert bool(column["reason"]) == bool(reason)
    assert (column["value"] is None) == (status == "not_assessable")


def test_an_emptied_table_has_drifted(drift):
    table = drift(PLAIN.head(0), before=PLAIN)
    assert table["status"] == "drifted"
    assert "100% fewer rows" in table["reasons"]
    assert table["volume"]["change_fraction"] == -1.0


def test_columns_that_came_went_moved_or_changed_are_named(drift):
    before = frame(
        gone=[1.5, 2.5] * 50, kept=range(100), old=np.linspace(5, 9, 100), kind=[1] * 100
    )
    now = frame(kept=range(100), kind=["x"] * 100, new=np.linspace(5, 9, 100), extra=[True] * 100)
    table = drift(now, before=before)
    changes = {(c["kind"], c["column"], c["is_guess"]) for c in table["schema_changes"]}
    assert changes == {
        ("removed", "gone", False),
        ("renamed", "new", True),
        ("added", "extra", False),
        ("retyped", "kind", False),
    }
    assert table["status"] == "drifted"
    assert table["reasons"][:2] == [
        "column 'gone' was removed",
        "column 'old' seems to have been renamed",
    ]
    assert len(table["reasons"]) == 3
    assert table["columns"]["gone"]["reason"] == "the column is no longer there"
    assert table["columns"]["extra"]["reason"] == "the reference has no such column"
    assert list(table["columns"]) == ["kept", "kind", "new", "extra", "gone", "old"]
    moved = drift(now[["extra", "new", "kept", "kind"]], before=now)
    assert [c["kind"] for c in moved["schema_changes"]] == ["reordered"]
    assert moved["status"] == "stable"


def test_volume_and_freshness(drift):
    days = pd.date_range("2024-01-01", periods=100, tz="UTC")
    before = frame(created_at=days, n=range(100))
    now = frame(created_at=days[:40], n=range(40))
    table = drift(now, before=before)
    assert (table["volume"]["status"], table["freshness"]["status"]) == ("drifted", "drifted")
    assert table["reasons"] == [
        "2 of 2 assessed columns have drifted",
        "60% fewer rows",
        "the newest event is older than the reference's",
    ]
    assert table["freshness"]["current_newest"] == "2024-02-09T00:00:00+00:00"
    assert drift(before, before=now)["freshness"]["status"] == "stable"
    assert drift(PLAIN, before=PLAIN)["freshness"]["status"] == "not_assessable"


def test_categories_that_came_and_went_are_listed(drift):
    before = frame(c=["a"] * 60 + ["b"] * 40)
    column = drift(frame(c=["a"] * 50 + ["z"] * 50), before=before)["columns"]["c"]
    assert column["status"] == "drifted"
    assert column["new_categories"] == [{"value": "z", "count": 50, "fraction": 0.5}]
    assert column["vanished_categories"] == [{"value": "b", "count": 40, "fraction": 0.4}]
    expected = stats.chi2_contingency([[60, 40, 0], [50, 0, 50]], correction=False).pvalue
    assert column["p_value"] == pytest.approx(expected)
    assert column["p_value_test"] == "chi-square"


def test_p_values_only_stand_beside_small_samples_and_never_decide(drift):
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=900), rng.normal(0.09, 1, size=1000)
    column = drift(frame(x=after), before=frame(x=before))["columns"]["x"]
    expected = stats.ks_2samp(before, after, method="exact")
    assert column["ks_statistic"] == pytest.approx(expected.statistic)
    assert column["p_value"] == pytest.approx(expected.pvalue, rel=0.1)
    large = drift(frame(x=np.tile(after, 2)), before=frame(x=before))["columns"]["x"]
    assert large["p_value"] is None


def test_more_missing_values_are_drift_of_their_own(drift):
    now = frame(n=[None if i % 5 == 0 else float(i) for i in range(100)])
    column = drift(now, before=frame(n=[float(i) for i in range(100)]))["columns"]["n"]
    assert (column["status"], column["measure"]) == ("drifted", "null_fraction_change")
    assert column["value"] == pytest.approx(0.2)


def test_text_that_always_differs_is_judged_by_shape_and_length(drift):
    codes = frame(k=[f"A{i:04}" for i in range(1000)])
    same = drift(frame(k=[f"B{i:04}" for i in range(2000, 3000)]), before=codes)["columns"]["k"]
    assert (same["treated_as"], same["status"]) == ("text", "stable")
    assert same["js_distance"] is None
    other = drift(frame(k=[f"{i:04}-x" for i in range(1000)]), before=codes)["columns"]["k"]
    assert other["status"] == "drifted"
    assert other["pattern_js_distance"] == pytest.approx(np.sqrt(np.log(2)))
    assert other["length_change"] == pytest.approx(0.2)


def test_rules_for_single_columns(drift):
    rng = np.random.default_rng(2)
    before, now = frame(x=rng.normal(size=500)), frame(x=rng.normal(0.3, 1, size=500))

    def judged(**rule):
        settings = {"drift_columns": {"t.x": DriftRule(**rule)}}
        return drift(now, before=before, settings=settings)["columns"]["x"]

    assert drift(now, before=before)["columns"]["x"]["status"] == "drifted"
    assert judged(threshold=5)["status"] == "stable"
    psi = judged(measure="psi")
    assert (psi["measure"], psi["threshold"], psi["value"]) == ("psi", 0.2, psi["psi"])
    out = judged(measure="none")
    assert (out["status"], out["reason"]) == ("not_assessable", "left out by the settings")


def test_a_rule_that_matches_no_column_is_said(drift):
    drift(PLAIN, before=PLAIN, settings={"drift_columns": {"t.m": DriftRule(measure="psi")}})
    artifact = json.loads((drift.root / "job" / "drift.json").read_text())
    assert artifact["unused_rules"] == ["t.m"]


# --- what a baseline holds -------------------------------------------------------------------


def test_the_first_run_says_so_and_keeps_a_profile(drift):
    table = drift(PLAIN, job="first", keep=True)
    assert table["status"] == "no_baseline"
    assert table["columns"] == {}
    again = drift(PLAIN, job="second")
    assert (again["status"], again["baseline_job_id"]) == ("stable", "first")
    assert again["baseline_stored_at"] == MOMENT.isoformat()


def test_personal_values_never_enter_a_baseline(drift):
    people = frame(
        email=[f"ann{i}@example.com" for i in range(200)],
        phone=[4420_7946_0000 + i for i in range(200)],
    )
    drift(people, job="first", keep=True)
    kept = (drift.root / "first" / "baseline.json").read_text()
    kept += "".join(p.read_text() for p in BaselineStore(drift.root, "acme").folder.iterdir())
    assert "example.com" not in kept
    assert "44207946" not in kept
    table = drift(people, job="second")
    assert table["columns"]["email"]["treated_as"] == "text"
    assert table["columns"]["phone"]["status"] == "not_assessable"
    assert "never kept" in table["columns"]["phone"]["reason"]


def test_a_baseline_that_cannot_be_read_is_not_passed_over_nor_overwritten(drift):
    drift(PLAIN, job="first", keep=True)
    store = BaselineStore(drift.root, "acme")
    (file,) = store.folder.iterdir()
    file.write_text("{")
    table = drift(PLAIN, job="second")
    assert table["status"] == "not_assessable"
    assert "no baseline that this version can read" in table["reasons"][0]
    assert (
        remember_baselines(store, drift.root / "second", "second", MOMENT, follows_previous=True)
        == []
    )
    assert file.read_text() == "{"


def test_the_same_input_gives_the_same_bytes(drift, halves):
    names = ("drift.json", "drift.html", "baseline.json")
    runs = []
    for job in ("one", "two"):
        drift(halves[1], before=halves[0], job=job)
        runs.append([(drift.root / job / name).read_bytes() for name in names])
    assert runs[0] == runs[1]


def test_identifiers_are_compared_by_value_where_they_repeat_and_not_at_all_where_they_must_change(
    drift,
):
    before = frame(order_id=range(1000, 1200), customer_id=[1, 2, 3, 900] * 50)
    now = frame(order_id=range(1200, 1400), customer_id=[1, 2, 3, 901] * 50)
    columns = drift(now, before=before)["columns"]
    assert columns["order_id"]["status"] == "not_assessable"
    assert "identifiers" in columns["order_id"]["reason"]
    assert columns["customer_id"]["treated_as"] == "category"
    shares = [0.25, 0.25, 0.25, 0.25, 0], [0.25, 0.25, 0.25, 0, 0.25]
    assert columns["customer_id"]["js_distance"] == pytest.approx(distance.jensenshannon(*shares))
