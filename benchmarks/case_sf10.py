"""Profile sixty million rows: does memory stay bounded when the table does not?"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import tpch
from harness import VOYANT, Contender, Goal, Options, Report, alternate, expect_rows, say


def run(options: Options) -> Report | None:
    """Measure one run; only when asked for, since making the table takes minutes and gigabytes."""
    if not options.sf10:
        say("left out; --sf10 includes it (3 GB of disk, a few minutes)")
        return None
    path = tpch.lineitem(10)
    with TemporaryDirectory() as folder:
        out = Path(folder)
        rows = alternate(
            [
                Contender(
                    name="voyant --only profile",
                    argv=[str(VOYANT), "run", str(path), "--only", "profile", "--out", str(out)],
                    check=lambda: expect_rows(out, {"lineitem": tpch.LINEITEM_ROWS[10]}),
                ),
            ],
            runs=1,
            warm_up=False,
        )
    goal = Goal(text="peak memory, GiB", measured=(rows[0].peak_bytes or 0) / 2**30, limit=4)
    return Report(case="profile: lineitem SF10, Parquet", unit="seconds", rows=rows, goals=[goal])
