"""Which shares of two states of a column show, side by side, how it has moved?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    is_whole: bool = False
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
    rest. Categories, and shapes of text, are the most frequent ones of both; numbers keep order.
    """
    if treatment is Treatment.CATEGORY:
        return _draw_categories(reference, current)
    if treatment is Treatment.TEXT:
        return _draw_shapes(reference, current)
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
        is_whole=is_whole,
        reference=tuple(sides[0]),
        current=tuple(sides[1]),
        reference_rest=max(1 - sum(sides[0]), 0.0),
        current_rest=max(1 - sum(sides[1]), 0.0),
    )


def _shares(side: ColumnState, edges: Sequence[float]) -> list[float]:
    if side.ranked is None:
        return distances.grid_fractions(side.grid, edges)
    return [rows / side.number_count for rows in count_between(side.ranked, edges)]


def _draw_categories(reference: ColumnState, current: ColumnState) -> Distribution:
    drawn = _side_by_side(reference.values or {}, current.values or {})
    if not current.kind.is_numeric:
        return drawn
    rows = sorted(
        zip(drawn.categories, drawn.reference, drawn.current, strict=True),
        key=lambda row: float(row[0]),
    )
    categories, before, after = zip(*rows, strict=True)
    return replace(drawn, categories=categories, reference=before, current=after)


def _draw_shapes(reference: ColumnState, current: ColumnState) -> Distribution | None:
    if not reference.patterns or not current.patterns:
        return None
    rests = reference.pattern_rest, current.pattern_rest
    before = dict[CategoryValue, int](reference.patterns.items())
    after = dict[CategoryValue, int](current.patterns.items())
    return _side_by_side(before, after, rests)


def _side_by_side(
    before: Mapping[CategoryValue, int],
    after: Mapping[CategoryValue, int],
    rests: tuple[int, int] = (0, 0),
) -> Distribution:
    """Return the shares of the most frequent categories of both sides together."""
    sides = (before, after)
    totals = [sum(side.values()) + rest for side, rest in zip(sides, rests, strict=True)]

    def shares(category: CategoryValue) -> list[float]:
        return [side.get(category, 0) / total for side, total in zip(sides, totals, strict=True)]

    ordered = sorted({**sides[0], **sides[1]}, key=lambda c: (-sum(shares(c)), str(c)))
    kept = ordered[:_DRAWN_CATEGORIES]
    old, new = zip(*(shares(category) for category in kept), strict=True)
    return Distribution(
        categories=tuple(kept),
        reference=old,
        current=new,
        reference_rest=max(1 - sum(old), 0.0),
        current_rest=max(1 - sum(new), 0.0),
    )
