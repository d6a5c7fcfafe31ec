"""Counts over time and over two numbers, and means by group, against pandas and NumPy."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from math import sqrt

import duckdb
import numpy as np
import pandas as pd
import pytest

from voyant.core.errors import UnknownTableError
from voyant.core.series import BinAxis, SeriesQuestions, TimeGrain
from voyant.engines.duckdb import DuckDBEngine


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(5)
    rows = 20_000
    x = random.normal(10, 4, rows)
    x[:5] = [np.nan, np.inf, -np.inf, 1e300, -1e300]
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2023-12-25")
            + pd.to_timedelta(random.integers(0, 90 * 86_400, rows), "s"),
            "x": x,
            "y": random.normal(size=rows) + np.nan_to_num(x, posinf=0, neginf=0).clip(0, 20),
            "n": random.integers(-3, 9, rows),
            "name": [("a", "b", "<c>", 'd"', None)[n] for n in random.integers(0, 5, rows)],
        }
    )


@pytest.fixture(scope="module")
def engine(frame):
    opened = DuckDBEngine({"t": frame, "empty": frame.head(0), "nulls": frame.head(3)[["name"]]})
    yield opened
    opened.close()


def test_it_answers_the_questions_of_charts(engine):
    assert isinstance(engine, SeriesQuestions)


@pytest.mark.parametrize(
    ("grain", "rule"),
    [("hour", "h"), ("day", "D"), ("week", "W-SUN"), ("month", "M"), ("year", "Y")],
)
def test_time_counts_are_those_of_pandas(engine, frame, grain, rule):
    expected = frame["at"].dt.to_period(rule).dt.start_time.value_counts().sort_index()
    counts = engine.time_counts("t", "at", TimeGrain(grain))
    assert [datetime.fromtimestamp(c.start, UTC).replace(tzinfo=None) for c in counts] == list(
        expected.index.to_pydatetime()
    )
    assert [c.count for c in counts] == list(expected)


def test_days_of_a_zoned_time_begin_at_midnight_utc(tmp_path):
    at = pd.to_datetime(["2024-03-31T00:30:00+02:00", "2024-03-31T23:30:00+00:00"], utc=True)
    opened = DuckDBEngine({"t": pd.DataFrame({"at": at})})
    counts = opened.time_counts("t", "at", TimeGrain.DAY)
    opened.close()
    days = [datetime.fromtimestamp(c.start, UTC).date().isoformat() for c in counts]
    assert days == ["2024-03-30", "2024-03-31"]


def test_infinite_and_missing_dates_are_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("d\n2024-01-01\ninfinity\n\n2024-01-01\n")
    opened = DuckDBEngine({"t": str(path)})
    if opened.columns("t")[0].kind == "date":
        assert [c.count for c in opened.time_counts("t", "d", TimeGrain.DAY)] == [2]
    opened.close()


@pytest.mark.parametrize("number", ["y", "n"])
@pytest.mark.parametrize("group", ["name", "n"])
def test_group_means_are_those_of_pandas(engine, frame, group, number):
    expected = frame.groupby(group)[number].agg(["count", "mean", "std"])
    (means,) = engine.group_means("t", [group], [number], sample_rows=50_000)
    assert [g.value for g in means.groups] == list(expected.index)
    assert [g.count for g in means.groups] == list(expected["count"])
    assert [g.mean for g in means.groups] == pytest.approx(list(expected["mean"]), rel=1e-9)
    # A column grouped by itself has no spread: pandas and fixed point both say so.
    assert [g.std for g in means.groups] == pytest.approx(list(expected["std"]), rel=1e-6, abs=1e-7)


def test_several_groups_in_one_question_are_told_apart(engine, frame):
    found = engine.group_means("t", ["name", "n", "at"], ["y", "n"], sample_rows=50_000)
    assert [(m.group, m.number) for m in found] == [
        (group, number) for group in ("name", "n", "at") for number in ("y", "n")
    ]
    for means in found:
        expected = frame.groupby(means.group)[means.number].mean()
        assert [g.mean for g in means.groups] == pytest.approx(list(expected), rel=1e-9)


def test_what_is_not_finite_takes_no_part(engine, frame):
    finite = frame[np.isfinite(frame["x"])]
    (means,) = engine.group_means("t", ["name"], ["x"], sample_rows=50_000)
    assert [g.count for g in means.groups] == list(finite.groupby("name")["x"].count())


def test_means_are_the_same_bytes_with_any_number_of_threads(frame):
    answers = []
    for threads in (1, 2):
        opened = DuckDBEngine({"t": frame}, threads=threads)
        answers.append(opened.group_means("t", ["name"], ["x", "y"], sample_rows=50_000))
        opened.close()
    assert answers[0] == answers[1]


def test_grid_counts_are_those_of_numpy(engine, frame):
    # Numbers outside the axes are counted apart; NumPy drops them.
    finite = frame[np.isfinite(frame["x"])]
    expected, _, _ = np.histogram2d(
        finite["x"], finite["n"], bins=[8, 11], range=[[2, 18], [-3, 8]]
    )
    grid = engine.grid_counts(
        "t",
        BinAxis(column="x", low=2.0, high=18.0, bins=8),
        BinAxis(column="n", low=-3.0, high=8.0, bins=11),
    )
    counted = np.zeros((8, 11))
    for (i, j), rows in grid.counts.items():
        counted[i, j] = rows
    assert (counted == expected).all()
    assert grid.outside_count == len(finite) - expected.sum()


def test_empty_tables_and_constant_columns_have_no_groups(engine):
    assert engine.time_counts("empty", "at", TimeGrain.DAY) == ()
    assert engine.group_means("empty", ["name"], ["x"], sample_rows=50_000) == ()
    axis = BinAxis(column="x", low=0.0, high=1.0, bins=2)
    assert engine.grid_counts("empty", axis, axis).counts == {}


def test_an_unknown_table_is_said(engine):
    with pytest.raises(UnknownTableError):
        engine.time_counts("nope", "at", TimeGrain.DAY)


def test_large_tables_are_sampled_evenly_and_say_so(engine, frame):
    (means,) = engine.group_means("t", ["name"], ["y"], sample_rows=6_000)
    kept = frame.iloc[3::4]  # every fourth row of 20,000, the step that stays within 6,000
    expected = kept.groupby("name")["y"].agg(["count", "mean"])
    assert [g.count for g in means.groups] == list(expected["count"])
    assert [g.mean for g in means.groups] == pytest.approx(list(expected["mean"]), rel=1e-9)
    assert means.approximation is not None
    assert means.approximation.method == "even sample of 5,000 rows"


@pytest.mark.parametrize("grain", ["hour", "day", "week"])
def test_spans_before_1970_begin_below(grain):
    at = pd.to_datetime(["1969-12-31T23:30:00", "1969-12-29T00:00:00", "1969-12-28T23:59:59"])
    opened = DuckDBEngine({"t": pd.DataFrame({"at": at})})
    counts = opened.time_counts("t", "at", TimeGrain(grain))
    opened.close()
    rule = {"hour": "h", "day": "D", "week": "W-SUN"}[grain]
    expected = at.to_period(rule).start_time.value_counts().sort_index()
    epoch = pd.Timestamp("1970-01-01")
    assert [c.start for c in counts] == [(t - epoch).total_seconds() for t in expected.index]
    assert [c.count for c in counts] == list(expected)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("TINYINT", [-128, 127, 0, 5, -128, 120]),
        ("BIGINT", [2**63 - 1, 2**63 - 3, 2**63 - 2, 2**63 - 9, 2**63 - 1, 2**63 - 1]),
        ("BIGINT", [-(2**63), -(2**63) + 7, -(2**63) + 1, -(2**63), -(2**63) + 2, -(2**63)]),
        ("BIGINT", [-(2**30), 2**30 - 1, 5, -(2**30), 2**30 - 1, 7]),
        ("BIGINT", [-(2**31), 2**31, 0, 12, -(2**31), 2**31]),
        ("BIGINT", [-(2**63), 2**63 - 1, 0, 12, -(2**63), 2**63 - 1]),
        ("UBIGINT", [2**64 - 1, 2**64 - 5, 2**64 - 2, 2**64 - 1, 2**64 - 4, 2**64 - 1]),
        ("HUGEINT", [2**100, 2**100 + 2**90, 2**99, 2**98, 2**99 + 1, 2**100]),
    ],
)
def test_means_of_integers_of_any_size_are_those_of_exact_arithmetic(type_, values):
    rows = ", ".join(f"({i % 2}, ({value})::{type_})" for i, value in enumerate(values))
    opened = DuckDBEngine({"t": duckdb.sql(f"SELECT * FROM (VALUES {rows}) AS v(g, x)").arrow()})
    try:
        (means,) = opened.group_means("t", ["g"], ["x"], sample_rows=100)
    finally:
        opened.close()
    for group, mine in zip(means.groups, (values[::2], values[1::2]), strict=True):
        mean = Fraction(sum(mine), len(mine))
        variance = sum((value - mean) ** 2 for value in mine) / (len(mine) - 1)
        span = max(values) - min(values)
        assert group.mean == pytest.approx(float(mean), abs=max(span, abs(mean)) * 1e-15)
        assert group.std == pytest.approx(sqrt(variance), rel=1e-9)
