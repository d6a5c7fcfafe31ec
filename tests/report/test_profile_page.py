from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

from tests.report.markup import check_self_contained
from tests.report.samples import HOSTILE, demo, hostile, table
from voyant.artifacts.profile import ProfileArtifact
from voyant.report.format import column_name, value, visible
from voyant.report.profile_page import render_profile


def profile(**frames: pd.DataFrame) -> ProfileArtifact:
    return ProfileArtifact.model_validate({"tables": {n: table(f) for n, f in frames.items()}})


@pytest.fixture(scope="module")
def flights() -> str:
    return render_profile(demo("flights"))


def changed(artifact: ProfileArtifact, column: str, **fields: object) -> ProfileArtifact:
    """Replace fields of one column of the first table."""
    data = artifact.model_dump()
    next(iter(data["tables"].values()))["columns"][column].update(fields)
    return ProfileArtifact.model_validate(data)


def test_the_page_keeps_every_promise_of_a_page(flights):
    check_self_contained(flights)


def test_every_column_stands_on_the_page_with_its_numbers(flights):
    page = check_self_contained(flights)
    flights_profile = demo("flights").tables["flights"]
    assert page.values("data-find") == [
        f"{name} {c.type} {c.kind} {c.semantic_type}" for name, c in flights_profile.columns.items()
    ]
    # By hand, from pandas: 336,776 rows; departure delays from 43 minutes early to 1,301 late.
    for shown in ("336,776", "\N{MINUS SIGN}43", "1301", "12.64", "UA", "2013-01-01"):
        assert any(shown in texts for tag in page.texts for texts in page.texts[tag]), shown


def test_an_inexact_number_has_its_method_and_error_beside_it(flights):
    assert '<dd>4,043 <small class="inexact">' in flights
    assert "HyperLogLog, ± 31" in flights
    assert "row sample of 50,000, ± 0.2" in flights
    assert "Spearman: ≈ first 20,000 rows, ± 0.007" in flights
    assert ': first 20,000 rows, ± 0.007">≈\u2009' in flights


def test_an_inexact_field_that_is_not_on_the_page_is_still_named():
    made = {"some_new_field": {"method": "guess", "error": None}}
    page = render_profile(changed(demo("airlines"), "name", approximations=made))
    assert "some new field" in page
    assert "guess" in page


def test_the_same_profile_gives_the_same_bytes_in_every_process(tmp_path):
    source = tmp_path / "profile.json"
    source.write_text(demo("airports").model_dump_json(), encoding="utf-8")
    code = (
        "import sys, pathlib;"
        "from voyant.artifacts.profile import ProfileArtifact as P;"
        "from voyant.report.profile_page import render_profile as r;"
        "text = pathlib.Path(sys.argv[1]).read_text(encoding='utf-8');"
        "sys.stdout.buffer.write(r(P.model_validate_json(text)).encode())"
    )
    pages = {
        subprocess.run(
            [sys.executable, "-c", code, str(source)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert pages == {render_profile(demo("airports")).encode()}


def test_hostile_names_and_values_are_text_and_isolated():
    text = render_profile(hostile(20))
    page = check_self_contained(text)
    isolated = set(page.texts["bdi"])
    for name in HOSTILE:
        assert column_name(name).text in isolated
        assert value(name, length=300).text in isolated
    assert visible(HOSTILE[1]) in " ".join(page.texts["small"])
    assert page.texts["title"][0] == f"Profile of {HOSTILE[2]}"


def test_twenty_columns_stay_small_and_three_hundred_usable(flights):
    assert len(flights.encode()) < 200_000
    wide = render_profile(hostile(300))
    assert len(wide.encode()) < 1_500_000
    assert len(check_self_contained(wide).values("data-find")) == 300


def test_tables_without_rows_columns_or_values_read_well():
    page = check_self_contained(
        render_profile(
            profile(
                no_rows=pd.DataFrame({"a": pd.Series(dtype="float64")}),
                no_columns=pd.DataFrame(),
                all_null=pd.DataFrame({"a": [None, None], "b": pd.Series([float("nan")] * 2)}),
                one_row=pd.DataFrame({"a": [1], "b": ["x"]}),
            )
        )
    )
    said = " ".join(text for tag in page.texts for text in page.texts[tag])
    assert "This table has no columns." in said
    assert "no values" in said
    assert "not assessed" in said


def test_a_run_without_tables_says_so():
    page = check_self_contained(render_profile(ProfileArtifact(tables={})))
    assert "This run had no tables." in page.texts["p"]


def test_several_tables_have_a_table_of_contents():
    page = check_self_contained(render_profile(demo("airports", "airlines")))
    assert page.texts["h1"] == ["2 tables"]
    assert page.values("href")[2:4] == ["#t1", "#t2"]


def test_alerts_lead_to_their_column_the_worst_first():
    frame = pd.DataFrame({"a": [1, 1, 1], "b": [1, None, None]})
    text = render_profile(profile(t=frame))
    assert text.index("problem</span>") < text.index("2 notes") < text.index('href="#t1-c2"')
    assert text.index('href="#t1-c2"') < text.index('href="#t1-c1"')


def test_a_few_whole_numbers_get_a_bar_each_and_many_do_not(flights):
    assert "<title>7: 29,425 rows</title>" in flights  # July, from pandas
    assert flights.count(": 29,425 rows</title>") == 1


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("boolean", {"true_count": 3, "min": False, "max": True}),
        ("struct", {"min": None, "max": None, "distinct_count": None, "top_values": []}),
        ("blob", {"min": "\\x00", "max": "\\xff", "top_values": [], "text": None}),
        ("interval", {"min": "1 day", "max": "2 days", "top_values": [], "text": None}),
        ("timestamp", {"min": "-infinity", "max": "infinity", "text": None}),
        ("time", {"min": "00:00:00", "max": "23:59:59", "text": None}),
    ],
)
def test_columns_of_every_kind_are_drawn(kind, fields):
    check_self_contained(render_profile(changed(demo("airlines"), "name", kind=kind, **fields)))


def test_infinite_and_missing_numbers_are_counted_in_sight():
    page = render_profile(changed(demo("airports"), "alt", nan_count=7, infinite_count=2))
    assert "Not a number (NaN)</dt><dd>7" in page
    assert "Infinite</dt><dd>2" in page


def test_a_correlation_is_1_only_when_it_is():
    frame = pd.DataFrame({"a": range(1000), "b": [*range(999), 999.5]})
    data = profile(t=frame).model_dump()
    pairs = data["tables"]["t"]["correlations"]
    pairs["pearson"][0]["value"], pairs["spearman"][0]["value"] = 0.9999, 1.0
    pairs["approximations"] = {}
    text = render_profile(ProfileArtifact.model_validate(data))
    assert '<span title="0.9999">0.99+</span>' in text
    assert '<span title="1.0">1.00</span>' in text
