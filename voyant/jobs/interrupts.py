"""Was Ctrl-C pressed while a generator ran, even if the generator made something else of it?"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from voyant.core.definition import GeneratorDefinition
from voyant.core.pipeline import Observer
from voyant.core.results import GeneratorResult

__all__ = ["CtrlC"]


class CtrlC(Observer):
    """Notices Ctrl-C while entered, and raises it when the generator that swallowed it ends.

    DuckDB answers Ctrl-C with an error of its own, and a plugin may catch everything; either way
    the job would go on as if a generator had failed. Python hands signals to the main thread alone:
    elsewhere, and where somebody else has taken the signal over, this does nothing.
    """

    def __init__(self) -> None:
        """Start with nothing noticed."""
        self._was_pressed = False
        self._is_installed = False

    def __enter__(self) -> Self:
        """Take the signal over from Python's own handler."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._notice)
            self._is_installed = True
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
