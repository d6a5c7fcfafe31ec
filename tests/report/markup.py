"""Read a page as a strict reader would: what is open, what is linked, what could run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Container
from html.parser import HTMLParser
from urllib.parse import unquote

VOID = {"meta", "link", "br", "hr", "img", "input", "source", "wbr"}
SVG_EMPTY = {"rect", "path", "use", "line", "circle"}


class Page(HTMLParser):
    """Everything about a page that tests ask for; unbalanced tags are errors."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"attribute twice: {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SVG_EMPTY, tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def values(self, attribute: str) -> list[str]:
        """List an attribute's values, in order."""
        return [attrs[attribute] or "" for _, attrs in self.elements if attribute in attrs]

    def count(self, tag: str) -> int:
        """Count elements."""
        return sum(name == tag for name, _ in self.elements)


def check_self_contained(text: str, *, files: Container[str] = ()) -> Page:
    """Assert what every page promises: nothing loads, nothing foreign runs, the policy says so.

    A page may link to the named files beside it.
    """
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert ("html", {"lang": "en"}) in page.elements
    assert not [
        tag for tag, _ in page.elements if tag in {"img", "iframe", "object", "base", "form"}
    ]
    assert (page.count("script"), page.count("style")) == (1, 1)

    names = {name for _, attrs in page.elements for name in attrs}
    assert not {
        name for name in names if name.startswith("on") or name in {"src", "style", "action"}
    }
    links = [link for link in page.values("href") if link != "data:,"]
    assert all(link.startswith("#") or unquote(link.split("#")[0]) in files for link in links)
    links = [link for link in links if link.startswith("#")]
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))
    assert {link[1:] for link in links} <= set(identifiers)

    style, script = page.texts["style"][0], page.texts["script"][0]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [attrs["content"] for tag, attrs in page.elements if "http-equiv" in attrs]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'{_hash(style)}'",
        "script-src": f"'{_hash(script)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff]", text)
    return page


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
