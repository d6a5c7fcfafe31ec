"""What a person sees of the tables on the report: each in a line, and how fit it is to use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from voyant.artifacts.profile import ColumnProfile, ProfileArtifact, TableProfile
from voyant.artifacts.sufficiency import (
    ComponentResult,
    LedgerEntry,
    ReferenceResult,
    SufficiencyArtifact,
    TableSufficiency,
)
from voyant.report import svg
from voyant.report.format import (
    Figure,
    Value,
    column_name,
    count,
    number,
    percent,
    plural,
    points,
    value,
)
from voyant.report.views import AlertView, Badge, Printed, alert_views, verdict

__all__ = [
    "SUFFICIENCY_BADGES",
    "ColumnTile",
    "SufficiencyView",
    "TableLine",
    "sufficiency_view",
    "table_lines",
]

#: Beyond so many columns a table's are named, not drawn: the page must stay small.
_DRAWN_COLUMNS: Final = 150
_ALERTS: Final = 5
_LEDGER: Final = 12
_REFERENCES: Final = 50
_ROUND: Final = 100
#: The most frequent value of a column that is worth drawing.
_LEAST_FRACTION: Final = 0.02

SUFFICIENCY_BADGES: Final = {
    "sufficient": Badge(status="ok", text="sufficient"),
    "usable_with_care": Badge(status="warn", text="usable with care"),
    "insufficient": Badge(status="critical", text="insufficient"),
    "not_assessed": Badge(status="not_assessed", text="not assessed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTile:
    """One column, as small as it can be told."""

    link: str
    name: Value
    drawing: Markup
    note: Printed


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """One table."""

    link: str
    name: Value
    rows: Figure
    column_count: Figure
    missing: Figure
    missing_fraction: float
    duplicates: Figure
    keys: list[Value]
    verdict: list[Badge]
    alerts: list[AlertView]
    alerts_rest: str
    columns: list[ColumnTile]
    undrawn: str


def table_lines(artifact: ProfileArtifact) -> list[TableLine]:
    """Format the tables, in the order of the profile; links lead into `profile.html`."""
    room = _DRAWN_COLUMNS
    lines: list[TableLine] = []
    for place, (name, table) in enumerate(artifact.tables.items(), start=1):
        lines.append(_table_line(f"profile.html#t{place}", name, table, room))
        room = max(room - len(table.columns), 0)
    return lines


def _table_line(link: str, name: str, table: TableProfile, room: int) -> TableLine:
    anchors = {column: f"{link}-c{at}" for at, column in enumerate(table.columns, start=1)}
    alerts = alert_views(table.alerts, anchors)
    shortest = min(table.candidate_keys, key=lambda key: len(key.columns), default=None)
    tiles = [
        _tile(anchors[column], column, profile)
        for column, profile in list(table.columns.items())[:room]
    ]
    undrawn = len(table.columns) - len(tiles)
    return TableLine(
        link=link,
        name=column_name(name),
        rows=count(table.row_count),
        column_count=count(table.column_count),
        missing=percent(table.missing_cell_fraction),
        missing_fraction=table.missing_cell_fraction,
        duplicates=count(table.duplicate_row_count),
        keys=[column_name(column) for column in shortest.columns] if shortest else [],
        verdict=verdict(alerts),
        alerts=alerts[:_ALERTS],
        alerts_rest=plural(len(alerts[_ALERTS:]), "more alert") if alerts[_ALERTS:] else "",
        columns=tiles,
        undrawn=f"{undrawn} more" if undrawn else "",
    )


def _tile(link: str, name: str, column: ColumnProfile) -> ColumnTile:
    drawing, histogram = Markup(), column.histogram
    identifier = "i" + link.partition("#")[2]
    if histogram is not None and sum(histogram.counts) > 0 and column.distinct_count != 1:
        drawing = svg.small_histogram(
            histogram.edges, histogram.counts, f"Distribution of {column_name(name)}", identifier
        )
    elif _has_frequent_values(column):
        drawing = svg.stacked_bar(top.fraction for top in column.top_values[:5])
    if column.null_count:
        note: Printed = Markup("{} missing").format(percent(column.null_fraction))
    elif column.is_unique:
        note = "unique"
    elif column.distinct_count == 1 and column.top_values:
        note = Markup("always {}").format(value(column.top_values[0].value, length=20))
    else:
        note = Markup("{} different").format(count(column.distinct_count))
    return ColumnTile(link=link, name=column_name(name), drawing=drawing, note=note)


def _has_frequent_values(column: ColumnProfile) -> bool:
    top = column.top_values
    return bool(top) and not column.is_unique and top[0].fraction > _LEAST_FRACTION


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreView:
    """A score in [0, 1]: its number, its bar, and why there is none."""

    label: str
    figure: Figure
    bar: Markup
    note: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class FitnessLine:
    """How fit one table is."""

    name: Value
    score: Figure
    bar: Markup
    badge: Badge
    reason: Value
    components: list[ScoreView]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What cost points, and what to do about it."""

    points: Figure
    table: Value
    what: str
    evidence: Value
    needs: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLine:
    """One measured reference between two tables."""

    child: Value
    parent: Value
    containment: Figure
    bar: Markup
    orphans: Figure
    fan_out: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class SufficiencyView:
    """How fit the tables are."""

    score: Figure
    badge: Badge
    reason: Value
    components: list[ScoreView]
    tables: list[FitnessLine]
    heads: list[tuple[str, bool]]
    costs: list[CostLine]
    costs_rest: int
    needs: list[Value]
    references: list[ReferenceLine]
    references_rest: int
    rules: str


def sufficiency_view(artifact: SufficiencyArtifact) -> SufficiencyView:
    """Format the scores, what cost points, and what was measured."""
    heads = list(next(iter(artifact.tables.values())).components) if artifact.tables else []
    thresholds = artifact.rules.verdict_thresholds
    return SufficiencyView(
        score=points(artifact.score),
        badge=_badge(artifact.verdict),
        reason=value(_sentence(artifact.verdict_reason), length=300),
        components=[
            _score(name, score, "not assessed for any table")
            for name, score in artifact.component_scores.items()
        ],
        tables=[_fitness(name, table) for name, table in artifact.tables.items()],
        heads=[
            ("Table", False),
            ("Score", True),
            *((head.replace("_", " ").capitalize(), True) for head in heads),
            ("Verdict", False),
        ],
        costs=[_cost(entry) for entry in artifact.ledger[:_LEDGER]],
        costs_rest=len(artifact.ledger[_LEDGER:]),
        needs=[value(need, length=300) for need in artifact.needs],
        references=[_reference(found) for found in artifact.references[:_REFERENCES]],
        references_rest=len(artifact.references[_REFERENCES:]),
        rules=_sentence(
            ", ".join(
                f"{name.replace('_', ' ')} from {count(round(_ROUND * least))}"
                for name, least in thresholds.items()
            )
        ),
    )


def _sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _badge(verdict_name: str) -> Badge:
    return SUFFICIENCY_BADGES.get(verdict_name, Badge(status="info", text=verdict_name))


def _score(label: str, score: float | None, reason: str) -> ScoreView:
    return ScoreView(
        label=label.replace("_", " "),
        figure=points(score),
        bar=Markup() if score is None else svg.share_bar(score),
        note=value(reason, length=300),
    )


def _fitness(name: str, table: TableSufficiency) -> FitnessLine:
    return FitnessLine(
        name=column_name(name),
        score=points(table.score),
        bar=Markup() if table.score is None else svg.share_bar(table.score),
        badge=_badge(table.verdict),
        reason=value(table.verdict_reason, length=300),
        components=_components(table.components),
    )


def _components(components: Mapping[str, ComponentResult]) -> list[ScoreView]:
    return [
        _score(name, found.score, found.evidence if found.score is not None else found.reason)
        for name, found in components.items()
    ]


def _cost(entry: LedgerEntry) -> CostLine:
    return CostLine(
        points=Figure(f"{entry.points:.2f}", repr(entry.points)),
        table=column_name(entry.table),
        what=f"{entry.component}, {entry.aspect}".replace("_", " "),
        evidence=value(entry.evidence, length=300),
        needs=value(entry.needs, length=300),
    )


def _reference(found: ReferenceResult) -> ReferenceLine:
    return ReferenceLine(
        child=column_name(f"{found.child_table}.{found.child_column}"),
        parent=column_name(f"{found.parent_table}.{found.parent_column}"),
        containment=percent(found.containment),
        bar=svg.share_bar(found.containment),
        orphans=count(found.orphan_row_count),
        fan_out=number(found.mean_fan_out),
    )
