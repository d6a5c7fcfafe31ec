"""Who is signed in, which forms are ours, and which files may a frame show?

Nothing is stored for a session. Its cookie names an API key and a time, under a code (HMAC-SHA-256)
that is made from two secrets: one in a file of the service's, and the key's hash in the database.
Neither alone can make a cookie, and a key that is revoked ends its sessions at once.

A report in a frame has no origin, so the browser sends no cookie when a link in it is followed. The
address of its files carries a code of its own instead: good for one job's files, for reading, for
as long as a session.

Source: H. Krawczyk, M. Bellare, R. Canetti (1997), HMAC: Keyed-Hashing for Message Authentication,
RFC 2104.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voyant.core.errors import FolderError
from voyant.service.auth import Caller
from voyant.service.keys import ApiKey, KeyStore

__all__ = ["LIFETIME_SECONDS", "Session", "Sessions", "open_sessions"]

#: A working day, and some.
LIFETIME_SECONDS: Final = 12 * 3_600
_SECRET_BYTES: Final = 32
_SECRET_FILE: Final = "session.key"  # noqa: S105 - a name
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person's visit.

    Attributes:
        caller: Whose key was used to sign in.
        key_name: What the key is called.
        form_token: What each of their forms carries.
    """

    caller: Caller
    key_name: str
    form_token: str


class Sessions:
    """Makes and reads cookies, form tokens and the addresses of files."""

    def __init__(self, keys: KeyStore, secret: bytes) -> None:
        """Keep where keys are found, and the service's own secret."""
        self._keys, self._secret = keys, secret

    def begin(self, key_id: str) -> str:
        """Return the cookie of a new session.

        Raises:
            LookupError: There is no such key any more.
        """
        found = self._find(key_id)
        if found is None:
            raise LookupError(key_id)
        facts = f"{key_id}.{int(time.time()) + LIFETIME_SECONDS}.{secrets.token_urlsafe(12)}"
        return f"{facts}.{self._code(found[1], 'session', facts)}"

    def read(self, cookie: str) -> Session | None:
        """Return whose session a cookie is; None if it is over, or was never one."""
        facts, _, code = cookie[:_LONGEST].rpartition(".")
        parts = facts.split(".")
        if len(parts) != 3:  # noqa: PLR2004 - key, end, a random part
            return None
        found = self._find(parts[0])
        if found is None or not self._is_right(code, found[1], "session", facts):
            return None
        if not _is_ahead(parts[1]):
            return None
        key, material = found
        return Session(
            caller=Caller(tenant_id=key.tenant_id, key_id=key.key_id, role=key.role),
            key_name=key.name,
            form_token=self._code(material, "form", facts),
        )

    def grant_files(self, session: Session, job_id: str) -> str:
        """Return what the address of a job's files carries for this person."""
        key_id = session.caller.key_id
        found = self._find(key_id)
        material = "" if found is None else found[1]
        facts = f"{key_id}.{int(time.time()) + LIFETIME_SECONDS}"
        return f"{facts}.{self._code(material, 'files', f'{facts}.{job_id}')}"

    def read_grant(self, grant: str, job_id: str) -> str | None:
        """Return whose job's files an address may show; None if it is over, or was never right."""
        facts, _, code = grant[:_LONGEST].rpartition(".")
        key_id, _, end = facts.partition(".")
        found = self._find(key_id)
        if found is None or not self._is_right(code, found[1], "files", f"{facts}.{job_id}"):
            return None
        return found[0].tenant_id if _is_ahead(end) else None

    def _find(self, key_id: str) -> tuple[ApiKey, str] | None:
        """Return a key that was not revoked, and the hash of its secret."""
        stored = self._keys.find(key_id)
        if stored is None or stored.key.revoked_at is not None:
            return None
        return stored.key, stored.secret_sha256

    def _is_right(self, code: str, material: str, purpose: str, facts: str) -> bool:
        expected = self._code(material, purpose, facts)
        return hmac.compare_digest(code.encode(), expected.encode())

    def _code(self, material: str, purpose: str, facts: str) -> str:
        message = f"{material}\0{purpose}\0{facts}".encode()
        digest = hmac.digest(self._secret, message, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def open_sessions(keys: KeyStore, artifacts_root: str | Path) -> Sessions:
    """Read the service's secret, or make it: one for all processes that share the artifacts.

    Raises:
        FolderError: The file can be neither read nor made.
    """
    path = Path(artifacts_root).absolute() / ".voyant" / _SECRET_FILE
    try:
        if not path.exists():
            _make_secret(path)
        secret = path.read_bytes()
    except OSError as error:
        raise FolderError(
            f"The secret of sessions, {str(path)!r}, cannot be used: {error.strerror}.",
            remedy="Check who may read and write there.",
        ) from None
    if len(secret) < _SECRET_BYTES:
        raise FolderError(
            f"The secret of sessions, {str(path)!r}, is damaged.",
            remedy="Remove the file; everybody has to sign in again.",
        )
    return Sessions(keys, secret)


def _make_secret(path: Path) -> None:
    """Write the file whole or not at all; where two processes try, both use the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_SECRET_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()


def _is_ahead(moment: str) -> bool:
    return moment.isascii() and moment.isdigit() and int(moment[:15]) > time.time()
