"""What do many jobs look like in a line? A small square for each, beside the reports' lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from markupsafe import Markup

__all__ = ["StateMark", "state_strip"]

StateMark = Literal["ok", "warn", "none"]

_STEP: Final = 12
_SIDE: Final = 9
_HEIGHT: Final = 16


def state_strip(marks: Sequence[tuple[StateMark, str]], title: str) -> Markup:
    """Draw states in order, the newest last: low squares are quiet, high ones are not.

    >>> print(state_strip([("ok", "May"), ("warn", "June")], "drift"))
    <svg class="states" role="img" viewBox="0 0 24 16" width="24" height="16"><title>drift</title>\
<rect class="ok" x="0" y="9" width="9" height="7"><title>May</title></rect>\
<rect class="warn" x="12" y="0" width="9" height="16"><title>June</title></rect></svg>

    Args:
        marks: A state and what its tool tip says.
        title: What a screen reader says.
    """
    tops = {"ok": 9, "warn": 0, "none": 13}
    squares = Markup().join(
        Markup(
            '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
        ).format(state, place * _STEP, tops[state], _SIDE, _HEIGHT - tops[state], tip)
        for place, (state, tip) in enumerate(marks)
    )
    width = max(len(marks), 1) * _STEP
    return Markup(
        '<svg class="states" role="img" viewBox="0 0 {0} {1}" width="{0}" height="{1}">'
        "<title>{2}</title>{3}</svg>"
    ).format(width, _HEIGHT, title, squares)
