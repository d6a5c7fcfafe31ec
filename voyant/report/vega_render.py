"""How a Vega-Lite spec becomes a picture: offline, no browser, the same bytes for the same spec."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from markupsafe import escape

from voyant.report.vega_theme import PAPER, dark_style

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = [
    "VEGA_LITE_VERSION",
    "draw_svg",
    "finish_svg",
    "render_png",
    "render_svg",
    "script_bundle",
    "svg_file",
]

#: The version of Vega-Lite that specs are written for, drawn with, and that the script bundle has.
VEGA_LITE_VERSION: Final = "6.4"

_PNG_SCALE: Final = 2.0
_OPENING: Final = re.compile(r"<svg [^>]*>")
# Both in attributes only: in text Vega escapes the quotes and brackets that they need.
_ID: Final = re.compile(r' id="([^"<>]*)"')
_REFERENCE: Final = re.compile(r'(?<==")url\(#([^)"<>]*)\)(?=")')
_SIZE: Final = re.compile(r'width="([^"]*)" height="([^"]*)" viewBox="([^"]*)"')


def render_svg(spec: Mapping[str, object], description: str, name: str) -> str:
    """Draw a spec as SVG that can stand inside a page: light colours, no style sheet of its own.

    Args:
        spec: A spec with its data in it; nothing is fetched, whatever it says.
        description: What a screen reader says.
        name: The chart's own, for ids that no other chart on the page has.
    """
    return finish_svg(draw_svg(spec), description, name)


def draw_svg(spec: Mapping[str, object]) -> str:
    """Draw a spec, with Vega's own ids: what takes time, and is done in a process of its own."""
    drawn: str = _offline_library().vegalite_to_svg(json.dumps(spec), vl_version=VEGA_LITE_VERSION)
    return drawn


def finish_svg(svg: str, description: str, name: str) -> str:
    """Give a drawing the words a screen reader says, and ids that no other chart has."""
    size = _SIZE.search(svg)
    width, height, box = size.groups() if size else ("100%", "100%", "0 0 100 100")
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="marks" width="{width}" height="{height}" '
        f'viewBox="{box}" role="img" aria-label="{escape(description)}">'
    )
    drawn = _OPENING.sub(lambda _: opening, svg, count=1)
    return _with_own_ids(drawn, name)


def _with_own_ids(svg: str, name: str) -> str:
    """Number ids from the start: Vega goes on counting from one drawing to the next.

    >>> _with_own_ids('<clipPath id="clip7"/><g clip-path="url(#clip7)"/>', "delay")
    '<clipPath id="delay-1"/><g clip-path="url(#delay-1)"/>'
    """
    found = list(dict.fromkeys(_ID.findall(svg)))
    own = {identifier: f"{name}-{place}" for place, identifier in enumerate(found, 1)}
    named = _ID.sub(lambda match: f' id="{own[match[1]]}"', svg)
    return _REFERENCE.sub(lambda match: f"url(#{own.get(match[1], match[1])})", named)


def svg_file(svg: str) -> str:
    """Return a drawing as a file of its own, which follows the reader's light or dark."""
    end = svg.index(">") + 1
    return f"{svg[:end]}<style>{dark_style()}</style>{svg[end:]}\n"


def render_png(spec: Mapping[str, object]) -> bytes:
    """Draw a spec as PNG, twice its size, on the light background."""
    on_paper = json.dumps({**spec, "background": PAPER})
    drawn: bytes = _offline_library().vegalite_to_png(
        on_paper, vl_version=VEGA_LITE_VERSION, scale=_PNG_SCALE
    )
    return drawn


@cache
def _offline_library() -> ModuleType:
    """Import vl-convert, 120 MB, for those who draw; it fetches nothing afterwards."""
    import vl_convert  # noqa: PLC0415 - as said

    library = cast("ModuleType", vl_convert)  # it has no type hints
    library.configure(allowed_base_urls=[], base_url=False)
    return library


@cache
def script_bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, as vl-convert bundles them.

    Bundling takes a second, so the result lies in the package; `scripts/build_vega_bundle.py`
    makes it.
    """
    from importlib.resources import files  # noqa: PLC0415 - 15 ms, for those who write pages

    packed = files("voyant.report").joinpath("vendor", "vega-bundle.js.gz").read_bytes()
    return gzip.decompress(packed).decode()
