"""What did a generator touch that is not its own: files elsewhere, the process's state, stdout?"""

from __future__ import annotations

import contextlib
import io
import locale
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, cast

__all__ = ["FileWatch", "Output", "captured_output", "state_changes", "state_now"]

_THREADS: Final = "the running threads"
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Audit event -> which of its arguments are paths that change, and which are folder descriptors.
_CHANGES: Final = {
    "os.mkdir": ((0,), (2,)),
    "os.remove": ((0,), (1,)),
    "os.rmdir": ((0,), (1,)),
    "os.rename": ((0, 1), (2, 3)),
    "os.link": ((1,), (2, 3)),
    "os.symlink": ((1,), (2,)),
    "os.truncate": ((0,), ()),
}
_watches: list[FileWatch] = []
_hook_is_set: list[bool] = []


class FileWatch:
    """Notes which paths Python code changes while it is active, whatever thread does it.

    Threads that were there before are not watched, nor is what compiled libraries do on their own.
    """

    def __init__(self) -> None:
        """Start to watch with `with`."""
        self.paths: list[str] = []
        self._others: set[int | None] = set()

    def __enter__(self) -> Self:
        """Start."""
        self._others = {thread.ident for thread in threading.enumerate()}
        if not _hook_is_set:  # it can never be taken away again, so one serves all
            _hook_is_set.append(True)
            sys.addaudithook(_hear)
        _watches.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        _watches.remove(self)

    def hear(self, path: object) -> None:
        """Note a path, absolute as of now."""
        if threading.get_ident() in self._others or not isinstance(path, (str, bytes, os.PathLike)):
            return
        given = cast("str | bytes | os.PathLike[str]", path)
        self.paths.append(os.path.abspath(os.fsdecode(given)))  # noqa: PTH100 - of any kind

    def outside(self, folder: Path, workspace: Path) -> Iterator[str]:
        """Return what was changed outside the job's folder; scratch files elsewhere are fine."""
        scratch = os.path.realpath(tempfile.gettempdir())
        for path in dict.fromkeys(self.paths):
            real = os.path.realpath(path)
            is_scratch = _is_in(real, scratch) and not _is_in(real, str(workspace))
            is_harmless = real.startswith(("/dev/", "/proc/")) or "__pycache__" in real
            if not (_is_in(real, str(folder)) or is_scratch or is_harmless):
                yield path


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _hear(event: str, args: tuple[object, ...]) -> None:
    if not _watches:
        return
    if event == "open":
        path, _, flags = args
        changed = [path] if isinstance(flags, int) and flags & _WRITING else []
    elif event in _CHANGES:
        paths, folders = _CHANGES[event]
        is_relative = any(cast("int", args[i]) >= 0 for i in folders if i < len(args))
        changed = [] if is_relative else [args[i] for i in paths]
    else:
        return
    for watch in tuple(_watches):
        for path in changed:
            watch.hear(path)


def state_now() -> dict[str, object]:
    """Return what of the process a generator must leave as it is."""
    catch_all = {
        (entry[0], entry[2])
        for entry in warnings.filters
        if entry[1] is None and entry[3] is None and entry[2] in {Warning, Exception}
    }
    state: dict[str, object] = {
        "the working directory": os.getcwd(),  # noqa: PTH109 - to compare, not to use
        "the environment": dict(os.environ),
        "the root logger's level": logging.root.level,
        "the root logger's handlers": tuple(logging.root.handlers),
        "the level below which logging is off": logging.root.manager.disable,
        "the warning filters": catch_all,  # libraries add narrow ones when they are imported
        "sys.path": tuple(sys.path),
        "sys.excepthook": sys.excepthook,
        "the recursion limit": sys.getrecursionlimit(),
        "the default socket timeout": socket.getdefaulttimeout(),
        "the locale": locale.setlocale(locale.LC_ALL),
        _THREADS: {
            thread for thread in threading.enumerate() if not thread.name.startswith("voyant-")
        },
    }
    for number in (signal.SIGINT, signal.SIGTERM):
        state[f"the handler of {number.name}"] = signal.getsignal(number)
    return state


def state_changes(before: dict[str, object], after: dict[str, object]) -> Iterator[str]:
    """Say what is different."""
    for name, value in before.items():
        if after[name] == value:
            continue
        if name == _THREADS and cast("set[object]", after[name]) < cast("set[object]", value):
            continue  # somebody else's has ended meanwhile
        detail = ""
        if isinstance(value, dict):
            old = cast("dict[str, object]", value)
            new = cast("dict[str, object]", after[name])
            keys = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
            detail = f" ({', '.join(keys)})"
        yield f"it changed {name}{detail}"


@dataclass(slots=True)
class Output:
    """What was printed."""

    text: str = ""


@contextlib.contextmanager
def captured_output() -> Generator[Output]:
    """Catch what is written to stdout, by Python and by compiled code."""
    output, written = Output(), io.StringIO()
    sys.stdout.flush()
    with tempfile.TemporaryFile() as file:
        try:
            kept = os.dup(1)
        except OSError:  # a process without stdout: then nothing can be written there
            kept = None
        if kept is not None:
            os.dup2(file.fileno(), 1)
        try:
            with contextlib.redirect_stdout(written):
                yield output
        finally:
            if kept is not None:
                os.dup2(kept, 1)
                os.close(kept)
            file.seek(0)
            output.text = written.getvalue() + file.read().decode(errors="replace")
