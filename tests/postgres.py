"""A real PostgreSQL server for tests: made, started and stopped here, on the loopback alone.

Debian: `apt install postgresql`. Without it the tests that need it say so and are skipped; where
`CI` is set, they fail. The server does not run as root: then it gets the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

__all__ = ["ADMIN_PASSWORD", "PostgresServer", "find_binaries", "started_server"]

#: As hard on URLs as passwords get.
ADMIN_PASSWORD = "p@ss/w:rd?#%20&=ü 'x\""
_IS_CI = bool(os.environ.get("CI"))
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class PostgresServer:
    """A running server.

    Attributes:
        port: On 127.0.0.1, where a password is asked for.
        user: The superuser.
        password: Its password.
    """

    port: int
    user: str = "voyant_admin"
    password: str = ADMIN_PASSWORD

    def url(self, database: str = "postgres", *, user: str = "", password: str = "") -> str:
        """Return a URL that opens a database, by default as the superuser."""
        who = quote(user or self.user, safe="")
        secret = quote(password or self.password, safe="")
        return f"postgresql://{who}:{secret}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def connect(self, database: str = "postgres"):
        """Connect as the superuser; each statement is its own transaction."""
        import psycopg

        return psycopg.connect(self.url(database), autocommit=True)

    def new_database(self, purpose: str) -> str:
        """Create a database and return its name, which no other test of this process has."""
        name = f"{purpose}_{os.urandom(4).hex()}"
        with self.connect() as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
        return name


def find_binaries() -> Path | None:
    """Return the folder of `initdb` and `postgres`, None where they are not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@contextmanager
def started_server():
    """Start a server; skip the test (on CI: fail it) where PostgreSQL is not installed."""
    binaries = find_binaries()
    if binaries is None:
        said = "PostgreSQL is not installed: apt install postgresql"
        (pytest.fail if _IS_CI else pytest.skip)(said)
    folder = Path(tempfile.mkdtemp(prefix="voyant-postgres-"))
    account = _account()
    try:
        if account is not None:
            os.chown(folder, account["user"], account["group"])
        with _running(binaries, folder, account or {}) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account():
    """Return whom the server runs as, None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def _running(binaries, folder, account):
    data, secret = folder / "data", folder / "secret"
    server = PostgresServer(port=_free_port())
    secret.write_text(server.password, encoding="utf-8")
    secret.chmod(0o644)
    made = subprocess.run(
        [
            *(binaries / "initdb", "-D", data, "-U", server.user, "--pwfile", secret),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        **account,
    )
    assert made.returncode == 0, made.stderr
    log = (folder / "log").open("wb")
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "port": server.port,
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "autovacuum": "off",
        "max_connections": 40,
    }
    process = subprocess.Popen(
        [
            binaries / "postgres",
            *("-D", data),
            *(f"--{name}={value}" for name, value in settings.items()),
        ],
        cwd=folder,
        stdout=log,
        stderr=log,
        **account,
    )
    try:
        _wait_until_it_answers(server, process, folder / "log")
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # ends what is open, then itself
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)
        log.close()


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_until_it_answers(server, process, log):
    import psycopg

    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            server.connect().close()
        except psycopg.OperationalError:
            assert time.monotonic() < until, log.read_text(errors="replace")
            time.sleep(0.05)
        else:
            return
