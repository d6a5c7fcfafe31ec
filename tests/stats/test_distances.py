"""Held to SciPy, to NumPy, and to what the definitions say about the edges."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from voyant.stats import distances

COUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)
PAIRS = st.integers(1, 30).flatmap(
    lambda size: st.tuples(
        *[st.lists(st.integers(0, 10**6), min_size=size, max_size=size).filter(any)] * 2
    )
)
VALUES = st.lists(st.integers(-50, 50), min_size=1, max_size=60)


def weighted(values):
    return {float(v): int(c) for v, c in zip(*np.unique(values, return_counts=True), strict=True)}


@given(PAIRS)
def test_js_distance_is_scipys(pair):
    assert distances.js_distance(*pair) == pytest.approx(distance.jensenshannon(*pair), abs=1e-7)


@given(PAIRS)
def test_psi_is_the_published_sum_with_empty_bins_filled(pair):
    p, q = (np.array(side) / sum(side) for side in pair)
    kept = (p + q) > 0
    p, q = np.where(p == 0, 1e-4, p)[kept], np.where(q == 0, 1e-4, q)[kept]
    assert distances.psi(*pair) == pytest.approx(float(np.sum((q - p) * np.log(q / p))), abs=1e-9)


@given(VALUES, VALUES)
def test_wasserstein_distance_is_scipys(left, right):
    expected = stats.wasserstein_distance(left, right)
    assert distances.wasserstein_distance(weighted(left), weighted(right)) == pytest.approx(
        expected, abs=1e-9
    )


@given(VALUES, VALUES.filter(lambda values: len(values) > 1))
def test_ks_statistic_is_scipys(left, right):
    expected = stats.ks_2samp([*left, left[0]], right, method="asymp").statistic
    assert distances.ks_statistic(weighted([*left, left[0]]), weighted(right)) == pytest.approx(
        expected
    )


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_the_ks_p_value_is_scipys_exact_one(rows, columns, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    left, right = (
        rng.normal(size=rows),
        rng.normal(data.draw(st.sampled_from([0, 1])), size=columns),
    )
    expected = stats.ks_2samp(left, right, method="exact")
    assert distances.ks_p_value(float(expected.statistic), rows, columns) == pytest.approx(
        expected.pvalue, abs=1e-10
    )


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_the_ks_p_value_of_a_thousand_rows_is_near_scipys(shift):
    rng = np.random.default_rng(5)
    left, right = rng.normal(size=1000), rng.normal(shift, size=900)
    expected = stats.ks_2samp(left, right, method="exact")
    got = distances.ks_p_value(float(expected.statistic), 1000, 900)
    assert got == pytest.approx(expected.pvalue, rel=0.15, abs=1e-6)


def test_equal_samples_have_a_p_value_of_one():
    assert distances.ks_p_value(0.0, 7, 9) == 1.0
    assert distances.ks_p_value(0.0, 10**6, 10**6) == 1.0


@given(PAIRS)
def test_the_chi_square_p_value_is_scipys(pair):
    table = np.array(pair)[:, np.array(pair).sum(axis=0) > 0]
    expected = (
        None if table.shape[1] < 2 else stats.chi2_contingency(table, correction=False).pvalue
    )
    got = distances.chi_square_p_value(*pair)
    assert got == (None if expected is None else pytest.approx(expected, abs=1e-9, rel=1e-6))


@given(PAIRS)
def test_distances_are_symmetric_and_bounded(pair):
    left, right = pair
    assert distances.js_distance(left, right) == pytest.approx(distances.js_distance(right, left))
    assert 0 <= distances.js_distance(left, right) <= sqrt(log(2)) + 1e-9
    assert distances.js_distance(left, left) == pytest.approx(0, abs=1e-7)
    assert distances.psi(left, left) == 0
    assert distances.psi(left, right) >= -1e-12


@pytest.mark.parametrize("make", [
    lambda rng, n: rng.normal(size=n),
    lambda rng, n: rng.lognormal(0, 2, size=n),
    lambda rng, n: rng.integers(0, 7, size=n).astype(float),
    lambda rng, n: np.where(rng.random(n) < 0.7, 0.0, rng.exponential(size=n)),
])  # fmt: skip
@pytest.mark.parametrize("shift", [0.0, 0.2, 5.0])
def test_grids_come_within_their_stated_error(make, shift):
    rng = np.random.default_rng(11)
    left, right = make(rng, 20_000), make(rng, 30_000) + shift
    steps = np.linspace(0, 1, 201)
    grids = [np.quantile(side, steps).tolist() for side in (left, right)]
    area = distances.grid_wasserstein_distance(*grids)
    assert abs(area.value - stats.wasserstein_distance(left, right)) <= area.max_error
    gap = distances.grid_ks_statistic(*grids)
    exact = stats.ks_2samp(left, right, method="asymp").statistic
    assert abs(gap.value - exact) <= gap.max_error + 1 / 20_000 + 1 / 30_000
    edges = sorted({*np.quantile(right, np.linspace(0, 1, 11)).tolist()})
    expected = np.histogram(left, edges)[0] / len(left)
    got = distances.grid_fractions(grids[0], edges)
    assert np.abs(np.array(got) - expected).max() <= 2 / 200 + 2 / 20_000


def test_grids_of_different_sizes_can_be_compared():
    assert distances.grid_wasserstein_distance([0.0, 1.0], [0.0, 0.5, 1.0]).value == 0.0
    crossing = distances.grid_wasserstein_distance([0.0, 2.0], [1.0, 1.0])
    assert crossing.value == 0.5  # the mean of |x| from -1 to 1
