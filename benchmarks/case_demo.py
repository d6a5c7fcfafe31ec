"""Run `voyant demo`, all eight generators over a year of flights: is there a report in seconds?"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import VOYANT, Contender, Goal, Options, Report, alternate

MADE = ("profile", "kpis", "sufficiency", "quality", "drift", "narrative")


def run(options: Options) -> Report:
    """Measure the whole process, warm caches, beside the floor: importing DuckDB."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        rows = alternate(
            [
                Contender(
                    name="python -c 'import duckdb'", argv=[sys.executable, "-c", "import duckdb"]
                ),
                Contender(
                    name="voyant demo",
                    argv=[str(VOYANT), "demo", "--out", str(out)],
                    prepare=lambda: shutil.rmtree(out, ignore_errors=True),
                    check=lambda: expect_artifacts(out),
                ),
            ],
            options.runs,
        )
    goal = Goal(text="seconds for the demo, the whole process", measured=rows[1].value, limit=4.0)
    return Report(case="voyant demo", unit="seconds", rows=rows, goals=[goal])


def expect_artifacts(out: Path) -> None:
    """Check that every generator made what it is for, charts and the page included."""
    folder = out / "nycflights13"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    statuses = {entry["status"] for entry in manifest["generators"]}
    there = all((folder / f"{name}.json").is_file() for name in MADE)
    if statuses != {"ok"} or not there or not (folder / "index.html").is_file():
        raise RuntimeError(f"The demo did not make everything: {statuses}")
    if not any((folder / "charts").iterdir()):
        raise RuntimeError("The demo made no chart.")
