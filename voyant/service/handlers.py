"""How does every error, ours and the framework's, become a problem?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from voyant.core.errors import ConfigurationError, UnsafeNameError, VoyantError
from voyant.jobs.durable.errors import (
    CursorError,
    DatabaseError,
    IdempotencyError,
    JobStateError,
    QueueFullError,
    ScheduleError,
    UnknownJobError,
    UnknownScheduleError,
)
from voyant.service.problems import FieldFault, Problem, answer, kind_of_status

__all__ = ["install_handlers", "invalid", "problem_of", "request_id_of"]

_MOST_FAULTS: Final = 20
_LONGEST_TEXT: Final = 300
_PASSED_ON: Final = frozenset({"allow", "retry-after", "www-authenticate", "content-range"})
#: Errors whose own words are meant for whoever asked.
_SAID: Final[dict[type[VoyantError], str]] = {
    CursorError: "invalid-request",
    IdempotencyError: "idempotency-key-reused",
    JobStateError: "conflict",
    ScheduleError: "invalid-request",
}
#: Errors that say no more than that nothing is there: another tenant's is no different.
_ABSENT: Final = (UnknownJobError, UnknownScheduleError, UnsafeNameError)


def install_handlers(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""
    for kind in (Problem, HTTPException, RequestValidationError, VoyantError):
        app.add_exception_handler(kind, _tell)


def request_id_of(request: Request) -> str:
    """Return what the log calls a request."""
    return str(getattr(request.state, "request_id", ""))


async def _tell(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.kind.slug == "internal-error":
        raise error  # the gate logs it and answers
    return answer(problem, request_id_of(request))


def problem_of(error: Exception) -> Problem:
    """Return what to answer to an error; `internal-error` for one that nobody expected."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _of_invalid(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    return _of_voyant(error)


def _of_voyant(error: Exception) -> Problem:
    if isinstance(error, _ABSENT):
        return Problem("not-found")
    if isinstance(error, QueueFullError):
        return Problem(
            "too-many-jobs", str(error), headers={"Retry-After": str(error.retry_after_seconds)}
        )
    if isinstance(error, DatabaseError):
        return Problem("unavailable", "The database does not answer.", headers={"Retry-After": "5"})
    for kind, slug in _SAID.items():
        if isinstance(error, kind):
            return Problem(slug, str(error))
    return Problem("internal-error")


def invalid(pointer: str, error: ConfigurationError | str) -> Problem:
    """Return the problem of one part of a body that Voyant itself refuses."""
    detail = str(error)
    return Problem("invalid-request", detail, errors=[FieldFault(pointer=pointer, detail=detail)])


def _of_http(error: HTTPException) -> Problem:
    """Tell of what the framework refused; its own words may speak of its inside."""
    kind = kind_of_status(error.status_code)
    given = error.headers or {}
    headers = {name: value for name, value in given.items() if name.lower() in _PASSED_ON}
    return Problem(kind.slug, headers=headers)


def _of_invalid(error: RequestValidationError) -> Problem:
    found = cast("Sequence[dict[str, Any]]", error.errors())
    faults = [
        FieldFault(pointer=_pointer(fault["loc"]), detail=str(fault["msg"])[:_LONGEST_TEXT])
        for fault in found[:_MOST_FAULTS]
    ]
    said = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:3])
    return Problem("invalid-request", f"{said}.", errors=faults)


def _pointer(location: Sequence[object]) -> str:
    """Say where a fault is: a JSON pointer into the body, or which parameter."""
    place, *parts = [str(part) for part in location] or ["body"]
    if place == "body":
        escaped = (part.replace("~", "~0").replace("/", "~1") for part in parts)
        return "/".join(["#", *escaped])[:_LONGEST_TEXT]
    return "/".join([place, *parts])[:_LONGEST_TEXT]
