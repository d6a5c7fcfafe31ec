"""`/tables`: how each table has done over time, and the files that were uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup

from voyant.core.tables import Scalar
from voyant.report.format import Figure, Value, byte_size, column_name, count, number, plural, value
from voyant.report.svg import sparkline
from voyant.report.views import Badge
from voyant.service.keys import Role
from voyant.service.pages.drawings import StateMark, state_strip
from voyant.service.pages.history import TablePoint, read_histories
from voyant.service.pages.rendering import render
from voyant.service.pages.route import Form, PageRoute, Visitor, see_other
from voyant.service.pages.shown import ago, shown_moment
from voyant.service.parameters import Queue, ServiceSettings
from voyant.service.uploads import StoredTable, UploadStore

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

#: Jobs that one line shows.
_SHOWN: Final = 30
_VERDICTS: Final = {
    "passed": Badge(status="ok", text="passed"),
    "warnings": Badge(status="warn", text="warnings"),
    "failed": Badge(status="critical", text="failed checks"),
}
_DRIFTED: Final = "drifted"
_STABLE: Final = "stable"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """A table and how it has done."""

    name: Value
    job: str
    when: str
    rows: Figure
    score: Figure
    badge: Badge
    scores: Markup
    drift: str
    drifts: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLine:
    """A file that was uploaded."""

    name: Value
    address: str
    size: Figure
    at: Markup


@router.get("/tables")
async def list_tables(
    request: Request, session: Visitor, queue: Queue, settings: ServiceSettings
) -> Response:
    """Show the tables."""
    tenant = session.caller.tenant_id
    histories = await run_in_threadpool(read_histories, queue, tenant)
    uploads = await run_in_threadpool(UploadStore(settings, tenant).all)
    context = {
        "tables": [_line(name, points) for name, points in histories.items()],
        "uploads": [_upload(table) for table in uploads],
        "may_change": session.caller.role.includes(Role.ANALYST),
        "form_token": session.form_token,
    }
    return render(request, "tables.html.j2", context, title="Tables - Voyant", session=session)


@router.post("/tables/{name}/delete")
async def delete_table(
    session: Visitor, _form: Form, settings: ServiceSettings, name: str
) -> Response:
    """Remove an uploaded file."""
    await run_in_threadpool(UploadStore(settings, session.caller.tenant_id).remove, name)
    return see_other("/tables")


def _line(name: str, points: Sequence[TablePoint]) -> TableLine:
    shown = points[-_SHOWN:]
    last = shown[-1]
    scores = [point.score for point in shown]
    return TableLine(
        name=column_name(name),
        job=f"/jobs/{last.job_id}",
        when=ago(last.finished_at),
        rows=count(last.row_count),
        score=number(None if last.score is None else round(100 * last.score)),
        badge=_VERDICTS.get(last.verdict, Badge(status="not_assessed", text="not assessed")),
        scores=sparkline(scores, _said_scores(scores)) if len(scores) > 1 else Markup(),
        drift=_said_drift(last),
        drifts=state_strip([_mark(it) for it in shown], _said_drifts(shown)),
    )


def _upload(table: StoredTable) -> UploadLine:
    return UploadLine(
        name=column_name(table.name, length=80),
        address=quote(table.name, safe=""),
        size=byte_size(table.size_bytes),
        at=shown_moment(table.uploaded_at),
    )


def _mark(point: TablePoint) -> tuple[StateMark, str]:
    states: dict[str, StateMark] = {_DRIFTED: "warn", _STABLE: "ok"}
    day: Scalar = point.finished_at.date().isoformat()
    return states.get(point.drift, "none"), f"{value(day)}: {_said_drift(point)}"


def _said_drift(point: TablePoint) -> str:
    if point.drift not in {_DRIFTED, _STABLE}:
        return "not compared"
    if not point.drifted_count:
        return "moved" if point.drift == _DRIFTED else "steady"
    return f"{point.drifted_count} of {plural(point.assessed_count, 'column')} moved"


def _said_scores(scores: Sequence[float | None]) -> str:
    known = [score for score in scores if score is not None]
    if not known:
        return "no scores"
    return (
        f"Scores of {plural(len(known), 'job')}, from {100 * known[0]:.0f} to {100 * known[-1]:.0f}"
    )


def _said_drifts(points: Sequence[TablePoint]) -> str:
    moved = sum(point.drift == _DRIFTED for point in points)
    return f"Drift in {moved} of {plural(len(points), 'job')}"
