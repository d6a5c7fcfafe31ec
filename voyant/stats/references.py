"""Which columns look like references to another table's key, and are worth measuring?

Contained values alone prove nothing: every small whole number lies in some other column. So whole
numbers need a name that points at the other table; text may also be recognised by its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

from voyant.core.tables import ColumnKind, ColumnSummary, TableSummary
from voyant.stats.names import KEY_WORDS, name_tokens, singular

__all__ = ["MIN_PARENT_UNIQUENESS", "FoundBy", "Reference", "TypeConflict", "propose_references"]

#: A parent repeats hardly a value; a few repetitions are a fault to report, not to overlook.
MIN_PARENT_UNIQUENESS = 0.9

#: Words that name a thing's label in any table: the same one in two tables is no reference.
_GENERIC_WORDS = frozenset(
    "id key code name title label description comment comments note notes value type kind status"  # noqa: SIM905
    " category class group text number no nr num uuid guid hash index row url email phone address"
    " city state active flag unit source version".split()
)
_CALENDAR_WORDS = frozenset("year month day week hour minute second quarter date time".split())  # noqa: SIM905
_TABLE_MARKS = frozenset("dim fact fct tbl table stg raw vw view".split())  # noqa: SIM905
_KEY_ENDINGS = KEY_WORDS | {"code"}

_MIN_VALUE_LENGTH = 2
_MIN_CHILD_VALUES = 3
_MIN_SAMPLE_COVERAGE = 0.5
_MIN_ESTIMATE = 0.3

_TYPE_FAMILIES = {
    ColumnKind.INTEGER: "number",
    ColumnKind.DECIMAL: "number",
    ColumnKind.FLOAT: "number",
    ColumnKind.TEXT: "text",
    ColumnKind.UUID: "uuid",
}


class FoundBy(IntEnum):
    """What a reference was recognised by; the surest first."""

    TABLE_NAME = 1
    COLUMN_NAME = 2
    VALUES = 3

    @property
    def label(self) -> str:
        """How artifacts write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column that may refer to another table's key."""

    child_table: str
    child_column: str
    parent_table: str
    parent_column: str
    found_by: FoundBy


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeConflict:
    """A reference by name that no join can follow, because the two sides have different types."""

    child_table: str
    child_column: str
    child_type: str
    parent_table: str
    parent_column: str
    parent_type: str


@dataclass(frozen=True, kw_only=True)  # no slots: `codes` is worked out once, and asked for often
class _Side:
    """A column with what naming and typing say of it."""

    table: TableSummary
    column: ColumnSummary
    words: tuple[str, ...]
    family: str

    @property
    def uniqueness(self) -> float:
        distinct = self.column.distinct_count or 0
        return distinct / self.column.count

    @property
    def is_key_like(self) -> bool:
        return self.uniqueness >= MIN_PARENT_UNIQUENESS

    @cached_property
    def codes(self) -> frozenset[str]:
        """Sampled values long enough to mean something; `Y`, `N` and `A` are everywhere."""
        values = (str(item.value) for item in self.column.sample)
        return frozenset(value for value in values if len(value) >= _MIN_VALUE_LENGTH)


def propose_references(
    tables: Sequence[TableSummary],
) -> tuple[list[Reference], list[TypeConflict]]:
    """Find columns that may refer to another table's key, the surest first.

    Args:
        tables: All tables of the job, in its order.

    Returns:
        References to measure, one for each pair of columns, and those by name whose types differ.
    """
    sides = [side for table in tables for side in _sides(table)]
    references: dict[frozenset[tuple[str, str]], tuple[Reference, _Side]] = {}
    conflicts: list[TypeConflict] = []
    for parent in sides:
        if not parent.is_key_like:
            continue
        for child in sides:
            if child.table is parent.table:
                continue
            found_by = _recognise(child, parent)
            if found_by is None:
                continue
            if child.family != parent.family:
                if found_by is FoundBy.TABLE_NAME:
                    conflicts.append(_conflict(child, parent))
                continue
            pair = frozenset({_place(child), _place(parent)})
            rival = references.get(pair)
            candidate = _reference(child, parent, found_by)
            if rival is None or _beats(candidate, parent, *rival):
                references[pair] = (candidate, parent)
    found = [reference for reference, _ in references.values()]
    positions = {_place(side): index for index, side in enumerate(sides)}
    found.sort(
        key=lambda item: (
            item.found_by,
            positions[item.child_table, item.child_column],
            positions[item.parent_table, item.parent_column],
        )
    )
    return found, conflicts


def _sides(table: TableSummary) -> Iterator[_Side]:
    prefix = _common_prefix(tuple(table.columns))
    for column in table.columns.values():
        family = _TYPE_FAMILIES.get(column.kind)
        if family is None or not column.count or not column.distinct_count:
            continue
        words = name_tokens(column.name)[len(prefix) :]
        yield _Side(table=table, column=column, words=tuple(map(singular, words)), family=family)


def _common_prefix(names: tuple[str, ...]) -> tuple[str, ...]:
    """Find a mark of one or two letters before every column's name: `l_` in TPC-H's lineitem."""
    firsts = {name_tokens(name)[:1] for name in names}
    is_shared = len(names) > 1 and len(firsts) == 1
    if not is_shared or any(len(name_tokens(name)) == 1 for name in names):
        return ()
    (first,) = firsts
    return first if first and len(first[0]) <= len("xx") else ()


@lru_cache(maxsize=1024)
def _entity(table: str) -> tuple[str, ...]:
    """Return what a row of the table is: `dim_customers` holds a `customer`."""
    words = tuple(singular(word) for word in name_tokens(table) if word not in _TABLE_MARKS)
    return words or (table.lower(),)


def _recognise(child: _Side, parent: _Side) -> FoundBy | None:
    if _names_table(child.words, parent.words, _entity(parent.table.name)):
        return FoundBy.TABLE_NAME
    if child.family != parent.family or child.column.kind is ColumnKind.FLOAT:
        return None
    if _share_name(child, parent):
        return FoundBy.COLUMN_NAME
    return FoundBy.VALUES if _share_values(child, parent) else None


def _names_table(child: tuple[str, ...], parent: tuple[str, ...], entity: tuple[str, ...]) -> bool:
    """Decide whether a name says `<table>_id` of a table whose key is `id` or `<table>_id`."""
    if not parent or parent[-1] not in _KEY_ENDINGS or parent[:-1] not in {(), entity}:
        return False
    stem = child[:-1] if child and child[-1] in _KEY_ENDINGS else child
    same_key = child[-1:] == parent[-1:] or stem == child
    # `order_id` in `order_items` names orders, and a table's own `id` names no other table.
    return bool(stem) and same_key and stem[-len(entity) :] == entity


def _share_name(child: _Side, parent: _Side) -> bool:
    words = child.words
    if words != parent.words or not set(words) - _GENERIC_WORDS:
        return False
    # A `month` is no reference to another table's `month`; a `date_key` is one.
    if set(words) & _CALENDAR_WORDS and words[-1] not in {"id", "key", "sk"}:
        return False
    if child.family == "number":
        return len(words) > 1 and words[-1] in _KEY_ENDINGS
    return True


def _share_values(child: _Side, parent: _Side) -> bool:
    """Estimate from samples whether text codes are found among another table's unique ones."""
    if child.family == "number" or not parent.column.is_unique:
        return False
    known, wanted = parent.codes, child.codes
    if len(wanted) < _MIN_CHILD_VALUES or not known:
        return False
    coverage = min(1.0, len(known) / (parent.column.distinct_count or 1))
    if coverage < _MIN_SAMPLE_COVERAGE:
        return False
    return len(wanted & known) >= _MIN_ESTIMATE * coverage * len(wanted)


def _beats(candidate: Reference, parent: _Side, rival: Reference, rival_parent: _Side) -> bool:
    """Prefer, of a pair's two directions, the surer, then the more unique and larger parent."""
    mine = (-candidate.found_by, parent.uniqueness, parent.column.distinct_count or 0)
    theirs = (-rival.found_by, rival_parent.uniqueness, rival_parent.column.distinct_count or 0)
    return mine > theirs


def _place(side: _Side) -> tuple[str, str]:
    return side.table.name, side.column.name


def _reference(child: _Side, parent: _Side, found_by: FoundBy) -> Reference:
    return Reference(
        child_table=child.table.name,
        child_column=child.column.name,
        parent_table=parent.table.name,
        parent_column=parent.column.name,
        found_by=found_by,
    )


def _conflict(child: _Side, parent: _Side) -> TypeConflict:
    return TypeConflict(
        child_table=child.table.name,
        child_column=child.column.name,
        child_type=child.column.type,
        parent_table=parent.table.name,
        parent_column=parent.column.name,
        parent_type=parent.column.type,
    )
