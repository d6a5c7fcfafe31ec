"""A whole run in a warehouse: its artifacts are those of DuckDB, but for what is named here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conformance.warehouses import load
from tests.servers.spark import SPARK_MARKS
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job

AS_OF = "2014-01-01T00:00:00+00:00"
EARLIER = {"flights": "before:time_hour=2013-07-01"}
KPIS = [
    {"name": "flown", "sql": "SELECT count(*) AS flights FROM flights WHERE arr_time IS NOT NULL"},
    {
        "name": "delay_by_origin",
        "sql": "SELECT origin, avg(CAST(dep_delay AS DOUBLE PRECISION)) AS delay, "
        "max(distance) AS farthest FROM flights GROUP BY origin ORDER BY origin",
    },
    {
        "name": "by_month",
        "sql": "SELECT month, count(DISTINCT dest) AS places FROM flights "
        "WHERE carrier IN ('UA', 'B6') GROUP BY month ORDER BY month",
    },
]
#: Every place at which an artifact may differ, as a pattern of its path, and why.
DIFFERENCES = {
    "profile.json": {
        r"/tables/flights/columns/\w+/type": "each engine spells types in its own way",
        r"/tables/flights/columns/\w+/semantic_evidence": "it quotes the type",
    },
    "quality.json": {},
    "kpis.json": {r"/kpis/\d+/columns/\d+/type": "each engine spells types in its own way"},
    "sufficiency.json": {},
    "drift.json": {},
}

#: Statements of a whole run, as docs/explanation/engines.md says; and how many more may be sent.
DOCUMENTED = {"profile": 11, "drift": 4, "charts": 7}
SPARE = {"postgresql": 1, "spark": 2}


@pytest.fixture(scope="session")
def flights_database(postgres_server, demo_tables):
    database = postgres_server.new_database("flights")
    with postgres_server.connect(database) as admin:
        load(admin, "flights", pq.read_table(demo_tables["flights"]))
        admin.execute("ANALYZE")
    return postgres_server.url(database)


@pytest.fixture(scope="module", params=["postgresql", pytest.param("spark", marks=SPARK_MARKS)])
def there(request):
    """The name of a warehouse."""
    return request.param


@pytest.fixture(scope="module")
def runs(request, there, tmp_path_factory, demo_tables):
    """The two runs' folders and results, by engine."""
    flights = {"flights": str(demo_tables["flights"])}
    if there == "postgresql":
        where = {"warehouse_url": request.getfixturevalue("flights_database")}
    else:
        cluster = request.getfixturevalue("spark_cluster")
        where = {"warehouse_url": cluster.url, "sources": flights}
    found = {}
    for engine, place in ((there, where), ("duckdb", {"sources": flights})):
        root = tmp_path_factory.mktemp(engine)
        asked = JobRequest(
            job_id="job", artifacts_root=root, as_of=AS_OF, reference=EARLIER, kpis=KPIS, **place
        )
        outcome = run_job(asked)
        assert outcome.result.success, outcome.result
        found[engine] = root / "job", outcome
    return found


def differences(left, right, path=""):
    """Yield the path of everything in which two JSON values differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        assert list(left) == list(right), path
        for key in left:
            yield from differences(left[key], right[key], f"{path}/{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for place, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, f"{path}/{place}")
    elif left != right or type(left) is not type(right):
        yield path


@pytest.mark.parametrize("name", DIFFERENCES)
def test_artifacts_differ_only_where_it_is_said(runs, there, name):
    read = {
        engine: json.loads((folder / name).read_text(encoding="utf-8"))
        for engine, (folder, _) in runs.items()
    }
    found = list(differences(read[there], read["duckdb"]))
    patterns = DIFFERENCES[name]
    unexpected = [p for p in found if not any(re.fullmatch(pattern, p) for pattern in patterns)]
    assert unexpected == []
    for pattern in patterns:  # a difference that is no more is not to be excused
        assert any(re.fullmatch(pattern, path) for path in found), pattern


def test_every_generator_ran(runs, there):
    names = {engine: set(outcome.result.artifacts) for engine, (_, outcome) in runs.items()}
    assert names[there] == names["duckdb"]
    manifest = json.loads((runs[there][0] / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["status"] for entry in manifest["generators"]} == {"ok"}
    assert len(manifest["generators"]) == 8
    assert re.search(rf'"{there} \d+\.\d+', json.dumps(manifest))


def test_statements_and_scans_are_few_and_noted(runs, there):
    manifest = json.loads((runs[there][0] / "manifest.json").read_text(encoding="utf-8"))
    noted = {
        entry["name"]: entry["details"]["statements"]
        for entry in manifest["generators"]
        if "statements" in entry["details"]
    }
    scans = {
        name: {question: (used["statements"], used["scans"]) for question, used in notes.items()}
        for name, notes in noted.items()
    }
    # docs/explanation/engines.md has this table.
    profile = scans["profile"]
    assert profile["summary"] == (2, 2)
    assert profile["pearson"] in {(1, 1), (2, 2)}
    assert (profile["duplicates"], profile["spearman"]) == ((1, 1), (1, 1))
    assert profile["contingencies"] == (1, 1)
    assert profile["reference"] == (1, 1)
    assert profile["unique pairs"][0] <= 3 + SPARE[there]
    assert "kpi" not in scans
    assert "sufficiency" not in scans
    totals = {name: sum(n for n, _ in used.values()) for name, used in scans.items()}
    assert totals.keys() <= DOCUMENTED.keys() | {"quality"}
    for name, documented in DOCUMENTED.items():
        assert totals[name] <= documented + SPARE[there], scans[name]
    assert totals.get("quality", 0) <= SPARE[there]
    assert sum(totals.values()) <= sum(DOCUMENTED.values()) + SPARE[there]
    assert all(scanned <= n for used in scans.values() for n, scanned in used.values())


def test_the_documentation_tells_these_totals():
    page = Path(__file__).parents[2] / "docs" / "explanation" / "engines.md"
    said = re.search(
        r"sends (\d+) statements: (\d+) for the profile, (\d+) for drift,\s+(\d+) for charts",
        page.read_text(encoding="utf-8"),
    )
    assert said, page
    assert [int(n) for n in said.groups()] == [sum(DOCUMENTED.values()), *DOCUMENTED.values()]


@pytest.mark.parametrize("there", ["postgresql"], indirect=True)
def test_no_artifact_holds_the_password(runs, postgres_server):
    folder, _ = runs["postgresql"]
    written = postgres_server.url().split("voyant_admin:")[1].split("@")[0].encode()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert postgres_server.password.encode() not in content, path
            assert written not in content, path
