"""`/jobs/new`: bring tables, say what is wanted, start a job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from voyant.core.config import Settings
from voyant.core.errors import VoyantError
from voyant.core.plugin_registry import default_registry
from voyant.demo import KPIS, table_paths
from voyant.jobs.durable.errors import QueueFullError
from voyant.jobs.durable.model import JobSpec
from voyant.jobs.durable.queue import DatabaseQueue
from voyant.report.format import Figure, Value, byte_size, column_name, value
from voyant.service.keys import Role
from voyant.service.pages.rendering import render
from voyant.service.pages.route import Form, PageRoute, Visitor, read_form, see_other
from voyant.service.pages.sessions import Session
from voyant.service.parameters import Queue, ServiceSettings
from voyant.service.problems import Problem
from voyant.service.slots import Slots
from voyant.service.sniffing import TABLE_KINDS
from voyant.service.specs import check_spec
from voyant.service.table_names import table_name
from voyant.service.uploads import StoredTable, UploadStore, check_table_name

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_CHUNK_BYTES: Final = 1024**2
_LONGEST_TEXT: Final = 100_000
_EXAMPLE_AS_OF: Final = datetime(2014, 1, 1, tzinfo=UTC)
_EXAMPLE_REFERENCE: Final = {"flights": "before:time_hour=2013-07-01"}
_ENDINGS: Final = (".gz", ".zst")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChoice:
    """An uploaded file that a job may read."""

    name: str
    shown: Value
    size: Figure
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorChoice:
    """A generator that a job may leave out."""

    name: str
    shown: Value
    description: str
    is_chosen: bool


@dataclass(slots=True, kw_only=True)
class _Wish:
    """What the form says."""

    tables: list[str] = field(default_factory=list[str])
    kpis: str = ""
    reference: str = ""
    as_of: str = ""
    skip: list[str] = field(default_factory=list[str])
    warehouse: str = ""


class _FormError(Exception):
    """Something in the form that cannot be used; said beside it."""


@router.get("/jobs/new")
async def new_job(
    request: Request,
    session: Visitor,
    settings: ServiceSettings,
    table: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Ask what a job is to do."""
    if not session.caller.role.includes(Role.ANALYST):
        raise Problem("forbidden", "Your key can look, and change nothing.")
    return await _ask(request, session, settings, _Wish(tables=[table] if table else []))


@router.post("/jobs/new")
async def start_job(
    request: Request, session: Visitor, queue: Queue, settings: ServiceSettings
) -> Response:
    """Keep the files that came along, and start the job."""
    uploads: Slots = request.app.state.uploads
    with uploads.take(session.caller.tenant_id):
        await _check_announced(request, session, settings)
        form = await read_form(request, session)
        try:
            return await _start(request, session, form, queue, settings)
        finally:
            await form.close()


async def _check_announced(request: Request, session: Session, settings: Settings) -> None:
    """Refuse a form whose files have no room, before any of it is written anywhere.

    Raises:
        Problem: It has none, or does not say how long it is.
    """
    announced = request.headers.get("content-length", "")
    if not (announced.isascii() and announced.isdigit()):
        raise Problem("bad-request", "A form says how long it is, in Content-Length.")
    store = UploadStore(settings, session.caller.tenant_id)
    room = await run_in_threadpool(store.form_room)
    if int(announced) > room + int(settings.service_max_body_bytes):
        raise Problem(
            "too-large",
            f"The tenant's tables leave room for {room} bytes. Remove a table first.",
            headers={"Connection": "close"},
        )


async def _start(
    request: Request, session: Session, form: FormData, queue: DatabaseQueue, settings: Settings
) -> Response:
    tenant = session.caller.tenant_id
    wish, files = _wish(form, settings), _files(form)
    try:
        wish.tables += await _keep(UploadStore(settings, tenant), files)
        spec = _spec(wish)
        await run_in_threadpool(check_spec, settings, tenant, spec)
        job = await run_in_threadpool(
            queue.submit, tenant, spec, requested_by=session.caller.key_id
        )
    except _FormError as error:
        return await _ask(request, session, settings, wish, [str(error)])
    except Problem as problem:
        return await _ask(request, session, settings, wish, [problem.detail])
    except QueueFullError as error:
        return await _ask(request, session, settings, wish, [str(error)])
    request.state.made = job.job_id
    return see_other(f"/jobs/{job.job_id}")


@router.post("/jobs/example")
async def start_example(
    request: Request, session: Visitor, _form: Form, queue: Queue, settings: ServiceSettings
) -> Response:
    """Bring the example tables, and start a job over them."""
    tenant = session.caller.tenant_id
    store = UploadStore(settings, tenant)
    sources: dict[str, str] = {}
    for name, path in table_paths().items():
        stored, _, _ = await store.put(path.name, _parts_of(path))
        sources[name] = stored.source
    spec = JobSpec(
        sources=sources,
        kpis=[dict(kpi) for kpi in KPIS],
        reference=_EXAMPLE_REFERENCE,
        as_of=_EXAMPLE_AS_OF,
    )
    job = await run_in_threadpool(queue.submit, tenant, spec, requested_by=session.caller.key_id)
    request.state.made = job.job_id
    return see_other(f"/jobs/{job.job_id}")


async def _ask(
    request: Request,
    session: Session,
    settings: Settings,
    wish: _Wish,
    faults: Sequence[str] = (),
) -> Response:
    stored = await run_in_threadpool(UploadStore(settings, session.caller.tenant_id).all)
    context = {
        "tables": [_table(table, wish) for table in stored],
        "generators": await run_in_threadpool(_generators, settings, wish.skip),
        "warehouses": sorted(settings.warehouses),
        "wish": wish,
        "kinds": ", ".join(TABLE_KINDS),
        "accept": ",".join((*TABLE_KINDS, *_ENDINGS)),
        "most": byte_size(int(settings.upload_max_bytes)),
        "faults": faults,
        "form_token": session.form_token,
    }
    return render(
        request,
        "new_job.html.j2",
        context,
        title="New job - Voyant",
        session=session,
        status=422 if faults else 200,
    )


def _wish(form: FormData, settings: Settings) -> _Wish:
    names = [it.definition.name for it in default_registry.plan({}, settings).steps]
    wanted = set(_texts(form, "run"))
    return _Wish(
        tables=_texts(form, "table"),
        kpis=_text(form, "kpis"),
        reference=_text(form, "reference"),
        as_of=_text(form, "as_of"),
        skip=[name for name in names if name not in wanted and name in _texts(form, "shown")],
        warehouse=_text(form, "warehouse"),
    )


def _spec(wish: _Wish) -> JobSpec:
    """Read the form's texts.

    Raises:
        _FormError: One of them cannot be read, or no table was chosen.
    """
    sources = {table_name(file): f"upload:{file}" for file in dict.fromkeys(wish.tables)}
    if not sources and not wish.warehouse:
        raise _FormError("No table was chosen. Choose one, or add a file.")
    if len(sources) < len(set(wish.tables)):
        raise _FormError("Two of the files would give tables of the same name; choose one of them.")
    try:
        return JobSpec(
            sources=sources,
            warehouse=wish.warehouse or None,
            kpis=_kpis(wish.kpis),
            reference=_reference(wish.reference, sources),
            as_of=_day(wish.as_of),
            skip=wish.skip,
        )
    except ValidationError as error:
        raise _FormError("; ".join(fault["msg"] for fault in error.errors())) from None


def _kpis(text: str) -> list[dict[str, Any]]:
    r"""Read KPIs: `name = SELECT ...`; lines that begin with white space go on.

    >>> [kpi["sql"] for kpi in _kpis("a = SELECT 1\n  AS x\nb = SELECT 2")]
    ['SELECT 1\n  AS x', 'SELECT 2']
    """
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        if line[:1].isspace() and found:
            found[-1]["sql"] += f"\n{line.rstrip()}"
        elif line.strip():
            name, equals, sql = (part.strip() for part in line.partition("="))
            if not (name and equals and sql):
                raise _FormError(f"A KPI is written as name = SELECT ..., not as {line.strip()!r}.")
            found.append({"name": name, "sql": sql})
    return found


def _reference(text: str, sources: Mapping[str, str]) -> dict[str, str]:
    """Read what tables are compared with: `table = file.csv`, or `table = before:column=value`."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        table, equals, other = (part.strip() for part in line.partition("="))
        if not (table and equals and other):
            raise _FormError(
                f"An earlier state is written as table = file, not as {line.strip()!r}."
            )
        if table not in sources:
            raise _FormError(f"There is no table {table!r} in this job to compare.")
        found[table] = other if other.startswith(("before:", "upload:")) else f"upload:{other}"
    return found


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise _FormError(f"{text!r} is no day.") from None


async def _keep(store: UploadStore, files: Sequence[UploadFile]) -> list[str]:
    """Keep the files that came with the form, and return their names.

    Raises:
        Problem: One of them cannot be kept; those before it were.
    """
    kept: list[str] = []
    for file in files:
        name = check_table_name(Path((file.filename or "").replace("\\", "/")).name)
        stored, _, _ = await store.put(name, _parts(file))
        kept.append(stored.name)
    return kept


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_CHUNK_BYTES):
        yield part


async def _parts_of(path: Path) -> AsyncIterator[bytes]:
    content = await run_in_threadpool(path.read_bytes)
    yield content


def _files(form: FormData) -> list[UploadFile]:
    """List the files of a form; a field that was left empty gives one without a name."""
    return [it for it in form.getlist("file") if isinstance(it, UploadFile) and it.filename]


def _table(table: StoredTable, wish: _Wish) -> TableChoice:
    return TableChoice(
        name=table.name,
        shown=column_name(table.name, length=60),
        size=byte_size(table.size_bytes),
        is_chosen=table.name in wish.tables,
    )


def _generators(settings: Settings, skip: Sequence[str]) -> list[GeneratorChoice]:
    """List what a job may leave out: core generators run anyway, those that are off do not."""
    try:
        default_registry.load_plugins(settings)
        steps = default_registry.plan({}, settings).steps
    except VoyantError:
        return []
    return [
        GeneratorChoice(
            name=step.definition.name,
            shown=value(step.definition.name),
            description=step.definition.description,
            is_chosen=step.definition.name not in skip,
        )
        for step in steps
        if not step.skip_reason and not step.definition.is_core
    ]


def _text(form: FormData, name: str) -> str:
    found = form.get(name)
    return found.replace("\r\n", "\n").strip("\n")[:_LONGEST_TEXT] if isinstance(found, str) else ""


def _texts(form: FormData, name: str) -> list[str]:
    return [it for it in form.getlist(name) if isinstance(it, str)]
