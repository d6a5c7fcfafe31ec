"""Is an uploaded file what its name says, and does it unpack to no more than it may?

Only kinds that cannot name other files are taken: a database could hold views over anything that
the process which opens it can read.

Source: RFC 1952 (gzip); RFC 8878, section 3.1.1 (Zstandard frames and blocks); PKWARE APPNOTE
6.3.10, sections 4.3.7 and 4.3.12 (ZIP).
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from voyant.service.arrow_size import arrow_unpacked_bytes
from voyant.service.parquet_size import UnreadableError, parquet_unpacked_bytes
from voyant.service.problems import Problem

__all__ = ["TABLE_KINDS", "check_content", "kind_of"]

_TEXT: Final = (".csv", ".tsv", ".txt", ".psv")
_JSON: Final = (".json", ".jsonl", ".ndjson")
_WORKBOOKS: Final = (".xlsx", ".xlsm", ".xlsb", ".ods")
_PARQUET: Final = (".parquet", ".pq", ".parq")
_ARROW: Final = (".arrow", ".feather", ".ipc", ".arrows")
_PACKED: Final = (".gz", ".zst")
#: What may be uploaded, by extension.
TABLE_KINDS: Final = (*_TEXT, *_JSON, *_WORKBOOKS, *_PARQUET, *_ARROW)

_HEAD_BYTES: Final = 64 * 1024
_CHUNK_BYTES: Final = 1024**2
#: How files begin that are never text.
_BINARY_HEADS: Final = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00"),
    *(b"PAR1", b"ARROW1", b"SQLite format 3\x00", b"\x7fELF", b"MZ", b"%PDF", b"\x89PNG", b"Rar!"),
    *(b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf\x27\x1c", b"GIF8", b"\xff\xd8\xff"),
)
_MARKUP_HEADS: Final = (b"<!doctype", b"<html", b"<?xml", b"<svg", b"<script", b"<?php", b"#!")
#: A file of a workbook that is always there.
_WORKBOOK_PARTS: Final[Mapping[str, str]] = {
    ".xlsx": "[Content_Types].xml",
    ".xlsm": "[Content_Types].xml",
    ".xlsb": "[Content_Types].xml",
    ".ods": "content.xml",
}
_MOST_PARTS: Final = 5_000
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_ZSTD_FRAME: Final = 0xFD2FB528
_ZSTD_BLOCK_BYTES: Final = 128 * 1024


def kind_of(name: str) -> str | None:
    """Return the extension that says what is inside, `.csv` for `orders.csv.gz`; None for none.

    >>> kind_of("orders.CSV.gz"), kind_of("book.xlsx.gz"), kind_of("shop.duckdb")
    ('.csv', None, None)
    """
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    is_packed = bool(suffixes) and suffixes[-1] in _PACKED
    if is_packed:
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    known = (*_TEXT, *_JSON) if is_packed else TABLE_KINDS
    return kind if kind in known else None


def check_content(path: Path, name: str, most_bytes: int) -> None:
    """Look at a file that was uploaded.

    Args:
        path: Where it is.
        name: What it is to be called.
        most_bytes: How much it may unpack to.

    Raises:
        Problem: `unusable-file` or `too-large`.
    """
    kind = kind_of(name)
    size = path.stat().st_size
    if kind is None or size == 0:
        raise _unusable("it is empty" if size == 0 else "its kind is not known")
    with path.open("rb") as file:
        if name.lower().endswith(".gz"):
            _check_text(_unpack_gzip(file, most_bytes), kind)
        elif name.lower().endswith(".zst"):
            _check_zstd(file, size, most_bytes)
        elif kind in _WORKBOOKS:
            _check_workbook(file, size, kind, most_bytes)
        elif kind in _PARQUET:
            _check_ends(file, size, b"PAR1", "Parquet")
            _check_stated(parquet_unpacked_bytes, file, size, most_bytes)
        elif kind in _ARROW:
            head = file.read(6)
            if head != b"ARROW1" and head[:4] != b"\xff\xff\xff\xff":
                raise _unusable("it is not an Arrow file")
            _check_stated(arrow_unpacked_bytes, file, size, most_bytes)
        else:
            _check_text(file.read(_HEAD_BYTES), kind)


def _unusable(reason: str) -> Problem:
    return Problem("unusable-file", f"The file cannot be kept: {reason}.")


def _too_large(most_bytes: int) -> Problem:
    return Problem("too-large", f"The file unpacks to more than {most_bytes} bytes.")


def _check_text(head: bytes, kind: str) -> None:
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if b"\0" in head or head.startswith(_BINARY_HEADS):
        raise _unusable("it is not text in UTF-8")
    if plain.lower().startswith(_MARKUP_HEADS):
        raise _unusable("it is markup or a script, not a table")
    if not plain:
        raise _unusable("it is blank")
    if kind in _JSON and not plain.startswith((b"[", b"{")):
        raise _unusable("it is not JSON that holds records")


def _check_ends(file: BinaryIO, size: int, mark: bytes, kind: str) -> None:
    head = file.read(len(mark))
    file.seek(max(0, size - len(mark)))
    if size < 3 * len(mark) or head != mark or file.read() != mark:
        raise _unusable(f"it is not a whole {kind} file")


def _check_stated(
    measure: Callable[[BinaryIO, int], int], file: BinaryIO, size: int, most_bytes: int
) -> None:
    """Bound what a file of columns unpacks to by what it says of itself."""
    try:
        unpacked_bytes = measure(file, size)
    except UnreadableError as error:
        raise _unusable(str(error)) from None
    if unpacked_bytes > most_bytes:
        raise _too_large(most_bytes)


def _unpack_gzip(file: BinaryIO, most_bytes: int) -> bytes:
    """Unpack all of a file, keep none of it but the beginning, stop where it is too much."""
    head, count = b"", 0
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    rest = file.read(_CHUNK_BYTES)
    if not rest.startswith(b"\x1f\x8b"):
        raise _unusable("it is not in gzip format")
    try:
        while rest:
            part = member.decompress(rest, _CHUNK_BYTES)
            count += len(part)
            if count > most_bytes:
                raise _too_large(most_bytes)
            if len(head) < _HEAD_BYTES:
                head += part[:_HEAD_BYTES]
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data.lstrip(b"\0") or file.read(_CHUNK_BYTES).lstrip(b"\0")
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                if not rest:
                    return head
            elif not rest:
                rest = file.read(_CHUNK_BYTES)
    except zlib.error:
        raise _unusable("it is not in gzip format") from None
    raise _unusable("it is cut short")


def _check_zstd(file: BinaryIO, size: int, most_bytes: int) -> None:
    """Bound what a file unpacks to by its blocks' headers, without unpacking it.

    A block says how much it unpacks to, or is compressed, and then that is at most 128 KiB.
    """
    count = 0
    while file.tell() < size:
        magic = int.from_bytes(file.read(4), "little")
        if magic & 0xFFFFFFF0 == 0x184D2A50:  # noqa: PLR2004 - a frame to be skipped
            file.seek(int.from_bytes(file.read(4), "little"), os.SEEK_CUR)
            continue
        if magic != _ZSTD_FRAME:
            raise _unusable("it is not in Zstandard format")
        has_checksum = _skip_zstd_header(file)
        is_last = False
        while not is_last:
            header = file.read(3)
            if len(header) < 3:  # noqa: PLR2004 - the header's size
                raise _unusable("it is cut short")
            word = int.from_bytes(header, "little")
            is_last, kind, length = bool(word & 1), word >> 1 & 3, word >> 3
            count += length if kind in {0, 1} else _ZSTD_BLOCK_BYTES
            if count > most_bytes:
                raise _too_large(most_bytes)
            if kind == 3:  # noqa: PLR2004 - reserved
                raise _unusable("it is not in Zstandard format")
            file.seek(1 if kind == 1 else length, os.SEEK_CUR)
        if has_checksum:
            file.seek(4, os.SEEK_CUR)
    if file.tell() != size or count == 0:
        raise _unusable("it is cut short")


def _skip_zstd_header(file: BinaryIO) -> bool:
    """Read over a frame's header; say whether a checksum follows its last block."""
    descriptor = file.read(1)
    if not descriptor:
        raise _unusable("it is cut short")
    flags = descriptor[0]
    is_single = bool(flags >> 5 & 1)
    size_bytes = (1 if is_single else 0, 2, 4, 8)[flags >> 6]
    file.seek((0 if is_single else 1) + (0, 1, 2, 4)[flags & 3] + size_bytes, os.SEEK_CUR)
    return bool(flags >> 2 & 1)


def _check_workbook(file: BinaryIO, size: int, kind: str, most_bytes: int) -> None:
    """Unpack every part of a workbook, keep none, believe no size that it states."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error):
        raise _unusable("it is not a workbook") from None
    names = {part.filename for part in parts}
    if _WORKBOOK_PARTS[kind] not in names:
        raise _unusable("it is not a workbook of that kind")
    if len(parts) > _MOST_PARTS or len(names) != len(parts):
        raise _unusable("it has too many parts, or two of one name")
    if any(part.flag_bits & 1 for part in parts):
        raise _unusable("it is encrypted")
    if sum(part.compress_size for part in parts) > size:
        raise _unusable("its parts overlap")
    left = most_bytes
    for part in parts:
        left -= _unpacked_bytes(file, part, left, most_bytes)


def _unpacked_bytes(file: BinaryIO, part: zipfile.ZipInfo, left: int, most_bytes: int) -> int:
    """Return how much a part really unpacks to, at most what is left.

    Raises:
        Problem: It is more, or cannot be unpacked.
    """
    file.seek(part.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):  # noqa: PLR2004 - its size
        raise _unusable("it is not a workbook")
    _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    file.seek(name_bytes + extra_bytes, os.SEEK_CUR)
    if part.compress_type == zipfile.ZIP_STORED:
        if part.compress_size > left:
            raise _too_large(most_bytes)
        return part.compress_size
    if part.compress_type != zipfile.ZIP_DEFLATED:
        raise _unusable("it is packed in a way that workbooks are not")
    stream, remaining, count = zlib.decompressobj(-zlib.MAX_WBITS), part.compress_size, 0
    rest = b""
    try:
        while not stream.eof and (rest or remaining):
            if not rest:
                rest = file.read(min(_CHUNK_BYTES, remaining))
                remaining = remaining - len(rest) if rest else 0
            count += len(stream.decompress(rest, _CHUNK_BYTES))
            rest = stream.unconsumed_tail
            if count > left:
                raise _too_large(most_bytes)
    except zlib.error:
        raise _unusable("a part of it cannot be unpacked") from None
    return count
