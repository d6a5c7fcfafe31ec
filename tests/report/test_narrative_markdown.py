"""Whatever stands in the data, the Markdown stays a heading and bullets of harmless text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.narrative_samples import TITLE, documents, kpi, narrated
from voyant.artifacts.narrative import NarrativeArtifact, Section
from voyant.report.narrative_markdown import to_markdown
from voyant.report.narrative_place import Place, say

HOSTILE = [
    "*bold*",
    "_under_",
    "`code`",
    "``",
    "a`b``c```d",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a|b",
    "# heading",
    "- item",
    "[link](https://example.com)",
    "![image](https://example.com/x.png)",
    "https://example.com",
    "www.example.com",
    "&lt;b&gt;",
    "line\nbreak",
    "paragraph\n\n# heading",
    "\u2028# heading",
    "\r\n---\r\n",
    "\u202eevil\u202c",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u0000",
    "",
    " ",
    "\\",
    "\\`",
    "$x$",
    "~~gone~~",
    "\U0001f600",
    "x" * 10_000,
]


def outside_code(markdown):
    """Take code spans out as CommonMark 0.31.2, section 6.1, reads them."""
    kept, at = [], 0
    while at < len(markdown):
        if markdown[at] == "\\" and at + 1 < len(markdown):
            kept.append(" ")  # an escaped mark is none
            at += 2
            continue
        run = re.compile("`+").match(markdown, at)
        if not run:
            kept.append(markdown[at])
            at += 1
            continue
        end = re.compile(f"(?<!`){run[0]}(?!`)").search(markdown, run.end())
        assert end, f"a fence that never closes: {markdown!r}"
        assert "\n" not in markdown[run.end() : end.start()]
        at = end.end()
    return "".join(kept)


def assert_harmless(markdown, expected_lines):
    assert "\r" not in markdown
    lines = markdown.split("\n")
    assert len(lines) == expected_lines
    for line in lines:
        plain = outside_code(line)
        assert plain == "" or plain.startswith(("# ", "## ", "- "))
        text = plain.removeprefix("## ").removeprefix("# ").removeprefix("- ")
        assert not re.search(r"[<>*_\[\]`|~$]", text), line
        assert not re.search(r"&(?!amp;|lt;|gt;)", text), line
        assert not re.search(r"https?://|www\.", text), line


def page(*parts):
    sections = [Section(name="own", title="Own", sentences=[say(*parts)])]
    return to_markdown(NarrativeArtifact(title="All", sections=sections, missing={}))


@pytest.mark.parametrize("form", ["name", "text", "unit"])
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_data_stays_data(text, form):
    place = Place("f.json", (), {"v": text}).at("v")
    assert_harmless(page("Before ", place.fact(form), " after."), 6)


@given(st.text(max_size=80), st.sampled_from(["name", "text", "unit"]))
def test_any_data_stays_data(text, form):
    place = Place("f.json", (), {"v": text}).at("v")
    assert_harmless(page(place.fact(form), ", ", place.fact(form)), 6)


@given(st.text(max_size=80))
def test_a_writers_own_words_are_escaped_too(words):
    assert_harmless(page("Say: ", words), 6)


def test_a_code_span_gives_the_name_back():
    for name in ("dep_delay", "a`b", "`", "``x``", " padded "):
        markdown = page("The ", Place("f.json", (), {name: 1}).at(name).name(), ".")
        span = re.search(r"The (`+)(.*)\1\.", markdown)
        assert span
        inner = span[2]
        # Section 6.1: one space is stripped from both sides if there is one on both.
        if inner.startswith(" ") and inner.endswith(" ") and inner.strip():
            inner = inner[1:-1]
        assert inner == name


def test_right_to_left_names_keep_to_themselves():
    name = "\u05e9\u05dc\u05d5\u05dd"
    markdown = page("The ", Place("f.json", (), {name: 1}).at(name).name(), " column.")
    assert f"\u2068`{name}`\u2069" in markdown


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_whole_narrative_of_hostile_names(name):
    table = {"row_count": 1, "column_count": 1, "columns": {name: {"kind": "text"}}}
    files = documents(
        profile={"tables": {name: table, "other": table}},
        kpis={"kpis": [kpi(name, 5, unit=name), kpi(name + "2", status="error", error=name)]},
        missing={"drift": {"status": "failed", "reason": name}},
    )
    narrative = narrated(files)
    bullets = sum(len(section.sentences) for section in narrative.sections)
    heads = len(narrative.sections)
    # The title, then for each section an empty line, its heading, an empty line; a last line end.
    assert_harmless(to_markdown(narrative), 1 + 3 * heads + bullets + 1)
    assert to_markdown(narrative).startswith(f"# {TITLE}\n\n## What this is\n\n- ")
