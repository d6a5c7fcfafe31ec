"""Which finished job is meant, and which of its pages does a person open?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from voyant.artifacts.names import check_name
from voyant.artifacts.store import MANIFEST_NAME
from voyant.core.errors import FolderError, UnsafeNameError, did_you_mean

__all__ = ["PAGES", "find_job", "find_page"]

#: The pages to open, the best first.
PAGES: Final = ("index.html", "profile.html")


def find_job(root: str | Path, job: str | None = None) -> Path:
    """Return a finished job's folder.

    Args:
        root: The folder of all job folders.
        job: A job id, or the path of a job's folder; the job that finished last when None.

    Raises:
        FolderError: There is no such job, or it has not finished.
    """
    base = Path(root).expanduser()
    if job is None:
        return _newest(base)
    for folder in _candidates(base, job):
        if (folder / MANIFEST_NAME).is_file():
            return folder
        if folder.is_dir():
            raise FolderError(
                f"{str(folder)!r} has no {MANIFEST_NAME}: that job has not finished.",
                remedy="Wait for it, or run it again.",
            )
    raise FolderError(
        f"There is no job {job!r} in {str(base)!r}.",
        remedy=did_you_mean(job, [folder.name for folder in _finished(base)])
        or "Run one: voyant run, or voyant demo.",
    )


def find_page(folder: Path) -> Path:
    """Return the page of a job's folder that a person should open.

    Raises:
        FolderError: It has none.
    """
    for name in PAGES:
        page = folder / name
        if page.is_file():
            return page.resolve()
    raise FolderError(
        f"The job in {str(folder)!r} made no page.",
        remedy="Run it with the generator report, or profile.",
    )


def _candidates(base: Path, job: str) -> list[Path]:
    """List where a job may be: as an id below the root, then as a path."""
    try:
        check_name("job", job)
    except UnsafeNameError:
        return [Path(job).expanduser()]
    return [base / job, Path(job).expanduser()]


def _newest(base: Path) -> Path:
    finished = _finished(base)
    if not finished:
        raise FolderError(
            f"There is no finished job in {str(base)!r}.",
            remedy="Run one (voyant run, voyant demo), or name its folder: voyant open FOLDER.",
        )
    return max(finished, key=lambda folder: (folder / MANIFEST_NAME).stat().st_mtime_ns)


def _finished(base: Path) -> list[Path]:
    if not base.is_dir():
        return []
    return sorted(manifest.parent for manifest in base.glob(f"*/{MANIFEST_NAME}"))
