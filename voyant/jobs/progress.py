"""How far did an interrupted job get, and what of it can be kept?

After each generator a line is added to `.voyant-progress.jsonl` in the job's folder: what it
returned, and the size and SHA-256 of each file it wrote. A later attempt at the same job keeps the
generators that were done, in order, up to the first that failed, or whose files are no longer what
they were, and runs the rest. Whoever asked for the file removes it when the job is in its place.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from pydantic import ValidationError

from voyant import __version__
from voyant.artifacts.base import ArtifactPart
from voyant.artifacts.manifest import ArtifactEntry, list_artifacts
from voyant.artifacts.names import check_name
from voyant.artifacts.store import PROGRESS_NAME, ArtifactStore
from voyant.core.definition import GeneratorDefinition
from voyant.core.pipeline import Observer
from voyant.core.results import GeneratorResult, PipelineResult

if TYPE_CHECKING:
    from voyant.core.config import Settings
    from voyant.core.context import GeneratorContext
    from voyant.core.plan import Plan

__all__ = ["Kept", "ProgressWriter", "fingerprint", "keep"]

_MAX_FILES: Final = 10_000
#: Where an attempt writes, which differs from one to the next.
_PLACES: Final = {"artifacts_root", "contracts", "temp_directory"}


class _Head(ArtifactPart):
    """The first line: what the job was asked to do, and since when."""

    fingerprint: str
    as_of: datetime
    started_at: datetime


class _Line(ArtifactPart):
    """What became of one generator."""

    generator: str
    success: bool
    error: str | None
    duration_ms: float
    files: list[ArtifactEntry]
    notes: dict[str, Any]
    tables: list[str]
    engine: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a later attempt takes over from an interrupted one.

    Attributes:
        as_of: The moment that the first attempt spoke about.
        started_at: When the first attempt began.
        results: The generators that need not run again, in order; paths are in the new folder.
        tables: Names of the job's tables, as far as they were known.
        engine: Name and version of the engine, if one was used.
    """

    as_of: datetime
    started_at: datetime
    results: tuple[GeneratorResult, ...] = ()
    tables: tuple[str, ...] = ()
    engine: str | None = None
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


def fingerprint(plan: Plan, context: GeneratorContext, settings: Settings) -> str:
    """Return a digest of all that decides what a job writes: request, settings, inputs, version.

    Inputs count by their paths, sizes and times of change; those of a warehouse by its URL alone.
    """
    inputs = [
        source
        for key in ("sources", "reference")
        for source in cast("Mapping[str, object]", context.get(key) or {}).values()
    ]
    asked = {
        "voyant": __version__,
        "context": {k: v for k, v in context.items() if k not in _PLACES},
        "contracts": [Path(path).read_text("utf-8", "replace") for path in context["contracts"]],
        "settings": settings.model_dump(mode="json", exclude=_PLACES),
        "steps": [(s.definition.name, s.skip_reason, repr(s.parameters)) for s in plan.steps],
        "files": [list(_files(source)) for source in inputs],
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _files(source: object) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of change of the files that a source names."""
    if isinstance(source, (list, tuple)):
        for part in cast("Sequence[object]", source):
            yield from _files(part)
        return
    if not isinstance(source, (str, Path)) or "://" in str(source):
        return
    path = Path(source)
    names = sorted(map(str, path.rglob("*"))) if path.is_dir() else sorted(glob(str(source)))  # noqa: PTH207 - from anywhere
    for name in names[:_MAX_FILES]:
        status = Path(name).stat()
        yield name, status.st_size, status.st_mtime_ns


def keep(earlier: Path, digest: str, store: ArtifactStore) -> Kept | None:
    """Take over what an interrupted attempt has done; None if it was asked something else.

    Args:
        earlier: The folder of that attempt.
        digest: The fingerprint of this one.
        store: Where this attempt writes; the files are copied there and checked after that.
    """
    lines = _read(earlier / PROGRESS_NAME)
    if not lines or lines[0].get("fingerprint") != digest:
        return None
    try:
        head = _Head.model_validate(lines[0])
    except ValidationError:
        return None
    results: list[GeneratorResult] = []
    tables: tuple[str, ...] = ()
    engine: str | None = None
    notes: dict[str, dict[str, Any]] = {}
    for raw in lines[1:]:
        try:
            line = _Line.model_validate(raw)
            if not line.success:
                break
            artifacts = _take_over(earlier, line, store)
        except (ValidationError, OSError, ValueError):  # a file changed, or half a line
            break
        notes[line.generator] = line.notes
        tables, engine = tuple(line.tables) or tables, line.engine or engine
        results.append(
            GeneratorResult(line.generator, True, artifacts, None, line.duration_ms)  # noqa: FBT003 - as run_plan makes it
        )
    store.generator = None
    return Kept(
        as_of=head.as_of,
        started_at=head.started_at,
        results=tuple(results),
        tables=tables,
        engine=engine,
        notes=notes,
    )


def _take_over(earlier: Path, line: _Line, store: ArtifactStore) -> dict[str, str]:
    """Copy a generator's files; return its artifacts with their new paths.

    Raises:
        ValueError: A file is not what it was.
    """
    contents: dict[str, bytes] = {}
    for entry in line.files:
        path = earlier / check_name("artifact", entry.path)
        content = path.read_bytes()
        found = (len(content), hashlib.sha256(content).hexdigest())
        if path.is_symlink() or found != (entry.size_bytes, entry.sha256):
            raise ValueError(entry.path)
        contents[entry.path] = content
    store.generator = line.generator
    paths = {name: store.write_bytes(name, content) for name, content in contents.items()}
    for name, value in line.notes.items():
        store.note(name, value)
    return {entry.key: paths[entry.path] for entry in line.files if entry.key is not None}


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a progress file; none if there is none."""
    lines: list[dict[str, Any]] = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return lines
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:  # the process died while it wrote
            break
        if not isinstance(value, dict):
            break
        lines.append(cast("dict[str, Any]", value))
    return lines


class _Seen(Protocol):
    """What is known of the engine by now."""

    tables: tuple[str, ...]
    engine_name: str | None


class ProgressWriter(Observer):
    """Writes down each generator that is done, for a later attempt to keep."""

    def __init__(
        self, store: ArtifactStore, seen: _Seen, digest: str, as_of: datetime, started_at: datetime
    ) -> None:
        """Write the first line.

        Raises:
            OSError: The file cannot be written.
        """
        self._store, self._seen = store, seen
        self._path = store.folder / PROGRESS_NAME
        self._append(_Head(fingerprint=digest, as_of=as_of, started_at=started_at))

    def generator_kept(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Write it down in this folder too: this attempt may be interrupted as well."""
        self.generator_finished(definition, result)

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Write what came of it, with its files as they are now."""
        name = definition.name
        mine = {file: author for file, author in self._store.written.items() if author == name}
        only = PipelineResult(success=True, results=[result])
        files, problems = list_artifacts(self._store.folder, only, mine, self._store.digests)
        self._append(
            _Line(
                generator=name,
                success=result.success and not problems,
                error=result.error,
                duration_ms=result.duration_ms,
                files=files,
                notes=dict(self._store.notes.get(name, {})),
                tables=list(self._seen.tables),
                engine=self._seen.engine_name,
            )
        )

    def _append(self, line: ArtifactPart) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line.model_dump_json()}\n")
            file.flush()
            os.fsync(file.fileno())
