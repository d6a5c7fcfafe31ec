"""How does a value in an artifact become a fact that a sentence can state, and be held to?

Rounding, everywhere in the narrative: counts in full (from a hundred million on, four digits);
shares as percent, whole from 10 % to 99 %, else with one decimal; other measures with four
significant digits, or as their KPI's `format` says; points to one decimal; scores out of 100, cut
after one decimal, so that none seems to reach a threshold it missed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

from voyant.artifacts.narrative import Operation
from voyant.artifacts.pointers import resolve_pointer, split_pointer
from voyant.core.tables import Scalar
from voyant.report import format as fmt

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["DATA_FORMATS", "Where", "is_same", "number_at", "read_fact", "render"]

#: Formats whose text comes from the data: anything may stand in it.
DATA_FORMATS: Final = frozenset({"name", "text", "unit"})

Where = Mapping[str, Sequence[Scalar]]

_MINUS: Final = "\N{MINUS SIGN}"
_NAME_CHARACTERS, _TEXT_CHARACTERS, _UNIT_CHARACTERS = 40, 160, 20
_TENTH: Final = Decimal("0.1")
#: The part of Python's format mini-language that cannot make a number unreadable.
_SAFE_FORMAT: Final = re.compile(r"[,_]?(\.[0-9]{1,2})?[deEfFgGn%]?")


# ------------------------------------------------------------------------------ value to text


def render(value: Scalar, form: str) -> str:
    """Make a value into text as a fact's `format` says.

    >>> render(0.1499, "percent"), render(0.97996, "score"), render(0.85, "points")
    ('15%', '97.9 of 100', '0.9')
    >>> render(12.639, "kpi:.1f"), render(-0.0658, "gap:.1%"), render(-2, "sign:above|below")
    ('12.6', '6.6 percentage points', 'below')

    Raises:
        ValueError: A format that does not exist, or that a value of this type does not have.
    """
    name, _, detail = form.partition(":")
    if name in _TEXT_FORMATS:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not text, which {form!r} is for.")
        return _TEXT_FORMATS[name](value)
    if name not in _NUMBER_FORMATS:
        raise ValueError(f"There is no format {form!r}.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 - a fault in a file, not in a call
            f"{value!r} is not a number, which {form!r} is for."
        )
    return _NUMBER_FORMATS[name](value, detail)


def _points(value: float, _: str) -> str:
    tenths = Decimal(repr(value)).quantize(_TENTH, ROUND_HALF_UP)
    return "<0.1" if value > 0 and not tenths else f"{tenths.normalize():f}"


def _score(value: float, _: str) -> str:
    hundredths = 100 * Decimal(repr(value))
    return f"{hundredths.quantize(_TENTH, ROUND_DOWN).normalize():f} of 100"


def _kpi(value: float, spec: str) -> str:
    if not spec or not _SAFE_FORMAT.fullmatch(spec):
        return fmt.number(value).text
    try:
        text = format(round(value) if spec.endswith("d") else value, spec)
    except (ValueError, OverflowError):
        return fmt.number(value).text
    return text.replace("-", _MINUS)


def _gap(value: float, spec: str) -> str:
    """Print how far apart two values of a KPI are; shares are apart by percentage points."""
    if not spec.endswith("%") or not _SAFE_FORMAT.fullmatch(spec):
        return _kpi(abs(value), spec)
    return f"{_kpi(abs(100 * value), spec[:-1] + 'f')} percentage points"


def _sign(value: float, words: str) -> str:
    above, _, below = words.partition("|")
    return below if value < 0 else above


_NUMBER_FORMATS: Final[Mapping[str, Callable[[float, str], str]]] = {
    "count": lambda value, _: fmt.count(int(value)).text,
    "number": lambda value, _: fmt.number(value).text,
    "percent": lambda value, _: fmt.percent(value).text,
    "points": _points,
    "score": _score,
    "kpi": _kpi,
    "gap": _gap,
    "sign": _sign,
}
_TEXT_FORMATS: Final[Mapping[str, Callable[[str], str]]] = {
    "day": lambda text: fmt.day(text).text,
    "name": lambda text: fmt.column_name(text, length=_NAME_CHARACTERS).text,
    "text": lambda text: fmt.value(text, length=_TEXT_CHARACTERS).text,
    "unit": lambda text: fmt.value(text, length=_UNIT_CHARACTERS).text,
    "words": lambda text: text.replace("_", " "),
}


# -------------------------------------------------------------------------- document to value


def read_fact(
    document: JsonValue,
    pointer: str,
    operation: Operation,
    each: str = "",
    where: Where | None = None,
) -> Scalar:
    """Read a fact's value from the document it is about.

    Raises:
        LookupError: The pointer names nothing, or nothing that can be counted or compared.
        ValueError: The pointer is none, or names no plain value where one is wanted.
    """
    found = resolve_pointer(document, pointer)
    if operation == "key":
        return split_pointer(pointer)[-1]
    if operation == "value":
        if isinstance(found, dict | list):
            raise ValueError(f"{pointer!r} names {type(found).__name__}, not one value.")
        return found
    if not isinstance(found, dict | list):
        raise LookupError(  # noqa: TRY004 - a fault in a file, not in a call
            f"{pointer!r} names no list or object."
        )
    members = list(found.values()) if isinstance(found, dict) else found
    members = [member for member in members if _fits(member, where or {})]
    if operation == "count":
        return len(members)
    numbers = [number for member in members if (number := number_at(member, each)) is not None]
    if operation == "sum":
        is_whole = all(isinstance(number, int) for number in numbers)
        return sum(numbers) if is_whole else math.fsum(numbers)
    if not numbers:
        raise LookupError(f"No member of {pointer!r} has a number at {each!r}.")
    return max(numbers) if operation == "max" else min(numbers)


def is_same(one: object, other: object) -> bool:
    """Say whether two JSON values are the same: 1, 1.0 and true are three."""
    return type(one) is type(other) and one == other


def _fits(member: JsonValue, where: Where) -> bool:
    for pointer, values in where.items():
        try:
            found = resolve_pointer(member, pointer)
        except LookupError:
            return False
        if not any(is_same(found, value) for value in values):
            return False
    return True


def number_at(member: JsonValue, pointer: str) -> int | float | None:
    """Return the number a pointer names, None where there is none."""
    try:
        found = resolve_pointer(member, pointer)
    except LookupError:
        return None
    return None if isinstance(found, bool) or not isinstance(found, int | float) else found
