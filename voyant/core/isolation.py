"""How does a generator run within a time limit, and how in a process that can be killed?

In the run's own process a deadline can only interrupt queries and stop waiting. A process of its
own contains everything else: hangs in C code, crashes, `os._exit`, memory, writing elsewhere.
`docs/explanation/containment.md` says which of the two stops what.
"""

from __future__ import annotations

import contextvars
import functools
import logging
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from voyant.core.context import GeneratorContext
from voyant.core.conversation import START_SECONDS, Conversation, Limits
from voyant.core.definition import GeneratorDefinition
from voyant.core.errors import ConfigurationError, GeneratorTimeoutError
from voyant.core.isolated_process import IsolatedProcess
from voyant.core.outcome import text_of

__all__ = ["HandlerReference", "call_in_process", "call_with_deadline", "handler_reference"]

#: How long a generator that was interrupted may take to notice, before it is abandoned.
_GRACE_SECONDS: Final = 0.5
_INTERRUPT_EVERY_SECONDS: Final = 0.05
_STEP_SECONDS: Final = 0.2
#: CPU seconds beyond those it could use by its deadline; a backstop for a run that hangs.
_CPU_SLACK_SECONDS: Final = 5


# --------------------------------------------------------------------------- in the run's process


def call_with_deadline(
    handler: Callable[[GeneratorContext], object], ctx: GeneratorContext, timeout_seconds: float
) -> object:
    """Call a generator in a thread, and return or raise what it does if it is done in time.

    At the deadline its queries are interrupted. If that does not end it, its thread is abandoned:
    it goes on until the process ends, but its context gives it neither tables nor a writer.

    Args:
        handler: The generator.
        ctx: Its context.
        timeout_seconds: From now.

    Raises:
        GeneratorTimeoutError: It was not done at its deadline.
    """
    call = _Call(handler, ctx)
    thread = threading.Thread(target=call.run, name="voyant-generator", daemon=True)
    thread.start()
    try:
        if _is_done_in_time(call, timeout_seconds):
            return call.outcome()
        was_stopped = _interrupt(call, ctx)
    except BaseException:
        if not call.is_done.is_set():  # Ctrl-C
            call.abandon()
            _interrupt_queries(ctx)
        raise
    if not was_stopped:
        call.abandon()
    how = "was stopped at" if was_stopped else "goes on in the background after"
    raise GeneratorTimeoutError(
        f"The generator {how} its time limit of {timeout_seconds:.3g} s.",
        remedy="Raise timeout_seconds, or make it do less."
        if was_stopped
        else 'Run it with isolation = "process", where it is killed.',
    )


class _Call:
    """One call, as seen by the thread that runs it and by the one that waits."""

    def __init__(
        self, handler: Callable[[GeneratorContext], object], ctx: GeneratorContext
    ) -> None:
        self.is_done = threading.Event()
        self._handler, self._ctx = handler, ctx
        self._variables = contextvars.copy_context()
        self._thread = 0
        self._returned: object = None
        self._raised: BaseException | None = None

    def run(self) -> None:
        """Call the handler and keep what it returns or raises."""
        self._thread = threading.get_ident()
        try:
            self._returned = self._variables.run(self._handler, self._ctx)
        except BaseException as caught:  # noqa: BLE001 - raised again in the thread that waits
            self._raised = caught
        finally:
            self._ctx.let_in(self._thread)
            self.is_done.set()

    def abandon(self) -> None:
        """Give the generator nothing more."""
        self._ctx.shut_out(self._thread)
        if self.is_done.is_set():
            self._ctx.let_in(self._thread)

    def outcome(self) -> object:
        """Return what was returned, or raise what was raised."""
        if self._raised is not None:
            raise self._raised
        return self._returned


def _is_done_in_time(call: _Call, timeout_seconds: float) -> bool:
    """Wait in small steps: Ctrl-C needs them on Windows, and where another thread got it."""
    until = time.monotonic() + timeout_seconds
    while (left := until - time.monotonic()) > 0:
        if call.is_done.wait(min(left, _STEP_SECONDS)):
            return True
    return call.is_done.is_set()


def _interrupt(call: _Call, ctx: GeneratorContext) -> bool:
    """Interrupt queries and an async handler, again and again; tell whether that ended the call."""
    until = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < until:
        _interrupt_queries(ctx)
        if call.is_done.wait(_INTERRUPT_EVERY_SECONDS):
            return True
    return False


def _interrupt_queries(ctx: GeneratorContext) -> None:
    interrupt = getattr(ctx.opened("engine"), "interrupt", None)
    for stop in (interrupt, ctx.cancel):
        if stop is not None:
            stop()


# --------------------------------------------------------------------------- in its own process


def call_in_process(
    definition: GeneratorDefinition,
    ctx: GeneratorContext,
    *,
    timeout_seconds: float | None,
    memory_limit_bytes: int | None,
) -> object:
    """Call a generator in a process of its own; it and all it started are gone when this returns.

    Args:
        definition: The generator; its function must be one that another process can import.
        ctx: Its context; what is in it is pickled, the tables are opened again read-only.
        timeout_seconds: From when the process has started; None for no limit.
        memory_limit_bytes: How much its memory may grow; None for no limit.

    Returns:
        Artifact key -> path.

    Raises:
        GeneratorTimeoutError: It was killed at its deadline.
        GeneratorCrashedError: Its process died: by a signal, by `os._exit`, out of memory.
        GeneratorFailedError: It raised; the message is what it raised.
        ConfigurationError: It cannot be sent to another process.
    """
    if sys.platform == "win32":
        raise ConfigurationError(
            f"Generator {definition.name!r} asks for isolation='process'.",
            remedy="Windows cannot do that; use isolation='none'.",
        )
    reference = handler_reference(definition)
    body = pickle.dumps({**_parts(definition, ctx), "handler": reference.pickled})
    setup: dict[str, object] = {
        "kind": "setup",
        "name": definition.name,
        "module": reference.module,
        "file": reference.file,
        "folder": str(ctx.folder) if ctx.opened("writer") or ctx.get("job_id") else "",
        "search_path": list(sys.path),
        "environment": IsolatedProcess.outer_environment(),
        "log_levels": _log_levels(),
        "limits": {
            "memory_bytes": memory_limit_bytes,
            "cpu_seconds": None
            if timeout_seconds is None
            else timeout_seconds * ((os.cpu_count() or 1) + 1) + _CPU_SLACK_SECONDS,
        },
    }
    temp_directory = cast("str | None", ctx.setting("temp_directory"))
    with IsolatedProcess(
        temp_directory=None if temp_directory is None else str(temp_directory)
    ) as process:
        setup["temporary"] = process.folder
        limits = Limits(timeout_seconds=timeout_seconds, memory_bytes=memory_limit_bytes)
        conversation = Conversation(process, definition.name, ctx, limits)
        process.send(setup, body, seconds=START_SECONDS)
        try:
            return conversation.result()
        finally:
            process.end()
            conversation.log_output()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerReference:
    """How another process finds a generator's function.

    Attributes:
        module: The module it is defined in.
        file: That module's file; empty if it has none.
        pickled: The function, by its name; or an object of which it is a method, by its value.
    """

    module: str
    file: str
    pickled: bytes


def handler_reference(definition: GeneratorDefinition) -> HandlerReference:
    """Return how another process finds a generator's function.

    Raises:
        ConfigurationError: It cannot: a lambda, a function inside a function or in a script.
    """
    inner: object = definition.handler
    while isinstance(inner, functools.partial):
        inner = cast("functools.partial[object]", inner).func
    module = str(getattr(inner, "__module__", ""))
    pickled = _pickled(definition, "its function", definition.handler)
    if module == "__main__" or b"__main__" in pickled:
        raise _cannot_be_sent(
            definition, "its function is defined in the script that was started, not in a module"
        )
    file = getattr(sys.modules.get(module), "__file__", None)
    return HandlerReference(module=module, file=file or "", pickled=pickled)


def _parts(definition: GeneratorDefinition, ctx: GeneratorContext) -> dict[str, bytes]:
    """Pickle what the context holds, each part by itself: most generators need few of them."""
    values = dict(ctx)
    sources = values.get("sources")
    if isinstance(sources, dict):
        named = cast("dict[str, object]", sources)
        paths = {name: source for name, source in named.items() if _is_path(source)}
        if len(paths) < len(named):
            _ = ctx.engine  # data frames stay here; what the engine made of them can be reopened
        values["sources"] = paths
    plain: dict[str, object] = {
        "artifacts": dict(ctx.artifacts),
        "now": ctx._now,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - ours
        "parameters": ctx.parameters,
        "steps": ctx.steps,
        "settings": ctx._given_settings,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - ours
    }
    parts = {name: _pickled(definition, f"the run's {name}", part) for name, part in plain.items()}
    try:
        parts["values"] = _pickled(definition, "the context", values)
    except ConfigurationError:
        for key, value in values.items():
            _pickled(definition, f"ctx[{key!r}]", value)
        raise
    handover = getattr(ctx.opened("engine"), "handover", None)
    if handover is not None:
        parts["engine"] = _pickled(definition, "the engine", handover())
    return parts


def _is_path(source: object) -> bool:
    if isinstance(source, (list, tuple)):
        return all(_is_path(part) for part in cast("list[object]", source))
    return isinstance(source, (str, Path))


def _pickled(definition: GeneratorDefinition, what: str, value: object) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception as error:
        raise _cannot_be_sent(definition, f"{what} cannot be pickled: {text_of(error)}") from error


def _cannot_be_sent(definition: GeneratorDefinition, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"Generator {definition.name!r} cannot run in a process of its own: {reason}.",
        remedy="Define it at the top level of a module, with a context of plain values.",
    )


def _log_levels() -> dict[str, int]:
    """Return the levels that have been set, by logger; the root's name is empty."""
    root = logging.getLogger()
    levels = {"": max(root.level, root.manager.disable)}
    for name, logger in list(root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET:
            levels[name] = logger.level
    return levels
