"""When is a recurring job due, and is it then submitted once?"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from voyant.jobs.durable.database import from_us, to_us
from voyant.jobs.durable.errors import ScheduleError
from voyant.jobs.durable.model import JobSpec
from voyant.jobs.durable.schedules import fire_due, next_tick
from voyant.jobs.durable.schema import jobs, schedules

SPEC = JobSpec(sources={"orders": "orders.csv"})


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Central European Time is UTC+1, in summer UTC+2.
        ("0 6 * * *", "Europe/Berlin", "2025-01-10T04:00", "2025-01-10T05:00"),
        ("0 6 * * *", "Europe/Berlin", "2025-07-10T04:00", "2025-07-11T04:00"),
        ("0 6 * * *", "UTC", "2025-01-10T06:00", "2025-01-11T06:00"),
        ("*/15 * * * *", "Asia/Kolkata", "2025-01-10T00:01", "2025-01-10T00:15"),
        ("0 9 * * 1-5", "UTC", "2025-01-10T10:00", "2025-01-13T09:00"),  # Friday to Monday
        ("0 0 29 2 *", "UTC", "2025-03-01T00:00", "2028-02-29T00:00"),
        # On 30 March 2025 Berlin's clocks jump from 02:00 to 03:00, which is 01:00 in UTC.
        ("30 2 * * *", "Europe/Berlin", "2025-03-29T12:00", "2025-03-30T01:00"),
        # On 26 October 2025 02:30 comes twice: at 00:30 and 01:30 in UTC; once is enough.
        ("30 2 * * *", "Europe/Berlin", "2025-10-25T12:00", "2025-10-26T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2025-10-26T00:30", "2025-10-27T01:30"),
    ],
)
def test_the_next_tick(cron, zone, after, expected):
    assert next_tick(cron, zone, at(after)) == at(expected)


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("", "UTC"),
        ("0 6 * *", "UTC"),
        ("0 0 6 * * *", "UTC"),
        ("61 * * * *", "UTC"),
        ("@daily", "UTC"),
        ("a b c d e", "UTC"),
        ("0 0 31 2 *", "UTC"),
        ("0 6 * * *", "Europe/Nowhere"),
        ("0 6 * * *", "../../etc/passwd"),
        ("0 6 * * *", ""),
        ("0 6 * * *", "Europe"),
    ],
)
def test_what_is_no_schedule_is_refused(queue, cron, zone):
    with pytest.raises(ScheduleError):
        queue.add_schedule("acme", name="n", cron=cron, spec=SPEC, requested_by="t", timezone=zone)
    assert queue.schedules("acme") == ()


@pytest.fixture
def schedule(queue):
    return queue.add_schedule("acme", name="hourly", cron="0 * * * *", spec=SPEC, requested_by="t")


def make_due(queue, ago):
    """Set the next tick to the full hour so long ago; return it."""
    with queue.database.write() as connection:
        now = from_us(queue.database.now_us(connection))
        tick = (now - ago).replace(minute=0, second=0, microsecond=0)
        connection.execute(sa.update(schedules).values(next_us=to_us(tick)))
    return now


def test_a_name_is_used_once(queue, schedule):
    with pytest.raises(ScheduleError, match="already"):
        queue.add_schedule("acme", name="hourly", cron="0 6 * * *", spec=SPEC, requested_by="t")
    queue.add_schedule("other", name="hourly", cron="0 6 * * *", spec=SPEC, requested_by="t")


def test_nothing_is_due_before_its_time(queue, schedule, settings):
    assert fire_due(queue.database, settings) == ()


def test_missed_ticks_are_made_up_for_once_and_by_the_last(queue, schedule, settings):
    now = make_due(queue, timedelta(hours=7))
    [job_id] = fire_due(queue.database, settings)
    job = queue.get("acme", job_id)
    assert (job.schedule_id, job.requested_by) == (schedule.schedule_id, schedule.schedule_id)
    with queue.database.read() as connection:
        tick_us = connection.execute(sa.select(jobs.c.tick_us)).scalar_one()
    assert from_us(tick_us) == now.replace(minute=0, second=0, microsecond=0)
    [moved] = queue.schedules("acme")
    assert moved.last_job_id == job_id
    assert moved.next_at > now
    assert fire_due(queue.database, settings) == ()


def test_many_workers_submit_one_job_for_a_tick(queue, schedule, settings):
    make_due(queue, timedelta(hours=1))
    barrier, fired, failed = threading.Barrier(6), [], []

    def fire():
        barrier.wait()
        try:
            fired.extend(fire_due(queue.database, settings))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=fire) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(fired) == 1
    assert len(queue.list("acme").jobs) == 1


def test_a_tick_that_was_used_is_not_used_again(queue, schedule, settings):
    make_due(queue, timedelta(hours=1))
    fire_due(queue.database, settings)
    make_due(queue, timedelta(hours=1))  # as if the row had not been moved on
    with queue.database.write() as connection:
        now = from_us(queue.database.now_us(connection))
    if now.minute or now.second > 10:  # not across a full hour
        assert len(queue.list("acme").jobs) == 1
        fire_due(queue.database, settings)
        assert len(queue.list("acme").jobs) == 1


def test_a_pause_makes_up_for_nothing(queue, schedule, settings):
    assert not queue.enable_schedule("acme", schedule.schedule_id, is_enabled=False).is_enabled
    make_due(queue, timedelta(hours=3))
    assert fire_due(queue.database, settings) == ()
    again = queue.enable_schedule("acme", schedule.schedule_id, is_enabled=True)
    assert again.next_at > datetime.now(UTC) - timedelta(minutes=1)
    assert fire_due(queue.database, settings) == ()


def test_a_full_queue_lets_a_tick_go(queue, schedule, settings):
    queue.set_limits("acme", max_queued=1)
    queue.submit("acme", SPEC, requested_by="t")
    make_due(queue, timedelta(hours=1))
    assert fire_due(queue.database, settings) == ()
    assert queue.schedules("acme")[0].next_at > datetime.now(UTC)


def test_what_a_removed_schedule_started_goes_on(queue, schedule, settings):
    make_due(queue, timedelta(hours=1))
    [job_id] = fire_due(queue.database, settings)
    queue.remove_schedule("acme", schedule.schedule_id)
    assert queue.get("acme", job_id).schedule_id == schedule.schedule_id
