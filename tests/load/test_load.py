"""The load test at a size for every day; `python -m tests.load.load` runs it at full size."""

from __future__ import annotations

import sys

import pytest

from tests.load.load import database, run_load


@pytest.mark.skipif(sys.platform == "win32", reason="signals and locks")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_job_ends_once_while_workers_are_killed(kind, tmp_path):
    with database(kind, tmp_path) as url:
        found = run_load(
            tmp_path, url, jobs=16, tenants=3, workers=2, kill_every=5.0, through="api"
        )
    assert found.problems == []
    assert found.submitter_kills == 2
