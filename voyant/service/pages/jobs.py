"""`/jobs`: the tenant's jobs, one job, its files, and what can be done to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup

from voyant.artifacts.manifest import Manifest
from voyant.core.config import Settings
from voyant.core.errors import VoyantError
from voyant.core.plan import Plan
from voyant.jobs.durable.model import Job, JobQueue, JobState
from voyant.report.format import Figure, Value, byte_size, value
from voyant.report.views import Badge
from voyant.service.artifact_files import find_artifact, read_manifest, send_artifact
from voyant.service.keys import Role
from voyant.service.pages.rendering import render, render_part
from voyant.service.pages.route import Form, PageRoute, Visitor, see_other, sessions_of
from voyant.service.pages.shown import ago, job_badge, job_title, shown_moment, took
from voyant.service.pages.steps import FileLine, Progress, file_lines, progress_of
from voyant.service.parameters import Cursor, JobId, Queue, ServiceSettings
from voyant.service.problems import Problem
from voyant.service.specs import plan_spec
from voyant.service.streaming import stream_events

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_PAGE: Final = 30
_REPORT: Final = "index.html"
_REFRESH_SECONDS: Final = 5
_STATES: Final = (
    ("", "All"),
    ("queued", "Waiting"),
    ("running", "Running"),
    ("succeeded", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job in the list."""

    job_id: str
    address: str
    title: list[Value]
    badge: Badge
    doing: str
    asked: Markup
    asked_ago: str
    took: Figure | str
    schedule: str | None

    @classmethod
    def of(cls, job: Job) -> JobLine:
        """Show a job."""
        doing = job.generator or "" if job.state is JobState.RUNNING else job.error or ""
        return cls(
            job_id=job.job_id,
            address=f"/jobs/{job.job_id}",
            title=job_title(job),
            badge=job_badge(job),
            doing=str(value(doing, length=120)) if doing else "",
            asked=shown_moment(job.submitted_at),
            asked_ago=ago(job.submitted_at),
            took=took(job),
            schedule=job.schedule_id,
        )


@router.get("/jobs")
async def list_jobs(
    request: Request,
    session: Visitor,
    queue: Queue,
    state: Annotated[JobState | None, Query()] = None,
    cursor: Cursor = None,
    *,
    part: bool = False,
) -> Response:
    """Show the jobs, the newest first."""
    tenant = session.caller.tenant_id
    page = await run_in_threadpool(queue.list, tenant, state=state, limit=_PAGE, cursor=cursor)
    usage = await run_in_threadpool(queue.usage, tenant)
    chosen = "" if state is None else state.value
    is_moving = any(not job.state.is_final for job in page.jobs)
    context = {
        "jobs": [JobLine.of(job) for job in page.jobs],
        "next": _page_address(chosen, page.next_cursor) if page.next_cursor else "",
        "first": _page_address(chosen, None) if cursor else "",
        "states": [
            {"address": _page_address(key, None), "name": name, "is_here": key == chosen}
            for key, name in _STATES
        ],
        "usage": {
            "running": usage.running,
            "queued": usage.queued,
            "stored_jobs": usage.stored_jobs,
            "stored": byte_size(usage.stored_bytes),
        },
        "is_empty": not page.jobs and state is None and cursor is None,
        "is_moving": is_moving,
        "may_change": session.caller.role.includes(Role.ANALYST),
        "form_token": session.form_token,
    }
    if part:
        return render_part("jobs_part.html.j2", context)
    return render(
        request,
        "jobs.html.j2",
        context,
        title="Jobs - Voyant",
        session=session,
        refresh_seconds=_REFRESH_SECONDS if is_moving else 0,
    )


@router.get("/jobs/{job_id}")
async def show_job(
    request: Request,
    session: Visitor,
    queue: Queue,
    settings: ServiceSettings,
    job_id: JobId,
    part: bool = False,  # noqa: FBT001, FBT002 - as the address has it
) -> Response:
    """Show a job: how it goes, its report, its files."""
    tenant = session.caller.tenant_id
    job = await run_in_threadpool(queue.get, tenant, job_id)
    manifest = await run_in_threadpool(_manifest, queue, job)
    progress = await run_in_threadpool(_progress, settings, queue, job, manifest)
    files, report = await run_in_threadpool(_files, request, session, job, manifest)
    is_report = manifest is not None and any(it.path == _REPORT for it in manifest.artifacts)
    context = {
        "job": _job_context(job),
        "progress": progress,
        "files": files,
        "report": f"{report}/{_REPORT}" if is_report else "",
        "asked": _asked(job),
        "may": _may(session.caller.role, job),
        "form_token": session.form_token,
    }
    if part:
        return render_part("job_part.html.j2", context)
    return render(
        request,
        "job.html.j2",
        context,
        title=f"{', '.join(str(name) for name in job_title(job))} - Voyant",
        session=session,
        refresh_seconds=0 if job.state.is_final else _REFRESH_SECONDS,
    )


@router.get("/jobs/{job_id}/live")
async def follow_job(
    request: Request,
    session: Visitor,
    queue: Queue,
    job_id: JobId,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)] = None,
) -> Response:
    """Tell the page's script what happens to the job."""
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        after = int(last_event_id)
    return await stream_events(request, queue, session.caller.tenant_id, job_id, after=after)


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(session: Visitor, _form: Form, queue: Queue, job_id: JobId) -> Response:
    """Stop a job."""
    await run_in_threadpool(queue.cancel, session.caller.tenant_id, job_id)
    return see_other(f"/jobs/{job_id}")


@router.post("/jobs/{job_id}/retry")
async def retry_job(session: Visitor, _form: Form, queue: Queue, job_id: JobId) -> Response:
    """Run a job again."""
    caller = session.caller
    await run_in_threadpool(queue.retry, caller.tenant_id, job_id, requested_by=caller.key_id)
    return see_other(f"/jobs/{job_id}")


@router.post("/jobs/{job_id}/delete")
async def delete_job(session: Visitor, _form: Form, queue: Queue, job_id: JobId) -> Response:
    """Forget a job, and its files."""
    await run_in_threadpool(queue.delete, session.caller.tenant_id, job_id)
    return see_other("/jobs")


@router.get("/view/{job_id}/{grant}/{path:path}")
async def show_file(
    request: Request, queue: Queue, job_id: JobId, grant: str, path: str
) -> Response:
    """Show a file of a job to whoever was given its address; see `sessions`."""
    tenant = await run_in_threadpool(sessions_of(request).read_grant, grant, job_id)
    if tenant is None:
        raise Problem("not-found", "This address is no longer good. Open the job's page again.")
    found = await run_in_threadpool(find_artifact, queue, tenant, job_id, path)
    return await send_artifact(request, found)


def _page_address(state: str, cursor: str | None) -> str:
    parts = [f"state={state}"] if state else []
    parts += [f"cursor={cursor}"] if cursor else []
    return "/jobs" + ("?" + "&".join(parts) if parts else "")


def _manifest(queue: JobQueue, job: Job) -> Manifest | None:
    """Return a job's account, once it has ended with one."""
    if not job.state.is_final:
        return None
    try:
        return read_manifest(queue, job.tenant_id, job.job_id)
    except Problem:
        return None


def _progress(settings: Settings, queue: JobQueue, job: Job, manifest: Manifest | None) -> Progress:
    plan: Plan | None
    try:
        plan = plan_spec(settings, job.spec)
    except (Problem, VoyantError):  # generators change; the job's own events tell enough
        plan = None
    return progress_of(job, plan, queue.events(job.tenant_id, job.job_id), manifest)


def _files(
    request: Request, session: Visitor, job: Job, manifest: Manifest | None
) -> tuple[list[FileLine], str]:
    """List a job's files, and say what stands before their paths."""
    if manifest is None:
        return [], ""
    grant = sessions_of(request).grant_files(session, job.job_id)
    base = f"/view/{job.job_id}/{grant}"
    return file_lines(manifest, base), base


def _job_context(job: Job) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "address": f"/jobs/{job.job_id}",
        "title": job_title(job),
        "badge": job_badge(job),
        "is_final": job.state.is_final,
        "is_waiting": job.state is JobState.QUEUED,
        "error": value(job.error, length=600) if job.error else None,
        "asked": shown_moment(job.submitted_at),
        "asked_ago": ago(job.submitted_at),
        "asked_by": value(job.requested_by),
        "took": took(job),
        "attempt": job.attempt,
        "worker": None if job.worker_id is None else value(job.worker_id),
        "schedule": job.schedule_id,
    }


def _may(role: Role, job: Job) -> dict[str, bool]:
    is_analyst = role.includes(Role.ANALYST)
    return {
        "cancel": is_analyst and not job.state.is_final and not job.is_cancelling,
        "retry": is_analyst and job.state in {JobState.FAILED, JobState.CANCELLED},
        "delete": is_analyst and job.state.is_final,
        "schedule": is_analyst,
    }


def _asked(job: Job) -> Value:
    """Print what the job was asked to do, as the API takes it."""
    spec = job.spec.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(spec, indent=2, ensure_ascii=False)
    return Value(text, text)
