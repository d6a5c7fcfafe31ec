"""How do workbooks, SQLite and Arrow files, which DuckDB cannot open, become Arrow tables?"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# The readers' own stubs leave buffers and paths half typed.

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from voyant.core.errors import SourceError

if TYPE_CHECKING:
    from arro3.core import Array, DataType, Table

__all__ = ["arrow_batches", "excel_tables", "sqlite_tables"]

_CHUNK_ROWS: Final = 50_000
_LARGEST_WHOLE_FLOAT: Final = 2**53
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a spreadsheet's time stamps have no zone
# SQLite allows 2,000 result columns.
_COLUMNS_A_STATEMENT: Final = 400
_STORAGE_CLASSES: Final = ("integer", "real", "text", "blob")


def arrow_batches(path: Path) -> Iterator[object]:
    """Yield an Arrow file's record batches, of the file format (Feather) or the stream format.

    Half-precision floats, which DuckDB does not have, become single-precision ones.
    """
    from arro3.core import Table  # noqa: PLC0415 - only Arrow files need it
    from arro3.io import read_ipc, read_ipc_stream  # noqa: PLC0415

    with path.open("rb") as file:
        is_file_format = file.read(6) == b"ARROW1"
    try:
        reader = read_ipc(path) if is_file_format else read_ipc_stream(path)
        yield _single_precision(Table.from_batches([], schema=reader.schema))
        for batch in reader:
            yield _single_precision(Table.from_batches([batch]))
    except Exception as error:  # arro3 raises nothing more precise
        if type(error) is not Exception:
            raise
        raise SourceError(
            f"{str(path)!r} cannot be read as an Arrow file: {error}.",
            remedy="Check that it is whole, and in Arrow's file (Feather 2) or stream format.",
        ) from error


def _single_precision(table: Table) -> Table:
    from arro3.core import DataType, Table  # noqa: PLC0415

    columns = [table.column(i) for i in range(table.num_columns)]
    if not any(DataType.is_float16(column.type) for column in columns):
        return table
    return Table.from_arrays(
        [
            column.cast(DataType.float32()) if DataType.is_float16(column.type) else column
            for column in columns
        ],
        names=table.column_names,
    )


def excel_tables(path: Path) -> Iterator[tuple[str, list[Table]]]:
    """Yield each sheet of a workbook that holds something: its first row names the columns.

    A column takes the narrowest type that holds all its cells: boolean, whole number, number, date,
    time stamp, else text.
    """
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - only workbooks need it

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        for sheet in workbook.sheet_names:
            rows: list[list[Any]] = workbook.get_sheet_by_name(sheet).to_python()
            if rows:
                yield sheet, [_sheet_table(rows)]
    except CalamineError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read as a workbook: {error}.",
            remedy="Check that it opens in a spreadsheet program and has no password.",
        ) from error


def _sheet_table(rows: Sequence[Sequence[Any]]) -> Table:
    width = max(len(row) for row in rows)
    heading = [str(cell).strip() for cell in rows[0]]
    names = _unique_names([*heading, *[""] * (width - len(heading))])
    columns = [[_cell(row[i]) if i < len(row) else None for row in rows[1:]] for i in range(width)]
    return _table(names, [_array(values, _narrowest(values)) for values in columns])


def _cell(value: Any) -> Any:
    """Read a cell: an empty one is missing; a spreadsheet's whole number arrives as a float."""
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE_FLOAT:
        return int(value)
    return value


def _unique_names(names: Sequence[str]) -> list[str]:
    """Name every column, none twice (in any case): by position if empty, with a number if repeated.

    >>> _unique_names(["a", "", "A", "a_2"])
    ['a', 'column1', 'A_2', 'a_2_2']
    """
    unique: list[str] = []
    taken: set[str] = set()
    for position, given in enumerate(names):
        name = given or f"column{position}"
        number = 2
        candidate = name
        while candidate.lower() in taken:
            candidate = f"{name}_{number}"
            number += 1
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique


def _narrowest(values: Sequence[Any]) -> DataType:
    from arro3.core import DataType  # noqa: PLC0415

    types: set[type] = {type(value) for value in values if value is not None}
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


def _table(names: Sequence[str], columns: Sequence[Array]) -> Table:
    from arro3.core import Table  # noqa: PLC0415

    return Table.from_arrays(columns, names=list(names))


def _array(values: Sequence[Any], type_: DataType) -> Array:
    """Make a column; Arrow's dates and time stamps are counts of days and microseconds."""
    from arro3.core import Array, DataType  # noqa: PLC0415

    if DataType.is_timestamp(type_):
        return Array([_microseconds(v) for v in values], type=DataType.int64()).cast(type_)
    if DataType.is_date(type_):
        days = [None if v is None else (v - _EPOCH.date()).days for v in values]
        return Array(days, type=DataType.int32()).cast(type_)
    if DataType.is_floating(type_):
        return Array([None if v is None else float(v) for v in values], type=type_)
    if DataType.is_string(type_):
        return Array([None if v is None else _text(v) for v in values], type=type_)
    return Array(list(values), type=type_)


def _microseconds(value: dt.date | None) -> int | None:
    if value is None:
        return None
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - as above
    return (value - _EPOCH) // dt.timedelta(microseconds=1)


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def sqlite_tables(path: Path) -> Iterator[tuple[str, Iterator[Table]]]:
    """Yield each table and view of a SQLite file, in chunks of rows; the file is opened read-only.

    SQLite types values, not columns: a column takes the type that all its values share (numbers if
    some are whole and some are not), text when they differ, blobs then in hexadecimal, and what was
    declared when it holds none.
    """
    with _reading(path) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            r"AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid"
        ).fetchall()
    for (name,) in found:
        yield name, _sqlite_chunks(path, '"' + name.replace('"', '""') + '"')


@contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection]:
    """Open a SQLite file read-only; its errors become ours."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = _decoded
            yield connection
    except sqlite3.Error as error:
        raise SourceError(
            f"{str(path)!r} cannot be read as a SQLite file: {error}.",
            remedy="Check it with `PRAGMA integrity_check`.",
        ) from error


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _sqlite_chunks(path: Path, table: str) -> Iterator[Table]:
    with _reading(path) as connection:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        types = _sqlite_types(connection, table, names)
        unique = _unique_names(names)
        yield _table(unique, [_array((), type_) for type_ in types])
        while rows := cursor.fetchmany(_CHUNK_ROWS):
            columns = zip(*rows, strict=True)
            yield _table(unique, [_array(c, t) for c, t in zip(columns, types, strict=True)])


def _sqlite_types(
    connection: sqlite3.Connection, table: str, names: Sequence[str]
) -> list[DataType]:
    """Find the types that occur in each column: one scan for 400 columns."""
    declared = {
        row[1]: str(row[2]).upper() for row in connection.execute(f"PRAGMA table_xinfo({table})")
    }
    types: list[DataType] = []
    for start in range(0, len(names), _COLUMNS_A_STATEMENT):
        part = names[start : start + _COLUMNS_A_STATEMENT]
        asked = ", ".join(
            f"max(typeof({quoted}) = '{storage}')"
            for quoted in ('"' + name.replace('"', '""') + '"' for name in part)
            for storage in _STORAGE_CLASSES
        )
        flags = connection.execute(f"SELECT {asked} FROM {table}").fetchone()
        for i, name in enumerate(part):
            four = flags[4 * i : 4 * i + 4]
            occur = {s for s, flag in zip(_STORAGE_CLASSES, four, strict=True) if flag}
            types.append(_sqlite_type(occur, declared.get(name, "")))
    return types


def _sqlite_type(occurring: set[str], declared: str) -> DataType:
    """Choose a type by what occurs, by SQLite's own rules of affinity where nothing does.

    Source: SQLite documentation, "Datatypes In SQLite", section 3.1.
    """
    from arro3.core import DataType  # noqa: PLC0415

    if not occurring:
        if "INT" in declared:
            return DataType.int64()
        if any(word in declared for word in ("REAL", "FLOA", "DOUB")):
            return DataType.float64()
        return DataType.binary() if "BLOB" in declared else DataType.string()
    if occurring == {"integer"}:
        return DataType.int64()
    if occurring <= {"integer", "real"}:
        return DataType.float64()
    return DataType.binary() if occurring == {"blob"} else DataType.string()
