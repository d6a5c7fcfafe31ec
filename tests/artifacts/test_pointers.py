"""JSON pointers, by the examples of RFC 6901."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.artifacts.pointers import make_pointer, resolve_pointer, split_pointer

#: RFC 6901, section 5.
DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_the_rfc(pointer, expected):
    assert resolve_pointer(DOCUMENT, pointer) == expected


@pytest.mark.parametrize("pointer", ["/no", "/foo/2", "/foo/-1", "/foo/01", "/foo/-", "/foo/0/x"])
def test_a_pointer_to_nothing_is_an_error(pointer):
    with pytest.raises(LookupError, match="names nothing"):
        resolve_pointer(DOCUMENT, pointer)


@pytest.mark.parametrize("pointer", ["foo", "/a~2", "/a~"])
def test_text_that_is_no_pointer_is_an_error(pointer):
    with pytest.raises(ValueError, match="JSON pointer"):
        resolve_pointer(DOCUMENT, pointer)


def test_an_escaped_tilde_before_a_one_stays_a_tilde():
    assert split_pointer("/~01") == ["~1"]  # section 4: ~1 is read first, ~0 last


@given(st.lists(st.text()))
def test_what_is_written_is_read(path):
    assert split_pointer(make_pointer(*path)) == path
    document: object = 42
    for name in reversed(path):
        document = {name: document}
    assert resolve_pointer(document, make_pointer(*path)) == 42
