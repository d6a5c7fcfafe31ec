"""Profile six million rows: all of Voyant's exact statistics against DuckDB's own SUMMARIZE."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import tpch
from harness import VOYANT, Contender, Goal, Options, Report, alternate, expect_rows

SUMMARIZE = (
    "import duckdb, sys; duckdb.connect().execute(f\"SUMMARIZE FROM '{sys.argv[1]}'\").fetchall()"
)


def run(options: Options) -> Report:
    """Measure both as whole processes on the same file."""
    path = tpch.lineitem(1)
    with TemporaryDirectory() as folder:
        out = Path(folder)
        rows = alternate(
            [
                Contender(
                    name="DuckDB SUMMARIZE", argv=[sys.executable, "-c", SUMMARIZE, str(path)]
                ),
                Contender(
                    name="voyant --only profile",
                    argv=[str(VOYANT), "run", str(path), "--only", "profile", "--out", str(out)],
                    check=lambda: expect_rows(out, {"lineitem": tpch.LINEITEM_ROWS[1]}),
                ),
            ],
            options.runs,
        )
    report = Report(case="profile: TPC-H lineitem SF1, Parquet", unit="seconds", rows=rows)
    peak = report.row("voyant --only profile").peak_bytes or 0
    goals = [
        Goal(
            text="time against SUMMARIZE",
            measured=report.ratio("voyant --only profile"),
            limit=0.7,
        ),
        Goal(text="peak memory, GiB", measured=peak / 2**30, limit=1.5),
    ]
    return Report(case=report.case, unit=report.unit, rows=rows, goals=goals)
