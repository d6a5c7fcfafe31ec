"""`voyant mcp --http` beside the service: the same keys, roles, tenants and limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.mcp.serving import free_port, make_key, orders, running

HEADERS = {"Accept": "application/json, text/event-stream"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@dataclass
class Place:
    root: Path
    api: str
    tools: str
    acme: str
    other: str
    viewer: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("hosted")
    acme, other = make_key(root, "acme"), make_key(root, "other")
    viewer = make_key(root, "acme", "viewer")
    ports = free_port(), free_port()
    serve = ("serve", "--workers", "1", "--port", str(ports[0]))
    tools = ("mcp", "--http", "--port", str(ports[1]))
    with (
        running(root, *serve, port=ports[0], path="/healthz") as api,
        running(root, *tools, port=ports[1], path="/mcp") as agents,
    ):
        content = orders(root).read_bytes()
        key = {"Authorization": f"Bearer {acme}"}
        sent = httpx.put(f"{api}/v1/tables/orders.csv", content=content, headers=key, timeout=30)
        assert sent.status_code == 201
        yield Place(root, api, f"{agents}/mcp", acme, other, viewer)


def ask(place: Place, key: str, work: Callable[[Client], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            asyncio.timeout(180),
            httpx2.AsyncClient(headers=headers, timeout=180) as http,
            Client(streamable_http_client(place.tools, http_client=http)) as client,
        ):
            return await work(client)

    return asyncio.run(go())


@pytest.fixture(scope="module")
def job(place: Place) -> dict[str, Any]:
    """Run an analysis as acme."""
    heard: list[str | None] = []

    async def hear(_done: float, _total: float | None, message: str | None) -> None:
        heard.append(message)

    async def work(client: Client) -> Any:
        arguments = {"tables": ["orders"], "only": ["profile"]}
        return await client.call_tool("run_analysis", arguments, progress_callback=hear)

    result = ask(place, place.acme, work)
    assert result.is_error is False, result.content
    assert "queued" in heard
    assert heard[-1] == "finished (succeeded)"
    return result.structured_content


def test_an_analysis_is_a_job_of_the_service(place: Place, job: dict[str, Any]) -> None:
    assert job["state"] == "succeeded"
    key = {"Authorization": f"Bearer {place.acme}"}
    found = httpx.get(f"{place.api}/v1/jobs/{job['job_id']}", headers=key).json()
    assert found["spec"]["sources"] == {"orders": "upload:orders.csv"}
    logged = httpx.get(f"{place.api}/v1/audit", headers=key).json()["entries"]
    assert ("mcp run_analysis", job["job_id"]) in {(it["action"], it["target"]) for it in logged}


def test_what_is_logged_is_json_a_line_each(place: Place, job: dict[str, Any]) -> None:
    del job
    text = (place.root / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if not line.startswith("Voyant")]
    assert any(line.get("tenant_id") == "acme" and line.get("route") is None for line in lines)


def test_a_value_is_read_and_a_question_answered(place: Place, job: dict[str, Any]) -> None:
    async def work(client: Client) -> Any:
        value = await client.call_tool(
            "read_artifact",
            {
                "job_id": job["job_id"],
                "path": "profile.json",
                "pointer": "/tables/orders/row_count",
            },
        )
        rows = await client.call_tool("query_tables", {"sql": "SELECT sum(id) FROM orders"})
        return value.structured_content, rows.structured_content

    value, rows = ask(place, place.acme, work)
    assert json.loads(value["text"]) == 60
    assert rows["rows"] == [[1830]]  # 60 * 61 / 2


def test_another_tenant_sees_nothing_of_it(place: Place, job: dict[str, Any]) -> None:
    async def work(client: Client) -> Any:
        tables = await client.call_tool("list_tables", {})
        jobs = await client.call_tool("list_jobs", {})
        refused = [
            await client.call_tool("get_job", {"job_id": job["job_id"]}),
            await client.call_tool(
                "read_artifact", {"job_id": job["job_id"], "path": "profile.json"}
            ),
            await client.call_tool("query_tables", {"sql": "SELECT 1", "tables": ["orders"]}),
            await client.call_tool("run_analysis", {"tables": ["orders"]}),
            await client.call_tool("get_job", {"job_id": f"../acme/{job['job_id']}"}),
        ]
        unknown = await client.call_tool("get_job", {"job_id": "20200101-000000-000000000000"})
        return tables, jobs, refused, unknown

    tables, jobs, refused, unknown = ask(place, place.other, work)
    assert tables.structured_content == {"tables": []}
    assert jobs.structured_content == {"jobs": []}
    assert [it.is_error for it in refused] == [True] * 5
    said = refused[0].content[0].text.replace(job["job_id"], "JOB")
    assert said == unknown.content[0].text.replace("20200101-000000-000000000000", "JOB")


def test_a_viewer_reads_and_starts_nothing(place: Place, job: dict[str, Any]) -> None:
    async def work(client: Client) -> Any:
        seen = await client.call_tool("get_job", {"job_id": job["job_id"]})
        started = await client.call_tool("run_analysis", {"tables": ["orders"]})
        asked = await client.call_tool("query_tables", {"sql": "SELECT 1"})
        return seen, started, asked

    seen, started, asked = ask(place, place.viewer, work)
    assert seen.is_error is False
    assert (started.is_error, asked.is_error) == (True, True)
    assert "needs the role 'analyst'" in started.content[0].text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer x"}, 401),
        ({"Authorization": "Bearer voyant_000000000000_" + 43 * "A"}, 401),
        ({"Authorization": "Basic {acme}"}, 401),
        ({"Authorization": "Bearer {acme}", "Origin": "https://evil.example"}, 403),
        ({"Authorization": "Bearer {acme}", "Origin": "null"}, 403),
        ({"Authorization": "Bearer {acme}", "Host": "evil.example"}, 421),
    ],
)
def test_who_has_no_key_or_comes_from_another_site_is_refused(
    place: Place, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(acme=place.acme) for name, value in headers.items()}
    found = httpx.post(place.tools, headers={**HEADERS, **sent}, json=LIST)
    assert found.status_code == status
    assert found.headers["content-type"] == "application/problem+json"


def test_the_same_request_with_a_key_is_answered(place: Place) -> None:
    key = {"Authorization": f"Bearer {place.acme}"}
    found = httpx.post(place.tools, headers={**HEADERS, **key}, json=LIST)
    assert found.status_code == 200
    assert "query_tables" in found.text


def test_a_body_that_is_too_large_is_refused(place: Place) -> None:
    key = {"Authorization": f"Bearer {place.acme}"}
    found = httpx.post(place.tools, headers={**HEADERS, **key}, content=b"x" * (1024**2 + 1))
    assert found.status_code == 413


def test_a_revoked_key_opens_nothing(place: Place) -> None:
    import subprocess

    from tests.mcp.serving import VOYANT, environment

    key = make_key(place.root, "gone")
    headers = {**HEADERS, "Authorization": f"Bearer {key}"}
    assert httpx.post(place.tools, headers=headers, json=LIST).status_code == 200
    subprocess.run(
        [*VOYANT, "keys", "revoke", key.split("_")[1]],
        env=environment(place.root),
        cwd=place.root,
        check=True,
        capture_output=True,
    )
    assert httpx.post(place.tools, headers=headers, json=LIST).status_code == 401
