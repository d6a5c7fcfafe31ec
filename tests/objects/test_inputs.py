"""Tables in object storage are the tables they would be on disk."""

from __future__ import annotations

import json

import duckdb
import pytest

from tests.objects.s3server import SECRET, standing_between
from voyant.cli.inputs import read_sources
from voyant.core.config import load_settings
from voyant.core.errors import ConfigurationError, ObjectStoreError, SourceError
from voyant.engines.duckdb import DuckDBEngine
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job
from voyant.objects.access import ObjectAccess
from voyant.objects.address import ObjectAddress
from voyant.objects.download import download

FAST = ObjectAccess(retries=0)


def parquet(path, sql):
    duckdb.sql(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def open_tables(sources, tmp_path, **options):
    engine = DuckDBEngine(sources, temp_directory=tmp_path, objects=FAST, **options)
    try:
        return {
            name: (
                tuple(c.name for c in engine.columns(name)),
                engine.summarize(name).row_count,
                engine.origins[name],
            )
            for name in engine.tables()
        }
    finally:
        engine.close()


def test_single_files_of_each_kind(s3, bucket, tmp_path):
    s3.put(f"{bucket}/in/orders.parquet", parquet(tmp_path / "a.parquet", "FROM range(7) t(id)"))
    s3.put(f"{bucket}/in/people.csv", b"id,name\n1,ann\n2,bo\n")
    s3.put(f"{bucket}/in/events.ndjson", b'{"at": 1}\n{"at": 2}\n{"at": 3}\n')
    sources = read_sources(
        [f"s3://{bucket}/in/{n}" for n in ("orders.parquet", "people.csv", "events.ndjson")], []
    )
    assert open_tables(sources, tmp_path) == {
        "orders": (("id",), 7, f"s3://{bucket}/in/orders.parquet"),
        "people": (("id", "name"), 2, f"s3://{bucket}/in/people.csv"),
        "events": (("at",), 3, f"s3://{bucket}/in/events.ndjson"),
    }
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"], "nothing is left behind"


def test_a_glob_stays_between_slashes(s3, bucket, tmp_path):
    for key in ("d/x-1.csv", "d/x-2.csv", "d/deep/x-3.csv", "d/.x-4.csv", "d/y.csv"):
        s3.put(f"{bucket}/{key}", b"v\n1\n")
    one = read_sources([f"s3://{bucket}/d/x-*.csv"], [])
    assert open_tables(one, tmp_path) == {"x": (("v",), 2, f"s3://{bucket}/d/x-*.csv")}
    deep = read_sources([], [f"t=s3://{bucket}/d/**/x-*.csv"])
    assert open_tables(deep, tmp_path)["t"][1] == 3


def test_a_prefix_is_what_a_folder_would_be(s3, bucket, tmp_path):
    for key in ("shop/orders.csv", "shop/people.csv", "shop/_log.csv", "shop/notes.md"):
        s3.put(f"{bucket}/{key}", b"v\n1\n")
    for key in ("parts/2013-01.csv", "parts/2013-02.csv"):
        s3.put(f"{bucket}/{key}", b"v\n1\n2\n")
    for year in (2012, 2013):
        s3.put(
            f"{bucket}/lake/year={year}/part-0.parquet",
            parquet(tmp_path / "p.parquet", "FROM range(5) t(id)"),
        )
    sources = read_sources([f"s3://{bucket}/{name}" for name in ("shop/", "parts", "lake")], [])
    assert open_tables(sources, tmp_path) == {
        "orders": (("v",), 1, f"s3://{bucket}/shop/orders.csv"),
        "people": (("v",), 1, f"s3://{bucket}/shop/people.csv"),
        "parts": (("v",), 4, "list"),
        "lake": (("id", "year"), 10, f"s3://{bucket}/lake"),
    }


def test_a_lake_table_is_refused_by_its_own_name(s3, bucket, tmp_path):
    s3.put(f"{bucket}/t/_delta_log/00000.json", b"{}")
    s3.put(f"{bucket}/t/a.parquet", parquet(tmp_path / "p.parquet", "FROM range(5) t(id)"))
    with pytest.raises(SourceError, match=rf"'s3://{bucket}/t'.*Delta Lake"):
        open_tables({"t": f"s3://{bucket}/t/"}, tmp_path)


def test_a_broken_object_is_called_by_its_address(s3, bucket, tmp_path):
    s3.put(f"{bucket}/bad.parquet", b"no parquet at all")
    with pytest.raises(SourceError, match=f"'s3://{bucket}/bad.parquet'") as caught:
        open_tables({"bad": f"s3://{bucket}/bad.parquet"}, tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_a_large_object_comes_whole_in_parts(s3, bucket, tmp_path):
    content = bytes(range(256)) * (160 * 1024)  # 40 MiB: three parts
    s3.put(f"{bucket}/big.bin", content)
    address = ObjectAddress.parse(f"s3://{bucket}/big.bin")
    opened = FAST.bucket(address)
    target = tmp_path / "x" / "big.bin"
    download(opened, address, {target: opened.find("big.bin")})
    assert target.read_bytes() == content


def test_an_object_that_changes_meanwhile_is_an_error(s3, bucket, tmp_path):
    s3.put(f"{bucket}/a.csv", b"v\n1\n")
    address = ObjectAddress.parse(f"s3://{bucket}/a.csv")
    opened = FAST.bucket(address)
    found = opened.find("a.csv")
    s3.put(f"{bucket}/a.csv", b"v\n2\n")
    with pytest.raises(ObjectStoreError, match="changed while it was read"):
        download(opened, address, {tmp_path / "a.csv": found})


def test_a_disk_without_room_is_told_before_anything_is_read(s3, bucket, tmp_path):
    s3.put(f"{bucket}/a.csv", b"v\n1\n")
    address = ObjectAddress.parse(f"s3://{bucket}/a.csv")
    opened = FAST.bucket(address)
    with pytest.raises(ObjectStoreError, match=r"0\.00 GiB in 1 objects.* 0\.25 GiB left"):
        download(
            opened, address, {tmp_path / "a.csv": opened.find("a.csv")}, free_bytes=lambda _: 2**28
        )
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://no-such-bucket-here/a.csv", "no bucket 'no-such-bucket-here'"),
        ("s3://{bucket}/ordres.csv", "nothing at .*Did you mean 'orders.csv'"),
        ("s3://{bucket}/x/*.csv", "No object matches"),
        ("s3://user:pass@host/a.csv", "names no bucket"),
        ("s3:///a.csv", "names no bucket"),
    ],
)
def test_what_is_not_there(s3, bucket, tmp_path, source, message):
    s3.put(f"{bucket}/orders.csv", b"v\n1\n")
    with pytest.raises((SourceError, ObjectStoreError), match=message) as caught:
        open_tables({"orders": source.format(bucket=bucket)}, tmp_path)
    assert "pass@" not in str(caught.value)


_XML = b'<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>'


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (403, _XML % (b"AccessDenied", SECRET.encode()), r"access is denied.*AWS_ACCESS_KEY_ID"),
        (403, _XML % (b"InvalidAccessKeyId", b""), "access is denied"),
        (
            400,
            _XML % (b"AuthorizationHeaderMalformed", b"is wrong; expecting 'eu-west-1'"),
            "wrong region; it is in eu-west-1.*AWS_REGION=eu-west-1",
        ),
        (301, b"", "wrong region"),
        (500, _XML % (b"InternalError", SECRET.encode()), "HTTP 500"),
    ],
)
def test_what_a_server_refuses(s3, bucket, tmp_path, monkeypatch, status, body, message):
    with standing_between(s3, lambda *_: (status, body)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(ObjectStoreError, match=message) as caught:
            open_tables({"a": f"s3://{bucket}/x/*.csv"}, tmp_path)
    assert SECRET not in str(caught.value)


def test_no_network(s3, bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:pw@127.0.0.1:1")
    with pytest.raises(ObjectStoreError, match=r"127\.0\.0\.1:1 does not answer") as caught:
        open_tables({"a": f"s3://{bucket}/a.csv"}, tmp_path)
    assert "pw" not in str(caught.value)


def test_the_extra_is_named_where_it_is_missing(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'voyant\[s3\]'"):
        open_tables({"a": "s3://bucket/a.csv"}, tmp_path)


def test_credentials_are_not_shown():
    from pydantic import SecretStr

    access = ObjectAccess(s3_access_key_id=SecretStr("k"), s3_secret_access_key=SecretStr(SECRET))
    assert SECRET not in repr(access)


def test_credentials_of_the_settings_are_used(s3, bucket, tmp_path, monkeypatch):
    from pydantic import SecretStr

    seen = []

    def judge(method, path):
        del method
        seen.append(path)

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    s3.put(f"{bucket}/a.csv", b"v\n1\n")
    access = ObjectAccess(
        s3_access_key_id=SecretStr("k"), s3_secret_access_key=SecretStr(SECRET), retries=0
    )
    with standing_between(s3, judge) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        address = ObjectAddress.parse(f"s3://{bucket}/a.csv")
        assert access.bucket(address).read("a.csv")[0] == b"v\n1\n"
    assert seen == [f"/{bucket}/a.csv"]


def test_a_whole_job_from_object_storage_to_object_storage(s3, bucket, tmp_path, monkeypatch):
    """KPIs run in a process without network, over the copies; nothing names the scratch folder."""
    monkeypatch.chdir(tmp_path)
    sql = "SELECT i AS id, i % 5 AS kind FROM range(200) t(i)"
    s3.put(f"{bucket}/in/orders.parquet", parquet(tmp_path / "o.parquet", sql))
    s3.put(f"{bucket}/in/old.parquet", parquet(tmp_path / "o.parquet", f"{sql} WHERE i < 150"))
    request = JobRequest(
        sources={"orders": f"s3://{bucket}/in/orders.parquet"},
        reference={"orders": f"s3://{bucket}/in/old.parquet"},
        kpis=[{"name": "n", "sql": "SELECT sum(id) FROM orders"}],
        artifacts_root=f"s3://{bucket}/out",
        job_id="j",
    )
    job = run_job(request, load_settings())
    assert not [outcome.error for outcome in job.result.results if outcome.error]
    assert json.loads(s3.get(f"{bucket}/out/j/kpis.json"))["kpis"][0]["value"] == 19_900
    drift = json.loads(s3.get(f"{bucket}/out/j/drift.json"))["tables"]["orders"]
    assert drift["volume"]["reference_row_count"] == 150
    assert job.manifest.parameters.sources == {"orders": [f"s3://{bucket}/in/orders.parquet"]}
    for key in s3.keys(bucket):
        if key.startswith("out/"):
            assert b"voyant-engine-" not in s3.get(f"{bucket}/{key}"), key


def test_what_is_too_large_to_scan_is_not_downloaded(s3, bucket, tmp_path, monkeypatch):
    s3.put(f"{bucket}/in/big.csv", b"v\n" + b"1\n" * 10_000)
    asked = []

    def judge(method, path):
        asked.append((method, path))

    with standing_between(s3, judge) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(SourceError, match=r"'big' reads 20 kB"):
            open_tables({"big": f"s3://{bucket}/in/big.csv"}, tmp_path, max_scan_bytes=10_000)
    assert [method for method, _ in asked] == ["HEAD"]
