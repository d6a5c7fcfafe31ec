"""Temporary folders are gone with their makers, and those of makers that were killed soon after."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from voyant.artifacts.baselines import BaselineStore
from voyant.artifacts.store import remove_leftovers
from voyant.core.errors import FolderError
from voyant.core.scratch import Scratch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")

MAKE = """
import sys
from voyant.core.scratch import Scratch
scratch = Scratch("test", sys.argv[1])
(scratch.folder / "large.bin").write_bytes(b"x")
print(scratch.folder.name, flush=True)
sys.stdin.read()
"""


def maker(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", MAKE, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_it_is_removed_with_all_that_is_in_it(tmp_path):
    scratch = Scratch("test", tmp_path)
    assert names(tmp_path) == {scratch.folder.name}
    (scratch.folder / "deep").mkdir()
    (scratch.folder / "deep" / "file").write_text("x")
    scratch.remove()
    scratch.remove()
    assert names(tmp_path) == set()


def test_the_next_one_removes_what_a_killed_process_left_and_nothing_else(tmp_path):
    (tmp_path / "voyant-mine").mkdir()  # no scratch folder, whatever its name
    (tmp_path / "voyant-file").write_text("x")
    (tmp_path / "voyant-link").symlink_to(tmp_path / "voyant-mine")
    killed, abandoned = maker(tmp_path)
    living, in_use = maker(tmp_path)
    kept = names(tmp_path) - {abandoned}
    try:
        killed.kill()
        killed.communicate()
        assert abandoned in names(tmp_path)
        scratch = Scratch("test", tmp_path)
        assert names(tmp_path) == kept | {scratch.folder.name}
        assert (tmp_path / in_use / "large.bin").exists()
        scratch.remove()
    finally:
        living.communicate("")
    Scratch("test", tmp_path).remove()
    assert names(tmp_path) == kept - {in_use}


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    with pytest.raises(FolderError, match=r"in '.*nowhere': No such file .* temp_directory"):
        Scratch("test", tmp_path / "nowhere")


def test_leftovers_of_a_killed_writer_are_removed_once_they_are_old(tmp_path):
    folder = BaselineStore(tmp_path, "acme").folder
    folder.mkdir(parents=True)
    for name in (".voyant-0123.tmp", ".voyant-4567.tmp", "orders.json"):
        (folder / name).write_text("x")
    old = time.time() - 7200
    os.utime(folder / ".voyant-0123.tmp", (old, old))
    os.utime(folder / "orders.json", (old, old))
    remove_leftovers(folder)
    assert names(folder) == {".voyant-4567.tmp", "orders.json"}
