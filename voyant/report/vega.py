"""What is a chart: a spec for Vega-Lite, what it says aloud, and all that it shows as a table.

Data stands in specs under short names of our own (`x`, `y`, `text`), never under names from the
data, and every text a reader sees is written beforehand: no spec evaluates what came from data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from voyant.report.vega_format import wrapped
from voyant.report.vega_theme import make_config

__all__ = ["WIDTH", "Drawing", "Heading", "Spec", "spec_of"]

Spec = dict[str, object]

#: Pixels that the axes of a chart span; labels come on top.
WIDTH: Final = 620

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a chart is called, and what it says below that."""

    title: str
    subtitle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart: its spec, and all it shows as a table, for readers who do not see it.

    Attributes:
        kind: `line`, `bars`, `points`, `heat_map`, `histogram`, `multiples` or `number`.
        description: One sentence for a screen reader.
        columns: The table's heads.
        rows: Its cells, as text.
    """

    kind: str
    heading: Heading
    spec: Spec
    description: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def spec_of(heading: Heading, body: Spec, description: str, *, characters: int = 92) -> Spec:
    """Complete a spec: schema, heading (in lines of so many characters), configuration."""
    title: Spec = {"text": wrapped(heading.title, characters * 3 // 4, 2) or [" "]}
    if heading.subtitle:
        title["subtitle"] = wrapped(heading.subtitle, characters)
    return {
        "$schema": _SCHEMA,
        "description": description,
        "title": title,
        **body,
        "config": make_config(),
    }
