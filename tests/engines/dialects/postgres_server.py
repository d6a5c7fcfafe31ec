"""How is a PostgreSQL server of one's own started for tests?"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


def _programs() -> Path | None:
    """Find the newest folder that has both `initdb` and `postgres`."""
    places = [path for pattern in _PLACES for path in sorted(Path("/").glob(pattern[1:]))]
    found = shutil.which("initdb")
    if found:
        places.append(Path(found).resolve().parent)
    places = [path for path in places if (path / "initdb").exists()]
    return places[-1] if places else None


def _as_other(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server on a socket only it and this process can reach; yield its superuser's DSN."""
    programs = _programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed")
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="voyant-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    control = _as_other([str(programs / "pg_ctl"), "-D", str(data)])
    try:
        subprocess.run(
            _as_other(
                [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust",
                 "-E", "UTF8", "--no-locale", "--no-sync"]  # fmt: skip
            ),
            check=True,
            capture_output=True,
            cwd=folder,
        )
        options = (
            f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off "
            "-c full_page_writes=off -c synchronous_commit=off -c shared_buffers=32MB"
        )
        subprocess.run(
            [*control, "-w", "-l", str(folder / "log"), "-o", options, "start"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            yield f"host={folder} user=postgres dbname=postgres"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=folder,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
