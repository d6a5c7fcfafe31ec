"""Artifacts made by hand, with what the narrative reads of them and little more."""

from __future__ import annotations

from copy import deepcopy

from voyant.artifacts.narrative import Fact, NarrativeArtifact
from voyant.report.narrative_place import Place
from voyant.report.narrative_text import TITLE, write

FILES = ("profile", "kpis", "sufficiency", "quality", "drift")


def column(kind="integer", null_fraction=0.0, low=None, high=None):
    return {"kind": kind, "null_fraction": null_fraction, "min": low, "max": high}


def kpi(name, value=None, **given):
    return {
        "name": name,
        "unit": "",
        "format": "",
        "direction": None,
        "target": None,
        "warn": None,
        "critical": None,
        "status": "ok",
        "value": value,
        "previous": None,
        "change": None,
        "distance_to_target": None,
        "columns": [{"name": name, "type": "DOUBLE"}],
        "rows": [] if value is None else [[value]],
        "truncated": False,
        "error": None,
        **given,
    }


def loss(table, component, aspect, points):
    return {"table": table, "component": component, "aspect": aspect, "points": points}


def judged(verdict="sufficient", event_time=None, **aspects):
    return {
        "verdict": verdict,
        "verdict_reason": "the score is below 0.5",
        "event_time_column": event_time,
        "components": {
            "coverage": {
                "aspects": {
                    name: {"evidence": "as seen", "facts": facts} for name, facts in aspects.items()
                }
            }
        },
    }


PROFILE = {
    "tables": {
        "orders": {
            "row_count": 1200,
            "column_count": 3,
            "alerts": [],
            "columns": {
                "id": column(),
                "customer": column(null_fraction=0.25),
                "ordered_at": column(
                    "timestamp", 0.0, "2024-01-02T08:00:00", "2024-03-31T17:00:00"
                ),
            },
        },
        "customers": {
            "row_count": 40,
            "column_count": 1,
            "alerts": [],
            "columns": {"id": column()},
        },
    }
}
KPIS = {
    "kpis": [
        kpi(
            "delay",
            12.64,
            unit="minutes",
            format=".1f",
            direction="down",
            target=10,
            warn=12,
            status="warn",
            distance_to_target={"absolute": 2.64, "relative": 0.264},
            change={"absolute": -0.5, "relative": -0.04},
        ),
        kpi(
            "delay_by_region",
            unit="minutes",
            format=".1f",
            direction="down",
            columns=[{"name": "region", "type": "VARCHAR"}, {"name": "delay", "type": "DOUBLE"}],
            rows=[["north", 11.0], ["south", 14.26], ["east", 12.0]],
        ),
        kpi("broken", status="error", error="No column `x`.", columns=[]),
    ]
}
SUFFICIENCY = {
    "as_of": "2024-04-10T00:00:00+00:00",
    "score": 0.8796,
    "verdict": "sufficient",
    "verdict_reason": "the score is at least 0.8",
    "tables": {
        "orders": judged(
            event_time="ordered_at",
            filled_cells={"missing_cell_count": 300},
            age={"column": "ordered_at", "newest": "2024-03-31T17:00:00"},
        ),
        "customers": judged(volume={"row_count": 40, "target_rows": 10_000}),
    },
    "references": [
        {
            "child_table": "orders",
            "child_column": "customer",
            "parent_table": "customers",
            "parent_column": "id",
            "orphan_row_count": 90,
            "orphan_row_fraction": 0.1,
            "parent_uniqueness": 1.0,
        }
    ],
    "ledger": [
        loss("customers", "coverage", "volume", 4.25),
        loss("orders", "coverage", "filled_cells", 3.5),
        loss("orders", "cleanliness", "nulls", 1.25),
        loss("orders", "freshness", "age", 1.75),
        loss("orders", "joinability", "orphans", 1.29),
    ],
}
QUALITY = {
    "verdict": "failed",
    "score": 0.95,
    "checks": [
        {
            "id": "unique:customers.id",
            "name": "unique",
            "severity": "error",
            "table": "customers",
            "columns": ["id"],
            "status": "failed",
            "failing_fraction": 0.05,
            "message": "2 of 40 rows repeat a key",
        },
        {"id": "a", "name": "x", "severity": "warning", "status": "passed"},
        {"id": "b", "name": "y", "severity": "warning", "status": "not_assessed"},
    ],
    "ledger": [{"check": "unique:customers.id", "points": 5.0}],
}


def moved(**given):
    return {
        "status": "drifted",
        "treated_as": "number",
        "measure": "wasserstein_normed",
        "value": 0.42,
        "threshold": 0.1,
        "reference_mean": 2.0,
        "current_mean": 3.5,
        **given,
    }


DRIFT = {
    "tables": {
        "orders": {
            "status": "drifted",
            "compared_with": "baseline",
            "reasons": [],
            "drifted_column_count": 1,
            "assessed_column_count": 3,
            "schema_changes": [
                {"kind": "removed", "column": "note", "before": "VARCHAR", "after": None}
            ],
            "volume": {
                "status": "drifted",
                "reference_row_count": 600,
                "current_row_count": 1200,
                "change_fraction": 1.0,
            },
            "freshness": {"status": "stable"},
            "columns": {"id": moved(), "customer": {"status": "stable"}},
        }
    }
}
MISSING = {"charts": {"status": "skipped", "reason": "enable_charts is off (run flags)"}}


def documents(**replaced):
    """Return every artifact by its file's name; None takes one away."""
    all_of_them = {
        "profile": PROFILE,
        "kpis": KPIS,
        "sufficiency": SUFFICIENCY,
        "quality": QUALITY,
        "drift": DRIFT,
        "missing": MISSING,
        **replaced,
    }
    found = {
        f"{key}.json": value
        for key, value in all_of_them.items()
        if value is not None and key != "missing"
    }
    return deepcopy(found | {"narrative.json": {"missing": all_of_them["missing"] or {}}})


def places(files):
    found = {key: Place(f"{key}.json", (), files.get(f"{key}.json")) for key in FILES}
    return found | {"missing": Place("narrative.json", (), files["narrative.json"]).at("missing")}


def narrated(files, writer=write):
    missing = files["narrative.json"]["missing"]
    return NarrativeArtifact(title=TITLE, sections=list(writer(places(files))), missing=missing)


def texts(narrative, name):
    """Return the sentences of a section; none if it is not there."""
    return [
        sentence.text
        for section in narrative.sections
        if section.name == name
        for sentence in section.sentences
    ]


def facts(narrative):
    """Return each fact with where it stands: section, sentence, part."""
    return [
        ((s, n, p), part)
        for s, section in enumerate(narrative.sections)
        for n, sentence in enumerate(section.sentences)
        for p, part in enumerate(sentence.parts)
        if isinstance(part, Fact)
    ]
