"""A Spark standalone cluster: a master and workers, each a process of its own, on the loopback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

#: PySpark leaves sockets, and its logger, to the end of the process.
SPARK_MARKS = (
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
)

_START_SECONDS = 180
_STOP_SECONDS = 20
_PACKAGE = "org.apache.spark.deploy"


def need_spark():
    """Skip where Spark cannot run; on CI that is a failure."""
    why = None
    if shutil.which("java") is None:
        why = "no java on the path (Debian: apt-get install openjdk-17-jre-headless)"
    else:
        try:
            import pyspark  # noqa: F401
        except ImportError:
            why = "pyspark is not installed (pip install 'voyant[spark]')"
    if why and os.environ.get("CI"):
        pytest.fail(f"Spark has to run here: {why}")
    if why:
        pytest.skip(why)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SparkCluster:
    """A running cluster; `workers` are its worker processes, `stop` ends what was started."""

    def __init__(self, folder, *, workers=2):
        self.folder = Path(folder)
        port, self._web_port = free_port(), free_port()
        self.url = f"spark://127.0.0.1:{port}"
        self.processes = []
        self.workers = []
        try:
            self._start("master.Master", "--port", port, "--webui-port", self._web_port)
            self._await(0)
            for number in range(workers):
                self.add_worker(number)
            self._await(workers)
        except BaseException:
            self.stop()
            raise

    def add_worker(self, number):
        self.workers.append(
            self._start(
                *("worker.Worker", "--port", free_port(), "--webui-port", free_port()),
                *("--cores", 1, "--memory", "1g", "--work-dir", self.folder / f"work-{number}"),
                self.url,
            )
        )

    def _start(self, program, *arguments):
        log = self.folder / f"{program}-{len(self.processes)}.log"
        process = _start(log, f"{_PACKAGE}.{program}", "--host", "127.0.0.1", *arguments)
        self.processes.append(process)
        return process

    def alive_workers(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self._web_port}/json/", timeout=5) as reply:
            return json.load(reply)["aliveworkers"]

    def _await(self, workers):
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            with suppress(OSError, ValueError):
                if self.alive_workers() >= workers:
                    return
            for process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"Spark ended with {process.returncode}: {self._logs()}")
            time.sleep(0.1)
        raise RuntimeError(f"Spark did not start: {self._logs()}")

    def _logs(self):
        return "\n".join(
            log.read_text(errors="replace")[-2000:] for log in sorted(self.folder.glob("*.log"))
        )

    def has_executor(self, number):
        return bool(_children(self.workers[number].pid))

    def kill_worker(self, number):
        """End a worker as a crash would, and the executors that it runs."""
        worker = self.workers[number]
        executors = _children(worker.pid)
        for pid in (worker.pid, *executors):
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        worker.wait()
        return len(executors)

    def stop(self):
        _stop(self.processes)


@contextmanager
def connect_server(folder):
    """Start a Spark Connect server, whose driver works in its own process; give its URL."""
    log, port = Path(folder) / "connect.log", free_port()
    process = _start(
        log,
        f"{_PACKAGE}.SparkSubmit",
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *("--master", "local[1]", "--conf", "spark.ui.enabled=false"),
        *("--conf", f"spark.connect.grpc.binding.port={port}"),
        *("--conf", "spark.connect.grpc.binding.address=127.0.0.1", "spark-internal"),
        memory="1g",
    )
    try:
        until = time.monotonic() + _START_SECONDS
        while "Spark Connect server started at" not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Spark Connect did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield f"sc://127.0.0.1:{port}"
    finally:
        _stop([process])


def _start(log, *command, memory="256m"):
    import pyspark

    home = Path(pyspark.__file__).parent
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(part) for part in (home / "bin" / "spark-class", *command)],
            env={
                **os.environ,
                "SPARK_HOME": str(home),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_DAEMON_MEMORY": memory,
                "PYSPARK_PYTHON": sys.executable,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _stop(processes):
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _children(pid):
    """List the processes that any thread of a process has started, and theirs."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            for number in (thread / "children").read_text().split():
                found += [int(number), *_children(int(number))]
    return found
