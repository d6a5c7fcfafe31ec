"""What an interrupted job had done is kept if nothing has changed, and only then."""

from __future__ import annotations

import json
import os

import pytest

from voyant.artifacts.kpi_history import KpiHistory
from voyant.artifacts.store import PROGRESS_NAME
from voyant.artifacts.verify import verify_folder
from voyant.core.config import Settings
from voyant.core.pipeline import Observer
from voyant.core.plugin_registry import PluginRegistry
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import Attempt, remember_job, run_job


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text("id\n1\n")


class Trial:
    """Three generators, of which one can be interrupted, and attempts at a job of them."""

    def __init__(self, root):
        self.root = root
        self.ran = []
        self.interrupted = None
        self.registry = PluginRegistry()
        for order, name in enumerate("abc", start=1):
            self.registry.register(name, order=order)(self._generator(name))
        self.seen = []

    def _generator(self, name):
        def generate(ctx):
            self.ran.append(name)
            if name == self.interrupted:
                ctx.write_text(f"{name}.half", "not done")
                raise KeyboardInterrupt
            ctx.note("cost_ms", len(self.ran))
            self.seen.append((name, str(ctx.as_of), dict(ctx.artifacts)))
            return {
                name: ctx.write_json(f"{name}.json", {"by": name}),
                f"{name}_text": ctx.write_text(f"charts/{name}.txt", name),
            }

        return generate

    def attempt(self, number, *, interrupted=None, settings=None, observers=(), **fields):
        self.ran, self.interrupted, self.seen = [], interrupted, []
        earlier = self.root / f"try-{number - 1}" / "job"
        request = JobRequest(
            artifacts_root=self.root / f"try-{number}",
            job_id="job",
            **{"sources": {"orders": "orders.csv"}, **fields},
        )
        attempt = Attempt(earlier=earlier if number > 1 else None)
        if interrupted is None:
            return run_job(request, settings, observers, registry=self.registry, attempt=attempt)
        with pytest.raises(KeyboardInterrupt):
            run_job(request, settings, observers, registry=self.registry, attempt=attempt)
        return None


@pytest.fixture
def trial(tmp_path):
    return Trial(tmp_path)


def test_finished_generators_are_kept(trial, tmp_path):
    names = []

    class Kept(Observer):
        def generator_kept(self, definition, result):
            del result
            names.append(definition.name)

    trial.attempt(1, interrupted="c")
    first_as_of = trial.seen[0][1]
    job = trial.attempt(2, observers=[Kept()])
    assert trial.ran == ["c"]
    assert names == ["a", "b"]
    assert job.manifest.resumed.kept == ["a", "b"]
    assert job.manifest.resumed.first_started_at < job.manifest.started_at
    assert {e.name: e.status for e in job.manifest.generators} == dict.fromkeys("abc", "ok")
    assert [e.details for e in job.manifest.generators] == [{"cost_ms": n} for n in (1, 2, 1)]
    [(_, as_of, artifacts)] = trial.seen
    assert as_of == first_as_of
    assert set(artifacts) == {"a", "a_text", "b", "b_text"}
    assert all(path.startswith(str(tmp_path / "try-2")) for path in artifacts.values())
    assert verify_folder(job.folder).is_ok
    assert not list(job.folder.glob("*.half"))


def test_an_attempt_that_took_over_can_be_taken_over(trial):
    trial.attempt(1, interrupted="b")
    trial.attempt(2, interrupted="c")
    assert trial.ran == ["b", "c"]
    job = trial.attempt(3)
    assert trial.ran == ["c"]
    assert job.manifest.resumed.kept == ["a", "b"]


def test_a_job_in_one_go_was_not_resumed(trial):
    assert trial.attempt(1).manifest.resumed is None


def _change_file(root):
    (root / "try-1" / "job" / "a.json").write_text("{}")


def _remove_file(root):
    (root / "try-1" / "job" / "charts" / "a.txt").unlink()


def _link_file(root):
    path = root / "try-1" / "job" / "a.json"
    path.rename(root / "elsewhere.json")
    path.symlink_to(root / "elsewhere.json")


def _cut_progress(root):
    path = root / "try-1" / "job" / PROGRESS_NAME
    lines = path.read_text().splitlines()
    path.write_text(f"{lines[0]}\n{lines[1][:40]}")


def _change_input(root):
    (root / "orders.csv").write_text("id\n1\n2\n")


def _touch_input(root):
    os.utime(root / "orders.csv", ns=(1, 1))


def _leave(root):
    """Change nothing in the folder."""


@pytest.mark.parametrize(
    ("change", "fields", "settings"),
    [
        (_change_file, {}, None),
        (_remove_file, {}, None),
        (_link_file, {}, None),
        (_cut_progress, {}, None),
        (_change_input, {}, None),
        (_touch_input, {}, None),
        (_leave, {"kpis": [{"name": "n", "sql": "SELECT 1"}]}, None),
        (_leave, {"flags": {"enable_charts": False}}, None),
        (_leave, {"as_of": "2025-03-31T00:00:00+00:00"}, None),
        (_leave, {}, Settings(key_pair_budget=1)),
    ],
)
def test_whatever_changed_nothing_of_it_is_kept(trial, tmp_path, change, fields, settings):
    trial.attempt(1, interrupted="b")
    change(tmp_path)
    job = trial.attempt(2, settings=settings, **fields)
    assert trial.ran == ["a", "b", "c"]
    assert job.manifest.resumed is None or job.manifest.resumed.kept == []
    assert verify_folder(job.folder).is_ok


def test_a_generator_that_failed_runs_again_and_those_after_it(trial):
    is_broken = True

    @trial.registry.register("b", order=2, replace=True)
    def broken(ctx):
        trial.ran.append("b")
        if is_broken:
            raise ValueError("no luck")
        return {}

    trial.attempt(1, interrupted="c")
    is_broken = False
    job = trial.attempt(2)
    assert trial.ran == ["b", "c"]
    assert job.manifest.resumed.kept == ["a"]
    assert job.result.success


def test_a_name_that_leads_out_of_the_folder_is_not_followed(trial, tmp_path):
    trial.attempt(1, interrupted="b")
    path = tmp_path / "try-1" / "job" / PROGRESS_NAME
    (tmp_path / "secret.txt").write_text("a")
    lines = path.read_text().splitlines()
    line = json.loads(lines[1])
    line["files"][0]["path"] = "../../secret.txt"
    path.write_text("\n".join([lines[0], json.dumps(line)]) + "\n")
    trial.attempt(2)
    assert trial.ran == ["a", "b", "c"]


def test_remembering_twice_adds_one_line(tmp_path):
    request = JobRequest(
        sources={"orders": "orders.csv"},
        kpis=[{"name": "n", "sql": "SELECT count(*) FROM orders"}],
        only=["profile", "kpi"],
        artifacts_root=tmp_path / "try",
        job_id="job",
    )
    settings = Settings()
    job = run_job(request, settings, attempt=Attempt())
    history = KpiHistory(tmp_path / "root", "default")
    assert not history.path.exists()
    for _ in range(2):
        remember_job(job.folder, job.manifest, tmp_path / "root", settings)
    assert len(history.path.read_text().splitlines()) == 1
