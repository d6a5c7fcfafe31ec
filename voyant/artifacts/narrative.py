"""The shape of `narrative.json`: sections of sentences, each tied to the facts it states.

A sentence is its parts, one after the other: plain words, and facts. Words hold no numbers; what
was measured or named in the data stands in a fact, and a fact says where it can be read again.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voyant.artifacts.base import Artifact, ArtifactPart
from voyant.core.tables import Scalar

__all__ = ["Absence", "Fact", "NarrativeArtifact", "Operation", "Section", "Sentence"]

Operation = Literal["value", "key", "count", "sum", "max", "min"]


class Fact(ArtifactPart):
    """Something a sentence states, and how to find it again."""

    artifact: str
    """The file it was read from, relative to the job's folder."""
    pointer: str
    """JSON pointer (RFC 6901) into that file."""
    operation: Operation
    """`value`: what the pointer names. `key`: the last name in the pointer itself. `count`, `sum`,
    `max`, `min`: over the members of the list or object it names."""
    each: str = ""
    """Pointer from a member to what is summed or compared; members without a number there are
    passed over."""
    where: dict[str, list[Scalar]] = Field(default_factory=dict)
    """Only members in which each of these pointers names one of these values."""
    value: Scalar
    """What was found there."""
    format: str
    """How the value was made into text: `count`, `percent`, `name` and others."""
    text: str
    """What the sentence shows."""


class Sentence(ArtifactPart):
    """One sentence."""

    text: str
    """Its parts in one piece, as plain text."""
    parts: list[str | Fact]


class Section(ArtifactPart):
    """Sentences under one heading, the most important first."""

    name: str
    """For programs: `subject`, `trust`, `kpis`, `drift`, `next`, `missing`; writers may add."""
    title: str
    sentences: list[Sentence]


class Absence(ArtifactPart):
    """A generator whose artifacts the narrative had to do without."""

    status: Literal["skipped", "failed", "unreadable"]
    reason: str


class NarrativeArtifact(Artifact):
    """`narrative.json`."""

    title: str
    sections: list[Section]
    missing: dict[str, Absence]
    """By generator."""
