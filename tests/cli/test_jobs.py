"""`voyant jobs` and `voyant worker`, as an operator types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from voyant.core.config import load_settings
from voyant.jobs.durable.lease import WorkerLease
from voyant.jobs.durable.model import JobSpec
from voyant.jobs.durable.queue import open_queue


@pytest.fixture
def queue(workplace):
    queue = open_queue(load_settings())
    yield queue
    queue.close()


@pytest.fixture
def job(queue):
    spec = JobSpec(sources={"orders": "orders.csv"})
    return queue.submit("acme", spec, requested_by="ann")


def test_jobs_are_listed_and_shown(voyant, job):
    listed = json.loads(voyant("jobs", "list", "--tenant", "acme", "--json").stdout)
    assert [(row["job_id"], row["state"]) for row in listed] == [(job.job_id, "queued")]
    shown = json.loads(voyant("jobs", "show", job.job_id, "--tenant", "acme", "--json").stdout)
    assert shown["spec"]["sources"] == {"orders": "orders.csv"}
    assert [event["kind"] for event in shown["events"]] == ["queued"]
    assert shown["folder"].endswith(f"artifacts/acme/{job.job_id}")
    text = voyant("jobs", "show", job.job_id, "--tenant", "acme").stdout
    assert "queued requested_by=ann" in text
    assert job.job_id in voyant("jobs", "list", "--tenant", "acme").stdout
    assert "no such job" in voyant("jobs", "list", "--tenant", "acme", "--state", "failed").stdout


def test_a_job_is_cancelled_retried_and_deleted(voyant, queue, job):
    options = (job.job_id, "--tenant", "acme")
    assert f"{job.job_id} cancelled" in voyant("jobs", "cancel", *options).stdout
    assert f"{job.job_id} queued" in voyant("jobs", "retry", *options).stdout
    refused = voyant("jobs", "delete", *options)
    assert refused.exit_code == 2
    assert "cannot be deleted yet" in refused.stderr
    voyant("jobs", "cancel", *options)
    assert voyant("jobs", "delete", *options).exit_code == 0
    assert queue.list("acme").jobs == ()


def test_another_tenants_job_is_unknown(voyant, job):
    found = voyant("jobs", "show", job.job_id)  # the settings' tenant
    assert found.exit_code == 2
    assert "There is no job" in found.stderr


def test_a_sweep_says_what_it_would_do(voyant, queue, job, monkeypatch):
    queue.cancel("acme", job.job_id)
    queue.submit("acme", JobSpec(), requested_by="ann")
    monkeypatch.setenv("VOYANT_RETENTION_DAYS", "0.000000001")
    planned = voyant("jobs", "sweep", "--dry-run")
    assert f"acme {job.job_id}" in planned.stdout
    assert "1 jobs would be removed" in planned.stdout
    assert len(queue.list("acme").jobs) == 2
    assert [row["job_id"] for row in json.loads(voyant("jobs", "sweep", "--json").stdout)] == [
        job.job_id
    ]
    assert len(queue.list("acme").jobs) == 1


def test_a_state_nobody_knows_is_refused(voyant, queue):
    found = voyant("jobs", "list", "--state", "runing")
    assert found.exit_code == 2
    assert "Did you mean 'running'?" in found.stderr


def test_a_workers_name_is_refused_while_it_is_alive(voyant, queue):
    WorkerLease.take(queue.database, "loader", 30.0)
    found = voyant("worker", "--name", "loader")
    assert found.exit_code == 2
    assert "alive already" in found.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_what_a_worker_logs_is_json_a_line_each(queue, workplace):
    log = workplace / "log"

    def said(logger: str, message: str) -> dict:
        """Wait for a line of the log; all there are can be read."""
        for _ in range(600):
            whole, _, _ = log.read_text().rpartition("\n")
            lines = [json.loads(line) for line in whole.splitlines()]
            for line in lines:
                if line["logger"] == logger and message in line["message"]:
                    return line
            time.sleep(0.05)
        raise AssertionError(log.read_text())

    with log.open("wb") as out:
        command = [sys.executable, "-m", "voyant", "worker", "--name", "loader"]
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        assert said("voyant.worker", "Worker loader is ready")["worker_id"] == "loader"
        with queue.database.read() as connection:
            pid = connection.exec_driver_sql("SELECT pid FROM voyant_workers").scalar_one()
        os.kill(pid, signal.SIGKILL)
        warning = said("voyant.worker", "loader ended")  # by the process that watches over it
        assert warning["level"] == "WARNING"
    finally:
        process.terminate()
        process.wait(30)
