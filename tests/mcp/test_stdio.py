"""`voyant mcp` over a folder, asked by the SDK's own client, in a process as an agent starts it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.mcp.serving import VOYANT, environment, orders

TOOLS = {
    *("list_tables", "list_generators", "query_tables", "run_analysis"),
    *("list_jobs", "get_job", "read_artifact"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agent")
    (folder / "data").mkdir()
    orders(folder / "data")
    (folder / "secret.csv").write_text("a\nsecret\n")
    return folder


def ask(root: Path, work: Callable[[Client], Awaitable[Any]]) -> Any:
    """Do some work with a server of its own."""
    server = StdioServerParameters(
        command=VOYANT[0],
        args=[*VOYANT[1:], "mcp", "data", "--out", "out"],
        env=environment(root),
        cwd=root,
    )

    async def go() -> Any:
        async with asyncio.timeout(180), Client(server) as client:
            return await work(client)

    return asyncio.run(go())


def test_every_tool_says_what_it_takes_and_answers(root: Path) -> None:
    async def work(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in ask(root, work)}
    assert set(tools) == TOOLS
    for tool in tools.values():
        assert tool.description
        assert "\n        " not in tool.description
        assert tool.title
        assert tool.output_schema is not None
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.annotations is not None
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.open_world_hint is False
        assert tool.annotations.read_only_hint is (tool.name != "run_analysis")


def test_an_agent_looks_asks_analyses_and_reads(root: Path) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(done: float, total: float | None, message: str | None) -> None:
        heard.append((done, total, message))

    async def work(client: Client) -> Any:
        answers: dict[str, Any] = {}

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(name, arguments, progress_callback=hear)
            assert result.is_error is False, result.content
            assert result.structured_content is not None
            assert json.loads(result.content[0].text) == result.structured_content
            answers[name] = result.structured_content
            return result.structured_content

        await call("list_tables")
        await call("query_tables", sql="SELECT count(*) AS n, sum(amount) AS total FROM orders")
        job = await call(
            "run_analysis",
            tables=["orders"],
            kpis=[{"name": "revenue", "sql": "SELECT sum(amount) FROM orders"}],
            skip=["charts"],
        )
        await call("get_job", job_id=job["job_id"])
        await call("list_jobs")
        await call("read_artifact", job_id=job["job_id"], path="kpis.json", pointer="/kpis/0/value")
        return answers

    found = ask(root, work)
    table = found["list_tables"]["tables"][0]
    assert table["name"] == "orders"
    assert [column["name"] for column in table["columns"]] == ["id", "amount", "email"]
    # 1.5 (1 + ... + 60) = 1.5 * 60 * 61 / 2
    assert found["query_tables"]["rows"] == [[60, 2745.0]]
    job = found["run_analysis"]
    assert job["state"] == "succeeded"
    assert {step["name"]: step["status"] for step in job["steps"]}["charts"] == "skipped"
    assert {"index.html", "profile.json", "kpis.json"} <= {it["path"] for it in job["artifacts"]}
    assert "orders" in job["narrative"]
    assert found["get_job"] == job
    assert [it["job_id"] for it in found["list_jobs"]["jobs"]] == [job["job_id"]]
    assert found["read_artifact"]["text"] == "2745.0"
    assert (root / "out" / job["job_id"] / "manifest.json").is_file()

    done = [it[0] for it in heard]
    assert done == sorted(done)
    assert {it[1] for it in heard} == {8.0}
    assert heard[-1][2] == "finished (succeeded)"
    assert "profile: finished (ok)" in {it[2] for it in heard}


def test_personal_values_are_masked_and_rows_are_bounded(root: Path) -> None:
    async def work(client: Client) -> Any:
        result = await client.call_tool(
            "query_tables", {"sql": "SELECT email FROM orders", "most_rows": 2}
        )
        return result.structured_content

    found = ask(root, work)
    assert found["rows"] == [["[masked email]"], ["[masked email]"]]
    assert (found["masked_count"], found["is_truncated"]) == (2, True)


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("query_tables", {"sql": "COPY orders TO 'stolen.csv'"}, "COPY is not allowed"),
    ("query_tables", {"sql": "SELECT * FROM read_csv('secret.csv')"}, "not allowed"),
    ("query_tables", {"sql": "SELECT * FROM 'secret.csv'"}, ""),
    ("query_tables", {"sql": "SELECT 1; SELECT 2"}, "exactly one"),
    ("query_tables", {"sql": "SELECT 1", "tables": ["odrers"]}, "Did you mean 'orders'?"),
    ("query_tables", {"sql": "SELECT 1", "most_rows": 10**9}, "less than or equal to 1000"),
    ("run_analysis", {"tables": ["secret.csv"]}, "There is no table 'secret.csv'"),
    ("run_analysis", {"tables": ["orders"], "only": ["prfile"]}, "Did you mean 'profile'?"),
    ("run_analysis", {"reference": {"orders": "../secret.csv"}}, "There is no table"),
    ("get_job", {"job_id": "../../etc"}, "job name"),
    ("get_job", {"job_id": "nothing"}, "There is no job 'nothing'"),
    ("read_artifact", {"job_id": "nothing", "path": "x"}, "There is no job 'nothing'"),
    ("no_such_tool", {}, "Unknown tool"),
]


@pytest.fixture(scope="module")
def refusals(root: Path) -> list[Any]:
    async def work(client: Client) -> Any:
        return [await client.call_tool(name, arguments) for name, arguments, _ in REFUSALS]

    return ask(root, work)


@pytest.mark.parametrize("number", range(len(REFUSALS)), ids=[it[2] or it[0] for it in REFUSALS])
def test_what_cannot_be_done_is_told_to_the_agent(
    root: Path, refusals: list[Any], number: int
) -> None:
    result = refusals[number]
    assert result.is_error is True
    assert REFUSALS[number][2] in result.content[0].text
    assert "Traceback" not in result.content[0].text
    assert "secret\n" not in result.content[0].text
    assert not (root / "stolen.csv").exists()


def test_a_job_that_takes_longer_than_the_agent_waits_goes_on(root: Path) -> None:
    async def work(client: Client) -> Any:
        first = await client.call_tool("run_analysis", {"only": ["profile"], "wait_seconds": 0})
        job = first.structured_content
        assert job is not None
        assert job["artifacts"] == []
        state = job["state"]
        while job["state"] in {"queued", "running"}:
            await asyncio.sleep(0.1)
            job = (await client.call_tool("get_job", {"job_id": job["job_id"]})).structured_content
            assert job is not None
        return state, job

    state, job = ask(root, work)
    assert state in {"queued", "running"}
    assert job["state"] == "succeeded"
    assert job["artifacts"]


def test_a_core_generator_that_fails_is_told(root: Path) -> None:
    async def work(client: Client) -> Any:
        kpis = [{"name": "broken", "sql": "SELECT nothing FROM orders"}]
        return (await client.call_tool("run_analysis", {"kpis": kpis})).structured_content

    job = ask(root, work)
    assert job["state"] == "failed"
    assert "kpi failed" in job["error"]
    assert {step["name"]: step["status"] for step in job["steps"]}["kpi"] == "failed"
