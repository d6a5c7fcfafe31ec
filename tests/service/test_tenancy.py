"""Another tenant's ids are no ids: 404, and the same bytes as for what never was."""

from __future__ import annotations

import json
import re

import pytest

from tests.service.test_auth import documented

#: Ids that belong to a tenant, and what never was, by the name they have in an address.
ABSENT = {
    "job_id": "20200101-000000-abcdefabcdef",
    "schedule_id": "0123456789abcdef",
    "name": "absent.csv",
}


@pytest.fixture
def theirs(service):
    """What the tenant `umbrella` has, by the name it has in an address."""
    job = service.finish(tenant="umbrella")
    service.upload("secret.csv", tenant="umbrella")
    spec = {"sources": {"orders": "upload:orders.csv"}}
    schedule = service.ask(
        "POST",
        "/v1/schedules",
        tenant="umbrella",
        json={"name": "nightly", "cron": "0 3 * * *", "spec": spec},
    )
    assert schedule.status_code == 201, schedule.text
    return {
        "job_id": job.job_id,
        "schedule_id": schedule.json()["schedule_id"],
        "name": "secret.csv",
    }


def without_request_id(response) -> object:
    if not response.text:
        return response.status_code, ""
    body = json.loads(response.text)
    body.pop("request_id", None)
    return response.status_code, body


def test_every_route_with_an_id_answers_another_tenants_like_one_that_never_was(service, theirs):
    asked = 0
    for method, path in sorted(documented(service)):
        names = re.findall(r"{(\w+)}", path)
        if not set(names) & set(ABSENT):
            continue
        files = {"path": "profile.json"}
        rest = {}
        if method == "PATCH":
            rest = {"json": {"is_enabled": True}}
        if method == "PUT":
            continue  # makes the asker's own: tested below
        their = service.ask(method, path.format(**theirs, **files), **rest)
        none = service.ask(method, path.format(**ABSENT, **files), **rest)
        assert their.status_code == 404, (method, path, their.text)
        assert without_request_id(their) == without_request_id(none), (method, path)
        assert {k for k in their.headers if k != "x-request-id"} == {
            k for k in none.headers if k != "x-request-id"
        }
        if method in {"GET", "HEAD"} and not path.endswith("/events"):  # that one goes on
            own = service.ask(method, path.format(**theirs, **files), tenant="umbrella", **rest)
            assert own.status_code == 200, (method, path, own.text)
        asked += 1
    assert asked >= 12


def test_bodies_that_name_another_tenants_things_are_answered_like_names_of_nothing(
    service, theirs
):
    def ask(job_id, name):
        spec = {"sources": {"t": f"upload:{name}"}}
        return [
            without_request_id(service.ask("POST", "/v1/jobs", json=spec)),
            without_request_id(service.ask("POST", "/v1/plan", json=spec)),
            without_request_id(
                service.ask(
                    "POST", "/v1/schedules", json={"name": "n", "cron": "0 3 * * *", "spec": spec}
                )
            ),
            without_request_id(service.ask("PUT", "/v1/baselines", json={"job_id": job_id})),
        ]

    assert ask(theirs["job_id"], theirs["name"]) == ask(ABSENT["job_id"], ABSENT["name"])


def test_lists_show_nothing_of_another_tenant(service, theirs):
    for path in (
        *("/v1/jobs", "/v1/tables", "/v1/schedules", "/v1/baselines", "/v1/kpi-history"),
        *("/v1/audit", "/v1/tenant", "/v1/generators"),
    ):
        answer = service.ask("GET", path)
        assert answer.status_code == 200
        for value in (*theirs.values(), "umbrella"):
            assert value not in answer.text, path
    for path in ("/v1/jobs", "/v1/tables", "/v1/schedules", "/v1/baselines", "/v1/kpi-history"):
        assert any(
            v in service.ask("GET", path, tenant="umbrella").text
            for v in (*theirs.values(), "revenue")
        ), path


def test_a_table_of_the_same_name_is_another_table(service, theirs):
    mine = service.ask("PUT", "/v1/tables/secret.csv", content=b"a\n1\n")
    assert mine.status_code == 201
    assert service.ask("GET", "/v1/tables/secret.csv").json()["size_bytes"] == 4
    their = service.ask("GET", "/v1/tables/secret.csv", tenant="umbrella").json()
    assert their["size_bytes"] > 4
    service.ask("DELETE", "/v1/tables/secret.csv")
    assert service.ask("GET", "/v1/tables/secret.csv", tenant="umbrella").status_code == 200


def test_clearing_baselines_and_sweeping_touch_no_other_tenant(service, theirs):
    before = service.ask("GET", "/v1/baselines", tenant="umbrella").json()
    assert before["baselines"]
    assert service.ask("DELETE", "/v1/baselines").json() == {"cleared": []}
    assert service.ask("DELETE", "/v1/baselines?table=orders").json() == {"cleared": []}
    swept = service.ask("POST", "/v1/retention/sweep", json={"is_dry_run": False}).json()
    assert swept["jobs"] == []
    assert service.ask("GET", "/v1/baselines", tenant="umbrella").json() == before
    own = service.ask("DELETE", "/v1/baselines?table=orders&table=none", tenant="umbrella")
    assert own.json() == {"cleared": ["orders"]}


def test_metrics_name_no_tenant_and_no_job(service, theirs):
    text = service.client.get("/metrics").text
    assert "umbrella" not in text
    assert theirs["job_id"] not in text
