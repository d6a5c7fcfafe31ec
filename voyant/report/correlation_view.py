"""Which columns of a table go together: the strongest pairs, and a map where it can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voyant.artifacts.profile import Correlation, Correlations
from voyant.report import svg
from voyant.report.format import Figure, Value, column_name, count, plural, visible
from voyant.report.views import inexact_note, marked

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["CorrelationView", "PairView", "correlation_view"]

_PAIRS = 12
_LABELS = {"pearson": "Pearson", "spearman": "Spearman", "cramers_v": "Cram\u00e9r\u2019s V"}
_HEAT_MAP_COLUMNS = range(3, 19)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairView:
    """Two columns and how strongly they go together."""

    left: Value
    right: Value
    left_anchor: str
    right_anchor: str
    coefficients: list[Figure]
    bar: Markup
    rows: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationView:
    """What stands under "What goes together"; `notes` say what is inexact or left out."""

    numbers: list[PairView]
    categories: list[PairView]
    heat_map: Markup | None
    notes: list[str]


def correlation_view(
    correlations: Correlations, anchors: Mapping[str, str]
) -> CorrelationView | None:
    """Choose what to show of a table's correlations.

    Args:
        correlations: All pairs the artifact has.
        anchors: Where each column stands on the page, in table order.

    Returns:
        The strongest pairs; None when no pair has a coefficient.
    """
    pearson, spearman = _by_pair(correlations.pearson), _by_pair(correlations.spearman)
    made = {field: inexact_note(correlations.approximations, field) for field in _LABELS}
    numbers = _strongest({"pearson": pearson, "spearman": spearman}, anchors, made)
    categories = _strongest({"cramers_v": _by_pair(correlations.cramers_v)}, anchors, made)
    if not numbers and not categories:
        return None
    notes = [
        f"{_LABELS.get(field, visible(field))}: \N{ALMOST EQUAL TO} "
        f"{inexact_note(correlations.approximations, field)}"
        for field in correlations.approximations
    ]
    shown, total = (
        len(numbers) + len(categories),
        len(pearson | spearman) + len(correlations.cramers_v),
    )
    if total > shown:
        notes.append(f"{plural(total - shown, 'weaker pair')} in profile.json")
    if correlations.pairs_omitted:
        cap = count(correlations.pair_cap)
        notes.append(
            f"{plural(correlations.pairs_omitted, 'pair')} not assessed (at most {cap} per method)"
        )
    return CorrelationView(
        numbers=numbers,
        categories=categories,
        heat_map=_heat_map(pearson or spearman, anchors),
        notes=notes,
    )


_Pairs = dict[tuple[str, str], Correlation]


def _by_pair(correlations: Sequence[Correlation]) -> _Pairs:
    return {(item.left, item.right): item for item in correlations if item.value is not None}


def _strongest(
    methods: Mapping[str, _Pairs], anchors: Mapping[str, str], made: Mapping[str, str]
) -> list[PairView]:
    """Rank pairs by the largest coefficient any method gives them."""
    strengths = dict[tuple[str, str], float]()
    for pairs in methods.values():
        for pair, item in pairs.items():
            strengths[pair] = max(strengths.get(pair, 0.0), item.value or 0.0, key=abs)
    ranked = sorted(strengths, key=lambda pair: -abs(strengths[pair]))[:_PAIRS]
    return [
        PairView(
            left=column_name(left, length=28),
            right=column_name(right, length=28),
            left_anchor=anchors.get(left, ""),
            right_anchor=anchors.get(right, ""),
            coefficients=[
                marked(_coefficient(pairs.get((left, right))), made[method])
                for method, pairs in methods.items()
            ],
            bar=svg.diverging_bar(strengths[left, right]),
            rows=count(
                max(p[left, right].row_count for p in methods.values() if (left, right) in p)
            ),
        )
        for left, right in ranked
    ]


def _coefficient(item: Correlation | None) -> Figure:
    """Print with two decimals, and never say 1 of a pair that is not exactly alike."""
    if item is None or item.value is None:
        return Figure("\N{EN DASH}", "not assessed")
    text = f"{item.value:.2f}"
    if abs(item.value) < 1 and text in {"1.00", "-1.00"}:
        text = text.replace("1.00", "0.99+")
    return Figure(text.replace("-", "\N{MINUS SIGN}"), repr(item.value))


def _heat_map(pairs: _Pairs, anchors: Mapping[str, str]) -> Markup | None:
    used = {name for pair in pairs for name in pair}
    names = [name for name in anchors if name in used]
    if len(names) not in _HEAT_MAP_COLUMNS:
        return None
    values = {pair: item.value for pair, item in pairs.items() if item.value is not None}
    return svg.heat_map(names, values, "Correlation of each pair of number columns")
