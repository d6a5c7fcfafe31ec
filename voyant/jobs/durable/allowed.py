"""Which files and addresses may a request name? Its own uploads, and what the operator allows.

The same check runs when a job is submitted and again right before its tables are opened: a link may
have been put in place, or the operator may have changed their mind, in between.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from voyant.artifacts.names import check_name
from voyant.core.config import Settings
from voyant.core.errors import UnsafeNameError, VoyantError
from voyant.jobs.durable.model import JobSpec
from voyant.jobs.durable.places import UPLOAD_PREFIX, upload_path

__all__ = ["BEFORE_PREFIX", "SourceNotAllowedError", "SpecError", "check_places", "resolve_place"]

#: The table's own earlier rows, as a reference; no place at all.
BEFORE_PREFIX: Final = "before:"
_LONGEST_PLACE: Final = 1_000
_LONGEST_NAME: Final = 200
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
#: In a URL these mean something else to the next reader, or hide what is meant from this one.
_URL_TRICKS: Final = re.compile(r"[\\%?#@*\[\]{}|^`\"'<>\s]|\.\.|(?<!:)//")
_GLOB: Final = re.compile(r"[*?\[\]]")
_MOST_FILES: Final = 10_000


class SpecError(VoyantError, ValueError):
    """A part of a job's request that cannot be carried out.

    Attributes:
        pointer: Which part, as a JSON pointer.
    """

    def __init__(self, pointer: str, what: str, *, remedy: str = "") -> None:
        self.pointer = pointer
        super().__init__(what, remedy=remedy)


class SourceNotAllowedError(SpecError, PermissionError):
    """A place that the operator does not allow; whether anything is there is not said."""

    def __init__(self, pointer: str) -> None:
        super().__init__(
            pointer,
            "The operator does not allow this place to be read.",
            remedy="Upload the table, or ask for its folder or address in service_allowed_sources.",
        )


def check_places(settings: Settings, tenant_id: str, spec: JobSpec) -> None:
    """Check every table's name and place, and the warehouse.

    Raises:
        SpecError: A name or an upload that is none, or a warehouse that the operator has not named.
        SourceNotAllowedError: A place that the operator does not allow.
    """
    if spec.warehouse is not None and spec.warehouse not in settings.warehouses:
        raise SpecError(
            "#/warehouse",
            "The operator has named no such warehouse.",
            remedy="Ask which there are; a request never carries a URL of its own.",
        )
    if spec.warehouse is not None and spec.sources:
        raise SpecError("#/warehouse", "Name sources or a warehouse, not both.")
    if spec.warehouse is None and not spec.sources:
        raise SpecError("#/sources", "Name at least one source, or a warehouse.")
    for part in ("sources", "reference"):
        places: Mapping[str, str] = getattr(spec, part)
        for name, place in places.items():
            pointer = f"#/{part}/{_escaped(name)}"
            _check_table_name(name, pointer)
            if not (part == "reference" and place.startswith(BEFORE_PREFIX)):
                resolve_place(settings, tenant_id, place, pointer)


def resolve_place(settings: Settings, tenant_id: str, place: str, pointer: str = "#") -> str:
    """Return the real path, or the URL, of a place that a request names.

    Args:
        settings: Which places the operator allows.
        tenant_id: Whose uploads are meant.
        place: `upload:NAME`, a path, or a URL.
        pointer: Which part of the request it is.

    Raises:
        SpecError: An upload that is not there, or a folder that is too large to be looked through.
        SourceNotAllowedError: A place that the operator does not allow.
    """
    if place.startswith(UPLOAD_PREFIX):
        return _resolve_upload(settings, tenant_id, place, pointer)
    if not place or len(place) > _LONGEST_PLACE or _has_unseen(place):
        raise SourceNotAllowedError(pointer)
    if _SCHEME.match(place) or "://" in place:
        return _resolve_url(settings.service_allowed_sources, place, pointer)
    return _resolve_path(settings.service_allowed_sources, place, pointer)


def _resolve_upload(settings: Settings, tenant_id: str, place: str, pointer: str) -> str:
    name = place.removeprefix(UPLOAD_PREFIX)
    absent = SpecError(
        pointer, "There is no such upload.", remedy="List the tables to see their names."
    )
    if "/" in name:
        raise absent
    try:
        path = upload_path(settings, tenant_id, check_name("artifact", name))
    except UnsafeNameError:
        raise absent from None
    if path.is_symlink() or not path.is_file():
        raise absent
    return str(path)


def _resolve_url(allowed: Sequence[str], place: str, pointer: str) -> str:
    """Allow a URL below one that the operator names: same scheme, host and port, a deeper path."""
    refused = SourceNotAllowedError(pointer)
    if not place.isascii() or _URL_TRICKS.search(place):
        raise refused
    try:
        asked = urlsplit(place)
        for prefix in allowed:
            if "://" not in prefix:
                continue
            known = urlsplit(prefix)
            folder = known.path.rstrip("/")
            if (
                asked.scheme not in {"", "file"}
                # As it is written: urlsplit has made it lower case, the next reader may not.
                and place.startswith(f"{known.scheme}://{known.netloc}")
                and asked.netloc == known.netloc
                and (asked.path == folder or asked.path.startswith(f"{folder}/"))
            ):
                return place
    except ValueError:  # a port or an IPv6 address that is none
        raise refused from None
    raise refused


def _resolve_path(allowed: Sequence[str], place: str, pointer: str) -> str:
    """Allow a path whose real place, all links followed, lies in a folder the operator names."""
    refused = SourceNotAllowedError(pointer)
    written = Path(place)
    if (
        not written.is_absolute()
        or place.startswith("//")
        or ".." in written.parts
        or "\\" in place
        or _GLOB.search(place)
        or not unicodedata.is_normalized("NFC", place)
    ):
        raise refused
    folders = [Path(prefix).resolve() for prefix in allowed if "://" not in prefix]
    try:
        real = written.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise refused from None
    if not _is_below(real, folders):
        raise refused
    if real.is_dir():
        _check_folder(real, folders, pointer)
    elif not real.is_file():
        raise refused
    return str(real)


def _check_folder(folder: Path, allowed: Sequence[Path], pointer: str) -> None:
    """Refuse a folder in which a link leads out of what is allowed."""
    seen = 0
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            seen += 1
            if seen > _MOST_FILES:
                raise SpecError(
                    pointer,
                    f"The folder has more than {_MOST_FILES} entries.",
                    remedy="Name a folder further down.",
                )
            entry = Path(parent, name)
            if entry.is_symlink() and not _is_below(entry.resolve(), allowed):
                raise SourceNotAllowedError(pointer)


def _is_below(path: Path, folders: Sequence[Path]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def _check_table_name(name: str, pointer: str) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME or _has_unseen(name):
        raise SpecError(
            pointer,
            "This is no name for a table.",
            remedy=f"Use up to {_LONGEST_NAME} visible characters.",
        )


def _has_unseen(text: str) -> bool:
    return any(unicodedata.category(character) in _UNSEEN for character in text)


def _escaped(name: str) -> str:
    shown = name.replace("~", "~0").replace("/", "~1")[:_LONGEST_NAME]
    return "".join("?" if _has_unseen(character) else character for character in shown)
