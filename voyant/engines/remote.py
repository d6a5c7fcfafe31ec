"""How do inputs in object storage become files that the engine reads as it reads all others?

They are downloaded once, whole, into the job's scratch folder, under their own names: what a file
is called says of what kind it is, and folders may carry columns (`year=2013/`).
"""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from voyant.core.errors import ConfigurationError, SourceError, did_you_mean
from voyant.objects.access import ObjectAccess
from voyant.objects.address import ObjectAddress, is_object_address
from voyant.objects.bucket import Bucket, StoredObject
from voyant.objects.download import download

__all__ = ["RemoteFiles", "is_remote"]


def is_remote(source: object) -> bool:
    """Say whether an input, or any part of a list of inputs, is in object storage."""
    if isinstance(source, (list, tuple)):
        return any(is_object_address(part) for part in cast("Sequence[object]", source))
    return is_object_address(source)


class RemoteFiles:
    """Downloads one job's inputs, and gives their addresses back to messages."""

    def __init__(self, access: ObjectAccess, folder: Path) -> None:
        """Take the folder to download into; it is made when there is something."""
        self._access, self._folder = access, folder
        self._places: list[tuple[str, str]] = []
        self._buckets: dict[str, Bucket] = {}

    def fetch(
        self,
        source: str | Sequence[object],
        keeps: Callable[[Path], bool],
        measure: Callable[[int], None] = lambda _: None,
    ) -> str | list[object]:
        """Download an input and return what stands for it here.

        Args:
            source: An address, a glob, a prefix, or a list of them (and of paths).
            keeps: Which files of a prefix are wanted, by their names.
            measure: Told the size of it all before anything is read; may refuse.

        Raises:
            SourceError: There is nothing, or a prefix holds no such file.
            ObjectStoreError: It cannot be read.
        """
        if not isinstance(source, str):
            return [
                self.fetch(part, keeps, measure)
                if isinstance(part, str) and is_object_address(part)
                else part
                for part in source
            ]
        try:
            address = ObjectAddress.parse(source)
        except ConfigurationError as error:
            raise SourceError(error.what, remedy=error.remedy) from None
        bucket = self._buckets.setdefault(address.root, self._access.bucket(address))
        folder = self._folder / str(len(self._places))
        self._places.append((str(folder), address.root))
        if glob.has_magic(address.key):
            return self._fetch_matching(bucket, address, folder, measure)
        found = None if source.endswith("/") or not address.key else bucket.find(address.key)
        if found is not None:
            path = _place(folder, found)
            measure(found.size_bytes)
            download(bucket, address, {path: found})
            return str(path)
        return self._fetch_prefix(bucket, address, folder, keeps, measure)

    def _fetch_matching(
        self,
        bucket: Bucket,
        address: ObjectAddress,
        folder: Path,
        measure: Callable[[int], None],
    ) -> str:
        prefix = fixed_prefix(address.key)
        found = [o for o in bucket.below(prefix) if matches(o.key, address.key)]
        if not found:
            raise SourceError(f"No object matches {str(address)!r}.", remedy="Check the pattern.")
        measure(sum(o.size_bytes for o in found))
        download(bucket, address, {_place(folder, o): o for o in found})
        return str(folder / address.key)

    def _fetch_prefix(
        self,
        bucket: Bucket,
        address: ObjectAddress,
        folder: Path,
        keeps: Callable[[Path], bool],
        measure: Callable[[int], None],
    ) -> str:
        prefix = f"{address.key}/" if address.key else ""
        listed = bucket.below(prefix)
        if not listed:
            parent, _, name = address.key.rpartition("/")
            prefixes, near = bucket.children(f"{parent}/" if parent else "")
            names = [key.rpartition("/")[2] for key in (*prefixes, *(o.key for o in near))]
            hint = did_you_mean(name, names)
            raise SourceError(
                f"There is nothing at {str(address)!r}.",
                remedy=hint or "Check the bucket and the key.",
            )
        place = folder / address.key if address.key else folder
        wanted = {_place(folder, o): o for o in listed if o.size_bytes and keeps(Path(o.key))}
        measure(sum(o.size_bytes for o in wanted.values()))
        place.mkdir(parents=True)
        for found in listed:  # what says that a folder is no plain one, such as `_delta_log/`
            if not keeps(Path(found.key)) and found.key.endswith((".json", ".avro", ".properties")):
                marker = _place(folder, found)
                marker.parent.mkdir(parents=True, exist_ok=True)
                marker.touch()
        download(bucket, address, wanted)
        return str(place)

    def named(self, text: str) -> str:
        """Return a message with addresses in place of the files that stand for them."""
        for folder, root in self._places:
            text = text.replace(folder, root)
        return text


def fixed_prefix(pattern: str) -> str:
    """Return what all keys of a pattern begin with, up to a slash.

    >>> fixed_prefix("data/year=*/part-*.parquet"), fixed_prefix("*.csv")
    ('data/', '')
    """
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return fixed[: fixed.rfind("/") + 1]


def matches(key: str, pattern: str) -> bool:
    """Say whether a key fits a pattern, as a path fits a glob: `*` stays between slashes.

    >>> matches("a/b/c.csv", "a/**/*.csv"), matches("a/b/c.csv", "a/*.csv")
    (True, False)
    >>> matches("a/.c.csv", "a/*.csv")
    False
    """
    return _matches(key.split("/"), pattern.split("/"))


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns or not parts:
        return not parts and (not patterns or list(patterns) == ["**"])
    first, rest = patterns[0], patterns[1:]
    if first == "**":
        is_hidden = parts[0].startswith(".")
        return _matches(parts, rest) or (not is_hidden and _matches(parts[1:], patterns))
    if parts[0].startswith(".") and not first.startswith("."):
        return False
    return fnmatch.fnmatchcase(parts[0], first) and _matches(parts[1:], rest)


def _place(folder: Path, found: StoredObject) -> Path:
    """Return the file for an object, below the folder whatever its key is.

    Raises:
        SourceError: A key that would lead elsewhere.
    """
    parts = found.key.split("/")
    if any(part in {"", ".", ".."} or "\0" in part or "\\" in part for part in parts):
        raise SourceError(
            f"The object {found.key!r} cannot become a file.", remedy="Name the objects one by one."
        )
    return folder.joinpath(*parts)
