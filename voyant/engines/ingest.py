"""What has been found of a job's inputs so far, and where do parsed ones go?"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from voyant.core.errors import SourceError
from voyant.core.scan_costs import too_costly
from voyant.engines.recipe import ConnectionRecipe, quote_literal

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "NO_SPACE_REMEDY",
    "Ingest",
    "database_alias",
    "first_line",
    "is_disk_full",
    "quote_name",
]

_FILE = "scratch.duckdb"
NO_SPACE_REMEDY = "Free some space there, or let temp_directory name another disk."
_RESERVED = ("", "memory", "temp", "system", "scratch")


def quote_name(name: str) -> str:
    """Return a SQL identifier.

    >>> print(quote_name('say "hi" twice'))
    "say ""hi"" twice"
    """
    return '"' + name.replace('"', '""') + '"'


@dataclass(slots=True)
class Ingest:
    """Collect views, attached files and parsed tables into a recipe.

    Attributes:
        scratch: Folder of the file that holds what was parsed.
        wanted: Tables to keep; all when empty.
        prefix: Stands before the names of what is made, so that two recipes can be opened together.
        hidden: Table -> the name to show it under instead.
        max_scan_bytes: What a scan of a table may read, unless its rows are selected.
        tables: Name -> where it came from.
        scan_bytes: Name -> what a scan of all of it reads.
        left_out: Tables that exist but were not wanted, or could not be opened.
    """

    scratch: Path
    wanted: Collection[str] = ()
    prefix: str = ""
    hidden: Mapping[str, str] = field(default_factory=dict[str, str])
    max_scan_bytes: int | None = None
    tables: dict[str, str] = field(default_factory=dict[str, str])
    left_out: list[str] = field(default_factory=list[str])
    scan_bytes: dict[str, int] = field(default_factory=dict[str, int])
    _statements: list[str] = field(default_factory=list[str])
    _paths: list[str] = field(default_factory=list[str])
    _attached: dict[Path, str] = field(default_factory=dict[Path, str])
    _connection: duckdb.DuckDBPyConnection | None = None
    _parsed: int = 0

    def wants(self, name: str) -> bool:
        """Say whether a table is to be kept, and remember the name if not."""
        is_wanted = not self.wanted or name in self.wanted
        if not is_wanted:
            self.left_out.append(name)
        return is_wanted

    def is_taken(self, name: str) -> bool:
        """Say whether a table of that name is there; DuckDB takes `Orders` and `orders` for one."""
        return any(_folded(name) == _folded(known) for known in self.tables)

    def claim(self, name: str, origin: str) -> None:
        """Reserve a table's name.

        Raises:
            SourceError: A name that is empty or taken.
        """
        if not name or "\0" in name:
            raise SourceError(
                f"{origin!r} cannot be a table called {name!r}.", remedy="Name the table."
            )
        if self.is_taken(name):
            known = next(taken for taken in self.tables if _folded(taken) == _folded(name))
            raise SourceError(
                f"Two inputs give a table called {name!r}: {self.tables[known]!r} and {origin!r}.",
                remedy="Name one of them yourself: --table other_name=path "
                "(upper and lower case do not tell names apart).",
            )
        self.tables[name] = origin

    def measure(self, name: str, size_bytes: int) -> None:
        """Note what a full scan of a table reads, before it is read.

        Raises:
            SourceError: More than is allowed, and nothing is selected of it.
        """
        limit = self.max_scan_bytes
        if limit is not None and size_bytes > limit and name not in self.hidden:
            raise too_costly(name, size_bytes, limit)
        self.scan_bytes[name] = size_bytes

    def add_view(self, name: str, select: str, origin: str, *, paths: Iterable[Path] = ()) -> None:
        """Show a select over files that stay where they are as a table."""
        self.claim(name, origin)
        self._show(name, select)
        self._paths.extend(str(path) for path in paths)

    def _show(self, name: str, select: str) -> None:
        shown = self.hidden.get(name, self.prefix + name)
        self._statements.append(f"CREATE TEMP VIEW {quote_name(shown)} AS {select}")

    def attach(self, path: Path) -> str:
        """Attach a DuckDB file read-only and return its quoted alias.

        The alias is what DuckDB itself would call the file, because views inside may spell it out.
        """
        if path not in self._attached:
            alias = database_alias(path, prefix=self.prefix, taken=self._attached.values())
            self._attached[path] = alias
            self._statements.append(
                f"ATTACH {quote_literal(str(path))} AS {quote_name(alias)} (READ_ONLY)"
            )
            self._paths.append(str(path))
        return quote_name(self._attached[path])

    def parse(self, name: str, selects: Sequence[str], origin: str) -> None:
        """Copy into the scratch file what the first select that succeeds gives.

        Raises:
            duckdb.Error: The last select's error, when none does.
        """
        import duckdb  # noqa: PLC0415 - it costs 150 ms, and Parquet needs no scratch file

        self.claim(name, origin)
        for place, select in enumerate(selects, start=1):
            try:
                self._new_table(select)
                break
            except (duckdb.ConversionException, duckdb.InvalidInputException):
                if place == len(selects):
                    raise
        self._show_parsed(name)

    def take(self, name: str, parts: Iterable[object], origin: str) -> None:
        """Copy a data frame into the scratch file, which may come in parts of the same columns."""
        self.claim(name, origin)
        connection = self.connection()
        for place, part in enumerate(parts):
            connection.register("voyant_input", part)
            try:
                if place == 0:
                    self._new_table("SELECT * FROM voyant_input")
                else:
                    table = f"t{self._parsed - 1}"
                    connection.execute(f"INSERT INTO {table} SELECT * FROM voyant_input")
            finally:
                connection.unregister("voyant_input")
        self._show_parsed(name)

    def _new_table(self, select: str) -> None:
        self.connection().execute(f"CREATE TABLE t{self._parsed} AS {select}")
        self._parsed += 1

    def _show_parsed(self, name: str) -> None:
        self._show(name, f"SELECT * FROM {self.prefix}scratch.main.t{self._parsed - 1}")

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return the one connection that writes the scratch file."""
        if self._connection is None:
            import duckdb  # noqa: PLC0415 - it costs 150 ms

            self._connection = duckdb.connect(
                str(self.scratch / _FILE),
                config={
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                    "python_enable_replacements": False,
                },
            )
            self._connection.execute("SET TimeZone = 'UTC'")
        return self._connection

    def close(self) -> None:
        """Finish the scratch file; safe to call twice."""
        if self._connection is not None:
            self._connection.close()

    def recipe(self, names: Sequence[str]) -> ConnectionRecipe:
        """Return how to open the tables of these names."""
        statements, paths = self._statements, self._paths
        if self._connection is not None:
            self.close()
            file = str(self.scratch / _FILE)
            attach = f"ATTACH {quote_literal(file)} AS {self.prefix}scratch (READ_ONLY)"
            statements, paths = [attach, *statements], [*paths, file]
        return ConnectionRecipe(
            statements=tuple(statements),
            allowed_paths=tuple(dict.fromkeys(paths)),
            tables=tuple(names),
        )


def database_alias(path: Path, *, prefix: str = "", taken: Collection[str] = ()) -> str:
    """Return what to attach a DuckDB file as: what DuckDB calls it, unless that name is in use.

    >>> database_alias(Path("warehouse.duckdb")), database_alias(Path("temp.duckdb"))
    ('warehouse', 'temp_1')
    """
    alias = prefix + path.name.split(".", 1)[0]
    in_use = {_folded(name) for name in (*_RESERVED, *taken)}
    return f"{alias}_{len(taken) + 1}" if _folded(alias) in in_use else alias


def first_line(error: BaseException) -> str:
    """Return what an error says, without DuckDB's name for it and its drawing of the statement.

    >>> first_line(ValueError("IO Error: No such file."))
    'No such file'
    """
    text = str(error).strip().split("\n", 1)[0]
    return re.sub(r"^(?:[A-Z][A-Za-z ]* Error: )+", "", text).rstrip(" .")


def is_disk_full(error: BaseException) -> bool:
    """Whether something failed for want of space on a disk: DuckDB says it in the system's words.

    >>> is_disk_full(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    True
    """
    return os.strerror(errno.ENOSPC) in str(error)


def _folded(name: str) -> bytes:
    """Return what DuckDB compares names by: letters of ASCII in lower case.

    >>> _folded("Orders") == _folded("orders"), _folded("É") == _folded("é")
    (True, False)
    """
    return name.encode("utf-8", "surrogatepass").lower()
