"""`/v1/jobs/{job_id}/artifacts`: what a job made, and each file of it."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from voyant.service.artifact_files import find_artifact, read_manifest, send_artifact
from voyant.service.auth import Viewer
from voyant.service.parameters import JobId, Queue
from voyant.service.views import ArtifactList, ArtifactView
from voyant.service.wire import ServiceRoute, describe_problems

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/jobs/{job_id}/artifacts", tags=["artifacts"], route_class=ServiceRoute
)

#: JSON has no schema here: each artifact has its own, and a range of one fits none.
_ANY_FILE: Final[dict[str, Any]] = {
    "application/json": {},
    "*/*": {"schema": {"type": "string", "format": "binary"}},
}
_TEXT: Final = {"schema": {"type": "string"}}
_FILE_HEADERS: Final[dict[str, Any]] = {
    "ETag": {"description": "The file's SHA-256, as in the manifest.", **_TEXT},
    "Content-Disposition": {"description": "What to call the file.", **_TEXT},
    "Content-Security-Policy": {
        "description": "A page has no origin and asks for nothing.",
        **_TEXT,
    },
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status.HTTP_200_OK: {
        "description": "The file, with the media type of the manifest.",
        "content": _ANY_FILE,
        "headers": _FILE_HEADERS,
    },
    status.HTTP_206_PARTIAL_CONTENT: {
        "description": "The range that was asked for.",
        "content": _ANY_FILE,
        "headers": {
            **_FILE_HEADERS,
            "Content-Range": {"description": "Which part it is.", **_TEXT},
        },
    },
    status.HTTP_304_NOT_MODIFIED: {"description": "It is the one of `If-None-Match`."},
    **describe_problems("not-found", "conflict", "range-not-satisfiable"),
}
_PATH = Path(description="As in the list: `profile.json`, `charts/delay.svg`.")
_RANGE = Header(alias="Range", description="One range of bytes: `bytes=0-1023`.")
_IF_NONE_MATCH = Header(
    alias="If-None-Match", description="The ETag of a copy that is there already."
)


@router.get("", responses=describe_problems("not-found", "conflict"))
async def list_artifacts(caller: Viewer, queue: Queue, job_id: JobId) -> ArtifactList:
    """List what a job made, and what became of each generator."""
    manifest = await run_in_threadpool(read_manifest, queue, caller.tenant_id, job_id)
    base = f"/v1/jobs/{job_id}/artifacts"
    views = [ArtifactView.of(entry, f"{base}/{quote(entry.path)}") for entry in manifest.artifacts]
    return ArtifactList.of(manifest, views)


@router.get("/{path:path}", response_class=Response, responses=_ANSWERS)
async def get_artifact(
    request: Request,
    caller: Viewer,
    queue: Queue,
    job_id: JobId,
    path: Annotated[str, _PATH],
    _range: Annotated[str | None, _RANGE] = None,
    _if_none_match: Annotated[str | None, _IF_NONE_MATCH] = None,
) -> Response:
    """Fetch a file, or a range of it."""
    found = await run_in_threadpool(find_artifact, queue, caller.tenant_id, job_id, path)
    return await send_artifact(request, found)


@router.head("/{path:path}", response_class=Response, responses=_ANSWERS)
async def head_artifact(
    request: Request,
    caller: Viewer,
    queue: Queue,
    job_id: JobId,
    path: Annotated[str, _PATH],
    _if_none_match: Annotated[str | None, _IF_NONE_MATCH] = None,
) -> Response:
    """Say how large a file is, of which type, and its ETag."""
    found = await run_in_threadpool(find_artifact, queue, caller.tenant_id, job_id, path)
    return await send_artifact(request, found)
