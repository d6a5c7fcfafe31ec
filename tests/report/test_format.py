from __future__ import annotations

import html
import math
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from voyant.report.format import (
    ABSENT,
    Figure,
    byte_size,
    column_name,
    count,
    duration,
    moment,
    number,
    percent,
    value,
    visible,
)

MINUS = "\N{MINUS SIGN}"


@given(st.floats(-1e308, 1e308))
def test_a_printed_number_is_the_number_to_four_digits(measured):
    text = number(measured).text.replace(",", "").replace(MINUS, "-")
    assert float(text) == pytest.approx(measured, rel=5.01e-4, abs=0)
    assert float(number(measured).exact.replace(MINUS, "-")) == measured


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_a_printed_whole_number_is_the_number_to_four_digits(measured):
    text = number(measured).text.replace(",", "").replace(MINUS, "-")
    assert abs(Decimal(text) - measured) * 1000 <= abs(measured)


@given(st.integers(min_value=0, max_value=10**18))
def test_an_exact_count_is_the_count(rows):
    assert int(count(rows).exact.replace(",", "")) == rows


@given(st.floats(min_value=0, max_value=1))
def test_a_share_is_0_or_100_percent_only_when_it_is(fraction):
    text = percent(fraction).text
    assert (text == "0%") == (fraction == 0)
    assert (text == "100%") == (fraction == 1)
    shown = float(re.sub("[<>%]", "", text))
    assert shown == pytest.approx(100 * fraction, abs=0.51)


@pytest.mark.parametrize("printed", [count(None), number(None), percent(None)])
def test_what_was_not_assessed_says_so(printed):
    assert printed == ABSENT
    assert "not assessed" in printed.__html__()


@pytest.mark.parametrize(
    ("measured", "text"),
    [(-43.0, f"{MINUS}43"), (-1.5e300, f"{MINUS}1.5e300"), (2.5e-9, f"2.5e{MINUS}9")],
)
def test_a_minus_is_a_minus(measured, text):
    assert number(measured).text == text


@pytest.mark.parametrize("measured", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_still_printed(measured):
    assert number(measured).text == str(measured)


@given(st.text())
def test_a_value_is_isolated_escaped_and_stays_one_element(text):
    printed = str(value(text).__html__())
    inside = re.fullmatch(r'<bdi(?: class="odd")?(?: title="[^"<>]*")?>([^<>]*)</bdi>', printed)
    assert inside
    assert html.unescape(inside[1]) == value(text).text
    printed.encode()


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cn", "Cs", "Zl", "Zp"))))
def test_what_can_be_seen_is_left_alone(text):
    assert visible(text) == text


@given(st.text(st.characters(categories=("Cc", "Cs")), min_size=1))
def test_what_cannot_be_seen_gets_a_shape(text):
    shown = visible(text)
    assert not set(shown) & set(text)
    shown.encode()


def test_joined_emoji_stay_joined_and_overrides_do_not_work():
    family = "\U0001f469\u200d\U0001f467"
    assert visible(family) == family
    assert visible("abc\u202egpj.exe") == "abc[U+202E]gpj.exe"


def test_names_and_values_without_ink_are_said():
    assert value("").text == "(empty)"
    assert value("\t ").text == "\N{RIGHTWARDS ARROW TO BAR}\N{OPEN BOX}"
    assert column_name("").text == "(no name)"
    assert column_name(" ").text == "\N{OPEN BOX}"


def test_long_values_are_cut_in_sight_and_in_the_tool_tip():
    cut = value("x" * 100_000)
    assert len(cut.text) == 60
    assert len(cut.exact) == 300
    assert cut.text.endswith("\N{HORIZONTAL ELLIPSIS}")


def test_moments_keep_what_says_something():
    assert moment("2013-01-01T05:15:00+02:00").text == "2013-01-01 05:15 +02:00"
    assert moment("2013-01-01T05:15:00+02:00").exact == "2013-01-01T05:15:00+02:00"
    assert moment("<b>").text == "<b>"


def test_spans_round_in_their_smaller_unit():
    assert duration(3599.9).text == "60 min"
    assert duration(-75).text == f"{MINUS}1 min 15 s"
    assert byte_size(1000).text == "1 kB"


def test_a_figure_escapes_its_own_words():
    assert escape(Figure("<", '">')) == '<span title="&#34;&gt;">&lt;</span>'
