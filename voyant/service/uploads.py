"""How does an uploaded table get onto the disk, whole or not at all, and not too much of it?"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import threading
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi.concurrency import run_in_threadpool

from voyant.artifacts.names import check_name
from voyant.core.config import Settings
from voyant.core.errors import UnsafeNameError
from voyant.jobs.durable.places import UPLOAD_PREFIX, upload_path, uploads_folder
from voyant.service.problems import Problem
from voyant.service.slots import Slots
from voyant.service.sniffing import TABLE_KINDS, check_content, kind_of

if TYPE_CHECKING:
    from hashlib import _Hash as Digest  # pyright: ignore[reportPrivateUsage] - it has no other name

__all__ = ["StoredTable", "UploadStore", "check_table_name", "most_uploads", "remove_leftovers"]

_TEMPORARY: Final = ".voyant-upload-{}.tmp"
_BUFFER_BYTES: Final = 1024**2
_LONGEST_NAME: Final = 150
_MOST_TABLES: Final = 1_000
#: Uploads at the same time, of all tenants and of one.
_MOST_UPLOADS: Final = 8
_MOST_UPLOADS_OF_TENANT: Final = 2
#: One for each tenant, but for tenants that share one by chance.
_LOCKS: Final = tuple(threading.Lock() for _ in range(64))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable:
    """A table that was uploaded."""

    name: str
    size_bytes: int
    uploaded_at: datetime

    @property
    def source(self) -> str:
        """What a job's sources call it."""
        return f"{UPLOAD_PREFIX}{self.name}"


def check_table_name(name: str) -> str:
    """Return an upload's name if it can be a file's, and says of which kind it is.

    Raises:
        Problem: It is none.
    """
    try:
        check_name("artifact", name)
    except UnsafeNameError:
        raise Problem(
            "invalid-request", "Use a plain name with an extension, such as 'orders.csv'."
        ) from None
    if "/" in name or len(name.encode()) > _LONGEST_NAME:
        raise Problem(
            "invalid-request",
            f"Use a plain name of at most {_LONGEST_NAME} bytes, such as 'orders.csv'.",
        )
    if kind_of(name) is None:
        raise Problem(
            "unsupported-media-type",
            f"A table's name ends with {', '.join(TABLE_KINDS)}; text also with .gz or .zst.",
        )
    return name


def most_uploads() -> Slots:
    """Return what limits the uploads that are taken at the same time."""
    return Slots(of_tenant=_MOST_UPLOADS_OF_TENANT, of_all=_MOST_UPLOADS, doing="upload tables")


class UploadStore:
    """One tenant's uploaded tables."""

    def __init__(self, settings: Settings, tenant_id: str) -> None:
        """Name the folder; nothing is made yet."""
        self._settings, self._tenant_id = settings, tenant_id
        self._folder = uploads_folder(settings, tenant_id)

    def all(self) -> list[StoredTable]:
        """List the tables by name."""
        try:
            entries = sorted(self._folder.iterdir())
        except FileNotFoundError:
            return []
        return [
            _stored(entry)
            for entry in entries
            if not entry.name.startswith(".") and entry.is_file() and not entry.is_symlink()
        ]

    def get(self, name: str) -> StoredTable:
        """Return a table.

        Raises:
            Problem: There is none of that name.
        """
        return _stored(self._find(name))

    def remove(self, name: str) -> None:
        """Remove a table.

        Raises:
            Problem: There is none of that name.
        """
        try:
            self._find(name).unlink()
        except FileNotFoundError:
            raise Problem("not-found") from None

    async def put(
        self, name: str, content: AsyncIterator[bytes], *, is_new: bool = False
    ) -> tuple[StoredTable, str, bool]:
        """Write a table as its bytes come in, then look at what it is, then put it in place.

        Args:
            name: As `check_table_name` has it.
            content: Its bytes.
            is_new: Whether to refuse a name that is taken.

        Returns:
            The table, its SHA-256, and whether it is new.

        Raises:
            Problem: It is too large, of another kind than its name says, or unpacks to too much.
        """
        path = upload_path(self._settings, self._tenant_id, name)
        most = await run_in_threadpool(self._room, name, is_new=is_new)
        temporary = self._folder / _TEMPORARY.format(secrets.token_hex(8))
        digest = hashlib.sha256()
        try:
            await run_in_threadpool(self._folder.mkdir, parents=True, exist_ok=True)
            await self._receive(temporary, content, digest, most)
            await run_in_threadpool(
                check_content, temporary, name, int(self._settings.upload_max_expanded_bytes)
            )
            was_there = await run_in_threadpool(self._put_in_place, temporary, path, is_new=is_new)
        finally:
            await run_in_threadpool(temporary.unlink, missing_ok=True)
        return _stored(path), digest.hexdigest(), not was_there

    def form_room(self) -> int:
        """Return how many bytes a form's files may have: what is left if the largest is replaced.

        What is only a bound on what is received; each file is measured when it is kept.
        """
        sizes = [table.size_bytes for table in self.all()]
        left = int(self._settings.tenant_max_upload_bytes) - sum(sizes) + max(sizes, default=0)
        return max(left, 0)

    def _find(self, name: str) -> Path:
        try:
            path = upload_path(self._settings, self._tenant_id, name)
        except UnsafeNameError:
            raise Problem("not-found") from None
        if "/" in name or path.is_symlink() or not path.is_file():
            raise Problem("not-found")
        return path

    def _room(self, name: str, *, is_new: bool) -> int:
        """Return how many bytes a table may have now."""
        tables = {table.name: table.size_bytes for table in self.all()}
        if is_new and name in tables:
            raise Problem("precondition-failed", "There is a table of that name already.")
        replaced = tables.pop(name, 0)
        if not replaced and len(tables) >= _MOST_TABLES:
            raise Problem("too-large", f"A tenant may have {_MOST_TABLES} tables; remove some.")
        left = int(self._settings.tenant_max_upload_bytes) - sum(tables.values())
        if left <= 0:
            raise Problem("too-large", "The tenant's tables take all the room they may take.")
        return min(left, int(self._settings.upload_max_bytes))

    def _put_in_place(self, temporary: Path, path: Path, *, is_new: bool) -> bool:
        """Give a file that was received its name; say whether there was one of that name.

        What was room when it began to come in may have been taken meanwhile by another, so it is
        looked at again where only one at a time is.

        Raises:
            Problem: It has no room any more, or its name was taken.
        """
        with _alone_in(self._folder):
            if temporary.stat().st_size > self._room(path.name, is_new=is_new):
                raise Problem("too-large", "Another table has taken the room meanwhile.")
            was_there = path.exists()
            temporary.replace(path)
        return was_there

    async def _receive(
        self,
        temporary: Path,
        content: AsyncIterator[bytes],
        digest: Digest,
        most: int,
    ) -> None:
        """Write what comes in, a buffer at a time."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        buffer, count = bytearray(), 0
        try:
            async for part in content:
                count += len(part)
                if count > most:
                    raise Problem(
                        "too-large",
                        f"At most {most} bytes are taken for this table.",
                        headers={"Connection": "close"},
                    )
                buffer += part
                if len(buffer) >= _BUFFER_BYTES:
                    await run_in_threadpool(_write, descriptor, digest, bytes(buffer))
                    buffer.clear()
            await run_in_threadpool(_write, descriptor, digest, bytes(buffer))
            await run_in_threadpool(os.fsync, descriptor)
        finally:
            os.close(descriptor)


def _write(descriptor: int, digest: Digest, content: bytes) -> None:
    digest.update(content)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


@contextlib.contextmanager
def _alone_in(folder: Path) -> Generator[None]:
    """Be the only one who puts files into a folder, of this process and of others beside it."""
    with _LOCKS[hash(folder) % len(_LOCKS)]:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # NFS locks no folders; then of this process only
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _stored(path: Path) -> StoredTable:
    facts = path.stat()
    moment = datetime.fromtimestamp(facts.st_mtime, UTC)
    return StoredTable(name=path.name, size_bytes=facts.st_size, uploaded_at=moment)


def remove_leftovers(settings: Settings) -> None:
    """Remove what uploads that were cut short by a crash have left, at the service's start."""
    root = Path(settings.artifacts_root)
    for path in root.glob(f"*/.uploads/{_TEMPORARY.format('*')}"):
        with contextlib.suppress(OSError):
            path.unlink()
