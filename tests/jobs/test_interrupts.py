"""Ctrl-C reaches the engine at once, whatever keeps the main thread."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time

import duckdb
import pytest

from voyant.core.context import GeneratorContext
from voyant.core.pipeline import Observer
from voyant.jobs.interrupts import CtrlC
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job


class Engine:
    def __init__(self):
        self.happened = []

    def interrupt(self):
        self.happened.append("interrupted")


def test_the_engine_hears_of_it_while_the_main_thread_cannot():
    """PBKDF2 lets other threads run, and no signal through to Python until it is done."""
    engine = Engine()
    context = GeneratorContext({}, services={"engine": engine})
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with CtrlC() as ctrl_c:
        ctrl_c.run_started(None, context)
        timer.start()
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the order is the point
            try:
                hashlib.pbkdf2_hmac("sha512", b"x", b"y", 3_000_000)
            finally:
                engine.happened.append("worked")
    timer.join()
    assert engine.happened == ["interrupted", "worked"]
    assert not [t for t in threading.enumerate() if t.name == "voyant-ctrl-c"]


def test_an_event_loops_own_listener_is_left_alone():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        with CtrlC():
            pass
        assert signal.set_wakeup_fd(-1) == writing
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("generator", ["profile", "kpi"])
def test_a_run_over_a_table_without_end_stops(tmp_path, generator):
    """The table has 10^12 rows: if nothing stopped it, this test would wait in vain."""
    path = tmp_path / "endless.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(
            "CREATE VIEW endless AS SELECT hash(a.i, b.i) AS x "
            "FROM range(1_000_000) a(i), range(1_000_000) b(i)"
        )
        made.execute("CREATE TABLE small AS SELECT 1 AS a")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    arguments = ["run", "--table", f"shop={path}", "--only", generator, "--out", tmp_path / "out"]
    if generator == "kpi":
        arguments += ["--kpi", "n=SELECT max(x) FROM endless"]
    process = subprocess.Popen(
        [sys.executable, "-m", "voyant", *arguments, "--events", tmp_path / "events"],
        env={
            **os.environ,
            "VOYANT_TEMP_DIRECTORY": str(scratch),
            "VOYANT_QUERY_TIMEOUT_SECONDS": "3600",
            "VOYANT_MEMORY_LIMIT": "500MB",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "events").exists() or "generator_started" not in (
        tmp_path / "events"
    ).read_text(encoding="utf-8"):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(2)  # into the statement
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped." in errors
    assert not list((tmp_path / "out").rglob("manifest.json"))
    assert list(scratch.iterdir()) == []


def test_progress_names_tables_and_columns(tmp_path):
    path = tmp_path / "t.csv"
    names = [f"c{number}" for number in range(1, 21)]
    row = ",".join("1" for _ in names)
    path.write_text("\n".join([",".join(names), row, row]))

    class Watching(Observer):
        def __init__(self):
            self.steps = []

        def generator_progressed(self, definition, step):
            self.steps.append((definition.name, step))

    watching = Watching()
    run_job(JobRequest(sources={"t": str(path)}, artifacts_root=tmp_path), observers=[watching])
    columns = {step for name, step in watching.steps if name == "profile" and "column" in step}
    # Two connections share the columns, and one of them tells.
    assert len(columns) >= 2
    assert columns <= {f"t: column {n} of 20, c{n}" for n in range(1, 21)}
