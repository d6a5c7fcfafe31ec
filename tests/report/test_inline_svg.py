from __future__ import annotations

import pytest

from voyant.report.inline_svg import NotADrawingError, inline_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"'


def drawn(inside: str, attributes: str = "") -> str:
    return str(inline_svg(f"{HEAD}{attributes}>{inside}</svg>", "p-", "Said"))


def test_shapes_and_words_stay():
    assert drawn('<g class="x"><path d="M0 0" fill="#fff"/></g><text x="1">a &lt; b</text>') == (
        '<svg role="img" aria-label="Said" viewBox="0 0 1 1"><g><path d="M0 0" fill="#fff"></path>'
        '</g><text x="1">a &lt; b</text></svg>'
    )


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<a href="javascript:alert(1)"><text>x</text></a>',
        "<foreignObject><b>x</b></foreignObject>",
        '<image href="http://x/y.png"/>',
        '<use href="#x"/>',
        "<style>* { display: none }</style>",
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onclick" to="alert(1)"/>',
    ],
)
def test_what_acts_or_loads_is_left_out_with_all_that_is_in_it(inside):
    assert drawn(inside) == '<svg role="img" aria-label="Said" viewBox="0 0 1 1"></svg>'


@pytest.mark.parametrize(
    "attribute",
    [
        'onload="alert(1)"',
        'style="fill: url(http://x)"',
        'fill="url(http://x/y#z)"',
        'clip-path="URL(data:image/svg+xml,x)"',
        'href="#x"',
        'class="tabs"',
        'id="a b"',
    ],
)
def test_attributes_that_are_not_listed_are_left_out(attribute):
    assert drawn(f"<g {attribute}/>") == drawn("<g/>")


def test_identifiers_and_what_names_them_get_the_prefix():
    made = drawn('<defs><clipPath id="c.1"/></defs><g clip-path="url(#c.1)"/>')
    assert 'id="p-c.1"' in made
    assert 'clip-path="url(#p-c.1)"' in made


def test_marks_that_keep_directions_apart_stay_and_others_are_shown():
    assert "<text>\u2068a\u2069[U+202E]b</text>" in drawn("<text>\u2068a\u2069\u202eb</text>")


def test_the_label_is_escaped():
    made = inline_svg(f"{HEAD}/>", "p-", '"><script>')
    assert 'aria-label="&#34;&gt;&lt;script&gt;"' in made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "words",
        "<svg>",
        "<svg/>",
        "<html/>",
        '<!DOCTYPE svg [<!ENTITY a "b">]>' + HEAD + ">&a;</svg>",
        HEAD + "><!-- a comment --></svg>",
        HEAD + ">" + 5000 * "<g>" + 5000 * "</g>" + "</svg>",
    ],
)
def test_anything_else_is_no_drawing(text):
    with pytest.raises(NotADrawingError):
        inline_svg(text, "p-", "Said")
