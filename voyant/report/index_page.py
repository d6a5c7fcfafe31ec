"""What a person reads first: one page that ties a run together, verdict and story on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from voyant.artifacts.drift import DriftArtifact
from voyant.artifacts.kpis import KpisArtifact
from voyant.artifacts.narrative import Fact, NarrativeArtifact, Sentence
from voyant.artifacts.profile import ProfileArtifact
from voyant.artifacts.quality import QualityArtifact
from voyant.core.results import StepReport
from voyant.report.format import (
    ABSENT,
    Figure,
    Value,
    column_name,
    count,
    duration,
    moment,
    plural,
    points,
    value,
    visible,
)
from voyant.report.index_charts import charts_view
from voyant.report.index_findings import drift_badge, drift_view, quality_badge, quality_view
from voyant.report.index_kpis import is_judged, kpis_view
from voyant.report.index_tables import SUFFICIENCY_BADGES, sufficiency_view, table_lines
from voyant.report.page import render_page
from voyant.report.run_report import RunReport
from voyant.report.views import Badge, Printed, selected_notes

__all__ = ["SECTIONS", "render_index"]

#: Section -> its title, in the order of the page; each but the last has a generator's artifact.
SECTIONS: Final = {
    "tables": "Tables",
    "kpis": "KPIs",
    "sufficiency": "Sufficiency",
    "quality": "Quality",
    "drift": "Drift",
    "charts": "Charts",
    "run": "This run",
}

_STEP_BADGES: Final = {
    "ok": Badge(status="ok", text="ok"),
    "failed": Badge(status="critical", text="failed"),
    "skipped": Badge(status="not_assessed", text="skipped"),
}
_NAMED_TABLES: Final = 5
_MOST_CARDS: Final = 4
_FILES: Final = 4
#: Figures up to this length are set in bold: numbers, not whole clauses.
_STRONG_CHARACTERS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCard:
    """One large figure that leads to its section."""

    anchor: str
    label: str
    figure: Printed
    of: str
    badge: Badge
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section; `body` is what its template prints, None when there is nothing but a reason."""

    anchor: str
    title: str
    body: object
    absent: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """A file beside the page; `link` is percent-encoded."""

    name: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One generator of the run."""

    name: str
    description: Value
    badge: Badge
    reason: Value | None
    gate: str
    files: list[FileLink]
    files_rest: int
    took: Figure | None


def render_index(report: RunReport) -> str:
    """Render `index.html`.

    Returns:
        A page that needs nothing beside itself, with links to the job's other files; the same
        report gives the same bytes.
    """
    bodies = _bodies(report)
    context = {
        "selected": selected_notes(
            {n: t.selection.description for n, t in report.profile.tables.items() if t.selection}
            if report.profile is not None
            else {}
        ),
        "heading": _heading(report),
        "subject": _subject(report),
        "failures": [_step_line(step) for step in report.steps if step.status == "failed"],
        "cards": _cards(report),
        "story": _story(report.narrative),
        "no_story": value(report.absent.get("narrative", ""), length=300)
        if report.narrative is None
        else None,
        "sections": [
            Section(
                anchor=anchor,
                title=title,
                body=bodies.get(anchor),
                absent=value(_reason(report, anchor), length=300)
                if bodies.get(anchor) is None
                else None,
            )
            for anchor, title in SECTIONS.items()
        ],
    }
    return render_page(
        "index.html.j2",
        context,
        title=f"Report on {_title(report)}",
        styles=["index", "chart"],
        scripts=["tabs"],
    )


def _bodies(report: RunReport) -> dict[str, object]:
    """Make what each section prints, where there is something."""
    bodies: dict[str, object] = {"run": _run_view(report)}
    if report.profile is not None:
        bodies["tables"] = table_lines(report.profile)
    if report.kpis is not None and report.kpis.kpis:
        bodies["kpis"] = kpis_view(report.kpis)
    if report.sufficiency is not None:
        bodies["sufficiency"] = sufficiency_view(report.sufficiency)
    if report.quality is not None:
        bodies["quality"] = quality_view(report.quality)
    if report.drift is not None and report.drift.tables:
        bodies["drift"] = drift_view(report.drift)
    if report.charts is not None and report.charts.charts:
        bodies["charts"] = charts_view(report.charts, report.drawings)
    return bodies


def _reason(report: RunReport, anchor: str) -> str:
    if anchor == "kpis" and report.kpis is not None:
        return "No KPI was defined for this run."
    if anchor == "drift" and report.drift is not None:
        return "This run had no tables."
    if anchor == "charts" and report.charts is not None:
        return "There was nothing worth a chart."
    return report.absent.get(anchor, "") or "Nothing was made for this section."


def _heading(report: RunReport) -> str:
    """Say in a sentence whether the data serve, and whether the KPIs hold.

    Measured first, judged second; what could not be assessed is said, never passed over.
    """
    clauses = (
        _data_words(report),
        _check_words(report.quality),
        _kpi_words(report.kpis),
        _drift_words(report.drift),
    )
    return "; ".join(filter(None, clauses)) + "."


def _data_words(report: RunReport) -> str:
    found = report.sufficiency
    if found is not None:
        return {
            "sufficient": "The data is sufficient",
            "usable_with_care": "The data is usable with care",
            "insufficient": "The data is not sufficient",
        }.get(found.verdict, "The data could not be assessed")
    if report.profile is not None:
        return f"{plural(len(report.profile.tables), 'table')} profiled, not judged"
    return "Nothing was assessed"


def _kpi_words(kpis: KpisArtifact | None) -> str:
    judged = [] if kpis is None else [kpi for kpi in kpis.kpis if is_judged(kpi)]
    if not judged:
        return ""
    bad = [kpi for kpi in judged if kpi.status in {"warn", "critical", "error"}]
    if not bad:
        return "every KPI is within its limits" if len(judged) > 1 else "the KPI is in limits"
    verb = "needs" if len(bad) == 1 else "need"
    return f"{len(bad)} of {len(judged)} judged KPIs {verb} attention"


def _check_words(quality: QualityArtifact | None) -> str:
    if quality is None or quality.verdict != "failed":
        return ""
    failed = [c for c in quality.checks if c.status == "failed" and c.severity == "error"]
    return f"{plural(len(failed), 'quality check')} failed"


def _drift_words(drift: DriftArtifact | None) -> str:
    statuses = [] if drift is None else [table.status for table in drift.tables.values()]
    moved = statuses.count("drifted")
    if not moved:
        return ""
    compared = plural(moved + statuses.count("stable"), "table")
    return f"{moved} of {compared} {'has' if moved == 1 else 'have'} drifted"


def _names(report: RunReport) -> list[str]:
    return list(report.profile.tables) if report.profile is not None else list(report.tables)


def _title(report: RunReport) -> str:
    """Name the table, or count them; without a job's name, the same input gives the same bytes."""
    names = _names(report)
    return column_name(names[0]).text if len(names) == 1 else plural(len(names), "table")


def _subject(report: RunReport) -> list[Printed]:
    """Name what this is about: tables, rows, moment."""
    parts: list[Printed] = []
    names = _names(report)
    shown = Markup(", ").join(column_name(name).__html__() for name in names[:_NAMED_TABLES])
    rest = len(names) - _NAMED_TABLES
    if names:
        parts.append(shown + (f" and {rest} more" if rest > 0 else ""))
    if report.profile is not None:
        rows = sum(table.row_count for table in report.profile.tables.values())
        columns = sum(len(table.columns) for table in report.profile.tables.values())
        parts.append(f"{plural(rows, 'row')} in {plural(columns, 'column')}")
    parts.append(Markup("as of {}").format(moment(report.as_of.isoformat())))
    return parts


def _cards(report: RunReport) -> list[ScoreCard]:
    cards: list[ScoreCard] = []
    found = report.sufficiency
    if found is not None:
        cards.append(
            ScoreCard(
                anchor="sufficiency",
                label="Sufficiency",
                figure=points(found.score),
                of="of 100",
                badge=SUFFICIENCY_BADGES.get(
                    found.verdict, Badge(status="info", text=visible(found.verdict))
                ),
                note=f"{plural(len(found.ledger), 'thing')} to improve" if found.ledger else "",
            )
        )
    if report.kpis is not None and report.kpis.kpis:
        cards.append(_kpi_card(report.kpis))
    if report.quality is not None:
        checks = [check.status for check in report.quality.checks]
        cards.append(
            ScoreCard(
                anchor="quality",
                label="Quality",
                figure=points(report.quality.score),
                of="of 100",
                badge=quality_badge(report.quality),
                note=f"{count(checks.count('passed'))} of {plural(len(checks), 'check')} passed",
            )
        )
    if report.drift is not None and report.drift.tables:
        cards.append(_drift_card(report.drift))
    if report.profile is not None and len(cards) < _MOST_CARDS:
        cards.append(_profile_card(report.profile))
    return cards


def _drift_card(drift: DriftArtifact) -> ScoreCard:
    tables = list(drift.tables.values())
    compared = [table for table in tables if table.status in {"drifted", "stable"}]
    moved = sum(table.drifted_column_count for table in tables)
    return ScoreCard(
        anchor="drift",
        label="Tables drifted",
        figure=count(sum(table.status == "drifted" for table in tables)) if compared else ABSENT,
        of=f"of {len(compared)}" if compared else "",
        badge=drift_badge(drift),
        note=f"{plural(moved, 'column')} moved" if moved else "",
    )


def _kpi_card(kpis: KpisArtifact) -> ScoreCard:
    judged = [kpi for kpi in kpis.kpis if is_judged(kpi)]
    statuses = [kpi.status for kpi in judged]
    good, total = statuses.count("ok"), plural(len(kpis.kpis), "KPI")
    if not judged:
        badge = Badge(status="not_assessed", text="no limits given")
        return ScoreCard(
            anchor="kpis", label="KPIs", figure=count(len(kpis.kpis)), of="", badge=badge, note=""
        )
    status, text = "ok", "all within limits"
    if {"critical", "error"} & set(statuses):
        bad = statuses.count("critical") + statuses.count("error")
        status, text = "critical", f"{bad} critical"
    elif "warn" in statuses:
        status, text = "warn", plural(statuses.count("warn"), "warning")
    elif good < len(judged):
        status, text = "not_assessed", f"{len(judged) - good} without data"
    return ScoreCard(
        anchor="kpis",
        label="KPIs within limits",
        figure=count(good),
        of=f"of {len(judged)}",
        badge=Badge(status=status, text=text),
        note=f"{total} in all" if len(kpis.kpis) > len(judged) else "",
    )


def _profile_card(profile: ProfileArtifact) -> ScoreCard:
    tables = profile.tables.values()
    severities = [alert.severity for table in tables for alert in table.alerts]
    errors, warnings = severities.count("error"), severities.count("warning")
    if errors:
        badge = Badge(status="critical", text=plural(errors, "problem"))
    elif warnings:
        badge = Badge(status="warn", text=plural(warnings, "warning"))
    else:
        badge = Badge(status="ok", text="nothing to report")
    return ScoreCard(
        anchor="tables",
        label="Tables",
        figure=count(len(profile.tables)),
        of="",
        badge=badge,
        note=f"{plural(sum(table.row_count for table in tables), 'row')}",
    )


def _story(narrative: NarrativeArtifact | None) -> list[tuple[str, list[Markup]]]:
    """Return the narrative's sections: title and sentences, facts set apart from words."""
    if narrative is None:
        return []
    return [
        (visible(section.title), [_sentence(sentence) for sentence in section.sentences])
        for section in narrative.sections
        if section.sentences
    ]


def _sentence(sentence: Sentence) -> Markup:
    return Markup().join(
        Markup("{}").format(visible(part))
        if isinstance(part, str)
        else Markup('<bdi class="{}" title="{}">{}</bdi>').format(
            _fact_class(part),
            visible(f"{part.artifact}#{part.pointer}"),
            visible(part.text),
        )
        for part in sentence.parts
    )


def _fact_class(fact: Fact) -> str:
    if fact.format == "name":
        return "fact named"
    is_figure = len(fact.text) <= _STRONG_CHARACTERS and any(map(str.isdigit, fact.text))
    return "fact strong" if is_figure else "fact"


def _step_line(step: StepReport) -> StepLine:
    files = sorted(step.artifacts, key=lambda path: not path.endswith(".html"))
    return StepLine(
        name=visible(step.name),
        description=value(step.description, length=200) if step.description else value(step.name),
        badge=_STEP_BADGES[step.status],
        reason=value(step.reason, length=300) if step.reason else None,
        gate="" if step.gate is None else visible(f"{step.gate.flag}, {step.gate.source}"),
        files=[FileLink(name=visible(path), link=quote(path)) for path in files[:_FILES]],
        files_rest=len(files[_FILES:]),
        took=None if step.duration_ms is None else duration(step.duration_ms / 1000.0),
    )


def _run_view(report: RunReport) -> dict[str, object]:
    facts: list[tuple[str, Figure | Value | str]] = [
        ("As of", moment(report.as_of.isoformat())),
        ("Voyant", report.version),
        ("Engine", visible(report.engine) or "not used"),
    ]
    return {"steps": [_step_line(step) for step in report.steps], "facts": facts}
