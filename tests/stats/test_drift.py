"""Judging, apart from measuring: what decides, what is drawn, what looks renamed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voyant.core.tables import ColumnKind
from voyant.stats.distances import GridDistance
from voyant.stats.drift import (
    ColumnState,
    DriftRules,
    Evidence,
    Ranked,
    Treatment,
    compare,
    count_between,
    even_bin_edges,
    pattern_js_distance,
    psi_edges,
    treat,
)
from voyant.stats.drift_schema import compare_schemas
from voyant.stats.drift_shares import distribution


def numbers(values, name="x", kind=ColumnKind.FLOAT):
    values = np.asarray(values, float)
    keys, rows = np.unique(values, return_counts=True)
    return ColumnState(
        name=name,
        type="DOUBLE",
        kind=kind,
        semantic_type="number",
        count=len(values),
        null_count=0,
        number_count=len(values),
        distinct_count=len(keys),
        mean=float(values.mean()),
        std=float(values.std(ddof=1)),
        grid=tuple(np.quantile(values, np.linspace(0, 1, 201)).tolist()),
        values=dict(zip(keys.tolist(), rows.tolist(), strict=True)),
    )


def text(name="c", **counts):
    return ColumnState(
        name=name,
        type="VARCHAR",
        kind=ColumnKind.TEXT,
        semantic_type="category",
        count=sum(counts.values()),
        null_count=0,
        distinct_count=len(counts),
        values=counts,
    )


RNG = np.random.default_rng(4)
SPREAD = numbers(RNG.normal(size=500))


@pytest.mark.parametrize(("distance", "status"), [(0.0999, "stable"), (0.1, "drifted")])
def test_the_threshold_itself_is_drift(distance, status):
    area = distance * float(np.std(np.array(list(SPREAD.values or ()), dtype=float)))
    evidence = Evidence(wasserstein=GridDistance(value=area * (1 + 1e-12), max_error=0.0))
    assert compare(SPREAD, SPREAD, evidence, DriftRules()).status == status


@pytest.mark.parametrize("rows", [29, 30])
def test_the_fewest_rows_that_can_be_assessed(rows):
    small = numbers(RNG.normal(size=rows))
    finding = compare(
        SPREAD, small, Evidence(wasserstein=GridDistance(value=0.0, max_error=0.0)), DriftRules()
    )
    assert finding.status == ("stable" if rows == 30 else "not_assessable")


@pytest.mark.parametrize(
    ("before", "now", "treatment"),
    [
        (numbers([1, 2, 3, 4] * 9), numbers([1, 2, 3, 5] * 9), Treatment.CATEGORY),  # 5 values
        (numbers([1, 2, 3, 4] * 9), numbers([1, 2, 5, 6] * 9), Treatment.NUMBER),  # 6 values
        (
            numbers(list(range(10)) * 9, kind=ColumnKind.INTEGER),
            numbers(list(range(5, 15)) * 9, kind=ColumnKind.INTEGER),
            Treatment.CATEGORY,
        ),
        (
            numbers(list(range(11)) * 9, kind=ColumnKind.INTEGER),
            numbers(list(range(5)) * 9, kind=ColumnKind.INTEGER),
            Treatment.NUMBER,
        ),
        (numbers([1, 2] * 9), text(a=9), Treatment.NONE),
        (text(a=5, b=5), text(a=9), Treatment.CATEGORY),
        (text(a=1, b=1), text(a=9), Treatment.TEXT),  # all values differ
    ],
)
def test_as_what_columns_are_compared(before, now, treatment):
    assert treat(before, now)[0] is treatment


def test_inner_deciles_are_numpys_without_repetition():
    expected = np.quantile(
        np.array(list(SPREAD.values or ()), dtype=float), np.arange(0.1, 0.95, 0.1)
    )
    assert psi_edges(SPREAD) == pytest.approx(expected)
    assert psi_edges(numbers([0.0] * 95 + [1.0] * 5)) == (0.0,)


def test_even_bins_are_numpys_sturges_bins():
    other = numbers(RNG.normal(3, 2, size=700))
    values = [*SPREAD.values, *other.values]
    assert even_bin_edges(SPREAD, other) == pytest.approx(
        np.histogram_bin_edges(values, bins="sturges")
    )


@pytest.mark.parametrize("edges", [[0, 1, 2], [-5, 0, 0.5, 30], [1, 1.5]])
def test_counts_between_edges_are_numpys(edges):
    values = RNG.integers(0, 4, size=200)
    keys, rows = np.unique(values, return_counts=True)
    counted = count_between(Ranked.of(dict(zip(keys.tolist(), rows.tolist(), strict=True))), edges)
    assert counted == np.histogram(values, edges)[0].tolist()


def test_drawn_shares_add_up_with_the_rest():
    other = numbers(RNG.normal(3, 2, size=700))
    for drawn in (
        distribution(SPREAD, other, Treatment.NUMBER),
        distribution(
            text(a=5, b=5), text(**{f"v{n}": n for n in range(1, 30)}), Treatment.CATEGORY
        ),
    ):
        assert sum(drawn.reference) + drawn.reference_rest == pytest.approx(1)
        assert sum(drawn.current) + drawn.current_rest == pytest.approx(1)
    assert distribution(text(a=1), text(b=1), Treatment.TEXT) is None  # no shapes known


def test_unlisted_shapes_never_make_a_difference():
    one = replace(text(), patterns={"a+": 60, "9+": 30}, pattern_rest=10)
    other = replace(text(), patterns={"a+": 60, "A+": 30}, pattern_rest=10)
    assert pattern_js_distance(one, other) == pytest.approx(0)
    whole = replace(other, pattern_rest=0), replace(one, pattern_rest=0)
    assert (pattern_js_distance(*whole) or 0) > 0.3


def test_a_column_is_not_called_renamed_when_two_could_be_it():
    before = {"old": numbers(RNG.normal(size=500), "old")}
    now = {name: numbers(RNG.normal(size=500), name) for name in ("a", "b")}
    kinds = [change.kind for change in compare_schemas(before, now)]
    assert kinds == ["removed", "added", "added"]
    kinds = [change.kind for change in compare_schemas(now, before)]
    assert kinds == ["removed", "removed", "added"]
    renamed = compare_schemas(before, {"a": now["a"]})
    assert [(c.kind, c.before, c.after, c.is_guess) for c in renamed] == [
        ("renamed", "old", "a", True)
    ]


def test_columns_that_hold_other_values_are_not_called_renamed():
    assert {change.kind for change in compare_schemas({"c": text(a=5)}, {"d": text("d", b=5)})} == {
        "removed",
        "added",
    }


def test_text_is_drawn_by_its_shapes():
    one = replace(text(), patterns={"a+": 60, "9+": 30}, pattern_rest=10)
    other = replace(text(), patterns={"A+": 50}, pattern_rest=0)
    drawn = distribution(one, other, Treatment.TEXT)
    assert drawn.categories == ("A+", "a+", "9+")
    assert drawn.reference == pytest.approx((0, 0.6, 0.3))
    assert drawn.current == pytest.approx((1, 0, 0))
    assert drawn.reference_rest == pytest.approx(0.1)
