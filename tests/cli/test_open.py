"""`voyant open`: the right page, in the browser or as a path."""

from __future__ import annotations

import webbrowser

import pytest


@pytest.fixture
def opened(monkeypatch):
    """What the browser was asked to open."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or True)
    return addresses


@pytest.fixture
def jobs(voyant, workplace):
    for job in ("first", "second"):
        options = ("--job-id", job, "--out", "jobs", "--only", "profile")
        assert voyant("run", "orders.csv", *options).exit_code == 0
    return workplace / "jobs"


def test_the_newest_job_opens(voyant, jobs, opened):
    result = voyant("open", "--out", "jobs")
    page = (jobs / "second" / "profile.html").resolve()
    assert (result.exit_code, result.stdout) == (0, f"{page}\n")
    assert opened == [page.as_uri()]


def test_a_job_opens_by_id_and_by_folder(voyant, jobs, opened):
    for name in ("first", "jobs/first"):
        assert voyant("open", name, "--out", "jobs").exit_code == 0
    assert opened == [(jobs / "first" / "profile.html").resolve().as_uri()] * 2


def test_the_path_alone_can_be_printed(voyant, jobs, opened):
    result = voyant("open", "first", "--out", "jobs", "--print")
    assert result.stdout == f"{(jobs / 'first' / 'profile.html').resolve()}\n"
    assert opened == []


def test_without_a_browser_it_says_so(voyant, jobs, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    result = voyant("open", "--out", "jobs")
    assert result.exit_code == 0
    assert "No browser could be started" in result.stderr


def test_what_cannot_be_opened_is_said(voyant, jobs, opened):
    for arguments, words in (
        (("open", "thrid", "--out", "jobs"), "There is no job 'thrid'"),
        (("open", "--out", "nowhere"), "There is no finished job in 'nowhere'"),
    ):
        result = voyant(*arguments)
        assert result.exit_code == 2
        assert words in result.stderr
    assert opened == []
