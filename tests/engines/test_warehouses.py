"""Warehouses open by URL, or say what is missing; nothing they say holds a password."""

from __future__ import annotations

import sys

import pytest

from voyant.core.errors import ConfigurationError, EngineError
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
        admin.execute("CREATE TABLE IF NOT EXISTS public.orders (id int, price numeric(6,2))")
        admin.execute("INSERT INTO public.orders VALUES (1, 1.5), (2, NULL), (3, 2.5)")
    engine = opened(postgres_server.url())
    try:
        assert isinstance(engine, IbisEngine)
        assert engine.name.startswith("postgresql 1")
        price = engine.summarize("orders").columns["price"]
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


def test_any_database_ibis_connects_to(postgres_server):
    """The way of Trino, Snowflake and the others, on the one of Ibis' databases that runs here."""
    with postgres_server.connect() as admin:
        admin.execute('CREATE DATABASE "any"')
    with postgres_server.connect("any") as admin:
        admin.execute(
            "CREATE TABLE orders AS SELECT i AS id, i % 3 AS n FROM generate_series(1,9) i"
        )
    opening = AnyOpening(postgres_server.url("any"))
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
