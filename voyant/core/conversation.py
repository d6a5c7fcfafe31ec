"""What does a run hear from a generator's process, and what does it make of it?

Everything that arrives may have been written by a hostile process: it is checked, and bounded.
"""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import dataclass
from typing import Final, cast

from voyant.core.context import GeneratorContext
from voyant.core.errors import (
    GeneratorCrashedError,
    GeneratorError,
    GeneratorFailedError,
    GeneratorTimeoutError,
    VoyantError,
)
from voyant.core.frames import LOG_BYTES, LOG_RECORDS, LOST_EXIT_CODE, Frame
from voyant.core.isolated_process import IsolatedProcess, TooLateError
from voyant.core.outcome import text_of

__all__ = ["START_SECONDS", "Conversation", "Limits"]

_logger = logging.getLogger("voyant.isolation")

#: How long a new process may take until it is about to import the generator.
START_SECONDS: Final = 60.0
_OUTPUT_TAIL_CHARACTERS: Final = 4_000
_GIB: Final = 1024**3
_MIB: Final = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the generator may use; None for no limit."""

    timeout_seconds: float | None
    memory_bytes: int | None


class Conversation:
    """Listens to the process until it says what came of the generator, or can say no more."""

    def __init__(
        self, process: IsolatedProcess, name: str, ctx: GeneratorContext, limits: Limits
    ) -> None:
        self._process, self._name, self._ctx, self._limits = process, name, ctx, limits
        self._records, self._bytes = LOG_RECORDS, LOG_BYTES

    def result(self) -> dict[str, str]:
        """Return the artifacts, or raise what ended the generator."""
        is_ready = False
        deadline: float | None = time.monotonic() + START_SECONDS
        try:
            while (frame := self._process.receive(deadline)) is not None:
                if frame.kind == "returned":
                    return _artifacts(frame)
                if frame.kind == "raised":
                    raise self._failure(frame)
                if frame.kind == "ready" and not is_ready:
                    is_ready = True
                    deadline = self._deadline()
                    self._warn(frame.text("unprotected"))
                elif frame.kind == "log":
                    self._log(frame)
                else:
                    self._answer(frame, deadline)
        except TooLateError:
            if not is_ready:
                raise self._crash(f"had not started after {START_SECONDS:g} s") from None
            raise self._timeout(
                f"time limit of {self._limits.timeout_seconds or 0:.3g} s"
            ) from None
        except ValueError as error:
            if isinstance(error, VoyantError):
                raise
            raise self._crash("said something that is no answer") from error
        raise self._death()

    def _deadline(self) -> float | None:
        seconds = self._limits.timeout_seconds
        return None if seconds is None else time.monotonic() + seconds

    def log_output(self) -> None:
        """Log what the process has printed, a record a line."""
        lines = self._process.output.decode(errors="backslashreplace").splitlines()
        for line in lines[:LOG_RECORDS]:
            _logger.info("%s printed: %s", self._name, line)
        if len(lines) > LOG_RECORDS or len(self._process.output) >= LOG_BYTES:
            _logger.warning("%s printed more than is kept", self._name)

    def _warn(self, unprotected: str) -> None:
        if unprotected:
            _logger.warning(
                "the kernel does not keep generator %s from writing outside the job's folder: %s",
                self._name,
                unprotected,
            )

    def _log(self, frame: Frame) -> None:
        """Log a record of the generator under the logger it used, until there are too many."""
        if self._records <= 0 or self._bytes <= 0:
            return
        message, trace = text_of(frame.text("message")), text_of(frame.text("traceback"))
        self._records -= 1
        self._bytes -= len(message) + len(trace)
        given = frame.message.get("level")
        level = given if isinstance(given, int) else logging.INFO
        logger = logging.getLogger(frame.text("name")[:200])
        if logger.isEnabledFor(level):
            record = logger.makeRecord(logger.name, level, self._name, 0, message, (), None)
            record.exc_text = trace or None
            logger.handle(record)
        if self._records <= 0 or self._bytes <= 0:
            _logger.warning("%s logs more than is kept; the rest is dropped", self._name)

    def _answer(self, frame: Frame, deadline: float | None) -> None:
        """Do what the generator asks of the run's writer."""
        try:
            answer: dict[str, object] = {"kind": "done", "value": self._do(frame)}
        except VoyantError as error:
            answer = {
                "kind": "refused",
                "error": type(error).__name__,
                "what": error.what,
                "remedy": error.remedy,
            }
        left = START_SECONDS if deadline is None else deadline - time.monotonic()
        self._process.send(answer, seconds=left)

    def _do(self, frame: Frame) -> object:
        name = frame.text("name")
        if frame.kind == "write":
            return self._ctx.write_bytes(name, frame.body)
        if frame.kind == "note":
            self._ctx.note(name, frame.message.get("value"))
            return None
        if frame.kind == "folder":
            return str(self._ctx.folder)
        raise ValueError(f"a frame of the kind {frame.kind!r}")

    def _failure(self, frame: Frame) -> GeneratorError:
        """Return the error for what the generator raised."""
        if frame.message.get("is_memory") is True:
            if self._limits.memory_bytes is not None:
                return self._crash(
                    f"ran out of its memory limit of {_size(self._limits.memory_bytes)}",
                    remedy="Make it use less, or raise memory_limit.",
                )
            return GeneratorFailedError("MemoryError")
        error = GeneratorFailedError(text_of(frame.text("message")) or "It raised an error.")
        error.add_note(f"In the generator's own process:\n{text_of(frame.text('traceback'))}")
        return error

    def _death(self) -> GeneratorError:
        """Explain why the process ended, or was ended, without an answer."""
        code = self._process.exit_code()
        if code is None or code == LOST_EXIT_CODE:
            return self._crash("closed its connection without an answer")
        if code >= 0:
            return self._crash(f"exited with code {code} (os._exit)")
        if code == -signal.SIGXCPU:
            return self._timeout("limit of CPU time")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"{-code}"
        hint = {
            "SIGKILL": "The kernel sends it when the machine is out of memory.",
            "SIGABRT": "Code in C and C++ sends it to itself, also when it is out of memory.",
        }
        return self._crash(f"was killed by signal {name}", remedy=hint.get(name, ""))

    def _timeout(self, limit: str) -> GeneratorTimeoutError:
        return GeneratorTimeoutError(
            f"Generator {self._name!r} was killed at its {limit}.",
            remedy="Raise timeout_seconds, or make it do less.",
        )

    def _crash(self, what: str, remedy: str = "") -> GeneratorCrashedError:
        error = GeneratorCrashedError(
            f"The process of generator {self._name!r} {what}.", remedy=remedy
        )
        self._process.end()
        printed = self._process.output.decode(errors="backslashreplace")
        if printed:
            error.add_note(f"It printed:\n{printed[-_OUTPUT_TAIL_CHARACTERS:]}")
        return error


def _artifacts(frame: Frame) -> dict[str, str]:
    """Return what the generator returned; the process has checked it, and is not believed."""
    given = frame.message.get("artifacts")
    if not isinstance(given, dict):
        raise ValueError("artifacts that are no object")  # noqa: TRY004 - of a frame, not of types
    pairs = cast("dict[object, object]", given).items()
    if not all(isinstance(part, str) for pair in pairs for part in pair):
        raise ValueError("artifacts that are no text")
    return cast("dict[str, str]", given)


def _size(size: int) -> str:
    """Return a number of bytes as people say it.

    >>> _size(2**30), _size(1536 * 2**20), _size(300_000_000)
    ('1 GiB', '1.5 GiB', '286 MiB')
    """
    return f"{size / _GIB:.3g} GiB" if size >= _GIB else f"{size / _MIB:.3g} MiB"
