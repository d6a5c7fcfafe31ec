"""How is any other database opened that Ibis connects to, from Trino to MySQL?

Through Ibis' own connection, with Voyant's own statements. Read-only is what the role may do: the
documentation has the grants for each.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import unquote, unquote_plus, urlsplit

from voyant.core.config import redact_url
from voyant.core.errors import EngineError
from voyant.engines.dialects.raw import RawSqlSession
from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.tables import JobTable
from voyant.engines.ibis_dialects import DIALECTS, Dialect
from voyant.engines.ibis_statements import Warehouse, WarehouseTables
from voyant.engines.ibis_types import WarehouseColumn, ibis
from voyant.engines.sandbox import QueryLimits

__all__ = ["AnyOpening", "AnyWarehouse"]

_HIDDEN: Final = "***"
_secret_pattern = re.compile(r"((?:token|password|secret|key)\s*[=:]\s*)[^;&\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AnyOpening:
    """What opens a database by the URL that Ibis takes, here or in another process."""

    url: str = field(repr=False)

    def __call__(self) -> Warehouse:
        """Open it.

        Raises:
            EngineError: The database cannot be reached, or its driver is not installed.
        """
        return AnyWarehouse(self)


class AnyWarehouse:
    """A connection of Ibis' own."""

    def __init__(self, opening: AnyOpening) -> None:
        self._opening = opening
        self._secrets = _secrets(opening.url)
        self._lock = threading.RLock()
        self._running: Any = None
        self._is_open = True
        self._columns: dict[str, tuple[WarehouseColumn, ...]] = {}
        # The drivers have no error in common, nor has Ibis: all of them end as ours.
        try:
            self._backend: Any = ibis.connect(opening.url)
            self._version = str(self._backend.version)
            names = tuple(sorted(str(name) for name in self._backend.list_tables()))
        except Exception as error:  # noqa: BLE001
            raise EngineError(
                f"The warehouse {redact_url(opening.url)!r} cannot be opened: {self._says(error)}.",
                remedy="Check the address, the role and its password.",
            ) from None
        self.tables: Mapping[str, Any] = WarehouseTables(self, names)

    @property
    def name(self) -> str:
        """Name the database and its version."""
        return f"{self._backend.name} {self._version}"

    @property
    def dialect(self) -> Dialect:
        """The database's SQL."""
        return DIALECTS[self._backend.name]

    def columns(self, table: str) -> Sequence[WarehouseColumn]:
        """List a table's columns; types are spelled as Ibis does, which asks the database."""
        with self._lock:
            if table not in self._columns:
                try:
                    schema = self._backend.table(table).schema()
                except Exception as error:  # noqa: BLE001 - see __init__
                    raise EngineError(
                        f"The warehouse could not answer: {self._says(error)}."
                    ) from None
                self._columns[table] = tuple(
                    WarehouseColumn(name=name, type=str(dtype).lstrip("!"), dtype=dtype)
                    for name, dtype in schema.items()
                )
            return self._columns[table]

    def ibis_table(self, table: str) -> Any:
        """Return a table as Ibis knows it."""
        return ibis.table({c.name: c.dtype for c in self.columns(table)}, name=table)

    def distinct_hints(self, table: str) -> Mapping[str, float]:
        """Return nothing: most of these estimate in the same pass as they count."""
        del table
        return {}

    def fetch(self, sql: str, *, is_ordered: bool = False) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        del is_ordered  # samples are taken by the values' hash
        with self._lock:
            try:
                self._running = self._backend.raw_sql(sql)
                return _rows(self._running)
            except Exception as error:  # noqa: BLE001 - see __init__
                raise EngineError(f"The warehouse could not answer: {self._says(error)}.") from None
            finally:
                self._running = None

    def interrupt(self) -> None:
        """Cancel the statement whose rows are being fetched, where the driver can."""
        running = self._running
        with suppress(Exception):  # it may have ended; the driver's errors are its own
            cancel = getattr(running, "cancel", None)
            if callable(cancel):
                cancel()

    def close(self) -> None:
        """Close the connection."""
        if self._is_open:
            self._is_open = False
            with suppress(Exception):  # it has gone: so be it
                self._backend.disconnect()

    def handover(self) -> Callable[[], Warehouse]:
        """Return what opens the same database in another process."""
        return self._opening

    def scan_bytes(self, table: str) -> int | None:
        """Return nothing: each of these has its own way of telling, or none."""
        del table
        return None

    def job_table(self, table: str) -> JobTable:
        """Return how users' SQL may name a table."""
        return JobTable(path=(table,), columns=tuple(column.name for column in self.columns(table)))

    def queries(
        self, tables: Callable[[], Sequence[JobTable]], limits: QueryLimits
    ) -> GuardedQueries:
        """Return what runs users' SQL, on a connection of its own."""

        def session() -> RawSqlSession:
            return RawSqlSession(lambda: ibis.connect(self._opening.url))

        return GuardedQueries(session, dialect=self.dialect.name, tables=tables, limits=limits)

    def _says(self, error: BaseException) -> str:
        """Return the first line of what the driver says, without any part of the credentials."""
        lines = str(error).strip().splitlines()
        text = lines[0] if lines else type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _secret_pattern.sub(rf"\1{_HIDDEN}", text).rstrip(" .")


def _rows(answer: Any) -> list[tuple[Any, ...]]:
    """Return all rows of what a driver answered: a cursor, ClickHouse's result, BigQuery's rows."""
    if hasattr(answer, "fetchall"):
        with closing(answer) as cursor:
            return [tuple(row) for row in cursor.fetchall()]
    if hasattr(answer, "result_rows"):
        return [tuple(row) for row in answer.result_rows]
    rows = cast("Iterable[Any]", answer)
    return [tuple(row.values()) if hasattr(row, "values") else tuple(row) for row in rows]


def _secrets(url: str) -> tuple[str, ...]:
    """Return what of a URL must not be shown, as it is written and as it is meant."""
    authority = url.partition("://")[2].rpartition("@")[0]
    written = authority.partition(":")[2]
    found = {written, unquote(written), unquote_plus(written)}
    found |= {
        part.partition("=")[2]
        for part in urlsplit(url).query.split("&")
        if _secret_pattern.search(part)
    }
    return tuple(secret for secret in found if secret)
