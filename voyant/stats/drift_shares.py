"""Which shares of two states of a column show, side by side, how it has moved?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voyant.core.tables import ColumnKind
from voyant.stats import distances
from voyant.stats.drift import CategoryValue, ColumnState, Treatment, count_between
from voyant.stats.quantiles import even_edges, integer_edges

__all__ = ["Distribution", "distribution"]

_DRAWN_BINS: Final = 24
_DRAWN_CATEGORIES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Shares of both sides, to be drawn: between edges, or by category."""

    edges: tuple[float, ...] = ()
    categories: tuple[CategoryValue, ...] = ()
    reference: tuple[float, ...] = ()
    current: tuple[float, ...] = ()
    reference_rest: float = 0.0
    current_rest: float = 0.0


def distribution(
    reference: ColumnState, current: ColumnState, treatment: Treatment
) -> Distribution | None:
    """Return what to draw of both sides; None if there is nothing to draw on one scale.

    Numbers and moments lie in even bins over the middle 99 % of both; what lies outside is in the
    rest. Categories are the most frequent ones of both, numbers among them in their order.
    """
    if treatment is Treatment.CATEGORY:
        return _draw_categories(reference, current)
    if (
        treatment not in {Treatment.NUMBER, Treatment.TIME}
        or not reference.grid
        or not current.grid
    ):
        return None
    low = min(reference.grid[1], current.grid[1])
    high = max(reference.grid[-2], current.grid[-2])
    is_whole = reference.kind is current.kind is ColumnKind.INTEGER
    edges = (
        integer_edges(round(low), round(high), _DRAWN_BINS)
        if is_whole
        else even_edges(low, high, _DRAWN_BINS)
    )
    sides = [_shares(side, edges) for side in (reference, current)]
    return Distribution(
        edges=tuple(float(edge) for edge in edges),
        reference=tuple(sides[0]),
        current=tuple(sides[1]),
        reference_rest=max(1 - sum(sides[0]), 0.0),
        current_rest=max(1 - sum(sides[1]), 0.0),
    )


def _shares(side: ColumnState, edges: Sequence[float]) -> list[float]:
    numbers = side.numbers
    if numbers is None:
        return distances.grid_fractions(side.grid, edges)
    return [rows / side.number_count for rows in count_between(numbers, edges)]


def _draw_categories(reference: ColumnState, current: ColumnState) -> Distribution:
    before, after = reference.values or {}, current.values or {}

    def share(value: CategoryValue) -> float:
        return before.get(value, 0) / reference.count + after.get(value, 0) / current.count

    kept = sorted({**before, **after}, key=lambda value: (-share(value), str(value)))
    kept = kept[:_DRAWN_CATEGORIES]
    if current.kind.is_numeric:
        kept.sort(key=float)
    shares = [
        tuple(values.get(value, 0) / count for value in kept)
        for values, count in ((before, reference.count), (after, current.count))
    ]
    return Distribution(
        categories=tuple(kept),
        reference=shares[0],
        current=shares[1],
        reference_rest=max(1 - sum(shares[0]), 0.0),
        current_rest=max(1 - sum(shares[1]), 0.0),
    )
