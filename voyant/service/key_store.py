"""Where are API keys kept? In the service's database, beside the jobs."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from voyant.artifacts.names import check_name
from voyant.jobs.durable.database import Database, from_us, to_us
from voyant.jobs.durable.rows import lock_tenant
from voyant.jobs.durable.schema import api_keys
from voyant.service.keys import ApiKey, KeyStore, Role, StoredKey

__all__ = ["DatabaseKeys"]

# Put together once: each request asks for its key.
_FIND_KEY = sa.select(api_keys).where(api_keys.c.key_id == sa.bindparam("key_id"))


class DatabaseKeys(KeyStore):
    """API keys in a database; threads may share it."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database

    def find(self, key_id: str) -> StoredKey | None:
        """Return a key, also one that was revoked."""
        with self._database.read() as connection:
            row = connection.execute(_FIND_KEY, {"key_id": key_id}).mappings().first()
        return None if row is None else StoredKey(key=_key(row), secret_sha256=row["key_hash"])

    def add(self, key: StoredKey) -> None:
        """Keep a key; its tenant is made if need be.

        Raises:
            UnsafeNameError: A tenant that could lead outside the artifact root.
            DatabaseError: The database did not answer.
        """
        shown = key.key
        check_name("tenant", shown.tenant_id)
        with self._database.write() as connection:
            lock_tenant(connection, shown.tenant_id, self._database.now_us(connection))
            connection.execute(
                sa.insert(api_keys).values(
                    key_id=shown.key_id,
                    tenant_id=shown.tenant_id,
                    name=shown.name,
                    role=shown.role.value,
                    key_hash=key.secret_sha256,
                    created_us=to_us(shown.created_at),
                    created_by="operator",
                )
            )

    def all(self, tenant_id: str | None = None) -> list[ApiKey]:
        """List the keys, the newest first."""
        query = sa.select(api_keys).order_by(api_keys.c.created_us.desc(), api_keys.c.key_id)
        if tenant_id is not None:
            query = query.where(api_keys.c.tenant_id == tenant_id)
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(query).mappings()]

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """Let a key be of no use from now on; None if there is none."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(api_keys)
                .where(api_keys.c.key_id == key_id, api_keys.c.revoked_us.is_(None))
                .values(revoked_us=to_us(at))
            )
            query = sa.select(api_keys).where(api_keys.c.key_id == key_id)
            row = connection.execute(query).mappings().first()
        return None if row is None else _key(row)


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        key_id=row["key_id"],
        tenant_id=row["tenant_id"],
        role=Role(row["role"]),
        name=row["name"],
        created_at=cast("datetime", from_us(row["created_us"])),
        revoked_at=from_us(row["revoked_us"]),
    )
