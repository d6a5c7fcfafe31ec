"""Is a file an artifact that anyone can use: JSON that parses, a page that is whole in itself?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from voyant.testing.tables import HOSTILE_TAG

__all__ = ["faults_in_file"]

_ADDRESSES = {"src", "href", "xlink:href", "action", "formaction", "poster", "data", "srcset"}
#: An address that leaves the folder, or that runs something.
_OUTSIDE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_INSIDE = re.compile(r"\s*(?:data:|#)", re.IGNORECASE)
_STYLE_ADDRESS = re.compile(r"@import|url\(\s*['\"]?(?!\s*(?:data:|#))", re.IGNORECASE)


def faults_in_file(path: Path) -> Iterator[str]:
    """Say what is wrong with an artifact, by its file's ending."""
    ending = path.suffix.lower()
    if ending == ".json":
        yield from _faults_in_json(path)
    elif ending in {".html", ".htm", ".svg"}:
        yield from _faults_in_page(path)


def _faults_in_json(path: Path) -> Iterator[str]:
    constants: list[str] = []
    try:
        json.loads(path.read_bytes().decode("utf-8"), parse_constant=constants.append)
    except (ValueError, RecursionError) as error:
        yield f"{path.name} is not JSON: {error}"
    if constants:
        yield f"{path.name} holds {constants[0]}, which JSON does not have: write null instead"


def _faults_in_page(path: Path) -> Iterator[str]:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        yield f"{path.name} is not UTF-8: {error}"
        return
    reader = _PageReader()
    reader.feed(text)
    reader.close()
    for fault in dict.fromkeys(reader.faults):
        yield f"{path.name} {fault}"


class _PageReader(HTMLParser):
    """Notes what a page loads from elsewhere, runs from an attribute, or forgot to escape."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag == HOSTILE_TAG:
            self.faults.append("holds a name or value from the data that is not escaped")
        if tag in {"iframe", "object", "embed", "base"}:
            self.faults.append(f"has a <{tag}> element")
        for name, value in attrs:
            self._look_at(tag, name, value or "")

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if data.startswith(f"<{HOSTILE_TAG}>alert"):  # as the text of a script: its name, unescaped
            self.faults.append("holds a name or value from the data that is not escaped")
        if self._in_style and _STYLE_ADDRESS.search(data):
            self.faults.append("has a style sheet that loads something")

    def _look_at(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self.faults.append(f"has the inline handler {name}")
        elif name == "style" and _STYLE_ADDRESS.search(value):
            self.faults.append("has a style that loads something")
        elif name in _ADDRESSES and value:
            # A link may lead to another artifact; what the page itself loads must be in it.
            is_link = tag == "a" and not _OUTSIDE.match(value)
            if not is_link and not _INSIDE.match(value):
                self.faults.append(
                    f"has {name}={value[:60]!r} in a <{tag}>: it is not self-contained"
                )
