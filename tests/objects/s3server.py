"""A server that speaks S3, started by the tests, and one between it and us that can refuse."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SECRET = "hunter2-secret-of-s3"
KEY = "AKIAVOYANTTESTKEY"


class S3Server:
    """One running server; `ask` speaks HTTP to it, so that the oracle is not our own client."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            # Anybody: the server takes every signature, but lets nobody unsigned overwrite.
            signed = "AWS4-HMAC-SHA256 Credential=x/20200101/us-east-1/s3/aws4_request"
            connection.request(method, path, body=body, headers={"Authorization": signed})
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read(), headers
        finally:
            connection.close()

    def make_bucket(self, name: str) -> str:
        assert self.ask("PUT", f"/{name}")[0] == 200
        return f"s3://{name}"

    def put(self, path: str, content: bytes) -> None:
        assert self.ask("PUT", f"/{path}", content)[0] == 200

    def get(self, path: str) -> bytes:
        status, body, _ = self.ask("GET", f"/{path}")
        assert status == 200, (path, status)
        return body

    def exists(self, path: str) -> bool:
        return self.ask("HEAD", f"/{path}")[0] == 200

    def keys(self, bucket: str) -> list[str]:
        import xml.etree.ElementTree as ET

        _, body, _ = self.ask("GET", f"/{bucket}?list-type=2&max-keys=1000")
        return [e.text or "" for e in ET.fromstring(body).iter() if e.tag.endswith("}Key")]  # noqa: S314


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def serving_s3() -> Iterator[S3Server]:
    """Start moto's server in a process of its own, on a free port."""
    port = free_port()
    program = Path(sys.executable).parent / "moto_server"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, "moto_server ended"
            assert time.monotonic() < deadline, "moto_server does not answer"
            time.sleep(0.05)
        yield S3Server(port)
    finally:
        process.terminate()
        process.wait()


#: What becomes of a request, by method and path: pass it on (None), or answer with status and body.
Judge = Callable[[str, str], tuple[int, bytes] | None]


@contextlib.contextmanager
def standing_between(server: S3Server, judge: Judge) -> Iterator[str]:
    """Serve S3 by passing requests on, unless the judge answers them; gives the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def _handle(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            verdict = judge(self.command, self.path)
            headers = {}
            if verdict is None:
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
                passed = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
                connection.request(self.command, self.path, body=body or None, headers=passed)
                answer = connection.getresponse()
                content, status = answer.read(), answer.status
                headers = {
                    k: v
                    for k, v in answer.getheaders()
                    if k.lower() not in {"connection", "transfer-encoding", "content-length"}
                }
                length = answer.getheader("Content-Length") or str(len(content))
                connection.close()
            else:
                status, content = verdict
                length = str(len(content))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - http.server's names

    front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    front.daemon_threads = True
    thread = threading.Thread(target=front.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{front.server_port}"
    finally:
        front.shutdown()
        front.server_close()
        thread.join()
