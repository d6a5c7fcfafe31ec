"""Which gates hold, decided from artifacts alone."""

from __future__ import annotations

import json

import pytest

from voyant.core.errors import ConfigurationError
from voyant.jobs.fail_on import Gate, find_unassessed, judge_gates, parse_gate, read_artifacts


def quality(*checks):
    return {
        "quality": {
            "checks": [
                {
                    "id": f"{severity}-{place}",
                    "severity": severity,
                    "status": status,
                    "source": "automatic" if severity == "info" else "declared",
                }
                for place, (severity, status) in enumerate(checks)
            ]
        }
    }


def drift(*statuses):
    return {"drift": {"tables": {f"t{n}": {"status": s} for n, s in enumerate(statuses)}}}


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("quality", Gate(kind="quality", severity="error")),
        ("quality:warning", Gate(kind="quality", severity="warning")),
        ("quality:info", Gate(kind="quality", severity="info")),
        (" drift ", Gate(kind="drift")),
    ],
)
def test_gates_that_can_be_read(text, gate):
    assert parse_gate(text) == gate


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("qualty", "Did you mean 'quality'?"),
        ("quality:warn", "Did you mean 'warning'?"),
        ("quality:", "Known: error, info, warning."),
        ("drift:error", "no severity"),
        ("", "Known: drift, quality."),
    ],
)
def test_gates_that_cannot(text, said):
    with pytest.raises(ConfigurationError) as raised:
        parse_gate(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("severity", "failed", "trips"),
    [
        ("error", "error", True), ("error", "warning", False), ("error", "info", False),
        ("warning", "error", True), ("warning", "warning", True), ("warning", "info", False),
        ("info", "info", True),
    ],
)  # fmt: skip
def test_quality_trips_at_its_severity_and_above(severity, failed, trips):
    gate = Gate(kind="quality", severity=severity)
    assert bool(judge_gates([gate], quality((failed, "failed")))) is trips
    assert judge_gates([gate], quality((failed, "passed"), (failed, "not_assessed"))) == []


def test_drift_trips_on_a_drifted_table_only():
    gate = Gate(kind="drift")
    assert judge_gates([gate], drift("stable", "no_baseline", "not_assessable")) == []
    (trip,) = judge_gates([gate], drift("stable", "drifted"))
    assert trip.message == "1 table drifted: t1"


def test_what_could_not_be_assessed_is_told_and_trips_nothing():
    unclear = quality(("error", "not_assessed"), ("warning", "not_assessed"), ("error", "passed"))
    unclear |= drift("not_assessable", "no_baseline", "stable")
    gates = [Gate(kind="quality"), Gate(kind="drift")]
    assert judge_gates(gates, unclear) == []
    assert [trip.message for trip in find_unassessed(gates, unclear)] == [
        "1 declared check could not be assessed: error-0",
        "1 table could not be assessed: t0",
    ]
    assert find_unassessed(gates, {}) == [], "what is missing trips the gate itself"
    automatic = quality(("info", "not_assessed"))
    assert find_unassessed([Gate(kind="quality", severity="info")], automatic) == []


def test_an_artifact_that_is_missing_trips():
    gates = [Gate(kind="quality"), Gate(kind="drift")]
    trips = judge_gates(gates, quality())
    assert [trip.gate.kind for trip in trips] == ["drift"]
    assert "did not run, or failed" in trips[0].message


def test_many_failures_are_counted_and_a_few_named():
    (trip,) = judge_gates([Gate(kind="quality")], quality(*[("error", "failed")] * 7))
    assert trip.message.startswith("7 checks failed: error-0, ")
    assert trip.message.endswith(" and 2 more")


def test_only_the_artifacts_of_gates_are_read(tmp_path):
    path = tmp_path / "quality.json"
    path.write_text(json.dumps({"checks": []}), encoding="utf-8")
    paths = {"quality": str(path), "profile": "/nowhere"}
    assert read_artifacts(paths) == {"quality": {"checks": []}}
