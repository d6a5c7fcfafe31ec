"""`/v1/tables`: tables that jobs of this tenant may name as `upload:NAME`."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from voyant.service.auth import Analyst, Viewer
from voyant.service.parameters import ServiceSettings
from voyant.service.problems import Problem
from voyant.service.slots import Slots
from voyant.service.uploads import StoredTable, UploadStore, check_table_name
from voyant.service.views import TableList, TableView
from voyant.service.wire import ServiceRoute, describe_problems

__all__ = ["router"]

router = APIRouter(prefix="/v1/tables", tags=["tables"], route_class=ServiceRoute)

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The file's bytes; its name says of which kind they are.",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_TableName = Annotated[str, Path(description="A file's name.", examples=["orders.csv"])]


@router.get("", responses=describe_problems())
async def list_tables(caller: Viewer, settings: ServiceSettings) -> TableList:
    """List the tenant's uploaded tables, by name."""
    store = UploadStore(settings, caller.tenant_id)
    return TableList(tables=[_view(table) for table in await run_in_threadpool(store.all)])


@router.get("/{name}", responses=describe_problems("not-found"))
async def get_table(caller: Viewer, settings: ServiceSettings, name: _TableName) -> TableView:
    """Return what is known of an uploaded table."""
    store = UploadStore(settings, caller.tenant_id)
    return _view(await run_in_threadpool(store.get, name))


@router.put(
    "/{name}",
    openapi_extra=_BODY,
    responses={
        status.HTTP_200_OK: {"description": "It has replaced the table of that name."},
        status.HTTP_201_CREATED: {"description": "It is there.", "model": TableView},
        **describe_problems(
            "forbidden",
            "request-timeout",
            "precondition-failed",
            "too-large",
            "unsupported-media-type",
            "invalid-request",
            "unusable-file",
            "too-many-requests",
        ),
    },
)
async def put_table(
    request: Request,
    response: Response,
    caller: Analyst,
    settings: ServiceSettings,
    name: _TableName,
    if_none_match: Annotated[
        str | None,
        Header(alias="If-None-Match", pattern=r"^\*$", description="`*`: replace nothing."),
    ] = None,
) -> TableView:
    """Upload a table, `curl -T orders.csv`; it is looked at before it is kept."""
    check_table_name(name)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(
            "unsupported-media-type", "Send the file as it is: orders.csv.gz, not encoded."
        )
    uploads: Slots = request.app.state.uploads
    with uploads.take(caller.tenant_id):
        table, digest, is_new = await UploadStore(settings, caller.tenant_id).put(
            name, request.stream(), is_new=if_none_match is not None
        )
    response.status_code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
    response.headers["Repr-Digest"] = f"sha-256=:{_base64(digest)}:"
    return _view(table)


@router.delete(
    "/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=describe_problems("forbidden", "not-found"),
)
async def delete_table(caller: Analyst, settings: ServiceSettings, name: _TableName) -> None:
    """Remove an uploaded table; jobs that name it fail from now on."""
    await run_in_threadpool(UploadStore(settings, caller.tenant_id).remove, name)


def _view(table: StoredTable) -> TableView:
    return TableView(
        name=table.name,
        source=table.source,
        size_bytes=table.size_bytes,
        uploaded_at=table.uploaded_at,
    )


def _base64(digest: str) -> str:
    return b64encode(bytes.fromhex(digest)).decode()
