"""A job whose root is in object storage is published whole, its manifest last, or is unfinished."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

from tests.objects.s3server import KEY, SECRET, standing_between
from voyant.artifacts.manifest import Manifest
from voyant.artifacts.remote_root import RemoteRoot
from voyant.cli import app
from voyant.core.config import load_settings
from voyant.core.errors import FolderError, ObjectStoreError
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job
from voyant.objects.access import ObjectAccess

DENIED = (403, b"<Error><Code>AccessDenied</Code></Error>")
KPIS = [{"name": "total", "sql": "SELECT sum(amount) AS total FROM orders"}]


@pytest.fixture
def orders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "orders.csv"
    path.write_text("id,amount\n" + "".join(f"{i},{i % 7}\n" for i in range(60)))
    return str(path)


def run(orders, root, job_id="j1", **options):
    request = JobRequest(
        sources={"orders": orders}, artifacts_root=root, job_id=job_id, kpis=KPIS, **options
    )
    return run_job(request, load_settings())


def cli(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})


def manifest_of(s3, bucket, job="j1"):
    return Manifest.model_validate_json(s3.get(f"{bucket}/out/{job}/manifest.json"))


def assert_is_whole(s3, bucket, job="j1"):
    """Every file that the manifest lists has the bytes it says."""
    manifest = manifest_of(s3, bucket, job)
    assert manifest.artifacts
    for entry in manifest.artifacts:
        content = s3.get(f"{bucket}/out/{job}/{entry.path}")
        assert hashlib.sha256(content).hexdigest() == entry.sha256, entry.path
    return manifest


def test_a_job_is_published(s3, bucket, orders):
    job = run(orders, f"s3://{bucket}/out")
    assert job.location == f"s3://{bucket}/out/j1"
    manifest = assert_is_whole(s3, bucket)
    listed = {f"out/j1/{entry.path}" for entry in manifest.artifacts}
    own = {key for key in s3.keys(bucket) if key.startswith("out/j1/")} - listed
    assert own == {"out/j1/manifest.json", "out/j1/.voyant-job.json"}
    page = next(entry for entry in manifest.artifacts if entry.path == "index.html")
    _, _, headers = s3.ask("HEAD", f"/{bucket}/out/j1/index.html")
    assert headers["content-type"].startswith("text/html")
    assert headers["x-amz-meta-sha256"] == page.sha256


def test_scratch_is_gone_when_the_result_is(s3, bucket, orders, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("VOYANT_TEMP_DIRECTORY", str(scratch))
    job = run(orders, f"s3://{bucket}/out")
    assert (job.folder / "index.html").is_file()
    del job
    assert list(scratch.iterdir()) == []


def test_history_and_baselines_live_there_too(s3, bucket, orders):
    root = f"s3://{bucket}/out"
    run(orders, root)
    lines = s3.get(f"{bucket}/out/.voyant/default/kpi_history.jsonl").splitlines()
    assert [json.loads(line)["values"] for line in lines] == [
        {"total": sum(i % 7 for i in range(60))}
    ]
    second = run(orders, root, "j2")
    kpis = json.loads((second.folder / "kpis.json").read_bytes())["kpis"]
    assert kpis[0]["previous"] == 174
    drift = json.loads((second.folder / "drift.json").read_bytes())["tables"]["orders"]
    assert drift["baseline_job_id"] == "j1"
    lines = s3.get(f"{bucket}/out/.voyant/default/kpi_history.jsonl").splitlines()
    assert [json.loads(line)["job_id"] for line in lines] == ["j1", "j2"]


def test_commands_read_it(s3, bucket, orders, tmp_path, monkeypatch):
    root = f"s3://{bucket}/out"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("VOYANT_TEMP_DIRECTORY", str(scratch))
    ran = cli("run", orders, "--out", root, "--job-id", "j1")
    assert ran.exit_code == 0, ran.output
    assert f"artifacts in {root}/j1" in ran.output
    run(orders, root, "j2")
    verified = cli("verify", f"{root}/j1")
    assert verified.exit_code == 0, verified.output
    assert f"{root}/j1 is as its manifest says" in verified.output
    assert "j1" in cli("baseline", "list", "--out", root).output
    assert "from job j1" in cli("baseline", "show", "orders", "--out", root).output
    assert cli("baseline", "set", "j2", "--out", root).exit_code == 0
    assert "from job j2" in cli("baseline", "show", "orders", "--out", root).output
    assert cli("baseline", "clear", "--out", root).exit_code == 0
    assert "There is no baseline" in cli("baseline", "list", "--out", root).output
    assert list(scratch.iterdir()) == [], "commands leave nothing"
    for job in ("j1", f"{root}/j1"):
        opened = cli("open", job, "--out", root, "--print")
        assert opened.output.rstrip().endswith("j1/index.html"), opened.output
    assert "j2" in cli("open", "--out", root, "--print").output
    missing = cli("open", "j9", "--out", root, "--print")
    assert missing.exit_code == 2
    s3.put(f"{bucket}/out/j1/profile.json", b"{}")
    assert "changed    profile.json" in cli("verify", f"{root}/j1").output


def test_another_tenants_job_is_left_alone(s3, bucket, orders):
    run(orders, f"s3://{bucket}/out", tenant_id="acme")
    with pytest.raises(FolderError, match="belongs to another tenant"):
        run(orders, f"s3://{bucket}/out", tenant_id="evil")


def test_a_finished_job_is_replaced_manifest_first(s3, bucket, orders, monkeypatch):
    run(orders, f"s3://{bucket}/out")
    seen = []

    def judge(method, path):
        if (method in {"PUT", "DELETE", "POST"} and "/out/j1/" in path) or "?delete" in path:
            seen.append(
                (method, path.rpartition("/")[2], s3.exists(f"{bucket}/out/j1/manifest.json"))
            )

    with standing_between(s3, judge) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        run(orders, f"s3://{bucket}/out", only=["profile"])
    manifest = assert_is_whole(s3, bucket)
    assert {e.path for e in manifest.artifacts} == {"profile.json", "profile.html"}
    assert not s3.exists(f"{bucket}/out/j1/kpis.json")
    is_there = [present for _, name, present in seen if name != ".voyant-job.json"]
    assert is_there[0] is True, "the first request removes it"
    assert not any(is_there[1:-1]), "and it is not there while anything else is written"
    assert seen[-1][0] != "PUT", "after the manifest, only the journal goes"
    puts = [name for method, name, _ in seen if method == "PUT"]
    assert puts[-1] == "manifest.json"


@pytest.mark.parametrize("allowed", [0, 1, 2, 3, 5, 9])
def test_a_publish_that_dies_leaves_no_manifest(s3, bucket, orders, monkeypatch, tmp_path, allowed):
    """The server refuses from the n-th write of the job's folder on, whichever that is."""
    run(orders, f"s3://{bucket}/out")
    lock, count = threading.Lock(), [0]

    def judge(method, path):
        if method == "PUT" and "/out/j1/" in path and ".voyant-job" not in path:
            with lock:
                count[0] += 1
                return DENIED if count[0] > allowed else None
        return None

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("VOYANT_TEMP_DIRECTORY", str(scratch))
    with standing_between(s3, judge) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(ObjectStoreError, match=r"denied.*not published.*kept in") as caught:
            run(orders, f"s3://{bucket}/out")
    assert not s3.exists(f"{bucket}/out/j1/manifest.json")
    kept = str(caught.value).rpartition(" kept in '")[2].rstrip("'.")
    assert cli("verify", kept).exit_code == 0, "what was made is whole, on this machine"
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    run(orders, f"s3://{bucket}/out")  # what the dead one left is no obstacle
    manifest = assert_is_whole(s3, bucket)
    listed = {f"out/j1/{entry.path}" for entry in manifest.artifacts}
    assert {k for k in s3.keys(bucket) if k.startswith("out/j1/")} - listed == {
        "out/j1/manifest.json",
        "out/j1/.voyant-job.json",
    }


def test_a_killed_publish_leaves_no_manifest(s3, bucket, orders, tmp_path):
    run(orders, f"s3://{bucket}/out")
    reached, go_on = threading.Event(), threading.Event()

    def judge(method, path):
        if method == "PUT" and path.endswith("/out/j1/profile.json"):
            reached.set()
            go_on.wait(60)

    with standing_between(s3, judge) as url:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "voyant", "run", orders, "--out", f"s3://{bucket}/out"),
                *("--job-id", "j1", "--only", "profile"),
            ],
            env={**os.environ, "AWS_ENDPOINT_URL": url, "VOYANT_TEMP_DIRECTORY": str(tmp_path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        go_on.set()
        assert not s3.exists(f"{bucket}/out/j1/manifest.json")
    verified = cli("verify", f"s3://{bucket}/out/j1")
    assert verified.exit_code == 1
    assert "did not finish" in verified.output
    assert list(tmp_path.glob("voyant-*")), "the dead process left its scratch"
    run(orders, f"s3://{bucket}/out")
    assert_is_whole(s3, bucket)


def test_a_run_that_was_overtaken_does_not_publish(s3, bucket, orders):
    root = RemoteRoot(f"s3://{bucket}/out", ObjectAccess(retries=0))
    job = run(orders, f"s3://{bucket}/out")
    older = root.claim("j1", "default")
    root.claim("j1", "default")
    with pytest.raises(FolderError, match=r"later run .* has taken over"):
        root.publish(older, job.folder, job.manifest)
    assert_is_whole(s3, bucket)


def test_runs_at_the_same_time_leave_one_whole_job(s3, bucket, orders):
    """Whoever claims last wins; nobody's files mix with another's."""
    root = f"s3://{bucket}/out"
    outcomes = []

    def work(only):
        try:
            run(orders, root, only=only)
            outcomes.append("published")
        except FolderError as error:
            outcomes.append(str(error))

    threads = [
        threading.Thread(target=work, args=(only,))
        for only in (["profile"], ["profile", "sufficiency"], ["profile", "kpi"], [])
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert "published" in outcomes
    assert all(o == "published" or "taken over" in o or "in the way" in o for o in outcomes)
    assert_is_whole(s3, bucket)


def test_histories_written_at_once_lose_nothing(s3, bucket, orders):
    threads = [
        threading.Thread(target=run, args=(orders, f"s3://{bucket}/out", f"job{i}"))
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = s3.get(f"{bucket}/out/.voyant/default/kpi_history.jsonl").splitlines()
    assert sorted(json.loads(line)["job_id"] for line in lines) == [f"job{i}" for i in range(4)]


def test_a_large_file_goes_up_in_parts(s3, bucket, tmp_path):
    content = b"0123456789abcdef" * (5 * 2**20)  # 80 MiB
    path = tmp_path / "big.bin"
    path.write_bytes(content)
    root = RemoteRoot(f"s3://{bucket}/out", ObjectAccess(retries=0))
    root.bucket.write_all([("out/big.bin", path, {"Content-Type": "x/y", "sha256": "ab"})])
    _, _, headers = s3.ask("HEAD", f"/{bucket}/out/big.bin")
    assert headers["etag"].strip('"').endswith("-10"), "ten parts of 8 MiB"
    assert (headers["content-type"], headers["x-amz-meta-sha256"]) == ("x/y", "ab")
    assert (
        hashlib.sha256(s3.get(f"{bucket}/out/big.bin")).digest() == hashlib.sha256(content).digest()
    )


def test_credentials_are_nowhere(s3, bucket, orders, tmp_path, monkeypatch):
    """Not in artifacts, not in what is printed, not in errors, however they were given."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("VOYANT_S3_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("VOYANT_S3_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("VOYANT_LOG_LEVEL", "DEBUG")
    done = cli("run", orders, "--out", f"s3://{bucket}/out", "--job-id", "j1", "--debug")
    assert done.exit_code == 0, done.output
    shown = done.output + cli("config", "show").output + cli("config", "show", "--json").output
    with standing_between(s3, lambda *_: DENIED) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        failed = cli("run", orders, "--out", f"s3://{bucket}/out", "--debug")
        assert failed.exit_code == 2
        shown += failed.output
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    for secret in (SECRET, KEY):
        assert secret not in shown
        for key in s3.keys(bucket):
            assert secret.encode() not in s3.get(f"{bucket}/{key}"), key


def test_a_missing_bucket_is_told_before_the_work(s3, orders):
    with pytest.raises(ObjectStoreError, match="no bucket 'nobody-made-this'"):
        run(orders, "s3://nobody-made-this/out")
