"""How does a narrative read as Markdown, whatever stands in the data?"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from voyant.artifacts.narrative import Fact, NarrativeArtifact, Sentence
from voyant.report.narrative_facts import DATA_FORMATS

__all__ = ["to_markdown"]

#: Data that is plain prose stands as it is; anything else goes into a code span, where CommonMark
#: (0.31.2, section 6.1) reads no markup, no HTML and no link.
_PROSE: Final = re.compile(r"[A-Za-z0-9 _,;:()%'=+.<>-]*", re.ASCII)
_LINK_START: Final = re.compile(r"www\.|:\s*//", re.IGNORECASE)
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]#|~!$])")
#: Not every Markdown knows `\\<`; all of them know entities.
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LINE_ENDS: Final = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})
_ISOLATE, _POP = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def to_markdown(narrative: NarrativeArtifact) -> str:
    """Write a narrative as CommonMark: a heading and bullets for each section."""
    blocks = [f"# {_escaped(narrative.title)}"]
    for section in narrative.sections:
        bullets = "\n".join(f"- {_sentence(sentence)}" for sentence in section.sentences)
        blocks += [f"## {_escaped(section.title)}", bullets]
    return "\n\n".join(blocks) + "\n"


def _sentence(sentence: Sentence) -> str:
    pieces = [_escaped(part) if isinstance(part, str) else _fact(part) for part in sentence.parts]
    return "".join(pieces)


def _fact(fact: Fact) -> str:
    if fact.format not in DATA_FORMATS:
        return _escaped(fact.text)
    is_prose = _PROSE.fullmatch(fact.text) and not _LINK_START.search(fact.text)
    if fact.format == "name" or not is_prose:
        return _code_span(fact.text)
    return _escaped(fact.text)


def _escaped(words: str) -> str:
    return _SPECIAL.sub(r"\\\1", _LINE_ENDS.sub(" ", words)).translate(_ENTITIES)


def _code_span(text: str) -> str:
    r"""Fence a text with more backticks than it has in a row.

    >>> print(_code_span("dep_delay"), _code_span("a`b``c"), _code_span("`"))
    `dep_delay` ```a`b``c``` `` ` ``
    """
    text = _LINE_ENDS.sub(" ", text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    is_padded = text.startswith(("`", " ")) or text.endswith(("`", " "))
    span = f"{fence} {text} {fence}" if is_padded else f"{fence}{text}{fence}"
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"{_ISOLATE}{span}{_POP}"
    return span
