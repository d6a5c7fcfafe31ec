"""Files of a job: those the manifest names, as it says they are, and no other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from voyant.service.artifact_files import ARTIFACT_POLICY


@pytest.fixture
def finished(service):
    job = service.finish(only=("profile", "kpi", "drift", "narrative"))
    return service, f"/v1/jobs/{job.job_id}/artifacts", service.queue.folder("acme", job.job_id)


def test_the_list_is_the_manifests(finished):
    service, base, folder = finished
    listed = service.ask("GET", base).json()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [a["path"] for a in listed["artifacts"]] == [a["path"] for a in manifest["artifacts"]]
    assert listed["success"] is True
    assert listed["tables"] == ["orders"]
    assert {g["name"]: g["status"] for g in listed["generators"]}["kpi"] == "ok"
    assert str(folder.parent) not in json.dumps(listed)
    for entry in listed["artifacts"]:
        got = service.ask("GET", entry["url"])
        content = (folder / entry["path"]).read_bytes()
        assert got.content == content
        assert got.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
        assert got.headers["etag"] == f'"{entry["sha256"]}"'
        assert got.headers["content-type"].split(";")[0] == entry["media_type"]
        assert got.headers["content-length"] == str(len(content)) == str(entry["size_bytes"])
        assert got.headers["content-security-policy"] == ARTIFACT_POLICY
        assert got.headers["cache-control"] == "private, no-cache"


def test_head_says_the_same_without_the_file(finished):
    service, base, _ = finished
    got, head = service.ask("GET", f"{base}/kpis.json"), service.ask("HEAD", f"{base}/kpis.json")
    assert head.status_code == 200
    assert head.content == b""
    varying = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in got.headers.items() if k not in varying
    }


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_what_the_asker_has_is_not_sent_again(finished, form):
    service, base, _ = finished
    etag = service.ask("HEAD", f"{base}/kpis.json").headers["etag"]
    for method in ("GET", "HEAD"):
        headers = {"If-None-Match": form.format(etag)}
        response = service.ask(method, f"{base}/kpis.json", headers=headers)
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["etag"] == etag
    other = service.ask("GET", f"{base}/kpis.json", headers={"If-None-Match": '"x"'})
    assert other.status_code == 200


def test_ranges(finished, assert_problem):
    service, base, folder = finished
    content = (folder / "kpis.json").read_bytes()
    size = len(content)
    path = f"{base}/kpis.json"
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=10-", 10, size),
        ("bytes=-10", size - 10, size),
        (f"bytes=0-{size * 2}", 0, size),
        (f"bytes=5-{size - 2}", 5, size - 1),
    ):
        response = service.ask("GET", path, headers={"Range": asked})
        whole = (start, end) == (0, size)
        assert response.status_code == (200 if whole else 206), asked
        assert response.content == content[start:end]
        if not whole:
            assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for ignored in (
        "bytes=5-2",
        "bytes=0-1,5-9",
        "items=0-1",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "x",
    ):
        response = service.ask("GET", path, headers={"Range": ignored})
        assert (response.status_code, response.content) == (200, content), ignored
    for beyond in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        response = service.ask("GET", path, headers={"Range": beyond})
        assert_problem(response, "range-not-satisfiable")
        assert response.headers["content-range"] == f"bytes */{size}"
    etag = service.ask("HEAD", path).headers["etag"]
    for if_range, status in ((etag, 206), ('"old"', 200)):
        headers = {"Range": "bytes=0-3", "If-Range": if_range}
        assert service.ask("GET", path, headers=headers).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        *("manifest.json", ".voyant-job.json", "absent.json", "", "charts", "%2e/kpis.json"),
        *(
            "x/%2e%2e/kpis.json",
            "kpis.json/",
            "KPIS.JSON",
            "kpis.json%00",
            "../.voyant",
            "%2e%2e/x",
        ),
    ],
)
def test_only_files_that_the_manifest_names_are_sent(finished, path):
    service, base, _ = finished
    assert service.ask("GET", f"{base}/{path}").status_code == 404


def test_a_file_that_is_not_as_the_manifest_says_is_not_sent(finished, assert_problem, tmp_path):
    service, base, folder = finished
    (folder / "kpis.json").write_bytes(b"{}")
    assert_problem(service.ask("GET", f"{base}/kpis.json"), "conflict")
    secret = tmp_path / "secret"
    content = (folder / "profile.json").read_bytes()
    secret.write_bytes(b"x" * len(content))
    (folder / "profile.json").unlink()
    (folder / "profile.json").symlink_to(secret)
    assert_problem(service.ask("GET", f"{base}/profile.json"), "conflict")
    (folder / "drift.json").unlink()
    assert_problem(service.ask("GET", f"{base}/drift.json"), "conflict")


def test_a_manifest_that_names_files_elsewhere_sends_none(finished, assert_problem, tmp_path):
    service, base, folder = finished
    (tmp_path / "secret").write_bytes(b"1234567890")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for path in ("../../../../../secret", "/etc/passwd", "x\\..\\y"):
        manifest["artifacts"][0] |= {"path": path, "size_bytes": 10}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        response = service.ask("GET", f"{base}/{path.replace('/', '%2F')}")
        assert response.status_code in {404, 409}
        assert "1234567890" not in response.text


def test_a_manifest_of_another_tenant_is_none(finished):
    service, base, folder = finished
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"tenant_id": "umbrella"}))
    assert service.ask("GET", base).status_code == 404


def test_no_file_stays_open(finished):
    service, base, _ = finished
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    for headers in ({}, {"Range": "bytes=0-9"}):
        for method in ("GET", "HEAD"):
            for _ in range(5):
                service.ask(method, f"{base}/kpis.json", headers=headers)
    assert len(list(Path("/proc/self/fd").iterdir())) <= open_files + 2


def test_names_are_safe_in_headers(finished):
    service, base, folder = finished
    manifest = json.loads((folder / "manifest.json").read_bytes())
    name = 'a"; x=y.html'
    manifest["artifacts"][0] |= {"path": "caf\u00e9 .html", "media_type": "application/zip"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    del name
    size = manifest["artifacts"][0]["size_bytes"]
    (folder / "caf\u00e9 .html").write_bytes(b"x" * size)
    shown = service.ask("GET", f"{base}/caf%C3%A9%20.html").headers["content-disposition"]
    assert shown == "attachment; filename=\"caf__.html\"; filename*=UTF-8''caf%C3%A9%20.html"
