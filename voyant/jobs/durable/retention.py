"""Which jobs may go, and how does a job's folder go without ever being half there?

A folder is renamed away first, into the tenant's `.trash`, which nothing serves; only then are its
files removed. What a crash leaves in the trash goes with the next sweep.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from voyant.core.config import Settings
from voyant.core.errors import FolderError
from voyant.jobs.durable.database import Database
from voyant.jobs.durable.errors import JobStateError, UnknownJobError
from voyant.jobs.durable.model import Job, JobState
from voyant.jobs.durable.places import job_folder, tenant_root
from voyant.jobs.durable.rows import find_job, to_job
from voyant.jobs.durable.schema import jobs, tenants

__all__ = ["delete_job", "empty_trash", "move_away", "sweep"]

_TRASH: Final = ".trash"
_DAY_US: Final = 24 * 3_600 * 1_000_000
_FINAL: Final = [state.value for state in JobState if state.is_final]


def delete_job(database: Database, settings: Settings, tenant_id: str, job_id: str) -> None:
    """Forget a job that has ended, and remove its folder.

    Raises:
        UnknownJobError: The tenant has none of that name.
        JobStateError: It has not ended.
        FolderError: Its folder cannot be moved; the job is kept.
    """
    with database.write() as connection:
        row = find_job(connection, tenant_id, job_id, for_update=True)
        if row["state"] not in _FINAL:
            raise JobStateError(
                job_id, row["state"], "it cannot be deleted yet", "Cancel it first, or wait."
            )
        moved = move_away(job_folder(settings, tenant_id, job_id))
        connection.execute(sa.delete(jobs).where(jobs.c.job_id == job_id))
    if moved is not None:
        shutil.rmtree(moved, ignore_errors=True)


def sweep(
    database: Database, settings: Settings, tenant_id: str | None, *, is_dry_run: bool
) -> tuple[Job, ...]:
    """Remove the jobs that are older, or more, than retention allows; return them.

    Args:
        database: Where the jobs are.
        settings: `retention_days`, `retention_jobs`.
        tenant_id: Whose; everybody's when None.
        is_dry_run: Only return them.
    """
    with database.read() as connection:
        now_us = database.now_us(connection)
        wanted = sa.select(tenants.c.tenant_id).order_by(tenants.c.tenant_id)
        if tenant_id is not None:
            wanted = wanted.where(tenants.c.tenant_id == tenant_id)
        owners = list(connection.execute(wanted).scalars())
        found = [job for owner in owners for job in _outdated(connection, settings, owner, now_us)]
    if is_dry_run:
        return tuple(found)
    removed: list[Job] = []
    for job in found:
        with contextlib.suppress(UnknownJobError, JobStateError):  # deleted, or retried, meanwhile
            delete_job(database, settings, job.tenant_id, job.job_id)
            removed.append(job)
    for owner in owners:
        empty_trash(settings, owner)
    return tuple(removed)


def empty_trash(settings: Settings, tenant_id: str) -> None:
    """Remove what a crash left of folders that were on their way out."""
    shutil.rmtree(tenant_root(settings, tenant_id) / _TRASH, ignore_errors=True)


def _outdated(
    connection: sa.Connection, settings: Settings, tenant_id: str, now_us: int
) -> list[Job]:
    """Return a tenant's jobs that retention does not allow, the oldest first."""
    query = (
        sa.select(jobs)
        .where(jobs.c.tenant_id == tenant_id, jobs.c.state.in_(_FINAL))
        .order_by(jobs.c.finished_us.desc(), jobs.c.job_id.desc())
    )
    oldest_us, kept = 0, settings.retention_jobs
    if settings.retention_days is not None:
        oldest_us = now_us - int(settings.retention_days * _DAY_US)
    rows = connection.execute(query).mappings().all()
    outdated = [
        to_job(row)
        for place, row in enumerate(rows)
        if row["finished_us"] < oldest_us or (kept is not None and place >= kept)
    ]
    return outdated[::-1]


def move_away(folder: Path) -> Path | None:
    """Rename a folder into the trash; None if there is none."""
    trash = folder.parent / _TRASH
    moved = trash / f"{folder.name}-{secrets.token_hex(4)}"
    try:
        if not folder.is_dir():
            return None
        trash.mkdir(exist_ok=True)
        folder.rename(moved)
    except OSError as error:
        raise FolderError(
            f"The job folder {str(folder)!r} cannot be removed: {error.strerror}.",
            remedy="Check who may write there.",
        ) from error
    return moved
