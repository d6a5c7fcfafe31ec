"""Which findings does a reader need first, and which of them say the same thing?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

__all__ = ["Finding", "Urgency", "rank"]

_T = TypeVar("_T")


class Urgency(IntEnum):
    """How soon a reader must know; a finding is never outweighed by one of a lesser kind."""

    CONTEXT = 0
    """Good to know."""
    NOTABLE = 1
    """Changes how a result is read."""
    SERIOUS = 2
    """A result may be wrong for it, or a limit was reached."""
    CRITICAL = 3
    """Do not go on without looking at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Generic[_T]):
    """Something that could be said.

    Attributes:
        content: What the writer makes a sentence of.
        subject: What it is about; of two findings about the same thing only the first is said.
        urgency: Its kind.
        weight: How much it matters among its kind: a share of rows, points, a relative distance.
    """

    content: _T
    subject: tuple[str, ...]
    urgency: Urgency = Urgency.CONTEXT
    weight: float = 0.0


def rank(
    findings: Iterable[Finding[_T]],
    limit: int,
    *,
    group: Callable[[Finding[_T]], object] | None = None,
    per_group: int = 0,
) -> list[Finding[_T]]:
    """Choose what to say: most urgent first, then heaviest, then as given; nothing twice.

    >>> small = Finding(content="small", subject=("s",), weight=1)
    >>> big = Finding(content="big", subject=("b",), weight=5)
    >>> urgent = Finding(content="urgent", subject=("u",), urgency=Urgency.CRITICAL)
    >>> [finding.content for finding in rank([small, big, urgent, big], 2)]
    ['urgent', 'big']

    Args:
        findings: In an order that is the same for the same input.
        limit: At most so many.
        group: What findings share; one group may not fill the page.
        per_group: At most so many of one group, if there is a `group`.
    """
    chosen: list[Finding[_T]] = []
    subjects: set[tuple[str, ...]] = set()
    members: dict[object, int] = {}
    for finding in sorted(findings, key=lambda finding: (-finding.urgency, -finding.weight)):
        key = group(finding) if group else None
        if len(chosen) == limit:
            break
        if finding.subject in subjects or (group and members.get(key, 0) >= per_group):
            continue
        chosen.append(finding)
        subjects.add(finding.subject)
        members[key] = members.get(key, 0) + 1
    return chosen
