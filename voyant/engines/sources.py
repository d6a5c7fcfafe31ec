"""How does each kind of input become a table that DuckDB reads, opened read-only from then on?

Parquet and DuckDB files stay where they are, behind views. Everything else - CSV, JSON, Excel,
Arrow, SQLite, data frames - is parsed once into a scratch DuckDB file, which the job's connections,
and the process that runs users' SQL, then attach read-only.
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, cast

from voyant.core.errors import SourceError, did_you_mean
from voyant.engines.delimited import csv_problem, csv_selects, list_files
from voyant.engines.ingest import (
    NO_SPACE_REMEDY,
    Ingest,
    first_line,
    is_disk_full,
    quote_name,
)
from voyant.engines.recipe import ConnectionRecipe
from voyant.engines.remote import RemoteFiles, is_remote
from voyant.engines.stored import stored_tables
from voyant.objects.access import ObjectAccess

__all__ = ["OpenedSources", "first_line", "open_sources", "quote_name"]

_PARQUET: Final = (".parquet", ".pq", ".parq")
_TEXT: Final = (".csv", ".tsv", ".txt", ".psv")
_JSON: Final = (".json", ".ndjson", ".jsonl")
_EXCEL: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ARROW: Final = (".arrow", ".feather", ".ipc", ".arrows")
_DATABASES: Final = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3", ".db3")
_PACKED: Final = (".gz", ".zst")
_KNOWN: Final = (*_PARQUET, *_TEXT, *_JSON, *_EXCEL, *_ARROW, *_DATABASES)
_LAKES: Final = {"_delta_log": "Delta Lake", "metadata": "Iceberg", ".hoodie": "Hudi"}

_log = logging.getLogger("voyant.engines.sources")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSources:
    """What came of a job's inputs.

    Attributes:
        recipe: How to open the tables.
        origins: For each table where it came from.
        scan_bytes: What a full scan of a table reads, where it is known.
    """

    recipe: ConnectionRecipe
    origins: dict[str, str]
    scan_bytes: dict[str, int]


def open_sources(
    sources: Mapping[str, object],
    names: Sequence[str],
    scratch: Path,
    *,
    prefix: str = "",
    remote: RemoteFiles | None = None,
    hidden: Mapping[str, str] | None = None,
    max_scan_bytes: int | None = None,
) -> OpenedSources:
    """Find the inputs, parse what has to be parsed, and say how to open the tables.

    Args:
        sources: Table name -> path, glob, folder, list of paths, or an object with Arrow's stream
            interface (a data frame). A database or workbook of several tables gives them all,
            under their own names, or as `source.table` where that name is taken.
        names: Tables to keep, in this order; all of them when empty.
        scratch: Folder for what had to be parsed or downloaded.
        prefix: Put before the name of each view and attached file, which has to be an identifier.
        remote: Downloads what is in object storage; with the environment's credentials when None.
        hidden: Table -> the name to show it under instead.
        max_scan_bytes: What a scan of a table may read, unless it is hidden.

    Raises:
        SourceError: An input that is missing, empty, too large, of an unknown kind or cannot be
            parsed.
    """
    opening = Ingest(scratch, tuple(names), prefix, hidden or {}, max_scan_bytes)
    remote = remote or RemoteFiles(ObjectAccess(), scratch / "objects")
    try:
        for name, source in sources.items():
            if not (_may_hold_several(source) or opening.wants(name)):
                continue
            if is_remote(source):
                _open_remote(opening, name, cast("str | Sequence[object]", source), remote)
            else:
                _open_one(opening, name, source)
        for name in names:
            if name not in opening.tables:
                raise SourceError(
                    f"There is no table {name!r}.",
                    remedy=did_you_mean(name, [*opening.tables, *opening.left_out]),
                )
        kept = list(dict.fromkeys(names)) or list(opening.tables)
        return OpenedSources(
            recipe=opening.recipe(kept),
            origins={name: opening.tables[name] for name in kept},
            scan_bytes=opening.scan_bytes,
        )
    finally:
        opening.close()


def _open_remote(
    opening: Ingest, name: str, source: str | Sequence[object], remote: RemoteFiles
) -> None:
    """Download an input, then open it as any other; only messages and origins differ."""
    local = remote.fetch(
        source,
        lambda path: _kind(path) in _PARQUET,
        lambda size_bytes: opening.measure(name, size_bytes),
    )
    known = set(opening.tables)
    try:
        _open_one(opening, name, local)
    except SourceError as error:
        raise SourceError(remote.named(error.what), remedy=remote.named(error.remedy)) from error
    for table in opening.tables.keys() - known:
        opening.tables[table] = remote.named(opening.tables[table])


def _may_hold_several(source: object) -> bool:
    if not isinstance(source, (str, Path)):
        return False
    kind = _kind(Path(source))
    if not kind and is_remote(source):
        return False
    return kind not in (*_PARQUET, *_TEXT, *_JSON, *_ARROW)


def _open_one(opening: Ingest, name: str, source: object) -> None:
    import duckdb  # noqa: PLC0415 - it costs 150 ms, and a wrong path should be told at once

    origin = str(source) if isinstance(source, (str, Path)) else type(source).__name__
    try:
        if isinstance(source, (list, tuple)):
            parts = cast("Sequence[object]", source)
            _open_files(opening, name, [_listed(name, part) for part in parts], origin)
        elif isinstance(source, (str, Path)):
            _open_path(opening, name, origin)
        elif hasattr(source, "__arrow_c_stream__"):
            opening.take(name, [_streamed(source)], origin)
        else:
            raise SourceError(
                f"Table {name!r} was given as {origin}.",
                remedy="Give a path, a glob, a list of paths or a data frame with Arrow's stream "
                "interface.",
            )
    except (duckdb.Error, OSError, UnicodeError) as error:
        remedy = "Check that it is whole and of the kind its name says."
        raise SourceError(
            f"{origin!r} cannot be read as a table: {first_line(error)}.",
            remedy=NO_SPACE_REMEDY if is_disk_full(error) else remedy,
        ) from error


def _listed(name: str, part: object) -> Path:
    if not isinstance(part, (str, Path)):
        raise SourceError(
            f"Table {name!r} was given as a list with {part!r}.", remedy="List paths of files."
        )
    path = Path(part).expanduser()
    if not path.is_file():
        raise _missing(path, str(part))
    return path


def _missing(path: Path, text: str) -> SourceError:
    near = path.parent.iterdir() if path.parent.is_dir() else ()
    return SourceError(
        f"There is no file {text!r}.",
        remedy=did_you_mean(path.name, [entry.name for entry in near])
        or "Check the path; its folder does not exist.",
    )


def _open_path(opening: Ingest, name: str, text: str) -> None:
    path = Path(text).expanduser()
    if path.is_dir():
        _open_files(opening, name, _parquet_files(path, text), text)
    elif path.is_file():
        _open_files(opening, name, [path], text)
    elif glob.has_magic(text):
        files = sorted(Path(found) for found in glob.glob(str(path), recursive=True))  # noqa: PTH207 - an absolute pattern too
        if not files:
            raise SourceError(f"No file matches {text!r}.", remedy="Check the pattern.")
        _open_files(opening, name, files, text)
    else:
        raise _missing(path, text)


def _parquet_files(folder: Path, text: str) -> list[Path]:
    """List a folder's Parquet files at any depth, those set aside by `_` or `.` left out."""
    for marker, lake in _LAKES.items():
        marked = folder / marker
        if marked.is_dir() and (lake != "Iceberg" or any(marked.glob("*.metadata.json"))):
            raise SourceError(
                f"The folder {text!r} is a table in {lake} format, whose files alone do not say "
                "which of their rows still count.",
                remedy="Export it as plain Parquet, or name the files that make up one version.",
            )
    files = sorted(
        file
        for file in folder.rglob("*")
        if _kind(file) in _PARQUET
        and file.is_file()
        and not any(part.startswith(("_", ".")) for part in file.relative_to(folder).parts)
    )
    if not files:
        raise SourceError(
            f"The folder {text!r} holds no Parquet file.",
            remedy="Name the files themselves, or a glob such as 'data/*.csv'.",
        )
    return files


def _kind(path: Path) -> str:
    """Return the extension that says what is inside: `.csv` for `orders.csv.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _open_files(opening: Ingest, name: str, files: Sequence[Path], origin: str) -> None:
    if not files:
        raise SourceError(f"Table {name!r} was given no file.", remedy="List at least one.")
    kinds = {_kind(file) for file in files}
    if len(kinds) > 1:
        raise SourceError(
            f"{origin!r} mixes kinds of files: {', '.join(sorted(kinds))}.",
            remedy="Give one kind per table.",
        )
    resolved = [file.resolve() for file in files]
    for file in resolved:
        if file.stat().st_size == 0:
            raise SourceError(f"{str(file)!r} is empty.", remedy="Check how it was written.")
    kind = kinds.pop()
    if kind not in _DATABASES:
        opening.measure(name, sum(file.stat().st_size for file in resolved))
    by_name = ", union_by_name = true" if len(files) > 1 else ""
    if kind in _PARQUET:
        select = f"SELECT * FROM read_parquet({list_files(resolved)}{by_name})"
        opening.add_view(name, select, origin, paths=resolved)
    elif kind in _TEXT:
        _parse_text(opening, name, resolved, origin)
    elif kind in _JSON:
        opening.parse(
            name, [f"SELECT * FROM read_json_auto({list_files(resolved)}{by_name})"], origin
        )
    elif len(files) > 1:
        raise SourceError(
            f"{origin!r} names {len(files)} {kind} files.", remedy="Give each a table of its own."
        )
    else:
        _open_single(opening, name, resolved[0], kind, origin)


def _open_single(opening: Ingest, name: str, path: Path, kind: str, origin: str) -> None:
    """Open a file of a kind that is read one at a time."""
    from voyant.engines import foreign  # noqa: PLC0415 - Parquet and CSV do without

    if kind in _EXCEL:
        _take_tables(opening, name, foreign.excel_tables(path), origin)
    elif kind in _ARROW:
        opening.take(name, foreign.arrow_batches(path), origin)
    else:
        with path.open("rb") as file:
            head = file.read(16)
        if head.startswith(b"SQLite format 3\0"):
            opening.measure(name, path.stat().st_size)
            _take_tables(opening, name, foreign.sqlite_tables(path), origin)
        elif head[8:12] == b"DUCK":
            _attach(opening, name, path, origin)
        else:
            raise SourceError(
                f"{origin!r} is of no kind that Voyant reads.",
                remedy=f"Use one of {', '.join(_KNOWN)}; text also with {' or '.join(_PACKED)}.",
            )


def _parse_text(opening: Ingest, name: str, files: Sequence[Path], origin: str) -> None:
    import duckdb  # noqa: PLC0415 - it costs 150 ms

    try:
        opening.parse(name, csv_selects(opening.connection(), files), origin)
    except duckdb.Error as error:
        raise csv_problem(error, origin) from error


def _take_tables(
    opening: Ingest, name: str, tables: Iterable[tuple[str, Iterable[object]]], origin: str
) -> None:
    """Take over a workbook's or database's tables: a single one under the name given."""
    remaining = iter(tables)
    first = list(islice(remaining, 2))
    if not first:
        raise SourceError(f"{origin!r} holds no table.", remedy="Check that it is the right file.")
    is_single = len(first) == 1
    for own_name, parts in chain(first, remaining):
        table = name if is_single else _free_name(opening, name, own_name)
        if opening.wants(table):
            opening.take(table, parts, f"{origin}#{own_name}")


def _free_name(opening: Ingest, source: str, table: str) -> str:
    return f"{source}.{table}" if opening.is_taken(table) else table


def _streamed(frame: object) -> object:
    """Hand over a data frame by Arrow's stream interface alone.

    DuckDB would import pyarrow for a Polars frame. Pandas it reads by itself, where pandas' own
    stream interface would import pyarrow.
    """
    return frame if type(frame).__module__.startswith("pandas") else _Stream(frame)


class _Stream:
    """Nothing but Arrow's stream interface."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def _attach(opening: Ingest, name: str, path: Path, origin: str) -> None:
    """Attach a DuckDB file read-only and show each of its tables and views."""
    import duckdb  # noqa: PLC0415 - it costs 150 ms

    try:
        found = stored_tables(path, has_sizes=opening.max_scan_bytes is not None)
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        raise SourceError(
            f"{origin!r} is open for writing in another program: {first_line(error)}.",
            remedy="Close it there, or copy the file and name the copy.",
        ) from error
    if not found:
        raise SourceError(f"{origin!r} holds no table.", remedy="Check that it is the right file.")
    alias = opening.attach(path)
    for entry in found:
        schema, table, problem = entry.schema, entry.name, entry.problem
        own_name = table if schema == "main" else f"{schema}.{table}"
        shown = _free_name(opening, name, own_name)
        if not opening.wants(shown):
            continue
        if problem and opening.wanted:
            raise SourceError(f"The view {shown!r} of {origin!r} does not work: {problem}.")
        if problem:
            _log.warning("the view %r of %r is left out: %s", shown, origin, problem)
            opening.left_out.append(shown)
            continue
        if entry.size_bytes is not None:
            opening.measure(shown, entry.size_bytes)
        select = f"SELECT * FROM {alias}.{quote_name(schema)}.{quote_name(table)}"
        opening.add_view(shown, select, f"{origin}#{own_name}")
