"""Quantiles from a few ranks, against NumPy; edges against their own promises."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.stats.quantiles import QUANTILES, even_edges, grid_from_ranks, integer_edges

FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.lists(FLOATS, min_size=1, max_size=80), st.sampled_from([1, 4, 200]))
def test_grid_is_numpys(values, steps):
    ordered = sorted(values)
    rows, seen = [], 0
    for value, equal in groupby(ordered):
        seen += len(list(equal))
        rows.append((value, seen))
    grid = grid_from_ranks(rows, len(values), steps)
    wanted = np.quantile(ordered, np.linspace(0, 1, steps + 1))
    scale = max(map(abs, ordered))
    np.testing.assert_allclose(grid, wanted, rtol=1e-12, atol=scale * 1e-14)
    assert list(grid) == sorted(grid)
    assert (grid[0], grid[-1]) == (ordered[0], ordered[-1])


def test_grid_needs_only_the_rows_around_wanted_ranks():
    # Of 0, 1, ... 1000 at quarters: positions 0, 250, 500, 750, 1000 and the one after each.
    kept = [0, 1, 250, 251, 500, 501, 750, 751, 1000]
    rows = [(float(value), value + 1) for value in kept]
    assert grid_from_ranks(rows, 1001, 4) == (0.0, 250.0, 500.0, 750.0, 1000.0)


def test_grid_of_nothing():
    assert grid_from_ranks([], 0, 200) == ()


def test_grid_across_the_whole_range_of_floats():
    most = 1.7976931348623157e308
    found = grid_from_ranks([(-most, 1), (most, 2)], 2, 4)
    assert found == pytest.approx((-most, -most / 2, 0.0, most / 2, most))


@given(FLOATS, FLOATS, st.integers(1, 40))
def test_even_edges(low, high, bins):
    edges = even_edges(low, high, bins)
    if high <= low:
        assert edges == (low, low)
        return
    assert (edges[0], edges[-1], len(edges)) == (low, high, bins + 1)
    wanted = np.linspace(low, high, bins + 1)
    np.testing.assert_allclose(edges, wanted, rtol=1e-12, atol=max(abs(low), abs(high)) * 1e-14)


@given(st.integers(-(10**20), 10**20), st.integers(0, 10**20), st.integers(1, 40))
def test_integer_edges_hold_every_number_in_equal_bins(low, span, bins):
    edges = integer_edges(low, low + span, bins)
    widths = {after - before for before, after in pairwise(edges)}
    assert edges[0] == low
    assert low + span < edges[-1]
    assert edges[-2] <= low + span  # no bin is empty by construction
    assert len(widths) == 1
    assert len(edges) - 1 <= bins


@pytest.mark.parametrize("share", QUANTILES)
def test_shown_quantiles_lie_on_the_grid(share):
    assert share * 200 == pytest.approx(round(share * 200))
