"""Which chart for which result: every shape the how-to names, and results nobody would choose."""

from __future__ import annotations

import pytest

from tests.report.vega_schema import assert_colours_have_dark_ones, assert_is_vega_lite
from voyant.artifacts.kpis import KpiDifference, KpiResult
from voyant.generators.chart_choice import draw_kpi
from voyant.report.vega_render import render_svg

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style>",
    "مرحبا بالعالم",
    "\u202egnp.exe",
    "👩‍👩‍👧‍👦 family",
    "'; DROP TABLE x; --",
    "datum.x[0]",
    "a\x00b",
    "",
    "   ",
    None,
    "{{7*7}}",
    "x" * 5000,
]


def kpi(types, rows, **more):
    names = more.pop("names", [f"{kind.lower()}_{n}" for n, kind in enumerate(types)])
    single = rows[0][0] if len(rows) == 1 == len(types) else None
    return KpiResult(
        **{
            "name": "a_kpi",
            "sql": "SELECT 1",
            "status": "ok",
            "value": single,
            "previous": None,
            "change": None,
            "distance_to_target": None,
            "columns": [{"name": n, "type": t} for n, t in zip(names, types, strict=True)],
            "rows": [list(row) for row in rows],
            "truncated": False,
            "masked_count": 0,
            "error": None,
            **more,
        }
    )


def drawn(result):
    choice = draw_kpi(result)
    assert choice.drawing is not None, choice.reason
    assert_is_vega_lite(choice.drawing.spec)
    assert_colours_have_dark_ones(choice.drawing.spec)
    return choice.drawing


DAYS = [f"2024-01-{day:02d}" for day in range(1, 13)]

SHAPES = {
    "one number": (["BIGINT"], [(7,)], "number"),
    "one text": (["VARCHAR"], [("seven",)], "number"),
    "one row": (["BIGINT", "DOUBLE"], [(7, 1.5)], "multiples"),
    "time and number": (["DATE", "BIGINT"], [(d, n) for n, d in enumerate(DAYS)], "line"),
    "timestamps": (
        ["TIMESTAMP WITH TIME ZONE", "DOUBLE"],
        [(f"{d}T03:00:00+00:00", n / 2) for n, d in enumerate(DAYS)],
        "line",
    ),
    "time and numbers": (
        ["DATE", "BIGINT", "DOUBLE"],
        [(d, n, n / 3) for n, d in enumerate(DAYS)],
        "multiples",
    ),
    "time, name, number": (
        ["DATE", "VARCHAR", "BIGINT"],
        [(d, s, n) for n, d in enumerate(DAYS) for s in "ab"],
        "line",
    ),
    "worst days": (
        ["DATE", "DOUBLE"],
        [(d, 99 - n) for n, d in enumerate(DAYS[::2] + DAYS[1::2])],
        "bars",
    ),
    "name and number": (["VARCHAR", "BIGINT"], [("a", 3), ("b", 9), ("c", 5)], "bars"),
    "boolean and number": (["BOOLEAN", "BIGINT"], [(True, 3), (False, 9)], "bars"),
    "name and numbers": (
        ["VARCHAR", "BIGINT", "DOUBLE"],
        [("a", 3, 0.5), ("b", 9, 1.5)],
        "multiples",
    ),
    "two names, all pairs": (
        ["VARCHAR", "VARCHAR", "BIGINT"],
        [(a, b, n) for n, (a, b) in enumerate((a, b) for a in "xyz" for b in "pq")],
        "heat_map",
    ),
    "two names, few pairs": (
        ["VARCHAR", "VARCHAR", "BIGINT"],
        [(a, b, n) for n, (a, b) in enumerate(zip("xxyzw", "pqrst", strict=True))],
        "bars",
    ),
    "steps": (["INTEGER", "DOUBLE"], [(n, n / 7) for n in range(6)], "line"),
    "steps and numbers": (
        ["INTEGER", "BIGINT", "DOUBLE"],
        [(n, n, n / 7) for n in range(6)],
        "multiples",
    ),
    "two numbers": (["DOUBLE", "DOUBLE"], [(n % 7 + 0.5, n % 5) for n in range(30)], "points"),
    "two numbers, many rows": (
        ["DOUBLE", "DOUBLE"],
        [(n % 70 + 0.5, n % 50) for n in range(900)],
        "heat_map",
    ),
    "one column of numbers": (["DOUBLE"], [(0.5,), (2.5,)], "bars"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_has_its_chart(shape):
    types, rows, kind = SHAPES[shape]
    assert drawn(kpi(types, rows)).kind == kind


@pytest.mark.parametrize(
    ("types", "rows", "more", "said"),
    [
        (["BIGINT"], [], {"status": "no_data"}, "no data"),
        (["BIGINT"], [], {"status": "error", "error": "boom"}, "failed"),
        (["VARCHAR"], [("a",), ("b",)], {}, "no column holds numbers"),
        (["VARCHAR", "DOUBLE"], [("a", None), ("b", None)], {}, "no column holds numbers"),
        (["DATE", "BIGINT"], [("2024-01-01", 1), ("2024-01-01", 2)], {}, "repeats"),
        (["DATE", "BIGINT"], [("infinity", 1), (None, 2)], {}, "no date"),
        (["BIGINT"], [(7,)], {"chart": {"kind": "none"}}, "asks for none"),
        (["BIGINT"], [(7,)], {"chart": {"knid": "line"}}, "'kind'"),
        (["BIGINT"], [(7,)], {"chart": {"kind": "pie"}}, "kind"),
        (["VARCHAR", "BIGINT"], [("a", 1), ("b", 2)], {"chart": {"x": "varchar"}}, "'varchar_0'"),
        (["VARCHAR", "BIGINT"], [("a", 1), ("b", 2)], {"chart": {"kind": "line"}}, "a line needs"),
        (["VARCHAR", "BIGINT"], [("a", 1), ("b", 2)], {"chart": {"kind": "points"}}, "points need"),
        (
            ["VARCHAR", "BIGINT"],
            [("a", 1), ("b", 2)],
            {"chart": {"y": "varchar_0"}},
            "no numbers for y",
        ),
        (
            ["VARCHAR", "BIGINT"],
            [("a", 1), ("b", 2)],
            {"chart": {"kind": "heat_map"}},
            "two columns",
        ),
    ],
)
def test_no_chart_says_why(types, rows, more, said):
    choice = draw_kpi(kpi(types, rows, **more))
    assert choice.drawing is None
    assert said in choice.reason


@pytest.mark.parametrize(
    ("chart", "kind"),
    [
        ({"kind": "bars"}, "bars"),
        ({"kind": "line", "x": "date_0", "y": "bigint_1"}, "line"),
        ({"y": ["bigint_1", "bigint_1"]}, "multiples"),
        ({"kind": "multiples"}, "line"),
    ],
)
def test_an_explicit_chart_wins(chart, kind):
    rows = [(day, n) for n, day in enumerate(DAYS)]
    assert drawn(kpi(["DATE", "BIGINT"], rows, chart=chart)).kind == kind


def test_an_explicit_title_top_and_order():
    rows = [("a", 1.5), ("b", 9.5), ("c", 5.5)]
    chart = {"title": "Mine", "top": 2, "sort": "value"}
    drawing = drawn(kpi(["VARCHAR", "DOUBLE"], rows, chart=chart))
    assert drawing.heading.title == "Mine"
    assert [row[0] for row in drawing.rows] == ["b", "c"]
    assert "The first 2 of 3." in drawing.heading.subtitle


def test_bars_are_sorted_unless_the_query_did_it():
    unsorted = drawn(kpi(["VARCHAR", "BIGINT"], [("a", 3), ("b", 9), ("c", 5), ("d", None)]))
    assert [row[0] for row in unsorted.rows] == ["b", "c", "a", "d"]
    rising = drawn(kpi(["VARCHAR", "BIGINT"], [("a", 3), ("b", 5), ("c", 9)]))
    assert [row[0] for row in rising.rows] == ["a", "b", "c"]


def test_counts_beyond_the_top_are_added_up_means_are_not():
    rows = [(f"c{n}", 1000 - n) for n in range(30)]
    counts = drawn(kpi(["VARCHAR", "BIGINT"], rows, names=["name", "order_count"]))
    assert len(counts.rows) == 20
    assert "10 others: 9755 together." in counts.heading.subtitle  # 980 + 979 + ... + 971
    few = drawn(kpi(["VARCHAR", "BIGINT"], rows[:22], names=["name", "order_count"]))
    assert few.rows[20] == ("2 others", "1959")  # 980 + 979
    means = drawn(kpi(["VARCHAR", "DOUBLE"], rows, names=["name", "mean_delay"]))
    assert len(means.rows) == 20
    assert "The first 20 of 30." in means.heading.subtitle


def test_truncated_results_are_said_and_never_added_up():
    rows = [(f"c{n}", 1000 - n) for n in range(30)]
    drawing = drawn(kpi(["VARCHAR", "BIGINT"], rows, names=["a", "row_count"], truncated=True))
    assert len(drawing.rows) == 20
    assert "Only the first 30 rows" in drawing.heading.subtitle


def test_ten_thousand_categories_stay_a_small_chart():
    rows = [(f"category {n}", n * 7 % 10_007) for n in range(10_000)]
    drawing = drawn(kpi(["VARCHAR", "BIGINT"], rows))
    assert len(drawing.rows) == 20
    assert len(str(drawing.spec)) < 20_000


def test_a_number_says_target_limits_and_change():
    drawing = drawn(
        kpi(
            ["DOUBLE"],
            [(0.734,)],
            format=".1%",
            unit="fraction",
            direction="up",
            target=0.8,
            warn=0.78,
            critical=0.7,
            status="warn",
            distance_to_target=KpiDifference(absolute=-0.066, relative=-0.0825),
            change=KpiDifference(absolute=0.01, relative=0.0138),
        )
    )
    assert "6.6 percentage points below target" in drawing.description
    assert "1.0 percentage points more than last time" in drawing.description
    assert drawing.rows == (
        ("Value", "73.4%"),
        ("Target", "80.0%"),
        ("Warn", "78.0%"),
        ("Critical", "70.0%"),
    )


def test_format_and_unit_belong_to_the_numbers_they_can_be_true_of():
    drawing = drawn(
        kpi(
            ["VARCHAR", "BIGINT", "DOUBLE"],
            [("a", 32000, 11.94), ("b", 601, 15.56)],
            names=["airline", "flights", "delay"],
            unit="minutes",
            format=".1f",
        )
    )
    assert drawing.columns == ("Airline", "Flights", "Delay (minutes)")
    assert drawing.rows == (("a", "32,000", "11.9"), ("b", "601", "15.6"))


def test_nan_infinity_and_wide_decimals_are_read():
    rows = [
        ("a", "NaN"),
        ("b", "1.50"),
        ("c", "Infinity"),
        ("d", "12345678901234567.89"),
        ("e", None),
    ]
    drawing = drawn(kpi(["VARCHAR", "DECIMAL(30,2)"], rows))
    assert {row[0] for row in drawing.rows if row[1] == "\N{EN DASH}"} == {"a", "c", "e"}


def test_mixed_types_are_names():
    rows = [(1, 5), ("two", 6), (True, 7), (None, 8)]
    drawing = drawn(kpi(["UNION", "BIGINT"], rows))
    assert drawing.kind == "bars"
    assert [row[0] for row in drawing.rows] == ["1", "two", "true", "(null)"]


def test_names_that_read_alike_stay_apart():
    rows = [("x" * 5000 + str(n), n) for n in range(3)]
    labels = [row[0] for row in drawn(kpi(["VARCHAR", "BIGINT"], rows)).rows]
    assert len(set(labels)) == 3


@pytest.mark.parametrize("shape", ["bars", "multiples", "heat_map", "line"])
def test_hostile_names_and_values_are_text(shape):
    names = HOSTILE[:3]
    rows = {
        "bars": (["VARCHAR", "BIGINT"], [(h, n) for n, h in enumerate(HOSTILE)]),
        "multiples": (
            ["VARCHAR", "BIGINT", "DOUBLE"],
            [(h, n, n / 7) for n, h in enumerate(HOSTILE)],
        ),
        "heat_map": (
            ["VARCHAR", "VARCHAR", "BIGINT"],
            [(a, b, 5) for a in HOSTILE for b in HOSTILE],
        ),
        "line": (["DATE", "VARCHAR", "BIGINT"], [(d, h, 4) for d in DAYS for h in HOSTILE]),
    }[shape]
    drawing = drawn(
        kpi(
            *rows,
            names=names[: len(rows[0])],
            name=HOSTILE[0],
            description=HOSTILE[1],
            unit="</text><script>",
        )
    )
    assert drawing.kind == shape
    svg = render_svg(drawing.spec, drawing.description, "n")
    for forbidden in ("<script", "<img", "</style", "\u202e", "\x00", "onerror=alert(1)>"):
        assert forbidden not in svg


@pytest.mark.parametrize("python_format", ["{}", "%Y", "no such", "d", ",.2f", "010.3e", "s", "n"])
def test_any_format_draws(python_format):
    drawing = drawn(kpi(["VARCHAR", "DOUBLE"], [("a", 1.5), ("b", -2.5)], format=python_format))
    assert "NaN" not in str(drawing.rows)


def test_titles_and_labels_hold_no_marks_of_ours():
    rows = [("مرحبا", 1.5), ("größe", 2.5)]
    drawing = drawn(kpi(["VARCHAR", "DOUBLE"], rows, name="Größe (€)", names=["名前", "größe"]))
    assert drawing.heading.title == "Größe (€)"
    assert drawing.columns == ("名前", "Größe")
    assert [row[0] for row in drawing.rows] == ["مرحبا", "größe"]
