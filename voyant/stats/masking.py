"""Which values look like an e-mail address, card or social-security number, and how to mask them.

A guess from the shape of a value, made to miss little: what is masked wrongly is a nuisance, what
is missed stands in an artifact. It looks inside longer text, and knows other dashes, spaces and
digits than ASCII's. It is no anonymisation: names, telephone numbers and nine bare digits stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from voyant.core.tables import Scalar

__all__ = ["MASKED_CARD", "MASKED_EMAIL", "MASKED_SSN", "mask_text", "mask_value"]

MASKED_EMAIL = "[masked email]"
MASKED_CARD = "[masked card]"
MASKED_SSN = "[masked ssn]"

#: Up to this, a double holds every whole number, so digits read from one are the digits written.
_MAX_WHOLE_DOUBLE = 2**53

# Everything but what ends a word or joins it to another may stand in an address (RFC 6531 lets
# nearly all of Unicode in), accents written apart and characters that are not seen among it.
# Possessive and anchored, so that a long word without an @ is read once.
_LOCAL = r"""[^\s@\uff20\ufe6b"<>()\[\]{},:;=|/\\]"""
_LABEL = r"""[^\s@\uff20\ufe6b"<>()\[\]{},:;=|/\\.\u3002\uff0e\uff61'?!&\#]"""
_DOMAIN = rf"""(?:{_LABEL}++[.\u3002\uff0e\uff61])+[^\W\d_]{_LABEL}+"""
_AT = "@\uff20\ufe6b"
_AT_ENCODED = ("%40", "&#64;", "&commat;")
_EMAIL = re.compile(rf"""(?:"[^"\r\n]{{1,64}}"|(?<!{_LOCAL}){_LOCAL}++)[@\uff20\ufe6b]{_DOMAIN}""")
# As addresses stand in URLs and in HTML.
_EMAIL_ENCODED = re.compile(rf"(?<![\w.+-])[\w.+-]++(?:{'|'.join(_AT_ENCODED)}){_DOMAIN}")

# What people and programs put between groups of digits: a dot, or up to three spaces, dashes and
# characters that are not seen.
_SPACES_AND_DASHES = (
    r"[ \-\u00a0\u00ad\u2007\u2009\u200b\u202f\u2060\ufeff\u2010-\u2015\u2212\ufe63\uff0d]"
)
_BETWEEN = rf"(?:\.|{_SPACES_AND_DASHES}{{1,3}})"
_DIGIT_RUN = re.compile(rf"\d++(?:{_BETWEEN}\d++)*+")
_DIGIT_GROUP = re.compile(r"\d+")
_SSN = re.compile(rf"(?<!\d)(\d{{3}})({_BETWEEN})(\d{{2}})\2(\d{{4}})(?!\d)")

#: Opening digits and lengths of card numbers, after ISO/IEC 7812 and the issuers' published ranges.
_ISSUERS = tuple(
    (re.compile(prefix), frozenset(lengths))
    for prefix, lengths in (
        (r"4", (13, 16, 19)),  # Visa
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        (r"3[47]", (15,)),  # American Express
        (r"30[0-5]|3095|3[689]", (14, 16, 19)),  # Diners Club
        (r"6011|64[4-9]|65", (16, 17, 18, 19)),  # Discover
        (r"62|81", (16, 17, 18, 19)),  # UnionPay
        (r"352[89]|35[3-8]", (16, 17, 18, 19)),  # JCB
        (r"50|5[6-8]|6[037]|61", (16, 17, 18, 19)),  # Maestro, RuPay
        (r"220[0-4]|9792", (16, 17, 18, 19)),  # Mir, Troy
    )
)
_MIN_CARD_DIGITS, _MAX_CARD_DIGITS = 13, 19
# A card printed in groups opens with at least four digits and has no single one; a number with one
# dot is a decimal fraction.
_MIN_FIRST_GROUP, _MIN_GROUP, _MIN_DOTS = 4, 2, 2


def mask_value(value: Scalar) -> Scalar:
    """Mask a cell: text in part, a whole number altogether if it is a card number.

    Args:
        value: A cell as it leaves the engine.

    Returns:
        The cell itself where nothing in it looks personal.

    >>> mask_value("write to ann@example.com"), mask_value(4111111111111111), mask_value(12.5)
    ('write to [masked email]', '[masked card]', 12.5)
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float) and not (value.is_integer() and abs(value) <= _MAX_WHOLE_DOUBLE):
        return value
    return MASKED_CARD if 0 < value < 10**_MAX_CARD_DIGITS and _is_card(str(int(value))) else value


def mask_text(text: str) -> str:
    """Mask every part of a text that looks like an e-mail address, card or social-security number.

    >>> mask_text("ann@example.com paid with 4111 1111 1111 1111, SSN 219-09-9999")
    '[masked email] paid with [masked card], SSN [masked ssn]'
    """
    if any(mark in text for mark in _AT):
        text = _EMAIL.sub(MASKED_EMAIL, text)
    if any(mark in text for mark in _AT_ENCODED):
        text = _EMAIL_ENCODED.sub(MASKED_EMAIL, text)
    text = _DIGIT_RUN.sub(_mask_cards, text)
    return _SSN.sub(_mask_ssn, text)


def _mask_ssn(found: re.Match[str]) -> str:
    """Mask numbers that can have been given out: no part is all zeros, and no area is 666.

    Areas from 900 are no social-security numbers but taxpayers' numbers (ITIN) of the same shape.
    """
    area, group, serial = int(found[1]), int(found[3]), int(found[4])
    is_possible = area not in {0, 666} and group and serial
    return MASKED_SSN if is_possible else found[0]


def _mask_cards(found: re.Match[str]) -> str:
    """Mask the card numbers among the digit groups of a run, the longest from each group on."""
    run = found[0]
    groups = [(group.start(), group.end()) for group in _DIGIT_GROUP.finditer(run)]
    pieces: list[str] = []
    written = first = 0
    while first < len(groups):
        last = next((end for end in _candidates(run, groups, first)), None)
        if last is None:
            first += 1
            continue
        pieces += run[written : groups[first][0]], MASKED_CARD
        written, first = groups[last][1], last + 1
    return "".join(pieces) + run[written:]


def _candidates(run: str, groups: list[tuple[int, int]], first: int) -> Iterator[int]:
    """Yield where card numbers that begin at the group `first` end, the longest first."""
    start = groups[first][0]
    if groups[first][1] - start < _MIN_FIRST_GROUP or run[start - 1 : start] == ".":
        return
    digits, dots, ends = "", 0, list[int]()
    for position in range(first, len(groups)):
        begin, end = groups[position]
        if end - begin < _MIN_GROUP:
            break
        dots += position > first and run[begin - 1] == "."
        digits += run[begin:end]
        if len(digits) > _MAX_CARD_DIGITS:
            break
        is_decimal = run[end : end + 1] == "." or 0 < dots < _MIN_DOTS
        if len(digits) >= _MIN_CARD_DIGITS and not is_decimal and _is_card(digits):
            ends.append(position)
    yield from reversed(ends)


def _is_card(digits: str) -> bool:
    """Decide whether digits open as an issuer's do, have the right length and pass the Luhn check.

    Source: ISO/IEC 7812-1:2017, annex B.

    >>> _is_card("4111111111111111"), _is_card("4111111111111112"), _is_card("1111111111111117")
    (True, False, False)
    """
    numbers = [int(digit) for digit in digits]
    ascii_digits = "".join(map(str, numbers))
    if not any(
        len(numbers) in lengths and prefix.match(ascii_digits) for prefix, lengths in _ISSUERS
    ):
        return False
    doubled = [number * 2 for number in numbers[-2::-2]]
    return (sum(numbers[::-2]) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0  # noqa: PLR2004
