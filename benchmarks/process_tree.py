"""How much memory does a process hold together with everything it started, at its worst moment?

The kernel's own account of children (`ru_maxrss`) gives the largest of them, not the sum. Here the
resident sets of the whole tree are added up, twenty times a second. Shared pages count more than
once, so the sum is at most too high. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import ROOT

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICK_SECONDS = 0.05


def run_tree(argv: Sequence[str], env: Mapping[str, str]) -> tuple[float, int]:
    """Run a command to its end; give its wall time in seconds and the tree's peak in bytes.

    Raises:
        subprocess.CalledProcessError: The command failed.
    """
    started = time.perf_counter()
    peak = 0
    with subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, **env}
    ) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_resident_bytes, _tree(process.pid))))
            time.sleep(_TICK_SECONDS)
        seconds = time.perf_counter() - started
        if process.returncode != 0:
            assert process.stderr is not None  # noqa: S101 -- asked for, above
            sys.stderr.write(process.stderr.read().decode(errors="replace"))
            raise subprocess.CalledProcessError(process.returncode, argv)
    return seconds, peak


def _tree(root: int) -> list[int]:
    """List a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    todo = [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
