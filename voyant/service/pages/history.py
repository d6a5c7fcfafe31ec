"""How have a tenant's tables done in the jobs before? Scores, drift and rows, job by job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voyant.artifacts.store import MANIFEST_NAME
from voyant.jobs.durable.model import Job, JobQueue, JobState

__all__ = ["TablePoint", "read_histories"]

_JOBS_READ: Final = 100
_MOST_BYTES: Final = 32 * 1024**2


class _Part(BaseModel):
    """A part of an artifact; the rest is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Rows(_Part):
    row_count: int


class _Profile(_Part):
    tables: dict[str, _Rows] = Field(default_factory=dict[str, _Rows])


class _Score(_Part):
    score: float | None = None
    verdict: str = ""
    failed_count: int = 0


class _Quality(_Part):
    tables: dict[str, _Score] = Field(default_factory=dict[str, _Score])


class _Moved(_Part):
    status: str = ""
    drifted_column_count: int = 0
    assessed_column_count: int = 0


class _Drift(_Part):
    tables: dict[str, _Moved] = Field(default_factory=dict[str, _Moved])


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePoint:
    """How a table did in one job.

    Attributes:
        score: Of its quality, in [0, 1]; None where it was not assessed.
        verdict: What the score means; empty without one.
        failed_count: Checks that failed.
        drift: The status that the drift artifact gives the table; empty without one.
        drifted_count: Columns that have drifted.
        assessed_count: Columns whose drift was assessed.
    """

    job_id: str
    finished_at: datetime
    row_count: int | None
    score: float | None
    verdict: str
    failed_count: int
    drift: str
    drifted_count: int
    assessed_count: int


def read_histories(queue: JobQueue, tenant_id: str) -> dict[str, list[TablePoint]]:
    """Return each table's points, the oldest first, from the tenant's latest jobs."""
    jobs = queue.list(tenant_id, limit=_JOBS_READ).jobs
    found: dict[str, list[TablePoint]] = {}
    for job in reversed(jobs):
        if job.state is JobState.SUCCEEDED and job.finished_at is not None:
            for name, point in _points(job, queue.folder(tenant_id, job.job_id)).items():
                found.setdefault(name, []).append(point)
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))


def _points(job: Job, folder: Path) -> dict[str, TablePoint]:
    try:
        changed = (folder / MANIFEST_NAME).stat().st_mtime_ns
    except OSError:
        return {}
    finished_at = job.finished_at or job.submitted_at
    return dict(_read(folder, changed, job.job_id, finished_at))


@lru_cache(maxsize=2_000)
def _read(
    folder: Path, changed: int, job_id: str, finished_at: datetime
) -> Sequence[tuple[str, TablePoint]]:
    """Read a job's artifacts once; `changed` makes it another question when the job runs again."""
    del changed
    profile = _parsed(folder / "profile.json", _Profile)
    quality = _parsed(folder / "quality.json", _Quality)
    drift = _parsed(folder / "drift.json", _Drift)
    names = dict.fromkeys((*profile.tables, *quality.tables, *drift.tables))
    return tuple(
        (name, _point(name, job_id, finished_at, profile, quality, drift)) for name in names
    )


def _point(
    name: str,
    job_id: str,
    finished_at: datetime,
    profile: _Profile,
    quality: _Quality,
    drift: _Drift,
) -> TablePoint:
    rows, score, moved = (
        profile.tables.get(name),
        quality.tables.get(name, _Score()),
        drift.tables.get(name, _Moved()),
    )
    return TablePoint(
        job_id=job_id,
        finished_at=finished_at,
        row_count=None if rows is None else rows.row_count,
        score=score.score,
        verdict=score.verdict,
        failed_count=score.failed_count,
        drift=moved.status,
        drifted_count=moved.drifted_column_count,
        assessed_count=moved.assessed_column_count,
    )


def _parsed(path: Path, kind: type[Any]) -> Any:  # noqa: ANN401 - an instance of `kind`
    """Read an artifact; an empty one where there is none that can be read."""
    try:
        if path.stat().st_size <= _MOST_BYTES:
            return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        pass
    return kind()
