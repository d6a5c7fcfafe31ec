"""Who did what, and when? A log that is only ever added to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from fastapi.concurrency import run_in_threadpool

from voyant.jobs.durable.errors import DatabaseError

if TYPE_CHECKING:
    from fastapi import Request

    from voyant.jobs.durable.database import Database

__all__ = ["AuditEntry", "AuditLog", "audit_request"]

_LONGEST_TARGET: Final = 400
_MOST_ENTRIES: Final = 500

_logger = logging.getLogger("voyant.service.audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did, or tried to do.

    Attributes:
        number: Rises with each entry.
        key_id: The API key that was used; `operator` for the command line.
        action: The route, `POST /v1/jobs`, or the command.
        target: What it was done to.
        outcome: `done`, or the status that was answered.
    """

    number: int
    at: datetime
    tenant_id: str | None
    key_id: str | None
    action: str
    target: str | None
    outcome: str
    request_id: str | None
    client: str | None


class AuditLog:
    """The log in the service's database; its table refuses to change or remove an entry."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database

    def add(
        self,
        *,
        action: str,
        outcome: str,
        tenant_id: str | None = None,
        key_id: str | None = None,
        target: str | None = None,
        request_id: str | None = None,
        client: str | None = None,
    ) -> None:
        """Add an entry.

        Raises:
            DatabaseError: The database did not answer.
        """
        import sqlalchemy as sa  # noqa: PLC0415 - slow, and a command may not need it

        from voyant.jobs.durable.schema import audit_log  # noqa: PLC0415 - the same

        with self._database.write() as connection:
            connection.execute(
                sa.insert(audit_log).values(
                    at_us=self._database.now_us(connection),
                    tenant_id=tenant_id,
                    key_id=key_id,
                    action=action,
                    target=None if target is None else target[:_LONGEST_TARGET],
                    outcome=outcome,
                    request_id=request_id,
                    client=client,
                )
            )

    def entries(
        self, tenant_id: str, *, before: int | None = None, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """List a tenant's entries, the newest first.

        Args:
            tenant_id: Whose.
            before: Only entries with smaller numbers.
            limit: How many at most, up to 500.

        Raises:
            DatabaseError: The database did not answer.
        """
        import sqlalchemy as sa  # noqa: PLC0415 - as above

        from voyant.jobs.durable.database import from_us  # noqa: PLC0415 - the same
        from voyant.jobs.durable.schema import audit_log  # noqa: PLC0415 - the same

        query = (
            sa.select(audit_log)
            .where(audit_log.c.tenant_id == tenant_id)
            .order_by(audit_log.c.number.desc())
            .limit(min(limit, _MOST_ENTRIES))
        )
        if before is not None:
            query = query.where(audit_log.c.number < before)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            AuditEntry(
                number=row["number"],
                at=cast("datetime", from_us(row["at_us"])),
                tenant_id=row["tenant_id"],
                key_id=row["key_id"],
                action=row["action"],
                target=row["target"],
                outcome=row["outcome"],
                request_id=row["request_id"],
                client=row["client"],
            )
            for row in rows
        ]


async def audit_request(request: Request, status: int) -> None:
    """Write down a request that changed something, or was to.

    A log that cannot be written does not undo what was done: it is said in the service's own log.
    """
    log: AuditLog = request.app.state.audit
    caller = request.state.caller
    route = request.scope.get("route")
    parts = [str(value) for value in request.path_params.values()]
    new = getattr(request.state, "made", None)
    try:
        await run_in_threadpool(
            log.add,
            action=f"{request.method} {getattr(route, 'path', request.url.path)}",
            outcome="done" if status < 400 else str(status),  # noqa: PLR2004 - where errors begin
            tenant_id=caller.tenant_id,
            key_id=caller.key_id,
            target="/".join([*parts, *([new] if new else [])]) or None,
            request_id=request.state.request_id,
            client=request.client.host if request.client else None,
        )
    except DatabaseError:
        _logger.exception("The audit log could not be written")
