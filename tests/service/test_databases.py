"""The API on each database it may have: keys, a job, the audit log, metrics."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tests.service.conftest import make_service
from voyant.jobs.durable.claims import claim_next
from voyant.jobs.durable.errors import DatabaseError
from voyant.jobs.durable.lease import WorkerLease
from voyant.jobs.durable.model import JobState
from voyant.service.keys import Role


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def there(request, tmp_path_factory):
    """A service over a database of the kind."""
    settings = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        settings["database_url"] = server.url(server.new_database("service"))
    service = make_service(tmp_path_factory.mktemp(request.param), **settings)
    assert service.queue.database.engine.dialect.name == request.param
    yield service
    service.queue.close()


@pytest.fixture(scope="module")
def job(there):
    """A job that was asked for over HTTP, and that a worker has said to be done."""
    there.upload()
    spec = {"sources": {"orders": "upload:orders.csv"}, "only": ["profile"]}
    asked = there.ask("POST", "/v1/jobs", json=spec, headers={"Idempotency-Key": "one"})
    assert asked.status_code == 202, asked.text
    again = there.ask("POST", "/v1/jobs", json=spec, headers={"Idempotency-Key": "one"})
    assert again.json()["job_id"] == asked.json()["job_id"]
    claim = claim_next(WorkerLease.take(there.queue.database, "one", 30.0), there.settings)
    claim.note("generator_finished", generator="profile", status="ok", duration_ms=2.5)
    claim.finish(JobState.SUCCEEDED, None, 0)
    return asked.json()


def test_a_job_is_kept_done_and_read(there, job):
    found = there.ask("GET", f"/v1/jobs/{job['job_id']}").json()
    assert (found["state"], found["spec"]) == ("succeeded", job["spec"])
    listed = there.ask("GET", "/v1/jobs?state=succeeded").json()["jobs"]
    assert listed == [found]
    events = there.ask("GET", f"/v1/jobs/{job['job_id']}/events").text
    assert events.index("event: queued") < events.index("event: generator_finished")


def test_a_key_is_of_its_tenant_and_its_role(there, job, assert_problem):
    path = f"/v1/jobs/{job['job_id']}"
    assert there.ask("GET", path, role=Role.VIEWER).status_code == 200
    assert_problem(there.ask("DELETE", path, role=Role.VIEWER), "forbidden")
    assert_problem(there.ask("GET", path, tenant="umbrella"), "not-found")
    unknown = {"Authorization": f"Bearer voyant_0123456789ab_{'A' * 43}"}
    assert_problem(there.ask("GET", path, headers=unknown), "unauthenticated")


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM voyant_audit_log", "UPDATE voyant_audit_log SET outcome = 'never'"],
)
def test_the_audit_log_is_kept_as_it_was_written(there, job, change):
    before = there.ask("GET", "/v1/audit").json()["entries"]
    assert ("POST /v1/jobs", job["job_id"]) in {(e["action"], e["target"]) for e in before}
    with (
        pytest.raises((DatabaseError, IntegrityError), match="the audit log is added to only"),
        there.queue.database.write() as connection,
    ):
        connection.execute(sa.text(change))
    assert there.ask("GET", "/v1/audit").json()["entries"] == before


def test_metrics_tell_what_the_database_has(there, job):
    before = there.client.get("/metrics").text
    assert 'voyant_jobs{state="succeeded"} 1.0' in before
    assert 'voyant_workers{state="alive"} 1.0' in before
    assert job["job_id"] not in before
    there.ask("POST", "/v1/jobs", json=job["spec"])
    after = there.client.get("/metrics").text
    assert 'voyant_jobs{state="queued"} 1.0' in after
