"""How a number, a date or a value from the data reads on a page: short in sight, exact on demand.

Nothing here depends on a locale or on the time of day. Thousands are grouped from five digits on,
so that years stay years; a minus is a real minus; shares are fractions in and percent out.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

from markupsafe import Markup, escape

from voyant.core.tables import Scalar

__all__ = [
    "ABSENT",
    "Figure",
    "Value",
    "byte_size",
    "column_name",
    "count",
    "day",
    "duration",
    "moment",
    "number",
    "percent",
    "plural",
    "points",
    "value",
    "visible",
]

_MINUS = "\N{MINUS SIGN}"
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_SIGNIFICANT_DIGITS = 4
_FULL_SCORE = 100
_GROUPED_FROM = 10_000
_COMPACT_FROM = 100_000_000
_PLAIN_BELOW = 1e15
_SCIENTIFIC_BELOW = 1e-4
_SECOND, _MINUTE, _HOUR, _DAY, _TWO_DAYS = 1, 60, 3600, 86_400, 172_800
_TITLE_CHARACTERS = 300
_SHAPES = {"\t": "\N{RIGHTWARDS ARROW TO BAR}", "\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"}
# Marks that change how a line is read, unseen. The joiners stay: emoji and Persian need them.
_INVISIBLE = frozenset("\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060"
                       "\u2066\u2067\u2068\u2069\ufeff")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """Something Voyant measured; prints itself as HTML, with the exact value as its tool tip.

    >>> print(Figure("2.5%", "0.0245").__html__(), Figure("12", "12").__html__())
    <span title="0.0245">2.5%</span> 12
    """

    text: str
    exact: str

    def __str__(self) -> str:
        """Return what is seen."""
        return self.text

    def __html__(self) -> Markup:
        """Return the HTML that templates print."""
        if self.exact == self.text:
            return escape(self.text)
        return Markup('<span title="%s">%s</span>') % (self.exact, self.text)


@dataclass(frozen=True, slots=True)
class Value:
    """Something that stands in the data: escaped, and isolated so that it cannot reorder its line.

    >>> print(Value("<b>", "<b>").__html__())
    <bdi>&lt;b&gt;</bdi>
    """

    text: str
    exact: str
    is_plain: bool = True
    """Whether the text is the value itself, rather than words about it, such as `(empty)`."""

    def __str__(self) -> str:
        """Return what is seen."""
        return self.text

    def __html__(self) -> Markup:
        """Return the HTML that templates print."""
        if self.is_plain and self.exact == self.text:
            return Markup("<bdi>%s</bdi>") % self.text
        style = Markup() if self.is_plain else Markup(' class="odd"')
        return Markup('<bdi%s title="%s">%s</bdi>') % (style, self.exact, self.text)


#: What stands where a number has no meaning or could not be assessed.
ABSENT = Figure("\N{EN DASH}", "not assessed")


def count(rows: int | None) -> Figure:
    """Print a count: in full while it is readable, then rounded.

    >>> [str(count(n)) for n in (0, 2013, 336_776, 6_001_215, 1_234_567_890)]
    ['0', '2,013', '336,776', '6,001,215', '1.235 billion']
    >>> count(None) == ABSENT
    True
    """
    if rows is None:
        return ABSENT
    exact = f"{rows:,}"
    if abs(rows) < _COMPACT_FROM:
        return Figure(exact, exact)
    for size, unit in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(rows) >= size:
            return Figure(f"{_rounded(rows / size)} {unit}", exact)
    raise AssertionError(rows)


def plural(rows: int, noun: str, plural_noun: str = "") -> str:
    """Print a count with its noun.

    >>> plural(1, "row"), plural(0, "row"), plural(12_345, "duplicate", "duplicates")
    ('1 row', '0 rows', '12,345 duplicates')
    """
    return f"{count(rows)} {noun if rows == 1 else plural_noun or noun + 's'}"


def number(measured: float | None) -> Figure:
    r"""Print a measured number with four significant digits, whole numbers in full.

    >>> [str(number(n)) for n in (12, 12.63907, 0.00012345, 123456.789, 0.0, 10**40, True)]
    ['12', '12.64', '0.0001234', '123,457', '0', '1e40', 'true']
    >>> [ascii(str(number(n))) for n in (-43.0, 2.5e-9)]
    ["'\\u221243'", "'2.5e\\u22129'"]
    >>> number(12.63907).exact
    '12.63907'
    """
    if measured is None:
        return ABSENT
    if isinstance(measured, bool):
        return Figure(str(measured).lower(), str(measured).lower())
    if isinstance(measured, float) and not math.isfinite(measured):
        return Figure(str(measured), str(measured))
    exact = repr(measured)
    if measured == int(measured) and abs(measured) < _PLAIN_BELOW:
        return Figure(_grouped(int(measured)), exact.removesuffix(".0").replace("-", _MINUS))
    return Figure(_rounded(measured), exact)


def percent(fraction: float | None, exact: str = "") -> Figure:
    """Print a share in [0, 1] as percent, never rounding something to nothing or to all.

    >>> [str(percent(f)) for f in (0, 0.00002, 0.0245, 0.36, 0.9996, 1)]
    ['0%', '<0.1%', '2.5%', '36%', '>99.9%', '100%']
    >>> percent(0.0245, "8,255 of 336,776").exact
    '8,255 of 336,776'
    """
    if fraction is None:
        return ABSENT
    if 0 < fraction < 0.001:  # noqa: PLR2004 - the smallest share that one decimal can show
        text = "<0.1%"
    elif 0.999 < fraction < 1:  # noqa: PLR2004 - the largest share that one decimal can show
        text = ">99.9%"
    else:
        share = 100 * fraction
        decimals = 0 if share == int(share) or 10 <= share < 99 else 1  # noqa: PLR2004
        text = f"{share:.{decimals}f}%"
    return Figure(text, exact or repr(fraction))


def points(score: float | None) -> Figure:
    """Print a score in [0, 1] as points out of 100, cut rather than rounded: 100 is flawless.

    >>> [str(points(s)) for s in (0.978, 0.9695, 1.0, 0.9999, 0.0)]
    ['97.8', '96.9', '100', '99.9', '0.0']
    """
    if score is None:
        return ABSENT
    cut = (Decimal(repr(score)) * _FULL_SCORE).quantize(Decimal("0.1"), ROUND_DOWN)
    return Figure("100" if score >= 1 else str(cut), repr(score))


def byte_size(size_bytes: int) -> Figure:
    """Print a size in decimal units.

    >>> [str(byte_size(n)) for n in (1, 999, 1_234_567)], byte_size(1_234_567).exact
    (['1 byte', '999 bytes', '1.235 MB'], '1,234,567 bytes')
    """
    exact = plural(size_bytes, "byte")
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= size:
            return Figure(f"{_rounded(size_bytes / size)} {unit}", exact)
    return Figure(exact, exact)


def duration(seconds: float) -> Figure:
    """Print a span of time in its two largest units.

    >>> [str(duration(s)) for s in (0.0123, 3.21, 75, 3900, 90_000, 31_449_600)]
    ['12.3 ms', '3.21 s', '1 min 15 s', '1 h 5 min', '25 h', '364 days']
    """
    exact = f"{seconds!r} s"
    span = abs(seconds)
    if span < _SECOND:
        text = f"{_rounded(span * 1000, 3)} ms"
    elif span < _MINUTE:
        text = f"{_rounded(span, 3)} s"
    elif span < _HOUR:
        text = _two_units(span, _MINUTE, "min", 1, "s")
    elif span < _TWO_DAYS:
        text = _two_units(span, _HOUR, "h", _MINUTE, "min")
    else:
        text = f"{_grouped(round(span / _DAY))} days"
    return Figure((_MINUS if seconds < 0 else "") + text, exact)


def moment(iso: str) -> Figure:
    """Print an ISO date or timestamp, without a midnight or seconds that say nothing.

    >>> [str(moment(t)) for t in ("2013-01-01", "2013-01-01T00:00:00", "2013-01-01T05:15:00+00:00")]
    ['2013-01-01', '2013-01-01', '2013-01-01 05:15 UTC']
    >>> str(moment("2013-01-01T05:15:09.250000")), str(moment("-infinity"))
    ('2013-01-01 05:15:09', '-infinity')
    """
    try:
        read = datetime.fromisoformat(iso)
    except ValueError:
        text = visible(iso)
        return Figure(text, text)
    clock = ""
    if (read.hour, read.minute, read.second) != (0, 0, 0):
        clock = f" {read:%H:%M:%S}" if read.second else f" {read:%H:%M}"
    zone = ""
    if clock and read.utcoffset() is not None:
        zone = " UTC" if not read.utcoffset() else f" {iso[-6:]}"
    return Figure(f"{date(read.year, read.month, read.day).isoformat()}{clock}{zone}", visible(iso))


def day(iso: str) -> Figure:
    """Print the day of an ISO date or timestamp, where the time of day would say too much.

    >>> day("2013-01-01T05:15:00+00:00")
    Figure(text='2013-01-01', exact='2013-01-01T05:15:00+00:00')
    """
    at = moment(iso)
    return Figure(at.text.partition(" ")[0], at.exact)


def value(scalar: Scalar, *, length: int = 60) -> Value:
    """Print a value from the data, cut to a length, saying what cannot be seen.

    >>> [str(value(v)) for v in (None, "", "  ", True, 5, 0.5, "two words")]
    ['(null)', '(empty)', '␣␣', 'true', '5', '0.5', 'two words']
    >>> value("x" * 80).text == "x" * 59 + "…"
    True
    """
    if scalar is None:
        return Value("(null)", "(null)", is_plain=False)
    if isinstance(scalar, bool | int | float):
        shown = number(scalar)
        return Value(shown.text, shown.exact)
    if not scalar:
        return Value("(empty)", "the empty string", is_plain=False)
    if scalar.isspace():
        return _white_space(scalar[:length], plural(len(scalar), "white-space character"))
    return _cut(scalar, length)


def column_name(name: str, *, length: int = 48) -> Value:
    """Print a table's or column's name; it is data too, and may be anything.

    >>> str(column_name("dep_delay")), str(column_name(""))
    ('dep_delay', '(no name)')
    """
    if not name:
        return Value("(no name)", "the empty string", is_plain=False)
    if name.isspace():
        return _white_space(name[:length], plural(len(name), "white-space character"))
    return _cut(name, length)


def visible(text: str) -> str:
    r"""Give unseen characters a shape, so that no page or reader is fooled by them.

    >>> visible("a\x00b\tc\u202ed")
    'a[U+0000]b⇥c[U+202E]d'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    if character in _SHAPES:
        return _SHAPES[character]
    code = ord(character)
    category = unicodedata.category(character)
    if category == "Cs":  # half of a pair: UTF-8 cannot hold it
        return "\N{REPLACEMENT CHARACTER}"
    is_unseen = category in {"Cc", "Cn"} or character in _INVISIBLE
    return f"[U+{code:04X}]" if is_unseen else character


def _white_space(text: str, exact: str) -> Value:
    return Value(visible(text).replace(" ", "\N{OPEN BOX}"), exact, is_plain=False)


def _cut(text: str, length: int) -> Value:
    full = visible(text[: _TITLE_CHARACTERS + 1])
    if len(full) > _TITLE_CHARACTERS:
        full = full[: _TITLE_CHARACTERS - 1] + _ELLIPSIS
    return Value(full if len(full) <= length else full[: length - 1] + _ELLIPSIS, full)


def _grouped(whole: int) -> str:
    text = f"{whole:,}" if abs(whole) >= _GROUPED_FROM else str(whole)
    return text.replace("-", _MINUS)


def _rounded(measured: float, digits: int = _SIGNIFICANT_DIGITS) -> str:
    rounded = (
        Decimal(f"{measured:.{digits - 1}e}") if isinstance(measured, float) else Decimal(measured)
    )
    if rounded and not _SCIENTIFIC_BELOW <= abs(rounded) < _PLAIN_BELOW:
        mantissa, _, exponent = f"{rounded:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}".replace("-", _MINUS)
    if abs(rounded) >= _GROUPED_FROM:
        return _grouped(round(measured))
    text = f"{rounded:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", _MINUS)


def _two_units(span: float, large: int, large_name: str, small: int, small_name: str) -> str:
    first, rest = divmod(round(span / small), large // small)
    return f"{first} {large_name}" + (f" {rest} {small_name}" if rest else "")
