"""How is an artifact read in pieces that an agent can hold?

Only what a finished job's manifest lists can be read, by the name it has there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import ValidationError

from voyant.artifacts.manifest import ArtifactEntry, Manifest
from voyant.artifacts.names import check_name
from voyant.artifacts.pointers import make_pointer, resolve_pointer, split_pointer
from voyant.artifacts.store import MANIFEST_NAME
from voyant.core.errors import ArtifactError, did_you_mean
from voyant.mcp.answers import ArtifactText, OutlineEntry
from voyant.mcp.desk import NotFinishedError

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["MOST_CHARACTERS", "read_artifact", "read_manifest"]

#: The longest page that can be asked for.
MOST_CHARACTERS: Final = 100_000
_MOST_BYTES: Final = 64 * 1024**2
_MOST_MEMBERS: Final = 200
_JSON: Final = "application/json"
_TYPES: Final[dict[type, Literal["object", "array", "string", "number", "boolean", "null"]]] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def read_manifest(folder: Path) -> Manifest:
    """Return the account of a finished job.

    Raises:
        NotFinishedError: The folder has none.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
    except (OSError, ValidationError):
        raise NotFinishedError(
            f"The job {folder.name!r} has no artifacts to read.",
            remedy="Look at its state with get_job: wait for it, or run the analysis again.",
        ) from None


def read_artifact(
    folder: Path, path: str, *, pointer: str = "", offset: int = 0, most: int = 20_000
) -> ArtifactText:
    """Return a page of an artifact's text, or of the JSON of a value in it.

    Args:
        folder: A job's folder.
        path: The artifact's path, as the manifest lists it; `manifest.json` too.
        pointer: JSON pointer into a JSON artifact; the whole of it when empty.
        offset: Characters to pass over.
        most: Characters of a page.

    Raises:
        NotFinishedError: The job has no manifest.
        ArtifactError: There is no such artifact, it holds no text, or the pointer names nothing.
    """
    media_type, file = _find(folder, path)
    text = _text(file, path, media_type)
    members: list[OutlineEntry] = []
    if media_type == _JSON:
        found = _value(text, path, pointer)
        text = json.dumps(found, ensure_ascii=False)
        members = _outline(found, pointer) if len(text) > most and offset == 0 else []
    elif pointer:
        raise ArtifactError(
            f"{path!r} is {media_type}: a JSON pointer names nothing in it.",
            remedy="Leave the pointer out, or read the JSON artifact beside it.",
        )
    end = min(len(text), offset + most)
    return ArtifactText(
        path=path,
        pointer=pointer,
        media_type=media_type,
        text=text[offset:end],
        offset=offset,
        total_characters=len(text),
        next_offset=end if end < len(text) else None,
        outline=members,
    )


def _find(folder: Path, path: str) -> tuple[str, Path]:
    """Return an artifact's media type and file, if the manifest has it."""
    manifest = read_manifest(folder)
    listed: dict[str, ArtifactEntry] = {entry.path: entry for entry in manifest.artifacts}
    if path == MANIFEST_NAME:
        return _JSON, folder / MANIFEST_NAME
    if path not in listed:
        raise ArtifactError(
            f"The job {manifest.job_id!r} has no artifact {path!r}.",
            remedy=did_you_mean(path, [*listed, MANIFEST_NAME]),
        )
    file = folder / check_name("artifact", path)
    if file.is_symlink() or not file.resolve().is_relative_to(folder.resolve()):
        raise ArtifactError(f"{path!r} is no longer the file that the job made.")
    return listed[path].media_type, file


def _text(file: Path, path: str, media_type: str) -> str:
    if not (media_type.startswith("text/") or media_type in {_JSON, "image/svg+xml"}):
        raise ArtifactError(
            f"{path!r} is {media_type}, which is not text.",
            remedy="Fetch it through the API or from the job's folder.",
        )
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ArtifactError(f"{path!r} is larger than {_MOST_BYTES} bytes.")
        return content.decode()
    except OSError as error:
        raise ArtifactError(f"{path!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ArtifactError(f"{path!r} is not UTF-8 text.") from None


def _value(text: str, path: str, pointer: str) -> JsonValue:
    try:
        return resolve_pointer(json.loads(text), pointer)
    except (ValueError, LookupError, RecursionError) as error:
        said = error.args[0] if isinstance(error, LookupError) else error
        raise ArtifactError(
            f"{path}: {said}", remedy="Read it without a pointer to see its outline."
        ) from None


def _outline(value: JsonValue, pointer: str) -> list[OutlineEntry]:
    """List the members of an object or array, with what is below each."""
    if isinstance(value, dict):
        members: list[tuple[str | int, JsonValue]] = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    else:
        return []
    path = split_pointer(pointer)
    return [
        OutlineEntry(
            pointer=make_pointer(*path, name),
            type=_TYPES[type(member)],
            size=len(member)
            if isinstance(member, (dict, list))
            else len(json.dumps(member, ensure_ascii=False)),
        )
        for name, member in members[:_MOST_MEMBERS]
    ]
