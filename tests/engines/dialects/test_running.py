"""Are queries bounded whatever the driver does: slow, deaf, endless, or raising what it likes?"""

from __future__ import annotations

import threading

import pytest

from voyant.core.errors import QueryError, QueryMemoryError, QueryTimeoutError, UnsafeQueryError
from voyant.core.tables import QueryColumn
from voyant.engines.dialects import running
from voyant.engines.dialects.running import Answer, GuardedQueries
from voyant.engines.dialects.tables import JobTable
from voyant.engines.sandbox import QueryLimits


class Driver:
    """A session whose every query does what the test says."""

    def __init__(self, act):
        self.act, self.asked = act, []
        self.cancelled, self.closed = threading.Event(), threading.Event()

    def run(self, sql, *, max_rows):
        self.asked.append((sql, max_rows))
        columns = (QueryColumn(name="x", type="int"),)
        return Answer(columns=columns, rows=self.act(self))

    def cancel(self):
        self.cancelled.set()

    def close(self):
        self.closed.set()


def guarded(act, **limits):
    drivers = []

    def open_session():
        drivers.append(Driver(act))
        return drivers[-1]

    queries = GuardedQueries(
        open_session,
        dialect="postgres",
        tables=lambda: [JobTable(path=("public", "t"))],
        limits=QueryLimits(**limits),
    )
    return queries, drivers


def count_up(_):
    yield from ((i,) for i in iter(int, 1))


def test_driver_sees_the_rewritten_text_only_and_endless_rows_are_cut():
    queries, drivers = guarded(count_up, max_rows=3)
    result = queries.query("select X from T -- secret remark")
    assert result.rows == ((0,), (0,), (0,))
    assert result.truncated
    assert drivers[0].asked == [('SELECT "x" FROM "public"."t" AS "t" LIMIT 4', 4)]
    queries.query("SELECT 1")
    assert len(drivers) == 1


def test_refused_query_opens_no_session():
    queries, drivers = guarded(count_up)
    with pytest.raises(UnsafeQueryError):
        queries.query("SELECT pg_sleep(1)")
    assert drivers == []


def test_driver_that_does_not_hear_is_left_behind(monkeypatch):
    monkeypatch.setattr(running, "_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(running, "_CANCEL_AGAIN_SECONDS", 0.05)
    forever = threading.Event()

    def deaf(_):
        forever.wait()
        yield (1,)

    queries, drivers = guarded(deaf, timeout_seconds=0.1)
    with pytest.raises(QueryTimeoutError, match=r"0\.1 s"):
        queries.query("SELECT 1")
    assert drivers[0].cancelled.is_set()
    assert not drivers[0].closed.is_set()  # it is in use: closing it could hang, too
    drivers.clear()
    forever.set()
    assert queries.query("SELECT 1").rows == ((1,),)
    assert len(drivers) == 1


def test_driver_that_hears_is_closed_and_replaced():
    def obedient(driver):
        driver.cancelled.wait()
        yield (1,)

    queries, drivers = guarded(obedient, timeout_seconds=0.1)
    with pytest.raises(QueryTimeoutError):
        queries.query("SELECT 1")
    assert drivers[0].closed.is_set()


def test_own_errors_keep_the_session_and_others_end_it():
    errors = [QueryError("no"), MemoryError("oops"), None]

    def failing(_):
        error = errors.pop(0)
        if error is not None:
            raise error
        yield (1,)

    queries, drivers = guarded(failing)
    with pytest.raises(QueryError, match="no"):
        queries.query("SELECT 1")
    with pytest.raises(MemoryError):
        queries.query("SELECT 1")
    assert len(drivers) == 1
    assert drivers[0].closed.is_set()
    assert queries.query("SELECT 1").rows == ((1,),)
    assert len(drivers) == 2


def test_row_that_is_too_large_is_refused():
    queries, _ = guarded(lambda _: iter([("x" * 100,)]) and (r for r in [("x" * 100,)]),
                         max_result_bytes=50)  # fmt: skip
    with pytest.raises(QueryMemoryError, match="One row"):
        queries.query("SELECT 1")


def test_closing_twice_and_unopened_is_safe():
    queries, drivers = guarded(count_up)
    queries.close()
    queries.interrupt()
    queries.query("SELECT 1")
    queries.close()
    queries.close()
    assert drivers[0].closed.is_set()
