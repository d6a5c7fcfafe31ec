"""`/`: what this is and how to come in; and the way out."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from voyant.service.keys import KeyStore, check_key
from voyant.service.pages.rendering import render
from voyant.service.pages.route import (
    Form,
    PageRoute,
    cookie_name,
    is_secure,
    see_other,
    sessions_of,
)
from voyant.service.pages.sessions import LIFETIME_SECONDS

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_HOME: Final = "/jobs"
#: Where somebody may be sent after signing in: a page of ours, never another site.
_OURS: Final = re.compile(
    r"/(?:jobs|tables|kpis|schedules|generators)(?:/[A-Za-z0-9_.-]+)*", re.ASCII
)


@router.get("/")
async def welcome(request: Request, next: str = "") -> Response:  # noqa: A002 - as the address has it
    """Say what this is; send whoever is signed in on."""
    if request.state.session is not None:
        return see_other(_HOME)
    return await _page(request, next)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Begin a session, if the key is right."""
    form = await request.form(max_fields=5, max_files=0)
    text, then = form.get("key"), form.get("next")
    keys: KeyStore = request.app.state.keys
    key = await run_in_threadpool(check_key, keys, text.strip()) if isinstance(text, str) else None
    if key is None:
        return await _page(
            request,
            then if isinstance(then, str) else "",
            fault="That is not a valid key. It begins with voyant_; check that all of it is there.",
            status=401,
        )
    cookie = await run_in_threadpool(sessions_of(request).begin, key.key_id)
    response = see_other(_safe(then if isinstance(then, str) else ""))
    response.set_cookie(
        cookie_name(request),
        cookie,
        max_age=LIFETIME_SECONDS,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, _form: Form) -> Response:
    """End a session on this browser."""
    response: RedirectResponse = see_other("/")
    response.delete_cookie(
        cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="strict"
    )
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def _page(request: Request, then: str, *, fault: str = "", status: int = 200) -> Response:
    keys: KeyStore = request.app.state.keys
    context = {
        "next": _safe(then),
        "fault": fault,
        "has_keys": bool(await run_in_threadpool(keys.all)),
    }
    return render(request, "sign_in.html.j2", context, title="Voyant", status=status)


def _safe(address: str) -> str:
    """Return an address if it is one of our pages.

    >>> [_safe(text) for text in ("/kpis", "//evil.example", "/jobs/../x", "https://evil.example")]
    ['/kpis', '/jobs', '/jobs', '/jobs']
    """
    is_ours = _OURS.fullmatch(address) and "/." not in address
    return address if is_ours else _HOME
