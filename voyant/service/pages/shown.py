"""How do states, moments and spans read on the service's pages?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from voyant.jobs.durable.model import Job, JobState
from voyant.report.format import Figure, Value, column_name, duration, plural, value
from voyant.report.views import Badge

__all__ = ["ago", "job_badge", "job_title", "shown_moment", "step_badge", "took"]

_BADGES: Final = {
    JobState.QUEUED: Badge(status="waiting", text="waiting"),
    JobState.RUNNING: Badge(status="running", text="running"),
    JobState.SUCCEEDED: Badge(status="ok", text="done"),
    JobState.FAILED: Badge(status="critical", text="failed"),
    JobState.CANCELLED: Badge(status="off", text="cancelled"),
}
_STEPS: Final = {
    "waiting": Badge(status="waiting", text="waiting"),
    "running": Badge(status="running", text="running"),
    "ok": Badge(status="ok", text="done"),
    "failed": Badge(status="critical", text="failed"),
    "skipped": Badge(status="off", text="skipped"),
}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_NAMES_SHOWN: Final = 3


def job_badge(job: Job) -> Badge:
    """Say how a job stands."""
    if job.is_cancelling and not job.state.is_final:
        return Badge(status="running", text="stopping")
    return _BADGES[job.state]


def step_badge(status: str) -> Badge:
    """Say how a generator stands in a job."""
    return _STEPS[status]


def job_title(job: Job) -> list[Value]:
    """Name a job by its tables, the first ones; by its own name if it names none."""
    names = list(job.spec.sources) or list(job.spec.tables)
    if not names:
        return [value(job.spec.warehouse or job.job_id)]
    shown = [column_name(name) for name in names[:_NAMES_SHOWN]]
    if len(names) > _NAMES_SHOWN:
        more = f"{len(names) - _NAMES_SHOWN} more"
        shown.append(Value(more, more, is_plain=False))
    return shown


def shown_moment(at: datetime | None) -> Markup:
    """Print a moment, in UTC, for readers and for machines; nothing for None."""
    if at is None:
        return Markup()
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M} UTC"
    )


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago a moment is, or when it will be.

    >>> now = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
    >>> [ago(datetime(2026, 3, 31, hour, minute, tzinfo=UTC), now)
    ...  for hour, minute in ((12, 0), (11, 59), (9, 0), (13, 30))]
    ['just now', '1 minute ago', '3 hours ago', 'in 1 hour']
    """
    if at is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    span = abs(seconds)
    if span < _MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    if span < _HOUR:
        said = plural(int(span // _MINUTE), "minute")
    elif span < 2 * _DAY:
        said = plural(int(span // _HOUR), "hour")
    else:
        said = plural(int(span // _DAY), "day")
    return f"{said} ago" if seconds >= 0 else f"in {said}"


def took(job: Job, now: datetime | None = None) -> Figure | str:
    """Say how long a job has run; nothing for one that has not begun."""
    if job.started_at is None:
        return ""
    end = job.finished_at or now or datetime.now(UTC)
    return duration(max((end - job.started_at).total_seconds(), 0.0))
