"""What can be made ready for drawing pages and charts while the tables are still being read?"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

__all__ = ["warm_up"]

_TEMPLATES = {"profile": "profile", "quality": "quality", "drift": "drift", "report": "index"}


def warm_up(generators: Collection[str]) -> None:
    """Load templates and start what draws charts; raise nothing: the generators say what is wrong.

    Reading a table leaves one core half idle, and this takes most of a second of it.

    Args:
        generators: Names of those that will run.
    """
    with suppress(Exception):
        from voyant.report.page import load_template  # noqa: PLC0415 - Jinja takes 100 ms

        for name, template in _TEMPLATES.items():
            if name in generators:
                load_template(f"{template}.html.j2")
    if "charts" in generators:
        with suppress(Exception):
            from voyant.report.vega_render import draw_svg  # noqa: PLC0415 - so does its library

            draw_svg({"data": {"values": [{"x": 1}]}, "mark": "bar", "encoding": {}})
