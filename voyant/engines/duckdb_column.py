"""What do all kinds of columns share on their way from a DuckDB table to a summary?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from voyant.core.tables import (
    Approximation,
    Column,
    ColumnKind,
    ColumnSummary,
    Scalar,
    ValueCount,
)
from voyant.engines.duckdb_types import number_line
from voyant.engines.ingest import quote_name

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "CUT_VALUE",
    "FEW_VALUES",
    "SAMPLE_VALUES",
    "TOP_VALUES",
    "Frequent",
    "Kept",
    "Measuring",
    "Numbers",
    "cut",
    "iso",
]

TOP_VALUES: Final = 100
SAMPLE_VALUES: Final = 1_000
#: Up to so many different values are fetched all.
FEW_VALUES: Final = 2_000
_LONGEST_SHOWN: Final = 500
#: SQL for a text `v` as it is shown.
CUT_VALUE: Final = (
    f"CASE WHEN length(v) > {_LONGEST_SHOWN} THEN left(v, {_LONGEST_SHOWN}) || '…' ELSE v END"
)
#: A value (None where its text says it), its text as it is shown, its rows and a number of it.
Frequent: TypeAlias = tuple[Any, str, int, Any]
#: Numbers, and the rows of each.
Numbers: TypeAlias = tuple[Sequence[float], Sequence[int]]
_numbers = count(1)
_moment_pattern = re.compile(r"(\d+)(-\d\d-\d\d)( \(BC\))?(?: (.+))?")
_short_zone_pattern = re.compile(r"[+-]\d\d$")


class Kept(NamedTuple):
    """What is left of measuring a column with few values, for later questions.

    Attributes:
        groups: The name of a table of values `v` and their rows `c`, null's too.
        numbers: Where the values stand on a number line.
    """

    groups: str
    numbers: Numbers | None


class Measuring:
    """One column, and the small table of its values `v` and counts `c` that all is read from.

    The small table stands in DuckDB's own in-memory database, where no table of the job's can be in
    its way: those are temporary views or in attached files.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        column: Column,
        row_count: int,
    ) -> None:
        self.connection = connection
        #: The small table, of a name that no other column's has.
        self.groups = f"memory.main.voyant_groups_{next(_numbers)}"
        self.is_grouped = False
        #: Rows of the small table, that of null too.
        self.group_count = 0
        #: Each finite number, or second since 1970, with its rows; None where they are not at hand.
        self.numbers: Numbers | None = None
        self.table_name = table
        self.column = column
        self.row_count = row_count
        self.table = quote_name(table)
        self.name = quote_name(column.name)
        self.approximations: dict[str, Approximation] = {}
        is_plain = number_line(column.type) is not None or column.kind is ColumnKind.BOOLEAN
        # JSON and ENUM sort and group otherwise than their text; nested values are told by it.
        self.value = self.name if is_plain else f"{self.name}::VARCHAR"
        if column.type == "FLOAT":
            self.value = f"{self.name}::DOUBLE"
        if column.type == "TIMESTAMPTZ_NS":  # new in DuckDB 2, with hardly a function yet
            self.value = f"{self.name}::TIMESTAMPTZ"
            rounded = Approximation(method="rounded to microseconds")
            self.approximations |= dict.fromkeys(("distinct_count", "top_values"), rounded)

    def group(self) -> None:
        """Read the column, once: one row for each different value."""
        ((self.group_count,),) = self.all(
            f"CREATE TABLE {self.groups} AS "
            f"SELECT {self.value} AS v, count(*) AS c FROM {self.table} GROUP BY 1"
        )
        self.is_grouped = True

    def few_values(self, number: str = "NULL") -> list[Frequent] | None:
        """Fetch all values, the most frequent first; None where there are many.

        Of few values everything is told here: planning a statement takes longer than reading them.

        Args:
            number: SQL of a value `v`.
        """
        if self.group_count > FEW_VALUES:
            return None
        kind = self.column.kind
        value, text, source = "v", "NULL", self.groups
        if kind.is_temporal:
            value, text = "NULL", self._shown
        elif kind in {ColumnKind.FLOAT, ColumnKind.DECIMAL}:
            text = self._shown
        elif kind not in {ColumnKind.INTEGER, ColumnKind.BOOLEAN}:  # the texts may be long
            value, text = "NULL", CUT_VALUE
            source = f"(SELECT {self._shown} AS v, c FROM {source})"
        rows: list[Frequent] = [
            (value, _text_of(value) if text is None else text, *facts)
            for value, text, *facts in self.all(
                f"SELECT {value}, {text}, c, {number} FROM {source} WHERE v IS NOT NULL"
            )
        ]
        if self.column.type == "BIGNUM":  # comes as text
            rows = [(int(text), text, count, x) for _, text, count, x in rows]
        return sorted(rows, key=_temporal_rank if kind.is_temporal else _rank)

    @property
    def _shown(self) -> str:
        """SQL for the text of a value `v`."""
        # -0.0 and 0.0 are one group, under either's text; adding 0.0 leaves 0.0.
        return "(v + 0.0)::VARCHAR" if self.column.kind is ColumnKind.FLOAT else "v::VARCHAR"

    def most_frequent(self) -> list[Frequent]:
        """Fetch the most frequent values, as many as a sample has, without numbers."""
        kind = self.column.kind
        return self.all(
            f"""SELECT {"o" if kind.is_numeric or kind is ColumnKind.BOOLEAN else "NULL"},
                {CUT_VALUE}, c, NULL
            FROM (SELECT v AS o, {self._shown} AS v, c FROM {self.groups}
                WHERE v IS NOT NULL ORDER BY c DESC, o LIMIT {SAMPLE_VALUES})
            ORDER BY c DESC, o"""
        )

    def top_and_sample(
        self, rows: Sequence[Frequent]
    ) -> tuple[tuple[ValueCount, ...], tuple[ValueCount, ...]]:
        """Give the most frequent values, as they are for the top and as text for the sample."""
        top = tuple(
            ValueCount(value=self._top_value(value, text), count=count)
            for value, text, count, _ in rows[:TOP_VALUES]
        )
        sample = (ValueCount(value=text, count=count) for _, text, count, _ in rows[:SAMPLE_VALUES])
        return top, tuple(sample)

    def _top_value(self, value: Any, text: str) -> Scalar:
        if self.column.kind.is_temporal:
            return iso(text)
        if self.column.kind is ColumnKind.INTEGER:
            return int(text)
        if value is None or isinstance(value, bool):
            return text if value is None else value
        number = float(value) + 0.0
        return number if number - number == 0 else text

    def summary(self, *, count: int, **facts: Any) -> ColumnSummary:
        """Put the summary together."""
        return ColumnSummary(
            name=self.column.name,
            type=self.column.type,
            kind=self.column.kind,
            has_time_zone=self.column.has_time_zone,
            count=count,
            null_count=self.row_count - count,
            approximations=self.approximations,
            **facts,
        )

    def run(self, sql: str) -> None:
        """Run a statement that gives no rows."""
        self.connection.execute(sql)

    def one(self, sql: str) -> tuple[Any, ...]:
        """Return the one row that an aggregate gives."""
        return self.connection.execute(sql).fetchall()[0]

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self.connection.execute(sql).fetchall()


def _text_of(value: Any) -> str:
    """Write a whole number or a truth as DuckDB does."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rank(row: Frequent) -> tuple[Any, ...]:
    """Return what sorts as DuckDB does: the most frequent first, then by value or text."""
    value, text, count, _ = row
    value = text if value is None else value
    is_nan = value != value  # noqa: PLR0124 - only NaN is not what it is; it comes last
    return -count, is_nan, 0 if is_nan else value


def _temporal_rank(row: Frequent) -> tuple[Any, ...]:
    """Return the same of moments, which have numbers unless they are infinite.

    Within a microsecond, the end of any number, their texts are in order.
    """
    _, text, count, number = row
    side = 0 if number is not None else -1 if text.startswith("-") else 1
    return -count, side, number, text


def cut(value: Any) -> Scalar:
    """Return a text as it is shown, None for None."""
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        return value[:_LONGEST_SHOWN] + "…"
    return None if value is None else str(value)


def iso(text: str) -> str:
    """Write DuckDB's text of a date or time stamp as ISO 8601; the year before 1 is 0, then -1.

    >>> iso("2013-01-01 05:00:00+00"), iso("2013-01-01"), iso("0044-03-15 (BC) 01:00:00")
    ('2013-01-01T05:00:00+00:00', '2013-01-01', '-0043-03-15T01:00:00')
    """
    found = _moment_pattern.fullmatch(text)
    if found is None:
        return text  # infinity
    year, day, is_before, time = found.groups()
    if is_before:
        before = int(year) - 1
        year = f"-{before:04d}" if before else "0000"
    if time and _short_zone_pattern.search(time):
        time += ":00"
    return f"{year}{day}T{time}" if time else f"{year}{day}"
