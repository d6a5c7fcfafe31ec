"""What a person sees of `quality.json` and `drift.json` on the report: verdicts, then reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from voyant.artifacts.drift import ColumnDrift, DriftArtifact, TableDrift
from voyant.artifacts.quality import CheckResult, QualityArtifact, TableQuality
from voyant.report import svg
from voyant.report.drift_drawing import overlay
from voyant.report.format import (
    Figure,
    Value,
    column_name,
    count,
    day,
    number,
    percent,
    plural,
    points,
    value,
    visible,
)
from voyant.report.views import Badge, Printed

__all__ = [
    "DriftView",
    "QualityView",
    "drift_badge",
    "drift_view",
    "quality_badge",
    "quality_view",
]

_CHECKS: Final = 25
_COLUMNS: Final = 24
_STATUSES: Final = {"error": "critical", "warning": "warn", "info": "info"}
_RANKS: Final = tuple(_STATUSES)
_WORDS: Final = {"error": "error", "warning": "warning", "info": "note"}
_TABLE_BADGES: Final = {
    "failed": Badge(status="critical", text="failed"),
    "warnings": Badge(status="warn", text="warnings"),
    "passed": Badge(status="ok", text="passed"),
    "not_assessed": Badge(status="not_assessed", text="not assessed"),
}
_DRIFT_BADGES: Final = {
    "drifted": Badge(status="warn", text="drifted"),
    "stable": Badge(status="ok", text="stable"),
    "no_baseline": Badge(status="info", text="first run"),
    "not_assessable": Badge(status="not_assessed", text="not assessable"),
}
_MEASURES: Final = {
    "wasserstein_normed": "Wasserstein distance",
    "js_distance": "Jensen-Shannon distance",
    "psi": "PSI",
    "ks_statistic": "KS statistic",
    "null_fraction_change": "change of missing values",
    "pattern_js_distance": "Jensen-Shannon distance of shapes",
    "length_change": "change of mean length",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionLine:
    """One dimension of quality."""

    label: str
    figure: Figure
    bar: Markup
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLine:
    """One table."""

    name: Value
    score: Figure
    bar: Markup
    failed: Figure
    passed: Figure
    open: Figure
    badge: Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One check that failed."""

    badge: Badge
    where: Value
    title: Value
    message: Value
    share: Figure | None
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """What was checked."""

    score: Figure
    badge: Badge
    summary: str
    dimensions: list[DimensionLine]
    tables: list[QualityLine]
    checks: list[CheckLine]
    rest: int


def quality_badge(artifact: QualityArtifact) -> Badge:
    """Say how the checks went, in words."""
    failed = [check.severity for check in artifact.checks if check.status == "failed"]
    errors, warnings = failed.count("error"), failed.count("warning")
    if errors:
        return Badge(status="critical", text=f"{plural(errors, 'check')} failed")
    if warnings:
        return Badge(status="warn", text=plural(warnings, "warning"))
    if artifact.verdict == "not_assessed":
        return Badge(status="not_assessed", text="not assessed")
    return Badge(status="ok", text="all checks passed")


def quality_view(artifact: QualityArtifact) -> QualityView:
    """Format the checks: those that failed, the worst first, and the sums of the rest."""
    statuses: list[str] = [check.status for check in artifact.checks]
    failed = sorted(
        (check for check in artifact.checks if check.status == "failed"),
        key=lambda check: (_RANKS.index(check.severity), -(check.failing_fraction or 0)),
    )
    parts = [
        f"{count(statuses.count(status))} {word}"
        for status, word in (
            ("failed", "failed"),
            ("passed", "passed"),
            ("not_assessed", "could not be assessed"),
        )
        if statuses.count(status)
    ]
    return QualityView(
        score=points(artifact.score),
        badge=quality_badge(artifact),
        summary=f"{plural(len(statuses), 'check')}: {', '.join(parts)}." if parts else "No checks.",
        dimensions=[
            DimensionLine(
                label=name,
                figure=points(found.score),
                bar=Markup() if found.score is None else svg.share_bar(found.score),
                note=f"{found.failed_count} failed" if found.failed_count else "",
            )
            for name, found in artifact.dimensions.items()
        ],
        tables=[_quality_line(name, table) for name, table in artifact.tables.items()],
        checks=[_check_line(check) for check in failed[:_CHECKS]],
        rest=len(failed[_CHECKS:]),
    )


def _quality_line(name: str, table: TableQuality) -> QualityLine:
    return QualityLine(
        name=column_name(name),
        score=points(table.score),
        bar=Markup() if table.score is None else svg.share_bar(table.score),
        failed=count(table.failed_count),
        passed=count(table.passed_count),
        open=count(table.not_assessed_count),
        badge=_TABLE_BADGES[table.verdict],
    )


def _check_line(check: CheckResult) -> CheckLine:
    where = ", ".join(f"{check.table}.{column}" for column in check.columns) or check.table
    share = check.failing_fraction
    return CheckLine(
        badge=Badge(status=_STATUSES[check.severity], text=_WORDS[check.severity]),
        where=column_name(where, length=80),
        title=value(check.title, length=200),
        message=value(check.message, length=300),
        share=None if share is None else percent(share),
        bar=Markup() if share is None else svg.share_bar(share, "miss"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLine:
    """One table against its reference."""

    link: str
    name: Value
    badge: Badge
    against: Printed
    drifted: str
    rows: Printed
    reasons: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedColumn:
    """A column that drifted."""

    link: str
    name: Value
    what: Printed
    drawing: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """What has moved."""

    tables: list[DriftLine]
    moved: list[MovedColumn]
    rest: int


def drift_badge(artifact: DriftArtifact) -> Badge:
    """Say how many tables moved, in words."""
    statuses = [table.status for table in artifact.tables.values()]
    if "drifted" in statuses:
        return Badge(status="warn", text="drifted")
    if "stable" in statuses:
        return Badge(status="ok", text="stable")
    if "no_baseline" in statuses:
        return Badge(status="info", text="first run")
    return Badge(status="not_assessed", text="not assessable")


def drift_view(artifact: DriftArtifact) -> DriftView:
    """Format the tables, and the columns that drifted, the farthest first."""
    lines: list[DriftLine] = []
    moved: list[tuple[float, MovedColumn]] = []
    for place, (name, table) in enumerate(artifact.tables.items(), start=1):
        anchor = f"drift.html#t{place}"
        lines.append(_drift_line(anchor, name, table))
        moved += [
            (
                (column.value or 0) / (column.threshold or 1),
                _moved(f"{anchor}-c{at}", f"{name}.{column_key}", column),
            )
            for at, (column_key, column) in enumerate(table.columns.items(), start=1)
            if column.status == "drifted"
        ]
    moved.sort(key=lambda pair: -pair[0])
    return DriftView(
        tables=lines,
        moved=[column for _, column in moved[:_COLUMNS]],
        rest=len(moved[_COLUMNS:]),
    )


def _drift_line(link: str, name: str, table: TableDrift) -> DriftLine:
    against: Printed = ""
    if table.split is not None:
        against = Markup("its rows before {}").format(value(table.split, length=40))
    elif table.compared_with == "reference":
        against = "the reference table of this run"
    elif table.baseline_job_id is not None:
        against = Markup("job {}, {}").format(
            value(table.baseline_job_id, length=40), day(table.baseline_stored_at or "")
        )
    assessed = table.assessed_column_count
    return DriftLine(
        link=link,
        name=column_name(name),
        badge=_DRIFT_BADGES.get(table.status, Badge(status="info", text=visible(table.status))),
        against=against,
        drifted=f"{table.drifted_column_count} of {assessed}" if assessed else "",
        rows=_volume(table),
        reasons=value("; ".join(table.reasons), length=300) if table.reasons else None,
    )


def _volume(table: TableDrift) -> Printed:
    volume = table.volume
    if volume is None:
        return ""
    return Markup("{} → {}").format(
        count(volume.reference_row_count), count(volume.current_row_count)
    )


def _moved(link: str, name: str, column: ColumnDrift) -> MovedColumn:
    return MovedColumn(
        link=link,
        name=column_name(name),
        what=Markup("{} {}, limit {}").format(
            _MEASURES.get(column.measure or "", visible(column.measure or "")),
            number(column.value),
            number(column.threshold),
        )
        if column.measure is not None
        else value(column.reason, length=200),
        drawing=_drawn(name, column),
    )


def _drawn(name: str, column: ColumnDrift) -> Markup:
    drawn = column.distribution
    if drawn is None or not _has_shares(drawn.reference, drawn.current):
        return Markup()
    title = f"Distribution of {column_name(name)}: bars now, line before"
    return overlay(drawn.edges, drawn.reference, drawn.current, title)


def _has_shares(*sides: Sequence[float]) -> bool:
    return any(share > 0 for side in sides for share in side)
