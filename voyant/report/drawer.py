"""Where are charts drawn? In a process of their own, while the run goes on asking its tables.

In a thread, V8's crashes and its memory would be the run's. See decision 0037.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final, Literal

from voyant.core.child_path import child_path
from voyant.core.errors import GeneratorCrashedError, GeneratorError

__all__ = ["Drawer", "drawing", "end_spare_drawers", "make_drawer_ready"]

_lock: Final = threading.Lock()
_spare: Final[list[Drawer]] = []


class Drawer:
    """Draw Vega-Lite specs, one after the other, in one child process that starts at once."""

    def __init__(self) -> None:
        """Start the process, without waiting for it."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "voyant.report.drawing_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": child_path()},
            start_new_session=True,  # Ctrl-C is the run's; the end of its input ends this one
        )
        self._pool = ThreadPoolExecutor(1, "voyant-drawer")
        self._begun: dict[str, Future[bytes]] = {}

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def is_usable(self) -> bool:
        """Tell whether the process lives."""
        return self._process.poll() is None

    def begin(self, spec: Mapping[str, object]) -> None:
        """Have it drawn as SVG when its turn comes; who asks for the same spec later finds it."""
        self._begin(spec, "svg")

    def svg(self, spec: Mapping[str, object]) -> str:
        """Draw as SVG, with Vega's own ids; `vega_render.finish_svg` makes it fit for a page.

        Args:
            spec: A spec with its data in it; nothing is fetched, whatever it says.

        Raises:
            GeneratorError: The spec cannot be drawn, or the process ended.
        """
        return self._begin(spec, "svg").result().decode()

    def png(self, spec: Mapping[str, object]) -> bytes:
        """Draw as PNG, twice its size, on the light background; arguments and errors as `svg`."""
        return self._begin(spec, "png").result()

    def close(self) -> None:
        """End the process, whatever it is doing; safe to call twice."""
        self._process.kill()
        self._process.wait()
        self._pool.shutdown(cancel_futures=True)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # unsent bytes meet a closed pipe
                    pipe.close()

    def _begin(self, spec: Mapping[str, object], kind: Literal["svg", "png"]) -> Future[bytes]:
        request = json.dumps({"format": kind, "spec": spec})
        if request not in self._begun:
            self._begun[request] = self._pool.submit(self._draw, request)
        return self._begun[request]

    def _draw(self, request: str) -> bytes:
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None  # noqa: S101 - a pipe was asked for
        assert answers is not None  # noqa: S101 - the same
        with suppress(BrokenPipeError):  # the end of the answers says more
            requests.write(request.encode() + b"\n")
            requests.flush()
        line = answers.readline()
        if not line.endswith(b"\n"):  # it may have ended in the middle of an answer
            raise GeneratorCrashedError(
                f"The process that draws charts ended (exit code {self._process.wait()}).",
                remedy="Run again; if it ends again, set enable_charts = false and report it.",
            )
        answer: dict[str, str] = json.loads(line)
        if "error" in answer:
            raise GeneratorError(f"Vega-Lite could not draw a chart: {answer['error']}")
        return base64.b64decode(answer["drawn"])


def make_drawer_ready() -> Drawer:
    """Start a process for whoever draws next, so that its start overlaps other work.

    Returns:
        The one that is ready, which may be so already.
    """
    with _lock:
        if not _spare:
            _spare.append(Drawer())
        return _spare[-1]


@contextmanager
def drawing() -> Generator[Drawer]:
    """Take the process that was made ready, or start one; end it afterwards."""
    drawer = _take_spare() or Drawer()
    try:
        yield drawer
    finally:
        drawer.close()


def _take_spare() -> Drawer | None:
    while True:
        with _lock:
            if not _spare:
                return None
            drawer = _spare.pop()
        if drawer.is_usable():
            return drawer
        drawer.close()


def end_spare_drawers() -> None:
    """End what was made ready and not taken; a run that takes one later starts its own."""
    while drawer := _take_spare():
        drawer.close()
