"""What can be made ready for writing pages while the tables are still being read?"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

__all__ = ["warm_up"]

_TEMPLATES = {"profile": "profile", "quality": "quality", "drift": "drift", "report": "index"}


def warm_up(generators: Collection[str]) -> None:
    """Load the templates; raise nothing: the generators say what is wrong.

    Reading a table leaves one core half idle, and this takes a tenth of a second of it.

    Args:
        generators: Names of those that will run.
    """
    with suppress(Exception):
        from voyant.report.page import load_template  # noqa: PLC0415 - Jinja takes 100 ms

        for name, template in _TEMPLATES.items():
            if name in generators:
                load_template(f"{template}.html.j2")
