"""How long may a client take for the head of a request? The server's own protocol has no limit.

Source: uvicorn 0.54, `protocols/http/h11_impl.py`: its one timeout is for a connection that is kept
open between requests, and the first byte that comes ends it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from voyant.service.problems import MEDIA_TYPE, Problem, ProblemKind

__all__ = ["protocol_class"]

_LARGEST_HEAD_BYTES: Final = 32 * 1024


def protocol_class(head_seconds: float) -> type[H11Protocol]:
    """Return the protocol with a limit for the time until a request's head is whole."""
    return type("LimitedProtocol", (_LimitedProtocol,), {"head_seconds": head_seconds})


class _LimitedProtocol(H11Protocol):
    """HTTP/1.1 whose errors are problems, too, and whose clients are waited for so long only."""

    head_seconds = 20.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; wait for the rest of a head, or of a body that was refused."""
        super().data_received(data)
        is_answered = self.conn.our_state in {h11.DONE, h11.MUST_CLOSE}
        if self.conn.their_state is h11.IDLE or is_answered:
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Let the timeout between requests run, from now on."""
        self._stop_waiting()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or has a head that is too large."""
        del msg
        received, _ = self.conn.trailing_data
        is_large = len(received) > _LARGEST_HEAD_BYTES
        self._refuse(Problem("header-too-large" if is_large else "bad-request"))

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.conn.our_state is h11.IDLE and self.conn.their_state is h11.IDLE:
            received, _ = self.conn.trailing_data
            if received:
                self._refuse(Problem("request-timeout", "The head did not arrive in time."))
                return
        self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Answer outside the application, and close."""
        body = _body(problem.kind, problem.detail)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        try:
            head = h11.Response(status_code=problem.kind.status, headers=headers)
            parts = [self.conn.send(head), self.conn.send(h11.Data(data=body))]
            parts.append(self.conn.send(h11.EndOfMessage()))
            self.transport.write(b"".join(part or b"" for part in parts))
        except h11.LocalProtocolError:  # a response had begun
            pass
        self.transport.close()


def _body(kind: ProblemKind, detail: str) -> bytes:
    facts = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": detail}
    return json.dumps({**facts, "request_id": secrets.token_hex(8)}).encode()
