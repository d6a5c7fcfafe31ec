"""How is the process of one generator started, heard, and ended with everything it has started?"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from voyant.core.frames import LOG_BYTES, Frame, FrameBuffer, pack
from voyant.core.scratch import ScratchFolder

__all__ = ["IsolatedProcess", "TooLateError"]

#: How long the supervisor may take to end everything, before it is killed itself.
_END_SECONDS: Final = 3.0
#: How long a process may live on after it has closed its connection.
_LAST_WORDS_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.1
_CHUNK_BYTES: Final = 1 << 20
_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]
#: Variables that are set for the start, or for the whole life, of the process.
_START_ONLY: Final = ("PYTHONPATH", "MALLOC_ARENA_MAX")


class TooLateError(Exception):
    """The deadline came first."""


class IsolatedProcess:
    """One child process with a supervisor above it; ended when the `with` block is left."""

    def __init__(self, *, temp_directory: str | None) -> None:
        """Start it, with an empty temporary folder of its own."""
        self._scratch = ScratchFolder("isolated", temp_directory)
        self.folder = str(self._scratch.path)
        #: What it has printed, up to a bound.
        self.output = bytearray()
        self._frames = FrameBuffer()
        self._is_connected = True
        mine, its = socket.socketpair()
        self._connection = mine
        try:
            with its:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [
                        *(sys.executable, "-P", "-u", "-m", "voyant.core.isolated_child"),
                        *(str(os.getpid()), str(its.fileno()), self.folder),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(its.fileno(),),
                    env=_environment(self.folder),
                    start_new_session=True,
                )
        except BaseException:
            mine.close()
            self._scratch.close()
            raise
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        self._printed = self._process.stdout.fileno()
        os.set_blocking(self._printed, False)
        self._selector.register(self._printed, selectors.EVENT_READ)
        self._selector.register(mine, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything that was started, and remove its folder."""
        self.end()

    @staticmethod
    def outer_environment() -> dict[str, str | None]:
        """Return the run's own values of the variables that differ while the process starts."""
        return {name: os.environ.get(name) for name in _START_ONLY}

    def send(self, message: dict[str, object], body: bytes = b"", *, seconds: float) -> None:
        """Send a frame; a process that is gone or does not listen is noticed by `receive`."""
        self._connection.settimeout(max(seconds, 0.001))
        with suppress(OSError):
            self._connection.sendall(pack(message, body))

    def receive(self, deadline: float | None) -> Frame | None:
        """Return the next frame, None when there will be no more.

        Args:
            deadline: By `time.monotonic()`; None to wait for ever.

        Raises:
            TooLateError: The deadline came first.
            ValueError: What was received is no frame.
        """
        gone_at: float | None = None
        while True:
            if deadline is not None and time.monotonic() >= deadline:
                raise TooLateError
            frame = self._frames.take()
            if frame is not None:
                return frame
            if not self._is_connected:
                gone_at = gone_at or time.monotonic()
                if time.monotonic() - gone_at > _LAST_WORDS_SECONDS:
                    return None
            # Asked before reading: what a process sent before it ended is read after that.
            has_ended = self._process.poll() is not None
            tick = _TICK_SECONDS if self._is_connected else 0.005
            if not self._read(0 if has_ended else tick, deadline) and has_ended:
                return self._frames.take()

    def exit_code(self) -> int | None:
        """Return how it ended by itself: a code, or minus a signal; None if it has not."""
        return self._process.poll()

    def end(self) -> None:
        """End everything that was started; safe to call twice."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        assert self._process.stdout is not None  # noqa: S101 - the same
        try:
            # Tells the supervisor to end everything; closed without a word, it means our death.
            with suppress(OSError, ValueError):
                self._process.stdin.write(b"x")
                self._process.stdin.flush()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        finally:
            if not self._process.stdout.closed:
                self._read_printed()
                with suppress(OSError):  # the word may not have been heard
                    self._process.stdin.close()
                self._selector.close()
                self._process.stdout.close()
                self._connection.close()
            self._scratch.close()

    def _read(self, tick: float, deadline: float | None) -> bool:
        """Take in what there is, waiting for it at most so long; tell whether there was any."""
        if deadline is not None:
            tick = min(tick, max(deadline - time.monotonic(), 0))
        found = False
        for key, _ in self._selector.select(tick):
            found |= self._read_printed() if key.fd == self._printed else self._read_connection()
        return found

    def _read_connection(self) -> bool:
        try:
            data = self._connection.recv(_CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._is_connected = False
            self._selector.unregister(self._connection)
            return False
        self._frames.feed(data)
        return True

    def _read_printed(self) -> bool:
        """Keep what was printed up to the bound; read the rest too, or printing would block."""
        try:
            data = os.read(self._printed, _CHUNK_BYTES)
        except OSError:
            data = b""
        if not data:
            with suppress(KeyError):
                self._selector.unregister(self._printed)
            return False
        self.output += data[: max(LOG_BYTES - len(self.output), 0)]
        return True


def _environment(folder: str) -> dict[str, str]:
    """Return the run's environment, with a folder for temporary files of its own."""
    return {
        **os.environ,
        "TMPDIR": folder,
        "PYTHONPATH": str(_PACKAGE_ROOT),
        # Fewer malloc arenas: each reserves 64 MB of the address space that is limited.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }
