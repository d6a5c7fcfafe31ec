import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from voyant_webhook import Parameters, WebhookError, generate_webhook, post

from voyant.core.plugin_registry import PluginRegistry

SECRET = "T0K3N-in-the-path"


class Listener(HTTPServer):
    """A webhook that answers with the next of `answers`, and keeps what it was sent.

    In one thread: one for each request would still be ending when the laws count threads.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.received = [], []
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/{SECRET}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, json.loads(body)))
        code = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def listener():
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_summary_arrives(listener, job_context, monkeypatch):
    monkeypatch.setenv("VOYANT_WEBHOOK_URL", listener.url)
    ctx = job_context(parameters=Parameters(), tenant_id="acme")
    path = generate_webhook(ctx)["webhook"]
    ((where, payload),) = listener.received
    assert where == f"/hooks/{SECRET}"
    assert (payload["job_id"], payload["tenant_id"]) == ("test", "acme")
    assert json.loads(Path(path).read_text()) == payload


def test_it_is_told_how_the_others_went(listener, tmp_path, monkeypatch):
    monkeypatch.setenv("VOYANT_WEBHOOK_URL", listener.url)
    registry = PluginRegistry()

    @registry.register("breaks", order=1)
    def breaks(ctx):
        raise ValueError("on purpose")

    registry.register("webhook", order=1000, parameters=Parameters)(generate_webhook)
    result = registry.run({"job_id": "a", "artifacts_root": str(tmp_path)})
    assert result.success
    ((_, payload),) = listener.received
    assert payload["failed"] == ["breaks"]
    assert payload["generators"][0]["reason"] == "on purpose"


@pytest.mark.parametrize(("answers", "attempts"), [([], 1), ([500], 2), ([429, 503], 3)])
def test_what_may_pass_is_tried_again(listener, answers, attempts):
    listener.answers, pauses = list(answers), []
    assert post(listener.url, {}, Parameters(retries=2), pause=pauses.append) == attempts
    assert pauses == [0.5, 1.0][: attempts - 1]
    assert len(listener.received) == attempts


@pytest.mark.parametrize(("answer", "attempts"), [(404, 1), (302, 1), (500, 3)])
def test_what_does_not_pass_fails_without_the_secret(listener, answer, attempts):
    listener.answers = [answer] * 5
    with pytest.raises(WebhookError, match=f"127.0.0.1: it answered {answer}") as caught:
        post(listener.url, {}, Parameters(retries=2), pause=lambda _: None)
    assert SECRET not in str(caught.value)
    assert len(listener.received) == attempts


def test_no_secret_is_logged_or_told(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    with Listener() as closed:
        url = closed.url
    monkeypatch.setenv("VOYANT_WEBHOOK_URL", url)
    registry = PluginRegistry()
    registry.register("webhook", parameters=Parameters)(generate_webhook)
    settings = type("Given", (), {"generators": {"webhook": {"retries": 0}}})()
    result = registry.run({"job_id": "a", "artifacts_root": str(tmp_path)}, settings)
    (outcome,) = result.results
    assert "no answer" in outcome.error
    said = caplog.text + outcome.error + outcome.traceback
    said += "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert SECRET not in said


def test_an_address_with_a_password_does_not_tell_it():
    with pytest.raises(WebhookError, match=r"not delivered to hooks\.invalid") as caught:
        post(f"http://ann:{SECRET}@hooks.invalid/x", {}, Parameters(retries=0))
    assert SECRET not in str(caught.value)


def test_without_an_address_nothing_is_sent(job_context, monkeypatch):
    monkeypatch.delenv("VOYANT_WEBHOOK_URL", raising=False)
    assert generate_webhook(job_context(parameters=Parameters())) == {}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "hooks.example/x", "http://"])
def test_other_addresses_are_refused(url):
    with pytest.raises(WebhookError, match="not an http or https URL"):
        post(url, {}, Parameters())


def test_it_keeps_the_laws(listener, check_generator, monkeypatch):
    monkeypatch.setenv("VOYANT_WEBHOOK_URL", listener.url)
    report = check_generator(generate_webhook, tables=["empty", "orders"])
    assert report.ok, str(report)
