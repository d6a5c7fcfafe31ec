"""Queries of many tenants: who waits holds no thread, and one tenant never has every turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from voyant.core.config import Settings
from voyant.core.errors import ConfigurationError
from voyant.core.tables import QueryResult
from voyant.jobs.durable.places import upload_path
from voyant.jobs.durable.queue import DatabaseQueue, open_queue
from voyant.mcp import hosted
from voyant.mcp import http as over_http
from voyant.mcp.desk import RefusedError
from voyant.mcp.turns import Turns
from voyant.service.key_store import DatabaseKeys
from voyant.service.keys import Role, make_key

if TYPE_CHECKING:
    import httpx2

PATIENCE_SECONDS = 30.0


def test_a_tenant_has_a_turn_at_a_time_and_others_come_between() -> None:
    async def go() -> tuple[list[str], int]:
        turns, order, running, most = Turns(of_all=2), [], 0, 0

        async def ask(tenant: str) -> None:
            nonlocal running, most
            async with turns.take(tenant):
                running += 1
                most = max(most, running)
                order.append(tenant)
                await asyncio.sleep(0.01)
                running -= 1

        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for tenant in ("large",) * 20 + ("small", "other"):
                group.create_task(ask(tenant))
        return order, most

    order, most = asyncio.run(go())
    assert most == 2
    assert sorted(order[:2]) == ["large", "small"]
    assert order.index("other") <= 3


def test_who_had_no_turn_in_time_is_refused_and_takes_nothing_along() -> None:
    async def go() -> None:
        turns = Turns(of_all=1, patience_seconds=0.05)
        async with turns.take("acme"):
            for tenant in ("acme", "other"):
                with pytest.raises(RefusedError, match="Too many queries"):
                    async with turns.take(tenant):
                        raise AssertionError
        for tenant in ("acme", "other"):
            async with turns.take(tenant):
                pass

    asyncio.run(go())


def test_a_turn_that_is_not_waited_for_to_the_end_is_free_again() -> None:
    async def go() -> None:
        turns = Turns(of_all=1)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(turns.take("acme"))
            waiting = asyncio.create_task(turns.take("other").__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
        async with asyncio.timeout(PATIENCE_SECONDS), turns.take("other"):
            pass

    asyncio.run(go())


class _Engine:
    """Answers one tenant's queries only once it is let."""

    def __init__(self, gate: threading.Event | None, started: threading.Semaphore) -> None:
        self._gate, self._started = gate, started

    def query(self, _sql: str) -> QueryResult:
        self._started.release()
        if self._gate is not None:
            assert self._gate.wait(PATIENCE_SECONDS)
        return QueryResult(columns=(), rows=(), truncated=False, duration_ms=1.0)

    def close(self) -> None:
        pass


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseQueue]:
    monkeypatch.chdir(tmp_path)
    opened = open_queue(Settings(artifacts_root=str(tmp_path / "artifacts")))
    yield opened
    opened.close()


def add_key(queue: DatabaseQueue, tenant: str) -> str:
    new, stored = make_key(tenant, Role.ADMIN, "test", datetime.now(UTC))
    DatabaseKeys(queue.database).add(stored)
    return new.text.get_secret_value()


def test_a_tenants_slow_queries_keep_neither_keys_nor_other_tenants_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue: DatabaseQueue
) -> None:
    settings = Settings(artifacts_root=str(tmp_path / "artifacts"))
    for tenant in ("acme", "other"):
        path = upload_path(settings, tenant, "orders.csv")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"id\n1\n")
    keys = {tenant: add_key(queue, tenant) for tenant in ("acme", "other")}
    gate, started = threading.Event(), threading.Semaphore(0)

    def open_one(_settings: object, sources: dict[str, Path]) -> _Engine:
        return _Engine(gate if "acme" in sources["orders"].parts else None, started)

    monkeypatch.setattr(hosted, "_open", open_one)
    monkeypatch.setattr(over_http, "_MOST_REQUESTS", 40)
    app = over_http.make_app(settings, queue)
    with (
        TestClient(app, base_url="http://localhost") as client,
        ThreadPoolExecutor(60) as threads,
    ):

        def ask(tenant: str) -> httpx2.Response:
            call = {"name": "query_tables", "arguments": {"sql": "SELECT 1"}}
            return client.post(
                "/mcp",
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
                headers={
                    "Accept": "application/json, text/event-stream",
                    "Authorization": f"Bearer {keys[tenant]}",
                },
            )

        try:
            slow: list[Future[httpx2.Response]] = [threads.submit(ask, "acme") for _ in range(50)]
            assert started.acquire(timeout=PATIENCE_SECONDS)
            answer = threads.submit(ask, "other").result(PATIENCE_SECONDS)
            assert answer.status_code == 200
            assert "isError" in answer.text
            assert '"isError":true' not in answer.text.replace(" ", "")
            assert started.acquire(timeout=PATIENCE_SECONDS)  # the other tenant's
            assert not started.acquire(timeout=0.2)  # no second one of the first
        finally:
            gate.set()
        statuses = [it.result(PATIENCE_SECONDS).status_code for it in slow]
    assert sorted(statuses) == [200] * 40 + [429] * 10


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_are_not_let_in_before_there_is_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue: DatabaseQueue, host: str
) -> None:
    import uvicorn

    served: list[str] = []
    monkeypatch.setattr(uvicorn, "run", lambda _app, **options: served.append(options["host"]))
    settings = Settings(artifacts_root=str(tmp_path / "artifacts"))
    with pytest.raises(ConfigurationError, match="no API key"):
        over_http.serve(settings, host=host, port=0)
    assert served == []
    over_http.serve(settings, host="127.0.0.1", port=0)
    open_to_all = settings.model_copy(update={"service_starts_without_keys": True})
    over_http.serve(open_to_all, host=host, port=0)
    add_key(queue, "acme")
    over_http.serve(settings, host=host, port=0)
    assert served == ["127.0.0.1", host, host]
