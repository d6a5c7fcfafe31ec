"""Which columns that drifted are worth a chart, and how do then and now look side by side?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from voyant.artifacts.drift import ColumnDrift, DistributionDrift, DriftArtifact, TableDrift
from voyant.artifacts.pointers import make_pointer
from voyant.generators.chart_findings import Finding
from voyant.report import format as fmt
from voyant.report.vega import Drawing, Heading
from voyant.report.vega_bars import BarPanel, bar_panels
from voyant.report.vega_format import Look, clipped
from voyant.report.vega_lines import Place, Point, line_chart
from voyant.report.vega_theme import ACCENT, NEUTRAL

__all__ = ["drift_strength", "find_drift"]

_CATEGORIES: Final = 15
_MEASURES: Final = {
    "wasserstein_normed": "moved by {} standard deviations on average",
    "js_distance": "Jensen-Shannon distance {}",
    "psi": "population stability index {}",
    "ks_statistic": "Kolmogorov-Smirnov statistic {}",
}


def drift_strength(value: float, threshold: float) -> float:
    """Return how much a drift shows, in [0.5, 1): one half at its threshold.

    >>> drift_strength(0.25, 0.25), drift_strength(0.75, 0.25)
    (0.5, 0.75)
    """
    return value / (value + threshold)


def find_drift(document: object) -> list[Finding]:
    """List the drifted columns of `drift.json` whose distributions it holds."""
    artifact = DriftArtifact.model_validate(document)
    return [
        _finding(name, table, column, drift)
        for name, table in artifact.tables.items()
        for column, drift in table.columns.items()
        if drift.status == "drifted" and drift.distribution is not None
    ]


def _finding(name: str, table: TableDrift, column: str, drift: ColumnDrift) -> Finding:
    how = _MEASURES.get(drift.measure or "", "{} by " + (drift.measure or "its measure"))
    moved = how.format(fmt.number(drift.value)) if drift.value is not None else drift.reason
    then = "reference" if table.compared_with == "reference" else "baseline"

    def draw() -> Drawing:
        assert drift.distribution is not None, "find_drift keeps no other"  # noqa: S101 - for types
        heading = Heading(
            title=f"{clipped(column, 28)} has drifted", subtitle=f"Since the {then}: {moved}."
        )
        return _drawing(heading, column, drift.distribution, then.capitalize())

    is_measured = drift.value is not None and drift.threshold
    return Finding(
        kind="drift",
        table=name,
        columns=(column,),
        strength=drift_strength(drift.value or 0.0, drift.threshold or 1.0) if is_measured else 0.5,
        reason=f"{column} has drifted since the {then}: {moved}",
        draw=draw,
        artifact="drift.json",
        pointer=make_pointer("tables", name, "columns", column),
    )


def _drawing(heading: Heading, column: str, shares: DistributionDrift, then: str) -> Drawing:
    places = [place for place in map(_number, shares.edges) if place is not None]
    is_ranges = len(places) == len(shares.reference) + 1 and places == sorted(set(places))
    if is_ranges and len(places) > 2:  # noqa: PLR2004 - two bins make a line
        return _outlines(heading, column, places, shares, then)
    names = [fmt.value(category).text for category in shares.categories]
    names = [clipped(name) for name in names] or [str(n + 1) for n in range(len(shares.reference))]
    order = sorted(
        range(len(names)), key=lambda row: -max(shares.reference[row], shares.current[row])
    )[:_CATEGORIES]
    if all(_is_plain_number(category) for category in shares.categories):
        order.sort()  # the artifact lists numbers by their size: 1 to 12, not the fullest first
    panels = [
        BarPanel(
            look=Look(title=title, format=".1%"), values=[side[row] for row in order], color=color
        )
        for title, side, color in (
            (then, shares.reference, NEUTRAL),
            ("Now", shares.current, ACCENT),
        )
    ]
    note = f" The {_CATEGORIES} largest of {len(names)}." if len(names) > _CATEGORIES else ""
    heading = Heading(title=heading.title, subtitle=heading.subtitle + note)
    return bar_panels(heading, [names[row] for row in order], panels, Look(title=column))


def _outlines(
    heading: Heading, column: str, edges: Sequence[float], shares: DistributionDrift, then: str
) -> Drawing:
    """Draw both sides as lines through the middles of the bins; a wide bin is spread out."""
    is_time = isinstance(shares.edges[0], str)
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    said = [fmt.day(edge) if isinstance(edge, str) else fmt.number(edge) for edge in shares.edges]
    bounds = [f"{low} to {high}" for low, high in pairwise(said)]
    points = [
        Point(
            x=Place(at=(low + high) / 2, text=text),
            y=share * width / (high - low),
            series=series,
        )
        for series, side in ((then, shares.reference), ("Now", shares.current))
        for low, high, share, text in zip(edges, edges[1:], side, bounds, strict=False)
    ]
    look = Look(title="Share of rows", format=".1%")
    return line_chart(
        heading, points, Look(title=column), look, is_time=is_time, colors={then: NEUTRAL}
    )


def _is_plain_number(category: object) -> bool:
    return isinstance(category, (int, float)) and not isinstance(category, bool)


def _number(edge: float | str) -> float | None:
    if not isinstance(edge, str):
        return float(edge)
    try:
        moment = datetime.fromisoformat(edge)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
