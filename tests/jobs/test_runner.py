"""A job ends with a manifest that accounts for every generator and every file."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from voyant.artifacts.kpi_history import KpiHistory
from voyant.artifacts.kpis import KpiResult, KpisArtifact
from voyant.artifacts.manifest import Manifest
from voyant.artifacts.store import JOURNAL_NAME, MARKER_NAME
from voyant.core.config import Settings
from voyant.core.errors import ConfigurationError, FolderError, UnsafeNameError
from voyant.core.pipeline import Observer
from voyant.core.plugin_registry import PluginRegistry
from voyant.jobs.request import JobRequest, new_job_id
from voyant.jobs.runner import run_job


@pytest.fixture
def registry():
    return PluginRegistry()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(registry, tmp_path, settings=None, **fields):
    fields.setdefault("job_id", "job")
    request = JobRequest(artifacts_root=tmp_path / "out", **fields)
    return run_job(request, settings, registry=registry)


def entry(job, name):
    return next(found for found in job.manifest.generators if found.name == name)


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_the_manifest_accounts_for_everything(registry, tmp_path):
    @registry.register("first", is_core=True, order=10, description="The first.")
    def first(ctx):
        ctx.note("query_ms", 3)
        return {"first": ctx.write_json("first.json", {"a": 1})}

    @registry.register("broken", order=20, feature_flag="enable_broken")
    def broken(ctx):
        ctx.write_text("half.txt", "kept")
        raise ValueError("no luck")

    @registry.register("off", order=30, feature_flag="enable_off")
    def off(ctx):
        return {}

    job = run(registry, tmp_path, flags={"enable_off": False}, tenant_id="acme")
    manifest = job.manifest

    assert Manifest.model_validate_json((job.folder / "manifest.json").read_bytes()) == manifest
    assert (manifest.success, manifest.failed_core) == (True, None)
    assert (manifest.job_id, manifest.tenant_id) == ("job", "acme")
    assert manifest.as_of == manifest.started_at <= manifest.finished_at
    assert [(e.name, e.status) for e in manifest.generators] == [
        ("first", "ok"),
        ("broken", "failed"),
        ("off", "skipped"),
    ]
    assert entry(job, "first").description == "The first."
    assert entry(job, "first").details == {"query_ms": 3}
    assert entry(job, "first").gate is None
    assert entry(job, "broken").error == "no luck"
    assert entry(job, "broken").artifacts == ["half.txt"]
    assert entry(job, "broken").gate.enabled
    assert entry(job, "off").reason == "enable_off is off (run flags)"
    assert entry(job, "off").gate.source == "run flags"
    assert entry(job, "off").duration_ms is None
    content = b'{\n  "a": 1\n}\n'
    assert [artifact.model_dump() for artifact in manifest.artifacts] == [
        {
            "key": "first",
            "path": "first.json",
            "generator": "first",
            "media_type": "application/json",
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        {
            "key": None,
            "path": "half.txt",
            "generator": "broken",
            "media_type": "text/plain",
            "size_bytes": 4,
            "sha256": hashlib.sha256(b"kept").hexdigest(),
        },
    ]
    assert files(job.folder) == [MARKER_NAME, "first.json", "half.txt", "manifest.json"]


def test_a_failed_core_generator_is_an_account_not_an_exception(registry, tmp_path):
    registry.register("core", is_core=True)(lambda ctx: 1 / 0)
    registry.register("later", order=200)(lambda ctx: {})
    job = run(registry, tmp_path)
    assert not job.manifest.success
    assert job.manifest.failed_core == "core"
    assert entry(job, "later").status == "skipped"
    assert "core" in entry(job, "later").reason
    assert "Traceback" not in (job.folder / "manifest.json").read_text()


def test_files_a_plugin_writes_by_itself_are_listed(registry, tmp_path):
    @registry.register("plain")
    def plain(ctx):
        path = f"{ctx['artifacts_root']}/{ctx['job_id']}/my_artifact.json"
        with open(path, "w") as file:  # noqa: PTH123 - as the specification's example does
            file.write('{"result": "success"}')
        return {"my_artifact": path}

    job = run(registry, tmp_path)
    assert [(a.key, a.path, a.generator) for a in job.manifest.artifacts] == [
        ("my_artifact", "my_artifact.json", "plain")
    ]


def test_what_is_not_in_the_folder_is_a_problem_not_an_artifact(registry, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("x")

    @registry.register("odd")
    def odd(ctx):
        (ctx.folder / "link.txt").symlink_to(outside)
        (ctx.folder / "sub").mkdir()
        return {
            "outside": outside,
            "missing": ctx.folder / "missing.txt",
            "folder": ctx.folder / "sub",
            "link": ctx.folder / "link.txt",
            "hidden": ctx.folder / MARKER_NAME,
            "escape": f"{ctx.folder}/../../outside.txt",
        }

    job = run(registry, tmp_path)
    assert job.manifest.success
    assert job.manifest.artifacts == []
    problems = {problem.key: problem.message for problem in job.manifest.problems}
    assert "outside the job's folder" in problems["outside"]
    assert "is not there" in problems["missing"]
    assert "cannot be read" in problems["folder"]
    assert "is a link" in problems["link"]
    assert "is not listed" in problems["hidden"]
    assert "outside the job's folder" in problems["escape"]
    assert {problem.generator for problem in job.manifest.problems} == {"odd"}


def test_a_file_that_was_written_and_removed_is_a_problem(registry, tmp_path):
    @registry.register("fickle")
    def fickle(ctx):
        ctx.write_text("a.txt", "x")
        (ctx.folder / "a.txt").unlink()
        return {}

    (problem,) = run(registry, tmp_path).manifest.problems
    assert (problem.generator, problem.key) == ("fickle", None)


def test_a_file_that_another_generator_overwrote_is_a_problem(registry, tmp_path):
    registry.register("first", order=1)(lambda ctx: {"a": ctx.write_text("a.txt", "first")})
    registry.register("second", order=2)(lambda ctx: (ctx.folder / "a.txt").write_text("x") and {})
    job = run(registry, tmp_path)
    (problem,) = job.manifest.problems
    assert (problem.generator, problem.key) == ("first", None)
    assert problem.message == "'a.txt' was changed after its generator had written it."
    assert job.manifest.artifacts[0].sha256 == hashlib.sha256(b"x").hexdigest()


def test_a_file_that_is_written_twice_by_its_generator_is_none(registry, tmp_path):
    @registry.register("twice")
    def twice(ctx):
        ctx.write_text("a.txt", "one")
        return {"a": ctx.write_text("a.txt", "two")}

    assert run(registry, tmp_path).manifest.problems == []


def test_running_again_replaces_the_artifacts(registry, tmp_path):
    registry.register("a")(lambda ctx: {"a": ctx.write_text("a.txt", "x")})
    run(registry, tmp_path)
    registry.clear()
    registry.register("b")(lambda ctx: {"b": ctx.write_text("b.txt", "x")})
    assert files(run(registry, tmp_path).folder) == [MARKER_NAME, "b.txt", "manifest.json"]


def test_another_tenants_job_is_refused(registry, tmp_path):
    registry.register("a")(lambda ctx: {"a": ctx.write_text("a.txt", "x")})
    before = files(run(registry, tmp_path, tenant_id="acme").folder)
    with pytest.raises(FolderError, match="another tenant"):
        run(registry, tmp_path, tenant_id="globex")
    assert files(tmp_path / "out" / "job") == before


def test_ctrl_c_leaves_no_manifest_and_frees_the_folder(registry, tmp_path):
    @registry.register("endless")
    def endless(ctx):
        ctx.write_text("a.txt", "x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(registry, tmp_path)
    assert files(tmp_path / "out" / "job") == [MARKER_NAME, JOURNAL_NAME, "a.txt"]
    registry.clear()
    again = run(registry, tmp_path)
    assert again.manifest.success
    assert files(again.folder) == [MARKER_NAME, "manifest.json"]


def test_ctrl_c_that_a_generator_swallows_still_stops_the_job(registry, tmp_path):
    @registry.register("greedy")
    def greedy(ctx):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except BaseException:
            raise RuntimeError("Query interrupted") from None

    later = []
    registry.register("later", order=200)(lambda ctx: later.append(1) or {})
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(registry, tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    assert not later
    assert files(tmp_path / "out" / "job") == [MARKER_NAME]


def test_a_job_runs_in_any_thread(registry, tmp_path):
    registry.register("a")(lambda ctx: {})
    with ThreadPoolExecutor() as pool:
        assert pool.submit(run, registry, tmp_path).result().manifest.success


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"only": ["nobody"]}, ConfigurationError),
        ({"as_of": "yesterday"}, ConfigurationError),
        ({"job_id": "../x"}, UnsafeNameError),
        ({"job_id": ""}, UnsafeNameError),
        ({"tenant_id": "a/b"}, UnsafeNameError),
    ],
)
def test_nothing_is_made_for_a_request_that_cannot_run(registry, tmp_path, fields, error):
    ran = []
    registry.register("a")(lambda ctx: ran.append(1) or {})
    with pytest.raises(error):
        run(registry, tmp_path, **fields)
    assert not (tmp_path / "out").exists()
    assert not ran


def test_the_settings_fill_in_what_the_request_leaves_out(registry, tmp_path):
    seen = {}
    registry.register("look")(lambda ctx: seen.update(ctx) or {})
    settings = Settings(
        artifacts_root=str(tmp_path / "elsewhere"),
        tenant_id="acme",
        tables={"orders": "orders.csv"},
        kpis=[{"name": "n", "sql": "SELECT 1"}],
        warehouse_url="postgresql://ann:hunter2@db/shop",
    )
    job = run_job(JobRequest(), settings, registry=registry)
    assert job.folder.parent == (tmp_path / "elsewhere").resolve()
    assert (seen["tenant_id"], seen["sources"]) == ("acme", {"orders": "orders.csv"})
    assert job.manifest.parameters.sources == {"orders": ["orders.csv"]}
    assert job.manifest.parameters.kpis == ["n"]
    assert job.manifest.parameters.settings["tenant_id"] == "acme"
    assert "hunter2" not in (job.folder / "manifest.json").read_text()


def test_a_moment_can_be_chosen(registry, tmp_path):
    job = run(registry, tmp_path, as_of="2014-01-01T00:00:00+00:00")
    assert job.manifest.as_of == datetime(2014, 1, 1, tzinfo=UTC)


def test_observers_see_the_run(registry, tmp_path):
    seen = []

    class Watcher(Observer):
        def generator_finished(self, definition, result):
            seen.append((definition.name, result.success))

    registry.register("a")(lambda ctx: {})
    run_job(JobRequest(artifacts_root=tmp_path / "out"), observers=[Watcher()], registry=registry)
    assert seen == [("a", True)]


def test_job_ids_are_unique_and_sort_by_time():
    first, second = new_job_id(), new_job_id()
    assert first != second
    assert first[:15] <= second[:15]


def kpis(value):
    empty = {"change": None, "distance_to_target": None, "columns": [], "rows": []}
    rest = {"previous": None, "truncated": False, "masked_count": 0, "error": None}
    one = KpiResult(name="revenue", sql="SELECT 1", status="ok", value=value, **empty, **rest)
    return KpisArtifact(kpis=[one], is_masking_enabled=True, masked_count=0)


def test_kpi_values_are_remembered_for_the_next_job(registry, tmp_path):
    registry.register("kpi", is_core=True)(
        lambda ctx: {"kpis": ctx.write_json("kpis.json", kpis(12.5))}
    )
    run(registry, tmp_path, tenant_id="acme")
    history = KpiHistory(tmp_path / "out", "acme")
    assert history.last(["revenue"], "another").get("revenue") == 12.5
    assert history.last(["revenue"], "job").get("revenue") is None


def test_kpi_values_of_a_failed_generator_are_not_remembered(registry, tmp_path):
    @registry.register("kpi", is_core=True)
    def kpi(ctx):
        ctx.write_json("kpis.json", kpis(12.5))
        raise ValueError("one of them")

    run(registry, tmp_path, tenant_id="acme")
    assert not KpiHistory(tmp_path / "out", "acme").path.exists()


@pytest.mark.parametrize("text", ["{}", "not json", ""])
def test_a_job_is_done_even_if_its_kpis_cannot_be_remembered(registry, tmp_path, caplog, text):
    registry.register("kpi")(lambda ctx: {"kpis": ctx.write_text("kpis.json", text)})
    job = run(registry, tmp_path)
    assert job.manifest.success
    assert "KPI history not kept" in caplog.text


def test_the_manifest_is_the_last_file_written(registry, tmp_path):
    registry.register("a")(lambda ctx: {"a": ctx.write_text("a.txt", "x")})
    folder = run(registry, tmp_path).folder
    newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert newest.name == "manifest.json"
    assert json.loads(newest.read_bytes())["schema_version"] == "1.0"
