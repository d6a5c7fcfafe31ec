"""TPC-H's lineitem table as Parquet, made once and kept in the cache folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from harness import CACHE, say

# TPC-H specification, clause 4.2.5: cardinalities as dbgen makes them.
LINEITEM_ROWS = {1: 6_001_215, 10: 59_986_052}


def lineitem(scale_factor: int) -> Path:
    """Give the path of lineitem at a scale factor, generating it if it is not there yet."""
    folder = CACHE / f"tpch-sf{scale_factor}"
    path = folder / "lineitem.parquet"
    if path.exists():
        return path
    say(f"Generating TPC-H lineitem, scale factor {scale_factor} ...")
    partial = CACHE / f"tpch-sf{scale_factor}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    tool = Path(sys.executable).parent / "tpchgen-cli"
    subprocess.run(
        [
            *(str(tool), "parquet", f"--scale-factor={scale_factor}"),
            *("--tables=lineitem", f"--output-dir={partial}"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return path
