"""Selected rows are exactly those that were asked for, and the same ones every time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import duckdb
import pytest

from voyant.core.errors import SourceError, UnknownTableError, UnsafeQueryError
from voyant.core.selection import Sample, TableSelection, selection_of
from voyant.engines.duckdb import DuckDBEngine

NOW = datetime(2025, 4, 1, tzinfo=UTC)


@pytest.fixture
def orders(tmp_path):
    """A thousand rows: region in turns, an hour apart, every tenth row twice."""
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        f"""COPY (SELECT i // 2 * 2 + CASE WHEN i % 20 = 1 THEN 0 ELSE i % 2 END AS id,
            ['EU', 'US', 'AP'][i % 3 + 1] AS region, i * 1.5 AS amount, [i] AS list,
            TIMESTAMP '2025-04-01 00:30:00' - to_hours(i::BIGINT) AS at,
            (TIMESTAMP '2025-04-01 00:30:00' - to_hours(i::BIGINT))::TIMESTAMPTZ AS zoned
        FROM range(1000) t(i)) TO '{path}' (FORMAT parquet)"""
    )
    return str(path)


def opened(source, selection, **options):
    return DuckDBEngine({"orders": source}, selections={"orders": selection}, **options)


def ids(engine):
    found = engine.value_counts("orders", "amount", limit=5_000).counts
    return sorted(float(value) for value, _ in found)


def test_a_condition_is_the_conditions_rows(orders):
    engine = opened(orders, TableSelection(where="region = 'EU' -- not the US"))
    try:
        assert engine.summarize("orders").row_count == 334
        assert engine.query("SELECT count(*) FROM orders").rows == ((334,),)
        assert engine.whole_row_count("orders") == 1_000
        assert selection_of(engine, "orders").where.startswith("region")
        handed = engine.handover().open(temp_directory=engine._scratch)
        assert handed.summarize("orders").row_count == 334
        assert handed.query("SELECT count(*) FROM orders").rows == ((334,),)
        handed.close()
    finally:
        engine.close()


@pytest.mark.parametrize("column", ["at", "zoned"])
def test_a_window_ends_with_the_moment_and_begins_after_the_other(orders, column):
    """Rows are at half past: from 22:30 to 00:30 the last of which is after NOW."""
    selection = TableSelection(time_column=column, since=NOW - timedelta(hours=5), until=NOW)
    engine = opened(orders, selection)
    try:
        assert engine.summarize("orders").row_count == 5
    finally:
        engine.close()


def test_a_sample_of_rows_has_so_many_and_is_the_same_whatever_the_order(orders, tmp_path):
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    duckdb.sql(f"COPY (FROM '{orders}' ORDER BY amount DESC) TO '{first}'")
    duckdb.sql(f"COPY (FROM '{orders}' ORDER BY hash(amount)) TO '{second}'")
    selection = TableSelection(sample=Sample(rows=100, seed=7))
    found = []
    for source, threads in ((orders, 1), (str(first), 2), (str(second), 2)):
        engine = opened(source, selection, threads=threads)
        try:
            assert engine.summarize("orders").row_count == 100
            found.append(ids(engine))
        finally:
            engine.close()
    assert found[0] == found[1] == found[2]


def test_seeds_give_different_samples(orders):
    found = []
    for seed in range(4):
        engine = opened(orders, TableSelection(sample=Sample(fraction=0.5, seed=seed)))
        try:
            found.append(frozenset(ids(engine)))
        finally:
            engine.close()
    assert len(set(found)) == 4
    for one in found:
        assert 420 < len(one) < 580, "five standard deviations of a fair coin"
    for one, other in pairwise(found):
        assert 180 < len(one & other) < 320, "samples of two seeds are independent"


def test_a_sample_is_of_the_rows_that_fulfil_the_condition(orders):
    selection = TableSelection(where="region = 'EU'", sample=Sample(rows=50))
    engine = opened(orders, selection)
    try:
        assert engine.summarize("orders").row_count == 50
        regions = engine.value_counts("orders", "region", limit=9).counts
        assert regions == (("EU", 50),)
        assert engine.query("SELECT count(*) FROM orders").rows == ((334,),), "KPIs see no sample"
    finally:
        engine.close()


def test_more_rows_than_there_are_is_all_of_them(orders):
    engine = opened(orders, TableSelection(sample=Sample(rows=10**6)))
    try:
        assert engine.summarize("orders").row_count == 1_000
    finally:
        engine.close()


@pytest.mark.parametrize("kind", ["csv", "duckdb"])
def test_other_kinds_of_input(orders, tmp_path, kind):
    path = tmp_path / f"orders.{kind}"
    if kind == "csv":
        duckdb.sql(f"COPY (SELECT region, amount FROM '{orders}') TO '{path}'")
    else:
        with duckdb.connect(str(path)) as made:
            made.execute(f"CREATE TABLE orders AS SELECT region, amount FROM '{orders}'")
    engine = opened(str(path), TableSelection(where="region = 'EU'", sample=Sample(rows=10)))
    try:
        assert engine.tables() == ("orders",)
        assert engine.summarize("orders").row_count == 10
    finally:
        engine.close()


def test_a_reference_split_is_of_the_selected_rows(orders):
    engine = opened(
        orders,
        TableSelection(where="region = 'EU'"),
        reference={"orders": "before:at=2025-03-20"},
    )
    try:
        before = engine.summarize(engine.reference("orders")).row_count
        after = engine.summarize(engine.current("orders")).row_count
        assert before + after == 334
        assert selection_of(engine, engine.reference("orders")) == selection_of(engine, "orders")
    finally:
        engine.close()


@pytest.mark.parametrize(
    "condition",
    [
        "true UNION SELECT * FROM orders",
        "true) UNION (SELECT * FROM orders",
        "true GROUP BY ALL",
        "true ORDER BY 1",
        "true) ORDER BY (1",
        "true LIMIT 1",
        "true; DROP TABLE orders",
        "true) AS x, (SELECT 1",
        "region IN (SELECT region FROM orders)",
        "EXISTS (FROM read_csv('/etc/passwd'))",
        "getenv('HOME') = 'x'",
        "random() < 0.5",
        "at > now() - INTERVAL 1 DAY",
        "at > current_date",
        "uuid() = uuid()",
        "",
        "'",
        "/* ",
        "true QUALIFY true",
        "x\x00y",
    ],
)
def test_a_condition_is_one_harmless_expression(orders, condition):
    if not condition:
        condition = ") --"
    with pytest.raises(UnsafeQueryError):
        opened(orders, TableSelection(where=condition))


@pytest.mark.parametrize(
    ("selection", "error", "message"),
    [
        (TableSelection(where="regoin = 'EU'"), SourceError, "cannot be used.*regoin"),
        (TableSelection(where="sum(amount) > 1"), SourceError, "cannot be used"),
        (
            TableSelection(time_column="when", since=NOW, until=NOW),
            SourceError,
            "no column 'when'.*'at'",
        ),
        (TableSelection(time_column="region", since=NOW, until=NOW), SourceError, "no date"),
    ],
)
def test_what_does_not_fit(orders, selection, error, message, tmp_path):
    with pytest.raises(error, match=message):
        opened(orders, selection, temp_directory=tmp_path)
    assert not list(tmp_path.glob("voyant-*"))


def test_an_unknown_table(orders):
    with pytest.raises(UnknownTableError, match="Did you mean 'orders'"):
        DuckDBEngine({"orders": orders}, selections={"order": TableSelection(where="true")})


def test_values_of_all_kinds_can_be_sampled(tmp_path):
    path = tmp_path / "odd.parquet"
    duckdb.sql(
        f"""COPY (SELECT i AS n, CASE WHEN i % 3 > 0 THEN i END AS gaps, {{'a': i}} AS s,
        [i, NULL] AS l,
        'x'::BLOB AS b, 'NaN'::DOUBLE AS nan, DATE '2025-01-01' AS d FROM range(500) t(i))
        TO '{path}' (FORMAT parquet)"""
    )
    engine = DuckDBEngine(
        {"t": str(path)}, selections={"t": TableSelection(sample=Sample(rows=40))}
    )
    try:
        assert engine.summarize("t").row_count == 40
    finally:
        engine.close()


def test_a_selection_is_a_plain_value():
    import pickle

    selection = TableSelection(where="a", since=NOW, until=NOW, sample=Sample(rows=1))
    assert pickle.loads(pickle.dumps(selection)) == selection  # noqa: S301 - made a line before
    assert replace(selection, where="") != selection
    assert json.dumps(selection.where)
