"""How does a warehouse show only a table's selected rows?

A condition and a window become a SELECT over the table, which stands in every statement in the
table's place, and in users' queries too. A sample is a bound on the rows' fingerprints: a row's is
that of its values and the seed, so the sample does not depend on the order of rows or on workers;
equal rows are taken together. Nothing is written, so each statement finds the sample again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import ibis.expr.datatypes as dt
from ibis.backends.sql import compilers
from ibis.expr.operations import SQLQueryResult
from sqlglot import exp

from voyant.core.errors import EngineError, SourceError, UnsafeQueryError
from voyant.core.selection import Sample, TableSelection
from voyant.core.tables import ColumnKind
from voyant.engines.dialects.check import checked_sql
from voyant.engines.dialects.conditions import checked_condition, path_of
from voyant.engines.dialects.tables import JobTable
from voyant.engines.dialects.writing import write
from voyant.engines.ibis_dialects import Dialect
from voyant.engines.ibis_statements import Source, Statements
from voyant.engines.ibis_types import Reading, fingerprint, ibis

__all__ = [
    "SampleBound",
    "bound_of",
    "check_understood",
    "sampled",
    "selected_rows",
    "selected_sql",
    "told",
]

_LOWEST: Final = -(2**63)
_REMEDY: Final = "Check [select] in the settings, --where and --sample."
_query: Final[Any] = SQLQueryResult
_timestamp: Final[Any] = dt.Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBound:
    """Which fingerprints are in a sample.

    Attributes:
        highest: Up to and including this one; None for all of them.
        rows: So many rows of those; None for all, which is so many unless the last of them has
            equals.
    """

    highest: int | None
    rows: int | None = None


def told(selection: TableSelection, dialect: Dialect) -> TableSelection:
    """Return a selection that says by which of the warehouse's functions its sample is taken."""
    sample = selection.sample
    if sample is None:
        return selection
    return replace(
        selection, sample=replace(sample, method=f"{sample.method} by {dialect.fingerprint}")
    )


def selected_sql(
    name: str,
    selection: TableSelection,
    table: JobTable,
    readings: Mapping[str, Reading],
    dialect: Dialect,
) -> str:
    """Return the SELECT of the rows that fulfil condition and window; empty for all of them.

    Raises:
        UnsafeQueryError: A condition that is not allowed.
        SourceError: A window that does not fit the table.
    """
    conditions: list[exp.Expr] = []
    if selection.where:
        conditions.append(checked_condition(selection.where, dialect=dialect.name, table=table))
    if selection.since is not None and selection.until is not None:
        reading = _time_column(name, selection.time_column, readings)
        column = exp.column(exp.Identifier(this=selection.time_column, quoted=True))
        conditions.append(
            exp.GT(this=column, expression=_moment(selection.since, reading, dialect))
        )
        conditions.append(
            exp.LTE(this=column.copy(), expression=_moment(selection.until, reading, dialect))
        )
    if not conditions:
        return ""
    columns = [exp.column(exp.Identifier(this=column, quoted=True)) for column in readings]
    rows = exp.select(*columns).from_(path_of(table)).where(*conditions)
    return checked_sql(
        write(rows, dialect=dialect.name), dialect=dialect.name, tables=[replace(table, rows="")]
    )


def _time_column(table: str, name: str, readings: Mapping[str, Reading]) -> Reading:
    if name not in readings:
        raise SourceError(
            f"The table {table!r} has no column {name!r} to select a span of time by.",
            remedy=f"It has {', '.join(map(repr, readings))}.",
        )
    column = readings[name].column
    if column.kind not in {ColumnKind.DATE, ColumnKind.TIMESTAMP}:
        raise SourceError(
            f"The column {name!r} of {table!r} is {column.type}, no date or timestamp.",
            remedy="Use where for it, with a cast.",
        )
    return readings[name]


def _moment(moment: datetime, reading: Reading, dialect: Dialect) -> exp.Expr:
    """Return a moment, which is in UTC, as a value of a column's type: an index can be used.

    A date counts as its midnight, so that the moment's own date divides the dates as it does.
    """
    if reading.column.kind is ColumnKind.DATE:
        text, dtype = moment.date().isoformat(), dt.date
    else:
        zone = getattr(reading.dtype, "timezone", None)
        text = (moment if zone else moment.replace(tzinfo=None)).isoformat(sep=" ")
        dtype = _timestamp(timezone=zone)
    mapper: Any = getattr(compilers, _backend(dialect)).compiler.type_mapper
    return exp.cast(exp.Literal.string(text), mapper.from_ibis(dtype))


def _backend(dialect: Dialect) -> str:
    return "pyspark" if dialect.name == "spark" else dialect.name


def selected_rows(sql: str, table: Any) -> Any:
    """Return the rows of what `selected_sql` returned as an Ibis expression."""
    return _query(query=sql, schema=table.schema(), source=None).to_expr() if sql else table


def check_understood(name: str, sql: str, table: Any, statements: Statements) -> None:
    """Ask the warehouse for no rows of a selection.

    Raises:
        SourceError: It cannot use the condition.
        UnsafeQueryError: Ibis would send another text than the one that was checked.
    """
    if not sql:
        return
    rows, dialect = selected_rows(sql, table), statements.dialect
    source = Source(name, rows.select(v=rows[rows.columns[0]]))
    if sql not in source.tree(dialect).sql(dialect.name):
        raise UnsafeQueryError(
            f"The selection of {name!r} reads differently once it stands in a statement.",
            remedy="Write it more plainly.",
        )
    try:
        statements.ask("selection", "SELECT v FROM source LIMIT 0", source=source)
    except EngineError as error:
        raise SourceError(
            f"The selection of {name!r} cannot be used: {error.what}", remedy=_REMEDY
        ) from None


def bound_of(
    name: str, sample: Sample, rows: Any, readings: Mapping[str, Reading], statements: Statements
) -> SampleBound:
    """Return which fingerprints are in a sample: one pass for a number of rows, else none."""
    if sample.rows is None:
        return SampleBound(highest=_LOWEST + int((sample.fraction or 0.0) * 2**64) - 1)
    hashes = rows.select(h=fingerprint(rows, list(readings.values()), sample.seed))
    found = statements.ask(
        "sample",
        f"SELECT h FROM source ORDER BY h LIMIT 2 OFFSET {sample.rows - 1}",
        source=Source(name, hashes),
    )
    match [int(row[0]) for row in found]:
        case [last, following]:
            return SampleBound(highest=last, rows=sample.rows if last == following else None)
        case _:
            return SampleBound(highest=None)


def sampled(rows: Any, sample: Sample, bound: SampleBound, readings: Mapping[str, Reading]) -> Any:
    """Return the rows of a sample as an Ibis expression."""
    if bound.highest is None:
        return rows
    hashed = fingerprint(rows, list(readings.values()), sample.seed)
    found = rows.filter(hashed <= ibis.literal(bound.highest, type="int64"))
    return found if bound.rows is None else found.order_by(hashed).limit(bound.rows)
