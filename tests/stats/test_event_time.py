"""Which column tells when things happened, and what the newest event is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from voyant.core.tables import ColumnKind, ColumnSummary, TableSummary
from voyant.stats.event_time import choose_event_time, find_newest_event

NOW = datetime(2014, 1, 1, tzinfo=UTC)


def col(name, kind=ColumnKind.DATE, *, newest="2013-12-31", nulls=0, count=100, grid=()):
    return ColumnSummary(
        name=name,
        type=kind.value,
        kind=kind,
        count=count,
        null_count=nulls,
        distinct_count=count,
        max=newest if count else None,
        quantile_grid=grid,
    )


def choose(*columns):
    found = choose_event_time(
        TableSummary(name="t", row_count=100, columns={c.name: c for c in columns})
    )
    return found and found.name


@pytest.mark.parametrize(
    "name",
    [
        "birth_date",
        "date_of_birth",
        "dob",
        "expiry_date",
        "valid_until",
        "dueDate",
        "deadline",
        "l_commitdate",
        "planned_start",
        "hire_date",
        "end_date",
        "released_on",
    ],
)
def test_other_dates_are_passed_over(name):
    assert choose(col(name)) is None
    assert choose(col(name), col("noted")) == "noted"


def test_the_order_of_preference():
    assert choose(col("d1"), col("created_at", nulls=50)) == "created_at"
    assert choose(col("d1", nulls=1), col("d2")) == "d2"
    assert choose(col("d1"), col("t1", ColumnKind.TIMESTAMP)) == "t1"
    assert choose(col("d1"), col("d2")) == "d1"
    assert choose(col("time_hour", ColumnKind.TIMESTAMP)) == "time_hour"


def test_only_dates_and_timestamps_with_values():
    assert choose(col("event_time", ColumnKind.TIME), col("created", ColumnKind.TEXT)) is None
    assert choose(col("created", count=0, nulls=100)) is None
    assert choose() is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-12-31", datetime(2013, 12, 31, tzinfo=UTC)),
        ("2013-12-31 18:30:00", datetime(2013, 12, 31, 18, 30, tzinfo=UTC)),
        ("2013-12-31T18:30:00+01:00", datetime(2013, 12, 31, 17, 30, tzinfo=UTC)),
        ("2014-01-01T13:00:00", datetime(2014, 1, 1, 13, tzinfo=UTC)),  # clocks differ
    ],
)
def test_the_newest(text, expected):
    newest = find_newest_event(col("d", newest=text), NOW)
    assert newest.moment == expected
    assert newest.note == ""


def test_a_value_far_ahead_does_not_make_old_data_new():
    old = datetime(2012, 6, 1, tzinfo=UTC).timestamp()
    ahead = datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    newest = find_newest_event(col("d", newest="2099-01-01", grid=(0.0, old, ahead)), NOW)
    assert newest.moment == datetime(2012, 6, 1, tzinfo=UTC)
    assert "2099-01-01" in newest.note


def test_what_cannot_be_told_says_why():
    ahead = datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    newest = find_newest_event(col("d", newest="2099-01-01", grid=(ahead,)), NOW)
    assert newest.moment is None
    assert "after 2014-01-01" in newest.note
    assert find_newest_event(col("d", newest="0044-03-15 (BC)"), NOW).moment is None
