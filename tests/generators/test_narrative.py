"""The narrative of whole runs: what it says, what it does without, and who may write it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
from markdown_it import MarkdownIt

from tests.report.narrative_samples import FILES, documents
from voyant.artifacts.narrative import NarrativeArtifact, Section
from voyant.artifacts.schemas import make_schema
from voyant.core.context import GeneratorContext
from voyant.core.errors import ArtifactError, UnsafeNameError
from voyant.core.plugin_registry import clear_registry, load_builtin_generators
from voyant.core.results import StepReport
from voyant.demo import KPIS, table_paths
from voyant.generators.narrative import check_folder, generate_narrative, narrate
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job
from voyant.report.narrative_place import say

CORE = ("profile", "kpi", "sufficiency")
STEPS = tuple(
    StepReport(name=name, description="", status="ok")
    for name in (*CORE, "quality", "drift", "charts")
)


def context(tmp_path, files=None, steps=STEPS, broken=()):
    """Return a context in which earlier generators have left these files."""
    ctx = GeneratorContext(
        {"job_id": "j", "tenant_id": "t", "artifacts_root": str(tmp_path), "tables": []}
    )
    ctx.account = lambda: steps
    artifacts = {}
    for key in FILES:
        if files is not None and f"{key}.json" not in files:
            continue
        path = ctx.folder / f"{key}.json"
        content = json.dumps((files or documents())[path.name])
        path.write_text("{" if key in broken else content, encoding="utf-8")
        artifacts[key] = str(path)
    ctx.artifacts = artifacts
    return ctx


def run(tmp_path, *, job_id="job", **given):
    done = run_job(JobRequest(job_id=job_id, artifacts_root=str(tmp_path), **given))
    return done, done.folder / "narrative.json", done.folder / "narrative.md"


def sentences(path, name):
    narrative = NarrativeArtifact.model_validate_json(Path(path).read_bytes())
    return [s.text for part in narrative.sections if part.name == name for s in part.sentences]


# -------------------------------------------------------------------------------- whole runs


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    """Run the demo without what others add to it."""
    return run(
        tmp_path_factory.mktemp("flights"),
        sources=table_paths(),
        kpis=KPIS,
        as_of="2014-01-01",
        only=(*CORE, "narrative"),
    )


def test_what_an_analyst_says_of_the_flights(flights):
    done, narrative, _ = flights
    assert done.result.success
    # Rows by the sources' own count: 336,776 + 26,115 + 3,322 + 1,458 + 16.
    assert sentences(narrative, "subject") == [
        (
            "These are 5 tables with 367,687 rows in all; the largest is "
            "flights with 336,776 rows and "
            "19 columns."
        ),
        "By time_hour, flights runs from 2013-01-01 to 2014-01-01.",
        "flights refers to airlines, planes and airports; weather to airports.",
    ]
    kpis = sentences(narrative, "kpis")
    assert kpis[0].startswith("Of 10 KPIs, 2 are past a warning limit; there is no earlier result")
    # Over the 328,521 flights that left, the mean of dep_delay is 12.639.
    assert kpis[1] == (
        "mean_departure_delay is 12.6 minutes, 2.6 over its target of 10.0 and past its warning "
        "limit of 12.0."
    )
    assert "Missing values in planes cost" in sentences(narrative, "trust")[1]
    assert any("left join" in text for text in sentences(narrative, "next"))
    assert sentences(narrative, "missing")[0].startswith("quality did not run: not asked for")


def test_the_flights_fit_on_a_page(flights):
    text = flights[2].read_text(encoding="utf-8")
    assert len(text.split()) <= 550
    assert len([line for line in text.splitlines() if line.startswith("- ")]) <= 30


def test_it_follows_its_schema(flights):
    content = json.loads(flights[1].read_bytes())
    jsonschema.validate(content, make_schema("narrative.json"))


def test_same_input_same_bytes(tmp_path, flights):
    again = run(
        tmp_path,
        job_id="another",
        sources=table_paths(),
        kpis=KPIS,
        as_of="2014-01-01",
        only=(*CORE, "narrative"),
    )
    assert again[1].read_bytes() == flights[1].read_bytes()
    assert again[2].read_bytes() == flights[2].read_bytes()


def test_a_finished_folder_can_be_checked_again(tmp_path, flights):
    folder = tmp_path / "copy"
    shutil.copytree(flights[0].folder, folder)
    check_folder(folder)
    kpis = folder / "kpis.json"
    kpis.write_text(kpis.read_text().replace('"target": 10', '"target": 11'))
    with pytest.raises(ArtifactError, match=r"'over'|target"):
        check_folder(folder)
    kpis.unlink()
    with pytest.raises(ArtifactError, match=r"from no artifact of this run"):
        check_folder(folder)


def test_a_narrative_cannot_make_us_read_elsewhere(tmp_path):
    made = generate_narrative(context(tmp_path))
    path = Path(made["narrative"])
    path.write_text(path.read_text().replace('"kpis.json"', '"../../kpis.json"'))
    with pytest.raises(UnsafeNameError):
        check_folder(path.parent)


def csv(folder, name, text):
    path = folder / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_an_empty_table_and_one_kpi(tmp_path):
    sources = {
        "none": csv(tmp_path, "none", "a,b\n"),
        "few": csv(tmp_path, "few", "a,b\n1,x\n2,y\n"),
    }
    kpi = {"name": "total", "sql": "SELECT sum(a) FROM few"}
    done, narrative, _ = run(
        tmp_path / "out",
        sources=sources,
        kpis=[kpi],
        as_of="2024-01-01",
        only=(*CORE, "narrative"),
    )
    assert done.result.success
    assert [result.error for result in done.result.results] == [None] * 4
    assert sentences(narrative, "subject")[0].startswith("These are 2 tables with 2 rows in all")
    assert "total is 3." in sentences(narrative, "kpis")
    assert any(text == "none has no rows." for text in sentences(narrative, "trust"))


def test_hostile_names_make_harmless_html(tmp_path):
    header = '"<script>alert(1)</script>","*b*|`c`","\u202ex\n# y"'
    sources = {'"><img src=x>': csv(tmp_path, "t", f"{header}\n1,2,3\n4,,6\n")}
    done, _, markdown = run(
        tmp_path / "out",
        sources=sources,
        kpis=[{"name": "[k](javascript:alert(1))", "sql": "SELECT 1", "unit": "<b>"}],
        as_of="2024-01-01",
        only=(*CORE, "narrative"),
    )
    assert [result.error for result in done.result.results] == [None] * 4
    tokens = MarkdownIt("commonmark").parse(markdown.read_text(encoding="utf-8"))
    kinds = {child.type for token in tokens for child in token.children or []}
    assert kinds <= {"text", "code_inline", "text_special"}
    blocks = {token.type for token in tokens}
    assert not blocks & {"html_block", "fence", "code_block", "hr", "blockquote_open"}
    assert len([token for token in tokens if token.tag == "h1"]) == 2  # opened, closed


# --------------------------------------------------------------------------- what is missing


def test_what_was_skipped_or_failed_is_said(tmp_path):
    steps = (
        *STEPS[:3],
        StepReport(name="quality", description="", status="failed", reason="No disk left."),
        StepReport(name="drift", description="", status="skipped", reason="enable_drift is off"),
        StepReport(name="extra", description="", status="failed", reason="boom"),
    )
    files = documents(quality=None, drift=None)
    made = generate_narrative(context(tmp_path, files, steps))
    assert sentences(made["narrative"], "missing") == [
        "quality failed: No disk left.",
        "drift did not run: enable_drift is off.",
        "extra failed: boom.",
    ]


def test_a_file_that_cannot_be_read_is_missing(tmp_path):
    made = generate_narrative(context(tmp_path, broken=("drift",)))
    (text,) = sentences(made["narrative"], "missing")
    assert text.startswith("drift left nothing that can be read: JSONDecodeError")
    assert not sentences(made["narrative"], "drift")


def test_it_works_alone(tmp_path):
    ctx = context(tmp_path, {}, ())
    made = generate_narrative(ctx)
    assert len(sentences(made["narrative"], "missing")) == 5


# ---------------------------------------------------------------------- other people's writers


@pytest.fixture
def restored():
    yield
    clear_registry()
    load_builtin_generators()


@pytest.mark.usefixtures("restored")
def test_the_example_of_the_docs_is_another_writer(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "explanation" / "narrative.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    exec(example, {"__name__": "example"})  # noqa: S102 - the page's own words

    sources = {"few": csv(tmp_path, "few", "a,b\n1,x\n2,y\n")}
    only = (*CORE, "narrative")
    _, narrative, markdown = run(tmp_path / "out", sources=sources, kpis=[], only=only)
    assert sentences(narrative, "brief") == ["There are 2 rows."]
    assert markdown.read_text() == "# What the data says\n\n## In short\n\n- There are 2 rows.\n"


def test_a_writer_that_lies_leaves_no_file(tmp_path):
    def boast(artifacts):
        count = artifacts["profile"].at("tables").count()
        lie = count.model_copy(update={"text": "900", "value": 900})
        return [Section(name="boast", title="So big", sentences=[say("We have ", lie, " tables.")])]

    ctx = context(tmp_path)
    with pytest.raises(ArtifactError, match=r"'We have 900 tables\.'.*value 900; expected 2"):
        narrate(ctx, boast)
    assert not (ctx.folder / "narrative.json").exists()
    assert not (ctx.folder / "narrative.md").exists()


def test_a_file_changed_behind_its_back_is_noticed(tmp_path):
    from voyant.report.narrative_text import write

    ctx = context(tmp_path)

    def slow(artifacts):
        sections = write(artifacts)
        path = Path(ctx.artifacts["kpis"])
        path.write_text(path.read_text().replace("12.64", "99.0"))
        return sections

    with pytest.raises(ArtifactError, match=r"kpis\.json#/kpis/0/value.*99\.0"):
        narrate(ctx, slow)
