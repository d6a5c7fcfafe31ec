"""Which names may become a folder or a file, so that none can leave the folder it belongs in?"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from voyant.core.errors import UnsafeNameError

__all__ = ["NameKind", "check_name", "owner_of"]

NameKind = Literal["job", "tenant", "artifact"]

#: File systems stop at 255 bytes for one component; the rest leaves room for a suffix.
_MAX_COMPONENT_BYTES: Final = 200
_MAX_PATH_BYTES: Final = 1_000

_WINDOWS_MARKS: Final = frozenset('<>:"|?*\\')
_WINDOWS_DEVICE: Final = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d)\s*(\.|$)")
#: Control characters, invisible format marks, lone surrogates, line and paragraph separators.
_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_REMEDIES: Final = {
    "job": "Use letters, digits, '-' and '_', for instance '2025-03-31-orders'.",
    "tenant": "Use letters, digits, '-' and '_', for instance 'acme'.",
    "artifact": "Use a plain relative name, for instance 'profile.json' or 'charts/orders.svg'.",
}


#: The files that a folder of artifacts is known by, each with the generator that writes it.
_OWNERS: Final = {
    **dict.fromkeys(("profile.json", "profile.html"), "profile"),
    "kpis.json": "kpi",
    "sufficiency.json": "sufficiency",
    **dict.fromkeys(("quality.json", "quality.html"), "quality"),
    **dict.fromkeys(("drift.json", "drift.html", "baseline.json"), "drift"),
    "charts.json": "charts",
    **dict.fromkeys(("narrative.json", "narrative.md"), "narrative"),
    "index.html": "report",
}


def owner_of(name: str) -> str | None:
    """Return the generator that an artifact file is known to be by, None for any other file.

    >>> owner_of("profile.json"), owner_of("charts/delay.svg"), owner_of("forecast.json")
    ('profile', 'charts', None)
    """
    folded = name.casefold()
    return "charts" if folded.startswith("charts/") else _OWNERS.get(folded)


def check_name(kind: NameKind, value: object) -> str:
    """Return a job, tenant or artifact name if it is safe as a path on every system.

    Refused: separators (an artifact name may have `/` between its parts), `..`, a leading dot or
    dash, control and invisible characters, Windows device names and marks, a name that changes
    under Unicode normalisation or would break these rules in its compatibility form, and length.

    >>> check_name("artifact", "charts/orders.svg")
    'charts/orders.svg'

    Args:
        kind: What the name is for; only `artifact` may have several parts.
        value: The name.

    Raises:
        UnsafeNameError: Says which name, and what is wrong with it.
    """
    if not isinstance(value, str):
        raise _unsafe(kind, value, f"is {type(value).__name__}, not text")
    parts = value.split("/") if kind == "artifact" else [value]
    for part in parts:
        fault = _fault(part)
        if fault:
            raise _unsafe(kind, value, fault)
    if len(value.encode()) > _MAX_PATH_BYTES:
        raise _unsafe(kind, value, f"is longer than {_MAX_PATH_BYTES} bytes")
    return value


def _fault(part: str) -> str:
    """Say what is wrong with one component; nothing if it is safe."""
    if any(unicodedata.category(character) in _UNSEEN_CATEGORIES for character in part):
        return "has control or invisible characters"
    if not unicodedata.is_normalized("NFC", part):
        return "is not in Unicode normal form NFC"
    if len(part.encode()) > _MAX_COMPONENT_BYTES:
        return f"has a part longer than {_MAX_COMPONENT_BYTES} bytes"
    # A full-width slash or a one-dot leader is harmless here, and a separator elsewhere.
    return _plain_fault(part) or _plain_fault(unicodedata.normalize("NFKC", part))


def _plain_fault(part: str) -> str:
    checks = (
        (not part, "is empty or has an empty part"),
        (part in {".", ".."} or "/" in part, "could lead to another folder"),
        (part.startswith((".", "-")), "starts with a dot or a dash"),
        (part != part.strip() or part.endswith("."), "starts or ends with white space or a dot"),
        (bool(_WINDOWS_MARKS & set(part)), 'has one of the characters <>:"|?*\\'),
        (bool(_WINDOWS_DEVICE.match(part)), "is the name of a Windows device"),
    )
    return next((fault for failed, fault in checks if failed), "")


def _unsafe(kind: NameKind, value: object, fault: str) -> UnsafeNameError:
    shown = repr(value)
    if len(shown) > 80:  # noqa: PLR2004 - a line of a terminal
        shown = f"{shown[:77]}..."
    return UnsafeNameError(f"The {kind} name {shown} {fault}.", remedy=_REMEDIES[kind])
