"""A service of the test's own: a folder, a database, two tenants, keys for each role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.service.live import LiveService
from voyant.core.config import Settings
from voyant.jobs.durable.model import Job, JobSpec
from voyant.jobs.durable.places import tenant_root, upload_path
from voyant.jobs.durable.queue import DatabaseQueue, open_queue
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job
from voyant.service.app import create_app
from voyant.service.key_store import DatabaseKeys
from voyant.service.keys import Role, make_key

ORDERS = b"id,amount\n1,2.5\n2,3.5\n3,4.5\n"


@dataclass
class Service:
    """The application in this process, and what is behind it."""

    settings: Settings
    queue: DatabaseQueue
    client: TestClient
    _keys: dict[tuple[str, Role], str] = field(default_factory=dict)

    def key(self, tenant: str = "acme", role: Role = Role.ADMIN) -> str:
        """Return a key's text, made on first use."""
        if (tenant, role) not in self._keys:
            new, stored = make_key(tenant, role, "test", datetime.now(UTC))
            DatabaseKeys(self.queue.database).add(stored)
            self._keys[tenant, role] = new.text.get_secret_value()
        return self._keys[tenant, role]

    def ask(self, method, path, *, tenant="acme", role=Role.ADMIN, headers=None, **rest):
        """Send a request with a key."""
        own = {"Authorization": f"Bearer {self.key(tenant, role)}"}
        return self.client.request(method, path, headers={**own, **(headers or {})}, **rest)

    def upload(self, name: str = "orders.csv", *, tenant: str = "acme") -> None:
        """Put a table where an upload would be."""
        path = upload_path(self.settings, tenant, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ORDERS)

    def submit(self, *, tenant: str = "acme") -> Job:
        """Keep a job."""
        self.upload(tenant=tenant)
        spec = JobSpec(sources={"orders": "upload:orders.csv"})
        return self.queue.submit(tenant, spec, requested_by="test")

    def finish(self, *, tenant: str = "acme", only=("profile", "kpi", "drift")) -> Job:
        """Keep a job, and leave its folder as a worker does."""
        job = self.submit(tenant=tenant)
        run_job(
            JobRequest(
                sources={"orders": str(upload_path(self.settings, tenant, "orders.csv"))},
                kpis=[{"name": "revenue", "sql": "SELECT sum(amount) FROM orders"}],
                tenant_id=tenant,
                job_id=job.job_id,
                artifacts_root=tenant_root(self.settings, tenant),
                only=only,
            ),
            self.settings,
        )
        return job


def make_service(root: Path, **settings) -> Service:
    chosen = Settings(artifacts_root=str(root / "artifacts"), **settings)
    queue = open_queue(chosen)
    app = create_app(chosen, queue)
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    return Service(settings=chosen, queue=queue, client=client)


@pytest.fixture
def service(tmp_path, monkeypatch) -> Iterator[Service]:
    monkeypatch.chdir(tmp_path)
    made = make_service(tmp_path)
    yield made
    made.queue.close()


@pytest.fixture
def service_with(tmp_path, monkeypatch):
    """A service with settings of the test's own."""
    monkeypatch.chdir(tmp_path)
    made: list[Service] = []

    def make(**settings) -> Service:
        made.append(make_service(tmp_path, **settings))
        return made[-1]

    yield make
    for one in made:
        one.queue.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory) -> Iterator[LiveService]:
    """`voyant serve` as a process, with one worker."""
    with LiveService(tmp_path_factory.mktemp("live"), workers=1) as started:
        yield started


@pytest.fixture
def assert_problem():
    """Check that a response is a problem of a kind."""

    def check(response, slug: str) -> dict:
        from voyant.service.problems import PROBLEMS

        kind = PROBLEMS[slug]
        assert response.status_code == kind.status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        body = json.loads(response.text)
        assert (body["type"], body["title"], body["status"]) == (kind.type, kind.title, kind.status)
        assert body["detail"]
        if "x-request-id" in response.headers:
            assert body["request_id"] == response.headers["x-request-id"]
        assert set(body) <= {"type", "title", "status", "detail", "request_id", "errors"}
        return body

    return check
