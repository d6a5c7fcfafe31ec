"""Drifted columns become charts of then and now; stable ones do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.report.vega_schema import assert_colours_have_dark_ones, assert_is_vega_lite
from voyant.core.config import Settings
from voyant.core.plugin_registry import PluginRegistry
from voyant.generators import drift
from voyant.generators.chart_drift import drift_strength, find_drift
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """What `drift.json` says of a table whose amounts, days and shops moved; its noise did not."""
    import json

    folder = tmp_path_factory.mktemp("drift")
    registry = PluginRegistry()
    registry.register("drift", order=50)(drift.generate_drift)
    random = np.random.default_rng(11)
    for job_id, shift in (("first", 0), ("second", 1)):
        rows = 3_000
        frame = pd.DataFrame(
            {
                "amount": random.normal(10 + 5 * shift, 2, rows),
                "day": pd.Timestamp("2024-01-01")
                + pd.to_timedelta(random.integers(0, 60, rows) + 90 * shift, "D"),
                "shop": random.choice(
                    ["<a>", "b", "c"], rows, p=[0.7 - 0.5 * shift, 0.2, 0.1 + 0.5 * shift]
                ),
                "noise": random.normal(0, 1, rows),
            }
        )
        request = JobRequest(job_id=job_id, artifacts_root=folder, sources={"sales": frame})
        job = run_job(request, Settings(), registry=registry)
        assert job.result.success, job.result.results
    return json.loads((folder / "second" / "drift.json").read_bytes())


def test_what_drifted_is_drawn(document):
    found = {finding.columns: finding for finding in find_drift(document)}
    assert set(found) == {("amount",), ("day",), ("shop",)}
    kinds = {columns[0]: finding.draw().kind for columns, finding in found.items()}
    assert kinds == {"amount": "line", "day": "line", "shop": "multiples"}
    for finding in found.values():
        drawing = finding.draw()
        assert_is_vega_lite(drawing.spec)
        assert_colours_have_dark_ones(drawing.spec)
        assert "has drifted since the baseline" in finding.reason


def test_the_score_is_the_value_against_its_threshold(document):
    amount = document["tables"]["sales"]["columns"]["amount"]
    (finding,) = [f for f in find_drift(document) if f.columns == ("amount",)]
    assert finding.strength == drift_strength(amount["value"], amount["threshold"])
    assert finding.pointer == "/tables/sales/columns/amount"


def test_numbers_that_stand_for_categories_keep_their_order(tmp_path):
    import json

    halves = [
        pd.DataFrame({"month": [1 + n % 6 + 6 * half for n in range(900)]}) for half in (0, 1)
    ]
    halves[1].loc[:200, "month"] = 12
    registry = PluginRegistry()
    registry.register("drift", order=50)(drift.generate_drift)
    request = JobRequest(
        job_id="one", artifacts_root=tmp_path, sources={"t": halves[1]}, reference={"t": halves[0]}
    )
    assert run_job(request, Settings(), registry=registry).result.success
    (finding,) = find_drift(json.loads((tmp_path / "one" / "drift.json").read_bytes()))
    said = json.dumps(finding.draw().spec)
    places = [said.index(f'"{month}"') for month in range(1, 13)]
    assert places == sorted(places)
