"""Where does a job write, when its folder is to be in object storage?

In a folder of this machine, which holds the tenant's baselines and KPI history too; generators
cannot tell the difference. When the job is finished it is published from there.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voyant.artifacts.baselines import BASELINE_FILE, BaselineStore
from voyant.artifacts.names import check_name
from voyant.artifacts.store import MANIFEST_NAME
from voyant.core.errors import FolderError, ObjectStoreError
from voyant.core.scratch import ScratchFolder
from voyant.objects.access import ObjectAccess
from voyant.objects.address import ObjectAddress, is_object_address

if TYPE_CHECKING:
    from collections.abc import Generator

    from voyant.artifacts.manifest import Manifest
    from voyant.core.config import Settings

__all__ = ["Staging", "fetch_job", "opened_baselines"]

_logger = logging.getLogger("voyant.jobs")


class Staging:
    """One job's way to its root; for a local root there is nothing to do."""

    def __init__(self, root: str, job_id: str, tenant_id: str, settings: Settings) -> None:
        """Claim the job and copy what earlier jobs of the tenant left, if the root is remote.

        Args:
            root: Folder or address that the job's folder is made in.
            job_id: Name of the job's folder.
            tenant_id: Whose job it is.
            settings: With the credentials.

        Raises:
            FolderError: The job is another tenant's.
            ObjectStoreError: The root cannot be read or written.
        """
        self._is_remote = is_object_address(root)
        self._job_id = check_name("job", job_id)
        self.local_root, self.location = root, str(Path(root) / job_id)
        #: Keeps the local files for as long as somebody holds it.
        self.scratch: ScratchFolder | None = None
        if not self._is_remote:
            return
        from voyant.artifacts.remote_root import RemoteRoot  # noqa: PLC0415 - only remote jobs pay
        from voyant.artifacts.remote_state import RemoteState  # noqa: PLC0415 - the same

        check_name("tenant", tenant_id)
        self._root = RemoteRoot(root, _access(settings))
        self.location = str(self._root.job(job_id))
        self._claim = self._root.claim(job_id, tenant_id)
        self._parent = settings.temp_directory
        self.scratch = ScratchFolder("job", self._parent)
        self.local_root = str(self.scratch.path)
        self._state = RemoteState(self._root, tenant_id, self.scratch.path)

    def publish(self, folder: Path, manifest: Manifest) -> None:
        """Put the finished job where it belongs.

        Raises:
            FolderError: Another run has taken the job over. The files are kept, the message says
                where.
            ObjectStoreError: Something cannot be written; the same.
        """
        if not self._is_remote:
            return
        try:
            self._root.publish(self._claim, folder, manifest)
        except (FolderError, ObjectStoreError) as error:
            kept = Path(tempfile.mkdtemp(prefix="voyant-unpublished-", dir=self._parent))
            shutil.move(folder, kept / self._job_id)
            raise type(error)(
                f"{error.what} The job is finished, but not published.",
                remedy=f"{error.remedy} Its files are kept in {str(kept / self._job_id)!r}.",
            ) from error

    def push_state(self) -> None:
        """Send the tenant's baselines and KPI history; the job is done, whatever comes of it."""
        if self._is_remote:
            try:
                self._state.push()
            except ObjectStoreError as error:
                _logger.warning("Baselines or KPIs not kept: %s job=%s", error, self._job_id)


def fetch_job(root: str, job_id: str | None, settings: Settings) -> ScratchFolder:
    """Copy a finished job from a remote root; its folder is the only one in the scratch folder.

    Raises:
        FolderError: There is no such job.
        ObjectStoreError: It cannot be read.
    """
    from voyant.artifacts.remote_root import RemoteRoot  # noqa: PLC0415 - only remote jobs pay

    if job_id is not None and is_object_address(job_id):
        address = ObjectAddress.parse(job_id)
        parent, _, job_id = address.key.rpartition("/")
        root = str(address.at(parent))
    scratch = ScratchFolder("fetched", settings.temp_directory)
    RemoteRoot(root, _access(settings)).fetch(job_id, scratch.path)
    return scratch


@contextmanager
def opened_baselines(
    root: str, tenant_id: str, settings: Settings, job_id: str | None = None
) -> Generator[BaselineStore]:
    """Give a tenant's baselines, wherever the root is; changes are sent back at the end.

    Args:
        root: Folder or address of all jobs.
        tenant_id: Whose.
        settings: With the credentials.
        job_id: A finished job whose profiles are needed too.

    Raises:
        ObjectStoreError: They cannot be read or written.
    """
    if not is_object_address(root):
        yield BaselineStore(root, tenant_id)
        return
    from voyant.artifacts.remote_root import RemoteRoot  # noqa: PLC0415 - only remote jobs pay
    from voyant.artifacts.remote_state import RemoteState  # noqa: PLC0415 - the same

    remote = RemoteRoot(root, _access(settings))
    scratch = ScratchFolder("baselines", settings.temp_directory)
    try:
        state = RemoteState(remote, tenant_id, scratch.path)
        if job_id is not None:
            remote.fetch_files(job_id, (MANIFEST_NAME, BASELINE_FILE), scratch.path)
        yield BaselineStore(scratch.path, tenant_id)
        state.push()
    finally:
        scratch.close()


def _access(settings: Settings) -> ObjectAccess:
    return ObjectAccess.of(lambda name: getattr(settings, name))
