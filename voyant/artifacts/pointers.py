"""Which value of a JSON document does a pointer name?

Source: P. Bryan, K. Zyp, M. Nottingham (2013), JavaScript Object Notation (JSON) Pointer, RFC 6901.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["make_pointer", "resolve_pointer", "split_pointer"]

_INDEX: Final = re.compile(r"0|[1-9][0-9]*")  # section 4: no sign, no leading zero
_STRAY_TILDE: Final = re.compile(r"~(?![01])")


def make_pointer(*path: str | int) -> str:
    """Write a path of names and list positions as a pointer.

    Source: RFC 6901, section 3.

    >>> make_pointer("tables", "a/b", "m~n", 0), make_pointer()
    ('/tables/a~1b/m~0n/0', '')
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def split_pointer(pointer: str) -> list[str]:
    """Read a pointer's path; the opposite of `make_pointer`.

    >>> split_pointer("/tables/a~1b/m~01"), split_pointer("")
    (['tables', 'a/b', 'm~1'], [])

    Raises:
        ValueError: Text that is not a pointer.
    """
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"The JSON pointer {pointer!r} does not begin with a slash.")
    if _STRAY_TILDE.search(pointer):
        raise ValueError(f"The JSON pointer {pointer!r} has a ~ without 0 or 1 after it.")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def resolve_pointer(document: JsonValue, pointer: str) -> JsonValue:
    """Return the value a pointer names.

    Source: RFC 6901, section 4.

    >>> resolve_pointer({"rows": [[1, 2]], "": 5}, "/rows/0/1")
    2

    Raises:
        ValueError: Text that is not a pointer.
        LookupError: A pointer to nothing.
    """
    found = document
    for part in split_pointer(pointer):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and _INDEX.fullmatch(part) and int(part) < len(found):
            found = found[int(part)]
        else:
            raise LookupError(f"The JSON pointer {pointer!r} names nothing: there is no {part!r}.")
    return found
