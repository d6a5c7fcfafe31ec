"""What a KPI definition may say, and the one error that tells what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from voyant.artifacts.kpis import KpiDefinition, KpiStatus, parse_definitions
from voyant.core.config import load_settings
from voyant.core.errors import ConfigurationError
from voyant.demo import KPIS

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "kpis.md"
GOOD = {"name": "revenue", "sql": "SELECT sum(amount) FROM orders"}


def fault(*entries):
    with pytest.raises(ConfigurationError) as raised:
        parse_definitions(list(entries))
    assert raised.value.remedy == "No KPI was run."
    return raised.value.what


def test_a_name_and_sql_are_enough():
    (kpi,) = parse_definitions([GOOD])
    assert (kpi.name, kpi.sql) == ("revenue", GOOD["sql"])
    assert (kpi.description, kpi.unit, kpi.format) == ("", "", "")
    assert (kpi.direction, kpi.target, kpi.warn, kpi.critical, kpi.chart) == (None,) * 5


def test_null_is_not_given():
    optional = ("description", "unit", "format", "direction", "target", "warn", "critical", "chart")
    assert parse_definitions([GOOD | dict.fromkeys(optional)]) == parse_definitions([GOOD])


def test_the_order_is_kept_and_the_sql_is_not_touched():
    sql = "\n  SELECT 'a\n    b'  "
    kpis = parse_definitions([{"name": "b", "sql": sql}, {"name": " a ", "sql": "x"}])
    assert [kpi.name for kpi in kpis] == ["b", "a"]
    assert kpis[0].sql == sql


def test_the_demo_has_good_definitions():
    assert len(parse_definitions(KPIS)) == len(KPIS) > 0


def test_whole_numbers_stay_whole():
    (kpi,) = parse_definitions([GOOD | {"target": 10, "warn": 0.5, "direction": "up"}])
    assert (type(kpi.target), type(kpi.warn)) == (int, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sql": None}, "KPI 'revenue': sql is missing."),
        ({"sql": " \n"}, "KPI 'revenue': sql is empty."),
        ({"sql": 7}, "KPI 'revenue': sql is 7: Input should be a valid string."),
        ({"name": None}, "KPI number 1: name is missing."),
        ({"name": "  "}, "KPI number 1: name is empty."),
        ({"name": 5}, "KPI number 1: name is 5: Input should be a valid string."),
        (
            {"treshold": 5},
            (
                "KPI 'revenue': there is no field 'treshold'. Known: chart, critical, "
                "description, direction, format, name, sql, target, unit, warn."
            ),
        ),
        ({"critcal": 5}, "KPI 'revenue': there is no field 'critcal'. Did you mean 'critical'?"),
        (
            {"direction": "upwards"},
            "KPI 'revenue': direction is 'upwards': Input should be 'up' or 'down'.",
        ),
        (
            {"warn": "0.5"},
            "KPI 'revenue': warn is '0.5': Input should be a valid number.",
        ),
        ({"target": True}, "KPI 'revenue': target is True: Input should be a valid number."),
        (
            {"warn": float("nan"), "direction": "up"},
            "KPI 'revenue': warn is nan: Input should be a finite number.",
        ),
        (
            {"critical": float("inf"), "direction": "up"},
            "KPI 'revenue': critical is inf: Input should be a finite number.",
        ),
        ({"chart": "bar"}, "KPI 'revenue': chart is 'bar': Input should be a valid dictionary."),
        (
            {"warn": 5},
            (
                "KPI 'revenue': direction is missing, and the thresholds do not tell it. "
                'Give "up" if more is better, "down" if less is.'
            ),
        ),
        (
            {"warn": 5, "critical": 5},
            (
                "KPI 'revenue': direction is missing, and the thresholds do not tell it. "
                'Give "up" if more is better, "down" if less is.'
            ),
        ),
        (
            {"warn": 5, "critical": 7, "direction": "up"},
            (
                "KPI 'revenue': direction is 'up', but that way critical 7 comes before warn 5. "
                "Swap them, or change the direction."
            ),
        ),
        (
            {"warn": 7, "critical": 5, "direction": "down"},
            (
                "KPI 'revenue': direction is 'down', but that way critical 5 comes before warn 7. "
                "Swap them, or change the direction."
            ),
        ),
    ],
)
def test_one_sentence_names_the_kpi_and_the_field(change, message):
    assert fault(GOOD | change) == message


def test_a_field_name_that_is_no_text():
    assert fault({**GOOD, 5: "x"}).startswith("KPI 'revenue': a field is called 5")


def test_a_name_is_given_once():
    assert fault(GOOD, {"name": "other", "sql": "x"}, GOOD | {"name": "revenue "}) == (
        "KPI 'revenue': its name is taken by another KPI before it."
    )


def test_all_faults_are_told_at_once():
    told = fault({"name": "a"}, "b=SELECT 1", GOOD, {"name": "c", "sql": "x", "warn": "y", "u": 1})
    assert told == (
        "KPI 'a': sql is missing. "
        "KPI number 2: it is 'b=SELECT 1', not a mapping with name and sql. "
        "KPI 'c': warn is 'y': Input should be a valid number. "
        "KPI 'c': there is no field 'u'. Known: chart, critical, description, direction, format, "
        "name, sql, target, unit, warn."
    )


@pytest.mark.parametrize("given", [GOOD, "revenue=SELECT 1", 5])
def test_definitions_are_a_list(given):
    with pytest.raises(ConfigurationError, match="not a list"):
        parse_definitions(given)


def test_the_guide_names_every_field_and_every_status():
    guide = GUIDE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", guide, re.MULTILINE))))
    assert named == {*KpiDefinition.model_fields, *get_args(KpiStatus)}


def test_the_guides_configuration_is_a_good_one(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "voyant.toml"
    file.write_text(example, encoding="utf-8")
    (kpi,) = parse_definitions(load_settings(file).kpis)
    assert (kpi.name, kpi.direction, kpi.warn) == ("revenue", "up", 100000)
