"""Pictures: the same bytes each time, nothing fetched, ids of their own, both themes complete."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import threading
import zlib
from xml.etree import ElementTree as ET

import pytest
import vl_convert

from tests.report.vega_schema import assert_is_vega_lite
from voyant.report import vega_theme
from voyant.report.page import _style
from voyant.report.vega import Heading
from voyant.report.vega_bars import Bar, Bin, bar_chart, histogram
from voyant.report.vega_format import Look, d3_format
from voyant.report.vega_lines import Place, Point, line_chart
from voyant.report.vega_render import (
    VEGA_LITE_VERSION,
    draw_svg,
    render_png,
    render_svg,
    script_bundle,
    svg_file,
)

LINE = line_chart(
    Heading(title="Sales <b>&", subtitle='"quoted"'),
    [Point(x=Place(at=float(n), text=str(n)), y=n * n) for n in range(9)],
    Look(title="Week"),
    Look(title="Sales", unit="EUR", format=",.0f"),
    is_time=False,
)
BARS = bar_chart(
    Heading(title="Bars"),
    [Bar(label="a", value=1.0), Bar(label="rest", value=-2.0, is_rest=True)],
    Look(title="Name"),
    Look(title="Value"),
)


def test_the_same_spec_gives_the_same_bytes_whatever_was_drawn_before():
    first = render_svg(LINE.spec, "d", "line")
    render_svg(BARS.spec, "d", "bars")
    assert render_svg(LINE.spec, "d", "line") == first


def test_ids_are_the_charts_own():
    ids = [
        set(re.findall(r' id="([^"]*)"', render_svg(LINE.spec, "d", name)))
        for name in ("one", "two")
    ]
    assert ids[0]
    assert all(identifier.startswith("one-") for identifier in ids[0])
    assert not ids[0] & ids[1]
    svg = render_svg(LINE.spec, "d", "one")
    assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= ids[0]


def test_a_file_is_well_formed_and_says_what_it_shows():
    root = ET.fromstring(svg_file(render_svg(LINE.spec, 'Sales "<b>&', "line")))  # noqa: S314 - our own
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'Sales "<b>&'
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Sales <b>&" in texts
    assert '"quoted"' in texts


def test_every_colour_that_is_drawn_has_a_dark_one():
    for drawing in (LINE, BARS):
        svg = render_svg(drawing.spec, "d", "n")
        used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]+|rgb[^"]*)"', svg))
        assert used
        assert used <= set(vega_theme.DARK_COLOURS)
        assert "var(" not in svg


def test_no_two_roles_share_a_colour():
    dark = vega_theme.DARK_COLOURS
    assert len(set(dark.values())) == len(dark)
    assert not set(dark) & set(dark.values())


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("is_dark", [False, True])
def test_text_and_marks_stand_out_from_the_paper(is_dark):
    def shown(colour):
        return vega_theme.DARK_COLOURS[colour] if is_dark else colour

    paper = shown(vega_theme.PAPER)
    for text in ("INK", "SOFT", "OK", "WARN", "CRITICAL"):
        assert contrast(shown(getattr(vega_theme, text)), paper) >= 4.5, text
    for mark in vega_theme.SERIES:
        assert contrast(shown(mark), paper) >= 3, mark


def test_pages_have_the_same_dark_colours():
    rules = vega_theme.dark_style(".chart")
    style = re.sub(r"\s+", "", _style("chart"))
    assert re.sub(r"\s+", "", rules) in style


def test_nothing_is_fetched_even_if_a_spec_asks():
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    spec = {
        "data": {"url": f"http://127.0.0.1:{server.server_port}/data.csv"},
        "mark": "bar",
        "encoding": {"x": {"field": "a", "type": "nominal"}},
    }
    script = (
        "import json, sys\n"
        "from voyant.report.vega_render import render_png, render_svg\n"
        "spec = json.loads(sys.argv[1])\n"
        "for draw in (lambda: render_svg(spec, 'd', 'n'), lambda: render_png(spec)):\n"
        "    try: draw()\n"
        "    except PermissionError: pass\n"
    )
    subprocess.run([sys.executable, "-c", script, json.dumps(spec)], check=True, timeout=60)
    server.shutdown()
    server.server_close()
    assert asked == []


def test_png_is_drawn_on_paper():
    png = render_png(BARS.spec)
    assert png.startswith(b"\x89PNG")
    assert render_png(BARS.spec) == png
    assert first_pixel(png) == (*bytes.fromhex(vega_theme.PAPER.removeprefix("#")), 255)


def first_pixel(png):
    """Return red, green, blue and opacity; of the first pixel no filter changes anything."""
    data, place = b"", 8
    while place < len(png):
        size, kind = int.from_bytes(png[place : place + 4]), png[place + 4 : place + 8]
        if kind == b"IHDR":
            assert png[place + 16 : place + 18] == bytes([8, 6])  # eight bits each, with opacity
        if kind == b"IDAT":
            data += png[place + 8 : place + 8 + size]
        place += 12 + size
    return tuple(zlib.decompress(data)[1:5])


def test_the_bundle_is_what_vl_convert_makes():
    made = vl_convert.javascript_bundle(
        "window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE_VERSION
    )
    assert script_bundle() == made


def test_the_schema_check_sees_a_broken_spec():
    broken = json.loads(json.dumps(LINE.spec))
    broken["layer"][0]["mark"]["type"] = "lien"
    with pytest.raises(AssertionError):
        assert_is_vega_lite(broken)


def test_histograms_hold_to_the_schema():
    bins = [
        Bin(low=0.0, high=1.0, value=5, text="0 to 1"),
        Bin(low=1.0, high=2.0, value=0, text="1 to 2"),
    ]
    drawing = histogram(Heading(title="H"), bins, Look(title="x"), Look(title="Rows", format=",d"))
    assert_is_vega_lite(drawing.spec)
    assert drawing.rows == (("0 to 1", "5"), ("1 to 2", "0"))


def test_the_bars_of_a_histogram_have_a_width():
    bins = [Bin(low=float(n), high=n + 1.0, value=9, text=str(n)) for n in range(4)]
    drawing = histogram(Heading(title="H"), bins, Look(title="x"), Look(title="Rows"))
    svg = render_svg(drawing.spec, drawing.description, "h")
    bars = re.findall(r'roledescription="bar" d="M[^h]*h([0-9.]+)', svg)
    assert len(bars) == 4
    assert min(float(width) for width in bars) > 100


@pytest.mark.parametrize(
    "python_format", [",.0f", ".1%", "+.2f", ".3e", "_d", ",.2f", ".4g", " .1f", ""]
)
@pytest.mark.parametrize("value", [0.0, 1234.3, -0.24, 0.98765])
def test_axis_numbers_are_pythons_without_trailing_zeros(python_format, value):
    """d3 itself is the judge: what it writes on an axis reads as the number Python writes."""
    spec = {
        "data": {"values": [{"v": value}]},
        "mark": {"type": "text"},
        "encoding": {
            "text": {"field": "v", "type": "quantitative", "format": d3_format(python_format)}
        },
    }
    svg = draw_svg(spec)
    (written,) = re.findall(r"<text[^>]*>([^<]*)</text>", svg)

    def number(text):
        return float(text.replace(",", "").replace("_", "").replace("\u2212", "-").rstrip("%"))

    whole = python_format.endswith("d")
    expected = format(round(value) if whole else value, python_format)
    assert number(written) == number(expected)
    assert written.endswith("%") is expected.endswith("%")


def test_small_text_is_in_a_colour_that_can_be_read():
    for drawing in (LINE, BARS):
        svg = render_svg(drawing.spec, "d", "n")
        fills = set(re.findall(r'<text[^>]* fill="(#[0-9a-f]{6})"', svg))
        assert fills
        for fill in fills:
            assert contrast(fill, vega_theme.PAPER) >= 4.5, fill
