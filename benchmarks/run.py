"""Run the benchmarks: `make bench`, or `python benchmarks/run.py --only profile --runs 3`.

A case is a file `case_NAME.py` beside this one with a function `run(options)` that gives a report,
a list of reports, or None when it was left out.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

from harness import HERE, Options, Report, as_json, say, table

CASES = sorted(path.stem.removeprefix("case_") for path in HERE.glob("case_*.py"))
LIBRARIES = ("voyant", "duckdb", "pluggy", "apache-hamilton", "tpchgen-cli")


def machine() -> dict[str, object]:
    """Describe where the figures were taken, so that nobody compares times across machines."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        "loop_seconds": loop_seconds(),
        "versions": {name: metadata.version(name) for name in LIBRARIES if is_installed(name)},
    }


def is_installed(name: str) -> bool:
    """Tell whether a distribution is there; peers are where `make bench` has installed them."""
    return any(metadata.distributions(name=name))


def loop_seconds() -> float:
    """Time ten million additions, which says how fast Python is here and now.

    Machines shared with others differ by several times from hour to hour.
    """
    started, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return round(time.process_time() - started, 2)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=CASES, metavar="NAME", help=f"{CASES}")
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each contender")
    parser.add_argument("--sf10", action="store_true", help="include the 60-million-row case")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "latest.json")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    return parser.parse_args()


def main() -> int:
    """Run the cases that were asked for, print their tables, write the JSON."""
    asked = arguments()
    # Python may keep what it compiles, as it does where a program is installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options = Options(runs=asked.runs, sf10=asked.sf10)
    reports: list[Report] = []
    for name in asked.only or CASES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        outcome: Report | list[Report] | None = importlib.import_module(f"case_{name}").run(options)
        new = outcome if isinstance(outcome, list) else [outcome] if outcome else []
        for report in new:
            print(f"\n{table(report)}\n", flush=True)
        reports += new
    written = {
        "taken_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "runs": options.runs,
        "reports": [as_json(report) for report in reports],
    }
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    say(f"written to {asked.json}")
    missed = [goal.text for report in reports for goal in report.goals if not goal.is_met]
    return 1 if missed and asked.strict else 0


if __name__ == "__main__":
    sys.exit(main())
