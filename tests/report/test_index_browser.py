"""Open the report in a real browser, with no network, and look at what happens.

Needs what `test_browser.py` needs; where `CI` is set, a browser or checker that is missing is a
failure, not a reason to skip.
"""

from __future__ import annotations

import pytest

import voyant
from tests.report import runs
from tests.report.chromium import CHROMIUM, axe_script, needs_chromium

pytestmark = needs_chromium

NAMES = ("flights", "hostile")


def run(name: str) -> voyant.Analysis:
    return getattr(runs, name)()


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
def visit(browser):
    """Open a run's report; at the end, nothing may have been said, asked for or popped up."""
    contexts, incidents = [], []

    def opened(name: str, *, width: int = 1280, anchor: str = "", **options: object):
        address = run(name).page.as_uri()
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            offline=True,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: incidents.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: incidents.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (incidents.append("dialog"), dialog.dismiss()))
        page.on("popup", lambda _: incidents.append("popup"))
        page.on("request", lambda request: incidents.append(f"request: {request.url}"))
        page.goto(address + anchor)
        assert incidents == [f"request: {address}"]
        incidents.clear()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert incidents == []


def tabs(page) -> list[str]:
    return page.get_by_role("tab").all_inner_texts()


def shown(page) -> list[str]:
    """Name the sections that are in sight."""
    return page.evaluate(
        "[...document.querySelectorAll('.panel')].filter("
        "(it) => it.checkVisibility({contentVisibilityAuto: true}) && it.offsetHeight > 60)"
        ".map((it) => it.id)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_the_checker_finds_no_serious_violation(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    page.evaluate(axe_script())
    for tab in page.get_by_role("tab").all():
        tab.click()
        place = shown(page)[0]
        scope = "document" if place == "tables" else f"'#{place}'"
        found = page.evaluate(f"axe.run({scope}, {{resultTypes: ['violations']}})")
        assert len(found["passes"]) > 5
        assert [
            (place, it["id"], it["nodes"][0]["html"], it["nodes"][0]["failureSummary"])
            for it in found["violations"]
            if it["impact"] in {"serious", "critical"}
        ] == []


def test_the_checker_would_find_one(visit):
    page = visit("flights")
    page.evaluate("document.querySelector('[role=tab]').setAttribute('role', 'tabb')")
    page.evaluate(axe_script())
    found = page.evaluate("axe.run()")
    assert {"aria-roles", "aria-required-children"} & {v["id"] for v in found["violations"]}


def test_hostile_markup_is_inert(visit):
    page = visit("hostile")
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, form, object, embed, image, foreignObject").count() == 0
    names = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap((it) => it.getAttributeNames())"
    )
    assert not [name for name in names if name.startswith("on")]
    assert page.get_by_text("</style><script>alert(3)</script>").count() > 0


def test_one_section_is_in_sight_and_the_keyboard_moves_between_them(visit):
    page = visit("flights")
    names = ["tables", "kpis", "sufficiency", "quality", "drift", "charts", "run"]
    assert tabs(page) == [
        "Tables", "KPIs", "Sufficiency", "Quality", "Drift", "Charts", "This run"
    ]  # fmt: skip
    assert shown(page) == ["tables"]
    page.get_by_role("tab", selected=True).focus()
    for name in [*names[1:], names[0], names[1]]:
        page.keyboard.press("ArrowRight")
        assert shown(page) == [name]
        assert page.evaluate("document.activeElement.hash") == f"#{name}"
    page.keyboard.press("ArrowLeft")
    assert shown(page) == ["tables"]
    page.keyboard.press("ArrowLeft")
    assert shown(page) == ["run"]
    page.keyboard.press("Home")
    assert shown(page) == ["tables"]
    page.keyboard.press("End")
    assert shown(page) == ["run"]
    assert page.get_by_role("tab", selected=True).all_inner_texts() == ["This run"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.panel').id") == "run"


def test_a_figure_at_the_top_leads_to_its_section(visit):
    page = visit("flights")
    page.get_by_role("link", name="Quality").first.click()
    assert shown(page) == ["quality"]


def test_an_address_opens_its_section(visit):
    page = visit("flights", anchor="#k3")
    assert shown(page) == ["kpis"]
    assert page.locator("#k3").evaluate("(it) => it.getBoundingClientRect().top") < 900


def test_it_reads_without_scripts(visit):
    page = visit("hostile", java_script_enabled=False)
    assert page.get_by_role("tab").count() == 0
    panels = page.locator(".panel")
    assert [panels.nth(place).is_visible() for place in range(panels.count())] == [True] * 7


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_sticks_out_sideways(visit, name, width):
    page = visit(name, width=width)
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    for tab in tabs(page):
        page.get_by_role("tab", name=tab, exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_paper_gets_every_section(visit):
    page = visit("flights")
    page.emulate_media(media="print", color_scheme="dark")
    assert len(shown(page)) == 7
    assert not page.locator(".tabs").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_notebook_shows_it_in_a_frame_that_can_do_nothing_outside(browser, tmp_path):
    host = tmp_path / "notebook.html"
    frame = run("hostile")._repr_html_()
    host.write_text(f"<!doctype html><title>Notebook</title>{frame}", encoding="utf-8")
    incidents: list[str] = []
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.on("console", lambda message: incidents.append(message.text))
        page.on("pageerror", lambda error: incidents.append(str(error)))
        page.on("dialog", lambda dialog: (incidents.append("dialog"), dialog.dismiss()))
        page.goto(host.as_uri())
        inner = page.frame_locator("iframe")
        inner.get_by_role("tab", name="Quality").click()
        assert inner.locator("#quality").is_visible()
        assert inner.locator("a:not([href^='#'])").count() == 0
    assert incidents == []
