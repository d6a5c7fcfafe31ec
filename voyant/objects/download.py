"""How do objects come onto this machine: in parallel, in bounded memory, onto a disk with room?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from voyant.core.errors import ObjectStoreError
from voyant.objects.address import ObjectAddress
from voyant.objects.bucket import Bucket, ChangedObjectError, StoredObject

__all__ = ["download"]

_WORKERS: Final = 8
_PART_BYTES: Final = 16 * 2**20
#: Left free on the disk, whatever is downloaded.
_RESERVE_BYTES: Final = 256 * 2**20
_GIB: Final = 2**30


def download(
    bucket: Bucket,
    address: ObjectAddress,
    files: Mapping[Path, StoredObject],
    *,
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> None:
    """Copy objects into files, in parts of 16 MiB, eight at a time: 128 MiB of memory at most.

    Args:
        bucket: Where they are.
        address: What was asked for, for messages.
        files: The file to make for each object; folders are made.
        free_bytes: Tells a disk's free space.

    Raises:
        ObjectStoreError: The disk has no room for them, one cannot be read, or changed meanwhile.
    """
    if not files:
        return
    _check_room(address, files, free_bytes)
    parts: list[tuple[Path, StoredObject, int]] = []
    for path, found in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.truncate(found.size_bytes)
        parts += [(path, found, start) for start in range(0, found.size_bytes, _PART_BYTES)]
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="voyant-download") as pool:
        running: set[Future[None]] = set()
        try:
            for part in parts:
                if len(running) >= 2 * _WORKERS:
                    running = _settled(running)
                running.add(pool.submit(_fetch, bucket, *part))
            while running:
                running = _settled(running)
        except ChangedObjectError as error:
            raise ObjectStoreError(
                f"{str(address.at(str(error)))!r} changed while it was read.",
                remedy="Run again, when whoever writes it is done.",
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _settled(running: set[Future[None]]) -> set[Future[None]]:
    """Wait until one is done, raise what it raised, and return those still running."""
    done, rest = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return rest


def _fetch(bucket: Bucket, path: Path, found: StoredObject, start: int) -> None:
    end = min(start + _PART_BYTES, found.size_bytes)
    content = bucket.read_part(found.key, start, end, found.version)
    if len(content) != end - start:
        raise ChangedObjectError(found.key)
    descriptor = os.open(path, os.O_WRONLY)
    try:
        view = memoryview(content)
        while view:
            written = os.pwrite(descriptor, view, end - len(view))
            view = view[written:]
    finally:
        os.close(descriptor)


def _check_room(
    address: ObjectAddress, files: Mapping[Path, StoredObject], free_bytes: Callable[[Path], int]
) -> None:
    folder = next(parent for parent in next(iter(files)).parents if parent.is_dir())
    needed, free = sum(found.size_bytes for found in files.values()), free_bytes(folder)
    if needed + _RESERVE_BYTES > free:
        raise ObjectStoreError(
            f"{str(address)!r} has {needed / _GIB:.2f} GiB in {len(files)} objects, and the disk "
            f"of {str(folder)!r} has {free / _GIB:.2f} GiB left.",
            remedy="Name another folder with VOYANT_TEMP_DIRECTORY, or fewer objects.",
        )
