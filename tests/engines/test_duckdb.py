"""The DuckDB engine as a whole: scans, threads, wide text, errors, interruption, closing."""

# ruff: noqa: DTZ001 - time stamps without a zone are part of the data

from __future__ import annotations

import datetime as dt
import random
import threading
from dataclasses import replace
from decimal import Decimal
from functools import cache
from hashlib import sha256
from itertools import combinations, product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.conformance.oracle import check_column
from voyant.core.errors import EngineError, SourceError, VoyantError
from voyant.core.plugin_registry import default_registry
from voyant.core.tables import Column
from voyant.engines import duckdb_column, duckdb_correlations, duckdb_numbers, duckdb_summary
from voyant.engines.duckdb import DuckDBEngine
from voyant.engines.duckdb_summary import measure_column
from voyant.engines.duckdb_types import column_kind
from voyant.engines.recipe import ConnectionRecipe, open_connection


class Counting:
    """A connection that notes each statement."""

    def __init__(self, connection):
        self._connection = connection
        self.statements = []

    def execute(self, sql, *args):
        self.statements.append(sql)
        return self._connection.execute(sql, *args)

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def cursor(self):
        """Count what a second thread asks, too."""
        another = Counting(self._connection.cursor())
        another.statements = self.statements
        return another

    def scans(self, table):
        """Count how often the table is read: `FROM "table"`, DESCRIBE aside."""
        return sum(sql.count(f'FROM "{table}"') for sql in self.statements)


@pytest.fixture
def mixed():
    """A table of 3,000 rows without a key of one column."""
    picked = random.Random(7)
    return pa.table(
        {
            "number": [i % 977 for i in range(3000)],
            "part": [picked.choice([1.5, 2.5, None, 7.25]) for _ in range(3000)],
            "day": pa.array([i % 300 for i in range(3000)], pa.date32()),
            "text": [f"word {picked.randrange(2000)}" for _ in range(3000)],
            "flag": [i % 3 == 0 for i in range(3000)],
        }
    )


def counting(engine):
    engine._connection = Counting(engine._connection)
    return engine._connection


def test_summary_scans_each_column_once(mixed):
    engine = DuckDBEngine({"t": mixed})
    connection = counting(engine)
    engine.summarize("t")
    assert connection.scans("t") == 1 + len(mixed.column_names)  # and once to count rows
    engine.summarize("t")
    engine.columns("t")
    assert connection.scans("t") == 1 + len(mixed.column_names)
    engine.close()


def test_wide_text_takes_a_probe_and_three_scans(mixed):
    engine = DuckDBEngine({"t": mixed.select(["text"])}, wide_text_rows=100)
    connection = counting(engine)
    engine.summarize("t")
    assert connection.scans("t") == 1 + 1 + 3
    engine.close()


def test_wide_texts_side_by_side_do_not_meet():
    names = [f"c{i}" for i in range(8)]
    table = pa.table(
        {n: [sha256(f"{n}{i}".encode()).hexdigest() for i in range(600)] for n in names}
    )
    answers = []
    for threads in (1, 2):
        engine = DuckDBEngine({"t": table}, threads=threads, wide_text_rows=10)
        answers.append(engine.summarize("t"))
        engine.close()
    assert answers[0] == answers[1]
    assert all(len(column.sample) == 600 for column in answers[0].columns.values())


def test_scans_of_each_question(mixed):
    engine = DuckDBEngine({"t": mixed})
    engine.summarize("t")
    connection = counting(engine)

    def scans(ask):
        before = connection.scans("t")
        ask()
        ask()  # the second answer comes from memory
        return connection.scans("t") - before

    numbers = ["number", "part"]
    assert scans(lambda: engine.pearson("t", numbers)) == 1
    assert scans(lambda: engine.spearman("t", numbers, sample_rows=500)) == 1
    assert scans(lambda: engine.duplicate_rows("t")) == 1
    assert scans(lambda: engine.contingencies("t", [("flag", "part"), ("flag", "day")])) == 1
    assert scans(lambda: engine.distinct_count("t", ["number", "day"])) == 1
    assert scans(lambda: engine.containment("t", "number", "t", "day")) == 0  # few values
    assert scans(lambda: engine.group_means("t", ["part", "day"], numbers, sample_rows=9**9)) == 1
    # A pair that repeats in a sample of the groups is not counted in full.
    assert scans(lambda: engine.unique_pairs("t", [("flag", "part")], budget=3)) <= 2
    engine.close()


def test_few_values_are_counted_from_what_the_summary_left(mixed):
    engine, other = DuckDBEngine({"t": mixed}), DuckDBEngine({"t": mixed})
    engine.summarize("t")
    connection = counting(engine)
    for name in mixed.column_names:
        asked = engine.value_counts("t", name, limit=1_000)
        assert asked == other.value_counts("t", name, limit=1_000), name
        values = [value for value in mixed[name].to_pylist() if value is not None]
        assert sum(count for _, count in asked.counts) <= len(values)
        assert asked.is_complete == (len(set(values)) <= 1_000)
    assert connection.scans("t") == 0
    engine.close()
    other.close()


def test_values_are_found_among_others_from_what_the_summary_left(mixed):
    engine, other = DuckDBEngine({"t": mixed}), DuckDBEngine({"t": mixed})
    engine.summarize("t")
    for child, parent in product(mixed.column_names, repeat=2):
        found = engine.containment("t", child, "t", parent)
        assert found == other.containment("t", child, "t", parent), (child, parent)
    engine.close()
    other.close()


@pytest.mark.parametrize("threads", [1, 2, None])
def test_columns_are_measured_alike_however_many_at_a_time(mixed, threads):
    engine = DuckDBEngine({"t": mixed}, threads=threads)
    summary = engine.summarize("t")
    assert list(summary.columns) == mixed.column_names
    alone = {
        name: measure_column(engine._connection, "t", engine._column("t", name), 3000)
        for name in mixed.column_names
    }
    assert summary.columns == alone
    engine.close()


def test_a_fault_on_the_second_connection_is_told(mixed):
    engine = DuckDBEngine({"t": mixed}, threads=2)
    _, second = engine._connections(3000)
    second.execute('CREATE OR REPLACE TEMP VIEW "t" AS SELECT 1 AS other')

    def measure_until_it_takes_a_column():
        for _ in range(100):
            engine._memory.clear()
            engine.summarize("t")

    with pytest.raises(EngineError):
        measure_until_it_takes_a_column()
    engine.close()


def test_duplicates_need_no_scan_beside_a_key():
    engine = DuckDBEngine({"t": pa.table({"id": [1, 2, 3], "x": [1, 1, 1]})})
    engine.summarize("t")
    connection = counting(engine)
    assert engine.duplicate_rows("t").value == 0
    assert connection.statements == []
    engine.close()


def test_repeated_rows_take_two_scans_more():
    engine = DuckDBEngine({"t": pa.table({"x": [1, 1, 2]})})
    engine.summarize("t")
    connection = counting(engine)
    assert engine.duplicate_rows("t").value == 1
    assert connection.scans("t") == 3
    engine.close()


@cache
def shared():
    """Open one connection for the hundreds of columns that Hypothesis makes."""
    return open_connection(ConnectionRecipe())


def measured(frame, **options):
    """Measure the only column of a frame."""
    shared().register("t", frame)
    ((name, kind, *_),) = shared().execute("DESCRIBE t").fetchall()
    column = Column(name=name, type=kind, kind=column_kind(kind))
    return measure_column(shared(), "t", column, frame.num_rows, **options)


# Wide text -----------------------------------------------------------------

TEXTS = ["", " ", " x", "x ", "ü", "😀", "word", "longer words here", "42", "\t", "\x00"]


def both_ways(values):
    """Summarise a column of text by value and by hash."""
    frame = pa.table({"c": pa.array(values, pa.string())})
    return [measured(frame, wide_text_rows=rows) for rows in (10**9, 0)]


def test_wide_text_agrees_with_the_narrow_path():
    picked = random.Random(3)
    values = [picked.choice(TEXTS) for _ in range(300)] + [f"id {i}" for i in range(2000)] + [None]
    values += [f"twice {i}" for i in range(150)] * 2
    picked.shuffle(values)
    narrow, wide = both_ways(values)
    same = ("count", "null_count", "distinct_count", "min", "max")
    assert [getattr(wide, name) for name in same] == [getattr(narrow, name) for name in same]
    assert wide.top_values == tuple(top for top in narrow.top_values if top.count > 1)[:100]
    assert len(wide.top_values) == 100
    for name in ("min_length", "max_length", "mean_length", "empty_count", "padded_count"):
        assert getattr(wide.text, name) == getattr(narrow.text, name)
    assert wide.text.whitespace_count == narrow.text.whitespace_count
    assert wide.approximations["distinct_count"].error == pytest.approx(2151**2 / 2**65, rel=0.1)
    assert {entry.value for entry in wide.sample} <= set(values)
    assert len(wide.sample) == 1000


@settings(max_examples=25)
@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.sampled_from(TEXTS)), max_size=60))
def test_wide_text_agrees_on_any_text(values):
    values = [None if v is None else v.encode("utf-8", "replace").decode() for v in values]
    narrow, wide = both_ways(values)
    if "top_values" in wide.approximations:
        assert wide.top_values == tuple(top for top in narrow.top_values if top.count > 1)
        approximations = {**wide.approximations}
        del approximations["top_values"]
        wide = replace(wide, top_values=narrow.top_values, approximations=approximations)
    assert wide.text is not None
    text = replace(
        wide.text,
        numeric_count=narrow.text.numeric_count,
        temporal_count=narrow.text.temporal_count,
    )
    wide = replace(wide, text=text, approximations=narrow.approximations)
    assert replace(wide, sample=narrow.sample) == narrow
    assert sorted(map(repr, wide.sample)) == sorted(map(repr, narrow.sample))


# Random columns -----------------------------------------------------------------

# Microseconds that a float holds exactly.
TIMES = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2240, 1, 1))
COLUMNS = st.one_of(
    st.tuples(st.just(pa.int64()), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just(pa.int16()), st.lists(st.none() | st.integers(-5, 5), max_size=80)),
    st.tuples(st.just(pa.uint64()), st.lists(st.none() | st.integers(0, 2**64 - 1))),
    st.tuples(st.just(pa.float64()), st.lists(st.none() | st.floats(), max_size=40)),
    st.tuples(
        st.just(pa.float64()),
        st.lists(st.none() | st.floats(-1e6, 1e6), max_size=80),
    ),
    st.tuples(
        st.just(pa.decimal128(9, 3)),
        st.lists(st.none() | st.decimals(-99999, 99999, places=3), max_size=40),
    ),
    st.tuples(st.just(pa.date32()), st.lists(st.none() | st.dates(), max_size=30)),
    st.tuples(st.just(pa.timestamp("us")), st.lists(st.none() | TIMES, max_size=30)),
    st.tuples(st.just(pa.bool_()), st.lists(st.none() | st.booleans())),
)


@settings(max_examples=150)
@given(COLUMNS)
def test_any_column_agrees_with_the_oracles(column):
    kind, values = column
    check_column(measured(pa.table({"c": pa.array(values, kind)})), values)


@settings(max_examples=100)
@given(COLUMNS, st.sampled_from([1, 1_000]))
def test_many_values_agree_with_the_oracles_narrowed_before_sorting_or_not(column, narrowed_from):
    kind, values = column
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb_column, "FEW_VALUES", -1)
        patch.setattr(duckdb_numbers, "_NARROW_VALUES", narrowed_from)
        check_column(measured(pa.table({"c": pa.array(values, kind)})), values)


def test_many_values_are_narrowed(monkeypatch):
    monkeypatch.setattr(duckdb_numbers, "_NARROW_VALUES", 1_000)
    picked = random.Random(5)
    values = [picked.lognormvariate(0, 3) for _ in range(5_000)]
    check_column(measured(pa.table({"c": values})), values)


# Same input, same bytes -----------------------------------------------------------------


def test_profile_is_the_same_on_any_number_of_threads(tmp_path, demo_tables, monkeypatch):
    weather = pq.read_table(demo_tables["weather"])
    path = tmp_path / "weather.parquet"
    pq.write_table(weather, path, row_group_size=2048)  # work for several threads
    written = []
    for run, threads in enumerate(("1", "4", "4")):
        monkeypatch.setenv("VOYANT_THREADS", threads)
        context = {
            "job_id": f"j{run}",
            "tenant_id": "t",
            "artifacts_root": str(tmp_path / "out"),
            "tables": [],
            "sources": {"weather": path, "planes": demo_tables["planes"]},
        }
        result = default_registry.run(context, only=["profile"])
        assert result.success
        written.append(Path(result.artifacts["profile"]).read_bytes())
    assert written[0] == written[1] == written[2]


# Errors -----------------------------------------------------------------


def test_column_that_cannot_be_measured_is_counted_with_the_reason(monkeypatch):
    def broken(measuring):
        measuring.run("SELECT error('no such luck')")

    monkeypatch.setattr(duckdb_summary, "measure_values", broken)
    engine = DuckDBEngine({"t": pa.table({"t": ["a", None, "b"], "n": [1, 2, 3]})})
    column = engine.summarize("t").columns["t"]
    assert (column.count, column.null_count, column.distinct_count) == (2, 1, None)
    assert "no such luck" in column.approximations["distinct_count"].method
    assert not column.is_unique
    assert engine.summarize("t").columns["n"].mean == 2
    engine.close()


def test_no_error_of_duckdb_leaves_the_engine(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), path)
    engine = DuckDBEngine({"t": path})
    assert [column.name for column in engine.columns("t")] == ["a", "b"]
    path.unlink()
    asks = (
        lambda: engine.summarize("t"),
        lambda: engine.duplicate_rows("t"),
        lambda: engine.distinct_count("t", ["a"]),
        lambda: engine.distinct_count("t", ["no such column"]),
        lambda: engine.unique_pairs("t", [("a", "b")], budget=1),
        lambda: engine.pearson("t", ["a"]),
        lambda: engine.spearman("t", ["a"], sample_rows=5),
        lambda: engine.contingencies("t", [("a", "b")]),
        lambda: engine.containment("t", "a", "t", "b"),
    )
    for ask in asks:
        with pytest.raises(EngineError, match="Table 't'") as caught:
            ask()
        assert not isinstance(caught.value, duckdb.Error)
        assert "LINE 1" not in str(caught.value)
    engine.close()


def ask_for_ever(engine):
    while True:
        engine.distinct_count("t", ["a", "b"])
        engine._memory.clear()


def test_work_can_be_interrupted_from_another_thread():
    rows = 3_000_000
    engine = DuckDBEngine({"t": pa.table({"a": pa.array(range(rows)), "b": pa.array(range(rows))})})
    stop = threading.Event()

    def interrupt():
        while not stop.wait(0.001):
            engine.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(EngineError, match="interrupted"):
            ask_for_ever(engine)
    finally:
        stop.set()
        thread.join()
    engine._memory.clear()
    assert engine.distinct_count("t", ["a", "b"]).value == rows  # and goes on afterwards
    engine.close()


def test_interrupting_when_nothing_runs_is_harmless():
    engine = DuckDBEngine({"t": pa.table({"a": [1]})})
    engine.interrupt()
    assert engine.summarize("t").row_count == 1
    engine.close()


def test_closing_twice_removes_the_scratch_folder_once():
    engine = DuckDBEngine({"t": pa.table({"a": [1]})})
    scratch = engine._scratch
    assert (scratch / "scratch.duckdb").is_file()
    engine.close()
    engine.close()
    assert not scratch.exists()


def test_nothing_is_left_behind_when_an_input_cannot_be_opened(tmp_path):
    with pytest.raises(SourceError):
        DuckDBEngine({"t": tmp_path / "nope.csv"}, temp_directory=tmp_path)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 this is no Parquet PAR1")
    with pytest.raises(SourceError, match=r"bad\.parquet"):
        DuckDBEngine({"t": tmp_path / "bad.parquet"}, temp_directory=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.parquet"]


def test_questions_after_closing_are_an_error_of_ours():
    engine = DuckDBEngine({"t": pa.table({"a": [1]})})
    engine.close()
    with pytest.raises(VoyantError):
        engine.summarize("t")


def test_threads_share_one_summary(mixed):
    engine = DuckDBEngine({"t": mixed})
    connection = counting(engine)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(engine.summarize("t"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(summary is found[0] for summary in found)
    assert connection.scans("t") == 1 + len(mixed.column_names)
    engine.close()


def test_interrupting_does_not_wait_for_the_lock(mixed):
    engine = DuckDBEngine({"t": mixed})
    with engine._lock:
        thread = threading.Thread(target=engine.interrupt)
        thread.start()
        thread.join(timeout=30)
        assert not thread.is_alive()
    engine.close()


def test_columns_with_as_many_gaps_in_other_rows_are_told_apart():
    left, right = [None, 2.0, 5.0, 1.0, 9.0], [4.0, None, 5.0, 3.0, 4.0]
    engine = DuckDBEngine({"t": pa.table({"a": left, "b": right})})
    for found in (
        *engine.pearson("t", ["a", "b"]),
        *engine.spearman("t", ["a", "b"], sample_rows=100),
    ):
        assert found.row_count == 3
        wanted = pd.DataFrame({"a": left, "b": right}).corr(found.method).loc["a", "b"]
        assert found.value == pytest.approx(wanted)
    engine.close()


def assert_ranks_are_scipys(found, frame):
    for pair in found:
        shared = frame[[pair.left, pair.right]].dropna()
        assert pair.row_count == len(shared)
        wanted = stats.spearmanr(shared[pair.left], shared[pair.right]).statistic
        assert pair.value == pytest.approx(wanted, abs=1e-12)


def test_ranks_are_those_among_the_rows_that_a_pair_shares_wherever_the_gaps_lie():
    generator = np.random.default_rng(11)
    frame = pd.DataFrame(generator.normal(size=(400, 5)), columns=list("abcde"))
    frame.loc[:60, "b"] = None
    frame.loc[:120, "c"] = None  # wherever b has none, and beyond
    frame.loc[100:180, "d"] = None  # beside b's, across the end of c's
    engine = DuckDBEngine({"t": pa.Table.from_pandas(frame)})
    found = engine.spearman("t", list("abcde"), sample_rows=1_000)
    assert len(found) == 10
    assert_ranks_are_scipys(found, frame)
    engine.close()


@pytest.mark.parametrize(
    "limits",
    [{}, {"_LEAST_PART_BITS": 99}, {"_FLOAT_BITS": 28, "_LEAST_PART_BITS": 1}],
    ids=["floats", "integers", "floats in parts"],
)
def test_ranks_in_many_sets_of_rows_are_right_however_they_are_summed(monkeypatch, limits):
    for name, value in limits.items():
        monkeypatch.setattr(duckdb_correlations, name, value)
    generator = np.random.default_rng(23)
    names = [f"c{i}" for i in range(10)]
    frame = pd.DataFrame(generator.integers(0, 40, size=(900, 10)).astype(float), columns=names)
    frame += frame[["c0"]].to_numpy() / 2
    for name in names[1:]:  # gaps in rows of its own: more ranks than are held at a time
        frame.loc[generator.random(900) < 0.1, name] = None
    engine = DuckDBEngine({"t": pa.Table.from_pandas(frame)})
    found = engine.spearman("t", names, sample_rows=1_000)
    assert [(pair.left, pair.right) for pair in found] == list(combinations(names, 2))
    assert_ranks_are_scipys(found, frame)
    engine.close()


def test_gaps_of_more_kinds_than_rows_are_grouped_by_leave_the_right_rows_out():
    generator = np.random.default_rng(17)
    base = generator.normal(size=(900, 1))
    names = list("abcdefghi")
    frame = pd.DataFrame(base + generator.normal(size=(900, 9)), columns=names)
    frame["a"] = (frame["a"] * 1_000).round().astype("Int64")  # whole, and summed as floats
    frame["b"] = (frame["b"] * 2**28).round().astype("Int64")  # whole, too large for that
    for name in "bcdefghi":
        frame.loc[generator.random(900) < 0.2, name] = None
    engine = DuckDBEngine({"t": pa.Table.from_pandas(frame)})
    for found in (
        *engine.pearson("t", names),
        *engine.spearman("t", names, sample_rows=1_000),
    ):
        shared = frame[[found.left, found.right]].dropna().astype(float)
        oracle = stats.pearsonr if found.method == "pearson" else stats.spearmanr
        wanted = oracle(shared[found.left], shared[found.right]).statistic
        assert (found.row_count, found.value) == (len(shared), pytest.approx(wanted, abs=1e-12))
    engine.close()


def test_zeros_of_both_signs_share_a_rank():
    left, right = [0.0, -0.0, 1.0, -1.0, 2.0], [1, 2, 3, 0, 5]
    engine = DuckDBEngine({"t": pa.table({"a": left, "b": right})})
    (found,) = engine.spearman("t", ["a", "b"], sample_rows=100)
    assert found.value == pytest.approx(stats.spearmanr(left, right).statistic)
    engine.close()


def test_negative_zero_is_shown_as_zero():
    column = measured(pa.table({"c": [-0.0, -0.0, 1.0]}))
    assert [entry.value for entry in column.sample] == ["0.0", "1.0"]
    assert str(column.top_values[0].value) == "0.0"


def test_numbers_of_any_size_are_in_order(tmp_path):
    with duckdb.connect(str(tmp_path / "big.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT (x * 9)::BIGNUM AS c FROM range(-3, 9) r(x)")
    engine = DuckDBEngine({"t": str(tmp_path / "big.duckdb")})
    (table,) = engine.tables()
    column = engine.summarize(table).columns["c"]
    assert [item.value for item in column.top_values] == [9 * x for x in range(-3, 9)]
    engine.close()


def test_few_values_are_measured_here_exactly_as_many_are_in_the_database(monkeypatch):
    generator = np.random.default_rng(3)
    table = pa.table(
        {
            "whole": generator.integers(-1_000, 5_000, 900),
            "large": generator.integers(-(2**62), 2**62, 900),
            "float": generator.normal(size=900) * 10.0 ** generator.integers(-8, 8, 900),
            "huge": generator.choice([1e308, -1e308, 5.0, 1e-300], 900),
            "time": pa.array(generator.integers(0, 2**50, 900), pa.timestamp("us")),
            "nanoseconds": pa.array(
                [10**18 + n % 40 * 10**12 + n // 40 * 7 % 9 for n in range(900)], pa.timestamp("ns")
            ),
            "day": pa.array([None, *generator.integers(-9_000, 9_000, 899).tolist()], pa.date32()),
            "clock": pa.array(generator.integers(0, 86_400, 900).tolist(), pa.time32("s")),
            "decimal": pa.array(
                [Decimal(int(n)).scaleb(-3) for n in generator.integers(-99, 99, 900)]
            ),
            "is_so": pa.array([[True, False, None][n % 3] for n in range(900)], pa.bool_()),
            "odd": generator.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e16, 0.1], 900),
            "text": generator.choice(
                [
                    "",
                    " ",
                    "\t x",
                    "x ",
                    "é" * 600,
                    "é" * 601,
                    "\U0001f600",
                    "12",
                    "1e3",
                    "2013-01-02",
                ],
                900,
            ),
            "bytes": pa.array([bytes([n % 7]) for n in range(900)]),
            "nothing": pa.nulls(900, pa.string()),
        }
    )
    found = []
    for most in (duckdb_column.FEW_VALUES, -1):
        monkeypatch.setattr(duckdb_column, "FEW_VALUES", most)
        engine = DuckDBEngine({"t": table})
        found.append(engine.summarize("t"))
        engine.close()
    few, many = (list(summary.columns.values()) for summary in found)
    for column, other in zip(few, many, strict=True):
        assert repr(column) == repr(other)  # NaN, too
