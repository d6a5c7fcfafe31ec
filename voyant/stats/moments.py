"""What are mean, spread and shape, given sums of powers that were added up as whole numbers?

Sums of floats depend on the order of addition, so a parallel engine gives other last digits each
time. Voyant has the engine round each power of `(x - center) / scale` to a multiple of 2**-60 and
add those as integers: the sum is the same in any order, and as the largest term is near 1, precise
to about n * 2**-61.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Final

__all__ = ["FIXED_POINT_ONE", "Moments", "moments", "to_number"]

#: What 1.0 is in the engine's fixed-point sums.
FIXED_POINT_ONE: Final = 2**60


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Spread and shape; None where too few values, or equal ones, leave them undefined."""

    mean: float | None = None
    variance: float | None = None
    std: float | None = None
    skewness: float | None = None
    kurtosis: float | None = None


def moments(
    count: int,
    center: Fraction,
    scale: Fraction,
    sums: Sequence[int],
    *,
    mean: Fraction | None = None,
) -> Moments:
    """Return the moments of `count` values from fixed-point sums of powers.

    Skewness is the adjusted Fisher-Pearson G1 and kurtosis the excess G2, as pandas computes them.

    Source: D. N. Joanes and C. A. Gill, "Comparing measures of sample skewness and kurtosis",
    The Statistician 47 (1998), G1 and G2 in section 2.

    Args:
        count: Number of values; 0 gives no moments.
        center: What was taken off each value.
        scale: What the difference was divided by; positive.
        sums: `sums[k - 1]` is the sum of `((x - center) / scale) ** k`, in units of 2**-60, for
            k = 1 to 4.
        mean: The exact mean where it is known otherwise.

    >>> one = FIXED_POINT_ONE
    >>> found = moments(4, Fraction(0), Fraction(1), [one, one, one, one])  # 0, 0, 0, 1
    >>> found.mean, found.std, round(found.skewness, 12), round(found.kurtosis, 12)
    (0.25, 0.5, 2.0, 4.0)
    """
    if count == 0:
        return Moments()
    s1, s2, s3, s4 = (Fraction(value, FIXED_POINT_ONE) for value in sums)
    delta = s1 / count
    shown_mean = float(center + delta * scale if mean is None else mean)
    if count == 1:
        return Moments(mean=shown_mean)
    # Moments about the mean from moments about the center.
    m2 = max(s2 / count - delta**2, Fraction(0))
    m3 = s3 / count - 3 * delta * s2 / count + 2 * delta**3
    m4 = s4 / count - 4 * delta * s3 / count + 6 * delta**2 * s2 / count - 3 * delta**4
    variance = m2 * count / (count - 1)
    return Moments(
        mean=shown_mean,
        variance=_finite(variance * scale**2),
        std=_finite(Fraction(sqrt(variance)) * scale),
        skewness=_skewness(count, m2, m3),
        kurtosis=_kurtosis(count, m2, m4),
    )


def _skewness(count: int, m2: Fraction, m3: Fraction) -> float | None:
    if count < 3 or m2 == 0:  # noqa: PLR2004 - G1 divides by n - 2
        return None
    g1: float = float(m3) / float(m2) ** 1.5
    return sqrt(count * (count - 1)) / (count - 2) * g1


def _kurtosis(count: int, m2: Fraction, m4: Fraction) -> float | None:
    if count < 4 or m2 == 0:  # noqa: PLR2004 - G2 divides by n - 3
        return None
    ratio = float(m4 / m2**2)
    return (count - 1) / ((count - 2) * (count - 3)) * ((count + 1) * ratio - 3 * (count - 1))


def _finite(value: Fraction) -> float | None:
    """Return a float, or None where it would be too large for one."""
    try:
        return float(value)
    except OverflowError:
        return None


def to_number(value: Fraction, *, is_whole: bool = True) -> float | int | None:
    """Return a whole number as int if wanted, else the nearest float, None beyond its range."""
    if is_whole and value.denominator == 1:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return None
