"""Does SQL that goes through Ibis' `raw_sql` come back as cells, from each shape of driver?"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import ibis
import pytest

from voyant.core.errors import QueryError
from voyant.engines.dialects.raw import RawSqlSession
from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.tables import JobTable
from voyant.engines.sandbox import QueryLimits


@pytest.fixture(scope="module")
def database(postgres_server):
    database = postgres_server.new_database("raw")
    with postgres_server.connect(database) as admin:
        admin.execute("CREATE TABLE t AS SELECT i AS x FROM generate_series(1, 5) AS g(i)")
    return database


def test_a_real_ibis_backend(postgres_server, database):
    def connect():
        return ibis.postgres.connect(
            host="127.0.0.1", port=postgres_server.port, user=postgres_server.user,
            password=postgres_server.password, database=database,
        )  # fmt: skip

    with GuardedQueries(
        lambda: RawSqlSession(connect),
        dialect="postgres",
        tables=lambda: [JobTable(path=("public", "t"))],
        limits=QueryLimits(max_rows=3),
    ) as queries:
        result = queries.query("SELECT x, x * 1.5 AS y FROM t ORDER BY x")
        assert result.rows == ((1, 1.5), (2, 3), (3, 4.5))
        assert result.truncated
        assert [(c.name, c.type) for c in result.columns] == [("x", "bigint"), ("y", "decimal")]
        with pytest.raises(QueryError, match=r"postgres could not run the query: column"):
            queries.query("SELECT y FROM t")
        assert queries.query("SELECT 1").rows == ((1,),)


def test_connection_that_fails_is_a_query_error():
    def connect():
        raise OSError("no route to host\nmore")

    with pytest.raises(QueryError, match=r"could not be opened for queries: no route to host$"):
        RawSqlSession(connect)


class Backend:
    name = "made-up"

    def __init__(self, result):
        self.result = result

    def raw_sql(self, _):
        return self.result


VALUES = (1, Decimal("1.5"), dt.datetime(2024, 1, 1, 10, tzinfo=dt.UTC), b"ab", float("nan"), None)
CELLS = (1, 1.5, "2024-01-01T10:00:00+00", "<2 bytes>", "NaN", None)
NAMES = tuple("abcdef")


def shapes():
    clickhouse = SimpleNamespace(
        result_rows=[VALUES],
        column_names=NAMES,
        column_types=[SimpleNamespace(name=f"T{n}") for n in NAMES],
    )

    class Rows(list):
        schema = tuple(SimpleNamespace(name=n, field_type=f"T{n}") for n in NAMES)

    class Cursor:
        description = tuple((n, SimpleNamespace(name=f"T{n}")) for n in NAMES)

        def fetchmany(self, count):
            return [VALUES][:count]

        def close(self):
            self.closed = True

    bigquery = Rows([dict(zip(NAMES, VALUES, strict=True))])
    return {"clickhouse-connect": clickhouse, "BigQuery": bigquery, "DB-API": Cursor()}


@pytest.mark.parametrize("shape", shapes())
def test_shapes_of_results(shape):
    session = RawSqlSession(lambda: Backend(shapes()[shape]))
    answer = session.run("SELECT 1", max_rows=5)
    assert [(c.name, c.type) for c in answer.columns] == [(n, f"T{n}") for n in NAMES]
    assert list(answer.rows) == [CELLS]
    session.cancel()
    session.close()
