"""Where the profiles live that later jobs are compared with, and the shape they are stored in.

A baseline holds no rows: quantiles, bins, counts, shapes of text. It does hold values: those of
columns with at most 5,000 different ones, with their counts - but none of a column that tells who a
person is or how to reach one.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Generator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from voyant.artifacts.base import Artifact, ArtifactPart
from voyant.artifacts.drift import DriftArtifact
from voyant.artifacts.names import check_name
from voyant.artifacts.store import MANIFEST_NAME, remove_leftovers, replace_file
from voyant.core.errors import FolderError

__all__ = [
    "BASELINE_FILE",
    "BaselineArtifact",
    "BaselineStore",
    "ColumnBaseline",
    "StoredBaseline",
    "TableBaseline",
    "read_profiles",
    "remember_baselines",
]

#: What each job writes into its own folder, and `voyant baseline set JOB` reads.
BASELINE_FILE: Final = "baseline.json"
_NOT_PLAIN: Final = re.compile(r"[^a-z0-9_]+")
_SLUG_CHARACTERS: Final = 40


class ColumnBaseline(ArtifactPart):
    """What is kept of a column."""

    type: str
    kind: str
    semantic_type: str
    count: int
    null_count: int
    number_count: int
    """Rows with a finite number or moment."""
    distinct_count: int | None
    mean: float | None
    """Of numbers; of moments in seconds since 1970."""
    std: float | None
    quantile_grid: list[float]
    """At 0, 1/200, ..., 1."""
    values: list[str | int | float | bool] | None
    """All values; null if there are more than 5,000, or they tell who a person is."""
    value_counts: list[int]
    """Rows of each."""
    no_values_because: str
    bin_counts: list[int]
    """Rows between the inner deciles, the outer bins open; empty where all values are kept."""
    mean_length: float | None
    patterns: dict[str, int]
    """Rows by shape, of the values that were sampled."""
    pattern_rest: int
    """Sampled rows of other shapes."""
    has_time_zone: bool = False
    """Whether times name an instant."""


class TableBaseline(ArtifactPart):
    """What is kept of a table."""

    row_count: int
    event_column: str | None
    """The column of event times."""
    newest_event: str | None
    columns: dict[str, ColumnBaseline]
    selection: str = ""
    """Which rows it describes, without the moments of a window, which move; empty for all."""


class BaselineArtifact(Artifact):
    """`baseline.json`: what later jobs could be compared with."""

    tables: dict[str, TableBaseline]


class StoredBaseline(ArtifactPart):
    """One table's baseline, in the tenant's own folder; no artifact of a job."""

    schema_version: str = "1.0"
    table: str
    job_id: str
    """The job it comes from."""
    stored_at: datetime
    profile: TableBaseline


class BaselineStore:
    """One tenant's baselines: `{artifacts_root}/.voyant/{tenant}/baselines/`, a file per table."""

    def __init__(self, root: str | Path, tenant: str) -> None:
        """Name the folder; nothing is made or read yet.

        Raises:
            UnsafeNameError: A tenant that could lead outside the root.
        """
        self._root = Path(root)
        self._tenant = check_name("tenant", tenant)
        self.folder = self._root / ".voyant" / self._tenant / "baselines"

    def load(self, table: str) -> StoredBaseline | None:
        """Return a table's baseline, None without one.

        Raises:
            FolderError: A file that cannot be read, or is no baseline of this version.
        """
        return self._read(self._path(table))

    def all(self) -> list[StoredBaseline]:
        """Return all baselines, by table.

        Raises:
            FolderError: As `load`.
        """
        found = [self._read(path) for path in self._files()]
        return sorted((b for b in found if b is not None), key=lambda baseline: baseline.table)

    def save(
        self,
        job_id: str,
        stored_at: datetime,
        profiles: BaselineArtifact,
        tables: Iterable[str],
    ) -> list[str]:
        """Make a job's profiles the baselines of some tables, each whole or not at all.

        Args:
            job_id: Where the profiles come from.
            stored_at: When, with a time zone.
            profiles: The job's `baseline.json`.
            tables: Which of its tables.

        Returns:
            The tables whose baseline is now this job's.

        Raises:
            FolderError: The folder cannot be written.
        """
        saved: list[str] = []
        for table in tables:
            if table not in profiles.tables:
                continue
            baseline = StoredBaseline(
                table=table,
                job_id=job_id,
                stored_at=stored_at,
                profile=profiles.tables[table],
            )
            path = self._path(table)
            with _as_folder_error("write", path):
                self.folder.mkdir(parents=True, exist_ok=True)
                remove_leftovers(self.folder)
                replace_file(
                    path, baseline.model_dump_json().encode(), temporary_folder=self.folder
                )
            saved.append(table)
        return saved

    def set_from_job(
        self, job_id: str, stored_at: datetime, tables: Iterable[str] | None = None
    ) -> list[str]:
        """Make a finished job's profiles the baselines; all of its tables when none are named.

        Raises:
            FolderError: No such finished job of this tenant, or one without profiles.
        """
        folder = self._root / check_name("job", job_id)
        self._check_finished(folder, job_id)
        profiles = read_profiles(folder)
        if profiles is None:
            raise FolderError(
                f"The job {job_id!r} kept no {BASELINE_FILE}.",
                remedy="Run it again with the drift generator switched on.",
            )
        wanted = list(profiles.tables) if tables is None else list(tables)
        unknown = [table for table in wanted if table not in profiles.tables]
        if unknown:
            raise FolderError(
                f"The job {job_id!r} has no table {unknown[0]!r}.",
                remedy=f"It has {', '.join(map(repr, profiles.tables))}.",
            )
        return self.save(job_id, stored_at, profiles, wanted)

    def _check_finished(self, folder: Path, job_id: str) -> None:
        from voyant.artifacts.manifest import Manifest  # noqa: PLC0415 - costly, for one command

        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
        except FileNotFoundError:
            raise FolderError(
                f"There is no finished job {job_id!r} in {str(self._root)!r}.",
                remedy="A job is finished when its folder has a manifest.json.",
            ) from None
        except (OSError, ValidationError) as error:
            raise FolderError(f"The manifest of the job {job_id!r} cannot be read.") from error
        if manifest.tenant_id != self._tenant:
            raise FolderError(
                f"The job {job_id!r} belongs to another tenant than {self._tenant!r}.",
                remedy="Name the tenant with --tenant.",
            )

    def clear(self, tables: Iterable[str] | None = None) -> list[str]:
        """Forget baselines, all of them when no table is named; the next job makes new ones.

        Returns:
            File names or tables whose baseline is gone.

        Raises:
            FolderError: A file cannot be removed.
        """
        paths = (
            {path.name: path for path in self._files()}
            if tables is None
            else {table: self._path(table) for table in tables}
        )
        cleared: list[str] = []
        for name, path in paths.items():
            with _as_folder_error("remove", path), contextlib.suppress(FileNotFoundError):
                path.unlink()
                cleared.append(name)
        return cleared

    def _files(self) -> list[Path]:
        with _as_folder_error("read", self.folder):
            return sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []

    def _path(self, table: str) -> Path:
        """Name the file after the table; the hash tells apart what a file system would not."""
        slug = _NOT_PLAIN.sub("_", table.lower())[:_SLUG_CHARACTERS].strip("_") or "table"
        digest = hashlib.sha256(table.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.folder / f"{slug}-{digest}.json"

    def _read(self, path: Path) -> StoredBaseline | None:
        with _as_folder_error("read", path):
            try:
                return StoredBaseline.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                return None
            except ValidationError as error:
                raise FolderError(
                    f"{str(path)!r} is no baseline that this version can read.",
                    remedy="Remove it with `voyant baseline clear`, or set another job's.",
                ) from error


def remember_baselines(
    store: BaselineStore,
    folder: Path,
    job_id: str,
    finished_at: datetime,
    *,
    follows_previous: bool,
) -> list[str]:
    """Make a job's profiles the baselines of the tables that had none, once the job is finished.

    Args:
        store: The tenant's baselines.
        folder: The finished job's.
        job_id: Its name.
        finished_at: When it was.
        follows_previous: Whether tables that were compared with a baseline get this one, too.

    Returns:
        The tables whose baseline is now this job's.

    Raises:
        FolderError: A file that cannot be read or written.
    """
    profiles = read_profiles(folder)
    if profiles is None:
        return []
    path = folder / "drift.json"
    with _as_folder_error("read", path):
        found = DriftArtifact.model_validate_json(path.read_bytes()).tables
    wanted = [
        table
        for table, drift in found.items()
        if (drift.status == "no_baseline" and store.load(table) is None)
        or (follows_previous and drift.baseline_job_id is not None)
    ]
    return store.save(job_id, finished_at, profiles, wanted)


def read_profiles(folder: Path) -> BaselineArtifact | None:
    """Return what a job kept for later comparisons, None if it kept nothing.

    Raises:
        FolderError: A file that cannot be read.
    """
    path = folder / BASELINE_FILE
    with _as_folder_error("read", path):
        try:
            return BaselineArtifact.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise FolderError(f"{str(path)!r} is not what this version writes.") from error


@contextlib.contextmanager
def _as_folder_error(verb: str, path: Path) -> Generator[None]:
    try:
        yield
    except FolderError:
        raise
    except OSError as error:
        raise FolderError(
            f"Cannot {verb} {str(path)!r}: {error.strerror}.",
            remedy="Check who may read and write there.",
        ) from error
