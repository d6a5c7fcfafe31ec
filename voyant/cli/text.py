"""How do names and messages that others wrote become harmless on a terminal?"""

from __future__ import annotations

__all__ = ["clean", "milliseconds"]

_MINUTE_MS = 60_000
_SECOND_MS = 1_000


def clean(text: str) -> str:
    r"""Show control characters and invisible marks as escapes, so that none reaches the terminal.

    >>> clean("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(
        character if character.isprintable() or character == "\n" else repr(character)[1:-1]
        for character in text
    )


def milliseconds(duration: float) -> str:
    """Show a duration for people.

    >>> milliseconds(12.34), milliseconds(1234.5), milliseconds(75_000)
    ('12 ms', '1.23 s', '1 min 15 s')
    """
    if duration < _SECOND_MS:
        return f"{duration:.0f} ms"
    if duration < _MINUTE_MS:
        return f"{duration / _SECOND_MS:.2f} s"
    minutes, rest = divmod(round(duration / _SECOND_MS), 60)
    return f"{minutes} min {rest} s"
