"""Which JSON is taken? What every reader understands alike, and nothing built to hurt one.

Source: RFC 8259, sections 4 (names), 6 (numbers), 8.2 (unpaired surrogates), 9 (limits of parsers).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NoReturn, cast

from voyant.service.problems import Problem

__all__ = ["MOST_DEPTH", "parse_strictly"]

MOST_DEPTH: Final = 32
_MOST_VALUES: Final = 50_000
_LARGEST_WHOLE: Final = 2**63


def parse_strictly(body: bytes) -> Any:  # noqa: ANN401 - whatever was sent
    """Return the value that a JSON text stands for.

    Refused: names given twice in an object, NaN and infinity, numbers beyond 64 bits, unpaired
    surrogates and NUL characters in text, more than 32 levels or 50,000 values, and other encodings
    than UTF-8.

    >>> parse_strictly(b'{"tables": ["orders"]}')
    {'tables': ['orders']}

    Raises:
        Problem: `malformed-json`, with what is wrong.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("it is not UTF-8 text") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float
        )
    except RecursionError:
        raise _refused(f"it has more than {MOST_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise _refused(f"{error.msg} at character {error.pos}") from None
    except ValueError:  # digits beyond what Python turns into a number
        raise _refused("a number has too many digits") from None
    _walk(value)
    return value


def _refused(reason: str) -> Problem:
    return Problem("malformed-json", f"The body cannot be accepted: {reason}.")


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _refused("an object has the same name twice")
    return value


def _no_constant(word: str) -> NoReturn:
    raise _refused(f"{word} is not JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise _refused("a number is too large")
    return value


def _walk(value: object) -> None:
    """Look at every value, without recursion."""
    level: list[object] = [value]
    seen = 0
    for _ in range(MOST_DEPTH + 1):
        below: list[object] = []
        for entry in level:
            if isinstance(entry, dict):
                pairs = cast("dict[str, object]", entry)
                for name in pairs:
                    _check_text(name)
                below += pairs.values()
            elif isinstance(entry, list):
                below += cast("list[object]", entry)
            elif isinstance(entry, str):
                _check_text(entry)
            elif isinstance(entry, int) and abs(entry) >= _LARGEST_WHOLE:
                raise _refused("a number is too large")
        seen += len(below)
        if seen > _MOST_VALUES:
            raise _refused(f"it has more than {_MOST_VALUES} values")
        if not below:
            return
        level = below
    raise _refused(f"it has more than {MOST_DEPTH} levels")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _refused("text holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refused("text holds half of a surrogate pair") from None
