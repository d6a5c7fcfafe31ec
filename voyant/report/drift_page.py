"""What a person sees of `drift.json`: the verdict, what moved and by how much, what is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from voyant.artifacts.drift import (
    CategoryShift,
    ColumnDrift,
    DriftArtifact,
    SchemaDrift,
    TableDrift,
)
from voyant.report.drift_drawing import overlay
from voyant.report.format import (
    ABSENT,
    Figure,
    Value,
    column_name,
    count,
    day,
    moment,
    number,
    percent,
    plural,
    value,
    visible,
)
from voyant.report.page import render_page
from voyant.report.views import Badge, Fact, Printed, selected_notes

__all__ = ["render_drift"]

_MEASURES = {
    "wasserstein_normed": "Wasserstein",
    "js_distance": "Jensen-Shannon",
    "psi": "PSI",
    "ks_statistic": "Kolmogorov-Smirnov",
    "null_fraction_change": "Change of missing values",
    "pattern_js_distance": "Jensen-Shannon of shapes",
    "length_change": "Change of mean length",
}
_BADGES = {
    "drifted": Badge(status="warn", text="drifted"),
    "stable": Badge(status="ok", text="stable"),
    "no_baseline": Badge(status="info", text="first profile, nothing to compare with"),
    "not_assessable": Badge(status="not_assessed", text="not assessable"),
}
_SENTENCES = {
    "added": "added",
    "removed": "removed",
    "retyped": "changed its type",
}
_SHOWN_SHIFTS = 5
_TIPS_UP_TO_COLUMNS = 60
#: A drawing that leaves out more than this would mislead.
_MOST_NOT_SHOWN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedColumn:
    """A column that was assessed."""

    anchor: str
    name: Value
    treated_as: str
    measure: str
    value: Figure
    threshold: Figure
    inexact: str
    fraction: float
    """The value as a share of twice the threshold, for a bar with the threshold in its middle."""
    drawing: Markup | None
    left: Printed
    right: Printed
    outside: str
    sentences: list[Printed]
    facts: list[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenColumn:
    """A column that could not be assessed."""

    name: Value
    reason: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """One table."""

    anchor: str
    name: Value
    badge: Badge
    against: Printed
    tiles: list[Fact]
    reasons: list[Value]
    schema: list[tuple[Value, str]]
    drifted: list[MovedColumn]
    stable: list[MovedColumn]
    not_assessable: list[OpenColumn]


def render_drift(artifact: DriftArtifact) -> str:
    """Render `drift.html`.

    Args:
        artifact: What was found.

    Returns:
        A page that needs nothing beside itself; the same artifact gives the same bytes.
    """
    total = sum(len(table.columns) for table in artifact.tables.values())
    tables = [
        _table(f"t{place}", name, table, has_tips=total <= _TIPS_UP_TO_COLUMNS)
        for place, (name, table) in enumerate(artifact.tables.items(), start=1)
    ]
    heading, badges = _verdict(list(artifact.tables.values()))
    context = {
        "selected": selected_notes(artifact.selections),
        "heading": heading,
        "badges": badges,
        "tables": tables,
        "unused_rules": [value(rule) for rule in artifact.unused_rules],
    }
    return render_page("drift.html.j2", context, title="Drift", styles=["drift"])


def _verdict(tables: Sequence[TableDrift]) -> tuple[str, list[Badge]]:
    """Say first what matters most."""
    statuses = [table.status for table in tables]
    drifted, compared = statuses.count("drifted"), sum(bool(t.columns) for t in tables)
    moved = sum(table.drifted_column_count for table in tables)
    badges = [
        Badge(
            status=_BADGES[status].status, text=f"{plural(statuses.count(status), 'table')} {word}"
        )
        for status, word in (
            ("drifted", "drifted"),
            ("stable", "stable"),
            ("no_baseline", "without a baseline"),
            ("not_assessable", "not assessable"),
        )
        if status in statuses
    ]
    if not tables:
        return "No tables", [Badge(status="not_assessed", text="this run had no tables")]
    if drifted:
        return f"{drifted} of {plural(compared, 'table')} drifted", badges
    if not compared:
        return "Nothing to compare with yet", badges
    if moved:
        return f"Stable, but {plural(moved, 'column')} moved", badges
    return "No drift", badges


def _table(anchor: str, name: str, table: TableDrift, *, has_tips: bool) -> TableView:
    columns = [
        (f"{anchor}-c{place}", column, drift)
        for place, (column, drift) in enumerate(table.columns.items(), start=1)
    ]
    moved = [
        (drift, _moved(place, column, drift, has_tips=has_tips))
        for place, column, drift in columns
        if drift.status != "not_assessable"
    ]
    moved.sort(key=lambda pair: -((pair[0].value or 0) / (pair[0].threshold or 1)))
    return TableView(
        anchor=anchor,
        name=column_name(name),
        badge=_BADGES[table.status],
        against=_against(table),
        tiles=_tiles(table) if table.columns else [],
        reasons=[value(reason, length=300) for reason in table.reasons],
        schema=[
            (column_name(c.column or "columns"), _schema_sentence(c)) for c in table.schema_changes
        ],
        drifted=[view for drift, view in moved if drift.status == "drifted"],
        stable=[view for drift, view in moved if drift.status == "stable"],
        not_assessable=[
            OpenColumn(name=column_name(column), reason=value(drift.reason, length=200))
            for _, column, drift in columns
            if drift.status == "not_assessable"
        ],
    )


def _against(table: TableDrift) -> Printed:
    if table.split is not None:
        return Markup("Its rows from {} on, compared exactly with those before.").format(
            value(table.split)
        )
    if table.compared_with == "reference":
        return "Compared exactly with the reference table of this run."
    if table.baseline_job_id is None:
        return ""
    return Markup("Compared with the profile that job {} left {}.").format(
        value(table.baseline_job_id), day(table.baseline_stored_at or "")
    )


def _tiles(table: TableDrift) -> list[Fact]:
    tiles = [
        Fact(
            label="Drifted columns",
            figure=count(table.drifted_column_count),
            note=f"of {table.assessed_column_count} assessed",
        ),
        Fact(
            label="Not assessable",
            figure=count(table.not_assessable_column_count),
            note=plural(len(table.columns), "column") + " in all",
        ),
    ]
    volume, freshness = table.volume, table.freshness
    if volume is not None:
        tiles.append(
            Fact(
                label="Rows",
                figure=count(volume.current_row_count),
                note=f"{_signed_percent(volume.change_fraction)} from "
                f"{count(volume.reference_row_count)}",
            )
        )
    if freshness is not None:
        tiles.append(
            Fact(
                label="Newest event",
                figure=day(freshness.current_newest) if freshness.current_newest else ABSENT,
                note=f"before: {day(freshness.reference_newest)}"
                if freshness.reference_newest and not freshness.reason
                else visible(freshness.reason),
            )
        )
    return tiles


def _schema_sentence(change: SchemaDrift) -> str:
    if change.kind == "reordered":
        return "stand in another order"
    if change.kind == "renamed":
        return f"seems to be {visible(change.before or '')} under a new name (a guess)"
    types = " to ".join(visible(part) for part in (change.before, change.after) if part)
    link = "from " if change.kind == "retyped" else "as "
    return f"{_SENTENCES[change.kind]}{' ' + link + types if types else ''}"


def _moved(anchor: str, name: str, column: ColumnDrift, *, has_tips: bool) -> MovedColumn:
    measured, threshold = column.value or 0.0, column.threshold or 1.0
    made = column.approximations.get(column.measure or "")
    drawing, left, right, outside = _drawing(name, column, has_tips=has_tips)
    return MovedColumn(
        anchor=anchor,
        name=column_name(name),
        treated_as=column.treated_as,
        measure=_MEASURES.get(column.measure or "", column.measure or ""),
        value=number(column.value),
        threshold=number(column.threshold),
        inexact=""
        if made is None
        else f"{visible(made.method)}, off by {number(made.error)} at most",
        fraction=min(measured / threshold / 2, 1.0),
        drawing=drawing,
        left=left,
        right=right,
        outside=outside,
        sentences=_sentences(column),
        facts=_facts(column),
    )


def _drawing(
    name: str, column: ColumnDrift, *, has_tips: bool
) -> tuple[Markup | None, Printed, Printed, str]:
    drawn = column.distribution
    if drawn is None:
        return None, "", "", ""
    edges: list[float | str] = list(drawn.edges)
    labels = (
        _ranges(edges, is_whole=drawn.is_whole)
        if edges
        else [value(category).text for category in drawn.categories]
    )
    tips = [
        f"{label}: {percent(before)} before, {percent(after)} now"
        for label, before, after in zip(labels, drawn.reference, drawn.current, strict=True)
    ]
    rest = max(drawn.reference_rest, drawn.current_rest)
    if rest > _MOST_NOT_SHOWN:
        return None, "", "", f"too many different values to draw: {percent(rest)} not shown"
    title = f"Distribution of {visible(name)}: bars now, line before"
    figure = overlay(edges, drawn.reference, drawn.current, title, tips if has_tips else ())
    outside = f"{percent(rest)} not shown" if rest > 0.02 else ""  # noqa: PLR2004 - tails are cut
    if edges:
        last = edges[-1] - 1 if drawn.is_whole and not isinstance(edges[-1], str) else edges[-1]
        return figure, _point(edges[0]), _point(last), outside
    ends = [value(c, length=18) for c in (drawn.categories[0], drawn.categories[-1])]
    return figure, ends[0], ends[1] if len(drawn.categories) > 1 else "", outside


def _ranges(edges: Sequence[float | str], *, is_whole: bool) -> list[str]:
    """Name what lies between edges; whole numbers by the first and the last of them."""
    named: list[str] = []
    for low, high in pairwise(edges):
        last = high - 1 if is_whole and not isinstance(high, str) else high
        named.append(str(_point(low)) if last == low else f"{_point(low)} to {_point(last)}")
    return named


def _point(at: float | str | None) -> Figure:
    if at is None:
        return ABSENT
    return moment(at) if isinstance(at, str) else number(at)


def _sentences(column: ColumnDrift) -> list[Printed]:
    """Say what moved, from where to where."""
    found: list[Printed] = []
    if column.treated_as in {"number", "time"}:
        found += _move("Mean", column.reference_mean, column.current_mean)
        found += _move("median", column.reference_median, column.current_median)
    found += _category_sentences(column)
    if column.treated_as == "text" and column.reference_mean_length is not None:
        found.append(
            Markup("Mean length {} → {} characters").format(
                number(column.reference_mean_length), number(column.current_mean_length)
            )
        )
    if column.null_fraction_change:
        found.append(
            Markup("missing {} → {}").format(
                percent(column.reference_null_fraction), percent(column.current_null_fraction)
            )
        )
    return found


def _move(label: str, before: float | str | None, after: float | str | None) -> list[Printed]:
    if before is None or after is None:
        return []
    points = [_point(before), _point(after)]
    if isinstance(before, str) and isinstance(after, str) and before[:10] != after[:10]:
        points = [day(before), day(after)]
    return [Markup("{} {} → {}").format(label, points[0], points[1])]


def _category_sentences(column: ColumnDrift) -> list[Printed]:
    drawn = column.distribution
    if drawn is None or not drawn.categories:
        return []
    most, place = max(
        (abs(after - before), -at)
        for at, (before, after) in enumerate(zip(drawn.reference, drawn.current, strict=True))
    )
    found: list[Printed] = []
    if most:
        found.append(
            Markup("Most changed{}: {} {} → {}").format(
                " shape" if column.treated_as == "text" else "",
                value(drawn.categories[-place], length=24),
                percent(drawn.reference[-place]),
                percent(drawn.current[-place]),
            )
        )
    if column.new_category_count:
        found.append(_shift("new", column.new_category_count, column.new_categories))
    if column.vanished_category_count:
        found.append(_shift("vanished", column.vanished_category_count, column.vanished_categories))
    return found


def _shift(word: str, total: int, shifts: Sequence[CategoryShift]) -> Markup:
    shown = Markup(", ").join(
        Markup("{} <small>{}</small>").format(value(s.value, length=24), percent(s.fraction))
        for s in shifts[:_SHOWN_SHIFTS]
    )
    more = ", …" if total > _SHOWN_SHIFTS else ""
    return Markup("{} {}: {}{}").format(count(total), word, shown, more)


def _facts(column: ColumnDrift) -> list[Fact]:
    facts = [
        Fact(label="Population stability index", figure=number(column.psi)),
        Fact(label="Jensen-Shannon distance", figure=number(column.js_distance)),
        Fact(label="Wasserstein, in standard deviations", figure=number(column.wasserstein_normed)),
        Fact(label="Kolmogorov-Smirnov", figure=number(column.ks_statistic)),
        Fact(label="Shapes of text, Jensen-Shannon", figure=number(column.pattern_js_distance)),
    ]
    if column.p_value is not None:
        facts.append(Fact(label=f"p-value, {column.p_value_test}", figure=number(column.p_value)))
    return [fact for fact in facts if fact.figure != ABSENT]


def _signed_percent(fraction: float | None) -> str:
    if fraction is None:
        return "not comparable"
    if not fraction:
        return "unchanged"
    return f"{'+' if fraction > 0 else '−'}{percent(abs(fraction))}"  # noqa: RUF001 - a real minus
