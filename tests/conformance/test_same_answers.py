"""What no oracle is asked of, PostgreSQL answers exactly as DuckDB does, on flights."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from tests.conformance.warehouses import load
from voyant.core.checks import RowCheck, RowCheckKind
from voyant.core.series import BinAxis, TimeGrain
from voyant.engines.duckdb import DuckDBEngine
from voyant.engines.ibis_engine import IbisEngine
from voyant.engines.ibis_postgres import PostgresOpening

REFERENCE = {"flights": "before:time_hour=2013-07-01"}
NUMBERS = ["dep_time", "dep_delay", "arr_delay", "air_time", "distance", "hour"]
WEATHER = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "pressure", "visib"]
CHECKS = [
    RowCheck(kind=RowCheckKind.NOT_NULL, columns=("tailnum", "dep_time")),
    RowCheck(kind=RowCheckKind.NOT_NULL, columns=("dep_time",)),
    RowCheck(kind=RowCheckKind.FILLED, columns=("tailnum",)),
    RowCheck(kind=RowCheckKind.IN_RANGE, columns=("dep_delay",), low=-5, high=100.5),
    RowCheck(
        kind=RowCheckKind.IN_RANGE, columns=("time_hour",), low="2013-03-01", is_low_open=True
    ),
    RowCheck(kind=RowCheckKind.IN_SET, columns=("origin",), values=("JFK", "LGA")),
    RowCheck(kind=RowCheckKind.NOT_IN_SET, columns=("hour",), values=(5, 6, "7")),
    RowCheck(kind=RowCheckKind.LENGTH, columns=("tailnum",), low=6),
    RowCheck(kind=RowCheckKind.MULTIPLE_OF, columns=("distance",), low=5),
    RowCheck(kind=RowCheckKind.MULTIPLE_OF, columns=("distance",), low=2.5),
    RowCheck(kind=RowCheckKind.ORDERED, columns=("time_hour", "time_hour")),
    RowCheck(kind=RowCheckKind.IN_RANGE, columns=("nope",), low=5),
    RowCheck(kind=RowCheckKind.LENGTH, columns=("hour",), low=5),
]
PATTERNS = [
    RowCheck(kind=RowCheckKind.MATCHES, columns=("tailnum",), pattern=r"^N\d+"),
    RowCheck(kind=RowCheckKind.MATCHES, columns=("tailnum",), pattern="("),
    RowCheck(kind=RowCheckKind.TEMPORAL_TEXT, columns=("tailnum",)),
]


def axis(column, low, high, bins):
    return BinAxis(column=column, low=low, high=high, bins=bins)


#: Each is asked of both engines.
QUESTIONS = {
    "distinct": lambda e: e.distinct_count("flights", ["tailnum", "dest"]),
    "pearson": lambda e: (e.pearson("flights", NUMBERS), e.pearson("weather", WEATHER)),
    "spearman": lambda e: (
        e.spearman("flights", NUMBERS, sample_rows=10_000),
        e.spearman("weather", WEATHER, sample_rows=100_000),
    ),
    "contingencies": lambda e: (
        e.contingencies("flights", [("origin", "carrier"), ("month", "carrier")]),
        e.contingencies("flights", [("origin", "carrier"), ("dest", "carrier"), ("hour", "dest")]),
    ),
    "containment": lambda e: (
        e.containment("flights", "origin", "weather", "origin"),
        e.containment("weather", "time_hour", "flights", "time_hour"),
    ),
    "failing values": lambda e: [e.failing_values("flights", c, limit=5) for c in CHECKS],
    "value counts": lambda e: [
        e.value_counts("flights", column, limit=limit)
        for column in ("dep_delay", "tailnum", "time_hour", "origin")
        for limit in (5, 100_000)
    ],
    "bin counts": lambda e: [
        e.bin_counts("flights", "dep_delay", [-10, 0, 10.5, 100]),
        e.bin_counts("flights", "time_hour", [1_357e6, 1_367e6, 1_377e6]),
        e.bin_counts("flights", "tailnum", [1, 2]),
    ],
    "states": lambda e: (
        e.summarize(e.reference("flights")).row_count,
        e.summarize(e.current("flights")).row_count,
        e.reference("weather"),
        e.current("weather"),
    ),
    "number distances": lambda e: [
        e.number_distances(e.reference("flights"), e.current("flights"), column)
        for column in ("dep_delay", "time_hour", "distance", "year", "tailnum")
    ],
    "time counts": lambda e: [e.time_counts("flights", "time_hour", g) for g in TimeGrain],
    "group means": lambda e: [
        e.group_means("flights", [group], ["dep_delay", "distance"], sample_rows=rows)
        for group in ("origin", "month", "time_hour")
        for rows in (10_000, 1_000_000)
    ],
    "grid counts": lambda e: e.grid_counts(
        "flights", axis("dep_delay", -20, 100, 12), axis("distance", 0, 3_000.5, 10)
    ),
}


@pytest.fixture(scope="module")
def duckdb_engine(demo_tables):
    engine = DuckDBEngine({n: demo_tables[n] for n in ("flights", "weather")}, reference=REFERENCE)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def database(postgres_server, demo_tables):
    database = postgres_server.new_database("same_answers")
    with postgres_server.connect(database) as admin:
        for name in ("flights", "weather"):
            load(admin, name, pq.read_table(demo_tables[name]))
        admin.execute("ANALYZE")
    return postgres_server.url(database)


@pytest.fixture(scope="module", params=[100_000, 50])
def engine(request, database):
    """The engine: with all columns' groups fetched, and with those of few values alone."""
    opened = IbisEngine(
        PostgresOpening(database, 300)(), reference=REFERENCE, group_limit=request.param
    )
    yield opened
    opened.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_the_same(engine, duckdb_engine, question):
    assert QUESTIONS[question](engine) == QUESTIONS[question](duckdb_engine)


def test_checks(engine, duckdb_engine):
    """Reasons quote the column's type, which each engine spells in its own way."""

    def plain(found):
        return [replace(f, reason=re.sub(r" is [a-zA-Z]+:", " is T:", f.reason)) for f in found]

    found = plain(engine.count_failures("flights", CHECKS))
    assert found == plain(duckdb_engine.count_failures("flights", CHECKS))


def test_keys(engine, duckdb_engine):
    pairs = {"flights": [("time_hour", "flight")], "weather": [("time_hour", "origin")]}
    for table, asked in pairs.items():
        found, checked = engine.unique_pairs(table, asked, budget=8)
        wanted, wanted_checked = duckdb_engine.unique_pairs(table, asked, budget=8)
        assert found == wanted
        if engine._group_limit > 50:  # otherwise no rows are sampled first
            assert checked == wanted_checked


def test_patterns_are_those_of_re2_or_not_asked(engine, duckdb_engine):
    found = engine.count_failures("flights", PATTERNS)
    wanted = duckdb_engine.count_failures("flights", PATTERNS)
    assert found[1] == wanted[1]
    if engine._group_limit > 50:
        assert found == wanted
    else:
        for failures in (found[0], found[2]):
            assert failures.failing_count is None
            assert "too many different values to be read here" in failures.reason
