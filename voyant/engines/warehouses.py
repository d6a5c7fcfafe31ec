"""Which warehouse does a URL name, and what must be installed to open it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voyant.core.errors import ConfigurationError

if TYPE_CHECKING:
    from voyant.engines.ibis_engine import IbisEngine
    from voyant.engines.ibis_statements import Warehouse

__all__ = ["is_warehouse", "open_warehouse"]


def _postgres(url: str, statement_timeout_seconds: float) -> Warehouse:
    from voyant.engines.ibis_postgres import PostgresOpening  # noqa: PLC0415 - an extra, and slow

    return PostgresOpening(url, statement_timeout_seconds)()


#: By the URL's scheme: the extra, the modules it brings, and what opens the warehouse.
_WAREHOUSES: Final[Mapping[str, tuple[str, tuple[str, ...], Callable[[str, float], Warehouse]]]] = {
    "postgresql": ("postgres", ("ibis", "sqlglot", "psycopg"), _postgres),
    "postgres": ("postgres", ("ibis", "sqlglot", "psycopg"), _postgres),
}


def is_warehouse(url: str) -> bool:
    """Say whether a URL names a warehouse that is opened through Ibis.

    >>> is_warehouse("postgresql://ann@db/shop"), is_warehouse("duckdb:///shop.duckdb")
    (True, False)
    """
    return _scheme(url) in _WAREHOUSES


def open_warehouse(
    url: str,
    *,
    tables: Sequence[str] = (),
    reference: Mapping[str, object] | None = None,
    statement_timeout_seconds: float,
    memory_limit_bytes: int | None = None,
    temp_directory: str | Path | None = None,
) -> IbisEngine:
    """Open the warehouse that a URL names.

    Args:
        url: It may hold a password, which is never shown.
        tables: Names to keep, all when empty.
        reference: Other tables of the warehouse to compare some with, or `before:COLUMN=VALUE`.
        statement_timeout_seconds: Time each statement may take.
        memory_limit_bytes: For what is computed in this process.
        temp_directory: For what does not fit there.

    Raises:
        ConfigurationError: Its extra is not installed, or the URL cannot be read.
        EngineError: The warehouse cannot be reached.
        SourceError: A table that is not there.
    """
    extra, modules, connect = _WAREHOUSES[_scheme(url)]
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"A {_scheme(url)}:// warehouse needs {' and '.join(missing)}, which cannot be "
            "imported.",
            remedy=f"Install the extra: pip install 'voyant[{extra}]'.",
        )
    from voyant.engines.ibis_engine import IbisEngine  # noqa: PLC0415 - an extra, and slow

    return IbisEngine(
        connect(url, statement_timeout_seconds),
        tables=tables,
        reference=reference,
        memory_limit_bytes=memory_limit_bytes,
        temp_directory=temp_directory,
    )


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()
