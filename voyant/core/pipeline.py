"""How a run goes: plan, gate, run, validate, collect, and stop or go on."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from time import monotonic, perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.errors import ConfigurationError
from voyant.core.outcome import checked_artifacts, message_of, text_of, trace_of
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult, PipelineResult, StepReport

if TYPE_CHECKING:
    from voyant.core.engine import Asked

__all__ = ["Observer", "run_plan"]

_logger = logging.getLogger("voyant.pipeline")

#: How many runs the current one is inside of: generators may run generators, but not for ever.
_depth: ContextVar[int] = ContextVar("voyant_run_depth", default=0)
_MAX_DEPTH: Final = 8


class Observer:
    """Told of a run as it goes; override what is of interest. What it raises is only logged."""

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Called before the first generator."""

    def generator_started(self, definition: GeneratorDefinition) -> None:
        """Called before each generator that runs."""

    def generator_progressed(self, definition: GeneratorDefinition, step: str) -> None:
        """Called when the engine turns to something new for a generator, perhaps often in a second.

        Args:
            definition: The generator that runs.
            step: What the engine is about to do: `flights: column 3 of 19, dep_delay`.
        """

    def engine_asked(self, asked: Asked) -> None:
        """Called after each thing the engine was asked, on the thread that asked.

        What generators with a process of their own ask is not told.

        Args:
            asked: The question, or the statement that a warehouse was sent.
        """

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Called after each generator that ran."""

    def generator_kept(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Called for each generator that an interrupted attempt of the run had already done."""

    def generator_skipped(self, definition: GeneratorDefinition, reason: str) -> None:
        """Called for each generator that does not run."""

    def run_finished(self, result: PipelineResult) -> None:
        """Called after the last generator."""


def run_plan(
    plan: Plan,
    context: Mapping[str, Any],
    settings: object | None = None,
    *,
    observers: Sequence[Observer] = (),
    kept: Sequence[GeneratorResult] = (),
) -> PipelineResult:
    """Run a plan's generators in sequence and give an account of every one.

    Args:
        plan: From `make_plan`.
        context: Any mapping; it is copied, not changed.
        settings: Handed to the context.
        observers: Told of each step.
        kept: What came of generators that an interrupted attempt had done; they are not run.

    Raises:
        ConfigurationError: Runs inside of runs, too deep: a generator runs itself.
    """
    _refuse_endless_runs()
    done = {outcome.name: outcome for outcome in kept}
    ctx = GeneratorContext(context, settings=settings)
    result = PipelineResult(success=True)
    ctx.artifacts = MappingProxyType(result.artifacts)
    owner = _one_line(
        f"job={text_of(ctx.get('job_id', '-'))} tenant={text_of(ctx.get('tenant_id', '-'))}"
    )
    ctx.account = lambda: _account(plan, result)
    ctx.asked = _listener(observers)
    producers = _claims(plan)
    limit = plan.timeout_seconds
    deadline = None if limit is None else monotonic() + limit
    outer = _depth.set(_depth.get() + 1)
    try:
        _make_folder(ctx)
        _tell(observers, "run_started", plan, ctx)
        for step in plan.steps:
            definition = step.definition
            if step.gate is not None:
                result.gates[definition.name] = step.gate
            if done and definition.name in done:
                _take_over(done[definition.name], result, producers)
                _tell(observers, "generator_kept", definition, done[definition.name])
                continue
            reason = step.skip_reason or _reason_to_skip(definition, result, deadline)
            if reason:
                result.skipped[definition.name] = reason
                _logger.info("%s skipped: %s %s", definition.name, reason, owner)
                _tell(observers, "generator_skipped", definition, reason)
                continue
            if observers:  # what nobody listens to costs nothing
                _tell(observers, "generator_started", definition)
                ctx.progressed = partial(_tell, observers, "generator_progressed", definition)
            ctx.parameters = step.parameters
            outcome = _run_one(definition, ctx, producers, deadline)
            result.results.append(outcome)
            if outcome.success:
                result.artifacts.update(outcome.artifacts)
            elif definition.is_core:
                result.success, result.failed_core = False, definition.name
            else:
                _give_up_claims(definition, producers)
            if not outcome.success or _logger.isEnabledFor(logging.INFO):
                _log(outcome, owner)
            if observers:
                _tell(observers, "generator_finished", definition, outcome)
    finally:
        _depth.reset(outer)
        ctx.close()
    _tell(observers, "run_finished", result)
    return result


def _claims(plan: Plan) -> dict[str, str]:
    """Return whose each declared artifact key is, before anything runs: ours before a plugin's.

    So a plugin that runs early cannot take a key away from a generator that runs later.
    """
    claimants = [
        step.definition for step in plan.steps if step.definition.produces and not step.skip_reason
    ]
    claims: dict[str, str] = {}
    for definition in sorted(claimants, key=lambda found: found.origin is not None):
        for key in definition.produces:
            claims.setdefault(key, definition.name)
    return claims


def _give_up_claims(definition: GeneratorDefinition, producers: dict[str, str]) -> None:
    """Leave the keys of a generator that failed to those after it."""
    for key in definition.produces:
        if producers.get(key) == definition.name:
            del producers[key]


def _refuse_endless_runs() -> None:
    if _depth.get() >= _MAX_DEPTH:
        raise ConfigurationError(
            f"{_MAX_DEPTH} runs are going on inside of one another.",
            remedy="A generator must not run itself; give what it runs a registry of its own.",
        )


def _take_over(outcome: GeneratorResult, result: PipelineResult, producers: dict[str, str]) -> None:
    """Count in what an interrupted attempt had done."""
    result.results.append(outcome)
    result.artifacts.update(outcome.artifacts)
    producers.update(dict.fromkeys(outcome.artifacts, outcome.name))


def _account(plan: Plan, result: PipelineResult) -> tuple[StepReport, ...]:
    """Tell what has become of the plan's generators so far."""
    ran = {outcome.name: outcome for outcome in result.results}
    reports: list[StepReport] = []
    for step in plan.steps:
        name = step.definition.name
        outcome = ran.get(name)
        if outcome is None and name not in result.skipped:
            break  # the one that is running, and those after it
        status: Literal["ok", "failed", "skipped"] = "skipped"
        reason = result.skipped.get(name, "")
        if outcome is not None:
            status, reason = "ok" if outcome.success else "failed", outcome.error or ""
        reports.append(
            StepReport(
                name=name,
                description=step.definition.description,
                status=status,
                reason=reason,
                gate=step.gate,
                artifacts=() if outcome is None else tuple(outcome.artifacts.values()),
                duration_ms=None if outcome is None else outcome.duration_ms,
            )
        )
    return tuple(reports)


def _reason_to_skip(
    definition: GeneratorDefinition, result: PipelineResult, deadline: float | None
) -> str:
    """Say why a generator cannot run after what has happened in this run; nothing if it can."""
    if result.failed_core is not None:
        return f"core generator {result.failed_core!r} failed before it"
    if deadline is not None and monotonic() >= deadline:
        return "the run's time limit was reached before it"
    for requirement in definition.requires:
        made = {run.name for run in result.results if run.success}
        if requirement not in made and requirement not in result.artifacts:
            failed = any(run.name == requirement for run in result.results)
            why = "failed" if failed else "nothing before it made"
            return f"it requires {requirement!r}, which {why}"
    return ""


def _call(definition: GeneratorDefinition, ctx: GeneratorContext, deadline: float | None) -> object:
    """Call the handler, within its limits and what is left of the run's time."""
    seconds = definition.timeout_seconds
    if deadline is not None:
        left = max(deadline - monotonic(), 0.001)
        seconds = left if seconds is None else min(seconds, left)
    if definition.isolation == "process":
        from voyant.core.isolation import call_in_process  # noqa: PLC0415 - only where asked for

        return call_in_process(
            definition,
            ctx,
            timeout_seconds=seconds,
            memory_limit_bytes=definition.memory_limit_bytes,
        )
    if seconds is None:
        returned = definition.handler(ctx)
        return returned if returned.__class__ is dict else _finished(returned, ctx)
    from voyant.core.isolation import call_with_deadline  # noqa: PLC0415 - only where asked for

    def handler(given: GeneratorContext) -> object:
        return _finished(definition.handler(given), given)

    return call_with_deadline(handler, ctx, seconds)


def _finished(returned: object, ctx: GeneratorContext) -> object:
    """Wait for what an async handler returned."""
    if hasattr(type(returned), "__await__"):
        return _wait_for(cast("Awaitable[object]", returned), ctx)
    return returned


def _run_one(
    definition: GeneratorDefinition,
    ctx: GeneratorContext,
    producers: dict[str, str],
    deadline: float | None,
) -> GeneratorResult:
    """Run one generator; whatever it does but Ctrl-C becomes a result."""
    started = perf_counter()
    artifacts: dict[str, str] = {}
    error = trace = None
    try:
        returned = _call(definition, ctx, deadline)
        artifacts = checked_artifacts(returned, definition.name, producers)
        if artifacts:
            producers.update(dict.fromkeys(artifacts, definition.name))
    except KeyboardInterrupt:
        raise
    except BaseException as caught:
        if _is_interrupt(caught):
            raise KeyboardInterrupt from caught
        error, trace = message_of(caught), trace_of(caught)
    duration = (perf_counter() - started) * 1000.0
    return GeneratorResult(definition.name, error is None, artifacts, error, duration, trace)


def _is_interrupt(caught: BaseException) -> bool:
    """Whether Ctrl-C is among the exceptions of a task group."""
    if not isinstance(caught, BaseExceptionGroup):
        return False
    group = cast("BaseExceptionGroup[BaseException]", caught)
    return group.subgroup(KeyboardInterrupt) is not None


def _wait_for(awaitable: Awaitable[object], ctx: GeneratorContext) -> object:
    """Run an async generator to its end, also where an event loop already runs (a notebook)."""
    import asyncio  # noqa: PLC0415 - costs a third of our import, and few generators are async

    async def wait() -> object:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101 - asyncio.run made one

        def cancel() -> None:
            with suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(task.cancel)

        ctx.cancel = cancel  # what a deadline interrupts, beside queries
        try:
            return await awaitable
        finally:
            ctx.cancel = None

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    variables = contextvars.copy_context()
    returned: list[object] = []
    raised: list[BaseException] = []

    def target() -> None:
        try:
            returned.append(variables.run(asyncio.run, wait()))
        except BaseException as caught:  # noqa: BLE001 - raised again in the caller's thread
            raised.append(caught)

    thread = threading.Thread(target=target, name="voyant-async-generator", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return returned[0]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _make_folder(ctx: GeneratorContext) -> None:
    """Make the job's folder if the context says where, so that a generator can just open a file."""
    if ctx.get("artifacts_root") and ctx.get("job_id"):
        _ = ctx.folder


def _log(outcome: GeneratorResult, owner: str) -> None:
    if outcome.error is None:
        _logger.info("%s ok in %.1f ms %s", outcome.name, outcome.duration_ms, owner)
        return
    _logger.error(
        "%s failed in %.1f ms: %s %s",
        outcome.name,
        outcome.duration_ms,
        _one_line(outcome.error),
        owner,
        extra={"voyant_traceback": outcome.traceback},
    )
    _logger.debug("%s", outcome.traceback)


def _listener(observers: Sequence[Observer]) -> Callable[[Asked], None] | None:
    """Return what tells those who want to know what the engine was asked, None if nobody does."""
    listeners = [
        observer
        for observer in observers
        if getattr(type(observer), "engine_asked", None) not in {None, Observer.engine_asked}
    ]
    return partial(_tell, listeners, "engine_asked") if listeners else None


def _tell(observers: Sequence[Observer], event: str, *details: object) -> None:
    for observer in observers:
        try:
            getattr(observer, event)(*details)
        except KeyboardInterrupt:
            raise
        except BaseException:  # sys.exit() too must not end the run
            _logger.exception("Observer %r failed at %s and was ignored", observer, event)
