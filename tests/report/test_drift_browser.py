"""The drift page in a browser: readable by everyone, nothing loads, nothing foreign runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.report.chromium import CHROMIUM, axe_script, needs_chromium
from tests.report.samples import HOSTILE
from voyant.core.plugin_registry import PluginRegistry
from voyant.generators.drift import generate_drift

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A page with everything on it: drifted, stable and open columns under hostile names."""
    rng = np.random.default_rng(1)
    names = [name[:200] for name in HOSTILE if name.strip() and "\x00" not in name]
    before = pd.DataFrame({name: rng.normal(size=200) for name in names})
    before["kind"], before["when"] = ["a", "b"] * 100, pd.Timestamp("2024-01-01")
    now = before.copy()
    now[names[0]] += 3
    now["kind"] = [names[1], "b"] * 100
    now["when"] = 1
    now["code"] = [f"{n}-x" for n in range(200)]
    root = tmp_path_factory.mktemp("drift")
    registry = PluginRegistry()
    registry.register("drift", order=50)(generate_drift)
    context = {
        "job_id": "job",
        "tenant_id": "acme",
        "artifacts_root": str(root),
        "sources": {names[2]: now, "new": now},
        "reference": {names[2]: before},
    }
    assert registry.run(context).results[0].error is None
    return root / "job" / "drift.html"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, page_file):
    contexts, incidents = [], []

    def visit(**options):
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: incidents.append(message.text))
        page.on("pageerror", lambda error: incidents.append(str(error)))
        page.on("dialog", lambda dialog: (incidents.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: incidents.append(request.url))
        page.goto(page_file.as_uri())
        assert incidents == [page_file.as_uri()]
        incidents.clear()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert incidents == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_checker_finds_no_serious_violation(visit, scheme):
    page = visit(color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.evaluate(axe_script())
    found = page.evaluate("axe.run(document).then(result => result.violations)")
    serious = [v["id"] for v in found if v["impact"] in {"serious", "critical"}]
    assert serious == []


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_sticks_out_sideways(visit, width):
    page = visit(viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_measures_open_by_keyboard(visit):
    page = visit()
    summary = page.locator(".d-what summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator(".d-what details").first.get_attribute("open") is not None
