"""`voyant serve` as a process: where it listens, whom it waits for, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.service.live import LiveService, run_voyant

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A service that waits for nobody longer than a second, and has no worker."""
    folder = tmp_path_factory.mktemp("hasty")
    with LiveService(folder, VOYANT_SERVICE_IDLE_TIMEOUT_SECONDS="1") as started:
        yield started


def exchange(service, *parts: bytes, pause: float = 0.0, finish: bool = False) -> bytes:
    """Send bytes, with pauses, and return what comes back until the other side closes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            if finish:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                answer += chunk
        except (BrokenPipeError, ConnectionResetError):
            pass
    return answer


def problem(answer: bytes) -> tuple[int, str]:
    """Return the status and the kind of a problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer
    if b"transfer-encoding: chunked" in head.lower():
        body = body.split(b"\r\n", 1)[1].rsplit(b"\r\n0\r\n", 1)[0]
    return int(head.split()[1]), json.loads(body)["type"].rpartition("/")[2]


def head(service, line: str, *more: str, close: bool = True) -> bytes:
    lines = [
        *(line, "Host: localhost", f"Authorization: Bearer {service.key()}"),
        *([] if not close else ["Connection: close"]),
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def trickle(connection: socket.socket) -> None:
    """Send a byte now and then, for a minute."""
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.1)


def test_it_listens_on_this_machine_alone(hasty):
    assert hasty.url.startswith("http://127.0.0.1:")
    names = subprocess.run(
        ["hostname", "-I"], capture_output=True, text=True, check=False
    ).stdout.split()
    for address in [name for name in names if ":" not in name]:
        with pytest.raises(OSError), socket.create_connection((address, hasty.port), timeout=5):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_does_not_let_other_machines_in_before_there_is_a_key(tmp_path, host):
    done = subprocess.run(
        [sys.executable, "-m", "voyant", "serve", "--host", host, "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "no API key" in done.stderr
    assert "voyant keys create" in done.stderr
    run_voyant(tmp_path, "keys", "create", "--tenant", "t", "--role", "viewer")
    (key,) = json.loads(run_voyant(tmp_path, "keys", "list", "--json"))
    run_voyant(tmp_path, "keys", "revoke", key["key_id"])
    again = subprocess.run(
        [sys.executable, "-m", "voyant", "serve", "--host", host, "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert again.returncode == 2


def test_a_port_that_is_taken_is_said(hasty, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "voyant", "serve", "--port", str(hasty.port)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot listen" in done.stderr


def test_what_is_not_http_gets_a_problem(hasty):
    assert problem(exchange(hasty, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")) == (
        400,
        "bad-request",
    )
    assert problem(exchange(hasty, b"GET /healthz HTTP/x\r\n\r\n")) == (400, "bad-request")
    two = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"
    assert problem(exchange(hasty, two))[0] in {400, 421}
    none = b"GET /healthz HTTP/1.0\r\n\r\n"
    assert problem(exchange(hasty, none)) == (421, "misdirected-request")
    folded = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tb\x00\r\n\r\n"
    assert problem(exchange(hasty, folded)) == (400, "bad-request")


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -1",),
        ("Content-Length: 1e3",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding : chunked",),
    ],
)
def test_a_request_that_two_readers_would_cut_differently_is_refused(hasty, lines):
    sent = head(hasty, "POST /v1/jobs HTTP/1.1", "Content-Type: application/json", *lines)
    answer = exchange(hasty, sent + b"0\r\n\r\nGET /v1/tenant HTTP/1.1\r\n\r\n", pause=0.2)
    status = int(answer.split()[1])
    assert status in {400, 501}
    assert b"tenant_id" not in answer


def test_a_head_that_is_too_large_is_refused(hasty):
    sent = head(hasty, "GET /healthz HTTP/1.1", f"X: {'a' * 200_000}")
    answer = exchange(hasty, sent)
    assert not answer or problem(answer) == (431, "header-too-large")
    smaller = head(hasty, "GET /healthz HTTP/1.1", f"X: {'a' * 40_000}")
    assert problem(exchange(hasty, smaller, pause=0.2)) == (431, "header-too-large")


def test_a_head_that_never_ends_is_not_waited_for(hasty):
    begun = b"GET /healthz HTTP/1.1\r\n"
    assert problem(exchange(hasty, begun)) == (408, "request-timeout")
    slow = exchange(hasty, begun, *[b"X: a\r\n"] * 50, pause=0.1)
    assert not slow or problem(slow) == (408, "request-timeout")  # lost where more was sent
    assert exchange(hasty) == b""


def test_a_body_that_never_comes_is_not_waited_for(hasty):
    sent = head(
        hasty,
        "POST /v1/jobs HTTP/1.1",
        *("Content-Type: application/json", "Content-Length: 100"),
    )
    assert problem(exchange(hasty, sent, b"{")) == (408, "request-timeout")
    upload = head(hasty, "PUT /v1/tables/slow.csv HTTP/1.1", "Content-Length: 100")
    assert problem(exchange(hasty, upload, b"a,b\n")) == (408, "request-timeout")
    assert hasty.ask("GET", "/v1/tables/slow.csv").status_code == 404


def test_the_rest_of_a_body_that_was_refused_is_not_waited_for(hasty):
    sent = head(hasty, "POST /nowhere HTTP/1.1", "Content-Length: 1000000", close=False)
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
        connection.sendall(sent)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 404")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            trickle(connection)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/tables/big.csv"])
def test_a_body_that_is_larger_than_it_says_or_does_not_say_is_cut_off(tmp_path, path):
    with LiveService(
        tmp_path, VOYANT_SERVICE_MAX_BODY_BYTES="100000", VOYANT_UPLOAD_MAX_BYTES="100000"
    ) as small:
        method = "PUT" if "tables" in path else "POST"
        kind = "Content-Type: application/json"
        said = head(small, f"{method} {path} HTTP/1.1", kind, "Content-Length: 10000000")
        assert problem(exchange(small, said)) == (413, "too-large")
        huge = head(small, f"{method} {path} HTTP/1.1", kind, f"Content-Length: {'9' * 30}")
        assert problem(exchange(small, huge))[0] in {400, 413}
        chunks = head(small, f"{method} {path} HTTP/1.1", kind, "Transfer-Encoding: chunked")
        chunk = b"2710\r\n" + b"a" * 10_000 + b"\r\n"
        assert problem(exchange(small, chunks, *[chunk] * 12)) == (413, "too-large")
        assert small.ask("GET", "/v1/tables").json() == {"tables": []}


def test_an_upload_that_is_cut_short_leaves_nothing(hasty):
    sent = head(hasty, "PUT /v1/tables/cut.csv HTTP/1.1", "Content-Length: 100")
    exchange(hasty, sent, b"a,b\n", finish=True)
    assert hasty.ask("GET", "/v1/tables/cut.csv").status_code == 404
    deadline = time.monotonic() + 30
    while list(hasty.folder.glob("artifacts/acme/.uploads/.voyant-upload-*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_it_does_not_say_what_it_is_made_of(hasty):
    answer = exchange(hasty, head(hasty, "GET /healthz HTTP/1.1"))
    assert b"server:" not in answer.lower()
    assert b"uvicorn" not in answer.lower()
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert hasty.ask("GET", path).status_code == 404


def test_websockets_are_not_spoken(hasty):
    sent = head(
        hasty,
        "GET /v1/jobs HTTP/1.1",
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        close=False,
    )
    assert exchange(hasty, sent, finish=True).startswith(b"HTTP/1.1 200")


def test_it_answers_what_was_asked_and_then_ends(tmp_path):
    service = LiveService(tmp_path)
    with service:
        service.ask("PUT", "/v1/tables/orders.csv", content=b"id\n1\n")
        spec = {"sources": {"orders": "upload:orders.csv"}}
        job = service.ask("POST", "/v1/jobs", json=spec).json()["job_id"]
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
            line = f"GET /v1/jobs/{job}?wait_seconds=60 HTTP/1.1"
            connection.sendall(head(service, line))
            time.sleep(0.5)
            service.process.send_signal(signal.SIGTERM)
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"queued"' in answer
        assert service.process.wait(timeout=60) == 0
    assert {"Stopping", "Stopped"} <= {line["message"] for line in service.log_lines()}


_SIGNALLED_AGAIN = """
import os, signal, threading, uvicorn
from voyant.service.server import _Server
from voyant.service.stopping import Stopping

server = _Server(uvicorn.Config(app=None, port=0, lifespan="off", log_config=None), Stopping())

def stop():
    while not server.started:
        threading.Event().wait(0.01)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=stop).start()
server.run()
os.kill(os.getpid(), signal.SIGTERM)
print("cleaned up")
"""


def test_a_signal_while_it_cleans_up_changes_nothing():
    ended = subprocess.run(
        [sys.executable, "-c", _SIGNALLED_AGAIN],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "cleaned up\n"), ended.stderr


def test_its_workers_end_with_it(tmp_path):
    with LiveService(tmp_path, workers=1) as service:
        job = service.run_job(only=["profile"])
        assert job["state"] == "succeeded"
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        pids = children.read_text().split()
        assert pids
        assert service.stop() == 0
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists() or os.waitpid(int(pid), os.WNOHANG)


def test_a_link_that_was_put_in_place_after_the_job_was_submitted_is_not_followed(tmp_path):
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "orders.csv").write_text("id\n1\n")
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    with LiveService(tmp_path, VOYANT_SERVICE_ALLOWED_SOURCES=str(lake)) as service:
        spec = {"sources": {"orders": str(lake / "orders.csv")}, "only": ["profile"]}
        made = service.ask("POST", "/v1/jobs", json=spec)
        assert made.status_code == 202, made.text
        (lake / "orders.csv").unlink()
        (lake / "orders.csv").symlink_to(tmp_path / "secret.csv")
        from voyant.core.config import Settings
        from voyant.jobs.durable.pool import start_workers

        settings = Settings(
            artifacts_root=str(tmp_path / "artifacts"), service_allowed_sources=[str(lake)]
        )
        workers = start_workers(settings, 1)
        try:
            path = f"{made.headers['location']}?wait_seconds=60"
            job = service.ask("GET", path).json()
        finally:
            workers.stop()
        assert job["state"] == "failed"
        assert "does not allow" in job["error"]
        assert "hunter2" not in json.dumps(job)


def test_no_secret_gets_into_a_log(tmp_path):
    with LiveService(tmp_path, workers=1, VOYANT_LOG_LEVEL="DEBUG") as service:
        key = service.key()
        service.run_job(only=["profile"])
        service.ask("GET", f"/v1/jobs?key={key}")
        service.ask("GET", f"/v1/jobs/{key}")
        service.ask("GET", "/v1/jobs", headers={"X-Api-Key": key, "Cookie": f"k={key}"})
        service.ask("PUT", f"/v1/tables/{key}.csv", content=b"a\n1\n")
        exchange(service, f"GET /{key} HTTP/7\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    log = service.log.read_text()
    assert log.count('"request_id"') >= 5
    assert key.split("_", 2)[2] not in log


def readme_commands() -> list[str]:
    """Return the lines of the README that lead from nothing to a finished job."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## As a service\n")[1].split("\n## ")[0]
    block = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    commands = block.replace("\\\n", "").splitlines()
    assert len(commands) == 3
    return commands


def test_the_readmes_three_commands_lead_to_a_finished_job(tmp_path):
    install, start, finish = readme_commands()
    assert re.match(r"pip install '\.\[service\]'", install)
    (tmp_path / "voyant").symlink_to(ROOT / "voyant")
    bin_folder = Path(sys.executable).parent
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "VOYANT_SERVICE_PORT": str(port),
    }
    script = "\n".join(
        ["set -e", start, finish.replace("localhost:8350", f"localhost:{port}"), "echo", "kill %1"]
    )
    done = subprocess.run(
        ["bash", "-m", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [line for line in done.stdout.splitlines() if '"job_id"' in line]
    job = json.loads(answers[-1][answers[-1].index('{"job_id"') :])
    assert job["state"] == "succeeded"
