"""What templates print: typed pieces, already formatted, so that a template decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from voyant.artifacts.base import Inexact
from voyant.artifacts.profile import Alert
from voyant.core.tables import Scalar
from voyant.report.format import (
    Figure,
    Value,
    column_name,
    count,
    number,
    percent,
    plural,
    value,
    visible,
)

__all__ = [
    "AlertView",
    "Badge",
    "Bar",
    "Fact",
    "Printed",
    "alert_views",
    "bar",
    "inexact_note",
    "marked",
    "selected_notes",
    "verdict",
]

_STATUSES = {"error": "critical", "warning": "warn", "info": "info"}
_NOUNS = {"critical": "problem", "warn": "warning", "info": "note"}

#: What a template can print as it is.
Printed = Figure | Value | Markup | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and a number; `note` is what stands small beside it."""

    label: str
    figure: Printed
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A value, how many rows hold it, and its share of the rows with a value."""

    value: Value
    figure: Figure
    fraction: float
    share: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """How something stands; `status` is ok, info, warn, critical or not_assessed."""

    status: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """Something to know; `anchor` is where its column stands, empty for a whole table's."""

    status: str
    name: Value
    anchor: str
    message: Value


def alert_views(alerts: Iterable[Alert], anchors: Mapping[str, str]) -> list[AlertView]:
    """Order alerts by severity, keeping their order within one.

    Args:
        alerts: As the artifact has them.
        anchors: Where each column stands on the page.

    Returns:
        Problems, then warnings, then notes.
    """
    views = [
        AlertView(
            status=_STATUSES.get(alert.severity, "info"),
            name=column_name(alert.column or ""),
            anchor=anchors.get(alert.column, "") if alert.column is not None else "",
            message=value(alert.message, length=300),
        )
        for alert in alerts
    ]
    ranks = list(_NOUNS)
    return sorted(views, key=lambda view: ranks.index(view.status))


def verdict(alerts: Iterable[AlertView]) -> list[Badge]:
    """Count alerts by severity, the worst first; one `ok` badge when there are none."""
    counts = Counter(alert.status for alert in alerts)
    badges = [
        Badge(status=status, text=plural(counts[status], noun))
        for status, noun in _NOUNS.items()
        if counts[status]
    ]
    return badges or [Badge(status="ok", text="nothing to report")]


def bar(shown: Scalar, rows: int, fraction: float) -> Bar:
    """Make one line of a bar list."""
    return Bar(
        value=value(shown),
        figure=count(rows),
        fraction=fraction,
        share=percent(fraction, f"{fraction:.6g} of the rows with a value"),
    )


def inexact_note(approximations: Mapping[str, Inexact], field: str) -> str:
    """Say how a field was made when it is not exact, and one standard error of it.

    >>> inexact_note({"mean": Inexact(method="row sample", error=0.25)}, "mean")
    'row sample, ± 0.25'
    >>> inexact_note({}, "mean")
    ''
    """
    made = approximations.get(field)
    if made is None:
        return ""
    error = "" if made.error is None else f", \N{PLUS-MINUS SIGN} {number(made.error)}"
    return visible(made.method) + error


def marked(figure: Figure, note: str) -> Figure:
    """Mark a number that is not exact, in places with no room for the whole note."""
    if not note:
        return figure
    return Figure(f"\N{ALMOST EQUAL TO}\u2009{figure.text}", f"{figure.exact}: {note}")


def selected_notes(selections: Mapping[str, str]) -> list[tuple[Value, Value]]:
    """Return which rows the numbers are about, for tables that are not seen whole."""
    return [(column_name(name), value(text, length=400)) for name, text in selections.items()]
