"""What is a job doing, generator by generator, and what has it made?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from voyant.artifacts.manifest import Manifest
from voyant.core.plan import Plan
from voyant.jobs.durable.model import Job, JobEvent
from voyant.report.format import Figure, Value, byte_size, duration, value
from voyant.report.views import Badge
from voyant.service.pages.shown import step_badge

__all__ = ["FileLine", "Progress", "Step", "file_lines", "progress_of"]

#: Pages first, the best of them first of all.
_FIRST: Final = ("index.html", "profile.html", "quality.html", "drift.html", "narrative.md")
_REASON: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One generator of a job."""

    name: Value
    description: str
    badge: Badge
    took: Figure | str
    reason: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All generators of a job, and how many of them are done with."""

    steps: list[Step]
    done: int
    last_event: int

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.steps)

    @property
    def fraction(self) -> float:
        """The share that is done with."""
        return self.done / self.total if self.steps else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """One file that a job made."""

    path: Value
    address: str
    generator: Value | None
    media_type: str
    size: Figure


@dataclass(slots=True)
class _Outcome:
    status: str = "waiting"
    duration_ms: float | None = None
    reason: str = ""


def progress_of(
    job: Job, plan: Plan | None, events: Sequence[JobEvent], manifest: Manifest | None
) -> Progress:
    """Tell what each generator has come to: the manifest says it best, before it the events.

    Args:
        job: The job.
        plan: What would run, in order; None where it cannot be told any more.
        events: All that has happened to it.
        manifest: Its own account, once it has one.
    """
    descriptions: dict[str, str] = {}
    outcomes: dict[str, _Outcome] = {}
    for planned in () if plan is None else plan.steps:
        descriptions[planned.definition.name] = planned.definition.description
        outcomes[planned.definition.name] = _Outcome(
            status="skipped" if planned.skip_reason else "waiting", reason=planned.skip_reason
        )
    if manifest is None:
        _follow(outcomes, events)
    else:
        outcomes = {
            entry.name: _Outcome(entry.status, entry.duration_ms, entry.error or entry.reason or "")
            for entry in manifest.generators
        }
        descriptions |= {entry.name: entry.description for entry in manifest.generators}
    if job.state.is_final and manifest is None:
        for outcome in outcomes.values():
            if outcome.status in {"waiting", "running"}:
                outcome.status, outcome.reason = "skipped", "the job ended before it"
    steps = [_step(name, descriptions.get(name, ""), it) for name, it in outcomes.items()]
    return Progress(
        steps=steps,
        done=sum(it.status not in {"waiting", "running"} for it in outcomes.values()),
        last_event=events[-1].number if events else 0,
    )


def _follow(outcomes: dict[str, _Outcome], events: Sequence[JobEvent]) -> None:
    """Let events say what generators have done; a new attempt begins with what is waiting."""
    for event in events:
        if event.kind == "queued":
            for outcome in outcomes.values():
                if not (outcome.status == "skipped" and outcome.reason):
                    outcome.status, outcome.duration_ms, outcome.reason = "waiting", None, ""
        name = event.data.get("generator")
        if not isinstance(name, str):
            continue
        outcome = outcomes.setdefault(name, _Outcome())
        if event.kind == "generator_started":
            outcome.status, outcome.reason = "running", ""
        elif event.kind == "generator_skipped":
            outcome.status, outcome.reason = "skipped", _text(event.data, "reason")
        elif event.kind in {"generator_finished", "generator_kept"}:
            outcome.status = "failed" if event.data.get("status") == "failed" else "ok"
            outcome.reason = _text(event.data, "error")
            measured = event.data.get("duration_ms")
            outcome.duration_ms = measured if isinstance(measured, (int, float)) else None


def file_lines(manifest: Manifest, base: str) -> list[FileLine]:
    """List the files of a job, pages first.

    Args:
        manifest: Its account.
        base: What stands before a file's path in its address.
    """
    order = {path: place for place, path in enumerate(_FIRST)}
    entries = sorted(
        manifest.artifacts, key=lambda it: (order.get(it.path, len(order)), "/" in it.path, it.path)
    )
    return [
        FileLine(
            path=value(entry.path, length=80),
            address=f"{base}/{quote(entry.path)}",
            generator=None if entry.generator is None else value(entry.generator),
            media_type=entry.media_type,
            size=byte_size(entry.size_bytes),
        )
        for entry in entries
    ]


def _step(name: str, description: str, outcome: _Outcome) -> Step:
    return Step(
        name=value(name),
        description=description,
        badge=step_badge(outcome.status),
        took="" if outcome.duration_ms is None else duration(outcome.duration_ms / 1_000),
        reason=value(outcome.reason, length=_REASON) if outcome.reason else None,
    )


def _text(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""
