"""Tables for the tools, and a service to ask over HTTP: started here, as a user would."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

VOYANT = [sys.executable, "-m", "voyant"]


def orders(folder: Path, name: str = "orders.csv", rows: int = 60) -> Path:
    """Write a small table."""
    lines = ["id,amount,email"]
    lines += [f"{row},{row * 1.5},person{row}@example.com" for row in range(1, rows + 1)]
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def environment(root: Path) -> dict[str, str]:
    """Return the variables of a service whose files are in a folder of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VOYANT_")}
    return {**kept, "VOYANT_ARTIFACTS_ROOT": str(root / "artifacts"), "VOYANT_PLUGINS": "0"}


def make_key(root: Path, tenant: str, role: str = "admin") -> str:
    """Make a key with the command line."""
    command = [*VOYANT, "keys", "create", "--tenant", tenant, "--role", role, "--name", "test"]
    done = subprocess.run(
        command, env=environment(root), cwd=root, capture_output=True, text=True, check=True
    )
    found = re.search(r"voyant_\S+", done.stdout)
    assert found, done.stdout
    return found[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(
    root: Path, *arguments: str, port: int, path: str = "/", **variables: str
) -> Iterator[str]:
    """Run a command that serves, until it answers; stop it at the end."""
    log = (root / "log").open("ab")
    process = subprocess.Popen(
        [*VOYANT, *arguments],
        env={**environment(root), **variables},
        cwd=root,
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (root / "log").read_text()
            if answers(address + path):
                break
            time.sleep(0.1)
        else:
            raise AssertionError((root / "log").read_text())
        yield address
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def answers(address: str) -> bool:
    """Say whether anything answers there, whatever it says."""
    try:
        httpx.get(address, timeout=5)
    except httpx.TransportError:
        return False
    return True
