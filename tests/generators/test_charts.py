"""The whole generator: files, index, names, determinism, what is missing, what is hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.report.vega_schema import assert_is_vega_lite
from voyant.artifacts.charts import ChartsArtifact
from voyant.artifacts.names import check_name
from voyant.artifacts.pointers import resolve_pointer
from voyant.core.config import Settings
from voyant.core.plugin_registry import PluginRegistry
from voyant.demo import KPIS
from voyant.generators import charts, kpi, profile
from voyant.generators.charts import chart_names, generate_charts
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style>",
    "مرحبا",
    "\u202e",
    "👩‍👩‍👧",
]


def run(folder, sources, kpis=(), only=("profile", "kpi", "charts"), **settings):
    registry = PluginRegistry()
    registry.register("profile", is_core=True, order=10)(profile.generate_profile)
    registry.register("kpi", is_core=True, order=20)(kpi.generate_kpis)
    registry.register("charts", order=60, feature_flag="enable_charts")(generate_charts)
    request = JobRequest(job_id="j", artifacts_root=folder, sources=sources, kpis=kpis, only=only)
    job = run_job(request, Settings(**settings), registry=registry)
    (outcome,) = [result for result in job.result.results if result.name == "charts"]
    assert outcome.success, outcome.error
    index = ChartsArtifact.model_validate_json((job.folder / "charts.json").read_bytes())
    return job, index


@pytest.fixture(scope="module")
def demo(tmp_path_factory, demo_tables):
    return run(tmp_path_factory.mktemp("demo"), demo_tables, KPIS)


def test_every_kpi_of_the_demo_has_its_chart(demo):
    _, index = demo
    kinds = {entry.kpi: entry.kind for entry in index.charts if entry.origin == "kpi"}
    assert kinds == {
        "flights_per_month": "line",
        "mean_departure_delay": "number",
        "on_time_fraction": "number",
        "cancellation_fraction": "number",
        "delay_by_carrier": "multiples",
        "delay_by_hour": "multiples",
        "busiest_routes": "multiples",
        "delay_by_wind": "multiples",
        "worst_days": "multiples",
        "mean_aircraft_age": "number",
    }
    assert index.without_chart == []


def test_the_tables_add_what_stands_out_and_no_more_than_asked(demo):
    _, index = demo
    found = [entry for entry in index.charts if entry.origin == "profile"]
    assert len(found) == 6
    assert [entry.score for entry in found] == sorted((e.score for e in found), reverse=True)
    assert {"dep_delay", "arr_delay"} in [set(entry.columns) for entry in found]
    assert all(entry.reason and "\n" not in entry.reason for entry in index.charts)


def test_files_are_there_and_in_the_manifest(demo):
    job, index = demo
    listed = {artifact.path for artifact in job.manifest.artifacts}
    for entry in index.charts:
        files = {entry.files.spec, entry.files.svg, entry.files.html}
        assert files <= listed
        assert entry.files.png is None
        for name in files:
            check_name("artifact", name)
        assert_is_vega_lite(json.loads((job.folder / entry.files.spec).read_bytes()))
    assert {"charts.json", "charts/vega-bundle.js"} <= listed
    assert job.manifest.problems == []


def test_pointers_lead_to_what_was_drawn(demo):
    job, index = demo
    for entry in index.charts:
        for source in entry.sources:
            document = json.loads((job.folder / source.artifact).read_bytes())
            target = resolve_pointer(document, source.pointer)
            assert target.get("name", entry.kpi) == entry.kpi


def test_only_aggregates_leave_the_tables(demo):
    job, index = demo
    for entry in index.charts:
        if entry.origin == "profile":
            spec = json.loads((job.folder / entry.files.spec).read_bytes())
            assert len(spec["data"]["values"]) <= 32 * 20


def test_the_same_input_gives_the_same_bytes(tmp_path, demo, demo_tables):
    first, _ = demo
    second, _ = run(tmp_path, demo_tables, KPIS)
    names = [p.relative_to(first.folder) for p in first.folder.glob("charts*/**/*") if p.is_file()]
    assert len(names) > 40
    for name in [*names, Path("charts.json")]:
        assert (second.folder / name).read_bytes() == (first.folder / name).read_bytes(), name


def test_it_works_alone(tmp_path, demo, demo_tables):
    """Without profile or KPIs before it, it asks the engine and finds the same."""
    _, alone = run(tmp_path, demo_tables, KPIS, only=("charts",))
    _, index = demo
    found = [(e.name, e.score, e.reason) for e in index.charts if e.origin == "profile"]
    assert [(e.name, e.score, e.reason) for e in alone.charts] == found


def test_png_on_request_and_no_findings_if_none_are_wanted(tmp_path, demo_tables):
    sources = {"airlines": demo_tables["airlines"]}
    kpis = [{"name": "n", "sql": "SELECT count(*) FROM airlines"}]
    job, index = run(tmp_path, sources, kpis, chart_png=True, max_charts=0)
    (entry,) = index.charts
    assert entry.files.png == "charts/n.png"
    assert (job.folder / "charts/n.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_draw_is_a_result(tmp_path):
    job, index = run(
        tmp_path, {"t": pd.DataFrame({"a": [1]})}, [{"name": "t", "sql": "SELECT 'a', 'b'"}]
    )
    assert index.charts == []
    assert [(entry.kpi, entry.reason) for entry in index.without_chart] == [
        ("t", "no column holds numbers")
    ]
    assert not (job.folder / "charts").exists()


def test_hostile_names_make_safe_files_and_pages(tmp_path):
    rows = pd.DataFrame({EVIL[0]: [f"{name}{n}" for n, name in enumerate(EVIL)] * 20})
    rows[EVIL[2]] = [float(n * n % 97) for n in range(len(rows))]
    rows[EVIL[1]] = rows[EVIL[2]] * 2 + [float(n * 37 % 101) for n in range(len(rows))]
    kpis = [
        {
            "name": name,
            "description": EVIL[1],
            "sql": f'SELECT "{EVIL[0]}", count(*) FROM t GROUP BY 1 ORDER BY 1 -- {EVIL[0]}',
        }
        for name in [*EVIL[:4], "a b", "a-b", "CON", "../../etc/passwd", "vega bundle"]
    ]
    job, index = run(tmp_path, {"t": rows}, kpis)
    assert len([entry for entry in index.charts if entry.origin == "kpi"]) == 9
    assert [entry for entry in index.charts if entry.origin == "profile"]
    assert len({entry.name for entry in index.charts}) == len(index.charts)
    for entry in index.charts:
        assert set(entry.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
        page = (job.folder / entry.files.html).read_text()
        assert page.count("<script") == 3  # the spec, the bundle, our own
        for forbidden in ("<script>alert", "<img", "\u202e"):
            assert forbidden not in page
            assert forbidden not in (job.folder / entry.files.svg).read_text()


def test_names_are_stable_and_distinct():
    assert chart_names(["Delay by hour"]) == ["delay-by-hour"]
    forward, backward = chart_names(["a b", "a-b", "c"]), chart_names(["c", "a-b", "a b"])
    assert forward == backward[::-1]
    assert len(set(chart_names(["", "\u202e", "...", "", ""]))) == 5
    assert len(chart_names(["x" * 500])[0]) <= 60


def test_the_generator_is_registered_as_the_specification_has_it():
    from voyant.core.plugin_registry import get_generator

    definition = get_generator("charts")
    assert definition is not None
    assert (definition.order, definition.is_core, definition.feature_flag) == (
        60,
        False,
        "enable_charts",
    )
    assert charts.generate_charts is definition.handler
