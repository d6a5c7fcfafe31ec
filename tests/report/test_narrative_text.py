"""What the narrative says of artifacts made by hand, sentence by sentence."""

from __future__ import annotations

from copy import deepcopy
from itertools import combinations

import pytest

from tests.report import narrative_samples as samples
from tests.report.narrative_samples import documents, kpi, narrated, texts
from voyant.report.narrative_check import find_faults


def only_kpis(*kpis):
    return narrated(documents(kpis={"kpis": list(kpis)}))


# ------------------------------------------------------------------------------- whole pages


def test_the_whole_page():
    narrative = narrated(documents())
    assert [section.name for section in narrative.sections] == [
        "subject",
        "trust",
        "kpis",
        "drift",
        "next",
        "missing",
    ]
    assert texts(narrative, "subject") == [
        (
            "These are 2 tables with 1,240 rows in all; the largest is orders with 1,200 rows and "
            "3 columns."
        ),
        "By ordered_at, orders runs from 2024-01-02 to 2024-03-31.",
        "orders refers to customers.",
    ]
    # 87.96 is cut, not rounded; 3.5 + 1.25 points for one cause are 4.75, shown as 4.8.
    assert texts(narrative, "trust") == [
        "The data is sufficient for analysis: its sufficiency score is 87.9 of 100.",
        (
            "Of 3 quality checks, 1 failed (1 error) and 1 could not be "
            "assessed; the quality score is "
            "95 of 100."
        ),
        "id in customers: 2 of 40 rows repeat a key.",
        "Missing values in orders cost 4.8 points: customer is empty in 25% of the rows.",
        (
            "The size of customers costs 4.3 points: it has 40 rows, of the 10,000 that count as "
            "plenty."
        ),
        (
            "Age costs orders 1.8 points: seen from 2024-04-10, its newest ordered_at is from "
            "2024-03-31."
        ),
        (
            "References without a match cost 1.3 points: 10% of the rows of orders that have a "
            "customer do not find it in customers."
        ),
    ]
    assert texts(narrative, "kpis") == [
        "Of 3 KPIs, 1 is past a warning limit and 1 without a result.",
        "broken has no result: No column `x`.",
        (
            "delay is 12.6 minutes, 2.6 over its target of 10.0 and past "
            "its warning limit of 12.0; it "
            "has fallen by 0.5 since the last run."
        ),
        "The highest delay in delay_by_region is 14.3 minutes, for south.",
    ]
    assert texts(narrative, "drift") == [
        "orders has drifted since the baseline.",
        "The column note of orders is gone.",
        (
            "id in orders has moved: its mean went from 2 to 3.5 (normed "
            "Wasserstein distance 0.42; "
            "0.1 counts as drift)."
        ),
        "orders has grown from 600 rows to 1,200.",
    ]
    assert texts(narrative, "next") == [
        "Correct the definition of broken.",
        "Check what still reads note in orders.",
        "Look into id in customers: a check that must not fail did.",
        "To see what drives delay, start with delay_by_region.",
    ]
    assert texts(narrative, "missing") == ["charts did not run: enable_charts is off (run flags)."]


@pytest.mark.parametrize(
    "absent",
    [
        absent
        for size in range(len(samples.FILES) + 1)
        for absent in combinations(samples.FILES, size)
    ],
    ids="+".join,
)
def test_any_artifacts_may_be_absent(absent):
    files = documents(**dict.fromkeys(absent))
    narrative = narrated(files)
    assert list(find_faults(narrative, files)) == []
    told = {section.name for section in narrative.sections}
    assert ("kpis" in told) == ("kpis" not in absent)
    assert ("drift" in told) == ("drift" not in absent)
    assert "missing" in told
    for section in narrative.sections:
        assert section.sentences
    if "profile" not in absent:
        assert texts(narrative, "subject")
    if len(absent) == len(samples.FILES):
        assert told == {"missing"}


@pytest.mark.parametrize("nonsense", [[], {}, 7, "text", {"tables": [1], "kpis": {}, "checks": 3}])
def test_artifacts_of_another_shape_are_passed_over(nonsense):
    files = documents(**dict.fromkeys(samples.FILES, nonsense))
    narrative = narrated(files)
    assert list(find_faults(narrative, files)) == []


def test_no_sentence_is_told_twice():
    narrative = narrated(documents())
    every = [s.text for section in narrative.sections for s in section.sentences]
    assert len(every) == len(set(every))


# ----------------------------------------------------------------------------------- subject


def test_a_single_row_and_a_single_table_are_singular():
    profile = {"tables": {"t": {"row_count": 1, "column_count": 1, "columns": {}}}}
    narrative = narrated(documents(profile=profile, sufficiency=None))
    assert texts(narrative, "subject") == ["This is a table, t, of 1 row and 1 column."]


def test_empty_tables_and_no_tables_are_said():
    empty = {"row_count": 0, "column_count": 2, "columns": {}}
    two = narrated(documents(profile={"tables": {"a": empty, "b": empty}}, sufficiency=None))
    assert texts(two, "subject") == ["These are 2 tables with 0 rows in all."]
    none = narrated(documents(profile={"tables": {}}, sufficiency=None))
    assert texts(none, "subject") == ["The job has no tables."]


# ------------------------------------------------------------------------------------- trust


def weak(*names):
    sufficiency = deepcopy(samples.SUFFICIENCY)
    sufficiency["tables"] = {f"t{n}": samples.judged() for n in range(5)}
    for name in names:
        sufficiency["tables"][name] = samples.judged("insufficient")
    sufficiency |= {"ledger": [], "references": [], "verdict": "usable_with_care"}
    return texts(narrated(documents(sufficiency=sufficiency, quality=None)), "trust")


def test_tables_that_do_not_suffice_are_named_while_they_are_few():
    assert weak("t0", "t1") == [
        "The data is usable with care: its sufficiency score is 87.9 of 100; nothing cost points.",
        "t0 is insufficient: the score is below 0.5.",
        "t1 is insufficient: the score is below 0.5.",
    ]
    assert weak("t0", "t1", "t2", "t3")[1:] == [
        "4 of 5 tables are insufficient, among them t0, t1 and t2."
    ]


def test_a_quality_check_of_the_same_cause_is_not_told_again():
    quality = deepcopy(samples.QUALITY)
    quality["checks"][0] |= {
        "name": "missing_values",
        "severity": "warning",
        "table": "orders",
        "columns": ["customer"],
    }
    told = texts(narrated(documents(quality=quality)), "trust")
    assert sum("customer is empty" in text for text in told) == 1
    assert not any("repeat a key" in text for text in told)


def test_what_is_alike_does_not_fill_the_page():
    check = samples.QUALITY["checks"][0] | {"name": "missing_values", "severity": "warning"}
    checks = [{**check, "id": f"m{n}", "columns": [f"c{n}"]} for n in range(9)]
    losses = [{"check": f"m{n}", "points": 5.0} for n in range(9)]
    quality = {**samples.QUALITY, "checks": checks, "ledger": losses}
    told = texts(narrated(documents(quality=quality)), "trust")[2:]
    assert len(told) == 5
    assert sum("repeat a key" in text for text in told) == 2
    many = [
        rows([("who", "VARCHAR"), ("n", "BIGINT")], [["a", n]], name=f"by {n}") for n in range(9)
    ]
    assert len(texts(only_kpis(*many, kpi("single", 1)), "kpis")) == 1 + 2 + 1


def test_without_a_judgement_the_profile_speaks():
    profile = deepcopy(samples.PROFILE)
    alert = {"kind": "constant", "severity": "warning", "column": "id"}
    profile["tables"]["orders"]["alerts"] = [{**alert, "message": "All values are the same."}]
    narrative = narrated(documents(profile=profile, sufficiency=None, quality=None))
    assert texts(narrative, "trust") == ["id in orders: All values are the same."]


# -------------------------------------------------------------------------------------- KPIs


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "k is 5."),
        ({"unit": "days"}, "k is 5 days."),
        ({"unit": "fraction", "format": ".1%"}, "k is 500.0%."),
        (
            {"target": 4, "direction": "up", "distance_to_target": {"absolute": 1}},
            "k is 5, 1 better than its target of 4.",
        ),
        (
            {"target": 6, "direction": "up", "distance_to_target": {"absolute": -1}},
            "k is 5, 1 short of its target of 6.",
        ),
        (
            {"target": 6, "direction": "down", "distance_to_target": {"absolute": -1}},
            "k is 5, 1 better than its target of 6.",
        ),
        (
            {"target": 4, "distance_to_target": {"absolute": 1}},
            "k is 5, 1 above its target of 4.",
        ),
        (
            {"target": 5, "distance_to_target": {"absolute": 0}},
            "k is 5, exactly on its target of 5.",
        ),
        (
            {"target": 4.999, "format": ".1f", "distance_to_target": {"absolute": 0.001}},
            "k is 5.0, all but on its target of 5.0.",
        ),
        ({"status": "critical", "critical": 5}, "k is 5, at its critical limit of 5."),
        ({"status": "critical", "critical": 4}, "k is 5, past its critical limit of 4."),
        ({"change": {"absolute": 2}}, "k is 5; it has risen by 2 since the last run."),
        ({"change": {"absolute": 0}}, "k is 5; unchanged since the last run."),
        ({"status": "no_data", "value": None}, "k has no data."),
        ({"value": "high"}, "k is high."),
    ],
)
def test_one_kpi(given, expected):
    assert texts(only_kpis(kpi("k", **{"value": 5, **given})), "kpis")[1] == expected


def test_the_overview_counts_in_the_right_number():
    fine = kpi("a", 1, change={"absolute": 0})
    assert texts(only_kpis(), "kpis") == ["No KPI is defined."]
    assert texts(only_kpis(fine), "kpis")[0] == "The only KPI has a result and is past no limit."
    assert texts(only_kpis(fine, kpi("b", 2)), "kpis")[0] == (
        "All 2 KPIs have a result and none is past a limit."
    )
    assert texts(only_kpis(kpi("a", 1)), "kpis")[0].endswith(
        "; there is no earlier result to compare with."
    )
    critical = [kpi(f"c{n}", 1, status="critical", critical=1) for n in range(2)]
    assert texts(only_kpis(*critical, kpi("n", status="no_data")), "kpis")[0].startswith(
        "Of 3 KPIs, 2 are past a critical limit and 1 without data"
    )


def test_the_worst_kpi_comes_first_and_a_critical_one_before_all():
    def warned(name, relative):
        distance = {"absolute": relative, "relative": relative}
        return kpi(
            name, 1, status="warn", warn=1, target=1, direction="down", distance_to_target=distance
        )

    critical = kpi("worst", 1, status="critical", critical=1)
    told = texts(only_kpis(warned("mild", 0.1), warned("bad", 0.6), critical), "kpis")[1:]
    assert [text.split()[0] for text in told] == ["worst", "bad", "mild"]


def rows(names, values, **given):
    columns = [{"name": n, "type": t} for n, t in names]
    return kpi(**{"name": "spend_by_day", "columns": columns, "rows": values, **given})


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (  # the column it is sorted by, though another number stands before it
            rows(
                [("who", "VARCHAR"), ("n", "BIGINT"), ("total", "DOUBLE")],
                [["a", 5, 9.0], ["b", 7, 4.0], ["c", 6, 1.0]],
            ),
            "The highest total in spend_by_day is 9, for a.",
        ),
        (  # the column that shares a word with the KPI
            rows(
                [("hour", "TINYINT"), ("n", "BIGINT"), ("mean_spend", "DOUBLE")],
                [[1, 5, 2.0], [2, 7, 8.5], [3, 6, 1.0]],
            ),
            "The highest mean_spend in spend_by_day is 8.5, where hour is 2.",
        ),
        (  # more is better, so the low end is worth a look
            rows([("who", "VARCHAR"), ("n", "BIGINT")], [["a", 3], ["b", 1]], direction="up"),
            "The lowest n in spend_by_day is 1, for b.",
        ),
        (
            rows([("who", "VARCHAR"), ("what", "VARCHAR")], [["a", "x"]]),
            "spend_by_day has 1 row.",
        ),
        (
            rows([("who", "VARCHAR"), ("n", "BIGINT")], [["a", None], ["b", None]]),
            "spend_by_day has 2 rows.",
        ),
    ],
)
def test_a_result_of_many_rows_tells_its_extreme(record, expected):
    assert texts(only_kpis(record), "kpis")[1] == expected


# ------------------------------------------------------------------------------------- drift


def drifts(**tables):
    narrative = narrated(documents(drift={"tables": tables}))
    return texts(narrative, "drift")


def compared(status="stable", with_="baseline", drifted=0, **given):
    return {
        "status": status,
        "compared_with": with_,
        "reasons": [],
        "drifted_column_count": drifted,
        "assessed_column_count": 3,
        "schema_changes": [],
        "columns": {},
        **given,
    }


def test_drift_verdicts():
    first = {"status": "no_baseline", "compared_with": None}
    assert drifts(a=first) == [
        "This is the first run over this table: it is now the baseline for later ones."
    ]
    assert drifts(a=compared()) == ["a has not drifted since the baseline."]
    assert drifts(a=compared(with_="reference"), b=compared(with_="reference", drifted=1)) == [
        (
            "None of 2 tables has drifted as a whole from the reference, "
            "but 1 of 6 compared columns "
            "has."
        )
    ]
    assert drifts(
        a=compared(), b=first, c=compared("not_assessable", reasons=["too few rows"])
    ) == [
        "a has not drifted since the baseline.",
        "b has no baseline yet.",
        "c could not be compared: too few rows.",
    ]
    assert drifts(a=compared(), b=first, c=compared()) == [
        "None of 2 compared tables has drifted since the baseline.",
        "b has no baseline yet.",
    ]


def test_columns_of_the_calendar_come_last_and_ask_for_nothing():
    columns = {
        "month": samples.moved(value=9.0),
        "seen_at": samples.moved(
            treated_as="time",
            value=5.0,
            reference_mean="2024-01-01T00:00:00",
            current_mean="2024-02-01T00:00:00",
        ),
        "price": samples.moved(value=0.2),
    }
    files = documents(drift={"tables": {"t": compared("drifted", drifted=3, columns=columns)}})
    narrative = narrated(files)
    told = texts(narrative, "drift")[1:]
    assert [text.split()[0] for text in told] == ["price", "month", "seen_at"]
    assert "its mean went from 2024-01-01 to 2024-02-01" in told[2]
    assert not any("month" in text for text in texts(narrative, "next"))


def test_emptier_columns_and_new_values_are_told_as_such():
    nulls = samples.moved(
        measure="null_fraction_change", reference_null_fraction=0.01, current_null_fraction=0.4
    )
    news = samples.moved(
        measure="js_distance", reference_mean=None, current_mean=None, new_category_count=1
    )
    told = drifts(t=compared("drifted", drifted=2, columns={"a": nulls, "b": news}))
    assert "a in t has moved: empty in 40% of the rows, after 1%." in told
    assert any(text.startswith("b in t has moved: 1 new value (Jensen-Shannon") for text in told)


# ------------------------------------------------------------------------------------ length


def test_a_page_holds_however_much_there_is_to_say():
    names = [f"table number {n} with a rather long name that goes on and on" for n in range(300)]
    table = {"row_count": 5, "column_count": 300, "columns": {"c": samples.column()}}
    sufficiency = deepcopy(samples.SUFFICIENCY)
    sufficiency["tables"] = {
        name: samples.judged("insufficient", volume={"row_count": 5, "target_rows": 10})
        for name in names
    }
    sufficiency["ledger"] = [samples.loss(name, "coverage", "volume", 1.0) for name in names]
    sufficiency["references"] = [
        {**sufficiency["references"][0], "child_table": one, "parent_table": other}
        for one in names[:20]
        for other in names[:20]
    ]
    checks = [
        {**samples.QUALITY["checks"][0], "id": name, "table": name, "message": "bad " * 200}
        for name in names
    ]
    drifted = samples.DRIFT["tables"]["orders"]
    missing = {f"g{n}": {"status": "failed", "reason": "broken " * 99} for n in range(50)}
    kpis = [kpi(f"{name} {n}", status="error", error="no " * 500) for n, name in enumerate(names)]
    files = documents(
        profile={"tables": dict.fromkeys(names, table)},
        sufficiency=sufficiency,
        quality={**samples.QUALITY, "checks": checks},
        kpis={"kpis": kpis},
        drift={"tables": dict.fromkeys(names, drifted)},
        missing=missing,
    )
    narrative = narrated(files)
    assert list(find_faults(narrative, files)) == []
    sentences = [s.text for section in narrative.sections for s in section.sentences]
    assert len(sentences) <= 30
    assert sum(map(len, sentences)) <= 6500  # every name, message and error as long as it may be
