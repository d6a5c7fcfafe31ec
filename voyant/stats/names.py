"""Which words is a column or table name made of?"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["KEY_WORDS", "name_tokens", "singular"]

#: Last words of columns that identify something: `customer_id`, `order_key`, `invoice_no`.
KEY_WORDS = frozenset("id key uuid guid sk pk fk no nr num number identifier".split())  # noqa: SIM905

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+")
_GLUED = ("id", "key", "uuid", "guid", "price", "cost", "date", "time", "name", "phone", "mail")
_MIN_STEM = 3


@lru_cache(maxsize=4096)
def name_tokens(name: str) -> tuple[str, ...]:
    """Split a name into lower-case words, at marks, capitals and digits, and before glued endings.

    >>> name_tokens("billingCustomerID"), name_tokens("l_orderkey"), name_tokens("paid")
    (('billing', 'customer', 'id'), ('l', 'order', 'key'), ('paid',))
    """
    words: list[str] = []
    for word in (word.lower() for word in _WORD.findall(name)):
        ending = next((end for end in _GLUED if word.endswith(end)), "")
        # `id` ends too many words (paid, valid, grid) to be cut off without a capital or a mark.
        if ending and ending != "id" and len(word) >= len(ending) + _MIN_STEM:
            words += [word.removesuffix(ending), ending]
        else:
            words.append(word)
    return tuple(words)


def singular(word: str) -> str:
    """Take off an English plural, well enough to compare names.

    >>> singular("airlines"), singular("categories"), singular("boxes"), singular("address")
    ('airline', 'category', 'box', 'address')
    """
    if word.endswith("ies") and len(word) > len("ties"):
        return word.removesuffix("ies") + "y"
    for ending in ("xes", "ches", "shes", "sses"):
        if word.endswith(ending):
            return word.removesuffix("es")
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > _MIN_STEM:
        return word.removesuffix("s")
    return word
