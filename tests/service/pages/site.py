"""A service with jobs in it, for tests of its pages: made once, through its own API."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.mcp.serving import free_port, make_key, running

#: What a page must only ever print.
HOSTILE = "<img src=x onerror=alert(1)>"
HOSTILE_VALUE = "</script><script>alert(2)</script>"


@dataclass
class Site:
    """Where it is, and what is in it."""

    address: str
    keys: dict[str, str]
    jobs: dict[str, str] = field(default_factory=dict[str, str])

    def api(self, who: str) -> httpx.Client:
        """Return a client that asks the API as somebody."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=60)


@contextmanager
def site(*, workers: int = 1, **variables: str) -> Iterator[Site]:
    """Start a service with the keys of two tenants."""
    with tempfile.TemporaryDirectory(prefix="voyant-site-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        keys = {
            "acme": make_key(root, "acme", "analyst"),
            "viewer": make_key(root, "acme", "viewer"),
            "other": make_key(root, "other", "analyst"),
        }
        port = free_port()
        serve = ("serve", "--workers", str(workers), "--port", str(port))
        with running(root, *serve, port=port, path="/healthz", **variables) as address:
            yield Site(address, keys)


def fill(place: Site) -> None:
    """Run a few jobs: two that follow one another, one with hostile names, one that fails."""
    with place.api("acme") as api:
        for number, name in enumerate(("first", "second", "hostile")):
            head = f'id,amount,"{HOSTILE}"'
            rows = [f'{row},{row * (1 + number)}.5,"{HOSTILE_VALUE}"' for row in range(80)]
            content = "\n".join([head, *rows]) + "\n"
            sent = api.put("/v1/tables/orders.csv", content=content.encode())
            assert sent.status_code in {200, 201}, sent.text
            table = HOSTILE if name == "hostile" else "orders"
            kpi = {"name": f"revenue {HOSTILE}", "sql": f'SELECT sum(amount) FROM "{table}"'}
            spec = {"sources": {table: "upload:orders.csv"}, "kpis": [kpi]}
            place.jobs[name] = submit(api, spec)
        broken = {"name": "broken", "sql": "SELECT nothing FROM orders"}
        spec = {"sources": {"orders": "upload:orders.csv"}, "kpis": [broken]}
        place.jobs["failed"] = submit(api, spec)


def submit(api: httpx.Client, spec: dict[str, object]) -> str:
    """Submit a job and wait for its end."""
    sent = api.post("/v1/jobs", json=spec)
    assert sent.status_code == 202, sent.text
    job_id = sent.json()["job_id"]
    for _ in range(1_200):
        if api.get(f"/v1/jobs/{job_id}").json()["state"] not in {"queued", "running"}:
            return job_id
        time.sleep(0.1)
    raise AssertionError(f"{job_id} did not end")
