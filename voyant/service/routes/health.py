"""`/healthz`, `/readyz`, `/metrics`: for whoever keeps the service alive."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from voyant.service.auth import caller_of
from voyant.service.metrics import CONTENT_TYPE_LATEST, ServiceMetrics
from voyant.service.parameters import Queue, ServiceSettings
from voyant.service.problems import Problem
from voyant.service.reach import is_loopback
from voyant.service.views import Health
from voyant.service.wire import describe_problems

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=describe_problems(is_open=True))
async def get_health(response: Response) -> Health:
    """Say that the process is alive."""
    response.headers["Cache-Control"] = "no-store"
    return Health(status="ok")


@router.get("/readyz", responses=describe_problems(is_open=True))
async def get_readiness(request: Request, response: Response, queue: Queue) -> Health:
    """Say whether jobs can be taken: the database answers, and the service is not stopping."""
    if request.app.state.stopping.is_set():
        raise Problem("unavailable", "The service is stopping.")
    response.headers["Cache-Control"] = "no-store"
    statistics = await run_in_threadpool(queue.statistics)
    return Health(status="ok", workers_alive=sum(w.is_alive for w in statistics.workers))


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Series, as Prometheus reads them.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **describe_problems(),
    },
)
async def get_metrics(request: Request, settings: ServiceSettings) -> Response:
    """Return the metrics; needs a key where other machines reach the service."""
    if not (settings.service_open_metrics or is_loopback(settings.service_host)):
        await caller_of(request)
    metrics: ServiceMetrics = request.app.state.metrics
    content = await run_in_threadpool(metrics.render)
    return Response(content, media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
