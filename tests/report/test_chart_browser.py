"""Open chart pages in a real browser, with no network: alive, silent, readable without scripts."""

from __future__ import annotations

import pytest

from tests.generators.test_chart_choice import DAYS, HOSTILE, SHAPES, drawn, kpi
from tests.report.chromium import CHROMIUM, axe_script, needs_chromium
from voyant.artifacts.charts import ChartEntry, ChartFiles
from voyant.report.chart_page import BUNDLE_NAME, render_chart
from voyant.report.vega_render import render_svg, script_bundle

pytestmark = needs_chromium

CHARTS = {
    **{name: (types, rows, {}) for name, (types, rows, _) in SHAPES.items()},
    "hostile": (
        ["VARCHAR", "BIGINT"],
        [(text, n - 5) for n, text in enumerate(HOSTILE)],
        {"names": ["image", HOSTILE[0]], "name": HOSTILE[0], "description": HOSTILE[1]},
    ),
    "hostile lines": (
        ["DATE", "VARCHAR", "BIGINT"],
        [(day, text, n) for n, day in enumerate(DAYS) for text in HOSTILE[:6]],
        {"names": [HOSTILE[2], "image", HOSTILE[3]], "unit": HOSTILE[0]},
    ),
}


def write_page(folder, name):
    types, rows, more = CHARTS[name]
    result = kpi(types, rows, **more)
    drawing = drawn(result)
    entry = ChartEntry(
        name="chart", kind=drawing.kind, title=drawing.heading.title, subtitle="", reason="because",
        description=drawing.description, origin="kpi", kpi=result.name, table=None, columns=[],
        score=None, sources=[],
        files=ChartFiles(spec="c.json", svg="c.svg", html="c.html", png=None),
    )  # fmt: skip
    svg = render_svg(drawing.spec, drawing.description, "chart")
    path = folder / "chart.html"
    path.write_text(render_chart(entry, drawing, svg, sql=HOSTILE[0]), encoding="utf-8")
    (folder / BUNDLE_NAME).write_text(script_bundle(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-quic", "--disable-component-update"]
        )
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open a chart; at the end, nothing may have been said, or asked for but its parts."""
    contexts, incidents = [], []

    def opened(name, **options):
        path = write_page(tmp_path, name)
        context = browser.new_context(offline=True, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: incidents.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: incidents.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (incidents.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: incidents.append(f"request: {request.url}"))
        page.goto(path.as_uri())
        requests = [path.as_uri(), (tmp_path / BUNDLE_NAME).as_uri()]
        is_scripted = options.get("java_script_enabled", True)
        assert incidents == [f"request: {url}" for url in requests[: 2 if is_scripted else 1]]
        incidents.clear()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert incidents == []


@pytest.mark.parametrize("name", CHARTS)
def test_every_kind_of_chart_comes_to_life(visit, name):
    page = visit(name)
    page.wait_for_selector(".live svg", state="visible")
    assert page.locator(".still").is_hidden()
    assert page.locator("img, iframe, object, embed, style:not(head style)").count() == 0


def test_a_tool_tip_shows_text_and_only_text(visit):
    page = visit("hostile")
    page.wait_for_selector(".live svg", state="visible")
    page.locator(".live .role-mark path").nth(1).hover(force=True)
    assert HOSTILE[1] in page.locator(".tip").inner_text()
    assert page.locator(".tip img, .tip script").count() == 0


def test_dragging_moves_and_a_double_click_goes_back(visit):
    page = visit("time and number", viewport={"width": 1000, "height": 800})
    page.wait_for_selector(".live svg", state="visible")
    labels = page.locator(".live .role-axis-label text")
    before = labels.all_inner_texts()
    box = page.locator(".live .mark-line path").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 200, box["y"] + 20, steps=5)
    page.mouse.up()
    assert labels.all_inner_texts() != before
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + 20)
    page.wait_for_timeout(100)
    assert labels.all_inner_texts() == before


@pytest.mark.parametrize("name", ["hostile", "two names, all pairs"])
def test_it_reads_without_scripts(visit, name):
    page = visit(name, java_script_enabled=False)
    assert page.locator(".still svg").is_visible()
    assert page.locator(".live").is_hidden()
    page.locator(".numbers > summary").first.click()
    assert page.locator("tbody tr").first.is_visible()


def test_without_the_bundle_the_picture_stays(browser, tmp_path):
    path = write_page(tmp_path, "steps")
    (tmp_path / BUNDLE_NAME).unlink()
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.locator(".still svg").is_visible()
    page.close()


def test_dark_paper_gets_light_ink_in_the_picture_and_in_the_live_chart(visit):
    page = visit("name and number", color_scheme="dark")
    page.wait_for_selector(".live svg", state="visible")
    for where in (".still", ".live"):
        title = page.locator(f"{where} .role-title-text text").first
        fill = title.evaluate("(it) => getComputedStyle(it).fill")
        assert fill == "rgb(233, 231, 226)", where  # #e9e7e2, which stands for ink in the dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["hostile", "two names, all pairs", "one number"])
def test_the_checker_finds_no_serious_violation(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.wait_for_selector(".live svg", state="visible")
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    page.evaluate(axe_script())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 10
    assert [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ] == []
