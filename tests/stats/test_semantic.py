"""Semantic types, tried on values that look like something else."""

from __future__ import annotations

import random
import string
import uuid
from pathlib import Path

import pytest

from voyant.core.tables import ColumnKind, ColumnSummary, ValueCount
from voyant.stats import semantic
from voyant.stats.semantic import (
    MATCH_THRESHOLD,
    SEMANTIC_TYPES,
    infer_semantic_type,
    is_checkable,
    is_personal,
    is_valid,
)

RANDOM = random.Random(20131231)


def column(name, values, kind=ColumnKind.TEXT, *, times=1, nulls=0):
    """Summarise values as an engine would: each different one occurs `times` times or as given."""
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + times
    ordered = sorted(counts)
    return ColumnSummary(
        name=name,
        type=kind.value.upper(),
        kind=kind,
        count=sum(counts.values()),
        null_count=nulls,
        distinct_count=len(counts),
        min=ordered[0] if ordered else None,
        max=ordered[-1] if ordered else None,
        sample=tuple(ValueCount(value=str(value), count=n) for value, n in counts.items())[:1000],
    )


def judge(name, values, kind=ColumnKind.TEXT, **options):
    summary = column(name, values, kind, **options)
    return infer_semantic_type(summary, summary.row_count).name


def luhn(digits):
    """Append a check digit by the textbook: double every second digit from the right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return f"{digits}{-total % 10}"


CARDS = [luhn(f"4{RANDOM.randrange(10**14):014d}") for _ in range(50)]
LONG_IDS = [f"4{RANDOM.randrange(10**15):015d}" for _ in range(200)]
# Examples that banks and SWIFT's registry publish.
IBANS = [
    "GB82WEST12345698765432",
    "DE89 3704 0044 0532 0130 00",
    "FR1420041010050500013M02606",
    "CH9300762011623852957",
    "NL91ABNA0417164300",
]
STATES = [
    "AL",
    "AR",
    "AZ",
    "CA",
    "CO",
    "DE",
    "GA",
    "ID",
    "IL",
    "IN",
    "KY",
    "LA",
    "MA",
    "MD",
    "ME",
    "MN",
    "MO",
    "MS",
    "MT",
    "NC",
    "NE",
    "PA",
    "SC",
    "SD",
    "TN",
    "VA",
]
COUNTRIES = [
    "DE",
    "FR",
    "IT",
    "ES",
    "PT",
    "PL",
    "CZ",
    "AT",
    "CH",
    "BE",
    "NL",
    "LU",
    "DK",
    "SE",
    "NO",
    "FI",
    "US",
    "JP",
    "CN",
    "BR",
]
CARRIERS = [
    "9E",
    "AA",
    "AS",
    "B6",
    "DL",
    "EV",
    "F9",
    "FL",
    "HA",
    "MQ",
    "OO",
    "UA",
    "US",
    "VX",
    "WN",
    "YV",
]
TAILS = [f"N{number}{letters}" for number in range(100, 900) for letters in ("AA", "JB")]
MD5 = [f"{RANDOM.getrandbits(128):032x}" for _ in range(300)]
WORDS = [
    "delays",
    "quickly",
    "deposits",
    "sleep",
    "furiously",
    "above",
    "the",
    "pending",
    "accounts",
]
SENTENCES = [" ".join(RANDOM.choices(WORDS, k=7)) + f" {n}" for n in range(500)]
DAYS = [f"2013-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]


@pytest.mark.parametrize(
    ("expected", "name", "values"),
    [
        ("email", "contact", [f"user{n}@example.com" for n in range(20)]),
        ("email", "x", ["jörg@example.de", "a.b+c@mail.example.co.uk"]),
        ("url", "link", [f"https://example.com/p/{n}?q=a%20b" for n in range(9)]),
        ("url", "link", ["www.example.com", "http://localhost:8080/x", "http://[::1]/"]),
        ("ip", "addr", [f"10.0.{n}.1" for n in range(30)]),
        ("ip", "addr", ["2001:db8::1", "::1", "fe80::1", "192.168.0.1"]),
        ("uuid", "ref", [str(uuid.UUID(int=n)) for n in range(1, 9)]),
        ("iban", "account", IBANS),
        ("card", "paid_with", CARDS),
        ("card", "paid_with", [f"{c[:4]} {c[4:8]} {c[8:12]} {c[12:]}" for c in CARDS]),
        ("card", "card", ["3782 822463 10005"] * 1 + ["378282246310005"]),
        ("phone", "contact", ["+49 30 901820", "+1 (212) 555-0100", "+44 20 7946 0000"]),
        ("phone", "contact", ["(212) 555-0100", "212-555-0199", "212.555.0123"]),
        ("phone", "c_phone", ["25-989-741-2988", "23-768-687-3665", "11-719-748-3364"]),
        ("json", "payload", ['{"a": 1}', "[1, 2]", "{}"]),
        ("date_in_text", "when", DAYS),
        ("date_in_text", "when", ["31.12.2013", "01.02.2014", "5.6.2014"]),
        ("date_in_text", "when", ["12/31/2013", "1/2/14", "06/30/2014"]),
        ("date_in_text", "when", ["2013-12-31T23:59:59Z", "2013-12-31 08:00:00.123+01:00"]),
        ("date_in_text", "when", ["31 Dec 2013", "Jan 5, 2014", "2-Feb-14", "1. March 2014"]),
        ("date_in_text", "when", ["12/31/2013 11:59 PM", "01/01/2014 3:05 am"]),
        ("number_in_text", "reading", ["1", "2.5", "-3e4", "0.7", ".5"]),
        ("number_in_text", "reading", ["1,234,567.89", "12", "3,000"]),
        ("number_in_text", "reading", ["1.234,50", "7,5", "12"]),
        ("number_in_text", "share", ["12%", "7.5 %", "100%"]),
        ("money", "x", ["$1,234.50", "$7", "-$3.10", "($20.00)"]),
        ("money", "x", ["12,50 \u20ac", "7 \u20ac", "1.000,00 \u20ac"]),
        ("money", "x", ["USD 12.00", "EUR 7", "\u00a399.99"]),
        ("country_code", "country", ["DE", "FR", "US"]),
        ("country_code", "ship_country", ["DEU", "FRA", "USA"]),
        ("country_code", "market", COUNTRIES),
        ("country_code", "country", STATES),
        ("boolean_like", "active", ["Yes", "no", "YES"]),
        ("boolean_like", "flag", ["0", "1"]),
        ("boolean_like", "paid", ["t", "f"]),
        ("id", "tailnum", TAILS),
        ("id", "x", MD5),
        ("id", "customer_id", ["a", "b", "c"]),
        ("id", "orderKey", ["17", "18", "18"]),
        ("free_text", "comment", SENTENCES),
        ("free_text", "note", ["", "  "]),
    ],
)
def test_text_is_what_its_values_say(expected, name, values):
    assert judge(name, values) == expected


@pytest.mark.parametrize(
    ("not_this", "name", "values"),
    [
        ("card", "reference", LONG_IDS),
        ("card", "reference", CARDS[:2]),  # two Luhn numbers are one chance in a hundred
        ("country_code", "state", STATES),
        ("country_code", "region", STATES),
        ("country_code", "x", STATES),
        ("country_code", "carrier", CARRIERS),
        ("country_code", "x", ["DE", "FR", "IT"]),  # might be languages
        ("country_code", "lang", [code.lower() for code in COUNTRIES]),
        ("country_code", "airport", ["EWR", "JFK", "LGA"]),
        ("ip", "version", ["1.2.3.4", "2.0.0.1"]),
        ("ip", "mac", ["00:1b:44:11:3a:b7", "00:1b:44:11:3a:b8"]),
        ("ip", "clock", ["12:30:45", "08:00:00"]),
        ("ip", "x", ["999.1.1.1", "256.0.0.1"]),
        ("uuid", "hash", MD5),
        ("number_in_text", "zip", ["10115", "80331"]),
        ("number_in_text", "x", ["01067", "80331", "10115"]),
        ("number_in_text", "x", ["01067", *(str(number) for number in range(10_000, 10_040))]),
        ("number_in_text", "tailnum", TAILS),
        ("number_in_text", "carrier", CARRIERS),
        ("number_in_text", "x", MD5),
        ("number_in_text", "x", ["nan", "inf", "12x"]),
        ("date_in_text", "x", ["2013-02-30", "2013-13-01", "2013-00-10"]),
        ("date_in_text", "x", ["20130101", "20130102"]),
        ("date_in_text", "part", ["1-2-3", "10.20.30"]),
        ("date_in_text", "model", ["A320-214", "737-890", "ERJ 190-100"]),
        ("date_in_text", "x", ["May contain nuts 12", "March on 3"]),
        ("phone", "when", DAYS),
        ("phone", "ssn", ["123-45-6789", "987-65-4321"]),
        ("phone", "isbn", ["978-3-16-148410-0", "978-0-306-40615-7"]),
        ("phone", "x", ["2125550100", "2125550101"]),
        ("iban", "x", ["GB82WEST12345698765433", "DE89370400440532013001"]),
        ("iban", "flight", ["UA1545", "AA1141", "B6725"]),
        ("email", "handle", ["@ann", "ann@host", "a b@example.com", "ann@@example.com"]),
        ("url", "x", ["http://", "https:///path", "mailto:a@example.com", "http://a b.com"]),
        ("json", "x", ["[draft] title", "{not json}"]),
        ("boolean_like", "sex", ["m", "f"]),
        ("boolean_like", "x", ["yes", "0"]),
        ("money", "flag", ["EU", "US"]),
    ],
)
def test_lookalikes_are_not_taken(not_this, name, values):
    assert judge(name, values, times=20) != not_this


@pytest.mark.parametrize(
    ("expected", "name", "values", "kind"),
    [
        ("boolean_like", "cancelled", [0, 1, 1], ColumnKind.INTEGER),
        ("boolean_like", "cancelled", [0.0, 1.0], ColumnKind.FLOAT),
        ("number", "engines", [1, 2], ColumnKind.INTEGER),
        ("number", "year", list(range(1900, 2013)), ColumnKind.INTEGER),
        ("number", "yr", list(range(1500, 2013)), ColumnKind.INTEGER),
        ("number", "period", list(range(1800, 2013)), ColumnKind.INTEGER),
        ("number", "doy", list(range(1, 366)), ColumnKind.INTEGER),
        ("number", "flight", [1545, 1714, 1141, 725] * 9, ColumnKind.INTEGER),
        ("id", "row", list(range(1, 501)), ColumnKind.INTEGER),
        ("id", "reference", [int(text) for text in LONG_IDS], ColumnKind.INTEGER),
        ("id", "l_orderkey", [1, 1, 2, 3], ColumnKind.INTEGER),
        ("id", "user_id", [1.0, 7.0, 9.0], ColumnKind.FLOAT),
        ("number", "paid", [1, 7, 9], ColumnKind.INTEGER),
        ("number", "grid", [1, 7, 9], ColumnKind.INTEGER),
        ("card", "number", [int(card) for card in CARDS], ColumnKind.INTEGER),
        (
            "number",
            "epoch_ms",
            [1357000000000 + 7 * n * n for n in range(9)] * 2,
            ColumnKind.INTEGER,
        ),
        ("phone", "mobile", [491701234567, 491707654321], ColumnKind.INTEGER),
        ("category", "status_code", [1, 2, 3] * 9, ColumnKind.INTEGER),
        ("latitude", "lat", [40.7128, 19.721375, -33.8688], ColumnKind.FLOAT),
        ("longitude", "lon", [-74.006, 174.11362, 8.5417], ColumnKind.FLOAT),
        ("latitude", "home_latitude", [40.5, 41.0, -33.0], ColumnKind.FLOAT),
        ("number", "lat", [12.5, 30.1, 45.0], ColumnKind.FLOAT),  # latency in ms
        ("number", "lat", [140.1234, 230.1234, 99.1234], ColumnKind.FLOAT),
        ("number", "lat", [4, 5, 6], ColumnKind.INTEGER),
        ("number", "temp", [40.7128, 19.7213], ColumnKind.FLOAT),
        ("money", "l_extendedprice", ["901.00", "104949.50"], ColumnKind.DECIMAL),
        ("money", "price", [9.99, 120.5, 7.0], ColumnKind.FLOAT),
        ("money", "salary", [52000, 61000], ColumnKind.INTEGER),
        ("money", "total_amount", [9.99, 120.5], ColumnKind.FLOAT),
        ("number", "l_discount", [0.04, 0.1, 0.07], ColumnKind.FLOAT),
        ("number", "total", [4, 5, 6], ColumnKind.INTEGER),
        ("number", "price_index", [101.25, 99.5], ColumnKind.FLOAT),
        ("number", "rain_amount", [0.1234, 1.23456, 7.654321], ColumnKind.FLOAT),
        ("number", "x", [9.99, 120.5, 7.0], ColumnKind.FLOAT),
        ("date", "d", ["2013-01-01", "2013-01-02"], ColumnKind.DATE),
        ("timestamp", "t", ["2013-01-01 00:00:00", "2013-01-02 00:00:00"], ColumnKind.TIMESTAMP),
        ("time", "t", ["00:00", "01:00"], ColumnKind.TIME),
        ("duration", "t", ["1 day", "2 days"], ColumnKind.INTERVAL),
        ("nested", "t", ["[1]", "[2]"], ColumnKind.LIST),
        ("nested", "t", ["{'a': 1}", "{'a': 2}"], ColumnKind.STRUCT),
        ("binary", "t", ["\\x00", "\\x01"], ColumnKind.BLOB),
        ("uuid", "t", ["a", "b"], ColumnKind.UUID),
        ("other", "t", ["a", "b"], ColumnKind.OTHER),
    ],
)
def test_typed_columns(expected, name, values, kind):
    assert judge(name, values, kind) == expected


def test_no_value_and_one_value():
    assert judge("x", [], nulls=5) == "empty"
    assert infer_semantic_type(column("x", []), 0).name == "empty"
    assert judge("x", ["a"] * 5) == "constant"
    assert judge("year", [2013] * 5, ColumnKind.INTEGER) == "constant"
    assert judge("email", ["ann@example.com"]) == "email"  # one row says nothing about constancy


def test_categories_repeat_and_ids_do_not():
    assert judge("origin", ["EWR", "JFK", "LGA"], times=100) == "category"
    assert judge(
        "dest", [a + b + "X" for a in string.ascii_uppercase for b in "ABCD"], times=50
    ) == ("category")
    assert judge("faa", ["04G", "06A", "EWR", "JFK"]) == "id"
    assert judge("carrier", CARRIERS) == "id"
    assert judge("carrier", CARRIERS, times=100) == "category"
    assert judge("name", ["Virgin America", "United Air Lines", "US Airways"]) == "free_text"


def test_a_tenth_may_break_the_format_and_is_then_invalid():
    good = [f"user{n}@example.com" for n in range(18)]
    judged = infer_semantic_type(column("contact", [*good, "n/a", "unknown"]), 20)
    assert judged.name == "email"
    assert judged.matched_fraction == pytest.approx(MATCH_THRESHOLD)
    assert not is_valid("email", "n/a")
    assert judge("contact", [*good[:17], "n/a", "unknown", "-"]) != "email"


def test_outer_space_does_not_break_a_format():
    assert judge("contact", [" ann@example.com", "bob@example.com "]) == "email"
    assert is_valid("ip", " 10.0.0.1\t")


@pytest.mark.parametrize(
    ("semantic_type", "valid", "invalid"),
    [
        ("email", "ann@example.com", "ann at example.com"),
        ("iban", "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
        ("card", "4111-1111-1111-1111", "4111-1111-1111-1112"),
        ("phone", "25-989-741-2988", "call me"),
        ("phone", "2125550100", "12345"),
        ("money", "1234.50", "free"),
        ("latitude", "-90", "90.001"),
        ("longitude", "180.0", "-180.5"),
        ("country_code", "DEU", "XXX"),
        ("date_in_text", "2012-02-29", "2013-02-29"),
        ("boolean_like", "Yes", "maybe"),
        ("boolean_like", "1.0", "2.0"),
        ("number_in_text", "1,000", "1,00,0"),
        ("json", "{}", "{"),
        ("uuid", "123E4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
    ],
)
def test_is_valid(semantic_type, valid, invalid):
    assert is_checkable(semantic_type)
    assert is_valid(semantic_type, valid)
    assert not is_valid(semantic_type, invalid)


def test_types_without_a_format_accept_anything_and_unknown_types_nothing():
    assert is_valid("free_text", "\x00")
    assert not is_checkable("free_text")
    with pytest.raises(ValueError, match="emial"):
        is_valid("emial", "x")


def test_personal_types():
    assert {name for name in SEMANTIC_TYPES if is_personal(name)} == {
        "email",
        "phone",
        "iban",
        "card",
        "ip",
    }


def test_a_page_of_text_meets_no_slow_pattern():
    hostile = ["a" * 50_000, "1" * 50_000, "1.1-" * 20_000, "[" * 100_000, "a@" + "a." * 30_000]
    assert judge("x", hostile) == "free_text"


def test_every_type_has_a_heading_in_the_docs():
    page = Path(__file__).parents[2] / "docs" / "explanation" / "semantic-types.md"
    text = page.read_text(encoding="utf-8")
    missing = [name for name in SEMANTIC_TYPES if f"### `{name}`" not in text]
    assert missing == []


def test_what_is_remembered_is_of_this_summary_alone():
    for number in range(200):  # each takes the memory of the one before, and so its identity
        is_mail = number % 3 == 0
        values = ["a@x.org", "b@x.org"] if is_mail else ["10.0.0.1", "10.0.0.2"]
        summary = column("v", values)
        for rows in (2, 0, 2):
            wanted = "empty" if not rows else "email" if is_mail else "ip"
            assert infer_semantic_type(summary, rows).name == wanted
        del summary
    assert len(semantic._JUDGED) < 100
