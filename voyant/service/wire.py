"""How is a request of `/v1` taken in? First who sent it, then its body, strictly."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from voyant.service.audit import audit_request
from voyant.service.auth import caller_of
from voyant.service.handlers import problem_of
from voyant.service.problems import MEDIA_TYPE, PROBLEMS, Problem
from voyant.service.strict_json import parse_strictly

__all__ = ["ServiceRoute", "describe_problems"]

_READS: Final = frozenset({"GET", "HEAD"})

#: What any address of `/v1` may answer.
_ANYWHERE: Final = (
    "bad-request",
    "unauthenticated",
    "uri-too-long",
    "header-too-large",
    "misdirected-request",
    "internal-error",
    "unavailable",
)
_WITH_BODY: Final = (
    "malformed-json",
    "request-timeout",
    "too-large",
    "unsupported-media-type",
    "invalid-request",
)


class ServiceRoute(APIRoute):
    """Asks who sent a request before its body is read, and writes down what changed something."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()
        takes_json = self.body_field is not None

        async def handle(request: Request) -> Response:
            await caller_of(request)
            try:
                if takes_json:
                    await _read_json(request)
                response = await answer(request)
            except Exception as error:
                if request.method not in _READS:
                    await audit_request(request, problem_of(error).kind.status)
                raise
            if request.method not in _READS:
                await audit_request(request, response.status_code)
            return response

        return handle


async def _read_json(request: Request) -> None:
    """Read the body into where the framework looks for it.

    Raises:
        Problem: It is of another type, or no JSON that can be accepted.
    """
    content_types = request.headers.getlist("content-type")
    declared = Message()
    declared["content-type"] = content_types[0] if len(content_types) == 1 else ""
    charset = str(declared.get_param("charset", "utf-8")).lower()
    if (
        declared.get_content_type() != "application/json"
        or charset not in {"utf-8", "utf8"}
        or request.headers.get("content-encoding", "identity") != "identity"
    ):
        raise Problem("unsupported-media-type", "Send application/json, in UTF-8, not compressed.")
    # Where Starlette keeps what it has parsed: the framework then parses nothing itself.
    vars(request)["_json"] = parse_strictly(await request.body())


def describe_problems(
    *slugs: str, has_body: bool = False, is_open: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of what a route may answer beside what was asked for.

    Args:
        *slugs: Kinds of problems that only some routes have.
        has_body: Whether the route takes JSON.
        is_open: Whether it needs no key.
    """
    named = (*_ANYWHERE, *(_WITH_BODY if has_body else ()), *slugs)
    kinds = [PROBLEMS[slug] for slug in named if not (is_open and slug == "unauthenticated")]
    described: dict[int | str, dict[str, Any]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.status):
        entry = described.setdefault(
            kind.status,
            {
                "description": kind.title,
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                        "examples": {},
                    }
                },
            },
        )
        entry["content"][MEDIA_TYPE]["examples"][kind.slug] = {
            "value": {
                "type": kind.type,
                "title": kind.title,
                "status": kind.status,
                "detail": kind.title,
                "request_id": "5f2b7c9e1d3a4b60",
            }
        }
    return described
