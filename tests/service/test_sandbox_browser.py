"""A hostile page among the artifacts, in a real browser that sends the key with every request.

That is worse than any cookie: whatever such a page asks the service for would be allowed. It asks
for nothing, reads nothing, keeps nothing and goes nowhere.
"""

from __future__ import annotations

import json

import pytest

from tests.report.chromium import CHROMIUM, needs_chromium
from tests.service.live import LiveService

pytestmark = needs_chromium

#: Each attempt notes what it got; one that got nothing notes the error.
PAGE = """<!doctype html><meta charset="utf-8"><title>hostile</title>
<link rel="stylesheet" href="/v1/jobs?from=stylesheet">
<img src="/v1/jobs?from=image"><object data="/v1/jobs?from=object"></object>
<iframe id="frame" src="/v1/jobs?from=frame"></iframe>
<form id="form" action="/v1/retention/sweep?from=form" method="post"></form>
<script src="/v1/jobs?from=script"></script>
<script>
const got = {}, waiting = [];
function attempt(name, act) {
  try {
    const value = act();
    if (value && value.then) {
      waiting.push(value.then((v) => { got[name] = "GOT " + v; }, (e) => { got[name] = e.name; }));
    } else { got[name] = "GOT " + value; }
  } catch (error) { got[name] = error.name; }
}
attempt("fetch", () => fetch("/v1/jobs?from=fetch").then((r) => r.text()));
attempt("fetch with credentials", () =>
  fetch("/v1/jobs?from=fetch2", { credentials: "include", mode: "cors" }).then((r) => r.text()));
attempt("fetch without reading", () =>
  fetch("/v1/retention/sweep?from=fetch3", { method: "POST", mode: "no-cors" }).then(() => "sent"));
attempt("XMLHttpRequest", () => {
  const request = new XMLHttpRequest();
  request.open("GET", "/v1/jobs?from=xhr", false);
  request.send();
  return request.responseText;
});
attempt("beacon", () => navigator.sendBeacon("/v1/jobs?from=beacon", "x"));
attempt("events", () => new Promise((done, failed) => {
  const source = new EventSource("/v1/jobs/x/events?from=events");
  source.onopen = done; source.onerror = () => { source.close(); failed(Error()); };
}));
attempt("socket", () => new Promise((done, failed) => {
  const socket = new WebSocket(location.href.replace(/^http/, "ws"));
  socket.onopen = done; socket.onerror = () => failed(Error());
}));
attempt("cookie", () => document.cookie);
attempt("set cookie", () => { document.cookie = "a=b"; return document.cookie; });
attempt("localStorage", () => localStorage.length);
attempt("sessionStorage", () => sessionStorage.length);
attempt("indexedDB", () => new Promise((done, failed) => {
  const opening = indexedDB.open("x");
  opening.onsuccess = done; opening.onerror = () => failed(Error());
}));
attempt("caches", () => caches.keys());
attempt("worker", () => navigator.serviceWorker.register("/v1/jobs?from=worker"));
attempt("frame", () => document.getElementById("frame").contentDocument.body.textContent);
const nothing = () => Promise.reject(Error());
attempt("form", () => { document.getElementById("form").submit(); return nothing(); });
attempt("popup", () => window.open("/v1/jobs?from=popup") ? "opened" : nothing());
attempt("import", () => import("/v1/jobs?from=import"));
got.origin = self.origin;
setTimeout(() => Promise.allSettled(waiting).then(() => {
  document.body.dataset.got = JSON.stringify(got);
}), 1500);
</script>
"""

PLUGIN = f'''"""Writes a page that means harm."""

from voyant.core.plugin_registry import register


@register("hostile", order=80)
def hostile(ctx):
    """Write it."""
    return {{"hostile": ctx.write_text("hostile.html", {PAGE!r})}}
'''


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    """What the page got, what the service was asked for, and where the browser is then."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("hostile")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "hostile.py").write_text(PLUGIN)
    plugins = str(folder / "plugins")
    with LiveService(folder, workers=1, VOYANT_PLUGIN_PATH=plugins) as service:
        job = service.run_job(only=["hostile"])
        assert job["state"] == "succeeded", job
        address = f"{service.url}/v1/jobs/{job['job_id']}/artifacts/hostile.html"
        last = service.ask("GET", f"/v1/jobs/{job['job_id']}")
        service.lines_of_request(last.headers["x-request-id"])  # logged after it was answered
        before = len(service.log_lines())
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--disable-quic", "--disable-component-update"]
            )
            context = browser.new_context(
                extra_http_headers={"Authorization": f"Bearer {service.key()}"}
            )
            context.add_cookies([{"name": "session", "value": "s3cret", "url": service.url}])
            page = context.new_page()
            response = page.goto(address)
            body = page.locator("body[data-got]")
            body.wait_for(state="attached", timeout=60_000)
            got = json.loads(body.get_attribute("data-got") or "")
            state = {
                "got": got,
                "status": response.status,
                "url": page.url,
                "pages": len(context.pages),
                "address": address,
            }
            browser.close()
        asked = [line for line in service.log_lines()[before:] if line.get("route")]
    return {**state, "asked": [(line["method"], line["route"]) for line in asked]}


def test_the_page_ran_and_has_an_origin_of_its_own(visited):
    assert visited["status"] == 200
    assert visited["got"]["origin"] == "null"


def test_nothing_it_tried_gave_it_anything(visited):
    gained = {
        name: value
        for name, value in visited["got"].items()
        if str(value).startswith("GOT") and name != "beacon"  # says that it was queued, see below
    }
    assert gained == {}
    assert len(visited["got"]) >= 18


def test_the_service_was_asked_for_the_page_and_for_nothing_else(visited):
    assert visited["asked"] == [("GET", "/v1/jobs/{job_id}/artifacts/{path:path}")]


def test_it_went_nowhere_and_opened_nothing(visited):
    assert visited["url"] == visited["address"]
    assert visited["pages"] == 1
