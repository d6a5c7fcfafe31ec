"""What nobody sends by mistake: each refused as documented, none of it run, read or repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

JSON = {"Content-Type": "application/json"}


def sources(*places: object) -> list[bytes]:
    """Return bodies that name a place as a table."""
    return [json.dumps({"sources": {"t": place}}).encode() for place in places]


#: Places that no operator has allowed here; `{allowed}` is a folder that one has.
PLACES = [
    # plain files, and ways to them
    *("/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/self/cmdline", "/dev/zero"),
    *("/dev/stdin", "/", "//etc/passwd", "///etc/passwd", "/./etc/passwd", "etc/passwd"),
    *("../../etc/passwd", "./orders.csv", "~/.ssh/id_rsa", "~root/x.csv", "$HOME/x.csv", ""),
    # out of the allowed folder
    *("{allowed}/../secret.csv", "{allowed}/./../secret.csv", "{allowed}/x/../../secret.csv"),
    *("{allowed}-other/secret.csv", "{allowed}/link.csv", "{allowed}/link_folder/secret.csv"),
    *(
        "{allowed}/linked",
        "{allowed}/..",
        "{allowed}/%2e%2e/secret.csv",
        "{allowed}/..%2fsecret.csv",
    ),
    *("{allowed}\\..\\secret.csv", "{allowed}/..\\secret.csv", "{allowed}/\uff0e\uff0e/secret.csv"),
    *(
        "{allowed}/\u2025/secret.csv",
        "{allowed}/orders.csv\u0000.parquet",
        "{allowed}/orders.csv\n",
    ),
    *("{allowed}/cafe\u0301.csv", "{allowed}/\u202evsc.sredro", "{allowed}/absent.csv"),
    # globs
    *("{allowed}/*", "{allowed}/**/*.csv", "{allowed}/orders.[c]sv", "{allowed}/orders.cs?"),
    *("/etc/*", "/**", "{allowed}/{{a,b}}.csv"),
    # other case
    *("{ALLOWED}/orders.csv", "FILE:///etc/passwd", "File:/etc/passwd", "Upload:orders.csv"),
    # URLs, and what only looks like one
    *("file:///etc/passwd", "file://localhost/etc/passwd", "file:/etc/passwd", "file:etc/passwd"),
    *("http://127.0.0.1:8350/v1/jobs", "http://localhost/", "http://[::1]/", "http://0/x.csv"),
    *("http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/x.csv"),
    *("http://2130706433/x.csv", "http://0x7f.1/x.csv", "http://017700000001/", "gopher://x/_1"),
    *("https://data.example/open@evil.example/x", "https://data.example@evil.example/open/x.csv"),
    *("https://data.example.evil.example/open/x.csv", "https://data.example:444/open/x.csv"),
    *("https://data.example/open/../private/x.csv", "https://data.example/opening/x.csv"),
    *("https://data.example/open/%2e%2e/private/x.csv", "https://data.example/open/x.csv?u=/etc"),
    *("https://data.example/open/x.csv#/../..", "https://DATA.example/open/x.csv"),
    *("http://data.example/open/x.csv", "https://data.example\\@evil.example/open/x.csv"),
    *("https://data.example/open//evil.example/x.csv", "https://[::1]:x/open"),
    *("https://user:pw@data.example/open/x.csv", "HTTPS://data.example/open/x.csv"),
    *("s3://bucket/x.parquet", "gs://bucket/x", "ftp://x/y.csv", "jar:file:///x!/y", "data:,a"),
    *("postgresql://db/shop", "duckdb:///shop.duckdb", "sqlite:///x.db", "javascript:alert(1)"),
    *("unix:/var/run/docker.sock", "hf://datasets/x", "az://c/b", "\\\\server\\share\\x.csv"),
]
#: Uploads that are none; whether they are another tenant's is not said.
UPLOADS = [
    *(
        "upload:",
        "upload:absent.csv",
        "upload:../umbrella/.uploads/secret.csv",
        "upload:/etc/passwd",
    ),
    *(
        "upload:..",
        "upload:.",
        "upload:a/b.csv",
        "upload:.voyant-upload-x.tmp",
        "upload:orders.csv/",
    ),
    *("upload:orders.csv\u0000", "upload:ORDERS.csv", "upload:*", "upload:upload:orders.csv"),
    *("upload:con", "upload:linked.csv", "upload:%2e%2e", "upload:\u202eorders.csv"),
]
BODIES = {
    # JSON that readers disagree about, or that hurts one
    "a name twice": (b'{"sources": {}, "sources": {"t": "/etc/passwd"}}', "malformed-json"),
    "a name twice, inside": (b'{"sources": {"t": "a", "t": "b"}}', "malformed-json"),
    "a name twice, escaped": (b'{"only": [], "\\u006fnly": ["x"]}', "malformed-json"),
    "deep lists": (b"[" * 100_000, "malformed-json"),
    "deep lists, whole": (b"[" * 5_000 + b"]" * 5_000, "malformed-json"),
    "deep objects": (b'{"contract":' * 200 + b"1" + b"}" * 200, "malformed-json"),
    "33 levels": (b'{"contract":' + b'{"a":' * 32 + b"1" + b"}" * 33, "malformed-json"),
    "many values": (b'{"tables":[' + b"1," * 60_000 + b"1]}", "malformed-json"),
    "NaN": (b'{"kpis": [{"name": "n", "sql": "SELECT 1", "target": NaN}]}', "malformed-json"),
    "infinity": (b'{"contract": {"a": -Infinity}}', "malformed-json"),
    "a number too large": (b'{"contract": {"a": 1e999}}', "malformed-json"),
    "digits without end": (b'{"contract": {"a": ' + b"9" * 10_000 + b"}}", "malformed-json"),
    "beyond 64 bits": (b'{"contract": {"a": 99999999999999999999}}', "malformed-json"),
    "NUL": (b'{"sources": {"t\\u0000": "upload:orders.csv"}}', "malformed-json"),
    "a raw NUL": (b'{"sources": {"t\x00": "upload:orders.csv"}}', "malformed-json"),
    "half a surrogate pair": (b'{"sources": {"\\ud800": "upload:orders.csv"}}', "malformed-json"),
    "not UTF-8": (b'{"sources": {"\xff\xfe": "a"}}', "malformed-json"),
    "UTF-16": ('{"sources": {}}'.encode("utf-16"), "malformed-json"),
    "a byte order mark": (b'\xef\xbb\xbf{"sources": {}}', "malformed-json"),
    "more after the end": (b'{"sources": {}} {"sources": {}}', "malformed-json"),
    "a comment": (b'{"sources": {} /* x */}', "malformed-json"),
    "single quotes": (b"{'sources': {}}", "malformed-json"),
    "nothing": (b"", "malformed-json"),
    # JSON of another shape
    "a list": (b"[]", "invalid-request"),
    "null": (b"null", "invalid-request"),
    "a number": (b"1", "invalid-request"),
    "another field": (b'{"artifacts_root": "/"}', "invalid-request"),
    "a tenant": (b'{"sources": {"t": "upload:orders.csv"}, "tenant_id": "x"}', "invalid-request"),
    "a job id": (b'{"sources": {"t": "upload:orders.csv"}, "job_id": "x"}', "invalid-request"),
    "a warehouse URL": (b'{"warehouse_url": "duckdb:////etc/passwd"}', "invalid-request"),
    "settings": (b'{"settings": {"plugin_path": "/tmp"}}', "invalid-request"),
    "the prototype": (b'{"__proto__": {"role": "admin"}}', "invalid-request"),
    "a place as a list": (b'{"sources": {"t": ["/etc/passwd"]}}', "invalid-request"),
    "a place as an object": (b'{"sources": {"t": {"path": "/etc/passwd"}}}', "invalid-request"),
    "no table": (b'{"sources": {}}', "invalid-request"),
    "no name": (b'{"sources": {"": "upload:orders.csv"}}', "invalid-request"),
    "a blank name": (b'{"sources": {" ": "upload:orders.csv"}}', "invalid-request"),
    "a long name": (
        b'{"sources": {"' + b"a" * 201 + b'": "upload:orders.csv"}}',
        "invalid-request",
    ),
    "an invisible name": (
        '{"sources": {"or\u200bders": "upload:orders.csv"}}'.encode(),
        "invalid-request",
    ),
    "a name that runs backwards": (
        '{"sources": {"\u202esredro": "upload:orders.csv"}}'.encode(),
        "invalid-request",
    ),
    "a name with a line break": (b'{"sources": {"a\\nb": "upload:orders.csv"}}', "invalid-request"),
    "an unknown warehouse": (b'{"warehouse": "duckdb:////etc/passwd"}', "invalid-request"),
    "a warehouse's field": (b'{"warehouse": "__class__"}', "invalid-request"),
    "an unknown generator": (
        b'{"sources": {"t": "upload:orders.csv"}, "only": ["../x"]}',
        "invalid-request",
    ),
    "a KPI without a name": (
        b'{"sources": {"t": "upload:orders.csv"}, "kpis": [{"sql": "SELECT 1"}]}',
        "invalid-request",
    ),
    "a KPI with more": (
        b'{"sources": {"t": "upload:orders.csv"}, "kpis": [{"name": "n", "sql": "SELECT 1", "x": 1}]}',  # noqa: E501 - a body
        "invalid-request",
    ),
    "too many sources": (
        json.dumps({"sources": {f"t{n}": "upload:orders.csv" for n in range(501)}}).encode(),
        "invalid-request",
    ),
    "a reference to a file": (
        b'{"sources": {"t": "upload:orders.csv"}, "reference": {"t": "/etc/passwd"}}',
        "source-not-allowed",
    ),
    "a moment that is none": (
        b'{"sources": {"t": "upload:orders.csv"}, "as_of": "yesterday"}',
        "invalid-request",
    ),
    "larger than allowed": (b'{"tables": ["' + b"a" * 2**20 + b'"]}', "too-large"),
}
REQUESTS = {
    # addresses
    "a path out of the job": ("GET", "/v1/jobs/x/artifacts/../../../etc/passwd", {}, "not-found"),
    "an escaped path": ("GET", "/v1/jobs/x/artifacts/..%2f..%2fmanifest.json", {}, "not-found"),
    "a NUL": ("GET", "/v1/jobs/%00", {}, "not-found"),
    "not UTF-8": ("GET", "/v1/jobs/%ff%fe", {}, "not-found"),
    "SQL": ("GET", "/v1/jobs/x'%20OR%20'1'='1", {}, "not-found"),
    "a long id": ("GET", "/v1/jobs/" + "a" * 200, {}, "not-found"),
    "dots": ("GET", "/v1/jobs/..", {}, "not-found"),
    "a dotfile": ("GET", "/v1/tables/.voyant-upload-x.tmp", {}, "not-found"),
    "a folder of ours": ("GET", "/v1/tables/..%2f.voyant", {}, "not-found"),
    "a folder of another": ("DELETE", "/v1/tables/..%2f..%2fumbrella", {}, "not-found"),
    "a long query": ("GET", "/v1/jobs?state=" + "a" * 5_000, {}, "uri-too-long"),
    "a state that is none": ("GET", "/v1/jobs?state=queued'--", {}, "invalid-request"),
    "a huge limit": ("GET", "/v1/jobs?limit=999999999999999999999", {}, "invalid-request"),
    "a negative limit": ("GET", "/v1/audit?limit=-1", {}, "invalid-request"),
    "a cursor of SQL": ("GET", "/v1/jobs?cursor='%20OR%201=1--", {}, "invalid-request"),
    "a cursor of nothing": ("GET", "/v1/jobs?cursor=AAAA", {}, "invalid-request"),
    "a cursor of text": ("GET", "/v1/audit?cursor=AAAA", {}, "invalid-request"),
    "a long wait": ("GET", "/v1/jobs/x?wait_seconds=86400", {}, "invalid-request"),
    "waiting for nothing": ("GET", "/v1/jobs/x?wait_seconds=nan", {}, "invalid-request"),
    # methods
    "TRACE": ("TRACE", "/v1/jobs", {}, "method-not-allowed"),
    "CONNECT": ("CONNECT", "/v1/jobs", {}, "method-not-allowed"),
    "a made-up method": ("HACK", "/v1/jobs", {}, "method-not-allowed"),
    "a preflight": (
        "OPTIONS",
        "/v1/jobs",
        {"Origin": "https://evil.example"},
        "method-not-allowed",
    ),
    "another method in a header": (
        "GET",
        "/v1/retention/sweep",
        {"X-HTTP-Method-Override": "POST"},
        "method-not-allowed",
    ),
    # headers
    "another host": ("GET", "/v1/jobs", {"Host": "evil.example"}, "misdirected-request"),
    "a host behind a host": ("GET", "/healthz", {"Host": "localhost@evil"}, "misdirected-request"),
    "a host with a name": ("GET", "/healthz", {"Host": "localhost.evil"}, "misdirected-request"),
    "two hosts in one": ("GET", "/healthz", {"Host": "localhost, evil"}, "misdirected-request"),
    "an empty host": ("GET", "/healthz", {"Host": ""}, "misdirected-request"),
    "a negative event": ("GET", "/v1/jobs/x/events", {"Last-Event-ID": "-1"}, "invalid-request"),
    "a huge event": ("GET", "/v1/jobs/x/events", {"Last-Event-ID": "9" * 40}, "invalid-request"),
    "an event of text": ("GET", "/v1/jobs/x/events", {"Last-Event-ID": "1;2"}, "invalid-request"),
}
TYPES = {
    "form": ("application/x-www-form-urlencoded", "unsupported-media-type"),
    "multipart": ("multipart/form-data; boundary=x", "unsupported-media-type"),
    "text, as a page may send without asking": ("text/plain", "unsupported-media-type"),
    "XML": ("application/xml", "unsupported-media-type"),
    "JSON of another charset": ("application/json; charset=utf-7", "unsupported-media-type"),
    "a problem": ("application/problem+json", "unsupported-media-type"),
    "nothing": ("", "unsupported-media-type"),
}
NAMES = {
    "no extension": ("orders", "unsupported-media-type"),
    "a program": ("orders.exe", "unsupported-media-type"),
    "a page": ("orders.html", "unsupported-media-type"),
    "a database": ("shop.duckdb", "unsupported-media-type"),
    "another database": ("shop.sqlite", "unsupported-media-type"),
    "a packed workbook": ("book.xlsx.gz", "unsupported-media-type"),
    "packed twice": ("orders.csv.gz.gz", "unsupported-media-type"),
    "an archive": ("orders.zip", "unsupported-media-type"),
    "a dotfile": (".orders.csv", "invalid-request"),
    "an option": ("-rf.csv", "invalid-request"),
    "a device": ("con.csv", "invalid-request"),
    "a colon": ("orders:x.csv", "invalid-request"),
    "a glob": ("*.csv", "invalid-request"),
    "a line break": ("a%0Ab.csv", "invalid-request"),
    "a NUL": ("a%00.csv", "invalid-request"),
    "right to left": ("%E2%80%AEvsc.csv", "invalid-request"),
    "a full-width slash": ("a%EF%BC%8Fb.csv", "invalid-request"),
    "not normalised": ("cafe%CC%81.csv", "invalid-request"),
    "long": ("a" * 200 + ".csv", "invalid-request"),
    "a backslash": ("..%5C..%5Cx.csv", "invalid-request"),
}


def test_there_are_at_least_a_hundred():
    assert len(set(PLACES)) == len(PLACES)
    cases = (PLACES, UPLOADS, BODIES, REQUESTS, TYPES, NAMES)
    assert sum(map(len, cases)) >= 200


@pytest.fixture
def guarded(service_with, tmp_path):
    """A service whose operator allows one folder and one address; links lead out of the folder."""
    allowed, other = tmp_path / "allowed", tmp_path / "allowed-other"
    for folder in (allowed, allowed / "x", allowed / "linked", other):
        folder.mkdir()
    secret = tmp_path / "secret.csv"
    for file in (secret, other / "secret.csv", allowed / "orders.csv"):
        file.write_text("id\n1\n")
    (allowed / "link.csv").symlink_to(secret)
    (allowed / "link_folder").symlink_to(tmp_path)
    (allowed / "linked" / "inner.csv").symlink_to(secret)
    made = service_with(service_allowed_sources=[str(allowed), "https://data.example/open/"])
    made.upload()
    made.upload("secret.csv", tenant="umbrella")
    folder = Path(made.settings.artifacts_root) / "acme" / ".uploads"
    (folder / "linked.csv").symlink_to(secret)
    return made


def no_job_was_kept(service) -> bool:
    return service.queue.list("acme").jobs == ()


@pytest.mark.parametrize("place", PLACES)
def test_no_place_that_is_not_allowed_is_read(guarded, assert_problem, tmp_path, place):
    allowed = str(tmp_path / "allowed")
    text = place.replace("{allowed}", allowed).replace("{ALLOWED}", allowed.upper())
    (body,) = sources(text)
    response = guarded.ask("POST", "/v1/jobs", content=body, headers=JSON)
    if "\0" in text:
        assert_problem(response, "malformed-json")
    else:
        told = assert_problem(response, "source-not-allowed")
        assert told["errors"][0]["pointer"] == "#/sources/t"
        if text:
            assert text not in told["detail"]
    assert no_job_was_kept(guarded)


def test_what_is_allowed_is_taken(guarded, tmp_path):
    for place in (
        f"{tmp_path}/allowed/orders.csv",
        f"{tmp_path}/allowed/x",
        "https://data.example/open/x.csv",
        "upload:orders.csv",
    ):
        (body,) = sources(place)
        response = guarded.ask("POST", "/v1/plan", content=body, headers=JSON)
        assert response.status_code == 200, (place, response.text)


def test_what_is_there_and_what_is_not_are_refused_alike(guarded, tmp_path):
    answers = {
        json.dumps(
            {
                key: value
                for key, value in guarded.ask("POST", "/v1/jobs", content=body, headers=JSON)
                .json()
                .items()
                if key != "request_id"
            }
        )
        for body in sources(f"{tmp_path}/secret.csv", f"{tmp_path}/absent.csv", "/etc", "/absent")
    }
    assert len(answers) == 1


@pytest.mark.parametrize("place", UPLOADS)
def test_no_upload_but_the_tenants_own_is_read(guarded, assert_problem, place):
    (body,) = sources(place)
    response = guarded.ask("POST", "/v1/jobs", content=body, headers=JSON)
    assert_problem(response, "malformed-json" if "\0" in place else "invalid-request")
    assert no_job_was_kept(guarded)


@pytest.mark.parametrize("case", BODIES)
def test_no_such_body_is_taken(guarded, assert_problem, case):
    body, slug = BODIES[case]
    for path in ("/v1/jobs", "/v1/plan"):
        assert_problem(guarded.ask("POST", path, content=body, headers=JSON), slug)
    assert no_job_was_kept(guarded)


@pytest.mark.parametrize("case", REQUESTS)
def test_no_such_request_is_answered(guarded, assert_problem, case):
    method, path, headers, slug = REQUESTS[case]
    assert_problem(guarded.ask(method, path, headers=headers), slug)


@pytest.mark.parametrize("case", TYPES)
def test_no_such_type_of_body_is_taken(guarded, assert_problem, case):
    media_type, slug = TYPES[case]
    body = b'{"sources": {"t": "upload:orders.csv"}}'
    headers = {"Content-Type": media_type}
    assert_problem(guarded.ask("POST", "/v1/jobs", content=body, headers=headers), slug)
    packed = {**JSON, "Content-Encoding": "gzip"}
    assert_problem(
        guarded.ask("POST", "/v1/jobs", content=body, headers=packed), "unsupported-media-type"
    )


@pytest.mark.parametrize("case", NAMES)
def test_no_such_name_is_uploaded(guarded, assert_problem, case):
    name, slug = NAMES[case]
    before = guarded.ask("GET", "/v1/tables").json()
    assert_problem(guarded.ask("PUT", f"/v1/tables/{name}", content=b"a,b\n1,2\n"), slug)
    assert guarded.ask("GET", "/v1/tables").json() == before


def test_a_header_cannot_be_smuggled_into_a_response(guarded):
    for value in ("x\r\nSet-Cookie: a=b", "x\nEvil: 1", "x%0d%0aEvil:1"):
        response = guarded.ask("GET", "/healthz", headers={"X-Request-Id": value})
        assert "set-cookie" not in response.headers
        assert "evil" not in response.headers
    response = guarded.ask("GET", "/v1/jobs/a%0d%0aSet-Cookie:%20a=b")
    assert "set-cookie" not in response.headers
