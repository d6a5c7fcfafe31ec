"""What a person sees of `quality.json`: verdict and score, then what failed, passed, is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voyant.artifacts.quality import CheckResult, ContractResult, QualityArtifact, Verdict
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
    visible,
)
from voyant.report.page import render_page
from voyant.report.views import Badge, Bar, Fact, bar, selected_notes

__all__ = ["render_quality"]

_STATUSES = {"error": "critical", "warning": "warn", "info": "info"}
_VERDICTS: dict[Verdict, tuple[str, str]] = {
    "failed": ("critical", "checks failed"),
    "warnings": ("warn", "passed with warnings"),
    "passed": ("ok", "all checks passed"),
    "not_assessed": ("not_assessed", "nothing could be assessed"),
}
_LEDGER_LINES = 20
_MESSAGE = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """One check, as a line of a list."""

    status: str
    table: Value
    columns: list[Value]
    title: Value
    name: str
    dimension: str
    message: Value
    origin: Value | None
    threshold: Value
    share: Figure
    fraction: float
    inexact: str
    examples: list[Bar]
    points: Figure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionView:
    """One dimension."""

    name: str
    score: Figure
    fraction: float | None
    weight: Figure
    failed: Figure
    passed: Figure
    not_assessed: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """One table."""

    name: Value
    badge: Badge
    score: Figure
    failed: Figure
    passed: Figure
    not_assessed: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """What cost points."""

    points: Figure
    fraction: float
    table: Value
    message: Value
    dimension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    """A contract."""

    file: Value
    about: Value
    badge: Badge
    note: str


def render_quality(artifact: QualityArtifact) -> str:
    """Render `quality.html`.

    Args:
        artifact: The checks, in their order.

    Returns:
        A page that needs nothing beside itself; the same artifact gives the same bytes.
    """
    lost = {entry.check: entry.points for entry in artifact.ledger}
    views = [(check, _check_view(check, lost.get(check.id))) for check in artifact.checks]
    dearest = sorted(views, key=lambda pair: -lost.get(pair[0].id, 0.0))
    failed = [
        (severity, [v for c, v in dearest if c.status == "failed" and c.severity == severity])
        for severity in ("error", "warning", "info")
    ]
    statuses = [check.status for check in artifact.checks]
    headings = {"error": "Errors", "warning": "Warnings", "info": "Worth knowing"}
    status, words = _VERDICTS[artifact.verdict]
    context = {
        "selected": selected_notes(artifact.selections),
        "badge": Badge(status=status, text=words),
        "heading": _heading(artifact),
        "lead": _lead(artifact),
        "tiles": _tiles(artifact),
        "dimensions": _dimensions(artifact),
        "tables": _tables(artifact),
        "contracts": [_contract_view(contract) for contract in artifact.contracts],
        "failed": [(headings[severity], group) for severity, group in failed if group],
        "passed": [view for check, view in views if check.status == "passed"],
        "passed_count": plural(statuses.count("passed"), "check"),
        "not_assessed": [view for check, view in views if check.status == "not_assessed"],
        "not_assessed_count": plural(statuses.count("not_assessed"), "check"),
        "ledger": _ledger(artifact),
        "ledger_rest": len(artifact.ledger[_LEDGER_LINES:]),
    }
    names = list(artifact.tables)
    subject = visible(names[0]) if len(names) == 1 else plural(len(names), "table")
    return render_page(
        "quality.html.j2", context, title=f"Quality of {subject}", styles=["quality"]
    )


def _heading(artifact: QualityArtifact) -> str:
    if artifact.score is None:
        return "Not assessed"
    return f"{points(artifact.score)} of 100"


def _lead(artifact: QualityArtifact) -> str:
    statuses = [check.status for check in artifact.checks]
    failed, open_ = statuses.count("failed"), statuses.count("not_assessed")
    said = f"{plural(len(statuses) - open_, 'check')} made, {count(failed)} failed"
    return f"{said}; {count(open_)} could not be assessed" if open_ else said


def _tiles(artifact: QualityArtifact) -> list[Fact]:
    def failed(severity: str) -> int:
        return sum(c.status == "failed" and c.severity == severity for c in artifact.checks)

    statuses = [check.status for check in artifact.checks]
    return [
        Fact(label="Errors", figure=count(failed("error"))),
        Fact(label="Warnings", figure=count(failed("warning"))),
        Fact(label="Passed", figure=count(statuses.count("passed"))),
        Fact(
            label="Not assessed",
            figure=count(statuses.count("not_assessed")),
            note="left out of the score",
        ),
    ]


def _dimensions(artifact: QualityArtifact) -> list[DimensionView]:
    return [
        DimensionView(
            name=name,
            score=points(result.score),
            fraction=result.score,
            weight=percent(result.effective_weight),
            failed=count(result.failed_count),
            passed=count(result.passed_count),
            not_assessed=count(result.not_assessed_count),
        )
        for name, result in artifact.dimensions.items()
    ]


def _tables(artifact: QualityArtifact) -> list[TableView]:
    return [
        TableView(
            name=column_name(name),
            badge=Badge(status=_VERDICTS[table.verdict][0], text=_VERDICTS[table.verdict][1]),
            score=points(table.score),
            failed=count(table.failed_count),
            passed=count(table.passed_count),
            not_assessed=count(table.not_assessed_count),
        )
        for name, table in artifact.tables.items()
    ]


def _ledger(artifact: QualityArtifact) -> list[LedgerView]:
    entries = artifact.ledger[:_LEDGER_LINES]
    most = max((entry.points for entry in entries), default=1.0)
    titles = {check.id: _place(check.columns) for check in artifact.checks}
    return [
        LedgerView(
            points=number(-entry.points),
            fraction=entry.points / most,
            table=value(f"{entry.table}{titles[entry.check]}", length=80),
            message=value(entry.message, length=_MESSAGE),
            dimension=entry.dimension,
        )
        for entry in entries
    ]


def _place(columns: Sequence[str]) -> str:
    return f".{', '.join(columns)}" if columns else ""


def _check_view(check: CheckResult, points: float | None) -> CheckView:
    status = {"passed": "ok", "not_assessed": "not_assessed"}.get(check.status, "")
    inexact = check.approximation
    error = "" if inexact is None or inexact.error is None else f", error {number(inexact.error)}"
    return CheckView(
        status=status or _STATUSES[check.severity],
        table=column_name(check.table),
        columns=[column_name(name) for name in check.columns],
        title=value(check.title, length=200),
        name=check.name,
        dimension=check.dimension,
        message=value(check.reason or check.message or check.title, length=_MESSAGE),
        origin=value(check.origin) if check.origin else None,
        threshold=value(check.threshold or check.title, length=200),
        share=percent(check.failing_fraction),
        fraction=check.failing_fraction or 0.0,
        inexact="" if inexact is None else visible(inexact.method) + error,
        examples=_examples(check),
        points=None if not points else number(-points),
    )


def _examples(check: CheckResult) -> list[Bar]:
    rows = check.failing_count or sum(item.count for item in check.examples)
    return [bar(item.value, item.count, min(1.0, item.count / rows)) for item in check.examples]


def _contract_view(contract: ContractResult) -> ContractView:
    status = "critical" if contract.failed_count else "ok"
    words = plural(contract.failed_count, "broken rule") if contract.failed_count else "kept"
    about = _joined((contract.name or contract.id, contract.version, contract.status))
    return ContractView(
        file=value(contract.file),
        about=value(about, length=120),
        badge=Badge(status=status, text=words),
        note=f"{count(contract.passed_count)} kept, "
        f"{count(contract.not_assessed_count)} not assessed",
    )


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part) or "no name"
