"""Open the pages in a real browser, with no network, and look at what happens.

Needs Chromium (Debian: `apt install chromium`) and the accessibility checker axe-core, which the
repository's `node_modules/` holds after `npm install --no-save --ignore-scripts axe-core@4`.
"""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from tests.report.chromium import CHROMIUM, axe_script, needs_chromium
from tests.report.samples import demo, hostile, table
from voyant.artifacts.profile import ProfileArtifact
from voyant.report.profile_page import render_profile

pytestmark = needs_chromium


@cache
def page_text(name: str) -> str:
    no_rows, nulls = pd.DataFrame({"a": []}), pd.DataFrame({"a": [None]})
    awkward = {"no rows": no_rows, "": pd.DataFrame(), "nulls": nulls}
    return render_profile(
        {
            "demo": lambda: demo("flights", "airlines"),
            "hostile": lambda: hostile(40),
            "wide": lambda: hostile(300),
            "awkward": lambda: ProfileArtifact.model_validate(
                {"tables": {key: table(frame) for key, frame in awkward.items()}}
            ),
        }[name]()
    )


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
    """Open a page by name; at the end, nothing may have been said, asked for or popped up."""
    contexts, incidents = [], []

    def opened(name: str, *, width: int = 1280, **options: object):
        path = tmp_path / f"{name}.html"
        path.write_text(page_text(name), encoding="utf-8")
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
        page.goto(path.as_uri())
        assert incidents == [f"request: {path.as_uri()}"]
        incidents.clear()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert incidents == []


def visible_columns(page) -> list[str]:
    # Not the inner text: of items that have not been drawn yet (content-visibility) it is empty.
    return page.locator(".cols > li:visible .c-name bdi").all_text_contents()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["demo", "hostile", "awkward"])
def test_the_checker_finds_no_serious_violation(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    page.evaluate(axe_script())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 20
    assert [
        (violation["id"], violation["nodes"][0]["html"], violation["nodes"][0]["failureSummary"])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_checker_would_find_one(visit, scheme):
    page = visit("awkward", color_scheme=scheme)
    page.evaluate(axe_script())
    page.evaluate("document.querySelector('.finder input').removeAttribute('id')")
    page.evaluate("document.querySelector('.finder input').removeAttribute('placeholder')")
    found = page.evaluate("axe.run()")
    assert "label" in {violation["id"] for violation in found["violations"]}


def test_hostile_markup_is_inert(visit):
    page = visit("wide")
    page.locator(".finder button").click()
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, form, object, embed, link[rel=stylesheet]").count() == 0
    names = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap((it) => it.getAttributeNames())"
    )
    assert not [name for name in names if name.startswith("on")]
    assert page.title() == "Profile of </style><script>alert(3)</script>"


def test_the_policy_stops_a_script_that_got_in(browser, tmp_path):
    infected = tmp_path / "infected.html"
    injected = "<script>window.ran = 1</script><img src='http://localhost/x' onerror='ran = 1'>"
    infected.write_text(page_text("awkward").replace("</main>", injected + "</main>"), "utf-8")
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(infected.as_uri())
        assert page.evaluate("window.ran") is None
        assert len([text for text in said if "Content Security Policy" in text]) >= 2


def test_a_column_is_found_by_name_type_or_meaning(visit):
    page = visit("demo")
    box, said = page.get_by_label("Find a column"), page.locator(".finder output")
    assert said.inner_text() == "21 columns"
    box.fill("DEP_")
    assert visible_columns(page) == ["dep_time", "sched_dep_time", "dep_delay"]
    assert said.inner_text() == "3 of 21"
    assert page.locator("section:visible h2").all_inner_texts() == ["flights"]
    box.fill("timestamp hour")
    assert visible_columns(page) == ["time_hour"]
    box.fill("no such column")
    assert visible_columns(page) == []
    box.press("Escape")
    assert len(visible_columns(page)) == 21


def test_everything_works_by_keyboard(visit):
    page = visit("demo")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("tailnum")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.tagName") != "SUMMARY":
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.locator("li:has(> details[open]) .c-name bdi").all_text_contents() == ["tailnum"]
    assert page.locator("details[open] .c-facts").is_visible()


def test_a_link_to_a_column_opens_it(visit):
    page = visit("demo")
    page.locator(".alerts a").first.click()
    target = page.locator(page.evaluate("location.hash"))
    assert target.locator("details").get_attribute("open") is not None
    assert target.evaluate("(it) => it.getBoundingClientRect().top") >= 60


def test_everything_opens_and_closes_at_once(visit):
    page = visit("demo")
    button = page.locator(".finder button")
    button.click()
    assert page.locator(".cols details[open]").count() == 21
    button.click()
    assert page.locator(".cols details[open]").count() == 0


def test_it_reads_without_scripts(visit):
    page = visit("demo", java_script_enabled=False)
    assert not page.locator(".finder").is_visible()
    assert page.locator(".cols > li:visible").count() == 21
    page.locator(".cols summary").nth(3).click()
    assert page.locator(".c-facts").nth(3).is_visible()


@pytest.mark.parametrize("name", ["demo", "hostile", "awkward"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out_sideways(visit, name, width):
    page = visit(name, width=width)
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_paper_gets_the_page_without_its_controls(visit):
    page = visit("demo")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".finder").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
