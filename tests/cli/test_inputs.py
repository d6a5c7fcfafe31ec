"""Paths on a command line become named tables, the way a person would name them."""

from __future__ import annotations

import pytest

from voyant.cli.inputs import TABLE_SUFFIXES, merge_kpis, read_sources
from voyant.core.errors import ConfigurationError
from voyant.engines import sources as engine_sources


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("a\n1\n")

    return make


def test_the_folder_search_knows_what_the_engine_reads():
    assert set(TABLE_SUFFIXES) == set(engine_sources._KNOWN)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("orders.csv", "orders"),
        ("orders.csv.gz", "orders"),
        ("orders.CSV", "orders"),
        ("my orders.2024.parquet", "my orders.2024"),
        ("naïve 表.json", "naïve 表"),
        ("a=b.csv", "a=b"),
        ("[x].csv", "[x]"),
    ],
)
def test_a_file_is_named_by_its_stem(here, file, name):
    here(file)
    assert read_sources([file], []) == {name: file}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("data/orders-*.csv", "orders"),
        ("data/*.csv", "data"),
        ("data/**/*.csv", "data"),
        ("data/year=*/*.csv", "data"),
        ("d*/*.csv", "d"),
        ("*/*.csv", "table"),
    ],
)
def test_a_glob_is_one_table(here, pattern, name):
    here("data/orders-1.csv", "data/year=1/x.csv")
    assert read_sources([pattern], []) == {name: pattern}


def test_a_folder_of_different_files_is_a_table_each(here):
    here("data/a.csv", "data/b.parquet", "data/README.md", "data/.hidden.csv", "data/_SUCCESS")
    assert read_sources(["data"], []) == {"a": "data/a.csv", "b": "data/b.parquet"}


@pytest.mark.parametrize(
    "files", [("2013-01.csv", "2013-02.csv"), ("part-0-x.parquet", "part-1-y.parquet")]
)
def test_a_folder_of_parts_is_one_table(here, files):
    here(*(f"data/{file}" for file in files))
    assert read_sources(["data/"], []) == {"data": [f"data/{file}" for file in files]}


def test_a_hive_partitioned_folder_is_one_table(here):
    here("flights/month=1/x.parquet", "flights/month=2/x.parquet")
    assert read_sources(["flights"], []) == {"flights": "flights"}


def test_names_can_be_given(here):
    here("a.csv", "x/a.csv", "y=z.csv")
    assert read_sources(["a.csv"], ["other=x/a.csv", "t=y=z.csv"]) == {
        "a": "a.csv",
        "other": "x/a.csv",
        "t": "y=z.csv",
    }


@pytest.mark.parametrize(
    ("paths", "tables"),
    [(["a.csv", "x/a.csv"], []), (["a.csv"], ["a=x/a.csv"]), ([], ["t=a.csv", "t=x/a.csv"])],
)
def test_a_name_twice_is_refused_with_the_way_out(here, paths, tables):
    here("a.csv", "x/a.csv")
    with pytest.raises(ConfigurationError, match=r"--table other_name=x/a\.csv"):
        read_sources(paths, tables)


def test_a_wrong_path_is_refused_with_the_one_that_was_meant(here):
    here("orders.csv")
    with pytest.raises(ConfigurationError, match=r"Did you mean 'orders\.csv'\?"):
        read_sources(["order.csv"], [])
    with pytest.raises(ConfigurationError, match=r"Did you mean"):
        read_sources([], ["x=order.csv"])
    with pytest.raises(ConfigurationError, match="No file matches"):
        read_sources(["*.parquet"], [])


def test_a_file_of_no_known_kind_is_refused(here):
    here("notes.md")
    with pytest.raises(ConfigurationError, match=r"no kind .* \.parquet"):
        read_sources(["notes.md"], [])


def test_an_empty_folder_is_refused(here, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(ConfigurationError, match="holds no table"):
        read_sources(["data"], [])


@pytest.mark.parametrize("option", ["x", "=a.csv", "x=", " = "])
def test_a_table_without_name_or_path_is_refused(option):
    with pytest.raises(ConfigurationError, match="--table"):
        read_sources([], [option])


def test_kpis_are_added_or_take_the_place_of_configured_ones():
    configured = [{"name": "a", "sql": "SELECT 1", "unit": "x"}, {"name": "b", "sql": "SELECT 2"}]
    assert merge_kpis(configured, ["b=SELECT 3 = 3", "c = SELECT 4"]) == [
        {"name": "a", "sql": "SELECT 1", "unit": "x"},
        {"name": "b", "sql": "SELECT 3 = 3"},
        {"name": "c", "sql": "SELECT 4"},
    ]


@pytest.mark.parametrize("option", ["SELECT 1", "=SELECT 1", "a=", ""])
def test_a_kpi_without_name_or_query_is_refused(option):
    with pytest.raises(ConfigurationError, match="--kpi"):
        merge_kpis([], [option])
