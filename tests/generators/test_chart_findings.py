"""What is worth a chart: strengths and choices by hand, findings in tables made to hold them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.report.vega_schema import assert_colours_have_dark_ones, assert_is_vega_lite
from voyant.core.series import GroupMean, GroupMeans
from voyant.engines.duckdb import DuckDBEngine
from voyant.generators.chart_drift import drift_strength
from voyant.generators.chart_findings import (
    Finding,
    choose_findings,
    correlation_ratio,
    find_in_table,
    rhythm_strength,
    skew_strength,
)


def finding(kind, strength, *columns, table="t"):
    return Finding(
        kind=kind, table=table, columns=columns, strength=strength, reason="", draw=lambda: None
    )


def grouped(*samples):
    groups = tuple(
        GroupMean(
            value=place,
            count=len(sample),
            mean=float(np.mean(sample)),
            std=float(np.std(sample, ddof=1)) if len(sample) > 1 else None,
        )
        for place, sample in enumerate(samples)
    )
    return GroupMeans(group="g", number="n", groups=groups)


def test_correlation_ratio_is_the_root_of_epsilon_squared():
    # Adjusted R squared of a one-way model, which is what Kelley's epsilon squared is.
    random = np.random.default_rng(1)
    samples = [random.normal(place, 2, 9 + place) for place in range(5)]
    values = np.concatenate(samples)
    within = sum(((s - s.mean()) ** 2).sum() for s in samples)
    total = ((values - values.mean()) ** 2).sum()
    adjusted = 1 - (within / (len(values) - 5)) / (total / (len(values) - 1))
    assert correlation_ratio(grouped(*samples)) == pytest.approx(np.sqrt(adjusted), rel=1e-9)


@pytest.mark.parametrize(
    ("samples", "ratio"),
    [
        ([[1, 1], [5, 5]], 1.0),
        ([[1, 5], [1, 5]], 0.0),
        ([[1, 2, 3]], 0.0),
        ([[1], [2], [3]], 0.0),  # one row each: nothing left to judge by
        ([], 0.0),
        ([[4, 4], [4, 4]], 0.0),
    ],
)
def test_correlation_ratio_at_its_ends(samples, ratio):
    assert correlation_ratio(grouped(*samples)) == ratio


def test_skew_by_hand():
    # flights: 1 % at -12, half at -2, 1 % above 191: (193 - 10) / 203
    assert skew_strength(-12, -2, 191) == pytest.approx(183 / 203)
    assert skew_strength(-191, 2, 12) == pytest.approx(183 / 203)
    assert skew_strength(3, 3, 3) == 0.0


def test_rhythm_by_hand():
    assert rhythm_strength([1, 2, 3] * 5, 3) == 1.0
    assert rhythm_strength([4] * 21, 7) == 0.0
    # Two places with means 1 and 3, each of two values one apart from its mean: between 4, within 4
    # of 2 degrees of freedom: (4 - 1 * 2) / 8.
    assert rhythm_strength([0, 2, 2, 4], 2) == pytest.approx(0.5)


def test_drift_is_one_half_at_its_threshold():
    assert drift_strength(0.2, 0.2) == 0.5
    assert drift_strength(0.9, 0.1) == pytest.approx(0.9)


def test_the_strongest_comes_first_and_repeats_count_less():
    pair = finding("pair", 0.9, "a", "b")
    same_columns = finding("group", 0.8, "a", "b")  # 0.8 x 0.65 x 0.65 = 0.338
    same_kind = finding("pair", 0.7, "c", "d")  # 0.7 x 0.8 = 0.56
    other = finding("skew", 0.6, "e")
    chosen = choose_findings([other, same_columns, same_kind, pair], 4)
    assert [(f, pytest.approx(score)) for f, score in chosen] == [
        (pair, 0.9),
        (other, 0.6),
        (same_kind, 0.56),
        (same_columns, 0.8 * 0.65 * 0.65),
    ]
    assert choose_findings([other, pair], 1) == [(pair, 0.9)]
    assert choose_findings([pair], 0) == []


def test_columns_of_another_table_are_other_columns():
    first, second = finding("skew", 0.9, "a"), finding("pair", 0.8, "a", "b", table="u")
    assert choose_findings([first, second], 2)[1] == (second, 0.8)


@pytest.fixture(scope="module")
def made():
    random = np.random.default_rng(3)
    rows = 6_000
    base = random.normal(50, 10, rows)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(random.integers(0, 120, rows)), "D")
    keep = (days.day_of_week < 5) | (random.random(rows) < 0.2)
    shop = random.choice(["north", "south", "west"], rows)
    frame = pd.DataFrame(
        {
            "day": days,
            "price": base,
            "cost": base * 0.8 + random.normal(0, 4, rows),
            "copy": base * 2 + 1,
            "wait": random.exponential(30, rows).round(2),
            "shop": shop,
            "stock": random.normal(0, 1, rows) + np.where(shop == "west", 3, 0),
            "noise": random.normal(0, 1, rows),
            "key": np.arange(rows),
        }
    )[keep]
    engine = DuckDBEngine({"sales": frame})
    yield frame, engine
    engine.close()


def test_what_was_put_in_is_found(made):
    frame, engine = made
    found = find_in_table(engine, engine.summarize("sales"), None)
    by_name = {(f.kind, *f.columns): f for f in found}
    r = np.corrcoef(frame["price"], frame["cost"])[0, 1]
    assert by_name["pair", "price", "cost"].strength == pytest.approx(r, abs=1e-9)
    assert ("pair", "price", "copy") not in by_name  # a copy says nothing new
    assert ("group", "shop", "stock") in by_name
    assert ("rhythm", "day") in by_name
    assert ("skew", "wait") in by_name
    assert not [f for f in found if "noise" in f.columns or "key" in f.columns]
    for each in found:
        drawing = each.draw()
        assert_is_vega_lite(drawing.spec)
        assert_colours_have_dark_ones(drawing.spec)
        assert drawing.rows


def test_the_reason_says_the_numbers(made):
    frame, engine = made
    found = find_in_table(engine, engine.summarize("sales"), None)
    reason = next(f.reason for f in found if f.columns == ("shop", "stock"))
    means = frame.groupby("shop")["stock"].mean()
    assert f"to {means['west']:.1f} (west)" in reason


def test_known_correlations_are_not_asked_for_again(made):
    _, engine = made

    class NoPearson:
        def __getattr__(self, name):
            assert name != "pearson"
            return getattr(engine, name)

    found = find_in_table(NoPearson(), engine.summarize("sales"), [])
    assert not [f for f in found if f.kind == "pair"]


AWKWARD = {
    "empty": pd.DataFrame({"a": pd.Series(dtype=float), "b": pd.Series(dtype=str)}),
    "one row": pd.DataFrame({"a": [1.5], "b": ["x"]}),
    "all null": pd.DataFrame({"a": [None] * 50, "b": [None] * 50}),
    "constant": pd.DataFrame(
        {"a": [1.0] * 50, "b": ["x"] * 50, "d": [pd.Timestamp("2024-01-01")] * 50}
    ),
    "nan and infinity": pd.DataFrame(
        {
            "a": [np.nan, np.inf, -np.inf, 1.0, 2.0] * 20,
            "b": np.arange(100) * 1.5,
            "c": ["x", "y"] * 50,
        }
    ),
    "huge": pd.DataFrame({"a": np.linspace(-1, 1, 60) * 1e308, "b": np.linspace(0, 1e-300, 60)}),
    "all of history": pd.DataFrame(
        {"d": np.datetime64("0002-01-01", "s") + np.arange(80) * np.timedelta64(45_000, "D")}
    ),
    '<script>"': pd.DataFrame(
        {
            '<b>"': np.arange(90.0) ** 2,
            "</script>": np.arange(90.0) ** 2 + np.tile([0, 900, 50], 30),
            "a'.b[0]": ["<i>", '"', "\u202e"] * 30,
        }
    ),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_tables_find_nothing_or_draw(name):
    engine = DuckDBEngine({name: AWKWARD[name]})
    for each in find_in_table(engine, engine.summarize(name), None):
        assert 0 <= each.strength <= 1
        assert_is_vega_lite(each.draw().spec)
    engine.close()
