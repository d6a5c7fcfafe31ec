from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.report import svg

HOSTILE = '</title><script>alert("1")</script>'
BAR = re.compile(r"M([\d.]+) 100V([\d.]+)h([\d.]+)V100z")


def parsed(drawing: str) -> ET.Element:
    """Read a drawing strictly; a stray mark is an error."""
    return ET.fromstring(drawing)  # noqa: S314 - our own drawing


def bars(drawing: str) -> list[tuple[float, float, float]]:
    """List each bar's left, width and height."""
    return [(float(x), float(w), 100 - float(top)) for x, top, w in BAR.findall(drawing)]


def test_heights_stand_for_counts():
    drawn = bars(svg.small_histogram([0, 1, 2, 3], [10, 5, 20], "", "a"))
    assert [round(x) for x, _, _ in drawn] == [0, 100, 200]
    assert [height for _, _, height in drawn] == [50, 25, 100]


def test_bars_of_unequal_width_have_equal_area_for_equal_counts():
    (_, narrow, high), (_, wide, low) = bars(svg.small_histogram([0, 1, 4], [8, 8], "", "a"))
    assert wide / narrow == pytest.approx(3, rel=0.05)
    assert high / low == pytest.approx(3, rel=0.01)


def test_a_single_row_beside_a_million_is_seen_and_an_empty_bin_is_not():
    drawn = bars(svg.small_histogram([0, 1, 2, 3], [1_000_000, 0, 1], "", "a"))
    assert len(drawn) == 2
    assert drawn[1][2] >= 1


def test_dates_are_placed_by_time():
    edges = ["2013-01-01", "2013-01-02T00:00:00", "2013-01-05"]
    starts = [x for x, _, _ in bars(svg.small_histogram(edges, [1, 1], "", "a"))]
    assert starts == [0, 75]


@pytest.mark.parametrize(
    ("edges", "counts"),
    [
        ([5.0, 5.0], [3]),
        ([-1.7e308, 0.0, 1.7e308], [1, 2]),
        (["soon", "later"], [1]),
        ([0.0, 5e-324], [1]),
        ([0.0, 1.0], [0]),
        ([], []),
    ],
)
def test_awkward_edges_still_draw_inside_the_box(edges, counts):
    drawing = svg.small_histogram(edges, counts, "", "a")
    parsed(drawing)
    for left, width, height in bars(drawing):
        assert 0 <= left <= left + width <= 300.1
        assert 0 <= height <= 100


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=9, unique=True), st.data()
)
def test_any_histogram_is_well_formed(edges, data):
    edges = sorted(edges)
    size = max(len(edges) - 1, 0)
    counts = data.draw(st.lists(st.integers(0, 10**12), min_size=size, max_size=size))
    for left, width, height in bars(svg.small_histogram(edges, counts, "", "a")):
        assert 0 <= left <= left + width <= 300.1
        assert 0 <= height <= 100


def test_the_large_histogram_has_a_tool_tip_for_each_bin():
    drawing = svg.histogram("a", [0, 1, 2], "Title", "Text", ["first", "second"])
    titles = [node.text for node in parsed(drawing).iter("title")]
    assert titles == ["Title", "first", "second"]
    assert '<use href="#a"/>' in drawing


def test_the_strip_shares_the_histograms_scale():
    marks = {0.05: 10.0, 0.25: 25.0, 0.5: 50.0, 0.75: 75.0, 0.95: 90.0}
    drawing = svg.quantile_strip(0, 100, marks, "")
    assert 'class="thin" d="M30 6H270"' in drawing
    assert 'class="thick" d="M75 6H225"' in drawing
    assert 'class="mark" d="M150 0V12"' in drawing
    del marks[0.5]
    assert svg.quantile_strip(0, 100, marks, "") == ""


@pytest.mark.parametrize(("fraction", "width"), [(0.255, "25.5"), (-1, "0"), (7, "100")])
def test_a_share_never_leaves_its_bar(fraction, width):
    assert f'width="{width}%"' in svg.share_bar(fraction)


def test_a_line_breaks_where_a_value_is_missing():
    assert 'd="M0 22M66.7 12L100 2"' in svg.sparkline([0, None, 1, 2], "")
    parsed(svg.sparkline([], ""))
    assert "M0 12L100 12" in svg.sparkline([3, 3], "")


def test_the_heat_map_draws_each_known_pair_once():
    values = {("a", "b"): 0.5, ("c", "a"): -1.0}
    root = parsed(svg.heat_map(["a", "b", "c"], values, "Map"))
    cells = [(cell.get("class"), cell.get("fill-opacity")) for cell in root.iter("rect")]
    assert cells == [("pos", "0.50"), ("neg", "1.00")]


@pytest.mark.parametrize(
    "drawing",
    [
        svg.small_histogram([0, 1], [1], HOSTILE, "a"),
        svg.histogram("a", [0, 1], HOSTILE, HOSTILE, [HOSTILE]),
        svg.quantile_strip(0, 1, dict.fromkeys((0.05, 0.25, 0.5, 0.75, 0.95), 0.5), HOSTILE),
        svg.sparkline([1], HOSTILE),
        svg.heat_map([HOSTILE, "b"], {(HOSTILE, "b"): 1.0}, HOSTILE),
    ],
)
def test_words_in_drawings_are_escaped(drawing):
    assert "<script" not in drawing
    parsed(drawing)
