"""Every engine answers every question about every awkward table, and the oracles agree."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from scipy import stats

from tests.conformance.awkward import tables
from tests.conformance.oracle import check_column, is_nan
from tests.conformance.spark_tables import as_stored_for_spark, write_parquet
from tests.servers.spark import SPARK_MARKS
from voyant.core.engine import Engine
from voyant.core.errors import UnknownTableError
from voyant.core.tables import ColumnKind
from voyant.engines.duckdb import DuckDBEngine
from voyant.engines.ibis_engine import IbisEngine
from voyant.engines.ibis_postgres import PostgresOpening
from voyant.generators.profile import Budget, compute, measure
from voyant.stats.correlation import cramers_v

if TYPE_CHECKING:
    import pyarrow as pa

GIVEN = tables()
#: Different values up to which a column is fetched: with none, all is computed in the warehouse.
GROUP_LIMITS = {"postgresql": 100_000, "postgresql, all there": 0, "spark": 100_000}
ENGINES = [
    *("duckdb", "postgresql", "postgresql, all there"),
    pytest.param("spark", marks=SPARK_MARKS),
]


@dataclass(frozen=True)
class Subject:
    """An engine, and the tables as it was given them: `DIFFERENCES` says where they are others."""

    engine: Engine
    tables: dict[str, pa.Table]
    is_all_there: bool = False


@pytest.fixture(scope="module")
def awkward_spark(spark_cluster, tmp_path_factory):
    """The awkward tables as files that a Spark cluster reads, and an engine on them."""
    from voyant.engines.ibis_spark import SparkOpening  # pyspark is an extra

    stored = {name: as_stored_for_spark(name, table) for name, table in GIVEN.items()}
    paths = write_parquet(tmp_path_factory.mktemp("awkward"), stored)
    opening = SparkOpening(spark_cluster.url, 600, tuple(paths.items()))
    return IbisEngine(opening(), tables=list(GIVEN)), stored


@pytest.fixture(scope="module", params=ENGINES)
def subject(request):
    limit = GROUP_LIMITS.get(request.param)
    if limit is None:
        opened, stored = DuckDBEngine(GIVEN), GIVEN
    elif request.param == "spark":
        opened, stored = request.getfixturevalue("awkward_spark")
    else:
        url, stored = request.getfixturevalue("awkward_database")
        opened = IbisEngine(PostgresOpening(url, 60)(), tables=list(GIVEN), group_limit=limit)
    yield Subject(opened, stored, is_all_there=limit == 0)
    opened.close()


@pytest.fixture
def engine(subject):
    return subject.engine


@pytest.fixture(params=GIVEN)
def name(request):
    return request.param


def rows_of(table):
    """Return a table's rows as plain Python values that can be compared and counted."""

    def plain(value):
        return repr(value) if isinstance(value, (list, dict, float)) and value != 0 else value

    columns = [column.to_pylist() for column in table.columns]
    return [tuple(plain(value) for value in row) for row in zip(*columns, strict=True)]


def test_engine_is_one(engine):
    assert isinstance(engine, Engine)
    assert engine.tables() == tuple(GIVEN)
    assert " " in engine.name


def test_columns_in_table_order(subject, engine, name):
    assert [column.name for column in engine.columns(name)] == subject.tables[name].column_names


def test_summary_agrees_with_the_oracles(subject, engine, name):
    summary = engine.summarize(name)
    assert summary.row_count == subject.tables[name].num_rows
    assert list(summary.columns) == subject.tables[name].column_names
    for column in summary.columns.values():
        values = subject.tables[name][column.name].to_pylist()
        if column.kind.is_nested or column.kind in {ColumnKind.BLOB, ColumnKind.INTERVAL}:
            counts = Counter(repr(value) for value in values if value is not None)
            assert column.count == counts.total()
            assert column.distinct_count == len(counts)
        else:
            check_column(column, values)


def test_summary_is_computed_once(engine, name):
    assert engine.summarize(name) is engine.summarize(name)


def test_profile_of_any_table_is_json(engine, name):
    summary = engine.summarize(name)
    profile = compute(summary, measure(engine, name, Budget()), Budget())
    json.loads(profile.model_dump_json())
    json.dumps(profile.model_dump(), allow_nan=False)


def test_duplicate_rows(subject, engine, name):
    rows = rows_of(subject.tables[name])
    assert engine.duplicate_rows(name).value == len(rows) - len(set(rows))


def test_distinct_combinations(subject, engine, name):
    names = subject.tables[name].column_names[:4]
    simple = [n for n in names if not engine.summarize(name).columns[n].kind.is_nested]
    for pair in combinations(simple, 2):
        wanted = {
            row
            for row in zip(
                *(map(plain_or_nan, subject.tables[name][c].to_pylist()) for c in pair), strict=True
            )
            if None not in row
        }
        assert engine.distinct_count(name, pair).value == len(wanted)


def plain_or_nan(value):
    return "nan" if is_nan(value) else value


def test_unique_pairs(subject, engine, name):
    summary = engine.summarize(name)
    able = [
        n
        for n, column in summary.columns.items()
        if column.null_count == 0 and column.kind in {ColumnKind.INTEGER, ColumnKind.TEXT}
    ][:5]
    for pair in combinations(able, 2):
        combined = list(zip(*(subject.tables[name][c].to_pylist() for c in pair), strict=True))
        found, checked = engine.unique_pairs(name, [pair], budget=1)
        assert (found == (pair,)) == (len(set(combined)) == len(combined))
        assert checked in {0, 1}
    assert engine.unique_pairs(name, [], budget=3) == ((), 0)


def finite_pairs(table, left, right):
    both = zip(table[left].to_pylist(), table[right].to_pylist(), strict=True)
    return [
        (x, y)
        for x, y in both
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    ]


def test_correlations(subject, engine, name):
    summary = engine.summarize(name)
    numeric = [n for n, column in summary.columns.items() if column.kind.is_numeric][:8]
    for found in engine.pearson(name, numeric):
        rows = finite_pairs(subject.tables[name], found.left, found.right)
        assert found.row_count == len(rows)
        check_coefficient(found, rows)
    for found in engine.spearman(name, numeric, sample_rows=1_000):
        rows = finite_pairs(subject.tables[name], found.left, found.right)
        assert found.row_count == len(rows)
        assert found.approximation is None
        check_coefficient(found, rows, ranked=True)


def check_coefficient(found, rows, *, ranked=False):
    """Compare with the definition, in exact arithmetic: SciPy's floats overflow here."""
    left, right = zip(*rows, strict=True) if rows else ((), ())
    if len(set(left)) < 2 or len(set(right)) < 2:
        assert found.value is None
        return
    if ranked:
        left, right = stats.rankdata(left), stats.rankdata(right)
    x, y = (pd.Series([Fraction(value) for value in side]) for side in (left, right))
    x, y = x - x.sum() / len(x), y - y.sum() / len(y)
    squared = (x * y).sum() ** 2 / ((x * x).sum() * (y * y).sum())
    wanted = math.sqrt(squared) * (1 if (x * y).sum() > 0 else -1)
    assert found.value == pytest.approx(wanted, abs=1e-9)


def test_contingencies(subject, engine, name):
    summary = engine.summarize(name)
    names = [
        n for n, c in summary.columns.items() if c.kind in {ColumnKind.TEXT, ColumnKind.BOOLEAN}
    ]
    pairs = list(combinations(names[:5], 2))
    assert [(c.left, c.right) for c in engine.contingencies(name, pairs)] == pairs
    for found in engine.contingencies(name, pairs):
        both = zip(
            *(subject.tables[name][c].to_pylist() for c in (found.left, found.right)), strict=True
        )
        wanted = Counter(
            tuple(str(v).lower() if isinstance(v, bool) else v for v in row)
            for row in both
            if None not in row
        )
        assert found.counts == wanted
        strength = cramers_v(found.counts)
        assert strength is None or 0 <= strength <= 1


def test_containment_in_itself(engine, name):
    for column in list(engine.summarize(name).columns.values())[:6]:
        found = engine.containment(name, column.name, name, column.name)
        assert found.child_row_count == column.count
        assert found.matched_distinct_count == found.child_distinct_count
        assert found.orphan_row_count == 0
        assert found.containment == (1.0 if column.count else 0.0)


def test_containment_of_another_table(engine):
    found = engine.containment("repeated_rows", "a", "one_row", "a")
    assert (found.child_distinct_count, found.matched_distinct_count) == (1, 1)
    assert (found.child_row_count, found.orphan_row_count, found.max_fan_out) == (3, 0, 3)
    assert found.is_parent_unique
    found = engine.containment("constant", "a", "one_row", "a")
    assert (found.matched_distinct_count, found.orphan_row_count, found.max_fan_out) == (0, 10, 0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.columns("nope"),
        lambda engine: engine.summarize("nope"),
        lambda engine: engine.duplicate_rows("nope"),
        lambda engine: engine.distinct_count("nope", ["a"]),
        lambda engine: engine.unique_pairs("nope", [("a", "b")], budget=1),
        lambda engine: engine.pearson("nope", ["a"]),
        lambda engine: engine.spearman("nope", ["a"], sample_rows=1),
        lambda engine: engine.contingencies("nope", [("a", "b")]),
        lambda engine: engine.containment("one_row", "a", "nope", "a"),
        lambda engine: engine.containment("nope", "a", "one_row", "a"),
    ],
)
def test_unknown_table_is_an_error_with_a_suggestion(engine, ask):
    with pytest.raises(UnknownTableError, match="There is no table 'nope'"):
        ask(engine)
