"""What is in a bucket, and how is it read, written and removed?"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from voyant.core.errors import ObjectStoreError
from voyant.objects.address import ObjectAddress
from voyant.objects.told import told

__all__ = ["Bucket", "ChangedObjectError", "StoredObject"]

_WORKERS: Final = 8
#: Files up to here go up in one request, which can be made to spare what is there already.
_ONE_REQUEST_BYTES: Final = 64 * 2**20
_PART_BYTES: Final = 8 * 2**20
_PARTS_AT_ONCE: Final = 4


class ChangedObjectError(Exception):
    """An object was not what the request demanded: it changed, or is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as a listing shows it.

    Attributes:
        key: Its whole key.
        size_bytes: Its size.
        version: Its entity tag, which changes with its content; None where the server has none.
        modified: Seconds since 1970.
    """

    key: str
    size_bytes: int
    version: str | None
    modified: float


class Bucket:
    """One bucket. Errors are `ObjectStoreError`, which say what to do."""

    def __init__(self, store: Any, address: ObjectAddress) -> None:  # noqa: ANN401 - obstore's stores
        """Take a store of obstore and the bucket's address."""
        self._store, self._address = store, address

    def find(self, key: str) -> StoredObject | None:
        """Return an object's size and version, None where there is none of that key."""
        import obstore  # noqa: PLC0415 - an extra

        try:
            with self._as_ours("read", key):
                return _object(obstore.head(self._store, key))
        except FileNotFoundError:
            return None

    def read(self, key: str) -> tuple[bytes, str | None] | None:
        """Return a small object's content and version, None where there is none of that key."""
        import obstore  # noqa: PLC0415 - an extra

        try:
            with self._as_ours("read", key):
                found = obstore.get(self._store, key)
                return bytes(found.bytes()), found.meta["e_tag"]
        except FileNotFoundError:
            return None

    def read_part(self, key: str, start: int, end: int, version: str | None) -> bytes:
        """Return a part of an object.

        Raises:
            ChangedObjectError: It is no longer of that version.
            ObjectStoreError: It cannot be read.
        """
        import obstore  # noqa: PLC0415 - an extra

        options: Any = {"range": (start, end)}
        if version is not None:
            options["if_match"] = version
        try:
            with self._as_ours("read", key):
                return bytes(obstore.get(self._store, key, options=options).bytes())
        except FileNotFoundError as error:
            raise ChangedObjectError(key) from error

    def below(self, prefix: str) -> list[StoredObject]:
        """List all objects below a prefix, which ends at a slash, by key."""
        import obstore  # noqa: PLC0415 - an extra

        with self._as_ours("list", prefix):
            pages: Any = obstore.list(self._store, prefix or None)
            found = [_object(entry) for page in pages for entry in page]
        return sorted(found, key=lambda entry: entry.key)

    def children(self, prefix: str) -> tuple[list[str], list[StoredObject]]:
        """List what lies directly below a prefix: prefixes, and objects, by key."""
        import obstore  # noqa: PLC0415 - an extra

        with self._as_ours("list", prefix):
            found: Any = obstore.list_with_delimiter(self._store, prefix or None)
        objects = [_object(entry) for entry in found["objects"]]
        return sorted(found["common_prefixes"]), sorted(objects, key=lambda entry: entry.key)

    def write(
        self,
        key: str,
        content: bytes | Path,
        *,
        attributes: Mapping[str, str] | None = None,
        replaces: str | None = "",
    ) -> str | None:
        """Write an object whole, a large file in parts, and return its version.

        Args:
            key: Where.
            content: What; a file above 64 MiB goes up in parts, four at a time.
            attributes: `Content-Type`, and metadata by any other name.
            replaces: The version to replace; None to write only where nothing is; the empty text to
                write in any case.

        Raises:
            ChangedObjectError: Something else is there.
            ObjectStoreError: It cannot be written.
        """
        import obstore  # noqa: PLC0415 - an extra

        size = content.stat().st_size if isinstance(content, Path) else len(content)
        mode: Any = "create" if replaces is None else {"e_tag": replaces} if replaces else None
        has_parts = size > _ONE_REQUEST_BYTES
        if has_parts and replaces is None and self.find(key) is not None:
            raise ChangedObjectError(key)  # an upload in parts cannot be made conditional
        with self._as_ours("write", key):
            written = obstore.put(
                self._store,
                key,
                content,
                attributes=dict(attributes or {}),
                mode=None if has_parts else mode,
                use_multipart=has_parts,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        return written["e_tag"]

    def write_all(self, files: Sequence[tuple[str, Path, Mapping[str, str]]]) -> None:
        """Write files, several at a time, only where nothing is; the first failure stops the rest.

        Raises:
            ChangedObjectError: Something is there already.
            ObjectStoreError: One cannot be written.
        """
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="voyant-upload") as pool:
            jobs = [
                pool.submit(self.write, key, path, attributes=attributes, replaces=None)
                for key, path, attributes in files
            ]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""
        import obstore  # noqa: PLC0415 - an extra

        if keys:
            with self._as_ours("remove", keys[0]):
                try:
                    obstore.delete(self._store, list(keys))
                except FileNotFoundError:
                    if _is_missing_bucket(self, keys[0]):
                        raise

    @contextmanager
    def _as_ours(self, verb: str, key: str) -> Generator[None]:
        """Turn obstore's errors into ours; a missing key stays `FileNotFoundError`."""
        from obstore import exceptions  # noqa: PLC0415 - an extra

        try:
            yield
        except (exceptions.PreconditionError, exceptions.AlreadyExistsError):
            raise ChangedObjectError(key) from None
        except (exceptions.BaseError, OSError, ValueError) as error:
            raised = told(error, verb, self._address.at(key))
            if isinstance(error, FileNotFoundError) and "there is no bucket" not in raised.what:
                raise FileNotFoundError(key) from None
            raise raised from None


def _is_missing_bucket(bucket: Bucket, key: str) -> bool:
    try:
        bucket.find(key)
    except ObjectStoreError:
        return True
    return False


def _object(entry: Any) -> StoredObject:  # noqa: ANN401 - a dict of obstore's
    return StoredObject(
        key=entry["path"],
        size_bytes=entry["size"],
        version=entry["e_tag"],
        modified=entry["last_modified"].timestamp(),
    )
