"""How a measure reads in a chart: its title, its numbers in text, and its numbers along an axis."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from voyant.report import format as fmt

__all__ = ["Look", "clipped", "d3_format", "humanised", "wrapped"]

#: Python's format mini-language: fill and align, sign, z, #, 0, width, grouping, precision, type.
_SPEC: Final = re.compile(
    r"(?P<fill>.?[<>=^])?(?P<sign>[-+ ])?z?#?(?P<zero>0)?(?P<width>\d+)?"
    r"(?P<group>[,_])?(?P<precision>\.\d+)?(?P<type>[bcdeEfFgGnosxX%])?",
    re.DOTALL,
)
_D3_TYPES: Final = {"F": "f", "E": "e", "G": "g", "n": "g", "s": "", "c": ""}
_MINUS: Final = "\N{MINUS SIGN}"
_LINE_CHARACTERS: Final = 88
_SHORTENED_FROM: Final = 100_000
_ACRONYMS: Final = {"id": "ID", "kpi": "KPI", "usd": "USD", "eur": "EUR", "p90": "P90"}
_WORDLESS_UNITS: Final = frozenset({"", "fraction", "share", "ratio", "percent", "%", "count"})


def d3_format(python_format: str) -> str | None:
    """Translate a Python format specification for an axis: width and fill left out, zeros trimmed.

    >>> [d3_format(f) for f in (",.0f", ".1%", "+.2f", "_d", "012.3E", "", "no such")]
    [',.0~f', '.1~%', '+.2~f', ',~d', '.3~e', '', None]

    Returns:
        The d3 format; None for what Python itself cannot format a number with.
    """
    match = _SPEC.fullmatch(python_format)
    if match is None or not _is_usable(python_format):
        return None
    if not python_format:
        return ""
    sign = match["sign"] if match["sign"] in {"+", " "} else ""
    group = "," if match["group"] else ""
    kind = match["type"] or ""
    return f"{sign}{group}{match['precision'] or ''}~{_D3_TYPES.get(kind, kind)}"


def _is_usable(python_format: str) -> bool:
    try:
        format(1, python_format)
        if not python_format.endswith(("d", "b", "o", "x", "X", "c")):
            format(1.5, python_format)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a measure is called, what it counts, and how Python is to format it."""

    title: str
    unit: str = ""
    format: str = ""

    def text(self, value: float | None, *, with_unit: bool = False) -> str:
        r"""Write a number as its KPI asked for, with a real minus; an en dash for none.

        >>> ascii(Look(title="Delay", unit="minutes", format=".1f").text(-2.25, with_unit=True))
        "'\\u22122.2 minutes'"
        """
        if value is None or not math.isfinite(value):
            return fmt.ABSENT.text
        if self.format and d3_format(self.format) is not None:
            whole = self.format.endswith(("d", "b", "o", "x", "X", "c"))
            text = format(round(value) if whole else value, self.format).strip()
            text = text.replace("-", _MINUS)
        else:
            text = fmt.number(value).text
        return f"{text} {self.unit}" if with_unit and self.has_unit else text

    @property
    def has_unit(self) -> bool:
        """Whether the unit is a word to print: a percent sign says `fraction` already."""
        return self.unit.casefold() not in _WORDLESS_UNITS and not self.format.endswith("%")

    @property
    def axis_title(self) -> str:
        """The title, with the unit unless the title says it.

        >>> [Look(title=title, unit="minutes").axis_title for title in ("Mean delay", "Minutes")]
        ['Mean delay (minutes)', 'Minutes']
        """
        is_said = self.unit.casefold() in self.title.casefold().split()
        return f"{self.title} ({self.unit})" if self.has_unit and not is_said else self.title

    def axis_format(self, largest: float) -> str:
        """Return the d3 format of an axis; without one of its own, large numbers are shortened."""
        return d3_format(self.format) or ("~s" if abs(largest) >= _SHORTENED_FROM else ",~r")


def humanised(name: str) -> str:
    """Turn a programmer's name into words.

    >>> [humanised(name) for name in ("delay_by_hour", "customerId", "p90_delay", "a (€)", "  ")]
    ['Delay by hour', 'Customer ID', 'P90 delay', 'a (€)', '(no name)']
    """
    text = fmt.visible(name.strip()).strip()
    if re.fullmatch(r"\w+", text):
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
        words = [word if word.isupper() else word.lower() for word in spaced.split()]
        text = " ".join(_ACRONYMS.get(word, word) for word in words) or text
        text = text[:1].upper() + text[1:]
    return clipped(text, 80) if text else fmt.column_name("").text


def clipped(text: str, length: int = 40) -> str:
    """Cut data down to a label, and show the marks in it that cannot be seen."""
    return fmt.value(text, length=length).text


def wrapped(text: str, characters: int = _LINE_CHARACTERS, lines: int = 3) -> list[str]:
    """Break text into lines that fit a chart; what does not fit ends in an ellipsis.

    >>> wrapped("one two three", 8, 2)
    ['one two', 'three']
    >>> wrapped("one two three four five", 8, 2)
    ['one two', 'three…']
    """
    import textwrap  # noqa: PLC0415 - only charts wrap text

    return textwrap.wrap(
        fmt.visible(" ".join(text.split())),
        characters,
        max_lines=lines,
        placeholder="\N{HORIZONTAL ELLIPSIS}",
    )
