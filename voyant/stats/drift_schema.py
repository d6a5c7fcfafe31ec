"""Which columns were added, removed, renamed, retyped or moved since a table's earlier state?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voyant.core.tables import ColumnKind
from voyant.stats import distances
from voyant.stats.drift import ColumnState, is_same_family

__all__ = ["SchemaChange", "compare_schemas"]

_ALIKE = 0.1
_ALIKE_NULLS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange:
    """One change.

    Attributes:
        kind: `added`, `removed`, `renamed`, `retyped` or `reordered`.
        column: Its name now; its earlier name if it was removed; empty for a new order.
        before: Earlier name, type, or nothing.
        after: Name or type now, or nothing.
        is_breaking: Whether a new type is of another family: text where there were numbers.
        is_guess: A renamed column is one that vanished and one that came and holds alike values.
    """

    kind: str
    column: str
    before: str = ""
    after: str = ""
    is_guess: bool = False
    is_breaking: bool = False


def compare_schemas(
    reference: Mapping[str, ColumnState], current: Mapping[str, ColumnState]
) -> list[SchemaChange]:
    """List the changes: removed, renamed, added, retyped, then whether the order changed."""
    removed = [name for name in reference if name not in current]
    added = [name for name in current if name not in reference]
    renamed = _guess_renamed([reference[n] for n in removed], [current[n] for n in added])
    changes = [
        SchemaChange(kind="removed", column=name, before=reference[name].type)
        for name in removed
        if name not in renamed
    ]
    changes += [
        SchemaChange(kind="renamed", column=new, before=old, after=new, is_guess=True)
        for old, new in renamed.items()
    ]
    changes += [
        SchemaChange(kind="added", column=name, after=current[name].type)
        for name in added
        if name not in renamed.values()
    ]
    changes += [
        SchemaChange(
            kind="retyped",
            column=name,
            before=reference[name].type,
            after=current[name].type,
            is_breaking=not is_same_family(reference[name].kind, current[name].kind),
        )
        for name in current
        if name in reference and reference[name].type != current[name].type
    ]
    before = [name for name in reference if name in current]
    after = [name for name in current if name in reference]
    if before != after:
        changes.append(SchemaChange(kind="reordered", column=""))
    return changes


def _guess_renamed(removed: Sequence[ColumnState], added: Sequence[ColumnState]) -> dict[str, str]:
    """Pair columns that went with columns that came, where each has exactly one that is alike."""
    alike = [(old, new) for old in removed for new in added if _are_alike(old, new)]
    return {
        old.name: new.name
        for old, new in alike
        if sum(o is old for o, _ in alike) == 1 and sum(n is new for _, n in alike) == 1
    }


def _are_alike(old: ColumnState, new: ColumnState) -> bool:
    if old.type != new.type or not old.count or not new.count:
        return False
    if old.kind is ColumnKind.BOOLEAN:  # any two flags look alike
        return False
    if abs(old.null_fraction - new.null_fraction) > _ALIKE_NULLS:
        return False
    if old.grid and new.grid:
        area = distances.grid_wasserstein_distance(old.grid, new.grid).value
        return area < _ALIKE * old.std if old.std else area == 0
    names = list({**(old.values or {}), **(new.values or {})})
    counts = [[(side.values or {}).get(name, 0) for name in names] for side in (old, new)]
    return all(map(sum, counts)) and distances.js_distance(*counts) < _ALIKE
