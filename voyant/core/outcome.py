"""What did a generator return or raise, said so that anybody can use it?"""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from typing import cast

from voyant.core.errors import ArtifactError, VoyantError

__all__ = ["checked_artifacts", "message_of", "text_of", "trace_of"]


def checked_artifacts(returned: object, name: str, producers: Mapping[str, str]) -> dict[str, str]:
    """Return the artifacts with their paths as text, once all of them are known to be right.

    Args:
        returned: What the generator gave back.
        name: The generator's name.
        producers: Artifact keys that are somebody's, made or claimed, each with its generator.

    Raises:
        ArtifactError: It is no mapping of keys to paths, or a key is taken.
    """
    if not isinstance(returned, (dict, Mapping)):  # a dict is seen at once, a Mapping takes asking
        raise ArtifactError(
            f"Generator {name!r} returned {type(returned).__name__}, not a mapping.",
            remedy="Return a dict of artifact key to file path.",
        )
    artifacts: dict[str, str] = {}
    for key, path in cast("Mapping[object, object]", returned).items():
        checked = _checked_key(key, name, producers)
        artifacts[checked] = _checked_path(path, checked, name)
    return artifacts


def _checked_key(key: object, name: str, producers: Mapping[str, str]) -> str:
    if not isinstance(key, str) or not key:
        raise ArtifactError(
            f"Generator {name!r} returned the artifact key {key!r}.", remedy="Use a non-empty str."
        )
    if producers.get(key, name) != name:
        raise ArtifactError(
            f"Generator {name!r} returned the artifact key {key!r}, "
            f"which belongs to the generator {producers[key]!r}.",
            remedy="Use another key.",
        )
    return str.__str__(key)  # an enumeration's member, or another str in disguise, made plain


def _checked_path(path: object, key: str, name: str) -> str:
    if isinstance(path, os.PathLike):
        path = cast("os.PathLike[str]", path).__fspath__()
    if not isinstance(path, str) or not path:
        raise ArtifactError(
            f"Generator {name!r} returned {path!r} for the artifact {key!r}.",
            remedy="Return the path of the file, as a str or Path.",
        )
    return str.__str__(path)


def message_of(caught: BaseException) -> str:
    """Say what was raised: its message, or its type's name where the message alone says nothing.

    >>> message_of(ValueError("The thing is 3.")), message_of(KeyError("a")), message_of(OSError())
    ('The thing is 3.', "KeyError: 'a'", 'OSError')
    """
    name, message = type(caught).__name__, text_of(caught).strip()
    if not message:
        return name
    is_bare = isinstance(caught, (KeyError, SystemExit)) and not isinstance(caught, VoyantError)
    return f"{name}: {message}" if is_bare else message


def text_of(value: object) -> str:
    """Return text that can be written anywhere, of whatever a plugin made; empty if it has none."""
    try:
        return str(value).encode(errors="backslashreplace").decode()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a plugin's exception class can be broken too
        return ""


def trace_of(caught: BaseException) -> str:
    """Return where it was raised, or the type's name if even that cannot be said."""
    try:
        return "".join(traceback.format_exception(caught))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a plugin's exception class can be broken too
        return type(caught).__name__
