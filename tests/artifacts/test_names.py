"""No name leads out of its folder, on any system, in any disguise."""

# ruff: noqa: RUF001 - look-alike characters are what is tested
from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.artifacts.names import check_name
from voyant.core.errors import UnsafeNameError

SAFE = ["job_123", "2025-03-31", "acme", "a", "café", "表", "x.y", "a b", "20250331-141503-9f3a1c"]
SAFE_ARTIFACTS = ["profile.json", "charts/x.svg", "a/b/c.html", "index.html", "connect.json"]
UNSAFE = [
    *("", ".", "..", "../x", "a/../b", "/abs", "a//b", "a/", "/", "./a", "a/./b"),
    *("..\\x", "a\\b", "C:", "C:\\x", "\\\\server\\share"),
    *(".hidden", "-rf", "charts/.x", "charts/-x"),
    *("a\0b", "a\nb", "a\x1b[31m", "a\x7f", "a\u200bb", "a\u202egnp.exe", "a\ud800", "a\u2028b"),
    *("con", "CON", "nul.txt", "Aux", "com1", "LPT9.json", "COM¹", "conin$", "charts/prn.svg"),
    *("a.", "a ", " a", "a\u00a0", "a<b", "a>b", 'a"b', "a|b", "a?b", "a*b", "a:b"),
    *("e\u0301", "．．", "․․", "‥", "a／b", "ａ＼b", "．hidden", "：x"),
    *("x" * 201, "é" * 101, "/".join(["x" * 100] * 11)),
]


@pytest.mark.parametrize("name", SAFE)
@pytest.mark.parametrize("kind", ["job", "tenant", "artifact"])
def test_plain_names_are_given_back(kind, name):
    assert check_name(kind, name) == name


@pytest.mark.parametrize("name", SAFE_ARTIFACTS)
def test_artifacts_may_have_parts(name):
    assert check_name("artifact", name) == name


@pytest.mark.parametrize("name", UNSAFE, ids=ascii)
@pytest.mark.parametrize("kind", ["job", "tenant", "artifact"])
def test_unsafe_names_are_refused(kind, name):
    with pytest.raises(UnsafeNameError) as caught:
        check_name(kind, name)
    assert kind in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("kind", ["job", "tenant"])
def test_jobs_and_tenants_have_one_part(kind):
    with pytest.raises(UnsafeNameError):
        check_name(kind, "a/b")


@pytest.mark.parametrize("value", [None, 7, b"x", ["x"]])
def test_only_text_is_a_name(value):
    with pytest.raises(UnsafeNameError, match="not text"):
        check_name("job", value)


def test_a_long_name_is_shortened_in_the_message():
    with pytest.raises(UnsafeNameError) as caught:
        check_name("job", "x" * 100_000)
    assert len(str(caught.value)) < 300


@given(st.text(max_size=30) | st.text(alphabet="./\\-:aC～․．／\0\n\u200b ", max_size=8))
def test_what_passes_stays_inside_whatever_the_system_makes_of_it(name):
    try:
        check_name("artifact", name)
    except UnsafeNameError:
        return
    for form in (name, *(unicodedata.normalize(f, name) for f in ("NFC", "NFD", "NFKC", "NFKD"))):
        for path in (PurePosixPath("/root", form), PureWindowsPath("C:/root", form)):
            assert path.is_relative_to(path.anchor + "root")
            assert ".." not in path.parts
            assert path.name not in {"", "root"}
