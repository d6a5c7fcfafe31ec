"""Keys: made once, kept hashed, checked alike, revoked at once; roles do what they say."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voyant.service import keys as keys_module
from voyant.service.key_store import DatabaseKeys
from voyant.service.keys import Role, check_key, make_key
from voyant.service.reach import is_loopback


def test_a_key_has_256_bits_and_is_kept_only_as_its_hash(service):
    text = service.key()
    _, key_id, secret = text.split("_", 2)
    assert len(secret) == 43  # 32 bytes in URL-safe base64
    stored = DatabaseKeys(service.queue.database).find(key_id)
    assert stored is not None
    assert stored.secret_sha256 != secret
    folder = Path(service.settings.artifacts_root)
    kept = b"".join(path.read_bytes() for path in folder.rglob("service.sqlite*"))
    assert key_id.encode() in kept
    assert secret.encode() not in kept


def test_no_two_keys_are_alike():
    made = {
        make_key("t", Role.VIEWER, "", datetime.now(UTC))[0].text.get_secret_value()
        for _ in range(200)
    }
    assert len(made) == 200


def test_a_new_key_does_not_show_itself():
    new, stored = make_key("t", Role.ADMIN, "", datetime.now(UTC))
    secret = new.text.get_secret_value().split("_", 2)[2]
    assert secret not in f"{new!r}{stored!r}{new.text}"


def test_the_comparison_takes_the_same_steps_whether_the_id_or_the_secret_is_wrong(
    service, monkeypatch
):
    compared: list[int] = []
    real = keys_module.hmac.compare_digest

    def watch(left, right):
        compared.append(len(left))
        return real(left, right)

    monkeypatch.setattr(keys_module.hmac, "compare_digest", watch)
    store = DatabaseKeys(service.queue.database)
    _, key_id, secret = service.key().split("_", 2)
    other = "A" * 43
    assert check_key(store, f"voyant_{key_id}_{secret}") is not None
    assert check_key(store, f"voyant_{key_id}_{other}") is None
    assert check_key(store, f"voyant_{'0' * 12}_{secret}") is None
    assert compared == [64, 64, 64]


def test_there_is_no_default_key(service):
    assert DatabaseKeys(service.queue.database).all() == []
    for guess in ("", "admin", "voyant", "voyant_" + "0" * 12 + "_" + "A" * 43):
        headers = {"Authorization": f"Bearer {guess}"}
        assert service.client.get("/v1/jobs", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "shape",
    [
        "{key}",
        "Basic {key}",
        "Bearer {key} {key}",
        "Bearer {key}x",
        "Bearer x{key}",
        "Bearer {key},Bearer {key}",
        "Bearer\t{key}",
        "Bearer {upper}",
        "Bearer voyant_{secret}",
        "Bearer {id}",
    ],
)
def test_only_the_whole_key_in_the_one_right_place_counts(service, assert_problem, shape):
    key = service.key()
    parts = {
        "key": key,
        "upper": key.upper(),
        "id": key.split("_", 2)[1],
        "secret": key.split("_", 2)[2],
    }
    headers = {"Authorization": shape.format(**parts)}
    assert_problem(service.client.get("/v1/jobs", headers=headers), "unauthenticated")


def test_a_key_elsewhere_than_in_the_header_does_not_count(service, assert_problem):
    key = service.key()
    for path in (f"/v1/jobs?key={key}", f"/v1/jobs?access_token={key}"):
        assert_problem(service.client.get(path), "unauthenticated")
    cookie = {"Cookie": f"Authorization=Bearer {key}; key={key}"}
    assert_problem(service.client.get("/v1/jobs", headers=cookie), "unauthenticated")
    two = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    assert_problem(service.client.get("/v1/jobs", headers=two), "unauthenticated")
    url = f"http://{key}:@localhost/v1/jobs"
    assert_problem(service.client.get(url), "unauthenticated")


def test_a_revoked_key_is_of_no_use_at_once(service, assert_problem):
    key_id = service.key().split("_", 2)[1]
    assert service.ask("GET", "/v1/jobs").status_code == 200
    store = DatabaseKeys(service.queue.database)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert store.revoke(key_id, first).revoked_at == first
    assert store.revoke(key_id, datetime.now(UTC)).revoked_at == first
    assert store.revoke("unknown", first) is None
    assert_problem(service.ask("GET", "/v1/jobs"), "unauthenticated")


def test_a_missing_key_is_told_before_a_wrong_body(service, assert_problem):
    headers = {"Authorization": "Bearer nope", "Content-Type": "application/json"}
    response = service.client.post("/v1/jobs", headers=headers, content=b"{")
    assert_problem(response, "unauthenticated")


#: What each route needs at least; a route that is missing here fails the test below.
NEEDS = {
    ("GET", "/v1/jobs"): Role.VIEWER,
    ("POST", "/v1/jobs"): Role.ANALYST,
    ("GET", "/v1/jobs/{job_id}"): Role.VIEWER,
    ("DELETE", "/v1/jobs/{job_id}"): Role.ANALYST,
    ("POST", "/v1/jobs/{job_id}/cancel"): Role.ANALYST,
    ("POST", "/v1/jobs/{job_id}/retry"): Role.ANALYST,
    ("GET", "/v1/jobs/{job_id}/events"): Role.VIEWER,
    ("GET", "/v1/jobs/{job_id}/artifacts"): Role.VIEWER,
    ("GET", "/v1/jobs/{job_id}/artifacts/{path}"): Role.VIEWER,
    ("HEAD", "/v1/jobs/{job_id}/artifacts/{path}"): Role.VIEWER,
    ("GET", "/v1/tables"): Role.VIEWER,
    ("GET", "/v1/tables/{name}"): Role.VIEWER,
    ("PUT", "/v1/tables/{name}"): Role.ANALYST,
    ("DELETE", "/v1/tables/{name}"): Role.ANALYST,
    ("GET", "/v1/generators"): Role.VIEWER,
    ("POST", "/v1/plan"): Role.VIEWER,
    ("GET", "/v1/tenant"): Role.VIEWER,
    ("POST", "/v1/schedules"): Role.ANALYST,
    ("GET", "/v1/schedules"): Role.VIEWER,
    ("GET", "/v1/schedules/{schedule_id}"): Role.VIEWER,
    ("PATCH", "/v1/schedules/{schedule_id}"): Role.ANALYST,
    ("DELETE", "/v1/schedules/{schedule_id}"): Role.ANALYST,
    ("GET", "/v1/baselines"): Role.VIEWER,
    ("PUT", "/v1/baselines"): Role.ANALYST,
    ("DELETE", "/v1/baselines"): Role.ANALYST,
    ("GET", "/v1/kpi-history"): Role.VIEWER,
    ("POST", "/v1/retention/sweep"): Role.ADMIN,
    ("GET", "/v1/audit"): Role.ADMIN,
}
_BODIES = {
    ("POST", "/v1/jobs"): {"sources": {"orders": "upload:orders.csv"}},
    ("POST", "/v1/plan"): {"sources": {"orders": "upload:orders.csv"}},
    ("POST", "/v1/schedules"): {
        "name": "n",
        "cron": "0 3 * * *",
        "spec": {"sources": {"orders": "upload:orders.csv"}},
    },
    ("PATCH", "/v1/schedules/{schedule_id}"): {"is_enabled": False},
    ("PUT", "/v1/baselines"): {"job_id": "nope"},
    ("POST", "/v1/retention/sweep"): {},
}


def documented(service) -> set[tuple[str, str]]:
    paths = service.client.get("/v1/openapi.json").json()["paths"]
    return {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if path.startswith("/v1/")
    }


def test_every_route_has_a_role(service):
    assert documented(service) == set(NEEDS)


@pytest.mark.parametrize(("route", "needed"), NEEDS.items(), ids=str)
def test_each_role_may_what_it_may_and_no_more(service, assert_problem, route, needed):
    method, path = route
    service.upload()
    address = path.format(job_id="nope", schedule_id="nope", name="nope.csv", path="profile.json")
    rest = {"json": _BODIES[route]} if route in _BODIES else {}
    if route == ("PUT", "/v1/tables/{name}"):
        rest = {"content": b"a\n1\n"}
    for role in Role:
        response = service.ask(method, address, role=role, **rest)
        if role.includes(needed):
            assert response.status_code not in {401, 403}, response.text
        elif method == "HEAD":
            assert response.status_code == 403
        else:
            assert_problem(response, "forbidden")
    no_key = service.client.request(method, address, **rest)
    assert no_key.status_code == 401


def test_the_audit_log_says_who_did_what_and_cannot_be_changed(service):
    service.upload()
    body = {"sources": {"orders": "upload:orders.csv"}}
    made = service.ask("POST", "/v1/jobs", json=body, headers={"X-Request-Id": "r-1"}).json()
    service.ask("POST", "/v1/jobs", role=Role.VIEWER, json=body)
    service.ask("DELETE", "/v1/tables/orders.csv")
    service.ask("GET", "/v1/jobs")
    service.ask("DELETE", "/v1/tables/orders.csv", tenant="umbrella")
    entries = service.ask("GET", "/v1/audit").json()["entries"]
    said = [(e["action"], e["target"], e["outcome"]) for e in entries]
    assert said == [
        ("DELETE /v1/tables/{name}", "orders.csv", "done"),
        ("POST /v1/jobs", None, "403"),
        ("POST /v1/jobs", made["job_id"], "done"),
    ]
    assert entries[2]["request_id"] == "r-1"
    assert entries[2]["key_id"] == service.key().split("_", 2)[1]
    page = service.ask("GET", "/v1/audit?limit=2").json()
    rest = service.ask("GET", f"/v1/audit?limit=2&cursor={page['next_cursor']}").json()
    assert page["entries"] + rest["entries"] == entries
    database = service.queue.database.engine.url.database
    with sqlite3.connect(database) as connection:
        for statement in (
            "DELETE FROM voyant_audit_log",
            "UPDATE voyant_audit_log SET outcome = 'x'",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="added to only"):
                connection.execute(statement)
    connection.close()


def test_which_addresses_are_this_machine_alone():
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.7", "localhost.evil.example")))


def test_metrics_need_a_key_where_others_reach_the_service(service_with, assert_problem):
    closed = service_with(service_host="0.0.0.0")
    assert_problem(closed.client.get("/metrics"), "unauthenticated")
    assert closed.ask("GET", "/metrics", role=Role.VIEWER).status_code == 200
    opened = service_with(service_host="0.0.0.0", service_open_metrics=True)
    assert opened.client.get("/metrics").status_code == 200
