"""References measured while users' SQL runs: the same answers, and no end that is not clean."""

from __future__ import annotations

import threading
import time

import duckdb
import pyarrow as pa
import pytest

from voyant.core.errors import EngineError
from voyant.engines import duckdb as duckdb_engine
from voyant.engines.beside import Beside
from voyant.engines.duckdb import DuckDBEngine

ROWS = pa.table(
    {
        "day": [20_130_000 + n // 40 for n in range(20_000)],
        "amount": [n * 37 % 1_009 / 8 for n in range(20_000)],
        "text": [f"word {n % 4_001}" for n in range(20_000)],
    }
)
SPLIT = {"t": "before:day=20130250"}


@pytest.fixture
def engine():
    opened = DuckDBEngine({"t": ROWS}, reference=SPLIT, threads=2)
    yield opened
    opened.close()


def names(engine):
    return engine.reference("t"), engine.current("t")


def test_answers_are_those_of_asking(engine):
    engine.summarize("t")
    engine.query("SELECT count(*) FROM t")
    assert set(engine._beside._begun) == set(names(engine))
    other = DuckDBEngine({"t": ROWS}, reference=SPLIT, threads=2)
    for name in names(engine):
        assert engine.summarize(name) == other.summarize(name)
        counts = engine.value_counts(name, "amount", limit=5_000)
        assert counts == other.value_counts(name, "amount", limit=5_000)
    assert not other._beside._begun  # nothing was asked that leaves time
    assert not engine._beside._begun
    other.close()


def test_the_next_tables_and_then_references_are_measured_while_one_is_correlated():
    sources = {"t": ROWS, "u": ROWS.slice(0, 999), "v": ROWS.slice(5_000)}
    engine = DuckDBEngine(sources, reference=SPLIT, threads=2)
    other = DuckDBEngine(sources, reference=SPLIT, threads=2)
    numbers = ["day", "amount"]
    begun = []
    for ask in (
        lambda: engine.pearson("t", numbers),  # of the first table, not summarized yet
        lambda: engine.duplicate_rows("t"),
        lambda: engine.spearman("t", numbers, sample_rows=20_000),
        lambda: engine.unique_pairs("t", [("day", "amount")], budget=1),
        lambda: engine.contingencies("t", []),
    ):
        ask()
        begun.append(list(engine._beside._begun))
    names = ["u", "v", engine.reference("t")]
    assert begun == [[], names[:1], names[:2], names, names]
    for name in (*names, engine.current("t")):
        assert engine.summarize(name) == other.summarize(name), name
    assert not engine._beside._begun
    engine.close()
    other.close()


def test_what_a_table_that_was_measured_beside_is_compared_with_is_so_too():
    engine = DuckDBEngine({"t": ROWS, "u": ROWS}, reference={"u": "before:day=20130250"}, threads=2)
    engine.summarize("t")
    engine.duplicate_rows("t")
    assert list(engine._beside._begun) == ["u"]
    engine._beside._begun["u"].result()
    engine.summarize("u")
    engine.query("SELECT count(*) FROM t")
    assert set(engine._beside._begun) == {engine.reference("u"), engine.current("u")}
    engine.close()


def test_no_table_is_measured_twice(monkeypatch):
    sources = {name: ROWS.slice(0, 99) for name in ("t", "u", "v")}
    engine = DuckDBEngine(sources, reference={"t": "before:day=20130001"}, threads=2)
    measured = []
    measure = duckdb_engine.measure_columns
    monkeypatch.setattr(
        duckdb_engine,
        "measure_columns",
        lambda connections, table, *args, **kwargs: (
            measured.append(table) or measure(connections, table, *args, **kwargs)
        ),
    )
    engine.summarize("t")
    engine.summarize(engine.reference("t"))  # asked for before there was time to measure it
    for _ in range(2):
        engine._memory.pop(("duplicates", "t"), None)
        engine.duplicate_rows("t")
        engine.pearson("t", ["day", "amount"])
    for name in (*sources, engine.current("t")):
        engine.summarize(name)
    assert sorted(measured) == sorted((*sources, engine.reference("t"), engine.current("t")))
    assert not engine._beside._begun
    engine.close()


def test_what_was_interrupted_is_measured_when_it_is_asked_for(engine):
    engine.summarize("t")
    engine.query("SELECT count(*) FROM t")
    for begun in list(engine._beside._begun.values()):
        while not begun.done():
            engine.interrupt()
    assert engine.summarize(engine.reference("t")).row_count == 10_000
    assert engine.summarize(engine.current("t")).row_count == 10_000


def test_closing_ends_what_runs(engine):
    engine.summarize("t")
    engine.query("SELECT count(*) FROM t")
    engine.close()
    assert not engine._beside._begun


def test_tables_that_keep_all_cores_busy_are_not_measured_beside(engine, monkeypatch):
    monkeypatch.setattr(duckdb_engine, "_SIDE_BY_SIDE_ROWS", 19_999)
    engine.summarize("t")
    engine.duplicate_rows("t")
    engine.query("SELECT count(*) FROM t")
    assert not engine._beside._begun


def test_a_large_reference_of_a_small_table_is_left_to_whoever_asks(monkeypatch):
    monkeypatch.setattr(duckdb_engine, "_SIDE_BY_SIDE_ROWS", 10_000)
    engine = DuckDBEngine({"t": ROWS.slice(0, 10)}, reference={"t": ROWS}, threads=2)
    engine.summarize("t")
    engine.query("SELECT count(*) FROM t")
    (begun,) = engine._beside._begun.values()
    assert begun.result() is None
    assert engine.summarize(engine.reference("t")).row_count == 20_000
    engine.close()


def test_a_failure_is_forgotten_and_an_interruption_that_is_waited_for_is_told():
    held = threading.Event()

    def summarize(connection, table):
        if table == "fails":
            raise duckdb.Error("no")
        if table == "fails late":
            time.sleep(0.2)
            raise duckdb.OutOfMemoryException("three at once were too many")
        held.set()
        connection.execute(
            "SELECT sum(hash(a.range + b.range)) FROM range(1000000) a, range(1000000) b"
        )

    beside = Beside(duckdb.connect, summarize)
    beside.begin("fails")
    beside._begun["fails"].exception()
    assert beside.take("fails") is None
    beside.begin("endless")
    held.wait()
    interrupter = threading.Timer(0.2, beside.interrupt)
    interrupter.start()
    with pytest.raises(duckdb.InterruptException):
        beside.take("endless")
    interrupter.join()
    beside.begin("fails late")
    assert beside.take("fails late") is None  # though it was waited for
    beside.begin("endless")
    beside.begin("waits")
    assert beside.take("waits") is None  # its turn had not come: it is measured at once
    beside.close()
    beside.close()


def test_users_sql_does_not_fail_for_want_of_a_connection(engine, monkeypatch):
    def connect():
        raise duckdb.Error("no more connections")

    monkeypatch.setattr(engine._beside, "_connect", connect)
    engine.summarize("t")
    assert engine.query("SELECT count(*) FROM t").rows == ((20_000,),)
    assert engine.summarize(engine.reference("t")).row_count == 10_000


def test_an_interruption_is_an_engine_error_for_who_waits(engine, monkeypatch):
    held = threading.Event()

    def summarize(connection, table):
        held.set()
        connection.execute(
            "SELECT sum(hash(a.range + b.range)) FROM range(1000000) a, range(1000000) b"
        )

    monkeypatch.setattr(engine._beside, "_summarize", summarize)
    engine.summarize("t")
    engine.query("SELECT count(*) FROM t")
    held.wait()
    interrupter = threading.Timer(0.2, engine.interrupt)
    interrupter.start()
    with pytest.raises(EngineError, match="interrupted"):
        engine.summarize(engine.reference("t"))
    interrupter.join()
