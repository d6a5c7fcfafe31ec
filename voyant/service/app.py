"""What is the service made of? One application: the checks, the API, the pages."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from voyant import __version__
from voyant.core.config import Settings
from voyant.jobs.durable.queue import DatabaseQueue
from voyant.service.audit import AuditLog
from voyant.service.gate import Gate, GateLimits
from voyant.service.handlers import install_handlers
from voyant.service.key_store import DatabaseKeys
from voyant.service.metrics import ServiceMetrics
from voyant.service.openapi import make_document
from voyant.service.pages import install_pages
from voyant.service.routes import (
    admin,
    artifacts,
    baselines,
    catalog,
    health,
    jobs,
    schedules,
    tables,
)
from voyant.service.stopping import Stopping
from voyant.service.streaming import most_followers
from voyant.service.uploads import most_uploads

__all__ = ["create_app"]


def create_app(settings: Settings, queue: DatabaseQueue) -> FastAPI:
    """Make the application.

    `app.state` holds what routes share: `settings`, `queue`, `keys`, `audit`, `metrics`, and
    `stopping`, which is set when the service is to end.

    Args:
        settings: What the operator set.
        queue: Where jobs are kept; keys and the audit log are in the same database.
    """
    app = FastAPI(
        title="Voyant",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
        # Its own spans and logs would hold what requests were sent; ours are in tracing.py.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    state = app.state
    state.settings, state.queue = settings, queue
    state.keys, state.audit = DatabaseKeys(queue.database), AuditLog(queue.database)
    state.metrics = metrics = ServiceMetrics(queue)
    state.stopping, state.followers = Stopping(), most_followers()
    state.uploads = most_uploads()
    app.add_middleware(Gate, limits=_limits(settings), observe=metrics.observe_request)
    install_handlers(app)
    for module in (health, jobs, artifacts, tables, catalog, schedules, baselines, admin):
        app.include_router(module.router)
    install_pages(app)
    app.openapi = partial(make_document, app)  # type: ignore[method-assign]  # as FastAPI documents
    return app


def _limits(settings: Settings) -> GateLimits:
    hosts = {name.lower() for name in (*settings.service_allowed_hosts, settings.service_host)}
    return GateLimits(
        hosts=frozenset(hosts),
        body_bytes=int(settings.service_max_body_bytes),
        upload_bytes=int(settings.upload_max_bytes),
        idle_seconds=settings.service_idle_timeout_seconds,
    )
