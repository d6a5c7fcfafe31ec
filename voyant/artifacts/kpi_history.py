"""What was each KPI's value in the jobs before this one?"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, cast

from voyant.artifacts.names import check_name
from voyant.core.errors import FolderError
from voyant.core.tables import Scalar

__all__ = ["KpiEntry", "KpiHistory"]

_BLOCK_BYTES: Final = 65_536
_RECENT_LINES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiEntry:
    """The KPI values of one finished job."""

    job_id: str
    finished_at: datetime
    values: Mapping[str, Scalar]


class KpiHistory:
    """One tenant's KPI values, a line of JSON for each finished job, newest last.

    The file is `{artifacts_root}/.voyant/{tenant}/kpi_history.jsonl`. Lines are only ever added,
    each with one write, so that jobs may finish at the same time; a line cut short is passed over.
    """

    def __init__(self, root: str | Path, tenant: str) -> None:
        """Name the file; nothing is made or read yet.

        Raises:
            UnsafeNameError: A tenant that could lead outside the root.
        """
        self.path = Path(root) / ".voyant" / check_name("tenant", tenant) / "kpi_history.jsonl"

    def last(self, names: Collection[str], exclude_job: str) -> dict[str, Scalar]:
        """Return each KPI's value in the last finished job that has one; none that never had one.

        The file is read once, from its end, and no further than needed.

        Args:
            names: The KPIs' names.
            exclude_job: A job to pass over: a job that runs again is not its own predecessor.
        """
        found: dict[str, Scalar] = {}
        missing = {name: json.dumps(name).encode() for name in names}
        if not missing:  # a job without KPIs does not depend on the file
            return {}
        try:
            with self.path.open("rb") as file:
                for line in _lines_from_end(file):
                    if not missing:
                        break
                    if not any(needle in line for needle in missing.values()):
                        continue
                    job, values = _parse(line)
                    if job in {None, exclude_job}:
                        continue
                    for name in [name for name in missing if values.get(name) is not None]:
                        found[name] = values[name]
                        del missing[name]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unusable("read", self.path, error) from error
        return found

    def entries(self, limit: int) -> list[KpiEntry]:
        """Return the values of the last finished jobs, the newest first.

        Args:
            limit: How many jobs at most.

        Raises:
            FolderError: The file cannot be read.
        """
        found: list[KpiEntry] = []
        try:
            with self.path.open("rb") as file:
                for line in _lines_from_end(file):
                    entry = _entry(line)
                    if entry is not None:
                        found.append(entry)
                    if len(found) >= limit:
                        break
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unusable("read", self.path, error) from error
        return found

    def has(self, job_id: str, finished_at: datetime) -> bool:
        """Tell whether a job's values are there already, among the last thousand lines."""
        needles = [json.dumps(text).encode() for text in (job_id, finished_at.isoformat())]
        try:
            with self.path.open("rb") as file:
                lines = islice(_lines_from_end(file), _RECENT_LINES)
                return any(all(needle in line for needle in needles) for line in lines)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _unusable("read", self.path, error) from error

    def append(self, job_id: str, finished_at: datetime, values: Mapping[str, Scalar]) -> None:
        """Add a finished job's values.

        Raises:
            FolderError: The file cannot be written.
        """
        record = {"job_id": job_id, "finished_at": finished_at.isoformat(), "values": dict(values)}
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                if not _ends_with_newline(descriptor):
                    line = b"\n" + line  # a line cut short spoils itself only
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unusable("write", self.path, error) from error


def _unusable(verb: str, path: Path, error: OSError) -> FolderError:
    return FolderError(
        f"Cannot {verb} the KPI history {str(path)!r}: {error.strerror}.",
        remedy="Check who may read and write there.",
    )


def _ends_with_newline(descriptor: int) -> bool:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size == 0:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _lines_from_end(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's lines, the last one first, holding a block and a line in memory."""
    position = file.seek(0, os.SEEK_END)
    tail: list[bytes] = []  # the pieces of the line being put together, last one first
    while position > 0:
        start = max(0, position - _BLOCK_BYTES)
        file.seek(start)
        first, *others = file.read(position - start).split(b"\n")
        position = start
        if others:
            tail.append(others.pop())
            yield b"".join(reversed(tail))
            yield from reversed(others)
            tail = []
        tail.append(first)
    yield b"".join(reversed(tail))


def _parse(line: bytes) -> tuple[str | None, dict[str, Scalar]]:
    """Read a line; one that is not whole has no job."""
    try:
        record: object = json.loads(line)
    except (ValueError, RecursionError):
        return None, {}
    if not isinstance(record, dict):
        return None, {}
    fields = cast("dict[str, object]", record)
    job, values = fields.get("job_id"), fields.get("values")
    if not isinstance(job, str) or not isinstance(values, dict):
        return None, {}
    return job, cast("dict[str, Scalar]", values)


def _entry(line: bytes) -> KpiEntry | None:
    """Read a line whole; None for one that is not."""
    job, values = _parse(line)
    if job is None:
        return None
    try:
        finished_at = datetime.fromisoformat(json.loads(line)["finished_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return KpiEntry(job_id=job, finished_at=finished_at, values=values)
