"""Generators that do what none should: one function for each row of the containment table."""

from __future__ import annotations

import ctypes
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path


def sleeps(ctx):
    """Hang in a C call that lets other threads run."""
    time.sleep(1000)


def loops(ctx):
    """Hang in Python."""
    while True:
        pass


def asks_the_engine_without_end(ctx):
    """Hang in a query."""
    ctx.engine._connection.execute(
        "SELECT sum(hash(a.range) % 7) FROM range(10000000) a, range(10000000) b"
    )


def matches_without_end(ctx):
    """Hang in C code that lets no other thread run: a regular expression of exponential time."""
    re.match(r"(a+)+$", "a" * 60 + "b")


def holds_the_interpreter(ctx):
    """Hang in C code that lets no other thread run, with every signal blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    ctypes.PyDLL(None).sleep(1000)


def crashes(ctx):
    """Read what is not there."""
    ctypes.string_at(0)


def aborts(ctx):
    """Give up as C++ code does."""
    os.abort()


def exits_at_once(ctx):
    """Leave without a word to anybody."""
    os._exit(3)


def exits_as_if_done(ctx):
    """Leave without a word, with the code that means success."""
    os._exit(0)


def exits(ctx):
    """Leave as a script does."""
    sys.exit("that is all")


def allocates_without_end(ctx):
    """Take memory until there is none."""
    taken = []
    while True:
        taken.append(b"x" * 10_000_000)


def returns_junk(ctx):
    """Return what is no mapping."""
    return 42


def returns_nothing_to_send(ctx):
    """Return a mapping of what is no path."""
    return {"a": object()}


def writes_elsewhere(ctx):
    """Write outside the job's folder."""
    Path(ctx["elsewhere"]).write_text("here I am", encoding="utf-8")
    return {}


def leaves_a_daemon(ctx):
    """Leave processes behind that have a session of their own and ignore SIGTERM."""
    script = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "time.sleep(1000)\n"
    )
    file = Path(ctx["artifacts_root"]) / ctx["job_id"] / "daemon.pid"
    subprocess.run([sys.executable, "-c", script, str(file)], check=True)
    while not (file.exists() and file.read_text()):
        time.sleep(0.01)
    if ctx.get("and_hangs"):
        time.sleep(1000)
    return {}


def forks_and_both_return(ctx):
    """Return twice: once from here, once from a forked process."""
    if os.fork():
        time.sleep(0.2)
    return {"once": ctx.write_text("once.txt", "once")}


def prints_without_end(ctx):
    """Flood the standard output."""
    while True:
        print("spam " * 200)  # noqa: T201 - what it is for


def logs_without_end(ctx):
    """Flood the log."""
    while True:
        logging.getLogger("hostile").warning("spam %s", "spam " * 20)


class UnprintableError(Exception):
    """An exception that cannot be shown."""

    def __str__(self):  # noqa: PLE0307 - what it is for
        sys.exit("not even this")

    __repr__ = __str__


def raises_the_unprintable(ctx):
    """Raise what cannot be shown."""
    raise UnprintableError


def closes_every_file(ctx):
    """Close every file descriptor, those of the interpreter and of others too."""
    os.closerange(0, 4096)
    return {}


def kills_its_parent(ctx):
    """Kill the process above this one."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(0.5)
    return {}


def talks_over_the_connection(ctx):
    """Write nonsense into every file descriptor there is."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff" * 100)
        except OSError:
            continue
    time.sleep(1000)


def behaves(ctx):
    """Do nothing hostile: use the context as a good generator does."""
    logging.getLogger("hostile.behaves").info("job %s", ctx.job_id)
    print("behaving")  # noqa: T201 - it is to reach the log
    ctx.note("rows", 3)
    summary = ctx.summary("orders") if ctx.get("sources") else None
    value = {
        "as_of": ctx.as_of.isoformat(),
        "pid": os.getpid(),
        "rows": summary.row_count if summary else None,
        "parameters": ctx.parameters,
        "threads": ctx.setting("threads"),
    }
    return {"behaves": ctx.write_json("behaves.json", value)}
