"""What a generator changes of its surroundings does not reach the next one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from voyant.core.plugin_registry import PluginRegistry
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job


@pytest.fixture
def seen(tmp_path, monkeypatch, caplog):
    """Run a bad generator, then a good one that relies on its surroundings; return what it saw."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEPT", "kept")
    (tmp_path / "orders.csv").write_text("id\n1\n2\n")
    found: dict[str, object] = {}

    def run(bad):
        registry = PluginRegistry()
        registry.register("bad", order=1)(bad)

        @registry.register("good", order=2, is_core=True)
        def good(ctx):
            found.update(
                folder=str(Path.cwd()),
                kept=os.environ.get("KEPT"),
                added=os.environ.get("ADDED"),
                tables=list(ctx["tables"]),
                keys=sorted(ctx),
                rows=ctx.summary("orders").row_count,
                stdout=sys.stdout,
            )
            return {"good": ctx.write_text("good.txt", "good")}

        request = JobRequest(
            sources={"orders": "orders.csv"}, tables=["orders"], artifacts_root="out", job_id="job"
        )
        job = run_job(request, registry=registry)
        assert job.manifest.success, job.manifest.generators[1].error
        assert (tmp_path / "out" / "job" / "manifest.json").exists()
        found["warnings"] = [r.getMessage() for r in caplog.records if r.name == "voyant.jobs"]
        return found

    return run


def test_the_current_folder(seen, tmp_path):
    found = seen(lambda ctx: os.chdir("/") or {})
    assert found["folder"] == str(tmp_path)
    assert found["warnings"] == [
        "bad changed the current folder, which is not its own; it was put back"
    ]


def test_the_environment(seen):
    def bad(ctx):
        del os.environ["KEPT"]
        os.environ["ADDED"] = "added"
        raise ValueError("and fails")

    found = seen(bad)
    assert (found["kept"], found["added"]) == ("kept", None)
    assert found["warnings"] == [
        "bad changed the environment, which is not its own; it was put back"
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda ctx: ctx.clear(),
        lambda ctx: ctx["tables"].append("nothing"),
        lambda ctx: ctx.update(artifacts_root="/elsewhere", job_id="other"),
        lambda ctx: ctx["sources"].clear(),
        lambda ctx: ctx.update(mine=1),
    ],
)
def test_the_context(seen, change):
    found = seen(lambda ctx: change(ctx) or {})
    assert found["tables"] == ["orders"]
    assert found["rows"] == 2
    assert "mine" not in found["keys"]
    assert found["warnings"] == ["bad changed the context, which is not its own; it was put back"]


def test_a_stream_that_is_replaced(seen):
    before = sys.stdout

    def bad(ctx):
        sys.stdout = None
        return {}

    assert seen(bad)["stdout"] is before


def test_who_changes_nothing_is_not_warned_of(seen):
    assert seen(lambda ctx: {"fine": ctx.write_text("fine.txt", "x")})["warnings"] == []


START = """
import os, sys, threading, time
from voyant.core.plugin_registry import clear_registry, register
clear_registry()

@register("bad", order=1)
def bad(ctx):
    {}
    return {{"bad": ctx.write_text("bad.txt", "x")}}

register("good", order=2)(lambda ctx: {{"good": ctx.write_text("good.txt", "x")}})
from voyant.cli import main
main()
"""


def command(folder: Path, statement: str) -> subprocess.CompletedProcess[str]:
    (folder / "orders.csv").write_text("id\n1\n")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VOYANT_", "COV_"))}
    return subprocess.run(
        [
            *(sys.executable, "-c", START.format(statement)),
            *("run", "orders.csv", "--out", "out", "--json"),
        ],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "statement", ["sys.stdout.close(); sys.stderr.close()", "os.close(1)", "sys.stdout = None"]
)
def test_the_command_still_says_what_came_of_it(statement, tmp_path):
    done = command(tmp_path, statement)
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)["manifest"]
    assert [entry["status"] for entry in manifest["generators"]] == ["ok", "ok"]


def test_a_thread_that_never_ends_does_not_keep_the_command(tmp_path):
    done = command(tmp_path, "threading.Thread(target=time.sleep, args=(1000,), name='x').start()")
    assert done.returncode == 0
    assert json.loads(done.stdout)["manifest"]["success"] is True
    assert "The thread 'x', left by a generator, is not waited for." in done.stderr


def test_our_own_thread_is_not_called_a_generators(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a\n1\n2\n", encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from voyant.cli import main; main()", "run", str(table)),
            *("--kpi", "n=SELECT count(*) FROM t", "--out", str(tmp_path / "out")),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_idle_workers_of_a_pool_are_nobodys_fault(tmp_path):
    pool = "import concurrent.futures as c; global p; p = c.ThreadPoolExecutor(1); p.submit(int)"
    done = command(tmp_path, pool)
    assert (done.returncode, done.stderr) == (0, "")
