"""How is delimited text parsed when its first rows mislead, and what is wrong when it cannot be?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voyant.core.errors import SourceError
from voyant.engines.ingest import NO_SPACE_REMEDY, first_line, is_disk_full
from voyant.engines.recipe import quote_literal

if TYPE_CHECKING:
    import duckdb

__all__ = ["csv_problem", "csv_selects", "list_files"]

_DELIMITERS = ",;\t|"
_line_pattern = re.compile(r"CSV Error on Line: (\d+)")
_width_pattern = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def list_files(files: Sequence[Path]) -> str:
    """Return a SQL list of paths.

    >>> print(list_files([Path("a.csv"), Path("it's.csv")]))
    ['a.csv', 'it''s.csv']
    """
    return "[" + ", ".join(quote_literal(str(file)) for file in files) + "]"


def csv_selects(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> tuple[str, ...]:
    """Return the ways to read delimited text, to be tried in order.

    DuckDB guesses types from the first 20,000 rows; where a later value does not fit, all rows are
    read for the guess. Rows that end early are filled up with nulls, as most programs read them,
    which DuckDB does not try by itself: it takes such a file for a single column instead.
    """
    options = ", union_by_name = true" if len(files) > 1 else ""
    with files[0].open("rb") as file:
        if file.read(2) in _UTF16_MARKS:
            options += ", encoding = 'utf-16'"
    listed = list_files(files)
    if _is_read_as_one_column(connection, f"read_csv({listed}{options})"):
        options += ", null_padding = true"
    return (
        f"SELECT * FROM read_csv({listed}{options})",
        f"SELECT * FROM read_csv({listed}{options}, sample_size = -1)",
    )


def _is_read_as_one_column(connection: duckdb.DuckDBPyConnection, function: str) -> bool:
    """Say whether the guess was one column although its heading holds a delimiter, unquoted."""
    import duckdb  # noqa: PLC0415 - it costs 150 ms

    try:
        columns = connection.execute(f"DESCRIBE SELECT * FROM {function}").fetchall()
    except duckdb.Error:
        return False  # reading it will say what is wrong
    return len(columns) == 1 and any(mark in columns[0][0] for mark in _DELIMITERS)


def csv_problem(error: duckdb.Error, origin: str) -> SourceError:
    """Say in one sentence why delimited text cannot be read; DuckDB says it in forty lines."""
    text = str(error)
    line = _line_pattern.search(text)
    where = f" at line {line[1]}" if line else ""
    width = _width_pattern.search(text)
    if is_disk_full(error):
        what, remedy = f"cannot be parsed: {first_line(error)}", NO_SPACE_REMEDY
    elif "not utf-8" in text or "unicode" in text:
        what, remedy = (
            f"holds text that is not UTF-8{where}",
            "Save it as UTF-8, for instance: iconv -f LATIN1 -t UTF-8 old.csv > new.csv.",
        )
    elif width:
        what, remedy = (
            f"has {width[2]} values{where} where {width[1]} are expected",
            "Quote values that hold the delimiter, or repair that line.",
        )
    elif line or "sniffing" in text:
        what, remedy = (
            f"cannot be split into columns{where}",
            "Check that every line has as many values, and that quotes are closed.",
        )
    else:
        what, remedy = f"cannot be read: {first_line(error)}", "Check that it is whole."
    return SourceError(f"{origin!r} {what}.", remedy=remedy)
