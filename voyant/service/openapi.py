"""What does the API's own document say? All of it: every answer, the key, what each part is for."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from voyant import __version__
from voyant.service.problems import ProblemDetails

__all__ = ["TAGS", "make_document"]

_DESCRIPTION: Final = """\
Submit jobs over tables, follow them, and fetch what they made.

Send your key with every request: `Authorization: Bearer voyant_...`. Every error has one shape,
`application/problem+json` (RFC 9457). A key sees its own tenant and nothing else: whatever belongs
to another answers 404.
"""

TAGS: Final[list[dict[str, Any]]] = [
    {"name": "jobs", "description": "From 202 to the end."},
    {"name": "artifacts", "description": "What a job made."},
    {"name": "tables", "description": "Uploads that jobs may name."},
    {"name": "generators", "description": "What can be run, and what would be."},
    {"name": "schedules", "description": "Jobs that recur."},
    {"name": "baselines", "description": "What tables are compared with."},
    {"name": "KPIs", "description": "Values of the jobs before."},
    {"name": "tenant", "description": "Whose key this is."},
    {"name": "administration", "description": "For the tenant's administrators."},
    {"name": "health", "description": "For whoever keeps the service alive."},
]
#: The framework's own shape of errors, which is never sent.
_NOT_OURS: Final = ("HTTPValidationError", "ValidationError")
_NEED_NO_KEY: Final = frozenset({"/healthz", "/readyz"})


def make_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application; it is made once."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title="Voyant",
        version=__version__,
        description=_DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDetails"] = problem
    for name in _NOT_OURS:
        schemas.pop(name, None)
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key: `voyant_...`."}
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path not in _NEED_NO_KEY:
                operation["security"] = [{"key": []}]
            _forget_framework_errors(operation["responses"])
    app.openapi_schema = document
    return document


def _forget_framework_errors(responses: dict[str, Any]) -> None:
    """Remove the answer 422 that the framework adds where a route's own list has none."""
    described = responses.get("422", {}).get("content", {})
    if "application/json" in described:
        described.pop("application/json")
        if not described:
            responses.pop("422")
