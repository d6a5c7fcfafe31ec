"""Where do the files of a tenant, and of one of its jobs, live?

Below the artifact root is `.voyant/`, the service's own, and a folder for each tenant:

    <tenant>/<job>/                                  one job's artifacts
    <tenant>/.staging/<job>.<round>.<attempt>/<job>/ what an attempt at it has written so far
    <tenant>/.voyant/                                baselines and KPI history
    <tenant>/.uploads/                               the tables the tenant has uploaded
    <tenant>/.trash/                                 folders on their way out

An attempt writes into a folder of its own, so one that is taken for dead and goes on nevertheless
cannot touch what its successor writes; a finished attempt is renamed into the job's place.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voyant.artifacts.names import check_name
from voyant.artifacts.store import MANIFEST_NAME, PROGRESS_NAME
from voyant.core.config import Settings

__all__ = [
    "UPLOAD_PREFIX",
    "StagedJob",
    "job_folder",
    "tenant_root",
    "upload_path",
    "uploads_folder",
]

#: How a job's sources name an uploaded table.
UPLOAD_PREFIX: Final = "upload:"
_UPLOADS: Final = ".uploads"
_STAGING: Final = ".staging"
_STATE: Final = ".voyant"


def tenant_root(settings: Settings, tenant_id: str) -> Path:
    """Return the artifact root of a tenant; it need not exist yet.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    return Path(settings.artifacts_root).absolute() / check_name("tenant", tenant_id)


def job_folder(settings: Settings, tenant_id: str, job_id: str) -> Path:
    """Return the folder of a job's artifacts; it need not exist yet.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    return tenant_root(settings, tenant_id) / check_name("job", job_id)


def uploads_folder(settings: Settings, tenant_id: str) -> Path:
    """Return the folder of a tenant's uploaded tables; it need not exist yet.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    return tenant_root(settings, tenant_id) / _UPLOADS


def upload_path(settings: Settings, tenant_id: str, name: str) -> Path:
    """Return the file of an uploaded table, `upload:` in front of its name or not.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    name = name.removeprefix(UPLOAD_PREFIX)
    return uploads_folder(settings, tenant_id) / check_name("artifact", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedJob:
    """Where one attempt at a job writes.

    Attributes:
        tenant_root: The tenant's artifact root.
        job_id: The job.
        round: How often it was asked for.
        attempt: The attempt's number.
    """

    tenant_root: Path
    job_id: str
    round: int
    attempt: int

    @property
    def root(self) -> Path:
        """The artifact root that the attempt is given."""
        return self.tenant_root / _STAGING / f"{self.job_id}.{self.round}.{self.attempt}"

    @property
    def folder(self) -> Path:
        """The folder of the attempt's artifacts."""
        return self.root / self.job_id

    def prepare(self) -> None:
        """Make the root, empty, with a link to the tenant's baselines and KPI history.

        Raises:
            OSError: It cannot be made.
        """
        state = self.tenant_root / _STATE
        state.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        (self.root / _STATE).symlink_to(Path("..", "..", _STATE), target_is_directory=True)

    def earlier(self) -> Path | None:
        """Return the folder of the latest attempt before this one that got somewhere."""
        for attempt in range(self.attempt - 1, 0, -1):
            before = StagedJob(
                tenant_root=self.tenant_root,
                job_id=self.job_id,
                round=self.round,
                attempt=attempt,
            )
            if (before.folder / PROGRESS_NAME).is_file():
                return before.folder
        return None

    def is_finished(self) -> bool:
        """Tell whether the attempt has written its manifest."""
        return (self.folder / MANIFEST_NAME).is_file()

    def discard(self) -> None:
        """Remove what this attempt, and those before it, have left; never a later one's."""
        for root in (self.tenant_root / _STAGING).glob(f"{self.job_id}.*"):
            attempt = root.name.rpartition(".")[2]
            if attempt.isdecimal() and int(attempt) <= self.attempt:
                shutil.rmtree(root, ignore_errors=True)
