"""Card numbers are the issuers' published test numbers; the SSNs are retired ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from voyant.stats.masking import MASKED_CARD, MASKED_EMAIL, MASKED_SSN, mask_text, mask_value

TEST_CARDS = [
    "4111111111111111",  # Visa
    "4222222222222",  # Visa of 13 digits
    "5555555555554444",  # Mastercard
    "2223003122003222",  # Mastercard of the 2-series
    "378282246310005",  # American Express
    "30569309025904",  # Diners Club
    "6011111111111117",  # Discover
    "3530111333300000",  # JCB
    "6200000000000005",  # UnionPay
    "6759649826438453",  # Maestro
    "2200000000000004",  # Mir
]


@pytest.mark.parametrize(
    "email",
    [
        "ann@example.com",
        "ANN.O'NEIL+news@Mail.Example.CO.UK",
        "a@b.io",
        "user_1%x!#$&*?^`~-@sub-domain.example.org",
        '"ann lee"@example.com',
        "m\u00fcller@ex\u00e4mple.de",
        "jose\u0301@example.com",  # the accent written apart
        "\u0438\u0432\u0430\u043d@\u043f\u043e\u0447\u0442\u0430.\u0440\u0444",
        "ann\uff20example.com",  # full-width @
        "ann@example\u3002com",  # ideographic full stop
        "an\u200bn@exam\u00adple.com",  # characters that are not seen
        "ann%40example.com",
        "ann&#64;example.com",
        "x" * 300 + "@example.com",
        "ann@xn--exmple-cua.xn--p1ai",
    ],
)
def test_an_email_is_masked_alone_and_in_a_sentence(email):
    assert mask_text(email) == MASKED_EMAIL
    assert mask_text(f"From <{email}>, late.") == f"From <{MASKED_EMAIL}>, late."
    assert mask_text(f"mailto:{email}?x") == f"mailto:{MASKED_EMAIL}?x"


def test_every_email_of_a_list_is_masked():
    masked = mask_text("[a@x.com, b@y.org];{'to': c@z.net}|d@w.eu")
    assert masked == "[E, E];{'to': E}|E".replace("E", MASKED_EMAIL)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "ann@localhost",
        "left-pad@1.3.0",
        "5 @ 3.50",
        "a@b.c",
        "@decorator",
        "ann at example dot com",
        "@example.com",
        "1@2.3",
    ],
)
def test_what_is_no_email_stays(text):
    assert mask_text(text) == text


@pytest.mark.parametrize("card", TEST_CARDS)
def test_a_card_number_is_masked_as_text_integer_and_double(card):
    assert mask_value(card) == MASKED_CARD
    assert mask_value(int(card)) == MASKED_CARD
    if int(card) <= 2**53:
        assert mask_value(float(card)) == MASKED_CARD


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111  1111 - 1111\u00a01111",
        "4111\u20131111\u20131111\u20131111",
        "41111111 11111111",
        "3782 822463 10005",
        "4111\u200b1111\u200b1111\u200b1111",
        "\uff14\uff11\uff11\uff11" + "\uff11" * 12,  # full-width digits
        "\u0664\u0661\u0661\u0661" + "\u0661" * 12,  # Arabic-Indic digits
    ],
)
def test_a_card_number_is_masked_however_it_is_spaced(text):
    assert mask_text(text) == MASKED_CARD
    assert mask_text(f"card:{text}.") == f"card:{MASKED_CARD}."
    assert mask_text(f"x{text}y") == f"x{MASKED_CARD}y"


def test_a_card_number_is_found_between_other_numbers():
    assert mask_text("12 4111 1111 1111 1111 7") == f"12 {MASKED_CARD} 7"
    assert mask_text("2013-01-01 4111111111111111") == f"2013-01-01 {MASKED_CARD}"
    longest = "4222222222222 121"  # sixteen digits that open with a whole number of thirteen
    assert mask_text(longest) == MASKED_CARD
    both = mask_text("4111 1111 1111 1111 5555 5555 5555 4444")
    assert both == f"{MASKED_CARD} {MASKED_CARD}"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # fails Luhn
        "1111111111111117",  # passes Luhn, no issuer's
        "4111111111111116",  # its Luhn sum is 35
        "41111111111111113",  # passes Luhn, seventeen digits are not Visa's
        "4111 1 1 1 1 1 1 1 1 1 1 1 1",  # a row of numbers
        "4111111111111111.25",  # an amount
        "0.4111111111111111",  # a fraction
        "4111.111111111111",  # a double's sixteen digits
        "4111,1111,1111,1111",
        "2013-01-01T00:00:00.000000",
        "c4a760a8-dbcf-4e14-9f39-645a8e933d74",
        "14111111111111111111111",
    ],
)
def test_what_is_no_card_number_stays(text):
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -4111111111111111,
        4111111111111112,
        10**40,
        -0.0,
        12.5,
        4111111111111.125,
        4.1000000000000133e18,  # a card's digits, but a double this large is not exact
        1700000000000,
        1700000000000000,
        "NaN",
        "-Infinity",
        "12345678901234567890.12",
        "2013-01-01",
    ],
)
def test_other_values_are_themselves(value):
    masked = mask_value(value)
    assert masked == value
    assert type(masked) is type(value)


@pytest.mark.parametrize(
    "ssn",
    ["219-09-9999", "078-05-1120", "219 09 9999", "219.09.9999", "219\u201109\u20119999"],
)
def test_a_social_security_number_is_masked(ssn):
    assert mask_text(ssn) == MASKED_SSN
    assert mask_text(f"SSN{ssn},") == f"SSN{MASKED_SSN},"
    assert mask_text(f"1 {ssn} 2") == f"1 {MASKED_SSN} 2"


def test_a_taxpayer_number_is_masked():
    assert mask_text("912-70-1234") == MASKED_SSN


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "219-00-9999",
        "219-09-0000",
        "219-09 9999",
        "219-099-999",
        "1219-09-9999",
        "219-09-99991",
        "219099999",
    ],
)
def test_what_can_be_no_social_security_number_stays(text):
    assert mask_text(text) == text


@given(st.text(alphabet="0123456789 .-@abc\u200b\"'%4", max_size=200))
def test_masking_ends_and_masks_nothing_twice(text):
    once = mask_text(text)
    assert mask_text(once) == once


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_any_visa_number_with_its_check_digit_is_masked(number):
    body = f"4{number:014d}"[:15]
    card = body + luhn.calc_check_digit(body)
    assert mask_text(card) == MASKED_CARD
    broken = body + str((int(card[-1]) + 1) % 10)
    assert mask_text(broken) == broken


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * 400_000, id="word"),
        pytest.param("a." * 200_000, id="dots"),
        pytest.param("@a." * 100_000, id="ats"),
        pytest.param('"' * 200_000, id="quotes"),
        pytest.param("1" * 400_000, id="digits"),
        pytest.param("41 " * 100_000, id="groups"),
        pytest.param("a@" + "b." * 200_000, id="labels"),
        pytest.param("4111 1111 " * 40_000, id="near cards"),
    ],
)
def test_long_hostile_text_is_read_in_linear_time(text):
    """Quadratic time on any of these is minutes, far over the suite's own limit."""
    assert len(mask_text(text)) <= len(text)


def test_random_decimals_in_text_are_rarely_taken_for_cards():
    """Luhn alone would take one in ten; a fraction is none, whatever its digits."""
    numbers = random.Random(5)
    text = ", ".join(repr(numbers.uniform(4000, 6999)) for _ in range(2_000))
    assert mask_text(text) == text
