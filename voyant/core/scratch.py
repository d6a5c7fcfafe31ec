"""Where do temporary files go, so that those of a run that was killed are not there for ever?"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from voyant.core.errors import FolderError

if sys.platform != "win32":
    import fcntl

__all__ = ["Scratch"]

_PREFIX: Final = "voyant-"
#: Locked for as long as the process that made the folder lives; the kernel lets go when it ends.
_LOCK: Final = ".voyant-lock"


class Scratch:
    """A temporary folder of this process's own; the next one made beside it removes abandoned ones.

    A process that is killed with SIGKILL cannot tidy up. So each folder holds a file that its maker
    keeps locked, and whoever makes another folder removes those whose lock nobody holds any more.
    """

    def __init__(self, kind: str, directory: str | Path | None = None) -> None:
        """Make the folder.

        Args:
            kind: What it is for; part of its name.
            directory: Where; the system's temporary folder when None.

        Raises:
            FolderError: It cannot be made.
        """
        self._lock: int | None = None
        place = "the system's temporary folder" if directory is None else repr(str(directory))
        try:
            parent = Path(tempfile.gettempdir() if directory is None else directory)
            place = repr(str(parent))
            _remove_abandoned(parent)
            #: The folder; empty but for the lock.
            self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-", dir=parent))
            try:
                self._lock = _locked(self.folder)
            except OSError:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise
        except OSError as error:
            raised = FolderError(
                f"Cannot make a temporary folder in {place}: {error.strerror or error}.",
                remedy="Free some space there, or let temp_directory (or TMPDIR) name another one.",
            )
            raised.errno = error.errno
            raise raised from error

    def remove(self) -> None:
        """Remove the folder and all that is in it; safe to call twice."""
        lock, self._lock = self._lock, None
        shutil.rmtree(self.folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Put a locked file into a folder: never there without its lock, or it would look abandoned."""
    if sys.platform == "win32":  # no such locks there, and no SIGKILL
        return None
    new = folder / f"{_LOCK}-{secrets.token_hex(4)}"
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        new.rename(folder / _LOCK)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(parent: Path) -> None:
    """Remove this user's folders whose makers have ended."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(folder: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        lock = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # somebody else's, or no scratch folder at all
        return
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # in use
        return
    finally:
        os.close(lock)
