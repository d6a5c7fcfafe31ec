"""Which values stand at given shares of a sorted column, given only the rows around them?"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import isinf
from typing import Final

__all__ = ["QUANTILES", "even_edges", "grid_from_ranks", "integer_edges"]

#: The quantiles every profile shows.
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def grid_from_ranks(rows: Sequence[tuple[float, int]], count: int, steps: int) -> tuple[float, ...]:
    """Return the quantiles at 0, 1/steps, ..., 1, interpolated linearly.

    Source: R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American
    Statistician 50 (1996), type 7; NumPy's default.

    Args:
        rows: Rising values, each with the number of values up to and including it. They must hold
            the ranks on both sides of each wanted position; others may be missing.
        count: Number of values; 0 gives no quantiles.
        steps: Number of equal steps from 0 to 1.

    >>> grid_from_ranks([(1, 1), (2, 3), (10, 4)], count=4, steps=2)  # 1, 2, 2, 10
    (1.0, 2.0, 10.0)
    """
    if count == 0:
        return ()
    ends = [end for _, end in rows]
    grid: list[float] = []
    for step in range(steps + 1):
        position, remainder = divmod((count - 1) * step, steps)
        low = rows[bisect_right(ends, position)][0]
        high = rows[bisect_right(ends, min(position + 1, count - 1))][0]
        grid.append(_between(float(low), float(high), remainder / steps))
    return tuple(grid)


def _between(low: float, high: float, fraction: float) -> float:
    """Interpolate so that a larger fraction never gives a smaller number, nor one above `high`."""
    gap = high - low
    if isinf(gap):
        return 2 * _between(low / 2, high / 2, fraction)
    return min(low + gap * fraction, high)


def even_edges(low: float, high: float, bins: int) -> tuple[float, ...]:
    """Return the edges of equal bins from low to high.

    >>> even_edges(0.0, 1.0, 4)
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """
    if high <= low:
        return (low, low)
    edges = [low * (1 - i / bins) + high * (i / bins) for i in range(bins)]
    return (*edges, high)


def integer_edges(low: int, high: int, bins: int) -> tuple[int, ...]:
    """Return whole-numbered edges of at most `bins` equal bins that hold low to high.

    The last bin ends just after `high`, so a month's bins are 1 2 3 ... 12 13.

    >>> integer_edges(1, 12, 20)
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
    >>> integer_edges(0, 99, 4)
    (0, 25, 50, 75, 100)
    """
    width = -(-(high - low + 1) // bins)
    count = -(-(high - low + 1) // width)
    return tuple(low + width * i for i in range(count + 1))
