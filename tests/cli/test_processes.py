"""The command as a shell sees it: exit codes, pipes, encodings, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

START = """
import sys
from voyant.core.plugin_registry import clear_registry, register
clear_registry()

@register("plain", is_core=True)
def plain(ctx):
    return {"plain": ctx.write_text("café.txt", "x")}
"""
MAIN = "\nfrom voyant.cli import main\nmain()\n"


def command(code, *arguments):
    return [sys.executable, "-c", START + code + MAIN, *arguments]


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VOYANT_", "PYTHON", "LC_"))}
    return {**kept, "COLUMNS": "100", **more}


def run(code, *arguments, **more):
    return subprocess.run(
        command(code, *arguments), capture_output=True, check=False, env=environment(**more)
    )


@pytest.mark.parametrize(
    ("code", "arguments", "expected"),
    [
        ("", ("run", "orders.csv"), 0),
        ("register('bad', is_core=True)(lambda ctx: 1 / 0)", ("run", "orders.csv"), 1),
        ("register('bad')(lambda ctx: 1 / 0)", ("run", "orders.csv"), 0),
        ("", ("run", "nope.csv"), 2),
        ("", ("run", "--nonsense"), 2),
        ("", ("verify", "."), 1),
    ],
)
def test_exit_codes(workplace, code, arguments, expected):
    done = run(code, *arguments)
    assert done.returncode == expected, done.stderr
    assert b"Traceback" not in done.stderr


def test_nothing_but_results_reaches_a_pipe(workplace):
    done = run("", "run", "orders.csv", "--out", "out")
    assert done.stderr == b""
    assert b"\x1b" not in done.stdout
    done = run("", "run", "orders.csv", "--out", "out", "--json", LANG="C", PYTHONUTF8="0")
    assert json.loads(done.stdout)["manifest"]["artifacts"][0]["path"] == "café.txt"
    assert done.stderr == b""


def test_a_terminal_that_is_not_utf8_shows_escapes(workplace):
    done = run("", "run", "orders.csv", "--out", "out", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert rb"caf\xe9.txt" in done.stdout


def test_color_can_be_forced_and_forbidden(workplace):
    forced = run("", "run", "orders.csv", "--out", "out", FORCE_COLOR="1", TERM="xterm")
    assert b"\x1b[32m" in forced.stdout
    refused = run(
        "", "run", "orders.csv", "--out", "out", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm"
    )
    assert b"\x1b[32m" not in refused.stdout


def test_a_reader_that_stops_reading_is_no_error_message(workplace):
    many = "for n in range(3000): register(f'g{n}', description='x' * 200)(lambda ctx: {})"
    with subprocess.Popen(
        command(many, "generators", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait()
    assert (code, said) == (141, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_ctrl_c_leaves_no_manifest_and_no_temporary_file(workplace):
    slow = """
@register("slow", order=200)
def slow(ctx):
    import time
    ctx.write_text("started.txt", "")
    time.sleep(60)
"""
    process = subprocess.Popen(
        command(slow, "run", "orders.csv", "--out", "out", "--job-id", "job"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    folder = workplace / "out" / "job"
    try:
        deadline = time.monotonic() + 30
        while not (folder / "started.txt").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == b""
    assert said.startswith(b"voyant: Stopped.")
    assert b"Traceback" not in said
    assert sorted(path.name for path in folder.iterdir()) == [
        ".voyant-job.json",
        ".voyant-written",
        "café.txt",
        "started.txt",
    ]


def test_a_fault_of_our_own_is_one_paragraph_unless_asked(workplace):
    broken = "import voyant.jobs.runner as r; r.run_job = None"
    done = run(broken, "run", "orders.csv")
    assert done.returncode == 1
    assert b"Something unexpected" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Traceback" in run(broken, "--debug", "run", "orders.csv").stderr


QUICK = "import atexit\natexit.register(print, 'registered')" + MAIN


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("run", "orders.csv"), 0), (("run", "nope.csv"), 2), (("run", "orders.csv", "--json"), 0)],
)
def test_a_run_of_our_own_code_ends_with_its_code_and_all_it_wrote(workplace, arguments, expected):
    done = subprocess.run(
        [sys.executable, "-c", QUICK, *arguments],
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == expected, done.stderr
    assert done.stdout.endswith(b"registered\n")
    assert expected == 2 or b"artifacts" in done.stdout


def in_bash(script):
    return subprocess.run(
        ["bash", "-c", script, sys.executable],
        capture_output=True,
        check=False,
        env=environment(),
    )


def test_a_closed_stderr_does_not_spoil_a_run(workplace):
    done = in_bash('"$0" -m voyant run orders.csv --only profile 2>&-')
    assert (done.returncode, done.stderr) == (0, b""), done.stdout


def test_a_reader_that_stops_before_the_end_is_no_fault(workplace):
    done = in_bash('"$0" -m voyant run orders.csv --only profile | true; echo ${PIPESTATUS[0]}')
    assert (done.stdout, done.stderr) == (b"141\n", b"")


def test_what_others_have_not_written_yet_is_not_lost(workplace):
    leaves_open = """
import builtins
@register("leaves_open")
def leaves_open(ctx):
    builtins.left = open("left.txt", "w")
    builtins.left.write("not flushed")
    return {}
"""
    done = run(leaves_open, "run", "orders.csv")
    assert done.returncode == 0, done.stderr
    assert (workplace / "left.txt").read_text() == "not flushed"


def test_a_profiler_sees_the_end_of_a_run(workplace):
    done = subprocess.run(
        [sys.executable, "-m", "cProfile", "-m", "voyant", "run", "orders.csv"],
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert b"function calls" in done.stdout


def test_the_module_is_the_command(workplace):
    done = subprocess.run(
        [sys.executable, "-m", "voyant", "--version"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"voyant ")


@pytest.mark.parametrize("arguments", ["--help", "run --help", "--version"])
def test_help_imports_nothing_heavy(arguments):
    script = (
        f"import sys\nsys.argv = ['voyant', *{arguments.split()!r}]\n"
        "from voyant.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'duckdb', 'jinja2', 'pydantic_settings', 'vl_convert', 'arro3', 'numpy'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_progress_is_shown_on_a_terminal_and_cleared(workplace):
    import pty

    slow = "register('slow', order=200)(lambda ctx: __import__('time').sleep(0.5) or {})"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(slow, "run", "orders.csv", "--out", "out", "--json"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM="xterm"),
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65_536):
            shown += chunk
    except OSError:  # what Linux says when the other side has closed
        pass
    os.close(ours)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert b"slow" in shown
    assert b"1/2" in shown
    assert shown.rstrip().endswith((b"\x1b[2K", b"\x1b[?25h"))
    assert json.loads(out)["success"] is True


def test_a_reader_that_never_read_is_no_error_message_either(workplace):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command("", "generators", "--json"),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        env=environment(),
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
