"""Is this file a contract of the Open Data Contract Standard v3, and what does it hold?

The standard publishes one JSON Schema per version. Contracts are held to that of the newest one:
what v3.0 wrote otherwise is first written anew, and what only v3.0 left open is left open to it.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from voyant.core.errors import ConfigurationError

__all__ = ["MOST_BYTES", "is_of_v3_0", "load_contract"]

#: A contract of more bytes is refused: the standard's full example has under 20,000.
MOST_BYTES: Final = 2 * 1024 * 1024

#: Names of library metrics before v3.1, and what they are called since.
_OLD_METRICS: Mapping[str, str] = {
    "nullCheck": "nullValues", "nullCount": "nullValues", "nullValues": "nullValues",
    "duplicateCount": "duplicateValues", "duplicateCheck": "duplicateValues",
    "uniqueCheck": "duplicateValues", "rowCount": "rowCount", "countCheck": "rowCount",
    "invalidCount": "invalidValues",
}  # fmt: skip
_OPERATORS = frozenset({
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
    "mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween",
})  # fmt: skip
#: What a check may say beside its rule; in v3.0 anything else is an argument of the rule.
_CHECK_FIELDS = _OPERATORS | {
    "id", "name", "description", "type", "unit", "severity", "dimension", "method", "schedule",
    "scheduler", "tags", "businessImpact", "customProperties", "authoritativeDefinitions",
}  # fmt: skip
#: Definitions that v3.1 closed to fields it does not name.
_CLOSED_SINCE_V3_0 = (
    "AuthoritativeDefinitions", "CustomProperty", "DataQuality", "Pricing", "Role",
    "SchemaBaseProperty", "Server", "ServiceLevelAgreementProperty", "SupportItem", "Team",
    "TeamMember",
)  # fmt: skip
_MOST_SAID = 300


def load_contract(path: Path) -> dict[str, Any]:
    """Read a contract and hold it to the standard's published JSON Schema.

    Returns:
        What it says, in the words of the newest version.

    Raises:
        ConfigurationError: A file that cannot be read, is no YAML, is too large, uses aliases, or
            does not follow the standard.
    """
    document = _load(path)
    version = str(document.get("apiVersion", ""))
    if not version.startswith("v3"):
        raise ConfigurationError(
            f"The contract {path.name!r} has the apiVersion {reprlib.repr(version)}.",
            remedy="Voyant reads version 3 of the Open Data Contract Standard: apiVersion: v3.1.0.",
        )
    is_old = is_of_v3_0(document)
    renewed: dict[str, Any] = _renew(document, is_old=is_old)
    _validate(path.name, renewed, is_old=is_old)
    return renewed


def is_of_v3_0(document: Mapping[str, Any]) -> bool:
    """Decide whether a contract is of v3.0, which v3.1 changed in ways that do not fit it."""
    return str(document.get("apiVersion", "")).startswith("v3.0.")


def _load(path: Path) -> dict[str, Any]:
    """Read YAML safely: plain values only, bounded in size, without aliases that could multiply."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"The contract {str(path)!r} cannot be read: {error.strerror}.",
            remedy="Check --contract and the setting quality.contracts.",
        ) from None
    if len(content) > MOST_BYTES:
        raise ConfigurationError(
            f"The contract {path.name!r} has more than {MOST_BYTES:,} bytes.", remedy="Split it."
        )
    import yaml  # noqa: PLC0415 - only runs with a contract pay for it

    try:
        value: object = yaml.load(content.decode("utf-8-sig"), _loader())  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(
            f"The contract {path.name!r} is not usable YAML: {said}."
        ) from None
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"The contract {path.name!r} holds {reprlib.repr(value)}, not a table of fields."
        )
    return cast("dict[str, Any]", value)


@cache
def _loader() -> type[Any]:
    """Make a loader of JSON's values: no aliases, no dates, no key twice."""
    import yaml  # noqa: PLC0415 - see above

    class Loader(yaml.SafeLoader):
        """Reads what JSON could say."""

        def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as inherited
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases (*name) are not read; write the value out")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401, FBT001, FBT002 - as inherited
            seen = set[str]()
            for key, _ in node.value:
                text = str(getattr(key, "value", ""))
                if text in seen:
                    raise yaml.YAMLError(f"the key {text!r} stands twice in one place")
                seen.add(text)
            return super().construct_mapping(node, deep=deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _renew(value: Any, *, is_old: bool) -> Any:  # noqa: ANN401 - JSON
    """Write anew what is written otherwise since v3.1: library rules, and the bounds of v3.0."""
    if isinstance(value, list):
        return [_renew(item, is_old=is_old) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    given = cast("dict[object, object]", value)
    made: dict[object, object] = {key: _renew(item, is_old=is_old) for key, item in given.items()}
    quality, options = made.get("quality"), made.get("logicalTypeOptions")
    if isinstance(quality, list):
        made["quality"] = [
            check
            for given_check in cast("list[object]", quality)
            for check in _renew_check(given_check, is_old=is_old)
        ]
    if is_old and not isinstance(made.get("id", ""), str):
        del made["id"]  # v3.0 knew of no ids but the contract's own
    if is_old and isinstance(options, dict):
        made["logicalTypeOptions"] = _renew_bounds(cast("dict[str, object]", options))
    return made


def _renew_bounds(options: Mapping[str, object]) -> dict[str, object]:
    """Say which bound is left out as since v3.1.

    >>> _renew_bounds({"minimum": 0, "exclusiveMinimum": True, "exclusiveMaximum": False})
    {'exclusiveMinimum': 0}
    """
    made = dict(options)
    for closed, opened in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if not isinstance(is_left_out := made.get(opened), bool):
            continue
        del made[opened]
        if is_left_out and closed in made:
            made[opened] = made.pop(closed)
    return made


def _renew_check(check: object, *, is_old: bool) -> list[object]:
    """Write one check anew; v3.0 could ask for several comparisons at once, each is a check now."""
    if not isinstance(check, dict):
        return [check]
    given = cast("dict[str, object]", check)
    if "rule" in given and "metric" not in given:
        given = _renew_rule(given)
    operators = [key for key in given if key in _OPERATORS]
    if not is_old or len(operators) < 2 or given.get("type") in {"text", "custom"}:  # noqa: PLR2004 - several
        return [given]
    rest = {key: value for key, value in given.items() if key not in _OPERATORS}
    return [{**rest, key: given[key]} for key in operators]


def _renew_rule(check: Mapping[str, object]) -> dict[str, object]:
    """Give a library rule its new field and name, and what it is about the place for arguments."""
    rule = str(check["rule"])
    rest = {key: value for key, value in check.items() if key != "rule"}
    if rest.get("type", "library") != "library":
        return {"name": rule, **rest}
    stated = rest.pop("arguments", None)
    fields = {key: value for key, value in rest.items() if key in _CHECK_FIELDS}
    arguments = {key: value for key, value in rest.items() if key not in _CHECK_FIELDS}
    if isinstance(stated, dict):
        arguments |= cast("dict[str, object]", stated)
    elif stated is not None:
        arguments["arguments"] = stated
    metric, is_compared = _OLD_METRICS.get(rule), any(key in _OPERATORS for key in rest)
    if rule == "validValues" and isinstance(arguments.get(rule), list) and not is_compared:
        return {**fields, "metric": "invalidValues", "arguments": arguments, "mustBe": 0}
    if metric is not None and is_compared:
        return {**fields, "metric": metric, **({"arguments": arguments} if arguments else {})}
    return _rule_in_words(rule, fields, arguments)


def _rule_in_words(
    rule: str, fields: Mapping[str, object], arguments: Mapping[str, object]
) -> dict[str, object]:
    """Keep what nothing checks as words, with all it says."""
    compared = {key: value for key, value in fields.items() if key in _OPERATORS}
    details = ", ".join(f"{key} {value}" for key, value in {**arguments, **compared}.items())
    words = f"rule {rule}" + (f" ({details})" if details else "")
    if said := fields.get("description"):
        words += f": {said}"
    kept = {key: fields[key] for key in ("id", "name", "severity", "dimension") if key in fields}
    return {**kept, "type": "text", "description": words}


def _validate(file: str, document: dict[str, Any], *, is_old: bool) -> None:
    from jsonschema import exceptions  # noqa: PLC0415 - only runs with a contract pay for it

    try:
        choose: Any = getattr(exceptions, "best_match")  # noqa: B009 - its types are unknown
        best = choose(_validator(is_old=is_old).iter_errors(document))
    except RecursionError:
        raise ConfigurationError(f"The contract {file!r} is nested too deeply.") from None
    if best is None:
        return
    where = ".".join(str(part) for part in best.absolute_path) or "the top"
    said = str(best.message)[:_MOST_SAID]
    raise ConfigurationError(
        f"The contract {file!r} does not follow the standard at {where}: {said}.",
        remedy="The JSON Schema of the Open Data Contract Standard says what may stand there.",
    )


@cache
def _validator(*, is_old: bool) -> Any:  # noqa: ANN401 - jsonschema is untyped here
    from jsonschema import Draft201909Validator  # noqa: PLC0415 - see above

    text = files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    schema = _mend(json.loads(text))
    _allow_nesting(schema["$defs"])
    if is_old:
        _open(schema["$defs"])
    return Draft201909Validator(schema)


def _mend(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Let conditions on `logicalType` hold only where it is given.

    The published schema of v3.2.0 says `if logicalType is map, then map is required` in a way that
    also holds for a property without a logical type: it would refuse nearly every contract of v3.0.
    """
    if isinstance(schema, list):
        return [_mend(item) for item in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    made = {key: _mend(item) for key, item in cast("dict[str, Any]", schema).items()}
    condition = made.get("if")
    if isinstance(condition, dict):
        cases = cast("dict[str, Any]", condition)
        for case in (cases, *cases.get("anyOf", ())):
            if "logicalType" in case.get("properties", {}):
                case.setdefault("required", ["logicalType"])
    return made


def _allow_nesting(definitions: dict[str, Any]) -> None:
    """Let a property without a logical type have parts, as the published schemas do.

    They do so by the very conditions that `_mend` narrows.
    """
    branches: list[dict[str, Any]] = definitions["SchemaBaseProperty"]["allOf"]
    nested: dict[str, Any] = {
        name: part
        for branch in branches
        for name, part in branch.get("then", {}).get("properties", {}).items()
        if name != "logicalTypeOptions"
    }
    branches.append({"if": {"required": ["logicalType"]}, "else": {"properties": nested}})


def _open(definitions: dict[str, Any]) -> None:
    """Leave open to contracts of v3.0 what v3.1 closed: further fields, names, comparisons."""
    for name in _CLOSED_SINCE_V3_0:
        definition = definitions.get(name, {})
        for part in (definition, definition.get("items", {})):
            part.pop("additionalProperties", None)
            part.pop("unevaluatedProperties", None)
    for name in ("CustomProperty", "TeamMember"):
        definitions.get(name, {}).pop("required", None)
    definitions["StableId"] = {}
    duckdb = definitions.get("ServerSource", {}).get("DuckdbServer", {})
    duckdb.get("properties", {}).pop("schema", None)  # v3.0 asked for a number by mistake
    operators = definitions.get("DataQualityOperators", {})
    operators["properties"] = {
        name: part
        for choice in operators.pop("oneOf", ())
        for name, part in choice["properties"].items()
    }
