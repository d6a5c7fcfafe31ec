"""What shape does a text have: `AA9999` for `UA1545`?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

__all__ = ["shape", "top_shapes"]

_MOST = 40
_LONGEST_RUN = 3


def shape(text: str) -> str:
    """Return the shape of a text: `A` upper case, `a` lower case, `9` a digit, a run marked by `+`.

    Runs of up to three marks are written out. Shapes longer than 40 marks end in `...`.

    >>> shape("N14228"), shape("ann@x.org"), shape("2013-01-01"), shape("Zürich")
    ('A9+', 'aaa@a.aaa', '9+-99-99', 'Aa+')
    """
    marks: list[str] = []
    previous, run = "", 0
    for character in text:
        if character.isdigit():
            mark = "9"
        elif character.isalpha():
            mark = "A" if character.isupper() else "a"
        else:
            mark = character
        run = run + 1 if mark == previous else 1
        previous = mark
        if mark in "Aa9" and run > _LONGEST_RUN:
            if run == _LONGEST_RUN + 1:
                marks[-_LONGEST_RUN:] = [f"{mark}+"]
            continue
        marks.append(mark)
        if len(marks) > _MOST:
            return "".join(marks[:_MOST]) + "..."
    return "".join(marks)


def top_shapes(values: Iterable[tuple[str, int]], most: int) -> list[tuple[str, int]]:
    """Count the shapes of values given with their counts, most frequent first.

    >>> top_shapes([("A1", 3), ("B2", 1), ("x", 2)], most=1)
    [('A9', 4)]
    """
    counts: Counter[str] = Counter()
    for value, count in values:
        counts[shape(value)] += count
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
