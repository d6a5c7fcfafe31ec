"""How is the database opened, brought to this version, read and written?

SQLite and PostgreSQL behave alike here: a writing transaction on SQLite begins by taking the lock
that it will need (`BEGIN IMMEDIATE`), so it never fails half-way because somebody else wrote; on
PostgreSQL rows are locked by name (`FOR UPDATE`), and what only one process may do at a time, such
as choosing the next job, is under an advisory lock.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, overload

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from voyant.core.config import Settings, redact_url
from voyant.core.errors import ConfigurationError
from voyant.jobs.durable.errors import DatabaseError
from voyant.jobs.durable.schema import METADATA, SCHEMA_VERSION, meta
from voyant.objects.address import is_object_address

__all__ = [
    "Database",
    "Lock",
    "database_url",
    "from_us",
    "open_database",
    "to_us",
]

#: Below the artifact root; no tenant's name can begin with a dot.
_STATE_FILE: Final = ".voyant/service.sqlite"
_BUSY_SECONDS: Final = 30.0
_FROZEN_MS: Final = 30_000
_MICROSECONDS: Final = 1_000_000


class Lock:
    """What only one transaction in the whole installation does at a time (on PostgreSQL)."""

    MIGRATE: Final = 7_205_001
    CLAIM: Final = 7_205_002
    SCHEDULE: Final = 7_205_003


class Database:
    """An open database; threads may share it.

    Attributes:
        engine: SQLAlchemy's own.
        is_sqlite: Whether it is a file on this machine.
    """

    def __init__(self, engine: sa.Engine) -> None:
        """Keep an engine; `open_database` makes one."""
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Generator[sa.Connection]:
        """Give a connection to ask with.

        Raises:
            DatabaseError: The database did not answer.
        """
        with _as_database_error(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, lock: int | None = None) -> Generator[sa.Connection]:
        """Give a connection in a transaction that is kept at the end, or undone by an exception.

        Args:
            lock: One of `Lock`, held until the end.

        Raises:
            DatabaseError: The database did not answer.
        """
        with _as_database_error(), self.engine.connect() as plain:
            connection = plain.execution_options(voyant_writes=True)
            with connection.begin():
                if lock is not None and not self.is_sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
                yield connection

    def now_us(self, connection: sa.Connection) -> int:
        """Return the database's own time: machines may differ, and leases must not."""
        if self.is_sqlite:
            return time.time_ns() // 1_000
        moment = sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return int(connection.execute(moment).scalar_one())

    def close(self) -> None:
        """Let go of all connections; safe to call twice."""
        self.engine.dispose()


def database_url(settings: Settings) -> str:
    """Return where the service keeps its jobs, with its password.

    Raises:
        ConfigurationError: The service's artifacts would be in object storage: it renames folders.
    """
    if is_object_address(settings.artifacts_root):
        raise ConfigurationError(
            f"The service cannot keep artifacts in {settings.artifacts_root!r}.",
            remedy="Set artifacts_root to a folder, one that all workers share.",
        )
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return f"sqlite:///{Path(settings.artifacts_root).absolute() / _STATE_FILE}"


def open_database(url: str) -> Database:
    """Open a database, and make or migrate its tables.

    Args:
        url: `sqlite:///file` or `postgresql://...`.

    Raises:
        DatabaseError: It cannot be reached, or its tables are of a later version of Voyant.
    """
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise DatabaseError(
            "The database URL cannot be read.", remedy="Write postgresql://... or sqlite:///file."
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = _sqlite(parsed)
    elif backend in {"postgresql", "postgres"}:
        engine = _postgresql(parsed)
    else:
        raise DatabaseError(
            f"The service cannot keep its jobs in {backend!r} ({redact_url(url)}).",
            remedy="Write postgresql://... or sqlite:///file.",
        )
    database = Database(engine)
    try:
        _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseError(
            "A database in memory is not durable.", remedy="Name a file: sqlite:///service.sqlite."
        )
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"The folder of {url.database!r} cannot be made: {error.strerror}.",
            remedy="Check database_url and artifacts_root.",
        ) from None
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin when we say so, and as we say
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {int(_BUSY_SECONDS * 1_000)}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("voyant_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    options: dict[str, Any] = {
        "connect_timeout": 10,
        "application_name": "voyant",
        # A process that was frozen with a job's row locked must not hold it for ever.
        "options": f"-c idle_in_transaction_session_timeout={_FROZEN_MS}",
    }
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=options,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=15,
        isolation_level="READ COMMITTED",
    )


def _migrate(database: Database) -> None:
    """Bring the tables to this version, once, however many processes open the database."""
    with database.write(Lock.MIGRATE) as connection:
        found = _version(connection)
        if found == SCHEMA_VERSION:
            return
        if found > SCHEMA_VERSION:
            raise DatabaseError(
                f"The database has tables of version {found}; this Voyant knows {SCHEMA_VERSION}.",
                remedy="Update Voyant.",
            )
        for version in range(found + 1, SCHEMA_VERSION + 1):
            _STEPS[version](connection)
        connection.execute(sa.delete(meta).where(meta.c.key == "schema_version"))
        connection.execute(sa.insert(meta).values(key="schema_version", value=str(SCHEMA_VERSION)))


def _version(connection: sa.Connection) -> int:
    if not sa.inspect(connection).has_table(meta.name):
        return 0
    query = sa.select(meta.c.value).where(meta.c.key == "schema_version")
    found = connection.execute(query).scalar_one_or_none()
    return 0 if found is None else int(found)


def _create(connection: sa.Connection) -> None:
    METADATA.create_all(connection)


#: What leads to each version from the one before.
_STEPS: Final = {1: _create}


@contextmanager
def _as_database_error() -> Generator[None]:
    """Let no error of the driver, whose message may carry a password or a row, out of here."""
    try:
        yield
    except IntegrityError:
        raise  # ours to understand, where it can happen
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        raise DatabaseError(
            f"The database did not do what it was asked: {reason[0]}.",
            remedy="Check that it is running, and database_url.",
        ) from error
    except SQLAlchemyError as error:
        raise DatabaseError(
            f"The database did not do what it was asked: {type(error).__name__}.",
            remedy="Check that it is running, and database_url.",
        ) from error


def to_us(moment: datetime) -> int:
    """Return microseconds since 1970, exactly.

    >>> to_us(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * _MICROSECONDS + delta.microseconds


@overload
def from_us(value: int) -> datetime: ...
@overload
def from_us(value: int | None) -> datetime | None: ...
def from_us(value: int | None) -> datetime | None:
    """Return the moment, None for None.

    >>> from_us(1_000_005)
    datetime.datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=datetime.timezone.utc)
    """
    if value is None:
        return None
    seconds, rest = divmod(value, _MICROSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
