"""How much does a Parquet file unpack to, by what its own footer says? Nothing is unpacked for it.

Only the few fields that tell are read; the rest is passed over. The numbers are the file's own, but
a reader goes by them too: it reads no more rows and no more values than are said to be there.

Source: Apache Thrift, Compact protocol encoding; Apache Parquet, `parquet.thrift` (FileMetaData).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

__all__ = ["UnreadableError", "parquet_unpacked_bytes"]

#: Before the footer's end: its length, and the magic bytes.
_TAIL_BYTES: Final = 8
#: Reading as much takes three seconds; it has some 75,000 chunks of columns.
_MOST_FOOTER_BYTES: Final = 8 * 1024**2
_DEEPEST: Final = 32
_LONGEST_VARINT: Final = 10
#: Kinds of values, as the compact protocol numbers them.
_BYTE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 3, 8, 9, 10, 11, 12
_INTEGERS: Final = frozenset({4, 5, 6})
#: The bytes of the others; the kind of a field that is true or false says which.
_FIXED_BYTES: Final[Mapping[int, int]] = {1: 0, 2: 0, _BYTE: 1, 7: 8, 13: 16}


class UnreadableError(ValueError):
    """A file that is not in the format that its name says; the message ends a sentence."""


def parquet_unpacked_bytes(file: BinaryIO, size: int) -> int:
    """Return how much a file unpacks to at least: what its pages do, and a byte for each value.

    Args:
        file: It begins and ends with the magic bytes.
        size: Its bytes.

    Raises:
        UnreadableError: Its footer cannot be read, is too large, or names another file.
    """
    file.seek(size - _TAIL_BYTES)
    length = int.from_bytes(file.read(4), "little")
    if length > size - _TAIL_BYTES - 4:
        raise UnreadableError("its footer is cut short")
    if length > _MOST_FOOTER_BYTES:
        raise UnreadableError(f"its footer has more than {_MOST_FOOTER_BYTES} bytes")
    file.seek(-_TAIL_BYTES - length, os.SEEK_END)
    try:
        return _measure(_Compact(file.read(length)))
    except IndexError:
        raise UnreadableError("its footer is cut short") from None


def _measure(footer: _Compact) -> int:
    """Read a FileMetaData."""
    column_count, row_count, group_row_count, page_bytes, value_count = 0, 0, 0, 0, 0
    for field, kind in footer.fields():
        if (field, kind) == (2, _LIST):
            column_count = sum(_is_column(footer) for _ in footer.structs())
        elif field == 3 and kind in _INTEGERS:  # noqa: PLR2004 - num_rows
            row_count = footer.size()
        elif (field, kind) == (4, _LIST):
            for _ in footer.structs():
                rows, read_bytes, values = _measure_group(footer)
                group_row_count += rows
                page_bytes += read_bytes
                value_count += values
        else:
            footer.skip(kind)
    rows = max(row_count, group_row_count)
    return max(page_bytes, value_count, rows * max(column_count, 1))


def _is_column(footer: _Compact) -> bool:
    """Read a SchemaElement; say whether it has no children."""
    child_count = 0
    for field, kind in footer.fields():
        if field == 5 and kind in _INTEGERS:  # noqa: PLR2004 - num_children
            child_count = footer.size()
        else:
            footer.skip(kind)
    return child_count == 0


def _measure_group(footer: _Compact) -> tuple[int, int, int]:
    """Read a RowGroup; return its rows, the bytes of its pages, and its values."""
    rows, page_bytes, value_count = 0, 0, 0
    for field, kind in footer.fields():
        if (field, kind) == (1, _LIST):
            for _ in footer.structs():
                chunk_bytes, values = _measure_chunk(footer)
                page_bytes += chunk_bytes
                value_count += values
        elif field == 3 and kind in _INTEGERS:  # noqa: PLR2004 - num_rows
            rows = footer.size()
        else:
            footer.skip(kind)
    return rows, page_bytes, value_count


def _measure_chunk(footer: _Compact) -> tuple[int, int]:
    """Read a ColumnChunk; return the bytes of its pages, and its values."""
    page_bytes, value_count = 0, 0
    for field, kind in footer.fields():
        if field == 1:  # file_path
            raise UnreadableError("it names another file")
        if (field, kind) != (3, _STRUCT):
            footer.skip(kind)
            continue
        for part, part_kind in footer.fields():  # ColumnMetaData
            if part == 5 and part_kind in _INTEGERS:  # noqa: PLR2004 - num_values
                value_count = footer.size()
            elif part == 6 and part_kind in _INTEGERS:  # noqa: PLR2004 - total_uncompressed_size
                page_bytes = footer.size()
            else:
                footer.skip(part_kind)
    return page_bytes, value_count


class _Compact:
    """Reads Thrift's compact protocol; an IndexError says that it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield the number and the kind of each field of a struct; each has to be read."""
        field = 0
        while header := self._byte():
            field = field + (header >> 4) if header >> 4 else self._integer()
            yield field, header & 0x0F

    def structs(self) -> Iterator[None]:
        """Go through a list of structs; each has to be read."""
        kind, count = self._list_head()
        if kind != _STRUCT and count:
            raise UnreadableError("its footer is not a Parquet file's")
        for _ in range(count):
            yield

    def size(self) -> int:
        """Read a number that cannot be negative."""
        number = self._integer()
        if number < 0:
            raise UnreadableError("its footer has a negative size")
        return number

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over a value."""
        if depth > _DEEPEST:
            raise UnreadableError("its footer is nested too deeply")
        if kind in _FIXED_BYTES:
            self._at += _FIXED_BYTES[kind]
        elif kind in _INTEGERS:
            self._varint()
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind in {_LIST, _SET}:
            of, count = self._list_head()
            self._skip_all((of,), count, depth)
        elif kind == _MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            self._skip_all((kinds >> 4, kinds & 0x0F), count, depth)
        elif kind == _STRUCT:
            for _, part in self.fields():
                self.skip(part, depth + 1)
        else:
            raise UnreadableError("its footer is not a Parquet file's")

    def _skip_all(self, kinds: tuple[int, ...], count: int, depth: int) -> None:
        for _ in range(count):
            for kind in kinds:
                # In a collection a truth value is a byte of its own.
                self.skip(kind if _FIXED_BYTES.get(kind) != 0 else _BYTE, depth + 1)
            if self._at > len(self._data):
                raise IndexError

    def _list_head(self) -> tuple[int, int]:
        header = self._byte()
        count = header >> 4
        return header & 0x0F, self._varint() if count == 15 else count  # noqa: PLR2004 - or longer

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _varint(self) -> int:
        number = 0
        for shift in range(0, 7 * _LONGEST_VARINT, 7):
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return number
        raise UnreadableError("its footer has a number of too many bytes")

    def _integer(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)
