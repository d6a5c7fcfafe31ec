"""How does each kind of input become a table that DuckDB reads, opened read-only from then on?

Parquet and DuckDB files stay where they are, behind views. Everything else - CSV, JSON, Excel, Arrow,
SQLite, data frames - is parsed once into a scratch DuckDB file, which the job's connections, and the
process that runs users' SQL, then attach read-only.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voyant.core.errors import SourceError, did_you_mean
from voyant.engines.recipe import ConnectionRecipe, quote_literal

if TYPE_CHECKING:
    import duckdb

__all__ = ["open_sources", "quote_name"]

_PARQUET = (".parquet", ".pq", ".parq")
_TEXT = (".csv", ".tsv", ".txt", ".psv")
_JSON = (".json", ".ndjson", ".jsonl")
_EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ARROW = (".arrow", ".feather", ".ipc", ".arrows")
_DATABASES = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3", ".db3")
_PACKED = (".gz", ".zst")
_KNOWN = (*_PARQUET, *_TEXT, *_JSON, *_EXCEL, *_ARROW, *_DATABASES)


def quote_name(name: str) -> str:
    """Return a SQL identifier.

    >>> print(quote_name('say "hi" twice'))
    "say ""hi"" twice"
    """
    return '"' + name.replace('"', '""') + '"'


@dataclass(slots=True)
class _Opening:
    """What has been found so far."""

    scratch: Path
    statements: list[str] = field(default_factory=list[str])
    paths: list[str] = field(default_factory=list[str])
    directories: list[str] = field(default_factory=list[str])
    tables: dict[str, str] = field(default_factory=dict[str, str])  # name -> where it came from
    connection: duckdb.DuckDBPyConnection | None = None
    scratch_count: int = 0

    def add_view(self, name: str, select: str, origin: str) -> None:
        if name in self.tables:
            raise SourceError(
                f"Two inputs give a table called {name!r}: {self.tables[name]} and {origin}.",
                remedy="Name one of them yourself: --table other_name=path.",
            )
        self.tables[name] = origin
        self.statements.append(f"CREATE TEMP VIEW {quote_name(name)} AS {select}")

    def ingest(self, name: str, select: str, origin: str, *, data: object = None) -> None:
        """Parse an input into the scratch file; `data` is visible to the select as `voyant_input`."""
        if name in self.tables:
            self.add_view(name, "", origin)  # refuse before parsing
        con = self.scratch_connection()
        table = f"t{self.scratch_count}"
        self.scratch_count += 1
        if data is not None:
            con.register("voyant_input", data)
        try:
            con.execute(f"CREATE TABLE {table} AS {select}")
        finally:
            if data is not None:
                con.unregister("voyant_input")
        self.add_view(name, f"SELECT * FROM scratch.main.{table}", origin)

    def scratch_connection(self) -> duckdb.DuckDBPyConnection:
        if self.connection is None:
            import duckdb

            self.connection = duckdb.connect(
                str(self.scratch / "scratch.duckdb"),
                config={"autoinstall_known_extensions": False, "python_enable_replacements": False},
            )
            self.connection.execute("SET TimeZone = 'UTC'")
        return self.connection

    def recipe(self, names: Sequence[str]) -> ConnectionRecipe:
        if self.connection is not None:
            self.connection.close()
            file = str(self.scratch / "scratch.duckdb")
            self.statements.insert(0, f"ATTACH {quote_literal(file)} AS scratch (READ_ONLY)")
            self.paths.append(file)
        return ConnectionRecipe(
            statements=tuple(self.statements),
            allowed_paths=tuple(dict.fromkeys(self.paths)),
            allowed_directories=tuple(self.directories),
            tables=tuple(names),
        )


def open_sources(
    sources: Mapping[str, object], names: Sequence[str], scratch: Path
) -> tuple[ConnectionRecipe, dict[str, str]]:
    """Find the inputs, parse what has to be parsed, and say how to open the tables.

    Args:
        sources: Table name -> path, glob, folder, list of paths, or an object with Arrow's stream
            interface (a data frame). A database or workbook gives all its tables under their own names.
        names: Tables to keep, in this order; all of them when empty.
        scratch: Folder for what had to be parsed.

    Returns:
        The recipe, and for each table where it came from.

    Raises:
        SourceError: An input that is missing, empty, of an unknown kind or cannot be parsed.
    """
    import duckdb

    opening = _Opening(scratch)
    try:
        for name, source in sources.items():
            try:
                _open_one(opening, name, source)
            except (duckdb.Error, OSError, UnicodeError) as error:
                origin = source if isinstance(source, (str, Path)) else type(source).__name__
                raise SourceError(
                    f"{str(origin)!r} cannot be read as a table: {_first_line(error)}",
                    remedy="Check that the file is whole and of the kind its name says.",
                ) from error
        for name in names:
            if name not in opening.tables:
                raise SourceError(
                    f"There is no table {name!r}.", remedy=did_you_mean(name, opening.tables)
                )
        kept = list(names) or list(opening.tables)
        return opening.recipe(kept), {name: opening.tables[name] for name in kept}
    finally:
        if opening.connection is not None:
            opening.connection.close()


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]


def _open_one(opening: _Opening, name: str, source: object) -> None:
    if isinstance(source, (list, tuple)):
        _open_files(opening, name, [Path(str(part)) for part in source], f"{len(source)} files")
    elif isinstance(source, (str, Path)):
        _open_path(opening, name, str(source))
    elif hasattr(source, "__arrow_c_stream__"):
        opening.ingest(name, "SELECT * FROM voyant_input", type(source).__name__, data=source)
    else:
        raise SourceError(
            f"Table {name!r} was given as {type(source).__name__}.",
            remedy="Give a path, a glob, a list of paths or a data frame with Arrow's stream interface.",
        )


def _open_path(opening: _Opening, name: str, text: str) -> None:
    path = Path(text).expanduser()
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and _kind(p) in _PARQUET)
        if not files:
            raise SourceError(
                f"The folder {text!r} holds no Parquet file.",
                remedy="Name the files themselves, or a glob such as 'data/*.csv'.",
            )
        _open_files(opening, name, files, text)
    elif path.is_file():
        _open_files(opening, name, [path], text)
    elif glob.has_magic(text):
        files = sorted(Path(found) for found in glob.glob(str(path), recursive=True))
        if not files:
            raise SourceError(f"No file matches {text!r}.", remedy="Check the pattern.")
        _open_files(opening, name, files, text)
    else:
        near = path.parent.iterdir() if path.parent.is_dir() else ()
        raise SourceError(
            f"There is no file {text!r}.",
            remedy=did_you_mean(path.name, [entry.name for entry in near]),
        )


def _kind(path: Path) -> str:
    """Return the extension that says what is inside: `.csv` for `orders.csv.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _open_files(opening: _Opening, name: str, files: Sequence[Path], origin: str) -> None:
    kinds = {_kind(file) for file in files}
    if len(kinds) != 1:
        raise SourceError(
            f"{origin!r} mixes kinds of files: {', '.join(sorted(kinds))}.",
            remedy="Give one kind per table.",
        )
    kind = kinds.pop()
    resolved = [file.resolve() for file in files]
    listed = "[" + ", ".join(quote_literal(str(file)) for file in resolved) + "]"
    if kind in _PARQUET:
        options = ", union_by_name = true" if len(files) > 1 else ""
        opening.paths.extend(str(file) for file in resolved)
        opening.add_view(name, f"SELECT * FROM read_parquet({listed}{options})", origin)
    elif kind in _TEXT:
        _ingest_text(opening, name, listed, len(files), origin)
    elif kind in _JSON:
        options = ", union_by_name = true" if len(files) > 1 else ""
        opening.ingest(name, f"SELECT * FROM read_json_auto({listed}{options})", origin)
    elif len(files) > 1:
        raise SourceError(
            f"{origin!r} names {len(files)} {kind} files.", remedy="Give each a table of its own."
        )
    elif kind in _EXCEL:
        _ingest_frames(opening, name, _excel_tables(resolved[0]), origin)
    elif kind in _ARROW:
        opening.ingest(
            name, "SELECT * FROM voyant_input", origin, data=_arrow_stream(resolved[0])
        )
    else:
        _open_database(opening, name, resolved[0], origin)


def _ingest_text(opening: _Opening, name: str, listed: str, count: int, origin: str) -> None:
    """Parse delimited text; if a later value does not fit the guessed type, guess from all of it."""
    import duckdb

    options = ", union_by_name = true" if count > 1 else ""
    try:
        opening.ingest(name, f"SELECT * FROM read_csv({listed}{options})", origin)
    except (duckdb.ConversionException, duckdb.InvalidInputException):
        if name in opening.tables:
            raise
        opening.ingest(
            name, f"SELECT * FROM read_csv({listed}{options}, sample_size = -1)", origin
        )


def _arrow_stream(path: Path) -> object:
    from arro3.io import read_ipc, read_ipc_stream

    with path.open("rb") as file:
        is_file_format = file.read(6) == b"ARROW1"
    return read_ipc(path) if is_file_format else read_ipc_stream(path)


def _open_database(opening: _Opening, name: str, path: Path, origin: str) -> None:
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"SQLite format 3\0"):
        from voyant.engines.foreign import sqlite_tables

        _ingest_frames(opening, name, sqlite_tables(path), origin)
    elif head[8:12] == b"DUCK":
        _attach(opening, path, origin)
    else:
        raise SourceError(
            f"{origin!r} is of no kind that Voyant reads.",
            remedy=f"Use one of {', '.join(_KNOWN)}, also with {' or '.join(_PACKED)}.",
        )


def _excel_tables(path: Path) -> Iterator[tuple[str, object]]:
    from voyant.engines.foreign import excel_tables

    return excel_tables(path)


def _ingest_frames(
    opening: _Opening, name: str, frames: Iterable[tuple[str, object]], origin: str
) -> None:
    """Take over the tables of a workbook or database: one under the given name, several under theirs."""
    found = list(frames)
    if not found:
        raise SourceError(f"{origin!r} holds no table.", remedy="Check that it is the right file.")
    for own_name, frame in found:
        table = name if len(found) == 1 else own_name
        opening.ingest(
            table, "SELECT * FROM voyant_input", f"{origin}#{own_name}", data=frame
        )


def _attach(opening: _Opening, path: Path, origin: str) -> None:
    """Attach a DuckDB file read-only and show each of its tables and views."""
    import duckdb

    alias = f"db{len(opening.statements)}"
    attach = f"ATTACH {quote_literal(str(path))} AS {alias} (READ_ONLY)"
    with duckdb.connect() as probe:
        probe.execute(attach)
        rows: list[tuple[Any, ...]] = probe.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            f"WHERE table_catalog = '{alias}' ORDER BY table_schema <> 'main', table_schema, table_name"
        ).fetchall()
    if not rows:
        raise SourceError(f"{origin!r} holds no table.", remedy="Check that it is the right file.")
    opening.statements.append(attach)
    opening.paths.append(str(path))
    for schema, table in rows:
        name = table if schema == "main" else f"{schema}.{table}"
        select = f"SELECT * FROM {alias}.{quote_name(schema)}.{quote_name(table)}"
        opening.add_view(name, select, f"{origin}#{name}")
