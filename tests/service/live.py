"""`voyant serve` as a process of its own, on a free port of the loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

__all__ = ["LiveService", "run_voyant"]

_PATIENCE_SECONDS = 120


def run_voyant(folder: Path, *arguments: str, **environment: str) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "voyant", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class LiveService:
    """Started on entry, stopped with SIGTERM on exit."""

    def __init__(self, folder: Path, *, workers: int = 0, **environment: str) -> None:
        self.folder, self.workers = folder, workers
        self._environment = {k.upper(): v for k, v in environment.items()}
        self._keys: dict[tuple[str, str], str] = {}
        self.url = ""

    def __enter__(self) -> Self:
        self.log = self.folder / "service.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "voyant", "serve", "--port", "0"),
                    *("--workers", str(self.workers)),
                ],
                cwd=self.folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+:\d+", line)
        assert found, self.log.read_text()
        self.url = found[0]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Stop it as a supervisor would, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_PATIENCE_SECONDS)
        finally:
            self.process.stdout.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def key(self, tenant: str = "acme", role: str = "admin") -> str:
        """Return a key, made with the command on first use."""
        if (tenant, role) not in self._keys:
            arguments = ("keys", "create", "--tenant", tenant, "--role", role)
            self._keys[tenant, role] = run_voyant(self.folder, *arguments, **self._environment)
        return self._keys[tenant, role]

    def ask(self, method: str, path: str, *, tenant="acme", role="admin", headers=None, **rest):
        """Send a request with a key."""
        own = {"Authorization": f"Bearer {self.key(tenant, role)}"}
        return httpx.request(
            method,
            self.url + path,
            headers={**own, **(headers or {})},
            timeout=_PATIENCE_SECONDS,
            **rest,
        )

    def run_job(self, *, tenant: str = "acme", **spec: object) -> dict:
        """Upload three orders, run a job over them, and return it when it has ended."""
        content = b"id,amount\n1,2.5\n2,3.5\n3,4.5\n"
        put = self.ask("PUT", "/v1/tables/orders.csv", tenant=tenant, content=content)
        assert put.status_code in {200, 201}, put.text
        body = {"sources": {"orders": "upload:orders.csv"}, **spec}
        made = self.ask("POST", "/v1/jobs", tenant=tenant, json=body)
        assert made.status_code == 202, made.text
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            path = f"{made.headers['location']}?wait_seconds=10"
            job = self.ask("GET", path, tenant=tenant).json()
            if job["state"] in {"succeeded", "failed", "cancelled"}:
                return job
        raise AssertionError(self.log.read_text())

    def log_lines(self) -> list[dict]:
        """Return what the service and its workers have logged."""
        whole, _, _ = self.log.read_text().rpartition("\n")  # the last line may be half there
        return [json.loads(line) for line in whole.splitlines() if line[:1] == "{"]

    def lines_of_request(self, request_id: str) -> list[dict]:
        """Return what was logged of a request, which says how it ended after it was answered."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            lines = [line for line in self.log_lines() if line.get("request_id") == request_id]
            if any(line["logger"] == "voyant.service.requests" for line in lines):
                return lines
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())
