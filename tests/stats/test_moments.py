"""Moments from fixed-point sums, against SciPy, pandas and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from voyant.stats.moments import FIXED_POINT_ONE, Moments, moments


def sums_of(values, center, scale):
    """Add up powers as an engine does: each rounded to a multiple of 2**-60."""
    scaled = [(Fraction(value) - center) / scale for value in values]
    return [sum(round(d**k * FIXED_POINT_ONE) for d in scaled) for k in (1, 2, 3, 4)]


VALUES = st.lists(st.integers(-1000, 1000).map(lambda n: n / 8), min_size=4, max_size=60).filter(
    lambda values: len(set(values)) > 1
)


@given(VALUES, st.sampled_from([0, -250, 17]))
def test_moments_of_any_values(values, center):
    scale = max(abs(Fraction(value) - center) for value in values)
    found = moments(len(values), Fraction(center), scale, sums_of(values, Fraction(center), scale))
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert found.variance == pytest.approx(np.var(values, ddof=1), rel=1e-9)
    assert found.std == pytest.approx(np.std(values, ddof=1), rel=1e-9)
    assert found.skewness == pytest.approx(stats.skew(values, bias=False), rel=1e-6, abs=1e-7)
    assert found.kurtosis == pytest.approx(stats.kurtosis(values, bias=False), rel=1e-6, abs=1e-7)


def test_no_values_have_no_moments():
    assert moments(0, Fraction(0), Fraction(1), [0, 0, 0, 0]) == Moments()


@pytest.mark.parametrize(
    ("count", "defined"),
    [(1, {"mean"}), (2, {"mean", "variance", "std"}), (3, {"mean", "variance", "std", "skewness"})],
)
def test_few_values_leave_shapes_undefined(count, defined):
    values = [1.0, 2.0, 4.0][:count]
    found = moments(count, Fraction(0), Fraction(4), sums_of(values, Fraction(0), Fraction(4)))
    named = ("mean", "variance", "std", "skewness", "kurtosis")
    assert {name for name in named if getattr(found, name) is not None} == defined


def test_equal_values_have_no_shape():
    found = moments(5, Fraction(0), Fraction(3), sums_of([3.0] * 5, Fraction(0), Fraction(3)))
    assert (found.mean, found.std, found.variance) == (3.0, 0.0, 0.0)
    assert (found.skewness, found.kurtosis) == (None, None)


def test_variance_beyond_the_range_of_floats_leaves_the_spread():
    values = [1e308, -1e308, 0.0, 0.0]
    found = moments(4, Fraction(0), Fraction(1e308), sums_of(values, 0, Fraction(1e308)))
    assert found.variance is None
    assert found.std == pytest.approx(1e308 * (2 / 3) ** 0.5)


def test_known_mean_is_taken_as_it_is():
    sums = sums_of([1.0, 2.0], Fraction(0), Fraction(2))
    assert moments(2, Fraction(0), Fraction(2), sums, mean=Fraction(1, 3)).mean == 1 / 3
