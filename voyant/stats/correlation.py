"""How strongly do two columns of categories go together?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

__all__ = ["cramers_v"]


def cramers_v(
    counts: Mapping[tuple[str, str], int], *, is_bias_corrected: bool = True
) -> float | None:
    """Measure association in [0, 1] from the rows of each combination of two columns' values.

    The correction is the default: without it two independent columns with many values seem related,
    the more so the fewer the rows. Combinations may be left out instead of counted as 0.

    Source: Bergsma (2013), A bias-correction for Cramer's V and Tschuprow's T, Journal of the
    Korean Statistical Society 42(3), equations 4 to 6; uncorrected: Cramer (1946), Mathematical
    Methods of Statistics, section 21.9.

    Args:
        counts: Rows by (left value, right value), none negative.
        is_bias_corrected: Whether to take off what chance alone would give.

    Returns:
        None where it is not defined: a side with fewer than two values that occur, or so few rows
        that the corrected size of the table vanishes.

    >>> cramers_v({("a", "x"): 10, ("b", "y"): 10})
    1.0
    >>> cramers_v({("a", "x"): 1, ("a", "y"): 1, ("b", "x"): 1, ("b", "y"): 1})
    0.0
    """
    left: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for (row, column), count in counts.items():
        left[row] += count
        right[column] += count
    left, right = +left, +right  # values that no row holds are no levels
    total = left.total()
    rows, columns = len(left), len(right)
    if min(rows, columns) < 2:  # noqa: PLR2004 - one value varies with nothing
        return None
    # chi2 / n = sum of count^2 / (row sum * column sum), less 1.
    shares = (
        count * count / (left[row] * right[column])
        for (row, column), count in counts.items()
        if count
    )
    phi_squared = max(0.0, math.fsum(shares) - 1)
    if not is_bias_corrected:
        return min(1.0, math.sqrt(phi_squared / (min(rows, columns) - 1)))
    corrected = max(0.0, phi_squared - (rows - 1) * (columns - 1) / (total - 1))
    size = min(_corrected_size(rows, total), _corrected_size(columns, total)) - 1
    return min(1.0, math.sqrt(corrected / size)) if size > 0 else None


def _corrected_size(levels: int, total: int) -> float:
    return levels - (levels - 1) ** 2 / (total - 1)
