"""Where do job folders live when `artifacts_root` is in object storage, and how do they get there?

Generators write locally; a finished job is published. The layout is that of a local root, so that
folders may be copied either way: `{root}/{job_id}/...` with its manifest last, and the tenants' KPI
histories and baselines below `{root}/.voyant/`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from voyant.artifacts.manifest import Manifest, media_type_of
from voyant.artifacts.names import check_name
from voyant.artifacts.store import JOURNAL_NAME, MANIFEST_NAME, MARKER_NAME
from voyant.core.errors import FolderError, ObjectStoreError, UnsafeNameError, did_you_mean
from voyant.objects.access import ObjectAccess
from voyant.objects.address import ObjectAddress
from voyant.objects.bucket import ChangedObjectError, StoredObject
from voyant.objects.download import download

__all__ = ["Claim", "RemoteRoot"]

_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One run's right to publish a job, until a later run takes it over.

    Attributes:
        job_id: The job.
        token: What the marker in the job's folder says while the right holds.
    """

    job_id: str
    token: str


class RemoteRoot:
    """All job folders of an `artifacts_root` in object storage."""

    def __init__(self, address: str, access: ObjectAccess) -> None:
        """Take the root's address; nothing is asked of it yet."""
        self.address = ObjectAddress.parse(address)
        self.bucket = access.bucket(self.address)

    def job(self, job_id: str) -> ObjectAddress:
        """Return the address of a job's folder."""
        return self.address / check_name("job", job_id)

    def claim(self, job_id: str, tenant_id: str) -> Claim:
        """Take the right to publish a job; a run that held it before will not publish any more.

        Raises:
            FolderError: The job is another tenant's.
            ObjectStoreError: The root cannot be written.
        """
        token, key = secrets.token_hex(16), (self.job(job_id) / MARKER_NAME).key
        marker = {"tenant_id": tenant_id, "job_id": job_id, "run": token}
        content = json.dumps(marker).encode() + b"\n"
        for _ in range(_TRIES):
            found = self.bucket.read(key)
            if found is not None and _fields(found[0]).get("tenant_id") != tenant_id:
                raise FolderError(
                    f"The job folder {str(self.job(job_id))!r} belongs to another tenant than "
                    f"{tenant_id!r}.",
                    remedy="Choose another job id.",
                )
            try:
                self.bucket.write(key, content, replaces=None if found is None else found[1] or "")
            except ChangedObjectError:
                continue
            return Claim(job_id=job_id, token=token)
        raise self._overtaken(job_id)

    def publish(self, claim: Claim, folder: Path, manifest: Manifest) -> None:
        """Put a finished job in place of an earlier one: its manifest goes first, ours comes last.

        Every file is written only where nothing is, so that two runs which publish at once cannot
        mix: the one whose claim is older finds something in its way, or its claim gone.

        Args:
            claim: From `claim`.
            folder: The finished job's folder on this machine, with its manifest.
            manifest: That manifest; the files it lists are published.

        Raises:
            FolderError: Another run has taken the job over, or something no run wrote is in the
                way.
            ObjectStoreError: Something cannot be written. The job has no manifest then.
        """
        place, entries = self.job(claim.job_id), {e.path: e for e in manifest.artifacts}
        self._check_claim(claim)
        self._remove_earlier(place)
        journal = "".join(f"{name}\n" for name in entries)
        self.bucket.write((place / JOURNAL_NAME).key, journal.encode())
        files = [
            (
                (place / name).key,
                folder / name,
                {"Content-Type": entry.media_type, "sha256": entry.sha256},
            )
            for name, entry in entries.items()
        ]
        try:
            self.bucket.write_all(files)
        except ChangedObjectError as error:
            self._check_claim(claim)
            raise FolderError(
                f"{str(place.at(str(error)))!r} is in the way, and no run of Voyant wrote it.",
                remedy="Remove it, or choose another job id.",
            ) from None
        self._check_claim(claim)
        self._write_manifest(claim, place, folder / MANIFEST_NAME)
        self.bucket.remove([(place / JOURNAL_NAME).key])

    def _write_manifest(self, claim: Claim, place: ObjectAddress, file: Path) -> None:
        key, content = (place / MANIFEST_NAME).key, file.read_bytes()
        attributes = {"Content-Type": media_type_of(MANIFEST_NAME)}
        try:
            self.bucket.write(key, content, attributes=attributes, replaces=None)
        except ChangedObjectError:  # of a run that lost its claim a moment ago
            self._check_claim(claim)
            self.bucket.remove([key])
            self.bucket.write(key, content, attributes=attributes)
        try:
            self._check_claim(claim)
        except FolderError:  # whoever took over removes our files; the manifest must not stay
            found = self.bucket.read(key)
            if found is not None and found[0] == content:
                self.bucket.remove([key])
            raise

    def _remove_earlier(self, place: ObjectAddress) -> None:
        """Remove the manifest first, then what it lists, then what an unfinished run announced."""
        names: list[object] = []
        manifest = self.bucket.read((place / MANIFEST_NAME).key)
        if manifest is not None:
            names += _listed(manifest[0])
            self.bucket.remove([(place / MANIFEST_NAME).key])
        journal = self.bucket.read((place / JOURNAL_NAME).key)
        if journal is not None:
            names += journal[0].decode(errors="replace").split("\n")
        keys = [(place / str(name)).key for name in names if _is_safe(name)]
        self.bucket.remove(sorted(set(keys)))

    def _check_claim(self, claim: Claim) -> None:
        found = self.bucket.read((self.job(claim.job_id) / MARKER_NAME).key)
        if found is None or _fields(found[0]).get("run") != claim.token:
            raise self._overtaken(claim.job_id)

    def _overtaken(self, job_id: str) -> FolderError:
        return FolderError(
            f"A later run of the job {job_id!r} has taken over {str(self.job(job_id))!r}.",
            remedy="Wait until it is done, or choose another job id.",
        )

    def finished(self) -> list[str]:
        """List the ids of all finished jobs, the one that finished last first."""
        prefixes, _ = self.bucket.children(f"{self.address.key}/" if self.address.key else "")
        found: list[tuple[float, str]] = []
        for prefix in prefixes:
            job_id = prefix.rpartition("/")[2]
            manifest = self.bucket.find(f"{prefix}/{MANIFEST_NAME}") if _is_job(job_id) else None
            if manifest is not None:
                found.append((manifest.modified, job_id))
        return [job_id for _, job_id in sorted(found, reverse=True)]

    def fetch(self, job_id: str | None, folder: Path) -> str:
        """Copy a job's folder to `folder/{job_id}` and return the job's id.

        Args:
            job_id: The job; the one that finished last when None.
            folder: Where to; it exists.

        Raises:
            FolderError: There is no such job.
            ObjectStoreError: It cannot be read.
        """
        wanted = job_id or next(iter(self.finished()), None)
        if wanted is None:
            raise FolderError(
                f"There is no finished job in {str(self.address)!r}.",
                remedy="Run one: voyant run, or name its folder.",
            )
        place = self.job(wanted)
        found = self.bucket.below(f"{place.key}/")
        if not found:
            raise FolderError(
                f"There is no job {wanted!r} in {str(self.address)!r}.",
                remedy=did_you_mean(wanted, self.finished()),
            )
        (folder / wanted).mkdir(parents=True)
        download(self.bucket, place, self._files(place, found, folder / wanted))
        return wanted

    def fetch_files(self, job_id: str, names: Sequence[str], folder: Path) -> None:
        """Copy some files of a job to `folder/{job_id}`; those that are not there are left out."""
        place = self.job(job_id)
        (folder / job_id).mkdir(parents=True)
        for name in names:
            found = self.bucket.read((place / name).key)
            if found is not None:
                (folder / job_id / name).write_bytes(found[0])

    def _files(
        self, place: ObjectAddress, found: Sequence[StoredObject], folder: Path
    ) -> dict[Path, StoredObject]:
        files: dict[Path, StoredObject] = {}
        for entry in found:
            name = entry.key.removeprefix(f"{place.key}/")
            if name not in {MARKER_NAME, JOURNAL_NAME} and not _is_safe(name):
                raise ObjectStoreError(
                    f"{str(place.at(entry.key))!r} cannot become a file.",
                    remedy="No run of Voyant wrote it; remove it.",
                )
            files[folder / name] = entry
        return files


def _is_safe(name: object) -> bool:
    try:
        check_name("artifact", name)
    except UnsafeNameError:
        return False
    return True


def _is_job(name: str) -> bool:
    try:
        check_name("job", name)
    except UnsafeNameError:
        return False
    return True


def _fields(content: bytes) -> dict[str, object]:
    """Read a JSON object; anything else counts as an empty one."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _listed(manifest: bytes) -> list[object]:
    listed = _fields(manifest).get("artifacts")
    entries = cast("list[object]", listed) if isinstance(listed, list) else []
    return [cast("dict[str, object]", e).get("path") for e in entries if isinstance(e, dict)]
