"""Which API keys are there, whose are they, and is this one of them?

A key is `voyant_{id}_{secret}`: the id finds the row, and of the secret, 256 random bits, only the
SHA-256 is kept. A password needs a slow hash because it can be guessed; this cannot.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from pydantic import SecretStr

__all__ = ["ApiKey", "KeyStore", "NewKey", "Role", "StoredKey", "check_key", "make_key"]

_SHAPE: Final = re.compile(r"voyant_([0-9a-z]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_ID_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_CHARACTERS: Final = 12
_SECRET_BYTES: Final = 32
#: Compared with where there is no such key, so that both answers take the same steps.
_NO_HASH: Final = hashlib.sha256(b"").hexdigest()


class Role(StrEnum):
    """What a key may do; each may do what those before it may."""

    VIEWER = "viewer"
    """Read jobs, artifacts, baselines and KPI history."""
    ANALYST = "analyst"
    """Submit jobs, upload tables, keep schedules and baselines too."""
    ADMIN = "admin"
    """Read the audit log and sweep old jobs too."""

    def includes(self, other: Role) -> bool:
        """Say whether this role may do what another may.

        >>> Role.ADMIN.includes(Role.VIEWER), Role.VIEWER.includes(Role.ANALYST)
        (True, False)
        """
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it can be shown: everything but its secret."""

    key_id: str
    tenant_id: str
    role: Role
    name: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it is kept."""

    key: ApiKey
    secret_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that has just been made; its text is shown once."""

    key: ApiKey
    text: SecretStr


@runtime_checkable
class KeyStore(Protocol):
    """Where keys are kept."""

    def find(self, key_id: str) -> StoredKey | None:
        """Return a key, also one that was revoked."""
        ...

    def add(self, key: StoredKey) -> None:
        """Keep a key."""
        ...

    def all(self, tenant_id: str | None = None) -> list[ApiKey]:
        """List the keys, the newest first."""
        ...

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """Let a key be of no use from now on; None if there is none."""
        ...


def make_key(
    tenant_id: str, role: Role, name: str, created_at: datetime
) -> tuple[NewKey, StoredKey]:
    """Make a key: what its owner is shown once, and what is kept."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(key_id=key_id, tenant_id=tenant_id, role=role, name=name, created_at=created_at)
    text = SecretStr(f"voyant_{key_id}_{secret}")
    return NewKey(key=key, text=text), StoredKey(key=key, secret_sha256=_hash(secret))


def check_key(store: KeyStore, text: str) -> ApiKey | None:
    """Return the key that a text is, None if it is none or was revoked.

    Whether the id or the secret is wrong cannot be told from the answer, nor from how long the
    comparison takes.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return None
    found = store.find(shape[1])
    expected = _NO_HASH if found is None else found.secret_sha256
    is_right = hmac.compare_digest(_hash(shape[2]), expected)
    if found is None or not is_right or found.key.revoked_at is not None:
        return None
    return found.key


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
