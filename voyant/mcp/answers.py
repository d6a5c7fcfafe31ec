"""What do the tools answer? Their output schemas are made from these."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ArtifactFacts",
    "ArtifactText",
    "ColumnFacts",
    "GeneratorFacts",
    "GeneratorList",
    "JobFacts",
    "JobLine",
    "JobList",
    "OutlineEntry",
    "QueryAnswer",
    "StepFacts",
    "TableFacts",
    "TableList",
]

_Cell = None | bool | int | float | str


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ColumnFacts(_Answer):
    """A column."""

    name: str
    type: str
    """As the engine spells it: `BIGINT`, `VARCHAR`, `TIMESTAMP`."""


class TableFacts(_Answer):
    """A table that can be analysed and asked."""

    name: str
    """What tools and SQL call it; quote it in SQL if it is no plain word."""
    size_bytes: int | None
    """Size of its files; null if they are not at hand."""
    columns: list[ColumnFacts]
    problem: str = ""
    """Why it cannot be opened; empty otherwise."""


class TableList(_Answer):
    """The tables, by name."""

    tables: list[TableFacts]


class GeneratorFacts(_Answer):
    """A generator, and whether it would run."""

    name: str
    description: str
    order: int
    is_core: bool
    """Whether a job stops when it fails."""
    runs: bool
    reason: str
    """Why it would not run, or who decided that it does."""
    flag: str | None
    """The feature flag that can turn it off."""
    requires: list[str]
    produces: list[str]


class GeneratorList(_Answer):
    """The generators, in the order they run."""

    generators: list[GeneratorFacts]


class StepFacts(_Answer):
    """What became of one generator in a job."""

    name: str
    status: Literal["running", "ok", "failed", "skipped"]
    reason: str
    """Why it failed or was skipped; empty otherwise."""
    duration_ms: float | None


class ArtifactFacts(_Answer):
    """A file that a job made."""

    path: str
    """What `read_artifact` calls it."""
    media_type: str
    size_bytes: int


class JobLine(_Answer):
    """A job in a list."""

    job_id: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    submitted_at: datetime
    finished_at: datetime | None


class JobList(_Answer):
    """Jobs, the newest first."""

    jobs: list[JobLine]


class JobFacts(JobLine):
    """A job: how it goes, what it made, and, when it is done, what it found in words."""

    error: str
    """Why it failed; empty otherwise."""
    steps: list[StepFacts]
    artifacts: list[ArtifactFacts]
    """Empty until it is done. `manifest.json` has the whole account."""
    narrative: str
    """The beginning of `narrative.md`: what stands out. Empty without one."""


class OutlineEntry(_Answer):
    """One member of a value that is too large to be given whole."""

    pointer: str
    """JSON pointer to it (RFC 6901); call the tool again with it."""
    type: Literal["object", "array", "string", "number", "boolean", "null"]
    size: int
    """Members of an object, elements of an array, else characters of its JSON."""


class ArtifactText(_Answer):
    """Text of an artifact, or a value of a JSON artifact as JSON; long ones in pages."""

    path: str
    pointer: str
    media_type: str
    text: str
    offset: int
    """Characters before `text`."""
    total_characters: int
    next_offset: int | None
    """Pass it as `offset` to read on; null at the end."""
    outline: list[OutlineEntry] = Field(default_factory=list[OutlineEntry])
    """The members of a JSON value that did not fit in one page: better to follow than pages."""


class QueryAnswer(_Answer):
    """Rows that a SELECT gave."""

    columns: list[ColumnFacts]
    rows: list[list[_Cell]]
    is_truncated: bool
    """Whether there were more rows, or more text, than were asked for or are allowed."""
    masked_count: int
    """Cells in which something that looks personal was masked."""
