"""Contracts: what each part of the standard becomes, and files that must be refused."""

from __future__ import annotations

import textwrap

import pytest

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


@pytest.fixture
def read(tmp_path):
    def read_text(body, version="v3.1.0"):
        path = tmp_path / "orders.odcs.yaml"
        path.write_text(HEAD.format(version=version) + textwrap.dedent(body), encoding="utf-8")
        return read_contract(path)

    return read_text


@pytest.fixture
def rules_of_property(read):
    def rules(body, **values):
        head = "schema:\n  - name: orders\n    properties:\n      - name: amount\n"
        contract = read(head + textwrap.indent(textwrap.dedent(body), "        "), **values)
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
