from __future__ import annotations

import struct

import pytest

from voyant.core.frames import Frame, FrameBuffer, pack


def test_frames_arrive_in_any_pieces() -> None:
    sent = [({"kind": "log", "message": "é\udcff"}, b""), ({"kind": "write"}, bytes(range(256)))]
    stream = b"".join(pack(message, body) for message, body in sent)
    for size in (1, 3, 7, len(stream)):
        buffer, received = FrameBuffer(), []
        for start in range(0, len(stream), size):
            buffer.feed(stream[start : start + size])
            while (frame := buffer.take()) is not None:
                received.append((frame.message, frame.body))
        assert received == sent


@pytest.mark.parametrize(
    "stream",
    [
        b"\xff" * 8,
        struct.pack(">II", 2, 2**31) + b"{}",
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 2, 0) + b"{'",
        struct.pack(">II", 2, 0) + b"\xff\xff",
        struct.pack(">II", 200_000, 0) + b"[" * 200_000,
    ],
    ids=["length", "body", "list", "json", "encoding", "depth"],
)
def test_what_is_no_frame_is_refused(stream: bytes) -> None:
    buffer = FrameBuffer()
    buffer.feed(stream)
    with pytest.raises(ValueError):
        buffer.take()


def test_only_text_counts_as_text() -> None:
    frame = Frame(message={"kind": 3, "name": "a"})
    assert (frame.kind, frame.text("name"), frame.text("absent")) == ("", "a", "")
