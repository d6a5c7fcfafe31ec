"""Contexts for tests: the real engine in a temporary folder, or one with canned answers."""

from __future__ import annotations

import pytest

from voyant.testing import AWKWARD_TABLES, FakeEngine, job_context, write_awkward_database


def test_a_context_has_a_real_engine_and_a_real_folder(tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text("id,amount\n1,2.5\n2,3.5\n")
    with job_context(tmp_path, {"orders": str(orders)}, parameters=7, tenant_id="acme") as ctx:
        assert ctx.summary("orders").columns["amount"].sum == 6.0
        assert ctx.write_json("a.json", 1) == str(tmp_path.resolve() / "test" / "a.json")
        assert (ctx.job_id, ctx.tenant_id, ctx.parameters) == ("test", "acme", 7)
    assert ctx.opened("engine") is None


def test_a_fake_engine_answers_and_remembers(tmp_path):
    engine = FakeEngine(tables=("a",), query=lambda sql: sql.upper())
    with job_context(tmp_path, services={"engine": engine}) as ctx:
        assert ctx.tables == ("a",)
        assert ctx.query("select 1") == "SELECT 1"
        with pytest.raises(AttributeError, match="no answer for 'summarize'"):
            ctx.summary("a")
    assert engine.asked == [("tables",), ("query", "select 1")]
    engine.close()


def test_the_awkward_database_holds_what_it_says(tmp_path):
    import duckdb

    path = write_awkward_database(tmp_path / "x.duckdb")
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.sql("SELECT table_name, column_count FROM duckdb_tables()").fetchall()
    assert {name for name, _ in found} == set(AWKWARD_TABLES)
    assert dict(found)["wide"] == 300


def test_everything_offered_is_there():
    from voyant import testing

    assert {name for name in testing.__all__ if not hasattr(testing, name)} == set()
    assert set(testing._PLACES) == set(testing.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        testing.nothing  # noqa: B018 - that it raises is the test
