"""`/v1/retention/sweep` and `/v1/audit`: what only a tenant's administrators may."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from voyant.service.audit import AuditLog
from voyant.service.auth import Admin
from voyant.service.parameters import Cursor, Limit, Queue
from voyant.service.problems import FieldFault, Problem
from voyant.service.views import AuditEntryView, AuditPage, Sweep, SweepRequest
from voyant.service.wire import ServiceRoute, describe_problems

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["administration"], route_class=ServiceRoute)

_MOST_DIGITS = 18


@router.post("/retention/sweep", responses=describe_problems("forbidden", has_body=True))
async def sweep_jobs(caller: Admin, queue: Queue, sweep: SweepRequest) -> Sweep:
    """Remove the tenant's jobs that are older, or more, than retention allows."""
    jobs = await run_in_threadpool(queue.sweep, caller.tenant_id, is_dry_run=sweep.is_dry_run)
    return Sweep(is_dry_run=sweep.is_dry_run, jobs=[job.job_id for job in jobs])


@router.get("/audit", responses=describe_problems("forbidden", "invalid-request"))
async def read_audit_log(
    request: Request, caller: Admin, limit: Limit = 100, cursor: Cursor = None
) -> AuditPage:
    """List who did what, the newest first."""
    if cursor is not None and not (
        cursor.isascii() and cursor.isdigit() and len(cursor) <= _MOST_DIGITS
    ):
        fault = FieldFault(pointer="query/cursor", detail="This is no cursor.")
        raise Problem("invalid-request", "This is no cursor.", errors=[fault])
    log: AuditLog = request.app.state.audit
    found = await run_in_threadpool(
        log.entries,
        caller.tenant_id,
        before=None if cursor is None else int(cursor),
        limit=limit,
    )
    hidden = {"tenant_id"}
    entries = [
        AuditEntryView(**{k: v for k, v in asdict(entry).items() if k not in hidden})
        for entry in found
    ]
    more = len(found) == limit
    return AuditPage(entries=entries, next_cursor=str(found[-1].number) if more else None)
