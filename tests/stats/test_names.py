"""Names cut into words."""

from __future__ import annotations

import pytest

from voyant.stats.names import name_tokens, singular


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("customer_id", ("customer", "id")),
        ("customerId", ("customer", "id")),
        ("CustomerID", ("customer", "id")),
        ("IDCustomer", ("id", "customer")),
        ("CUSTOMER_ID", ("customer", "id")),
        ("unit-price (EUR)", ("unit", "price", "eur")),
        ("o_custkey", ("o", "cust", "key")),
        ("commitdate", ("commit", "date")),
        ("address2", ("address", "2")),
        ("grid", ("grid",)),
        ("größe", ("gr", "öß", "e")),
        ("", ()),
        ("日本", ("日本",)),
        ("🎉", ()),
    ],
)
def test_words(name, words):
    assert name_tokens(name) == words


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("flights", "flight"),
        ("companies", "company"),
        ("boxes", "box"),
        ("classes", "class"),
        ("houses", "house"),
        ("address", "address"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("gas", "gas"),
        ("ties", "tie"),
        ("sku", "sku"),
    ],
)
def test_singular(plural, one):
    assert singular(plural) == one
