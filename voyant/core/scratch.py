"""Which folder may this process fill with files of the moment, and who removes what the dead left?

Each folder holds a file that its process keeps locked. The kernel lets go of the lock when the
process ends, however it ends: a folder whose lock can be taken is nobody's, and is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Final

from voyant.core.errors import FolderError

if sys.platform != "win32":
    import fcntl

__all__ = ["ScratchFolder", "remove_stale"]

_PREFIX: Final = "voyant-"
_LOCK: Final = ".voyant-in-use"


class ScratchFolder:
    """A folder that goes when it is closed, forgotten, or the process ends.

    Attributes:
        path: Where it is.
    """

    def __init__(self, purpose: str, parent: str | Path | None = None) -> None:
        """Make the folder, and remove those beside it that dead processes left.

        Args:
            purpose: Part of its name.
            parent: Where; the system's temporary folder when None.

        Raises:
            FolderError: It cannot be made.
        """
        place = "the system's temporary folder" if parent is None else repr(str(parent))
        try:
            base = Path(tempfile.gettempdir() if parent is None else parent)
            place = repr(str(base))
            remove_stale(base)
            self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{purpose}-", dir=base))
            try:
                lock = _lock(self.path)
            except OSError:
                shutil.rmtree(self.path, ignore_errors=True)
                raise
        except OSError as error:
            raised = FolderError(
                f"Cannot make a temporary folder in {place}: {error.strerror or error}.",
                remedy="Free some space there, or let temp_directory (or TMPDIR) name another one.",
            )
            raised.errno = error.errno
            raise raised from error
        self._finalizer = weakref.finalize(self, _remove, self.path, lock, os.getpid())

    def keep(self) -> None:
        """Let the folder outlive this process; nobody removes it then."""
        found = self._finalizer.detach()
        if found is not None:
            _, _, (path, lock, _), _ = found
            (path / _LOCK).unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)

    def close(self) -> None:
        """Remove the folder; safe to call twice."""
        self._finalizer()


def remove_stale(parent: Path) -> list[Path]:
    """Remove the scratch folders in a folder whose processes have ended; return them."""
    removed: list[Path] = []
    if sys.platform == "win32":  # advisory locks of this kind do not exist there
        return removed
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError):
            if lock.parent.is_symlink():
                continue
            # For reading: a folder is looked at, not touched, while somebody uses it.
            descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid != os.geteuid():
                    continue
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
                removed.append(lock.parent)
            finally:
                os.close(descriptor)
    return removed


def _lock(folder: Path) -> int | None:
    """Lock a file, and only then give it the name that others look for."""
    if sys.platform == "win32":
        return None
    made = folder / f"{_LOCK}.new"
    descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        made.rename(folder / _LOCK)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(path: Path, lock: int | None, owner: int) -> None:
    """Remove a folder of this process; a forked child leaves its parent's alone."""
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)
    if lock is not None:
        os.close(lock)
