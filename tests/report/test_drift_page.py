"""The drift page says everything `drift.json` says, to strangers' names and values too."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.report.markup import check_self_contained
from tests.report.samples import HOSTILE
from voyant.artifacts.drift import DriftArtifact
from voyant.core.plugin_registry import PluginRegistry
from voyant.generators.drift import generate_drift
from voyant.report.drift_drawing import overlay
from voyant.report.drift_page import render_drift


@pytest.fixture
def compared(tmp_path):
    def compared(now, before=None):
        registry = PluginRegistry()
        registry.register("drift", order=50)(generate_drift)
        result = registry.run(
            {
                "job_id": "job",
                "tenant_id": "acme",
                "artifacts_root": str(tmp_path),
                "as_of": "2030-01-01",
                "sources": now,
                "reference": before or {},
            }
        )
        assert result.results[0].error is None, result.results[0].traceback
        folder = tmp_path / "job"
        page = (folder / "drift.html").read_text()
        return DriftArtifact.model_validate_json((folder / "drift.json").read_bytes()), page

    return compared


def seen(page):
    return " ".join(text for texts in check_self_contained(page).texts.values() for text in texts)


def test_what_moved_stable_and_open_columns_all_stand_on_the_page(compared):
    before = pd.DataFrame(
        {"n": [n / 4 for n in range(100)], "c": ["a", "b"] * 50, "gone": ["x"] * 100}
    )
    now = pd.DataFrame(
        {"n": [n / 2 for n in range(100)], "c": ["a", "b"] * 50, "new": [1.5, 2] * 50}
    )
    artifact, page = compared({"t": now}, {"t": before})
    text = seen(page)
    assert "1 of 1 table drifted" in text
    for name in artifact.tables["t"].columns:
        assert name in text
    assert "the column is no longer there" in text
    assert "not assessable" in text
    assert page.count('<svg class="over"') == 2  # n and c; the others have no second side
    assert render_drift(artifact) == page


def test_a_first_run_says_that_there_is_nothing_to_compare_with(compared):
    _, page = compared({"t": pd.DataFrame({"n": range(100)})})
    assert "Nothing to compare with yet" in seen(page)


def test_no_drift_is_said(compared):
    frame = pd.DataFrame({"n": [n / 4 for n in range(100)]})
    assert "No drift" in seen(compared({"t": frame}, {"t": frame})[1])


def test_hostile_names_and_values_are_text(compared):
    names = [name for name in HOSTILE if name and "\x00" not in name]
    before = pd.DataFrame({name: ["a", "b"] * 50 for name in names})
    now = pd.DataFrame({name: [name[:100], "a"] * 50 for name in names})
    _, page = compared({names[0]: now}, {names[0]: before})
    check_self_contained(page)
    assert "<script>alert" not in page
    assert "onerror=alert(2)>" not in page


def test_three_hundred_columns_stay_under_the_limit(compared):
    before = pd.DataFrame({f"c{n}": [(n + m) / 4 for m in range(100)] for n in range(300)})
    _, page = compared({"t": before + 7}, {"t": before})
    assert len(page.encode()) < 1_500_000


def test_a_page_without_tables_says_so():
    artifact = DriftArtifact.model_validate(
        {
            "thresholds": {
                "wasserstein_normed": 0.1, "js_distance": 0.1, "psi": 0.2,
                "null_fraction_change": 0.1, "volume_change_fraction": 0.5,
                "drifted_fraction": 0.5, "min_rows": 30,
            },
            "unused_rules": [],
            "tables": {},
        }
    )  # fmt: skip
    assert "No tables" in seen(render_drift(artifact))


def test_a_drawing_places_shares_by_their_edges():
    drawn = overlay([0, 1, 4], [0.5, 0.5], [1.0, 0.0], "d", ["first", "second"])
    assert 'd="M4.5 100V0h66V100z"' in drawn  # the first bar: a quarter of 300 wide, full height
    assert 'd="M0 100V50H75V50H300V100"' in drawn
    assert drawn.count("<rect") == 2


def test_a_drawing_of_moments_and_of_categories():
    moments = overlay(["2024-01-01", "2024-01-02", "2024-01-05"], [1, 0], [0, 1], "d")
    assert "H75" in moments
    assert "H150" in overlay([], [1, 0], [0, 1], "d")
    assert "H300" in overlay([2.0, 2.0], [1], [1], "d")


def test_whole_numbers_are_named_by_those_that_occur(compared):
    days = pd.DataFrame({"day": [1 + n % 31 for n in range(3100)]})
    artifact, page = compared({"t": days}, {"t": days.assign(day=days["day"].clip(upper=30))})
    drawn = artifact.tables["t"].columns["day"].distribution
    assert drawn.is_whole
    assert [drawn.edges[0], drawn.edges[-1]] == [1, 33]
    assert "<span>32</span>" in page
    assert "<span>33</span>" not in page
    assert "31 to 32: " in page
    part = days["day"] / 2
    artifact, page = compared({"t": days.assign(day=part)}, {"t": days.assign(day=part)})
    assert not artifact.tables["t"].columns["day"].distribution.is_whole


def test_too_many_values_to_draw_are_said_so(compared):
    codes = pd.DataFrame({"code": [f"{n % 900:04}x" for n in range(9_000)]})
    _, page = compared({"t": codes}, {"t": codes})
    assert "too many different values to draw" in page
    assert "Most changed" not in page
