"""How long until a person can read what is in a table, whether it is sound, and how it has moved?

Voyant writes profile, quality, drift and the report of a year of flights, its second half against
its first. Beside it fg-data-profiling (minimal) profiles the same file, and Evidently summarises
and compares the same halves, both in one process, so that they import pandas once.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from harness import ROOT, VOYANT, Contender, Goal, Options, Report, alternate, expect_rows
from peers import EVIDENTLY, python_with

FLIGHTS = ROOT / "voyant" / "demo" / "data" / "flights.parquet"
REFERENCE = "flights=before:time_hour=2013-07-01"
GENERATORS = ("profile", "quality", "drift", "report")
REQUIREMENTS = ("fg-data-profiling==4.20.0", *EVIDENTLY)
OURS = "voyant: profile, quality, drift, page"
THEIRS = "fg-data-profiling + Evidently"
TIMES = 12

# Evidently's summary refuses the labels of small integer types, so it is given wide ones.
SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from data_profiling import ProfileReport
from evidently import Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset
path, profile, comparison = sys.argv[1:]
page = ProfileReport(pd.read_parquet(path), minimal=True, progress_bar=False)
page.to_file(profile, silent=True)
frame = pd.read_parquet(path)
frame = frame.astype(dict.fromkeys(frame.select_dtypes("integer").columns, "int64"))
halves = [Dataset.from_pandas(frame[rows]) for rows in (frame.month <= 6, frame.month > 6)]
report = Report([DataSummaryPreset(), DataDriftPreset()])
report.run(reference_data=halves[0], current_data=halves[1]).save_html(comparison)
"""


def run(options: Options) -> Report:
    """Measure both as whole processes, from the file to the finished pages."""
    python = python_with("report-peers", REQUIREMENTS)
    only = [part for name in GENERATORS for part in ("--only", name)]
    with TemporaryDirectory() as folder:
        out = Path(folder)
        pages = [out / "profile.html", out / "comparison.html"]
        rows = alternate(
            [
                Contender(
                    name=OURS,
                    argv=[
                        *(str(VOYANT), "run", str(FLIGHTS), "--reference", REFERENCE),
                        *(*only, "--out", str(out), "--job-id", "flights"),
                    ],
                    check=lambda: expect_rows(out, {"flights": 336_776}),
                ),
                Contender(
                    name=THEIRS,
                    argv=[str(python), "-c", SCRIPT, str(FLIGHTS), *map(str, pages)],
                    check=lambda: expect_pages(pages),
                ),
            ],
            options.runs,
        )
    ours, theirs = rows
    goals = [
        Goal(
            text="times faster", measured=theirs.value / ours.value, limit=TIMES, is_at_least=True
        ),
    ]
    return Report(
        case="profile, quality, drift and page: flights, Parquet",
        unit="seconds",
        rows=rows,
        goals=goals,
    )


def expect_pages(pages: list[Path]) -> None:
    """Check that the rivals wrote what they were asked for, and begin afresh.

    Raises:
        RuntimeError: A page is missing or next to nothing.
    """
    for page in pages:
        if not page.exists() or page.stat().st_size < 100_000:  # noqa: PLR2004 -- theirs are megabytes
            raise RuntimeError(f"{page.name} was not written.")
        page.unlink()
