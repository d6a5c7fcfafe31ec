"""What numbers look like: small drawings as inline SVG, without script or style attribute.

Colours come from the page's style sheet by class, so every drawing follows light, dark and print.
A drawing stretches to the box its class gives it; text stands beside it in HTML, where it stays
legible.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from voyant.report.format import visible

__all__ = [
    "bullet",
    "columns",
    "diverging_bar",
    "edge_number",
    "heat_map",
    "histogram",
    "quantile_strip",
    "share_bar",
    "small_histogram",
    "sparkline",
    "stacked_bar",
]

_WIDTH = 300
_HEIGHT = 100
_LEAST_HEIGHT = 1.5
_BAR_GAP = 0.12
_LABEL_CHARACTERS = 18
_CELL = 26
_HISTOGRAM = Markup(
    '<svg class="hist" role="img" viewBox="0 0 300 100" preserveAspectRatio="none">'
    "<title>{}</title>{}{}</svg>"
)
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def small_histogram(
    edges: Sequence[float | str], counts: Sequence[int], title: str, identifier: str
) -> Markup:
    """Draw a distribution in one line of text's company: one path, no axes.

    Args:
        edges: One more than counts; numbers, or ISO 8601 text.
        counts: Rows between the edges.
        title: What a screen reader says.
        identifier: The drawing's own, so that `same_histogram` can show it again.

    Returns:
        The drawing.
    """
    path = "".join(
        f"M{_short(left)} {_HEIGHT}V{_short(top)}h{_short(right - left)}V{_HEIGHT}z"
        for left, right, top in _bars(edges, counts)
        if top < _HEIGHT
    )
    return _HISTOGRAM.format(title, "", Markup('<path id="{}" d="{}"/>').format(identifier, path))


def histogram(
    identifier: str,
    edges: Sequence[float | str],
    title: str,
    description: str,
    bin_titles: Sequence[str] = (),
) -> Markup:
    """Show a small histogram again, large enough to read.

    Args:
        identifier: The small one's; it must stand on the same page.
        edges: The small one's.
        title: What a screen reader says first.
        description: What it says next: range, tallest bar.
        bin_titles: A tool tip for each bin, as high as the drawing, so that low bars have one too;
            none on pages that cannot afford them.

    Returns:
        The drawing.
    """
    starts = [_WIDTH * start for start in _scaled(edges, len(edges) - 1)]
    tips = Markup().join(
        Markup('<rect x="%s" width="%s"><title>%s</title></rect>')
        % (_short(left), _short(right - left), tip)
        for left, right, tip in zip(starts, starts[1:], bin_titles, strict=False)
    )
    body = Markup('<desc>{}</desc><use href="#{}"/>').format(description, identifier)
    return _HISTOGRAM.format(title, body, tips)


def quantile_strip(low: float, high: float, marks: Mapping[float, float], title: str) -> Markup:
    """Draw where the middle of the values lies, on the scale of the histogram above it.

    Args:
        low: The scale's left end.
        high: Its right end.
        marks: Values by quantile; draws 0.05 to 0.95 thin, 0.25 to 0.75 thick, 0.5 as a mark.
        title: What a screen reader says.

    Returns:
        The drawing, or nothing when a quantile is missing.
    """
    if not marks.keys() >= {0.05, 0.25, 0.5, 0.75, 0.95}:
        return Markup()
    at = {q: _short(_WIDTH * _position(marks[q], low, high)) for q in marks}
    return Markup(
        '<svg class="strip" role="img" viewBox="0 0 {} 12" preserveAspectRatio="none">'
        "<title>{}</title>"
        '<path class="thin" d="M{} 6H{}"/><path class="thick" d="M{} 6H{}"/>'
        '<path class="mark" d="M{} 0V12"/></svg>'
    ).format(_WIDTH, title, at[0.05], at[0.95], at[0.25], at[0.75], at[0.5])


def share_bar(fraction: float, kind: str = "") -> Markup:
    """Draw a share in [0, 1] as a bar; its number stands beside it, so it is hidden from readers.

    >>> print(share_bar(0.25, "miss"))
    <svg class="bar miss" aria-hidden="true"><rect width="25%" height="100%"/></svg>
    """
    # One of the hottest lines of a page: with format, rendering took twice as long.
    return Markup(
        '<svg class="%s" aria-hidden="true"><rect width="%s%%" height="100%%"/></svg>'
    ) % (f"bar {kind}".strip(), _short(100 * min(max(fraction, 0.0), 1.0)))


def stacked_bar(fractions: Iterable[float]) -> Markup:
    """Draw shares of one whole side by side, the first the strongest; hidden from readers.

    >>> '<rect x="50%" width="25%" height="100%" class="s1"/>' in stacked_bar([0.5, 0.25])
    True
    """
    parts, start = Markup(), 0.0
    for rank, fraction in enumerate(fractions):
        parts += Markup('<rect x="{}%" width="{}%" height="100%" class="s{}"/>').format(
            _short(100 * start), _short(100 * fraction), min(rank, 4)
        )
        start += fraction
    return Markup('<svg class="bar stack" aria-hidden="true">{}</svg>').format(parts)


def diverging_bar(coefficient: float) -> Markup:
    """Draw a number in [-1, 1] from a middle line to the left or right; hidden from readers.

    >>> 'x="25%" width="25%" height="100%" class="neg"' in diverging_bar(-0.5)
    True
    """
    bounded = min(max(coefficient, -1.0), 1.0)
    return Markup(
        '<svg class="bar both" aria-hidden="true">'
        '<rect x="{}%" width="{}%" height="100%" class="{}"/></svg>'
    ).format(
        _short(50 + 50 * min(bounded, 0.0)),
        _short(50 * abs(bounded)),
        "neg" if bounded < 0 else "pos",
    )


def sparkline(values: Sequence[float | None], title: str) -> Markup:
    """Draw values in order as a line, broken where one is missing, its last one marked.

    >>> print(sparkline([1, 2], "up"))
    <svg class="spark" role="img" viewBox="0 0 100 24" preserveAspectRatio="none"><title>up</title>\
<path d="M0 22L100 2"/></svg>
    """
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    steps, pen_up = list[str](), True
    for place, value in enumerate(values):
        if value is None:
            pen_up = True
            continue
        x = 100 * place / max(len(values) - 1, 1)
        y = 12.0 if low == high else 22 - 20 * _position(value, low, high)
        steps.append(f"{'M' if pen_up else 'L'}{_short(x)} {_short(y)}")
        pen_up = False
    return Markup(
        '<svg class="spark" role="img" viewBox="0 0 100 24" preserveAspectRatio="none">'
        '<title>{}</title><path d="{}"/></svg>'
    ).format(title, "".join(steps))


def columns(values: Sequence[float], title: str) -> Markup:
    """Draw values in order as columns on a common base, those below zero hanging from it.

    >>> print(columns([1, 2, -1], "up and down"))
    <svg class="columns" role="img" viewBox="0 0 300 100" preserveAspectRatio="none">\
<title>up and down</title><path class="pos" d="M8 66.7V33.3h84V66.7zM108 66.7V0h84V66.7z"/>\
<path class="neg" d="M208 66.7V100h84V66.7z"/></svg>
    """
    low, high = min([0.0, *values]), max([0.0, *values])
    step = _WIDTH / max(len(values), 1)
    base = _HEIGHT * (1 - _position(0.0, low, high)) if high > low else _HEIGHT
    paths = {"pos": "", "neg": ""}
    for place, at in enumerate(values):
        top = _HEIGHT * (1 - _position(at, low, high)) if high > low else _HEIGHT
        paths["neg" if at < 0 else "pos"] += (
            f"M{_short(step * (place + 0.08))} {_short(base)}V{_short(top)}"
            f"h{_short(step * 0.84)}V{_short(base)}z"
        )
    return Markup(
        '<svg class="columns" role="img" viewBox="0 0 300 100" preserveAspectRatio="none">'
        "<title>{}</title>{}</svg>"
    ).format(
        title,
        Markup().join(
            Markup('<path class="{}" d="{}"/>').format(side, path)
            for side, path in paths.items()
            if path
        ),
    )


def bullet(shown: float, target: float, status: str = "") -> Markup:
    """Draw a value from zero as a bar and its target as a mark across it; hidden from readers.

    >>> print(bullet(3, 4, "warn"))
    <svg class="bullet warn" aria-hidden="true"><rect width="68.2%" height="100%"/>\
<line x1="90.9%" x2="90.9%" y1="0" y2="100%"/></svg>
    """
    scale = 1.1 * max(shown, target)
    return Markup(
        '<svg class="{}" aria-hidden="true"><rect width="{}%" height="100%"/>'
        '<line x1="{}%" x2="{}%" y1="0" y2="100%"/></svg>'
    ).format(
        f"bullet {status}".strip(),
        _short(100 * shown / scale),
        _short(100 * target / scale),
        _short(100 * target / scale),
    )


def heat_map(names: Sequence[str], values: Mapping[tuple[str, str], float], title: str) -> Markup:
    """Draw pairs in [-1, 1] as a triangle of cells, stronger where the pair is stronger.

    Args:
        names: Rows and columns, in this order.
        values: By pair, in either order; a pair that is missing stays empty.
        title: What a screen reader says; the numbers themselves stand in a table beside it.

    Returns:
        The drawing, in its natural size.
    """
    cells = Markup()
    for row, below in enumerate(names):
        for place, above in enumerate(names[:row]):
            value = values.get((below, above), values.get((above, below)))
            if value is not None:
                cells += _cell(
                    place, row - 1, value, f"{_isolated(below)}, {_isolated(above)}: {value:.2f}"
                )
    labels = Markup().join(
        Markup('<text x="{}" y="{}">{}</text>').format(
            row * _CELL + 6, row * _CELL - 8, _label(name)
        )
        for row, name in enumerate(names)
    )
    width, height = (len(names) - 1) * _CELL + 150, (len(names) - 1) * _CELL + 22
    return Markup(
        '<svg class="heat" role="img" viewBox="0 -22 {0} {1}" width="{0}" height="{1}">'
        "<title>{2}</title>{3}{4}</svg>"
    ).format(width, height, title, cells, labels)


def _cell(column: int, row: int, value: float, tip: str) -> Markup:
    return Markup(
        '<rect x="{}" y="{}" width="{}" height="{}" class="{}" fill-opacity="{}">'
        "<title>{}</title></rect>"
    ).format(
        column * _CELL,
        row * _CELL,
        _CELL - 2,
        _CELL - 2,
        "neg" if value < 0 else "pos",
        f"{min(max(abs(value), 0.04), 1.0):.2f}",
        tip,
    )


def _bars(edges: Sequence[float | str], counts: Sequence[int]) -> list[tuple[float, float, float]]:
    """Place each bar: left, right and top; area, not height, is what stands for rows."""
    starts = _scaled(edges, len(counts))
    densities = [
        rows / (right - left) if right > left else float(rows)
        for rows, left, right in zip(counts, starts, starts[1:], strict=False)
    ]
    tallest = max(densities, default=0.0) or 1.0
    bars = list[tuple[float, float, float]]()
    for left, right, density in zip(starts, starts[1:], densities, strict=False):
        height = max(_HEIGHT * density / tallest, _LEAST_HEIGHT) if density else 0.0
        gap = min((right - left) * _BAR_GAP, 2 / _WIDTH)
        bars.append((_WIDTH * left, _WIDTH * (right - gap), _HEIGHT - height))
    return bars


def _scaled(edges: Sequence[float | str], bins: int) -> list[float]:
    """Bring edges to [0, 1]; evenly when they cannot be told apart or read."""
    places = [place for place in map(edge_number, edges) if place is not None]
    if len(places) != bins + 1 or places != sorted(set(places)):
        return [step / max(bins, 1) for step in range(bins + 1)]
    return [_position(place, places[0], places[-1]) for place in places]


def edge_number(edge: float | str) -> float | None:
    """Return a bin's edge as a number: moments in seconds since 1970; None for other text."""
    if not isinstance(edge, str):
        return float(edge)
    try:
        read = datetime.fromisoformat(edge)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _position(value: float, low: float, high: float) -> float:
    """Say how far a value lies from low (0) to high (1), however large the floats."""
    span = high / 2 - low / 2
    if not span or not math.isfinite(span):
        return 0.5
    return min(max((value / 2 - low / 2) / span, 0.0), 1.0)


def _short(measured: float) -> str:
    """Write a coordinate with one decimal, nothing trailing.

    >>> [_short(x) for x in (300.0, 2.5, 0.333, 0.0)]
    ['300', '2.5', '0.3', '0']
    """
    return f"{measured:.1f}".removesuffix(".0")


def _isolated(name: str) -> str:
    return f"{_FIRST_STRONG_ISOLATE}{visible(name)}{_POP_ISOLATE}"


def _label(name: str) -> str:
    text = visible(name)
    return (
        text
        if len(text) <= _LABEL_CHARACTERS
        else text[: _LABEL_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )
