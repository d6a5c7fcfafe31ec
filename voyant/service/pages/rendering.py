"""How does a template become one of the service's pages?

The look is the report's: its style sheet and its pieces, with a few more of both. A page allows
itself its own style sheet and script, by hash, forms and requests to where it came from, frames of
the same, and nothing else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from voyant import __version__
from voyant.report.format import visible
from voyant.report.svg import share_bar
from voyant.service.pages.sessions import Session

__all__ = ["POLICY", "render", "render_part"]

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_INDENT = re.compile(r"\n\s+")
_NAVIGATION = (
    ("/jobs", "Jobs"),
    ("/tables", "Tables"),
    ("/kpis", "KPIs"),
    ("/schedules", "Schedules"),
    ("/generators", "Generators"),
)


def render(
    request: Request,
    template: str,
    context: Mapping[str, object],
    *,
    title: str,
    session: Session | None = None,
    status: int = 200,
    refresh_seconds: int = 0,
) -> HTMLResponse:
    """Answer with a page.

    Args:
        request: What is answered.
        template: A file in `templates/`.
        context: What it prints; a name it asks for and does not find is an error.
        title: The page's title, plain text.
        session: Who is signed in, if anybody is.
        status: The status of the answer.
        refresh_seconds: Where scripts are off, ask again so soon; never when 0.
    """
    page = {
        "title": visible(title),
        "style": Markup(_style()),  # noqa: S704 - our own file, not data
        "script": Markup(_script()),  # noqa: S704 - our own file, not data
        "navigation": [
            {"address": address, "name": name, "is_here": _is_here(request, address)}
            for address, name in _NAVIGATION
        ],
        "session": session,
        "refresh_seconds": refresh_seconds,
        "version": __version__,
    }
    body = _environment().get_template(template).render({**context, "page": page})
    return HTMLResponse(body, status_code=status, headers=_headers())


def render_part(template: str, context: Mapping[str, object]) -> HTMLResponse:
    """Answer with a part of a page, for its script to put in place."""
    body = _environment().get_template(template).render(context)
    return HTMLResponse(body, headers=_headers())


def _headers() -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def _is_here(request: Request, address: str) -> bool:
    path = request.url.path
    return path == address or path.startswith(f"{address}/")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("voyant.service.pages", "templates"),
                PackageLoader("voyant.report", "templates"),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["share_bar"] = share_bar
    return environment


@cache
def _style() -> str:
    sheets = (
        files("voyant.report").joinpath("styles", "page.css"),
        files("voyant.service.pages").joinpath("styles", "service.css"),
    )
    text = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return _INDENT.sub("\n", _COMMENT.sub("", text))


@cache
def _script() -> str:
    return files("voyant.service.pages").joinpath("live.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src '{_hash(_style())}'",
        f"script-src '{_hash(_script())}'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
