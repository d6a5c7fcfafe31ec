"""Shapes of text: worked examples, and what holds for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.stats.patterns import shape, top_shapes


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("abc", "aaa"),
        ("abcd", "a+"),
        ("abcde", "a+"),
        ("UA1545", "AA9+"),
        ("UA154", "AA999"),
        ("----", "----"),
        ("a-b", "a-a"),
        ("+49 30", "+99 99"),
        ("٣", "9"),
        ("Éa", "Aa"),
        ("字", "a"),
        ("x😀", "a😀"),
        ("9999a9999", "9+a9+"),
        ("." * 40, "." * 40),
        ("." * 41, "." * 40 + "..."),
    ],
)
def test_worked_shapes(text, wanted):
    assert shape(text) == wanted


@given(st.text())
def test_shape_of_any_text_is_short(text):
    assert len(shape(text)) <= 43


@given(st.text(alphabet="aB1-", max_size=30))
def test_shape_does_not_depend_on_which_letters(text):
    other = text.translate(str.maketrans({"a": "q", "B": "Z", "1": "7"}))
    assert shape(text) == shape(other)


@given(st.lists(st.tuples(st.text(max_size=4), st.integers(1, 9))), st.integers(1, 5))
def test_top_shapes_count_rows(values, most):
    found = top_shapes(values, most)
    counts = [count for _, count in found]
    assert counts == sorted(counts, reverse=True)
    assert len(found) <= most
    for pattern, count in found:
        assert count == sum(n for text, n in values if shape(text) == pattern)


def test_ties_are_in_order():
    assert top_shapes([("b", 1), ("1", 1), ("-", 1)], most=3) == [("-", 1), ("9", 1), ("a", 1)]
