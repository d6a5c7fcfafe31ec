"""How do a tenant's baselines and KPI history travel between object storage and this machine?

They are copied into a local root, where `BaselineStore` and `KpiHistory` read and write them as
ever; what changed there goes back, and never over what another job has written meanwhile.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from voyant.artifacts.baselines import BaselineStore
from voyant.artifacts.kpi_history import KpiHistory
from voyant.artifacts.names import check_name
from voyant.artifacts.remote_root import RemoteRoot
from voyant.core.errors import ObjectStoreError
from voyant.objects.bucket import ChangedObjectError

__all__ = ["RemoteState"]

_TRIES: Final = 20
_JSON: Final = {"Content-Type": "application/json"}
_LINES: Final = {"Content-Type": "application/x-ndjson"}

_logger = logging.getLogger("voyant.artifacts")


class RemoteState:
    """One tenant's copy in a local root."""

    def __init__(self, root: RemoteRoot, tenant_id: str, local: Path) -> None:
        """Copy what there is into the local root.

        Raises:
            ObjectStoreError: It cannot be read.
        """
        self._root = root
        self._place = root.address / ".voyant" / check_name("tenant", tenant_id)
        self._baselines = BaselineStore(local, tenant_id).folder
        self._history = KpiHistory(local, tenant_id).path
        #: File name -> content and version as they were read.
        self._read: dict[str, tuple[bytes, str | None]] = {}
        self._baselines.mkdir(parents=True)
        prefix = f"{(self._place / 'baselines').key}/"
        for found in root.bucket.below(prefix):
            name = found.key.removeprefix(prefix)
            content = root.bucket.read(found.key)
            if content is not None and "/" not in name and name.endswith(".json"):
                (self._baselines / name).write_bytes(content[0])
                self._read[name] = content
        history = root.bucket.read((self._place / self._history.name).key)
        self._history_bytes = 0 if history is None else len(history[0])
        if history is not None:
            self._history.write_bytes(history[0])

    def push(self) -> None:
        """Send what changed back.

        Raises:
            ObjectStoreError: It cannot be written.
        """
        self._push_history()
        now = {path.name: path.read_bytes() for path in self._baselines.glob("*.json")}
        place = self._place / "baselines"
        for name, content in now.items():
            before = self._read.get(name)
            if before is not None and before[0] == content:
                continue
            version = None if before is None else before[1] or ""
            try:
                self._root.bucket.write(
                    (place / name).key, content, attributes=_JSON, replaces=version
                )
            except ChangedObjectError:
                _logger.warning("Another job has just written the baseline %s; it stays", name)
        gone = [(place / name).key for name in self._read if name not in now]
        self._root.bucket.remove(gone)

    def _push_history(self) -> None:
        """Add the new lines to the history, after those that other jobs have added meanwhile."""
        content = self._history.read_bytes() if self._history.exists() else b""
        new = content[self._history_bytes :].lstrip(b"\n")
        if not new:
            return
        key = (self._place / self._history.name).key
        for _ in range(_TRIES):
            found = self._root.bucket.read(key)
            before = b"" if found is None else found[0]
            if before and not before.endswith(b"\n"):
                before += b"\n"
            try:
                self._root.bucket.write(
                    key,
                    before + new,
                    attributes=_LINES,
                    replaces=None if found is None else found[1] or "",
                )
            except ChangedObjectError:
                continue
            return
        raise ObjectStoreError(
            f"Cannot write {str(self._place / self._history.name)!r}: too many jobs write it.",
            remedy="Run again.",
        )
