"""What a person sees of `profile.json`: overview, alerts, columns at a glance, detail on demand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from voyant.artifacts.profile import ColumnProfile, ProfileArtifact, TableProfile
from voyant.report.column_view import ColumnView, column_view
from voyant.report.correlation_view import CorrelationView, correlation_view
from voyant.report.format import Figure, Value, column_name, count, percent, plural
from voyant.report.page import render_page
from voyant.report.views import (
    AlertView,
    Badge,
    Fact,
    alert_views,
    inexact_note,
    selected_notes,
    verdict,
)

__all__ = ["render_profile"]

_DETAILED_UP_TO_COLUMNS = 100
_KEYS = 12
_FAMILIES = {
    "integer": "numeric",
    "decimal": "numeric",
    "float": "numeric",
    "timestamp": "date",
    "list": "nested",
    "struct": "nested",
    "map": "nested",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """One table."""

    anchor: str
    name: Value
    tiles: list[Fact]
    rows: Figure
    column_count: Figure
    missing: Figure
    missing_fraction: float
    duplicates: Figure
    keys: list[list[Value]]
    keys_rest: int
    key_note: str
    verdict: list[Badge]
    alerts: list[AlertView]
    columns: list[ColumnView]
    correlations: CorrelationView | None


def render_profile(artifact: ProfileArtifact) -> str:
    """Render `profile.html`.

    Args:
        artifact: The profile; tables and columns stand in its order.

    Returns:
        A page that needs nothing beside itself; the same artifact gives the same bytes.
    """
    column_count = sum(len(table.columns) for table in artifact.tables.values())
    tables = [
        _table_view(f"t{place}", name, table, is_detailed=column_count <= _DETAILED_UP_TO_COLUMNS)
        for place, (name, table) in enumerate(artifact.tables.items(), start=1)
    ]
    several = plural(len(tables), "table")
    rows = sum(table.row_count for table in artifact.tables.values())
    context = {
        "selected": selected_notes(
            {n: t.selection.description for n, t in artifact.tables.items() if t.selection}
        ),
        "heading": tables[0].name if len(tables) == 1 else several,
        "lead": f"{plural(rows, 'row')} in {plural(column_count, 'column')}",
        "tables": tables,
        "column_count": column_count,
        "verdict_badges": verdict(alert for table in tables for alert in table.alerts),
    }
    subject = tables[0].name.text if len(tables) == 1 else several
    return render_page(
        "profile.html.j2", context, title=f"Profile of {subject}", styles=["profile"]
    )


def _table_view(anchor: str, name: str, table: TableProfile, *, is_detailed: bool) -> TableView:
    anchors = {column: f"{anchor}-c{place}" for place, column in enumerate(table.columns, start=1)}
    alerts = alert_views(table.alerts, anchors)
    by_column = defaultdict[str, list[AlertView]](list)
    for alert in alerts:
        by_column[alert.anchor].append(alert)
    cells = table.row_count * table.column_count
    missing = percent(
        table.missing_cell_fraction, f"{count(table.missing_cell_count)} of {count(cells)} cells"
    )
    return TableView(
        anchor=anchor,
        name=column_name(name),
        tiles=_tiles(table, missing),
        rows=count(table.row_count),
        column_count=count(table.column_count),
        missing=missing,
        missing_fraction=table.missing_cell_fraction,
        duplicates=count(table.duplicate_row_count),
        keys=[[column_name(part) for part in key.columns] for key in table.candidate_keys[:_KEYS]],
        keys_rest=len(table.candidate_keys[_KEYS:]),
        key_note=_key_note(table),
        verdict=verdict(alerts),
        alerts=alerts,
        columns=[
            column_view(
                anchors[column],
                column,
                profile,
                by_column[anchors[column]],
                is_detailed=is_detailed,
            )
            for column, profile in table.columns.items()
        ],
        correlations=correlation_view(table.correlations, anchors),
    )


def _tiles(table: TableProfile, missing: Figure) -> list[Fact]:
    made = table.approximations
    duplicates = inexact_note(made, "duplicate_row_count")
    if table.duplicate_row_count is None:
        duplicates = duplicates or "not assessed"
    elif table.duplicate_row_count and table.row_count:
        share = percent(table.duplicate_row_count / table.row_count)
        duplicates = f"{share} of rows" + (f", {duplicates}" if duplicates else "")
    return [
        Fact(label="Rows", figure=count(table.row_count), note=inexact_note(made, "row_count")),
        Fact(
            label="Columns",
            figure=count(table.column_count),
            note=_families(table.columns.values()),
        ),
        Fact(
            label="Missing cells",
            figure=missing,
            note=inexact_note(made, "missing_cell_count")
            or (f"{count(table.missing_cell_count)} cells" if table.missing_cell_count else ""),
        ),
        Fact(label="Duplicate rows", figure=count(table.duplicate_row_count), note=duplicates),
    ]


def _families(columns: Iterable[ColumnProfile]) -> str:
    """Count columns by family, most frequent first: `14 numeric, 4 text, 1 date`."""
    families = Counter(_FAMILIES.get(column.kind, column.kind) for column in columns)
    return ", ".join(f"{size} {family}" for family, size in families.most_common())


def _key_note(table: TableProfile) -> str:
    """Say how far pairs of columns were searched, where that matters."""
    search = table.key_search
    if search.pairs_checked >= search.pairs_possible:
        return ""
    possible = plural(search.pairs_possible, "possible pair")
    return f"{count(search.pairs_checked)} of {possible} of columns checked"
