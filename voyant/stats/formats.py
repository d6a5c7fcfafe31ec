"""Does this text follow a known format: an e-mail address, a card number, a date, ...?

Each format has a cheap pattern that rejects nearly everything else, and a check of what the pattern
cannot say: a checksum, a calendar, a parser. Libraries are imported when a value gets that far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from voyant.stats.countries import COUNTRY_CODES

__all__ = ["FORMATS", "PHONE_DIGITS", "TRUTH_PAIRS", "Format", "parse_number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A way of writing something that a value follows or breaks.

    Attributes:
        pattern: Matches the whole value, stripped of outer white space.
        check: What else must hold; None when the pattern says it all.
        max_length: Longer values do not follow it, so that no pattern meets a page of text.
    """

    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    max_length: int = 320

    def matches(self, value: str) -> bool:
        """Decide whether a value follows the format, outer white space aside."""
        value = value.strip()
        if len(value) > self.max_length or self.pattern.fullmatch(value) is None:
            return False
        return self.check is None or self.check(value)


#: Pairs of words that say yes and no, in lower case.
TRUTH_PAIRS = tuple(
    frozenset(pair)
    for pair in (
        {"true", "false"},
        {"t", "f"},
        {"yes", "no"},
        {"y", "n"},
        {"on", "off"},
        {"0", "1"},
    )
)


def _shape(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    r"""Compile a pattern whose `\d` and `\w` are those of ASCII."""
    return re.compile(pattern, flags | re.ASCII)


_PLAIN_NUMBER = _shape(r"[+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|[+-]?\.\d+")
_NUMBER = _shape(
    r"""[+-]?(?:
        (?:0|[1-9]\d*)(?:[.,]\d*)?(?:[eE][+-]?\d{1,3})?      # 12   12.5   12,5   1e-3
      | [.,]\d+                                              # .5
      | [1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?                    # 1,234,567.89
      | [1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?                    # 1.234.567,89
      | [1-9]\d{0,2}(?:[ \u00a0\u202f']\d{3})+(?:[.,]\d*)?  # 1 234 567,89
    )\ ?%?""",
    re.VERBOSE,
)
_CURRENCY = (
    r"(?:[A-Z]{0,3}[$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd]|"
    r"USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|BRL)"
)
_AMOUNT = r"(?:\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+|\d+)(?:[.,]\d{1,4}|[.,]-)?"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_ZONE = r"(?:\ ?(?:Z|UTC|[+-]\d{2}:?\d{0,2}))?"
_CLOCK = rf"(?:[T ,]+\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d{{1,9}})?)?(?:\ ?[ap]\.?m\.?)?{_ZONE})?"
_YEAR_FIRST = _shape(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_CLOCK}", re.IGNORECASE)
_YEAR_LAST = _shape(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_CLOCK}", re.IGNORECASE)
_DAY_MONTH = _shape(rf"(\d{{1,2}})\.?[ -]{_MONTH}[ -](\d{{4}}|\d{{2}}){_CLOCK}", re.IGNORECASE)
_MONTH_DAY = _shape(rf"{_MONTH} (\d{{1,2}}),? (\d{{4}}){_CLOCK}", re.IGNORECASE)


def parse_number(value: str) -> float | None:
    """Read a number as programs write them; None for anything else, leading zeros included.

    >>> parse_number("12.5"), parse_number("007"), parse_number("1,5")
    (12.5, None, None)
    """
    value = value.strip()
    return float(value) if _PLAIN_NUMBER.fullmatch(value) else None


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _full_year(digits: str) -> int:
    """Read a year; two digits are of this century, which changes no calendar but that of 1900."""
    return int(digits) + (2000 if len(digits) < len("2013") else 0)


def _month(name: str) -> int:
    return _MONTHS.index(name.lower()) + 1


def _is_date(value: str) -> bool:
    """Decide whether a value is a calendar day, with or without a time; `20130101` is not."""
    if found := _YEAR_FIRST.fullmatch(value):
        return _is_day(int(found[1]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(value):
        first, second, year = int(found[1]), int(found[3]), _full_year(found[4])
        return _is_day(year, second, first) or _is_day(year, first, second)
    if found := _DAY_MONTH.fullmatch(value):
        return _is_day(_full_year(found[3]), _month(found[2]), int(found[1]))
    if found := _MONTH_DAY.fullmatch(value):
        return _is_day(_full_year(found[3]), _month(found[1]), int(found[2]))
    return False


def _is_url(value: str) -> bool:
    from urllib.parse import urlsplit  # noqa: PLC0415 - only columns that hold addresses pay for it

    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    return "." in host.strip(".") or host == "localhost" or ":" in host


def _is_ip(value: str) -> bool:
    import ipaddress  # noqa: PLC0415 - only columns that look like addresses pay for it

    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_iban(value: str) -> bool:
    from stdnum import iban  # noqa: PLC0415 - only columns that look like IBANs pay for it

    return bool(iban.is_valid(value))


def _is_card(value: str) -> bool:
    from stdnum import luhn  # noqa: PLC0415 - only columns of long digits pay for it

    return bool(luhn.is_valid(value.replace(" ", "").replace("-", "")))


def _is_json(value: str) -> bool:
    import json  # noqa: PLC0415 - only columns that open a bracket pay for it

    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _is_country(value: str) -> bool:
    return value.upper() in COUNTRY_CODES


def _is_truth_word(value: str) -> bool:
    return any(value.lower() in pair for pair in TRUTH_PAIRS)


def _has_phone_digits(value: str) -> bool:
    """Hold a number to the 15 digits of ITU-T E.164, and to 6 at least."""
    return 6 <= sum(mark.isdigit() for mark in value) <= 15  # noqa: PLR2004 - E.164, section 6


def _is_latitude(value: str) -> bool:
    number = parse_number(value)
    return number is not None and -90 <= number <= 90  # noqa: PLR2004 - degrees


def _is_longitude(value: str) -> bool:
    number = parse_number(value)
    return number is not None and -180 <= number <= 180  # noqa: PLR2004 - degrees


_DEGREES = _shape(r"[+-]?\d{1,3}(?:\.\d*)?(?:[eE]-\d+)?")

#: Digits as telephone numbers are kept where a name already says what they are.
PHONE_DIGITS = Format(pattern=_shape(r"\+?[\d(][\d ()./x-]{4,24}"), check=_has_phone_digits)

#: Formats by semantic type. Order is that of judging: the most specific first.
FORMATS: Mapping[str, Format] = {
    "uuid": Format(pattern=_shape(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)),
    "email": Format(
        # The HTML standard's (4.10.5.1.5) with a dot in the domain, and letters of any script.
        pattern=re.compile(
            r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]+",
            re.IGNORECASE,
        )
    ),
    "url": Format(
        pattern=_shape(r"(?:(?:https?|ftps?|s3|gs)://|www\.)[^\s/?#]+\S*", re.IGNORECASE),
        check=_is_url,
        max_length=4096,
    ),
    "ip": Format(
        pattern=_shape(
            r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}:[0-9a-f:.]{0,34}:[0-9a-f.]{0,15}", re.IGNORECASE
        ),
        check=_is_ip,
    ),
    "iban": Format(
        pattern=_shape(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", re.IGNORECASE), check=_is_iban
    ),
    "card": Format(
        # ISO/IEC 7812: 13 to 19 digits; 2 to 6 open the numbers of banks and merchants.
        pattern=_shape(
            r"[2-6]\d{12,18}|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{1,7}|3\d{3}([ -])\d{6}\2\d{5}"
        ),
        check=_is_card,
    ),
    "json": Format(pattern=_shape(r"\{.*\}|\[.*\]", re.DOTALL), check=_is_json, max_length=1 << 20),
    "date_in_text": Format(pattern=_shape(r"[\dA-Za-z][\w ,.:/+-]{5,39}"), check=_is_date),
    "money": Format(
        pattern=_shape(
            rf"[+-]?\(?{_CURRENCY} ?-?{_AMOUNT}\)?|[+-]?{_AMOUNT}[ \u00a0\u202f]?{_CURRENCY}"
        )
    ),
    "phone": Format(
        # With a country code; as North America writes it; with an area code in parentheses.
        pattern=_shape(
            r"(?:\+|00)[1-9][\d ()./-]{5,20}\d"
            r"|(?:1[ .-])?\(\d{3}\) ?\d{3}[ .-]\d{4}"
            r"|(?:1[ .-])?\d{3}([ .-])\d{3}\1\d{4}"
            r"|\(0\d{1,5}\)[\d /-]{4,12}\d"
        ),
        check=_has_phone_digits,
    ),
    "number_in_text": Format(pattern=_NUMBER),
    "country_code": Format(pattern=_shape(r"[A-Z]{2,3}", re.IGNORECASE), check=_is_country),
    "boolean_like": Format(pattern=_shape(r"[a-z01]{1,5}", re.IGNORECASE), check=_is_truth_word),
    "latitude": Format(pattern=_DEGREES, check=_is_latitude),
    "longitude": Format(pattern=_DEGREES, check=_is_longitude),
}
