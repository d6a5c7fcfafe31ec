"""Which rows of a table does a run look at, where not at all of them?

A condition, a window of time and a declared sample, in this order. What was selected stands in the
artifacts; numbers are those of the selected rows, and are never scaled up to the whole table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, cast, runtime_checkable

from voyant.core.errors import ConfigurationError, did_you_mean

__all__ = [
    "Sample",
    "Selecting",
    "TableSelection",
    "describe_selection",
    "identify_selection",
    "parse_selections",
    "parse_span",
    "selection_of",
]

_UNITS: Final = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_SPAN: Final = re.compile(r"\s*(\d+)\s*([a-z]+?)s?\s*")
_KEYS: Final = ("where", "last", "time_column", "sample")
_SAMPLE_KEYS: Final = ("rows", "fraction", "method", "seed")
#: `hash`: the rows whose hash, with the seed, is smallest; the same rows whatever their order.
_METHODS: Final = ("hash",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A part of the rows, chosen by chance that can be repeated.

    Attributes:
        rows: So many rows, all if there are fewer; None where a fraction is wanted.
        fraction: About this share of the rows.
        method: `hash`.
        seed: Another seed gives another sample.
    """

    rows: int | None = None
    fraction: float | None = None
    method: str = "hash"
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSelection:
    """What is selected of one table.

    Attributes:
        where: A condition in the engine's SQL, without `WHERE`; empty for none.
        time_column: The column that the window is about; empty for none.
        since: The window begins after this moment.
        until: The window ends with this moment.
        sample: Taken of the rows that fulfil the rest.
    """

    where: str = ""
    time_column: str = ""
    since: datetime | None = None
    until: datetime | None = None
    sample: Sample | None = None


@runtime_checkable
class Selecting(Protocol):
    """An engine that can tell what was selected of a table."""

    def selection(self, table: str) -> TableSelection | None:
        """Return what was selected of a table, None for all of it."""
        ...

    def whole_row_count(self, table: str) -> int | None:
        """Return the rows of the whole table, None where that would cost a scan."""
        ...


def selection_of(engine: object, table: str) -> TableSelection | None:
    """Return what an engine selected of a table; None for all of it, or where it cannot tell."""
    return engine.selection(table) if isinstance(engine, Selecting) else None


def describe_selection(selection: TableSelection) -> str:
    """Say what was selected, in the words of a sentence.

    >>> describe_selection(TableSelection(where="a > 1", sample=Sample(rows=1000, seed=7)))
    'rows where a > 1; of these a sample of 1,000 rows (hash, seed 7)'
    """
    parts: list[str] = []
    if selection.where:
        parts.append(f"rows where {selection.where}")
    if selection.since is not None and selection.until is not None:
        span = f"{selection.since.isoformat()} and {selection.until.isoformat()}"
        parts.append(f"{'' if parts else 'rows with '}{selection.time_column} between {span}")
    sample = selection.sample
    if sample is not None:
        size = f"{sample.rows:,} rows" if sample.rows is not None else f"{sample.fraction:.6%}"
        size = re.sub(r"\.?0+%", "%", size)
        of = "of these " if parts else ""
        parts.append(f"{of}a sample of {size} ({sample.method}, seed {sample.seed})")
    return "; ".join(parts)


def identify_selection(selection: TableSelection | None) -> str:
    """Say what was selected so that a later run, whose window has moved on, says the same.

    >>> identify_selection(None)
    ''
    >>> day = datetime(2025, 1, 2, tzinfo=UTC)
    >>> identify_selection(TableSelection(time_column="at", since=day - timedelta(1), until=day))
    'rows with at in the last 1 day, 0:00:00'
    """
    if selection is None:
        return ""
    still = replace(selection, since=None, until=None)
    parts = [describe_selection(still)] if (still.where or still.sample) else []
    if selection.since is not None and selection.until is not None:
        span = selection.until - selection.since
        parts.append(f"rows with {selection.time_column} in the last {span}")
    return "; ".join(parts)


def parse_selections(
    configured: Mapping[str, Mapping[str, Any]],
    *,
    where: Sequence[str] = (),
    sample: Sequence[str] = (),
    as_of: datetime,
) -> dict[str, TableSelection]:
    """Read selections from the settings, with those of the command line in their place.

    Args:
        configured: Table -> `where`, `last` with `time_column`, `sample`.
        where: `table=condition`, each.
        sample: `table=100000` or `table=1%`, each.
        as_of: What `last` ends with.

    Raises:
        ConfigurationError: Something that is not one of these, or does not fit.
    """
    tables: dict[str, dict[str, Any]] = {name: dict(table) for name, table in configured.items()}
    for option in where:
        name, condition = _split(option, "--where", "orders=\"region = 'EU'\"")
        tables.setdefault(name, {})["where"] = condition
    for option in sample:
        name, size = _split(option, "--sample", "orders=100000 or orders=1%")
        tables.setdefault(name, {})["sample"] = _sample_size(size, option)
    return {name: _selection(name, table, as_of) for name, table in tables.items()}


def _split(option: str, flag: str, example: str) -> tuple[str, str]:
    name, equals, rest = (part.strip() for part in option.partition("="))
    if not (name and equals and rest):
        raise ConfigurationError(f"{flag} is {option!r}.", remedy=f"Write it as {flag} {example}.")
    return name, rest


def _sample_size(size: str, option: str) -> dict[str, Any]:
    try:
        if size.endswith("%"):
            return {"fraction": float(size[:-1]) / 100}
        return {"rows": int(size.replace("_", ""))}
    except ValueError:
        raise ConfigurationError(
            f"--sample is {option!r}.", remedy="Write it as orders=100000 or orders=1%."
        ) from None


def _selection(name: str, table: Mapping[str, Any], as_of: datetime) -> TableSelection:
    place = f"select.{name}"
    _check_keys(place, table, _KEYS)
    where, last, column = (table.get(key, "") for key in ("where", "last", "time_column"))
    if not all(isinstance(value, str) for value in (where, last, column)):
        raise ConfigurationError(f"{place} has a value that is not text.", remedy="Quote it.")
    if bool(last) != bool(column):
        raise ConfigurationError(
            f"{place} has {'last' if last else 'time_column'} without the other.",
            remedy='Write both: last = "90 days", time_column = "ordered_at".',
        )
    until = as_of.astimezone(UTC)
    return TableSelection(
        where=where.strip(),
        time_column=column,
        since=until - parse_span(last, f"{place}.last") if last else None,
        until=until if last else None,
        sample=_sample(f"{place}.sample", table["sample"]) if "sample" in table else None,
    )


def _sample(place: str, given: object) -> Sample:
    if not isinstance(given, dict):
        raise ConfigurationError(f"{place} is {given!r}.", remedy="Write { rows = 100000 }.")
    fields = cast("dict[str, Any]", given)
    _check_keys(place, fields, _SAMPLE_KEYS)
    rows, fraction = fields.get("rows"), fields.get("fraction")
    method, seed = fields.get("method", "hash"), fields.get("seed", 0)
    if (rows is None) == (fraction is None):
        raise ConfigurationError(f"{place} needs rows or fraction.", remedy="Give one of them.")
    if rows is not None and (type(rows) is not int or rows < 1):
        raise ConfigurationError(f"{place}.rows is {rows!r}.", remedy="Give a whole number from 1.")
    if fraction is not None and not (isinstance(fraction, int | float) and 0 < fraction < 1):
        raise ConfigurationError(
            f"{place}.fraction is {fraction!r}.", remedy="Give a number above 0 and below 1."
        )
    if method not in _METHODS:
        raise ConfigurationError(
            f"{place}.method is {method!r}.", remedy=did_you_mean(str(method), _METHODS)
        )
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise ConfigurationError(f"{place}.seed is {seed!r}.", remedy="Give a whole number from 0.")
    return Sample(
        rows=rows, fraction=None if fraction is None else float(fraction), method=method, seed=seed
    )


def parse_span(text: str, place: str) -> timedelta:
    """Read a length of time that is the same everywhere: minutes, hours, days or weeks.

    >>> parse_span("90 days", "x"), parse_span("12h", "x")
    Traceback (most recent call last):
        ...
    voyant.core.errors.ConfigurationError: x is '12h'. Write it as 90 days, 12 hours, 4 weeks.

    Raises:
        ConfigurationError: Anything else; months and years have no one length.
    """
    found = _SPAN.fullmatch(text)
    seconds = _UNITS.get(found[2]) if found else None
    if found is None or seconds is None or int(found[1]) == 0:
        raise ConfigurationError(
            f"{place} is {text!r}.", remedy="Write it as 90 days, 12 hours, 4 weeks."
        )
    try:
        return timedelta(seconds=int(found[1]) * seconds)
    except OverflowError:
        raise ConfigurationError(f"{place} is {text!r}.", remedy="Give a shorter span.") from None


def _check_keys(place: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise ConfigurationError(
                f"Unknown setting {f'{place}.{key}'!r}.", remedy=did_you_mean(key, known)
            )
