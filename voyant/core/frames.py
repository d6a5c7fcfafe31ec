"""How do a run and a generator's own process speak? In frames: a JSON object, and bytes if need be.

A frame is two lengths (four bytes each, big-endian), the JSON, the bytes. The run reads frames that
a hostile process may have written: nothing in them is unpickled, and every length is bounded.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Final, cast

__all__ = [
    "BODY_BYTES",
    "LOG_BYTES",
    "LOG_RECORDS",
    "LOST_EXIT_CODE",
    "Frame",
    "FrameBuffer",
    "pack",
]

_HEADER: Final = struct.Struct(">II")
_MIB: Final = 1024 * 1024
#: What the JSON of a frame may measure: a traceback, or a few thousand artifact keys.
_MESSAGE_BYTES: Final = 4 * _MIB
#: What the bytes beside it may measure: one artifact.
BODY_BYTES: Final = 256 * _MIB

#: The worker's exit code when it can no longer reach the run.
LOST_EXIT_CODE: Final = 113
#: How much of a generator's log, and of what it prints, reaches the run's log.
LOG_RECORDS: Final = 1000
LOG_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message.

    Attributes:
        message: The JSON object; `kind` says what it is.
        body: What is not JSON: an artifact's bytes.
    """

    message: dict[str, object]
    body: bytes = b""

    @property
    def kind(self) -> str:
        """What kind of message it is."""
        return self.text("kind")

    def text(self, key: str) -> str:
        """Return a text of the message; empty if it is not there or no text."""
        value = self.message.get(key)
        return value if isinstance(value, str) else ""


def pack(message: dict[str, object], body: bytes = b"") -> bytes:
    r"""Return a frame as it travels.

    >>> pack({"kind": "ready"})
    b'\x00\x00\x00\x11\x00\x00\x00\x00{"kind": "ready"}'
    """
    text = json.dumps(message, allow_nan=False).encode()
    return _HEADER.pack(len(text), len(body)) + text + body


class FrameBuffer:
    """Collects bytes until they make frames."""

    def __init__(self, *, body_bytes: int = BODY_BYTES) -> None:
        self._received = bytearray()
        self._body_bytes = body_bytes

    def feed(self, data: bytes) -> None:
        """Add what has been received."""
        self._received += data

    def take(self) -> Frame | None:
        """Return the next frame, None until all of it is there.

        Raises:
            ValueError: What was received is no frame.
        """
        if len(self._received) < _HEADER.size:
            return None
        message_size, body_size = _HEADER.unpack_from(self._received)
        if message_size > _MESSAGE_BYTES or body_size > self._body_bytes:
            raise ValueError(f"a frame of {message_size} and {body_size} bytes")
        middle = _HEADER.size + message_size
        end = middle + body_size
        if len(self._received) < end:
            return None
        try:
            message: object = json.loads(self._received[_HEADER.size : middle])
        except RecursionError:
            raise ValueError("a frame nested too deeply") from None
        if not isinstance(message, dict):
            raise ValueError("a frame that is no object")  # noqa: TRY004 - of bytes, not of types
        body = bytes(self._received[middle:end])
        del self._received[:end]
        return Frame(message=cast("dict[str, object]", message), body=body)
