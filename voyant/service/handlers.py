"""How does every error, ours and the framework's, become a problem?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from voyant.core.errors import UnsafeNameError, VoyantError
from voyant.service.problems import FieldFault, Problem, answer, kind_of_status

__all__ = ["install_handlers", "request_id_of"]

_MOST_FAULTS = 20
_LONGEST_POINTER = 200


def install_handlers(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""
    app.add_exception_handler(Problem, _tell_problem)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(VoyantError, _tell_voyant)


def request_id_of(request: Request) -> str:
    """Return what the log calls a request."""
    return str(getattr(request.state, "request_id", ""))


async def _tell_problem(request: Request, error: Exception) -> Response:
    return answer(cast("Problem", error), request_id_of(request))


async def _tell_http(request: Request, error: Exception) -> Response:
    """Tell of what the framework refused; its own words may speak of its inside."""
    refused = cast("HTTPException", error)
    kind = kind_of_status(refused.status_code)
    headers = {
        name: value
        for name, value in (refused.headers or {}).items()
        if name.lower() in {"allow", "retry-after", "www-authenticate", "content-range"}
    }
    return answer(Problem(kind.slug, headers=headers), request_id_of(request))


async def _tell_voyant(request: Request, error: Exception) -> Response:
    """Tell of a name that cannot be anything's; other errors of Voyant are faults of ours."""
    if isinstance(error, UnsafeNameError):
        return answer(Problem("not-found"), request_id_of(request))
    raise error


async def _tell_invalid(request: Request, error: Exception) -> Response:
    found = cast("Sequence[dict[str, Any]]", cast("RequestValidationError", error).errors())
    faults = [
        FieldFault(pointer=_pointer(fault["loc"]), detail=str(fault["msg"]))
        for fault in found[:_MOST_FAULTS]
    ]
    problem = Problem(
        "invalid-request",
        "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:3]),
        errors=faults,
    )
    return answer(problem, request_id_of(request))


def _pointer(location: Sequence[object]) -> str:
    """Say where a fault is: a JSON pointer into the body, or which parameter."""
    place, *parts = [str(part) for part in location] or ["body"]
    if place == "body":
        escaped = (part.replace("~", "~0").replace("/", "~1") for part in parts)
        return "/".join(["#", *escaped])[:_LONGEST_POINTER]
    return "/".join([place, *parts])[:_LONGEST_POINTER]
