"""Which warehouse does a URL name, and what must be installed to open it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voyant.core.errors import ConfigurationError, SourceError

if TYPE_CHECKING:
    from voyant.core.selection import TableSelection
    from voyant.engines.ibis_engine import IbisEngine
    from voyant.engines.ibis_statements import Warehouse
    from voyant.engines.sandbox import QueryLimits

__all__ = ["is_warehouse", "open_warehouse", "reads_paths"]

_Paths = Mapping[str, str]


def _postgres(url: str, statement_timeout_seconds: float, paths: _Paths) -> Warehouse:
    from voyant.engines.ibis_postgres import PostgresOpening  # noqa: PLC0415 - an extra, and slow

    del paths
    return PostgresOpening(url, statement_timeout_seconds)()


def _spark(url: str, statement_timeout_seconds: float, paths: _Paths) -> Warehouse:
    from voyant.engines.ibis_spark import SparkOpening  # noqa: PLC0415 - an extra, and slow

    return SparkOpening(url, statement_timeout_seconds, tuple(paths.items()))()


def _any(url: str, statement_timeout_seconds: float, paths: _Paths) -> Warehouse:
    from voyant.engines.ibis_any import AnyOpening  # noqa: PLC0415 - an extra, and slow

    del statement_timeout_seconds, paths
    return AnyOpening(url)()


#: Schemes of warehouses that read paths as tables.
_READ_PATHS: Final = frozenset(("spark", "sc"))
#: By the URL's scheme: the extra, the modules it brings, and what opens the warehouse.
_WAREHOUSES: Final[
    Mapping[str, tuple[str, tuple[str, ...], Callable[[str, float, _Paths], Warehouse]]]
] = {
    "bigquery": ("bigquery", ("ibis", "sqlglot", "google.cloud.bigquery"), _any),
    "clickhouse": ("clickhouse", ("ibis", "sqlglot", "clickhouse_connect"), _any),
    "mysql": ("mysql", ("ibis", "sqlglot", "MySQLdb"), _any),
    "snowflake": ("snowflake", ("ibis", "sqlglot", "snowflake.connector"), _any),
    "trino": ("trino", ("ibis", "sqlglot", "trino"), _any),
    "spark": ("spark", ("ibis", "sqlglot", "pyspark"), _spark),
    "sc": ("spark", ("ibis", "sqlglot", "pyspark", "grpc"), _spark),
    "postgresql": ("postgres", ("ibis", "sqlglot", "psycopg"), _postgres),
    "postgres": ("postgres", ("ibis", "sqlglot", "psycopg"), _postgres),
}


def is_warehouse(url: str) -> bool:
    """Say whether a URL names a warehouse that is opened through Ibis.

    >>> is_warehouse("postgresql://ann@db/shop"), is_warehouse("duckdb:///shop.duckdb")
    (True, False)
    """
    return _scheme(url) in _WAREHOUSES


def reads_paths(url: str) -> bool:
    """Say whether a URL names a warehouse that reads files it sees, and not only its tables.

    >>> reads_paths("spark://local[*]"), reads_paths("postgresql://ann@db/shop")
    (True, False)
    """
    return _scheme(url) in _READ_PATHS


def open_warehouse(  # noqa: PLR0913 - one for each thing an operator can set
    url: str,
    *,
    sources: Mapping[str, object] | None = None,
    tables: Sequence[str] = (),
    reference: Mapping[str, object] | None = None,
    statement_timeout_seconds: float,
    memory_limit_bytes: int | None = None,
    temp_directory: str | Path | None = None,
    limits: QueryLimits | None = None,
    selections: Mapping[str, TableSelection] | None = None,
    max_scan_bytes: int | None = None,
) -> IbisEngine:
    """Open the warehouse that a URL names.

    Args:
        url: It may hold a password, which is never shown.
        sources: Tables that are paths, by name, where the warehouse `reads_paths`; without any, its
            own tables.
        tables: Names to keep, all when empty.
        reference: Other tables of the warehouse, or paths, to compare some with; or
            `before:COLUMN=VALUE`.
        statement_timeout_seconds: Time each statement may take.
        memory_limit_bytes: For what is computed in this process.
        temp_directory: For what does not fit there.
        limits: What one query of a user may use.
        selections: Which rows of a table to look at, all of those not named.
        max_scan_bytes: A table whose full scan reads more is refused, unless its rows are selected.

    Raises:
        ConfigurationError: Its extra is not installed, or the URL cannot be read.
        EngineError: The warehouse cannot be reached.
        SourceError: A table that is not there, or too large; a selection that does not fit.
        UnsafeQueryError: A condition that is not allowed.
    """
    extra, modules, connect = _WAREHOUSES[_scheme(url)]
    missing = [name for name in modules if not _is_installed(name)]
    if missing:
        raise ConfigurationError(
            f"A {_scheme(url)}:// warehouse needs {' and '.join(missing)}, which cannot be "
            "imported.",
            remedy=f"Install the extra: pip install 'voyant[{extra}]'.",
        )
    from voyant.engines.ibis_engine import IbisEngine  # noqa: PLC0415 - an extra, and slow

    paths, compared = _paths(sources or {}, reference or {})
    return IbisEngine(
        connect(url, statement_timeout_seconds, paths),
        tables=tuple(tables) or tuple(sources or ()),
        reference=compared,
        memory_limit_bytes=memory_limit_bytes,
        temp_directory=temp_directory,
        limits=limits,
        selections=selections,
        max_scan_bytes=max_scan_bytes,
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False


def _paths(
    sources: Mapping[str, object], reference: Mapping[str, object]
) -> tuple[dict[str, str], dict[str, object]]:
    """Return all paths by table name, and the references with the names of theirs."""
    if not sources:
        return {}, dict(reference)
    paths: dict[str, str] = {}
    compared = dict(reference)
    for table, source in sources.items():
        if not isinstance(source, (str, Path)):
            raise SourceError(
                f"Table {table!r} is a {type(source).__name__}, which the warehouse cannot read.",
                remedy="Give a path that it sees.",
            )
        paths[table] = str(source)
    for table, source in reference.items():
        if not str(source).startswith("before:"):
            compared[table] = f"{table} (reference)"
            paths[f"{table} (reference)"] = str(source)
    return paths, compared


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()
