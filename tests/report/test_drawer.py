"""Drawing in a process of its own: the same pictures, the run goes on, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import voyant
from voyant.core.errors import GeneratorCrashedError, GeneratorError
from voyant.report import drawer as drawers
from voyant.report.drawer import Drawer, drawing, end_spare_drawers, make_drawer_ready
from voyant.report.vega import Heading
from voyant.report.vega_bars import Bar, bar_chart
from voyant.report.vega_format import Look
from voyant.report.vega_render import finish_svg, render_png, render_svg

SPEC = bar_chart(
    Heading(title="Café <b>&"),
    [Bar(label="a", value=1.0), Bar(label="</script>", value=-2.0)],
    Look(title="Name"),
    Look(title="Value"),
).spec


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return state.rsplit(")", 1)[1].split()[0] != "Z"


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_pictures_are_those_that_this_process_would_draw():
    with drawing() as drawer:
        assert finish_svg(drawer.svg(SPEC), "d", "n") == render_svg(SPEC, "d", "n")
        assert drawer.png(SPEC) == render_png(SPEC)
    assert not is_running(drawer.pid)


def test_what_cannot_be_drawn_is_told_and_the_next_one_is_drawn():
    with drawing() as drawer:
        with pytest.raises(GeneratorError, match=r"could not draw a chart: [^\n]*TypeError[^\n]*$"):
            drawer.svg({"data": {"values": []}, "mark": "no such mark"})
        assert drawer.svg(SPEC).startswith("<svg")


def test_nothing_is_fetched():
    with drawing() as drawer:
        svg = drawer.svg(
            {
                "data": {"values": [{"u": "http://127.0.0.1:9/x.png"}]},
                "mark": {"type": "image", "width": 9, "height": 9},
                "encoding": {"url": {"field": "u", "type": "nominal"}},
            }
        )
    assert "data:image" not in svg


def test_other_threads_go_on_meanwhile():
    with drawing() as drawer:
        thread = threading.Thread(target=drawer.svg, args=[SPEC])  # waits for V8 to start, too
        thread.start()
        counted = 0
        while thread.is_alive():
            time.sleep(0.001)
            counted += 1
        thread.join()
    assert counted > 50


def test_a_process_that_dies_is_an_error_and_no_endless_wait():
    with drawing() as drawer:
        drawer.svg(SPEC)
        os.kill(drawer.pid, signal.SIGKILL)
        with pytest.raises(GeneratorCrashedError, match=r"ended \(exit code -9\)"):
            drawer.png(SPEC)


def test_what_was_begun_is_not_drawn_twice():
    with drawing() as drawer:
        drawer.begin(SPEC)
        drawer.begin(dict(SPEC))
        assert len(drawer._begun) == 1
        assert drawer.svg(SPEC).startswith("<svg")


def test_what_was_made_ready_is_taken_once_and_ended_otherwise():
    make_drawer_ready()
    (ready,) = drawers._spare
    with drawing() as first, drawing() as second:
        assert (first, second is not ready) == (ready, True)
    make_drawer_ready()
    (unused,) = drawers._spare
    end_spare_drawers()
    assert not drawers._spare
    assert not any(is_running(drawer.pid) for drawer in (first, second, unused))


def test_one_that_died_before_it_was_needed_is_replaced():
    make_drawer_ready()
    (ready,) = drawers._spare
    os.kill(ready.pid, signal.SIGKILL)
    wait_until_gone(ready.pid)
    with drawing() as drawer:
        assert drawer.svg(SPEC).startswith("<svg")


def test_it_does_not_outlive_a_killed_parent():
    script = (
        "import time; from voyant.report.drawer import Drawer; "
        "print(Drawer().pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(pid)


def test_closing_twice_does_no_harm():
    drawer = Drawer()
    drawer.close()
    drawer.close()
    assert not is_running(drawer.pid)


def test_what_keeps_it_from_starting_is_told(monkeypatch, tmp_path):
    (tmp_path / "vl_convert.py").write_text("raise ImportError('no such glibc')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(drawers, "child_path", lambda: os.pathsep.join(sys.path))
    with drawing() as drawer, pytest.raises(GeneratorError, match="ImportError: no such glibc"):
        drawer.svg(SPEC)


def test_a_run_goes_on_where_no_process_can_be_started(monkeypatch, tmp_path):
    def refuse():
        raise OSError("no more processes")

    monkeypatch.setattr(drawers, "Drawer", refuse)
    path = tmp_path / "orders.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    found = voyant.analyze(orders=path, out=tmp_path, only=["profile", "charts"])
    states = {entry.name: entry.status for entry in found.manifest.generators}
    assert (states["profile"], states["charts"]) == ("ok", "failed")
