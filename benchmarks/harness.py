"""How long do whole processes take, and how much memory, one against another in the same run?

Contenders take turns (A B A B ...), so that whatever else the machine does hits all of them; the
first round warms the page cache and is thrown away. Only ratios carry from one machine to another.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = HERE / ".cache"
VOYANT = Path(sys.executable).parent / "voyant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller of `run.py` asked for."""

    runs: int
    sf10: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One command to measure.

    Attributes:
        name: As the table shows it.
        argv: The whole command.
        prepare: Called before each run, outside the clock.
        check: Called after each run, outside the clock; raises if the work was not done.
    """

    name: str
    argv: Sequence[str]
    prepare: Callable[[], None] = lambda: None
    check: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contender's figures; `value` is in the unit of its case.

    Attributes:
        value: The median over the runs.
        low: The smallest.
        high: The largest.
        peak_bytes: Largest resident set of the process or of any one child it waited for; None when
            not measured.
        cpu_seconds: Median processor time of the process and the children it waited for, which
            other work on the machine disturbs less than `value`; None when not measured.
    """

    name: str
    value: float
    low: float
    high: float
    peak_bytes: int | None = None
    cpu_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A promise, what was measured, and whether it holds."""

    text: str
    measured: float
    limit: float
    is_at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the measured figure is within the limit."""
        if self.is_at_least:
            return self.measured >= self.limit
        return self.measured <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one case; the first row is the baseline of the ratios."""

    case: str
    unit: str
    rows: Sequence[Row]
    goals: Sequence[Goal] = field(default_factory=tuple[Goal, ...])

    def ratio(self, name: str) -> float:
        """Give a contender's median over the baseline's."""
        return self.row(name).value / self.rows[0].value

    def row(self, name: str) -> Row:
        """Find a contender's figures by name."""
        return next(row for row in self.rows if row.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one process took, its children included where it waited for them."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def say(text: str) -> None:
    """Tell whoever waits, on standard error, what is going on."""
    print(f"  {text}", file=sys.stderr, flush=True)


def run_process(argv: Sequence[str]) -> Taken:
    """Run one command to its end and give what it took.

    The kernel counts the memory of the process that forks as a floor, so this module imports
    nothing heavy.

    Raises:
        subprocess.CalledProcessError: The command failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stderr is not None  # noqa: S101 -- asked for, the line before
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        sys.stderr.write(errors.decode(errors="replace"))
        raise subprocess.CalledProcessError(process.returncode, argv)
    scale = 1 if sys.platform == "darwin" else 1024
    return Taken(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * scale,
    )


def alternate(contenders: Sequence[Contender], runs: int, *, warm_up: bool = True) -> list[Row]:
    """Let whole processes take turns and sum up each one's times and peak memory."""
    taken: dict[str, list[Taken]] = {one.name: [] for one in contenders}
    for number in range(0 if warm_up else 1, runs + 1):
        for one in contenders:
            one.prepare()
            took = run_process(one.argv)
            one.check()
            note = "" if number else " (warm-up)"
            say(
                f"{one.name}: {took.seconds:.2f} s, processor {took.cpu_seconds:.2f} s, "
                f"{took.peak_bytes / 2**20:,.0f} MiB{note}"
            )
            if number:
                taken[one.name].append(took)
    return [
        replace(
            summarise(name, [took.seconds for took in all_], max(took.peak_bytes for took in all_)),
            cpu_seconds=statistics.median(took.cpu_seconds for took in all_),
        )
        for name, all_ in taken.items()
    ]


def summarise(name: str, values: Sequence[float], peak_bytes: int | None = None) -> Row:
    """Reduce repeated measurements to the median and the range."""
    return Row(
        name=name,
        value=statistics.median(values),
        low=min(values),
        high=max(values),
        peak_bytes=peak_bytes,
    )


def table(report: Report) -> str:
    """Lay a report out for a terminal or a README."""
    lines = [
        f"{report.case} ({report.unit})",
        f"  {'':38} {'median':>9} {'range':>17} {'ratio':>8} {'processor':>10} {'peak':>10}",
    ]
    for row in report.rows:
        peak = "" if row.peak_bytes is None else f"{row.peak_bytes / 2**20:,.0f} MiB"
        spread = f"{row.low:.3g} .. {row.high:.3g}"
        ratio = report.ratio(row.name)
        times = f"{ratio:,.0f} x" if ratio >= 100 else f"{ratio:.2f} x"  # noqa: PLR2004 -- digits that mean something
        cpu = "" if row.cpu_seconds is None else f"{row.cpu_seconds:.3g}"
        lines.append(
            f"  {row.name:38} {row.value:9.3g} {spread:>17} {times:>8} {cpu:>10} {peak:>10}"
        )
    for goal in report.goals:
        bound = "at least" if goal.is_at_least else "limit"
        verdict = "met   " if goal.is_met else "MISSED"
        lines.append(f"  {verdict} {goal.text}: {goal.measured:.3g} ({bound} {goal.limit:g})")
    return "\n".join(lines)


def as_json(report: Report) -> dict[str, object]:
    """Give a report as plain values, with the ratios and verdicts worked out."""
    rows = [asdict(row) | {"ratio": report.ratio(row.name)} for row in report.rows]
    goals = [asdict(goal) | {"is_met": goal.is_met} for goal in report.goals]
    return {"case": report.case, "unit": report.unit, "rows": rows, "goals": goals}


def expect_rows(folder: Path, expected: dict[str, int]) -> None:
    """Check that a run left a profile of the right tables: fast nonsense is no win.

    Raises:
        RuntimeError: There is no profile, or it counts other rows.
    """
    found = sorted(folder.rglob("profile.json"))
    if not found:
        raise RuntimeError(f"No profile.json under {folder}.")
    profile = json.loads(found[-1].read_text(encoding="utf-8"))
    counts = {name: one["row_count"] for name, one in profile["tables"].items()}
    if counts != expected:
        raise RuntimeError(f"{found[-1]} counts {counts}, expected {expected}.")
