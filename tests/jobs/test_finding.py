from __future__ import annotations

import os
from pathlib import Path

import pytest

from voyant.core.errors import FolderError
from voyant.jobs.finding import find_job, find_page


def job(root: Path, name: str, *files: str, age_seconds: int = 0) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_text("{}", encoding="utf-8")
    if "manifest.json" in files:
        at = 1_700_000_000 - age_seconds
        os.utime(folder / "manifest.json", (at, at))
    return folder


def test_the_job_that_finished_last_is_found(tmp_path):
    job(tmp_path, "z-old", "manifest.json", age_seconds=60)
    newest = job(tmp_path, "a-new", "manifest.json")
    job(tmp_path, "unfinished")
    (tmp_path / "notes.txt").touch()
    assert find_job(tmp_path) == newest


def test_a_job_is_found_by_id_or_folder(tmp_path):
    folder = job(tmp_path / "root", "job_1", "manifest.json")
    assert find_job(tmp_path / "root", "job_1") == folder
    assert find_job(tmp_path / "elsewhere", str(folder)) == folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("job_2", "Did you mean 'job_1'"),
        ("../other/none", "There is no job"),
        ("unfinished", "has not finished"),
    ],
)
def test_a_job_that_cannot_be_opened_says_why(tmp_path, name, words):
    job(tmp_path / "root", "job_1", "manifest.json")
    job(tmp_path / "root", "unfinished")
    with pytest.raises(FolderError, match=words):
        find_job(tmp_path / "root", name)


def test_no_job_at_all_says_what_to_do(tmp_path):
    for root in (tmp_path, tmp_path / "none"):
        with pytest.raises(FolderError, match="voyant run"):
            find_job(root)


def test_the_best_page_is_found(tmp_path):
    both = job(tmp_path, "both", "index.html", "profile.html")
    assert find_page(both) == (both / "index.html").resolve()
    one = job(tmp_path, "one", "profile.html")
    assert find_page(one) == (one / "profile.html").resolve()
    with pytest.raises(FolderError, match="made no page"):
        find_page(job(tmp_path, "none"))
