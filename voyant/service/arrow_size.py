"""How much does an Arrow file unpack to, by the sizes it states? Nothing is unpacked for it.

Source: Apache Arrow, Columnar format, "Serialization and Interprocess Communication", with
`Message.fbs` and `File.fbs`; FlatBuffers, "Internals".
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from voyant.service.parquet_size import UnreadableError

__all__ = ["arrow_unpacked_bytes"]

_MAGIC: Final = b"ARROW1"
_CONTINUATION: Final = b"\xff\xff\xff\xff"
_MOST_METADATA_BYTES: Final = 16 * 1024**2
_MOST_MESSAGES: Final = 200_000
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
#: A buffer that is packed begins with its size, or with -1 if it is not packed after all.
_PACKED_SIZE: Final = struct.Struct("<q")
_NODE: Final = struct.Struct("<q8x")
_BUFFER: Final = struct.Struct("<qq")
_BLOCK: Final = struct.Struct("<qi4xq")


def arrow_unpacked_bytes(file: BinaryIO, size: int) -> int:
    """Return how much a file unpacks to at least: its buffers, and a byte for each value.

    Args:
        file: In the file format (Feather 2) or the stream format.
        size: Its bytes.

    Raises:
        UnreadableError: It is in neither, or its parts overlap.
    """
    file.seek(0)
    is_file_format = file.read(len(_MAGIC)) == _MAGIC
    messages = _of_file(file, size) if is_file_format else _of_stream(file, size)
    total = 0
    try:
        for count, (metadata, body_at, body_bytes) in enumerate(messages):
            if count >= _MOST_MESSAGES:
                raise UnreadableError(f"it has more than {_MOST_MESSAGES} batches")
            total += _measure(file, metadata, body_at, body_bytes)
    except struct.error:
        raise UnreadableError("it is cut short, or not an Arrow file") from None
    return total


def _of_stream(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each message's metadata, where its body is, and how long that is."""
    at = 0
    while at < size:
        metadata, prefix_bytes = _metadata(file, at)
        if not metadata:
            return
        at += prefix_bytes + len(metadata)
        body_bytes = _Table.root(metadata).integer(3, "<q")
        if not 0 <= body_bytes <= size - at:
            raise UnreadableError("it is cut short")
        yield metadata, at, body_bytes
        at += body_bytes


def _of_file(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the same for what the footer names, which is what a reader reads."""
    tail_bytes = 4 + len(_MAGIC)
    if size < 2 * tail_bytes:
        raise UnreadableError("it is cut short")
    file.seek(-tail_bytes, os.SEEK_END)
    length = int.from_bytes(file.read(4), "little")
    if file.read() != _MAGIC or not 0 < length <= size - tail_bytes:
        raise UnreadableError("it is cut short")
    if length > _MOST_METADATA_BYTES:
        raise UnreadableError(f"its footer has more than {_MOST_METADATA_BYTES} bytes")
    file.seek(-tail_bytes - length, os.SEEK_END)
    footer = _Table.root(file.read(length))
    blocks = [*footer.structs(2, _BLOCK), *footer.structs(3, _BLOCK)]
    if any(min(block) < 0 for block in blocks) or sum(b[1] + b[2] for b in blocks) > size:
        raise UnreadableError("its parts overlap")
    for at, metadata_bytes, body_bytes in blocks:
        if at + metadata_bytes + body_bytes > size:
            raise UnreadableError("it is cut short")
        yield _metadata(file, at)[0], at + metadata_bytes, body_bytes


def _metadata(file: BinaryIO, at: int) -> tuple[bytes, int]:
    """Read a message's metadata; return it, and how many bytes stand before it."""
    file.seek(at)
    head, prefix_bytes = file.read(4), 4
    if head == _CONTINUATION:
        head, prefix_bytes = file.read(4), 8
    length = int.from_bytes(head, "little")
    if length > _MOST_METADATA_BYTES:
        raise UnreadableError(f"a batch's metadata has more than {_MOST_METADATA_BYTES} bytes")
    metadata = file.read(length)
    if len(metadata) < length:
        raise UnreadableError("it is cut short")
    return metadata, prefix_bytes


def _measure(file: BinaryIO, metadata: bytes, body_at: int, body_bytes: int) -> int:
    """Return what a message unpacks to; 0 for one that holds no values."""
    message = _Table.root(metadata)
    kind, batch = message.integer(1, "<B"), message.table(2)
    if kind == _DICTIONARY_BATCH and batch is not None:
        batch = batch.table(1)
    elif kind != _RECORD_BATCH:
        return 0
    if batch is None:
        return 0
    is_packed = batch.table(3) is not None
    values = max(batch.integer(0, "<q"), sum(length for (length,) in batch.structs(1, _NODE)))
    count = 0
    for offset, length in batch.structs(2, _BUFFER):
        if offset < 0 or not 0 <= length <= body_bytes - offset:
            raise UnreadableError("a buffer of it is not inside its batch")
        stated = -1
        if is_packed and length >= _PACKED_SIZE.size:
            file.seek(body_at + offset)
            (stated,) = _PACKED_SIZE.unpack(file.read(_PACKED_SIZE.size))
        count += max(stated, length)
    return max(count, values)


class _Table:
    """A table of a FlatBuffer; a struct.error says that it reaches outside."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - self._read("<i", at)
        self._fields_bytes = self._read("<H", self._fields)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        """Return the table that a buffer holds."""
        return cls(data, struct.unpack_from("<I", data)[0])

    def integer(self, field: int, layout: str) -> int:
        """Return a number; 0 when it is left out."""
        at = self._field(field)
        return 0 if at is None else self._read(layout, at)

    def table(self, field: int) -> _Table | None:
        """Return a table; None when it is left out."""
        at = self._field(field)
        return None if at is None else _Table(self._data, at + self._read("<I", at))

    def structs(self, field: int, layout: struct.Struct) -> list[tuple[int, ...]]:
        """Return the structs of a vector; none when it is left out."""
        at = self._field(field)
        if at is None:
            return []
        at += self._read("<I", at)
        count = self._read("<I", at)
        content = self._data[at + 4 : at + 4 + count * layout.size]
        if len(content) < count * layout.size:
            raise struct.error
        return list(layout.iter_unpack(content))

    def _field(self, field: int) -> int | None:
        place = 4 + 2 * field
        if place + 2 > self._fields_bytes:
            return None
        offset = self._read("<H", self._fields + place)
        return self._at + offset if offset else None

    def _read(self, layout: str, at: int) -> int:
        if at < 0:
            raise struct.error
        number: int = struct.unpack_from(layout, self._data, at)[0]
        return number
