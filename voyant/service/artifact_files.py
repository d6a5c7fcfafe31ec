"""How does a file of a job reach a browser, and why can it do nothing there to the service?

A page of an artifact is served in a sandbox: it has an origin of its own that nothing else has, no
cookies, no storage, and a policy under which it asks for nothing. What it says cannot be trusted:
table and column names in it are other people's.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from voyant.artifacts.manifest import ArtifactEntry, Manifest
from voyant.artifacts.names import check_name
from voyant.artifacts.store import MANIFEST_NAME
from voyant.core.errors import UnsafeNameError
from voyant.jobs.durable.model import JobQueue
from voyant.service.problems import Problem

__all__ = ["ARTIFACT_POLICY", "FoundArtifact", "find_artifact", "read_manifest", "send_artifact"]

#: Its scripts run (charts need them), but in no origin: no cookie, no key, no request, no frame.
ARTIFACT_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'; "
    "connect-src 'none'; frame-ancestors 'self'"
)
#: What a browser may show; everything else it is to save.
_SHOWN: Final = frozenset(
    {"application/json", "image/png", "image/svg+xml", "text/html", "text/markdown", "text/plain"}
)
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_CHUNK_BYTES: Final = 256 * 1024
_UNPRINTABLE: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundArtifact:
    """A file that the manifest names.

    Attributes:
        folder: The job's folder.
        entry: What the manifest says of it.
    """

    folder: Path
    entry: ArtifactEntry


def read_manifest(queue: JobQueue, tenant_id: str, job_id: str) -> Manifest:
    """Return the manifest of a tenant's job.

    Raises:
        UnknownJobError: The tenant has no such job.
        Problem: It has not come to an end that left one.
    """
    job = queue.get(tenant_id, job_id)
    try:
        content = (queue.folder(tenant_id, job_id) / MANIFEST_NAME).read_bytes()
        manifest = Manifest.model_validate_json(content)
    except FileNotFoundError:
        raise Problem(
            "conflict", f"The job is {job.state.value} and has no artifacts to list."
        ) from None
    except (OSError, ValidationError):
        raise Problem("conflict", "The job's manifest cannot be read.") from None
    if (manifest.tenant_id, manifest.job_id) != (tenant_id, job_id):
        raise Problem("not-found")
    return manifest


def find_artifact(queue: JobQueue, tenant_id: str, job_id: str, path: str) -> FoundArtifact:
    """Return the file of a path, if the manifest names it.

    Raises:
        UnknownJobError: The tenant has no such job.
        Problem: The manifest has no such file, or there is none.
    """
    manifest = read_manifest(queue, tenant_id, job_id)
    entry = next((entry for entry in manifest.artifacts if entry.path == path), None)
    if entry is None:
        raise Problem("not-found")
    return FoundArtifact(folder=queue.folder(tenant_id, job_id), entry=entry)


async def send_artifact(request: Request, found: FoundArtifact) -> Response:
    """Answer with a file: whole, a range of it, or that the asker has it already.

    Raises:
        Problem: It is not as the manifest says, or has no such range.
    """
    entry = found.entry
    etag = f'"{entry.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": _disposition(entry),
        "Content-Security-Policy": ARTIFACT_POLICY,
        "X-Frame-Options": "SAMEORIGIN",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    start, end = 0, entry.size_bytes
    asked = request.headers.get("range") if request.method == "GET" else None
    if asked and request.headers.get("if-range", etag) == etag:
        start, end = _range(asked, entry.size_bytes)
    is_part = (start, end) != (0, entry.size_bytes)
    headers["Content-Length"] = str(end - start)
    if is_part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{entry.size_bytes}"
    descriptor = await run_in_threadpool(_open, found)
    if request.method == "HEAD":
        os.close(descriptor)
        return Response(headers=headers, media_type=entry.media_type)
    status = 206 if is_part else 200
    return _FileResponse(descriptor, start, end, status, headers, entry.media_type)


class _FileResponse(StreamingResponse):
    """Sends a part of an open file, and closes it whatever happens."""

    def __init__(
        self,
        descriptor: int,
        start: int,
        end: int,
        status: int,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        self._descriptor = descriptor
        parts = _read(descriptor, start, end)
        super().__init__(parts, status_code=status, headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)


def _open(found: FoundArtifact) -> int:
    """Open a file below the job's folder, following no link.

    Raises:
        Problem: It is not there, or not as the manifest says.
    """
    changed = Problem("conflict", "The file is not as the job's manifest says.")
    try:
        path = found.folder / check_name("artifact", found.entry.path)
        if path.parent.resolve() != found.folder.resolve().joinpath(
            *found.entry.path.split("/")[:-1]
        ):
            raise changed
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, UnsafeNameError):
        raise changed from None
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size != found.entry.size_bytes:
        os.close(descriptor)
        raise changed
    return descriptor


async def _read(descriptor: int, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        wanted = min(_CHUNK_BYTES, end - start)
        part = await run_in_threadpool(os.pread, descriptor, wanted, start)
        if not part:
            return  # cut short: the length that was announced tells the client
        start += len(part)
        yield part


def _range(text: str, size: int) -> tuple[int, int]:
    """Return the bytes that a Range header asks for; all of them if it asks for several ranges.

    Source: RFC 9110, section 14.2: a server may ignore the header.
    """
    found = _RANGE.fullmatch(text.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return 0, size
    unsatisfiable = Problem("range-not-satisfiable", headers={"Content-Range": f"bytes */{size}"})
    if not found[1]:
        length = int(found[2])
        if length == 0 or size == 0:
            raise unsatisfiable
        return max(0, size - length), size
    start = int(found[1])
    if start >= size:
        raise unsatisfiable
    if not found[2]:
        return start, size
    last = int(found[2])
    return (start, min(last + 1, size)) if last >= start else (0, size)


def _matches(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return header.strip() == "*" or etag in {
        part.strip().removeprefix("W/") for part in header.split(",")
    }


def _disposition(entry: ArtifactEntry) -> str:
    name = entry.path.rpartition("/")[2]
    kind = "inline" if entry.media_type in _SHOWN else "attachment"
    plain = _UNPRINTABLE.sub("_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
