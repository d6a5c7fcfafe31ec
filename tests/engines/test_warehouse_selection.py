"""A warehouse's selected rows are those that DuckDB selects; what costs too much is not read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import psycopg
import pytest

from tests.conformance.warehouses import load
from voyant.core.config import load_settings
from voyant.core.errors import SourceError, UnknownTableError, UnsafeQueryError
from voyant.core.scan_costs import ScanCosts
from voyant.core.selection import Sample, Selecting, TableSelection
from voyant.engines.duckdb import DuckDBEngine
from voyant.engines.warehouses import open_warehouse
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job

NOW = datetime(2025, 4, 1, tzinfo=UTC)
ROWS = """SELECT i AS id, ['EU', 'US', 'AP'][i % 3 + 1] AS region, i * 1.5 AS amount,
    CASE WHEN i % 7 > 0 THEN 'note ' || i % 50 END AS note, i % 2 AS "Odd; name",
    TIMESTAMP '2025-04-01 00:30:00' - to_hours(i::BIGINT) AS at,
    (TIMESTAMP '2025-04-01 00:30:00' - to_hours(i::BIGINT))::TIMESTAMPTZ AS zoned,
    (TIMESTAMP '2025-04-01 00:30:00' - to_hours(i::BIGINT))::DATE AS day
    FROM range(3000) t(i)"""
#: Means the same on both engines.
CONDITION = "region = 'EU' AND id % 2 = 0 -- not the US"
HOSTILE = {
    "true) OR (true": "more than one expression",
    "true) UNION (SELECT 1": "more than one expression|not allowed",
    "true) ORDER BY (1": "more than one expression",
    "true) LIMIT (1": "more than one expression",
    "true); DROP TABLE orders; SELECT (1": "several statements",
    "id IN (SELECT 1)": "may not ask another table",
    "EXISTS (SELECT 1 FROM orders)": "may not ask another table",
    "id = (SELECT max(id) FROM orders)": "may not ask another table",
    "id IN (SELECT oid FROM pg_class)": "not a table of this job",
    "at > now()": "changes from one question",
    "at > localtimestamp": "changes from one question",
    "day > CURRENT_DATE - 3": "changes from one question",
    "random() < 0.5": "changes from one question",
    "at > ' Today 10:00'": "changes from one question",
    "pg_sleep(10) IS NULL": "not allowed",
    "pg_read_file('/etc/passwd') = ''": "not allowed",
    "current_setting('x') = ''": "not allowed",
    "orders.pg_sleep": "no column",
    "id = $1": "parameter",
}


@pytest.fixture(scope="module")
def made():
    """Three thousand rows, an hour apart."""
    duckdb.sql("SET TimeZone = 'UTC'")
    return duckdb.sql(ROWS).to_arrow_table()


@pytest.fixture(scope="module")
def url(postgres_server, made):
    database = postgres_server.new_database("selections")
    with postgres_server.connect(database) as admin:
        load(admin, "orders", made)
        admin.execute("CREATE VIEW seen AS SELECT * FROM orders")
        admin.execute("CREATE TABLE coins AS SELECT g % 2 = 0 AS h FROM generate_series(1, 900) g")
        admin.execute("CREATE TABLE part (day date, text text) PARTITION BY RANGE (day)")
        admin.execute(
            "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
        )
        admin.execute(
            "INSERT INTO part SELECT '2020-05-05', repeat(g::text, 100) "
            "FROM generate_series(1, 3000) g"
        )
        admin.execute("CREATE INDEX ON orders (at)")
        admin.execute("ANALYZE")
    return postgres_server.url(database)


def opened(url, tables=("orders",), **options):
    return open_warehouse(url, tables=tables, statement_timeout_seconds=60, **options)


def both(url, made, selection):
    yield opened(url, selections={"orders": selection})
    yield DuckDBEngine({"orders": made}, selections={"orders": selection})


def answers(engine):
    summary = engine.summarize("orders")
    columns = {
        name: replace(column, type="", approximations={})
        for name, column in summary.columns.items()
    }
    return (
        summary.row_count,
        columns,
        engine.duplicate_rows("orders"),
        engine.value_counts("orders", "note", limit=99),
        engine.query("SELECT count(*), sum(o.amount) FROM orders AS o WHERE o.id > 5").rows,
    )


@pytest.mark.parametrize(
    "selection",
    [
        TableSelection(where=CONDITION),
        TableSelection(time_column="at", since=NOW - timedelta(hours=500), until=NOW),
        TableSelection(time_column="zoned", since=NOW - timedelta(hours=500), until=NOW),
        TableSelection(time_column="day", since=NOW - timedelta(hours=500), until=NOW),
        TableSelection(
            where="\"Odd; name\" = 1 AND note LIKE '%1%'",
            time_column="day",
            since=NOW - timedelta(days=30),
            until=NOW - timedelta(hours=30),
        ),
        TableSelection(where="id < 0"),
    ],
    ids=["where", "at", "zoned", "day", "all", "none"],
)
def test_a_condition_and_a_window_select_what_duckdb_selects(url, made, selection):
    found = []
    for engine in both(url, made, selection):
        try:
            found.append(answers(engine))
            assert isinstance(engine, Selecting)
            assert engine.selection("orders") == selection
        finally:
            engine.close()
    assert found[0] == found[1]
    assert found[0][0] < 3_000


def test_the_condition_is_in_every_statement_and_an_index_serves_the_window(url):
    selection = TableSelection(
        where="orders.region = 'EU'", time_column="at", since=NOW - timedelta(hours=20), until=NOW
    )
    engine = opened(url, selections={"orders": selection})
    try:
        assert engine.summarize("orders").row_count == 6
        sent = [statement.sql for statement in engine.statements.log]
    finally:
        engine.close()
    assert all(".\"region\" = 'EU'" in sql and '"at" <= CAST(' in sql for sql in sent)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SET enable_seqscan = off")
        plan = "\n".join(row[0] for row in admin.execute(f"EXPLAIN {sent[-1]}".encode()))
    assert "orders_at_idx" in plan


def ids(engine):
    counts = engine.value_counts("orders", "id", limit=5_000).counts
    return sorted(int(value) for value, _ in counts)


def test_a_sample_of_rows_has_so_many_and_is_the_same_each_time(url):
    selection = {"orders": TableSelection(where="region = 'EU'", sample=Sample(rows=100, seed=7))}
    found = []
    for _ in range(2):
        engine = opened(url, selections=selection)
        try:
            assert engine.summarize("orders").row_count == 100
            found.append(ids(engine))
            assert engine.query("SELECT count(*) FROM orders").rows == ((1_000,),), "no sample"
            assert engine.selection("orders").sample.method == "hash by hashtextextended"
        finally:
            engine.close()
        with psycopg.connect(url, autocommit=True) as admin:  # another order of the rows
            admin.execute("CREATE INDEX IF NOT EXISTS n ON orders (amount DESC)")
            admin.execute("CLUSTER orders USING n")
    assert found[0] == found[1]
    assert {i % 3 for i in found[0]} == {0}
    with psycopg.connect(url) as asked:  # an oracle of its own: the text of a row, as documented
        asked.execute("SET TimeZone = 'UTC'")
        rows = asked.execute(
            """SELECT id FROM orders WHERE region = 'EU' ORDER BY hashtextextended(concat('7|',
            id, '|', region, '|', amount, '|', coalesce(note, '~'), '|', "Odd; name", '|', at,
            '|', zoned, '|', day, '|'), 0) LIMIT 100"""
        ).fetchall()
    assert sorted(row[0] for row in rows) == found[0]


def test_a_share_is_within_the_binomial_error_and_seeds_differ(url):
    found = []
    for seed in range(3):
        sample = Sample(fraction=0.3, seed=seed)
        engine = opened(url, selections={"orders": TableSelection(sample=sample)})
        try:
            found.append(frozenset(ids(engine)))
        finally:
            engine.close()
    deviation = (3_000 * 0.3 * 0.7) ** 0.5
    for one in found:
        assert abs(len(one) - 900) < 5 * deviation
    for one in found[1:]:
        assert abs(len(one & found[0]) - 270) < 5 * (3_000 * 0.09 * 0.91) ** 0.5, "independent"


def test_a_sample_of_equal_rows_has_so_many_too(url):
    for rows, count in ((100, 100), (700, 700), (900, 900), (5_000, 900)):
        selection = TableSelection(sample=Sample(rows=rows))
        engine = opened(url, ("coins",), selections={"coins": selection})
        try:
            assert engine.summarize("coins").row_count == count
        finally:
            engine.close()


@pytest.mark.parametrize("condition", HOSTILE)
def test_hostile_conditions_are_refused_before_a_statement_is_sent(url, condition, monkeypatch):
    sent = []
    monkeypatch.setattr(
        "voyant.engines.ibis_statements.Statements.ask",
        lambda self, question, sql, **_: sent.append(sql),
    )
    with pytest.raises(UnsafeQueryError, match=HOSTILE[condition]):
        opened(url, selections={"orders": TableSelection(where=condition)})
    assert not sent


def test_what_does_not_fit_the_table_is_told_of(url):
    window = TableSelection(time_column="id", since=NOW, until=NOW)
    for selection, said in (
        (TableSelection(where="nothing = 1"), r"selection of 'orders' cannot be used: .*nothing"),
        (TableSelection(where="region = 1"), "cannot be used"),
        (TableSelection(where="count(*) > 1"), "cannot be used"),
        (window, "no date or timestamp"),
        (replace(window, time_column="wrong"), "no column 'wrong'"),
    ):
        with pytest.raises(SourceError, match=said):
            opened(url, selections={"orders": selection})
    with pytest.raises(UnknownTableError):
        opened(url, selections={"seen": TableSelection(where="true")})


def test_queries_cannot_get_past_the_condition(url):
    engine = opened(url, selections={"orders": TableSelection(where="region = 'EU'")})
    try:
        for sql in (
            "SELECT count(*) FROM orders",
            "SELECT count(*) FROM public.orders",
            "WITH orders AS (SELECT * FROM orders) SELECT count(*) FROM orders",
            "SELECT count(*) FROM (SELECT 1 FROM orders AS o WHERE o.id >= 0) AS s",
            "SELECT count(*) FROM orders AS a JOIN public.orders AS b ON a.id = b.id",
            "SELECT count(*) FROM orders AS a, LATERAL (SELECT 1 WHERE a.id >= 0) AS b",
        ):
            assert engine.query(sql).rows == ((1_000,),), sql
        for sql in (
            "SELECT count(*) FROM orders TABLESAMPLE SYSTEM (100)",
            "SELECT o.pg_typeof FROM orders AS o",
        ):
            with pytest.raises(UnsafeQueryError):
                engine.query(sql)
    finally:
        engine.close()


def test_earlier_rows_and_another_process_see_the_selection(url, tmp_path):
    selection = TableSelection(where="region = 'EU'", sample=Sample(rows=200))
    engine = opened(
        url, selections={"orders": selection}, reference={"orders": "before:at=2025-02-01"}
    )
    told = []
    engine.report_to(told.append)
    try:
        earlier, later = engine.reference("orders"), engine.current("orders")
        counts = [engine.summarize(name).row_count for name in (earlier, later)]
        assert sum(counts) == 200
        assert min(counts) > 0
        assert engine.selection(earlier) == engine.selection("orders")
        assert told[0] == "orders: summary"
        taken = [s for s in engine.statements.log if s.question == "sample"]
        assert len(taken) == 1
        handed = engine.handover().open(temp_directory=tmp_path)
        try:
            assert not handed.statements.log[:-1], "all but the reference's value was remembered"
            assert handed.selection("orders") == engine.selection("orders")
            assert ids(handed) == ids(engine)
            assert handed.query("SELECT count(*) FROM orders").rows == ((1_000,),)
        finally:
            handed.close()
    finally:
        engine.close()


def test_a_table_that_costs_too_much_is_refused_before_it_is_read(url, monkeypatch, tmp_path):
    sent = []
    monkeypatch.setattr(
        "voyant.engines.ibis_statements.Statements.ask",
        lambda self, question, sql, **_: sent.append(sql),
    )
    with pytest.raises(SourceError, match=r"scan of 'orders' reads .*B, .* allows 10 kB") as caught:
        opened(url, max_scan_bytes=10_000)
    assert "[select.orders]" in str(caught.value)
    with pytest.raises(SourceError, match="'part' reads"):
        opened(url, ("part",), max_scan_bytes=10_000)
    request = JobRequest(
        warehouse_url=url, tables=("orders",), as_of=NOW.isoformat(), artifacts_root=tmp_path
    )
    job = run_job(request, load_settings(max_scan_bytes="10kB"))
    assert not job.result.success
    assert "max_scan_bytes allows 10 kB" in (job.result.results[0].error or "")
    assert not sent


def test_sizes_are_the_servers(url):
    engine = opened(url, ("orders", "seen", "part"))
    with psycopg.connect(url, autocommit=True) as admin:
        size = {
            table: admin.execute("SELECT pg_table_size(%s::regclass)", (table,)).fetchone()[0]
            for table in ("orders", "part_1")
        }
    try:
        assert isinstance(engine, ScanCosts)
        assert engine.scan_bytes("orders") == size["orders"]
        assert engine.scan_bytes("part") == size["part_1"]
        assert engine.scan_bytes("seen") is None
    finally:
        engine.close()


def test_a_run_says_what_was_selected(url, tmp_path):
    request = JobRequest(
        job_id="job",
        warehouse_url=url,
        tables=("orders",),
        where=["orders=region = 'EU'"],
        sample=["orders=10%"],
        kpis=[{"name": "n", "sql": "SELECT count(*) FROM orders"}],
        artifacts_root=tmp_path,
        as_of=NOW.isoformat(),
    )
    job = run_job(request, load_settings(max_scan_bytes="10kB"))
    assert job.result.success, job.result
    profile = json.loads((tmp_path / "job" / "profile.json").read_text())["tables"]["orders"]
    assert profile["selection"]["sample_method"] == "hash by hashtextextended"
    assert profile["selection"]["sample_fraction"] == 0.1
    assert profile["selection"]["where"] == "region = 'EU'"
    assert profile["selection"]["whole_row_count"] is None
    assert abs(profile["row_count"] - 100) < 5 * (1_000 * 0.1 * 0.9) ** 0.5
    assert "1000" in (tmp_path / "job" / "kpis.json").read_text()
