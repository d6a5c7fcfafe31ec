"""Live progress: each event once, in order, from where the client was, until the end."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import pytest

from voyant.jobs.durable.model import JobEvent
from voyant.service import streaming
from voyant.service.stopping import Stopping
from voyant.service.streaming import format_event


def parse(text: str) -> list[dict]:
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            events.append({**fields, "data": json.loads(fields["data"])})
    return events


def test_a_job_is_followed_to_its_end(live):
    job = live.run_job()
    response = live.ask("GET", f"/v1/jobs/{job['job_id']}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    events = parse(response.text)
    assert [int(event["id"]) for event in events] == list(range(1, len(events) + 1))
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["queued", "started"]
    assert kinds[-1] == "finished"
    assert events[-1]["data"]["state"] == "succeeded"
    started = [e["data"]["generator"] for e in events if e["event"] == "generator_started"]
    assert started[:3] == ["profile", "kpi", "sufficiency"]
    assert response.text.startswith("retry: ")

    middle = len(events) // 2
    rest = live.ask(
        "GET", f"/v1/jobs/{job['job_id']}/events", headers={"Last-Event-ID": str(middle)}
    )
    assert parse(rest.text) == events[middle:]
    over = live.ask(
        "GET", f"/v1/jobs/{job['job_id']}/events", headers={"Last-Event-ID": str(len(events))}
    )
    assert (over.status_code, over.content) == (204, b"")


def test_events_come_while_the_job_runs(live):
    """The first lines are there before the job has been asked to stop, the last after."""
    live.ask("PUT", "/v1/tables/orders.csv", content=b"id\n1\n")
    spec = {"sources": {"orders": "upload:orders.csv"}}
    made = live.ask("POST", "/v1/jobs", json=spec).json()
    headers = {"Authorization": f"Bearer {live.key()}"}
    url = f"{live.url}/v1/jobs/{made['job_id']}/events"
    with httpx.stream("GET", url, headers=headers, timeout=60) as response:
        lines = response.iter_lines()
        seen = [next(lines) for _ in range(6)]
        assert "event: queued" in seen
        live.ask("POST", f"/v1/jobs/{made['job_id']}/cancel")
        rest = list(lines)
    assert {"event: cancelled", "event: finished"} & set(rest)


def test_an_idle_stream_shows_signs_of_life_and_counts_no_longer_than_it_is_read(
    service, monkeypatch
):
    """In this process: a job that waits for ever, and a client that goes away."""
    import anyio

    monkeypatch.setattr(streaming, "_HEARTBEAT_SECONDS", 0.05)
    job = service.submit()
    state = service.client.app.state

    async def follow() -> bytes:
        parts = []
        async for part in streaming._follow(service.queue, "acme", job.job_id, 0, state.stopping):
            parts.append(part)
            if part.startswith(b":"):
                break
        return b"".join(parts)

    text = anyio.run(follow)
    assert text.startswith(b"id: 1\nevent: queued\n")
    assert text.endswith(b": still here\n\n")
    assert state.followers.taken == 0


def test_a_stream_ends_when_the_service_stops_and_when_the_job_is_deleted(service):
    import anyio

    job = service.submit()

    async def follow(stop) -> int:
        state = service.client.app.state
        count = 0
        async with anyio.create_task_group() as group:
            group.start_soon(stop, state)
            async for _ in streaming._follow(service.queue, "acme", job.job_id, 0, state.stopping):
                count += 1
        return count

    async def stop_service(state):
        await anyio.sleep(0.3)
        state.stopping.set()

    assert anyio.run(follow, stop_service) == 1
    service.client.app.state.stopping = Stopping()

    async def delete_job(_state):
        await anyio.sleep(0.3)
        service.queue.cancel("acme", job.job_id)
        service.queue.delete("acme", job.job_id)

    assert anyio.run(follow, delete_job) >= 1


def test_a_tenant_follows_so_many_jobs_at_the_same_time(service, assert_problem):
    job = service.submit()
    followers = service.client.app.state.followers
    with ExitStack() as stack:
        for _ in range(streaming._MOST_FOLLOWERS):
            stack.enter_context(followers.take("acme"))
        response = service.ask("GET", f"/v1/jobs/{job.job_id}/events")
        assert_problem(response, "too-many-requests")
        assert response.headers["retry-after"] == "5"


def test_who_waits_for_a_jobs_end_counts_as_a_follower(service, assert_problem):
    job = service.submit()
    followers = service.client.app.state.followers
    spec = {"sources": {"orders": "upload:orders.csv"}}
    with ExitStack() as stack:
        for _ in range(streaming._MOST_FOLLOWERS):
            stack.enter_context(followers.take("acme"))
        for method, path, body in (
            ("GET", f"/v1/jobs/{job.job_id}", None),
            ("POST", "/v1/jobs", spec),
        ):
            response = service.ask(method, f"{path}?wait_seconds=60", json=body)
            assert_problem(response, "too-many-requests")
            assert response.headers["retry-after"] == "5"
        assert len(service.queue.list("acme", limit=9).jobs) == 1
        assert service.ask("GET", f"/v1/jobs/{job.job_id}").status_code == 200
        other = service.submit(tenant="umbrella")
        path = f"/v1/jobs/{other.job_id}?wait_seconds=0.1"
        assert service.ask("GET", path, tenant="umbrella").status_code == 200
    waited = service.ask("GET", f"/v1/jobs/{job.job_id}?wait_seconds=0.1")
    assert waited.status_code == 200
    assert followers.taken == 0


def test_probes_are_answered_however_much_is_asked_and_a_tenant_waits_so_often(
    service, monkeypatch
):
    """All in one loop: 40 wait for a job that does not end, 32 may, and the gate has room for 5."""
    import anyio

    from voyant.service import gate

    job = service.submit()
    app, headers = service.client.app, {"Authorization": f"Bearer {service.key()}"}
    path = f"/v1/jobs/{job.job_id}?wait_seconds=60"

    async def ask_all() -> tuple[list[int], dict[str, int]]:
        transport = httpx.ASGITransport(app=app)
        statuses: list[int] = []
        async with (
            asyncio.timeout(60),
            httpx.AsyncClient(
                transport=transport, base_url="http://localhost", timeout=60, headers=headers
            ) as client,
            anyio.create_task_group() as group,
        ):

            async def wait() -> None:
                statuses.append((await client.get(path)).status_code)

            for _ in range(streaming._MOST_FOLLOWERS + 8):
                group.start_soon(wait)
            while len(statuses) < 8:  # noqa: ASYNC110 - their ends are what is waited for
                await anyio.sleep(0.05)
            assert app.state.followers.taken == streaming._MOST_FOLLOWERS
            monkeypatch.setattr(gate, "_MOST_REQUESTS", 5)
            asked = ("/healthz", "/readyz", "/v1/jobs")
            answers = {it: (await client.get(it)).status_code for it in asked}
            app.state.stopping.set()
        return statuses, answers

    statuses, answers = anyio.run(ask_all)
    assert sorted(statuses) == [200] * streaming._MOST_FOLLOWERS + [429] * 8
    assert answers == {"/healthz": 200, "/readyz": 200, "/v1/jobs": 503}


def test_an_event_cannot_break_out_of_its_lines():
    event = JobEvent(
        number=1,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        kind="generator_skipped",
        data={"reason": "a\nid: 99\n\nevent: finished\rdata: x"},
    )
    lines = format_event(event).decode().splitlines()
    assert len(lines) == 4
    assert [line.split(":")[0] for line in lines] == ["id", "event", "data", ""]


def test_waiting_answers_when_the_job_ends_or_the_time_is_up(service):
    job = service.submit()
    waited = service.ask("GET", f"/v1/jobs/{job.job_id}?wait_seconds=0.2")
    assert waited.json()["state"] == "queued"
    timer = threading.Timer(0.3, service.queue.cancel, ("acme", job.job_id))
    timer.start()
    ended = service.ask("GET", f"/v1/jobs/{job.job_id}?wait_seconds=60")
    timer.join()
    assert ended.json()["state"] == "cancelled"


def test_a_client_that_goes_away_frees_its_place(live):
    live.ask("PUT", "/v1/tables/orders.csv", content=b"id\n1\n")
    head = f"Host: localhost\r\nAuthorization: Bearer {live.key()}\r\n\r\n"
    job = live.run_job()["job_id"]
    for _ in range(streaming._MOST_FOLLOWERS + 5):
        with socket.create_connection(("127.0.0.1", live.port), timeout=30) as connection:
            request = f"GET /v1/jobs/{job}/events HTTP/1.1\r\n{head}"
            connection.sendall(request.encode())
            assert connection.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("header", ["0", "00003"])
def test_the_last_event_may_be_written_as_any_number(service, header):
    job = service.submit()
    service.queue.cancel("acme", job.job_id)
    response = service.ask(
        "GET", f"/v1/jobs/{job.job_id}/events", headers={"Last-Event-ID": header}
    )
    assert response.status_code in {200, 204}
