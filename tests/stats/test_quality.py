"""The quality score: worked examples, and what must hold of any checks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.stats.quality import (
    CHECKS,
    DIMENSION_WEIGHTS,
    DIMENSIONS,
    SEVERITIES,
    Scored,
    check_score,
    quality_score,
)

fractions = st.none() | st.floats(0, 1)
checks = st.builds(
    Scored,
    dimension=st.sampled_from(DIMENSIONS),
    severity=st.sampled_from(SEVERITIES),
    status=st.sampled_from(["passed", "failed", "not_assessed"]),
    failing_fraction=fractions,
)


def check(dimension, severity, status, fraction=None):
    return Scored(dimension=dimension, severity=severity, status=status, failing_fraction=fraction)


def test_weights_cover_all_dimensions_and_sum_to_one():
    assert set(DIMENSION_WEIGHTS) == set(DIMENSIONS)
    assert math.fsum(DIMENSION_WEIGHTS.values()) == pytest.approx(1)
    assert {kind.dimension for kind in CHECKS.values()} <= set(DIMENSIONS)


def test_a_worked_example():
    # Completeness: a warning (weight 1) at 5 % failing scores 0.5, an error (3) passes: 3.5 / 4.
    # Uniqueness: one error fails at 20 %: 0. Weights 0.25 and 0.15 become 0.625 and 0.375.
    made = quality_score(
        [
            check("completeness", "warning", "failed", 0.05),
            check("completeness", "error", "passed"),
            check("uniqueness", "error", "failed", 0.2),
            check("validity", "info", "failed", 0.5),  # a note
            check("timeliness", "error", "not_assessed"),
        ]
    )
    assert made.dimensions["completeness"] == 0.875
    assert made.dimensions["uniqueness"] == 0.0
    assert made.dimensions["validity"] is None
    assert made.dimensions["timeliness"] is None
    assert made.shares == pytest.approx({"completeness": 0.625, "uniqueness": 0.375})
    assert made.points == pytest.approx((7.81, 0, 37.5, 0, 0))  # 62.5 / 4 / 2, and 37.5
    assert made.score == pytest.approx(0.5469)


def test_nothing_assessed_has_no_score():
    assert quality_score([]).score is None
    assert quality_score([check("validity", "error", "not_assessed")]).score is None
    assert quality_score([check("validity", "info", "failed", 1.0)]).score is None


@given(st.lists(checks, max_size=30))
def test_points_add_up_to_what_the_score_lacks(given_checks):
    made = quality_score(given_checks)
    assert len(made.points) == len(given_checks)
    assert all(points >= 0 for points in made.points)
    if made.score is None:
        assert not any(made.points)
    else:
        assert 0 <= made.score <= 1
        assert round(sum(made.points), 2) == round(100 - 100 * made.score, 2)


@given(st.lists(checks, max_size=30))
def test_only_failed_checks_that_weigh_cost_points(given_checks):
    made = quality_score(given_checks)
    for one, points in zip(given_checks, made.points, strict=True):
        if points:
            assert one.status == "failed"
            assert one.severity != "info"


@given(st.lists(checks, max_size=20), st.randoms())
def test_order_does_not_matter(given_checks, random):
    shuffled = list(given_checks)
    random.shuffle(shuffled)
    first, second = quality_score(given_checks).score, quality_score(shuffled).score
    assert first == second if first is None else first == pytest.approx(second, abs=2e-4)


@given(st.lists(checks, max_size=20))
def test_what_was_not_assessed_changes_nothing(given_checks):
    more = [*given_checks, check("accuracy", "error", "not_assessed")]
    assert quality_score(more).score == quality_score(given_checks).score


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_failing_rows_never_score_better(first, second):
    few, many = sorted((first, second))
    assert check_score("failed", many) <= check_score("failed", few)
