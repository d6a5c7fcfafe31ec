"""Which parts of a drawing may stand inside a page: shapes and words, nothing that acts."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from markupsafe import Markup, escape

from voyant.report.format import visible

__all__ = ["NotADrawingError", "inline_svg"]

_NAMESPACE: Final = "{http://www.w3.org/2000/svg}"
_ELEMENTS: Final = re.compile(
    r"svg|g|path|rect|line|circle|ellipse|poly(line|gon)|text|tspan|title|desc|defs|clipPath"
    r"|(linear|radial)Gradient|stop"
)
_ATTRIBUTES: Final = re.compile(
    r"d|[xy][12]?|c[xy]|r[xy]?|d[xy]|width|height|points|transform|id|clip-path|opacity|display"
    r"|viewBox|preserveAspectRatio|fill(-opacity)?|font-(family|size|weight|style)|text-anchor"
    r"|stroke(-width|-opacity|-dasharray|-dashoffset|-linecap|-linejoin|-miterlimit)?"
    r"|dominant-baseline|offset|stop-(color|opacity)"
)
_LOCAL: Final = re.compile(r"url\(['\"]?#([\w.-]+)['\"]?\)")
_ISOLATES: Final = re.compile("([\u2068\u2069])")
_IDENTIFIER: Final = re.compile(r"[\w.-]+")


class NotADrawingError(ValueError):
    """Text that is no SVG drawing."""


def inline_svg(text: str, prefix: str, label: str) -> Markup:
    """Return a drawing that is safe inside a page under the page's own policy.

    Elements and attributes that are not on the list are left out with all that is in them: scripts,
    style sheets, links, pictures, anything that acts. Identifiers get a prefix, so that several
    drawings can share a page. Data URLs and addresses cannot pass: no attribute that takes one is
    listed, and `url()` may only name a part of the drawing.

    Args:
        text: An SVG file.
        prefix: Unique on the page.
        label: What a screen reader says.

    Raises:
        NotADrawingError: It is not well-formed, declares a document type, or is no SVG.
    """
    if "<!" in text:  # document types and their entities, comments: Vega writes none
        raise NotADrawingError("it declares a document type or holds comments")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities need a document type, refused above
    except ET.ParseError as error:
        raise NotADrawingError(str(error)) from None
    if root.tag != f"{_NAMESPACE}svg":
        raise NotADrawingError("it is no SVG")
    root.tail = None
    parts: list[str] = []
    try:
        _write(root, prefix, f' role="img" aria-label="{escape(visible(label))}"', parts)
    except RecursionError:
        raise NotADrawingError("its elements are nested too deeply") from None
    return Markup("".join(parts))  # noqa: S704 - listed names, and values that _write escaped


def _write(element: ET.Element, prefix: str, extra: str, parts: list[str]) -> None:
    # As a list of text: with Markup.format for each attribute, a page took four times as long.
    name = str(element.tag).removeprefix(_NAMESPACE)
    if _ELEMENTS.fullmatch(name):
        parts.append(f"<{name}{extra}")
        for key, given in element.attrib.items():
            checked = _attribute(key, given, prefix)
            if checked is not None:
                parts.append(f' {key}="{escape(checked)}"')
        parts += (">", _words(element.text))
        for child in element:
            _write(child, prefix, "", parts)
        parts.append(f"</{name}>")
    if (element.tail or "").strip():
        parts.append(_words(element.tail))


def _words(text: str | None) -> str:
    """Escape text; what keeps writing directions apart may stay, other unseen marks are shown."""
    return "".join(
        part if _ISOLATES.fullmatch(part) else escape(visible(part))
        for part in _ISOLATES.split(text or "")
    )


def _attribute(key: str, given: str, prefix: str) -> str | None:
    """Return an attribute's value as it may stand in the page, None if it may not."""
    if not _ATTRIBUTES.fullmatch(key):
        return None
    if key == "id":
        return f"{prefix}{given}" if _IDENTIFIER.fullmatch(given) else None
    if "url" in given.casefold():
        local = _LOCAL.fullmatch(given.strip())
        return f"url(#{prefix}{local[1]})" if local else None
    return given
