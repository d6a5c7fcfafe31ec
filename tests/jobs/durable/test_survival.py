"""Jobs outlive whatever is killed, frozen or started twice: real processes, real databases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.jobs.durable.conftest import STEPS, is_there, wait_until
from voyant.artifacts.verify import verify_folder
from voyant.jobs.durable.model import JobState

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")


def ended(queue, job, state=JobState.SUCCEEDED):
    """Wait for a job's end; return it as it is then."""

    def look():
        found = queue.get(job.tenant_id, job.job_id)
        return found if found.state.is_final else None

    found = wait_until(look, f"the end of {job.job_id}")
    assert found.state is state, found.error
    return found


def manifest_of(queue, job):
    return json.loads((queue.folder(job.tenant_id, job.job_id) / "manifest.json").read_text())


def freeze(process, queue):
    """Stop a process outside of a transaction: SQLite has one lock for everybody."""

    def is_frozen():
        process.send_signal(signal.SIGSTOP)
        try:
            with queue.database.engine.connect() as connection:
                if queue.database.is_sqlite:
                    connection.exec_driver_sql("PRAGMA busy_timeout = 300")
                    connection.exec_driver_sql("ROLLBACK")
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                else:
                    connection.exec_driver_sql("SET LOCAL lock_timeout = '300ms'")
                    connection.exec_driver_sql("SELECT 1 FROM voyant_jobs FOR UPDATE")
                    connection.exec_driver_sql("SELECT 1 FROM voyant_workers FOR UPDATE")
                connection.invalidate()
        except sa.exc.DBAPIError:
            process.send_signal(signal.SIGCONT)
            return False
        return True

    wait_until(is_frozen, "a freeze outside of a transaction")


def kinds(queue, job):
    return [event.kind for event in queue.events(job.tenant_id, job.job_id)]


def assert_whole(queue, job):
    """The folder verifies, is in its place, and nothing is left of the way there."""
    folder = queue.folder(job.tenant_id, job.job_id)
    assert verify_folder(folder).is_ok
    assert list((folder.parent / ".staging").iterdir()) == []
    assert [event.number for event in queue.events(job.tenant_id, job.job_id)] == list(
        range(1, len(kinds(queue, job)) + 1)
    )


def test_a_worker_killed_inside_a_generator_loses_nothing(queue, workers, plugin, spec):
    plugin.hold("steady_b")
    first = workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_b"), "the second generator")
    child = plugin.pid_of("steady_b")
    first.kill()
    wait_until(lambda: not is_there(child), "the end of the killed worker's job process")
    assert queue.get("acme", job.job_id).state is JobState.RUNNING

    workers.start("two")
    wait_until(lambda: plugin.count("begin", "steady_b") == 2, "the takeover")
    plugin.let_go("steady_b")
    done = ended(queue, job)

    assert (done.attempt, done.worker_id) == (2, "two")
    assert [plugin.count("begin", name) for name in STEPS] == [1, 2, 1]
    assert [plugin.count("end", name) for name in STEPS] == [1, 1, 1]
    assert manifest_of(queue, job)["resumed"]["kept"] == ["steady_a"]
    assert kinds(queue, job).count("taken_over") == 1
    assert kinds(queue, job).count("generator_kept") == 1
    assert kinds(queue, job).count("finished") == 1
    assert_whole(queue, job)


def test_a_file_changed_since_makes_its_generator_run_again(queue, workers, plugin, spec, settings):
    plugin.hold("steady_c")
    first = workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_c"), "the third generator")
    first.kill()
    staging = Path(settings.artifacts_root, "acme", ".staging")
    [written] = staging.glob("*/*/steady_b.json")
    written.write_text("{}")
    plugin.let_go("steady_c")
    workers.start("two")
    ended(queue, job)
    assert [plugin.count("begin", name) for name in STEPS] == [1, 2, 2]
    assert manifest_of(queue, job)["resumed"]["kept"] == ["steady_a"]
    assert_whole(queue, job)


def test_the_same_worker_started_again_takes_its_job_up(queue, workers, plugin, spec):
    plugin.hold("steady_a")
    first = workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_a"), "the first generator")
    first.kill()
    first.wait()
    plugin.let_go("steady_a")
    workers.start("one")
    assert ended(queue, job).attempt == 2
    assert_whole(queue, job)


def test_a_frozen_worker_finds_itself_shut_out(queue, workers, plugin, spec):
    plugin.hold("steady_b")
    frozen = workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_b"), "the second generator")
    first_child = plugin.pid_of("steady_b")
    freeze(frozen, queue)
    workers.start("two")
    # Its own process ends before the lease does; only then does somebody else begin.
    wait_until(lambda: not is_there(first_child), "the end of the frozen worker's job process")
    assert plugin.count("begin", "steady_b") == 1
    wait_until(lambda: plugin.count("begin", "steady_b") == 2, "the takeover")
    frozen.send_signal(signal.SIGCONT)
    assert wait_until(lambda: frozen.poll() is not None or None, "the frozen worker's end")
    assert frozen.returncode == 75
    assert queue.get("acme", job.job_id).state is JobState.RUNNING
    plugin.let_go("steady_b")
    done = ended(queue, job)
    assert (done.attempt, done.worker_id) == (2, "two")
    assert [plugin.count("end", name) for name in STEPS] == [1, 1, 1]
    assert kinds(queue, job).count("finished") == 1
    assert_whole(queue, job)


def test_a_name_alive_twice_is_refused(queue, workers, plugin, spec):
    plugin.hold("steady_a")
    first = workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_a"), "the first generator")
    second = workers.start("one")
    assert wait_until(lambda: second.poll() is not None or None, "the refusal")
    assert second.returncode == 2
    assert first.poll() is None
    plugin.let_go("steady_a")
    assert ended(queue, job).attempt == 1


def test_what_submits_may_be_killed(queue, settings, workers, plugin, spec):
    """A process that has been told the job's name may die; the job does not."""
    code = (
        "import json, sys, time\n"
        "from voyant.jobs.durable.handover import settings_from\n"
        "from voyant.jobs.durable.model import JobSpec\n"
        "from voyant.jobs.durable.queue import open_queue\n"
        "settings = settings_from(json.loads(sys.stdin.readline()))\n"
        "queue = open_queue(settings)\n"
        "spec = JobSpec.model_validate_json(sys.stdin.readline())\n"
        "print(queue.submit('acme', spec, requested_by='test').job_id, flush=True)\n"
        "time.sleep(600)\n"
    )
    from voyant.jobs.durable.handover import settings_to

    submitter = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with submitter:
        submitter.stdin.write(json.dumps(settings_to(settings, with_database=True)) + "\n")
        submitter.stdin.write(spec.model_dump_json() + "\n")
        submitter.stdin.flush()
        job_id = submitter.stdout.readline().strip()
        submitter.kill()
    workers.start("one")
    job = queue.get("acme", job_id)
    ended(queue, job)
    assert_whole(queue, job)


def test_a_killed_job_process_fails_the_job_and_says_why(queue, workers, plugin, spec):
    plugin.hold("steady_b")
    workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_b"), "the second generator")
    os.kill(plugin.pid_of("steady_b"), signal.SIGKILL)
    failed = ended(queue, job, JobState.FAILED)
    assert failed.error == "Its process was killed by SIGKILL, perhaps for want of memory."
    assert not queue.folder("acme", job.job_id).exists()
    plugin.let_go("steady_b")
    queue.retry("acme", job.job_id, requested_by="test")
    assert ended(queue, job).attempt == 2
    assert plugin.count("begin", "steady_a") == 2  # a retry begins from nothing
    assert_whole(queue, job)


def test_cancelling_ends_the_job_and_all_it_started(queue, workers, plugin, spec):
    plugin.spawn("steady_a")
    plugin.hold("steady_b")
    workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_b"), "the second generator")
    child = plugin.pid_of("steady_b")
    [sleeper] = Path(f"/proc/{child}/task/{child}/children").read_text().split()
    assert queue.cancel("acme", job.job_id).is_cancelling
    ended(queue, job, JobState.CANCELLED)
    assert not is_there(child)
    assert not is_there(int(sleeper))
    assert not queue.folder("acme", job.job_id).exists()
    assert "cancel_requested" in kinds(queue, job)
    assert kinds(queue, job)[-1] == "cancelled"


def test_a_stopped_worker_puts_its_job_back(queue, workers, plugin, spec):
    plugin.hold("steady_b")
    first = workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_b"), "the second generator")
    first.send_signal(signal.SIGTERM)
    assert wait_until(lambda: first.poll() is not None or None, "the worker's end")
    assert first.returncode == 0
    assert queue.get("acme", job.job_id).state is JobState.QUEUED
    plugin.let_go("steady_b")
    workers.start("two")
    ended(queue, job)
    assert [plugin.count("begin", name) for name in STEPS] == [1, 2, 1]
    assert_whole(queue, job)


def test_workers_outlive_a_database_that_is_away(request, workers, plugin, spec, queue, settings):
    """Connections cut in the middle of a job are made again, and nothing is done twice."""
    url = settings.database_url.get_secret_value()
    if not url.startswith("postgresql"):
        pytest.skip("SQLite has no connections to cut")
    plugin.hold("steady_b")
    workers.start("one")
    job = queue.submit("acme", spec, requested_by="test")
    wait_until(lambda: plugin.count("begin", "steady_b"), "the second generator")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    plugin.let_go("steady_b")
    assert ended(queue, job).attempt == 1
    assert [plugin.count("begin", name) for name in STEPS] == [1, 1, 1]
    assert_whole(queue, job)
