"""What was measured of one column, as names and numbers, each inexact one with how it was made."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from voyant.artifacts.profile import ColumnProfile
from voyant.core.tables import Scalar
from voyant.report.format import (
    ABSENT,
    Figure,
    Value,
    count,
    duration,
    moment,
    number,
    percent,
    plural,
    value,
    visible,
)
from voyant.report.views import Fact, Printed, inexact_note

__all__ = ["also_inexact", "facts", "point"]

_TEMPORAL = ("date", "timestamp")
_STATISTICS = {
    "mean": "Mean",
    "std": "Standard deviation",
    "variance": "Variance",
    "sum": "Sum",
    "skewness": "Skewness",
    "kurtosis": "Excess kurtosis",
}
_COUNTS = {
    "true_count": "True",
    "zero_count": "Zero",
    "negative_count": "Negative",
    "nan_count": "Not a number (NaN)",
    "infinite_count": "Infinite",
}
_PLACED = {
    "count", "null_count", "distinct_count", "min", "max", "histogram", "quantiles", "top_values",
    "text", "time", "text.patterns", *_STATISTICS, *_COUNTS,
}  # fmt: skip


def point(at: Scalar, kind: str) -> Figure | Value:
    """Print one value of a column: a number, a date, or what it is."""
    if at is None:
        return ABSENT
    if isinstance(at, str):
        return moment(at) if kind in _TEMPORAL else value(at, length=40)
    return number(at)


def facts(column: ColumnProfile) -> Iterator[Fact]:
    """List what was measured, leaving out what has no meaning for the column."""
    made = column.approximations
    yield Fact(
        label="Rows with a value", figure=count(column.count), note=inexact_note(made, "count")
    )
    yield Fact(
        label="Missing", figure=count(column.null_count), note=inexact_note(made, "null_count")
    )
    if column.distinct_count is not None:
        yield Fact(
            label="Different values",
            figure=count(column.distinct_count),
            note=inexact_note(made, "distinct_count"),
        )
    for field, label, at in (("min", "Smallest", column.min), ("max", "Largest", column.max)):
        if at is not None:
            yield Fact(label=label, figure=point(at, column.kind), note=inexact_note(made, field))
    for field, label in _STATISTICS.items():
        measured: float | int | None = getattr(column, field)
        if measured is not None:
            yield Fact(label=label, figure=number(measured), note=inexact_note(made, field))
    for field, label in _COUNTS.items():
        rows: int | None = getattr(column, field)
        if rows is not None and (rows or field not in {"nan_count", "infinite_count"}):
            yield Fact(
                label=label, figure=_with_share(rows, column.count), note=inexact_note(made, field)
            )
    yield from _text_facts(column)
    yield from _time_facts(column)


def _text_facts(column: ColumnProfile) -> Iterator[Fact]:
    text = column.text
    if text is None:
        return
    note = inexact_note(column.approximations, "text")
    lengths = {
        "Shortest": text.min_length,
        "Mean length": text.mean_length,
        "Longest": text.max_length,
    }
    for label, length in lengths.items():
        if length is not None:
            yield Fact(
                label=label,
                figure=Markup("{} <small>characters</small>").format(number(length)),
                note=note,
            )
    yield Fact(label="Empty", figure=_with_share(text.empty_count, column.count), note=note)
    yield Fact(
        label="Only white space", figure=_with_share(text.whitespace_count, column.count), note=note
    )
    yield Fact(
        label="Padded with white space",
        figure=_with_share(text.padded_count, column.count),
        note=note,
    )


def _time_facts(column: ColumnProfile) -> Iterator[Fact]:
    time = column.time
    if time is None:
        return
    note = inexact_note(column.approximations, "time")
    yield Fact(label="Range", figure=duration(time.range_seconds), note=note)
    yield Fact(label="Days that occur", figure=count(time.day_count), note=note)
    yield Fact(label="Days missing between", figure=count(time.missing_day_count), note=note)
    if time.largest_gap_days:
        gap: Printed = plural(time.largest_gap_days, "day")
        if time.largest_gap_start and time.largest_gap_end:
            gap = Markup("{} <small>between {} and {}</small>").format(
                gap, moment(time.largest_gap_start), moment(time.largest_gap_end)
            )
        yield Fact(label="Longest gap", figure=gap, note=note)


def _with_share(rows: int, of: int) -> Printed:
    if not rows or not of:
        return count(rows)
    return Markup("{} <small>{}</small>").format(count(rows), percent(rows / of))


def also_inexact(column: ColumnProfile) -> list[Fact]:
    """Name what is inexact and has no number on the page to stand beside."""
    return [
        Fact(
            label=visible(field.replace("_", " ")),
            figure=inexact_note(column.approximations, field),
        )
        for field in column.approximations
        if field not in _PLACED
    ]
