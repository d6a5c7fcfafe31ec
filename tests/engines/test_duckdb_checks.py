"""Every row check on DuckDB against counts made by hand, and checks that cannot be asked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

from voyant.core.checks import FailureCount, RowCheck
from voyant.core.checks import RowCheckKind as Kind
from voyant.core.errors import UnknownTableError
from voyant.engines.duckdb import DuckDBEngine


def moment(*parts):
    """Make a time without a zone, as most files hold them."""
    return datetime(*parts)  # noqa: DTZ001 - on purpose


NAN, INF = float("nan"), float("inf")

ROWS = pa.table(
    {
        "n": pa.array([1, 2, 3, None, -5], pa.int64()),
        "x": pa.array([0.3, NAN, INF, None, 0.25], pa.float64()),
        "d": pa.array([Decimal("1.10"), Decimal("2.20"), None, Decimal("3.30"), None]),
        "t": ["12", " 1e3 ", "n/a", "", None],
        "iso": ["2020-01-31", "2020-02-30", "31.01.2020", "  ", "2020-01-01 10:00:00"],
        "day": [date(2020, 1, 1), date(2020, 1, 2), None, date(2020, 1, 3), date(1999, 1, 1)],
        "at": [
            moment(2020, 1, 1, 12), moment(2020, 1, 1, 23), moment(2020, 1, 1),
            None, moment(2020, 1, 1),
        ],
        "b": [True, False, None, True, True],
        "u": pa.array(["ä", "ab", "abc", None, "🙂🙂"]),
        'odd "name\'': ["<script>", "'; DROP TABLE x; --", "\\", "%", None],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    made = DuckDBEngine({"rows": ROWS, "empty": ROWS.slice(0, 0)})
    yield made
    made.close()


# check, rows it applies to, rows that fail: counted by eye.
CASES = [
    (RowCheck(kind=Kind.NOT_NULL, columns=("n",)), 5, 1),
    (RowCheck(kind=Kind.NOT_NULL, columns=("n", "x")), 5, 1),
    (RowCheck(kind=Kind.NOT_NULL, columns=("n", "d")), 5, 3),
    (RowCheck(kind=Kind.FILLED, columns=("t",)), 5, 2),  # '' and null
    (RowCheck(kind=Kind.FILLED, columns=("x",)), 5, 2),  # NaN and null
    (RowCheck(kind=Kind.FILLED, columns=("iso",)), 5, 1),  # two spaces
    (RowCheck(kind=Kind.IN_RANGE, columns=("n",), low=1, high=3), 4, 1),
    (RowCheck(kind=Kind.IN_RANGE, columns=("n",), low=1, high=3, is_low_open=True), 4, 2),
    (RowCheck(kind=Kind.IN_RANGE, columns=("n",), high=3, is_high_open=True), 4, 1),
    (RowCheck(kind=Kind.IN_RANGE, columns=("n",)), 4, 0),
    (RowCheck(kind=Kind.IN_RANGE, columns=("x",), high=1.0), 3, 1),  # NaN left out, infinity fails
    (RowCheck(kind=Kind.IN_RANGE, columns=("d",), low=1.1, high=3), 3, 1),
    (RowCheck(kind=Kind.IN_RANGE, columns=("day",), low="2020-01-01"), 4, 1),
    (RowCheck(kind=Kind.IN_RANGE, columns=("at",), high="2020-01-01T12:00:00"), 4, 1),
    (RowCheck(kind=Kind.IN_SET, columns=("n",), values=(1, 2.0, "3", "many")), 4, 1),
    (RowCheck(kind=Kind.IN_SET, columns=("n",)), 4, 4),
    (RowCheck(kind=Kind.IN_SET, columns=("b",), values=(True,)), 4, 1),
    (RowCheck(kind=Kind.IN_SET, columns=("t",), values=("12", "n/a", "")), 4, 1),
    (RowCheck(kind=Kind.IN_SET, columns=("d",), values=(1.1, 2.2)), 3, 1),
    (RowCheck(kind=Kind.NOT_IN_SET, columns=("t",), values=("n/a", "")), 4, 2),
    (RowCheck(kind=Kind.LENGTH, columns=("u",), low=2, high=2), 4, 2),  # characters, not bytes
    (RowCheck(kind=Kind.MATCHES, columns=("u",), pattern="^a"), 4, 2),
    (RowCheck(kind=Kind.MATCHES, columns=("t",), pattern=r"^\d+$"), 4, 3),
    (RowCheck(kind=Kind.NUMERIC_TEXT, columns=("t",)), 3, 1),  # '' is missing, 'n/a' is no number
    (RowCheck(kind=Kind.TEMPORAL_TEXT, columns=("iso",)), 4, 2),
    (RowCheck(kind=Kind.MULTIPLE_OF, columns=("n",), low=2), 4, 3),
    (RowCheck(kind=Kind.MULTIPLE_OF, columns=("x",), low=0.1), 3, 2),  # 0.3 is, 0.25 is not
    (RowCheck(kind=Kind.MULTIPLE_OF, columns=("d",), low=0.55), 3, 0),
    (RowCheck(kind=Kind.ORDERED, columns=("day", "at")), 3, 1),  # noon is not after its own day
    (RowCheck(kind=Kind.IN_SET, columns=('odd "name\'',), values=("'; DROP TABLE x; --",)), 4, 3),
]  # fmt: skip


def test_counts_of_all_checks_in_one_question(engine):
    counted = engine.count_failures("rows", [check for check, _, _ in CASES])
    for (check, checked, failing), count in zip(CASES, counted, strict=True):
        assert count == FailureCount(checked_count=checked, failing_count=failing), check


def test_an_empty_table_has_nothing_to_fail(engine):
    counted = engine.count_failures("empty", [check for check, _, _ in CASES])
    assert {(count.checked_count, count.failing_count) for count in counted} == {(0, 0)}


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (RowCheck(kind=Kind.NOT_NULL, columns=("nope",)), "there is no column 'nope'"),
        (RowCheck(kind=Kind.IN_RANGE, columns=("u",), low=1), "only numbers and times"),
        (RowCheck(kind=Kind.IN_RANGE, columns=("n",), low="soon"), "is no number"),
        (RowCheck(kind=Kind.IN_RANGE, columns=("n",), low=True), "is no number"),
        (RowCheck(kind=Kind.IN_RANGE, columns=("day",), low="soon"), "no ISO date"),
        (RowCheck(kind=Kind.MATCHES, columns=("u",), pattern="(?<=a)b"), "RE2"),
        (RowCheck(kind=Kind.MATCHES, columns=("u",), pattern="("), "RE2"),
        (RowCheck(kind=Kind.MATCHES, columns=("u",), pattern="\0"), "NUL"),
        (RowCheck(kind=Kind.MATCHES, columns=("n",), pattern="1"), "only text"),
        (RowCheck(kind=Kind.LENGTH, columns=("n",), low=1), "only text"),
        (RowCheck(kind=Kind.MULTIPLE_OF, columns=("n",), low=0), "no multiples"),
        (RowCheck(kind=Kind.MULTIPLE_OF, columns=("t",), low=2), "only numbers"),
        (RowCheck(kind=Kind.ORDERED, columns=("day", "n")), "order in time"),
    ],
)
def test_what_cannot_be_asked_says_why_and_spoils_nothing(engine, check, reason):
    good = RowCheck(kind=Kind.NOT_NULL, columns=("n",))
    refused, counted = engine.count_failures("rows", [check, good])
    assert refused.failing_count is None
    assert reason in refused.reason
    assert counted.failing_count == 1
    assert engine.failing_values("rows", check, limit=3) == ()


def test_no_checks_is_no_question(engine):
    assert engine.count_failures("rows", []) == ()


def test_more_checks_than_one_scan_takes(engine):
    checks = [RowCheck(kind=Kind.IN_RANGE, columns=("n",), low=bound) for bound in range(450)]
    counted = engine.count_failures("rows", checks)
    # Values are 1, 2, 3 and -5.
    assert [c.failing_count for c in counted] == [1, 1, 2, 3] + [4] * 446


def test_failing_values_are_the_most_frequent_first(engine):
    table = DuckDBEngine({"t": pa.table({"v": ["b", "a", "a", "c", "c", "ok", None]})})
    try:
        check = RowCheck(kind=Kind.IN_SET, columns=("v",), values=("ok",))
        found = table.failing_values("t", check, limit=2)
        assert [(item.value, item.count) for item in found] == [("a", 2), ("c", 2)]
        everything = RowCheck(kind=Kind.IN_SET, columns=("v",))
        assert len(table.failing_values("t", everything, limit=9)) == 4
    finally:
        table.close()


def test_failing_pairs_and_nulls_have_a_text(engine):
    pair = RowCheck(kind=Kind.ORDERED, columns=("day", "at"))
    (found,) = engine.failing_values("rows", pair, limit=9)
    assert (found.value, found.count) == ("2020-01-02, 2020-01-01 23:00:00", 1)
    nulls = RowCheck(kind=Kind.NOT_NULL, columns=("n",))
    (found,) = engine.failing_values("rows", nulls, limit=9)
    assert (found.value, found.count) == (None, 1)


def test_uuid_columns_are_text_to_a_pattern():
    table = DuckDBEngine({"t": pa.table({"v": pa.array([UUID(int=1).bytes], pa.uuid())})})
    try:
        check = RowCheck(kind=Kind.MATCHES, columns=("v",), pattern="^0{8}-")
        assert table.count_failures("t", [check])[0].failing_count == 0
    finally:
        table.close()


def test_an_unknown_table_is_an_error_of_ours(engine):
    with pytest.raises(UnknownTableError):
        engine.count_failures("nope", [CASES[0][0]])
