"""What does DuckDB measure of one column, and with how few passes over the table?

One `GROUP BY value` reads the column once and leaves a small table of values and counts, from which
everything else is computed exactly: distinct count, top values, quantiles, moments, histogram, text
lengths. It beats DuckDB's own approximate functions, which `SUMMARIZE` uses, several times over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from voyant.core.tables import Approximation, Column, ColumnKind, ColumnSummary
from voyant.engines.duckdb_column import Kept, Measuring
from voyant.engines.duckdb_numbers import measure_numbers
from voyant.engines.duckdb_text import is_wide, measure_values, measure_wide
from voyant.engines.duckdb_types import number_line
from voyant.engines.ingest import first_line
from voyant.engines.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb

__all__ = ["WIDE_TEXT_ROWS", "measure_column", "measure_columns"]

#: Up to so many rows even all-different text is grouped by value; above, the first rows decide.
WIDE_TEXT_ROWS: Final = 500_000
#: So many different values, of so many characters, are kept for later questions.
_KEPT_VALUES: Final = 5_000
_KEPT_LENGTH: Final = 200


def measure_columns(
    connections: Sequence[duckdb.DuckDBPyConnection],
    table: str,
    columns: Sequence[Column],
    row_count: int,
    *,
    wide_text_rows: int = WIDE_TEXT_ROWS,
    kept: dict[tuple[str, str], Kept] | None = None,
    progressed: Callable[[str], None] | None = None,
) -> dict[str, ColumnSummary]:
    """Measure columns, as many at a time as there are connections.

    Args:
        connections: To the same database, each with the table in sight.
        table: The table's name, as it is.
        columns: Its columns.
        row_count: Its rows.
        wide_text_rows: Rows above which text may be grouped by hash.
        kept: Takes, by table and column, what is left where values are few; a later question need
            not read the table again.
        progressed: Told which column is next, by the thread that asks for the columns.
    """
    found: dict[str, ColumnSummary] = {}

    def measure(worker: int, place_and_column: tuple[int, Column]) -> None:
        place, column = place_and_column
        if progressed is not None and worker == 0:
            progressed(f"column {place} of {len(columns)}, {column.name}")
        measuring = Measuring(connections[worker], table, column, row_count)
        found[column.name] = _measure_column(measuring, wide_text_rows, kept)

    side_by_side(enumerate(columns, 1), len(connections), measure)
    return {column.name: found[column.name] for column in columns}


def measure_column(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: Column,
    row_count: int,
    *,
    wide_text_rows: int = WIDE_TEXT_ROWS,
) -> ColumnSummary:
    """Measure one column; where DuckDB cannot, count its values and say why there is no more.

    Args:
        connection: Its in-memory database may hold tables `voyant_...`, which are replaced.
        table: The table's name, as it is.
        column: One of its columns.
        row_count: The table's rows.
        wide_text_rows: Rows above which text may be grouped by hash.
    """
    return _measure_column(Measuring(connection, table, column, row_count), wide_text_rows, None)


def _measure_column(
    measuring: Measuring, wide_text_rows: int, kept: dict[tuple[str, str], Kept] | None
) -> ColumnSummary:
    import duckdb  # noqa: PLC0415 - its errors; whoever gave the connection has loaded it

    is_kept = False
    try:
        summary = _measure(measuring, wide_text_rows)
        if kept is not None and measuring.is_grouped and _is_worth_keeping(summary):
            kept[measuring.table_name, summary.name] = Kept(measuring.groups, measuring.numbers)
            is_kept = True
    except (duckdb.InterruptException, duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        return _only_counts(measuring, error)
    else:
        return summary
    finally:
        if not is_kept:
            measuring.run(f"DROP TABLE IF EXISTS {measuring.groups}")


def _measure(measuring: Measuring, wide_text_rows: int) -> ColumnSummary:
    line = number_line(measuring.column.type)
    is_text = line is None and measuring.column.kind is not ColumnKind.BOOLEAN
    if is_text and measuring.row_count > wide_text_rows and is_wide(measuring):
        return measure_wide(measuring)
    measuring.group()
    return measure_values(measuring) if line is None else measure_numbers(measuring, line)


def _is_worth_keeping(summary: ColumnSummary) -> bool:
    """Whether the groups are the column's own values, few and short."""
    longest = 0 if summary.text is None else summary.text.max_length or 0
    return (
        not summary.approximations.keys() & {"distinct_count", "top_values"}
        and not summary.kind.is_nested
        and (summary.distinct_count or 0) <= _KEPT_VALUES
        and longest <= _KEPT_LENGTH
    )


def _only_counts(measuring: Measuring, error: Exception) -> ColumnSummary:
    (count,) = measuring.one(f"SELECT count({measuring.name}) FROM {measuring.table}")
    measuring.approximations.clear()
    measuring.approximations["distinct_count"] = Approximation(
        method=f"only counted, since DuckDB cannot measure this column: {first_line(error)}"
    )
    return measuring.summary(count=count, distinct_count=None)
