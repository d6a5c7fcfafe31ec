"""What a job did and what it left: the shape of `manifest.json`, written last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from pydantic import Field, JsonValue

from voyant.artifacts.base import Artifact, ArtifactPart
from voyant.artifacts.names import check_name
from voyant.core.discovery import Plugin
from voyant.core.errors import UnsafeNameError
from voyant.core.gates import GateDecision
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult, PipelineResult

__all__ = [
    "ArtifactEntry",
    "Gate",
    "GeneratorEntry",
    "Manifest",
    "Parameters",
    "PluginEntry",
    "Problem",
    "Resumption",
    "Versions",
    "describe_generators",
    "hash_file",
    "list_artifacts",
    "media_type_of",
]

#: Not the system's list: the same file has the same type on every machine.
_MEDIA_TYPES: Final = {
    ".arrow": "application/vnd.apache.arrow.file",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


class Gate(ArtifactPart):
    """How a generator's feature flag was decided."""

    flag: str
    enabled: bool
    source: str
    """Who decided: `settings`, a variable, the file's name, `run flags`, `default`."""
    reason: str

    @classmethod
    def of(cls, decision: GateDecision) -> Gate:
        """Take over a decision."""
        return cls(
            flag=decision.flag,
            enabled=decision.enabled,
            source=decision.source,
            reason=decision.reason,
        )


class GeneratorEntry(ArtifactPart):
    """What became of one generator."""

    name: str
    description: str
    plugin: str | None = None
    """The plugin it came with: distribution and version, or the file's name; null for ours."""
    is_core: bool
    order: int
    status: Literal["ok", "failed", "skipped"]
    reason: str | None
    """Why it was skipped."""
    error: str | None
    """Why it failed."""
    duration_ms: float | None
    """Null for a generator that did not run."""
    gate: Gate | None
    """Null for a generator without a feature flag."""
    artifacts: list[str]
    """Paths of the files it wrote, relative to this folder."""
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """What it noted about this run with `ctx.note`."""


class PluginEntry(ArtifactPart):
    """What became of one plugin that was found."""

    name: str
    distribution: str
    """The package that declares it; empty for a file."""
    version: str
    status: Literal["loaded", "failed", "denied"]
    generators: list[str]
    """Names of the generators it registered."""
    error: str
    """Why it failed or was denied."""
    remedy: str

    @classmethod
    def of(cls, plugin: Plugin) -> PluginEntry:
        """Take over what became of a plugin."""
        return cls(
            name=plugin.origin.plugin,
            distribution=plugin.origin.distribution,
            version=plugin.origin.version,
            status="failed" if plugin.status == "found" else plugin.status,
            generators=list(plugin.generators),
            error=plugin.error,
            remedy=plugin.remedy,
        )


class ArtifactEntry(ArtifactPart):
    """One file of the folder."""

    key: str | None
    """The key its generator returned it under; null for a file written and not returned."""
    path: str
    """Relative to this folder, parts separated by `/`."""
    generator: str | None
    media_type: str
    size_bytes: int
    sha256: str


class Problem(ArtifactPart):
    """Something a generator said it had made, and that is not there or not as it made it."""

    generator: str | None
    key: str | None
    message: str


class Versions(ArtifactPart):
    """What made the artifacts."""

    voyant: str
    python: str
    engine: str | None
    """Name and version; null if no generator asked for tables."""


class Parameters(ArtifactPart):
    """What the job was asked to do; passwords and query strings of URLs are hidden."""

    sources: dict[str, list[str]]
    """Table name to the paths it was read from; empty for a warehouse."""
    reference: dict[str, list[str]] = Field(default_factory=dict[str, list[str]])
    """Table name to the paths of the table it was compared with."""
    kpis: list[str]
    """Names of the KPIs."""
    flags: dict[str, bool]
    only: list[str]
    skip: list[str]
    where: list[str] = Field(default_factory=list[str])
    """Conditions on the rows of tables."""
    sample: list[str] = Field(default_factory=list[str])
    """Samples of tables."""
    settings: dict[str, JsonValue]
    """Settings that somebody set."""


class Resumption(ArtifactPart):
    """That the job was interrupted, and went on where it was."""

    first_started_at: datetime
    """When the first attempt began; the manifest's own `started_at` is the last attempt's."""
    kept: list[str]
    """Generators that an earlier attempt had done, and whose files were still as it left them."""


class Manifest(Artifact):
    """`manifest.json`: a folder without one is an unfinished job."""

    job_id: str
    tenant_id: str
    success: bool
    """True if no core generator failed."""
    failed_core: str | None
    """The core generator that stopped the job."""
    started_at: datetime
    finished_at: datetime
    duration_ms: float
    as_of: datetime
    """The moment the job speaks about; ages are counted from here."""
    versions: Versions
    tables: list[str]
    """Names of the job's tables; empty if no generator asked for them."""
    parameters: Parameters
    generators: list[GeneratorEntry]
    """All registered generators, in the order they run."""
    plugins: list[PluginEntry] = Field(default_factory=list[PluginEntry])
    """All plugins that were found, the broken ones too."""
    artifacts: list[ArtifactEntry]
    """By path."""
    problems: list[Problem]
    resumed: Resumption | None = None
    """Null for a job that was done in one go."""


def describe_generators(
    plan: Plan,
    result: PipelineResult,
    artifacts: list[ArtifactEntry],
    notes: Mapping[str, Mapping[str, JsonValue]],
) -> list[GeneratorEntry]:
    """Give an account of every generator of a plan.

    Args:
        plan: All generators, in order.
        result: What came of those that ran.
        artifacts: The files in the folder, for the list of each generator.
        notes: What each generator noted.
    """
    ran = {outcome.name: outcome for outcome in result.results}
    entries: list[GeneratorEntry] = []
    for step in plan.steps:
        definition = step.definition
        outcome = ran.get(definition.name)
        paths = sorted({entry.path for entry in artifacts if entry.generator == definition.name})
        entries.append(
            GeneratorEntry(
                name=definition.name,
                description=definition.description,
                plugin=None if definition.origin is None else str(definition.origin),
                is_core=definition.is_core,
                order=definition.order,
                status=_status(outcome),
                reason=result.skipped.get(definition.name) if outcome is None else None,
                error=None if outcome is None else outcome.error,
                duration_ms=None if outcome is None else round(outcome.duration_ms, 3),
                gate=None if step.gate is None else Gate.of(step.gate),
                artifacts=paths,
                details=dict(notes.get(definition.name, {})),
            )
        )
    return entries


def _status(outcome: GeneratorResult | None) -> Literal["ok", "failed", "skipped"]:
    if outcome is None:
        return "skipped"
    return "ok" if outcome.success else "failed"


def list_artifacts(
    folder: Path,
    result: PipelineResult,
    written: Mapping[str, str | None],
    digests: Mapping[str, str],
) -> tuple[list[ArtifactEntry], list[Problem]]:
    """List the files that generators returned or wrote, and those that are not there.

    Args:
        folder: The job's folder.
        result: The keys and paths that generators returned.
        written: Names that went through the store, each with its generator; a generator that failed
            has returned nothing, but what it wrote is there.
        digests: SHA-256 of what went through the store: a file that is not like that any more was
            changed by somebody who opened it by himself.
    """
    entries: list[ArtifactEntry] = []
    problems: list[Problem] = []
    for outcome in result.results:
        for key, path in outcome.artifacts.items():
            try:
                entries.append(_entry(folder, _relative(folder, path), key, outcome.name))
            except (OSError, ValueError) as error:
                message = f"{path!r} {_missing(error)}"
                problems.append(Problem(generator=outcome.name, key=key, message=message))
    returned = {entry.path for entry in entries}
    for name, generator in written.items():
        if name not in returned:
            try:
                entries.append(_entry(folder, name, None, generator))
            except (OSError, ValueError) as error:
                message = f"{name!r} {_missing(error)}"
                problems.append(Problem(generator=generator, key=None, message=message))
    for path, digest in {entry.path: entry.sha256 for entry in entries}.items():
        if digests.get(path, digest) != digest:
            message = f"{path!r} was changed after its generator had written it."
            problems.append(Problem(generator=written[path], key=None, message=message))
    return sorted(entries, key=lambda entry: (entry.path, entry.key or "")), problems


def _entry(folder: Path, name: str, key: str | None, generator: str | None) -> ArtifactEntry:
    check_name("artifact", name)
    path = folder / name
    if path.is_symlink() or path.parent.resolve() != folder.joinpath(*name.split("/")[:-1]):
        raise ValueError("is a link")
    size, digest = hash_file(path)
    return ArtifactEntry(
        key=key,
        path=name,
        generator=generator,
        media_type=media_type_of(name),
        size_bytes=size,
        sha256=digest,
    )


def _relative(folder: Path, path: str) -> str:
    """Return a path relative to the job's folder, without following a link of its last part."""
    given = Path(path)
    try:
        return (given.parent.resolve() / given.name).relative_to(folder).as_posix()
    except ValueError:
        raise ValueError("is outside the job's folder") from None


def _missing(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "is not there."
    if isinstance(error, UnsafeNameError):
        return f"is not listed. {error}"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}."
    return f"{error}."


def hash_file(path: Path) -> tuple[int, str]:
    """Return a file's size in bytes and its SHA-256 in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def media_type_of(name: str) -> str:
    """Return the media type of a file by its extension.

    >>> media_type_of("charts/orders.svg")
    'image/svg+xml'
    """
    suffix = PurePosixPath(name).suffix.lower()
    return _MEDIA_TYPES.get(suffix, "application/octet-stream")
