"""How does the service start, listen, and end without cutting anybody short?"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final

import uvicorn

from voyant.core.config import Settings
from voyant.core.errors import ConfigurationError
from voyant.jobs.durable.logs import log_as_json
from voyant.jobs.durable.queue import open_queue
from voyant.service.app import create_app
from voyant.service.key_store import DatabaseKeys
from voyant.service.reach import check_reach
from voyant.service.slow_clients import protocol_class
from voyant.service.stopping import Stopping
from voyant.service.tracing import set_up_tracing
from voyant.service.uploads import remove_leftovers

__all__ = ["serve"]

_KEEP_ALIVE_SECONDS: Final = 10
_GRACEFUL_SECONDS: Final = 10
_LARGEST_HEAD_BYTES: Final = 32 * 1024
_BACKLOG: Final = 512

_logger = logging.getLogger("voyant.service")


def serve(settings: Settings, *, listening: Callable[[str], None]) -> None:
    """Run the API and its workers until a signal says to stop.

    Args:
        settings: What the operator set.
        listening: Told the address once the service listens.

    Raises:
        ConfigurationError: The address cannot be listened at, or other machines would reach a
            service that has no key.
        DatabaseError: The database cannot be opened.
    """
    with ExitStack() as stack:
        log_as_json(settings)
        queue = open_queue(settings)
        stack.callback(queue.close)
        check_reach(settings, DatabaseKeys(queue.database), settings.service_host)
        listener = stack.enter_context(_listen(settings))
        stack.callback(set_up_tracing(settings))
        remove_leftovers(settings)
        app = create_app(settings, queue)
        if settings.workers:
            from voyant.jobs.durable.pool import start_workers  # noqa: PLC0415 - only if any

            workers = start_workers(settings, settings.workers)
            stack.callback(workers.stop)
        config = uvicorn.Config(
            app,
            http=protocol_class(settings.service_idle_timeout_seconds),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            h11_max_incomplete_event_size=_LARGEST_HEAD_BYTES,
            backlog=_BACKLOG,
        )
        listening(_address(listener))
        _Server(config, app.state.stopping).run(sockets=[listener])
        _logger.info("Stopped")


class _Server(uvicorn.Server):
    """Ends on SIGTERM or Ctrl-C, after what is being answered; its process goes on to clean up."""

    def __init__(self, config: uvicorn.Config, stopping: Stopping) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Listen to signals, and raise none again once they were obeyed."""
        loop = asyncio.get_running_loop()

        def obey(number: int, frame: FrameType | None) -> None:
            del frame
            if loop.is_running():
                loop.call_soon_threadsafe(self._stop, number)

        interrupt = signal.signal(signal.SIGINT, obey)
        # For good: one more must not end the process before it has stopped its workers.
        signal.signal(signal.SIGTERM, obey)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, interrupt)

    def _stop(self, number: int) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True
        self._stopping.set()
        _logger.info("Stopping", extra={"signal": signal.Signals(number).name})


@contextmanager
def _listen(settings: Settings) -> Generator[socket.socket]:
    host, port = settings.service_host, settings.service_port
    listener: socket.socket | None = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Named as TCP, or asyncio would leave Nagle's algorithm on: 40 ms for each small answer.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise ConfigurationError(
            f"The service cannot listen at {host!r}, port {port}: {error.strerror}.",
            remedy="Choose another with --host and --port.",
        ) from None
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
