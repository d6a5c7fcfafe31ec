"""Which tables hold jobs, workers, schedules, tenants, keys and the audit log?

Moments are microseconds since 1970 in UTC, columns named `_us`: SQLite has no type for them, and
leases are compared by the database itself.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import event

__all__ = [
    "METADATA",
    "SCHEMA_VERSION",
    "api_keys",
    "audit_log",
    "events",
    "idempotency_keys",
    "jobs",
    "meta",
    "schedules",
    "tenants",
    "workers",
]

#: Rises with each change of the tables; `database.py` has the step that leads to each.
SCHEMA_VERSION: Final = 1

METADATA: Final = sa.MetaData()

#: SQLite numbers rows by itself only in a plain INTEGER key.
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME: Final = sa.String(200)

meta = sa.Table(
    "voyant_meta",
    METADATA,
    sa.Column("key", _NAME, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

tenants = sa.Table(
    "voyant_tenants",
    METADATA,
    sa.Column("tenant_id", _NAME, primary_key=True),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    # Null: what the settings say.
    sa.Column("max_running", sa.Integer),
    sa.Column("max_queued", sa.Integer),
    sa.Column("max_rows", sa.BigInteger),
    sa.Column("max_bytes", sa.BigInteger),
    sa.Column("job_timeout_seconds", sa.Float),
    # When a job of this tenant was last begun: the one served longest ago is next.
    sa.Column("served_us", sa.BigInteger, nullable=False, server_default="0"),
)

jobs = sa.Table(
    "voyant_jobs",
    METADATA,
    sa.Column("job_id", _NAME, primary_key=True),
    sa.Column("tenant_id", _NAME, sa.ForeignKey("voyant_tenants.tenant_id"), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("spec_hash", sa.String(64), nullable=False),
    sa.Column("requested_by", _NAME, nullable=False),
    sa.Column("submitted_us", sa.BigInteger, nullable=False),
    # Its place in the tenant's line: a retry goes to the end.
    sa.Column("queued_us", sa.BigInteger, nullable=False),
    sa.Column("started_us", sa.BigInteger),
    sa.Column("finished_us", sa.BigInteger),
    # Rises with each start; who writes with an older number is refused.
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    # Attempts before the present submission or retry.
    sa.Column("attempts_before", sa.Integer, nullable=False, server_default="0"),
    # Attempts of the present round that were put back because their worker was stopped.
    sa.Column("released", sa.Integer, nullable=False, server_default="0"),
    # How often it was asked for: 1, and one more with each retry.
    sa.Column("round", sa.Integer, nullable=False, server_default="1"),
    sa.Column("worker_id", _NAME),
    # Which life of that worker: a name is used again, a token is not.
    sa.Column("worker_token", sa.String(64)),
    sa.Column("cancel_us", sa.BigInteger),
    sa.Column("generator", _NAME),
    sa.Column("error", sa.Text),
    sa.Column("schedule_id", _NAME),
    # The span of the request that asked for it, as W3C writes it.
    sa.Column("traceparent", sa.String(100)),
    sa.Column("tick_us", sa.BigInteger),
    sa.Column("event_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stored_bytes", sa.BigInteger, nullable=False, server_default="0"),
    # One job per tick, however many workers look at the clock.
    sa.UniqueConstraint("schedule_id", "tick_us"),
    sa.Index("voyant_jobs_listed", "tenant_id", "submitted_us", "job_id"),
    sa.Index("voyant_jobs_waiting", "state", "tenant_id", "queued_us"),
)

events = sa.Table(
    "voyant_events",
    METADATA,
    sa.Column(
        "job_id", _NAME, sa.ForeignKey("voyant_jobs.job_id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    # What is new since a moment, over all jobs: for the metrics.
    sa.Index("voyant_events_at", "at_us"),
)

idempotency_keys = sa.Table(
    "voyant_idempotency_keys",
    METADATA,
    sa.Column("tenant_id", _NAME, primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("spec_hash", sa.String(64), nullable=False),
    sa.Column(
        "job_id", _NAME, sa.ForeignKey("voyant_jobs.job_id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("expires_us", sa.BigInteger, nullable=False),
)

schedules = sa.Table(
    "voyant_schedules",
    METADATA,
    sa.Column("schedule_id", _NAME, primary_key=True),
    sa.Column("tenant_id", _NAME, sa.ForeignKey("voyant_tenants.tenant_id"), nullable=False),
    sa.Column("name", _NAME, nullable=False),
    sa.Column("cron", sa.String(200), nullable=False),
    sa.Column("timezone", sa.String(100), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("requested_by", _NAME, nullable=False),
    sa.Column("is_enabled", sa.Boolean, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("next_us", sa.BigInteger),
    sa.Column("last_job_id", _NAME),
    sa.UniqueConstraint("tenant_id", "name"),
    sa.Index("voyant_schedules_due", "is_enabled", "next_us"),
)

workers = sa.Table(
    "voyant_workers",
    METADATA,
    sa.Column("worker_id", _NAME, primary_key=True),
    # Which process has the name; a new one for each start.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("host", _NAME, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    # A process id is used again; with the time it began it is not.
    sa.Column("process_start", sa.BigInteger, nullable=False),
    sa.Column("started_us", sa.BigInteger, nullable=False),
    sa.Column("seen_us", sa.BigInteger, nullable=False),
    # Dead from here on, unless heard of before.
    sa.Column("lease_us", sa.BigInteger, nullable=False),
)

api_keys = sa.Table(
    "voyant_api_keys",
    METADATA,
    sa.Column("key_id", _NAME, primary_key=True),
    sa.Column("tenant_id", _NAME, sa.ForeignKey("voyant_tenants.tenant_id"), nullable=False),
    sa.Column("name", _NAME, nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("key_hash", sa.String(200), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("created_by", _NAME, nullable=False),
    sa.Column("last_used_us", sa.BigInteger),
    sa.Column("expires_us", sa.BigInteger),
    sa.Column("revoked_us", sa.BigInteger),
    sa.Index("voyant_api_keys_of_tenant", "tenant_id"),
)

audit_log = sa.Table(
    "voyant_audit_log",
    METADATA,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    # No foreign key: what was refused may have named a tenant that is not there.
    sa.Column("tenant_id", _NAME),
    sa.Column("key_id", _NAME),
    sa.Column("action", sa.String(100), nullable=False),
    sa.Column("target", sa.String(400)),
    sa.Column("outcome", sa.String(40), nullable=False),
    sa.Column("request_id", sa.String(100)),
    sa.Column("client", sa.String(100)),
    sa.Column("data", sa.Text, nullable=False, server_default="{}"),
    sa.Index("voyant_audit_log_of_tenant", "tenant_id", "at_us"),
)


# The audit log is added to and nothing else, whoever has the database's password for it.
for _event in ("UPDATE", "DELETE"):
    event.listen(
        audit_log,
        "after_create",
        sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy left it so
            f"CREATE TRIGGER voyant_audit_log_no_{_event.lower()} BEFORE {_event} "
            "ON voyant_audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is added to only'); END"
        ).execute_if(dialect="sqlite"),
    )
event.listen(
    audit_log,
    "after_create",
    sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy left it so
        "CREATE OR REPLACE FUNCTION voyant_audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is added to only'; END $$; "
        "CREATE TRIGGER voyant_audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON voyant_audit_log FOR EACH STATEMENT EXECUTE FUNCTION voyant_audit_log_refuse()"
    ).execute_if(dialect="postgresql"),
)
