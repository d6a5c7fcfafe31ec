"""Does a narrative say only what the artifacts say?

Every fact is read again and made into text again; between the facts, sentences may hold no number,
neither as digits nor as a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from voyant.artifacts.narrative import Fact, NarrativeArtifact, Sentence
from voyant.core.errors import ArtifactError
from voyant.report.narrative_facts import is_same, read_fact, render

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["check_narrative", "find_faults"]

#: "one", "first" and "second" have other uses; no sentence needs these outside of a fact.
_NUMBER_WORDS: Final = re.compile(
    r"\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty"
    r"|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|trillions?"
    r"|dozens?|half|halves|thirds|tenths?|twice|thrice|doubled?|tripled?)\b",
    re.IGNORECASE,
)
_SHOWN_FAULTS: Final = 3


def check_narrative(narrative: NarrativeArtifact, documents: Mapping[str, JsonValue]) -> None:
    """Refuse a narrative that says something its artifacts do not.

    Args:
        narrative: What was written.
        documents: The content of each artifact, by its file's name as facts give it.

    Raises:
        ArtifactError: Names the sentence, the fact, what was expected and what was found.
    """
    faults = list(find_faults(narrative, documents))
    if faults:
        more = len(faults) - _SHOWN_FAULTS
        rest = f" And {more} more." if more > 0 else ""
        raise ArtifactError(
            f"The narrative does not say what the artifacts say. "
            f"{' '.join(faults[:_SHOWN_FAULTS])}{rest}",
            remedy="Correct the writer: state each number and name as a fact of its artifact.",
        )


def find_faults(narrative: NarrativeArtifact, documents: Mapping[str, JsonValue]) -> Iterator[str]:
    """Yield what is wrong with each sentence and heading."""
    for words in (narrative.title, *(section.title for section in narrative.sections)):
        yield from (f"Heading {words!r}: {fault}" for fault in _faults_of_words(words))
    for section in narrative.sections:
        for number, sentence in enumerate(section.sentences, 1):
            place = f"Sentence {number} of {section.name!r}, {sentence.text!r}:"
            for fault in _faults_of_sentence(sentence, documents):
                yield f"{place} {fault}"


def _faults_of_sentence(sentence: Sentence, documents: Mapping[str, JsonValue]) -> Iterator[str]:
    texts = [part if isinstance(part, str) else part.text for part in sentence.parts]
    whole = "".join(texts)
    if sentence.text != whole:
        yield f"its parts make {whole!r}."
    for part in sentence.parts:
        if isinstance(part, str):
            yield from _faults_of_words(part)
        else:
            yield from _faults_of_fact(part, documents)


def _faults_of_words(words: str) -> Iterator[str]:
    for character in words:
        if character.isnumeric():
            yield f"the number {character!r} belongs to no fact."
            return
    found = _NUMBER_WORDS.search(words)
    if found:
        yield f"the number {found[0]!r} belongs to no fact."


def _faults_of_fact(fact: Fact, documents: Mapping[str, JsonValue]) -> Iterator[str]:
    place = f"the fact {fact.text!r} from {fact.artifact}#{fact.pointer}"
    if fact.artifact not in documents:
        yield f"{place} is from no artifact of this run."
        return
    try:
        value = read_fact(
            documents[fact.artifact], fact.pointer, fact.operation, fact.each, fact.where
        )
        if not is_same(value, fact.value):
            yield f"{place} has the value {fact.value!r}; expected {value!r}, which stands there."
            return
        text = render(value, fact.format)
    except (LookupError, ValueError) as error:
        yield f"{place} cannot be read again: {error}"
        return
    if text != fact.text:
        yield f"{place} shows {fact.text!r}; expected {text!r} ({fact.format} of {value!r})."
