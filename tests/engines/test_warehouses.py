"""Warehouses open by URL, or say what is missing; nothing they say holds a password."""

from __future__ import annotations

import pickle
import sys
import threading
import traceback

import pytest

from voyant.core.checks import RowCheck, RowCheckKind
from voyant.core.errors import ConfigurationError, EngineError, SourceError
from voyant.engines.ibis_any import AnyOpening
from voyant.engines.ibis_engine import IbisEngine
from voyant.engines.ibis_postgres import PostgresOpening
from voyant.engines.warehouses import open_warehouse


def opened(url, **options):
    return open_warehouse(url, statement_timeout_seconds=60, **options)


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(
        "voyant.engines.warehouses.find_spec", lambda name: None if name == "psycopg" else sys
    )
    with pytest.raises(
        ConfigurationError, match=r"needs psycopg.*pip install 'voyant\[postgres\]'"
    ):
        opened("postgresql://ann:secret@127.0.0.1/db")


def test_summary_of_a_table(postgres_server):
    with postgres_server.connect() as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS public.prices (id int, price numeric(6,2))")
        admin.execute("INSERT INTO public.prices VALUES (1, 1.5), (2, NULL), (3, 2.5)")
    engine = opened(postgres_server.url())
    try:
        assert isinstance(engine, IbisEngine)
        assert engine.name.startswith("postgresql 1")
        price = engine.summarize("prices").columns["price"]
        assert (price.type, price.kind.value) == ("numeric(6,2)", "decimal")
        assert (price.count, price.null_count, price.sum, price.mean) == (2, 1, 4, 2.0)
    finally:
        engine.close()
        engine.close()


def test_wrong_password_is_not_shown(postgres_server):
    for password in ("wr@ng/p:ss%?#", "p w"):
        url = postgres_server.url(password=password)
        with pytest.raises(EngineError, match="password authentication failed") as raised:
            PostgresOpening(url, 60)()
        assert password not in str(raised.value)
        assert password not in repr(raised.value.__cause__)
        assert url not in repr(PostgresOpening(url, 60))


SHOP = """
CREATE SCHEMA sales;
CREATE SCHEMA "Odd ""name"" 😀";
CREATE TABLE public.orders (id int, price numeric(6,2), note text, at timestamptz);
INSERT INTO public.orders VALUES (1, 1.5, 'a', 'infinity'), (2, NULL, 'b', '2020-01-01'),
    (3, 2.5, NULL, '-infinity'), (3, 'NaN', 'b', NULL);
CREATE TABLE sales.orders (id int);
CREATE TABLE public."sales.orders" (id int);
CREATE TABLE "Odd ""name"" 😀"."select" ("say ""hi""; --" int);
INSERT INTO "Odd ""name"" 😀"."select" VALUES (7);
CREATE VIEW public.priced AS SELECT * FROM public.orders WHERE price IS NOT NULL;
CREATE MATERIALIZED VIEW sales.totals AS SELECT count(*) AS n FROM public.orders;
CREATE TABLE public.events (at date, kind text) PARTITION BY RANGE (at);
CREATE TABLE public.events_2020 PARTITION OF public.events
    FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE public.events_2021 PARTITION OF public.events
    FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO public.events VALUES ('2020-05-05', 'x'), ('2021-06-06', 'y');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN rate AS numeric(5,2) CHECK (VALUE >= 0);
CREATE TABLE public.kinds (m mood, r rate, net inet, n numeric, f real, t timetz, c char(4),
    b bit(3), j json, x int4range, p point, many int[], cost money, o oid);
INSERT INTO public.kinds VALUES ('sad', 1.25, '10.0.0.1', 1.5, 0.1, '10:00+02', 'ab', '101',
    '{"a": 1}', '[1,3)', '(1,2)', '{1,2}', '12.34', 5), ('happy', NULL, NULL, 1e30, 'NaN', NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE public.secret (id int);
"""


@pytest.fixture(scope="module")
def shop_database(postgres_server):
    """The name of a database of all kinds of tables, most of which the role `reader` may read."""
    database = postgres_server.new_database("shop")
    with postgres_server.connect(database) as admin:
        admin.execute(SHOP)
        admin.execute("CREATE ROLE reader LOGIN PASSWORD 'r:e@d/er?'")
        for schema in ("public", "sales", '"Odd ""name"" 😀"'):
            admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader")
            admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
        admin.execute("REVOKE ALL ON public.secret FROM reader")
    return database


@pytest.fixture(scope="module")
def shop(postgres_server, shop_database):
    """The URL of that database for `reader`."""
    return postgres_server.url(shop_database, user="reader", password="r:e@d/er?")


@pytest.fixture
def engine(shop):
    opened_engine = opened(shop)
    yield opened_engine
    opened_engine.close()


def test_tables_of_all_kinds_and_schemas(engine):
    assert engine.tables() == (
        *("events", "kinds", "orders", "priced", "sales.orders"),
        *('Odd "name" 😀.select', '"sales"."orders"', "sales.totals"),
    )
    assert engine.summarize("events").row_count == 2
    assert engine.summarize("sales.totals").columns["n"].max == 4
    odd = engine.summarize('Odd "name" 😀.select')
    assert odd.columns['say "hi"; --'].min == 7


def test_infinite_times_and_numbers_that_are_none(engine):
    columns = engine.summarize("orders").columns
    at = columns["at"]
    assert (at.count, at.null_count, at.infinite_count) == (3, 1, 2)
    assert (at.min, at.max) == ("2020-01-01T00:00:00+00:00", "2020-01-01T00:00:00+00:00")
    price = columns["price"]
    assert (price.count, price.nan_count, price.sum) == (3, 1, 4.0)
    assert "rounded to double" in price.approximations["sum"].method


def test_types_of_postgresql(engine):
    columns = engine.summarize("kinds").columns
    assert {name: column.kind.value for name, column in columns.items()} == {
        "m": "text",
        "r": "decimal",
        "net": "other",
        "n": "decimal",
        "f": "float",
        "t": "time",
        "c": "text",
        "b": "other",
        "j": "text",
        "x": "other",
        "p": "other",
        "many": "list",
        "cost": "other",
        "o": "integer",
    }
    assert columns["m"].type == "mood"
    assert columns["r"].type == "rate"
    assert (columns["r"].sum, columns["n"].max, columns["f"].nan_count) == (1.25, 1e30, 1)
    assert all(column.count == 1 for name, column in columns.items() if name not in "mnf")


def test_a_run_sees_one_state_and_writes_nothing(shop, shop_database, postgres_server):
    engine = opened(shop)
    before = engine.summarize("sales.orders").row_count
    with postgres_server.connect(shop_database) as admin:
        admin.execute('INSERT INTO public."sales.orders" VALUES (1)')
    try:
        assert engine.distinct_count("sales.orders", ["id"]).value == before
        with pytest.raises(EngineError, match="read-only transaction"):
            engine.warehouse.fetch('DELETE FROM public."sales.orders" RETURNING 1')
        with pytest.raises(EngineError, match="read-only transaction"):
            engine.warehouse.fetch("CREATE TABLE x AS SELECT 1")
        assert engine.duplicate_rows("orders").value == 0  # an error ends no transaction
    finally:
        engine.close()


def test_only_the_named_tables(shop):
    engine = opened(shop, tables=["orders", "sales.totals"])
    assert engine.tables() == ("orders", "sales.totals")
    engine.close()
    with pytest.raises(SourceError, match="Did you mean 'orders'"):
        opened(shop, tables=["ordres"])


def test_references(shop):
    engine = opened(shop, reference={"orders": "before:id=3", "priced": "orders"})
    try:
        assert engine.summarize(engine.reference("orders")).row_count == 2
        assert engine.summarize(engine.current("orders")).row_count == 2
        assert engine.summarize(engine.reference("priced")).row_count == 4
        assert engine.current("priced") == "priced"
        assert set(engine.tables()).isdisjoint({engine.reference("orders")})
    finally:
        engine.close()
    for wrong in ("before:id", "before:nope=1", "before:id=x", "nope"):
        with pytest.raises(SourceError, match="The reference of 'orders'"):
            opened(shop, reference={"orders": wrong})


def test_another_process_sees_the_same_state(shop, shop_database, postgres_server, tmp_path):
    engine = opened(shop)
    summary = engine.summarize("events")
    with postgres_server.connect(shop_database) as admin:
        admin.execute("INSERT INTO public.orders VALUES (9)")
    handover = pickle.loads(pickle.dumps(engine.handover()))  # noqa: S301 - our own
    assert "r:e" not in repr(handover)
    again = handover.open(temp_directory=tmp_path)
    try:
        assert again.summarize("events") == summary
        assert not again.statements.log
        assert again.summarize("orders").row_count == engine.summarize("orders").row_count
        check = RowCheck(kind=RowCheckKind.MATCHES, columns=("kind",), pattern="^x")
        assert again.count_failures("events", [check]) == engine.count_failures("events", [check])
    finally:
        again.close()
        engine.close()


def test_interrupt_ends_a_statement(engine):
    engine.interrupt()  # nothing runs
    timer = threading.Timer(0.3, engine.interrupt)
    timer.start()
    with pytest.raises(EngineError, match="interrupted"):
        engine.warehouse.fetch("SELECT pg_sleep(60)")
    assert engine.summarize("events").row_count == 2


def test_statements_have_a_limit(shop):
    warehouse = PostgresOpening(shop, 0.2)()
    try:
        with pytest.raises(EngineError, match=r"longer than its limit of 0\.2 s"):
            warehouse.fetch("SELECT pg_sleep(60)")
    finally:
        warehouse.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:s3cr3t%zz@127.0.0.1/db",
        "postgresql://ann:s3cr3t@127.0.0.1:port/db",
        "postgresql://ann:s3cr3t@127.0.0.1:1/db",
        "postgresql://ann:s3cr3t@127.0.0.1:1/db?nonsense=1",
    ],
)
def test_urls_that_lead_nowhere_do_not_show_the_password(url):
    with pytest.raises((ConfigurationError, EngineError)) as raised:
        PostgresOpening(url, 60)()
    shown = "".join(traceback.format_exception(raised.value))
    assert "s3cr3t" not in shown.replace(url, "")
    assert "s3cr3t" not in str(raised.value)
    assert "ann:***@" in str(raised.value)


def test_any_database_ibis_connects_to(postgres_server):
    """The way of Trino, Snowflake and the others, on the one of Ibis' databases that runs here."""
    database = postgres_server.new_database("any")
    with postgres_server.connect(database) as admin:
        admin.execute(
            "CREATE TABLE orders AS SELECT i AS id, i % 3 AS n FROM generate_series(1,9) i"
        )
    opening = AnyOpening(postgres_server.url(database))
    engine = IbisEngine(opening())
    try:
        assert engine.name.startswith("postgres 1")
        assert engine.tables() == ("orders",)
        summary = engine.summarize("orders").columns["n"]
        assert (summary.count, summary.distinct_count, summary.sum) == (9, 3, 9)
        with pytest.raises(EngineError, match="could not answer"):
            engine.warehouse.fetch("SELECT * FROM nowhere")
        engine.interrupt()
        assert engine.warehouse.handover() == opening
    finally:
        engine.close()
        engine.close()


def test_secrets_of_any_database_are_not_shown(postgres_server):
    password = "wr@ng/p:ss%?#"
    with pytest.raises(EngineError, match="cannot be opened") as raised:
        AnyOpening(postgres_server.url(password=password))()
    assert password not in str(raised.value)
    assert raised.value.__cause__ is None
