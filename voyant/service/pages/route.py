"""How is a request for a page taken in: who sends it, is the form ours, and what if it fails?"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import FormData

from voyant.service.audit import audit_request
from voyant.service.handlers import problem_of, request_id_of
from voyant.service.keys import Role
from voyant.service.pages.rendering import render
from voyant.service.pages.sessions import Session, Sessions
from voyant.service.problems import Problem

__all__ = [
    "Form",
    "PageRoute",
    "Visitor",
    "cookie_name",
    "is_secure",
    "read_form",
    "read_session",
    "see_other",
    "sessions_of",
]

_logger = logging.getLogger("voyant.service")

_READS: Final = frozenset({"GET", "HEAD"})
#: Fields and files of one form.
_MOST_FIELDS: Final = 1_000
_MOST_FILES: Final = 20
_SIGN_IN: Final = "/"


class PageRoute(APIRoute):
    """Answers faults as pages, refuses forms that are not ours, and writes down what changed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            session = await read_session(request)
            request.state.session = session
            if session is not None:
                request.state.caller = session.caller
            try:
                if request.method not in _READS:
                    _check_origin(request)
                response = await answer(request)
            except Exception as error:
                problem = problem_of(error)
                if session is not None and request.method not in _READS:
                    await audit_request(request, problem.kind.status)
                if problem.kind.slug == "internal-error":
                    _logger.exception(
                        "Unexpected: %s",
                        type(error).__name__,
                        extra={"request_id": request_id_of(request)},
                    )
                return _explain(request, session, problem)
            if session is not None and request.method not in _READS:
                await audit_request(request, response.status_code)
            return response

        return handle


def sessions_of(request: Request) -> Sessions:
    """Return what reads the sessions of an application."""
    sessions: Sessions = request.app.state.sessions
    return sessions


async def read_session(request: Request) -> Session | None:
    """Return who is signed in, if anybody is."""
    cookie = request.cookies.get(cookie_name(request))
    if cookie is None:
        return None
    return await run_in_threadpool(sessions_of(request).read, cookie)


def is_secure(request: Request) -> bool:
    """Say whether the browser speaks to us over TLS, or to a proxy before us.

    The proxy's word is taken as it comes: who lies about it keeps their own cookie from working.
    """
    forwarded = request.headers.get("x-forwarded-proto", "")
    return "https" in {request.url.scheme, forwarded.partition(",")[0].strip().lower()}


def cookie_name(request: Request) -> str:
    """Name the session's cookie; over TLS with the prefix that ties it to this host."""
    return "__Host-voyant" if is_secure(request) else "voyant-session"


def see_other(address: str) -> RedirectResponse:
    """Answer a form by sending the browser to a page."""
    return RedirectResponse(address, status_code=303)


def _visitor(request: Request) -> Session:
    session: Session | None = request.state.session
    if session is None:
        raise Problem("unauthenticated")
    if request.method not in _READS and not session.caller.role.includes(Role.ANALYST):
        raise Problem("forbidden", "Your key can look, and change nothing.")
    return session


async def read_form(request: Request, session: Session) -> FormData:
    """Read a form, if it is one that this person was given; its files go to the temporary folder.

    Raises:
        Problem: It carries another token, or none.
    """
    form = await request.form(max_fields=_MOST_FIELDS, max_files=_MOST_FILES)
    token = form.get("form_token")
    given = token if isinstance(token, str) else ""
    if not hmac.compare_digest(given.encode(), session.form_token.encode()):
        raise Problem("forbidden", "This form is out of date. Go back, reload the page, try again.")
    return form


async def _form(request: Request, session: Annotated[Session, Depends(_visitor)]) -> FormData:
    return await read_form(request, session)


Visitor = Annotated[Session, Depends(_visitor)]
Form = Annotated[FormData, Depends(_form)]


def _check_origin(request: Request) -> None:
    """Refuse a form that another site's page sends, before its body is read.

    Raises:
        Problem: The browser says that it comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site in {"same-origin", "none"}:
        return
    if site is None and (
        origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
    ):
        return
    raise Problem("forbidden", "The form was sent by a page of another site.")


def _explain(request: Request, session: Session | None, problem: Problem) -> Response:
    """Answer a fault: by the way to sign in, or by a page that says what is wrong."""
    if problem.kind.slug == "unauthenticated":
        path = request.url.path
        return see_other(f"{_SIGN_IN}?next={quote(path)}" if request.method in _READS else _SIGN_IN)
    context = {
        "kind": problem.kind.title,
        "detail": problem.detail if problem.detail != problem.kind.title else "",
        "status": problem.kind.status,
        "request_id": request_id_of(request),
    }
    response = render(
        request,
        "problem.html.j2",
        context,
        title=problem.kind.title,
        session=session,
        status=problem.kind.status,
    )
    for name in ("Retry-After", "Connection"):
        if name in problem.headers:
            response.headers[name] = problem.headers[name]
    return response
