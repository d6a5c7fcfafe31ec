"""The pages over HTTP: who sees what, which forms count, and what a fault looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.service.pages.site import HOSTILE, HOSTILE_VALUE, Site, fill, site

PAGES = ("/jobs", "/jobs/new", "/tables", "/kpis", "/generators", "/schedules")


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    with site(VOYANT_ENABLE_CHARTS="0") as made:
        fill(made)
        yield made


@pytest.fixture
def visit(place: Site) -> Iterator[object]:
    """Sign in as somebody, with a browser's headers."""
    clients: list[httpx.Client] = []

    def signed_in(who: str | None) -> httpx.Client:
        client = httpx.Client(base_url=place.address, timeout=60)
        client.headers["Sec-Fetch-Site"] = "same-origin"
        clients.append(client)
        if who is not None:
            answer = client.post("/sign-in", data={"key": place.keys[who]})
            assert (answer.status_code, answer.headers["location"]) == (303, "/jobs")
        return client

    yield signed_in
    for client in clients:
        client.close()


def token(page: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


@pytest.mark.parametrize("page", [*PAGES, "/jobs/20200101-000000-000000000000"])
def test_a_stranger_is_asked_to_sign_in_and_brought_back(visit, page) -> None:
    answer = visit(None).get(page)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/?next={page}")


def test_the_first_page_says_what_this_is_and_what_to_do(visit) -> None:
    page = visit(None).get("/")
    assert page.status_code == 200
    assert "Know what is in your tables." in page.text
    assert "voyant keys create --tenant" in page.text


def test_the_cookie_is_out_of_reach(place: Site, visit) -> None:
    def set_cookie(**headers: str) -> str:
        key = {"key": place.keys["acme"]}
        return visit(None).post("/sign-in", data=key, headers=headers).headers["set-cookie"]

    assert "voyant-session=" in set_cookie()
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in set_cookie()
    assert "Secure" not in set_cookie()
    secure = set_cookie(**{"X-Forwarded-Proto": "https"})
    assert secure.startswith("__Host-voyant=")
    assert "Secure" in secure
    assert place.keys["acme"].split("_", 2)[2] not in secure


@pytest.mark.parametrize("key", ["", "voyant_x", "voyant_000000000000_" + 43 * "A", HOSTILE])
def test_a_wrong_key_opens_nothing(visit, key) -> None:
    answer = visit(None).post("/sign-in", data={"key": key})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "That is not a valid key." in answer.text
    assert HOSTILE not in answer.text


@pytest.mark.parametrize(
    "then",
    ["//evil.example", "https://evil.example", "/jobs/../v1", "/\\evil.example", "/sign-out"],
)
def test_nobody_is_sent_to_another_site(place: Site, visit, then) -> None:
    data = {"key": place.keys["acme"], "next": then}
    assert visit(None).post("/sign-in", data=data).headers["location"] == "/jobs"


def test_whoever_was_on_the_way_arrives(place: Site, visit) -> None:
    data = {"key": place.keys["acme"], "next": "/kpis"}
    assert visit(None).post("/sign-in", data=data).headers["location"] == "/kpis"


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_its_policy_and_is_kept_nowhere(visit, page) -> None:
    answer = visit("acme").get(page)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", answer.text)
    assert answer.text.count("<script>") == 1


@pytest.mark.parametrize("page", ["/jobs", "/tables", "/kpis", "/jobs/{hostile}", "/jobs/{failed}"])
def test_what_is_hostile_is_only_printed(place: Site, visit, page) -> None:
    answer = visit("acme").get(page.format(**place.jobs))
    assert answer.status_code == 200
    assert HOSTILE not in answer.text
    assert HOSTILE_VALUE not in answer.text
    if "failed" not in page:
        assert "&lt;img src=x onerror=alert(1)&gt;" in answer.text


def test_another_tenants_things_are_not_there(place: Site, visit) -> None:
    mine, theirs = visit("acme"), visit("other")
    page = theirs.get("/jobs")
    assert not any(job in page.text for job in place.jobs.values())
    assert "orders.csv" not in theirs.get("/tables").text
    assert "revenue &lt;" not in theirs.get("/kpis").text
    form = {"form_token": token(page)}
    for job in place.jobs.values():
        unknown = "20200101-000000-000000000000"
        for path in ("/jobs/{}", "/jobs/{}/live", "/schedules/new?job={}"):
            found = theirs.get(path.format(job))
            assert found.status_code == 404
            assert found.text == theirs.get(path.format(unknown)).text
        for action in ("cancel", "retry", "delete"):
            assert theirs.post(f"/jobs/{job}/{action}", data=form).status_code == 404
        assert mine.get(f"/jobs/{job}").status_code == 200
    assert theirs.post("/tables/orders.csv/delete", data=form).status_code == 404


def test_a_reports_address_shows_that_job_and_no_other(place: Site, visit) -> None:
    page = visit("acme").get(f"/jobs/{place.jobs['first']}").text
    found = re.search(r'<iframe[^>]+sandbox="allow-scripts" src="([^"]+)"', page)
    assert found
    address = found[1]
    nobody = visit(None)
    answer = nobody.get(address)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "connect-src 'none'" in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert nobody.get(address.replace("index.html", "profile.json")).status_code == 200
    for wrong in (
        address.replace(place.jobs["first"], place.jobs["second"]),
        address.replace("index.html", "../second/index.html"),
        address.replace("index.html", ".voyant-job.json"),
        re.sub(r"/view/([^/]+)/[^/]+/", r"/view/\1/x.1.y/", address),
    ):
        assert nobody.get(wrong).status_code == 404, wrong


def test_a_form_counts_only_with_its_token_and_from_here(place: Site, visit) -> None:
    client = visit("acme")
    form = {"form_token": token(client.get("/jobs/new"))}
    path = f"/jobs/{place.jobs['failed']}/delete"
    other = {"form_token": token(visit("acme").get("/jobs/new"))}
    assert client.post(path).status_code == 403
    assert client.post(path, data={"form_token": "x"}).status_code == 403
    assert client.post(path, data=other).status_code == 403
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert client.post(path, data=form, headers=headers).status_code == 403
    del client.headers["Sec-Fetch-Site"]
    evil = {"Origin": "https://evil.example"}
    assert client.post(path, data=form, headers=evil).status_code == 403
    assert client.get(f"/jobs/{place.jobs['failed']}").status_code == 200


def test_a_viewer_looks_and_changes_nothing(place: Site, visit) -> None:
    client = visit("viewer")
    page = client.get("/jobs")
    form = {"form_token": token(page)}
    assert "New job" not in page.text
    assert "Delete" not in client.get(f"/jobs/{place.jobs['first']}").text
    assert client.get("/jobs/new").status_code == 403
    for path in (
        f"/jobs/{place.jobs['first']}/delete",
        "/jobs/example",
        "/tables/orders.csv/delete",
    ):
        assert client.post(path, data=form).status_code == 403


def test_a_form_starts_a_job_with_the_file_that_comes_along(place: Site, visit) -> None:
    client = visit("other")
    page = client.get("/jobs/new")
    answer = client.post(
        "/jobs/new",
        data={
            "form_token": token(page),
            "kpis": "total = SELECT sum(n)\r\n  FROM numbers",
            "shown": ["quality", "drift", "narrative", "report"],
            "run": ["narrative", "report"],
            "as_of": "2026-01-01",
        },
        files=[("file", ("numbers.csv", b"n\n1\n2\n3\n", "text/csv"))],
    )
    assert answer.status_code == 303
    job_id = answer.headers["location"].rpartition("/")[2]
    with place.api("other") as api:
        spec = api.get(f"/v1/jobs/{job_id}").json()["spec"]
        assert spec["sources"] == {"numbers": "upload:numbers.csv"}
        assert spec["kpis"] == [{"name": "total", "sql": "SELECT sum(n)\n  FROM numbers"}]
        assert spec["skip"] == ["quality", "drift"]
        assert spec["as_of"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("data", "file", "said"),
    [
        ({}, None, "No table was chosen."),
        ({"table": "nothing.csv"}, None, "There is no such upload."),
        ({"table": "orders.csv", "kpis": "x"}, None, "A KPI is written as name = SELECT"),
        ({"table": "orders.csv", "reference": "x = y"}, None, "There is no table"),
        ({"table": "orders.csv", "as_of": "soon"}, None, "is no day."),
        ({}, ("page.html", b"<html>"), "A table&#39;s name ends with"),
        ({}, ("fake.parquet", b"PK"), ""),
    ],
)
def test_what_is_wrong_with_a_form_is_said_beside_it(visit, data, file, said) -> None:
    client = visit("acme")
    page = client.get("/jobs/new")
    files = [] if file is None else [("file", (*file, "text/csv"))]
    filled = {**data, "form_token": token(page)}
    answer = client.post("/jobs/new", data=filled, files=files or {"file": ("", b"")})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert said in answer.text
    for name in ("kpis", "reference"):
        assert data.get(name, "") in answer.text


def test_a_schedule_is_kept_pauses_and_goes(place: Site, visit) -> None:
    client = visit("acme")
    page = client.get(f"/schedules/new?job={place.jobs['second']}")
    form = {"form_token": token(page), "job": place.jobs["second"], "timezone": "UTC"}
    wrong = client.post("/schedules", data={**form, "name": "nightly", "cron": "never"})
    assert wrong.status_code == 422
    assert 'role="alert"' in wrong.text
    kept = client.post("/schedules", data={**form, "name": "nightly", "cron": "0 3 * * *"})
    assert kept.status_code == 303
    listed = client.get("/schedules").text
    assert "every night at three" in listed
    found = re.search(r'action="(/schedules/[^"]+)/pause"', listed)
    assert found
    for action, said in (
        ("pause", "pausing"),
        ("resume", "every night"),
        ("delete", "no schedule"),
    ):
        assert client.post(f"{found[1]}/{action}", data=form).status_code == 303
        assert said in client.get("/schedules").text


def test_switches_are_shown_with_who_turned_them(visit) -> None:
    page = visit("acme").get("/generators").text
    row = next(row for row in page.split("<tr>") if "<bdi>charts</bdi>" in row)
    assert "off" in row
    assert "VOYANT_ENABLE_CHARTS" in row
    assert "enable_charts" in row


def test_kpis_have_a_line_as_long_as_their_history(visit) -> None:
    page = visit("acme").get("/kpis").text
    assert page.count('<svg class="spark"') == 1
    # amounts are row * (1 + number) + .5 for rows 0..79: 3160 (1 + number) + 40
    assert "From 3200.0 to 9520.0" in page


def test_tables_show_their_last_score_and_drift(visit) -> None:
    page = visit("acme").get("/tables").text
    row = next(row for row in page.split("<tr>") if "<bdi>orders</bdi>" in row)
    assert row.count("<rect") == 2
    assert 'class="spark"' in row


def test_signing_out_ends_it_here(visit) -> None:
    client = visit("acme")
    answer = client.post("/sign-out", data={"form_token": token(client.get("/jobs"))})
    assert answer.headers["location"] == "/"
    assert client.get("/jobs").status_code == 303


def test_what_a_person_does_is_in_the_audit_log(place: Site, visit) -> None:
    client = visit("other")
    form = {"form_token": token(client.get("/jobs"))}
    client.post("/jobs/20200101-000000-000000000000/delete", data=form)
    admin = httpx.get(f"{place.address}/v1/audit", headers={"Authorization": "Bearer x"})
    assert admin.status_code == 401  # the page's cookie is no key of the API
    cookies = dict(client.cookies)
    assert httpx.get(f"{place.address}/v1/jobs", cookies=cookies).status_code == 401
