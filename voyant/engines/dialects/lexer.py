"""Is every word, symbol and quote of this text one that the engine may be given?

A second reading of the SQL that is about to run, by the engine's own rules of spelling and without
the parser that wrote it: quoted names, literals, numbers, and then nothing but listed words and
operators. Comments, parameters, a second statement and `${...}` have no place in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from voyant.core.errors import UnsafeQueryError
from voyant.engines.dialects.words import OPERATORS, WORDS

__all__ = ["check_words", "refused", "refused_function", "unquoted_words"]

SEE_LIST: Final = "docs/explanation/sql-safety.md says what a query may use."

# In some engines a backslash escapes the character after it; in others it is a character like any.
_PLAIN_STRING: Final = r"'(?:[^']|'')*+'"
_ESCAPED_STRING: Final = r"'(?:[^'\\]|''|\\.)*+'"
# Each engine's own quotes for names. BigQuery and ClickHouse know escapes within them, too: no
# backslash is let through there.
_DOUBLE_QUOTED: Final = r'"(?:[^"]|"")++"'
_DOUBLE_QUOTED_PLAIN: Final = r'"(?:[^"\\]|"")++"'
_BACK_QUOTED: Final = r"`(?:[^`\\]|``)++`"
_NUMBER: Final = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]*"


def _pattern(string: str, name: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<space>[ \n]+)|(?P<string>[xXbB]?{string})|(?P<name>{name})|(?P<number>{_NUMBER})"
        rf"|(?P<word>{_WORD})|(?P<bracket>[()\[\],])|(?P<operator>\.|[-+*/%=<>!~|&^#@?:]+)",
        re.DOTALL,
    )


_PATTERNS: Final = {
    "postgres": _pattern(_PLAIN_STRING, _DOUBLE_QUOTED),
    "trino": _pattern(_PLAIN_STRING, _DOUBLE_QUOTED),
    "snowflake": _pattern(_ESCAPED_STRING, _DOUBLE_QUOTED_PLAIN),
    "clickhouse": _pattern(_ESCAPED_STRING, _DOUBLE_QUOTED_PLAIN),
    "spark": _pattern(_ESCAPED_STRING, _BACK_QUOTED),
    "bigquery": _pattern(_ESCAPED_STRING, _BACK_QUOTED),
    "mysql": _pattern(_ESCAPED_STRING, _BACK_QUOTED),
}


def check_words(sql: str, *, dialect: str) -> None:
    """Refuse a text unless each part of it is known to be harmless.

    Raises:
        UnsafeQueryError: A word, symbol or character that is not listed.
    """
    if dialect == "spark" and "${" in sql:  # it puts environment variables there, even in strings
        raise refused("'${'")
    pattern = _PATTERNS[dialect]
    words = WORDS[dialect]
    place = 0
    while place < len(sql):
        found = pattern.match(sql, place)
        if found is None:
            raise refused(f"the character {sql[place]!r} outside of quotes")
        place = found.end()
        kind, text = found.lastgroup, found.group()
        if kind == "word" and text.lower() not in words:
            if sql[place : place + 1] == "(":
                raise refused_function(text)
            raise refused(text.upper())
        if kind == "operator" and text not in OPERATORS:
            raise refused(f"the operator {text!r}")


def unquoted_words(sql: str, *, dialect: str) -> Iterator[tuple[str, bool]]:
    """Yield each word of checked SQL that is no name, in lower case, and whether it is called.

    >>> list(unquoted_words('"now" > NOW() AND "a" < 1', dialect="postgres"))
    [('now', True), ('and', False)]
    """
    for found in _PATTERNS[dialect].finditer(sql):
        if found.lastgroup == "word":
            yield found.group().lower(), sql[found.end() : found.end() + 1] == "("


def refused(what: str) -> UnsafeQueryError:
    """Return the error that says what a query uses and may not."""
    return UnsafeQueryError(f"The query uses {what}, which is not allowed.", remedy=SEE_LIST)


def refused_function(name: str) -> UnsafeQueryError:
    """Return the error that names a function."""
    return UnsafeQueryError(f"The function {name.lower()}() is not allowed.", remedy=SEE_LIST)
