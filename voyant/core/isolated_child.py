"""What happens inside the process that one generator has for itself?

Started by `isolation.call_in_process` as `python -m voyant.core.isolated_child`, never by hand. It
splits into a supervisor, which only waits and cleans up, and a worker. The worker gives up writing
outside the job's folder, takes its limits, imports the generator, calls it, and answers in frames.
"""

from __future__ import annotations

import faulthandler
import importlib
import importlib.util
import json
import logging
import os
import pickle
import socket
import sys
import threading
import traceback
from collections.abc import Awaitable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from voyant.core import errors
from voyant.core.confinement import adopt_orphans, die_with, limit_cpu, limit_memory
from voyant.core.context import GeneratorContext
from voyant.core.errors import ArtifactError, VoyantError
from voyant.core.frames import (
    BODY_BYTES,
    LOG_BYTES,
    LOG_RECORDS,
    LOST_EXIT_CODE,
    Frame,
    FrameBuffer,
    pack,
)
from voyant.core.landlock import give_up_writing
from voyant.core.lookup import SettingsLookup
from voyant.core.outcome import checked_artifacts, message_of, trace_of
from voyant.core.supervisor import supervise

if TYPE_CHECKING:
    from voyant.core.definition import Handler
    from voyant.core.results import StepReport

__all__ = ["main"]

_RECORD_CHARACTERS: Final = 8_000
_MESSAGE_CHARACTERS: Final = 4_000
_TRACE_CHARACTERS: Final = 64_000
#: The engine's own share of the memory limit; it spills to disk above.
_ENGINE_SHARE: Final = 0.6
# Made while there is memory to make it with.
_OUT_OF_MEMORY: Final = pack({"kind": "raised", "is_memory": True})
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")


def main() -> NoReturn:
    """Split into a supervisor and a worker; neither returns."""
    run_pid, descriptor, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    adopt_orphans()
    supervisor = os.getpid()
    worker = os.fork()
    if worker:
        os.close(descriptor)
        supervise(worker, run_pid=run_pid, folder=folder)
    code = LOST_EXIT_CODE
    try:
        os.setsid()
        die_with(supervisor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        _work(_Run(socket.socket(fileno=descriptor)))
        code = 0
    except BaseException:  # noqa: BLE001 - the generator closed the connection, or the run has gone
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(run: _Run) -> None:
    """Take the setup, run the generator, say what came of it."""
    setup = run.receive()
    _take_environment(setup)
    writable = [path for path in (setup.text("temporary"), setup.text("folder")) if path]
    devices = [path for path in _DEVICES if Path(path).exists()]
    unprotected = give_up_writing(*writable, *devices, may_run_programs=True)
    run.send({"kind": "ready", "unprotected": unprotected})
    limits = cast("dict[str, Any]", setup.message["limits"])
    if limits["memory_bytes"] is not None:
        limit_memory(limits["memory_bytes"])
    if limits["cpu_seconds"] is not None:
        limit_cpu(limits["cpu_seconds"])
    faulthandler.enable()  # a crash leaves its Python stack in the log
    _forward_logs(run, cast("dict[str, int]", setup.message["log_levels"]))
    try:
        artifacts = _call(run, setup)
        report = pack({"kind": "returned", "artifacts": artifacts})
    except BaseException as caught:  # noqa: BLE001 - sys.exit() too is an answer
        report = _raised(caught, is_protected=not unprotected)
    if run.is_mine():  # a generator may fork, and both return
        run.send_packed(report)


def _take_environment(setup: Frame) -> None:
    """Find modules where the run finds them; give its programs the variables the run had."""
    sys.path[:] = cast("list[str]", setup.message["search_path"])
    for name, value in cast("dict[str, str | None]", setup.message["environment"]).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _call(run: _Run, setup: Frame) -> dict[str, str]:
    """Import the generator, make its context, call it and check what it returns."""
    _load(setup.text("module"), setup.text("file"))
    parts: dict[str, bytes] = pickle.loads(setup.body)  # noqa: S301 - from the run that started us
    handler: Handler = pickle.loads(parts["handler"])  # noqa: S301 - the same
    limits = cast("dict[str, Any]", setup.message["limits"])
    ctx = _IsolatedContext(
        parts, run, temporary=setup.text("temporary"), memory_bytes=limits["memory_bytes"]
    )
    try:
        returned: object = handler(ctx)
        if hasattr(type(returned), "__await__"):
            returned = _wait_for(cast("Awaitable[object]", returned))
        return checked_artifacts(returned, setup.text("name"), {})
    finally:
        ctx.close()


def _wait_for(awaitable: Awaitable[object]) -> object:
    import asyncio  # noqa: PLC0415 - costly, and few generators are async

    async def wait() -> object:
        return await awaitable

    return asyncio.run(wait())


def _load(name: str, file: str) -> None:
    """Import a module by its name, or from its file if that name leads nowhere or elsewhere."""
    try:
        spec = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        spec = None
    if not file or (spec is not None and spec.origin == file):
        importlib.import_module(name)
        return
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be imported")
    package = name.rpartition(".")[0]
    if package:
        sys.modules.setdefault(package, ModuleType(package))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _raised(caught: BaseException, *, is_protected: bool) -> bytes:
    """Return the frame that says what was raised."""
    if isinstance(caught, MemoryError) and not isinstance(caught, VoyantError):
        return _OUT_OF_MEMORY
    message, trace = message_of(caught), trace_of(caught)
    is_file = isinstance(caught, PermissionError) and caught.filename is not None
    if is_protected and is_file and not isinstance(caught, VoyantError):
        message += ". In a process of its own it may write to the job's folder and TMPDIR only."
    return pack(
        {
            "kind": "raised",
            "message": message[:_MESSAGE_CHARACTERS],
            "traceback": trace[-_TRACE_CHARACTERS:],
        }
    )


class _Run:
    """The run, as the worker reaches it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = FrameBuffer(body_bytes=2**32)
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self._pid = os.getpid()

    def is_mine(self) -> bool:
        """Tell whether this process is the worker, not something forked from it."""
        return os.getpid() == self._pid

    def send(self, message: dict[str, object], body: bytes = b"") -> None:
        """Send a frame that needs no answer."""
        self.send_packed(pack(message, body))

    def send_packed(self, frame: bytes) -> None:
        """Send a frame made earlier."""
        with self._sending:
            self._connection.sendall(frame)

    def receive(self) -> Frame:
        """Wait for a frame."""
        while (frame := self._frames.take()) is None:
            data = self._connection.recv(1 << 20)
            if not data:
                raise ConnectionError("The run has closed the connection.")
            self._frames.feed(data)
        return frame

    def ask(self, message: dict[str, object], body: bytes = b"") -> object:
        """Send a request and return the run's answer, or raise the error it answers with."""
        if not self.is_mine():
            raise ArtifactError(
                "A process that the generator has forked cannot write artifacts.",
                remedy="Return the content to the generator, and write it there.",
            )
        with self._asking:
            self.send(message, body)
            answer = self.receive()
        if answer.kind == "done":
            return answer.message.get("value")
        kind: type[VoyantError] = getattr(errors, answer.text("error"), VoyantError)
        raise kind(answer.text("what"), remedy=answer.text("remedy"))


class _Writer:
    """Asks the run to write: what holds for artifacts is decided in one place."""

    def __init__(self, run: _Run) -> None:
        self._run = run

    @property
    def folder(self) -> Path:
        """The job's folder; it exists."""
        return Path(str(self._run.ask({"kind": "folder"})))

    def write_bytes(self, name: str, content: bytes) -> str:
        """Write a file whole and return its path."""
        if len(content) > BODY_BYTES:
            raise ArtifactError(
                f"{name!r} has {len(content)} bytes; a generator in a process of its own can hand "
                f"over {BODY_BYTES}.",
                remedy="Write it to ctx.folder, or run the generator in the run's process.",
            )
        return str(self._run.ask({"kind": "write", "name": name}, bytes(content)))

    def write_json(self, name: str, value: object) -> str:
        """Write a pydantic model or plain values as JSON and return the path."""
        # By name, as the context finds its services: the core does not import them.
        store = importlib.import_module("voyant.artifacts.store")
        return self.write_bytes(name, store.to_json(name, value))

    def note(self, name: str, value: object) -> None:
        """Put a fact about this run into the manifest's entry of the generator."""
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ArtifactError(
                f"note {name!r} cannot be written as JSON: {error}.",
                remedy="Use plain values; null in place of NaN and infinity.",
            ) from None
        self._run.ask({"kind": "note", "name": name, "value": value})


class _IsolatedContext(GeneratorContext):
    """A context whose writer is the run's, and whose engine is the run's opened again."""

    def __init__(
        self, parts: Mapping[str, bytes], run: _Run, *, temporary: str, memory_bytes: int | None
    ) -> None:
        values: dict[str, Any] = pickle.loads(parts["values"])  # noqa: S301 - from our own run
        super().__init__(values, services={"writer": _Writer(run)})
        self._parts = parts
        self._temporary = temporary
        self._memory_bytes = memory_bytes
        self._settings_are_due = True
        self._now = cast("datetime", self._part("now"))
        self.artifacts = cast("dict[str, str]", self._part("artifacts"))
        self.parameters = self._part("parameters")
        self.account = lambda: cast("tuple[StepReport, ...]", self._part("steps"))

    def setting(self, name: str) -> object:
        """Return a setting; temporary files and the engine's memory stay within this process's."""
        if name == "temp_directory":
            return self._temporary
        with self._lock:
            if self._settings_are_due:  # only now: loading the settings' own library takes time
                self._settings_are_due = False
                self._lookup = SettingsLookup(self._part("settings"))
        value = super().setting(name)
        return self._engine_memory(value) if name == "memory_limit" else value

    def _engine_memory(self, given: object) -> object:
        if self._memory_bytes is None:
            return given
        mine = int(self._memory_bytes * _ENGINE_SHARE)
        return min(mine, given) if isinstance(given, int) else mine

    def _service(self, name: str) -> object:
        with self._lock:
            if name == "engine" and name not in self._opened and "engine" in self._parts:
                handover = cast("Any", self._part("engine"))
                self._opened[name] = handover.open(
                    temp_directory=self._temporary,
                    memory_limit_bytes=self._engine_memory(handover.memory_limit_bytes),
                )
        return super()._service(name)

    def _part(self, name: str) -> object:
        return pickle.loads(self._parts[name])  # noqa: S301 - from our own run


def _forward_logs(run: _Run, levels: Mapping[str, int]) -> None:
    """Send log records to the run, those it would log."""
    logging.getLogger().addHandler(_Forwarder(run))
    for name, level in levels.items():
        logging.getLogger(name or None).setLevel(level)
    logging.captureWarnings(capture=True)


class _Forwarder(logging.Handler):
    """Sends records as text, until there have been enough of them."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self._run = run
        self._records, self._bytes = LOG_RECORDS, LOG_BYTES

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        if self._records <= 0 or self._bytes <= 0 or not self._run.is_mine():
            return
        try:
            message = record.getMessage()[:_RECORD_CHARACTERS]
            trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            self._records -= 1
            self._bytes -= len(message) + len(trace)
            self._run.send(
                {
                    "kind": "log",
                    "name": record.name,
                    "level": record.levelno,
                    "message": message,
                    "traceback": trace[-_RECORD_CHARACTERS:],
                }
            )
        except Exception:  # noqa: BLE001 - logging never raises into the program that logs
            self.handleError(record)


if __name__ == "__main__":
    main()
