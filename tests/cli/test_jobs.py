"""`voyant jobs` and `voyant worker`, as an operator types them."""

from __future__ import annotations

import json

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
