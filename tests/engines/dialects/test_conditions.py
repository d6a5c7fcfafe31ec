"""A condition is one harmless expression in every dialect, and a selection is what was checked."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import ibis
import ibis.expr.datatypes as dt
import pytest
import sqlglot

from voyant.core.errors import UnsafeQueryError
from voyant.core.selection import Sample, TableSelection
from voyant.engines.dialects.check import checked_sql
from voyant.engines.dialects.conditions import checked_condition, path_of
from voyant.engines.dialects.tables import JobTable
from voyant.engines.ibis_dialects import DIALECTS
from voyant.engines.ibis_selection import (
    SampleBound,
    check_understood,
    sampled,
    selected_rows,
    selected_sql,
)
from voyant.engines.ibis_statements import Source
from voyant.engines.ibis_types import WarehouseColumn, reading_of

NOW = datetime(2025, 4, 1, 12, 30, tzinfo=UTC)
TYPES = {"id": dt.int64, "name": dt.string, "at": dt.Timestamp(), "day": dt.date}
READINGS = {
    name: reading_of(WarehouseColumn(name=name, type=str(kind), dtype=kind))
    for name, kind in TYPES.items()
}
TABLE = JobTable(path=("orders",), columns=tuple(TYPES))
BACKENDS = sorted(DIALECTS)
REFUSED = {
    "true) OR (true": "more than one expression",
    "true) LIMIT (1": "more than one expression",
    "true) ORDER BY (id": "more than one expression",
    "true) GROUP BY (id": "more than one expression",
    "true) UNION ALL SELECT (1": "more than one|not allowed",
    "true); SELECT (1": "several statements",
    "id IN (SELECT id FROM orders)": "may not ask another table|not a table",
    "id IN (SELECT id FROM other)": "not a table of this job",
    "now() > at": "changes from one question|not allowed",
    "id = 1 /* a": "cannot be read|more than one|not allowed",
    "load_file('x') = ''": "not allowed",
    "": "cannot be read|more than one|empty",
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("condition", REFUSED)
def test_what_is_more_than_a_still_condition_is_refused(backend, condition):
    with pytest.raises(UnsafeQueryError, match=REFUSED[condition]):
        checked_condition(condition, dialect=DIALECTS[backend].name, table=TABLE)


@pytest.mark.parametrize(
    "condition", ["id > 1 -- of many", "(id > 1) OR name IS NULL", "id in (1)"]
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_one_expression_is_allowed(backend, condition):
    found = checked_condition(condition, dialect=DIALECTS[backend].name, table=TABLE)
    assert "--" not in found.sql(DIALECTS[backend].name)


@pytest.mark.parametrize("text", ["now", " Tomorrow", "today 10:00", "today UTC"])
def test_texts_that_are_read_as_the_clock_are_refused(text):
    for dialect in ("postgres", "spark"):
        with pytest.raises(UnsafeQueryError, match="changes from one question"):
            checked_condition(f"at > '{text}'", dialect=dialect, table=TABLE)
    checked_condition("name <> 'today is fine'", dialect="postgres", table=TABLE)


@pytest.mark.parametrize("column", ["at", "day"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_statements_hold_the_very_text_that_was_checked(backend, column):
    dialect = DIALECTS[backend]
    selection = TableSelection(
        where="name = 'it' AND id + 1 > 2", time_column=column, since=NOW, until=NOW
    )
    sql = selected_sql("orders", selection, TABLE, READINGS, dialect)
    rows = selected_rows(sql, ibis.table(TYPES, name="orders"))
    sample = Sample(rows=10, seed=3)
    taken = sampled(rows, sample, SampleBound(highest=5, rows=10), READINGS)
    text = Source("orders", taken.select(v=taken["id"])).tree(dialect).sql(dialect.name)
    assert sql in text
    assert sqlglot.parse_one(text, read=dialect.name) is not None
    assert "VOYANT" not in text.upper()
    asked = checked_sql(
        f"SELECT count(*) FROM {path_of(TABLE).sql(dialect.name)}",
        dialect=dialect.name,
        tables=[JobTable(path=("orders",), columns=tuple(TYPES), rows=sql)],
    )
    assert sql in asked


def test_a_text_that_would_not_be_sent_as_it_was_checked_is_refused():
    asked = SimpleNamespace(dialect=DIALECTS["postgres"], ask=pytest.fail)
    with pytest.raises(UnsafeQueryError, match="reads differently"):
        check_understood("orders", "SELECT id FROM orders WHERE id<1", ibis.table(TYPES), asked)
