"""Spark's selected rows are those that DuckDB selects; what would cost too much is not read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tests.servers.spark import need_spark
from voyant.core.errors import SourceError, UnsafeQueryError
from voyant.core.selection import Sample, TableSelection
from voyant.engines.duckdb import DuckDBEngine
from voyant.engines.warehouses import open_warehouse

pytestmark = [
    # Each query runs in a thread of its own, whose connection to the driver py4j leaves to the
    # garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NOW = datetime(2025, 4, 1, tzinfo=UTC)
WINDOW = TableSelection(
    where="region = 'EU'", time_column="at", since=NOW - timedelta(hours=300), until=NOW
)


@pytest.fixture(autouse=True)
def _spark():
    need_spark()


def test_selected_rows_and_costs(spark_cluster, tmp_path):
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        f"""COPY (SELECT i AS id, ['EU', 'US', 'AP'][i % 3 + 1] AS region, hash(i) / 2.0 AS amount,
            TIMESTAMP '2025-04-01 00:30:00' - to_hours(i::BIGINT) AS at
        FROM range(3000) t(i)) TO '{path}' (FORMAT parquet)"""
    )

    def opened(selection, **options):
        selections = {} if selection is None else {"orders": selection}
        return open_warehouse(
            spark_cluster.url,
            sources={"orders": str(path)},
            selections=selections,
            statement_timeout_seconds=300,
            **options,
        )

    whole = opened(None)  # it keeps the driver running
    try:
        assert whole.scan_bytes("orders") == pytest.approx(path.stat().st_size, rel=0.05)
        check_selections(opened, path)
        check_refusals(opened)
    finally:
        whole.close()


def check_selections(opened, path):
    found = []
    for engine in (
        opened(WINDOW, max_scan_bytes=1_000),
        DuckDBEngine({"orders": str(path)}, selections={"orders": WINDOW}),
    ):
        try:
            summary = engine.summarize("orders")
            ids = replace(summary.columns["id"], type="")
            counted = engine.query("SELECT count(*), sum(id) FROM orders").rows
            found.append((summary.row_count, ids, counted))
        finally:
            engine.close()
    assert found[0] == found[1]
    assert found[0][0] == 100

    samples = []
    for sample in (Sample(rows=100), Sample(rows=100), Sample(fraction=0.3, seed=3)):
        engine = opened(TableSelection(sample=sample))
        try:
            counts = engine.value_counts("orders", "id", limit=3_000).counts
            samples.append(sorted(int(value) for value, _ in counts))
            assert engine.query("SELECT count(*) FROM orders").rows == ((3_000,),), "no sample"
            assert engine.selection("orders").sample.method == "hash by xxhash64"
        finally:
            engine.close()
    assert samples[0] == samples[1]
    assert len(samples[0]) == 100
    assert abs(len(samples[2]) - 900) < 5 * (3_000 * 0.3 * 0.7) ** 0.5


def check_refusals(opened):
    with pytest.raises(UnsafeQueryError, match="changes from one question"):
        opened(TableSelection(where="at > now()"))
    with pytest.raises(SourceError, match=r"'orders' reads .*B, and max_scan_bytes allows 1 kB"):
        opened(None, max_scan_bytes=1_000)
