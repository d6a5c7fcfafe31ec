"""What does an Open Data Contract Standard v3 file demand of the tables?

Everything in it that speaks of the data becomes a rule. What cannot be checked becomes a rule of
the kind `unsupported`, which is reported as not assessed with its reason - never left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from voyant.artifacts.contract_file import MOST_BYTES, is_of_v3_0, load_contract
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

_SEVERITIES: Mapping[str, Severity] = {
    "info": "info", "low": "info", "minor": "info", "notice": "info",
    "warning": "warning", "warn": "warning", "medium": "warning", "moderate": "warning",
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
#: The arguments of library metrics; any other may change what is counted.
_ARGUMENTS: Mapping[str, frozenset[str]] = {
    "missingValues": frozenset({"missingValues"}),
    "invalidValues": frozenset({"pattern", "validValues"}),
}
#: What is read of a contract; the rest is not about the data.
_READ = (
    "apiVersion", "id", "name", "version", "status", "schema", "slaDefaultElement", "slaProperties",
)  # fmt: skip
_AGES = frozenset({"latency", "freshness", "ly", "fr"})

#: A bound, and whether it is itself left out.
_Bound = tuple[Scalar, bool]
_NO_BOUND: _Bound = (None, False)


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
    document = load_contract(path)
    from open_data_contract_standard.model import (  # noqa: PLC0415 - only runs with a contract pay
        OpenDataContractStandard,
    )

    try:
        contract = OpenDataContractStandard.model_validate(
            {name: document[name] for name in _READ if name in document}
        )
    except ValueError as error:
        raise ConfigurationError(f"The contract {path.name!r} cannot be used: {error}.") from None
    columns = _physical_columns(contract)
    rules = [
        *(rule for table in contract.schema_ or () for rule in _object_rules(path.name, table)),
        *_sla_rules(path.name, contract),
    ]
    rules = [_resolve(rule, columns) for rule in rules]
    if is_of_v3_0(document):
        rules = [_with_any_time(rule) for rule in rules]
    return Contract(
        file=path.name,
        id=contract.id or "",
        name=contract.name or "",
        version=contract.version or "",
        api_version=contract.apiVersion or "",
        status=contract.status or "",
        rules=tuple(rules),
    )


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
        own = own or (rule.table, rule.columns[0])
        return replace(rule, table=own[0], columns=(own[1],), word=table, other_column=column)
    if rule.kind == "freshness":
        table, column = columns.get((rule.alias, rule.columns[0]), (rule.table, rule.columns[0]))
        return replace(rule, columns=(column,))
    return rule


def _with_any_time(rule: Rule) -> Rule:
    """Let `date` stand for every kind of time, as in v3.0, which had no other type of them."""
    if rule.kind == "type" and rule.word == "date":
        return replace(rule, word="temporal", said="is of type date, timestamp or time")
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
        yield from _quality_rules(table, check, given)
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
    if given.semanticType != "measure":
        yield column
        yield from _demands(column, given)
        return
    reason = "a measure is computed from columns, and is none itself"
    yield _unsupported(column, "measure", reason)
    for rule in _demands(column, given):
        yield rule if rule.kind == "unsupported" else _unsupported(rule, rule.said, reason)


def _demands(column: Rule, given: SchemaProperty) -> Iterator[Rule]:
    """Turn all that a property says of its values into rules."""
    yield from _column_rules(column, given)
    yield from _option_rules(column, given.logicalTypeOptions or {})
    for check in given.quality or ():
        yield from _quality_rules(column, check, None)
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
    lows = _pop_bounds(rest, "minimum", "exclusiveMinimum")
    highs = _pop_bounds(rest, "maximum", "exclusiveMaximum")
    for (low, is_low_open), (high, is_high_open) in zip_longest(lows, highs, fillvalue=_NO_BOUND):
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


def _pop_bounds(options: dict[str, Any], closed: str, opened: str) -> list[_Bound]:
    """Take out the bounds of one side: none, the stricter one, or two that cannot be compared.

    >>> _pop_bounds({"minimum": 10, "exclusiveMinimum": 0}, "minimum", "exclusiveMinimum")
    [(10, False)]
    """
    bounds: list[_Bound] = []
    for name, is_open in ((closed, False), (opened, True)):
        value = options.get(name)
        if not isinstance(value, bool):  # since v3.1 that is no bound, and reported as it stands
            options.pop(name, None)
            if value is not None:
                bounds.append((_scalar(value), is_open))
    if len(bounds) < 2:  # noqa: PLR2004 - both
        return bounds
    inner, outer = (_place(bound) for bound, _ in bounds)
    try:
        is_inner_stricter = inner > outer if closed == "minimum" else inner < outer
    except TypeError:
        return bounds
    return bounds[:1] if is_inner_stricter else bounds[1:]


def _place(bound: Scalar) -> Any:  # noqa: ANN401 - whatever compares with its like
    """Read a bound as a number or a time; None, which compares with nothing, if it is neither."""
    if not isinstance(bound, str):
        return bound
    for kind in (datetime, time):
        try:
            return kind.fromisoformat(bound)
        except ValueError:
            continue
    return None


def _quality_rules(base: Rule, check: DataQuality, table: SchemaObject | None) -> Iterator[Rule]:
    """Turn one entry of `quality` into rules."""
    base = replace(
        base,
        name=check.name or check.id or "",
        description=check.description or "",
        severity=_SEVERITIES.get((check.severity or "").lower(), "error"),
        stated_dimension=_dimension(check.dimension),
    )
    limit, no_limit = _limit(check), "what its result must be is no number, or not said"
    if check.type == "text":
        yield _unsupported(base, check.description or "text", "it is said in words only")
    elif check.type == "custom":
        reason = f"it is written for {check.engine}"
        yield _unsupported(base, f"a check of {check.engine}", reason)
    elif check.type == "sql" and limit is None:
        yield _unsupported(base, "sql", no_limit)
    elif check.type == "sql":
        yield replace(base, kind="sql", said=f"the query gives {limit}", limit=limit,
                      word=_fill_in(check.query or "", base))  # fmt: skip
    if not check.metric and check.type in {"text", "custom", "sql"}:
        return
    if limit is None:
        yield _unsupported(base, check.metric or "quality", no_limit)
    else:
        yield from _metric_rules(base, check, limit, table)


def _metric_rules(
    base: Rule, check: DataQuality, limit: Limit, table: SchemaObject | None
) -> Iterator[Rule]:
    """Turn one of the standard's library metrics into rules."""
    metric, unit = check.metric or "", (check.unit or "rows").lower()
    arguments = {
        name: value for name, value in (check.arguments or {}).items() if value is not None
    }
    is_percent = unit in {"percent", "%"}
    said = f"{metric} {limit}{'%' if is_percent else ''}"
    base = replace(base, said=said, limit=limit, is_percent=is_percent)
    known = _ARGUMENTS.get(metric, frozenset())
    if metric == "duplicateValues" and table is not None:
        known = frozenset({"properties"})
    unknown = next((name for name in arguments if name not in known), None)
    if unit not in {"rows", "row", "percent", "%"}:
        yield _unsupported(base, metric, f"there is no unit {unit!r}")
    elif unknown is not None:
        words = f"{said}, {unknown}: {arguments[unknown]}"
        yield _unsupported(base, words, f"the standard has no argument {unknown!r} of it")
    elif metric == "rowCount":
        yield replace(base, kind="row_count", columns=())
    elif metric == "duplicateValues" and table is not None:
        yield _duplicates_of_table(base, arguments, table)
    elif not base.columns:
        yield _unsupported(base, metric, "it is for a property, not for a whole table")
    elif metric in _PLAIN_METRICS:
        yield replace(base, kind=_PLAIN_METRICS[metric])
    elif metric == "missingValues":
        yield _missing_values(base, arguments)
    else:
        yield from _invalid_values(base, metric, arguments)


def _duplicates_of_table(base: Rule, arguments: Mapping[str, Any], table: SchemaObject) -> Rule:
    named = _listed(arguments.get("properties"))
    physical = {item.name: item.physicalName or item.name for item in table.properties or ()}
    columns = tuple(physical.get(str(name)) or str(name) for name in named or ())
    if not columns:
        return _unsupported(base, "duplicateValues", "it does not say of which properties")
    return replace(base, kind="unique", columns=columns)


def _missing_values(base: Rule, arguments: Mapping[str, Any]) -> Rule:
    listed = _listed(arguments.get("missingValues", []))
    if listed is None:
        return _unsupported(base, "missingValues", "what it calls missing is no list of values")
    return replace(base, kind="filled", values=listed)


def _invalid_values(base: Rule, metric: str, arguments: Mapping[str, Any]) -> Iterator[Rule]:
    """Values are valid that match the pattern and are listed, where both are given."""
    pattern, values = arguments.get("pattern"), _listed(arguments.get("validValues"))
    made: list[Rule] = []
    if isinstance(pattern, str) and pattern:
        made.append(replace(base, kind="pattern", word=pattern))
    if values:
        made.append(replace(base, kind="allowed", values=values))
    if not made or len(made) < len(arguments):
        named = f"{metric} by {' and '.join(arguments)}" if arguments else metric
        yield _unsupported(base, named, "its arguments say nothing that can be checked")
    if len(made) < 2:  # noqa: PLR2004 - both
        yield from made
        return
    words = (f"matches {pattern}", say_values(values or ()))
    rules = [
        replace(rule, said=f"{base.said}: {said}") for rule, said in zip(made, words, strict=True)
    ]
    limit = base.limit or Limit(high=0)
    is_upper = limit.high is not None and not limit.is_outside and limit.holds(0)
    if is_upper:
        yield from rules
    if not is_upper or limit.high != 0:
        reason = "what fails the pattern, the list or both is not counted together"
        yield _unsupported(base, f"{base.said}: {' and '.join(words)}", reason)


def _listed(value: object) -> tuple[Scalar, ...] | None:
    """Read a list of values; None if it is none."""
    if not isinstance(value, list):
        return None
    return tuple(_scalar(item) for item in cast("list[object]", value))


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
    own_table = "" if source is None else source.rpartition(".")[0]
    if own_table and own_table != base.alias:
        base = replace(base, table=own_table, alias=own_table)
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
            more = "" if level.valueExt is None else f"extended by {level.valueExt}"
            rule = Rule(
                kind="unsupported",
                table=table,
                columns=(column,) if column else (),
                place=f"slaProperties.{level.property}",
                alias=alias,
                origin=file,
                said=f"{words} {more}".strip(),
                name=level.id or "",
                description=level.description or "",
                stated_dimension="timeliness",
            )
            age = _age_rule(rule, str(level.property), level.value, level.unit or "d")
            yield age
            if more and age.kind != "unsupported":
                yield replace(rule, reason="there is no check for an extended value")


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
