"""Values as text, and values out of documents: expected by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.report.narrative_facts import is_same, read_fact, render
from voyant.report.narrative_place import Place, listed, noun, say


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (336_776, "count", "336,776"),
        (1_234_567_890, "count", "1.235 billion"),
        (0.0245, "percent", "2.5%"),
        (0.99999, "percent", ">99.9%"),
        (0.7999, "score", "79.9 of 100"),  # cut: 80 would reach a threshold it missed
        (1.0, "score", "100 of 100"),
        (0.0, "score", "0 of 100"),
        (0.85, "points", "0.9"),
        (0.25, "points", "0.3"),
        (10.0, "points", "10"),
        (0.04, "points", "<0.1"),
        (0, "points", "0"),
        (12.63907, "number", "12.64"),
        (-2.25, "kpi:.1f", "\u22122.2"),
        (0.7341, "kpi:.1%", "73.4%"),
        (1234567.0, "kpi:,.0f", "1,234,567"),
        (2.7, "kpi:d", "3"),
        (12.63907, "kpi:", "12.64"),
        (5.0, "kpi:.999999f", "5"),  # a format that could fill the page is not used
        (5.0, "kpi:>9999999", "5"),
        (-0.0658, "gap:.1%", "6.6 percentage points"),
        (-2.6, "gap:.1f", "2.6"),
        (2, "sign:above|below", "above"),
        (-0.1, "sign:above|below", "below"),
        ("2013-01-01T05:15:00", "day", "2013-01-01"),
        ("usable_with_care", "words", "usable with care"),
        ("a\u202eb", "name", "a[U+202E]b"),
        ("", "name", "(no name)"),
        ("x" * 100, "name", "x" * 39 + "\u2026"),
    ],
)
def test_rendering(value, form, expected):
    assert render(value, form) == expected


@pytest.mark.parametrize(
    ("value", "form"), [(1, "nope"), ("1", "count"), (True, "count"), (1, "day")]
)
def test_a_format_that_does_not_fit_is_an_error(value, form):
    with pytest.raises(ValueError, match=r"format|for"):
        render(value, form)


DOCUMENT = {"rows": [{"n": 2, "s": "a"}, {"n": 3.5, "s": "b"}, {"n": None}, {"n": True, "s": "a"}]}


@pytest.mark.parametrize(
    ("operation", "each", "where", "expected"),
    [
        ("count", "", {}, 4),
        ("count", "", {"/s": ["a"]}, 2),
        ("count", "", {"/n": [1]}, 0),  # true is not 1
        ("sum", "/n", {}, 5.5),
        ("sum", "/n", {"/s": ["a"]}, 2),
        ("max", "/n", {}, 3.5),
        ("min", "/n", {}, 2),
    ],
)
def test_reading(operation, each, where, expected):
    assert is_same(read_fact(DOCUMENT, "/rows", operation, each, where), expected)


@given(st.lists(st.integers(0, 10**6)))
def test_sums_and_counts_agree_with_python(numbers):
    document = {"t": {str(index): {"n": number} for index, number in enumerate(numbers)}}
    assert read_fact(document, "/t", "sum", "/n") == sum(numbers)
    assert read_fact(document, "/t", "count") == len(numbers)


def test_a_key_must_lead_somewhere():
    assert read_fact({"a/b": {}}, "/a~1b", "key") == "a/b"
    with pytest.raises(LookupError):
        read_fact({}, "/a", "key")


def test_places_read_what_is_there_and_null_elsewhere():
    place = Place("f.json", (), {"a": [{"b": 1}], "t": "x"})
    assert place.at("a", 0, "b").number == 1
    assert place.at("a", 7, "b").value is None
    assert place.at("t", "deeper").value is None
    assert [member.key for member in place] == ["a", "t"]
    assert list(place.at("t")) == []
    assert place.at("a", 0, "b").fact("count").pointer == "/a/0/b"


def test_sentences_join_their_words():
    fact = Place("f.json", (), {"n": 1}).at("n").fact("count")
    sentence = say("There is ", noun(fact, "row"), ".")
    assert sentence.text == "There is 1 row."
    assert sentence.parts == ["There is ", fact, " row."]
    assert "".join(map(str, listed(["a", "b", "c"]))) == "a, b and c"


def test_a_text_with_its_own_full_stop_gets_no_other():
    text = Place("f.json", (), {"t": "No column."}).at("t")
    assert say("So: ", text.fact("text"), ".").text == "So: No column."
    assert say("So: ", text.fact("name"), ".").text == "So: No column.."
