"""A cookie is good for its key, for its time, unchanged, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voyant.core.errors import FolderError
from voyant.service.keys import ApiKey, KeyStore, Role, StoredKey, make_key
from voyant.service.pages import sessions as module
from voyant.service.pages.sessions import Sessions, open_sessions


class Keys(KeyStore):
    """Keys in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredKey] = {}

    def find(self, key_id: str) -> StoredKey | None:
        return self.kept.get(key_id)

    def add(self, key: StoredKey) -> None:
        self.kept[key.key.key_id] = key

    def all(self, tenant_id: str | None = None) -> list[ApiKey]:
        found = [it.key for it in self.kept.values()]
        return [it for it in found if tenant_id in {None, it.tenant_id}]

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        found = self.kept[key_id]
        self.kept[key_id] = replace(found, key=replace(found.key, revoked_at=at))
        return self.kept[key_id].key


@pytest.fixture
def keys() -> Keys:
    store = Keys()
    for tenant in ("acme", "other"):
        _, stored = make_key(tenant, Role.ANALYST, "me", datetime.now(UTC))
        store.add(stored)
    return store


@pytest.fixture
def made(keys: Keys, tmp_path: Path) -> Sessions:
    return open_sessions(keys, tmp_path)


def key_of(keys: Keys, tenant: str) -> str:
    return next(it.key_id for it in keys.all() if it.tenant_id == tenant)


def test_a_cookie_says_whose_it_is(keys: Keys, made: Sessions) -> None:
    session = made.read(made.begin(key_of(keys, "acme")))
    assert session is not None
    assert (session.caller.tenant_id, session.caller.role) == ("acme", Role.ANALYST)


def test_any_change_makes_it_nobodys(keys: Keys, made: Sessions) -> None:
    cookie = made.begin(key_of(keys, "acme"))
    for place in range(len(cookie)):
        other = "A" if cookie[place] != "A" else "B"
        assert made.read(cookie[:place] + other + cookie[place + 1 :]) is None
    assert made.read(cookie.replace(key_of(keys, "acme"), key_of(keys, "other"))) is None


@pytest.mark.parametrize("cookie", ["", ".", "...", "a.b.c.d", "a" * 10_000, "é.1.x.y", "\0"])
def test_what_is_no_cookie_is_nobodys(made: Sessions, cookie: str) -> None:
    assert made.read(cookie) is None


def test_a_revoked_key_ends_its_sessions(keys: Keys, made: Sessions) -> None:
    key_id = key_of(keys, "acme")
    cookie = made.begin(key_id)
    session = made.read(cookie)
    assert session is not None
    grant = made.grant_files(session, "job")
    keys.revoke(key_id, datetime.now(UTC))
    assert made.read(cookie) is None
    assert made.read_grant(grant, "job") is None
    with pytest.raises(LookupError):
        made.begin(key_id)


def test_a_session_ends_by_itself(
    keys: Keys, made: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = made.begin(key_of(keys, "acme"))
    ahead = datetime.now(UTC).timestamp() + module.LIFETIME_SECONDS
    monkeypatch.setattr(module.time, "time", lambda: ahead - 60)
    assert made.read(cookie) is not None
    monkeypatch.setattr(module.time, "time", lambda: ahead + 60)
    assert made.read(cookie) is None


def test_a_grant_is_good_for_one_job_and_is_no_cookie(keys: Keys, made: Sessions) -> None:
    cookie = made.begin(key_of(keys, "acme"))
    session = made.read(cookie)
    assert session is not None
    grant = made.grant_files(session, "job-1")
    assert made.read_grant(grant, "job-1") == "acme"
    assert made.read_grant(grant, "job-2") is None
    assert made.read_grant(cookie, "job-1") is None
    assert made.read(grant) is None


def test_neither_secret_alone_makes_a_cookie(keys: Keys, made: Sessions, tmp_path: Path) -> None:
    cookie = made.begin(key_of(keys, "acme"))
    assert Sessions(keys, b"another secret of the service..").read(cookie) is None
    stored = keys.kept[key_of(keys, "acme")]
    keys.add(replace(stored, secret_sha256="0" * 64))
    assert made.read(cookie) is None


def test_the_secret_is_made_once_and_is_for_the_service_alone(keys: Keys, tmp_path: Path) -> None:
    cookie = open_sessions(keys, tmp_path).begin(key_of(keys, "acme"))
    assert open_sessions(keys, tmp_path).read(cookie) is not None
    file = tmp_path / ".voyant" / "session.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes()) == 32
    file.write_bytes(b"short")
    with pytest.raises(FolderError, match="damaged"):
        open_sessions(keys, tmp_path)
