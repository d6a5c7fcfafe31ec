"""`/v1/baselines` and `/v1/kpi-history`: what a tenant's jobs are compared with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool

from voyant.artifacts.baselines import BaselineStore, StoredBaseline
from voyant.artifacts.kpi_history import KpiHistory
from voyant.core.config import Settings
from voyant.core.errors import FolderError
from voyant.jobs.durable.model import JobQueue
from voyant.jobs.durable.places import tenant_root
from voyant.service.auth import Analyst, Viewer
from voyant.service.handlers import invalid
from voyant.service.parameters import Limit, Queue, ServiceSettings
from voyant.service.problems import Problem
from voyant.service.views import (
    BaselineChoice,
    BaselineList,
    BaselineView,
    Cleared,
    ColumnBaselineView,
    KpiHistoryView,
    KpiPoint,
)
from voyant.service.wire import ServiceRoute, describe_problems

__all__ = ["router"]

router = APIRouter(prefix="/v1", route_class=ServiceRoute)


@router.get("/baselines", tags=["baselines"], responses=describe_problems("invalid-request"))
async def list_baselines(
    caller: Viewer,
    settings: ServiceSettings,
    table: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Only this table.")
    ] = None,
) -> BaselineList:
    """List what tables are compared with."""
    store = _store(settings, caller.tenant_id)
    found = await run_in_threadpool(_baselines, store, table)
    return BaselineList(baselines=[_view(baseline) for baseline in found])


@router.put(
    "/baselines",
    tags=["baselines"],
    responses=describe_problems("forbidden", "not-found", "conflict", has_body=True),
)
async def set_baselines(
    caller: Analyst, queue: Queue, settings: ServiceSettings, choice: BaselineChoice
) -> BaselineList:
    """Compare with the tables of a finished job from now on."""
    await run_in_threadpool(_set, queue, settings, caller.tenant_id, choice)
    found = await run_in_threadpool(_store(settings, caller.tenant_id).all)
    return BaselineList(baselines=[_view(baseline) for baseline in found])


@router.delete(
    "/baselines",
    tags=["baselines"],
    responses=describe_problems("forbidden", "invalid-request"),
)
async def clear_baselines(
    caller: Analyst,
    settings: ServiceSettings,
    table: Annotated[
        list[str] | None,
        Query(max_length=500, description="Only these tables; all of them without any."),
    ] = None,
) -> Cleared:
    """Forget what tables are compared with; the next job that finishes says it anew."""
    store = _store(settings, caller.tenant_id)
    return Cleared(cleared=await run_in_threadpool(_clear, store, table))


@router.get("/kpi-history", tags=["KPIs"], responses=describe_problems("invalid-request"))
async def read_kpi_history(
    caller: Viewer,
    settings: ServiceSettings,
    name: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Only this KPI.")
    ] = None,
    limit: Limit = 100,
) -> KpiHistoryView:
    """Return the values of KPIs in the jobs before, the oldest first."""
    history = KpiHistory(tenant_root(settings, caller.tenant_id), caller.tenant_id)
    entries = await run_in_threadpool(history.entries, limit)
    kpis: dict[str, list[KpiPoint]] = {}
    for entry in reversed(entries):
        for kpi, value in entry.values.items():
            if name in {None, kpi}:
                point = KpiPoint(job_id=entry.job_id, finished_at=entry.finished_at, value=value)
                kpis.setdefault(kpi, []).append(point)
    return KpiHistoryView(kpis=kpis)


def _store(settings: Settings, tenant_id: str) -> BaselineStore:
    return BaselineStore(tenant_root(settings, tenant_id), tenant_id)


def _baselines(store: BaselineStore, table: str | None) -> list[StoredBaseline]:
    if table is None:
        return store.all()
    found = store.load(table)
    return [] if found is None else [found]


def _set(queue: JobQueue, settings: Settings, tenant_id: str, choice: BaselineChoice) -> None:
    """Move the baselines to a job.

    Raises:
        UnknownJobError: The tenant has no such job.
        Problem: It has not finished, or kept no profile of such a table.
    """
    job = queue.get(tenant_id, choice.job_id)
    if not (queue.folder(tenant_id, job.job_id) / "manifest.json").is_file():
        raise Problem(
            "conflict", f"The job is {job.state.value}; it has left nothing to compare with."
        )
    try:
        _store(settings, tenant_id).set_from_job(job.job_id, datetime.now(UTC), choice.tables)
    except FolderError:
        raise invalid(
            "#/tables", "The job kept no profile of such a table; it needs the drift generator."
        ) from None


def _clear(store: BaselineStore, tables: list[str] | None) -> list[str]:
    names = [baseline.table for baseline in store.all()] if tables is None else tables
    known = {baseline.table for baseline in store.all()}
    store.clear([name for name in names if name in known])
    return [name for name in names if name in known]


def _view(baseline: StoredBaseline) -> BaselineView:
    return BaselineView(
        table=baseline.table,
        job_id=baseline.job_id,
        stored_at=baseline.stored_at,
        row_count=baseline.profile.row_count,
        columns=[
            ColumnBaselineView(
                name=name,
                type=column.type,
                count=column.count,
                null_count=column.null_count,
                distinct_count=column.distinct_count,
            )
            for name, column in baseline.profile.columns.items()
        ],
    )
