"""What do a column's values mean: an id, an amount of money, an e-mail address, a category, ...?

A column has a format's type when at least 90 % of its different sampled values follow the format,
so that the others can be called invalid. Where the column's name takes part, the evidence says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import ref

from voyant.core.tables import ColumnKind, ColumnSummary
from voyant.stats.countries import STATE_CODES
from voyant.stats.formats import FORMATS, PHONE_DIGITS, TRUTH_PAIRS, Format, parse_number
from voyant.stats.names import KEY_WORDS, name_tokens

__all__ = [
    "MATCH_THRESHOLD",
    "SEMANTIC_TYPES",
    "SemanticType",
    "infer_semantic_type",
    "is_checkable",
    "is_personal",
    "is_valid",
]

#: Share of the different sampled values that must follow a format for the column to have its type.
MATCH_THRESHOLD = 0.9

#: Every semantic type, and what it says of a column.
SEMANTIC_TYPES: Mapping[str, str] = {
    "empty": "no value at all",
    "constant": "the same value in all rows, two or more",
    "id": "names one thing each: a key, a serial number, a code that hardly repeats",
    "boolean_like": "yes or no, however written",
    "category": "few values, repeated",
    "number": "a quantity",
    "money": "an amount of a currency",
    "date": "calendar days",
    "timestamp": "moments",
    "time": "times of day",
    "duration": "lengths of time",
    "date_in_text": "dates or moments stored as text",
    "number_in_text": "numbers stored as text",
    "email": "e-mail addresses",
    "url": "web and file addresses",
    "ip": "IPv4 or IPv6 addresses",
    "uuid": "universally unique identifiers",
    "phone": "telephone numbers",
    "iban": "bank account numbers, checksum verified",
    "card": "payment card numbers, checksum verified",
    "country_code": "ISO 3166-1 codes of two or three letters",
    "latitude": "degrees north, -90 to 90",
    "longitude": "degrees east, -180 to 180",
    "json": "JSON objects or lists stored as text",
    "free_text": "words in no fixed form",
    "nested": "lists, structs or maps",
    "binary": "bytes",
    "other": "a type of the engine's own",
}

_PERSONAL = frozenset({"email", "phone", "iban", "card", "ip"})

_BY_KIND = {
    ColumnKind.BOOLEAN: "boolean_like",
    ColumnKind.DATE: "date",
    ColumnKind.TIMESTAMP: "timestamp",
    ColumnKind.TIME: "time",
    ColumnKind.INTERVAL: "duration",
    ColumnKind.UUID: "uuid",
    ColumnKind.BLOB: "binary",
    ColumnKind.LIST: "nested",
    ColumnKind.STRUCT: "nested",
    ColumnKind.MAP: "nested",
    ColumnKind.OTHER: "other",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MONEY_WORDS = _words(
    "price cost revenue salary fee fare wage payment income profit turnover usd eur gbp chf jpy"
    " dollars euros cents"
)
#: Words of money only where the values show cents: an `amount` may be of rain, a `total` of rows.
_MAYBE_MONEY_WORDS = _words(
    "amount total subtotal tax discount sales charge due paid value margin bonus balance budget"
    " spend"
)
_NOT_MONEY_WORDS = _words(
    "rate ratio pct percent percentage count qty quantity index score rank type code"
    " category class level id key"
)
_CODE_WORDS = _words("code type status category class group zip postal postcode flag kind")
_CALENDAR_WORDS = _words("year yr month day week weekday hour minute second quarter doy dow")
_PHONE_WORDS = _words("phone telephone tel mobile cell fax msisdn")
_CARD_WORDS = _words("card cc pan creditcard")
_COUNTRY_WORDS = _words("country nation nationality iso iso2 iso3")
_NOT_COUNTRY_WORDS = _words(
    "state province region carrier airline lang language locale currency unit code"
)
_LATITUDE_WORDS, _LONGITUDE_WORDS = _words("latitude"), _words("longitude")
_SHORT_LATITUDE_WORDS, _SHORT_LONGITUDE_WORDS = _words("lat"), _words("lon lng long")

#: Tried on text in this order; the remaining formats need a name or counts as well.
_TEXT_FORMATS = ("uuid", "email", "url", "ip", "iban", "card", "json", "date_in_text", "money")

_DIGIT = re.compile(r"\d")

_MAX_CATEGORIES = 50
_MAX_CATEGORY_FRACTION = 0.05
_MAX_CATEGORY_LENGTH = 60
_MIN_COUNTRIES_WITHOUT_NAME = 10
_MIN_CARDS_WITHOUT_NAME = 4
_MIN_SERIAL_ROWS = 100
_LONG_SERIAL = 10**7
_CARD_DIGITS = (13, 19)
_YEARS = (1500, 2200)

#: What has been judged, by identity: a summary is frozen, but its values make no key.
_JUDGED: dict[tuple[int, bool], tuple[ref[ColumnSummary], SemanticType]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticType:
    """What a column's values mean.

    Attributes:
        name: A key of `SEMANTIC_TYPES`.
        evidence: What it was judged from, for a reader.
        matched_fraction: Share of the different sampled values that follow the format; None where
            the type has no format.
    """

    name: str
    evidence: str
    matched_fraction: float | None = None


def is_personal(semantic_type: str) -> bool:
    """Decide whether values of this type tell who a person is or how to reach one."""
    return semantic_type in _PERSONAL


def is_checkable(semantic_type: str) -> bool:
    """Decide whether a single value can break this type's format."""
    return semantic_type in FORMATS


def is_valid(semantic_type: str, value: str) -> bool:
    """Decide whether a value, as text, follows its semantic type; any does if it has no format.

    Raises:
        ValueError: There is no such semantic type.

    >>> is_valid("card", "4111 1111 1111 1111"), is_valid("card", "4111 1111 1111 1112")
    (True, False)
    """
    if semantic_type not in SEMANTIC_TYPES:
        raise ValueError(f"There is no semantic type {semantic_type!r}.")
    form = FORMATS.get(semantic_type)
    if form is None or form.matches(value):
        return True
    if semantic_type == "phone":
        return PHONE_DIGITS.matches(value)
    # Typed numbers are money by their name, and yes or no by their values, without a format.
    if semantic_type == "money":
        return FORMATS["number_in_text"].matches(value)
    return semantic_type == "boolean_like" and parse_number(value) in {0, 1}


def infer_semantic_type(column: ColumnSummary, row_count: int) -> SemanticType:
    """Judge what a column means from its kind, name, counts, range and sampled values.

    Generators that share a summary share the answer: it is remembered while the summary lives.

    Args:
        column: The column's summary; `sample` is what formats are tried on.
        row_count: Rows of the table; 0 makes every column `empty`.
    """
    key = (id(column), row_count == 0)
    known = _JUDGED.get(key)
    if known is None or known[0]() is not column:
        lives = ref(column, lambda _: _JUDGED.pop(key, None))
        known = _JUDGED[key] = (lives, _judge(column, row_count))
    return known[1]


def _judge(column: ColumnSummary, row_count: int) -> SemanticType:
    if row_count == 0 or column.count == 0:
        return SemanticType(name="empty", evidence="no row holds a value")
    if column.is_constant and column.count > 1:
        return SemanticType(name="constant", evidence=f"one value in all {column.count:,} rows")
    if column.kind in _BY_KIND:
        return SemanticType(name=_BY_KIND[column.kind], evidence=f"of type {column.type}")
    values = [text for item in column.sample if (text := str(item.value).strip())]
    tokens = name_tokens(column.name)
    if column.kind.is_numeric:
        return _judge_number(column, values, tokens)
    return _judge_text(column, values, tokens)


def _fraction(values: Sequence[str], form: Format) -> float | None:
    """Return the share that follows a format, None once it must fall below the threshold."""
    allowed = int(len(values) * (1 - MATCH_THRESHOLD) + 1e-9)
    misses = 0
    matches = form.matches
    for value in values:
        if not matches(value):
            misses += 1
            if misses > allowed:
                return None
    return 1 - misses / len(values) if values else None


def _formatted(name: str, fraction: float, values: Sequence[str], why: str = "") -> SemanticType:
    evidence = f"{fraction:.1%} of {len(values):,} sampled values are {SEMANTIC_TYPES[name]}{why}"
    return SemanticType(name=name, evidence=evidence, matched_fraction=fraction)


def _named(name: str, words: Sequence[str] | frozenset[str], tokens: Sequence[str]) -> SemanticType:
    word = next(token for token in tokens if token in words)
    return SemanticType(name=name, evidence=f"the name says {word!r}")


# ------------------------------------------------------------------------------------- numbers


def _judge_number(
    column: ColumnSummary, values: Sequence[str], tokens: Sequence[str]
) -> SemanticType:
    low, high = column.min, column.max
    if column.distinct_count == len(("0", "1")) and (low, high) == (0, 1):
        return SemanticType(name="boolean_like", evidence="only 0 and 1 occur")
    is_whole = column.kind is ColumnKind.INTEGER or all(_is_whole(value) for value in values)
    return (
        _judge_coordinate(column, values, tokens)
        or _judge_digits(column, values, tokens)
        or (_judge_whole(column, tokens) if is_whole else None)
        or _judge_money(column, values, tokens)
        or (_judge_serial(column, tokens) if is_whole else None)
        or SemanticType(name="number", evidence=f"of type {column.type}")
    )


def _judge_whole(column: ColumnSummary, tokens: Sequence[str]) -> SemanticType | None:
    """Find what a name says of whole numbers; one that repeats little is no category."""
    if tokens and tokens[-1] in KEY_WORDS - {"number", "num"}:
        return _named("id", KEY_WORDS, tokens[-1:])
    if set(tokens) & _CODE_WORDS and not column.is_unique:
        return _named("category", _CODE_WORDS, tokens)
    return None


def _judge_coordinate(
    column: ColumnSummary, values: Sequence[str], tokens: Sequence[str]
) -> SemanticType | None:
    if column.kind is ColumnKind.INTEGER:
        return None
    for name, full, short in (
        ("latitude", _LATITUDE_WORDS, _SHORT_LATITUDE_WORDS),
        ("longitude", _LONGITUDE_WORDS, _SHORT_LONGITUDE_WORDS),
    ):
        words = full | short
        if not words & set(tokens):
            continue
        # `lat` may be latency: coordinates are kept to three decimals (110 m) or more.
        fine = sum(len(value.partition(".")[2].rstrip("0")) >= len("123") for value in values)
        if not full & set(tokens) and 2 * fine < len(values):
            continue
        fraction = _fraction(values, FORMATS[name])
        if fraction is not None:
            return _formatted(name, fraction, values, ", as the name says")
    return None


def _judge_digits(
    column: ColumnSummary, values: Sequence[str], tokens: Sequence[str]
) -> SemanticType | None:
    """Find card and telephone numbers among whole numbers."""
    low, high = column.min, column.max
    if not isinstance(low, int) or not isinstance(high, int) or isinstance(low, bool):
        return None
    words = set(tokens)
    if 10 ** (_CARD_DIGITS[0] - 1) <= high < 10 ** _CARD_DIGITS[1]:
        return _judge_card(values, words)
    if words & _PHONE_WORDS and low >= 0 and high >= 10**6:
        return _named("phone", _PHONE_WORDS, tokens)
    return None


def _judge_card(values: Sequence[str], words: set[str]) -> SemanticType | None:
    """Find card numbers; one number in ten passes the checksum by chance, so a few are needed."""
    fraction = _fraction(values, FORMATS["card"])
    if fraction is None or (len(values) < _MIN_CARDS_WITHOUT_NAME and not words & _CARD_WORDS):
        return None
    return _formatted("card", fraction, values)


def _is_whole(value: str) -> bool:
    number = parse_number(value)
    return number is not None and number.is_integer()


def _judge_money(
    column: ColumnSummary, values: Sequence[str], tokens: Sequence[str]
) -> SemanticType | None:
    """Decide by name, and by cents where the name may mean something else."""
    words = set(tokens)
    decimals = [len(value.partition(".")[2].rstrip("0")) for value in values]
    cents = sum(count <= len("99") for count in decimals)
    if words & _NOT_MONEY_WORDS or not decimals or cents < MATCH_THRESHOLD * len(decimals):
        return None
    if words & _MONEY_WORDS:
        return _named("money", _MONEY_WORDS, tokens)
    is_share = isinstance(column.max, int | float) and column.max <= 1
    if words & _MAYBE_MONEY_WORDS and any(decimals) and not is_share:
        return _named("money", _MAYBE_MONEY_WORDS, tokens)
    return None


def _judge_serial(column: ColumnSummary, tokens: Sequence[str]) -> SemanticType | None:
    """Find numbers that count rows up, or serial numbers of one length; never calendar years."""
    low, high = column.min, column.max
    if set(tokens) & _CALENDAR_WORDS or not column.is_unique or column.count < _MIN_SERIAL_ROWS:
        return None
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    if low < 0 or (_YEARS[0] <= low and high <= _YEARS[1]):
        return None
    is_dense = high - low + 1 <= 2 * column.count
    is_long = low >= _LONG_SERIAL and len(str(int(low))) == len(str(int(high)))
    if not is_dense and not is_long:
        return None
    return SemanticType(
        name="id",
        evidence=f"{column.count:,} different whole numbers "
        + ("that fill at least half their range" if is_dense else "of one length"),
    )


# ---------------------------------------------------------------------------------------- text


def _judge_text(
    column: ColumnSummary, values: Sequence[str], tokens: Sequence[str]
) -> SemanticType:
    if not values:
        return SemanticType(name="free_text", evidence="only empty or blank text")
    words = set(tokens)
    lowered = frozenset(value.lower() for value in values)
    if lowered in TRUTH_PAIRS:
        return _formatted("boolean_like", 1.0, values)
    for name in _TEXT_FORMATS:
        if name == "ip" and words & {"version", "ver", "release"}:
            continue
        if name == "card":
            if (found := _judge_card(values, words)) is not None:
                return found
            continue
        fraction = _fraction(values, FORMATS[name])
        if fraction is not None:
            return _formatted(name, fraction, values)
    return (
        _judge_phone(values, words)
        or _judge_text_number(values, tokens)
        or _judge_country(values, words)
        or _judge_words(column, values, tokens)
    )


def _judge_phone(values: Sequence[str], words: set[str]) -> SemanticType | None:
    fraction = _fraction(values, FORMATS["phone"])
    if fraction is not None:
        return _formatted("phone", fraction, values)
    fraction = _fraction(values, PHONE_DIGITS) if words & _PHONE_WORDS else None
    return None if fraction is None else _formatted("phone", fraction, values, ", as the name says")


def _judge_text_number(values: Sequence[str], tokens: Sequence[str]) -> SemanticType | None:
    """Find numbers kept as text; digits with leading zeros, or named as a code, are codes."""
    if set(tokens) & _CODE_WORDS or (tokens and tokens[-1] in KEY_WORDS):
        return None
    fraction = _fraction(values, FORMATS["number_in_text"])
    if fraction is None or any(value[0] == "0" and value[1:2].isdigit() for value in values):
        return None
    return _formatted("number_in_text", fraction, values)


def _judge_country(values: Sequence[str], words: set[str]) -> SemanticType | None:
    """Find country codes: by name, or by many codes in capitals that are not states as well."""
    fraction = _fraction(values, FORMATS["country_code"])
    if fraction is None:
        return None
    if words & _COUNTRY_WORDS:
        return _formatted("country_code", fraction, values, ", as the name says")
    states = sum(value in STATE_CODES for value in values)
    is_clear = (
        fraction == 1
        and len(values) >= _MIN_COUNTRIES_WITHOUT_NAME
        and all(value.isupper() for value in values)
        and states < MATCH_THRESHOLD * len(values)
        and not words & _NOT_COUNTRY_WORDS
    )
    return _formatted("country_code", fraction, values) if is_clear else None


def _judge_words(
    column: ColumnSummary, values: Sequence[str], tokens: Sequence[str]
) -> SemanticType:
    """Tell ids, categories and free text apart by repetition, spaces and length."""
    distinct = len(values) if column.distinct_count is None else column.distinct_count
    repeats = f"{distinct:,} different values in {column.count:,} rows"
    if tokens and tokens[-1] in KEY_WORDS:
        return _named("id", KEY_WORDS, tokens[-1:])
    one_word = sum(" " not in value for value in values) >= MATCH_THRESHOLD * len(values)
    with_digits = sum(_DIGIT.search(value) is not None for value in values)
    is_code = one_word and (
        with_digits >= MATCH_THRESHOLD * len(values)
        or all(value.isupper() or value.isdigit() for value in values)
    )
    if column.is_unique and is_code and column.count > 1:
        return SemanticType(name="id", evidence=f"{repeats}, all written as codes")
    length = sum(map(len, values)) / len(values)
    is_few = distinct <= _MAX_CATEGORIES and distinct <= column.count / 2
    if is_few and length <= _MAX_CATEGORY_LENGTH:
        return SemanticType(name="category", evidence=repeats)
    if one_word and with_digits >= MATCH_THRESHOLD * len(values) and not set(tokens) & _CODE_WORDS:
        return SemanticType(name="id", evidence=f"{repeats}, nearly all codes with digits")
    if distinct <= _MAX_CATEGORY_FRACTION * column.count and length <= _MAX_CATEGORY_LENGTH:
        return SemanticType(name="category", evidence=repeats)
    return SemanticType(name="free_text", evidence=repeats)
