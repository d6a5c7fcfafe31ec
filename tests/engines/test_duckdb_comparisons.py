"""What DuckDB counts for comparisons, held to NumPy, pandas and SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from voyant.core.errors import QueryError, UnknownTableError
from voyant.engines.duckdb import DuckDBEngine

RNG = np.random.default_rng(7)
BEFORE = pd.DataFrame(
    {
        "real": np.where(np.arange(4000) % 10 == 0, np.nan, RNG.normal(size=4000)),
        "whole": RNG.integers(0, 50, size=4000),
        "at": pd.Timestamp("2024-01-01", tz="UTC")
        + pd.to_timedelta(RNG.integers(0, 10**6, 4000), "s"),
        "word": RNG.choice(["a", "b", "ü", ""], size=4000),
    }
)
AFTER = pd.DataFrame(
    {
        "real": np.append(RNG.normal(0.3, 1.2, size=2998), [np.inf, -np.inf]),
        "whole": RNG.integers(5, 60, size=3000),
        "at": pd.Timestamp("2024-01-02", tz="UTC")
        + pd.to_timedelta(RNG.integers(0, 10**6, 3000), "s"),
        "word": RNG.choice(["a", "c"], size=3000),
    }
)


@pytest.fixture(scope="module")
def engine():
    engine = DuckDBEngine({"t": AFTER}, reference={"t": BEFORE})
    yield engine
    engine.close()


def numbers(series):
    if series.dtype.kind == "M":
        return series.to_numpy("datetime64[us]").astype("int64") / 1e6
    values = series.to_numpy(float)
    return values[np.isfinite(values)]


@pytest.mark.parametrize("column", ["real", "whole", "at"])
def test_distances_are_scipys(engine, column):
    left, right = numbers(BEFORE[column]), numbers(AFTER[column])
    found = engine.number_distances(engine.reference("t"), "t", column)
    assert found.wasserstein_distance == pytest.approx(
        stats.wasserstein_distance(left, right), rel=1e-9
    )
    assert found.ks_statistic == pytest.approx(
        stats.ks_2samp(left, right, method="asymp").statistic, abs=1e-12
    )


def test_distances_need_numbers(engine):
    assert engine.number_distances(engine.reference("t"), "t", "word").ks_statistic is None


@pytest.mark.parametrize("column", ["whole", "word"])
def test_value_counts_are_pandas(engine, column):
    counted = engine.value_counts("t", column, limit=1000)
    expected = AFTER[column].value_counts().to_dict()
    assert counted.is_complete
    assert dict(counted.counts) == expected
    assert [count for _, count in counted.counts] == sorted(expected.values(), reverse=True)


def test_value_counts_stop_at_the_limit_and_say_so(engine):
    counted = engine.value_counts("t", "whole", limit=3)
    assert (len(counted.counts), counted.is_complete) == (3, False)


def test_moments_are_seconds_and_infinities_are_left_out(engine):
    values = {value for value, _ in engine.value_counts("t", "at", limit=9999).counts}
    assert values == set(numbers(AFTER["at"]).tolist())
    reals = {value for value, _ in engine.value_counts("t", "real", limit=9999).counts}
    assert reals == set(numbers(AFTER["real"]).tolist())


@pytest.mark.parametrize("column", ["real", "whole", "at"])
def test_bin_counts_are_numpys(engine, column):
    values = numbers(AFTER[column])
    edges = np.quantile(values, [0.1, 0.3, 0.5, 0.5001, 0.9]).tolist()
    expected = np.histogram(values, edges)[0].tolist()
    assert list(engine.bin_counts("t", column, edges)) == expected


def test_long_text_is_told_apart_by_its_end():
    frame = pd.DataFrame({"t": ["x" * 5000 + "1", "x" * 5000 + "2", "x"]})
    engine = DuckDBEngine({"t": frame})
    values = [str(value) for value, _ in engine.value_counts("t", "t", limit=10).counts]
    assert len(set(values)) == 3
    assert max(map(len, values)) < 250
    engine.close()


def test_the_reference_is_no_table_of_the_job_and_no_query_reads_it(engine):
    assert engine.tables() == ("t",)
    name = engine.reference("t")
    assert engine.reference("other") is None
    with pytest.raises(QueryError):
        engine.query(f'SELECT count(*) FROM "{name}"')
    assert engine.query("SELECT count(*) FROM t").rows == ((3000,),)


def test_a_reference_of_no_table_is_refused():
    with pytest.raises(UnknownTableError, match="Did you mean 'orders'"):
        DuckDBEngine({"orders": BEFORE}, reference={"order": BEFORE})


def test_references_that_had_to_be_parsed_stand_beside_inputs_that_had_to_be(tmp_path):
    for name, value in (("now", 1), ("then", 2)):
        (tmp_path / f"{name}.csv").write_text(f"x\n{value}\n")
    engine = DuckDBEngine({"t": tmp_path / "now.csv"}, reference={"t": tmp_path / "then.csv"})
    assert engine.summarize("t").columns["x"].max == 1
    assert engine.summarize(engine.reference("t")).columns["x"].max == 2
    engine.close()
