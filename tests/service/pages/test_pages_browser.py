"""Open the pages in a real browser: a stranger finds in, follows a job, and nothing hostile acts.

Needs what `tests/report/test_browser.py` needs; where `CI` is set, a browser or checker that is
missing is a failure, not a reason to skip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.report.chromium import CHROMIUM, axe_script, needs_chromium
from tests.service.pages.site import HOSTILE, Site, fill, site

pytestmark = needs_chromium

PAGES = ("/jobs", "/jobs/new", "/tables", "/kpis", "/generators", "/schedules")


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    with site() as made:
        fill(made)
        yield made


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
def visit(place: Site, browser):
    """Open a page, signed in as somebody; at the end, nothing may have been said or popped up."""
    contexts, incidents = [], []

    def opened(path: str, *, who: str | None = "acme", width: int = 1280, **options: object):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: incidents.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: incidents.append(f"error: {error}"))
        page.on("popup", lambda _: incidents.append("popup"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((place.address, "data:"))
                or incidents.append(f"request: {request.url}")
            ),
        )
        if who is not None:
            page.goto(place.address)
            page.get_by_label("API key").fill(place.keys[who])
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/jobs")
        page.goto(place.address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert incidents == []


def violations(page) -> list[object]:
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    # Not through a script element, which the page's policy forbids.
    page.evaluate(axe_script())
    found = page.evaluate("axe.run({resultTypes: ['violations'], iframes: false})")
    assert len(found["passes"]) > 10
    return [
        (it["id"], it["nodes"][0]["html"], it["nodes"][0]["failureSummary"])
        for it in found["violations"]
        if it["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_checker_finds_no_serious_violation(place: Site, visit, scheme) -> None:
    page = visit("/", who=None, color_scheme=scheme)
    assert violations(page) == []
    page = visit("/jobs", color_scheme=scheme)
    jobs = [f"/jobs/{place.jobs[name]}" for name in ("first", "hostile", "failed")]
    more = [f"/schedules/new?job={place.jobs['first']}", "/jobs/nothing"]
    for path in (*PAGES, *jobs, *more[:1]):
        page.goto(place.address + path)
        assert violations(page) == [], path


def test_the_checker_would_find_one(visit) -> None:
    page = visit("/", who=None)
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate("document.querySelector('#key').removeAttribute('placeholder')")
    assert "label" in {it[0] for it in violations(page)}


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_scrolls_sideways(place: Site, visit, width) -> None:
    page = visit("/", who=None, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page = visit("/jobs", width=width)
    for path in (*PAGES, f"/jobs/{place.jobs['first']}", f"/jobs/{place.jobs['hostile']}"):
        page.goto(place.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_stranger_finds_in_with_the_keyboard_alone(place: Site, visit) -> None:
    page = visit("/", who=None)
    assert page.evaluate("document.activeElement.id") == "key"
    page.keyboard.type(place.keys["acme"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.innerText"))
    assert "New job" in seen
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_job_is_followed_without_reloading_until_its_report_is_there(place: Site, visit) -> None:
    page = visit("/jobs/new")
    page.get_by_label("Add files").set_input_files(
        {"name": "numbers.csv", "mimeType": "text/csv", "buffer": b"n\n1\n2\n3\n"}
    )
    page.get_by_role("textbox", name="KPIs").fill("total = SELECT sum(n) FROM numbers")
    page.get_by_role("button", name="Start the job").click()
    page.wait_for_url("**/jobs/2*")
    loads: list[str] = []
    page.on("framenavigated", lambda it: it.parent_frame is None and loads.append(it.url))
    page.locator(".steps .badge.ok").first.wait_for(state="attached", timeout=120_000)
    page.get_by_role("heading", name="Report").wait_for(timeout=120_000)
    assert loads == [page.url]  # once, when it was done
    report = page.frame_locator("iframe")
    assert "3 rows" in report.locator(".subject").inner_text()
    assert page.locator(".standing .badge").inner_text() == "done"
    page.goto(place.address + "/kpis")
    assert page.get_by_role("heading", name="Total").count() == 1


def test_without_scripts_the_page_asks_again_by_itself(place: Site, visit) -> None:
    page = visit("/jobs", java_script_enabled=False)
    page.get_by_role("link", name="New job").click()
    page.get_by_label("Add files").set_input_files(
        {"name": "plain.csv", "mimeType": "text/csv", "buffer": b"n\n1\n"}
    )
    page.get_by_role("button", name="Start the job").click()
    page.wait_for_url("**/jobs/2*")
    page.get_by_role("heading", name="Report").wait_for(timeout=120_000)


def test_a_report_in_its_frame_has_no_origin_and_its_links_work(place: Site, visit) -> None:
    page = visit(f"/jobs/{place.jobs['first']}")
    page.locator("iframe").scroll_into_view_if_needed()
    page.frame_locator("iframe").get_by_role("tab").first.wait_for()
    frame = next(it for it in page.frames if "/view/" in it.url)
    assert frame.evaluate("self.origin") == "null"
    assert frame.evaluate(
        "(() => { try { return document.cookie; } catch (error) { return error.name; } })()"
    ) in {"SecurityError", ""}
    assert page.evaluate("document.cookie") == ""  # HttpOnly
    tabs = page.frame_locator("iframe").get_by_role("tab")
    tabs.nth(1).click()
    frame.evaluate('document.querySelector(\'a[href="profile.html"], a[href^="profile"]\').click()')
    page.wait_for_timeout(1_000)
    assert "Profile" in page.frame_locator("iframe").locator("body").inner_text()


def test_hostile_names_are_text(place: Site, visit) -> None:
    page = visit("/jobs")
    for path in (*PAGES, f"/jobs/{place.jobs['hostile']}", f"/jobs/{place.jobs['failed']}"):
        page.goto(place.address + path)
        assert page.locator("main img, main object, main embed").count() == 0
        assert page.locator("script").count() == 1
        names = page.evaluate(
            "[...document.querySelectorAll('*')].flatMap((it) => it.getAttributeNames())"
        )
        assert not [name for name in names if name.startswith("on") or name == "style"]
    page.goto(place.address + "/tables")
    assert page.get_by_text(HOSTILE, exact=True).count() >= 1


def test_an_infected_page_could_not_act(place: Site, visit, browser) -> None:
    page = browser.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("dialog", lambda dialog: (heard.append("dialog"), dialog.dismiss()))
    page.goto(place.address)
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"alert(1)\">"
        '<form id=f action="https://evil.example/"><button>x</button></form>\')'
    )
    page.evaluate("document.getElementById('f').submit()")
    page.wait_for_timeout(500)
    assert "dialog" not in heard
    assert page.url.startswith(place.address)
    assert any("Content Security Policy" in it for it in heard)
    page.close()


def test_deleting_asks_first(place: Site, visit) -> None:
    page = visit(f"/jobs/{place.jobs['second']}")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Delete").click()
    assert asked == ["Delete this job and its files?"]
    assert page.url.endswith(place.jobs["second"])
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/jobs")
    assert not page.get_by_text(re.compile(place.jobs["second"])).count()
