"""Workbooks, SQLite and Arrow files: types, gaps, several tables, broken files."""

# ruff: noqa: DTZ001 - a spreadsheet's time stamps have no zone

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.feather
import pytest

from voyant.core.errors import SourceError
from voyant.engines import foreign
from voyant.engines.duckdb import DuckDBEngine


def opened(path, name="t"):
    """Return {table: {column: (type, values)}}."""
    engine = DuckDBEngine({name: path})
    try:
        found = {}
        for table in engine.tables():
            quoted = '"' + table.replace('"', '""') + '"'
            frame = engine._connection.sql(f"SELECT * FROM {quoted}").arrow().read_all()
            types = {column.name: column.type for column in engine.columns(table)}
            engine.summarize(table)
            found[table] = {n: (types[n], frame[n].to_pylist()) for n in frame.column_names}
        return found
    finally:
        engine.close()


# Arrow -----------------------------------------------------------------

FRAME = pa.table(
    {
        "a": [1, 2],
        "text": ["x", None],
        "money": pa.array([Decimal("1.50"), Decimal(2)], pa.decimal128(5, 2)),
        "category": pa.array(["p", "q"]).dictionary_encode(),
        "zoned": pa.array([0, 1_000_000], pa.timestamp("us", tz="Europe/Paris")),
        "list": [[1], [2]],
        "view": pa.array(["a", "b"], pa.string_view()),
        "half": pa.array(np.array([1.5, 2], "float16")),
    }
)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_feather(tmp_path, compression):
    path = tmp_path / "a.feather"
    pyarrow.feather.write_feather(FRAME, path, compression=compression, chunksize=1)
    found = opened(path)["t"]
    assert list(found) == FRAME.column_names
    assert found["a"] == ("BIGINT", [1, 2])
    assert found["half"] == ("FLOAT", [1.5, 2.0])
    assert found["money"] == ("DECIMAL(5,2)", [Decimal("1.50"), Decimal("2.00")])
    assert found["zoned"][0] == "TIMESTAMP WITH TIME ZONE"


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_stream_format(tmp_path, compression):
    path = tmp_path / "a.arrows"
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_stream(file, FRAME.schema, options=options) as out,
    ):
        out.write_table(FRAME)
        out.write_table(FRAME)
    assert opened(path)["t"]["a"] == ("BIGINT", [1, 2, 1, 2])


def test_arrow_file_without_rows(tmp_path):
    pyarrow.feather.write_feather(FRAME.slice(0, 0), tmp_path / "a.arrow")
    assert opened(tmp_path / "a.arrow")["t"]["a"] == ("BIGINT", [])


@pytest.mark.parametrize("content", [b"ARROW1xx", b"zzz", b"ARROW1" + b"\x00" * 100])
def test_broken_arrow_file_is_refused(tmp_path, content):
    path = tmp_path / "a.arrow"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.arrow.* Check that it is whole"):
        opened(path)


def test_arrow_file_without_columns_is_refused(tmp_path):
    pyarrow.feather.write_feather(pa.table({}), tmp_path / "a.arrow")
    with pytest.raises(SourceError, match=r"a\.arrow"):
        opened(tmp_path / "a.arrow")


# Workbooks -----------------------------------------------------------------


@pytest.fixture
def workbook(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "One"
    for row in (
        ["whole", "number", "text", "day", "moment", "yes", "mixed", "whole", None],
        [1, 1.5, "x", dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 5, 30), True, 1, 7, "extra"],
        [2, 2, None, dt.date(1950, 1, 2), dt.datetime(2020, 1, 2), False, "a"],
        [None, None, "z"],
    ):
        sheet.append(row)
    book.create_sheet("Empty")
    book.create_sheet("Two words").append(["heading only"])
    book.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def test_workbook_gives_its_sheets(workbook):
    found = opened(workbook)
    assert list(found) == ["One", "Two words"]
    assert found["Two words"] == {"heading only": ("VARCHAR", [])}
    one = found["One"]
    assert one["whole"] == ("BIGINT", [1, 2, None])
    assert one["number"] == ("DOUBLE", [1.5, 2.0, None])
    assert one["text"] == ("VARCHAR", ["x", None, "z"])
    assert one["yes"] == ("BOOLEAN", [True, False, None])
    assert one["mixed"] == ("VARCHAR", ["1", "a", None])
    assert one["whole_2"] == ("BIGINT", [7, None, None])
    assert one["column8"] == ("VARCHAR", ["extra", None, None])
    assert one["moment"] == (
        "TIMESTAMP",
        [dt.datetime(2020, 1, 1, 5, 30), dt.datetime(2020, 1, 2), None],
    )
    assert one["day"][1][1] in {dt.date(1950, 1, 2), dt.datetime(1950, 1, 2)}


def test_only_sheet_takes_the_given_name(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append([1])
    book.save(tmp_path / "b.xlsx")
    assert opened(tmp_path / "b.xlsx", "sales") == {"sales": {"a": ("BIGINT", [1])}}


def test_broken_or_empty_workbook_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    with pytest.raises(SourceError, match="spreadsheet program"):
        opened(tmp_path / "a.xlsx")
    openpyxl.Workbook().save(tmp_path / "b.xlsx")
    with pytest.raises(SourceError, match="holds no table"):
        opened(tmp_path / "b.xlsx")


# SQLite -----------------------------------------------------------------


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as con:
        con.executescript(
            """CREATE TABLE t(a INTEGER, b, "we ird" TEXT, c, d REAL, "q""q" BLOB);
            INSERT INTO t VALUES (1, 'x', 'y', 1, 0.5, x'00ff'), (2, 3.5, NULL, 2.5, 2, NULL),
                (9223372036854775807, x'00ff', '', NULL, NULL, x'');
            CREATE VIEW v AS SELECT a, a * 2 AS double FROM t WHERE a < 5;
            CREATE TABLE k(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
            INSERT INTO k VALUES ('a', 1), ('b', 2);
            CREATE TABLE hollow(x INT, y DOUBLE, z BLOB, w);
            CREATE TABLE made(x INT, y INT GENERATED ALWAYS AS (x + 1));
            INSERT INTO made(x) VALUES (1)"""
        )
    con.close()
    return path


def test_sqlite_gives_tables_and_views(database):
    found = opened(database)
    assert list(found) == ["t", "v", "k", "hollow", "made"]
    table = found["t"]
    assert table["a"] == ("BIGINT", [1, 2, 9223372036854775807])
    assert table["b"] == ("VARCHAR", ["x", "3.5", "00ff"])
    assert table["we ird"] == ("VARCHAR", ["y", None, ""])
    assert table["c"] == ("DOUBLE", [1.0, 2.5, None])
    assert table["d"] == ("DOUBLE", [0.5, 2.0, None])
    assert table['q"q'] == ("BLOB", [b"\x00\xff", None, b""])
    assert found["v"] == {"a": ("BIGINT", [1, 2]), "double": ("BIGINT", [2, 4])}
    assert found["k"] == {"k": ("VARCHAR", ["a", "b"]), "v": ("BIGINT", [1, 2])}
    assert [kind for kind, _ in found["hollow"].values()] == ["BIGINT", "DOUBLE", "BLOB", "VARCHAR"]
    assert found["made"]["y"] == ("BIGINT", [2])


def test_sqlite_is_read_in_chunks(database, monkeypatch):
    monkeypatch.setattr(foreign, "_CHUNK_ROWS", 2)
    monkeypatch.setattr(foreign, "_COLUMNS_A_STATEMENT", 1)
    assert opened(database)["t"]["a"] == ("BIGINT", [1, 2, 9223372036854775807])


def test_text_that_is_not_utf8_is_kept_with_marks(tmp_path):
    path = tmp_path / "s.sqlite"
    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE t(a TEXT)")
        con.execute("INSERT INTO t VALUES (CAST(x'61ff62' AS TEXT))")
    con.close()
    assert opened(path) == {"t": {"a": ("VARCHAR", ["a\ufffdb"])}}


def test_broken_or_empty_database_is_refused(tmp_path):
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\0" + b"x" * 100)
    with pytest.raises(SourceError, match="integrity_check"):
        opened(tmp_path / "a.db")
    with sqlite3.connect(tmp_path / "b.db") as con:
        con.executescript("CREATE TABLE t(a); DROP TABLE t")
    con.close()
    with pytest.raises(SourceError, match="holds no table"):
        opened(tmp_path / "b.db")
