"""Profile a PostgreSQL table, and send the same statements bare: what does Voyant add to them?"""

from __future__ import annotations

import importlib
import sys
import time
from typing import TYPE_CHECKING, Any

from harness import ROOT, Goal, Options, Report, say, summarise

if TYPE_CHECKING:
    from voyant.engines.ibis_engine import IbisEngine

#: How often flights is repeated: what one statement takes should be told from what Python does.
COPIES = 4
ROWS = 336_776 * COPIES


def run(options: Options) -> Report | None:
    """Take turns: the profile's questions, and the statements they were answered by."""
    sys.path.insert(0, str(ROOT))
    postgres = importlib.import_module("tests.postgres")
    if postgres.find_binaries() is None:
        say("PostgreSQL is not installed: the warehouse is left out.")
        return None
    taken: dict[str, list[float]] = {"bare statements": [], "voyant": []}
    with postgres.started_server() as server:
        _load(server)
        statements: list[str] = []
        for number in range(options.runs + 1):
            seconds, sent = _ask(server.url())
            statements = statements or sent
            bare = _send(server.url(), statements)
            say(f"voyant: {seconds:.2f} s, bare: {bare:.2f} s{'' if number else ' (warm-up)'}")
            if number:
                taken["voyant"].append(seconds)
                taken["bare statements"].append(bare)
    rows = [summarise(name, values) for name, values in taken.items()]
    goal = Goal(text="x the bare statements", measured=rows[1].value / rows[0].value, limit=1.1)
    case = f"profile of {ROWS:,} rows in PostgreSQL, {len(statements)} statements"
    return Report(case=case, unit="seconds", rows=rows, goals=[goal])


def _load(server: Any) -> None:  # noqa: ANN401 - a test's server
    from voyant.demo import table_paths

    parquet = importlib.import_module("pyarrow.parquet")
    warehouses = importlib.import_module("tests.conformance.warehouses")
    with server.connect() as admin:
        warehouses.load(admin, "flights", parquet.read_table(table_paths()["flights"]))
        for _ in range(COPIES.bit_length() - 1):
            admin.execute("INSERT INTO flights SELECT * FROM flights")
        admin.execute("VACUUM ANALYZE flights")


def _open(url: str) -> IbisEngine:
    from voyant.engines.warehouses import open_warehouse

    return open_warehouse(url, statement_timeout_seconds=600)


def _ask(url: str) -> tuple[float, list[str]]:
    """Ask a profile's questions; return the time, connecting left out, and the statements."""
    from voyant.generators.profile import Budget, measure

    engine = _open(url)
    try:
        began = time.perf_counter()
        summary = engine.summarize("flights")
        measure(engine, "flights", Budget())
        seconds = time.perf_counter() - began
        assert summary.row_count == ROWS  # noqa: S101 - fast nonsense is no win
        return seconds, [statement.sql for statement in engine.statements.log]
    finally:
        engine.close()


def _send(url: str, statements: list[str]) -> float:
    """Send statements over a connection with the same settings, and fetch all rows."""
    engine = _open(url)
    try:
        began = time.perf_counter()
        for statement in statements:
            is_ordered = "ROW_NUMBER() OVER ()" in statement
            engine.warehouse.fetch(statement, is_ordered=is_ordered)
        return time.perf_counter() - began
    finally:
        engine.close()
