"""What would be wrong in a column, judged by its name, type and summary: nothing is counted here.

False alarms are worse than misses: a check is proposed only where names and values agree.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

from voyant.core.checks import RowCheck, RowCheckKind
from voyant.core.tables import ColumnKind, ColumnSummary, Scalar, TableSummary
from voyant.stats.formats import FORMATS
from voyant.stats.masking import mask_value
from voyant.stats.names import KEY_WORDS, name_tokens, singular
from voyant.stats.semantic import is_valid

__all__ = [
    "CHECKED_FORMATS",
    "Fences",
    "Possible",
    "case_variants",
    "date_pairs",
    "has_whole_sample",
    "is_kept_short",
    "is_key_named",
    "missing_count",
    "mixed_form",
    "outlier_fences",
    "personal_rows",
    "possible_range",
    "surely_valid",
    "written_format",
]

#: Formats whose breaches are reported; telephone numbers and money are written too freely.
CHECKED_FORMATS = frozenset({"email", "url", "uuid", "iban", "card", "country_code", "ip", "json"})

_FORMAT_WORDS: Mapping[str, frozenset[str]] = {
    "email": frozenset({"email", "mail"}),
    "url": frozenset({"url", "uri", "link", "website", "homepage"}),
    "uuid": frozenset({"uuid", "guid"}),
    "iban": frozenset({"iban"}),
    "card": frozenset({"card", "creditcard"}),
    "country_code": frozenset({"country", "iso2", "iso3"}),
}
_MOSTLY = 0.5
_NEARLY_ALL = 0.9
_MIN_DIFFERENT = 2
_MIN_KEY_UNIQUENESS = 0.9

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#: RE2 patterns of values that are valid beyond doubt: only the others are judged one by one.
_SURE: Mapping[str, str] = {
    "email": rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+[A-Za-z]{{2,24}}$",
    "uuid": r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    "url": rf"^https?://(?:{_LABEL}\.)+[A-Za-z]{{2,24}}(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?$",
}

_COUNT_WORDS = frozenset("count counts qty quantity age population".split())  # noqa: SIM905
_CHANGE_WORDS = frozenset(
    "change diff difference delta net growth balance log z norm normed scaled std score adjustment"  # noqa: SIM905
    " adj adjusted variance error deviation correction gain return returned refund moving".split()
)
_BIRTH_WORDS = frozenset("birth birthday birthdate dob born".split())  # noqa: SIM905
_LATITUDE, _LONGITUDE = frozenset({"latitude", "lat"}), frozenset({"longitude", "lon", "lng"})
_FULL_COORDINATES = frozenset({"latitude", "longitude"})

#: Steps that follow one another; words of one step mean the same.
_SEQUENCES = (
    (("birth", "birthday", "birthdate", "dob", "born"), ("death", "died", "deceased")),
    (("start", "started", "begin", "began"), ("end", "ended", "finish", "finished", "stop")),
    (("from",), ("to", "until", "thru")),
    (("open", "opened"), ("close", "closed")),
    (("created", "create", "creation"), ("updated", "modified", "closed", "completed", "deleted")),
    (
        ("order", "ordered"),
        ("ship", "shipped", "shipping"),
        ("deliver", "delivered", "delivery", "receipt", "received"),
    ),
    (("pickup",), ("dropoff",)),
    (("checkin",), ("checkout",)),
    (("hire", "hired"), ("termination", "terminated", "fired")),
    (("admission", "admitted", "admit"), ("discharge", "discharged")),
    (("effective",), ("expiry", "expiration", "expires", "expired")),
    (("departure", "departed"), ("arrival", "arrived")),
)  # fmt: skip
_TIME_WORDS = frozenset("date time datetime timestamp ts at on day dt".split())  # noqa: SIM905
_PLANNED = frozenset("planned plan scheduled sched expected estimated due target promised".split())  # noqa: SIM905

_MIN_OUTLIER_ROWS = 50
_MIN_OUTLIER_VALUES = 20
_HEAVY_TAIL = 0.01
_SHORT_TEXT = 25
_PROSE_WORDS = frozenset(
    "comment comments note notes description text remark remarks message body review".split()  # noqa: SIM905
)
_QUANTITIES = frozenset({"number", "money"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """Values that a thing can have; `why` says what the name was taken to mean."""

    low: Scalar
    high: Scalar
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fences:
    """Where values stop being usual.

    Attributes:
        reason: Why there are none; then the fences say nothing.
    """

    low: float = 0.0
    high: float = 0.0
    method: str = ""
    reason: str = ""


def missing_count(column: ColumnSummary) -> int:
    """Count rows that say nothing: null, NaN, empty or blank text."""
    blank = column.text.empty_count + column.text.whitespace_count if column.text else 0
    return column.null_count + column.nan_count + blank


def has_whole_sample(column: ColumnSummary) -> bool:
    """Decide whether the sample holds every different value of the column."""
    return (
        column.distinct_count is not None
        and "distinct_count" not in column.approximations
        and "sample" not in column.approximations
        and len(column.sample) >= column.distinct_count
        and sum(item.count for item in column.sample) == column.count
    )


def is_key_named(column: ColumnSummary, table: str) -> bool:
    """Decide whether a name says that the column names the rows of this very table.

    `id` and `order_id` do in `orders`; `customer_id` does not.
    """
    words = tuple(singular(word) for word in name_tokens(column.name))
    if not words or words[-1] not in KEY_WORDS - {"no", "nr", "num", "number"}:
        return False
    entity = tuple(singular(word) for word in name_tokens(table))
    distinct = column.distinct_count or 0
    is_mostly_unique = column.count > 0 and distinct >= _MIN_KEY_UNIQUENESS * column.count
    return is_mostly_unique and (words[:-1] in {(), entity} and words[-1] != "fk")


def _texts(column: ColumnSummary) -> list[tuple[str, int]]:
    pairs = ((str(item.value).strip(), item.count) for item in column.sample)
    return [(text, count) for text, count in pairs if text]


def written_format(column: ColumnSummary, meaning: str) -> str | None:
    """Return the format that the column's values are meant to follow, None if there is none.

    It is the semantic type's (nine in ten different values follow it), or one that the name says
    and most different values follow.
    """
    if column.kind is not ColumnKind.TEXT:
        return "card" if meaning == "card" else None
    if meaning in CHECKED_FORMATS:
        return meaning
    words = set(name_tokens(column.name))
    for form, names in _FORMAT_WORDS.items():
        if not words & names:
            continue
        texts = _texts(column)
        valid = sum(is_valid(form, text) for text, _ in texts)
        if len(texts) > _MIN_DIFFERENT and valid > _MOSTLY * len(texts):
            return form
    return None


def mixed_form(column: ColumnSummary, meaning: str) -> str | None:
    """Return `number_in_text` or `date_in_text` if that is what a text column mostly holds."""
    if column.kind is not ColumnKind.TEXT:
        return None
    if meaning in {"number_in_text", "date_in_text"}:
        return meaning
    if meaning not in {"category", "free_text"}:
        return None
    texts = _texts(column)
    rows = sum(count for _, count in texts)
    for form in ("number_in_text", "date_in_text"):
        fit = [(text, count) for text, count in texts if FORMATS[form].matches(text)]
        # Codes such as 007 are no numbers, and two numbers among words are no numeric column.
        codes = any(text[0] == "0" and text[1:2].isdigit() for text, _ in texts)
        enough = len(fit) > max(_MIN_DIFFERENT, _MOSTLY * len(texts))
        if enough and not codes and sum(count for _, count in fit) >= _NEARLY_ALL * rows:
            return form
    return None


def surely_valid(form: str, column: str) -> RowCheck:
    """Return a check that only values of the form pass, though not all of them."""
    kinds = {
        "number_in_text": RowCheckKind.NUMERIC_TEXT, "date_in_text": RowCheckKind.TEMPORAL_TEXT,
    }  # fmt: skip
    if form in kinds:
        return RowCheck(kind=kinds[form], columns=(column,))
    if form in _SURE:
        return RowCheck(kind=RowCheckKind.MATCHES, columns=(column,), pattern=_SURE[form])
    return RowCheck(kind=RowCheckKind.IN_SET, columns=(column,))


def possible_range(column: ColumnSummary, names: Iterable[str], as_of: str) -> Possible | None:
    """Return the values that the thing a column is named after can have, None if it says nothing.

    Args:
        column: The column.
        names: All columns of the table: `lat` means latitude beside `lon`.
        as_of: The moment the run speaks about, ISO 8601.
    """
    words = set(name_tokens(column.name))
    if column.kind.is_temporal and words & _BIRTH_WORDS:
        return Possible(low=None, high=as_of, why="a birth lies in the past")
    if not column.kind.is_numeric or words & _CHANGE_WORDS:
        return None
    others = {word for name in names for word in name_tokens(name)}
    for own, other, limit in ((_LATITUDE, _LONGITUDE, 90), (_LONGITUDE, _LATITUDE, 180)):
        if words & own and (words & _FULL_COORDINATES or others & other):
            why = f"a {'latitude' if limit == 90 else 'longitude'} is within {limit} degrees"  # noqa: PLR2004
            return Possible(low=-limit, high=limit, why=why)
    if words & _COUNT_WORDS:
        word = min(words & _COUNT_WORDS)
        return Possible(low=0, high=None, why=f"the name says {word!r}, which is never negative")
    return None


def outlier_fences(column: ColumnSummary, meaning: str, width: float) -> Fences | None:
    """Place fences `width` interquartile ranges outside of the quartiles; None if not a quantity.

    Nor are there any in a column of few rows or few different values.

    They stand on the logarithmic scale where that fits better (all values above 0). Where more than
    one value in a hundred lies outside even so, the tails are heavy and fences say nothing.

    Source: Tukey (1977), Exploratory Data Analysis, section 2D, with fences so wide that a
    normal distribution has none outside, a log-normal one neither, on its scale.
    """
    if not column.kind.is_numeric or meaning not in _QUANTITIES:
        return None
    grid = column.quantile_grid
    quartiles = [column.quantiles.get(q) for q in (0.25, 0.75)]
    if not grid or quartiles[0] is None or quartiles[1] is None:
        return None
    if column.count < _MIN_OUTLIER_ROWS or (column.distinct_count or 0) < _MIN_OUTLIER_VALUES:
        return None
    found = list(_fences(quartiles[0], quartiles[1], width, is_positive=grid[0] > 0))
    if not found:
        return Fences(reason="half of the values are the same, so the quartiles have no spread")
    outside = [sum(not f.low <= value <= f.high for value in grid) / len(grid) for f in found]
    best = outside.index(min(outside))
    if outside[best] > _HEAVY_TAIL:
        share = f"about {outside[best]:.0%} of the values"
        return Fences(reason=f"the tails are heavy ({share} lie outside), which is no fault")
    return found[best]


def _fences(first: float, third: float, width: float, *, is_positive: bool) -> Iterator[Fences]:
    if third <= first:
        return
    span = width * (third - first)
    said = f"{width:g} interquartile ranges"
    yield Fences(low=first - span, high=third + span, method=f"{said} outside of the quartiles")
    if is_positive:
        span = width * (math.log(third) - math.log(first))
        if math.log(third) + span < math.log(1e300):
            yield Fences(
                low=math.exp(math.log(first) - span),
                high=math.exp(math.log(third) + span),
                method=f"{said} outside of the quartiles, on the logarithmic scale",
            )


def date_pairs(table: TableSummary) -> list[tuple[str, str]]:
    """Find pairs of times of which the names say that the first comes first."""
    columns = [c for c in table.columns.values() if c.kind.is_temporal and c.count]
    words = {c.name: tuple(name_tokens(c.name)) for c in columns}
    return [
        (a.name, b.name)
        for a, b in permutations(columns, 2)
        if _comes_first(words[a.name], words[b.name])
    ]


def _comes_first(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    if bool(set(first) & _PLANNED) or bool(set(second) & _PLANNED):
        return False
    rest_first, rest_second = set(first) - _TIME_WORDS, set(second) - _TIME_WORDS
    for steps in _SEQUENCES:
        earlier = [place for place, step in enumerate(steps) if rest_first & set(step)]
        later = [place for place, step in enumerate(steps) if rest_second & set(step)]
        if len(earlier) == len(later) == 1 and earlier[0] < later[0]:
            same = {word for step in steps for word in step}
            return rest_first - same == rest_second - same
    return False


def case_variants(column: ColumnSummary) -> tuple[int, list[tuple[str, ...]]] | None:
    """Find categories that are written in several ways; None unless all values are known.

    Returns:
        Rows that hold the rarer spellings, and the spellings of each, the most frequent first.
    """
    if column.kind is not ColumnKind.TEXT or not has_whole_sample(column):
        return None
    groups: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for text, count in _texts(column):
        key = " ".join(text.casefold().split())
        if sum(character.isalpha() for character in key) >= _MIN_DIFFERENT:
            groups[key][text] = groups[key].get(text, 0) + count
    found = [group for group in groups.values() if len(group) > 1]
    rows = sum(sum(group.values()) - max(group.values()) for group in found)
    spellings = [tuple(sorted(group, key=lambda text: (-group[text], text))) for group in found]
    return rows, spellings


def is_kept_short(column: ColumnSummary, meaning: str) -> bool:
    """Decide whether white space around a text does harm: it is short, or has a form."""
    if column.text is None:
        return False
    if meaning not in {"free_text", "json"}:
        return True
    is_prose = bool(set(name_tokens(column.name)) & _PROSE_WORDS)
    return not is_prose and (column.text.mean_length or 0) <= _SHORT_TEXT


def personal_rows(column: ColumnSummary) -> tuple[int, int]:
    """Count, over the sample, the rows whose text holds an address or number of a person."""
    texts = _texts(column) if column.kind is ColumnKind.TEXT else []
    return (
        sum(count for text, count in texts if mask_value(text) != text),
        sum(count for _, count in texts),
    )
