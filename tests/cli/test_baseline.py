"""`voyant baseline` and `voyant run --reference`."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def two_jobs(voyant, workplace):
    for job, first in (("one", 0), ("two", 500)):
        rows = "\n".join(str((first + place) / 4) for place in range(100))
        (workplace / f"{job}.csv").write_text(f"n\n{rows}\n")
        done = voyant("run", "--table", f"t={job}.csv", "--job-id", job, "--only", "drift")
        assert done.exit_code == 0, done.output
    return voyant


def listed(voyant):
    return {
        b["table"]: b["job_id"] for b in json.loads(voyant("baseline", "list", "--json").stdout)
    }


def test_a_baseline_is_listed_shown_set_and_cleared(two_jobs):
    assert listed(two_jobs) == {"t": "one"}
    assert "one" in two_jobs("baseline", "list").stdout
    shown = json.loads(two_jobs("baseline", "show", "t", "--json").stdout)
    assert shown["profile"]["row_count"] == 100
    assert "from job one" in two_jobs("baseline", "show", "t").stdout
    assert two_jobs("baseline", "set", "two").exit_code == 0
    assert listed(two_jobs) == {"t": "two"}
    assert "Forgotten: t" in two_jobs("baseline", "clear").stdout
    assert listed(two_jobs) == {}
    assert "no baseline" in two_jobs("baseline", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "tt"), "Did you mean 't'?"),
        (("set", "three"), "no finished job 'three'"),
        (("set", "one", "--table", "u"), "It has 't'"),
        (("set", "one", "--tenant", "other"), "belongs to another tenant"),
        (("list", "--tenant", "../x"), "could lead"),
    ],
)
def test_what_cannot_be_done_is_said(two_jobs, arguments, said):
    result = two_jobs("baseline", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_reference_table_is_compared_with_in_place_of_the_baseline(two_jobs, workplace):
    done = two_jobs(
        "run", "--table", "t=two.csv", "--reference", "t=one.csv", "--job-id", "three",
        "--only", "drift", "--out", "other",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    table = json.loads((workplace / "other" / "three" / "drift.json").read_text())["tables"]["t"]
    assert (table["compared_with"], table["status"]) == ("reference", "drifted")
    manifest = json.loads((workplace / "other" / "three" / "manifest.json").read_text())
    assert manifest["parameters"]["reference"] == {"t": ["one.csv"]}


def test_a_reference_has_a_name_and_a_path(voyant):
    result = voyant("run", "orders.csv", "--reference", "orders.csv")
    assert result.exit_code == 2
    assert "--reference is 'orders.csv'" in result.stderr
