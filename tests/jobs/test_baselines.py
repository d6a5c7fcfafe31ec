"""When a job's profile becomes the baseline, and when it must not."""

from __future__ import annotations

import json
import os
import signal

import pandas as pd
import pytest

from voyant.artifacts.baselines import BaselineStore
from voyant.core.config import Settings
from voyant.core.plugin_registry import PluginRegistry
from voyant.generators.drift import generate_drift
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job

SMALL = pd.DataFrame({"n": [n / 4 for n in range(100)]})
LARGE = pd.DataFrame({"n": [n / 4 for n in range(1000, 1200)]})


@pytest.fixture
def registry(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    registry = PluginRegistry()
    registry.register("drift", order=50)(generate_drift)
    return registry


@pytest.fixture
def run(registry, tmp_path):
    def run(frame, job, *, settings=None, tenant="acme", **fields):
        request = JobRequest(
            sources={"t": frame}, job_id=job, tenant_id=tenant, artifacts_root=tmp_path, **fields
        )
        run_job(request, settings or Settings(), registry=registry)
        return json.loads((tmp_path / job / "drift.json").read_text())["tables"]["t"]

    return run


def job_of_baseline(root, tenant="acme"):
    baseline = BaselineStore(root, tenant).load("t")
    return None if baseline is None else baseline.job_id


def test_the_first_job_is_the_baseline_and_stays_it(run, tmp_path):
    assert run(SMALL, "one")["status"] == "no_baseline"
    assert job_of_baseline(tmp_path) == "one"
    assert run(LARGE, "two")["baseline_job_id"] == "one"
    assert run(LARGE, "three")["baseline_job_id"] == "one"
    assert job_of_baseline(tmp_path) == "one"


def test_the_baseline_follows_where_that_is_set(run, tmp_path):
    settings = Settings(baseline="previous")
    run(SMALL, "one", settings=settings)
    assert run(LARGE, "two", settings=settings)["status"] == "drifted"
    assert job_of_baseline(tmp_path) == "two"
    assert run(LARGE, "three", settings=settings)["status"] == "stable"
    assert job_of_baseline(tmp_path) == "three"


def test_a_job_run_again_is_compared_with_its_earlier_run(run, tmp_path):
    run(SMALL, "nightly")
    again = run(LARGE, "nightly")
    assert (again["status"], again["baseline_job_id"]) == ("drifted", "nightly")
    assert again["volume"]["reference_row_count"] == 100
    assert BaselineStore(tmp_path, "acme").load("t").profile.row_count == 100


def test_a_job_compared_with_a_reference_table_leaves_baselines_alone(run, tmp_path):
    table = run(SMALL, "one", reference={"t": LARGE}, settings=Settings(baseline="previous"))
    assert table["compared_with"] == "reference"
    assert job_of_baseline(tmp_path) is None


def test_tenants_have_their_own(run, tmp_path):
    run(SMALL, "one")
    assert run(SMALL, "two", tenant="other")["status"] == "no_baseline"
    assert (job_of_baseline(tmp_path), job_of_baseline(tmp_path, "other")) == ("one", "two")


def test_a_job_that_failed_is_no_baseline(registry, run, tmp_path):
    @registry.register("late", is_core=True, order=60)
    def late(ctx):
        raise ValueError("no luck")

    run(SMALL, "one")
    assert job_of_baseline(tmp_path) is None


def test_a_job_that_was_killed_is_no_baseline(registry, run, tmp_path):
    @registry.register("last", order=60)
    def last(ctx):
        assert (tmp_path / "one" / "baseline.json").is_file()
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        run(SMALL, "one")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert job_of_baseline(tmp_path) is None


def test_a_baseline_folder_that_cannot_be_written_does_not_spoil_the_job(run, tmp_path, caplog):
    (tmp_path / ".voyant").write_text("in the way")
    assert run(SMALL, "one")["status"] in {"no_baseline", "not_assessable"}
    assert (tmp_path / "one" / "manifest.json").is_file()
