"""How does a command end, and what does it say when something went wrong?"""

from __future__ import annotations

import atexit
import errno
import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from enum import IntEnum
from types import TracebackType
from typing import Annotated

import typer
from typer.core import TyperGroup

from voyant.cli.text import clean
from voyant.core.errors import FolderError, VoyantError

__all__ = [
    "Debug",
    "ExitCode",
    "VoyantGroup",
    "end_at_once",
    "is_debug",
    "leave",
    "say_error",
    "show_bug",
]

_DEBUG = "voyant.debug"
#: How long a command that is done waits for threads that generators have started.
_THREAD_SECONDS = 1.0


class ExitCode(IntEnum):
    """What a command's exit code means."""

    DONE = 0
    FAILED = 1
    """A core generator failed, the disk is full, or a folder is not as its manifest says."""
    USAGE = 2
    """Bad usage or configuration; nothing ran."""
    FOUND = 3
    """The run worked, and found what `--fail-on` names."""
    INTERRUPTED = 130
    """Stopped with Ctrl-C."""
    BROKEN_PIPE = 141
    """Whoever read the output stopped reading."""


def _turn_on_debug(ctx: typer.Context, wanted: bool) -> bool:  # noqa: FBT001 - typer calls it so
    if wanted:
        ctx.meta[_DEBUG] = True
    return wanted


Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=_turn_on_debug, is_eager=True, help="Show tracebacks of errors."
    ),
]


def is_debug(ctx: typer.Context) -> bool:
    """Say whether `--debug` was given, before or after the command."""
    return bool(ctx.meta.get(_DEBUG))


def say_error(message: str) -> None:
    """Print one paragraph on stderr."""
    print(f"voyant: {clean(message)}", file=sys.stderr)  # noqa: T201 - it is what this is for


class VoyantGroup(TyperGroup):
    """Turns what a command raised into a paragraph on stderr and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own click
        """Run the command.

        Raises:
            Exit: With the code that says how it ended.
        """
        try:
            value: object = super().invoke(ctx)
            sys.stdout.flush()
        except VoyantError as error:
            if is_debug(ctx):
                traceback.print_exc()
            say_error(str(error))
            raise typer.Exit(_code_of(error)) from None
        except KeyboardInterrupt:
            say_error("Stopped. A job that was running has no manifest and is unfinished.")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except BrokenPipeError:
            # What is still in the buffer must not be written at exit, where it would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.BROKEN_PIPE) from None
        return value


def _code_of(error: VoyantError) -> ExitCode:
    """Return what an error means: the request was wrong, or a disk was full in the middle of it."""
    is_full = isinstance(error, FolderError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return ExitCode.FAILED if is_full else ExitCode.USAGE


def leave_threads_behind(code: str | int | None) -> None:
    """End the process now if a generator has left a thread that Python would wait for, for ever."""
    if "voyant.core.lasting" in sys.modules:  # our own, which Python would end by itself
        from voyant.core.lasting import end_lasting_thread  # only where it is loaded

        end_lasting_thread()
    until = time.monotonic() + _THREAD_SECONDS
    # Idle workers of a pool, our own among them, are no danger: Python tells them to end.
    pools = getattr(sys.modules.get("concurrent.futures.thread"), "_threads_queues", {})
    for thread in threading.enumerate():
        is_waited_for = thread is not threading.main_thread() and not thread.daemon
        if is_waited_for and thread not in pools:
            thread.join(max(until - time.monotonic(), 0))
            if thread.is_alive():
                say_error(f"The thread {thread.name!r}, left by a generator, is not waited for.")
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code if isinstance(code, int) else int(code is not None))


def end_at_once() -> None:
    """Let `leave` end the process without taking apart what the system frees: 0.2 s of a run.

    Only for commands that loaded no code of others: a file that a plugin has left open would lose
    what it has not written yet.
    """
    _Ending.is_quick = True


class _Ending:
    is_quick = False


def leave(code: str | int | None) -> None:
    """End the process as the command asked for, or return to have Python end it."""
    leave_threads_behind(code)
    if not _Ending.is_quick or _is_watched() or not isinstance(code, int):
        return
    # There is no public way to have Python do first what it does first.
    atexit._run_exitfuncs()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):  # Python's own end could not write it either
                stream.flush()
    os._exit(code)


def _is_watched() -> bool:
    """Tell whether a debugger, a profiler, coverage or `python -i` waits for Python's own end."""
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    tools = () if monitoring is None else (monitoring.get_tool(number) for number in range(6))
    is_traced = sys.getprofile() is not None or sys.gettrace() is not None or any(tools)
    return is_traced or bool(sys.flags.interactive or sys.flags.inspect)


def show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say that something unexpected happened: an error of Voyant's own, not of the user's."""
    if issubclass(kind, KeyboardInterrupt):  # before a command had begun
        return
    if "--debug" in sys.argv:
        traceback.print_exception(kind, error, trace)
    say_error(
        f"Something unexpected happened: {kind.__name__}: {error} "
        "This is a fault in Voyant; --debug shows where."
    )
