"""Where a job's files go: one folder of its own, each file whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Collection, Generator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, cast

from voyant.artifacts.names import check_name, owner_of
from voyant.core.errors import ArtifactError, FolderError, UnsafeNameError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from voyant.core.context import GeneratorContext

if sys.platform != "win32":
    import fcntl

__all__ = [
    "JOURNAL_NAME",
    "MANIFEST_NAME",
    "MARKER_NAME",
    "PROGRESS_NAME",
    "ArtifactStore",
    "open_store",
    "remove_leftovers",
    "replace_file",
    "to_json",
]

MANIFEST_NAME: Final = "manifest.json"
#: Says which tenant and job a folder belongs to; locked for as long as a run writes there.
MARKER_NAME: Final = ".voyant-job.json"
#: Names of the files an unfinished run has written, a line each; gone once the manifest is there.
JOURNAL_NAME: Final = ".voyant-written"

#: What a job that may be interrupted has done so far.
PROGRESS_NAME: Final = ".voyant-progress.jsonl"

_TEMPORARY: Final = ".voyant-{}.tmp"
_LEFTOVER_SECONDS: Final = 3600

_REMEDIES: Final = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Free some space, or write to another disk.",
    errno.EACCES: "Check who may write there, or choose another folder.",
    errno.EPERM: "Check who may write there, or choose another folder.",
    errno.EROFS: "It is read-only; choose another folder.",
    errno.ENOTDIR: "A file is in the way; choose another folder.",
    errno.EEXIST: "A file is in the way; choose another folder.",
    errno.ENAMETOOLONG: "Use shorter names.",
}


def open_store(ctx: GeneratorContext) -> ArtifactStore:
    """Return the store of a context's job: `{artifacts_root}/{job_id}/`."""
    return ArtifactStore(ctx.artifacts_root, job_id=ctx.job_id, tenant_id=ctx.tenant_id)


class ArtifactStore:
    """Writes one job's files; implements `voyant.core.context.ArtifactWriter`.

    The folder is made, claimed for its tenant and locked on first use. What an earlier run of the
    job wrote there is removed first, its manifest before everything; nothing else is touched.
    """

    def __init__(self, root: str | Path, *, job_id: str, tenant_id: str) -> None:
        """Check the names; nothing is made yet.

        Raises:
            UnsafeNameError: A job or tenant that could lead outside the root.
        """
        self._root = Path(root)
        self._job_id = check_name("job", job_id)
        self._tenant_id = check_name("tenant", tenant_id)
        self._folder: Path | None = None
        self._marker: int | None = None
        #: Who writes now; the job says so before each generator, None outside of one.
        self.generator: str | None = None
        #: Names of the generators that are to run; the files these are known by are theirs alone.
        self.expected: Collection[str] = ()
        self._written: dict[str, str | None] = {}
        self._digests: dict[str, str] = {}
        self._notes: dict[str, dict[str, object]] = {}

    @property
    def folder(self) -> Path:
        """The job's folder, made and claimed on first use.

        Raises:
            FolderError: It is another tenant's, in use by another run, or cannot be made.
        """
        if self._folder is None:
            self._folder = self._claim()
        return self._folder

    @property
    def written(self) -> Mapping[str, str | None]:
        """Names of the files written so far, each with the generator that wrote it."""
        return self._written

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256, in hexadecimal, of what was written to each file."""
        return self._digests

    @property
    def notes(self) -> Mapping[str, Mapping[str, object]]:
        """What each generator noted for the manifest."""
        return self._notes

    def note(self, name: str, value: object) -> None:
        """Put a fact about this run, such as a duration, into the generator's manifest entry.

        Artifacts give the same bytes for the same input; what differs from run to run goes here.

        Args:
            name: The fact's name, unique within the generator: `query_ms`.
            value: Anything JSON can hold, without NaN.

        Raises:
            ArtifactError: A value that JSON cannot hold.
        """
        plain = json.loads(_plain_json(f"note {name!r}", value))
        self._notes.setdefault(self.generator or "", {})[name] = plain

    def write_bytes(self, name: str, content: bytes) -> str:
        """Write a file whole (temporary file, fsync, rename) and return its path.

        Args:
            name: Relative to the job's folder: `profile.json`, `charts/delay.svg`.
            content: The file's bytes.

        Raises:
            UnsafeNameError: A name that could leave the folder.
            ArtifactError: A name that is reserved, or that is another generator's.
            FolderError: The disk is full, writing is not allowed, ...
        """
        check_name("artifact", name)
        if name.casefold() == MANIFEST_NAME:
            raise ArtifactError(
                f"The file name {name!r} is the manifest's own.", remedy="Choose another name."
            )
        owner = owner_of(name)
        if owner in self.expected and owner != self.generator:
            raise ArtifactError(
                f"{name!r} is the file of the generator {owner!r}.", remedy="Choose another name."
            )
        author = self._written.get(name, self.generator)
        if author != self.generator:
            raise ArtifactError(
                f"{name!r} has already been written by the generator {author!r}.",
                remedy="Choose another name.",
            )
        if name not in self._written:
            self._announce(name)
        path = self._write(name, content)
        self._written[name] = self.generator
        self._digests[name] = hashlib.sha256(content).hexdigest()
        return path

    def write_json(self, name: str, value: object) -> str:
        """Write a pydantic model, or plain values without NaN, as JSON and return the path.

        Raises:
            ArtifactError: A value that JSON cannot hold; and as `write_bytes`.
        """
        return self.write_bytes(name, to_json(name, value))

    def write_manifest(self, manifest: BaseModel) -> str:
        """Write `manifest.json`, which says that the job is finished, and return its path.

        After a power cut it is not there without the files it lists: each of them was synchronized
        when it was written, the folders they are in are so now.
        """
        places = {parent for name in self._written for parent in PurePosixPath(name).parents}
        with _as_folder_error("write", self.folder):
            for place in places:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it is told of
                    _sync_folder(self.folder / place)
            path = self._write(MANIFEST_NAME, to_json(MANIFEST_NAME, manifest))
            _sync_folder(self.folder)
        (self.folder / JOURNAL_NAME).unlink(missing_ok=True)
        return path

    def close(self) -> None:
        """Let other runs into the folder; safe to call twice."""
        marker, self._marker, self._folder = self._marker, None, None
        if marker is not None:
            os.close(marker)

    def _announce(self, name: str) -> None:
        """Note a name before its file is there, so that the next run can clear it away."""
        journal = self.folder / JOURNAL_NAME
        with _as_folder_error("write", journal), journal.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")

    def _write(self, name: str, content: bytes) -> str:
        folder = self.folder
        path = folder / name
        with _as_folder_error("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parent.resolve() != folder.joinpath(*name.split("/")[:-1]):
                raise FolderError(
                    f"{str(path.parent)!r} is a link to another folder.", remedy="Remove the link."
                )
            _put_file(path, content, temporary_folder=folder)
        return str(path)

    def _claim(self) -> Path:
        """Make the folder, take its lock, and clear away what an earlier run left."""
        path = self._root / self._job_id
        with _as_folder_error("use", path):
            self._root.mkdir(parents=True, exist_ok=True)
            folder = self._root.resolve() / self._job_id
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
            if folder.is_symlink() or not folder.is_dir():
                raise FolderError(
                    f"The job folder {str(path)!r} is a link or a file.",
                    remedy="Remove it, or choose another job id.",
                )
            marker = os.open(
                folder / MARKER_NAME, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666
            )
            try:
                self._lock(marker, path)
                self._check_owner(marker, path)
                _remove_earlier_run(folder)
            except BaseException:
                os.close(marker)
                raise
        self._marker = marker
        return folder

    def _lock(self, marker: int, path: Path) -> None:
        if sys.platform == "win32":  # advisory locks of this kind do not exist there
            return
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(
                f"Another run is writing to the job folder {str(path)!r}.",
                remedy="Wait until it is done, or choose another job id.",
            ) from None

    def _check_owner(self, marker: int, path: Path) -> None:
        """Refuse another tenant's folder; claim one that is nobody's."""
        mine = {"tenant_id": self._tenant_id, "job_id": self._job_id}
        content = os.read(marker, 65_536)
        if content:
            if _read_object(content).get("tenant_id") != self._tenant_id:
                raise FolderError(
                    f"The job folder {str(path)!r} belongs to another tenant "
                    f"than {self._tenant_id!r}.",
                    remedy="Choose another job id.",
                )
            return
        owner = json.dumps(mine).encode() + b"\n"
        if os.write(marker, owner) < len(owner):  # half an owner would keep everybody out
            os.ftruncate(marker, 0)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(marker)


def replace_file(path: Path, content: bytes, *, temporary_folder: Path) -> None:
    """Put a file in place whole: readers see the old one or the new one, also after a power cut.

    Args:
        path: The file; its folder exists.
        content: Its bytes.
        temporary_folder: On the same file system; the temporary file never outlives a failure.
    """
    _put_file(path, content, temporary_folder=temporary_folder)
    _sync_folder(path.parent)


def _put_file(path: Path, content: bytes, *, temporary_folder: Path) -> None:
    """Do so, but for the folder: after a power cut it may still hold the old file."""
    temporary = temporary_folder / _TEMPORARY.format(secrets.token_hex(8))
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of writers that were killed; none that is alive takes an hour."""
    for leftover in folder.glob(_TEMPORARY.format("*")):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > _LEFTOVER_SECONDS:
                leftover.unlink()


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_earlier_run(folder: Path) -> None:
    """Remove the manifest first, then the files it lists, then what an unfinished run left."""
    manifest, journal = folder / MANIFEST_NAME, folder / JOURNAL_NAME
    names: list[object] = []
    if manifest.exists() or manifest.is_symlink():
        names += _listed(manifest)
        manifest.unlink()
        _sync_folder(folder)
    if journal.exists() and not journal.is_symlink():
        names += journal.read_text(encoding="utf-8", errors="replace").split("\n")
    for name in names:
        with contextlib.suppress(UnsafeNameError, FileNotFoundError, IsADirectoryError):
            path = folder / check_name("artifact", name)
            if path.parent.resolve() == path.parent:
                path.unlink()
    for leftover in (journal, folder / PROGRESS_NAME, *folder.glob(_TEMPORARY.format("*"))):
        leftover.unlink(missing_ok=True)


def _listed(manifest: Path) -> list[object]:
    """Return the paths a manifest lists, as it has them."""
    if manifest.is_symlink():
        return []
    listed = _read_object(manifest.read_bytes()).get("artifacts")
    if not isinstance(listed, list):
        return []
    entries = cast("list[object]", listed)
    return [cast("dict[str, object]", e).get("path") for e in entries if isinstance(e, dict)]


def _read_object(content: bytes) -> dict[str, object]:
    """Read a JSON object; anything else counts as an empty one."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def to_json(name: str, value: object) -> bytes:
    """Return JSON with a trailing newline; lone surrogates become U+FFFD, as UTF-8 has none.

    Args:
        name: What it is for, for the message.
        value: A pydantic model, or plain values without NaN.

    Raises:
        ArtifactError: A value that JSON cannot hold.
    """
    from pydantic import BaseModel  # noqa: PLC0415 - slow, and a start-up must not pay for it

    if not isinstance(value, BaseModel):
        return _encode(_plain_json(name, value))
    try:
        return _encode(value.model_dump_json(indent=2))
    except ValueError:  # pydantic's own writer refuses lone surrogates
        return _encode(_plain_json(name, value.model_dump(mode="json")))


def _plain_json(name: str, value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False, indent=2)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{name!r} cannot be written as JSON: {error}.",
            remedy="Use a pydantic model or plain values; null in place of NaN and infinity.",
        ) from None


def _encode(text: str) -> bytes:
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return f"{whole}\n".encode()


@contextlib.contextmanager
def _as_folder_error(verb: str, path: Path) -> Generator[None]:
    """Turn what the operating system says into a `FolderError` with the path and a remedy."""
    try:
        yield
    except FolderError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raised = FolderError(
            f"Cannot {verb} {str(path)!r}: {reason}.",
            remedy=_REMEDIES.get(error.errno or 0, "Choose another folder."),
        )
        raised.errno = error.errno
        raise raised from error
