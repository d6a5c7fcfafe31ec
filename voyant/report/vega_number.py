"""Which spec draws a single value: large, with its target, its limits and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voyant.report.vega import Drawing, Heading, Spec, spec_of
from voyant.report.vega_format import Look, clipped
from voyant.report.vega_theme import ACCENT, CRITICAL, INK, OK, RULE, SOFT, WARN

__all__ = ["Mark", "number_chart", "number_row"]

_WIDTH: Final = 420
_SIZE: Final = 44
_SCALE_Y: Final = 96
_STATUS_COLORS: Final = {"ok": OK, "warn": WARN, "critical": CRITICAL}
_STATUS_WORDS: Final = {"ok": "\u2713 ok", "warn": "! warning", "critical": "\u00d7 critical"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A value to stand against: the target, or where it becomes worrying or bad."""

    name: str
    value: float


def number_chart(
    heading: Heading,
    value: float | str,
    look: Look,
    *,
    marks: Sequence[Mark] = (),
    note: str = "",
    status: str = "",
) -> Drawing:
    """Draw one value; with marks, a bar from zero to it on a scale that holds them all.

    Args:
        heading: What it says.
        value: A number, or text as it is.
        look: How it reads.
        marks: What it stands against, most important first.
        note: How far it is from its target and from last time.
        status: `ok`, `warn` or `critical`, when it was judged.
    """
    text = clipped(value, 28) if isinstance(value, str) else look.text(value)
    layers = [_text(text, x=0, y=34, size=_SIZE, weight=600)]
    unit = look.unit if look.has_unit and not isinstance(value, str) else ""
    if unit:
        layers.append(_text(unit, x=_SIZE * _ems(text) + 10, y=41, size=15, color=SOFT))
    if status in _STATUS_WORDS and marks:
        word = _STATUS_WORDS[status]
        color = _STATUS_COLORS[status]
        layers.append(_text(word, x=_WIDTH, y=40, size=13, color=color, weight=600, align="right"))
    if note:
        layers.append(_text(note, x=0, y=70, size=12.5, color=SOFT))
    if marks and not isinstance(value, str):
        layers += _scale(value, marks, look)
    body: Spec = {
        "width": _WIDTH,
        "height": _SCALE_Y + 58 if marks else 82 if note else 60,
        "data": {"values": [{}]},
        "layer": layers,
    }
    said = f"{text} {unit}".strip()
    description = ". ".join(part for part in (f"{heading.title}: {said}", note) if part) + "."
    number = None if isinstance(value, str) else look
    return Drawing(
        kind="number",
        heading=heading,
        spec=spec_of(heading, body, description, characters=64),
        description=description,
        columns=("", look.axis_title),
        rows=(
            ("Value", text),
            *((mark.name.capitalize(), number.text(mark.value)) for mark in marks if number),
        ),
    )


def number_row(heading: Heading, numbers: Sequence[tuple[Look, float | None]]) -> Drawing:
    """Draw the numbers of a single row side by side, each under its name."""
    step = max(110, 620 // max(len(numbers), 1))
    layers: list[Spec] = []
    for place, (look, value) in enumerate(numbers):
        layers.append(
            _text(look.axis_title, x=place * step, y=10, size=12, color=SOFT, limit=step - 12)
        )
        layers.append(
            _text(look.text(value), x=place * step, y=42, size=28, weight=600, limit=step - 12)
        )
    body: Spec = {
        "width": step * len(numbers),
        "height": 60,
        "data": {"values": [{}]},
        "layer": layers,
    }
    said = ", ".join(f"{look.title} {look.text(value)}" for look, value in numbers)
    return Drawing(
        kind="multiples",
        heading=heading,
        spec=spec_of(heading, body, f"{heading.title}: {said}."),
        description=f"{heading.title}: {said}.",
        columns=tuple(look.axis_title for look, _ in numbers),
        rows=(tuple(look.text(value) for look, value in numbers),),
    )


def _scale(value: float, marks: Sequence[Mark], look: Look) -> list[Spec]:
    """Draw a track, the value as a bar on it, and each mark as a tick with its name below."""
    ends = [0.0, value, *(mark.value for mark in marks)]
    low, high = min(ends), max(ends)
    high += (high - low) * 0.06 or 1.0

    def at(number: float) -> float:
        return round(_WIDTH * (number - low) / (high - low), 2)

    layers: list[Spec] = [
        _bar(0, _WIDTH, 10, RULE),
        _bar(min(at(0), at(value)), max(at(0), at(value)), 10, ACCENT),
    ]
    taken: list[list[tuple[float, float]]] = [[], [], []]
    for mark in marks:
        x = at(mark.value)
        is_target = mark.name == "target"
        color = INK if is_target else SOFT
        layers.append(
            {
                "mark": {"type": "rule", "color": color, "strokeWidth": 2.5 if is_target else 1.25},
                "encoding": {
                    "x": {"value": x},
                    "y": {"value": _SCALE_Y - 9},
                    "y2": {"value": _SCALE_Y + 9},
                },
            }
        )
        label = f"{mark.name} {look.text(mark.value)}"
        half = 3.2 * len(label)
        middle = min(max(x, half), _WIDTH - half)
        for line, others in enumerate(taken):
            if all(abs(middle - other) > half + width for other, width in others):
                others.append((middle, half))
                y = _SCALE_Y + 21 + 15 * line
                layers.append(_text(label, x=middle, y=y, size=11.5, color=color, align="center"))
                break
    return layers


def _ems(text: str) -> float:
    """Estimate how wide text runs in a bold sans serif, in its own size."""
    return sum(0.29 if mark in ".,:;' " else 0.9 if mark in "%MW" else 0.575 for mark in text)


def _bar(start: float, end: float, size: int, color: str) -> Spec:
    return {
        "mark": {"type": "rect", "color": color, "cornerRadius": 2, "aria": False},
        "encoding": {
            "x": {"value": start},
            "x2": {"value": end},
            "y": {"value": _SCALE_Y - size / 2},
            "y2": {"value": _SCALE_Y + size / 2},
        },
    }


def _text(
    text: str,
    *,
    x: float,
    y: float,
    size: float,
    color: str = INK,
    weight: int = 400,
    align: str = "left",
    limit: float = 0,
) -> Spec:
    return {
        "mark": {
            "type": "text",
            "text": text,
            "align": align,
            "baseline": "middle",
            "fontSize": size,
            "fontWeight": weight,
            "color": color,
            "aria": False,
            **({"limit": limit} if limit else {}),
        },
        "encoding": {"x": {"value": x}, "y": {"value": y}},
    }
