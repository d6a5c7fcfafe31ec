"""What the database itself does not allow, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from voyant.jobs.durable.errors import DatabaseError
from voyant.jobs.durable.schema import audit_log


def test_the_audit_log_is_added_to_and_nothing_else(queue):
    entry = {"at_us": 1, "tenant_id": "acme", "action": "job.submit", "outcome": "done"}
    with queue.database.write() as connection:
        connection.execute(sa.insert(audit_log).values(entry))
    forbidden = [sa.delete(audit_log), sa.update(audit_log).values(outcome="refused")]
    if queue.database.engine.dialect.name == "postgresql":
        forbidden.append(sa.text("TRUNCATE voyant_audit_log"))
    for statement in forbidden:
        with (
            pytest.raises((DatabaseError, IntegrityError), match="the audit log is added to only"),
            queue.database.write() as connection,
        ):
            connection.execute(statement)
    with queue.database.read() as connection:
        assert connection.execute(sa.select(audit_log.c.outcome)).scalars().all() == ["done"]
