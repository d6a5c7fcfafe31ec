"""`kill -9` at any moment: no file is half there, no manifest lies, the next run completes it.

A real `voyant run` is killed at twenty moments, spread at random over the time it takes. What it
has left must be, byte for byte, a part of what a run that nobody kills leaves.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.report.timings import without_times
from voyant.artifacts.store import JOURNAL_NAME, MANIFEST_NAME, MARKER_NAME
from voyant.artifacts.verify import verify_folder

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

MOMENTS = 20
OWN_FILES = {JOURNAL_NAME, MANIFEST_NAME, MARKER_NAME}
PLUGIN = """
from voyant.core.plugin_registry import register

@register("apart", order=45, isolation="process")
def apart(ctx):
    rows = ctx.summary("orders").row_count
    for number in range(5):
        ctx.write_text(f"apart-{number}.txt", f"{rows} rows\\n" * 10_000)
    return {"apart": ctx.write_json("apart.json", {"rows": rows})}
"""
SETTINGS = """
plugin_path = "plugins"
threads = 2

[generators.charts]
max_charts = 3
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kills")
    rows = [
        f"{n},{n % 7},{n * 37 % 1000 / 10},2024-{n % 12 + 1:02}-{n % 28 + 1:02}"
        for n in range(20_000)
    ]
    text = "\n".join(["id,customer,amount,day", *rows])
    (folder / "orders.csv").write_text(text + "\n")
    (folder / "earlier.csv").write_text(text[: len(text) // 2].rpartition("\n")[0] + "\n")
    (folder / "customers.csv").write_text(
        "customer,name\n" + "".join(f"{n},c{n}\n" for n in range(7))
    )
    (folder / "plugins").mkdir()
    (folder / "plugins" / "apart.py").write_text(PLUGIN)
    (folder / "voyant.toml").write_text(SETTINGS)
    return folder


def start(workplace: Path, out: Path, temporary: Path) -> subprocess.Popen[bytes]:
    temporary.mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VOYANT_", "COV_"))}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "voyant", "run", "orders.csv", "customers.csv"),
            *("--reference", "orders=earlier.csv", "--as-of", "2025-01-01", "--job-id", "job"),
            *("--kpi", "revenue=SELECT sum(amount) AS revenue FROM orders", "--out", str(out)),
        ],
        cwd=workplace,
        env={**kept, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def complete(workplace: Path, out: Path, temporary: Path) -> None:
    process = start(workplace, out, temporary)
    _, said = process.communicate(timeout=300)
    assert (process.returncode, said) == (0, b"")


def artifacts(folder: Path) -> dict[str, bytes]:
    """What is in a job's folder under the names of artifacts; without times, which differ."""
    return {
        path.relative_to(folder).as_posix(): without_times(path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.name not in OWN_FILES
    }


def hidden(out: Path) -> set[str]:
    """Temporary files, wherever they are; a job's own marker and journal aside."""
    return {path.name for path in out.rglob(".*") if path.is_file()} - {MARKER_NAME, JOURNAL_NAME}


def of_this_run(temporary: Path) -> list[int]:
    """Processes that were started with this folder for temporary files, or one below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                variables = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"TMPDIR={temporary}".encode() in variables:
                found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def whole(workplace, tmp_path_factory) -> tuple[dict[str, bytes], float]:
    """What a run leaves that nobody kills, and the time it takes once it has run before."""
    out, seconds = tmp_path_factory.mktemp("whole"), 0.0
    for name in ("first", "second"):
        started = time.monotonic()
        complete(workplace, out / name, out / "temporary")
        seconds = time.monotonic() - started
    return artifacts(out / "first" / "job"), seconds


def test_the_run_that_is_killed_writes_files_of_every_kind(whole):
    files, _ = whole
    suffixes = {Path(name).suffix for name in files}
    assert suffixes >= {".html", ".json", ".md", ".svg", ".txt"}
    assert {"profile.json", "kpis.json", "apart-4.txt", "narrative.md", "index.html"} <= set(files)


@pytest.mark.parametrize("number", range(MOMENTS))
def test_a_run_that_is_killed_can_be_completed(number, workplace, whole, tmp_path):
    expected, seconds = whole
    # One moment in each twentieth of the run, and a little beyond its end.
    moment = (number + random.Random(number).random()) / MOMENTS * seconds * 1.05
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    process = start(workplace, out, temporary)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    end = time.monotonic() + 30
    while of_this_run(temporary) and time.monotonic() < end:
        time.sleep(0.02)
    assert of_this_run(temporary) == []

    folder = out / "job"
    left = artifacts(folder)
    has_manifest = (folder / MANIFEST_NAME).exists()
    assert left.items() <= expected.items()
    if has_manifest:
        assert left == expected
        found = verify_folder(folder)
        assert found.is_ok
        assert found.manifest is not None
        assert found.manifest.success

    complete(workplace, out, temporary)
    assert verify_folder(folder).is_ok
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    assert [entry["status"] for entry in manifest["generators"]] == ["ok"] * 9
    if not has_manifest:  # a job that had finished is what the next one is compared with
        assert artifacts(folder) == expected
    assert hidden(out) == set()
    assert list(temporary.iterdir()) == []
