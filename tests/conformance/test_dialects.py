"""Every statement, as PostgreSQL was sent it, can be written in each other dialect's syntax.

This shows that statements are written and parse there, not what they mean: only what is executed is
known to be right.
"""

from __future__ import annotations

from itertools import combinations

import pytest
import sqlglot

from voyant.core.checks import RowCheck, RowCheckKind
from voyant.core.series import BinAxis, TimeGrain
from voyant.core.tables import ColumnKind
from voyant.engines.ibis_dialects import DIALECTS
from voyant.engines.ibis_engine import IbisEngine
from voyant.engines.ibis_postgres import PostgresOpening
from voyant.engines.ibis_statements import written

TABLES = [
    "times",
    "decimals",
    "text",
    "booleans",
    "nested",
    "not_finite",
    "repeated_rows",
    "select",
]


def ask_everything(engine, table):
    """Ask each question of each column it can be asked of."""
    columns = engine.summarize(table).columns
    names = list(columns)
    numbers = [name for name, column in columns.items() if column.kind.is_numeric]
    times = [name for name, column in columns.items() if column.kind.is_temporal]
    categories = [name for name in names if not columns[name].kind.is_nested]
    pairs = list(combinations(categories, 2))
    engine.duplicate_rows(table)
    engine.distinct_count(table, names)
    engine.unique_pairs(table, pairs, budget=2)
    engine.pearson(table, numbers)
    engine.spearman(table, numbers, sample_rows=3)
    engine.contingencies(table, pairs)
    for name in names:
        engine.value_counts(table, name, limit=2)
        engine.bin_counts(table, name, [0.0, 1.5, 3.0])
        engine.number_distances(table, table, name)
        engine.containment(table, name, table, names[0])
        engine.group_means(table, [name], numbers, sample_rows=2)
        for check in checks_of(columns[name]):
            engine.count_failures(table, [check])
            engine.failing_values(table, check, limit=2)
    for name in times:
        for grain in TimeGrain:
            engine.time_counts(table, name, grain)
    for left, right in combinations(numbers, 2):
        x, y = (BinAxis(column=name, low=0.0, high=4.0, bins=4) for name in (left, right))
        engine.grid_counts(table, x, y)
    order = RowCheck(kind=RowCheckKind.ORDERED, columns=(*times, *times, "a", "a")[:2])
    engine.count_failures(table, [order])


def checks_of(column):
    kinds = [RowCheckKind.NOT_NULL, RowCheckKind.FILLED]
    plain = [RowCheck(kind=kind, columns=(column.name,)) for kind in kinds]
    if column.kind.is_numeric:
        bounds = {"low": 0, "high": 2.5, "is_low_open": True}
    elif column.kind.is_temporal:
        bounds = {"low": "2020-01-01", "high": "2021-01-01T12:00:00"}
    elif column.kind is ColumnKind.TEXT:
        return [*plain, RowCheck(kind=RowCheckKind.LENGTH, columns=(column.name,), low=1, high=3)]
    else:
        return plain
    values = (1, 2.5, "x")
    return [
        *plain,
        RowCheck(kind=RowCheckKind.IN_RANGE, columns=(column.name,), **bounds),
        RowCheck(kind=RowCheckKind.IN_SET, columns=(column.name,), values=values),
        RowCheck(kind=RowCheckKind.NOT_IN_SET, columns=(column.name,), values=values),
        RowCheck(kind=RowCheckKind.MULTIPLE_OF, columns=(column.name,), low=0.5),
    ]


@pytest.fixture(scope="module")
def statements(awkward_database):
    """All different statements that were sent, with groups fetched and with nothing fetched."""
    found = {}
    for limit in (100_000, 0):
        engine = IbisEngine(
            PostgresOpening(awkward_database[0], 60)(), tables=TABLES, group_limit=limit
        )
        try:
            for table in TABLES:
                ask_everything(engine, table)
        finally:
            engine.close()
        assert all(statement.rows is not None for statement in engine.statements.log)
        found |= {statement.sql: statement for statement in engine.statements.log}
    return list(found.values())


def test_every_question_was_asked(statements):
    assert {statement.question for statement in statements} == {
        *("summary", "duplicates", "distinct", "unique pairs", "pearson", "spearman"),
        *("contingencies", "containment", "checks", "failing values", "value counts"),
        *("bin counts", "number distances", "time counts", "group means", "grid counts"),
    }


@pytest.mark.parametrize("backend", DIALECTS)
def test_statements_are_written_in_every_dialect(statements, backend):
    dialect = DIALECTS[backend]
    for statement in statements:
        text = written(dialect, statement.common, statement.sources)
        assert "VOYANT_" not in text.upper()
        assert sqlglot.parse_one(text, read=dialect.name) is not None, text
