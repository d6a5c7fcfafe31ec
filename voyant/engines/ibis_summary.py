"""What is asked of a warehouse to summarise a table, and with how few passes over it?

One pass counts rows. One groups by every column with few different values, all at once; their
groups are measured here. Columns with many are measured where they are (`ibis_wide`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voyant.core.tables import ColumnSummary, TableSummary
from voyant.engines.ibis_groups import Groups, LocalGroups
from voyant.engines.ibis_statements import Statements
from voyant.engines.ibis_types import Reading

__all__ = ["GROUP_LIMIT", "TableReader", "summarize"]

#: Different values up to which a column's groups are fetched.
GROUP_LIMIT: Final = 100_000
#: Columns grouped in one statement; each takes memory for its groups.
_GROUPED_AT_ONCE: Final = 32
_MOST_GROUPS_FETCHED: Final = 500_000
_PROBE_ROWS: Final = 50_000
_PROBED_AT_ONCE: Final = 500
#: Of so many rows, so many different values make a column one with many of them.
_PROBE_FRACTION: Final = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReader:
    """One table, and everything that is needed to ask about it.

    Attributes:
        statements: Sends statements.
        name: The table's name.
        stored_as: The name of the table in the warehouse that its rows are from.
        table: The table, as Ibis knows it.
        readings: How each column is read, in table order.
        groups: The groups of columns that were fetched; filled by `summarize`.
        local: Where they are kept.
        group_limit: Different values up to which they are.
    """

    statements: Statements
    name: str
    stored_as: str
    table: Any
    readings: Mapping[str, Reading]
    groups: dict[str, Groups]
    local: LocalGroups
    group_limit: int = GROUP_LIMIT

    def ask(
        self,
        question: str,
        sql: str,
        columns: Sequence[tuple[str, str]],
        *,
        is_ordered: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Run a statement over this table's columns.

        Args:
            question: What it is part of.
            sql: Common SQL; reads from `source`.
            columns: For each name in the statement, the column it stands for.
            is_ordered: Whether the rows read must come in the same order each time.
        """
        return self.statements.ask(
            question, sql, is_ordered=is_ordered, source=self.source(columns)
        )

    def source(self, columns: Sequence[tuple[str, str]]) -> Any:
        """Return this table's columns under safe names, for a statement to read."""
        named = [(name, self.readings[column]) for name, column in columns]
        return self.statements.source(self.name, self.table, named)


def summarize(reader: TableReader) -> TableSummary:
    """Measure every column of a table."""
    from voyant.engines.ibis_wide import measure_wide  # noqa: PLC0415 - it needs the reader

    rows, narrow, wide = _sorted_by_width(reader)
    columns: dict[str, ColumnSummary] = {}
    for start in range(0, len(narrow), _GROUPED_AT_ONCE):
        part = narrow[start : start + _GROUPED_AT_ONCE]
        wide += _fetch_groups(reader, part)
    for name, groups in reader.groups.items():
        columns[name] = reader.local.measure(groups, rows)
    if wide:
        columns |= measure_wide(reader, wide, rows)
    return TableSummary(
        name=reader.name, row_count=rows, columns={name: columns[name] for name in reader.readings}
    )


def _sorted_by_width(reader: TableReader) -> tuple[int, list[str], list[str]]:
    """Count the rows; guess which columns have few different values, and which many."""
    names = list(reader.readings)
    estimate = reader.statements.dialect.approximate_distinct
    if estimate and names:
        aliases = [(f"v{i}", name) for i, name in enumerate(names)]
        asked = ", ".join(f"{estimate}({alias})" for alias, _ in aliases)
        ((rows, *found),) = reader.ask("summary", f"SELECT COUNT(*), {asked} FROM source", aliases)
        guesses = {name: float(n) for name, n in zip(names, found, strict=True)}
    else:
        first = [("v0", names[0])] if names else []
        ((rows,),) = reader.ask("summary", "SELECT COUNT(*) FROM source", first)
        guesses = {} if rows <= reader.group_limit else _guesses(reader, names, int(rows))
    wide = [
        name
        for name in names
        if guesses.get(name, 0) > reader.group_limit and _may_be_wide(reader, name)
    ]
    return int(rows), [name for name in names if name not in wide], wide


def _may_be_wide(reader: TableReader, name: str) -> bool:
    return reader.readings[name].crosses_as != "truth"


def _guesses(reader: TableReader, names: Sequence[str], rows: int) -> dict[str, float]:
    """Guess from the database's statistics, and where it has none from the first rows."""
    hints = reader.statements.warehouse.distinct_hints(reader.stored_as)
    guesses = {name: hints[name] for name in names if hints.get(name, 0) > 0}
    unknown = [name for name in names if name not in guesses]
    if not unknown:
        return guesses
    for start in range(0, len(unknown), _PROBED_AT_ONCE):
        part = unknown[start : start + _PROBED_AT_ONCE]
        aliases = [(f"v{i}", name) for i, name in enumerate(part)]
        asked = ", ".join(f"COUNT({alias}), COUNT(DISTINCT {alias})" for alias, _ in aliases)
        first = f"(SELECT * FROM source LIMIT {_PROBE_ROWS}) AS s"
        (found,) = reader.ask("summary", f"SELECT {asked} FROM {first}", aliases)
        for name, count, different in zip(part, found[::2], found[1::2], strict=True):
            guesses[name] = float(rows if different > count * _PROBE_FRACTION else different)
    return guesses


def _fetch_groups(reader: TableReader, names: Sequence[str]) -> list[str]:
    """Fetch the groups of some columns in one pass; return those that have too many."""
    found: dict[str, list[tuple[Any, int]]] | None = None
    if reader.statements.dialect.has_grouping_sets and len(names) > 1:
        found = _group_together(reader, names)
    if found is None:
        found = {name: _group_alone(reader, name) for name in names}
    too_many: list[str] = []
    for name in names:
        groups = found.pop(name)
        # One more than the limit: the nulls.
        if len(groups) > reader.group_limit + 1 and _may_be_wide(reader, name):
            too_many.append(name)
        else:
            reader.groups[name] = reader.local.load(reader.readings[name], groups)
    return too_many


def _group_alone(reader: TableReader, name: str) -> list[tuple[Any, int]]:
    rows = reader.ask(
        "summary",
        f"SELECT v, COUNT(*) FROM source GROUP BY v LIMIT {max(reader.group_limit + 2, 3)}",
        [("v", name)],
    )
    return [(value, int(count)) for value, count in rows]


def _group_together(
    reader: TableReader, names: Sequence[str]
) -> dict[str, list[tuple[Any, int]]] | None:
    """Group by each column in one pass; None if the groups are too many to be fetched.

    A row holds the column's number, the value in the place of its class, and the count.
    """
    classes: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        classes.setdefault(_class_of(reader.readings[name]), []).append(i)
    values = ", ".join(
        (f"COALESCE({', '.join(f'v{i}' for i in members)})" if members[1:] else f"v{members[0]}")
        + f" AS value{place}"
        for place, members in enumerate(classes.values())
    )
    numbered = " ".join(f"WHEN GROUPING(v{i}) = 0 THEN {i}" for i in range(len(names)))
    sets = ", ".join(f"(v{i})" for i in range(len(names)))
    rows = reader.ask(
        "summary",
        # Around it because sqlglot reads no LIMIT after grouping sets.
        f"SELECT * FROM (SELECT CASE {numbered} END AS place, COUNT(*) AS c, {values} FROM source "
        f"GROUP BY GROUPING SETS ({sets})) AS g LIMIT {_MOST_GROUPS_FETCHED + 1}",
        [(f"v{i}", name) for i, name in enumerate(names)],
    )
    if len(rows) > _MOST_GROUPS_FETCHED:
        return None
    places = {i: 2 + at for at, members in enumerate(classes.values()) for i in members}
    found: dict[str, list[tuple[Any, int]]] = {name: [] for name in names}
    for row in rows:
        number = int(row[0])
        found[names[number]].append((row[places[number]], int(row[1])))
    return found


def _class_of(reading: Reading) -> str:
    """Return which columns' values can stand in one column of a result, as they are."""
    return str(reading.dtype) if reading.crosses_as == "decimal" else reading.crosses_as
