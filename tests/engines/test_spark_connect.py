"""A run through a Spark Connect server, which needs no Java here, writes what DuckDB's does."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.engines.test_warehouse_runs import AS_OF, DIFFERENCES, differences
from tests.servers.spark import connect_server, need_spark


@pytest.fixture(scope="module")
def folders(demo_tables, tmp_path_factory):
    """The job's folder, by engine. A process for each run: PySpark has one mode in each."""
    need_spark()
    out = tmp_path_factory.mktemp("connect")
    found = {}
    with connect_server(out) as url:
        for engine, where in (("spark", ["--warehouse", url]), ("duckdb", [])):
            command = [
                *(sys.executable, "-m", "voyant", "run", *where, "--out", str(out / engine)),
                *("--table", f"airports={demo_tables['airports']}", "--job-id", "job"),
                *("--as-of", AS_OF, "--skip", "charts"),
                *("--kpi", "high=SELECT count(*) AS airports FROM airports WHERE alt > 5000"),
            ]
            run = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            assert run.returncode == 0, run.stdout + run.stderr
            assert "put back" not in run.stderr
            found[engine] = out / engine / "job"
    return found


@pytest.mark.parametrize("name", DIFFERENCES)
def test_artifacts_differ_in_the_spelling_of_types_alone(folders, name):
    read = {
        engine: json.loads((folder / name).read_text(encoding="utf-8"))
        for engine, folder in folders.items()
    }
    found = list(differences(read["spark"], read["duckdb"]))
    allowed = [pattern.replace("flights", "airports") for pattern in DIFFERENCES[name]]
    assert [p for p in found if not any(re.fullmatch(pattern, p) for pattern in allowed)] == []
