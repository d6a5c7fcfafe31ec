"""Which recurring jobs are due, and when is each due next?

A tick is a moment at which a schedule is due. Ticks that nobody was there for are made up for once,
by a job for the last of them.
"""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from voyant.artifacts.names import check_name
from voyant.core.config import Settings
from voyant.core.errors import UnsafeNameError
from voyant.jobs.durable.database import Database, Lock, from_us, to_us
from voyant.jobs.durable.errors import QueueFullError, ScheduleError, UnknownScheduleError
from voyant.jobs.durable.limits import limits_of
from voyant.jobs.durable.model import JobSpec, Schedule
from voyant.jobs.durable.rows import Row, lock_tenant, spec_hash, to_schedule
from voyant.jobs.durable.schema import jobs, schedules
from voyant.jobs.durable.submission import Tick, check_room, insert

if TYPE_CHECKING:
    from cronsim import CronSim

__all__ = [
    "add_schedule",
    "enable_schedule",
    "fire_due",
    "list_schedules",
    "next_tick",
    "remove_schedule",
]

_logger = logging.getLogger("voyant.jobs")

_CRON_FIELDS: Final = 5
_INSTANT: Final = timedelta(microseconds=1)


def next_tick(cron: str, timezone: str, after: datetime) -> datetime | None:
    """Return when a schedule is due next, in UTC; None if that is never.

    A local time that is skipped in spring is due at the first moment after the gap, one that comes
    twice in autumn once, except for schedules of every hour or minute.

    Args:
        cron: Five fields: minute, hour, day of month, month, day of week.
        timezone: `Europe/Berlin`.
        after: The moment to look from.

    Raises:
        ScheduleError: Fields or a time zone nobody knows.
    """
    tick = next(_ticks(cron, timezone, after), None)
    return None if tick is None else tick.astimezone(UTC)


def _ticks(cron: str, timezone: str, start: datetime, *, reverse: bool = False) -> CronSim:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - comes with the extra `service`

    if len(cron.split()) != _CRON_FIELDS:
        raise ScheduleError(
            f"The schedule {cron[:80]!r} has not five fields.",
            remedy="Write minute, hour, day of month, month, day of week: '0 6 * * 1-5'.",
        )
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, OSError, ValueError):  # unknown, a folder, or a path
        raise ScheduleError(
            f"There is no time zone {timezone[:80]!r}.", remedy="Write one as 'Europe/Berlin'."
        ) from None
    try:
        return CronSim(cron, start.astimezone(zone), reverse=reverse)
    except CronSimError as error:
        raise ScheduleError(
            f"The schedule {cron[:80]!r} cannot be read: {error}.",
            remedy="Write minute, hour, day of month, month, day of week: '0 6 * * 1-5'.",
        ) from None


def add_schedule(
    database: Database,
    tenant_id: str,
    *,
    name: str,
    cron: str,
    timezone: str,
    spec: JobSpec,
    requested_by: str,
) -> Schedule:
    """Keep a recurring job.

    Raises:
        ScheduleError: Fields or a time zone nobody knows, or a name that is taken.
        UnsafeNameError: A tenant whose name could lead outside the artifact root.
    """
    check_name("tenant", tenant_id)
    try:
        check_name("job", name)
    except UnsafeNameError as error:
        raise ScheduleError(error.what, remedy=error.remedy) from None
    schedule_id = f"schedule-{secrets.token_hex(8)}"
    with database.write() as connection:
        now_us = database.now_us(connection)
        lock_tenant(connection, tenant_id, now_us)
        mine = sa.select(schedules.c.schedule_id).where(
            schedules.c.tenant_id == tenant_id, schedules.c.name == name
        )
        if connection.execute(mine).first() is not None:
            raise ScheduleError(
                f"There is a schedule {name!r} already.", remedy="Choose another name."
            )
        connection.execute(
            sa.insert(schedules).values(
                schedule_id=schedule_id,
                tenant_id=tenant_id,
                name=name,
                cron=cron,
                timezone=timezone,
                spec=spec.model_dump_json(),
                requested_by=requested_by,
                is_enabled=True,
                created_us=now_us,
                next_us=_next_us(cron, timezone, now_us),
            )
        )
        return to_schedule(_find(connection, tenant_id, schedule_id))


def list_schedules(database: Database, tenant_id: str) -> tuple[Schedule, ...]:
    """List a tenant's recurring jobs by name."""
    query = (
        sa.select(schedules).where(schedules.c.tenant_id == tenant_id).order_by(schedules.c.name)
    )
    with database.read() as connection:
        return tuple(to_schedule(row) for row in connection.execute(query).mappings())


def remove_schedule(database: Database, tenant_id: str, schedule_id: str) -> None:
    """Forget a recurring job.

    Raises:
        UnknownScheduleError: The tenant has none of that name.
    """
    with database.write() as connection:
        _find(connection, tenant_id, schedule_id)
        connection.execute(sa.delete(schedules).where(schedules.c.schedule_id == schedule_id))


def enable_schedule(
    database: Database, tenant_id: str, schedule_id: str, *, is_enabled: bool
) -> Schedule:
    """Let a recurring job pause, or go on; what it missed while it paused is not made up for.

    Raises:
        UnknownScheduleError: The tenant has none of that name.
    """
    with database.write() as connection:
        row = _find(connection, tenant_id, schedule_id)
        if bool(row["is_enabled"]) != is_enabled:
            now_us = database.now_us(connection)
            connection.execute(
                sa.update(schedules)
                .where(schedules.c.schedule_id == schedule_id)
                .values(
                    is_enabled=is_enabled, next_us=_next_us(row["cron"], row["timezone"], now_us)
                )
            )
        return to_schedule(_find(connection, tenant_id, schedule_id))


def fire_due(database: Database, settings: Settings) -> tuple[str, ...]:
    """Submit a job for each schedule that is due; return the jobs' names.

    Any number of workers may call it: one at a time looks, and a tick is used once.
    """
    due = sa.select(schedules).where(schedules.c.is_enabled, schedules.c.next_us.is_not(None))
    with database.read() as connection:  # nearly always there is nothing, and no lock is needed
        now_us = database.now_us(connection)
        if connection.execute(due.where(schedules.c.next_us <= now_us).limit(1)).first() is None:
            return ()
    fired: list[str] = []
    with database.write(Lock.SCHEDULE) as connection:
        now_us = database.now_us(connection)
        rows = connection.execute(due.where(schedules.c.next_us <= now_us).with_for_update())
        for row in rows.mappings().all():
            job_id = _fire(connection, settings, row, now_us)
            if job_id is not None:
                fired.append(job_id)
    return tuple(fired)


def _fire(connection: sa.Connection, settings: Settings, row: Row, now_us: int) -> str | None:
    """Submit the job of a schedule's latest tick, and move the schedule on."""
    tick = Tick(schedule_id=row["schedule_id"], at_us=_latest_tick(row, now_us))
    tenant = lock_tenant(connection, row["tenant_id"], now_us)
    job_id = _job_of(connection, tick)
    if job_id is None:
        try:
            check_room(connection, row["tenant_id"], limits_of(tenant, settings))
        except QueueFullError as error:
            _logger.warning("Schedule %r skips a tick: %s", row["name"], error.what)
        else:
            spec = JobSpec.model_validate_json(row["spec"])
            job = insert(
                connection,
                row["tenant_id"],
                spec,
                spec_hash(spec),
                row["schedule_id"],
                now_us,
                tick,
            )
            job_id = job.job_id
    values: dict[str, object] = {"next_us": _next_us(row["cron"], row["timezone"], now_us)}
    if job_id is not None:
        values["last_job_id"] = job_id
    connection.execute(
        sa.update(schedules).where(schedules.c.schedule_id == tick.schedule_id).values(values)
    )
    return job_id


def _job_of(connection: sa.Connection, tick: Tick) -> str | None:
    query = sa.select(jobs.c.job_id).where(
        jobs.c.schedule_id == tick.schedule_id, jobs.c.tick_us == tick.at_us
    )
    return cast("str | None", connection.execute(query).scalar_one_or_none())


def _latest_tick(row: Row, now_us: int) -> int:
    """Return the last tick until now, of those since the one that was waited for."""
    earlier = _ticks(row["cron"], row["timezone"], from_us(now_us) + _INSTANT, reverse=True)
    tick = next(earlier, None)
    waited_for = int(row["next_us"])
    return waited_for if tick is None else max(waited_for, to_us(tick))


def _next_us(cron: str, timezone: str, now_us: int) -> int | None:
    tick = next_tick(cron, timezone, from_us(now_us) + _INSTANT)
    return None if tick is None else to_us(tick)


def _find(connection: sa.Connection, tenant_id: str, schedule_id: str) -> Row:
    query = sa.select(schedules).where(
        schedules.c.schedule_id == schedule_id, schedules.c.tenant_id == tenant_id
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownScheduleError(schedule_id)
    return row
