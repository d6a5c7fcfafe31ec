"""How much may a tenant have?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voyant.core.config import Settings

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

__all__ = ["TenantLimits", "limits_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """What a tenant may have; None is no limit.

    Attributes:
        max_running: Jobs that run at the same time.
        max_queued: Jobs that wait.
        max_rows: Rows of one job's tables together.
        max_bytes: Bytes that its artifacts take together.
        job_timeout_seconds: Time one attempt of a job may take.
    """

    max_running: int
    max_queued: int
    max_rows: int | None
    max_bytes: int | None
    job_timeout_seconds: float


def limits_of(tenant: RowMapping | None, settings: Settings) -> TenantLimits:
    """Return a tenant's own limits, and those of the settings where it has none.

    Args:
        tenant: Its row of `voyant_tenants`; None for one that has none.
        settings: What holds for every tenant.
    """

    def own(name: str, default: Any) -> Any:  # noqa: ANN401 - as the settings have it
        value = None if tenant is None else tenant[name]
        return default if value is None else value

    return TenantLimits(
        max_running=own("max_running", settings.tenant_max_running),
        max_queued=own("max_queued", settings.tenant_max_queued),
        max_rows=own("max_rows", settings.tenant_max_rows),
        max_bytes=own("max_bytes", settings.tenant_max_bytes),
        job_timeout_seconds=own("job_timeout_seconds", settings.job_timeout_seconds),
    )
