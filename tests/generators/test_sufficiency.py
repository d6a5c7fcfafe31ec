"""Sufficiency: every component on worked tables, the ledger's sums, and one run on the flights."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.artifacts.sufficiency import SufficiencyArtifact
from voyant.core.plugin_registry import GeneratorContext, get_generator
from voyant.core.tables import (
    ColumnKind,
    ColumnSummary,
    Containment,
    Measure,
    TableSummary,
    TextFacts,
    TimeFacts,
    ValueCount,
)
from voyant.generators import sufficiency
from voyant.generators.sufficiency import (
    REFERENCE_CAP,
    Joins,
    Rules,
    compute,
    generate_sufficiency,
    measure_joins,
)

NOW = datetime(2014, 1, 1, tzinfo=UTC)
INT, TEXT, FLOAT, DATE = ColumnKind.INTEGER, ColumnKind.TEXT, ColumnKind.FLOAT, ColumnKind.DATE


def col(name, values, kind=INT, **facts):
    """Summarise a plain list as an engine would."""
    present = [value for value in values if value is not None]
    counts = Counter(present)
    ordered = sorted(counts)
    text = time = None
    if kind is TEXT:
        text = TextFacts(
            min_length=None,
            max_length=None,
            mean_length=None,
            empty_count=present.count(""),
            whitespace_count=sum(1 for value in present if value and not value.strip()),
            padded_count=0,
        )
    if kind is DATE and ordered:
        steps = [(later - earlier).days - 1 for earlier, later in pairwise(ordered)]
        largest = max(steps, default=0)
        start = ordered[steps.index(largest)].date().isoformat() if largest else None
        time = TimeFacts(
            range_seconds=(ordered[-1] - ordered[0]).total_seconds(),
            day_count=len(ordered),
            missing_day_count=sum(steps),
            largest_gap_days=largest,
            largest_gap_start=start,
        )
    return ColumnSummary(
        name=name,
        type=kind.value.upper(),
        kind=kind,
        count=len(present),
        null_count=len(values) - len(present),
        distinct_count=len(counts),
        min=str(ordered[0]) if ordered and kind is DATE else (ordered or [None])[0],
        max=str(ordered[-1]) if ordered and kind is DATE else (ordered or [None])[-1],
        sample=tuple(ValueCount(value=str(v), count=n) for v, n in counts.most_common(1000)),
        text=text,
        time=time,
        **facts,
    )


def table(name, *columns):
    return TableSummary(
        name=name, row_count=columns[0].row_count, columns={c.name: c for c in columns}
    )


class FakeEngine:
    """Answers from Python lists what the generator asks."""

    def __init__(self, tables, values=None, duplicates=None):
        self.summaries = {table.name: table for table in tables}
        self.values = values or {}
        self.duplicates = duplicates or {}
        self.measured = []

    def tables(self):
        return tuple(self.summaries)

    def summarize(self, name):
        return self.summaries[name]

    def duplicate_rows(self, name):
        return self.duplicates.get(name, Measure(value=0))

    def containment(self, child_table, child_column, parent_table, parent_column):
        self.measured.append((child_table, child_column, parent_table, parent_column))
        child = Counter(self.values.get((child_table, child_column), [1]))
        parent = Counter(self.values.get((parent_table, parent_column), [1]))
        return Containment(
            child_table=child_table,
            child_column=child_column,
            parent_table=parent_table,
            parent_column=parent_column,
            child_distinct_count=len(child),
            matched_distinct_count=len(set(child) & set(parent)),
            child_row_count=sum(child.values()),
            orphan_row_count=sum(n for value, n in child.items() if value not in parent),
            parent_distinct_count=len(parent),
            parent_row_count=sum(parent.values()),
            max_fan_out=max((n for value, n in child.items() if value in parent), default=0),
        )


def judge(*tables, duplicates=None, joins=None, rules=None, as_of=NOW):
    counted = {t.name: (duplicates or {}).get(t.name, Measure(value=0)) for t in tables}
    return compute(tables, counted, joins or Joins(), as_of, rules or Rules())


def only(*columns, **options):
    return judge(table("t", *columns), **options).tables["t"]


def aspect(result, component, name):
    return result.components[component].aspects[name]


def points(entries):
    return sum((Decimal(str(entry.points)) for entry in entries), Decimal(0))


def days(*offsets):
    return [datetime(2013, 12, 31, tzinfo=UTC) - timedelta(days=offset) for offset in offsets]


# ------------------------------------------------------------------------- worked components


def test_volume_is_logarithmic():
    assert aspect(only(col("n", list(range(100)))), "coverage", "volume").score == 0.5
    assert aspect(only(col("n", list(range(10)))), "coverage", "volume").score == 0.25
    small_target = only(col("n", list(range(100))), rules=Rules(target_rows=100))
    assert aspect(small_target, "coverage", "volume").score == 1.0


def test_filled_cells_count_nulls_nan_and_blanks():
    result = only(
        col("a", [1, 2, None, 4]),
        col("b", ["x", "", "  ", "y"], TEXT),
        col("c", [1.0, 2.0, 3.0, 4.0], FLOAT, nan_count=1),
    )
    filled = aspect(result, "coverage", "filled_cells")
    assert filled.facts["missing_cell_count"] == 4
    assert filled.score == pytest.approx(8 / 12, abs=1e-4)
    assert "b 50.0%" in filled.evidence


def test_columns_with_gaps_lose_between_5_and_20_percent():
    def with_missing(share):
        return col(f"m{share}", [None] * share + list(range(100 - share)))

    result = only(*(with_missing(share) for share in (0, 5, 10, 20, 90)))
    # 1, 1, 2/3, 0, 0
    assert aspect(result, "cleanliness", "nulls").score == pytest.approx(8 / 15, abs=1e-4)


def test_a_tenth_of_duplicates_is_too_many():
    def with_duplicates(count):
        measure = Measure(value=count)
        result = only(col("n", list(range(100))), duplicates={"t": measure})
        return aspect(result, "cleanliness", "duplicates").score

    assert [with_duplicates(count) for count in (0, 5, 10, 50)] == [1.0, 0.5, 0.0, 0.0]


def test_duplicates_that_could_not_be_counted_are_not_taken_for_none():
    unknown = {"t": Measure(value=None, reason="too many columns")}
    result = aspect(only(col("n", [1, 2]), duplicates=unknown), "cleanliness", "duplicates")
    assert result.score is None
    assert result.reason == "too many columns"


def test_invalid_values_break_their_columns_format():
    mails = [f"u{n}@example.com" for n in range(95)] + ["none", "n/a", "?", "-", "x"]
    result = aspect(only(col("mail", mails, TEXT)), "cleanliness", "invalid_values")
    assert result.score == 0.5  # 5 of 100, of a limit of 10
    assert "mail 5.0%" in result.evidence
    infinite = col("x", [float(n) for n in range(100)], FLOAT, infinite_count=2)
    assert aspect(only(infinite), "cleanliness", "invalid_values").score == 0.8


def test_nothing_to_check_is_not_assessed():
    parts = only(col("n", [1, 2, 3])).components["cleanliness"].aspects
    assert parts["invalid_values"].score is None
    assert parts["mixed_values"].score is None
    assert "no column has a format" in parts["invalid_values"].reason


def test_numbers_mixed_with_words():
    readings = [str(n) for n in range(100, 196)] + ["low", "high", "off", "error"]
    result = aspect(only(col("reading", readings, TEXT)), "cleanliness", "mixed_values")
    assert result.score == pytest.approx(0.6)  # 4 of 100, of a limit of 10
    words = [f"word {n}" for n in range(90)] + [str(n) for n in range(10)]
    assert aspect(only(col("w", words, TEXT)), "cleanliness", "mixed_values").score == 1.0


@pytest.mark.parametrize(("age", "expected"), [(0, 1.0), (30, 0.5), (60, 0.25), (90, 0.125)])
def test_freshness_halves_with_each_half_life(age, expected):
    stamps = [NOW - timedelta(days=age + n) for n in range(10)]
    result = only(col("created", stamps, DATE))
    assert result.event_time_column == "created"
    assert aspect(result, "freshness", "age").score == expected


def test_a_birthday_is_no_freshness():
    result = only(col("birth_date", days(*range(10)), DATE))
    assert result.components["freshness"].score is None
    assert "no column of event times" in result.components["freshness"].reason


def test_a_gap_in_time_costs_coverage():
    steady, holed = days(*range(200)), days(*range(100), *range(160, 260))
    assert aspect(only(col("day", steady, DATE)), "coverage", "continuity").score == 1.0
    gap = aspect(only(col("day", holed, DATE)), "coverage", "continuity")
    # 199 gaps over 259 days; chance gives 259/199 * H(199).
    harmonic = sum(1 / n for n in range(1, 200))
    assert gap.score == pytest.approx(1 - (60 - 259 / 199 * harmonic) / 259, abs=1e-3)
    assert gap.facts["largest_gap_days"] == 60


# ------------------------------------------------------------------------ joinability


def orders_and_customers(customer_ids, ids):
    orders = table("orders", col("customer_id", customer_ids))
    customers = table("customers", col("id", ids))
    values = {("orders", "customer_id"): customer_ids, ("customers", "id"): ids}
    return FakeEngine([orders, customers], values), [orders, customers]


def test_joinability_is_containment_orphans_and_uniqueness():
    ids = [*range(1, 20), 19]  # one key twice: 19 of 20
    engine, tables = orders_and_customers([1, 1, 1, 2, 99, 99], ids)
    joins = measure_joins(engine, tables)
    result = judge(*tables, joins=joins)
    parts = result.tables["orders"].components["joinability"].aspects
    assert parts["containment"].score == pytest.approx(2 / 3, abs=1e-4)
    assert parts["orphans"].score == pytest.approx(4 / 6, abs=1e-4)
    assert parts["parent_uniqueness"].score == 0.95
    (reference,) = result.references
    assert reference.mean_fan_out == 2.0
    assert reference.max_fan_out == 3
    assert reference.orphan_row_count == 2


def test_a_reference_to_nothing_scores_zero_and_says_so():
    engine, tables = orders_and_customers([100, 101, 102], list(range(1, 20)))
    result = judge(*tables, joins=measure_joins(engine, tables))
    joined = result.tables["orders"].components["joinability"].aspects
    assert joined["containment"].score == 0.0
    assert joined["orphans"].score == 0.0
    assert any("orders.customer_id to customers.id" in need for need in result.needs)


def test_one_table_and_unrelated_tables_are_not_assessed():
    alone = only(col("id", list(range(50)))).components["joinability"]
    assert (alone.score, alone.effective_weight) == (None, 0.0)
    assert alone.reason == "there is only one table"
    both = judge(table("a", col("id", [1, 2])), table("b", col("id", [1, 2])))
    assert both.tables["a"].components["joinability"].score is None
    assert "no column of a" in both.tables["a"].components["joinability"].reason


def test_suggestions_that_values_do_not_bear_out_are_rejected():
    codes, others = [f"A{n}" for n in range(100, 150)], [f"A{n}" for n in range(140, 190)]
    left, right = (
        table("left", col("tail", codes * 2, TEXT)),
        table("right", col("tail", others, TEXT)),
    )
    engine = FakeEngine([left, right], {("left", "tail"): codes * 2, ("right", "tail"): others})
    joins = measure_joins(engine, [left, right])
    assert (joins.proposed_count, joins.measured_count, len(joins.found)) == (1, 1, 0)
    assert judge(left, right, joins=joins).join_search.rejected_count == 1


def test_measuring_stops_at_the_cap_and_says_so():
    parent = table("customers", col("id", list(range(1, 30))))
    names = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}_customer_id" for n in range(REFERENCE_CAP + 7)]
    child = table("orders", *(col(name, [1, 2, 3]) for name in names))
    engine = FakeEngine([child, parent])
    joins = measure_joins(engine, [child, parent])
    assert joins.proposed_count == REFERENCE_CAP + 7
    assert joins.measured_count == len(engine.measured) == REFERENCE_CAP


def test_types_that_cannot_be_joined_are_a_need():
    orders = table("orders", col("customer_id", ["1", "2"], TEXT))
    customers = table("customers", col("id", list(range(50))))
    engine = FakeEngine([orders, customers])
    result = judge(orders, customers, joins=measure_joins(engine, [orders, customers]))
    assert engine.measured == []
    (conflict,) = result.join_search.type_conflicts
    assert "orders.customer_id (TEXT) and customers.id (INTEGER)" in conflict
    assert conflict in result.needs
    assert conflict in result.tables["orders"].needs


def test_a_lookup_table_need_not_be_large():
    engine, tables = orders_and_customers([1, 2, 3] * 300, [1, 2, 3])
    result = judge(*tables, joins=measure_joins(engine, tables))
    volume = aspect(result.tables["customers"], "coverage", "volume")
    assert volume.score is None
    assert "lookup table for orders.customer_id" in volume.reason
    assert result.tables["customers"].verdict == "sufficient"


# ------------------------------------------------------------------ awkward tables, verdicts


def test_no_tables():
    result = judge()
    assert (result.score, result.verdict, result.verdict_reason) == (
        None,
        "not_assessed",
        "there are no tables",
    )


def test_an_empty_table():
    result = only(col("a", []), col("d", [], DATE), col("t", [], TEXT))
    assert (result.score, result.verdict) == (0.0, "insufficient")
    assert result.verdict_reason == "no row holds a value"
    assert result.components["cleanliness"].score is None
    assert points(result.ledger) == 100


def test_one_row():
    result = only(col("a", [7]), col("t", ["x"], TEXT))
    assert (result.verdict, result.verdict_reason) == ("insufficient", "only one row holds a value")
    assert aspect(result, "coverage", "volume").score == 0.0


def test_all_null():
    nulls = [None] * 20_000
    result = only(col("a", nulls), col("d", nulls, DATE), duplicates={"t": Measure(value=19_999)})
    assert (result.score, result.verdict) == (0.0, "insufficient")
    assert result.verdict_reason == "no row holds a value"


def test_few_rows_are_to_be_used_with_care():
    result = only(col("a", list(range(29))))
    assert result.score is not None
    assert result.score >= 0.8
    assert result.verdict == "usable_with_care"
    assert "fewer than 30 rows" in result.verdict_reason


def test_old_data_is_to_be_used_with_care():
    result = only(col("created", days(*range(3000, 13_000)), DATE))
    assert aspect(result, "freshness", "age").score == 0.0
    assert result.verdict == "usable_with_care"


def test_an_insufficient_table_is_not_drowned():
    good = [table(f"good{n}", col("n", list(range(10_000)))) for n in range(9)]
    result = judge(*good, table("empty", col("n", [])))
    assert result.score == pytest.approx(0.9)
    assert result.verdict == "usable_with_care"
    assert "empty" in result.verdict_reason


def test_a_mean_is_not_better_than_every_table():
    result = judge(*(table(name, col("n", list(range(29)))) for name in ("a", "b")))
    assert result.score is not None
    assert result.score >= 0.8
    assert result.verdict == "usable_with_care"
    assert "no table is sufficient" in result.verdict_reason


def test_a_perfect_table_loses_nothing():
    result = judge(table("t", col("n", list(range(10_000)))))
    assert (result.score, result.verdict, result.ledger, result.needs) == (
        1.0,
        "sufficient",
        [],
        [],
    )


def test_dates_kept_as_text_are_pointed_out():
    result = only(col("when", [f"2013-12-{day:02d}" for day in range(1, 29)], TEXT))
    assert "Store when as a date, so that freshness can be assessed." in result.needs


# ------------------------------------------------------------------------------- the ledger

CELLS = st.lists(st.none() | st.integers(0, 9), max_size=30)


@given(st.dictionaries(st.sampled_from("abcde"), CELLS, max_size=5), st.integers(0, 30))
def test_points_add_up_exactly(cells, duplicate_count):
    tables = [table(name, col("n", values)) for name, values in cells.items()]
    duplicates = {
        t.name: Measure(value=min(duplicate_count, max(0, t.row_count - 1))) for t in tables
    }
    result = judge(*tables, duplicates=duplicates)
    for part in (result, *result.tables.values()):
        if part.score is None:
            assert part is result
            assert not tables
            continue
        assert 0 <= part.score <= 1
        assert points(part.ledger) == 100 - 100 * Decimal(str(part.score))
        assert [e.points for e in part.ledger] == sorted(
            (e.points for e in part.ledger), reverse=True
        )
    if tables:
        mean = float(np.mean([float(t.score or 0) for t in result.tables.values()]))
        assert result.score == pytest.approx(mean, abs=1e-4)


@given(CELLS.filter(bool))
def test_a_reader_can_recompute_the_score(values):
    result = only(col("n", values))
    weights, total = (
        {"coverage": 0.3, "cleanliness": 0.3, "joinability": 0.2, "freshness": 0.2},
        0.0,
    )
    assessed = {n: c for n, c in result.components.items() if c.score is not None}
    scale = sum(weights[name] for name in assessed)
    for name, component in assessed.items():
        scores = [a.score for a in component.aspects.values() if a.score is not None]
        assert component.score == pytest.approx(np.mean(scores), abs=1e-4)
        assert component.effective_weight == pytest.approx(weights[name] / scale, abs=1e-6)
        total += weights[name] / scale * np.mean(scores)
    assert result.score == pytest.approx(total, abs=1e-4)
    decided = sum(a.weight for c in result.components.values() for a in c.aspects.values())
    assert decided == pytest.approx(1, abs=1e-5)


@given(CELLS)
def test_every_unassessed_part_has_a_reason_and_every_other_evidence(values):
    result = only(col("n", values), col("t", ["x"] * len(values), TEXT))
    for component in result.components.values():
        assert bool(component.reason) == (component.score is None)
        for part in component.aspects.values():
            assert bool(part.reason) == (part.score is None)
            assert bool(part.evidence) == (part.score is not None)
    assert all(entry.needs and entry.evidence and entry.points > 0 for entry in result.ledger)


# ------------------------------------------------------------------------ the registered one


class Folder:
    """Keeps what is written, as the store would write it."""

    def __init__(self, folder):
        self.folder = folder

    def write_json(self, name, value):
        path = self.folder / name
        path.write_text(value.model_dump_json(indent=2), encoding="utf-8")
        return str(path)


def test_it_asks_the_engine_and_writes(tmp_path):
    engine, _ = orders_and_customers([1, 1, 2], list(range(1, 20)))
    ctx = GeneratorContext(
        {"job_id": "j", "as_of": NOW}, services={"engine": engine, "writer": Folder(tmp_path)}
    )
    paths = generate_sufficiency(ctx)
    assert list(paths) == ["sufficiency"]
    content = (tmp_path / "sufficiency.json").read_text(encoding="utf-8")
    generate_sufficiency(ctx)
    assert (tmp_path / "sufficiency.json").read_text(encoding="utf-8") == content
    written = json.loads(content)
    jsonschema.validate(written, SufficiencyArtifact.model_json_schema(mode="serialization"))
    assert written["as_of"] == "2014-01-01T00:00:00+00:00"
    assert written["rules"]["freshness_half_life_days"] == 30.0


def test_it_is_the_third_core_generator():
    definition = get_generator("sufficiency")
    assert definition is not None
    assert (definition.is_core, definition.order) == (True, 30)


# ------------------------------------------------------------------------------ the flights


@pytest.fixture(scope="module")
def flights_run(demo_tables):
    from voyant.core.config import Settings
    from voyant.engines.opening import open_engine

    given = {name: str(path) for name, path in demo_tables.items()}
    ctx = GeneratorContext({"job_id": "j"}, settings=Settings(tables=given))
    engine = open_engine(ctx)
    try:
        summaries = [engine.summarize(name) for name in engine.tables()]
        duplicates = {name: engine.duplicate_rows(name) for name in engine.tables()}
        joins = measure_joins(engine, summaries)
        yield compute(summaries, duplicates, joins, NOW, Rules())
    finally:
        engine.close()


@pytest.fixture(scope="module")
def frames(demo_tables):
    return {name: pd.read_parquet(path) for name, path in demo_tables.items()}


def test_flights_references_are_exactly_the_real_ones(flights_run):
    found = {
        (f"{r.child_table}.{r.child_column}", f"{r.parent_table}.{r.parent_column}")
        for r in flights_run.references
    }
    assert found == {
        ("flights.carrier", "airlines.carrier"),
        ("flights.tailnum", "planes.tailnum"),
        ("flights.origin", "airports.faa"),
        ("flights.dest", "airports.faa"),
        ("weather.origin", "airports.faa"),
    }


def test_flights_references_agree_with_pandas(flights_run, frames):
    for reference in flights_run.references:
        child = frames[reference.child_table][reference.child_column].dropna()
        parent = frames[reference.parent_table][reference.parent_column].dropna()
        known = child.isin(parent)
        fan_out = child[known].value_counts()
        assert reference.child_row_count == len(child)
        assert reference.orphan_row_count == (~known).sum()
        assert reference.containment == pytest.approx(child[known].nunique() / child.nunique())
        assert reference.parent_uniqueness == pytest.approx(parent.nunique() / len(parent))
        assert reference.max_fan_out == fan_out.max()
        assert reference.mean_fan_out == pytest.approx(fan_out.mean())


def test_flights_coverage_and_freshness_agree_with_pandas(flights_run, frames):
    for name, frame in frames.items():
        result = flights_run.tables[name]
        filled = aspect(result, "coverage", "filled_cells")
        assert filled.facts["missing_cell_count"] == frame.isna().to_numpy().sum()
        gappy = (frame.isna().mean() > 0.05).sum()
        assert aspect(result, "cleanliness", "nulls").facts["gappy_column_count"] == gappy
        duplicates = aspect(result, "cleanliness", "duplicates")
        assert duplicates.facts["duplicate_row_count"] == frame.duplicated().sum()
    for name in ("flights", "weather"):
        result = flights_run.tables[name]
        assert result.event_time_column == "time_hour"
        age = pd.Timestamp(NOW) - frames[name]["time_hour"].max()
        expected = min(1.0, 0.5 ** (age / pd.Timedelta(days=30)))
        assert aspect(result, "freshness", "age").score == pytest.approx(expected, abs=1e-4)
    assert flights_run.tables["planes"].components["freshness"].score is None


def test_flights_points_add_up(flights_run):
    assert points(flights_run.ledger) == 100 - 100 * Decimal(str(flights_run.score))
    for result in flights_run.tables.values():
        assert points(result.ledger) == 100 - 100 * Decimal(str(result.score))


def test_awkward_tables_from_the_real_engine(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from voyant.core.config import Settings

    nan, inf = float("nan"), float("inf")
    tables = {
        "odd names": pa.table(
            {
                'a "quoted" id': [1, 2, 3],
                "dots.and spaces": ["x", "", " "],
                "\U0001f389": [nan, inf, 1.5],
                "<script>alert(1)</script>": [None, None, "y"],
            }
        ),
        "nested": pa.table(
            {
                "list": [[1], [], None],
                "struct": [{"a": 1}, {"a": None}, {"a": 3}],
                "blob": [b"\x00", b"\xff", None],
                "span": pa.array([1, 2, 3], pa.duration("s")),
                "clock": pa.array([1, 2, 3], pa.time64("us")),
                "exact": pa.array([1, 2, 3]).cast(pa.decimal128(38, 10)),
            }
        ),
        "empty": pa.table({"d": pa.array([], pa.date32()), "t": pa.array([], pa.string())}),
        "nulls": pa.table({"n": pa.array([None] * 40, pa.int64()), "t": [None] * 40}),
        "wide": pa.table({f"c{n}": [n, n + 1] for n in range(60)}),
    }
    paths = {}
    for name, frame in tables.items():
        paths[name] = str(tmp_path / f"{name}.parquet")
        pq.write_table(frame, paths[name])
    ctx = GeneratorContext(
        {"job_id": "j", "artifacts_root": str(tmp_path / "out"), "as_of": NOW},
        settings=Settings(tables=paths),
    )
    try:
        path = generate_sufficiency(ctx)["sufficiency"]
        content = Path(path).read_bytes()
        assert Path(generate_sufficiency(ctx)["sufficiency"]).read_bytes() == content
    finally:
        ctx.close()
    result = SufficiencyArtifact.model_validate_json(content)
    assert set(result.tables) == set(tables)
    odd = aspect(result.tables["odd names"], "coverage", "filled_cells")
    assert odd.facts["missing_cell_count"] == 5  # blank, empty, NaN, two nulls
    assert (
        aspect(result.tables["nested"], "coverage", "filled_cells").facts["missing_cell_count"] == 2
    )
    assert result.tables["empty"].verdict_reason == "no row holds a value"
    assert result.tables["nulls"].verdict_reason == "no row holds a value"
    assert result.references == []


def test_the_docs_state_the_rules_as_they_are():
    from voyant.stats import aspects

    page = Path(__file__).parents[2] / "docs" / "explanation" / "sufficiency.md"
    text = page.read_text(encoding="utf-8")
    for name, weight in sufficiency.COMPONENT_WEIGHTS.items():
        assert f"| {name} | {weight:.2f} |" in text
    for verdict, least in sufficiency.VERDICT_THRESHOLDS.items():
        assert f"| `{verdict}` | at least {least:.2f} |" in text
    assert f"{aspects.FAULT_LIMIT:.0%}" in text.replace(" %", "%")
    assert f"{REFERENCE_CAP} pairs" in text
