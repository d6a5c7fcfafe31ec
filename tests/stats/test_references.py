"""References between tables: found where they mean something, and only there."""

from __future__ import annotations

import pytest

from voyant.core.tables import ColumnKind, ColumnSummary, TableSummary, ValueCount
from voyant.stats.references import FoundBy, propose_references

INT, T, F, U = ColumnKind.INTEGER, ColumnKind.TEXT, ColumnKind.FLOAT, ColumnKind.UUID


def col(name, values, kind=INT, *, times=1):
    different = list(dict.fromkeys(values))
    return ColumnSummary(
        name=name,
        type=kind.value.upper(),
        kind=kind,
        count=len(values) * times,
        null_count=0,
        distinct_count=len(different),
        min=min(values, default=None),
        max=max(values, default=None),
        sample=tuple(ValueCount(value=str(v), count=times) for v in different[:1000]),
    )


def table(name, *columns):
    rows = columns[0].row_count if columns else 0
    return TableSummary(name=name, row_count=rows, columns={c.name: c for c in columns})


def pairs(*tables):
    found, _ = propose_references(tables)
    return [
        (f"{r.child_table}.{r.child_column}", f"{r.parent_table}.{r.parent_column}", r.found_by)
        for r in found
    ]


KEYS = range(1, 51)


@pytest.mark.parametrize(
    ("child", "parent_table", "parent"),
    [
        ("customer_id", "customers", "id"),
        ("customerId", "customers", "id"),
        ("CustomerID", "Customers", "CustomerID"),
        ("billing_customer_id", "customers", "id"),
        ("customer", "customers", "id"),
        ("customer_key", "dim_customer", "customer_key"),
        ("category_code", "categories", "code"),
        ("order_item_id", "order_items", "id"),
        ("staff_no", "staff", "no"),
    ],
)
def test_a_name_that_says_the_table(child, parent_table, parent):
    child_table = table("sales", col(child, KEYS, times=4))
    assert pairs(child_table, table(parent_table, col(parent, KEYS))) == [
        (f"sales.{child}", f"{parent_table}.{parent}", FoundBy.TABLE_NAME)
    ]


def test_no_overlap_at_all_is_still_measured_where_the_name_leaves_no_doubt():
    child = table("orders", col("customer_id", range(900, 950), times=2))
    assert len(pairs(child, table("customers", col("id", KEYS)))) == 1


def test_a_dirty_parent_is_still_a_parent():
    dirty = col("id", [*range(1, 100), 1, 2, 3])
    child = table("orders", col("customer_id", KEYS, times=4))
    assert len(pairs(child, table("customers", dirty))) == 1
    mostly_repeated = col("id", [*range(1, 51), *range(1, 51)])
    assert pairs(child, table("customers", mostly_repeated)) == []


def test_prefixes_of_a_tables_columns_do_not_hide_a_key():
    lineitem = table("lineitem", col("l_orderkey", KEYS, times=4), col("l_tax", KEYS, times=4))
    orders = table("orders", col("o_orderkey", KEYS), col("o_custkey", [1, 2] * 25))
    customer = table("customer", col("c_custkey", KEYS), col("c_acctbal", [1, 2] * 25))
    assert pairs(lineitem, orders, customer) == [
        ("lineitem.l_orderkey", "orders.o_orderkey", FoundBy.TABLE_NAME),
        ("orders.o_custkey", "customer.c_custkey", FoundBy.COLUMN_NAME),
    ]


def test_the_calendar_joins_nothing():
    calendar = {"year": [2013], "month": range(1, 13), "day": range(1, 29), "hour": range(24)}
    flights = table("flights", *(col(n, [*v], times=9) for n, v in calendar.items()))
    weather = table("weather", *(col(n, [*v], times=7) for n, v in calendar.items()))
    assert pairs(flights, weather) == []
    # Not even where the values are unique on one side.
    budget = table("budget", col("year", range(1990, 2020)), col("month", range(30)))
    assert pairs(flights, budget) == []


def test_month_names_join_nothing_but_a_date_key_does():
    months = ["Jan", "Feb", "Mar"]
    sales = table("sales", col("month", months, T, times=9), col("date_key", KEYS, times=9))
    budget = table("budget", col("month", [*months, "Apr"], T))
    found = pairs(sales, budget, table("dim_day", col("date_key", KEYS)))
    # The names do not make it a reference; the values suggest one, which is then measured.
    assert found == [
        ("sales.date_key", "dim_day.date_key", FoundBy.COLUMN_NAME),
        ("sales.month", "budget.month", FoundBy.VALUES),
    ]


def test_contained_whole_numbers_of_other_names_join_nothing():
    planes = table("planes", col("serial", KEYS), col("seats", KEYS))
    flights = table("flights", col("distance", KEYS, times=3), col("seats", KEYS, times=3))
    assert pairs(flights, planes) == []


def test_every_tables_own_id_is_no_reference():
    assert pairs(table("customers", col("id", KEYS)), table("products", col("id", KEYS))) == []
    assert pairs(table("a", col("row_number", KEYS)), table("b", col("number", KEYS))) == []


def test_the_same_label_in_two_tables_is_no_reference():
    names = [f"Name {n}" for n in KEYS]
    assert (
        pairs(table("airports", col("name", names, T)), table("airlines", col("name", ["x"], T)))
        == []
    )


def test_floats_are_references_only_by_the_tables_name():
    # An integer with gaps becomes a float in many files.
    child = table(
        "orders", col("customer_id", [1.0, 2.0, 3.0] * 9, F), col("height", [1.0, 2.0], F)
    )
    parent = table("customers", col("id", KEYS), col("height", [1.0, 2.0, 3.0], F))
    assert pairs(child, parent) == [("orders.customer_id", "customers.id", FoundBy.TABLE_NAME)]


def test_one_pair_is_measured_in_one_direction():
    users, profiles = table("users", col("user_id", KEYS)), table("profiles", col("user_id", KEYS))
    expected = [("profiles.user_id", "users.user_id", FoundBy.TABLE_NAME)]
    assert pairs(users, profiles) == expected
    assert pairs(profiles, users) == expected
    few = table("few", col("tail_code", ["N1X", "N2X"], T))
    many = table("many", col("tail_code", ["N1X", "N2X", "N3X"], T))
    assert pairs(few, many) == pairs(many, few)
    assert pairs(few, many)[0][1] == "many.tail_code"


def test_text_codes_are_recognised_by_their_values():
    airports = table("airports", col("faa", [f"A{n}" for n in range(100, 400)], T))
    flights = table("flights", col("dest", ["A101", "A102", "A103"], T, times=100))
    assert pairs(flights, airports) == [("flights.dest", "airports.faa", FoundBy.VALUES)]


@pytest.mark.parametrize(
    "values",
    [
        ["A", "B", "C"],  # single letters are everywhere
        ["A101", "A102"],  # two values are too few
        ["X1", "X2", "X3"],
    ],
)
def test_values_that_prove_nothing(values):
    codes = ["A", "B", "C", *(f"A{n}" for n in range(100, 400))]
    flights = table("flights", col("flag", values, T, times=100))
    assert pairs(flights, table("airports", col("faa", codes, T))) == []


def test_a_sample_too_small_to_tell_is_not_used():
    parent = col("faa", [f"A{n:05d}" for n in range(10_000)], T)
    assert len(parent.sample) == 1000
    flights = table("flights", col("dest", ["A00001", "A00002", "A00003"], T, times=100))
    assert pairs(flights, table("airports", parent)) == []


def test_sides_of_different_types_are_a_conflict():
    child = table("orders", col("customer_id", ["1", "2"], T))
    found, conflicts = propose_references([child, table("customers", col("id", KEYS))])
    assert found == []
    (conflict,) = conflicts
    assert (conflict.child_column, conflict.child_type) == ("customer_id", "TEXT")
    assert (conflict.parent_table, conflict.parent_type) == ("customers", "INTEGER")


def test_empty_tables_and_columns_join_nothing():
    empty = table("orders", col("customer_id", []))
    assert pairs(empty, table("customers", col("id", KEYS))) == []
    assert pairs(table("customers", col("id", [])), table("orders", col("customer_id", KEYS))) == []
    assert pairs() == []


def test_uuids_by_name():
    child = table("orders", col("customer_id", ["a", "b"], U, times=3))
    parent = table("customers", col("id", ["a", "b"], U))
    assert pairs(child, parent) == [("orders.customer_id", "customers.id", FoundBy.TABLE_NAME)]
