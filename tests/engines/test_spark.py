"""A run survives a worker's death; paths, catalogs and URLs that Spark cannot read are told of."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.servers.spark import SPARK_MARKS, need_spark
from voyant.core.errors import ConfigurationError, EngineError, SourceError
from voyant.engines.ibis_engine import IbisEngine
from voyant.engines.warehouses import open_warehouse

pytestmark = list(SPARK_MARKS)


@pytest.fixture(autouse=True)
def _spark():
    need_spark()


def opened(url, **sources):
    return open_warehouse(url, sources=sources, statement_timeout_seconds=300)


def test_run_survives_the_death_of_a_worker(spark_cluster, demo_tables, tmp_path):
    events = tmp_path / "events.jsonl"
    command = [
        *(sys.executable, "-m", "voyant", "run", "--warehouse", spark_cluster.url),
        *("--table", f"flights={demo_tables['flights']}", "--out", str(tmp_path)),
        *("--job-id", "job", "--events", str(events), "--kpi", "n=SELECT count(*) FROM flights"),
        *("--skip", "charts"),  # which ask what the others ask, for another half minute
    ]
    killed = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        while run.poll() is None and killed == 0:
            started = events.read_text() if events.exists() else ""
            if "profile" in started and spark_cluster.has_executor(0):
                time.sleep(1)  # so that it has work
                killed = spark_cluster.kill_worker(0)
            time.sleep(0.05)
        said = run.communicate()[0].decode()
    spark_cluster.add_worker(0)
    assert run.returncode == 0, said
    assert killed >= 1
    manifest = json.loads((tmp_path / "job" / "manifest.json").read_text())
    statuses = {entry["name"]: entry["status"] for entry in manifest["generators"]}
    assert statuses.pop("charts") == "skipped"
    assert set(statuses.values()) == {"ok"}
    kpis = json.loads((tmp_path / "job" / "kpis.json").read_text())
    assert "336776" in json.dumps(kpis)


def test_formats_and_what_cannot_be_read(spark_cluster, tmp_path):
    (tmp_path / "some.csv").write_text("id,name\n1,a\n2,\n")
    (tmp_path / "some.jsonl").write_text('{"id": 1, "tags": ["x"]}\n{"id": 2}\n')
    engine = opened(spark_cluster.url, a=str(tmp_path / "some.csv"), b=str(tmp_path / "some.jsonl"))
    try:
        assert isinstance(engine, IbisEngine)
        assert engine.tables() == ("a", "b")
        assert engine.summarize("a").columns["name"].null_count == 1
        assert engine.summarize("b").columns["tags"].kind.value == "list"
        with pytest.raises(ConfigurationError, match="already runs in this process"):
            opened("spark://local[1]", a=str(tmp_path / "some.csv"))
        with pytest.raises(SourceError, match="Table 'c': Spark cannot read"):
            opened(spark_cluster.url, c=str(tmp_path / "nothing.parquet"))
        with pytest.raises(SourceError, match=r"cannot read .* as delta"):
            opened(spark_cluster.url, c=f"delta:{tmp_path}")
        with suppress(EngineError):
            engine.interrupt()
    finally:
        engine.close()
        engine.close()


def test_wrong_urls():
    with pytest.raises(ConfigurationError, match="cannot be read"):
        opened("spark://")
    # Told by the address itself: gRPC would try for ten minutes, and say it otherwise.
    with pytest.raises(EngineError, match=r"cannot be opened: .*Connection refused") as caught:
        opened("sc://127.0.0.1:1/;token=hunter2")
    assert "hunter2" not in str(caught.value)
