"""Scores against worked values, and the promises that hold for all values."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.stats import scores

SCORE = st.floats(0, 1)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(0, 0.0), (1, 0.0), (10, 0.25), (100, 0.5), (1000, 0.75), (10_000, 1.0), (10**9, 1.0)],
)
def test_volume_counts_powers_of_ten(rows, expected):
    assert scores.volume_score(rows, 10_000) == pytest.approx(expected)


@given(st.integers(2, 4999))
def test_doubling_the_rows_is_always_worth_the_same(rows):
    gain = scores.volume_score(2 * rows, 10_000) - scores.volume_score(rows, 10_000)
    assert gain == pytest.approx(math.log10(2) / 4)


@given(st.floats(0, 1e9), st.floats(1, 1e7))
def test_each_half_life_halves_freshness(age, half_life):
    fresh = scores.freshness_score(age, half_life)
    assert 0 <= fresh <= 1
    assert scores.freshness_score(age + half_life, half_life) == pytest.approx(fresh / 2)
    assert fresh == pytest.approx(math.exp(-math.log(2) * age / half_life))


def test_the_future_is_fresh_and_the_distant_past_is_zero():
    assert scores.freshness_score(-5, 60) == 1.0
    assert scores.freshness_score(1e12, 1) == 0.0


@given(st.floats(0, 1), st.floats(0, 0.4), st.floats(0.5, 1))
def test_a_ramp_is_numpys_interpolation(fraction, tolerated, limit):
    expected = np.interp(fraction, [tolerated, limit], [1, 0])
    assert scores.ramp_score(fraction, tolerated, limit) == pytest.approx(expected)
    assert scores.limit_score(fraction, limit) == pytest.approx(
        np.interp(fraction, [0, limit], [1, 0])
    )


def test_regular_rhythms_lose_nothing():
    assert scores.continuity_score(365, 0, 0) == 1.0
    weekdays = np.arange("2013-01-01", "2014-01-01", dtype="datetime64[D]")
    weekdays = weekdays[np.is_busday(weekdays)]
    steps = np.diff(weekdays).astype(int) - 1
    assert scores.continuity_score(len(weekdays), int(steps.sum()), int(steps.max())) == 1.0
    assert scores.continuity_score(24, 24 * 30 - 24, 30) == 1.0  # monthly


def test_a_hole_costs_its_share_of_the_span():
    # 300 of 365 days; 299 gaps over 364 days: mean 1.217, the longest by chance 1.217 * H(299).
    harmonic = float(sum(Fraction(1, n) for n in range(1, 300)))
    expected = 1 - (65 - 364 / 299 * harmonic) / 364
    assert scores.continuity_score(300, 65, 65) == pytest.approx(expected, abs=1e-4)


def test_the_longest_gap_of_chance_is_what_the_source_says():
    random = np.random.default_rng(11)
    longest = []
    for _ in range(400):
        points = np.sort(random.uniform(0, 1, 199))
        longest.append(np.diff(np.concatenate([[0.0], points, [1.0]])).max())
    harmonic = sum(1 / n for n in range(1, 201))
    assert np.mean(longest) == pytest.approx(harmonic / 200, rel=0.05)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_two_days_have_no_rhythm(days):
    assert scores.continuity_score(days, 100, 100) is None


@given(st.integers(3, 10_000), st.integers(0, 10_000), st.data())
def test_continuity_is_a_share(days, missing, data):
    gap = data.draw(st.integers(0, missing))
    score = scores.continuity_score(days, missing, gap)
    assert score is not None
    assert 0 <= score <= 1


@given(st.dictionaries(st.sampled_from("abcdef"), st.none() | SCORE, min_size=1))
def test_missing_parts_change_no_score(parts):
    weights = dict.fromkeys("abcdef", 0.25)
    mean = scores.weighted_mean(parts, weights)
    assessed = [score for score in parts.values() if score is not None]
    assert mean == (pytest.approx(np.mean(assessed)) if assessed else None)


def test_weights_are_kept_in_proportion():
    shares = scores.renormalise({"a": 1.0, "b": None, "c": 0.0}, {"a": 0.3, "b": 0.5, "c": 0.2})
    assert shares == pytest.approx({"a": 0.6, "c": 0.4})
    assert scores.renormalise({}, {}) == {}


@given(st.lists(st.floats(0, 100), max_size=40))
def test_rounded_points_add_up(points):
    units = scores.apportion(points)
    assert sum(units) == round(math.fsum(point * 100 for point in points))
    assert all(abs(unit - point * 100) < 1 for unit, point in zip(units, points, strict=True))
