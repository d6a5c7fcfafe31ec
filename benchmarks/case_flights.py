"""Run all three core generators on a year of flights: is it quick enough not to think about?"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import ROOT, VOYANT, Contender, Goal, Options, Report, alternate, expect_rows

KPI = "mean_delay=SELECT avg(dep_delay) AS minutes FROM flights"
CORE = ("profile", "kpi", "sufficiency")


def run(options: Options) -> Report:
    """Measure one process with the three core generators beside the floor: importing DuckDB."""
    path = ROOT / "voyant" / "demo" / "data" / "flights.parquet"
    only = [part for name in CORE for part in ("--only", name)]
    with TemporaryDirectory() as folder:
        out = Path(folder)
        rows = alternate(
            [
                Contender(
                    name="python -c 'import duckdb'", argv=[sys.executable, "-c", "import duckdb"]
                ),
                Contender(
                    name="voyant, core generators",
                    argv=[str(VOYANT), "run", str(path), *only, "--kpi", KPI, "--out", str(out)],
                    check=lambda: expect_rows(out, {"flights": 336_776}),
                ),
            ],
            options.runs,
        )
    goal = Goal(text="seconds for the core generators", measured=rows[1].value, limit=1.5)
    return Report(case="core generators: flights, Parquet", unit="seconds", rows=rows, goals=[goal])
