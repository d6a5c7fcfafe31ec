"""How good is one aspect of a table, from 0 to 1, and what did each aspect cost?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

__all__ = [
    "UNITS_PER_POINT",
    "apportion",
    "continuity_score",
    "freshness_score",
    "limit_score",
    "ramp_score",
    "renormalise",
    "volume_score",
    "weighted_mean",
]

#: Points of the ledger are kept to the hundredth, and a score to the ten-thousandth.
UNITS_PER_POINT = 100

#: Euler and Mascheroni's constant: the harmonic number H(n) is near ln n + 0.5772.
_EULER_GAMMA = 0.5772156649015329


def volume_score(row_count: int, target: int) -> float:
    """Score a number of rows: 0 for one row, 1 at the target, equal steps for equal factors.

    A mean's standard error falls with the square root of the rows, so its logarithm falls evenly
    with theirs: ln n / ln target is the share of the way to the target's precision.

    Source: standard error of the mean, sigma / sqrt(n), on a log scale; the scale is our choice.

    >>> volume_score(1, 10_000), volume_score(100, 10_000), volume_score(50_000, 10_000)
    (0.0, 0.5, 1.0)
    """
    return min(1.0, math.log(row_count) / math.log(target)) if row_count > 1 else 0.0


def freshness_score(age_seconds: float, half_life_seconds: float) -> float:
    """Score the age of the newest event: 1 now or in the future, halved with each half-life.

    Source: Heinrich, Klier and Kaiser (2009), A procedure to develop metrics for currency and its
    application in CRM, ACM Journal of Data and Information Quality 1(1): exp(-decline * age), with
    decline = ln 2 / half-life.

    >>> freshness_score(0, 60), freshness_score(60, 60), freshness_score(120, 60)
    (1.0, 0.5, 0.25)
    """
    return float(2.0 ** (-max(0.0, age_seconds) / half_life_seconds))


def limit_score(fraction: float, limit: float) -> float:
    """Score a share of rows that should not be there: 1 for none, falling evenly to 0 at the limit.

    Source: our definition.

    >>> limit_score(0.0, 0.1), limit_score(0.05, 0.1), limit_score(0.3, 0.1)
    (1.0, 0.5, 0.0)
    """
    return max(0.0, 1.0 - fraction / limit)


def ramp_score(fraction: float, tolerated: float, limit: float) -> float:
    """Score a share that does no harm up to what is tolerated, then falls to 0 at the limit.

    Source: our definition.

    >>> ramp_score(0.05, 0.05, 0.25), ramp_score(0.15, 0.05, 0.25), ramp_score(0.5, 0.05, 0.25)
    (1.0, 0.5, 0.0)
    """
    return limit_score(max(0.0, fraction - tolerated), limit - tolerated)


def continuity_score(day_count: int, missing_day_count: int, largest_gap_days: int) -> float | None:
    """Score how steadily days occur: 1 less the share of time lost to one gap too long for chance.

    Data may come daily, on workdays or once a month, so missing days alone say nothing. Of n gaps
    that chance spreads over a span the longest is expected to be H(n) times their mean, H(n) being
    1 + 1/2 + ... + 1/n. What the largest gap has beyond that (and beyond a long weekend of four
    days) is lost.

    Source: David and Nagaraja (2003), Order Statistics, 3rd edition, section 6.4, expectation of
    the largest spacing; the score is our definition.

    Args:
        day_count: Different days that occur.
        missing_day_count: Days between the first and the last that do not occur.
        largest_gap_days: The longest run of days that do not occur.

    Returns:
        None for fewer than three days: one gap is no rhythm.

    >>> continuity_score(365, 0, 0), continuity_score(12, 323, 30)
    (1.0, 1.0)
    >>> round(continuity_score(100, 265, 265), 2)
    0.32
    """
    if day_count < 3:  # noqa: PLR2004 - two gaps are the fewest to compare
        return None
    gaps = day_count - 1
    span = day_count + missing_day_count - 1
    expected = span / gaps * (math.log(gaps) + _EULER_GAMMA)
    lost = max(0.0, largest_gap_days - max(4.0, expected))
    return 1.0 - lost / span


def renormalise(
    scores: Mapping[str, float | None], weights: Mapping[str, float]
) -> dict[str, float]:
    """Share the weight of what was not assessed among what was, in proportion; they sum to 1.

    Source: weighted mean over the assessed parts; missing is neither perfect nor worthless.

    >>> renormalise({"a": 0.5, "b": None, "c": 1.0}, {"a": 0.3, "b": 0.4, "c": 0.3})
    {'a': 0.5, 'c': 0.5}
    """
    assessed = [name for name, score in scores.items() if score is not None and weights[name] > 0]
    total = math.fsum(weights[name] for name in assessed)
    return {name: weights[name] / total for name in assessed}


def weighted_mean(scores: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    """Combine what was assessed; None when nothing was.

    Source: weighted mean, weights renormalised over the assessed parts.

    >>> weighted_mean({"a": 0.5, "b": None, "c": 1.0}, {"a": 0.3, "b": 0.4, "c": 0.3})
    0.75
    """
    shares = renormalise(scores, weights)
    if not shares:
        return None
    return math.fsum(share * (scores[name] or 0.0) for name, share in shares.items())


def apportion(points: Sequence[float]) -> list[int]:
    """Round points to hundredths so that they still add up to their rounded sum.

    Each is rounded down, and the hundredths still missing go to the largest remainders (the first
    of equal ones).

    Source: Hamilton's method of apportionment; Balinski and Young (2001), Fair Representation.

    >>> apportion([3.333, 3.333, 3.334])
    [333, 333, 334]
    >>> apportion([0.004, 0.004, 0.004])
    [1, 0, 0]
    """
    exact = [point * UNITS_PER_POINT for point in points]
    units = [math.floor(value) for value in exact]
    missing = round(math.fsum(exact)) - sum(units)
    order = sorted(range(len(exact)), key=lambda index: (units[index] - exact[index], index))
    for index in order[:missing]:
        units[index] += 1
    return units
