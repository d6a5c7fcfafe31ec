"""Is every hostile statement refused by the check alone, before any other layer?"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines.hostile_sql.corpus import Hostile, load
from voyant.core.errors import UnsafeQueryError
from voyant.engines.guard import MAX_QUERY_LENGTH, _Judge, check_query
from voyant.engines.sql_vocabulary import FUNCTIONS, TABLE_FUNCTIONS, WINDOW_FUNCTIONS

# `kpis` is here for the Kelvin sign of the corpus, the quoted names for users who love punctuation.
TABLES = ("orders", "kpis", "Weird.Name", 'say "hi"', "käse 🧀")
HOSTILE = load()
PATHS = {
    "canary": "/data/canary.csv",
    "canary_parquet": "/data/canary.parquet",
    "orders": "/data/orders.parquet",
    "database": "/data/other.duckdb",
    "folder": "/data",
    "parent": 1,
}


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(config={"python_enable_replacements": False}) as opened:
        yield opened


def test_corpus_is_large_and_has_no_repetitions():
    statements = Counter(hostile.template for hostile in HOSTILE)
    assert len(statements) >= 150
    assert [statement for statement, count in statements.items() if count > 1] == []
    assert {hostile.group for hostile in HOSTILE} == {
        "catalogs",
        "ddl_dml",
        "extensions",
        "files",
        "functions",
        "settings",
        "syntax",
    }


@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
def test_hostile_statement_is_refused(hostile: Hostile, connection):
    with pytest.raises(UnsafeQueryError) as caught:
        check_query(hostile.sql(**PATHS), tables=TABLES, connection=connection)
    assert caught.value.what
    assert caught.value.remedy


PASSING = [
    "SELECT 1",
    "select 1;",
    "SELECT 1 -- a remark",
    "/* a remark; with a semicolon */ SELECT 1",
    "\ufeffSELECT 1",
    "FROM orders",
    "FROM ORDERS o SELECT o.id",
    "TABLE orders",
    "VALUES (1, 'a'), (2, 'b')",
    'SELECT * FROM "weird.name"',
    'SELECT * FROM "say ""hi"""',
    'SELECT * FROM "käse 🧀"',
    "SELECT 'read_text(''/etc/passwd'')' AS just_text",
    'SELECT 1 AS "COPY x TO y"',
    "SELECT orders.id, orders.amount FROM orders",
    "SELECT a.b.c.d FROM orders a",
    "WITH x AS (FROM orders) FROM x",
    "WITH x AS (FROM orders), y AS (FROM x) SELECT * FROM y JOIN x USING (id)",
    "WITH X AS (SELECT 1) SELECT * FROM (SELECT * FROM x)",
    "WITH orders AS (SELECT * FROM orders) FROM orders",
    "WITH x AS MATERIALIZED (FROM orders) FROM x UNION ALL FROM x",
    "WITH x AS (SELECT 1 i) SELECT (SELECT max(i) FROM x), i IN (FROM x) FROM x ORDER BY (FROM x)",
    "WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r WHERE i < 5) FROM r",
    "SELECT * FROM orders TABLESAMPLE 10%",
    "SELECT * FROM orders USING SAMPLE reservoir(10 ROWS) REPEATABLE (1)",
    "SELECT * EXCLUDE (id) REPLACE (amount / 2 AS amount) RENAME (customer AS who) FROM orders",
    "SELECT COLUMNS('a.*'), COLUMNS(c -> c LIKE 'i%') FROM orders",
    "SELECT * FROM orders o, LATERAL (SELECT o.id + 1) t(next)",
    "SELECT * FROM orders a ASOF JOIN orders b ON a.id >= b.id",
    "SELECT * FROM range(3) t(i), generate_series(1, 3) s, unnest([1, 2]) u",
    "SELECT id FROM orders UNION BY NAME SELECT amount FROM orders",
    "SELECT id FROM orders EXCEPT SELECT 1 INTERSECT ALL SELECT 2",
    "SELECT x'ab', 1e3, NULL, true, DATE '2024-01-01', INTERVAL 3 DAYS, 'a' COLLATE nocase, -5!",
    "SELECT CAST(1 AS DECIMAL(10, 2)), '1'::INT[], NULL::STRUCT(a INT, b VARCHAR[]), 'a'::JSON",
    "SELECT NULL::MAP(INT, VARCHAR), TRY_CAST('x' AS TIMESTAMPTZ), 1::HUGEINT, 'a'::TIME",
    "SELECT d::TIMESTAMP WITH TIME ZONE AT TIME ZONE 'UTC', '1'::DOUBLE PRECISION FROM orders",
    "SELECT t::TIMESTAMP_S, t::TIMESTAMP_MS, t::TIMESTAMP_NS, t::UUID, t::BLOB, t::BIT FROM orders",
]


@pytest.mark.parametrize("sql", PASSING)
def test_harmless_query_passes(sql: str, connection):
    check_query(sql, tables=TABLES, connection=connection)


def test_message_names_the_table_and_the_nearest_known_one(connection):
    with pytest.raises(UnsafeQueryError, match=r"'ordres'.*Did you mean 'orders'\?"):
        check_query("SELECT * FROM ordres", tables=TABLES, connection=connection)


def test_message_explains_how_to_write_a_pivot(connection):
    with pytest.raises(UnsafeQueryError, match=r"ON k IN \('a', 'b'\)"):
        check_query("PIVOT orders ON id USING sum(1)", tables=TABLES, connection=connection)


def test_no_table_means_no_table(connection):
    check_query("SELECT 1", tables=(), connection=connection)
    with pytest.raises(UnsafeQueryError):
        check_query("FROM orders", tables=(), connection=connection)


def test_pending_result_of_the_connection_survives(connection):
    connection.execute("SELECT 42")
    check_query("SELECT 1", tables=TABLES, connection=connection)
    assert connection.fetchall() == [(42,)]


@pytest.mark.parametrize("depth", [10, 1_000, 20_000])
@pytest.mark.parametrize(
    "shape",
    [
        lambda n: "SELECT " + "(" * n + "1" + ")" * n,
        lambda n: "SELECT " + "[" * n + "]" * n,
        lambda n: "SELECT " + "NOT " * n + "true",
        lambda n: "SELECT 1" + "+1" * n,
        lambda n: "SELECT " + "- " * n + "1",
        lambda n: "SELECT " + "case when true then " * n + "1" + " end" * n,
        lambda n: "SELECT true" + " and true" * n,
        lambda n: "SELECT 1" + " union all select 1" * n,
        lambda n: "FROM " + "(FROM " * n + "orders" + ")" * n,
        lambda n: "FROM orders" + ",orders" * n,
        lambda n: "SELECT a" + ".a" * n,
        lambda n: "SELECT a" + "::int" * n,
        lambda n: "SELECT " + "x->" * n + "1",
        lambda n: "SELECT 1" + " -- x\n" * n,
        lambda n: "/*" * n,
    ],
)
def test_deep_or_long_text_is_judged_or_refused_but_never_crashes(shape, depth, connection):
    try:
        check_query(shape(depth), tables=TABLES, connection=connection)
    except UnsafeQueryError:
        assert depth > 10 or shape(1) == "/*"


def test_text_beyond_the_limit_is_refused_before_it_is_parsed(connection):
    longest = "SELECT " + "1" * (MAX_QUERY_LENGTH - 7)
    check_query(longest.replace("1", " ", len(longest) - 10), tables=(), connection=connection)
    for size in (MAX_QUERY_LENGTH + 1, 1_000_000):
        with pytest.raises(UnsafeQueryError, match="characters"):
            check_query("SELECT 1" + " " * (size - 8), tables=(), connection=connection)


def test_every_function_of_duckdb_that_is_not_listed_is_refused(connection):
    rows = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    unlisted = {
        name for (name,) in rows if name.isidentifier() and name.lower() not in FUNCTIONS
    } - WINDOW_FUNCTIONS
    assert {"read_csv", "getvariable", "duckdb_settings", "query_table"} <= unlisted
    for name in unlisted:
        with pytest.raises(UnsafeQueryError):
            check_query(f'SELECT "{name}"(1)', tables=(), connection=connection)
    for (name,) in rows:
        if name.isidentifier() and name.lower() not in TABLE_FUNCTIONS:
            with pytest.raises(UnsafeQueryError):
                check_query(f'SELECT * FROM "{name}"(1)', tables=(), connection=connection)


def test_listed_functions_exist(connection):
    """A word in the list that no version knows would be a typing error, or a trap for later."""
    rows = connection.execute("SELECT DISTINCT lower(function_name) FROM duckdb_functions()")
    known = {name for (name,) in rows.fetchall()}
    new_in_2_0 = {"!=", "<", "<=", "=", ">", ">=", "if", "overlay"}
    assert FUNCTIONS - known - new_in_2_0 == set()


MUTANTS = st.sampled_from(
    [hostile.sql(**PATHS) for hostile in HOSTILE if "SURROGATE" not in hostile.template] + PASSING
)
WORDS = "select from with as in pivot on using over union read_csv hidden recursive lambda -- /* */"
TOKENS = st.sampled_from(
    [*" ;,()[]{}.'\"-+*/$?:\\\n\t\0%", *WORDS.split(), "$$", "::", "->", "=>", ":=", "..."]
)


@settings(max_examples=400)
@given(data=st.data())
def test_mutated_statements_pass_or_are_refused_and_nothing_else(data: st.DataObject):
    text = data.draw(MUTANTS)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        insert = data.draw(st.one_of(TOKENS, st.text(max_size=6), MUTANTS))
        text = text[:start] + insert + text[end:]
    with duckdb.connect() as opened, suppress(UnsafeQueryError):
        check_query(text, tables=TABLES, connection=opened)


@settings(max_examples=200)
@given(data=st.data())
def test_a_tree_with_anything_unknown_in_it_is_refused(data: st.DataObject):
    with duckdb.connect() as opened:
        sql = data.draw(st.sampled_from(PASSING[10:]))
        tree = json.loads(
            opened.execute(
                "SELECT json_serialize_sql(?::VARCHAR, skip_null := true, skip_empty := true, "
                "skip_default := true)",
                [sql],
            ).fetchone()[0]
        )["statements"][0]
    node = data.draw(st.sampled_from(list(_judged_objects(tree))))
    if "type" in node and data.draw(st.booleans()):
        node["type"] = "A_KIND_OF_TOMORROW"
    else:
        node["a_key_of_tomorrow"] = data.draw(st.sampled_from([{}, [], 1, "x", {"class": "STAR"}]))
    with pytest.raises(UnsafeQueryError, match=r"TOMORROW|tomorrow"):
        _Judge(TABLES).judge(tree)


def _judged_objects(part):
    """Every object of a tree that stands for a node, constants of 1.5 and type trees left out."""
    if isinstance(part, list):
        for item in part:
            yield from _judged_objects(item)
    elif isinstance(part, dict) and "is_null" not in part:
        if "class" in part or "type" in part:
            yield part
        for key, value in part.items():
            if key not in {"cast_type", "literal", "qualified_name", "rename_list"}:
                yield from _judged_objects(value)
