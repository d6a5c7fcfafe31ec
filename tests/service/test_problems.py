"""One shape for every error, ours and the framework's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from voyant.jobs.durable.errors import DatabaseError
from voyant.service.keys import Role
from voyant.service.problems import PROBLEMS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "problems.md"
JSON = {"Content-Type": "application/json"}


def test_every_kind_has_a_heading_in_the_documentation_and_no_other():
    headings = re.findall(r"^### `([a-z-]+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == list(PROBLEMS)


def test_a_slug_never_has_two_statuses_and_the_type_is_a_relative_uri():
    for slug, kind in PROBLEMS.items():
        assert kind.slug == slug
        assert kind.type == f"/problems/{slug}"
        assert 400 <= kind.status < 600


@pytest.mark.parametrize(
    ("slug", "method", "path", "rest"),
    [
        ("not-found", "GET", "/nowhere", {}),
        ("not-found", "GET", "/v1/jobs/", {}),
        ("not-found", "GET", "/v1/jobs/20260101-000000-abcdef", {}),
        ("method-not-allowed", "DELETE", "/healthz", {}),
        ("method-not-allowed", "PUT", "/v1/jobs", {}),
        ("unsupported-media-type", "POST", "/v1/jobs", {"content": b"{}"}),
        ("unsupported-media-type", "POST", "/v1/jobs", {"data": {"a": "b"}}),
        ("malformed-json", "POST", "/v1/jobs", {"content": b"{", "headers": JSON}),
        ("malformed-json", "POST", "/v1/jobs", {"content": b"", "headers": JSON}),
        ("invalid-request", "POST", "/v1/jobs", {"json": {"sources": 1}}),
        ("invalid-request", "GET", "/v1/jobs?limit=0", {}),
        ("invalid-request", "GET", "/v1/jobs?cursor=bm9uZQ", {}),
        ("too-large", "POST", "/v1/jobs", {"content": b" " * (2**20 + 1), "headers": JSON}),
        ("misdirected-request", "GET", "/healthz", {"headers": {"Host": "evil.example"}}),
        ("uri-too-long", "GET", "/v1/jobs?x=" + "a" * 5000, {}),
        ("source-not-allowed", "POST", "/v1/jobs", {"json": {"sources": {"a": "/etc/passwd"}}}),
        ("unusable-file", "PUT", "/v1/tables/a.parquet", {"content": b"a,b\n"}),
    ],
)
def test_each_refusal_has_the_shape(service, assert_problem, slug, method, path, rest):
    assert_problem(service.ask(method, path, **rest), slug)


def test_a_request_without_a_key_says_how_to_send_one(service, assert_problem):
    response = service.client.get("/v1/jobs")
    body = assert_problem(response, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in body["detail"]


def test_a_wrong_method_says_which_are_right(service):
    response = service.ask("DELETE", "/healthz")
    assert "GET" in response.headers["allow"]


def test_faults_are_told_one_by_one_with_pointers_and_without_values(service, assert_problem):
    body = {"sources": {"a/b": 17}, "secret-thing": "hunter2"}
    told = assert_problem(service.ask("POST", "/v1/jobs", json=body), "invalid-request")
    assert {fault["pointer"] for fault in told["errors"]} == {"#/sources/a~1b", "#/secret-thing"}
    assert "hunter2" not in json.dumps(told)


def test_an_unexpected_error_says_nothing_of_the_inside(service, assert_problem, monkeypatch):
    def explode(*_, **__):
        raise RuntimeError("secret path /srv/voyant/x.py")

    monkeypatch.setattr(type(service.queue), "list", explode)
    response = service.ask("GET", "/v1/jobs")
    assert_problem(response, "internal-error")
    assert "secret" not in response.text


def test_a_database_that_is_away_is_unavailable_and_says_when_to_ask_again(
    service, assert_problem, monkeypatch
):
    def away(*_, **__):
        raise DatabaseError("connection to 10.0.0.5 refused")

    monkeypatch.setattr(type(service.queue), "list", away)
    response = service.ask("GET", "/v1/jobs")
    body = assert_problem(response, "unavailable")
    assert response.headers["retry-after"] == "5"
    assert "10.0.0.5" not in json.dumps(body)


def test_a_full_queue_is_429_and_says_when_to_ask_again(service_with, assert_problem):
    service = service_with(tenant_max_queued=1)
    service.upload()
    body = {"sources": {"orders": "upload:orders.csv"}}
    assert service.ask("POST", "/v1/jobs", json=body).status_code == 202
    response = service.ask("POST", "/v1/jobs", json=body)
    assert_problem(response, "too-many-jobs")
    assert int(response.headers["retry-after"]) >= 1


def test_an_idempotency_key_finds_the_job_or_is_refused_for_another(service, assert_problem):
    service.upload()
    header = {"Idempotency-Key": "k-1"}
    first = {"sources": {"orders": "upload:orders.csv"}}
    one = service.ask("POST", "/v1/jobs", json=first, headers=header)
    two = service.ask("POST", "/v1/jobs", json=first, headers=header)
    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json()["job_id"] == two.json()["job_id"]
    other = service.ask("POST", "/v1/jobs", json={**first, "skip": ["charts"]}, headers=header)
    assert_problem(other, "idempotency-key-reused")
    assert_problem(
        service.ask("POST", "/v1/jobs", json=first, headers={"Idempotency-Key": "x" * 256}),
        "invalid-request",
    )
    elsewhere = service.upload(tenant="umbrella") or service.ask(
        "POST", "/v1/jobs", json=first, headers=header, tenant="umbrella"
    )
    assert elsewhere.json()["job_id"] != one.json()["job_id"]


def test_a_job_in_the_wrong_state_is_a_conflict(service, assert_problem):
    job = service.submit()
    assert_problem(service.ask("DELETE", f"/v1/jobs/{job.job_id}"), "conflict")
    assert_problem(service.ask("POST", f"/v1/jobs/{job.job_id}/retry"), "conflict")
    assert_problem(service.ask("GET", f"/v1/jobs/{job.job_id}/artifacts"), "conflict")


def test_request_ids_are_taken_over_or_made(service):
    given = service.ask("GET", "/healthz", headers={"X-Request-Id": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    for bad in ("a" * 65, "a b", "é", "x;y"):
        made = service.ask("GET", "/healthz", headers={"X-Request-Id": bad.encode("utf-8")})
        assert re.fullmatch(r"[0-9a-f]{16}", made.headers["x-request-id"])


def test_every_response_has_the_headers_that_keep_browsers_in_check(service):
    for path in ("/healthz", "/v1/jobs", "/nowhere", "/v1/openapi.json"):
        headers = service.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def test_a_viewer_may_not_submit(service, assert_problem):
    response = service.ask("POST", "/v1/jobs", role=Role.VIEWER, json={"sources": {}})
    assert_problem(response, "forbidden")
