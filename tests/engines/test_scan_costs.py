"""A table that would cost too much is refused before it is read, unless its rows are selected."""

from __future__ import annotations

import duckdb
import pytest

from voyant.core.config import load_settings
from voyant.core.errors import SourceError
from voyant.core.scan_costs import ScanCosts, refuse_costly
from voyant.core.selection import Sample, TableSelection
from voyant.engines.duckdb import DuckDBEngine
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job

SAMPLE = {"t": TableSelection(sample=Sample(rows=10))}


@pytest.fixture(params=["parquet", "csv", "json", "duckdb"])
def source(request, tmp_path):
    """A table `t` of 50,000 rows, and the least it can take: what its numbers take packed."""
    path = tmp_path / f"t.{request.param}"
    select = "SELECT hash(i) AS h FROM range(50_000) t(i)"
    if request.param == "duckdb":
        with duckdb.connect(str(path)) as made:
            made.execute(f"CREATE TABLE t AS {select}")
            made.execute("CREATE TABLE small AS SELECT 1 AS a")
            made.execute("CREATE VIEW seen AS FROM t")
    else:
        duckdb.sql(f"COPY ({select}) TO '{path}'")
    return {"t": str(path)}


def test_it_is_refused_with_its_name_its_size_and_what_to_do(source, tmp_path):
    with pytest.raises(SourceError, match=r"'t' reads .*[kM]B, .* allows 100 kB") as caught:
        DuckDBEngine(source, max_scan_bytes=100_000, temp_directory=tmp_path)
    for remedy in ("[select.t]", "--where", "--sample"):
        assert remedy in str(caught.value)
    assert not list(tmp_path.glob("voyant-*"))


def test_it_is_not_when_its_rows_are_selected_or_it_is_small_enough(source):
    for options in ({"selections": SAMPLE, "max_scan_bytes": 100_000}, {"max_scan_bytes": 10**8}):
        engine = DuckDBEngine(source, tables=("t",), **options)
        try:
            assert isinstance(engine, ScanCosts)
            size = engine.scan_bytes("t") or 0
            assert 8 * 50_000 <= size < 8_000_000, "hashes do not pack"
        finally:
            engine.close()


def test_nothing_is_parsed_before_the_refusal(tmp_path):
    path = tmp_path / "broken.csv"
    path.write_bytes(b"\xff\xfe\x00" * 100_000)
    with pytest.raises(SourceError, match="max_scan_bytes"):
        DuckDBEngine({"t": str(path)}, max_scan_bytes=1_000)


def test_any_engine_that_can_tell_is_asked():
    class Warehouse:
        def tables(self):
            return ("unknown", "large")

        def scan_bytes(self, table):
            return {"large": 5_000_000_000_000}.get(table)

    refuse_costly(Warehouse(), None)
    refuse_costly(object(), 1)
    refuse_costly(Warehouse(), 5_000_000_000_000)
    with pytest.raises(SourceError, match=r"'large' reads 5 TB, .* allows 1 GB"):
        refuse_costly(Warehouse(), 10**9)


def test_the_setting_reaches_the_engine(source, tmp_path):
    request = JobRequest(sources=source, tables=("t",), artifacts_root=tmp_path / "out")
    job = run_job(request, load_settings(max_scan_bytes="100kB"))
    assert not job.result.success
    assert "max_scan_bytes allows 100 kB" in (job.result.results[0].error or "")
    assert run_job(
        JobRequest(sources=source, tables=("t",), artifacts_root=tmp_path / "out", sample=["t=50"]),
        load_settings(max_scan_bytes="100kB"),
    ).result.success
