"""Which of the job's tables does a name in a query mean?"""

from __future__ import annotations

import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from voyant.core.errors import UnsafeQueryError, did_you_mean

__all__ = ["JobTable", "TableNames", "fold"]

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# Engines that compare names with regard to case: PostgreSQL and Snowflake after folding the
# unquoted ones, which the rewriting does before.
_CASE_MATTERS: Final = frozenset({"postgres", "snowflake", "clickhouse", "bigquery"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTable:
    """A table that users' SQL may read.

    Attributes:
        path: Catalog, schema and name as the engine stores them, as many of them as it takes to
            name the table from any session.
        columns: Its columns, or None where they are not known.
        name: What the job calls it; a query that says no more than this means this table, even
            where another of the job's has the same last name.
        rows: The only rows of it that queries see, as a checked SELECT over its path; empty for
            all of them.
    """

    path: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    name: str = ""
    rows: str = ""


class TableNames:
    """The job's tables, by every name that a query may use for them: `t`, `s.t`, `c.s.t`."""

    def __init__(self, tables: Collection[JobTable], *, dialect: str) -> None:
        self._dialect = dialect
        self._shown = [table.name or ".".join(table.path) for table in tables]
        self._by_path = {self._key(table.path): table for table in tables}
        self._by_name = {self._key([table.name]): table for table in tables if table.name}
        self._by_suffix: dict[tuple[str, ...], list[JobTable]] = {}
        for table in tables:
            for start in range(len(table.path)):
                self._by_suffix.setdefault(self._key(table.path[start:]), []).append(table)

    def _key(self, parts: Sequence[str]) -> tuple[str, ...]:
        return tuple(fold(part, self._dialect) for part in parts)

    def exact(self, parts: Sequence[str]) -> JobTable | None:
        """Return the table of a whole path, None if there is none."""
        return self._by_path.get(self._key(parts))

    def knows(self, parts: Sequence[str]) -> bool:
        """Tell whether these parts name a table of the job."""
        return self._key(parts) in self._by_suffix or self._key(parts) in self._by_name

    def find(self, parts: Sequence[str]) -> JobTable:
        """Return the one table that a name means.

        Raises:
            UnsafeQueryError: No table of the job, or several, have this name.
        """
        exact = self._by_name.get(self._key(parts)) or self.exact(parts)
        if exact is not None:
            return exact
        found = self._by_suffix.get(self._key(parts), [])
        name = ".".join(parts)
        if not found:
            raise UnsafeQueryError(
                f"The query reads {name!r}, which is not a table of this job.",
                remedy=did_you_mean(name, self._shown),
            )
        if len(found) > 1:
            raise UnsafeQueryError(
                f"The query reads {name!r}, which is the name of {len(found)} tables of this job.",
                remedy="Say which: " + " or ".join(".".join(table.path) for table in found) + ".",
            )
        return found[0]


def fold(name: str, dialect: str) -> str:
    """Fold a name as the engine compares them.

    >>> fold("Orders", "spark"), fold("Orders", "postgres")
    ('orders', 'Orders')
    """
    return name if dialect in _CASE_MATTERS else name.translate(_LOWER)
