"""Cramer's V against SciPy (uncorrected) and against the corrected formula, written out anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import contingency

from voyant.stats.correlation import cramers_v

TABLES = st.integers(2, 6).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(0, 60), min_size=columns, max_size=columns), min_size=2, max_size=6
    )
)


def as_counts(table):
    return {(f"r{r}", f"c{c}"): count for r, row in enumerate(table) for c, count in enumerate(row)}


def without_empty_levels(table):
    observed = np.array(table)
    return observed[observed.sum(axis=1) > 0][:, observed.sum(axis=0) > 0]


def bergsma(observed):
    """Bergsma (2013), equations 4 to 6, on a dense table."""
    n = observed.sum()
    rows, columns = observed.shape
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / n
    phi2 = ((observed - expected) ** 2 / expected).sum() / n
    phi2 = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    r = rows - (rows - 1) ** 2 / (n - 1)
    c = columns - (columns - 1) ** 2 / (n - 1)
    return math.sqrt(phi2 / (min(r, c) - 1)) if min(r, c) > 1 else None


@given(TABLES)
def test_agrees_with_scipy_without_the_correction(table):
    observed = without_empty_levels(table)
    ours = cramers_v(as_counts(table), is_bias_corrected=False)
    if min(observed.shape, default=0) < 2:
        assert ours is None
    else:
        theirs = contingency.association(observed, method="cramer", correction=False)
        # The square root of a rounding error near 0 is 1e-8, on either side.
        assert ours == pytest.approx(theirs, abs=1e-7)


@given(TABLES)
def test_agrees_with_the_paper_with_the_correction(table):
    observed = without_empty_levels(table)
    ours = cramers_v(as_counts(table))
    if min(observed.shape, default=0) < 2:
        assert ours is None
        return
    theirs = bergsma(observed)
    if theirs is None or ours is None:
        assert ours is theirs
    else:
        assert ours == pytest.approx(min(1.0, theirs), abs=1e-6)


def test_a_worked_table():
    # chi2 by hand: sum (o-e)^2/e with e = 25 in each cell = 4 * 100 / 25 = 16; n = 100.
    counts = as_counts([[35, 15], [15, 35]])
    assert cramers_v(counts, is_bias_corrected=False) == pytest.approx(0.4)
    # (0.16 - 1/99) / (2 - 1/99 - 1)
    assert cramers_v(counts) == pytest.approx(math.sqrt((0.16 - 1 / 99) / (1 - 1 / 99)))


def test_independent_columns_of_many_values_are_not_related():
    random = np.random.default_rng(7)
    pairs = zip(random.integers(0, 30, 500), random.integers(0, 30, 500), strict=True)
    counts: dict[tuple[str, str], int] = {}
    for left, right in pairs:
        counts[str(left), str(right)] = counts.get((str(left), str(right)), 0) + 1
    uncorrected, corrected = cramers_v(counts, is_bias_corrected=False), cramers_v(counts)
    assert uncorrected is not None
    assert corrected is not None
    assert uncorrected > 0.2
    assert corrected < 0.1


@pytest.mark.parametrize(
    "counts",
    [{}, {("a", "x"): 5}, {("a", "x"): 5, ("a", "y"): 5}, {("a", "x"): 5, ("b", "y"): 0}],
)
def test_one_value_varies_with_nothing(counts):
    assert cramers_v(counts) is None


def test_all_values_different_is_not_defined():
    assert cramers_v({(str(n), str(n)): 1 for n in range(5)}) is None
