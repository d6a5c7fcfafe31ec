"""What must be true of every request before anything looks at it, and of every response?

The host is one of ours, the body is neither too large nor too slow, each request has an id, and
whatever goes wrong further in is answered as a problem.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from starlette.datastructures import Headers, MutableHeaders, State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voyant.jobs.durable.tracing import current_request
from voyant.service.problems import Problem, answer
from voyant.service.tracing import start_request_span

__all__ = ["Gate", "GateLimits"]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HOST: Final = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::[0-9]{1,5})?", re.ASCII
)
_LONGEST_PATH: Final = 4_096
#: Of the header fields together; the server itself counts only what comes in pieces.
_LARGEST_HEAD: Final = 32 * 1024
#: A client that takes no more of a response for so long has gone.
_SLOWEST_READ_SECONDS: Final = 60.0
#: Requests that are answered at the same time, probes aside.
_MOST_REQUESTS: Final = 512
#: Answered however much is asked: who gets no answer here would end the process, and all with it.
_PROBES: Final = frozenset({"/healthz", "/readyz"})
#: A body may take this long whatever its size; after that it has to keep up a pace.
_GRACE_SECONDS: Final = 20.0
_SLOWEST_BYTES_A_SECOND: Final = 4_096
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Every response has these unless it says otherwise itself.
_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

_logger = logging.getLogger("voyant.service.requests")
_error_logger = logging.getLogger("voyant.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """What a request may be.

    Attributes:
        hosts: Names it may be addressed to beside `localhost` and plain addresses; `*` for all.
        body_bytes: Largest body.
        upload_bytes: Largest body of an upload.
        idle_seconds: Longest wait for the next piece of a body.
    """

    hosts: frozenset[str] = field(default_factory=frozenset[str])
    body_bytes: int = 1024**2
    upload_bytes: int = 1024**3
    idle_seconds: float = 20.0


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: GateLimits,
        observe: Callable[[str, str, int, float], None],
    ) -> None:
        """Stand before an application.

        Args:
            app: The application.
            limits: What a request may be.
            observe: Told of each request: method, route, status, seconds.
        """
        self._app, self._limits, self._observe = app, limits, observe
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        current_request.set(request_id)
        reply = _Reply(send, request_id)
        started, span = perf_counter(), start_request_span(scope["method"], headers, request_id)
        is_counted = scope["path"] not in _PROBES
        self._count += is_counted
        try:
            try:
                self._check(scope, headers, is_counted=is_counted)
                body = _Body(receive, self._most_bytes(scope), self._limits.idle_seconds)
                body.check_announced(headers)
                await self._app(scope, body.receive, reply.send)
            except _CutShortError:
                raise
            except Problem as problem:
                await reply.tell(scope, receive, problem)
            except Exception as error:
                _error_logger.exception(
                    "Unexpected: %s", type(error).__name__, extra={"request_id": request_id}
                )
                await reply.tell(scope, receive, Problem("internal-error"))
        finally:
            self._count -= is_counted
            route = getattr(scope.get("route"), "path", None)
            span.end(route, reply.status)
            seconds = perf_counter() - started
            self._observe(_method(scope), route or "none", reply.status, seconds)
            _log_request(scope, route, reply.status, seconds)

    def _check(self, scope: Scope, headers: Headers, *, is_counted: bool) -> None:
        if is_counted and self._count > _MOST_REQUESTS:
            raise Problem(
                "unavailable", "Too much is being asked at once.", headers={"Retry-After": "1"}
            )
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise Problem(
                "misdirected-request",
                "The Host header names another host; the operator lists those that are right in "
                "service_allowed_hosts.",
            )
        if (
            len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
            > _LONGEST_PATH
        ):
            raise Problem("uri-too-long")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _LARGEST_HEAD:
            raise Problem("header-too-large")

    def _is_ours(self, host: str) -> bool:
        """Say whether a Host header is right; a plain address cannot be another site's name."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found["name"].lower().rstrip(".")
        if "*" in self._limits.hosts or name in self._limits.hosts or name == "localhost":
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _most_bytes(self, scope: Scope) -> int:
        is_upload = str(scope["path"]).startswith(("/v1/tables", "/jobs/new"))
        return self._limits.upload_bytes if is_upload else self._limits.body_bytes


class _Body:
    """A request's body as it comes in; what is too much or too slow ends it."""

    def __init__(self, receive: Receive, most_bytes: int, idle_seconds: float) -> None:
        self._receive, self._most_bytes, self._idle_seconds = receive, most_bytes, idle_seconds
        self._bytes, self._started = 0, perf_counter()
        self._is_done = False

    def check_announced(self, headers: Headers) -> None:
        """Refuse a body that says itself that it is too large, before it is sent."""
        announced = headers.get("content-length", "0")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self._most_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """Wait for the next piece.

        Raises:
            Problem: It is too large or too late.
        """
        if self._is_done:  # what comes now is that the client has gone, however late
            return await self._receive()
        try:
            async with asyncio.timeout(self._idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise Problem("request-timeout", headers={"Connection": "close"}) from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._is_done = not message.get("more_body", False)
            if self._bytes > self._most_bytes:
                raise self._too_large()
            elapsed = perf_counter() - self._started
            if (
                not self._is_done
                and elapsed > _GRACE_SECONDS
                and self._bytes < elapsed * _SLOWEST_BYTES_A_SECOND
            ):
                raise Problem("request-timeout", headers={"Connection": "close"})
        return message

    def _too_large(self) -> Problem:
        return Problem(
            "too-large",
            f"At most {self._most_bytes} bytes are taken here.",
            headers={"Connection": "close"},
        )


class _Reply:
    """A response on its way out."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id = send, request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        """Pass a message on, with the headers that every response has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers["X-Request-Id"] = self._request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        try:
            async with asyncio.timeout(_SLOWEST_READ_SECONDS):
                await self._send(message)
        except TimeoutError:
            raise _CutShortError from None

    async def tell(self, scope: Scope, receive: Receive, problem: Problem) -> None:
        """Answer with a problem, if nothing was answered yet; else the connection is cut."""
        if self.status:
            self.status = 500
            raise _CutShortError from problem
        await answer(problem, self._request_id)(scope, receive, self.send)


class _CutShortError(Exception):
    """A response that had begun cannot be finished; the server closes the connection."""


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _method(scope: Scope) -> str:
    """Return the method; one that nobody knows could be any text."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _log_request(scope: Scope, route: str | None, status: int, seconds: float) -> None:
    """Say what was asked, by which key, and how it ended; never what the headers held."""
    state = State(scope["state"])
    caller = getattr(state, "caller", None)
    is_of_jobs = (route or "").startswith(("/v1/jobs", "/jobs"))  # what is made is a job there
    made = getattr(state, "made", None) if is_of_jobs else None
    _logger.info(
        "%s %s %s",
        _method(scope),
        route or "-",
        status,
        extra={
            "request_id": state.request_id,
            "method": _method(scope),
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1_000, 3),
            "tenant_id": getattr(caller, "tenant_id", None),
            "key_id": getattr(caller, "key_id", None),
            "job_id": made or scope.get("path_params", {}).get("job_id"),
        },
    )
