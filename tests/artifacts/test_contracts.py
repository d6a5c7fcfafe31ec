"""Contracts: what each part of the standard becomes, and files that must be refused."""

from __future__ import annotations

import itertools
import json
import textwrap
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft201909Validator

from voyant.artifacts.contracts import MOST_BYTES, read_contract
from voyant.core.errors import ConfigurationError

HEAD = """\
apiVersion: {version}
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
name: Orders
version: 1.2.0
status: active
"""


@cache
def published_v3_0():
    path = Path(__file__).parent / "odcs" / "odcs-json-schema-v3.0.2.json"
    return Draft201909Validator(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture
def read(tmp_path):
    def read_text(body, version="v3.1.0"):
        path = tmp_path / "orders.odcs.yaml"
        path.write_text(HEAD.format(version=version) + textwrap.dedent(body), encoding="utf-8")
        return read_contract(path)

    return read_text


def of_amount(body):
    """Return a schema of one column of which the body says something."""
    head = "schema:\n  - name: orders\n    properties:\n      - name: amount\n"
    return head + textwrap.indent(textwrap.dedent(body), "        ")


@pytest.fixture
def rules_of_property(read):
    def rules(body, **values):
        contract = read(of_amount(body), **values)
        table, column, *rest = contract.rules
        assert (table.kind, column.kind) == ("table", "column")
        assert {rule.table for rule in rest} <= {"orders"}
        return rest

    return rules


@pytest.fixture
def rule_of_table(read):
    def rule(body, **values):
        head = "schema:\n  - name: orders\n"
        contract = read(head + textwrap.indent(textwrap.dedent(body), "    "), **values)
        return contract.rules[-1]

    return rule


def test_a_contract_without_tables(read):
    contract = read("")
    assert (contract.file, contract.name, contract.version, contract.status) == (
        "orders.odcs.yaml", "Orders", "1.2.0", "active",
    )  # fmt: skip
    assert contract.rules == ()


@pytest.mark.parametrize(
    ("body", "kind", "facts"),
    [
        ("required: true", "required", {}),
        ("unique: true", "unique", {"columns": ("amount",)}),
        ("logicalType: integer", "type", {"word": "integer"}),
        ("physicalType: INT", "type", {"word": "physical:INT"}),
        (
            "logicalTypeOptions: {minimum: 0, exclusiveMaximum: 10}",
            "range",
            {"low": 0, "high": 10, "is_low_open": False, "is_high_open": True},
        ),
        ("logicalTypeOptions: {minLength: 2}", "length", {"low": 2, "high": None}),
        ("logicalTypeOptions: {maxLength: 2}", "length", {"low": None, "high": 2}),
        ("logicalTypeOptions: {pattern: '^a'}", "pattern", {"word": "^a"}),
        ("logicalTypeOptions: {multipleOf: 5}", "multiple", {"low": 5}),
        ("logicalTypeOptions: {format: email}", "format", {"word": "email"}),
        ("logicalTypeOptions: {format: hostname}", "unsupported", {"said": "format: hostname"}),
        ("enum: [{value: a}, {value: 1}]", "allowed", {"values": ("a", 1)}),
        (
            "relationships: [{to: people.id}]",
            "references",
            {"word": "people", "other_column": "id"},
        ),
        ("relationships: [{to: [people.id, people.x]}]", "unsupported", {}),
        ("logicalType: array\nitems: {logicalType: string}", "unsupported", {"said": "items"}),
        (
            "quality: [{metric: nullValues, mustBeLessThan: 5, unit: percent}]",
            "required",
            {"is_percent": True, "said": "nullValues < 5%"},
        ),
        (
            "quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: [null, '']}}]",
            "filled",
            {"values": (None, "")},
        ),
        (
            "quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [a, 2]}}]",
            "allowed",
            {"values": ("a", 2)},
        ),
        (
            "quality: [{metric: invalidValues, mustBe: 0, arguments: {pattern: 'x'}}]",
            "pattern",
            {"word": "x"},
        ),
        ("quality: [{metric: invalidValues, mustBe: 0}]", "unsupported", {}),
        (
            "quality: [{metric: duplicateValues, mustBe: 0, severity: low}]",
            "unique",
            {"severity": "info"},
        ),
        (
            "quality: [{metric: nullValues, mustBe: 0, dimension: conformity}]",
            "required",
            {"dimension": "validity", "severity": "error"},
        ),
        ("quality: [{metric: nullValues, mustBe: few}]", "unsupported", {}),
        ("quality: [{metric: nullValues, mustBe: 0, unit: litres}]", "unsupported", {}),
        ("quality: [{type: text, description: looks fine}]", "unsupported", {"said": "looks fine"}),
        ("quality: [{type: custom, engine: soda, implementation: x}]", "unsupported", {}),
        (
            "quality: [{type: sql, query: 'SELECT sum({property}) FROM {object}', mustBe: 1}]",
            "sql",
            {"word": 'SELECT sum("amount") FROM "orders"'},
        ),
        (
            "quality: [{type: sql, query: 'SELECT 1 FROM ${table}', mustBeBetween: [1, 2]}]",
            "sql",
            {"word": 'SELECT 1 FROM "orders"', "said": "the query gives 1 to 2"},
        ),
    ],
)
def test_what_a_property_demands(rules_of_property, body, kind, facts):
    rule = rules_of_property(body)[-1]
    assert rule.kind == kind
    assert bool(rule.reason) is (kind == "unsupported")
    for name, value in facts.items():
        assert getattr(rule, name) == value


@pytest.mark.parametrize(
    ("operator", "good", "bad"),
    [
        ("mustBe: 3", 3, 4), ("mustNotBe: 3", 4, 3),
        ("mustBeGreaterThan: 3", 4, 3), ("mustBeGreaterOrEqualTo: 3", 3, 2),
        ("mustBeLessThan: 3", 2, 3), ("mustBeLessOrEqualTo: 3", 3, 4),
        ("mustBeBetween: [3, 5]", 5, 6), ("mustNotBeBetween: [3, 5]", 6, 5),
    ],
)  # fmt: skip
def test_every_comparison(rule_of_table, operator, good, bad):
    rule = rule_of_table(f"quality: [{{metric: rowCount, {operator}}}]")
    assert rule.kind == "row_count"
    assert rule.limit.holds(good)
    assert not rule.limit.holds(bad)


def test_a_primary_key_is_unique_in_its_order_and_never_null(read):
    contract = read(
        """\
        schema:
          - name: lines
            physicalName: order_lines
            properties:
              - {name: line, primaryKey: true, primaryKeyPosition: 2}
              - {name: order, physicalName: order_id, primaryKey: true, primaryKeyPosition: 1}
        """
    )
    made = [(rule.kind, rule.columns) for rule in contract.rules if rule.kind != "column"]
    assert made == [
        ("table", ()),
        ("unique", ("order_id", "line")),
        ("required", ("order_id",)),
        ("required", ("line",)),
    ]
    assert {(rule.table, rule.alias) for rule in contract.rules} == {("order_lines", "lines")}


def test_references_and_service_levels_follow_physical_names(read):
    contract = read(
        """\
        schema:
          - name: orders
            properties: [{name: who, relationships: [{to: people.key}]}]
          - name: people
            physicalName: customers
            properties:
              - {name: key, physicalName: customer_id}
              - {name: seen, physicalName: seen_at}
        slaProperties:
          - {property: latency, value: 4, unit: d, element: people.seen}
          - {property: latency, value: 4, unit: parsecs, element: people.seen}
          - {property: latency, value: soon, element: people.seen}
          - {property: latency, value: 4}
          - {property: endOfLife, value: 2042-05-12T09:30:10-08:00}
        """
    )
    (link,) = [rule for rule in contract.rules if rule.kind == "references"]
    assert (link.columns, link.word, link.other_column) == (("who",), "customers", "customer_id")
    (fresh,) = [rule for rule in contract.rules if rule.kind == "freshness"]
    assert (fresh.table, fresh.columns) == ("customers", ("seen_at",))
    assert fresh.max_age_seconds == 4 * 24 * 3600
    reasons = [rule.reason for rule in contract.rules if rule.kind == "unsupported"]
    assert len(reasons) == 4
    assert all(reasons)


def test_duplicates_of_several_properties(rule_of_table):
    rule = rule_of_table(
        """\
        properties: [{name: a, physicalName: A1}, {name: b}]
        quality: [{metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}]
        """
    )
    assert (rule.kind, rule.columns) == ("unique", ("A1", "b"))


def test_rules_from_before_v3_1(rules_of_property):
    (rule,) = rules_of_property(
        "quality: [{rule: duplicateCount, mustBeLessThan: 10, unit: rows}]", version="v3.0.2"
    )
    assert (rule.kind, rule.said) == ("unique", "duplicateValues < 10")
    (rule,) = rules_of_property("quality: [{rule: sophisticated}]", version="v3.0.0")
    assert (rule.kind, rule.said) == ("unsupported", "rule sophisticated")


# -------------------------------------------------------------------------------------------- v3.0


@pytest.fixture
def read_v3_0(read):
    """Read what the published schema of v3.0.2 calls valid."""

    def read_text(body, version="v3.0.2"):
        text = HEAD.format(version=version) + textwrap.dedent(body)
        document = yaml.safe_load(text)
        assert list(published_v3_0().iter_errors(document)) == []
        return read(body, version=version)

    return read_text


@pytest.fixture
def rules_v3_0(read_v3_0):
    def rules(body, **values):
        return read_v3_0(of_amount(body), **values).rules[2:]

    return rules


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.1", "v3.0.2"])
@pytest.mark.parametrize(
    ("kind", "options", "bounds"),
    [
        ("integer", "minimum: 0, exclusiveMinimum: true", (0, True, None, False)),
        ("number", "minimum: 0, exclusiveMinimum: false", (0, False, None, False)),
        ("integer", "maximum: 9, exclusiveMaximum: true", (None, False, 9, True)),
        ("number", "minimum: 1, maximum: 9, exclusiveMaximum: true", (1, False, 9, True)),
        (
            "date",
            "minimum: '2024-01-01', exclusiveMinimum: true, maximum: '2025-01-01'",
            ("2024-01-01", True, "2025-01-01", False),
        ),
    ],
)
def test_v3_0_says_whether_a_bound_is_left_out(rules_v3_0, version, kind, options, bounds):
    body = f"logicalType: {kind}\nlogicalTypeOptions: {{{options}}}"
    _, rule = rules_v3_0(body, version=version)
    assert rule.kind == "range"
    assert (rule.low, rule.is_low_open, rule.high, rule.is_high_open) == bounds


@pytest.mark.parametrize("said", ["exclusiveMinimum: true", "exclusiveMaximum: false"])
def test_v3_0_leaves_out_no_bound_that_is_not_there(rules_v3_0, said):
    (rule,) = rules_v3_0(f"logicalType: number\nlogicalTypeOptions: {{{said}}}")
    assert rule.kind == "type"


def test_bounds_of_v3_0_inside_of_nested_values(rules_v3_0):
    rules = rules_v3_0(
        """\
        logicalType: array
        items:
          logicalType: integer
          logicalTypeOptions: {minimum: 0, exclusiveMinimum: true}
        """
    )
    assert [(rule.kind, rule.said) for rule in rules] == [
        ("type", "is of type array"), ("unsupported", "items"),
    ]  # fmt: skip


def test_a_date_of_v3_0_is_any_time(rules_v3_0, rules_of_property):
    """Its format says which: the schema gives yyyy-MM-dd, yyyy-MM-dd HH:mm:ss and HH:mm:ss."""
    kind, form = rules_v3_0("logicalType: date\nlogicalTypeOptions: {format: 'HH:mm:ss'}")
    assert (kind.kind, kind.word) == ("type", "temporal")
    assert (form.kind, form.said) == ("unsupported", "format: HH:mm:ss")
    (kind,) = rules_of_property("logicalType: date", version="v3.1.0")
    assert kind.word == "date"


@pytest.mark.parametrize(
    "body",
    [
        "team: [{username: a, comment: left}, {name: b, id: 7}]",
        "slaProperties: [{property: frequency, value: 1, unit: d, column: orders.at}]",
        "servers: [{server: s, type: athena, schema: x, stagingDir: 's3://a', owner: me}]",
        "servers: [{server: s, type: duckdb, database: x, schema: 1}]",
        "customProperties: [{property: a}, {value: b, since: '2020'}]",
        "roles: [{role: r, id: 'a b'}]",
        "support: [{channel: c, url: 'https://example.com', hours: 9 to 5}]",
        "price: {priceAmount: 1, note: x}",
        "schema: [{name: a, authoritativeDefinitions: [{url: u, type: t, id: 5}]}]",
        "schema: [{name: a, properties: [{name: b, properties: [{name: c}]}]}]",
        "schema: [{name: a, properties: [{name: b, items: {logicalType: string}}]}]",
    ],
)
def test_what_later_versions_closed_is_open_in_v3_0(read_v3_0, body):
    read_v3_0(body)


@pytest.mark.parametrize("version", ["v3.1.0", "v3.2.0"])
@pytest.mark.parametrize("part", ["properties: [{name: c}]", "items: {logicalType: string}"])
def test_a_property_without_a_type_may_have_parts(read, version, part):
    """In the published schemas, conditions on a type hold of a property without one too."""
    contract = read(f"schema: [{{name: a, properties: [{{name: b, {part}}}]}}]", version=version)
    assert contract.rules[-1].said == part.partition(":")[0]


@pytest.mark.parametrize(
    ("check", "made"),
    [
        # Its documentation: "Valid values from a static list", with no comparison.
        ("{rule: validValues, validValues: [pounds, kg]}", [("allowed", "invalidValues = 0")]),
        (
            "{rule: duplicateCount, mustBeGreaterThan: 0, mustBeLessThan: 10}",
            [("unique", "duplicateValues > 0"), ("unique", "duplicateValues < 10")],
        ),
        (
            "{type: sql, query: SELECT 1, mustBeGreaterThan: 0, mustBeLessThan: 100}",
            [("sql", "the query gives > 0"), ("sql", "the query gives < 100")],
        ),
        ("{type: sql, query: SELECT 1}", [("unsupported", "sql")]),
        ("{type: sql, query: SELECT 1, mustBe: 1, rule: one}", [("sql", "the query gives = 1")]),
        (
            "{rule: between, description: under 500, mustBe: 3}",
            [("unsupported", "rule between (mustBe 3): under 500")],
        ),
        (
            "{rule: validValues, validValues: [a], mustBe: 3}",
            [("unsupported", "rule validValues (validValues ['a'], mustBe 3)")],
        ),
        (
            "{rule: nullCheck, mustBe: 0, filter: amount > 3}",
            [("unsupported", "nullValues = 0, filter: amount > 3")],
        ),
        (
            "{type: custom, engine: soda, implementation: x, rule: y, mustBe: 1, mustNotBe: 2}",
            [("unsupported", "a check of soda")],
        ),
    ],
)
def test_checks_of_v3_0(rules_v3_0, check, made):
    rules = rules_v3_0(f"quality: [{check}]")
    assert [(rule.kind, rule.said) for rule in rules] == made
    assert all(rule.reason for rule in rules if rule.kind == "unsupported")


def test_what_v3_0_refuses_is_refused(read):
    options = "{minimun: x}"
    column = f"{{name: b, logicalType: date, logicalTypeOptions: {options}}}"
    body = f"schema: [{{name: a, properties: [{column}]}}]"
    document = yaml.safe_load(HEAD.format(version="v3.0.2") + body)
    assert not published_v3_0().is_valid(document)
    with pytest.raises(ConfigurationError, match="minimun"):
        read(body, version="v3.0.2")


@pytest.mark.parametrize("version", ["v3.1.0", "v3.2.0"])
def test_since_v3_1_bounds_are_no_booleans(read, version):
    body = "[{name: b, logicalType: integer, logicalTypeOptions: {exclusiveMinimum: true}}]"
    with pytest.raises(ConfigurationError, match="exclusiveMinimum"):
        read(f"schema: [{{name: a, properties: {body}}}]", version=version)


# ------------------------------------------------------------------------------- nothing is dropped


def holds(rules, number):
    """Decide by the rules of a range whether a number is in it."""
    return all(
        (rule.low is None or number > rule.low or (number == rule.low and not rule.is_low_open))
        and (
            rule.high is None
            or number < rule.high
            or (number == rule.high and not rule.is_high_open)
        )
        for rule in rules
        if rule.kind == "range"
    )


BOUND = st.integers(-2, 2) | st.sampled_from([-0.5, 0.5])
CLOSED = ("minimum", "maximum")
OPENED = ("exclusiveMinimum", "exclusiveMaximum")


@pytest.mark.parametrize(
    ("version", "oracle", "opened"),
    [
        # In draft 4 of JSON Schema, as in v3.0, these are booleans; later, as since v3.1, bounds.
        ("v3.0.2", Draft4Validator, st.booleans()),
        ("v3.1.0", Draft201909Validator, BOUND),
    ],
)
def test_ranges_are_those_of_json_schema(tmp_path_factory, version, oracle, opened):
    path = tmp_path_factory.mktemp("ranges") / "orders.odcs.yaml"
    keys = {**dict.fromkeys(CLOSED, st.none() | BOUND), **dict.fromkeys(OPENED, st.none() | opened)}

    @given(drawn=st.fixed_dictionaries(keys))
    def check(drawn):
        options = {name: value for name, value in drawn.items() if value is not None}
        column = {"name": "x", "logicalType": "number", "logicalTypeOptions": options}
        tables = [{"name": "orders", "properties": [column]}]
        path.write_text(HEAD.format(version=version) + json.dumps({"schema": tables})[1:-1])
        rules = read_contract(path).rules
        assert {rule.kind for rule in rules} <= {"table", "column", "type", "range"}
        for number in itertools.chain(range(-3, 4), (-0.5, 0.5, 1.5)):
            assert holds(rules, number) is oracle(options).is_valid(number), (options, number)

    check()


@pytest.mark.parametrize(
    ("options", "bounds"),
    [
        ("minimum: 10, exclusiveMinimum: 0", [(10, False, None, False)]),
        ("minimum: 0, exclusiveMinimum: 10", [(10, True, None, False)]),
        ("minimum: 0, exclusiveMinimum: 0", [(0, True, None, False)]),
        ("maximum: 3, exclusiveMaximum: 5", [(None, False, 3, False)]),
        ("maximum: 5, exclusiveMaximum: 5", [(None, False, 5, True)]),
        (
            "minimum: '2024-01-01 08:00:00', exclusiveMinimum: '2024-01-01'",
            [("2024-01-01 08:00:00", False, None, False)],
        ),
        (
            "maximum: '08:00', exclusiveMaximum: '08:00:00'",
            [(None, False, "08:00:00", True)],
        ),
        (  # nobody can say which is the stricter one
            "minimum: '2024-01-01', exclusiveMinimum: soon, maximum: '2025-01-01'",
            [("2024-01-01", False, "2025-01-01", False), ("soon", True, None, False)],
        ),
        (
            "maximum: '2024-01-01T00:00:00Z', exclusiveMaximum: '2024-01-01'",
            [(None, False, "2024-01-01T00:00:00Z", False), (None, False, "2024-01-01", True)],
        ),
    ],
)
def test_of_two_bounds_the_stricter_one_holds(rules_of_property, options, bounds):
    rules = rules_of_property(f"logicalTypeOptions: {{{options}}}")
    assert {rule.kind for rule in rules} == {"range"}
    assert [(r.low, r.is_low_open, r.high, r.is_high_open) for r in rules] == bounds


def test_a_bound_that_is_none_is_not_assessed(rules_of_property):
    rules = rules_of_property("logicalTypeOptions: {minimum: 1, exclusiveMinimum: true}")
    assert [(rule.kind, rule.said) for rule in rules] == [
        ("range", ">= 1"), ("unsupported", "exclusiveMinimum: True"),
    ]  # fmt: skip


BOTH = "arguments: {pattern: '^a', validValues: [a, ab]}"


@pytest.mark.parametrize(
    ("check", "kinds"),
    [
        (f"metric: invalidValues, mustBe: 0, {BOTH}", ["pattern", "allowed"]),
        # Fewer than five of either may be more than five together.
        (
            f"metric: invalidValues, mustBeLessThan: 5, {BOTH}",
            ["pattern", "allowed", "unsupported"],
        ),
        (
            f"metric: invalidValues, mustBeBetween: [0, 5], unit: percent, {BOTH}",
            ["pattern", "allowed", "unsupported"],
        ),
        # Three together say nothing of either.
        (f"metric: invalidValues, mustBe: 3, {BOTH}", ["unsupported"]),
        (f"metric: invalidValues, mustNotBe: 0, {BOTH}", ["unsupported"]),
        (f"metric: invalidValues, mustBeGreaterThan: 3, {BOTH}", ["unsupported"]),
        (
            "metric: invalidValues, mustBe: 0, arguments: {pattern: a, validValues: b}",
            ["unsupported", "pattern"],
        ),
        (
            "metric: invalidValues, mustBe: 0, arguments: {pattern: 3, validValues: [b]}",
            ["unsupported", "allowed"],
        ),
        (
            "metric: invalidValues, mustBe: 0, arguments: {validValues: [b], filter: x}",
            ["unsupported"],
        ),
        ("metric: nullValues, mustBe: 0, arguments: {filter: x > 1}", ["unsupported"]),
        ("metric: rowCount, mustBe: 0, arguments: {filter: x > 1}", ["unsupported"]),
        ("metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}", ["unsupported"]),
        ("metric: missingValues, mustBe: 0, arguments: {missingValues: none}", ["unsupported"]),
        (
            "type: sql, query: SELECT 1, metric: nullValues, mustBe: 0",
            ["sql", "required"],
        ),
        (
            "type: custom, engine: soda, implementation: x, metric: nullValues, mustBe: 0",
            ["unsupported", "required"],
        ),
        (
            "type: text, description: no gaps, metric: nullValues, mustBe: 0",
            ["unsupported", "required"],
        ),
    ],
)
def test_all_that_a_check_says_is_kept(rules_of_property, check, kinds):
    rules = rules_of_property(f"quality: [{{{check}}}]")
    assert [rule.kind for rule in rules] == kinds
    assert all(bool(rule.reason) is (rule.kind == "unsupported") for rule in rules)


def test_a_pattern_and_a_list_are_told_apart(rules_of_property):
    pattern, allowed = rules_of_property(
        f"quality: [{{name: n, metric: invalidValues, mustBe: 0, {BOTH}}}]"
    )
    assert (pattern.word, pattern.said) == ("^a", "invalidValues = 0: matches ^a")
    assert (allowed.values, allowed.said) == (("a", "ab"), "invalidValues = 0: is one of a, ab")
    assert pattern.name == allowed.name == "n"


def test_what_a_measure_must_be_is_not_assessed(read):
    contract = read(
        """\
        schema:
          - name: orders
            properties:
              - name: total
                semanticType: measure
                logicalType: number
                required: true
                quality: [{metric: nullValues, mustBe: 0}, {type: text, description: right}]
        """,
        version="v3.2.0",
    )
    _, *rules = contract.rules
    assert [(rule.kind, rule.said) for rule in rules] == [
        ("unsupported", "measure"),
        ("unsupported", "is of type number"),
        ("unsupported", "holds a value"),
        ("unsupported", "nullValues = 0"),
        ("unsupported", "right"),
    ]
    assert all(rule.reason for rule in rules)


def test_a_relationship_is_followed_from_the_table_it_names(read):
    contract = read(
        """\
        schema:
          - name: orders
            properties: [{name: who}]
            relationships:
              - {from: people.boss, to: people.key}
              - {from: orders.who, to: people.key}
          - name: people
            physicalName: customers
            properties: [{name: key, physicalName: id}, {name: boss, physicalName: boss_id}]
        """
    )
    made = [rule for rule in contract.rules if rule.kind == "references"]
    assert [(r.table, r.columns, r.word, r.other_column) for r in made] == [
        ("customers", ("boss_id",), "customers", "id"),
        ("orders", ("who",), "customers", "id"),
    ]


def test_extended_values_of_service_levels_are_not_assessed(read):
    contract = read(
        """\
        schema: [{name: orders}]
        slaProperties:
          - {property: latency, value: 4, valueExt: 6, unit: h, element: at}
          - {property: frequency, value: 1, valueExt: 2, unit: d}
        """
    )
    assert [(rule.kind, rule.said) for rule in contract.rules[1:]] == [
        ("freshness", "the newest is at most 4 h old"),
        ("unsupported", "latency 4 h extended by 6"),
        ("unsupported", "frequency 1 d extended by 2"),
    ]


# ------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("schema: [{name: a, naem: b}]", "schema"),
        ("owner: me", "owner"),
        ("schema: [{name: a, properties: [{name: b, logicalType: text}]}]", "logicalType"),
        ("a: &a [x]\nb: *a", "aliases"),
        ("status: draft", "stands twice"),
        ("x: !!python/object/apply:os.system [echo]", "not usable YAML"),
        ("x: [1, 2", "not usable YAML"),
        ("x: " + "[" * 5000, "not usable YAML"),
    ],
)
def test_contracts_that_are_refused(read, body, said):
    with pytest.raises(ConfigurationError) as raised:
        read(body)
    assert "orders.odcs.yaml" in str(raised.value)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 800


@pytest.mark.parametrize("version", ["v2.2.2", "3.1.0", "''"])
def test_only_version_3_is_read(read, version):
    with pytest.raises(ConfigurationError, match="apiVersion: v3"):
        read("", version=version)


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b"\xff\xfe\x00", b"just words"])
def test_files_that_are_no_contract(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        read_contract(path)


def test_files_that_are_not_there_or_too_large(tmp_path):
    with pytest.raises(ConfigurationError, match="--contract"):
        read_contract(tmp_path / "none.yaml")
    path = tmp_path / "large.yaml"
    path.write_bytes(b"# " + b"x" * MOST_BYTES)
    with pytest.raises(ConfigurationError, match="more than"):
        read_contract(path)
