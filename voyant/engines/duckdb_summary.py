"""What does DuckDB measure of one column, and with how few passes over the table?

One `GROUP BY value` reads the column once and leaves a small table of values and counts, from which
everything else is computed exactly: distinct count, top values, quantiles, moments, histogram, text
lengths. It beats DuckDB's own approximate functions, which `SUMMARIZE` uses, several times over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from voyant.core.tables import Approximation, Column, ColumnKind, ColumnSummary
from voyant.engines.duckdb_column import Measuring
from voyant.engines.duckdb_numbers import measure_numbers
from voyant.engines.duckdb_text import is_wide, measure_values, measure_wide
from voyant.engines.duckdb_types import number_line
from voyant.engines.ingest import first_line

if TYPE_CHECKING:
    import duckdb

__all__ = ["WIDE_TEXT_ROWS", "measure_column"]

#: Up to so many rows even all-different text is grouped by value; above, the first rows decide.
WIDE_TEXT_ROWS: Final = 500_000


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
    import duckdb  # noqa: PLC0415 - its errors; whoever gave the connection has loaded it

    measuring = Measuring(connection, table, column, row_count)
    try:
        return _measure(measuring, wide_text_rows)
    except (duckdb.InterruptException, duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        return _only_counts(measuring, error)
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {measuring.groups}")


def _measure(measuring: Measuring, wide_text_rows: int) -> ColumnSummary:
    line = number_line(measuring.column.type)
    is_text = line is None and measuring.column.kind is not ColumnKind.BOOLEAN
    if is_text and measuring.row_count > wide_text_rows and is_wide(measuring):
        return measure_wide(measuring)
    measuring.group()
    return measure_values(measuring) if line is None else measure_numbers(measuring, line)


def _only_counts(measuring: Measuring, error: Exception) -> ColumnSummary:
    (count,) = measuring.one(f"SELECT count({measuring.name}) FROM {measuring.table}")
    measuring.approximations.clear()
    measuring.approximations["distinct_count"] = Approximation(
        method=f"only counted, since DuckDB cannot measure this column: {first_line(error)}"
    )
    return measuring.summary(count=count, distinct_count=None)
