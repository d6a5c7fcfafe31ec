"""The profile generator: what it asks, what it writes, and which alerts it raises."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest

from voyant.artifacts.profile import ProfileArtifact
from voyant.artifacts.schemas import make_schema
from voyant.core.plugin_registry import get_generator, run_generators
from voyant.core.tables import ColumnKind, ColumnSummary, TableSummary, ValueCount
from voyant.engines.duckdb import DuckDBEngine
from voyant.generators.profile import Budget, compute, generate_profile, measure


def profiled(frame, budget=None):
    """Profile one table."""
    budget = budget or Budget()
    engine = DuckDBEngine({"t": frame})
    try:
        return compute(engine.summarize("t"), measure(engine, "t", budget), budget)
    finally:
        engine.close()


def kinds(profile, column=None):
    return [alert.kind for alert in profile.alerts if alert.column == column]


def test_registered_as_the_specification_says():
    definition = get_generator("profile")
    assert (definition.order, definition.is_core, definition.feature_flag) == (10, True, None)
    assert definition.handler is generate_profile


def run(tmp_path, sources, job_id="j"):
    result = run_generators(
        {
            "job_id": job_id,
            "tenant_id": "t",
            "artifacts_root": str(tmp_path),
            "tables": [],
            "sources": sources,
        },
    )
    profile = next(found for found in result.results if found.name == "profile")
    assert profile.success, profile.error
    return {key: Path(path) for key, path in profile.artifacts.items()}


def test_demo_tables_are_written_as_the_issue_lays_them_out(tmp_path, demo_tables):
    paths = run(tmp_path, {name: demo_tables[name] for name in ("planes", "airlines", "weather")})
    assert {path.name for path in paths.values()} == {"profile.json", "profile.html"}
    data = json.loads(paths["profile"].read_text(encoding="utf-8"))
    assert list(data["tables"]) == ["planes", "airlines", "weather"]
    jsonschema.validate(data, make_schema("profile.json"))
    planes = data["tables"]["planes"]
    assert (planes["row_count"], planes["column_count"]) == (3322, 9)
    assert planes["candidate_keys"] == [{"columns": ["tailnum"]}]
    assert planes["columns"]["year"]["null_count"] == 70
    assert list(planes["columns"]["year"]["quantiles"]) == [
        *("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
    ]
    assert "NaN" not in paths["profile"].read_text(encoding="utf-8")


def test_key_of_two_columns_is_found():
    frame = pa.table({"a": [1, 1, 2, 2], "b": ["x", "y", "x", "y"], "c": [1, 1, 1, 2]})
    profile = profiled(frame)
    assert [key.columns for key in profile.candidate_keys] == [["a", "b"]]
    assert profile.key_search.pairs_checked >= 1
    assert profile.duplicate_row_count == 0


def test_search_for_keys_keeps_to_its_budget():
    rows = 24
    frame = pa.table({f"c{i}": [(row * (i + 3)) % 12 for row in range(rows)] for i in range(8)})
    profile = profiled(frame, Budget(key_pairs=2))
    assert profile.key_search.budget == 2
    assert profile.key_search.pairs_checked <= 2


def test_correlations_keep_to_their_cap_and_say_what_was_left_out():
    frame = pa.table({f"c{i}": [1.5, 2.5 * i, -1.25, i + 0.5] for i in range(1, 7)})
    profile = profiled(frame, Budget(correlation_pairs=3))
    assert len(profile.correlations.pearson) == 3
    assert profile.correlations.pairs_omitted == 15 - 3
    assert profile.correlations.pair_cap == 3
    values = [abs(pair.value) for pair in profile.correlations.pearson]
    assert values == sorted(values, reverse=True)


def test_missing_cells():
    profile = profiled(pa.table({"a": [1, None], "b": [None, None]}))
    assert (profile.missing_cell_count, profile.missing_cell_fraction) == (3, 0.75)


def test_dates_are_written_as_dates():
    days = [dt.date(2020, 1, 1), dt.date(2020, 1, 3)]
    column = profiled(pa.table({"d": days})).columns["d"]
    assert column.quantiles["0.5"] == "2020-01-02"
    assert column.histogram.edges[0] == "2020-01-01"
    assert (column.time.largest_gap_start, column.time.largest_gap_end) == (
        "2020-01-01",
        "2020-01-03",
    )


def test_inexact_numbers_stand_beside_their_method():
    frame = pa.table(
        {"a": [i / 7 for i in range(50)], "b": [(i * i) % 17 + 0.5 for i in range(50)]}
    )
    profile = profiled(frame, Budget(spearman_rows=10))
    inexact = profile.correlations.approximations["spearman"]
    assert "even sample of 10 rows" in inexact.method
    assert inexact.error == pytest.approx(1 / 3)  # 1 / sqrt(10 - 1)


# Alerts -----------------------------------------------------------------

FILLER = list(range(20))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None] * 20, "all_null"),
        ([1] + [None] * 19, "mostly_null"),
        ([None] * 2 + FILLER[2:], "some_null"),
        ([5] * 20, "constant"),
        ([1] * 19 + [2], "dominant_value"),
        ([float("nan")] + [i + 0.5 for i in range(19)], "nan"),
        ([float("inf")] + [i + 0.5 for i in range(19)], "infinite"),
        ([0] * 15 + [1, 2, 3, 4, 5], "mostly_zero"),
        ([" "] + [f"w{i}" for i in range(19)], "blank_text"),
        ([" padded"] + [f"w{i}" for i in range(19)], "padded_text"),
        ([f"{i}.5" for i in range(20)], "number_in_text"),
        ([f"2020-01-{i + 1:02d}" for i in range(20)], "date_in_text"),
        ([dt.date(2020, 1, 1)] * 10 + [dt.date(2022, 1, 1)] * 10, "time_gap"),
    ],
)
def test_alert_of_a_column(values, kind):
    profile = profiled(pa.table({"id": FILLER, "c": values}))
    assert kind in kinds(profile, "c")
    assert kind not in kinds(profile, "id")


def test_skewed_alert():
    profile = profiled(pa.table({"c": [i % 5 + 0.5 for i in range(300)] + [1e6]}))
    assert "skewed" in kinds(profile, "c")


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        ({"a": pa.array([], pa.int64())}, ["empty_table"]),
        ({"a": [1, 1, 2], "b": ["x", "x", "y"]}, ["duplicate_rows", "no_key"]),
        (
            {"id": FILLER, "a": [i * 1.5 for i in FILLER], "b": [i * 2.5 + 1 for i in FILLER]},
            ["high_correlation"],
        ),
        ({"id": FILLER}, []),
    ],
)
def test_alerts_of_a_table(frame, wanted):
    assert kinds(profiled(pa.table(frame))) == wanted


def test_most_serious_alerts_come_first_and_point_at_their_number():
    values = {
        "id": FILLER,
        "gone": [None] * 20,
        "same": [1] * 20,
        "some": [None, None, *FILLER[2:]],
    }
    profile = profiled(pa.table(values))
    order = ["error", "warning", "info"]
    places = [order.index(alert.severity) for alert in profile.alerts]
    assert places == sorted(places)
    data = json.loads(ProfileArtifact(tables={"t": profile}).model_dump_json())
    for alert in profile.alerts:
        found = data
        for part in alert.pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        assert found is not None


def test_pointers_escape_names():
    profile = profiled(pa.table({"a/b~c": [1] * 5}))
    (alert,) = (alert for alert in profile.alerts if alert.kind == "constant")
    assert alert.pointer.startswith("/tables/t/columns/a~1b~0c/")


def test_column_that_was_only_counted_still_has_a_profile():
    column = ColumnSummary(
        name="c", type="ODD", kind=ColumnKind.OTHER, count=3, null_count=1, distinct_count=None
    )
    sampled = ColumnSummary(
        name="d",
        type="VARCHAR",
        kind=ColumnKind.TEXT,
        count=4,
        null_count=0,
        distinct_count=4,
        sample=tuple(ValueCount(value=v, count=1) for v in "abcd"),
    )
    summary = TableSummary(name="t", row_count=4, columns={"c": column, "d": sampled})

    class Engine:
        def __getattr__(self, name):
            return lambda *_, **__: {"unique_pairs": ((), 0), "selection": None}.get(name, ())

        def summarize(self, _):
            return summary

        def duplicate_rows(self, _):
            from voyant.core.tables import Measure

            return Measure(value=None, reason="not assessed")

    profile = compute(summary, measure(Engine(), "t", Budget()), Budget())
    assert profile.columns["c"].distinct_count is None
    assert profile.duplicate_row_count is None
