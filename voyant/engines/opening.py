"""Which engine holds a job's tables, and how is it opened?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from voyant.core.config import redact_url
from voyant.core.errors import ConfigurationError, SourceError
from voyant.core.scan_costs import refuse_costly
from voyant.core.selection import TableSelection, parse_selections
from voyant.engines.warehouses import is_warehouse, open_warehouse, reads_paths
from voyant.objects.access import ObjectAccess

if TYPE_CHECKING:
    from voyant.core.context import GeneratorContext
    from voyant.core.engine import Engine
    from voyant.engines.sandbox import QueryLimits

__all__ = ["open_engine"]

_DUCKDB_PREFIX = "duckdb:///"


def open_engine(ctx: GeneratorContext) -> Engine:
    """Open the engine a context asks for: its `sources`, the settings' tables, or the warehouse.

    Args:
        ctx: `ctx["sources"]` maps table names to inputs; `ctx["tables"]` says which to keep;
            `ctx["reference"]` maps some of them to inputs to compare them with; `ctx["where"]` and
            `ctx["sample"]` select rows, as `--where` and `--sample` do.

    Raises:
        ConfigurationError: A warehouse URL of an unknown kind.
        SourceError: An input that cannot be opened, or is larger than may be scanned.
        UnsafeQueryError: A condition that is not allowed.
    """
    sources = cast("Mapping[str, object]", ctx.get("sources") or ctx.setting("tables"))
    url = str(ctx.get("warehouse_url") or ctx.setting("warehouse_url"))
    selections = parse_selections(
        cast("Mapping[str, Mapping[str, Any]]", ctx.setting("select")),
        where=cast("Sequence[str]", ctx.get("where") or ()),
        sample=cast("Sequence[str]", ctx.get("sample") or ()),
        as_of=ctx.as_of,
    )
    is_named = ctx.get("warehouse_url") is not None
    if is_warehouse(url) and (not sources or (is_named and reads_paths(url))):
        return _open_warehouse(ctx, url, sources, selections)
    # DuckDB costs 150 ms: a wrong setting should be told at once.
    from voyant.engines.duckdb import DuckDBEngine  # noqa: PLC0415

    limit = cast("int | None", ctx.setting("max_scan_bytes"))
    if not sources:
        sources = {"warehouse": _warehouse_file(url)}
    engine = DuckDBEngine(
        sources,
        tables=cast("Sequence[str]", ctx.get("tables") or ()),
        reference=cast("Mapping[str, object]", ctx.get("reference") or {}),
        threads=cast("int | None", ctx.setting("threads")),
        memory_limit_bytes=cast("int | None", ctx.setting("memory_limit")),
        temp_directory=cast("str | None", ctx.setting("temp_directory")),
        limits=_limits(ctx),
        objects=ObjectAccess.of(ctx.setting),
        selections=selections,
        max_scan_bytes=limit,
    )
    engine.report_to(lambda step: ctx.progressed(step))  # noqa: PLW0108 - it changes
    if ctx.asked is not None:
        engine.trace_to(ctx.asked)
    try:
        refuse_costly(engine, limit)
    except BaseException:
        engine.close()
        raise
    if ctx.kpis:
        engine.prepare_queries()  # its process starts while the profile is made
    return engine


def _open_warehouse(
    ctx: GeneratorContext,
    url: str,
    sources: Mapping[str, object],
    selections: Mapping[str, TableSelection],
) -> Engine:
    engine = open_warehouse(  # it refuses what is too large before it asks for a row
        url,
        sources=sources,
        tables=cast("Sequence[str]", ctx.get("tables") or ()),
        reference=cast("Mapping[str, object]", ctx.get("reference") or {}),
        statement_timeout_seconds=cast("float", ctx.setting("statement_timeout_seconds")),
        memory_limit_bytes=cast("int | None", ctx.setting("memory_limit")),
        temp_directory=cast("str | None", ctx.setting("temp_directory")),
        limits=_limits(ctx),
        selections=selections,
        max_scan_bytes=cast("int | None", ctx.setting("max_scan_bytes")),
    )
    engine.report_to(lambda step: ctx.progressed(step))  # noqa: PLW0108 - it changes
    if ctx.asked is not None:
        engine.trace_to(ctx.asked)
    return engine


def _limits(ctx: GeneratorContext) -> QueryLimits:
    """Return what the settings let a user's query use."""
    from voyant.engines.sandbox import QueryLimits  # noqa: PLC0415 - as above

    return QueryLimits(
        timeout_seconds=cast("float", ctx.setting("query_timeout_seconds")),
        max_rows=cast("int", ctx.setting("query_max_rows")),
        memory_limit_bytes=int(cast("int", ctx.setting("query_memory_limit"))),
        threads=cast("int", ctx.setting("query_threads")),
    )


def _warehouse_file(url: str) -> Path:
    if not url.startswith(_DUCKDB_PREFIX):
        raise ConfigurationError(
            f"The warehouse URL is {redact_url(url)!r}.",
            remedy="Write duckdb:///file.duckdb (relative), duckdb:////file.duckdb or "
            "postgresql://user:password@host/database.",
        )
    path = Path(url.removeprefix(_DUCKDB_PREFIX))
    if not path.is_file():
        raise SourceError(
            f"There is no warehouse file {str(path)!r}.",
            remedy="Name tables (voyant run data/*.parquet) or set VOYANT_WAREHOUSE_URL.",
        )
    return path
