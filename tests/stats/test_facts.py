"""Ranking of findings, by cases made by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voyant.stats.facts import Finding, Urgency, rank


def finding(name, urgency=Urgency.CONTEXT, weight=0.0, subject=None):
    return Finding(content=name, subject=subject or (name,), urgency=urgency, weight=weight)


def names(chosen):
    return [found.content for found in chosen]


def test_urgency_goes_before_any_weight():
    heavy = finding("heavy", Urgency.NOTABLE, 1e9)
    light = finding("light", Urgency.SERIOUS, 0.0)
    assert names(rank([heavy, light], 2)) == ["light", "heavy"]


def test_the_heavier_goes_first_and_ties_keep_their_order():
    given_ = [finding("a", weight=1), finding("b", weight=2), finding("c", weight=1)]
    assert names(rank(given_, 3)) == ["b", "a", "c"]


def test_one_subject_is_told_once_by_its_most_urgent_finding():
    mild = finding("mild", Urgency.CONTEXT, 9, ("missing", "t", "x"))
    grave = finding("grave", Urgency.SERIOUS, 1, ("missing", "t", "x"))
    assert names(rank([mild, grave, finding("other")], 3)) == ["grave", "other"]


def test_a_group_may_not_fill_the_page():
    many = [finding(f"a{n}", weight=9 - n, subject=("a", str(n))) for n in range(5)]
    chosen = rank([*many, finding("b")], 4, group=lambda found: found.subject[0], per_group=2)
    assert names(chosen) == ["a0", "a1", "b"]


def test_no_more_than_the_limit():
    assert rank([finding("a")], 0) == []
    assert names(rank([finding("a"), finding("b")], 1)) == ["a"]


@given(
    st.lists(
        st.builds(
            finding,
            st.sampled_from("abcdef"),
            st.sampled_from(list(Urgency)),
            st.floats(0, 10, allow_nan=False),
        )
    ),
    st.integers(0, 8),
)
def test_nothing_left_out_outranks_what_was_chosen(given_, limit):
    chosen = rank(given_, limit)
    subjects = [found.subject for found in chosen]
    assert len(set(subjects)) == len(subjects) == min(limit, len({f.subject for f in given_}))
    keys = [(found.urgency, found.weight) for found in chosen]
    assert keys == sorted(keys, reverse=True)
    for left in given_:
        if keys and left.subject not in subjects:
            assert (left.urgency, left.weight) <= keys[-1]
