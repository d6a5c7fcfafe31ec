"""Is a folder still what its manifest says?"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from voyant.artifacts.manifest import Manifest, hash_file
from voyant.artifacts.names import check_name
from voyant.artifacts.schemas import model_for
from voyant.artifacts.store import JOURNAL_NAME, MANIFEST_NAME, MARKER_NAME, PROGRESS_NAME
from voyant.core.errors import FolderError, UnsafeNameError

_OWN_FILES: Final = frozenset({JOURNAL_NAME, MANIFEST_NAME, MARKER_NAME, PROGRESS_NAME})

__all__ = ["Verification", "verify_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a folder was found to be; names are relative to it.

    Attributes:
        folder: The folder.
        manifest: Its manifest; None when there is none that can be read.
        problem: Why there is none; empty otherwise.
        unchanged: Files that are as the manifest says.
        changed: Files with other content, or that became a link or a folder.
        missing: Files that are not there.
        unlisted: Files that the manifest does not list.
        invalid: JSON artifacts that do not follow their schema, each with the first fault.
    """

    folder: Path
    manifest: Manifest | None = None
    problem: str = ""
    unchanged: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    invalid: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def is_ok(self) -> bool:
        """Whether every file is there, unchanged and listed, and follows its schema."""
        faults = (self.problem, self.changed, self.missing, self.unlisted, self.invalid)
        return not any(faults)


def verify_folder(path: str | Path) -> Verification:
    """Compare a job's folder with its manifest: names, sizes, SHA-256, schemas.

    The manifest itself is not signed: this finds accidents and careless edits, not a forger.

    Raises:
        FolderError: There is no such folder.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FolderError(
            f"There is no folder {str(folder)!r}.",
            remedy="Name the folder of a job.",
        )
    manifest, problem = _read_manifest(folder / MANIFEST_NAME)
    if manifest is None:
        return Verification(folder=folder, problem=problem)
    unchanged: list[str] = []
    changed: list[str] = []
    missing: list[str] = []
    invalid: dict[str, str] = {}
    listed = {entry.path: entry for entry in manifest.artifacts}
    for name, entry in listed.items():
        file = folder / name
        if not os.path.lexists(file):
            missing.append(name)
            continue
        if not _is_plain(folder, name) or hash_file(file) != (entry.size_bytes, entry.sha256):
            changed.append(name)
        else:
            unchanged.append(name)
        fault = _schema_fault(name, file) if _is_plain(folder, name) else ""
        if fault:
            invalid[name] = fault
    return Verification(
        folder=folder,
        manifest=manifest,
        unchanged=tuple(unchanged),
        changed=tuple(changed),
        missing=tuple(missing),
        unlisted=tuple(sorted(_files(folder) - listed.keys() - _OWN_FILES)),
        invalid=invalid,
    )


def _read_manifest(path: Path) -> tuple[Manifest | None, str]:
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
        for entry in manifest.artifacts:
            check_name("artifact", entry.path)
    except FileNotFoundError:
        return None, f"There is no {MANIFEST_NAME}: the job did not finish."
    except OSError as error:
        return None, f"{MANIFEST_NAME} cannot be read: {error.strerror}."
    except ValidationError as error:
        return None, f"{MANIFEST_NAME} is not a manifest: {_first_fault(error)}"
    except UnsafeNameError as error:
        return None, f"{MANIFEST_NAME} is not a manifest: {error}"
    return manifest, ""


def _is_plain(folder: Path, name: str) -> bool:
    """Say whether a name leads to a plain file without passing through a link."""
    path = folder
    for part in name.split("/"):
        path /= part
        if path.is_symlink():
            return False
    return path.is_file()


def _schema_fault(name: str, file: Path) -> str:
    model = model_for(name)
    if model is None:
        return ""
    try:
        model.model_validate_json(file.read_bytes())
    except ValidationError as error:
        return _first_fault(error)
    return ""


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    where = "/".join(str(part) for part in fault["loc"])
    return f"{fault['msg']} at /{where}." if where else f"{fault['msg']}."


def _files(folder: Path) -> set[str]:
    """List all files below a folder, links included and not followed."""
    found: set[str] = set()
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in (*files, *links):
            found.add(Path(parent, name).relative_to(folder).as_posix())
    return found
