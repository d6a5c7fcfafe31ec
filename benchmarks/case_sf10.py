"""Sixty million rows through all seven generators: does memory stay bounded, and time linear?"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import tpch
from harness import VOYANT, Goal, Options, Report, Row, expect_rows, say
from process_tree import run_tree

_MEMORY_LIMIT = "2GB"
_SEVEN = ("profile", "kpi", "sufficiency", "quality", "drift", "charts", "narrative")
#: A year and a half before the middle of the dates: two parts of about the same size.
_SPLIT = "lineitem=before:l_shipdate=1995-06-17"
_KPI = "revenue=SELECT sum(l_extendedprice * (1 - l_discount)) FROM lineitem"


def run(options: Options) -> Report | None:
    """Measure one run each; only when asked for: it takes minutes, and gigabytes of disk."""
    if not options.sf10:
        say("left out; --sf10 includes it (3 GB of disk, ten minutes)")
        return None
    rows = [_measure(scale) for scale in (1, 10)]
    growth = tpch.LINEITEM_ROWS[10] / tpch.LINEITEM_ROWS[1]
    goals = [
        Goal(
            text="peak memory of the process tree at SF10, GiB",
            measured=(rows[1].peak_bytes or 0) / 2**30,
            limit=3,
        ),
        Goal(
            text=f"time of SF10 over SF1, for {growth:.1f} times the rows",
            measured=rows[1].value / rows[0].value,
            limit=growth,
        ),
    ]
    case = f"all seven generators, VOYANT_MEMORY_LIMIT={_MEMORY_LIMIT}: lineitem, Parquet"
    return Report(case=case, unit="seconds", rows=rows, goals=goals)


def _measure(scale: int) -> Row:
    path = tpch.lineitem(scale)
    with TemporaryDirectory() as folder:
        out = Path(folder)
        argv = [
            *(str(VOYANT), "run", str(path), "--out", str(out)),
            *("--reference", _SPLIT, "--kpi", _KPI),
        ]
        seconds, peak = run_tree(argv, {"VOYANT_MEMORY_LIMIT": _MEMORY_LIMIT})
        expect_rows(out, {"lineitem": tpch.LINEITEM_ROWS[scale]})
        _expect_all(out)
    say(f"SF{scale}: {seconds:.1f} s, {peak / 2**20:,.0f} MiB")
    return Row(name=f"SF{scale}", value=seconds, low=seconds, high=seconds, peak_bytes=peak)


def _expect_all(folder: Path) -> None:
    """Check that all seven generators did their work.

    Raises:
        RuntimeError: One did not.
    """
    (path,) = folder.rglob("manifest.json")
    entries = json.loads(path.read_text(encoding="utf-8"))["generators"]
    done = {entry["name"] for entry in entries if entry["status"] == "ok"}
    if missing := set(_SEVEN) - done:
        raise RuntimeError(f"{path}: {', '.join(sorted(missing))} did not finish.")
