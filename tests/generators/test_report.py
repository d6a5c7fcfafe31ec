"""The report ties together whatever there is, and says of the rest why it is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

import voyant
from tests.report.timings import without_times
from voyant.core.plugin_registry import PluginRegistry, default_registry
from voyant.generators.report import generate_report
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job


def words(analysis: voyant.Analysis) -> str:
    return analysis.page.read_text(encoding="utf-8")


def page_of(tmp_path: Path, register) -> str:
    """Run the report after one generator of the test's own."""
    registry = PluginRegistry()
    register(registry)
    registry.register("report", order=90)(generate_report)
    job = run_job(JobRequest(job_id="j", artifacts_root=tmp_path), registry=registry)
    assert [(r.name, r.error) for r in job.result.results if r.name == "report"] == [
        ("report", None)
    ]
    return (tmp_path / "j" / "index.html").read_text(encoding="utf-8")


def test_it_is_registered_last_and_gated():
    definition = default_registry.get("report")
    assert definition is not None
    assert (definition.order, definition.is_core, definition.feature_flag) == (
        90, False, "enable_report",
    )  # fmt: skip
    assert default_registry.snapshot()[-1].name == "report"


def test_alone_it_says_of_every_section_that_nothing_ran():
    analysis = voyant.analyze(t=pa.table({"a": [1]}), only=["report"])
    assert analysis.failures == {}
    for name in ("profile", "kpi", "sufficiency", "quality", "drift", "charts", "narrative"):
        assert f"The generator &#39;{name}&#39; was skipped: not asked for in this run." in words(
            analysis
        )


def test_a_flag_that_is_off_is_the_reason():
    analysis = voyant.analyze(t=pa.table({"a": [1]}), flags={"enable_charts": False})
    assert "enable_charts is off (run flags)" in words(analysis)


def test_a_generator_that_failed_is_named(tmp_path):
    def fails(ctx):
        raise ValueError("out of luck")

    page = page_of(tmp_path, lambda registry: registry.register("quality", order=40)(fails))
    assert "The generator &#39;quality&#39; failed: out of luck" in page
    assert "quality failed" in page


@pytest.mark.parametrize("content", ["{}", "not JSON", '{"kpis": 5}'])
def test_an_artifact_of_another_shape_is_told_and_harms_nothing(tmp_path, content):
    def writes(ctx):
        return {"kpis": ctx.write_text("kpis.json", content)}

    page = page_of(tmp_path, lambda registry: registry.register("kpi", order=20)(writes))
    assert "kpis.json is not as expected" in page


def test_an_artifact_that_is_not_there_is_told(tmp_path):
    def lies(ctx):
        return {"drift": "no/such/drift.json"}

    page = page_of(tmp_path, lambda registry: registry.register("drift", order=50)(lies))
    assert "no/such" not in page
    assert "drift.json cannot be read" in page


def test_the_same_job_gives_the_same_bytes(tmp_path):
    made = []
    for folder in ("a", "b"):
        analysis = voyant.analyze(
            t=pa.table({"a": [1, 2, 2], "b": ["x", "y", None]}),
            kpis={"rows": "SELECT count(*) FROM t"},
            job_id="j",
            as_of="2024-01-01",
            out=tmp_path / folder,
        )
        made.append(without_times(analysis.page.read_bytes()))
    assert made[0] == made[1]
    assert made[0].count(b"<time>") == 7, "all generators before the report"


def test_it_holds_no_time_and_no_path_of_the_machine(tmp_path):
    analysis = voyant.analyze(t=pa.table({"a": [1]}), out=tmp_path, job_id="j", as_of="2024-01-01")
    text = words(analysis)
    assert str(tmp_path) not in text
    manifest = json.loads((analysis.folder / "manifest.json").read_bytes())
    assert manifest["started_at"][:19] not in text
