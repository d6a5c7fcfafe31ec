"""How does a user's SQL run without being able to harm this process, its host or its data?

In a child process that can be killed. The child checks each query (`guard`), runs it on a locked
connection (`recipe`) and answers over pipes in JSON; it has given up writing files, and its memory,
CPU time and output are bounded. The parent holds the clock: at the deadline it sends SIGKILL,
because DuckDB's `interrupt()` and `memory_limit` were measured not to stop some functions.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from voyant.core.child_path import child_path
from voyant.core.errors import (
    QueryError,
    QueryMemoryError,
    QueryTimeoutError,
    UnsafeQueryError,
)
from voyant.core.lasting import in_lasting_thread
from voyant.core.scratch import ScratchFolder
from voyant.core.tables import QueryColumn, QueryResult
from voyant.engines.guard import check_query_text
from voyant.engines.recipe import ConnectionRecipe

__all__ = ["QueryColumn", "QueryLimits", "QueryResult", "Sandbox"]

_log = logging.getLogger("voyant.engines.sandbox")

_MIB: Final = 1024 * 1024
_HEADER: Final = struct.Struct(">I")
# Opening a job's tables may mean sniffing large CSV files; it is our own SQL, so this is generous.
_START_SECONDS: Final = 120.0
# What a reply may hold beside its rows: column names and types, an error message.
_REPLY_SLACK_BYTES: Final = 4 * _MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLimits:
    """How much one query may use.

    Attributes:
        timeout_seconds: From sending the query to having its whole result.
        max_rows: Rows returned; more are cut off and `truncated` says so.
        memory_limit_bytes: What the child's writable memory may grow by over its resting size
            (about 70 MB resident in all); DuckDB is told to spill at six tenths of it.
        max_result_bytes: Size of the rows as JSON; more are cut off and `truncated` says so.
        threads: DuckDB's worker threads; with more than one, the last digits of float sums and the
            order of unordered rows may differ from run to run.
    """

    timeout_seconds: float = 30.0
    max_rows: int = 1000
    memory_limit_bytes: int = 1024 * _MIB
    max_result_bytes: int = 16 * _MIB
    threads: int = 1


class Sandbox:
    """Run users' queries, one at a time, in one child process that is replaced when it dies.

    Cells arrive as JSON can hold them. Integers of any size, booleans, text and finite floats are
    themselves; NaN and infinities are the strings "NaN", "Infinity" and "-Infinity". A DECIMAL is a
    float if that float's shortest spelling is the same number, else a string with all its digits.
    Dates, times and timestamps are ISO 8601 strings (with an offset, in UTC, if they have a zone);
    a BLOB is "<n bytes>"; lists, structs, maps, intervals, UUIDs and everything else are strings as
    DuckDB writes them. Column types are DuckDB's names.
    """

    _program: ClassVar[tuple[str, ...]] = ("-m", "voyant.engines.sandbox_child")

    def __init__(
        self,
        recipe: ConnectionRecipe,
        limits: QueryLimits,
        *,
        temp_directory: Path | None = None,
    ) -> None:
        """Prepare; nothing is started before `start` or the first query.

        Args:
            recipe: The job's tables.
            limits: What each query may use.
            temp_directory: Where a private folder for spilling is made; default the system's.
        """
        self._recipe = recipe
        self._limits = limits
        self._temp_directory = temp_directory
        self._child: _Child | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        """Return itself; the child starts with the first query or `start`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def start(self) -> None:
        """Start the child early, without waiting, so that its 0.2 s overlap other work."""
        with self._lock:
            if self._child is None:
                self._child = _Child(
                    self._program, self._recipe, self._limits, self._temp_directory
                )

    def query(self, sql: str) -> QueryResult:
        """Check a query and run it within the limits.

        Args:
            sql: One SELECT over the recipe's tables.

        Returns:
            The rows in the query's order, as far as the limits allow.

        Raises:
            UnsafeQueryError: It was refused before it ran.
            QueryTimeoutError: It was stopped at the deadline.
            QueryMemoryError: It ran out of the memory it may use, or one row is too large.
            QueryError: DuckDB could not run it, or the job's tables could not be opened.
        """
        check_query_text(sql)
        with self._lock:
            try:
                reply, duration_ms = self._exchange(sql)
            except BaseException:
                self.close()  # killed, dead, or in the middle of an answer nobody waits for
                raise
            if reply["kind"] in {"memory", "broken", "too_large"}:
                self.close()  # an engine that failed an allocation is not asked again
        return self._result(reply, duration_ms)

    def close(self) -> None:
        """Kill the child if there is one, and remove its folder; safe to call twice."""
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.kill()

    def interrupt(self) -> None:
        """End the query that runs, from another thread; the next one gets a fresh child."""
        child = self._child  # not under the lock, which the running query holds
        if child is not None and self._lock_is_held():
            child.interrupt()

    def _lock_is_held(self) -> bool:
        """Tell whether another thread is in the middle of a query."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
            return False
        return True

    @property
    def child_pid(self) -> int | None:
        """Process id of the child that waits for queries, if there is one."""
        return None if self._child is None else self._child.pid

    def _exchange(self, sql: str) -> tuple[dict[str, Any], float]:
        """Send one query to a living child and wait for its reply."""
        if self._child is not None and not self._child.is_usable():
            self.close()
        self.start()
        child = self._child
        assert child is not None  # noqa: S101 - start() has just made it; for the type checkers
        child.wait_until_ready()
        began = time.monotonic()
        reply = child.ask({"sql": sql}, self._limits.timeout_seconds)
        return reply, (time.monotonic() - began) * 1000

    def _result(self, reply: dict[str, Any], duration_ms: float) -> QueryResult:
        kind, message = reply["kind"], reply.get("message", "")
        if kind == "rows":
            return QueryResult(
                columns=tuple(QueryColumn(name=name, type=kind) for name, kind in reply["columns"]),
                rows=tuple(tuple(row) for row in reply["rows"]),
                truncated=reply["truncated"],
                duration_ms=duration_ms,
            )
        if kind == "unsafe":
            raise UnsafeQueryError(message, remedy=reply["remedy"])
        if kind == "memory":
            raise _out_of_memory(self._limits)
        if kind == "too_large":
            raise QueryMemoryError(
                f"One row of the result is larger than {_mib(self._limits.max_result_bytes)}.",
                remedy="Select less text, or aggregate it.",
            )
        raise QueryError(f"DuckDB could not run the query: {message}")


def _start(program: tuple[str, ...], folder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-s", *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
    )


class _Child:
    """One child process: started, asked, and killed with everything it left behind."""

    def __init__(
        self,
        program: tuple[str, ...],
        recipe: ConnectionRecipe,
        limits: QueryLimits,
        temp_directory: Path | None,
    ) -> None:
        self._limits = limits
        self._is_ready = False
        self._scratch = ScratchFolder("sandbox", temp_directory)
        folder = str(self._scratch.path)
        self._process = in_lasting_thread(lambda: _start(program, folder))
        self.pid = self._process.pid
        self._requests = self._process.stdin
        self._replies = self._process.stdout
        self._send(
            {
                "recipe": recipe.to_json(),
                "limits": asdict(limits),
                "temp_directory": folder,
                "parent_pid": os.getpid(),
            }
        )

    def is_usable(self) -> bool:
        """Tell whether the process lives."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until the job's tables are open, once."""
        if self._is_ready:
            return
        reply = self._receive(time.monotonic() + _START_SECONDS)
        if reply["kind"] != "ready":
            raise QueryError(
                f"The job's tables could not be opened for queries: {reply.get('message', '')}"
            )
        if reply["unprotected"]:
            _log.warning(
                "the kernel does not keep queries from writing files: %s; "
                "the query check and the locked connection still do",
                reply["unprotected"],
            )
        self._is_ready = True

    def ask(self, request: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        """Send a request and return the reply, or raise at the deadline."""
        deadline = time.monotonic() + timeout_seconds
        self._send(request)
        return self._receive(deadline)

    def interrupt(self) -> None:
        """Kill the process; whoever waits for its answer sees that it is gone, and cleans up."""
        with suppress(ProcessLookupError, PermissionError):
            self._process.kill()

    def kill(self) -> None:
        """Kill the process and its group, wait for it, and remove its folder."""
        if self._process.poll() is None:  # else its number may be somebody else's by now
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._requests, self._replies):
            if pipe is not None:
                with suppress(OSError):  # unsent bytes meet a closed pipe
                    pipe.close()
        self._scratch.close()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self._requests is not None  # noqa: S101 - a pipe was asked for
        with suppress(BrokenPipeError):  # _receive sees the end of the replies and says why
            self._requests.write(_HEADER.pack(len(body)) + body)
            self._requests.flush()

    def _receive(self, deadline: float) -> dict[str, Any]:
        (length,) = _HEADER.unpack(self._read_exactly(_HEADER.size, deadline))
        # JSON escapes may make six bytes of one character.
        if length > 6 * self._limits.max_result_bytes + _REPLY_SLACK_BYTES:
            raise QueryMemoryError(f"The result is far larger than {length / _MIB:.0f} MiB.")
        reply: dict[str, Any] = json.loads(self._read_exactly(length, deadline))
        return reply

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        """Read from the pipe, never past the deadline."""
        assert self._replies is not None  # noqa: S101 - a pipe was asked for
        descriptor = self._replies.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        received = bytearray()
        while len(received) < size:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not poll.poll(remaining * 1000):
                raise self._too_late()
            chunk = os.read(descriptor, min(size - len(received), _MIB))
            if not chunk:
                raise self._dead()
            received += chunk
        return bytes(received)

    def _too_late(self) -> QueryError:
        if not self._is_ready:
            return QueryError(f"The job's tables were not open after {_START_SECONDS:g} s.")
        return QueryTimeoutError(
            f"The query was stopped at its time limit of {self._limits.timeout_seconds:g} s.",
            remedy="Make it do less, or raise the limit.",
        )

    def _dead(self) -> QueryError:
        """Explain why the process ended by itself."""
        code = self._process.wait()
        if not self._is_ready:
            return QueryError(f"The process for queries ended while starting (exit code {code}).")
        if code == -signal.SIGXCPU:
            return QueryTimeoutError("The query was stopped: it used all the CPU time it may use.")
        # SIGKILL that we did not send is the kernel's, out of memory; SIGABRT is a failed
        # allocation in a place where DuckDB cannot report it.
        if code in {-signal.SIGKILL, -signal.SIGABRT}:
            return _out_of_memory(self._limits)
        return QueryError(f"The query crashed the engine (exit code {code}).")


def _environment(folder: str) -> dict[str, str]:
    """Return the child's whole environment: no secret of ours is in it."""
    return {
        "PYTHONPATH": child_path(),
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # Fewer malloc arenas: each reserves 64 MB of the address space that is limited.
        "MALLOC_ARENA_MAX": "2",
    }


def _out_of_memory(limits: QueryLimits) -> QueryMemoryError:
    return QueryMemoryError(
        f"The query needs more than its memory limit of {_mib(limits.memory_limit_bytes)}.",
        remedy="Make it read or build less, or raise the limit.",
    )


def _mib(size: int) -> str:
    return f"{size / _MIB:g} MiB"
