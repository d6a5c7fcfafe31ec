from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.report import runs
from tests.report.markup import check_self_contained
from tests.report.samples import HOSTILE, demo
from voyant.artifacts.kpis import KpisArtifact
from voyant.artifacts.sufficiency import SufficiencyArtifact
from voyant.core.gates import GateDecision
from voyant.core.results import StepReport
from voyant.report.index_page import SECTIONS, render_index
from voyant.report.run_report import RunReport

AS_OF = datetime(2014, 1, 1, tzinfo=UTC)
MANIFEST = "manifest.json"


def report(**parts: object) -> RunReport:
    return RunReport(as_of=AS_OF, version="0.0.0", **parts)


def kpi(name: str, **facts: object) -> dict[str, object]:
    """Make a KPI of one value."""
    plain = dict.fromkeys(
        ("direction", "target", "warn", "critical", "chart", "value", "previous", "change",
         "distance_to_target", "error")
    )  # fmt: skip
    made = {**plain, "name": name, "sql": "SELECT 1", "description": "", "unit": "", "format": ""}
    made |= {"status": "ok", "columns": [{"name": "n", "type": "INTEGER"}], "rows": [[1]]}
    return {**made, "truncated": False, "masked_count": 0, **facts}


def kpis(*made: dict[str, object]) -> KpisArtifact:
    return KpisArtifact.model_validate(
        {"kpis": list(made), "is_masking_enabled": True, "masked_count": 0}
    )


def sufficiency(verdict: str) -> SufficiencyArtifact:
    return SufficiencyArtifact.model_validate(
        {
            "as_of": AS_OF.isoformat(),
            "rules": {
                "component_weights": {},
                "verdict_thresholds": {"sufficient": 0.8},
                "target_rows": 1,
                "freshness_half_life_days": 1.0,
            },
            "score": 0.5,
            "verdict": verdict,
            "verdict_reason": "it is so",
            "component_scores": {"coverage": 0.25, "freshness": None},
            "references": [],
            "join_search": {
                "proposed_count": 0,
                "measured_count": 0,
                "cap": 0,
                "rejected_count": 0,
                "type_conflicts": [],
            },
            "ledger": [],
            "needs": ["Load more rows."],
        }
    )


def texts(page: str, *, files: tuple[str, ...] = (MANIFEST,)) -> str:
    """Return all that is printed, in one line, once the page is known to keep its promises."""
    parsed = check_self_contained(page, files=files)
    found = [part for tag, parts in parsed.texts.items() if tag not in {"style", "script"}
             for part in parts]  # fmt: skip
    return " ".join(" ".join(found).split())


def heading(page: str) -> str:
    (text,) = check_self_contained(page, files=_ANY).texts["h1"]
    return text


class _Anything:
    def __contains__(self, name: object) -> bool:
        return True


_ANY = _Anything()


@pytest.mark.parametrize("run", [runs.flights, runs.hostile], ids=["flights", "hostile"])
def test_the_page_of_a_whole_run_is_self_contained_and_small(run):
    analysis = run()
    assert analysis.failures == {}
    text = analysis.page.read_text(encoding="utf-8")
    files = {path.relative_to(analysis.folder).as_posix() for path in analysis.folder.rglob("*")}
    page = check_self_contained(text, files=files)
    sections = [attrs["id"] for tag, attrs in page.elements if attrs.get("class") == "panel"]
    assert sections == list(SECTIONS)
    assert len(text.encode()) < 1_500_000
    assert "nothing to show" not in text


def test_names_and_values_of_a_hostile_run_stand_there_as_text():
    text = texts(runs.hostile().page.read_text(encoding="utf-8"), files=_ANY)
    for name in (HOSTILE[0], HOSTILE[1], HOSTILE[2]):
        assert name in text


def test_links_lead_to_places_that_are_there():
    analysis = runs.flights()
    page = check_self_contained(analysis.page.read_text(encoding="utf-8"), files=_ANY)
    targets: dict[str, set[str]] = {}
    links = [link for link in page.values("href") if "#" in link and not link.startswith("#")]
    assert len(links) > 50
    for link in links:
        name, _, anchor = link.partition("#")
        if name not in targets:
            other = (analysis.folder / name).read_text(encoding="utf-8")
            targets[name] = set(check_self_contained(other, files=_ANY).values("id"))
        assert anchor in targets[name], link


def test_the_same_run_gives_the_same_bytes():
    made = report(profile=demo("airlines"), sufficiency=sufficiency("sufficient"))
    assert render_index(made) == render_index(made)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("sufficient", "The data is sufficient."),
        ("usable_with_care", "The data is usable with care."),
        ("insufficient", "The data is not sufficient."),
        ("not_assessed", "The data could not be assessed."),
    ],
)
def test_the_heading_says_the_verdict_in_words(verdict, words):
    assert heading(render_index(report(sufficiency=sufficiency(verdict)))) == words


def test_the_heading_counts_the_kpis_that_need_attention():
    made = kpis(
        kpi("a", target=1, value=1),
        kpi("b", warn=1, direction="down", status="warn", value=2),
        kpi("c", critical=1, direction="down", status="critical", value=2),
        kpi("not judged", value=5),
    )
    page = render_index(report(sufficiency=sufficiency("sufficient"), kpis=made))
    assert heading(page) == "The data is sufficient; 2 of 3 judged KPIs need attention."


def test_a_run_without_anything_says_so_everywhere():
    text = texts(render_index(report(absent={"drift": "The generator 'drift' was skipped: why."})))
    assert "Nothing was assessed." in text
    assert "The generator 'drift' was skipped: why." in text
    assert text.count("nothing to show") == len(SECTIONS) - 1


def test_a_generator_that_failed_is_told_at_the_top_and_in_the_run():
    steps = [
        StepReport(
            name="quality",
            description="Checks.",
            status="failed",
            reason="<b>broke</b>",
            duration_ms=1234.5,
        ),
        StepReport(
            name="drift",
            description="Compares.",
            status="skipped",
            reason="enable_drift is off (VOYANT_ENABLE_DRIFT)",
            gate=GateDecision(
                flag="enable_drift", enabled=False, source="VOYANT_ENABLE_DRIFT", reason=""
            ),
        ),
    ]
    page = render_index(report(steps=steps))
    text = texts(page)
    assert page.count("quality failed") == 1
    assert text.count("<b>broke</b>") == 2
    assert "enable_drift, VOYANT_ENABLE_DRIFT" in text
    assert "1.23 s" in text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"value": 12.6, "target": 10, "direction": "down", "format": ".1f",
             "distance_to_target": {"absolute": 2.6, "relative": 0.26}},
            "Misses it: 2.6 above the target of 10.0",
        ),
        (
            {"value": 0.75, "target": 0.8, "direction": "up", "format": ".0%",
             "distance_to_target": {"absolute": -0.05, "relative": -0.0625}},
            "Misses it: 5 points below the target of 80%",
        ),
        (
            {"value": 9, "target": 10, "direction": "down",
             "distance_to_target": {"absolute": -1, "relative": -0.1}},
            "Meets it: 1 below the target of 10",
        ),
        (
            {"value": 9, "previous": 12, "direction": "down",
             "change": {"absolute": -3, "relative": -0.25}},
            "down 3 from 12 last time, better",
        ),
        ({"value": 9, "previous": 9, "change": {"absolute": 0, "relative": 0.0}},
         "unchanged since the last run"),
        ({"status": "no_data", "rows": []}, "no data"),
        ({"status": "error", "error": "no such column", "columns": [], "rows": []},
         "no such column"),
    ],
)  # fmt: skip
def test_a_kpi_says_how_it_stands(facts, words):
    assert words in texts(render_index(report(kpis=kpis(kpi("delay", **facts)))))


def result(rows: list[list[object]], *names: str) -> str:
    columns = [{"name": name, "type": ""} for name in names]
    return render_index(report(kpis=kpis(kpi("delay_by_hour", columns=columns, rows=rows))))


def test_a_result_in_order_is_drawn_as_columns_and_others_as_bars():
    rising = result([[1, 10.0], [2, 30.0], [3, 20.0]], "hour", "delay")
    assert 'class="columns"' in rising
    assert "highest 30 at 2" in texts(rising)
    names = result([["x", 10.0], ["y", 30.0]], "carrier", "delay")
    assert 'class="columns"' not in names
    assert 'class="ranked"' in names
    unsorted = result([["2013-05-01", 3], ["2013-01-01", 2], ["2013-03-01", 1]], "day", "delay")
    assert 'class="columns"' not in unsorted
    words = result([["x", "y"], ["z", "w"]], "a", "b")
    assert 'class="columns"' not in words
    assert 'class="ranked"' not in words


def test_the_column_that_the_kpi_is_about_is_drawn():
    page = result([["x", 4000, 10.0], ["y", 3000, 5.0]], "carrier", "flights", "mean_delay")
    assert '<figcaption><bdi title="mean_delay">Mean delay</bdi></figcaption>' in page


def test_a_result_with_gaps_and_odd_values_is_drawn_without_them():
    rows = [[1, None], [2, float(5)], [None, 7.0], [4, True], [5, 1.5], [6, 2.5]]
    assert "6 rows" in texts(result(rows, "hour", "delay"))
    assert "0 rows" in texts(result([], "hour", "delay"))
