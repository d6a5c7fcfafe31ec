"""What can a job be asked to do?"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["JobRequest", "new_job_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """One job. What is None comes from the settings.

    Attributes:
        sources: Table name to path, glob, folder, list of paths or data frame; without any, the
            tables of the settings, else those of the warehouse.
        reference: Earlier states of tables to compare them with, by the table's name; the others
            are compared with their baselines.
        tables: Names of the tables to keep, all of them when empty.
        kpis: KPI definitions: `name`, `sql` and optionally `description`, `unit`, `target` ...
        flags: Feature flags of this job; they can only turn generators off.
        tenant_id: Whose job it is.
        job_id: Name of the job's folder, see `new_job_id`; naming a finished job replaces it.
        only: The only generators to run, if any.
        skip: Generators not to run.
        artifacts_root: Folder that the job's folder is made in.
        as_of: The moment the job speaks about, ISO 8601 as text; the job's start when None.
        contracts: Open Data Contract Standard files that the tables are held against.
        where: Conditions on the rows of tables, `orders=region = 'EU'` each.
        sample: Samples of tables, `orders=100000` or `orders=1%` each.
        warehouse_url: Where tables live when there are no sources.
    """

    sources: Mapping[str, object] = field(default_factory=dict[str, object])
    reference: Mapping[str, object] = field(default_factory=dict[str, object])
    tables: Sequence[str] = ()
    kpis: Sequence[Mapping[str, Any]] | None = None
    flags: Mapping[str, bool] = field(default_factory=dict[str, bool])
    tenant_id: str | None = None
    job_id: str | None = None
    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    artifacts_root: str | Path | None = None
    as_of: datetime | str | None = None
    contracts: Sequence[str | Path] = ()
    where: Sequence[str] = ()
    sample: Sequence[str] = ()
    warehouse_url: str | None = None


def new_job_id() -> str:
    """Return a job id that sorts by time and is unique: `20250331-141503-9f3a1c`, in UTC."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
