"""A table is compared with its own earlier rows, as if they were a table of their own."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from voyant.core.config import load_settings
from voyant.core.errors import SourceError
from voyant.engines.duckdb import DuckDBEngine
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job

ROWS = pd.DataFrame(
    {
        "day": pd.date_range("2024-01-01", periods=200, freq="D"),
        "amount": [float(i % 10) for i in range(100)] + [float(i % 10) + 50 for i in range(100)],
    }
)
CUT = "2024-04-10"


@pytest.fixture
def drift(tmp_path):
    def run(name, **sources):
        job = run_job(
            JobRequest(
                job_id=name, artifacts_root=str(tmp_path / "out"), only=["drift"], **sources
            ),
            load_settings(),
        )
        assert job.manifest.success, job.manifest.generators
        return json.loads((job.folder / "drift.json").read_text())["tables"]["orders"]

    return run


def test_a_split_says_what_two_tables_would(drift):
    before, after = ROWS[ROWS.day < CUT], ROWS[ROWS.day >= CUT]
    split = drift("split", sources={"orders": ROWS}, reference={"orders": f"before:day={CUT}"})
    apart = drift("apart", sources={"orders": after}, reference={"orders": before})
    assert split.pop("split") == f"day {CUT}"
    assert apart.pop("split") is None
    cut, whole = split["columns"].pop("day"), apart["columns"].pop("day")
    assert (cut["status"], whole["status"]) == ("not_assessable", "drifted")
    assert cut["reason"] == "the table was cut in two by it"
    assert split["columns"] == apart["columns"]
    assert split["volume"] == apart["volume"]
    assert (split["volume"]["reference_row_count"], split["volume"]["current_row_count"]) == (
        100,
        100,
    )
    assert split["columns"]["amount"]["status"] == "drifted"


def test_a_split_is_out_of_reach_of_users_queries():
    engine = DuckDBEngine({"orders": ROWS}, reference={"orders": f"before:day={CUT}"})
    assert engine.tables() == ("orders",)
    assert engine.summarize("orders").row_count == 200
    assert engine.summarize(engine.current("orders")).row_count == 100
    with pytest.raises(ValueError, match="voyant_current_orders"):
        engine.query("SELECT * FROM voyant_current_orders")
    engine.close()


@pytest.mark.parametrize(
    "split", ["before:day", "before:=2024", "before:absent=1", "before:day=soon"]
)
def test_a_split_that_cannot_be_made_is_one_clear_error(split):
    with pytest.raises(SourceError):
        DuckDBEngine({"orders": ROWS}, reference={"orders": split})
