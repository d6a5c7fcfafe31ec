"""Which column says when a row's event happened, and when was the newest one?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from voyant.core.tables import ColumnSummary, TableSummary
from voyant.stats.names import name_tokens

__all__ = ["NewestEvent", "choose_event_time", "find_newest_event"]

#: Dates of people and of plans: they do not say when a row came to be.
_OTHER_DATES = frozenset(
    "birth birthday birthdate dob born death died expiry expire expires expiration due deadline"  # noqa: SIM905
    " until valid planned plan scheduled sched promised commit target end ended stop maturity"
    " renewal hire hired built founded release released".split()
)
_EVENT_WORDS = frozenset(
    "event occurred happened timestamp ts time datetime created inserted logged recorded ordered"  # noqa: SIM905
    " order transaction sold sale updated modified ingested loaded at".split()
)

#: Clocks and time zones may put an honest newest event up to a day ahead.
_TOLERANCE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestEvent:
    """The newest event that had happened by a moment.

    Attributes:
        moment: When, with a time zone; None when it cannot be told.
        note: What a reader must know of how it was found, or why it was not.
    """

    moment: datetime | None
    note: str = ""


def choose_event_time(table: TableSummary) -> ColumnSummary | None:
    """Choose the column of event times; None without a date or timestamp that could be one.

    Dates of birth, expiry, plans and ends are passed over. Of the others: first a name that speaks
    of events, then the fewest nulls, then timestamps before dates, then the table's order.
    """
    candidates = [
        column
        for column in table.columns.values()
        if column.kind.is_temporal and column.count and not _says(column.name, _OTHER_DATES)
    ]
    return min(candidates, key=_rank, default=None)


def _rank(column: ColumnSummary) -> tuple[bool, int, bool]:
    return (
        not _says(column.name, _EVENT_WORDS),
        column.null_count,
        column.kind.value != "timestamp",
    )


def _says(name: str, words: Iterable[str]) -> bool:
    return bool(set(name_tokens(name)) & set(words))


def find_newest_event(column: ColumnSummary, as_of: datetime) -> NewestEvent:
    """Find the newest event by a moment; times without a zone are taken as UTC.

    A value beyond that moment (a typing error, a plan) must not make old data look new: the largest
    value of the quantile grid that is not ahead stands in for it.
    """
    newest = _parse(column.max)
    if newest is None:
        return NewestEvent(moment=None, note=f"the newest value, {column.max!r}, is no date")
    if newest <= as_of + _TOLERANCE:
        return NewestEvent(moment=newest)
    grid = sorted({*column.quantile_grid, *column.quantiles.values()})
    past = [seconds for seconds in grid if seconds <= as_of.timestamp()]
    if not past:
        return NewestEvent(moment=None, note=f"all values lie after {as_of.isoformat()}")
    return NewestEvent(
        moment=datetime.fromtimestamp(past[-1], UTC),
        note=f"the newest value, {column.max}, lies ahead; the largest quantile before it was used",
    )


def _parse(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
