"""Was Ctrl-C pressed while a generator ran, even if the generator made something else of it?"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Final, Self, cast

from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.engine import Engine
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult

__all__ = ["CtrlC"]

_PATIENCE_SECONDS: Final = 2.0


class CtrlC(Observer):
    """Notices Ctrl-C while entered, and raises it when the generator that swallowed it ends.

    DuckDB answers Ctrl-C with an error of its own, and a plugin may catch everything; either way
    the job would go on as if a generator had failed. Python hands signals to the main thread alone:
    elsewhere, and where somebody else has taken the signal over, this does nothing.

    A statement that keeps the main thread would keep the signal waiting, too (measured: 93 s). So a
    thread of its own listens where the operating system announces signals, and tells the engine to
    stop what it does.
    """

    def __init__(self) -> None:
        """Start with nothing noticed."""
        self._was_pressed = False
        self._is_installed = False
        self._context: GeneratorContext | None = None
        self._wakeup: tuple[int, threading.Thread] | None = None

    def __enter__(self) -> Self:
        """Take the signal over from Python's own handler."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._notice)
            self._is_installed = True
            self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signal back."""
        if self._is_installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._is_installed = False
        if self._wakeup is not None:
            signal.set_wakeup_fd(-1)
            writing, listener = self._wakeup
            os.close(writing)  # the listener reads the end of the pipe, and ends
            listener.join(_PATIENCE_SECONDS)
            self._wakeup = None
        self._context = None

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Remember through whom the engine can be reached."""
        del plan
        self._context = context

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Raise what the generator swallowed.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        del definition, result
        if self._was_pressed:
            raise KeyboardInterrupt

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self._was_pressed = True
        signal.default_int_handler(number, frame)

    def _listen(self) -> None:
        """Hear of signals at once, unless somebody else does already (an event loop)."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
            os.close(reading)
            os.close(writing)
            return
        listener = threading.Thread(
            target=self._hear, args=(reading,), name="voyant-ctrl-c", daemon=True
        )
        listener.start()
        self._wakeup = writing, listener

    def _hear(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while heard := pipe.read(1):
                if heard[0] == signal.SIGINT:
                    # Whatever an engine says of being stopped: it must not keep us from listening.
                    with contextlib.suppress(Exception):
                        self._interrupt()

    def _interrupt(self) -> None:
        context = self._context
        engine = None if context is None else cast("Engine | None", context.opened("engine"))
        if engine is not None:
            engine.interrupt()
