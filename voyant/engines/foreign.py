"""How do workbooks and SQLite files, which DuckDB's wheel cannot open offline, become Arrow tables?"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from voyant.core.errors import SourceError

if TYPE_CHECKING:
    from arro3.core import DataType, Table

__all__ = ["excel_tables", "sqlite_tables"]

_CHUNK_ROWS: Final = 50_000


def excel_tables(path: Path) -> Iterator[tuple[str, Table]]:
    """Yield each non-empty sheet of a workbook: the first row names the columns.

    A column takes the narrowest type that holds all its cells: boolean, whole number, number, date,
    time stamp, else text.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        for sheet in workbook.sheet_names:
            rows = workbook.get_sheet_by_name(sheet).to_python()
            if rows:
                yield sheet, _sheet_table(rows)
    except CalamineError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read as a workbook: {error}.",
            remedy="Check that it opens in a spreadsheet program and has no password.",
        ) from error


def _sheet_table(rows: Sequence[Sequence[Any]]) -> Table:
    names = _unique_names([str(cell).strip() for cell in rows[0]])
    columns = [[_cell(row[i]) if i < len(row) else None for row in rows[1:]] for i in range(len(names))]
    return _table(names, [(values, _narrowest(values)) for values in columns])


def _cell(value: Any) -> Any:
    """Read a cell: an empty one is missing; a spreadsheet's whole number arrives as a float."""
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _unique_names(names: Sequence[str]) -> list[str]:
    """Name every column, none twice: empty ones by position, repeated ones with a number."""
    seen: dict[str, int] = {}
    unique: list[str] = []
    for position, given in enumerate(names):
        name = given or f"column{position}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _narrowest(values: Sequence[Any]) -> DataType:
    from arro3.core import DataType

    types = {type(value) for value in values if value is not None}
    if types == {bool}:
        return DataType.bool()
    if types == {int}:
        return DataType.int64()
    if types and types <= {int, float}:
        return DataType.float64()
    if types == {dt.date}:
        return DataType.date32()
    if types and types <= {dt.date, dt.datetime}:
        return DataType.timestamp("us")
    return DataType.string()


def _table(names: Sequence[str], columns: Sequence[tuple[Sequence[Any], DataType]]) -> Table:
    from arro3.core import Array, Table

    return Table.from_arrays(
        [Array([_coerced(value, type_) for value in values], type=type_) for values, type_ in columns],
        names=list(names),
    )


def _coerced(value: Any, type_: DataType) -> Any:
    """Turn a value into what Arrow wants for a column's type."""
    from arro3.core import DataType

    if value is None:
        return None
    if DataType.is_string(type_):
        return value if isinstance(value, str) else str(value)
    if DataType.is_floating(type_):
        return float(value)
    if DataType.is_timestamp(type_):
        moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
        return int((moment - dt.datetime(1970, 1, 1)) / dt.timedelta(microseconds=1))
    if DataType.is_date(type_):
        return (value - dt.date(1970, 1, 1)).days
    return value


def sqlite_tables(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield each table and view of a SQLite file as a stream of Arrow batches.

    SQLite types values, not columns: a column takes the type that all its values share, and is text
    when they differ, so nothing is lost.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
        ).fetchall()
        for (name,) in found:
            yield name, _sqlite_stream(connection, name)
    except sqlite3.Error as error:
        raise SourceError(
            f"{str(path)!r} cannot be read as a SQLite file: {error}.",
            remedy="Check it with `PRAGMA integrity_check`.",
        ) from error
    finally:
        connection.close()


def _sqlite_stream(connection: sqlite3.Connection, table: str) -> Any:
    from arro3.core import RecordBatchReader, Schema

    quoted = '"' + table.replace('"', '""') + '"'
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({quoted})")]
    types = [_sqlite_type(connection, quoted, name) for name in names]
    cursor = connection.execute(f"SELECT * FROM {quoted}")
    batches = []
    while rows := cursor.fetchmany(_CHUNK_ROWS):
        columns = [(column, types[i]) for i, column in enumerate(zip(*rows, strict=True))]
        batches.extend(_table(names, columns).to_batches())
    if not batches:
        batches = _table(names, [((), type_) for type_ in types]).to_batches()
    return _table_of(batches, names, types)


def _table_of(batches: list[Any], names: Sequence[str], types: Sequence[DataType]) -> Any:
    from arro3.core import Table

    if batches:
        return Table.from_batches(batches)
    return _table(names, [((), type_) for type_ in types])


def _sqlite_type(connection: sqlite3.Connection, table: str, column: str) -> DataType:
    from arro3.core import DataType

    quoted = '"' + column.replace('"', '""') + '"'
    found = {
        row[0]
        for row in connection.execute(
            f"SELECT DISTINCT typeof({quoted}) FROM {table} WHERE {quoted} IS NOT NULL"
        )
    }
    if found == {"integer"}:
        return DataType.int64()
    if found and found <= {"integer", "real"}:
        return DataType.float64()
    if found == {"blob"}:
        return DataType.binary()
    return DataType.string()
