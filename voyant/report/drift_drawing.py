"""How two distributions look on one scale: the earlier one as a line over the bars of the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

from voyant.report.svg import edge_number

__all__ = ["overlay"]

_WIDTH, _HEIGHT = 300.0, 100.0


def overlay(
    edges: Sequence[float | str],
    reference: Sequence[float],
    current: Sequence[float],
    title: str,
    tips: Sequence[str] = (),
) -> Markup:
    """Draw shares of two sides in the same bins.

    Args:
        edges: Numbers or ISO 8601 text, one more than shares; none for categories side by side.
        reference: Shares, drawn as a line.
        current: Shares, drawn as bars.
        title: What a screen reader says.
        tips: A tool tip for each bin, if any.

    Returns:
        The drawing; its height is the style sheet's.
    """
    starts = _places(edges, len(current))
    widths = [right - left for left, right in pairwise(starts)]
    tallest = max([*reference, *current], default=0.0) or 1.0
    tops = [
        [_HEIGHT - _HEIGHT * share / tallest for share in side] for side in (reference, current)
    ]
    bars = "".join(
        f"M{_short(left + width * 0.06)} 100V{_short(top)}h{_short(width * 0.88)}V100z"
        for left, width, top in zip(starts, widths, tops[1], strict=False)
        if top < _HEIGHT
    )
    line = "M0 100" + "".join(
        f"V{_short(top)}H{_short(right)}" for right, top in zip(starts[1:], tops[0], strict=False)
    )
    marks = Markup().join(
        Markup('<rect x="%s" width="%s" height="100"><title>%s</title></rect>')
        % (_short(left), _short(width), tip)
        for left, width, tip in zip(starts, widths, tips, strict=False)
    )
    return Markup(
        '<svg class="over" role="img" viewBox="0 0 300 100" preserveAspectRatio="none">'
        '<title>{}</title><path class="now" d="{}"/><path class="was" d="{}V100"/>{}</svg>'
    ).format(title, bars, line, marks)


def _places(edges: Sequence[float | str], bins: int) -> list[float]:
    """Bring edges to the drawing's width; evenly where they cannot be read or told apart."""
    numbers = [edge_number(edge) for edge in edges]
    known = [number for number in numbers if number is not None]
    if len(known) != bins + 1 or known[-1] <= known[0]:
        return [_WIDTH * place / max(bins, 1) for place in range(bins + 1)]
    low, span = known[0] / 2, known[-1] / 2 - known[0] / 2
    return [_WIDTH * (number / 2 - low) / span for number in known]


def _short(place: float) -> str:
    return f"{place:.1f}".removesuffix(".0")
