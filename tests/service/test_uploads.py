"""Uploads: whole or not at all, what their names say, and never more than allowed."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import re
import struct
import zipfile
import zlib
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from openpyxl import Workbook

ROWS = b"id,amount\n1,2.5\n2,3.5\n"
MOST = 200_000


def workbook() -> bytes:
    made = Workbook()
    made.active.append(["id", "amount"])
    made.active.append([1, 2.5])
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def parquet() -> bytes:
    content = io.BytesIO()
    pa.parquet.write_table(pa.table({"id": [1, 2]}), content)
    return content.getvalue()


def feather() -> bytes:
    content = io.BytesIO()
    pa.feather.write_feather(pa.table({"id": [1, 2]}), content, compression="uncompressed")
    return content.getvalue()


def arrow_stream() -> bytes:
    content = io.BytesIO()
    with pa.ipc.new_stream(content, pa.schema([("id", pa.int64())])) as writer:
        writer.write_table(pa.table({"id": [1, 2]}))
    return content.getvalue()


def zstd(content: bytes) -> bytes:
    return pa.Codec("zstd").compress(content, asbytes=True)


def archive(parts: dict[str, bytes], *, method=zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return content.getvalue()


def lying_workbook() -> bytes:
    """A part of 10 MB that says it has ten bytes, in the directory and in its own header."""
    content = archive({"[Content_Types].xml": b"x", "xl/a.xml": bytes(10_000_000)})
    return content.replace(struct.pack("<I", 10_000_000), struct.pack("<I", 10))


def overlapping_workbook() -> bytes:
    """Two parts of the directory that are the same bytes of the file."""
    content = bytearray(
        archive(
            {"[Content_Types].xml": b"y" * 500, "xl/a.xml": b"x" * 900}, method=zipfile.ZIP_STORED
        )
    )
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as made:
        first = made.infolist()[0]
    directory = content.rfind(b"PK\x01\x02")
    content[directory + 20 : directory + 24] = struct.pack("<I", len(content))
    content[directory + 42 : directory + 46] = struct.pack("<I", first.header_offset)
    return bytes(content)


def encrypted_workbook() -> bytes:
    content = bytearray(archive({"[Content_Types].xml": b"x"}))
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def rle_bomb() -> bytes:
    """Zstandard: 40 blocks of one byte, said 128 KiB times each."""
    block = (1 << 1 | (128 * 1024) << 3).to_bytes(3, "little") + b"a"
    last = (1 | 1 << 1 | 8 << 3).to_bytes(3, "little") + b"a"
    return b"\x28\xb5\x2f\xfd\x00\x58" + block * 40 + last


def parquet_of(**columns: pa.Array | list) -> bytes:
    content = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), content, compression="zstd")
    return content.getvalue()


def arrow_of(table: pa.Table, *, make=pa.ipc.new_file, codec=None, rows=None) -> bytes:
    content = io.BytesIO()
    with make(content, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table, rows)
    return content.getvalue()


def parquet_of_another_file() -> bytes:
    """A footer whose chunks are said to be elsewhere: made with the writer of such footers."""
    content = io.BytesIO()
    written: list[pa.parquet.FileMetaData] = []
    pa.parquet.write_table(pa.table({"id": [1]}), io.BytesIO(), metadata_collector=written)
    written[0].set_file_path("secret.parquet")
    written[0].write_metadata_file(content)
    return content.getvalue()


def repeating_arrow_file() -> bytes:
    """A file of one large and 20 small batches, whose footer names the large one 21 times."""
    small, large = pa.table({"id": list(range(10))}), pa.table({"id": list(range(1_000))})
    content = io.BytesIO()
    with pa.ipc.new_file(content, small.schema) as writer:
        for table in (large, *[small] * 20):
            writer.write_table(table)
    made = content.getvalue()
    length = int.from_bytes(made[-10:-6], "little")
    body, footer = made[: -10 - length], made[-10 - length :]
    block = struct.Struct("<qi4xq")
    (at,) = (
        at
        for at in range(0, length - 24 * 21, 4)
        if block.unpack_from(footer, at)[2] == 8_000
        if block.unpack_from(footer, at + 24)[2] == 80
    )
    blocks = footer[at : at + 24] * 21
    return body + footer[:at] + blocks + footer[at + len(blocks) :]


SAME = pa.table({"id": pa.array([7] * 30_000, pa.int64())})
GOOD = {
    "orders.csv": ROWS,
    "orders.tsv": b"id\tamount\n1\t2.5\n",
    "ORDERS.CSV": ROWS,
    "caf\u00e9 1.csv": b"\xef\xbb\xbf" + ROWS,
    "orders.csv.gz": gzip.compress(ROWS),
    "two.csv.gz": gzip.compress(ROWS) + gzip.compress(ROWS),
    "orders.csv.zst": zstd(ROWS * 1_000),
    "orders.json": b'[{"id": 1}]',
    "orders.ndjson": b'\n{"id": 1}\n{"id": 2}\n',
    "orders.xlsx": workbook(),
    "orders.parquet": parquet(),
    "lists.parquet": parquet_of(a=[[1, 2], []], b=[{"c": 1, "d": [None]}, None]),
    "no rows.parquet": parquet_of(id=pa.array([], pa.int64())),
    "orders.feather": feather(),
    "packed.feather": arrow_of(SAME.slice(0, 20_000), codec="zstd", rows=1_000),
    "dictionary.arrow": arrow_of(pa.table({"d": pa.array(["a", "b"]).dictionary_encode()})),
    "orders.arrows": arrow_stream(),
}
BAD = {
    "empty": ("a.csv", b"", "unusable-file"),
    "blank": ("a.csv", b" \n\n", "unusable-file"),
    "NUL": ("a.csv", b"a,b\n\x00,1\n", "unusable-file"),
    "UTF-16": ("a.csv", ROWS.decode().encode("utf-16"), "unusable-file"),
    "a page": ("a.csv", b"<!DOCTYPE html><script>alert(1)</script>", "unusable-file"),
    "a script": ("a.csv", b"#!/bin/sh\nrm -rf /\n", "unusable-file"),
    "PDF": ("a.csv", b"%PDF-1.7\n", "unusable-file"),
    "a program": ("a.csv", b"\x7fELF\x02\x01", "unusable-file"),
    "Parquet as CSV": ("a.csv", parquet(), "unusable-file"),
    "a database as CSV": ("a.csv", b"SQLite format 3\x00", "unusable-file"),
    "a database as Parquet": ("a.parquet", b"SQLite format 3\x00" * 9, "unusable-file"),
    "gzip as CSV": ("a.csv", gzip.compress(ROWS), "unusable-file"),
    "CSV as gzip": ("a.csv.gz", ROWS, "unusable-file"),
    "gzip cut short": ("a.csv.gz", gzip.compress(ROWS * 99)[:-9], "unusable-file"),
    "gzip of a page": ("a.csv.gz", gzip.compress(b"<html>"), "unusable-file"),
    "gzip, then rubbish": ("a.csv.gz", gzip.compress(ROWS) + b"rubbish", "unusable-file"),
    "gzip bomb": ("a.csv.gz", gzip.compress(bytes(20_000_000)), "too-large"),
    "gzip bomb of members": ("a.csv.gz", gzip.compress(b"1,2\n" * 10_000) * 20, "too-large"),
    "Zstandard bomb": ("a.csv.zst", zstd(b"a,b\n" * 5_000_000), "too-large"),
    "Zstandard bomb of runs": ("a.csv.zst", rle_bomb(), "too-large"),
    "Zstandard cut short": ("a.csv.zst", zstd(ROWS * 1_000)[:-3], "unusable-file"),
    "CSV as Zstandard": ("a.csv.zst", ROWS, "unusable-file"),
    "JSON that is text": ("a.json", b"id,amount\n", "unusable-file"),
    "half a Parquet file": ("a.parquet", parquet()[:-5], "unusable-file"),
    "a small Parquet file": ("a.parquet", b"PAR1PAR1", "unusable-file"),
    "text as Arrow": ("a.arrow", ROWS, "unusable-file"),
    "Parquet bomb of rows": ("a.parquet", parquet_of(id=[7] * (MOST + 1)), "too-large"),
    "Parquet bomb of columns": (
        "a.parquet",
        parquet_of(**{f"c{n}": [7] * 20_001 for n in range(10)}),
        "too-large",
    ),
    "Parquet bomb of one text": ("a.parquet", parquet_of(text=["a" * (MOST + 1)]), "too-large"),
    "Parquet bomb of one list": ("a.parquet", parquet_of(list=[[7] * (MOST + 1)]), "too-large"),
    "Parquet with a wrong footer": (
        "a.parquet",
        b"PAR1" + b"\xff" * 60 + struct.pack("<I", 60) + b"PAR1",
        "unusable-file",
    ),
    "Parquet whose footer is longer than it": (
        "a.parquet",
        b"PAR1" + b"\x00" * 60 + struct.pack("<I", 2**31) + b"PAR1",
        "unusable-file",
    ),
    "Parquet that names another file": ("a.parquet", parquet_of_another_file(), "unusable-file"),
    "Arrow bomb, zstd": ("a.arrow", arrow_of(SAME, codec="zstd"), "too-large"),
    "Arrow bomb, lz4": ("a.feather", arrow_of(SAME, codec="lz4"), "too-large"),
    "Arrow stream bomb": (
        "a.arrows",
        arrow_of(SAME, make=pa.ipc.new_stream, codec="zstd", rows=5_000),
        "too-large",
    ),
    "Arrow bomb of nothing": (
        "a.arrow",
        arrow_of(pa.table({"n": pa.nulls(MOST + 1)})),
        "too-large",
    ),
    "Arrow bomb of a dictionary": (
        "a.arrow",
        arrow_of(pa.table({"d": pa.array(["a" * (MOST + 1)]).dictionary_encode()}), codec="zstd"),
        "too-large",
    ),
    "Arrow that repeats itself": ("a.arrow", repeating_arrow_file(), "unusable-file"),
    "half an Arrow file": ("a.arrow", feather()[:-5], "unusable-file"),
    "half an Arrow stream": ("a.arrows", arrow_stream()[:-60], "unusable-file"),
    "a small Arrow file": ("a.arrow", b"ARROW1", "unusable-file"),
    "rubbish as an Arrow stream": ("a.arrows", b"\xff" * 99, "unusable-file"),
    "text as a workbook": ("a.xlsx", ROWS, "unusable-file"),
    "an archive as a workbook": ("a.xlsx", archive({"x.csv": ROWS}), "unusable-file"),
    "a workbook of another kind": ("a.ods", workbook(), "unusable-file"),
    "a workbook cut short": ("a.xlsx", workbook()[:-40], "unusable-file"),
    "workbook bomb": (
        "a.xlsx",
        archive({"[Content_Types].xml": b"x", "xl/a.xml": bytes(20_000_000)}),
        "too-large",
    ),
    "workbook bomb of parts": (
        "a.xlsx",
        archive({"[Content_Types].xml": b"x", **{f"{n}": bytes(50_000) for n in range(9)}}),
        "too-large",
    ),
    "a workbook that lies": ("a.xlsx", lying_workbook(), "too-large"),
    "a workbook of overlapping parts": ("a.xlsx", overlapping_workbook(), "unusable-file"),
    "an encrypted workbook": ("a.xlsx", encrypted_workbook(), "unusable-file"),
    "a workbook packed otherwise": (
        "a.xlsx",
        archive({"[Content_Types].xml": b"x" * 99}, method=zipfile.ZIP_BZIP2),
        "unusable-file",
    ),
    "a workbook of too many parts": (
        "a.xlsx",
        archive({"[Content_Types].xml": b"x", **{str(n): b"" for n in range(5_001)}}),
        "unusable-file",
    ),
    "larger than allowed": ("a.csv", b"a,b\n" * 230_000, "too-large"),
}


@pytest.fixture
def bounded(service_with):
    return service_with(
        upload_max_bytes=900_000,
        upload_max_expanded_bytes=MOST,
        tenant_max_upload_bytes=950_000,
        service_max_body_bytes=10_000,
    )


def files(service) -> list[str]:
    folder = Path(service.settings.artifacts_root) / "acme" / ".uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("name", GOOD)
def test_a_table_is_kept_as_it_was_sent(bounded, name):
    content = GOOD[name]
    put = bounded.ask("PUT", f"/v1/tables/{name}", content=content)
    assert put.status_code == 201, put.text
    assert put.json()["name"] == name
    assert put.json()["size_bytes"] == len(content)
    digest = b64encode(hashlib.sha256(content).digest()).decode()
    assert put.headers["repr-digest"] == f"sha-256=:{digest}:"
    path = Path(bounded.settings.artifacts_root) / "acme" / ".uploads" / name
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o077 == 0
    assert bounded.ask("GET", f"/v1/tables/{name}").json() == put.json()
    assert bounded.ask("GET", "/v1/tables").json() == {"tables": [put.json()]}
    spec = {"sources": {"t": put.json()["source"]}}
    assert bounded.ask("POST", "/v1/plan", json=spec).status_code == 200
    assert bounded.ask("DELETE", f"/v1/tables/{name}").status_code == 204
    assert files(bounded) == []


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_a_table_is_refused_and_leaves_nothing(bounded, assert_problem, case):
    name, content, slug = BAD[case]
    assert_problem(bounded.ask("PUT", f"/v1/tables/{name}", content=content), slug)
    assert files(bounded) == []


def test_the_bombs_are_bombs():
    for case, (_, content, _) in BAD.items():
        if "bomb" in case and "Arrow" not in case and "members" not in case:
            assert len(content) < 100_000
    for case in BAD:
        if "Arrow" in case and "bomb" in case:
            assert len(BAD[case][1]) < 10_000
            read = pa.ipc.open_stream if "stream" in case else pa.ipc.open_file
            assert len(read(BAD[case][1]).read_all()) in {1, 30_000, MOST + 1}
    assert len(pa.ipc.open_file(repeating_arrow_file()).read_all()) == 21_000
    assert len(rle_bomb()) < 300
    assert pa.Codec("zstd").decompress(rle_bomb(), 40 * 128 * 1024 + 8, asbytes=True) == b"a" * (
        40 * 128 * 1024 + 8
    )
    assert zlib.decompress(gzip.compress(ROWS), 31) == ROWS


def test_a_table_is_replaced_whole_or_stays(bounded, assert_problem):
    assert bounded.ask("PUT", "/v1/tables/a.csv", content=ROWS).status_code == 201
    again = bounded.ask("PUT", "/v1/tables/a.csv", content=ROWS + b"3,4\n")
    assert again.status_code == 200
    assert_problem(bounded.ask("PUT", "/v1/tables/a.csv", content=b"\x00"), "unusable-file")
    only_new = {"If-None-Match": "*"}
    assert_problem(
        bounded.ask("PUT", "/v1/tables/a.csv", content=ROWS, headers=only_new),
        "precondition-failed",
    )
    new = bounded.ask("PUT", "/v1/tables/b.csv", content=ROWS, headers=only_new)
    assert new.status_code == 201
    assert bounded.ask("GET", "/v1/tables/a.csv").json()["size_bytes"] == len(ROWS) + 4
    assert files(bounded) == ["a.csv", "b.csv"]


def test_a_tenants_tables_have_so_much_room_together(bounded, assert_problem):
    content = b"a,b\n" * 150_000
    assert bounded.ask("PUT", "/v1/tables/a.csv", content=content).status_code == 201
    assert_problem(bounded.ask("PUT", "/v1/tables/b.csv", content=content), "too-large")
    assert bounded.ask("PUT", "/v1/tables/a.csv", content=content).status_code == 200
    other = bounded.ask("PUT", "/v1/tables/b.csv", content=content, tenant="umbrella")
    assert other.status_code == 201


def put_side_by_side(service, names, parts, headers=None):
    """Upload the same to two names; each has begun before either goes on. Sorted by status."""
    sent = {"Authorization": f"Bearer {service.key()}", **(headers or {})}

    async def put_both() -> list[httpx.Response]:
        both = asyncio.Barrier(2)

        async def content():
            yield parts[0]
            await both.wait()
            for part in parts[1:]:
                yield part

        transport = httpx.ASGITransport(app=service.client.app)
        async with (
            asyncio.timeout(60),
            httpx.AsyncClient(
                transport=transport, base_url="http://localhost", headers=sent
            ) as client,
        ):
            puts = (client.put(f"/v1/tables/{name}", content=content()) for name in names)
            return list(await asyncio.gather(*puts))

    return sorted(asyncio.run(put_both()), key=lambda answer: answer.status_code)


def test_uploads_that_run_side_by_side_do_not_share_the_same_room(bounded):
    """Both begin before either is kept: each alone has room, together they have not."""
    answers = put_side_by_side(bounded, ("a.csv", "b.csv"), [b"a,b\n", b"a,b\n" * 150_000])
    assert [answer.status_code for answer in answers] == [201, 413]
    assert "meanwhile" in answers[1].json()["detail"]
    assert len(files(bounded)) == 1


def test_a_name_that_is_to_be_new_is_taken_by_one_of_two(bounded):
    only_new = {"If-None-Match": "*"}
    answers = put_side_by_side(bounded, ("a.csv", "a.csv"), [ROWS, b""], only_new)
    assert [answer.status_code for answer in answers] == [201, 412]


def test_a_tenant_uploads_two_tables_at_the_same_time_and_all_together_eight(
    bounded, assert_problem
):
    uploads = bounded.client.app.state.uploads

    def put(tenant: str) -> httpx.Response:
        return bounded.ask("PUT", "/v1/tables/a.csv", content=ROWS, tenant=tenant)

    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(uploads.take("acme"))
        refused = put("acme")
        assert_problem(refused, "too-many-requests")
        assert refused.headers["retry-after"] == "5"
        assert put("umbrella").status_code == 201
        for tenant in ("b", "b", "c", "c", "d", "d"):
            stack.enter_context(uploads.take(tenant))
        assert_problem(put("umbrella"), "too-many-requests")
    assert put("acme").status_code == 201
    assert uploads.taken == 0


@pytest.fixture
def browser(bounded):
    """Somebody of acme, signed in, and the token of their forms."""
    headers = {"Sec-Fetch-Site": "same-origin"}
    client = bounded.client
    signed = client.post(
        "/sign-in", data={"key": bounded.key()}, headers=headers, follow_redirects=False
    )
    assert signed.status_code == 303
    found = re.search(r'name="form_token" value="([^"]+)"', client.get("/jobs/new").text)

    def send(name: str, content: bytes) -> httpx.Response:
        return client.post(
            "/jobs/new",
            data={"form_token": found[1]},
            files=[("file", (name, content, "text/csv"))],
            headers=headers,
            follow_redirects=False,
        )

    return send


def test_a_form_is_not_read_before_its_tenant_has_a_slot_and_room(bounded, browser, monkeypatch):
    from voyant.service.pages import new_job

    uploads, read_form, reads = bounded.client.app.state.uploads, new_job.read_form, []

    def read(*arguments):
        reads.append(arguments)
        assert uploads.taken == 1
        return read_form(*arguments)

    monkeypatch.setattr(new_job, "read_form", read)
    with uploads.take("acme"), uploads.take("acme"):
        busy = browser("a.csv", ROWS)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "5")
    assert bounded.ask("PUT", "/v1/tables/full.csv", content=b"a,b\n" * 150_000).status_code == 201
    assert bounded.ask("PUT", "/v1/tables/more.csv", content=b"a,b\n" * 80_000).status_code == 201
    full = browser("a.csv", b"a,b\n" * 180_000)
    assert full.status_code == 413
    assert "Remove a table first" in full.text
    assert reads == []
    assert browser("a.csv", ROWS).status_code == 303
    assert len(reads) == 1
    assert files(bounded) == ["a.csv", "full.csv", "more.csv"]
    assert uploads.taken == 0


def test_encoded_content_is_refused(bounded, assert_problem):
    response = bounded.ask(
        "PUT",
        "/v1/tables/a.csv",
        content=gzip.compress(ROWS),
        headers={"Content-Encoding": "gzip"},
    )
    assert_problem(response, "unsupported-media-type")


def test_leftovers_of_a_crash_are_removed_at_the_start(bounded):
    from voyant.service.uploads import remove_leftovers

    bounded.upload()
    folder = Path(bounded.settings.artifacts_root) / "acme" / ".uploads"
    (folder / ".voyant-upload-0123.tmp").write_bytes(b"half")
    remove_leftovers(bounded.settings)
    assert files(bounded) == ["orders.csv"]
