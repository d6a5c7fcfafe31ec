"""What do the tools need done, whoever does it: this machine by itself, or the service?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from voyant.core.errors import VoyantError
from voyant.core.plan import Plan
from voyant.core.tables import QueryResult
from voyant.jobs.durable.model import Job, JobEvent
from voyant.mcp.answers import TableFacts

__all__ = ["Desk", "NotFinishedError", "Order", "RefusedError"]


class NotFinishedError(VoyantError, RuntimeError):
    """A job that has no artifacts to read yet, or that ended without any."""


class RefusedError(VoyantError, PermissionError):
    """What the caller's key does not allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An analysis that was asked for.

    Attributes:
        tables: Names of tables, all of them when empty.
        kpis: KPI definitions.
        reference: Table name to another table's name, or `before:COLUMN=VALUE`.
        only: The only generators to run, if any.
        skip: Generators not to run.
        as_of: The moment the job speaks about.
    """

    tables: Sequence[str] = ()
    kpis: Sequence[Mapping[str, Any]] = ()
    reference: Mapping[str, str] = field(default_factory=dict[str, str])
    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    as_of: datetime | None = None


class Desk(Protocol):
    """Does what the tools are asked, for one caller. Methods block; several may run at once."""

    def tables(self) -> list[TableFacts]:
        """List the caller's tables with their columns."""
        ...

    def plan(self, only: Sequence[str] = (), skip: Sequence[str] = ()) -> Plan:
        """Say which generators a job would run.

        Raises:
            ConfigurationError: A generator nobody knows.
        """
        ...

    def start(self, order: Order) -> str:
        """Begin an analysis and return the job's id at once.

        Raises:
            VoyantError: It cannot be begun: the message says why.
        """
        ...

    def job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            VoyantError: There is none of that name.
        """
        ...

    def jobs(self, limit: int) -> Sequence[Job]:
        """List jobs, the newest first."""
        ...

    def events(self, job_id: str, after: int) -> Sequence[JobEvent]:
        """List what happened to a job since event number `after`."""
        ...

    def folder(self, job_id: str) -> Path:
        """Return the folder of a job's artifacts; it need not exist."""
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until the caller may run a query, without a thread; one runs in the context.

        Raises:
            VoyantError: It may run none, or there was no turn in time.
        """
        ...

    def query(self, sql: str, tables: Sequence[str]) -> QueryResult:
        """Run a SELECT under the guard, in a process of its own, over tables (all when empty).

        Raises:
            VoyantError: It was refused, or failed: the message says why.
        """
        ...
