"""Every type DuckDB has is counted and described, whatever it holds."""

from __future__ import annotations

import json

import duckdb
import pytest

from voyant.artifacts.profile import ProfileArtifact
from voyant.core.tables import Column
from voyant.engines.duckdb import DuckDBEngine
from voyant.engines.duckdb_summary import measure_column
from voyant.engines.duckdb_types import column_kind, exact_line
from voyant.engines.recipe import ConnectionRecipe, open_connection
from voyant.generators.profile import Budget, compute, measure
from voyant.report.profile_page import render_profile

#: Type -> (kind, SQL of values, facts worked out by hand).
CASES = {
    "HUGEINT": ("integer", ["-170141183460469231731687303715884105728", "5"], {"max": 5}),
    "UHUGEINT": ("integer", ["340282366920938463463374607431768211455", "0"], {"zero_count": 1}),
    "BIGNUM": (
        "integer",
        ["'12345678901234567890123456789012345678901234567890'", "'-5'"],
        {"min": -5},
    ),
    "UBIGINT": ("integer", ["18446744073709551615", "0"], {"max": 2**64 - 1}),
    "BIGINT": ("integer", ["9223372036854775807", "-9223372036854775808"], {"sum": -1}),
    "TINYINT": ("integer", ["127", "-128"], {"sum": -1, "mean": -0.5}),
    "DECIMAL(38,38)": ("decimal", ["0.5", "-0.25"], {"min": -0.25}),
    "DECIMAL(18,18)": ("decimal", ["0.5", "-0.25"], {"sum": 0.25}),
    "DECIMAL(18,3)": ("decimal", ["999999999999999.999", "0.001"], {"sum": 1000000000000000}),
    "DECIMAL(18,0)": ("decimal", ["999999999999999999", "1"], {"sum": 10**18}),
    "DECIMAL(4,2)": ("decimal", ["99.99", "-99.99"], {"sum": 0, "max": 99.99}),
    "FLOAT": (
        "float",
        ["0.5", "'nan'", "'-inf'"],
        {"nan_count": 1, "infinite_count": 1, "max": 0.5},
    ),
    "DOUBLE": ("float", ["-0.0", "0.0", "5e-324"], {"distinct_count": 2, "zero_count": 2}),
    "BOOLEAN": ("boolean", ["true", "false"], {"true_count": 1}),
    "VARCHAR": ("text", ["''", "'a' || chr(0) || 'b'", "repeat('x', 1000000)"], {"min": ""}),
    "JSON": ("text", ["'{\"a\": 1}'", "'null'"], {"min": "null"}),
    "ENUM('b', 'a')": ("text", ["'a'", "'b'"], {"min": "a", "max": "b"}),
    "UUID": ("uuid", ["'ffffffff-ffff-ffff-ffff-ffffffffffff'"], {}),
    "BLOB": ("blob", [r"'\x00\xFF'::BLOB", "''::BLOB"], {"min": None}),
    "BIT": ("other", ["'0101'", "'1'"], {}),
    "DATE": (
        "date",
        ["'infinity'", "'-infinity'", "'2020-01-01'", "'0044-03-15 (BC)'", "'5881580-07-10'"],
        {"infinite_count": 2, "min": "-0043-03-15", "max": "5881580-07-10"},
    ),
    "TIMESTAMP": (
        "timestamp",
        ["'infinity'", "'290309-12-22 (BC) 00:00:00'", "'294247-01-10 04:00:54.775806'"],
        {
            "infinite_count": 1,
            "min": "-290308-12-22T00:00:00",
            "max": "294247-01-10T04:00:54.775806",
        },
    ),
    "TIMESTAMP_S": ("timestamp", ["'2020-01-01 00:00:01'"], {"min": "2020-01-01T00:00:01"}),
    "TIMESTAMP_MS": (
        "timestamp",
        ["'2020-01-01 00:00:00.123'"],
        {"max": "2020-01-01T00:00:00.123"},
    ),
    "TIMESTAMP_NS": (
        "timestamp",
        ["'2020-01-01 00:00:00.123456789'", "'infinity'"],
        {"min": "2020-01-01T00:00:00.123456789", "infinite_count": 1},
    ),
    "TIMESTAMPTZ": (
        "timestamp",
        ["'2020-01-01 00:00:00+02'", "'infinity'"],
        {"min": "2019-12-31T22:00:00+00:00", "infinite_count": 1},
    ),
    "TIME": ("time", ["'23:59:59.999999'", "'00:00'"], {"min": "00:00:00"}),
    "TIMETZ": ("time", ["'12:00:00+05:30'"], {"min": None}),
    "INTERVAL": ("interval", ["'1 day'", "'-3 months'"], {}),
    "INTEGER[]": ("list", ["[1, 2]", "[]", "[NULL]"], {"distinct_count": 3}),
    "INTEGER[2]": ("list", ["[1, 2]", "[3, NULL]"], {}),
    "STRUCT(a INTEGER, b VARCHAR)": ("struct", ["{'a': 1, 'b': 'x'}"], {}),
    "MAP(VARCHAR, INTEGER)": ("map", ["MAP {'k': 1}", "MAP {}"], {}),
    "UNION(num INTEGER, str VARCHAR)": ("other", ["1", "'x'"], {}),
    "STRUCT(a TIMESTAMPTZ[])[]": ("list", ["[{'a': ['2020-01-01 00:00:00+00']}]"], {}),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    path = tmp_path_factory.mktemp("types") / "types.duckdb"
    with duckdb.connect(str(path)) as con:
        for number, (kind, (_, values, _)) in enumerate(CASES.items()):
            con.execute(f"CREATE TABLE t{number}(id INTEGER, v {kind})")
            for place, value in enumerate([*values, "NULL", "NULL"]):
                con.execute(f"INSERT INTO t{number} VALUES ({place}, {value})")
    opened = DuckDBEngine({"w": path})
    yield opened
    opened.close()


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES.values())), ids=list(CASES))
def test_type_is_counted_and_described(engine, number, case):
    kind, values, facts = case
    table = f"t{number}"
    column = engine.summarize(table).columns["v"]
    assert column.kind.value == kind
    assert (column.count, column.null_count) == (len(values), 2)
    assert column.distinct_count == facts.get("distinct_count", len(values))
    assert {name: getattr(column, name) for name in facts} == facts
    profile = compute(engine.summarize(table), measure(engine, table, Budget()), Budget())
    artifact = ProfileArtifact(tables={table: profile})
    json.dumps(json.loads(artifact.model_dump_json()), allow_nan=False)
    assert "<html" in render_profile(artifact)


def measured(values, kind):
    with open_connection(ConnectionRecipe()) as con:
        listed = ", ".join(f"({value}::{kind})" for value in values)
        con.execute(f"CREATE TABLE t(v {kind}); INSERT INTO t VALUES {listed}")
        ((_, name, *_),) = con.execute("DESCRIBE t").fetchall()
        return measure_column(
            con, "t", Column(name="v", type=name, kind=column_kind(name)), len(values)
        )


@pytest.mark.parametrize("kind", ["HUGEINT", "UHUGEINT", "UBIGINT", "DECIMAL(38,3)"])
def test_wide_type_with_small_values_is_exact(kind):
    column = measured(["461168601842738", "2", "2"], kind)
    assert column.approximations == {}
    assert column.sum == 461168601842742


def test_wide_values_say_that_they_are_rounded():
    column = measured(["170141183460469231731687303715884105727", "1"], "HUGEINT")
    assert column.max == 2**127 - 1
    assert column.approximations["sum"].error == 2**-53
    assert column.sum == pytest.approx(2.0**127)


def test_nanoseconds_of_zoned_time_stamps():
    if not duckdb.__version__.startswith("2."):
        pytest.skip("the type is new in DuckDB 2")
    column = measured(["'2020-01-01 00:00:00.123456789+00'"], "TIMESTAMPTZ_NS")
    assert column.min == "2020-01-01T00:00:00.123457+00:00"
    assert "distinct_count" in column.approximations


def test_exact_line_wants_values_that_fit():
    assert exact_line("HUGEINT", "0", str(2**62)) is None
    assert exact_line("DECIMAL(38,20)", "0", "1") is None
    assert exact_line("DECIMAL(38,2)", "-9999999999999999.99", "0") is not None
