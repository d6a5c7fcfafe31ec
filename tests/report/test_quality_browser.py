"""The quality page in a browser: readable by everyone, nothing loads, nothing foreign runs."""

from __future__ import annotations

import pytest

from tests.report import runs
from tests.report.chromium import CHROMIUM, axe_script, needs_chromium

pytestmark = needs_chromium

NAMES = ("flights", "hostile")
OPEN_ALL = "document.querySelectorAll('details').forEach((it) => { it.open = true; })"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """Open a run's page; at the end, nothing may have been said, asked for or popped up."""
    contexts, incidents = [], []

    def opened(name, **options):
        address = (getattr(runs, name)().folder / "quality.html").as_uri()
        context = browser.new_context(offline=True, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: incidents.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: incidents.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (incidents.append("dialog"), dialog.dismiss()))
        page.on("popup", lambda _: incidents.append("popup"))
        page.on("request", lambda request: incidents.append(f"request: {request.url}"))
        page.goto(address)
        assert incidents == [f"request: {address}"]
        incidents.clear()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert incidents == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_the_checker_finds_no_serious_violation(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    page.evaluate(axe_script())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [
        (fault["id"], fault["nodes"][0]["html"])
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]
    assert serious == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_sticks_out_sideways(visit, name, width):
    page = visit(name, viewport={"width": width, "height": 800})
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", NAMES)
def test_no_script_runs_that_is_not_ours(visit, name):
    page = visit(name)
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("[...document.querySelectorAll('[onload],[onerror],img')].length") == 0


def test_passed_checks_open_by_keyboard(visit):
    page = visit("flights")
    listing = page.locator("details.more").last
    assert listing.get_attribute("open") is None
    listing.locator("summary").focus()
    page.keyboard.press("Enter")
    assert listing.get_attribute("open") is not None
    assert listing.locator("tbody tr").first.is_visible()


def test_it_reads_without_scripts(visit):
    page = visit("hostile", java_script_enabled=False)
    text = page.locator("main").inner_text()
    assert "Dimensions" in text
    assert "<script>alert(1)</script>" in page.content() or "&lt;script&gt;" in page.content()
    page.locator("details.more summary").last.click()
    assert page.locator("details.more tbody tr").last.is_visible()


def test_failed_checks_stand_before_those_that_passed(visit):
    page = visit("flights")
    headings = page.locator("h2").all_inner_texts()
    assert headings.index("Warnings") < headings.index("Passed")
    lost = page.locator(".q-failures").first.locator(".q-points").all_inner_texts()
    points = [float(text.split()[0].replace("\N{MINUS SIGN}", "-")) for text in lost if text]
    assert points
    assert points == sorted(points)
