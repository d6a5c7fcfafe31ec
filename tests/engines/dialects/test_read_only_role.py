"""Does a role made with exactly the documented statements read, and do nothing else?"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.engines.hostile_sql.corpus import load
from tests.engines.hostile_sql.legitimate_postgres import TABLES

DOCUMENT = Path(__file__).parents[3] / "docs/how-to/read-only-role.md"
CANARY = "CANARY-9c2e-never-to-be-seen"
PASSWORD = "choose-one"


def documented() -> str:
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1]
    assert section.startswith("PostgreSQL\n")
    return "\n".join(re.findall(r"```sql\n(.*?)```", section, re.DOTALL))


@pytest.fixture(scope="module")
def server(postgres_server):
    with postgres_server.connect() as admin:
        admin.execute("CREATE DATABASE shop")
        admin.execute("CREATE DATABASE other")
    with postgres_server.connect("shop") as admin:
        admin.execute(TABLES.encode())
        admin.execute("CREATE SEQUENCE numbers")
        admin.execute("CREATE SCHEMA hidden")
        admin.execute(f"CREATE TABLE hidden.secrets AS SELECT '{CANARY}' AS secret".encode())
        admin.execute(documented().encode())
        admin.execute("CREATE TABLE later AS SELECT 1 AS x")
    return postgres_server


@pytest.fixture
def url(server):
    return server.url("shop", user="voyant_reader", password=PASSWORD)


def voyant(*arguments, url, folder):
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "voyant", *map(str, arguments), "--warehouse", url],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


CONTRACT = """
apiVersion: v3.0.2
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    quality:
      - type: sql
        query: "SELECT count(*) FILTER (WHERE price < 0) FROM public.orders"
        mustBe: 0
        name: no price below zero
      - type: sql
        query: "SELECT count(*) FROM orders WHERE ordered > DATE '2024-03-01'"
        mustBe: 0
        name: nothing after the first of March
      - type: sql
        query: "SELECT pg_sleep(1)"
        mustBe: 0
        name: a hostile one
"""


def test_kpis_and_rules_run_with_this_role_end_to_end(url, tmp_path):
    (tmp_path / "contract.yaml").write_text(CONTRACT, encoding="utf-8")
    done = voyant(
        "run", "--job-id", "j", "--out", "made", "--contract", "contract.yaml",
        "--kpi", "revenue=SELECT sum(price) FROM orders",
        "--kpi", "rate=SELECT count(*) FILTER (WHERE is_paid)::numeric / count(*) FROM orders",
        "--kpi", "months=SELECT date_trunc('month', ordered)::date AS m, count(*) AS n "
                 "FROM orders GROUP BY 1 ORDER BY 1",
        url=url, folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert "may do more than read" not in done.stderr
    kpis = {k["name"]: k for k in json.loads((tmp_path / "made/j/kpis.json").read_text())["kpis"]}
    # by hand: 10.50 + 20.25 + 30.00 + 40.00 + 50.99; 3 of 6 are paid
    assert kpis["revenue"]["value"] == 151.74
    assert kpis["rate"]["value"] == 0.5
    assert kpis["months"]["rows"] == [["2024-01-01", 2], ["2024-02-01", 2], ["2024-03-01", 2]]
    quality = json.loads((tmp_path / "made/j/quality.json").read_text())
    found = {check["title"]: check for check in quality["checks"]}
    assert found["no price below zero"]["status"] == "passed"
    assert found["nothing after the first of March"]["status"] == "failed"
    assert found["a hostile one"]["status"] == "not_assessed"
    assert "pg_sleep() is not allowed" in json.dumps(found["a hostile one"])
    for path in (tmp_path / "made").rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path


HOSTILE = [*load("postgres"), *(h for h in load() if "SURROGATE" not in h.template)]


def test_hostile_kpis_are_all_refused_by_the_command(url, tmp_path, server):
    """All in one job: each gets an error of its own, and none a value."""
    folder = tmp_path / "outside"
    folder.mkdir()
    paths = dict.fromkeys(
        ("canary", "canary_parquet", "orders", "database", "folder"), str(folder)
    ) | {"parent": 1}
    kpis = [
        {"name": f"k{i}", "sql": text}
        for i, h in enumerate(HOSTILE)
        if "\0" not in (text := h.sql(**paths)) and text.strip()
    ]
    assert len(kpis) > 450
    lines = "".join(
        f"[[kpis]]\nname = {json.dumps(k['name'])}\nsql = {json.dumps(k['sql'])}\n" for k in kpis
    )
    (tmp_path / "voyant.toml").write_text(lines, encoding="utf-8")
    done = voyant("run", "--job-id", "j", "--out", "made", url=url, folder=tmp_path)
    assert done.returncode != 0
    found = json.loads((tmp_path / "made/j/kpis.json").read_text())["kpis"]
    assert len(found) == len(kpis)
    values = [kpi["sql"] for kpi in found if kpi["status"] != "error"]
    assert values == ["SELECT 1 /* /* */ , pg_sleep(1) */"]  # comments nest here: it is SELECT 1
    assert CANARY not in json.dumps(found)
    assert list(folder.iterdir()) == []


WRITES = [
    "INSERT INTO orders (id) VALUES (7)",
    "UPDATE orders SET amount = 0",
    "DELETE FROM orders",
    "TRUNCATE orders",
    "DROP TABLE orders",
    "ALTER TABLE orders ADD COLUMN x int",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE VIEW x AS SELECT 1",
    "CREATE SCHEMA x",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink",
    "CREATE ROLE x",
    "CREATE DATABASE x",
    "ALTER ROLE voyant_reader SUPERUSER",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "GRANT SELECT ON hidden.secrets TO voyant_reader",
    "COPY orders TO PROGRAM 'id'",
    "COPY orders TO '/tmp/x'",
    "COPY orders FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT nextval('numbers')",
    "SELECT * FROM hidden.secrets",
    "SELECT * FROM pg_authid",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'voyant_admin'",
    "SET temp_file_limit = '1TB'",
    "SET ROLE voyant_admin",
    "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
]


@pytest.mark.parametrize("sql", WRITES)
def test_server_refuses_this_role_even_outside_of_a_read_only_transaction(sql, url):
    with psycopg.connect(url, autocommit=True) as reader:
        assert reader.execute("SHOW transaction_read_only").fetchone() == ("on",)
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.Error) as caught:
            reader.execute(sql.encode()).fetchall()
        assert caught.value.sqlstate in {"42501", "0LP01", "25P01"}, caught.value


def test_role_reads_what_is_made_later(url):
    with psycopg.connect(url) as reader:
        assert reader.execute("SELECT x FROM later").fetchone() == (1,)
