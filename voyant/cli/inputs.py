"""Which tables do the arguments of a command line name?"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.objects.address import ObjectAddress, is_object_address

if TYPE_CHECKING:
    from voyant.objects.access import ObjectAccess

__all__ = ["merge_kpis", "read_sources"]

#: Extensions of the files that a folder is searched for.
TABLE_SUFFIXES: Final = (
    *(".parquet", ".pq", ".parq", ".csv", ".tsv", ".txt", ".psv", ".json", ".ndjson", ".jsonl"),
    *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".arrow", ".feather", ".ipc", ".arrows"),
    *(".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3", ".db3"),
)
_PACKED_SUFFIXES: Final = (".gz", ".zst")


def read_sources(
    paths: Sequence[str],
    tables: Sequence[str],
    *,
    option: str = "--table",
    objects: ObjectAccess | None = None,
    are_here: bool = True,
) -> dict[str, object]:
    """Return table names and where each is read from.

    A file is named by its stem, a glob by what stands before its first wildcard or by its folder. A
    folder of `key=value` folders, or of parts (`part-0.parquet`, `2013-01.csv`, `2013-02.csv`), is
    one table with the folder's name; in any other folder each file is a table.

    Args:
        paths: Files, folders and globs.
        tables: `name=path`, which gives the name outright.
        option: Which option the latter were given with.
        objects: Lists what is in object storage; with the environment's credentials when None.
        are_here: Whether this machine must see the paths; a cluster may see others.

    Raises:
        ConfigurationError: A path that is not there, or two with the same name.
        ObjectStoreError: A bucket that cannot be listed.
    """
    sources: dict[str, object] = {}
    origins: dict[str, str] = {}
    if are_here:
        found = [entry for path in paths for entry in _expand(path, objects)]
    else:
        found = [(_glob_name(PurePath(path)), path, path) for path in paths]
    named = [_named(table, option, is_here=are_here) for table in tables]
    for name, source, origin in (*found, *named):
        if name in sources:
            raise ConfigurationError(
                f"Two inputs give a table called {name!r}: {origins[name]!r} and {origin!r}.",
                remedy=f"Name one of them yourself: {option} other_name={origin}",
            )
        sources[name] = source
        origins[name] = origin
    return sources


def merge_kpis(
    configured: Sequence[Mapping[str, Any]], options: Iterable[str]
) -> list[Mapping[str, Any]]:
    """Return the configured KPIs, with those of `--kpi "name=SELECT ..."` added or in their place.

    Raises:
        ConfigurationError: An option that is not a name, an equals sign and a query.
    """
    merged = {str(kpi.get("name", f"#{place}")): kpi for place, kpi in enumerate(configured)}
    for option in options:
        name, equals, sql = (part.strip() for part in option.partition("="))
        if not (name and equals and sql):
            raise ConfigurationError(
                f"--kpi is {option!r}.", remedy='Write it as --kpi "revenue=SELECT sum(...) ...".'
            )
        merged[name] = {"name": name, "sql": sql}
    return list(merged.values())


def _named(given: str, option: str, *, is_here: bool) -> tuple[str, object, str]:
    name, equals, path = given.partition("=")
    if not (name.strip() and equals and path.strip()):
        raise ConfigurationError(
            f"{option} is {given!r}.", remedy=f"Write it as {option} orders=data/orders.csv."
        )
    if is_here and not path.startswith("before:"):  # a reference: the table's own earlier rows
        _check_exists(path)
    return name.strip(), path, path


def _expand(path: str, objects: ObjectAccess | None) -> list[tuple[str, object, str]]:
    """Return the tables a path stands for: name, source, and the path to show."""
    if is_object_address(path):
        return _expand_address(path, objects)
    _check_exists(path)
    place = Path(path).expanduser()
    if place.is_dir():
        return _expand_folder(place)
    if place.is_file() and not _is_table(place):
        raise ConfigurationError(
            f"{path!r} is of no kind that Voyant reads.",
            remedy=f"Use one of {', '.join(TABLE_SUFFIXES)}, also with .gz or .zst.",
        )
    if place.is_file() or "://" in path:
        return [(_stem(place.name), path, path)]
    return [(_glob_name(PurePath(path)), path, path)]


def _check_exists(path: str) -> None:
    place = Path(path).expanduser()
    if "://" in path or place.exists():
        return
    if glob.has_magic(path):
        if not glob.glob(str(place), recursive=True):  # noqa: PTH207 - the pattern may be absolute
            raise ConfigurationError(f"No file matches {path!r}.", remedy="Check the pattern.")
        return
    near = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
    hint = did_you_mean(place.name, near)
    raise ConfigurationError(
        f"There is no file or folder {path!r}.",
        remedy=hint if hint.startswith("Did") else "Check the path.",
    )


def _expand_folder(folder: Path) -> list[tuple[str, object, str]]:
    name = folder.resolve().name
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))
    if any(entry.is_dir() and "=" in entry.name for entry in entries):
        return [(name, str(folder), str(folder))]
    files = [file for file in entries if file.is_file() and _is_table(file)]
    return _tables_of(name, str(folder), {str(file): file for file in files})


def _expand_address(text: str, objects: ObjectAccess | None) -> list[tuple[str, object, str]]:
    """Do for a prefix in object storage what `_expand` does for a folder."""
    from voyant.objects.access import ObjectAccess

    address = ObjectAddress.parse(text)
    if glob.has_magic(address.key):
        return [(_glob_name(PurePath(address.bucket, address.key)), text, text)]
    bucket = (objects or ObjectAccess()).bucket(address)
    if address.key and not text.endswith("/") and bucket.find(address.key) is not None:
        return [(_stem(address.name), text, text)]
    prefixes, found = bucket.children(f"{address.key}/" if address.key else "")
    if any("=" in prefix.rpartition("/")[2] for prefix in prefixes):
        return [(address.name, f"{address}/", text)]
    files = {str(address.at(o.key)): PurePath(o.key) for o in found if o.size_bytes}
    shown = {
        url: file
        for url, file in files.items()
        if not file.name.startswith((".", "_")) and _is_table(file)
    }
    return _tables_of(address.name, text, shown)


def _tables_of(
    name: str, folder: str, files: Mapping[str, PurePath]
) -> list[tuple[str, object, str]]:
    """Return a folder's files as one table of parts, or a table each.

    Raises:
        ConfigurationError: There is none.
    """
    if not files:
        raise ConfigurationError(
            f"The folder {folder!r} holds no table.",
            remedy=f"Known: {', '.join(TABLE_SUFFIXES)}, also with .gz or .zst.",
        )
    if _are_parts(list(files.values())):
        return [(name, list(files), folder)]
    return [(_stem(file.name), source, source) for source, file in files.items()]


def _are_parts(files: Sequence[PurePath]) -> bool:
    """Say whether files are pieces of one table: `part-...`, or names that differ in digits."""
    names = {file.name for file in files}
    if all(name.startswith("part-") for name in names):
        return True
    return len(names) > 1 and len({re.sub(r"\d+", "", name) for name in names}) == 1


def _is_table(file: PurePath) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in _PACKED_SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in TABLE_SUFFIXES


def _stem(name: str) -> str:
    """Return a file's name without what says its kind: `orders` for `orders.csv.gz`."""
    path = PurePath(name)
    if path.suffix.lower() in _PACKED_SUFFIXES:
        path = PurePath(path.stem)
    return path.stem if path.suffix.lower() in TABLE_SUFFIXES else path.name  # of a glob or URL


def _glob_name(pattern: PurePath) -> str:
    """Return a glob's name: what is fixed of the last part that says something."""
    for part in reversed(pattern.parts):
        fixed = re.split(r"[*?\[]", part, maxsplit=1)[0]
        if "=" in fixed or part == pattern.anchor:
            continue
        fixed = _stem(fixed).strip(" -_.")
        if fixed:
            return fixed
    return "table"
