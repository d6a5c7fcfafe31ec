"""What cost the data which points of its sufficiency, and what can be done about it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from voyant.artifacts.narrative import Fact
from voyant.report.narrative_place import Note, Part, Place, noun, say
from voyant.stats.facts import Finding, Urgency

__all__ = ["losses", "urgency_of"]

#: Aspects of one cause are told, and added up, together: cause -> aspects of the ledger.
_CAUSES: Final = {
    "missing": ("filled_cells", "nulls"),
    "references": ("containment", "orphans", "parent_uniqueness"),
    "duplicates": ("duplicates",),
    "volume": ("volume",),
    "gap": ("continuity",),
    "age": ("age",),
    "invalid": ("invalid_values",),
    "mixed": ("mixed_values",),
}
_OTHERWISE: Final = {
    "missing": "Empty cells",
    "invalid": "Values that break their format",
    "mixed": "Text among numbers or dates",
}
_SERIOUS_POINTS, _NOTABLE_POINTS = 10.0, 1.0
_SMALLEST_POINTS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    """What one cause cost, at one table; at all tables where the table has no name."""

    cause: str
    table: str
    points: Fact
    sufficiency: Place
    profile: Place

    @property
    def name(self) -> Fact:
        """The table's name."""
        return self.sufficiency.at("tables", self.table).name()

    @property
    def cost(self) -> Part:
        """The points, in words."""
        return noun(self.points, "point")

    @property
    def aspect(self) -> Place | None:
        """The aspect of the table that was judged, the first one of the cause."""
        wanted = _CAUSES.get(self.cause, ())
        for component in self.sufficiency.at("tables", self.table, "components"):
            for aspect in component.at("aspects"):
                if aspect.key in wanted:
                    return aspect
        return None


def losses(sufficiency: Place, profile: Place) -> Iterator[Finding[Note]]:
    """Tell what cost points: references over all tables, everything else by table."""
    causes: dict[tuple[str, str], set[str]] = {}
    for entry in sufficiency.at("ledger"):
        aspect = entry.at("aspect").text
        cause = next((name for name, parts in _CAUSES.items() if aspect in parts), "")
        table = "" if cause == "references" else entry.at("table").text
        causes.setdefault((cause, table), set()).add(aspect)
    for (cause, table), aspects in causes.items():
        where = {"/aspect": sorted(aspects)} | ({"/table": [table]} if table else {})
        points = sufficiency.at("ledger").total("/points", "points", where)
        weight = float(points.value) if isinstance(points.value, int | float) else 0.0
        loss = _Loss(
            cause=cause, table=table, points=points, sufficiency=sufficiency, profile=profile
        )
        note = _note(loss) if weight >= _SMALLEST_POINTS else None
        if note is not None:
            yield Finding(
                content=note,
                subject=_subject(loss),
                urgency=urgency_of(weight),
                weight=weight,
            )


def _subject(loss: _Loss) -> tuple[str, ...]:
    """Name what a loss is about as closely as it is told: a quality check may tell the same."""
    if loss.cause == "references" and (worst := _worst_reference(loss)):
        return (loss.cause, worst.at("child_table").text, worst.at("child_column").text)
    if loss.cause == "missing" and (column := _worst_column(loss)):
        return (loss.cause, loss.table, column.key)
    return (loss.cause, loss.table)


def urgency_of(points: float) -> Urgency:
    """Say how soon a reader must know of points of a score that were lost."""
    if points >= _SERIOUS_POINTS:
        return Urgency.SERIOUS
    return Urgency.NOTABLE if points >= _NOTABLE_POINTS else Urgency.CONTEXT


def _note(loss: _Loss) -> Note | None:
    """Tell a loss by what it was; by the artifact's own evidence where that is all there is."""
    if loss.cause == "references":
        return _references(loss)
    aspect = loss.aspect
    if aspect is None:
        return None
    note = _TELL[loss.cause](loss, aspect.at("facts")) if loss.cause in _TELL else None
    evidence = aspect.at("evidence")
    if note is not None or not evidence.text:
        return note
    what = _OTHERWISE.get(loss.cause, "Its state")
    parts: list[Part] = [what, " in ", loss.name, " cost ", loss.cost, ": "]
    return Note(sentence=say(*parts, evidence.fact("text"), "."))


def _worst_column(loss: _Loss) -> Place | None:
    columns = loss.profile.at("tables", loss.table, "columns")
    worst = max(columns, key=lambda column: column.at("null_fraction").size, default=None)
    return worst if worst is not None and worst.at("null_fraction").size else None


def _missing(loss: _Loss, _: Place) -> Note | None:
    worst = _worst_column(loss)
    if worst is None:
        return None
    table, name = loss.name, worst.name()
    share = worst.at("null_fraction").fact("percent")
    cost: list[Part] = ["Missing values in ", table, " cost ", loss.cost, ": "]
    return Note(
        sentence=say(*cost, name, " is empty in ", share, " of the rows."),
        action=say("Find out why ", name, " in ", table, " is so often empty, or leave it out."),
    )


def _duplicates(loss: _Loss, facts: Place) -> Note | None:
    if not facts.at("duplicate_row_count").number:
        return None
    repeats = facts.at("duplicate_row_count").fact("count")
    verb = " repeats an earlier one" if repeats.text == "1" else " repeat earlier ones"
    cost: list[Part] = ["Duplicates in ", loss.name, " cost ", loss.cost, ": "]
    return Note(
        sentence=say(*cost, noun(repeats, "row"), verb, " in every column."),
        action=say("Remove the duplicates from ", loss.name, " before you count or add up."),
    )


def _volume(loss: _Loss, facts: Place) -> Note | None:
    rows, target = facts.at("row_count"), facts.at("target_rows")
    if rows.number is None or target.number is None:
        return None
    if not rows.number:
        action = say("Find out why ", loss.name, " is empty.")
        return Note(sentence=say(loss.name, " has no rows."), action=action)
    cost: list[Part] = ["The size of ", loss.name, " costs ", loss.cost, ": it has "]
    count, plenty = noun(rows.fact("count"), "row"), target.fact("count")
    return Note(sentence=say(*cost, count, ", of the ", plenty, " that count as plenty."))


def _age(loss: _Loss, facts: Place) -> Note | None:
    if not facts.at("newest").text or not facts.at("column").text:
        return None
    newest, column = facts.at("newest").fact("day"), facts.at("column").fact("name")
    seen = loss.sufficiency.at("as_of").fact("day")
    cost: list[Part] = ["Age costs ", loss.name, " ", loss.cost, ": seen from ", seen]
    return Note(
        sentence=say(*cost, ", its newest ", column, " is from ", newest, "."),
        action=say("Load newer rows into ", loss.name, ", or judge it at an earlier date."),
    )


def _gap(loss: _Loss, facts: Place) -> Note | None:
    longest, start = facts.at("largest_gap_days"), facts.at("largest_gap_start")
    if not longest.number or not facts.at("column").text:
        return None
    cost: list[Part] = ["A gap in ", loss.name, " costs ", loss.cost, ": "]
    since: Part = [" after ", start.fact("day")] if start.text else ""
    column, days = facts.at("column").fact("name"), noun(longest.fact("count"), "day")
    return Note(
        sentence=say(*cost, column, " misses ", days, " in a row", since, "."),
        action=say("Find out whether rows of ", loss.name, " got lost in that gap."),
    )


_TELL: Final[Mapping[str, Callable[[_Loss, Place], Note | None]]] = {
    "missing": _missing,
    "duplicates": _duplicates,
    "volume": _volume,
    "age": _age,
    "gap": _gap,
}


def _references(loss: _Loss) -> Note | None:
    """Tell the reference that most rows cannot follow, or else one to a key that repeats."""
    worst = _worst_reference(loss)
    if worst is None:
        return None
    if not worst.at("orphan_row_count").number:
        return _repeated_key(loss)
    child, parent = worst.at("child_table").fact("name"), worst.at("parent_table").fact("name")
    column, share = worst.at("child_column").fact("name"), worst.at("orphan_row_fraction")
    rows = noun(worst.at("orphan_row_count").fact("count"), "row")
    cost: list[Part] = ["References without a match cost ", loss.cost, ": "]
    cost += [share.fact("percent"), " of the rows of ", child, " that have a ", column]
    join: list[Part] = ["Join ", child, " to ", parent, " with a left join: "]
    return Note(
        sentence=say(*cost, " do not find it in ", parent, "."),
        action=say(*join, "an inner join on ", column, " drops ", rows, "."),
    )


def _worst_reference(loss: _Loss) -> Place | None:
    links = loss.sufficiency.at("references")
    return max(links, key=lambda link: link.at("orphan_row_fraction").size, default=None)


def _repeated_key(loss: _Loss) -> Note:
    references = loss.sufficiency.at("references")
    loose = min(references, key=lambda link: link.at("parent_uniqueness").size)
    key, owner = loose.at("parent_column").fact("name"), loose.at("parent_table").fact("name")
    child = loose.at("child_table").fact("name")
    cost: list[Part] = ["References cost ", loss.cost, ": "]
    return Note(
        sentence=say(*cost, key, " repeats in ", owner, ", to which ", child, " refers."),
        action=say("Make ", key, " unique in ", owner, ": until then a join multiplies rows."),
    )
