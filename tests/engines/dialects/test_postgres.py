"""Does PostgreSQL give analysts their answers, and attackers nothing, whoever connects?"""

from __future__ import annotations

import logging
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.engines.hostile_sql.corpus import Hostile, load
from tests.engines.hostile_sql.legitimate_postgres import LEGITIMATE, TABLES
from voyant.core.errors import (
    QueryError,
    QueryMemoryError,
    QueryTimeoutError,
    UnsafeQueryError,
)
from voyant.engines.dialects.check import checked_sql
from voyant.engines.dialects.postgres import PostgresSession
from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.tables import JobTable
from voyant.engines.dialects.words import FUNCTIONS
from voyant.engines.sandbox import QueryLimits

DATABASE = "guarded"
CANARY = "CANARY-77aa-never-to-be-seen"
SETUP = f"""
    {TABLES}
    CREATE SEQUENCE orders_id_seq;
    CREATE TABLE secrets (secret text);
    INSERT INTO secrets VALUES ('{CANARY}');
    CREATE TYPE leaky AS (x text);
    CREATE FUNCTION leak(o orders) RETURNS text LANGUAGE sql AS 'SELECT secret FROM secrets';
"""


@pytest.fixture(scope="module")
def server(postgres_server):
    with postgres_server.connect() as admin:
        admin.execute(f"CREATE DATABASE {DATABASE}".encode())
    with postgres_server.connect(DATABASE) as admin:
        admin.execute(SETUP.encode())
    return postgres_server


@pytest.fixture(scope="module")
def tables(server):
    with server.connect(DATABASE) as admin:
        rows = admin.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_name IN ('orders', 'customers') ORDER BY ordinal_position"
        ).fetchall()
    return [
        JobTable(path=("public", name), columns=tuple(c for t, c in rows if t == name), name=name)
        for name in ("orders", "customers")
    ]


def opened(server, tables, limits=None):
    """Queries as the superuser: what stops them must be the guard, or the transaction."""
    limits = limits or QueryLimits(timeout_seconds=20)

    def session():
        return PostgresSession(lambda: psycopg.connect(server.url(DATABASE)), limits)

    return GuardedQueries(session, dialect="postgres", tables=lambda: tables, limits=limits)


@pytest.fixture(scope="module")
def queries(server, tables):
    with opened(server, tables) as guarded:
        yield guarded


# ------------------------------------------------------------------------ honest questions

# sqlglot writes these otherwise than they were given; the values are the same.
OTHER_TYPES = {
    "date parts": {2: ("double precision", "numeric")},
    "intervals by name": {3: ("interval day", "interval")},
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_rewritten_query_gives_what_the_users_own_text_gives(name: str, queries, server):
    sql = LEGITIMATE[name]
    session = PostgresSession(lambda: psycopg.connect(server.url(DATABASE)), QueryLimits())
    try:
        session._connection.execute("SET search_path = public")
        answer = session.run(sql.rstrip("; \n"), max_rows=1000)
        rows = tuple(answer.rows)
    finally:
        session.close()
    result = queries.query(sql)
    assert result.rows == rows
    assert not result.truncated
    others = OTHER_TYPES.get(name, {})
    for i, (mine, theirs) in enumerate(zip(result.columns, answer.columns, strict=True)):
        assert (theirs.type, mine.type) == others.get(i, (mine.type, mine.type))


CELLS = {
    "NULL::integer": ("integer", None),
    "true": ("boolean", True),
    "9223372036854775807::bigint": ("bigint", 2**63 - 1),
    "0.1::double precision": ("double precision", 0.1),
    "'NaN'::double precision": ("double precision", "NaN"),
    "'-Infinity'::real": ("real", "-Infinity"),
    "'NaN'::numeric": ("numeric", "NaN"),
    "1.50::numeric(10, 2)": ("numeric(10,2)", 1.5),
    "12345678901234567890.123::numeric": ("numeric", "12345678901234567890.123"),
    "'ünï 🧀'::text": ("text", "ünï 🧀"),
    "DATE '2024-02-29'": ("date", "2024-02-29"),
    "TIME '10:00:00.25'": ("time without time zone", "10:00:00.25"),
    "TIMESTAMP '2024-01-01 10:00:00'": ("timestamp without time zone", "2024-01-01T10:00:00"),
    "TIMESTAMPTZ '2024-01-01 10:00:00+02'": (
        "timestamp with time zone",
        "2024-01-01T08:00:00+00",
    ),
    "'infinity'::timestamp": ("timestamp without time zone", "infinity"),
    "INTERVAL '3 days'": ("interval", "3 days"),
    "'abc'::bytea": ("bytea", "<3 bytes>"),
    "ARRAY[1, NULL]": ("integer[]", "{1,NULL}"),
    """'{"a": [1]}'::jsonb""": ("jsonb", '{"a": [1]}'),
}


@pytest.mark.parametrize("expression", CELLS)
def test_cell_arrives_as_documented(expression: str, queries):
    kind, value = CELLS[expression]
    result = queries.query(f"SELECT {expression} AS cell")
    assert [(column.name, column.type) for column in result.columns] == [("cell", kind)]
    assert result.rows == ((value,),)
    assert type(result.rows[0][0]) is type(value)


@pytest.mark.parametrize("text", ["it's", "back\\slash", "\\'; --", "$$", "é\n\t", "%s", "\\x41"])
def test_text_arrives_as_it_was_written(text: str, queries):
    quoted = "'" + text.replace("'", "''") + "'"
    assert queries.query(f"SELECT {quoted} AS t").rows == ((text,),)


def test_listed_functions_exist_and_change_nothing(server):
    """Of what the server has under a listed name, only clocks and chance are volatile."""
    with server.connect(DATABASE) as admin:
        rows = admin.execute(
            "SELECT proname, bool_or(provolatile = 'v') FROM pg_proc "
            "WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY proname"
        ).fetchall()
    known = dict(rows)
    volatile = {name for name, is_volatile in known.items() if is_volatile}
    assert FUNCTIONS["postgres"] & volatile == {
        "clock_timestamp",
        "gen_random_uuid",
        "random",
        "timeofday",
    }
    dangerous = re.compile(
        r"^(pg_|lo_|dblink|txid|current_setting|set_config|.*_to_xml|inet_|ts_stat|ts_rewrite|xml)"
    )
    assert [name for name in FUNCTIONS["postgres"] if dangerous.match(name)] == []
    assert len(FUNCTIONS["postgres"] & set(known)) > 250


def test_every_function_of_the_server_that_is_not_listed_is_refused(server, queries):
    with server.connect(DATABASE) as admin:
        rows = admin.execute("SELECT DISTINCT proname FROM pg_proc").fetchall()
    unlisted = [name for (name,) in rows if name not in FUNCTIONS["postgres"]]
    assert {"pg_read_file", "lo_import", "query_to_xml", "set_config", "leak"} <= set(unlisted)
    passing = set()
    for name in unlisted:
        with suppress(UnsafeQueryError):
            text = checked_sql(
                f"SELECT {name}(1)", dialect="postgres", tables=queries._list_tables()
            )
            if f"{name}(" in text.lower():
                passing.add(name)
    assert passing == {"date", "time", "timestamp"}  # types, whose functions are casts


# ---------------------------------------------------------------------------- hostile ones


STATE = """
    SELECT md5(string_agg(t, '|' ORDER BY t)) FROM (
        SELECT concat_ws(' ', c.oid, relname, relfilenode, relkind, relnamespace) FROM pg_class c
            WHERE relnamespace >= 16384 OR relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', 'proc', oid, proname) FROM pg_proc
        UNION ALL SELECT concat_ws(' ', 'role', rolname, rolsuper, rolpassword) FROM pg_authid
        UNION ALL SELECT concat_ws(' ', 'set', setdatabase, setrole, setconfig::text)
            FROM pg_db_role_setting
        UNION ALL SELECT concat_ws(' ', 'extension', extname) FROM pg_extension
        UNION ALL SELECT concat_ws(' ', 'large object', oid) FROM pg_largeobject_metadata
        UNION ALL SELECT concat_ws(' ', 'slot', slot_name) FROM pg_replication_slots
        UNION ALL SELECT concat_ws(' ', 'file', name, setting) FROM pg_file_settings
        UNION ALL SELECT concat_ws(' ', 'setting', name, setting) FROM pg_settings
        UNION ALL SELECT concat_ws(' ', 'orders', o::text) FROM orders o
        UNION ALL SELECT concat_ws(' ', 'customers', c::text) FROM customers c
        UNION ALL SELECT concat_ws(' ', 'secrets', s::text) FROM secrets s
        UNION ALL SELECT concat_ws(' ', 'sequence', last_value, is_called) FROM orders_id_seq
        UNION ALL SELECT concat_ws(' ', 'lock', classid, objid) FROM pg_locks
            WHERE locktype = 'advisory'
    ) AS everything(t)
"""


@pytest.fixture(scope="module")
def state(server):
    with server.connect(DATABASE) as admin:
        yield lambda: admin.execute(STATE).fetchone()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("outside")
    made.chmod(0o777)  # the server runs as somebody else
    (made / "canary.csv").write_text(f"secret\n{CANARY}\n", encoding="utf-8")
    (made / "canary.csv").chmod(0o644)
    return made


def paths(folder: Path):
    return {
        "canary": folder / "canary.csv",
        "canary_parquet": folder / "canary.parquet",
        "orders": folder / "orders.parquet",
        "database": folder / "other.duckdb",
        "folder": folder,
        "parent": 1,
    }


HOSTILE = [*load(), *load("postgres")]


def test_hostile_statements_change_nothing_and_show_nothing(queries, state, folder, caplog):
    """One test for all, so that the state of server, folder and session is compared at the end."""
    before, files = state(), sorted(path.name for path in folder.iterdir())
    session_before = queries.query("SELECT count(*) FROM orders")
    settings = queries._session._connection.execute(
        "SELECT name, setting FROM pg_settings ORDER BY name"
    ).fetchall()
    refused = 0
    for hostile in HOSTILE:
        try:
            result = queries.query(hostile.sql(**paths(folder)))
        except UnsafeQueryError:
            refused += 1
        else:
            assert CANARY not in repr(result), hostile
            assert "root:" not in repr(result), hostile
    assert refused >= len(HOSTILE) - 1  # one is a comment here, and the rest SELECT 1
    assert state() == before
    assert sorted(path.name for path in folder.iterdir()) == files
    again = queries._session._connection.execute(
        "SELECT name, setting FROM pg_settings ORDER BY name"
    ).fetchall()
    assert again == settings
    assert queries.query("SELECT count(*) FROM orders").rows == session_before.rows


@pytest.mark.parametrize("hostile", load("postgres"), ids=str)
def test_without_the_check_the_transaction_is_read_only_and_ends(hostile: Hostile, server, folder):
    """What a session of a role that can only read lets through if the check is gone."""
    limits = QueryLimits(timeout_seconds=0.5)
    session = PostgresSession(
        lambda: psycopg.connect(server.url(DATABASE, user="analyst", password="pw")), limits
    )
    try:
        answer = session.run(hostile.sql(**paths(folder)), max_rows=10)
        said = repr(list(answer.rows))
    except QueryError as error:
        said = str(error)
    finally:
        session.close()
    assert CANARY not in said
    assert "root:" not in said
    assert not (folder / "new.txt").exists()


@pytest.fixture(scope="module", autouse=True)
def _analyst(server):
    """A role that may read the job's tables and nothing else."""
    with server.connect(DATABASE) as admin:
        admin.execute("CREATE ROLE analyst LOGIN PASSWORD 'pw'")
        admin.execute("GRANT SELECT ON orders, customers TO analyst")
        admin.execute("REVOKE EXECUTE ON FUNCTION leak FROM PUBLIC")


# ---------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(("count", "truncated"), [(9, False), (10, False), (11, True)])
def test_rows_are_capped_and_the_result_says_so(count, truncated, server, tables):
    with opened(server, tables, QueryLimits(max_rows=10)) as few:
        result = few.query(f"SELECT i FROM generate_series(1, {count}) AS g(i)")
        assert len(result.rows) == min(count, 10)
        assert result.truncated is truncated


def test_rows_nobody_reads_are_not_made(queries):
    result = queries.query(
        "SELECT a.i FROM generate_series(1, 10) a(i), orders, orders b, orders c, orders d, "
        "orders e, orders f, orders g, orders h, orders k"
    )
    assert len(result.rows) == 1000
    assert result.truncated


def test_bytes_are_capped_and_the_result_says_so(server, tables):
    with opened(server, tables, QueryLimits(max_result_bytes=10_000)) as small:
        result = small.query("SELECT repeat('x', 1000) FROM generate_series(1, 100) AS g(i)")
        assert len(result.rows) == 10_000 // 1004
        assert result.truncated
        with pytest.raises(QueryMemoryError, match="One row"):
            small.query("SELECT repeat('x', 20000)")
        assert small.query("SELECT 1").rows == ((1,),)


ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000000000) AS g(i)"


def test_query_is_stopped_at_its_deadline_and_the_server_is_free_again(server, tables):
    with opened(server, tables, QueryLimits(timeout_seconds=0.5)) as brief:
        with pytest.raises(QueryTimeoutError, match=r"0\.5 s"):
            brief.query(ENDLESS)
        assert brief.query("SELECT 1").rows == ((1,),)
    with server.connect(DATABASE) as admin:
        for _ in range(200):
            running = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1000000000000%' "
                "AND state = 'active' AND pid <> pg_backend_pid()"
            ).fetchone()
            if running == (0,):
                break
            time.sleep(0.05)
        assert running == (0,)


def test_interrupt_stops_the_query_and_the_next_one_runs(server, tables):
    with opened(server, tables) as guarded:
        guarded.query("SELECT 1")
        timer = threading.Timer(0.5, guarded.interrupt)
        timer.start()
        with pytest.raises(QueryTimeoutError):
            guarded.query(ENDLESS)
        timer.join()
        assert guarded.query("SELECT 1").rows == ((1,),)


def test_mistakes_are_explained_and_the_session_lives_on(queries):
    with pytest.raises(QueryError, match="amuont"):
        queries.query("SELECT amuont FROM orders")
    with pytest.raises(QueryError, match="invalid input syntax"):
        queries.query("SELECT customer::int FROM orders")
    with pytest.raises(QueryError, match="division by zero"):
        queries.query("SELECT 1 / 0")
    with pytest.raises(QueryMemoryError):
        queries.query("SELECT repeat('x', 2000000000)")
    assert queries.query("SELECT count(*) FROM customers").rows == ((3,),)


def test_powerful_role_is_warned_about(server, tables, caplog):
    with caplog.at_level(logging.WARNING), opened(server, tables) as guarded:
        guarded.query("SELECT 1")
    assert "may do more than read" in caplog.text
    assert server.password not in caplog.text


def test_server_that_cannot_be_reached_is_a_query_error(tables):
    with pytest.raises(QueryError, match="could not be opened"):
        PostgresSession(
            lambda: psycopg.connect("host=127.0.0.1 port=1 connect_timeout=2"), QueryLimits()
        )
