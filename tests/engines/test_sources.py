"""Each kind of input becomes tables, and each bad one gives one clear error."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from voyant.core.errors import SourceError
from voyant.engines.duckdb import DuckDBEngine


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def written(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def opened(source, name="t", **options):
    """Return {table: {column: (type, count, distinct)}}."""
    sources = source if isinstance(source, dict) else {name: source}
    engine = DuckDBEngine(sources, **options)
    try:
        return {
            table: {
                column.name: (column.type, column.count, column.distinct_count)
                for column in engine.summarize(table).columns.values()
            }
            for table in engine.tables()
        }
    finally:
        engine.close()


def refused(source, match, **options):
    with pytest.raises(SourceError, match=match) as caught:
        opened(source, **options)
    text = str(caught.value)
    assert caught.value.remedy
    assert "LINE 1" not in text
    assert "Error:" not in text
    assert len(text) < 900
    return text


# Delimited text -----------------------------------------------------------------

TWO = {"t": {"x": ("BIGINT", 1, 1), "y": ("BIGINT", 1, 1)}}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"x,y\n1,2\n"),
        ("a.csv", b"\xef\xbb\xbfx,y\n1,2\n"),
        ("a.csv", "x,y\n1,2\n".encode("utf-16")),
        ("a.csv", b"x,y\r\n1,2\r\n"),
        ("a.csv", b"x;y\n1;2\n"),
        ("a.tsv", b"x\ty\n1\t2\n"),
        ("a.psv", b"x|y\n1|2\n"),
        ("A.CSV", b"x,y\n1,2\n"),
        ("a.csv.gz", gzip.compress(b"x,y\n1,2\n", mtime=0)),
        ("a.csv.zst", pa.compress(b"x,y\n1,2\n", codec="zstd", asbytes=True)),
        ("sp ace's 😀.csv", b"x,y\n1,2\n"),
    ],
)
def test_delimited_text(write, name, content):
    assert opened(write(name, content)) == TWO


def test_quoted_line_breaks_and_delimiters(write):
    path = write("a.csv", 'x,y\n"a\nb",2\n"c,""d",3\n')
    assert opened(path) == {"t": {"x": ("VARCHAR", 2, 2), "y": ("BIGINT", 2, 2)}}


def test_heading_only_is_an_empty_table(write):
    assert opened(write("a.csv", "x,y\n")) == {
        "t": {"x": ("VARCHAR", 0, 0), "y": ("VARCHAR", 0, 0)}
    }


def test_later_value_of_another_type_makes_the_column_text(write):
    path = write("a.csv", "x,y\n" + "1,2\n" * 30_000 + "abc,2\n")
    assert opened(path) == {"t": {"x": ("VARCHAR", 30_001, 2), "y": ("BIGINT", 30_001, 1)}}


def test_rows_that_end_early_are_filled_with_nulls(write):
    found = opened(write("a.csv", "x,y,z\n1,2,3\n1,2\n4,5,6\n"))
    assert found == {"t": {"x": ("BIGINT", 3, 2), "y": ("BIGINT", 3, 2), "z": ("BIGINT", 2, 2)}}


def test_quoted_heading_that_holds_a_delimiter_is_one_column(write):
    assert opened(write("a.csv", '"x,y"\n"1,2"\n')) == {"t": {"x,y": ("VARCHAR", 1, 1)}}


def test_repeated_and_missing_headings_get_names(write):
    assert list(opened(write("a.csv", "x,x,X,\n1,2,3,4\n"))["t"]) == ["x", "x_1", "X_2", "column3"]


def test_several_files_are_one_table(write, tmp_path):
    write("d/1.csv", "x,y\n1,2\n")
    write("d/2.csv", "y,x\n2,1\n")
    assert opened(str(tmp_path / "d" / "*.csv")) == {
        "t": {"x": ("BIGINT", 2, 1), "y": ("BIGINT", 2, 1)}
    }
    both = [tmp_path / "d" / "1.csv", str(tmp_path / "d" / "2.csv")]
    assert opened({"t": both}) == {"t": {"x": ("BIGINT", 2, 1), "y": ("BIGINT", 2, 1)}}


def test_text_is_parsed_once(write):
    path = write("a.csv", "x,y\n1,2\n")
    engine = DuckDBEngine({"t": path})
    path.unlink()
    assert engine.summarize("t").row_count == 1
    engine.close()


def test_latin1_is_refused_with_the_line_and_a_way_out(write):
    text = refused(write("a.csv", "x,y\na,b\nZürich,2\n".encode("latin-1")), "not UTF-8 at line")
    assert "iconv" in text


def test_row_with_too_many_values_is_refused(write):
    refused(write("a.csv", "x,y\n" + "1,2\n" * 30_000 + "abc,2,3\n"), "split into columns|values")


def test_broken_archive_is_refused(write):
    refused(write("a.csv.gz", b"no archive"), "GZIP")


# Parquet -----------------------------------------------------------------


def parquet(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_partitioned_folder_has_its_partition_columns(tmp_path):
    for year, kind in ((2020, "a"), (2021, "b")):
        parquet(tmp_path / f"d/year={year}/kind={kind}/x.parquet", v=[1, 2])
    wanted = {"v": ("BIGINT", 4, 2), "kind": ("VARCHAR", 4, 2), "year": ("BIGINT", 4, 2)}
    assert opened(tmp_path / "d")["t"] == wanted
    assert opened(str(tmp_path / "d/*/*/*.parquet"))["t"] == wanted


def test_folder_whose_files_differ_in_schema_is_one_table(tmp_path):
    parquet(tmp_path / "d/1.parquet", a=[1])
    parquet(tmp_path / "d/2.parquet", a=["x"], b=[2.5])
    (tmp_path / "d/_SUCCESS").touch()
    parquet(tmp_path / "d/_temporary/3.parquet", a=["set aside"])
    assert opened(tmp_path / "d") == {"t": {"a": ("VARCHAR", 2, 2), "b": ("DOUBLE", 1, 1)}}


def test_parquet_column_names_equal_up_to_case(tmp_path):
    path = parquet(tmp_path / "a.parquet", a=[1], A=[2], **{'q"u': [3]})
    assert list(opened(path)["t"]) == ["a", "A_1", 'q"u']


def test_delta_and_iceberg_folders_are_not_read_as_plain_files(tmp_path):
    parquet(tmp_path / "delta/1.parquet", a=[1])
    (tmp_path / "delta/_delta_log").mkdir()
    refused(tmp_path / "delta", "Delta Lake")
    parquet(tmp_path / "ice/data/1.parquet", a=[1])
    (tmp_path / "ice/metadata").mkdir()
    (tmp_path / "ice/metadata/v1.metadata.json").touch()
    refused(tmp_path / "ice", "Iceberg")


def test_broken_parquet_is_refused(write):
    refused(write("a.parquet", b"PAR1 nothing PAR1"), r"a\.parquet")
    refused(write("b.parquet", b"xxxxxxxxxxxxxxxxx"), r"b\.parquet")


# JSON -----------------------------------------------------------------


def test_json(write):
    rows = [{"a": 1, "b": {"c": [1, 2]}}, {"a": 2.5}]
    wanted = {"t": {"a": ("DOUBLE", 2, 2), "b": ("STRUCT(c BIGINT[])", 1, 1)}}
    assert opened(write("a.json", json.dumps(rows))) == wanted
    lines = "\n".join(map(json.dumps, rows))
    assert opened(write("a.ndjson", lines)) == wanted
    assert opened(write("a.jsonl.gz", gzip.compress(lines.encode()))) == wanted


def test_broken_json_is_refused(write):
    refused(write("a.json", '[{"a": 1'), "JSON")


# DuckDB files -----------------------------------------------------------------


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            """CREATE TABLE orders(id INTEGER); INSERT INTO orders VALUES (1), (2);
            CREATE SCHEMA "s 2"; CREATE TABLE "s 2".orders(y INTEGER);
            CREATE VIEW big AS SELECT * FROM orders WHERE id > 1;
            CREATE VIEW spelled AS SELECT * FROM shop.main.orders;
            CREATE TABLE "q""x"(z INTEGER)"""
        )
    return path


def test_duckdb_file_gives_tables_of_all_schemas_and_views(warehouse):
    found = opened(warehouse, "w")
    assert list(found) == ["big", "orders", 'q"x', "spelled", "s 2.orders"]
    assert found["big"] == {"id": ("INTEGER", 1, 1)}
    assert found["spelled"] == {"id": ("INTEGER", 2, 2)}


def test_two_databases_with_tables_of_one_name(warehouse, tmp_path):
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as con:
        con.execute("CREATE TABLE orders(id INTEGER)")
    found = opened({"w": warehouse, "old": other})
    assert found["orders"]["id"][1] == 2
    assert found["old.orders"]["id"][1] == 0
    assert opened({"w": warehouse, "again": warehouse})["again.orders"]["id"][1] == 2


def test_only_the_tables_asked_for(warehouse):
    assert list(opened(warehouse, tables=["s 2.orders", "big"])) == ["s 2.orders", "big"]
    refused(warehouse, r"no table 'order'.*Did you mean 'orders'", tables=["order"])


def test_broken_view_is_left_out_with_a_warning_or_refused_when_asked_for(warehouse, caplog):
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            "CREATE TABLE gone(x INTEGER); CREATE VIEW broken AS FROM gone; DROP TABLE gone"
        )
    assert "broken" not in opened(warehouse)
    assert "'broken'" in caplog.text
    with pytest.raises(SourceError, match=r"view 'broken'.* does not work"):
        opened(warehouse, tables=["broken"])


def test_database_that_another_process_writes_is_refused(warehouse):
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(warehouse)!r}); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "1\n"
        text = refused(warehouse, "open for writing in another program")
        holder.communicate("\n")
    assert "copy the file" in text


def test_file_that_only_looks_like_a_database_is_refused(write):
    refused(write("a.duckdb", b"x" * 8 + b"DUCK" + b"x" * 100), r"a\.duckdb")
    refused(write("b.db", b"some bytes of no kind"), "no kind that Voyant reads")


def test_analysis_writes_nothing_to_a_database(warehouse):
    before = warehouse.read_bytes()
    opened(warehouse)
    assert warehouse.read_bytes() == before
    assert not warehouse.with_suffix(".duckdb.wal").exists()


# Data frames -----------------------------------------------------------------


class Stream:
    """Nothing but Arrow's interface, as any other library would give it."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("frame", [pa.table, pd.DataFrame, lambda data: Stream(pa.table(data))])
def test_data_frames(frame):
    assert opened(frame({"a": [1, 2], "b": ["x", None]}), "voyant_input") == {
        "voyant_input": {"a": ("BIGINT", 2, 2), "b": ("VARCHAR", 1, 1)}
    }


def test_record_batch_reader_is_read_once():
    reader = pa.table({"a": [1, 2]}).to_reader()
    assert opened(reader) == {"t": {"a": ("BIGINT", 2, 2)}}


def test_frame_with_repeated_names():
    frame = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    if duckdb.__version__.startswith("1."):  # reads it by way of pyarrow, which cannot
        refused(frame, "Multiple matches")
    else:
        assert list(opened(frame)["t"]) == ["a", "a_1"]


def test_frame_without_columns_is_refused():
    refused(pd.DataFrame(), "at least one column")


# Names -----------------------------------------------------------------

NAMES = [
    'we"ird. n🎉me; DROP',
    "select",
    "temp",
    "main",
    "scratch",
    "memory",
    "t0",
    "voyant_groups",
]


def test_any_name_works(write):
    path = write("a.csv", "x,y\n1,2\n")
    assert list(opened(dict.fromkeys(NAMES, path))) == NAMES


def test_names_equal_up_to_case_are_refused(write):
    path = write("a.csv", "x,y\n1,2\n")
    text = refused({"Orders": path, "orders": path}, "Two inputs give a table called 'orders'")
    assert "--table" in text


@pytest.mark.parametrize("name", ["", "a\x00b"])
def test_impossible_names_are_refused(write, name):
    refused({name: write("a.csv", "x,y\n1,2\n")}, "cannot be a table called")


def test_unwanted_inputs_are_not_parsed(write, tmp_path):
    sources = {"t": write("a.csv", "x,y\n1,2\n"), "broken": tmp_path / "missing.csv"}
    assert opened(sources, tables=["t"]) == TWO
    refused(sources, "no table 'brokn'.*Did you mean 'broken'", tables=["brokn"])
    assert opened(sources, tables=["t", "t"]) == TWO


# What is not there, or of no kind -----------------------------------------------------------------


def test_missing_file_suggests_a_near_name(write, tmp_path):
    write("orders.csv", "x\n1\n")
    assert "Did you mean 'orders.csv'?" in refused(tmp_path / "order.csv", "There is no file")
    assert "Did you mean" in refused({"t": [tmp_path / "order.csv"]}, "There is no file")
    refused(tmp_path / "nowhere" / "a.csv", "There is no file")


@pytest.mark.parametrize(
    "suffix", [".csv", ".json", ".parquet", ".xlsx", ".arrow", ".db", ".duckdb"]
)
def test_empty_file_is_refused(write, suffix):
    refused(write(f"a{suffix}", b""), "is empty")


def test_pattern_folder_and_list_that_hold_nothing(tmp_path):
    (tmp_path / "d").mkdir()
    refused(str(tmp_path / "*.csv"), "No file matches")
    refused(tmp_path / "d", "holds no Parquet file")
    refused({"t": []}, "no file")
    refused({"t": [3]}, "a list with 3")
    refused({"t": 3}, "given as int")


def test_mixed_and_unknown_kinds(write, tmp_path):
    write("a.csv", "x\n1\n")
    write("a.json", '{"x": 1}')
    refused(str(tmp_path / "a.*"), "mixes kinds")
    refused(write("a.docx", b"words"), "no kind that Voyant reads")
    write("b/1.db", b"SQLite format 3\x00")
    write("b/2.db", b"SQLite format 3\x00")
    refused(str(tmp_path / "b/*.db"), "names 2 .db files")
