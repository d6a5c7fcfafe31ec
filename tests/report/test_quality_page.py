"""The quality page says everything `quality.json` says, to strangers' names and values too."""

from __future__ import annotations

import pytest

from tests.report.markup import check_self_contained
from tests.report.samples import HOSTILE
from voyant.artifacts.contracts import Contract
from voyant.artifacts.quality import CheckResult, FailingValue
from voyant.artifacts.quality_settings import QualitySettings
from voyant.generators.quality import compute
from voyant.report.format import value
from voyant.report.quality_page import render_quality


def check(place, status="failed", severity="warning", **changes):
    facts = {
        "id": f"check-{place}", "name": "missing_values", "title": f"title {place}",
        "source": "automatic", "origin": "", "dimension": "completeness", "severity": severity,
        "table": "orders", "columns": [f"column {place}"], "status": status, "observed": None,
        "threshold": "no failing row", "checked_count": 100, "failing_count": 3,
        "failing_fraction": 0.03, "message": f"message {place}", "reason": "",
        "approximation": None, "examples": [],
    }  # fmt: skip
    return CheckResult.model_validate(facts | changes)


def render(*checks, tables=("orders",), contracts=()):
    return render_quality(compute(list(tables), list(checks), list(contracts), QualitySettings()))


def seen(page):
    return " ".join(text for texts in check_self_contained(page).texts.values() for text in texts)


def test_every_check_stands_on_the_page_with_what_was_seen():
    page = render(
        check(1, severity="error"),
        check(2),
        check(3, severity="info"),
        check(4, "passed"),
        check(5, "not_assessed", reason="too little is known"),
    )
    text = seen(page)
    for words in ("message 1", "message 2", "message 3", "title 4", "too little is known"):
        assert words in text
    # Worst first, then what passed, and what is open said aloud.
    order = [page.index(words) for words in ("message 1", "message 2", "message 3")]
    assert order == sorted(order)
    assert "left out of the score" in text


def test_verdict_and_score_stand_first():
    page = render(check(1, severity="error"), check(2, "passed"))
    # An error at 3 % loses 0.3 of 3; a passed warning weighs 1: (0.7 * 3 + 1) / 4.
    assert "77.5 of 100" in seen(page)
    assert "checks failed" in seen(page)
    assert page.index("77.5 of 100") < page.index("Dimensions")


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ([], "no check could be made"),
        ([check(1, "passed")], "no check failed"),
        ([check(1, "not_assessed", reason="why")], "no check could be made"),
    ],
)
def test_pages_without_failures(checks, words):
    assert words in seen(render(*checks))


def test_counts_that_are_not_exact_say_so():
    made = {"method": "a sample of 10 values", "error": 2.5}
    assert "a sample of 10 values, error 2.5" in seen(render(check(1, approximation=made)))


def test_contracts_say_whether_they_were_kept():
    contract = Contract(
        file="a.yaml", id="1", name="Sales", version="2.0", api_version="v3.1.0",
        status="active", rules=(),
    )  # fmt: skip
    page = render(check(1, origin="a.yaml", source="declared"), contracts=[contract])
    assert "1 broken rule" in seen(page)
    assert "Sales, 2.0, active" in seen(page)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_wherever_it_stands(text):
    page = render(
        check(
            1, table=text, columns=[text], title=text, message=text, origin=text, threshold=text,
            examples=[FailingValue(value=text, count=1)],
        ),
        check(2, "passed", table=text, columns=[text], title=text, message=text),
        check(3, "not_assessed", table=text, columns=[text], reason=text),
        tables=[text],
    )  # fmt: skip
    check_self_contained(page)
    assert value(text, length=600).text.strip()[:20] in seen(page)
