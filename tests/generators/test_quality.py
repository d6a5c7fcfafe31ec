"""Quality on DuckDB: every check on tables with faults put in by hand, and without."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import jsonschema
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, luhn

from voyant.artifacts.quality import QualityArtifact
from voyant.artifacts.quality_settings import QualitySettings, parse_quality
from voyant.artifacts.schemas import make_schema
from voyant.core.context import GeneratorContext
from voyant.core.errors import ConfigurationError
from voyant.generators.quality import compute, generate_quality
from voyant.report.quality_page import render_quality


def moment(*parts):
    """Make a time without a zone, as most files hold them."""
    return datetime(*parts)  # noqa: DTZ001 - on purpose


AS_OF = "2024-06-01T00:00:00+00:00"


@pytest.fixture
def run(tmp_path):
    def run_quality(sources, quality=None, **values):
        settings = type("Settings", (), {"quality": quality or {}})()
        ctx = GeneratorContext(
            {
                "job_id": "job", "tenant_id": "acme", "artifacts_root": str(tmp_path),
                "sources": sources, "as_of": AS_OF, **values,
            },
            settings=settings,
        )  # fmt: skip
        try:
            paths = generate_quality(ctx)
        finally:
            ctx.close()
        made = json.loads(Path(paths["quality"]).read_text(encoding="utf-8"))
        QualityArtifact.model_validate(made)
        jsonschema.validate(made, make_schema("quality.json"))
        made["page"] = Path(paths["quality_html"]).read_text(encoding="utf-8")
        assert [c["id"] for c in made["checks"]] == list({c["id"]: 0 for c in made["checks"]})
        lost = round(sum(entry["points"] for entry in made["ledger"]), 2)
        assert made["score"] is None or lost == round(100 - 100 * made["score"], 2)
        return made

    return run_quality


def check_of(made, name, *columns, table=None):
    """Return the one check of a name (and columns), None if there is none."""
    found = [
        c for c in made["checks"]
        if c["name"] == name and (not columns or c["columns"] == list(columns))
        and (table is None or c["table"] == table)
    ]  # fmt: skip
    assert len(found) < 2, found
    return found[0] if found else None


def failed(made, *, notes=False):
    return {
        (c["name"], *c["columns"])
        for c in made["checks"]
        if c["status"] == "failed" and (notes or c["severity"] != "info")
    }


def column_check(run, name, values, check, kind=None, **settings):
    """Run one column, beside a key that makes rows different; return one of its checks."""
    table = {"row_id": list(range(len(values))), name: pa.array(values, kind)}
    return check_of(run({"t": pa.table(table)}, **settings), check, name)


# ------------------------------------------------------------------------ each check by itself


def counts(check):
    return check["status"], check["failing_count"], check["checked_count"]


def test_missing_values_are_null_nan_and_blank(run):
    values = ["a", "b", None, "", "  ", "c", "d", "e", "f", "g"]
    assert counts(column_check(run, "v", values, "missing_values")) == ("failed", 3, 10)
    values = [1.0, float("nan"), None, *range(7)]
    assert counts(column_check(run, "v", values, "missing_values")) == ("passed", 2, 10)  # 20 %


def test_a_nearly_empty_column_is_reported_once(run):
    made = run({"t": pa.table({"row_id": range(100), "v": [1] * 4 + [None] * 96})})
    assert counts(check_of(made, "near_empty", "v")) == ("failed", 96, 100)
    assert check_of(made, "missing_values", "v") is None


def test_duplicate_rows(run):
    made = run({"t": pa.table({"a": [1, 1, 1, 2], "b": ["x", "x", "x", "y"]})})
    assert counts(check_of(made, "duplicate_rows")) == ("failed", 2, 4)


def test_a_key_by_name_repeats_or_is_missing(run):
    ids = [*range(18), 17, None]
    made = run({"orders": pa.table({"order_id": ids, "customer_id": [1] * 20})})
    assert counts(check_of(made, "duplicate_keys", "order_id")) == ("failed", 2, 20)
    assert check_of(made, "duplicate_keys", "customer_id") is None  # another table's key


def test_a_key_that_others_refer_to(run):
    items = pa.table({"sku": ["a1", "b2", "c3", "d4"] * 5, "n": range(20)})
    skus = pa.table({"sku": ["a1", "b2", "c3", "d4", "e5", "f6", "g7", "h8", "i9", "j0", "j0"]})
    made = run({"items": items, "skus": skus})
    assert counts(check_of(made, "duplicate_keys", "sku", table="skus")) == ("failed", 1, 11)
    assert counts(check_of(made, "orphans", "sku")) == ("passed", 0, 20)


def test_orphans(run):
    orders = pa.table({"customer_id": [1, 2, 3, 9, 9, None]})
    customers = pa.table({"customer_id": [1, 2, 3, 4], "city": list("abcd")})
    check = check_of(run({"orders": orders, "customers": customers}), "orphans")
    assert counts(check) == ("failed", 2, 5)
    assert check["columns"] == ["customer_id"]
    assert check["id"] == "orphans:orders.customer_id->customers.customer_id"


def test_a_constant_column_is_a_note(run):
    check = column_check(run, "v", ["x"] * 5 + [None], "constant_column")
    assert (check["status"], check["severity"], check["observed"]) == ("failed", "info", 1)
    assert column_check(run, "v", ["x", "y"], "constant_column")["status"] == "passed"
    assert column_check(run, "v", ["x"], "constant_column") is None  # one row has nothing to tell


def test_numbers_with_words_among_them(run):
    values = [str(n) for n in range(99)] + ["n/a", ""]
    assert counts(column_check(run, "v", values, "mixed_types")) == ("failed", 1, 100)
    values = [str(n) for n in range(100)]
    assert counts(column_check(run, "v", values, "mixed_types")) == ("passed", 0, 100)


def test_numbers_with_words_among_more_values_than_a_sample_holds(run):
    values = [f"{n}.5" for n in range(5000)] + ["1,234.5"] + ["unknown"] * 7
    check = column_check(run, "v", values, "mixed_types")
    assert counts(check) == ("failed", 7, 5008)  # 1,234.5 is a number to a reader
    assert check["approximation"] is None


def test_dates_with_days_that_are_none(run):
    values = [f"2024-01-{day:02d}" for day in range(1, 29)] * 4 + ["2024-02-30", "soon"]
    assert counts(column_check(run, "v", values, "mixed_types")) == ("failed", 2, 114)


def test_codes_are_no_numbers(run):
    values = ["007", "12", "13", "14", "15", "9E", "16", "17", "18", "19"] * 5
    assert column_check(run, "code", values, "mixed_types") is None


def ibans(count):
    made = []
    for number in range(count):
        digits = f"DE00{500105170000000000 + number:018d}"
        made.append(f"DE{iban.calc_check_digits(digits)}{digits[4:]}")
    return made


def cards(count):
    stems = [f"4{number:014d}" for number in range(count)]
    return [stem + luhn.calc_check_digit(stem) for stem in stems]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("email", [f"ann{n}@example.com" for n in range(60)], ["ann@", "none", "a b@example.com"]),
        ("url", [f"https://example.com/{n}" for n in range(60)], ["example", "http://"]),
        ("uuid", [f"{n:08x}-0000-4000-8000-000000000000" for n in range(60)], ["123", "x"]),
        ("iban", ibans(60), ["DE00500105170000000000", "none"]),
        ("card", cards(60), ["4111111111111112", "cash"]),
        ("country", ["DE", "FR", "US", "GB", "ES", "IT", "PL", "NL", "BE", "AT"] * 6, ["XX"]),
    ],
)
def test_invalid_values_of_a_format(run, name, good, bad):
    assert counts(column_check(run, name, good, "invalid_values")) == ("passed", 0, 60)
    check = column_check(run, name, [*good, *bad, None, ""], "invalid_values")
    assert counts(check) == ("failed", len(bad), 60 + len(bad))


def test_most_of_a_column_named_after_its_format_is_enough(run):
    values = [f"ann{n}@example.com" for n in range(7)] + ["a", "b", "c"]
    assert counts(column_check(run, "e_mail", values, "invalid_values")) == ("failed", 3, 10)
    assert column_check(run, "text", values, "invalid_values") is None


def test_formats_beyond_the_sample_are_exact_until_too_many_are_in_doubt(run):
    emails = [f"ann{n}@example.com" for n in range(3000)] + ["nobody"] * 5 + ["ü@example.com"]
    check = column_check(run, "email", emails, "invalid_values")
    assert counts(check) == ("failed", 5, 3006)  # a letter that is not ASCII is no fault
    assert check["approximation"] is None
    numbers = cards(3000)
    check = column_check(run, "card", [*numbers, "4111111111111112"], "invalid_values")
    assert counts(check) == ("failed", 1, 3001)
    sampled = column_check(
        run, "card", [*numbers, "4111111111111112"], "invalid_values", quality={"exact_values": 10}
    )
    assert "scaled up" in sampled["approximation"]["method"]


def test_impossible_values(run):
    assert counts(column_check(run, "age", [3, 40, -1, 130], "impossible_values")) == (
        "failed", 1, 4,
    )  # fmt: skip
    degrees = [10.5, 90.0, 90.1, -91.0]
    assert counts(column_check(run, "latitude", degrees, "impossible_values")) == (
        "failed", 2, 4,
    )  # fmt: skip
    births = [date(1990, 1, 1), date(2024, 6, 1), date(2030, 1, 1), None]
    assert counts(column_check(run, "date_of_birth", births, "impossible_values")) == (
        "failed", 1, 3,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["count_change", "age_diff", "temperature", "lat", "discount"])
def test_names_that_promise_nothing(run, name):
    assert column_check(run, name, [-1.5, 2.5, 300.0], "impossible_values") is None


def test_lat_beside_lon_is_a_latitude(run):
    made = run({"t": pa.table({"lat": [1.5, 95.5], "lon": [1.5, 170.5]})})
    assert counts(check_of(made, "impossible_values", "lat")) == ("failed", 1, 2)
    assert counts(check_of(made, "impossible_values", "lon")) == ("passed", 0, 2)


def test_infinite_values(run):
    values = [1.0, 2.0, float("inf"), float("-inf"), float("nan")]
    assert column_check(run, "v", values, "infinite_values")["failing_count"] == 2


def test_outliers_are_far_out_and_few(run):
    values = [float(10 + n % 21) for n in range(500)]
    assert counts(column_check(run, "speed", values, "outliers")) == ("passed", 0, 500)
    # Quartiles 15 and 25: the fences are -85 and 125.
    check = column_check(run, "speed", [*values, 124.0, 126.0, 9999.0], "outliers")
    assert counts(check) == ("failed", 2, 503)
    assert check["severity"] == "info"


def test_heavy_tails_and_skew_are_no_outliers(run):
    powers = [2.0 ** (n % 40) for n in range(800)]  # even on the logarithmic scale
    assert column_check(run, "size", powers, "outliers")["status"] == "passed"
    tail = [float(n % 21) - 5 for n in range(500)] + [1000.0 * n for n in range(1, 41)]
    check = column_check(run, "delay", tail, "outliers")
    assert check["status"] == "not_assessed"
    assert "tails are heavy" in check["reason"]


def test_padded_text(run):
    values = ["a b", " c", "d\t", "e", None, "  "]
    assert counts(column_check(run, "v", values, "padded_text")) == ("failed", 2, 4)


def test_white_space_around_long_texts_does_no_harm(run):
    text = "a long text that nobody would compare with another one, number "
    assert column_check(run, "v", [f"{text}{n} " for n in range(9)], "padded_text") is None
    words = [f"fine number {n} " for n in range(9)]
    assert column_check(run, "note", words, "padded_text") is None
    assert column_check(run, "full_name", words, "padded_text")["failing_count"] == 9


def test_case_variants(run):
    values = (
        ["Berlin"] * 6 + ["berlin"] * 2 + ["BERLIN"] + ["Paris"] * 5 + ["New  York", "New York"]
    )
    check = column_check(run, "city", values, "case_variants")
    assert counts(check) == ("failed", 4, 16)
    assert "2 categories have several spellings" in check["message"]
    assert "berlin" not in json.dumps(check).lower()  # no value is shown unless it is asked for
    check = column_check(run, "city", values, "case_variants", quality={"examples": 2})
    assert "Berlin / berlin / BERLIN" in check["message"]
    letters = ["a", "A", "b", "B"] * 9  # one letter each: codes
    assert counts(column_check(run, "grade", letters, "case_variants")) == ("passed", 0, 36)


def test_date_order(run):
    start = [date(2024, 1, day) for day in range(1, 11)]
    end = [date(2024, 1, 5)] * 10
    made = run({"t": pa.table({"start_date": start, "end_date": end})})
    assert counts(check_of(made, "date_order", "start_date", "end_date")) == ("failed", 5, 10)
    made = run({"t": pa.table({"start_date": start[5:], "end_date": end[5:]})})
    check = check_of(made, "date_order", "start_date", "end_date")
    assert check["status"] == "not_assessed"  # most rows: the names mislead
    made = run({"t": pa.table({"planned_start": start, "end_date": end})})
    assert check_of(made, "date_order") is None


def test_events_in_the_future(run):
    values = [moment(2024, 5, 1), moment(2024, 6, 1, 12), moment(2124, 5, 1)]
    assert counts(column_check(run, "created_at", values, "future_times")) == ("failed", 1, 3)
    assert counts(column_check(run, "created_at", values[:2], "future_times")) == ("passed", 0, 2)
    assert column_check(run, "expires_at", values, "future_times") is None


def test_personal_data_is_a_note(run):
    check = column_check(run, "e", [f"ann{n}@example.com" for n in range(9)], "personal_data")
    assert (*counts(check), check["severity"]) == ("failed", 9, 9, "info")
    texts = ["call me", "write to ann@example.com", "no", "yes"]
    assert counts(column_check(run, "note", texts, "personal_data")) == ("failed", 1, 4)


# ------------------------------------------------------------------------------------- whole tables


def test_the_demo_has_the_faults_it_has_and_no_others(run, demo_tables):
    made = run({name: str(path) for name, path in demo_tables.items()}, as_of="2014-01-01")
    assert failed(made, notes=True) == {
        ("orphans", "tailnum"),
        ("orphans", "dest"),
        ("missing_values", "wind_gust"),
        ("near_empty", "speed"),
        ("constant_column", "year"),
        ("outliers", "wind_speed"),  # 1048 mph in 2013-02-12
    }
    frames = {name: pd.read_parquet(path) for name, path in demo_tables.items()}
    flights = frames["flights"]
    for child, parent, key in (("tailnum", "planes", "tailnum"), ("dest", "airports", "faa")):
        known = flights[child].dropna().isin(frames[parent][key])
        check = check_of(made, "orphans", child)
        assert counts(check) == ("failed", int((~known).sum()), len(known))
    gust = frames["weather"]["wind_gust"].isna()
    assert check_of(made, "missing_values", "wind_gust")["failing_fraction"] == gust.mean()
    assert made["verdict"] == "warnings"


@pytest.mark.parametrize(
    ("table", "verdict", "expected"),
    [
        (
            {"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())},
            "failed",
            {("has_rows",)},
        ),
        ({"a": [1], "b": ["x"]}, "passed", set()),
        (
            {"a": [1, 2], "b": pa.array([None, None], pa.string())},
            "warnings",
            {("near_empty", "b")},
        ),
        ({"a": [7, 7], "b": ["x", "x"]}, "warnings", {("duplicate_rows",)}),
    ],
)
def test_awkward_tables(run, table, verdict, expected):
    made = run({"t": pa.table(table)})
    assert (made["verdict"], failed(made)) == (verdict, expected)


def test_hostile_names_and_values(run):
    name = "<script>alert(1)</script>"
    table = pa.table(
        {
            name: ['"><img src=x onerror=alert(1)>'] * 3 + ["'; DROP TABLE t; --", None],
            'a"b': [1, 2, 2, float("nan"), float("inf")],
            "": ["\u202e\0 ", "</style>", "x", "X", "x"],
            "l": [[1], [2], None, [3], [1]],
        }
    )
    made = run({'t"; --': table}, quality={"examples": 5})
    assert name not in made["page"].replace("&lt;", "<-")
    assert "<img src=x" not in made["page"]
    assert "</style>" not in made["page"].split("</style>", 1)[1]


def test_no_tables_is_not_assessed():
    made = compute([], [], [], QualitySettings())
    assert (made.verdict, made.score, made.ledger) == ("not_assessed", None, [])
    assert {dimension.score for dimension in made.dimensions.values()} == {None}
    assert "Not assessed" in render_quality(made)


# ----------------------------------------------------------------------------------------- settings


def test_checks_can_be_switched_off_and_made_stricter(run):
    sources = {"t": pa.table({"k": range(10), "a": [1] * 9 + [None], "b": [2] * 9 + [None]})}
    assert failed(run(sources)) == set()
    strict = {"checks": {"missing_values": {"max_fraction": 0.05, "severity": "error"}}}
    made = run(sources, strict)
    assert failed(made) == {("missing_values", "a"), ("missing_values", "b")}
    assert made["verdict"] == "failed"
    strict["exceptions"] = [{"check": "missing*", "column": "b", "enabled": False}]
    assert failed(run(sources, strict)) == {("missing_values", "a")}
    strict["exceptions"] = [{"table": "other", "enabled": False}]
    assert len(failed(run(sources, strict))) == 2
    nothing = {"exceptions": [{"enabled": False}]}
    assert run(sources, nothing)["checks"] == []


def test_the_last_word_that_fits_wins():
    settings = parse_quality(
        {
            "checks": {"outliers": {"severity": "warning"}},
            "exceptions": [
                {"table": "o*", "severity": "error", "max_fraction": 0.5},
                {"check": "outliers", "column": "a", "enabled": False},
                {"check": "outliers", "table": "orders", "column": "a", "enabled": True},
            ],
        }
    )
    tuned = settings.tuned("outliers", "orders", "a")
    assert (tuned.enabled, tuned.severity, tuned.max_fraction) == (True, "error", 0.5)
    assert not settings.tuned("outliers", "t", "a").enabled
    assert settings.tuned("outliers", "t", "b").severity == "warning"
    assert settings.tuned("duplicate_rows", "orders").severity == "error"


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ({"check": {}}, "Did you mean 'checks'"),
        ({"checks": {"missing_value": {}}}, "Did you mean 'missing_values'"),
        ({"checks": {"outliers": {"max_fracton": 0}}}, "Did you mean 'max_fraction'"),
        ({"checks": {"outliers": {"max_fraction": 2}}}, "less than or equal to 1"),
        ({"checks": {"outliers": {"severity": "bad"}}}, "'info', 'warning' or 'error'"),
        ({"exceptions": [{"check": "orphan"}]}, "Did you mean 'orphans'"),
        ({"exceptions": [{"tabel": "x"}]}, "Did you mean 'table'"),
        ({"rules": [{"table": "t"}]}, "it says nothing"),
        ({"rules": [{"table": "t", "min": 0}]}, "min needs a column"),
        ({"rules": [{"table": "t", "column": "a", "mni": 0}]}, "Did you mean 'min'"),
        ({"rules": [{"table": "t", "columns": ["a", "b"], "min": 0}]}, "for one column"),
        ({"rules": [{"table": "t", "column": "a", "columns": ["b"], "unique": True}]}, "not both"),
        ({"rules": [{"table": "t", "min_rows": 1, "must_be": 3}]}, "are for sql"),
        ([], "not a table"),
    ],
)
def test_settings_that_cannot_be_used(quality, said):
    with pytest.raises(ConfigurationError) as raised:
        parse_quality(quality)
    assert said in str(raised.value)


# --------------------------------------------------------------------------------- declared rules

ORDERS = pa.table(
    {
        "id": [1, 2, 3, 3],
        "amount": [0.0, 10.0, -1.0, None],
        "status": ["open", "paid", "lost", None],
        "email": ["a@example.com", "b@example.com", "nobody", None],
        "at": [moment(2024, 5, 31), moment(2024, 5, 30), None, None],
    }
)


RULES = [
    ({"column": "amount", "required": True}, "failed", 1),
    ({"column": "amount", "required": True, "max_fraction": 0.25}, "passed", 1),
    ({"column": "id", "unique": True}, "failed", 1),
    ({"columns": ["id", "status"], "unique": True}, "passed", 0),
    ({"column": "amount", "min": 0}, "failed", 1),
    ({"column": "amount", "max": 10}, "passed", 0),
    ({"column": "at", "max": "2024-05-30"}, "failed", 1),
    ({"column": "status", "values": ["open", "paid"]}, "failed", 1),
    ({"column": "status", "min_length": 4, "max_length": 4}, "passed", 0),
    ({"column": "status", "pattern": "^[a-z]+$"}, "passed", 0),
    ({"column": "status", "pattern": "(?=x)"}, "not_assessed", None),
    ({"column": "email", "format": "email"}, "failed", 1),
    ({"column": "email", "format": "e-mail"}, "not_assessed", None),
    ({"column": "amount", "type": "number"}, "passed", None),
    ({"column": "amount", "type": "integer"}, "failed", None),
    ({"column": "status", "references": "states.name"}, "failed", 1),
    ({"column": "status", "references": "nowhere.name"}, "not_assessed", None),
    ({"min_rows": 4, "max_rows": 4}, "passed", None),
    ({"min_rows": 5}, "failed", None),
    ({"column": "at", "max_age_hours": 24}, "passed", None),
    ({"column": "at", "max_age_hours": 23}, "failed", None),
    ({"column": "id", "max_age_hours": 23}, "not_assessed", None),
    ({"sql": "SELECT count(*) FROM orders WHERE amount < 0"}, "failed", None),
    ({"sql": "SELECT count(*) FROM orders", "at_least": 4}, "passed", None),
    ({"sql": "SELECT count(*) FROM orders", "must_be": 3}, "failed", None),
    ({"sql": "SELECT 1, 2"}, "not_assessed", None),
    ({"sql": "DROP TABLE orders"}, "not_assessed", None),
    ({"sql": "SELECT nonsense"}, "not_assessed", None),
    ({"column": "nope", "required": True}, "not_assessed", None),
]


def test_declared_rules(run):
    states = pa.table({"name": ["open", "paid"]})
    rules = [{"table": "orders", **rule} for rule, _, _ in RULES]
    made = run({"orders": ORDERS, "states": states}, {"rules": rules})
    declared = [c for c in made["checks"] if c["source"] == "declared"]
    for (rule, status, failing), check in zip(RULES, declared, strict=True):
        assert (check["status"], check["failing_count"]) == (status, failing), (rule, check)
        assert bool(check["reason"]) is (status == "not_assessed")
        assert (check["origin"], check["severity"]) == ("voyant.toml", "error")


def test_a_rule_about_an_unknown_table_is_said_aloud(run):
    made = run({"orders": ORDERS}, {"rules": [{"table": "order", "min_rows": 1}]})
    (check,) = [c for c in made["checks"] if c["source"] == "declared"]
    assert check["status"] == "not_assessed"
    assert "Did you mean 'orders'?" in check["reason"]
    assert check["reason"].split(".")[0] in made["page"].replace("&#39;", "'")


# ----------------------------------------------------------------------------------------- examples


def test_failing_values_are_off_by_default_then_few_and_masked(run):
    rules = [
        {"table": "t", "column": "v", "values": ["ok"]},
        {"table": "t", "column": "email", "format": "email"},
    ]
    values = ["ok", "ann@example.com", "4111 1111 1111 1111", "c", "d"]
    emails = ["a@example.com", "ann(at)example.com", "bob.example.com", None, None]
    sources = {"t": pa.table({"v": values, "email": emails})}
    made = run(sources, {"rules": rules})
    assert all(check["examples"] == [] for check in made["checks"])
    made = run(sources, {"rules": rules, "examples": 2})
    for secret in ("ann@", "4111", "ann(at)", "bob."):
        assert secret not in json.dumps(made["checks"])
        assert secret not in made["page"]
    declared = [check for check in made["checks"] if check["source"] == "declared"]
    assert [len(check["examples"]) for check in declared] == [2, 2]


# ------------------------------------------------------------------------------------------- scores


@settings(max_examples=15)
@given(st.lists(st.sampled_from(["", "x", "X ", "1", None]), min_size=1, max_size=12))
def test_any_column_of_odd_text_is_judged(tmp_path_factory, values):
    ctx = GeneratorContext(
        {
            "job_id": "job", "tenant_id": "acme", "as_of": AS_OF,
            "artifacts_root": str(tmp_path_factory.mktemp("odd")),
            "sources": {"t": pa.table({"v": pa.array(values, pa.string())})},
        },
        settings=type("Settings", (), {"quality": {}})(),
    )  # fmt: skip
    try:
        generate_quality(ctx)
    finally:
        ctx.close()


# ------------------------------------------------------------------------------- what names mislead


def test_digits_with_leading_zeros_are_codes(run):
    values = ["007", "12", "13", "14", "15", "16", "17", "18"] * 12 + ["n/a"]
    assert column_check(run, "v", values, "mixed_types") is None
    values = ["7", "12", "13", "14", "15", "16", "17", "18"] * 12 + ["n/a"]
    assert counts(column_check(run, "v", values, "mixed_types")) == ("failed", 1, 97)


@pytest.mark.parametrize(
    ("first", "second"),
    [("planned_start", "planned_end"), ("contract_start", "trial_end"), ("end", "end_date")],
)
def test_times_that_need_not_follow_each_other(run, first, second):
    days = [date(2024, 1, 9), date(2024, 1, 2), date(2024, 1, 1)]
    made = run({"t": pa.table({first: days, second: [date(2024, 1, 8)] * 3})})
    assert check_of(made, "date_order") is None


def test_times_of_the_same_thing_follow_each_other(run):
    days = [date(2024, 1, 9), date(2024, 1, 2), date(2024, 1, 1)]
    made = run({"t": pa.table({"trial_start": days, "trial_end": [date(2024, 1, 8)] * 3})})
    assert counts(check_of(made, "date_order")) == ("failed", 1, 3)


def test_infinity_is_out_of_any_range(run):
    rule = {"table": "t", "column": "v", "max": 10}
    made = run({"t": pa.table({"v": [1.0, 2.0, float("inf")]})}, {"rules": [rule]})
    assert check_of(made, "range")["failing_count"] == 1


def test_examples_of_automatic_checks_are_masked_and_passed_checks_have_none(run):
    values = [str(n) for n in range(60)] + ["ann@example.com"]
    rule = {"table": "t", "column": "v", "max_length": 3, "max_fraction": 0.5}
    made = run({"t": pa.table({"v": values})}, {"examples": 3, "rules": [rule]})
    (example,) = check_of(made, "mixed_types")["examples"]
    assert example == {"value": "[masked email]", "count": 1}
    length = check_of(made, "length")
    assert (length["status"], length["failing_count"], length["examples"]) == ("passed", 1, [])


# -------------------------------------------------------------------------------- a whole contract

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: warehouse.orders_v2
    quality:
      - {metric: rowCount, mustBe: 4}
      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [id, status]}}
      - type: sql
        name: no money back
        query: SELECT count(*) FROM orders WHERE amount < 0
        mustBe: 0
      - {type: text, description: somebody looked}
    properties:
      - {name: ID, logicalType: integer, physicalType: bigint, unique: true}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0}, required: true}
      - name: status
        logicalType: string
        quality:
          - {metric: nullValues, mustBeLessThan: 30, unit: percent}
          - {metric: missingValues, mustBe: 2, arguments: {missingValues: [null, lost]}}
      - {name: nothing, logicalType: string}
  - name: customers
slaProperties:
  - {property: latency, value: 1, unit: d, element: orders.at}
"""


def test_a_whole_contract(run, tmp_path):
    path = tmp_path / "orders.odcs.yaml"
    path.write_text(CONTRACT, encoding="utf-8")
    made = run({"orders": ORDERS}, contracts=[str(path)])
    found = {
        c["id"].removeprefix("orders.odcs.yaml:"): (c["status"], c["failing_count"])
        for c in made["checks"]
        if c["source"] == "declared"
    }
    assert found == {
        "table:orders": ("passed", None),
        "column:orders.id": ("passed", None),
        "type:orders.id": ("passed", None),
        "type:orders.id#2": ("passed", None),  # BIGINT is what DuckDB calls it
        "unique:orders.id": ("failed", 1),
        "column:orders.amount": ("passed", None),
        "type:orders.amount": ("passed", None),
        "required:orders.amount": ("failed", 1),
        "range:orders.amount": ("failed", 1),
        "column:orders.status": ("passed", None),
        "type:orders.status": ("passed", None),
        "required:orders.status": ("passed", 1),  # 25 %
        "filled:orders.status": ("passed", 2),
        "column:orders.nothing": ("failed", None),
        "type:orders.nothing": ("not_assessed", None),
        "row_count:orders": ("passed", None),
        "unique:orders.id.status": ("passed", 0),
        "no money back:orders": ("failed", None),
        "unsupported:orders": ("not_assessed", None),
        "table:customers": ("failed", None),
        "freshness:orders.at": ("passed", None),
    }
    (contract,) = made["contracts"]
    assert (contract["passed_count"], contract["failed_count"]) == (13, 6)
    titles = {c["title"] for c in made["checks"]}
    assert "no money back" in titles


def rules_of_contract(run, tmp_path, table, properties, version):
    """Hold a table to the properties of a contract, and tell what came out by kind of rule."""
    head = CONTRACT.partition("schema:")[0].replace("v3.1.0", version)
    path = tmp_path / "t.odcs.yaml"
    path.write_text(f"{head}schema: [{{name: t, properties: {json.dumps(properties)}}}]")
    made = run({"t": table}, contracts=[str(path)])
    return [
        (c["name"], c["columns"], c["status"], c["failing_count"])
        for c in made["checks"]
        if c["source"] == "declared" and c["name"] not in {"table", "column"}
    ]


TIMES = pa.table(
    {
        "day": [date(2024, 1, 1)],
        "moment": [datetime(2024, 1, 1, 8)],  # noqa: DTZ001 - without a zone on purpose
        "hour": pa.array([8 * 3600], pa.time32("s")),
        "word": ["2024-01-01"],
    }
)


@pytest.mark.parametrize(
    ("version", "statuses"),
    [
        # The schema of v3.0 has one type for days, moments and times of the day.
        ("v3.0.2", ["passed", "passed", "passed", "failed"]),
        ("v3.1.0", ["passed", "failed", "failed", "failed"]),
    ],
)
def test_which_columns_are_dates(run, tmp_path, version, statuses):
    properties = [{"name": name, "logicalType": "date"} for name in TIMES.column_names]
    found = rules_of_contract(run, tmp_path, TIMES, properties, version)
    assert [(kind, status) for kind, _, status, _ in found] == [("type", s) for s in statuses]


def test_a_bound_of_v3_0_is_left_out(run, tmp_path):
    table = pa.table({"v": [0, 1, 9, 10]})
    options = {"minimum": 0, "exclusiveMinimum": True, "maximum": 10, "exclusiveMaximum": False}
    properties = [{"name": "v", "logicalTypeOptions": options}]
    found = rules_of_contract(run, tmp_path, table, properties, "v3.0.2")
    assert found == [("range", ["v"], "failed", 1)]


def test_a_pattern_and_a_list_are_both_counted(run, tmp_path):
    table = pa.table({"v": ["a", "ab", "b", "abc", "bc"]})
    check = {
        "metric": "invalidValues",
        "mustBe": 0,
        "arguments": {"pattern": "^a", "validValues": ["a", "ab", "b"]},
    }
    properties = [{"name": "v", "quality": [check]}]
    found = rules_of_contract(run, tmp_path, table, properties, "v3.1.0")
    assert found == [("pattern", ["v"], "failed", 2), ("allowed", ["v"], "failed", 2)]
