"""Scratch folders go with their process, and what the killed left is removed by the next."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from voyant.artifacts.baselines import BaselineStore
from voyant.artifacts.store import remove_leftovers
from voyant.core.errors import FolderError
from voyant.core.scratch import ScratchFolder, remove_stale

HOLD = """
import sys, time
from voyant.core.scratch import ScratchFolder
folder = ScratchFolder("test", sys.argv[1])
(folder.path / "spill").mkdir()
(folder.path / "spill" / "data").write_bytes(b"x" * 1000)
print(folder.path, flush=True)
time.sleep(600)
"""


def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    return process, Path(process.stdout.readline().strip())


def test_it_goes_when_closed_or_forgotten(tmp_path):
    folder = ScratchFolder("test", tmp_path)
    assert folder.path.is_dir()
    folder.close()
    folder.close()
    assert list(tmp_path.iterdir()) == []
    folder = ScratchFolder("test", tmp_path)
    del folder
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(tmp_path):
    dead, left = holder(tmp_path)
    living, used = holder(tmp_path)
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert left.is_dir()
        (tmp_path / "voyant-of-somebody-else").mkdir()
        mine = ScratchFolder("test", tmp_path)
        assert not left.exists()
        assert (used / "spill" / "data").is_file()
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
            [mine.path.name, used.name, "voyant-of-somebody-else"]
        )
        assert remove_stale(tmp_path) == []
        mine.close()
    finally:
        living.kill()
        living.wait()
        for process in (dead, living):
            process.stdout.close()


def test_a_link_is_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / ".voyant-in-use").touch()
    base = tmp_path / "base"
    base.mkdir()
    (base / "voyant-link").symlink_to(precious)
    assert remove_stale(base) == []
    assert precious.is_dir()


def test_what_is_kept_outlives_its_process_and_the_next_ones(tmp_path):
    folder = ScratchFolder("test", tmp_path)
    folder.keep()
    path = folder.path
    del folder
    gc.collect()
    assert remove_stale(tmp_path) == []
    assert path.is_dir()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    with pytest.raises(FolderError, match=r"in '.*nowhere': No such file .* temp_directory"):
        ScratchFolder("test", tmp_path / "nowhere")


def test_leftovers_of_a_killed_writer_are_removed_once_they_are_old(tmp_path):
    folder = BaselineStore(tmp_path, "acme").folder
    folder.mkdir(parents=True)
    for name in (".voyant-0123.tmp", ".voyant-4567.tmp", "orders.json"):
        (folder / name).write_text("x")
    old = time.time() - 7200
    os.utime(folder / ".voyant-0123.tmp", (old, old))
    os.utime(folder / "orders.json", (old, old))
    remove_leftovers(folder)
    assert {path.name for path in folder.iterdir()} == {".voyant-4567.tmp", "orders.json"}
