"""What does the service answer when it cannot do what was asked? One shape, whatever went wrong.

Each kind of problem has a name that never changes, and a heading in docs/reference/problems.md.

Source: RFC 9457, Problem Details for HTTP APIs, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "MEDIA_TYPE",
    "PROBLEMS",
    "FieldFault",
    "Problem",
    "ProblemDetails",
    "ProblemKind",
    "answer",
    "kind_of_status",
]

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One kind of problem: what is the same each time it occurs."""

    slug: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """Its identifier, a URI relative to the service."""
        return f"/problems/{self.slug}"


#: All kinds, by slug; those at the end of a status's list are for special cases.
PROBLEMS: Final[Mapping[str, ProblemKind]] = {
    slug: ProblemKind(slug=slug, status=status, title=title)
    for slug, status, title in (
        ("bad-request", 400, "The request cannot be read."),
        ("malformed-json", 400, "The body is not JSON that can be accepted."),
        ("unauthenticated", 401, "A valid API key is needed."),
        ("forbidden", 403, "The API key's role does not allow this."),
        ("source-not-allowed", 403, "The operator does not allow this place to be read."),
        ("not-found", 404, "There is nothing here."),
        ("method-not-allowed", 405, "This address does not answer that method."),
        ("request-timeout", 408, "The body did not arrive in time."),
        ("conflict", 409, "The present state does not allow this."),
        ("precondition-failed", 412, "What is stored is not what the request expects."),
        ("too-large", 413, "The body is larger than allowed."),
        ("uri-too-long", 414, "The address is longer than allowed."),
        ("unsupported-media-type", 415, "The body is of a type that is not taken here."),
        ("range-not-satisfiable", 416, "The file has no such range."),
        ("misdirected-request", 421, "The request names a host that this service is not."),
        ("invalid-request", 422, "The request is not one that can be carried out."),
        ("unusable-file", 422, "The file is not a table that can be kept."),
        ("idempotency-key-reused", 422, "The idempotency key belongs to another request."),
        ("too-many-jobs", 429, "The tenant has as many unfinished jobs as it may have."),
        ("too-many-requests", 429, "Too many requests of this kind are being answered."),
        ("header-too-large", 431, "The header fields are larger than allowed."),
        ("internal-error", 500, "Something unexpected happened; this is a fault of the service."),
        ("unavailable", 503, "The service cannot answer now."),
    )
}

#: The kind for a status that the web framework chose by itself.
_BY_STATUS: Final[Mapping[int, str]] = {
    400: "bad-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    409: "conflict",
    412: "precondition-failed",
    413: "too-large",
    414: "uri-too-long",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
    421: "misdirected-request",
    422: "invalid-request",
    429: "too-many-requests",
    431: "header-too-large",
    503: "unavailable",
}


class FieldFault(BaseModel):
    """What is wrong with one part of a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    pointer: str = Field(examples=["#/sources/orders"])
    """Where: a JSON pointer into the body (`#/...`), or `query/NAME`, `path/NAME` and so on."""
    detail: str = Field(examples=["Input should be a valid string"])
    """What is wrong with it."""


class ProblemDetails(BaseModel):
    """The shape of every error, `application/problem+json`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = Field(examples=["/problems/not-found"])
    """The kind of problem; each is described in docs/reference/problems.md."""
    title: str = Field(examples=["There is nothing here."])
    """What the kind means, always the same."""
    status: int = Field(examples=[404])
    """The HTTP status."""
    detail: str = Field(examples=["There is no such job."])
    """What happened this time, and what to do about it."""
    request_id: str = Field(examples=["5f2b7c9e1d3a4b60"])
    """What the service's log calls this request; also in the header `X-Request-Id`."""
    errors: list[FieldFault] | None = None
    """Each fault of a request that is not valid."""


class Problem(Exception):  # noqa: N818 - the name that RFC 9457 gives it
    """A request that gets a problem for an answer; it never leaves the service."""

    def __init__(
        self,
        slug: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldFault] = (),
    ) -> None:
        self.kind = PROBLEMS[slug]
        self.detail = detail or self.kind.title
        self.headers = dict(headers or {})
        self.errors = tuple(errors)
        super().__init__(f"{slug}: {self.detail}")


def kind_of_status(status: int) -> ProblemKind:
    """Return the general kind for a status."""
    if status in _BY_STATUS:
        return PROBLEMS[_BY_STATUS[status]]
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return PROBLEMS["internal-error" if is_ours else "bad-request"]


def answer(problem: Problem, request_id: str) -> JSONResponse:
    """Return the response that tells of a problem."""
    body: dict[str, Any] = {
        "type": problem.kind.type,
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "request_id": request_id,
    }
    if problem.errors:
        body["errors"] = [fault.model_dump() for fault in problem.errors]
    return JSONResponse(
        body,
        status_code=problem.kind.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        media_type=MEDIA_TYPE,
    )
