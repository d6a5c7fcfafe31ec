"""Is a worker alive, and is it the only one of its name?

A worker has a name that lasts (its slot) and a token that is new with each start. Its row in
`voyant_workers` is a lease: renewed a few times in `worker_lease_seconds`, over when it was not. A
lease that is over cannot be renewed: a worker that finds its own over must not touch anything any
more, and ends at once. On the machine where it ran, a worker that was killed is known to be dead
without waiting for its lease: the process is not there.
"""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from voyant.artifacts.names import check_name
from voyant.jobs.durable.clock import elapsed_seconds
from voyant.jobs.durable.database import Database, Lock
from voyant.jobs.durable.errors import WorkerIdentityError
from voyant.jobs.durable.rows import Row
from voyant.jobs.durable.schema import workers

__all__ = ["LeaseLostError", "WorkerLease", "is_dead", "this_host"]

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD: Final = 19


class LeaseLostError(Exception):
    """This worker is taken for dead; whatever it was about to do must not be done."""


def this_host() -> str:
    """Name this machine, this boot of it and this space of process ids: `name/4026531836/1f2e`."""
    space = boot = "-"
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").stat().st_ino)
    with suppress(OSError):
        boot = _BOOT_ID.read_text(encoding="ascii").strip()[:8]
    return f"{socket.gethostname()[:150]}/{space}/{boot}"


def _started(pid: int) -> int | None:
    """Return when a process started, in ticks since boot; 0 where that cannot be known.

    None if there is no such process, or nothing but its remains.
    """
    try:
        content = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return 0
        return 0
    except OSError:
        return 0
    fields = content.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[_START_FIELD])


@dataclass(slots=True)
class WorkerLease:
    """The lease of this process; `take` makes one.

    Attributes:
        worker_id: The worker's name.
        token: This life of it.
    """

    database: Database
    worker_id: str
    seconds: float
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    #: By `elapsed_seconds`: not alive any more from here on.
    over_at: float = 0.0

    @classmethod
    def take(cls, database: Database, worker_id: str, seconds: float) -> WorkerLease:
        """Enter this process as the worker of a name.

        Raises:
            WorkerIdentityError: A living process has the name.
            UnsafeNameError: It is no name.
        """
        lease = cls(database, check_name("job", worker_id), seconds)
        pid = os.getpid()
        values = {
            "token": lease.token,
            "host": this_host(),
            "pid": pid,
            "process_start": _started(pid) or 0,
        }
        asked_at = elapsed_seconds()
        with database.write(Lock.CLAIM) as connection:
            now_us = database.now_us(connection)
            query = sa.select(workers).where(workers.c.worker_id == worker_id)
            row = connection.execute(query).mappings().first()
            if row is not None and not is_dead(row, now_us):
                raise WorkerIdentityError(
                    worker_id, f"process {row['pid']} on {row['host'].partition('/')[0]}"
                )
            times = {"started_us": now_us, "seen_us": now_us, "lease_us": lease._until(now_us)}
            if row is None:
                connection.execute(
                    sa.insert(workers).values(worker_id=worker_id, **values, **times)
                )
            else:
                mine = workers.c.worker_id == worker_id
                connection.execute(sa.update(workers).where(mine).values(**values, **times))
        lease.over_at = asked_at + seconds
        return lease

    @property
    def left_seconds(self) -> float:
        """How long this worker is alive yet, without another renewal."""
        return self.over_at - elapsed_seconds()

    def renew(self) -> None:
        """Stay alive.

        Raises:
            LeaseLostError: It was too late.
            DatabaseError: The database did not answer; there may be time to try again.
        """
        asked_at = elapsed_seconds()
        with self.database.write() as connection:
            now_us = self.database.now_us(connection)
            renewed = connection.execute(
                sa.update(workers)
                .where(self._is_mine(now_us))
                .values(seen_us=now_us, lease_us=self._until(now_us))
            )
            if renewed.rowcount != 1:
                raise LeaseLostError
        self.over_at = asked_at + self.seconds

    def check(self, connection: sa.Connection) -> None:
        """Make sure, inside a transaction, that this worker is alive.

        Raises:
            LeaseLostError: It is not.
        """
        now_us = self.database.now_us(connection)
        query = sa.select(workers.c.pid).where(self._is_mine(now_us))
        if connection.execute(query).first() is None:
            raise LeaseLostError

    def give_up(self) -> None:
        """End the lease now: this worker is going, and has nothing left to do."""
        with self.database.write() as connection:
            mine = (workers.c.worker_id == self.worker_id) & (workers.c.token == self.token)
            connection.execute(sa.delete(workers).where(mine))

    def _is_mine(self, now_us: int) -> sa.ColumnElement[bool]:
        return sa.and_(
            workers.c.worker_id == self.worker_id,
            workers.c.token == self.token,
            workers.c.lease_us > now_us,
        )

    def _until(self, now_us: int) -> int:
        return now_us + int(self.seconds * 1_000_000)


def is_dead(row: Row, now_us: int) -> bool:
    """Tell whether a worker is dead: its lease is over, or its process is not there any more."""
    if row["lease_us"] <= now_us:
        return True
    if row["host"] != this_host():
        return False
    started = _started(row["pid"])
    return started is None or (
        0 not in {started, row["process_start"]} and started != row["process_start"]
    )
