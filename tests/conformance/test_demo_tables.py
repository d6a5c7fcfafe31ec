"""The five demo tables, every column and statistic, against NumPy, SciPy and pandas."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from tests.conformance.oracle import check_column
from voyant.demo import table_paths
from voyant.engines.duckdb import DuckDBEngine

TABLES = list(table_paths())


@pytest.fixture(scope="module")
def engine():
    opened = DuckDBEngine(table_paths())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def frames():
    return {name: pq.read_table(path) for name, path in table_paths().items()}


@pytest.mark.parametrize("name", [name for name in TABLES if name != "flights"])
def test_every_column(engine, frames, name):
    summary = engine.summarize(name)
    assert list(summary.columns) == frames[name].column_names
    for column in summary.columns.values():
        check_column(column, frames[name][column.name].to_pylist())


@pytest.mark.parametrize(
    "name", ["dep_delay", "arr_time", "distance", "carrier", "tailnum", "time_hour", "year"]
)
def test_columns_of_flights(engine, frames, name):
    check_column(engine.summarize("flights").columns[name], frames["flights"][name].to_pylist())


@pytest.mark.parametrize("name", TABLES)
def test_duplicate_rows(engine, frames, name):
    frame = frames[name].to_pandas()
    assert engine.duplicate_rows(name).value == frame.duplicated().sum()


NUMBERS = ["dep_time", "dep_delay", "arr_delay", "air_time", "distance", "hour"]


@pytest.mark.parametrize(("method", "function"), [("pearson", "pearson"), ("spearman", "spearman")])
def test_correlations_of_flights(engine, frames, method, function):
    frame = frames["flights"].select(NUMBERS).to_pandas()
    wanted = frame.corr(method=function)
    found = (
        engine.pearson("flights", NUMBERS)
        if method == "pearson"
        else engine.spearman("flights", NUMBERS, sample_rows=len(frame))
    )
    assert [(a.left, a.right) for a in found] == list(combinations(NUMBERS, 2))
    for association in found:
        left, right = association.left, association.right
        assert association.value == pytest.approx(wanted.loc[left, right], abs=1e-9)
        assert association.row_count == frame[[left, right]].dropna().shape[0]
        assert association.approximation is None


def test_correlations_of_weather_floats(engine, frames):
    names = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "pressure", "visib"]
    frame = frames["weather"].select(names).to_pandas()
    wanted = frame.corr()
    for association in engine.pearson("weather", names):
        assert association.value == pytest.approx(
            wanted.loc[association.left, association.right], abs=1e-9
        )


def test_spearman_of_a_sample_says_so(engine, frames):
    (found,) = engine.spearman("flights", ["dep_delay", "arr_delay"], sample_rows=10_000)
    frame = frames["flights"].select(["dep_delay", "arr_delay"]).to_pandas()
    step = -(-len(frame) // 10_000)
    sample = frame.iloc[::step]
    both = sample.dropna()
    assert found.value == pytest.approx(
        stats.spearmanr(both["dep_delay"], both["arr_delay"]).statistic, abs=1e-9
    )
    assert found.row_count == len(both)
    assert f"{len(sample):,} rows" in found.approximation.method
    assert found.approximation.error == pytest.approx(1 / np.sqrt(len(sample) - 1))
    whole = frame.dropna()
    true = stats.spearmanr(whole["dep_delay"], whole["arr_delay"]).statistic
    assert abs(found.value - true) < 4 * found.approximation.error


def test_references(engine, frames):
    found = engine.containment("flights", "tailnum", "planes", "tailnum")
    child = frames["flights"]["tailnum"].to_pandas().dropna()
    parent = frames["planes"]["tailnum"].to_pandas().dropna()
    assert found.child_distinct_count == child.nunique()
    assert found.matched_distinct_count == len(set(child) & set(parent))
    assert found.orphan_row_count == (~child.isin(set(parent))).sum()
    assert found.max_fan_out == child[child.isin(set(parent))].value_counts().max()
    assert (found.parent_distinct_count, found.parent_row_count) == (parent.nunique(), len(parent))


def test_contingency(engine, frames):
    (found,) = engine.contingencies("flights", [("origin", "carrier")])
    frame = frames["flights"].select(["origin", "carrier"]).to_pandas()
    assert dict(found.counts) == frame.value_counts().to_dict()


def test_key_of_weather_is_no_pair_and_of_flights_unknown(engine, frames):
    frame = frames["flights"].select(["year", "month", "day", "flight", "time_hour"]).to_pandas()
    pair = ("time_hour", "flight")
    assert frame.duplicated(list(pair)).any()
    assert engine.unique_pairs("flights", [pair], budget=5) == ((), 0)
