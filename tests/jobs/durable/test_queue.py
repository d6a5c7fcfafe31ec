"""What the queue promises without a worker: names, keys, limits, turns, pages, deletion."""

from __future__ import annotations

import threading
from contextvars import copy_context
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from voyant.core.config import load_settings
from voyant.core.errors import UnsafeNameError, VoyantError
from voyant.jobs.durable.claims import claim_next
from voyant.jobs.durable.database import from_us, open_database, to_us
from voyant.jobs.durable.errors import (
    CursorError,
    DatabaseError,
    IdempotencyError,
    JobStateError,
    QueueFullError,
    UnknownJobError,
    UnknownScheduleError,
    WorkerIdentityError,
)
from voyant.jobs.durable.lease import LeaseLostError, WorkerLease
from voyant.jobs.durable.model import JobQueue, JobSpec, JobState
from voyant.jobs.durable.places import StagedJob
from voyant.jobs.durable.queue import open_queue
from voyant.jobs.durable.schema import idempotency_keys, jobs, meta, workers
from voyant.jobs.durable.tracing import current_request

SPEC = JobSpec(sources={"orders": "orders.csv"})


def submit(queue, tenant="acme", spec=SPEC, **options):
    return queue.submit(tenant, spec, requested_by="test", **options)


def change(queue, table, **values):
    with queue.database.write() as connection:
        connection.execute(sa.update(table).values(**values))


@pytest.fixture
def lease(queue):
    return WorkerLease.take(queue.database, "one", 30.0)


def test_it_is_a_job_queue(queue):
    assert isinstance(queue, JobQueue)


def test_a_job_is_kept_as_it_was_asked_for(queue):
    spec = JobSpec(
        sources={"café": "x.csv"},
        kpis=[{"name": "n", "sql": "SELECT 1"}],
        flags={"enable_charts": False},
        as_of=datetime(2025, 3, 31, tzinfo=UTC),
    )
    job = submit(queue, spec=spec)
    assert queue.get("acme", job.job_id) == job
    assert (job.state, job.spec, job.attempt) == (JobState.QUEUED, spec, 0)
    [event] = queue.events("acme", job.job_id)
    assert (event.number, event.kind, event.data) == (1, "queued", {"requested_by": "test"})
    assert queue.events("acme", job.job_id, after=1) == ()


def test_another_tenants_job_is_an_unknown_one(queue):
    job = submit(queue)
    asked = [queue.get, queue.cancel, queue.delete, queue.events]
    for ask in asked:
        with pytest.raises(UnknownJobError) as theirs:
            ask("other", job.job_id)
        with pytest.raises(UnknownJobError) as none:
            ask("other", "no-such-job")
        assert str(theirs.value).replace(job.job_id, "X") == str(none.value).replace(
            "no-such-job", "X"
        )
    with pytest.raises(UnknownJobError):
        queue.retry("other", job.job_id, requested_by="test")
    assert queue.list("other").jobs == ()


@pytest.mark.parametrize("tenant", ["", "..", "a/b", ".hidden", "a\0b", "C:x", "x" * 201])
def test_a_tenant_that_could_leave_the_root_is_refused(queue, tenant):
    with pytest.raises(UnsafeNameError):
        submit(queue, tenant)
    with pytest.raises(UnsafeNameError):
        queue.folder(tenant, "job")
    with pytest.raises(UnsafeNameError):
        queue.folder("acme", tenant)


def test_pages_go_from_the_newest_to_the_oldest_and_miss_nothing(queue):
    names = [submit(queue).job_id for _ in range(7)]
    change(queue, jobs, submitted_us=5)  # the same moment for all: the name decides
    seen, cursor = [], None
    while True:
        page = queue.list("acme", limit=3, cursor=cursor)
        seen += [job.job_id for job in page.jobs]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(names, reverse=True)


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "LTE6eA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5Ong"])
def test_a_cursor_that_was_never_given_out_is_refused(queue, cursor):
    with pytest.raises(CursorError):
        queue.list("acme", cursor=cursor)


def test_an_idempotency_key_finds_its_job_for_a_day(queue):
    job = submit(queue, idempotency_key="k")
    assert submit(queue, idempotency_key="k").job_id == job.job_id
    assert submit(queue, "other", idempotency_key="k").job_id != job.job_id
    with pytest.raises(IdempotencyError):
        submit(queue, spec=JobSpec(sources={"orders": "other.csv"}), idempotency_key="k")
    change(queue, idempotency_keys, expires_us=0)
    assert submit(queue, idempotency_key="k").job_id != job.job_id
    assert len(queue.list("acme").jobs) == 2


def test_one_key_at_the_same_time_makes_one_job(queue):
    barrier, found, failed = threading.Barrier(8), [], []

    def ask():
        barrier.wait()
        try:
            found.append(submit(queue, idempotency_key="k").job_id)
        except VoyantError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(set(found)) == 1
    assert len(queue.list("acme").jobs) == 1


def test_a_tenant_may_have_so_many_jobs_waiting(queue):
    queue.set_limits("acme", max_queued=2)
    first = submit(queue)
    submit(queue)
    with pytest.raises(QueueFullError) as refused:
        submit(queue)
    assert refused.value.limit == "queued"
    assert refused.value.retry_after_seconds >= 1
    submit(queue, "other")
    queue.cancel("acme", first.job_id)
    submit(queue)


def test_a_tenant_may_store_so_many_bytes(queue):
    job = submit(queue)
    queue.cancel("acme", job.job_id)
    change(queue, jobs, stored_bytes=1_000)
    queue.set_limits("acme", max_bytes=1_000)
    with pytest.raises(QueueFullError) as refused:
        submit(queue)
    assert refused.value.limit == "bytes"
    assert queue.usage("acme").stored_bytes == 1_000
    queue.delete("acme", job.job_id)
    submit(queue)


def test_tenants_take_turns(queue, lease, settings):
    for _ in range(6):
        submit(queue, "large")
    for _ in range(2):
        submit(queue, "small")
    submit(queue, "tiny")
    served = []
    while (claim := claim_next(lease, settings)) is not None:
        served.append(claim.job.tenant_id)
        claim.finish(JobState.SUCCEEDED, None, 0)
    assert served == ["large", "small", "tiny", "large", "small", *["large"] * 4]


def test_a_tenants_jobs_run_in_their_order_and_no_more_than_allowed(queue, lease, settings):
    names = [submit(queue).job_id for _ in range(3)]
    queue.set_limits("acme", max_running=2)
    claims = [claim_next(lease, settings) for _ in range(3)]
    assert [claim.job.job_id for claim in claims[:2]] == names[:2]
    assert claims[2] is None
    claims[0].finish(JobState.FAILED, "it was tried", 0)
    assert claim_next(lease, settings).job.job_id == names[2]


def test_a_claim_knows_in_which_request_its_job_was_asked_for(queue, lease, settings):
    def within(request_id, ask):
        context = copy_context()
        context.run(current_request.set, request_id)
        return context.run(ask)

    job = within("first", lambda: submit(queue))
    claim = claim_next(lease, settings)
    assert claim.request_id() == "first"
    claim.put_back("stopped", is_free=True)
    again = claim_next(lease, settings)
    assert again.request_id() == "first"
    again.finish(JobState.FAILED, "it was tried", 0)
    within("second", lambda: queue.retry("acme", job.job_id, requested_by="test"))
    assert claim_next(lease, settings).request_id() == "second"
    submit(queue)
    assert claim_next(lease, settings).request_id() is None


def test_who_lost_its_claim_writes_nothing(queue, settings, lease):
    job = submit(queue)
    old = claim_next(lease, settings)
    change(queue, workers, lease_us=0)
    other = WorkerLease.take(queue.database, "two", 30.0)
    new = claim_next(other, settings)
    assert (new.job.job_id, new.job.attempt) == (job.job_id, 2)
    before = queue.events("acme", job.job_id)
    for write in (
        lambda: old.note("generator_started", generator="profile"),
        lambda: old.finish(JobState.FAILED, "late", 0),
        lambda: old.put_back("late", is_free=True),
        old.is_cancelled,
        lease.renew,
        lambda: claim_next(lease, settings),
    ):
        with pytest.raises(LeaseLostError):
            write()
    assert queue.events("acme", job.job_id) == before
    assert queue.get("acme", job.job_id).worker_id == "two"
    new.finish(JobState.SUCCEEDED, None, 10)
    assert queue.get("acme", job.job_id).state is JobState.SUCCEEDED


def test_many_workers_claim_each_job_once(queue, settings):
    for number in range(12):
        submit(queue, f"tenant-{number % 3}")
    leases = [WorkerLease.take(queue.database, f"w{n}", 30.0) for n in range(4)]
    claimed, failed = [], []

    def work(lease):
        try:
            while (claim := claim_next(lease, settings)) is not None:
                claimed.append(claim.job.job_id)
                claim.finish(JobState.SUCCEEDED, None, 0)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(claimed) == len(set(claimed)) == 12


def test_a_worker_that_keeps_dying_gives_the_job_up(queue, settings):
    job = submit(queue)
    settings = settings.model_copy(update={"job_max_attempts": 2})
    for number in range(3):
        lease = WorkerLease.take(queue.database, f"w{number}", 30.0)
        claim = claim_next(lease, settings)
        assert (claim is None) == (number == 2)
        change(queue, workers, lease_us=0)
    failed = queue.get("acme", job.job_id)
    assert failed.state is JobState.FAILED
    assert failed.error.startswith("Its worker died 2 times")
    queue.retry("acme", job.job_id, requested_by="test")
    assert claim_next(WorkerLease.take(queue.database, "last", 30.0), settings).job.attempt == 3


def test_a_name_is_one_workers_at_a_time(queue, lease):
    with pytest.raises(WorkerIdentityError, match="alive already"):
        WorkerLease.take(queue.database, "one", 30.0)
    lease.give_up()
    WorkerLease.take(queue.database, "one", 30.0).renew()
    with pytest.raises(LeaseLostError):
        lease.renew()


def test_cancelling_what_waits_ends_it(queue, lease, settings):
    job = submit(queue)
    assert queue.cancel("acme", job.job_id).state is JobState.CANCELLED
    assert queue.cancel("acme", job.job_id).state is JobState.CANCELLED
    assert claim_next(lease, settings) is None
    assert [event.kind for event in queue.events("acme", job.job_id)] == ["queued", "cancelled"]


def test_a_cancelled_job_of_a_dead_worker_is_not_taken_over(queue, lease, settings):
    job = submit(queue)
    claim_next(lease, settings)
    assert queue.cancel("acme", job.job_id).is_cancelling
    change(queue, workers, lease_us=0)
    other = WorkerLease.take(queue.database, "two", 30.0)
    assert claim_next(other, settings) is None
    assert queue.get("acme", job.job_id).state is JobState.CANCELLED


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_only_what_failed_is_retried(queue, lease, settings, state):
    job = submit(queue)
    if state != "queued":
        claim = claim_next(lease, settings)
        if state == "succeeded":
            claim.finish(JobState.SUCCEEDED, None, 0)
    with pytest.raises(JobStateError):
        queue.retry("acme", job.job_id, requested_by="test")


def test_a_retry_goes_to_the_end_of_the_line(queue, lease, settings):
    first, second = submit(queue), submit(queue)
    queue.cancel("acme", first.job_id)
    queue.retry("acme", first.job_id, requested_by="test")
    assert claim_next(lease, settings).job.job_id == second.job_id


def test_deleting_removes_the_folder_whole(queue, settings):
    job = submit(queue)
    with pytest.raises(JobStateError):
        queue.delete("acme", job.job_id)
    queue.cancel("acme", job.job_id)
    folder = queue.folder("acme", job.job_id)
    (folder / "charts").mkdir(parents=True)
    (folder / "charts" / "x.svg").write_text("<svg/>")
    queue.delete("acme", job.job_id)
    assert not folder.exists()
    assert list((folder.parent / ".trash").iterdir()) == []
    with pytest.raises(UnknownJobError):
        queue.get("acme", job.job_id)


def test_retention_takes_the_oldest_and_says_so_first(queue, settings):
    names = [submit(queue).job_id for _ in range(5)]
    for name in names[:4]:
        queue.cancel("acme", name)
    kept = open_queue(settings.model_copy(update={"retention_jobs": 2}))
    planned = kept.sweep(is_dry_run=True)
    assert [job.job_id for job in planned] == names[:2]
    assert len(queue.list("acme").jobs) == 5
    assert [job.job_id for job in kept.sweep()] == names[:2]
    assert sorted(job.job_id for job in queue.list("acme").jobs) == sorted(names[2:])
    assert kept.sweep() == ()
    kept.close()


def test_retention_by_age_leaves_what_has_not_ended(queue, settings):
    old, new, waiting = submit(queue), submit(queue), submit(queue)
    for job in (old, new):
        queue.cancel("acme", job.job_id)
    with queue.database.write() as connection:
        now_us = queue.database.now_us(connection)
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.job_id.in_([old.job_id, waiting.job_id]))
            .values(submitted_us=1, queued_us=1)
        )
        two_days = now_us - 2 * 86_400_000_000
        connection.execute(
            sa.update(jobs).where(jobs.c.job_id == old.job_id).values(finished_us=two_days)
        )
    kept = open_queue(settings.model_copy(update={"retention_days": 1.0}))
    assert [job.job_id for job in kept.sweep("other")] == []
    assert [job.job_id for job in kept.sweep("acme")] == [old.job_id]
    kept.close()


def test_statistics_count_everything(queue, lease, settings):
    submit(queue)
    submit(queue, "other")
    claim_next(lease, settings)
    found = queue.statistics()
    assert (found.jobs[JobState.QUEUED], found.jobs[JobState.RUNNING]) == (1, 1)
    [worker] = found.workers
    assert (worker.worker_id, worker.is_alive) == ("one", True)
    change(queue, workers, lease_us=0)
    assert not queue.statistics().workers[0].is_alive


def test_limits_of_its_own_go_before_the_settings(queue, settings):
    assert queue.limits("acme").max_running == settings.tenant_max_running
    assert queue.set_limits("acme", max_running=1, max_rows=5).max_rows == 5
    assert queue.limits("acme").max_running == 1
    assert queue.set_limits("acme", max_running=None).max_running == settings.tenant_max_running


def test_a_schedule_of_another_tenant_is_unknown(queue):
    schedule = queue.add_schedule("acme", name="n", cron="0 6 * * *", spec=SPEC, requested_by="t")
    with pytest.raises(UnknownScheduleError):
        queue.remove_schedule("other", schedule.schedule_id)
    assert queue.schedules("other") == ()


def test_tables_of_a_later_version_are_left_alone(queue, settings):
    change(queue, meta, value="99")
    with pytest.raises(DatabaseError, match="version 99"):
        open_queue(settings)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:s3cret@db/shop",
        "sqlite://",
        "no url at all",
        "postgresql://ann:s3cret@127.0.0.1:1/shop",
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(url):
    with pytest.raises(DatabaseError) as refused:
        open_database(url)
    assert "s3cret" not in str(refused.value)


def test_the_database_url_is_never_shown(tmp_path):
    settings = load_settings(database_url="postgresql://ann:s3cret@db/shop")
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in settings.model_dump_json()


def test_moments_survive_exactly():
    moment = datetime(2025, 3, 31, 14, 15, 3, 123456, tzinfo=UTC)
    assert from_us(to_us(moment)) == moment


def test_clearing_away_leaves_what_a_later_attempt_writes(tmp_path):
    def attempt(job_id, number):
        place = StagedJob(tenant_root=tmp_path, job_id=job_id, round=1, attempt=number)
        place.prepare()
        return place

    mine, earlier, later = attempt("job", 2), attempt("job", 1), attempt("job", 3)
    other = attempt("job-2", 1)
    mine.discard()
    assert [place.root.exists() for place in (earlier, mine, later, other)] == [
        False,
        False,
        True,
        True,
    ]
