"""How does an open DuckDB engine get to another process, with every answer it remembers?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from voyant.core.errors import EngineError
from voyant.core.selection import TableSelection
from voyant.engines.duckdb import DuckDBEngine
from voyant.engines.recipe import ConnectionRecipe
from voyant.engines.sandbox import QueryLimits

__all__ = ["EngineHandover"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHandover:
    """An engine on its way to another process: the recipe, and every answer it remembers."""

    recipe: ConnectionRecipe
    queried: ConnectionRecipe
    selections: dict[str, TableSelection]
    origins: dict[str, str]
    memory: dict[tuple[object, ...], Any] = field(repr=False)
    threads: int | None
    memory_limit_bytes: int | None
    limits: QueryLimits
    wide_text_rows: int
    references: dict[str, str]
    currents: dict[str, str]
    compared: tuple[str, ...]

    def open(
        self, *, temp_directory: str | Path, memory_limit_bytes: int | None = None
    ) -> DuckDBEngine:
        """Open the tables again: nothing is parsed, and no remembered answer is computed, twice."""
        return _ReopenedEngine(self, temp_directory, memory_limit_bytes)


class _ReopenedEngine(DuckDBEngine):
    """The engine at the other end."""

    def __init__(
        self,
        handover: EngineHandover,
        temp_directory: str | Path,
        memory_limit_bytes: int | None,
    ) -> None:
        self._start(handover.threads, memory_limit_bytes, temp_directory, handover.limits)
        self._recipe, self.origins = handover.recipe, handover.origins
        self._queried, self._selections = handover.queried, handover.selections
        self._memory.update(handover.memory)
        self._wide_text_rows = handover.wide_text_rows
        self._references, self._currents = handover.references, handover.currents
        self._compared = handover.compared
        try:
            self._connect()
        except duckdb.Error as error:
            self._folder.close()
            raise EngineError(f"The tables cannot be opened again: {error}") from error
