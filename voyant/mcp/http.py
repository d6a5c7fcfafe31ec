"""How do agents reach the tools over HTTP, and with which key?

Each request stands for itself: it carries its key, and nothing is kept between two. Before the
protocol sees anything, the service's own gate has looked at the host and the size of the body, and
the key has been checked.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import Headers

from voyant.core.config import Settings
from voyant.jobs.durable.logs import log_as_json
from voyant.jobs.durable.queue import DatabaseQueue, open_queue
from voyant.mcp.desk import Desk
from voyant.mcp.hosted import HostedDesk
from voyant.mcp.tools import make_server
from voyant.mcp.turns import Turns
from voyant.service.audit import AuditLog
from voyant.service.auth import Caller
from voyant.service.gate import Gate, GateLimits
from voyant.service.key_store import DatabaseKeys
from voyant.service.keys import KeyStore, check_key
from voyant.service.problems import Problem, answer
from voyant.service.reach import check_reach
from voyant.service.slots import Slots

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mcp.server.mcpserver import Context
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PATH", "make_app", "serve"]

#: Where the protocol is spoken.
PATH: Final = "/mcp"
_BODY_BYTES: Final = 1024**2
_SCHEME: Final = "bearer "
#: Requests of one tenant at the same time: the gate has room for 512.
_MOST_REQUESTS: Final = 64


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve until stopped.

    Raises:
        ConfigurationError: Other machines would reach it, and there is no key.
        DatabaseError: The service's database cannot be opened.
    """
    import uvicorn  # noqa: PLC0415 - only where it is needed

    from voyant.service.slow_clients import protocol_class  # noqa: PLC0415 - it imports uvicorn

    log_as_json(settings)
    queue = open_queue(settings)
    try:
        check_reach(settings, DatabaseKeys(queue.database), host)
        uvicorn.run(
            make_app(settings, queue, host=host),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            http=protocol_class(settings.service_idle_timeout_seconds),
            ws="none",
            h11_max_incomplete_event_size=32 * 1024,
            timeout_graceful_shutdown=10,
        )
    finally:
        queue.close()


def make_app(settings: Settings, queue: DatabaseQueue, *, host: str = "127.0.0.1") -> ASGIApp:
    """Make the application.

    Args:
        settings: What the operator set.
        queue: Where jobs are kept; keys and the audit log are in the same database.
        host: What it will listen at; requests may name it.
    """
    audit, turns = AuditLog(queue.database), Turns()

    def desk_of(ctx: Context[Any, Any]) -> Desk:
        request = cast("Request", ctx.request_context.request)
        caller: Caller = request.state.caller
        return HostedDesk(settings, queue, audit, turns, caller)

    server = make_server(desk_of)
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=_BODY_BYTES,
        # The gate checks the host, for names of the operator's too; the origin is checked below.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with inner.router.lifespan_context(inner):
            yield

    app = Starlette(lifespan=lifespan)
    app.mount("/", _KeyCheck(inner, DatabaseKeys(queue.database)))
    hosts = {name.lower() for name in (*settings.service_allowed_hosts, host)}
    return Gate(
        app,
        limits=GateLimits(
            hosts=frozenset(hosts),
            body_bytes=_BODY_BYTES,
            upload_bytes=_BODY_BYTES,
            idle_seconds=settings.service_idle_timeout_seconds,
        ),
        observe=_observe_nothing,
    )


def _observe_nothing(_method: str, _route: str, _status: int, _seconds: float) -> None:
    """Count nothing: the metrics are the API's."""


class _KeyCheck:
    """Lets a request through that carries a valid key, and no page of another site has sent."""

    def __init__(self, app: ASGIApp, keys: KeyStore) -> None:
        self._app, self._keys = app, keys
        self._slots = Slots(of_tenant=_MOST_REQUESTS, doing="are being answered")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            _check_origin(headers)
            caller = await self._caller(headers)
            place = ExitStack()
            place.enter_context(self._slots.take(caller.tenant_id))
        except Problem as problem:
            request_id = str(scope.get("state", {}).get("request_id", ""))
            await answer(problem, request_id)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        with place:
            await self._app(scope, receive, send)

    async def _caller(self, headers: Headers) -> Caller:
        given = headers.getlist("authorization")
        text = given[0] if len(given) == 1 else ""
        key = None
        if text[: len(_SCHEME)].lower() == _SCHEME:
            key = await asyncio.to_thread(check_key, self._keys, text[len(_SCHEME) :].strip(" "))
        if key is None:
            raise Problem(
                "unauthenticated",
                "Send a valid key as 'Authorization: Bearer voyant_...'.",
                headers={"WWW-Authenticate": 'Bearer realm="voyant"'},
            )
        return Caller(tenant_id=key.tenant_id, key_id=key.key_id, role=key.role)


def _check_origin(headers: Headers) -> None:
    """Refuse what a page in somebody's browser sends, unless it came from here.

    Source: Model Context Protocol, Transports, security warning: validate the Origin header.
    """
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        raise Problem("forbidden", "The request was sent by a page of another site.")
