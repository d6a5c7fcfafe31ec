"""What does an Open Data Contract Standard v3 file demand of the tables?

Everything in it that speaks of the data becomes a rule. What cannot be checked becomes a rule of
the kind `unsupported`, which is reported as not assessed with its reason - never left out.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from voyant.artifacts.quality_rules import Limit, Rule, RuleKind, say_values
from voyant.core.errors import ConfigurationError
from voyant.core.tables import Scalar
from voyant.stats.quality import DIMENSIONS, Dimension, Severity

if TYPE_CHECKING:
    from open_data_contract_standard.model import (
        DataQuality,
        OpenDataContractStandard,
        Relationship,
        SchemaObject,
        SchemaProperty,
    )

__all__ = ["MOST_BYTES", "Contract", "read_contract"]

#: A contract of more bytes is refused: the standard's full example has under 20,000.
MOST_BYTES: Final = 2 * 1024 * 1024

_SEVERITIES: Mapping[str, Severity] = {
    "info": "info", "low": "info", "minor": "info", "notice": "info",
    "warning": "warning", "warn": "warning", "medium": "warning", "moderate": "warning",
}  # fmt: skip
#: Names of library metrics before v3.1, and what they are called since.
_OLD_METRICS: Mapping[str, str] = {
    "nullCheck": "nullValues", "nullCount": "nullValues", "nullValues": "nullValues",
    "duplicateCount": "duplicateValues", "duplicateCheck": "duplicateValues",
    "uniqueCheck": "duplicateValues", "rowCount": "rowCount", "countCheck": "rowCount",
    "validValues": "invalidValues", "invalidCount": "invalidValues",
}  # fmt: skip
_FORMATS: Mapping[str, str] = {
    "email": "email", "uuid": "uuid", "uri": "url", "url": "url", "ipv4": "ip", "ipv6": "ip",
}  # fmt: skip
_UNIT_SECONDS: Mapping[str, float] = {
    "s": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0,
    "hour": 3600.0, "d": 86_400.0, "day": 86_400.0, "w": 604_800.0, "week": 604_800.0,
    "mo": 2_629_800.0, "month": 2_629_800.0, "y": 31_557_600.0, "yr": 31_557_600.0,
    "year": 31_557_600.0,
}  # fmt: skip
_PLAIN_METRICS: Mapping[str, RuleKind] = {"duplicateValues": "unique", "nullValues": "required"}
_MOST_SAID = 300
_AGES = frozenset({"latency", "freshness", "ly", "fr"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract and what it demands.

    Attributes:
        file: The file's name, without its folder.
        rules: In the order of the file.
    """

    file: str
    id: str
    name: str
    version: str
    api_version: str
    status: str
    rules: tuple[Rule, ...]


def read_contract(path: str | Path) -> Contract:
    """Read a contract, hold it to the standard's published JSON Schema, and turn it into rules.

    Raises:
        ConfigurationError: A file that cannot be read, is no YAML, is too large, uses aliases, or
            does not follow the standard.
    """
    path = Path(path)
    document = _load(path)
    version = str(document.get("apiVersion", ""))
    if not version.startswith("v3"):
        raise ConfigurationError(
            f"The contract {path.name!r} has the apiVersion {reprlib.repr(version)}.",
            remedy="Voyant reads version 3 of the Open Data Contract Standard: apiVersion: v3.1.0.",
        )
    document = _renew(document)
    _validate(path.name, document)
    from open_data_contract_standard.model import (  # noqa: PLC0415 - only runs with a contract pay
        OpenDataContractStandard,
    )

    try:
        contract = OpenDataContractStandard.model_validate(document)
    except ValueError as error:
        raise ConfigurationError(f"The contract {path.name!r} cannot be used: {error}.") from None
    columns = _physical_columns(contract)
    rules = [
        *(rule for table in contract.schema_ or () for rule in _object_rules(path.name, table)),
        *_sla_rules(path.name, contract),
    ]
    rules = [_resolve(rule, columns) for rule in rules]
    return Contract(
        file=path.name,
        id=contract.id or "",
        name=contract.name or "",
        version=contract.version or "",
        api_version=contract.apiVersion or "",
        status=contract.status or "",
        rules=tuple(rules),
    )


# -------------------------------------------------------------------------------------- reading


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


def _renew(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Give library rules written before v3.1 their new field, and metrics their new names."""
    if isinstance(value, list):
        return [_renew(item) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    given = cast("dict[object, object]", value)
    made: dict[object, object] = {key: _renew(item) for key, item in given.items()}
    quality = made.get("quality")
    if isinstance(quality, list):
        made["quality"] = [_renew_check(check) for check in cast("list[object]", quality)]
    return made


def _renew_check(check: object) -> object:
    if not isinstance(check, dict) or "rule" not in check or "metric" in check:
        return check  # pyright: ignore[reportUnknownVariableType] - as it came in
    given = cast("dict[str, object]", check)
    rest = {key: value for key, value in given.items() if key != "rule"}
    metric = _OLD_METRICS.get(str(given["rule"]))
    if metric is not None and any(key.startswith("must") for key in given):
        return {**rest, "metric": metric}
    kept: dict[str, object] = {
        key: rest[key] for key in ("id", "name", "severity", "dimension") if key in rest
    }
    return {**kept, "type": "text", "description": f"rule {given['rule']}"}


def _validate(file: str, document: dict[str, Any]) -> None:
    from jsonschema import exceptions  # noqa: PLC0415 - only runs with a contract pay for it

    try:
        choose: Any = getattr(exceptions, "best_match")  # noqa: B009 - its types are unknown
        best = choose(_validator().iter_errors(document))
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
def _validator() -> Any:  # noqa: ANN401 - jsonschema is untyped here
    from jsonschema import Draft201909Validator  # noqa: PLC0415 - see above

    text = files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    return Draft201909Validator(_mend(json.loads(text)))


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


# ---------------------------------------------------------------------------------------- rules


def _physical_columns(contract: OpenDataContractStandard) -> dict[tuple[str, str], tuple[str, str]]:
    """Map the contract's own names of tables and columns to those in the data."""
    return {
        (table.name or "", item.name or ""): (
            table.physicalName or table.name or "",
            item.physicalName or item.name or "",
        )
        for table in contract.schema_ or ()
        for item in table.properties or ()
    }


def _resolve(rule: Rule, columns: Mapping[tuple[str, str], tuple[str, str]]) -> Rule:
    """Put names in the data where references and service levels use those of the contract."""
    if rule.kind == "references":
        table, column = columns.get((rule.word, rule.other_column), (rule.word, rule.other_column))
        own = columns.get((rule.alias, rule.columns[0]))
        return replace(rule, word=table, other_column=column,
                       columns=(own[1],) if own else rule.columns)  # fmt: skip
    if rule.kind == "freshness":
        table, column = columns.get((rule.alias, rule.columns[0]), (rule.table, rule.columns[0]))
        return replace(rule, columns=(column,))
    return rule


def _object_rules(file: str, given: SchemaObject) -> Iterator[Rule]:
    name = given.physicalName or given.name or ""
    table = Rule(
        kind="table",
        table=name,
        place=given.name or name,
        alias=given.name or "",
        origin=file,
        said="is one of the run's tables",
        description=given.description or "",
    )
    yield table
    keyed: list[tuple[int, str]] = []
    for item in given.properties or ():
        yield from _property_rules(table, item)
        if item.primaryKey:
            position = item.primaryKeyPosition
            keyed.append((len(keyed) if position in {None, -1} else int(position or 0),
                          item.physicalName or item.name or ""))  # fmt: skip
    if keyed:
        key = tuple(column for _, column in sorted(keyed))
        yield replace(table, kind="unique", columns=key, said="is the primary key: nothing repeats")
        for column in key:
            said = "is part of the primary key: holds a value"
            yield replace(table, kind="required", columns=(column,), said=said)
    for check in given.quality or ():
        yield _quality_rule(table, check, given)
    for link in given.relationships or ():
        yield _reference(table, link)


def _property_rules(table: Rule, given: SchemaProperty) -> Iterator[Rule]:
    name = given.physicalName or given.name or ""
    column = replace(
        table,
        kind="column",
        columns=(name,),
        place=f"{table.place}.{given.name}",
        said="is one of the table's columns",
        description=given.description or "",
    )
    if given.semanticType == "measure":
        reason = "a measure is computed from columns, and is none itself"
        yield _unsupported(column, "measure", reason)
        return
    yield column
    yield from _column_rules(column, given)
    yield from _option_rules(column, given.logicalTypeOptions or {})
    for check in given.quality or ():
        yield _quality_rule(column, check, None)
    for link in given.relationships or ():
        yield _reference(column, link)
    for part in ("properties", "items", "map"):
        if getattr(given, part):
            reason = "what is inside of nested values is not looked at"
            yield _unsupported(column, part, reason)


def _column_rules(column: Rule, given: SchemaProperty) -> Iterator[Rule]:
    """Turn what a property says in fields of its own into rules."""
    if given.logicalType:
        words = f"is of type {given.logicalType}"
        yield replace(column, kind="type", said=words, word=given.logicalType)
    if given.physicalType:
        words = f"is stored as {given.physicalType}"
        yield replace(column, kind="type", said=words, word=f"physical:{given.physicalType}")
    if given.required:
        yield replace(column, kind="required", said="holds a value")
    if given.unique:
        yield replace(column, kind="unique", said="no value repeats")
    if given.enum:
        allowed = tuple(_scalar(entry.value) for entry in given.enum)
        yield replace(column, kind="allowed", said=say_values(allowed), values=allowed)


def _option_rules(column: Rule, options: Mapping[str, Any]) -> Iterator[Rule]:
    """Turn `logicalTypeOptions` into rules."""
    rest = dict(options)
    low, is_low_open = _pop_bound(rest, "minimum", "exclusiveMinimum")
    high, is_high_open = _pop_bound(rest, "maximum", "exclusiveMaximum")
    if low is not None or high is not None:
        words = " and ".join(
            f"{sign}{'' if is_open else '='} {bound}"
            for sign, bound, is_open in ((">", low, is_low_open), ("<", high, is_high_open))
            if bound is not None
        )
        yield replace(column, kind="range", said=words, low=low, high=high,
                      is_low_open=is_low_open, is_high_open=is_high_open)  # fmt: skip
    shortest, longest = rest.pop("minLength", None), rest.pop("maxLength", None)
    if shortest is not None or longest is not None:
        words = (
            f"has {shortest or 0} to {'any number of' if longest is None else longest} characters"
        )
        yield replace(column, kind="length", said=words, low=shortest, high=longest)
    if (pattern := rest.pop("pattern", None)) is not None:
        yield replace(column, kind="pattern", said=f"matches {pattern}", word=str(pattern))
    if (step := rest.pop("multipleOf", None)) is not None:
        yield replace(column, kind="multiple", said=f"is a multiple of {step}", low=step)
    if str(rest.get("format")) in _FORMATS:
        written = str(rest.pop("format"))
        yield replace(column, kind="format", said=f"is a valid {written}", word=_FORMATS[written])
    for name, value in rest.items():
        yield _unsupported(column, f"{name}: {value}", "there is no check for this option")


def _pop_bound(options: dict[str, Any], closed: str, opened: str) -> tuple[Scalar, bool]:
    """Take out a bound; the open one where both are given, as the stricter of equal ones."""
    inner, outer = options.pop(closed, None), options.pop(opened, None)
    return (_scalar(outer), True) if outer is not None else (_scalar(inner), False)


def _quality_rule(base: Rule, check: DataQuality, table: SchemaObject | None) -> Rule:
    """Turn one entry of `quality` into a rule."""
    base = replace(
        base,
        name=check.name or check.id or "",
        description=check.description or "",
        severity=_SEVERITIES.get((check.severity or "").lower(), "error"),
        stated_dimension=_dimension(check.dimension),
    )
    if check.type == "text":
        return _unsupported(base, check.description or "text", "it is said in words only")
    if check.type == "custom":
        return _unsupported(base, f"a check of {check.engine}", f"it is written for {check.engine}")
    limit = _limit(check)
    if limit is None:
        reason = "what its result must be is no number, or not said"
        return _unsupported(base, check.metric or check.type or "quality", reason)
    if check.type == "sql":
        query = _fill_in(check.query or "", base)
        return replace(base, kind="sql", columns=base.columns, said=f"the query gives {limit}",
                       word=query, limit=limit)  # fmt: skip
    return _metric_rule(base, check, limit, table)


def _metric_rule(base: Rule, check: DataQuality, limit: Limit, table: SchemaObject | None) -> Rule:
    """Turn one of the standard's library metrics into a rule."""
    metric, unit = check.metric or "", (check.unit or "rows").lower()
    if unit not in {"rows", "row", "percent", "%"}:
        return _unsupported(base, metric, f"there is no unit {unit!r}")
    is_percent = unit in {"percent", "%"}
    said = f"{metric} {limit}{'%' if is_percent else ''}"
    base = replace(base, said=said, limit=limit, is_percent=is_percent)
    if metric == "rowCount":
        return replace(base, kind="row_count", columns=())
    if metric == "duplicateValues" and table is not None:
        return _duplicates_of_table(base, check.arguments or {}, table)
    if not base.columns:
        return _unsupported(base, metric, "it is for a property, not for a whole table")
    if metric in _PLAIN_METRICS:
        return replace(base, kind=_PLAIN_METRICS[metric])
    return _listed_values(base, metric, check.arguments or {})


def _duplicates_of_table(base: Rule, arguments: Mapping[str, Any], table: SchemaObject) -> Rule:
    named = [str(name) for name in cast("Sequence[object]", arguments.get("properties") or ())]
    physical = {item.name: item.physicalName or item.name for item in table.properties or ()}
    columns = tuple(physical.get(name) or name for name in named)
    if not columns:
        return _unsupported(base, "duplicateValues", "it does not say of which properties")
    return replace(base, kind="unique", columns=columns)


def _listed_values(base: Rule, metric: str, arguments: Mapping[str, Any]) -> Rule:
    """Turn `missingValues` and `invalidValues`, whose arguments say what is meant, into a rule."""
    if metric == "missingValues":
        listed = cast("Sequence[object]", arguments.get("missingValues") or ())
        return replace(base, kind="filled", values=tuple(_scalar(item) for item in listed))
    if metric == "invalidValues" and arguments.get("pattern"):
        return replace(base, kind="pattern", word=str(arguments["pattern"]))
    if metric == "invalidValues" and arguments.get("validValues"):
        listed = cast("Sequence[object]", arguments["validValues"])
        return replace(base, kind="allowed", values=tuple(_scalar(item) for item in listed))
    return _unsupported(base, metric, "its arguments say nothing that can be checked")


def _limit(check: DataQuality) -> Limit | None:
    """Read the one comparison of a check; None without one, or with one that is no number."""
    exact = {"mustBe": check.mustBe, "mustNotBe": check.mustNotBe}
    for name, value in exact.items():
        if value is not None:
            if not isinstance(value, bool | int | float):
                return None
            number = float(value)
            return Limit(low=number, high=number, is_outside=name == "mustNotBe")
    if check.mustBeBetween or check.mustNotBeBetween:
        low, high = check.mustBeBetween or check.mustNotBeBetween or (0, 0)
        return Limit(low=low, high=high, is_outside=not check.mustBeBetween)
    limits = (
        (check.mustBeGreaterThan, "low", True),
        (check.mustBeGreaterOrEqualTo, "low", False),
        (check.mustBeLessThan, "high", True),
        (check.mustBeLessOrEqualTo, "high", False),
    )
    for bound, side, is_open in limits:
        if bound is not None and side == "low":
            return Limit(low=bound, is_low_open=is_open)
        if bound is not None:
            return Limit(high=bound, is_high_open=is_open)
    return None


def _fill_in(query: str, rule: Rule) -> str:
    """Put the table and column in, quoted, in either of the standard's two spellings."""
    column = rule.columns[0] if rule.columns else ""
    for word, name in (
        ("table", rule.table), ("object", rule.table), ("column", column), ("property", column)
    ):  # fmt: skip
        quoted = '"' + name.replace('"', '""') + '"'
        query = query.replace("${" + word + "}", quoted).replace("{" + word + "}", quoted)
    return query


def _reference(base: Rule, link: Relationship) -> Rule:
    """Turn a relationship of one column into a rule; a composite one cannot be followed."""
    target, source = link.to, link.from_
    said = f"refers to {target}"
    if not isinstance(target, str) or isinstance(source, list):
        return _unsupported(base, said, "references of several columns are not followed")
    if "/" in target or (source is not None and "/" in source):
        return _unsupported(base, said, "references by id are not followed; write table.column")
    columns = base.columns if source is None else (source.rpartition(".")[2],)
    table, _, column = target.rpartition(".")
    return replace(base, kind="references", columns=columns, said=f"is found in {target}",
                   word=table, other_column=column)  # fmt: skip


def _sla_rules(file: str, contract: OpenDataContractStandard) -> Iterator[Rule]:
    """Turn service levels into rules; only the age of the newest row can be seen in the data."""
    by_name = {
        table.name: table.physicalName or table.name or "" for table in contract.schema_ or ()
    }
    for level in contract.slaProperties or ():
        elements = (level.element or contract.slaDefaultElement or "").split(",")
        for element in (part.strip() for part in elements):
            table, _, column = element.rpartition(".")
            alias = table or (next(iter(by_name)) if len(by_name) == 1 else "") or ""
            table = by_name.get(alias, alias)
            words = f"{level.property} {level.value} {level.unit or ''}".strip()
            rule = Rule(
                kind="unsupported",
                table=table,
                columns=(column,) if column else (),
                place=f"slaProperties.{level.property}",
                alias=alias,
                origin=file,
                said=words,
                name=level.id or "",
                description=level.description or "",
                stated_dimension="timeliness",
            )
            yield _age_rule(rule, str(level.property), level.value, level.unit or "d")


def _age_rule(rule: Rule, name: str, value: object, unit: str) -> Rule:
    if name.lower() not in _AGES:
        return replace(rule, reason="it is about the service, and cannot be seen in the data")
    seconds = _UNIT_SECONDS.get(unit.lower()) or _UNIT_SECONDS.get(unit.lower().removesuffix("s"))
    try:
        amount = float(str(value))
    except ValueError:
        return replace(rule, reason=f"{value!r} is no number")
    if seconds is None:
        return replace(rule, reason=f"there is no unit {unit!r}")
    if not rule.columns:
        return replace(rule, reason="it names no column of times; give element: table.column")
    return replace(rule, kind="freshness", max_age_seconds=amount * seconds,
                   said=f"the newest is at most {amount:g} {unit} old")  # fmt: skip


def _unsupported(base: Rule, said: str, reason: str) -> Rule:
    kind: RuleKind = "unsupported"
    return replace(base, kind=kind, said=" ".join(said.split()), reason=reason)


def _dimension(given: str | None) -> Dimension | None:
    """Translate the standard's dimensions: what it calls conformity is validity here."""
    if given == "conformity":
        return "validity"
    return next((name for name in DIMENSIONS if name == given), None)


def _scalar(value: object) -> Scalar:
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
