"""`voyant.analyze`: every kind of table in, typed results out."""

from __future__ import annotations

import re
import subprocess
import sys
import webbrowser
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import voyant
from voyant import api
from voyant.core.errors import ArtifactError, ConfigurationError, UnknownTableError

QUICK = {"only": ["profile"]}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory) -> voyant.Analysis:
    return voyant.analyze(
        orders=pd.DataFrame({"id": [1, 2, 3], "amount": [1.5, 2.5, 6.0]}),
        customers=pa.table({"name": ["a", "b"]}),
        kpis={"revenue": "SELECT sum(amount) FROM orders"},
        out=tmp_path_factory.mktemp("out"),
        job_id="job_1",
        skip=["drift"],
    )


def test_rows_can_be_chosen():
    frame = pd.DataFrame({"id": range(1000), "region": ["EU", "US"] * 500})
    found = voyant.analyze(
        orders=frame, where={"orders": "region = 'EU'"}, sample={"orders": 100}, **QUICK
    ).profile("orders")
    assert found.row_count == 100
    assert found.columns["region"].distinct_count == 1
    assert found.selection.sample_rows == 100
    wrong = voyant.analyze(orders=frame, where={"ordres": "true"}, **QUICK)
    assert "Did you mean 'orders'?" in wrong.failures["profile"]


def test_results_are_typed_and_named(analysis):
    assert analysis.success
    assert analysis.failures == {}
    assert analysis.tables == ("orders", "customers")
    assert analysis.profile("orders").columns["amount"].sum == 10.0
    assert analysis.kpis["revenue"].value == 10.0
    assert analysis.sufficiency.tables.keys() == {"orders", "customers"}
    assert analysis.quality.tables.keys() == {"orders", "customers"}
    assert analysis.narrative.startswith("# ")
    assert analysis.folder.name == analysis.manifest.job_id == "job_1"
    assert all(path.is_file() for path in analysis.artifacts.values())
    assert "orders, customers: finished" in repr(analysis)


def test_what_was_not_made_says_why(analysis):
    with pytest.raises(ArtifactError, match="drift was skipped, not asked for in this run"):
        _ = analysis.drift


def test_a_table_that_is_not_there_is_named(analysis):
    with pytest.raises(UnknownTableError, match="orders"):
        analysis.profile("order")
    with pytest.raises(UnknownTableError):
        analysis.profile()


def test_it_opens_its_page_in_the_browser(analysis, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    analysis.open()
    assert opened == [(analysis.folder.resolve() / "index.html").as_uri()]


def test_a_notebook_gets_a_sandboxed_frame_without_links_to_files(analysis):
    shown = analysis._repr_html_()
    assert shown.startswith("<iframe ")
    assert 'sandbox="allow-scripts"' in shown
    assert "href=&quot;#kpis&quot;" in shown
    assert not re.search(r"href=&quot;(?!#|data:)", shown)


def test_without_a_report_a_notebook_gets_a_line():
    shown = voyant.analyze({"<b>": pa.table({"a": [1]})}, **QUICK)._repr_html_()
    assert shown.startswith("<p>&lt;Analysis of &lt;b&gt;")


def parquet(folder: Path) -> Path:
    path = folder / "t.parquet"
    duckdb.sql("SELECT 7 AS n").write_parquet(str(path))
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: str(parquet(folder)),
        parquet,
        lambda folder: [str(parquet(folder))],
        lambda _: duckdb.connect().sql("SELECT 7 AS n"),
        lambda _: duckdb.sql("SELECT 7 AS n"),
        lambda _: pd.DataFrame({"n": [7]}),
        lambda _: pl.DataFrame({"n": [7]}),
        lambda _: pa.table({"n": [7]}),
        lambda _: pa.RecordBatchReader.from_batches(
            pa.schema([("n", pa.int64())]), pa.table({"n": [7]}).to_batches()
        ),
    ],
    ids=[
        *("text", "path", "list", "relation", "default relation"),
        *("pandas", "polars", "arrow", "reader"),
    ],
)
def test_every_kind_of_table_can_be_given(make, tmp_path):
    profile = voyant.analyze(t=make(tmp_path), **QUICK).profile()
    assert (profile.row_count, profile.columns["n"].max) == (1, 7)


def test_types_of_polars_are_read():
    frame = pl.DataFrame(
        {
            "n": [7, None, 3],
            "day": [date(2020, 1, 1), date(2020, 3, 1), None],
            "label": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
            "price": pl.Series(["1.5", "2", "3"]).cast(pl.Decimal(10, 2)),
            "items": [[1], [2, 3], None],
        }
    )
    columns = voyant.analyze(t=frame, **QUICK).profile().columns
    assert {name: column.kind for name, column in columns.items()} == {
        "n": "integer", "day": "date", "label": "text", "price": "decimal", "items": "list"
    }  # fmt: skip
    assert (columns["n"].null_count, columns["n"].sum) == (1, 10)
    assert columns["day"].max == "2020-03-01"
    assert columns["price"].sum == 6.5


@pytest.mark.parametrize("table", [object(), pl.LazyFrame({"n": [7]})], ids=["object", "lazy"])
def test_what_is_no_table_is_told_as_a_failure(table):
    analysis = voyant.analyze(t=table, **QUICK)
    assert not analysis.success
    assert f"'t' was given as {type(table).__name__}" in analysis.failures["profile"]
    with pytest.raises(ArtifactError, match="profile failed"):
        analysis.profile("t")


def test_a_table_given_twice_or_not_at_all_is_refused():
    with pytest.raises(ConfigurationError, match="No table was given"):
        voyant.analyze()
    with pytest.raises(ConfigurationError, match="given twice"):
        voyant.analyze({"t": "a.csv"}, t="b.csv")


def test_kpis_given_as_definitions_and_a_reference_reach_the_run():
    analysis = voyant.analyze(
        t=pa.table({"n": [100.5 + i % 20 for i in range(400)]}),
        reference={"t": pa.table({"n": [0.5 + i % 20 for i in range(400)]})},
        kpis=[{"name": "top", "sql": "SELECT max(n) FROM t", "target": 10, "direction": "up"}],
        only=["profile", "kpi", "drift"],
    )
    assert analysis.kpis["top"].distance_to_target.absolute == 109.5
    assert analysis.drift.tables["t"].columns["n"].status == "drifted"


def test_files_stay_until_python_ends_and_go_then():
    code = (
        "import voyant, pyarrow as pa;"
        "a = voyant.analyze(t=pa.table({'n': [1]}), only=['profile']);"
        "assert a.page.is_file(); print(a.folder)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path(done.stdout.strip()).exists()


def test_import_is_light_and_finds_what_it_promises():
    code = (
        "import sys, voyant;"
        "heavy = {'duckdb', 'pydantic', 'jinja2', 'vl_convert', 'typing', 'voyant.api'};"
        "print(sorted(heavy & set(sys.modules)), voyant.analyze.__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("] ")[1] == "voyant.api\n"
    assert "duckdb" not in done.stdout
    assert "pydantic" not in done.stdout
    assert voyant.analyze is api.analyze
    assert {"analyze", "Analysis", "__version__"} <= set(dir(voyant))
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = voyant.analyse
