"""How fast does the service take a job and say how one is, and what does it hold while idle?

A real server process with its workers on the embedded default, asked over one kept connection; the
reads also by two clients at once. Memory is the proportional set size of all its processes, so that
pages they share are counted once.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from harness import VOYANT, Goal, Options, Report, Row, say, summarise

WARM_UPS = 20
SUBMITS = 200
READS = 1_000
CLIENTS = 2
SETTLE_SECONDS = 10


class Client:
    """One kept connection with a key."""

    def __init__(self, port: int, key: str) -> None:
        """Connect on first use."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request and return what was answered.

        Raises:
            RuntimeError: An error was answered.
        """
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 400:  # noqa: PLR2004 -- where errors begin
            raise RuntimeError(content.decode())
        return content

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


@contextmanager
def serving(folder: Path, *options: str) -> Generator[tuple[int, int, str]]:
    """Start the service; give its process id, its port and a key."""
    made = subprocess.run(
        [str(VOYANT), "keys", "create", "--tenant", "bench", "--role", "admin"],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    process = subprocess.Popen(
        [str(VOYANT), "serve", "--port", "0", *options],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "VOYANT_TENANT_MAX_QUEUED": "100000"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 -- asked for, the line before
    try:
        port = re.search(r":(\d+);", process.stdout.readline())
        assert port is not None  # noqa: S101 -- it says so, or has failed
        yield process.pid, int(port[1]), made.stdout.strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()


def times(action: Callable[[], object], count: int) -> list[float]:
    """Time an action so many times, in milliseconds each."""
    taken: list[float] = []
    for _ in range(count):
        started = time.perf_counter()
        action()
        taken.append((time.perf_counter() - started) * 1_000)
    return taken


def reads_a_second(port: int, key: str, path: str) -> float:
    """Let clients read at the same time; return how many answers there were a second."""

    def read() -> None:
        client = Client(port, key)
        for _ in range(READS // CLIENTS):
            client.ask("GET", path)
        client.close()

    threads = [threading.Thread(target=read) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return READS / (time.perf_counter() - started)


def proportional_bytes(pid: int) -> int:
    """Return the proportional set size of a process and everything it has started."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    family, grows = {pid}, True
    while grows:
        more = {child for child, parent in parents.items() if parent in family} - family
        grows = bool(more)
        family |= more
    total = 0
    for member in family:
        rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        total += int(found[1]) * 1024 if found else 0
    return total


def measure_requests(port: int, key: str) -> tuple[float, float, float, float]:
    """Return the milliseconds of a sign of life, a read and a submission, and reads a second."""
    spec = json.dumps({"sources": {"orders": "upload:orders.csv"}}).encode()
    client = Client(port, key)
    client.ask("PUT", "/v1/tables/orders.csv", b"id,amount\n1,2.5\n")
    path = f"/v1/jobs/{json.loads(client.ask('POST', '/v1/jobs', spec))['job_id']}"
    times(lambda: client.ask("POST", "/v1/jobs", spec), WARM_UPS)
    submits = times(lambda: client.ask("POST", "/v1/jobs", spec), SUBMITS)
    reads = times(lambda: client.ask("GET", path), READS)
    alive = times(lambda: client.ask("GET", "/healthz"), READS)
    client.close()
    medians = [statistics.median(taken) for taken in (alive, reads, submits)]
    return medians[0], medians[1], medians[2], reads_a_second(port, key, path)


def run(options: Options) -> list[Report] | None:
    """Measure a service without workers, then the memory of one as it comes."""
    if not Path("/proc/self/smaps_rollup").exists():
        say("left out: needs Linux")
        return None
    asked: list[tuple[float, float, float, float]] = []
    memory: list[float] = []
    for _ in range(options.runs):
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(Path(folder), "--workers", "0") as (
                _,
                port,
                key,
            ),
        ):
            asked.append(measure_requests(port, key))
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (pid, port, key):
            client = Client(port, key)
            client.ask("GET", "/v1/jobs")
            time.sleep(SETTLE_SECONDS)
            memory.append(proportional_bytes(pid) / 2**20)
            client.close()
    alive, reads, submits, rates = (list(figures) for figures in zip(*asked, strict=True))
    rows: list[Row] = [
        summarise("GET /healthz", alive),
        summarise("GET /v1/jobs/JOB", reads),
        summarise("POST /v1/jobs", submits),
    ]
    slowest = 1_000 / statistics.median(rates)
    return [
        Report(
            case="service: one request",
            unit="milliseconds, median of a run",
            rows=rows,
            goals=[
                Goal(text="milliseconds to submit a job", measured=rows[2].value, limit=15),
                Goal(
                    text=f"milliseconds between answers to {CLIENTS} readers",
                    measured=slowest,
                    limit=1_000 / 300,
                ),
            ],
        ),
        Report(
            case="service: idle, as it comes, with one worker",
            unit="MiB of all processes",
            rows=[summarise("voyant serve", memory)],
            goals=[Goal(text="MiB while idle", measured=statistics.median(memory), limit=150)],
        ),
    ]
