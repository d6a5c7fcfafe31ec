"""What is the service made of? One application: the checks, the API, the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from voyant import __version__
from voyant.core.config import Settings
from voyant.jobs.durable.model import JobQueue
from voyant.service.gate import Gate, GateLimits
from voyant.service.handlers import install_handlers
from voyant.service.problems import Problem

if TYPE_CHECKING:
    from voyant.service.keys import KeyStore

__all__ = ["create_app"]

_DESCRIPTION: Final = """\
Submit jobs over tables, follow them, and fetch what they made.

Send your key with every request: `Authorization: Bearer voyant_...`. Every error has one shape,
`application/problem+json` (RFC 9457).
"""


def create_app(settings: Settings, queue: JobQueue, *, keys: KeyStore) -> FastAPI:
    """Make the application.

    Args:
        settings: What the operator set.
        queue: Where jobs are kept.
        keys: Where API keys are kept.
    """
    app = FastAPI(
        title="Voyant",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.settings, app.state.queue, app.state.keys = settings, queue, keys
    app.add_middleware(Gate, limits=GateLimits())
    install_handlers(app)

    @app.get("/healthz", tags=["health"], summary="Is the process alive?")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    @app.get("/readyz", tags=["health"], summary="Can jobs be taken?")
    async def readyz() -> JSONResponse:
        try:
            await run_in_threadpool(queue.usage, settings.tenant_id)
        except OSError:
            raise Problem("unavailable", "The database does not answer.") from None
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    return app
