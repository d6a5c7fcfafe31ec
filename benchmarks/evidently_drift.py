"""Does drift agree with Evidently itself on the two halves of a year of flights?

    python benchmarks/evidently_drift.py

Installs Evidently into an environment of its own below `.cache`, runs both on the same data, prints
their values side by side, and exits 1 if a value differs by more than 0.02 or a verdict at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import ROOT, VOYANT
from peers import EVIDENTLY, python_with

TOLERANCE = 0.02
FLIGHTS = ROOT / "voyant" / "demo" / "data" / "flights.parquet"
MEASURES = {
    "Wasserstein distance (normed)": "wasserstein_normed",
    "Jensen-Shannon distance": "js_distance",
}
SCRIPT = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from evidently import Dataset, Report
from evidently.presets import DataDriftPreset
reference, current = (Dataset.from_pandas(pd.read_parquet(path)) for path in sys.argv[1:])
report = Report([DataDriftPreset()]).run(current_data=current, reference_data=reference)
found = {}
for metric in report.dict()["metrics"]:
    config = metric["config"]
    if "column" in config:
        found[config["column"]] = (config["method"], config["threshold"], float(metric["value"]))
print(json.dumps(found))
"""


def split(folder: Path) -> tuple[Path, Path]:
    """Write January to June, and July to December."""
    import duckdb

    halves = folder / "first.parquet", folder / "second.parquet"
    for path, months in zip(halves, ("<= 6", "> 6"), strict=True):
        duckdb.sql(f"COPY (FROM '{FLIGHTS}' WHERE month {months}) TO '{path}'")
    return halves


def ask_voyant(folder: Path, name: str, *options: str) -> dict[str, dict[str, object]]:
    """Run drift alone and return its columns."""
    argv = [str(VOYANT), "run", "--only", "drift", "--out", str(folder), "--job-id", name, *options]
    subprocess.run(argv, check=True, capture_output=True)
    artifact = json.loads((folder / name / "drift.json").read_text(encoding="utf-8"))
    columns: dict[str, dict[str, object]] = artifact["tables"]["flights"]["columns"]
    return columns


def main() -> int:
    """Compare exactly, then with a stored profile."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        first, second = split(folder)
        argv = [str(python_with("evidently", EVIDENTLY)), "-c", SCRIPT, str(first), str(second)]
        theirs = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
        now = ("--table", f"flights={second}")
        exact = ask_voyant(folder, "exact", *now, "--reference", f"flights={first}")
        ask_voyant(folder, "first", "--table", f"flights={first}")
        stored = ask_voyant(folder, "second", *now)
    faults = 0
    print(f"{'column':16}{'measure':20}{'Evidently':>11}{'exact':>11}{'stored':>11}")
    for column, (method, threshold, value) in theirs.items():
        measure = MEASURES[method]
        ours = [side[column] for side in (exact, stored)]
        is_same = all(
            side["measure"] == measure
            and abs(float(str(side["value"])) - value) <= TOLERANCE
            and (side["status"] == "drifted") == (value >= threshold)
            for side in ours
        )
        faults += not is_same
        shown = "".join(f"{float(str(side['value'])):11.6f}" for side in ours)
        print(f"{column:16}{measure:20}{value:11.6f}{shown}{'' if is_same else '  DIFFERS'}")
    print(f"{len(theirs)} columns, {faults} differ")
    return 1 if faults or not theirs else 0


if __name__ == "__main__":
    sys.exit(main())
