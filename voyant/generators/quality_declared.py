"""How is a declared rule checked: what is counted, and what must come out?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from voyant.artifacts.quality_rules import Rule
from voyant.core.checks import FailureCount, RowCheck, RowCheckKind
from voyant.core.engine import Engine
from voyant.core.errors import QueryError, did_you_mean
from voyant.core.tables import ColumnKind, ColumnSummary, TableSummary
from voyant.generators.quality_automatic import count_invalid
from voyant.generators.quality_plan import Planned
from voyant.stats.event_time import find_newest_event
from voyant.stats.quality_columns import CHECKED_FORMATS, surely_valid
from voyant.stats.semantic import is_personal

__all__ = ["plan_declared"]

_TYPES: Mapping[str, frozenset[ColumnKind]] = {
    "string": frozenset({ColumnKind.TEXT, ColumnKind.UUID}),
    "integer": frozenset({ColumnKind.INTEGER}),
    "number": frozenset({ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT}),
    "boolean": frozenset({ColumnKind.BOOLEAN}),
    "date": frozenset({ColumnKind.DATE}),
    "timestamp": frozenset({ColumnKind.TIMESTAMP}),
    "time": frozenset({ColumnKind.TIME}),
    "temporal": frozenset({ColumnKind.DATE, ColumnKind.TIMESTAMP, ColumnKind.TIME}),
    "array": frozenset({ColumnKind.LIST}),
    "vector": frozenset({ColumnKind.LIST}),
    "object": frozenset({ColumnKind.STRUCT}),
    "map": frozenset({ColumnKind.MAP}),
}
_PHYSICAL = "physical:"
_ROW_CHECKS: Mapping[str, RowCheckKind] = {
    "required": RowCheckKind.NOT_NULL,
    "range": RowCheckKind.IN_RANGE,
    "length": RowCheckKind.LENGTH,
    "allowed": RowCheckKind.IN_SET,
    "pattern": RowCheckKind.MATCHES,
    "multiple": RowCheckKind.MULTIPLE_OF,
}
_FAILS: Mapping[str, str] = {
    "required": "hold nothing",
    "range": "lie outside of the range",
    "length": "are too short or too long",
    "allowed": "are none of the allowed values",
    "pattern": "do not match",
    "multiple": "are no such multiple",
}


class _Case:
    """One rule and the tables it is held against."""

    def __init__(
        self,
        engine: Engine,
        tables: Mapping[str, TableSummary],
        rule: Rule,
        as_of: datetime,
        exact_values: int,
    ) -> None:
        self.engine, self.tables, self.rule = engine, tables, rule
        self.as_of, self.exact_values = as_of, exact_values

    @property
    def table(self) -> TableSummary:
        """The rule's table; it is there."""
        return self.tables[self.rule.table]

    @property
    def column(self) -> ColumnSummary:
        """The rule's first column; it is there."""
        return self.table.columns[self.rule.columns[0]]


def plan_declared(
    engine: Engine,
    tables: Mapping[str, TableSummary],
    rules: Sequence[Rule],
    as_of: datetime,
    exact_values: int,
) -> list[Planned]:
    """Plan the rules, in their order; what cannot be checked says why."""
    used: dict[str, int] = {}
    plans: list[Planned] = []
    for given in rules:
        rule = _with_real_names(given, tables)
        plan = _plan(_Case(engine, tables, rule, as_of, exact_values))
        used[plan.id] = used.get(plan.id, 0) + 1
        plans.append(plan if used[plan.id] == 1 else replace(plan, id=f"{plan.id}#{used[plan.id]}"))
    return plans


def _with_real_names(rule: Rule, tables: Mapping[str, TableSummary]) -> Rule:
    """Find the rule's table by its name or its alias, and its columns, whatever their case."""
    table = _same_name(rule.table, tables) or _same_name(rule.alias, tables) or rule.table
    if table not in tables:
        return rule
    known = tables[table].columns
    columns = tuple(_same_name(name, known) or name for name in rule.columns)
    other = rule.other_column
    if rule.kind == "references" and (parent := _same_name(rule.word, tables)) is not None:
        other = _same_name(other, tables[parent].columns) or other
    return replace(rule, table=table, columns=columns, other_column=other)


def _plan(case: _Case) -> Planned:
    rule = case.rule
    plan = Planned(
        name=rule.kind,
        title=rule.said,
        source="declared",
        dimension=rule.dimension,
        severity=rule.severity,
        table=rule.table,
        columns=rule.columns,
        origin=rule.origin,
        id=rule.id,
        max_fraction=rule.max_fraction,
        limit=rule.limit,
        is_percent=rule.is_percent,
        threshold=rule.said,
    )
    if rule.kind == "unsupported":
        return replace(plan, reason=rule.reason)
    if rule.kind == "sql":
        return _sql(case, plan)
    return _missing(case, plan) or _present(case, plan)


def _present(case: _Case, plan: Planned) -> Planned:
    """Plan a rule whose table and columns are there."""
    rule = case.rule
    if rule.kind in {"table", "column"}:
        return replace(plan, is_met=True, message="it is there")
    if rule.kind in _ROW_CHECKS:
        return replace(plan, check=_row_check(rule), fails=_FAILS[rule.kind],
                       are_examples_shapes=True)  # fmt: skip
    return _OTHERS[rule.kind](case, plan)


def _missing(case: _Case, plan: Planned) -> Planned | None:
    """Say which table or column is not there; None if all are."""
    rule, known, what, name = case.rule, set(case.tables), "table", case.rule.table
    if name in known:
        known, what = set(case.table.columns), "column"
        name = next((column for column in rule.columns if column not in known), "")
        if not name:
            return None
    said = f"there is no {what} {name!r}"
    if rule.kind == what:
        return replace(plan, is_met=False, message=said)
    return replace(plan, reason=f"{said}. {did_you_mean(name, known)}".strip())


def _same_name(name: str, known: Mapping[str, object]) -> str | None:
    """Find a name, whatever its case."""
    if name in known:
        return name
    return next((other for other in known if other.casefold() == name.casefold()), None)


def _row_check(rule: Rule) -> RowCheck:
    return RowCheck(
        kind=_ROW_CHECKS[rule.kind],
        columns=rule.columns,
        low=rule.low,
        high=rule.high,
        is_low_open=rule.is_low_open,
        is_high_open=rule.is_high_open,
        values=rule.values,
        pattern=rule.word if rule.kind == "pattern" else "",
    )


def _type(case: _Case, plan: Planned) -> Planned:
    word, column = case.rule.word, case.column
    if word.startswith(_PHYSICAL):
        if word.removeprefix(_PHYSICAL).casefold() == column.type.casefold():
            return replace(plan, is_met=True, observed=column.type, message="it is")
        reason = f"engines name types differently: here it is {column.type}"
        return replace(plan, reason=reason)
    kinds = _TYPES.get(word)
    if kinds is None:
        return replace(plan, reason=f"there is no type {word!r}. {did_you_mean(word, _TYPES)}")
    return replace(plan, is_met=column.kind in kinds, observed=column.type,
                   message=f"it is of type {column.type}")  # fmt: skip


def _unique(case: _Case, plan: Planned) -> Planned:
    names, column = case.rule.columns, case.column
    fails = "repeat an earlier one"
    is_known = column.distinct_count is not None and "distinct_count" not in column.approximations
    if len(names) == 1 and is_known:
        repeats = column.count - (column.distinct_count or 0)
        count = FailureCount(checked_count=column.count, failing_count=repeats)
        return replace(plan, count=count, fails=fails)
    (filled,) = case.engine.count_failures(
        case.table.name, [RowCheck(kind=RowCheckKind.NOT_NULL, columns=names)]
    )
    different = case.engine.distinct_count(case.table.name, names)
    if filled.failing_count is None or different.value is None:
        return replace(plan, reason=filled.reason or different.reason)
    rows = filled.checked_count - filled.failing_count
    count = FailureCount(checked_count=rows, failing_count=rows - int(different.value))
    return replace(plan, count=count, fails=fails, approximation=different.approximation)


def _format(case: _Case, plan: Planned) -> Planned:
    form, column = case.rule.word, case.column
    if form not in CHECKED_FORMATS:
        known = did_you_mean(form, CHECKED_FORMATS)
        return replace(plan, reason=f"there is no format {form!r}. {known}")
    if column.kind is ColumnKind.UUID and form == "uuid":
        count = FailureCount(checked_count=column.count, failing_count=0)
        return replace(plan, count=count)
    if column.kind is not ColumnKind.TEXT:
        return replace(plan, reason=f"{column.name} is {column.type}, and no text")
    count, inexact = count_invalid(case.engine, case.table.name, column, form, case.exact_values)
    return replace(plan, count=count, approximation=inexact, fails=f"are no valid {form}",
                   check=surely_valid(form, column.name), are_examples_shapes=is_personal(form)
                   )  # fmt: skip


def _references(case: _Case, plan: Planned) -> Planned:
    rule = case.rule
    parent = _same_name(rule.word, case.tables)
    if parent is None:
        return replace(plan, reason=f"there is no table {rule.word!r}")
    if rule.other_column not in case.tables[parent].columns:
        return replace(plan, reason=f"there is no column {rule.other_column!r} in {parent}")
    child, target = case.column, case.tables[parent].columns[rule.other_column]
    if child.kind is not target.kind and not (child.kind.is_numeric and target.kind.is_numeric):
        return replace(plan, reason=f"{child.type} and {target.type} cannot be compared")
    join = case.engine.containment(rule.table, child.name, parent, rule.other_column)
    count = FailureCount(checked_count=join.child_row_count, failing_count=join.orphan_row_count)
    return replace(plan, count=count, fails=f"refer to nothing in {parent}.{rule.other_column}")


def _row_count(case: _Case, plan: Planned) -> Planned:
    rows, limit = case.table.row_count, case.rule.limit
    if case.rule.is_percent or limit is None:
        return replace(plan, reason="a percentage of all rows says nothing about their number")
    message = f"the table has {rows:,} rows"
    return replace(plan, is_met=limit.holds(rows), observed=rows, message=message)


def _freshness(case: _Case, plan: Planned) -> Planned:
    column, most = case.column, case.rule.max_age_seconds
    if not column.kind.is_temporal or most is None:
        return replace(plan, reason=f"{column.name} is {column.type}, and no date or time")
    if not column.count:
        return replace(plan, reason="no row holds a time")
    newest = find_newest_event(column, case.as_of)
    if newest.moment is None:
        return replace(plan, reason=newest.note)
    age = (case.as_of - newest.moment).total_seconds()
    message = f"the newest is {newest.moment.isoformat()}, {max(0, age) / 3600:,.1f} hours old"
    if newest.note:
        message += f" ({newest.note})"
    return replace(plan, is_met=age <= most, observed=newest.moment.isoformat(), message=message)


def _filled(case: _Case, plan: Planned) -> Planned:
    """Count what the rule lists as missing: nulls too if it lists null, or lists nothing."""
    rule, column = case.rule, case.column
    listed = tuple(value for value in rule.values if value is not None)
    kind = RowCheckKind.NOT_IN_SET if rule.values else RowCheckKind.FILLED
    (marks,) = case.engine.count_failures(
        case.table.name, [RowCheck(kind=kind, columns=(column.name,), values=listed)]
    )
    if marks.failing_count is None:
        return replace(plan, reason=marks.reason)
    nulls = column.null_count if None in rule.values else 0
    count = FailureCount(checked_count=column.row_count, failing_count=marks.failing_count + nulls)
    return replace(plan, count=count, fails="are missing")


def _sql(case: _Case, plan: Planned) -> Planned:
    """Run the rule's query under the guard, and hold its one number against the limit."""
    rule = case.rule
    plan = replace(plan, title=rule.name or rule.description or rule.said)
    try:
        result = case.engine.query(rule.word)
    except QueryError as error:
        return replace(plan, reason=f"the query failed: {' '.join(str(error).split())[:500]}")
    if len(result.rows) != 1 or len(result.columns) != 1:
        shape = f"{len(result.rows)} x {len(result.columns)} cells"
        return replace(plan, reason=f"the query gives {shape}; select one number")
    value = result.rows[0][0]
    number = _as_number(value)
    if number is None or rule.limit is None:
        return replace(plan, reason=f"the query gives {value!r}, which is no number")
    return replace(plan, is_met=rule.limit.holds(number), observed=value, limit=None,
                   message=f"the query gives {value}")  # fmt: skip


def _as_number(value: object) -> float | None:
    if value is None:
        return None
    try:
        return float(str(int(value)) if isinstance(value, bool) else str(value))
    except ValueError:
        return None


_OTHERS: Final[Mapping[str, Callable[[_Case, Planned], Planned]]] = {
    "type": _type,
    "unique": _unique,
    "format": _format,
    "references": _references,
    "row_count": _row_count,
    "freshness": _freshness,
    "filled": _filled,
}
