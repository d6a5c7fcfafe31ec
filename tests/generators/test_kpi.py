"""The kpi generator over a made-up engine: expected values are worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from voyant.artifacts.kpi_history import KpiHistory
from voyant.artifacts.kpis import KpisArtifact
from voyant.artifacts.store import ArtifactStore
from voyant.core.context import GeneratorContext
from voyant.core.errors import (
    ConfigurationError,
    QueryError,
    QueryMemoryError,
    QueryTimeoutError,
    SourceError,
    UnsafeQueryError,
)
from voyant.core.tables import QueryColumn, QueryResult
from voyant.generators.kpi import generate_kpis

FINISHED = datetime(2013, 12, 31, tzinfo=UTC)


class Engine:
    """Answers each SQL text with what it was given for it: a result, or an error to raise."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def query(self, sql):
        self.asked.append(sql)
        answer = self.answers[sql]
        if isinstance(answer, Exception):
            raise answer
        return answer


class NoEngine:
    def __getattr__(self, name):
        raise AssertionError(f"the engine was asked for {name}")


class Settings:
    mask_personal_data = True
    kpis = ()


class Unmasked(Settings):
    mask_personal_data = False


def table(types, *rows, truncated=False, duration_ms=1.0):
    columns = tuple(QueryColumn(name=f"c{i}", type=t) for i, t in enumerate(types))
    return QueryResult(columns=columns, rows=rows, truncated=truncated, duration_ms=duration_ms)


def cell(value, kind="DOUBLE"):
    return table([kind], (value,))


class Job:
    """One run of the generator in a folder, and what it left there."""

    def __init__(self, root: Path, kpis, engine=None, *, settings=Settings, job_id="job"):
        self.store = ArtifactStore(root, job_id=job_id, tenant_id="acme")
        self.path = root / job_id / "kpis.json"
        self.ctx = GeneratorContext(
            {"job_id": job_id, "tenant_id": "acme", "artifacts_root": str(root), "kpis": kpis},
            settings=settings(),
            services={"engine": engine or NoEngine(), "writer": self.store},
        )

    def run(self):
        try:
            return generate_kpis(self.ctx)
        finally:
            self.store.close()

    def artifact(self):
        return json.loads(self.path.read_text(encoding="utf-8"))


@pytest.fixture
def ask(tmp_path):
    """Run one KPI and return its record."""

    def run(answer, settings=Settings, **definition):
        kpi = {"name": "k", "sql": "q", **definition}
        job = Job(tmp_path, [kpi], Engine({"q": answer}), settings=settings)
        try:
            job.run()
        except QueryError:
            assert job.artifact()["kpis"][0]["status"] == "error"
        return job.artifact()["kpis"][0]

    return run


def test_a_record_holds_the_definition_and_the_result(ask):
    record = ask(
        cell(1200.5),
        description="Money in",
        unit="USD",
        format=",.2f",
        direction="up",
        target=1000,
        warn=900,
        critical=500,
        chart={"kind": "bar"},
    )
    assert record == {
        "name": "k",
        "sql": "q",
        "description": "Money in",
        "unit": "USD",
        "format": ",.2f",
        "direction": "up",
        "target": 1000,
        "warn": 900,
        "critical": 500,
        "chart": {"kind": "bar"},
        "status": "ok",
        "value": 1200.5,
        "previous": None,
        "change": None,
        "distance_to_target": {"absolute": 200.5, "relative": 0.2005},
        "columns": [{"name": "c0", "type": "DOUBLE"}],
        "rows": [[1200.5]],
        "truncated": False,
        "masked_count": 0,
        "error": None,
    }


@pytest.mark.parametrize(
    ("value", "up", "down"),
    [
        (3, "critical", "ok"),
        (4, "critical", "ok"),
        (4.5, "warn", "ok"),
        (5, "warn", "ok"),
        (5.5, "ok", "ok"),
        (10, "ok", "warn"),
        (10.5, "ok", "warn"),
        (11, "ok", "critical"),
        ("Infinity", "ok", "critical"),
        ("-Infinity", "critical", "ok"),
    ],
)
def test_thresholds_count_as_reached_at_their_own_value(ask, value, up, down):
    assert ask(cell(value), direction="up", warn=5, critical=4)["status"] == up
    assert ask(cell(value), direction="down", warn=10, critical=11)["status"] == down


def test_one_threshold_is_enough(ask):
    assert ask(cell(1), direction="down", warn=1)["status"] == "warn"
    assert ask(cell(1), direction="down", critical=1)["status"] == "critical"
    assert ask(cell(1), direction="up", warn=1, critical=1)["status"] == "critical"


def test_a_missing_direction_follows_from_the_thresholds(ask):
    assert ask(cell(20), warn=10, critical=15)["direction"] == "down"
    assert ask(cell(20), warn=10, critical=15)["status"] == "critical"
    assert ask(cell(20), warn=10, critical=5)["direction"] == "up"
    assert ask(cell(20), warn=10, critical=5)["status"] == "ok"


def test_a_decimal_is_compared_by_its_digits(ask):
    """0.1 + 0.2 as a double is above 0.3; the decimal 0.3 that arrives is not."""
    assert ask(cell(0.3, "DECIMAL(3,1)"), direction="up", warn=0.3)["status"] == "warn"
    assert ask(cell(0.30000000000000004), direction="up", warn=0.3)["status"] == "ok"
    wide = "12345678901234567890.12"
    assert ask(cell(wide, "DECIMAL(22,2)"), direction="down", warn=1e19)["status"] == "warn"
    assert ask(cell(wide, "DECIMAL(22,2)"), direction="down", warn=1e20)["value"] == wide


@pytest.mark.parametrize(
    "answer",
    [
        cell(None),
        cell("NaN"),
        table(["INTEGER"]),
        table(["INTEGER", "VARCHAR"]),
        table(["INTEGER", "VARCHAR"], (None, None)),
        table(["INTEGER"], (None,), (None,)),
    ],
)
def test_nothing_to_judge_is_no_data(ask, answer):
    record = ask(answer, direction="up", target=3, warn=2, critical=1)
    assert record["status"] == "no_data"
    assert record["error"] is None
    assert record["distance_to_target"] is None


@pytest.mark.parametrize(
    "answer", [cell("text", "VARCHAR"), table(["INTEGER"] * 2, (1, 2)), cell(True, "BOOLEAN")]
)
def test_without_thresholds_any_result_is_ok(ask, answer):
    record = ask(answer)
    assert record["status"] == "ok"
    assert record["distance_to_target"] is None


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        (cell("12", "VARCHAR"), "a VARCHAR"),
        (cell(True, "BOOLEAN"), "a BOOLEAN"),
        (cell("[1.0, 2.0]", "DOUBLE[]"), "a DOUBLE[]"),
        (table(["INTEGER"] * 2, (1, 2)), "1 x 2 cells"),
        (table(["INTEGER"], (1,), (2,)), "2 x 1 cells"),
        (table(["INTEGER"], (1,), truncated=True), "more than 1 x 1 cells"),
        (table(["INTEGER"], (None,), truncated=True), "more than 1 x 1 cells"),
    ],
)
def test_what_cannot_be_compared_never_passes(ask, answer, shape):
    for expectation in ({"target": 1}, {"direction": "up", "warn": 1}):
        record = ask(answer, **expectation)
        assert record["status"] == "error"
        assert shape in record["error"]
        assert next(name for name in expectation if name != "direction") in record["error"]
        assert record["rows"] == [list(row) for row in answer.rows]


def test_a_cut_result_has_no_single_value(ask):
    record = ask(table(["INTEGER"], (1,), truncated=True))
    assert record["value"] is None
    assert record["truncated"] is True
    assert record["rows"] == [[1]]


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        (15, 10, {"absolute": 5, "relative": 0.5}),
        (5, 10, {"absolute": -5, "relative": -0.5}),
        (-15, -10, {"absolute": -5, "relative": -0.5}),
        (15.5, 10, {"absolute": 5.5, "relative": 0.55}),
        (3, 0, {"absolute": 3, "relative": None}),
        (0.3, 0.1, {"absolute": 0.2, "relative": 2.0}),
        (10**38, 1, {"absolute": 10**38 - 1, "relative": float(10**38 - 1)}),
        (1.7e308, -1.7e308, None),
        (1.0, 5e-324, {"absolute": 1.0, "relative": None}),
        ("Infinity", 1, None),
    ],
)
def test_the_distance_to_the_target(ask, value, target, expected):
    assert ask(cell(value), target=target)["distance_to_target"] == expected


def test_values_stay_what_the_engine_gave(ask):
    row = (2**64, -(10**38), 0.1, "NaN", "2013-01-31", "2013-01-31T05:00:00+00:00", True, None, "é")
    record = ask(table(["X"] * len(row), row))
    assert record["rows"] == [list(row)]
    assert [type(value) for value in record["rows"][0]] == [type(value) for value in row]


def test_personal_values_are_masked_and_counted(tmp_path):
    rows = [("ann@example.com", 5), ("n/a", 4111111111111111), ("219-09-9999 or b@x.org", 7)]
    kpis = [
        {"name": "a", "sql": "a"},
        {"name": "b", "sql": 'SELECT 1 AS "ann@example.com"'},
    ]
    answers = {"a": table(["VARCHAR", "BIGINT"], *rows), kpis[1]["sql"]: cell("c@x.org", "VARCHAR")}
    job = Job(tmp_path, kpis, Engine(answers))
    job.run()
    artifact = job.artifact()
    assert artifact["is_masking_enabled"] is True
    assert artifact["masked_count"] == 4
    first, second = artifact["kpis"]
    assert first["masked_count"] == 3
    assert first["rows"] == [
        ["[masked email]", 5],
        ["n/a", "[masked card]"],
        ["[masked ssn] or [masked email]", 7],
    ]
    assert second["value"] == "[masked email]"
    assert second["rows"] == [["[masked email]"]]
    assert second["sql"] == kpis[1]["sql"]


def test_a_masked_number_is_judged_by_what_it_was(ask):
    record = ask(cell(4111111111111111, "BIGINT"), direction="down", warn=10, critical=20)
    assert (record["status"], record["value"]) == ("critical", "[masked card]")


def test_masking_can_be_turned_off(ask):
    record = ask(cell("ann@example.com", "VARCHAR"), settings=Unmasked)
    assert record["value"] == "ann@example.com"
    record = ask(QueryError("Could not convert 'ann@example.com'"), settings=Unmasked)
    assert "ann@example.com" in record["error"]


def test_an_error_that_quotes_a_value_is_masked_everywhere(tmp_path):
    error = QueryError("Could not convert string 'ann@example.com' to INT32")
    job = Job(tmp_path, [{"name": "k", "sql": "q"}], Engine({"q": error}))
    with pytest.raises(QueryError) as raised:
        job.run()
    assert "ann@example.com" not in str(raised.value)
    assert "[masked email]" in str(raised.value)
    assert "ann@example.com" not in job.path.read_text(encoding="utf-8")
    assert job.artifact()["kpis"][0]["masked_count"] == 1


def test_every_kpi_is_tried_and_one_error_names_those_that_failed(tmp_path):
    answers = {
        "unsafe": UnsafeQueryError("Only SELECT is allowed.", remedy="Write a SELECT."),
        "good": cell(7),
        "slow": QueryTimeoutError("Stopped at 30 s."),
        "big": QueryMemoryError("More than 1 GiB."),
        "wrong": QueryError('No column "x"!\nCandidates: "y"\n\nLINE 1: SELECT x\n    ^'),
        "last": cell(8),
    }
    engine = Engine(answers)
    job = Job(tmp_path, [{"name": sql.upper(), "sql": sql} for sql in answers], engine)
    with pytest.raises(QueryError) as raised:
        job.run()
    assert str(raised.value) == (
        "4 of 6 KPIs failed: 'UNSAFE': Only SELECT is allowed. Write a SELECT. "
        "'SLOW': Stopped at 30 s. 'BIG': More than 1 GiB. "
        '\'WRONG\': No column "x"! Candidates: "y". kpis.json has what the others gave.'
    )
    assert engine.asked == list(answers)
    records = job.artifact()["kpis"]
    assert [record["status"] for record in records] == ["error", "ok", *["error"] * 3, "ok"]
    assert [record["value"] for record in records] == [None, 7, None, None, None, 8]
    assert "LINE 1" in records[4]["error"]
    assert records[0]["rows"] == records[0]["columns"] == []


@pytest.mark.parametrize("kpis", [[], None])
def test_without_definitions_the_engine_is_not_opened(tmp_path, kpis):
    job = Job(tmp_path, kpis)
    assert job.run() == {"kpis": str(job.path.resolve())}
    assert job.artifact() == {
        "schema_version": "1.0",
        "kpis": [],
        "is_masking_enabled": True,
        "masked_count": 0,
        "selections": {},
    }


def test_definitions_come_from_the_settings_when_the_job_has_none(tmp_path):
    class Configured(Settings):
        kpis = ({"name": "k", "sql": "q"},)

    job = Job(tmp_path, None, Engine({"q": cell(1)}), settings=Configured)
    job.run()
    assert [kpi["name"] for kpi in job.artifact()["kpis"]] == ["k"]


def test_a_wrong_definition_stops_everything_before_it_runs(tmp_path):
    job = Job(tmp_path, [{"name": "a", "sql": "a"}, {"name": "b", "sqll": "b"}])
    with pytest.raises(ConfigurationError, match="KPI 'b'"):
        job.run()
    assert not job.path.exists()


def test_tables_that_cannot_be_opened_are_no_failure_of_a_kpi(tmp_path):
    engine = Engine({"q": SourceError("orders.csv is missing.")})
    job = Job(tmp_path, [{"name": "k", "sql": "q"}], engine)
    with pytest.raises(SourceError):
        job.run()


def test_what_is_no_error_of_the_engine_is_not_swallowed(tmp_path):
    job = Job(tmp_path, [{"name": "k", "sql": "q"}], Engine({"q": RuntimeError("a bug")}))
    with pytest.raises(RuntimeError, match="a bug"):
        job.run()


def test_durations_go_to_the_manifest_and_leave_the_artifact_alone(tmp_path):
    contents = []
    for duration in (1.5, 2.5):
        engine = Engine({"q": table(["INTEGER"], (1,), duration_ms=duration)})
        job = Job(tmp_path, [{"name": "k", "sql": "q"}], engine)
        job.run()
        contents.append(job.path.read_bytes())
        assert job.store.notes[""] == {"kpi_duration_ms": {"k": duration}}
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("previous", "value", "change"),
    [
        (10, 15, {"absolute": 5, "relative": 0.5}),
        (-10, -15, {"absolute": -5, "relative": -0.5}),
        (0, 15, {"absolute": 15, "relative": None}),
        (0.1, 0.3, {"absolute": 0.2, "relative": 2.0}),
        ("20000000000000000.50", "30000000000000000.75", {"absolute": 1e16, "relative": 0.5}),
        ("Infinity", 2, None),
        ("[masked card]", 2, None),
        (True, 2, None),
        (2, None, None),
        (2, "NaN", None),
    ],
)
def test_the_change_from_the_last_finished_job(tmp_path, previous, value, change):
    history = KpiHistory(tmp_path, "acme")
    history.append("first", FINISHED, {"k": 99, "other": 1})
    history.append("second", FINISHED, {"k": previous})
    history.append("third", FINISHED, {"other": 2})
    history.append("job", FINISHED, {"k": 77})  # an earlier run of this very job
    KpiHistory(tmp_path, "rival").append("fourth", FINISHED, {"k": 55})
    engine = Engine({"q": cell(value, "DECIMAL(20,2)")})
    job = Job(tmp_path, [{"name": "k", "sql": "q"}], engine)
    job.run()
    record = job.artifact()["kpis"][0]
    assert record["previous"] == previous
    assert record["change"] == change


def test_an_earlier_value_is_masked_too(tmp_path):
    KpiHistory(tmp_path, "acme").append("first", FINISHED, {"k": "ann@example.com"})
    job = Job(tmp_path, [{"name": "k", "sql": "q"}], Engine({"q": cell("b", "VARCHAR")}))
    job.run()
    assert job.artifact()["kpis"][0]["previous"] == "[masked email]"


def test_a_failed_kpi_still_says_what_it_was(tmp_path):
    KpiHistory(tmp_path, "acme").append("first", FINISHED, {"k": 3})
    job = Job(tmp_path, [{"name": "k", "sql": "q"}], Engine({"q": QueryError("no")}))
    with pytest.raises(QueryError):
        job.run()
    record = job.artifact()["kpis"][0]
    assert (record["previous"], record["value"], record["change"]) == (3, None, None)


def test_what_a_later_job_compares_with(tmp_path):
    answers = {
        "number": cell(2.5),
        "text": cell("x", "VARCHAR"),
        "none": cell(None),
        "nan": cell("NaN"),
        "table": table(["INTEGER"] * 2, (1, 2)),
        "wrong": QueryError("no"),
    }
    job = Job(tmp_path, [{"name": sql, "sql": sql} for sql in answers], Engine(answers))
    with pytest.raises(QueryError):
        job.run()
    artifact = KpisArtifact.model_validate(job.artifact())
    assert artifact.values() == {"number": 2.5, "text": "x"}


def test_the_artifact_is_valid_by_its_own_schema(tmp_path):
    kpis = [
        {"name": "a", "sql": "a", "direction": "up", "warn": 1, "target": 4},
        {"name": "b", "sql": "b", "chart": {"x": [1, None, "y"]}},
    ]
    job = Job(tmp_path, kpis, Engine({"a": cell(2), "b": QueryError("no")}))
    with pytest.raises(QueryError):
        job.run()
    schema = KpisArtifact.model_json_schema(mode="serialization")
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(job.artifact())
    assert KpisArtifact.model_validate(job.artifact()).kpis[0].value == 2
