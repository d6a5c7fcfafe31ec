"""How does DuckDB show only a table's selected rows?

A condition and a window become a view over the whole table. A sample is taken once, into a file of
the scratch folder, and read from there: the rows whose hash is smallest, or below a bound. A row's
hash is that of its values, so the sample does not depend on the order of rows, on how many files
they lie in, or on threads; equal rows are taken together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from voyant.core.errors import SourceError, UnknownTableError
from voyant.core.selection import Sample, TableSelection
from voyant.core.tables import Column
from voyant.engines.duckdb_types import described_columns, is_told_by_text
from voyant.engines.guard import check_condition
from voyant.engines.ingest import first_line, quote_name
from voyant.engines.recipe import ConnectionRecipe, open_connection, quote_literal

if TYPE_CHECKING:
    import duckdb

__all__ = ["FILTERED", "WHOLE", "select_rows"]

#: Before the name of a table of which only some rows are shown.
WHOLE: Final = "voyant_whole_"
#: Before the name of the rows that a sample is taken of.
FILTERED: Final = "voyant_filtered_"
_SAMPLES: Final = "voyant_samples"
_TIMES: Final = ("DATE", "TIMESTAMP")
_SEED_MIX: Final = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: neighbouring seeds differ


def select_rows(
    recipe: ConnectionRecipe,
    selections: Mapping[str, TableSelection],
    scratch: Path,
    **options: Any,
) -> tuple[ConnectionRecipe, ConnectionRecipe]:
    """Return how to open the selected rows: for generators, and for users' queries.

    Args:
        recipe: Shows each selected table under its name with `WHOLE` before it.
        selections: By table.
        scratch: Folder for samples.
        **options: Of `open_connection`, for the taking of samples.

    Returns:
        Two recipes, which differ where a sample was taken: users' queries see all rows that fulfil
        the condition and the window, because a sum over a sample would be no sum.

    Raises:
        UnknownTableError: A selection of a table that is not there.
        UnsafeQueryError: A condition that is not allowed.
        SourceError: A condition or window that does not fit the table.
    """
    for table in selections:
        if table not in recipe.tables:
            raise UnknownTableError(table, recipe.tables)
    if not selections:
        return recipe, recipe
    views = list(recipe.statements)
    queried = list(recipe.statements)
    connection = open_connection(recipe, **options)
    samples = scratch / f"{_SAMPLES}.duckdb"
    has_samples = any(selection.sample for selection in selections.values())
    try:
        if has_samples:
            connection.execute(f"ATTACH {quote_literal(str(samples))} AS {_SAMPLES}")
            views.insert(0, f"ATTACH {quote_literal(str(samples))} AS {_SAMPLES} (READ_ONLY)")
        for place, (table, selection) in enumerate(selections.items()):
            rows = _rows(connection, table, selection)
            if selection.sample is None:
                _run(connection, table, f"CREATE TEMP VIEW {quote_name(table)} AS {rows}")
                views.append(f"CREATE TEMP VIEW {quote_name(table)} AS {rows}")
            else:
                _run(
                    connection, table, f"CREATE TEMP VIEW {quote_name(FILTERED + table)} AS {rows}"
                )
                taken = f"{_SAMPLES}.main.t{place}"
                _run(
                    connection,
                    table,
                    f"CREATE TABLE {taken} AS {_sampled(connection, table, selection.sample)}",
                )
                views.append(f"CREATE TEMP VIEW {quote_name(table)} AS SELECT * FROM {taken}")
            queried.append(f"CREATE TEMP VIEW {quote_name(table)} AS {rows}")
    finally:
        connection.close()
    return (
        replace(
            recipe,
            statements=tuple(views),
            allowed_paths=(*recipe.allowed_paths, *([str(samples)] if has_samples else [])),
        ),
        replace(recipe, statements=tuple(queried)),
    )


def _rows(connection: duckdb.DuckDBPyConnection, table: str, selection: TableSelection) -> str:
    """Return the select of the rows that fulfil condition and window."""
    conditions: list[str] = []
    if selection.where:
        check_condition(selection.where, connection=connection)
        conditions.append(f"({selection.where}\n)")
    if selection.since is not None and selection.until is not None:
        column = _time_column(connection, table, selection.time_column)
        name = quote_name(column.name)
        zone = "" if "TIME ZONE" in column.type else "::TIMESTAMP"
        since, until = (
            f"{quote_literal(moment.isoformat())}::TIMESTAMPTZ{zone}"
            for moment in (selection.since, selection.until)
        )
        conditions.append(f"{name} > {since} AND {name} <= {until}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT * FROM {quote_name(WHOLE + table)}{where}"


def _time_column(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> Column:
    columns = {column.name: column for column in _columns(connection, WHOLE + table)}
    if name not in columns:
        raise SourceError(
            f"The table {table!r} has no column {name!r} to select a span of time by.",
            remedy=f"It has {', '.join(map(repr, columns))}.",
        )
    if not columns[name].type.startswith(_TIMES):
        raise SourceError(
            f"The column {name!r} of {table!r} is {columns[name].type}, no date or timestamp.",
            remedy="Use where for it, with a cast.",
        )
    return columns[name]


def _sampled(connection: duckdb.DuckDBPyConnection, table: str, sample: Sample) -> str:
    """Return the select of a sample of the filtered rows."""
    columns = _columns(connection, FILTERED + table)
    values = ", ".join(
        f"{quote_name(column.name)}::VARCHAR"
        if is_told_by_text(column)
        else quote_name(column.name)
        for column in columns
    )
    mixed = sample.seed * _SEED_MIX % 2**64
    # Once more after the seed is in: on its own, xor would only turn the order of blocks around.
    hashed = f"hash(xor(hash({values}), {mixed}::UBIGINT))"
    source = quote_name(FILTERED + table)
    if sample.rows is not None:
        return f"SELECT * FROM {source} ORDER BY {hashed} LIMIT {sample.rows}"
    bound = int((sample.fraction or 0.0) * 2**64)
    return f"SELECT * FROM {source} WHERE {hashed} < {bound}::UBIGINT ORDER BY {hashed}"


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[Column, ...]:
    return described_columns(connection.execute(f"DESCRIBE {quote_name(table)}").fetchall())


def _run(connection: duckdb.DuckDBPyConnection, table: str, statement: str) -> None:
    import duckdb  # noqa: PLC0415 - whoever gave the connection has loaded it

    try:
        connection.execute(statement)
    except duckdb.Error as error:
        raise SourceError(
            f"The selection of {table!r} cannot be used: {first_line(error)}.",
            remedy="Check [select] in the settings, --where and --sample.",
        ) from error
