"""A queue on SQLite and on PostgreSQL, workers that are real processes, jobs that can be held."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from voyant.core.config import load_settings
from voyant.jobs.durable.handover import settings_to
from voyant.jobs.durable.model import JobSpec
from voyant.jobs.durable.queue import open_queue

#: For a loaded machine; nothing is asserted about time.
PATIENCE_SECONDS = 240
STEPS = ["steady_a", "steady_b", "steady_c"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """A database of the test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state' / 'service.sqlite'}"
        return
    server = request.getfixturevalue("postgres_server")
    name = server.new_database("voyant")
    yield server.url(name)
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def plugin(tmp_path):
    """The folder of the three generators that can be held."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("steady_plugin.py"), folder / "steady_plugin.py")
    return Steady(folder)


@pytest.fixture
def settings(database_url, tmp_path, plugin):
    return load_settings(
        database_url=database_url,
        artifacts_root=str(tmp_path / "artifacts"),
        plugin_path=str(plugin.folder),
        worker_lease_seconds=6.0,
        log_level="INFO",
        job_max_attempts=20,
    )


@pytest.fixture
def queue(settings):
    queue = open_queue(settings)
    yield queue
    queue.close()


@pytest.fixture
def workers(settings):
    """Start workers; all of them are gone at the end."""
    crew = Crew(settings)
    yield crew
    crew.end()


@pytest.fixture
def spec():
    """A job of the three generators, which reads no table."""
    return JobSpec(only=STEPS)


class Steady:
    """What the three generators did, and when they go on."""

    def __init__(self, folder):
        self.folder = folder

    def hold(self, name):
        (self.folder / f"hold-{name}").touch()

    def let_go(self, name):
        (self.folder / f"hold-{name}").unlink()

    def spawn(self, name):
        (self.folder / f"child-{name}").touch()

    def lines(self):
        """Return (begin or end, job, generator, process id, time) of everything that ran."""
        try:
            text = (self.folder / "ran.log").read_text()
        except FileNotFoundError:
            return []
        return [
            (what, job, name, int(pid), float(at))
            for what, job, name, pid, at in map(str.split, text.splitlines())
        ]

    def count(self, what, name, job_id=None):
        return sum(
            1
            for line in self.lines()
            if line[0] == what and line[2] == name and job_id in {None, line[1]}
        )

    def pid_of(self, name):
        """Return the process that began a generator last."""
        return [line[3] for line in self.lines() if line[0] == "begin" and line[2] == name][-1]


class Crew:
    """Worker processes of the test."""

    def __init__(self, settings):
        import json

        self._line = json.dumps(settings_to(settings, with_database=True)).encode() + b"\n"
        self.processes = []

    def start(self, name):
        process = subprocess.Popen(
            [sys.executable, "-m", "voyant.jobs.durable.worker_process", name],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        process.stdin.write(self._line)
        process.stdin.flush()
        self.processes.append(process)
        return process

    def end(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
            process.stdin.close()


def wait_until(condition, what="the condition"):
    """Wait until it is true, and return what it was."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"{what} never came true"
        time.sleep(0.05)


def is_there(pid):
    """Whether a process exists and is more than remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in {"Z", "X"}
