"""Which engine a context opens: its sources, the settings' tables, or the warehouse."""

from __future__ import annotations

import duckdb
import pytest

from voyant.core.config import Settings
from voyant.core.context import GeneratorContext
from voyant.core.errors import ConfigurationError, SourceError
from voyant.engines.opening import open_engine


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "voyant.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE orders AS SELECT 1 AS id; CREATE TABLE lines AS SELECT 2 AS id")
    return path


def tables(**context):
    ctx = GeneratorContext({"job_id": "j", "tenant_id": "t", "artifacts_root": "out", **context})
    engine = open_engine(ctx)
    try:
        return engine.tables()
    finally:
        engine.close()


def test_sources_of_the_context_come_first(tmp_path, warehouse):
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n")
    found = tables(sources={"t": path}, warehouse_url=f"duckdb:///{warehouse}", tables=[])
    assert found == ("t",)


def test_warehouse_by_url(warehouse, monkeypatch):
    url = f"duckdb:///{warehouse}"
    assert tables(warehouse_url=url) == ("lines", "orders")
    assert tables(warehouse_url=url, tables=["orders"]) == ("orders",)
    monkeypatch.setenv("VOYANT_WAREHOUSE_URL", url)
    assert tables() == ("lines", "orders")


def test_default_warehouse_is_in_the_working_directory(warehouse, monkeypatch):
    assert Settings().warehouse_url == "duckdb:///voyant.duckdb"
    monkeypatch.chdir(warehouse.parent)
    assert tables() == ("lines", "orders")


def test_warehouse_that_is_not_there_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SourceError, match=r"no warehouse file 'voyant\.duckdb'.*VOYANT_WAREHOUSE_URL"
    ):
        tables()


def test_warehouse_of_an_unknown_kind_hides_its_password():
    with pytest.raises(ConfigurationError, match="duckdb:///") as caught:
        tables(warehouse_url="oracle://ann:hunter2@host/db")
    assert "hunter2" not in str(caught.value)
