"""What stands where in the artifacts, and how do sentences come of it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voyant.artifacts.narrative import Fact, Operation, Section, Sentence
from voyant.artifacts.pointers import make_pointer
from voyant.core.errors import ArtifactError
from voyant.core.tables import Scalar
from voyant.report.narrative_facts import Where, number_at, read_fact, render

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Note", "Part", "Place", "Writer", "listed", "noun", "say"]

#: What a sentence is put together from.
Part = str | Fact | Sequence["str | Fact"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an artifact; what is not there reads as null, so that any shape can be asked.

    Attributes:
        artifact: The file, relative to the job's folder.
        path: Names and list positions.
        value: What stands there.
    """

    artifact: str
    path: tuple[str | int, ...]
    value: JsonValue

    def at(self, *path: str | int) -> Place:
        """Return a place further down."""
        found = self.value
        for part in path:
            if isinstance(found, dict):
                found = found.get(str(part))
            elif isinstance(found, list) and isinstance(part, int) and 0 <= part < len(found):
                found = found[part]
            else:
                found = None
        return Place(self.artifact, (*self.path, *path), found)

    def __iter__(self) -> Iterator[Place]:
        """Go through the members of a list or an object."""
        if isinstance(self.value, dict):
            yield from (self.at(name) for name in self.value)
        elif isinstance(self.value, list):
            yield from (self.at(index) for index in range(len(self.value)))

    @property
    def key(self) -> str:
        """The last name of the path."""
        return str(self.path[-1]) if self.path else ""

    @property
    def number(self) -> int | float | None:
        """The number that stands here, None for anything else."""
        return number_at(self.value, "")

    @property
    def size(self) -> int | float:
        """The number that stands here, 0 for anything else."""
        return self.number or 0

    @property
    def text(self) -> str:
        """The text that stands here, empty for anything else."""
        return self.value if isinstance(self.value, str) else ""

    def fact(self, form: str) -> Fact:
        """State the value that stands here.

        Raises:
            ArtifactError: Nothing stands here, or nothing that has such a format.
        """
        return self._fact("value", form)

    def name(self) -> Fact:
        """State the name under which something stands here."""
        return self._fact("key", "name")

    def count(self, where: Where | None = None) -> Fact:
        """State how many members there are here."""
        return self._fact("count", "count", where=where)

    def total(self, each: str, form: str = "count", where: Where | None = None) -> Fact:
        """State the sum over the members."""
        return self._fact("sum", form, each, where)

    def extreme(self, each: str, form: str, *, is_max: bool) -> Fact:
        """State the greatest or least number among the members."""
        return self._fact("max" if is_max else "min", form, each)

    def _fact(
        self, operation: Operation, form: str, each: str = "", where: Where | None = None
    ) -> Fact:
        pointer = make_pointer(*self.path)
        try:
            value = self.key if operation == "key" else self._read(operation, each, where)
            text = render(value, form)
        except (LookupError, ValueError) as error:
            raise ArtifactError(
                f"{self.artifact}#{pointer} cannot be told: {error}",
                remedy="Ask for `number` or `text` first where an artifact may lack them.",
            ) from error
        return Fact(
            artifact=self.artifact,
            pointer=pointer,
            operation=operation,
            each=each,
            where={key: list(values) for key, values in (where or {}).items()},
            value=value,
            format=form,
            text=text,
        )

    def _read(self, operation: Operation, each: str, where: Where | None) -> Scalar:
        return read_fact(self.value, "", operation, each, where)


#: Makes the sections of a narrative from the run's JSON artifacts, by artifact key.
Writer = Callable[[Mapping[str, Place]], Sequence[Section]]


# ---------------------------------------------------------------------------------- sentences


def say(*parts: Part) -> Sentence:
    """Make a sentence of words and facts; a text that ends with a full stop is given no other.

    >>> tables = Place("profile.json", ("tables",), {"orders": {}, "customers": {}})
    >>> say("There are ", tables.count(), " tables.").text
    'There are 2 tables.'
    """
    flat: list[str | Fact] = []
    for part in parts:
        for piece in [part] if isinstance(part, str | Fact) else part:
            last = flat[-1] if flat else None
            if piece == "." and isinstance(last, Fact) and _is_closed(last):
                continue
            if isinstance(piece, str) and isinstance(last, str):
                flat[-1] = last + piece
            elif piece:
                flat.append(piece)
    text = "".join(piece if isinstance(piece, str) else piece.text for piece in flat)
    return Sentence(text=text, parts=flat)


def _is_closed(fact: Fact) -> bool:
    return fact.format == "text" and fact.text.endswith((".", "!", "?"))


def listed(items: Sequence[Part], word: str = "and") -> list[str | Fact]:
    """Put things in a row: `a`, `a and b`, `a, b and c`."""
    row: list[str | Fact] = []
    for index, item in enumerate(items):
        if index:
            row.append(f" {word} " if index == len(items) - 1 else ", ")
        row.extend([item] if isinstance(item, str | Fact) else item)
    return row


def noun(number: Fact, singular: str, plural: str = "") -> list[str | Fact]:
    """Put a number before its noun: `1 row`, `2 rows`, `0.5 points`."""
    word = singular if number.text in {"1", "\N{MINUS SIGN}1"} else plural or singular + "s"
    return [number, f" {word}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to say, and what a reader can do about it.

    Attributes:
        sentence: What is the case.
        action: What to do, if there is something.
    """

    sentence: Sentence
    action: Sentence | None = None
