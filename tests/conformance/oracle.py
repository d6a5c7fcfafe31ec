"""What NumPy, pandas and plain Python say of a column, to hold a summary against."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from voyant.core.tables import ColumnKind

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - as Arrow gives time stamps without a zone
QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
GRID = [step / 200 for step in range(201)]
_SPACES = "".join(map(chr, range(33)))


def seconds(value):
    """Put a date or time stamp on the number line."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return (value - EPOCH) / dt.timedelta(seconds=1)
    return float((value - EPOCH.date()).days * 86_400)


def is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def is_finite(value):
    return not isinstance(value, float) or math.isfinite(value)


def check_column(column, values):
    """Compare one column's summary with its values, in table order; None is null."""
    present = [value for value in values if value is not None]
    assert column.row_count == len(values)
    assert column.count == len(present)
    assert column.null_count == len(values) - len(present)
    keys = ["nan" if is_nan(value) else value for value in present]
    counts = Counter(keys)
    assert column.distinct_count == len(counts)
    assert column.is_unique == (0 < len(present) == len(values) == len(counts))
    check_top_values(column, counts)
    if column.kind.is_numeric:
        check_numbers(column, present)
    elif column.kind.is_temporal:
        check_times(column, present)
    elif column.kind is ColumnKind.TEXT:
        check_text(column, present)
    elif column.kind is ColumnKind.BOOLEAN:
        assert column.true_count == sum(present)


def check_top_values(column, counts):
    ordered = sorted(counts.values(), reverse=True)
    assert [top.count for top in column.top_values] == ordered[:100]
    assert [entry.count for entry in column.sample] == ordered[:1000]
    for top, following in zip(column.top_values, column.top_values[1:], strict=False):
        if top.count == following.count and not isinstance(top.value, str):
            assert isinstance(following.value, str) or top.value < following.value
    if column.kind is ColumnKind.TEXT:
        best = sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))[:100]
        assert [(top.value, top.count) for top in column.top_values] == [
            (value if len(value) <= 500 else value[:500] + "…", count) for value, count in best
        ]
    elif column.kind.is_numeric:
        for top in column.top_values:
            if not isinstance(top.value, str):
                assert top.count in {
                    n for value, n in counts.items() if top.value in {value, float(value)}
                }


def check_numbers(column, present):
    numbers = [value for value in present if is_finite(value)]
    assert column.nan_count == sum(map(is_nan, present))
    assert column.infinite_count == len(present) - len(numbers) - column.nan_count
    assert column.zero_count == sum(value == 0 for value in numbers)
    assert column.negative_count == sum(value < 0 for value in numbers)
    if not numbers:
        assert (column.min, column.max, column.sum, column.mean) == (None,) * 4
        assert column.quantiles == {}
        assert column.histogram is None
        return
    assert column.min == float(min(numbers)) or column.min == min(numbers)
    assert column.max == float(max(numbers)) or column.max == max(numbers)
    check_moments(column, numbers)
    check_order(column, [float(value) for value in numbers])


def check_moments(column, numbers):
    """Against exact arithmetic, to the precision that is stated: 2**-61 of the range per value."""
    exact = [Fraction(value) for value in numbers]
    count, total = len(exact), sum(exact)
    mean = total / count
    spread = max(exact) - min(exact)
    slack = float(spread / 2) * 2e-14
    if "sum" in column.approximations:
        slack += float(max(map(abs, exact))) * 1e-14
    largest = Fraction(1.7e308)
    if abs(total) < largest:
        assert column.sum == pytest.approx(float(total), rel=1e-14, abs=slack * count)
        if column.kind is ColumnKind.INTEGER and "sum" not in column.approximations:
            assert column.sum == int(total)
    assert column.mean == pytest.approx(float(mean), rel=1e-14, abs=slack)
    if count == 1:
        assert (column.std, column.variance) == (None, None)
        return
    if spread == 0:
        assert (column.std, column.variance, column.skewness, column.kurtosis) == (0, 0, None, None)
        return
    scaled = pd.Series([float((value - mean) / spread) for value in exact])
    std = float(scaled.std())
    assert column.std == pytest.approx(std / 2 * float(spread / 2) * 4, rel=1e-9)
    if column.variance is not None:
        assert column.variance == pytest.approx(
            std * std * float(spread) ** 2, abs=5e-324, rel=1e-9
        )
    else:
        assert "variance" in column.approximations
    for name, wanted in (("skewness", scaled.skew()), ("kurtosis", scaled.kurt())):
        found = getattr(column, name)
        # pandas calls shapes of a spread below 1e-14 zero; a lone outlier is no such case here.
        if math.isnan(wanted):
            assert found is None
        else:
            assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def check_order(column, floats):
    """Quantiles and histogram, against NumPy."""
    floats = np.array(sorted(floats))
    scale = np.abs(floats).max()
    with np.errstate(over="ignore", invalid="ignore"):
        grid = np.quantile(floats, GRID)
        wanted = np.quantile(floats, QUANTILES)
    if np.isfinite(grid).all():
        atol = max(scale * 1e-15, 5e-324)
        np.testing.assert_allclose(column.quantile_grid, grid, rtol=1e-12, atol=atol)
        np.testing.assert_allclose(list(column.quantiles.values()), wanted, rtol=1e-12, atol=atol)
    assert list(column.quantiles) == QUANTILES
    assert list(column.quantile_grid) == sorted(column.quantile_grid)
    check_histogram(column.histogram, floats)


def check_histogram(histogram, floats):
    edges = np.array(histogram.edges)
    assert len(histogram.counts) == len(edges) - 1
    assert sum(histogram.counts) == len(floats)
    if edges[0] == edges[-1]:
        assert set(floats) == {edges[0]}
        return
    assert (edges[:-1] < edges[1:]).all()
    # The definition of np.histogram for given edges: bins hold their left edge, the last both.
    places = np.searchsorted(edges, floats, side="right") - 1
    places[floats == edges[-1]] = len(edges) - 2
    assert list(histogram.counts) == list(np.bincount(places, minlength=len(edges) - 1))


def check_times(column, present):
    assert (column.mean, column.sum, column.zero_count) == (None, None, None)
    if not present:
        assert column.time is None
        return
    points = [seconds(value) for value in present]
    check_order(column, points)
    days = sorted({int(point // 86_400) for point in points})
    assert column.time.range_seconds == pytest.approx(max(points) - min(points), rel=1e-12)
    assert column.time.day_count == len(days)
    assert column.time.missing_day_count == days[-1] - days[0] + 1 - len(days)
    gaps = [after - before - 1 for before, after in pairwise(days)]
    largest = max(gaps, default=0)
    assert column.time.largest_gap_days == largest
    if largest:
        start = days[gaps.index(largest)]
        assert column.time.largest_gap_start == (EPOCH + dt.timedelta(start)).date().isoformat()
        end = start + largest + 1
        assert column.time.largest_gap_end == (EPOCH + dt.timedelta(end)).date().isoformat()
    else:
        assert column.time.largest_gap_start is None


def check_text(column, present):
    text = column.text
    if not present:
        assert (text.min_length, text.max_length, text.mean_length) == (None, None, None)
        return
    lengths = [len(value) for value in present]
    assert (text.min_length, text.max_length) == (min(lengths), max(lengths))
    assert text.mean_length == sum(lengths) / len(lengths)
    assert text.empty_count == present.count("")
    blank = [value for value in present if value and not value.strip(_SPACES)]
    assert text.whitespace_count == len(blank)
    around = [value for value in present if value and value != value.strip(_SPACES)]
    assert text.padded_count == len(around) - len(blank)
    for name, best in (("min", min), ("max", max)):
        wanted = best(present, key=str.encode)
        assert getattr(column, name) == (wanted if len(wanted) <= 500 else wanted[:500] + "…")
