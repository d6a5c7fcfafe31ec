"""The last value of a KPI is found, whatever has happened to the file."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from voyant.artifacts.kpi_history import KpiHistory
from voyant.core.errors import FolderError, UnsafeNameError

NOW = datetime(2025, 3, 31, tzinfo=UTC)


@pytest.fixture
def history(tmp_path):
    return KpiHistory(tmp_path, "acme")


def test_there_is_nothing_before_the_first_job(history):
    assert history.last(["revenue"], "job").get("revenue") is None
    assert not history.path.exists()


def test_the_newest_value_of_another_job_counts(history):
    history.append("a", NOW, {"revenue": 1.5, "orders": 3})
    history.append("b", NOW, {"revenue": 2.5, "orders": None})
    assert history.last(["revenue"], "c").get("revenue") == 2.5
    assert history.last(["revenue"], "b").get("revenue") == 1.5
    assert history.last(["orders"], "c").get("orders") == 3
    assert history.last(["other"], "c").get("other") is None


def test_several_are_read_at_once_each_from_the_newest_job_that_has_it(history):
    history.append("a", NOW, {"revenue": 1.5, "orders": 3, "margin": 0})
    history.append("b", NOW, {"revenue": 2.5, "orders": None})
    history.append("c", NOW, {"revenue": 9.5, "orders": 9})
    names = ["revenue", "orders", "margin", "never"]
    assert history.last(names, "c") == {"revenue": 2.5, "orders": 3, "margin": 0}


def test_a_history_that_cannot_be_read_matters_only_to_jobs_with_kpis(history):
    history.path.mkdir(parents=True)
    assert history.last([], "c") == {}
    with pytest.raises(FolderError):
        history.last(["revenue"], "c")


def test_tenants_do_not_see_each_other(tmp_path, history):
    history.append("a", NOW, {"revenue": 1})
    assert KpiHistory(tmp_path, "globex").last(["revenue"], "x").get("revenue") is None
    with pytest.raises(UnsafeNameError):
        KpiHistory(tmp_path, "../acme")


@pytest.mark.parametrize("name", ["é", 'a "b"', "a\\b", "a\nb", "名"])
def test_names_need_not_be_plain(history, name):
    history.append("a", NOW, {name: 7})
    assert history.last([name], "b").get(name) == 7


def test_a_line_cut_short_spoils_itself_only(history):
    history.append("a", NOW, {"revenue": 1})
    with history.path.open("ab") as file:
        file.write(b'{"job_id": "b", "values": {"revenue": 9')
    assert history.last(["revenue"], "x").get("revenue") == 1
    history.append("c", NOW, {"revenue": 3})
    assert history.last(["revenue"], "x").get("revenue") == 3
    assert history.last(["revenue"], "c").get("revenue") == 1


@pytest.mark.parametrize(
    "line",
    [
        b'["revenue"]',
        b'{"revenue": 1}',
        b'{"job_id": 7, "values": {"revenue": 1}}',
        b'{"job_id": "j", "values": ["revenue"]}',
        b'\xff\xfe"revenue"',
        b"[" * 100_000 + b'"revenue"',
    ],
    ids=lambda line: repr(line[:20]),
)
def test_lines_of_another_shape_are_passed_over(history, line):
    history.append("a", NOW, {"revenue": 1})
    with history.path.open("ab") as file:
        file.write(line + b"\n")
    assert history.last(["revenue"], "x").get("revenue") == 1


@pytest.mark.parametrize("size", [65_530, 65_536, 65_537, 200_000])
def test_lines_may_lie_across_blocks(history, size):
    history.append("a", NOW, {"revenue": 1})
    history.append("b", NOW, {"long": "x" * size})
    history.append("c", NOW, {"long": "y"})
    assert history.last(["revenue"], "x").get("revenue") == 1
    assert history.last(["long"], "c").get("long") == "x" * size


def test_a_huge_file_is_read_from_its_end(history):
    history.append("a", NOW, {"revenue": 1})
    with history.path.open("ab") as file:
        file.truncate(3_000_000_000)  # sparse: takes no room, and no memory may be taken for it
    history.append("b", NOW, {"revenue": 2})
    assert history.last(["revenue"], "x").get("revenue") == 2


def test_jobs_may_finish_at_the_same_time(history):
    def work(job):
        for _ in range(20):
            KpiHistory(history.path.parents[2], "acme").append(job, NOW, {job: 1})

    threads = [threading.Thread(target=work, args=(f"job{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for line in history.path.read_bytes().split(b"\n") if line]
    assert len(lines) == 160
    assert all(history.last([f"job{n}"], "x").get(f"job{n}") == 1 for n in range(8))


def test_a_history_that_cannot_be_used_says_where(history):
    history.path.mkdir(parents=True)
    with pytest.raises(FolderError, match="KPI history"):
        history.append("a", NOW, {"revenue": 1})
    with pytest.raises(FolderError, match="KPI history"):
        history.last(["revenue"], "a").get("revenue")
