"""How far apart are two distributions, and how sure can a small sample be of it?

Everything is computed from counts - of bins, of categories, of values - or from grids of quantiles.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isfinite, lgamma, log, sqrt
from typing import Final

__all__ = [
    "EMPTY_BIN_FRACTION",
    "GridDistance",
    "chi_square_p_value",
    "grid_fractions",
    "grid_ks_statistic",
    "grid_wasserstein_distance",
    "js_distance",
    "ks_p_value",
    "ks_statistic",
    "psi",
    "wasserstein_distance",
]

#: What stands for the share of a bin that one side has no rows in: the logarithm needs one.
EMPTY_BIN_FRACTION: Final = 0.0001
_MOST_EXACT_CELLS: Final = 100_000
_GAMMA_TERMS: Final = 10_000
_TINY: Final = 1e-300
_KS_TERMS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GridDistance:
    """A distance computed from quantiles, and how far off it can be at most."""

    value: float
    max_error: float


def psi(reference: Sequence[float], current: Sequence[float]) -> float:
    """Return the population stability index of counts in the same bins.

    Source: N. Siddiqi, "Credit Risk Scorecards" (2006), chapter 10: the sum over the bins of
    (current - reference) * ln(current / reference), of shares. A bin that one side has no rows in
    counts as `EMPTY_BIN_FRACTION` there, so that the index stays finite.

    Args:
        reference: Rows, or shares, by bin; not all zero.
        current: The same bins.

    >>> round(psi([50, 50], [25, 75]), 6)  # 0.25 ln 2 + 0.25 ln 1.5
    0.274653
    """
    total = 0.0
    for old, new in zip(_fractions(reference), _fractions(current), strict=True):
        if old or new:
            before, after = old or EMPTY_BIN_FRACTION, new or EMPTY_BIN_FRACTION
            total += (after - before) * log(after / before)
    return total


def js_distance(reference: Sequence[float], current: Sequence[float]) -> float:
    """Return the Jensen-Shannon distance of counts in the same bins, in [0, sqrt(ln 2) = 0.8326].

    Source: D. M. Endres and J. E. Schindelin, "A new metric for probability distributions", IEEE
    Transactions on Information Theory 49 (2003), eq. 1: the square root of the mean of the two
    Kullback-Leibler divergences from the average, in natural logarithms, as in SciPy and Evidently.

    Args:
        reference: Rows, or shares, by bin; not all zero.
        current: The same bins.

    >>> round(js_distance([1, 1], [1, 0]), 6), round(js_distance([1, 0], [0, 1]), 6)
    (0.464501, 0.832555)
    """
    divergence = 0.0
    for old, new in zip(_fractions(reference), _fractions(current), strict=True):
        middle = (old + new) / 2
        divergence += sum(part * log(part / middle) for part in (old, new) if part)
    return sqrt(max(divergence, 0.0) / 2)


def wasserstein_distance(reference: Mapping[float, int], current: Mapping[float, int]) -> float:
    """Return the first Wasserstein (earth mover's) distance of two sets of values, in their unit.

    Source: S. S. Vallender, "Calculation of the Wasserstein distance between probability
    distributions on the line", Theory of Probability and its Applications 18 (1974), 784-786: the
    area between the two cumulative distribution functions.

    Args:
        reference: Rows by value, all finite; not empty.
        current: The same for the other side.

    >>> wasserstein_distance({0: 1, 10: 1}, {5: 2})
    5.0
    """
    points = _joint(reference, current)
    return sum(
        abs(before - after) * (right - left)
        for (left, before, after), (right, _, _) in pairwise(points)
        if before != after
    )


def ks_statistic(reference: Mapping[float, int], current: Mapping[float, int]) -> float:
    """Return the largest gap between the two cumulative distribution functions, in [0, 1].

    Source: N. Smirnov, "Table for estimating the goodness of fit of empirical distributions",
    Annals of Mathematical Statistics 19 (1948), 279-281.

    >>> ks_statistic({1: 1, 2: 1}, {2: 1, 3: 1})
    0.5
    """
    return max(abs(before - after) for _, before, after in _joint(reference, current))


def ks_p_value(statistic: float, reference_count: int, current_count: int) -> float:
    """Return how likely two samples of one continuous distribution are to lie as far apart.

    Counted exactly over all orders the values can come in while that is affordable, else from the
    limiting distribution. With tied values the true probability is smaller.

    Source: J. L. Hodges, "The significance probability of the Smirnov two-sample test", Arkiv foer
    Matematik 3 (1958), 469-486; A. Kolmogorov (1933) for the limit.

    >>> round(ks_p_value(1.0, 3, 3), 6)  # 2 of the 20 orders
    0.1
    """
    if 2 * statistic * reference_count * current_count <= _MOST_EXACT_CELLS:
        return _exact_ks_p_value(statistic, reference_count, current_count)
    root = sqrt(reference_count * current_count / (reference_count + current_count)) * statistic
    if root < 0.2:  # noqa: PLR2004 - the series converges slowly there, to 1 within 1e-12
        return 1.0
    terms = (
        (-1.0) ** (term - 1) * exp(-2 * term * term * root * root)
        for term in range(1, _KS_TERMS + 1)
    )
    return min(max(2 * sum(terms), 0.0), 1.0)


def _exact_ks_p_value(statistic: float, rows: int, columns: int) -> float:
    """Count the paths from corner to corner that never stray from the diagonal by the statistic.

    A path steps along `rows` or `columns` for each value in rising order. `inside[j + 1]` is the
    share of the paths to the cell (i, j) that have stayed inside.
    """
    # A gap is |i / rows - j / columns|; compared in whole numbers, as rounding would decide ties.
    limit = round(statistic * rows * columns)
    inside = [0.0] * (columns + 2)
    for i in range(rows + 1):
        first = max(0, (i * columns - limit) // rows + 1)
        last = min(columns, (i * columns + limit - 1) // rows)
        inside[first] = 0.0  # the cell before the band
        for j in range(first, last + 1):
            if i == j == 0:
                inside[1] = 1.0
            else:  # the shares of the orders of i + j values that end with one from each side
                inside[j + 1] = (inside[j + 1] * i + inside[j] * j) / (i + j)
    return min(max(1.0 - inside[columns + 1], 0.0), 1.0)


def chi_square_p_value(reference: Sequence[int], current: Sequence[int]) -> float | None:
    """Return how likely two samples of the same categories are to differ as much or more.

    Pearson's test of homogeneity, without continuity correction. None with a single category, where
    nothing can differ.

    Source: K. Pearson, Philosophical Magazine 50 (1900), 157-175.

    Args:
        reference: Rows by category.
        current: The same categories.

    >>> round(chi_square_p_value([10, 20], [20, 10]), 6)  # chi-square 6.667, one degree of freedom
    0.009823
    """
    pairs = [(a, b) for a, b in zip(reference, current, strict=True) if a + b]
    if len(pairs) < 2 or not sum(reference) or not sum(current):  # noqa: PLR2004
        return None
    before, after = sum(reference), sum(current)
    total = before + after
    statistic = 0.0
    for a, b in pairs:
        for seen, size in ((a, before), (b, after)):
            expected = (a + b) * size / total
            statistic += (seen - expected) ** 2 / expected
    return _upper_gamma((len(pairs) - 1) / 2, statistic / 2)


def _upper_gamma(shape: float, x: float) -> float:
    """Return the regularized upper incomplete gamma function Q(shape, x).

    Source: W. H. Press et al., "Numerical Recipes" (2007), section 6.2: a series below shape + 1,
    a continued fraction (modified Lentz) above.
    """
    if x <= 0:
        return 1.0
    scale = exp(-x + shape * log(x) - lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        for step in range(1, _GAMMA_TERMS):
            term *= x / (shape + step)
            total += term
            if term < total * 1e-16:
                break
        return max(1.0 - total * scale, 0.0)
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    fraction = d
    for step in range(1, _GAMMA_TERMS):
        factor = -step * (step - shape)
        b += 2
        d = 1 / (factor * d + b or _TINY)
        c = b + factor / c or _TINY
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:  # noqa: PLR2004 - the precision of a double
            break
    return min(scale * fraction, 1.0)


def grid_wasserstein_distance(reference: Sequence[float], current: Sequence[float]) -> GridDistance:
    """Return the first Wasserstein distance of two grids of evenly spaced quantiles.

    The area between the two quantile functions, each taken as straight between its grid's points. A
    quantile function only rises, so within one step it cannot leave the box between two points, and
    the area between it and the straight line is half that box at most. Half of each side's range
    over the number of steps therefore bounds the error, for samples much larger than the grid.

    Args:
        reference: Quantiles at 0, 1/n, ..., 1.
        current: As many, or another number of them.

    >>> grid_wasserstein_distance([0.0, 1.0], [2.0, 4.0])
    GridDistance(value=2.5, max_error=1.5)
    """
    places = sorted(
        {step / (len(grid) - 1) for grid in (reference, current) for step in range(len(grid))}
    )
    gaps = [_quantile(reference, place) - _quantile(current, place) for place in places]
    area = sum(
        (right - left) * _mean_distance(first, second)
        for (left, first), (right, second) in pairwise(zip(places, gaps, strict=True))
    )
    error = sum((grid[-1] - grid[0]) / (len(grid) - 1) / 2 for grid in (reference, current))
    return GridDistance(value=area, max_error=error)


def _mean_distance(first: float, second: float) -> float:
    """Return the mean of |x| while x goes straight from first to second."""
    if first * second >= 0:
        return abs(first + second) / 2
    return (first * first + second * second) / (2 * (abs(first) + abs(second)))


def grid_ks_statistic(reference: Sequence[float], current: Sequence[float]) -> GridDistance:
    """Return the Kolmogorov-Smirnov statistic of two grids of evenly spaced quantiles.

    A grid knows a cumulative distribution function to within one step, so the gap may be off by the
    steps of both, for samples much larger than the grid.

    >>> grid_ks_statistic([0.0, 1.0, 2.0], [2.0, 3.0, 4.0])
    GridDistance(value=1.0, max_error=1.0)
    """
    points = sorted({*reference, *current})
    gap = max(
        abs(a - b)
        for point in points
        for a, b in (
            (_share_below(reference, point), _share_below(current, point)),
            (_share_up_to(reference, point), _share_up_to(current, point)),
        )
    )
    error = sum(1 / (len(grid) - 1) for grid in (reference, current))
    return GridDistance(value=gap, max_error=min(error, 1.0))


def grid_fractions(grid: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Return the share of values in each bin, told from quantiles; off by a step of the grid each.

    Args:
        grid: Quantiles at 0, 1/n, ..., 1.
        edges: Rising; bins hold their left edge, the last one its right edge too.

    >>> grid_fractions([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 4.0])
    [0.5, 0.5]
    """
    below = [_share_below(grid, edge) for edge in edges[:-1]] + [_share_up_to(grid, edges[-1])]
    return [max(right - left, 0.0) for left, right in pairwise(below)]


def _fractions(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts]


def _joint(
    reference: Mapping[float, int], current: Mapping[float, int]
) -> list[tuple[float, float, float]]:
    """Return each value that occurs with both cumulative shares up to and including it."""
    before_total, after_total = sum(reference.values()), sum(current.values())
    points: list[tuple[float, float, float]] = []
    before = after = 0
    for value in sorted({*reference, *current}):
        before += reference.get(value, 0)
        after += current.get(value, 0)
        points.append((value, before / before_total, after / after_total))
    return points


def _quantile(grid: Sequence[float], place: float) -> float:
    position = place * (len(grid) - 1)
    low = min(int(position), len(grid) - 2)
    weight = position - low
    return grid[low] * (1 - weight) + grid[low + 1] * weight


def _share_below(grid: Sequence[float], point: float) -> float:
    """Return the share of values less than a point, straight between the grid's points."""
    return _share(grid, point, is_inclusive=False)


def _share_up_to(grid: Sequence[float], point: float) -> float:
    return _share(grid, point, is_inclusive=True)


def _share(grid: Sequence[float], point: float, *, is_inclusive: bool) -> float:
    steps = len(grid) - 1
    place = bisect_right(grid, point) if is_inclusive else bisect_left(grid, point)
    if place == 0:
        return 0.0
    if place > steps:
        return 1.0
    left, right = grid[place - 1], grid[place]
    inside = (point - left) / (right - left) if right > left and isfinite(right - left) else 0.0
    return (place - 1 + inside) / steps
