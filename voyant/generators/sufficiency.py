"""Is this data good enough to analyse? A score, a verdict, and what cost which points.

Four components: coverage, cleanliness, joinability, freshness. What cannot be assessed is left out
and its weight shared among the rest; nothing unassessed counts as good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from voyant.artifacts.selection import selections_of
from voyant.artifacts.sufficiency import (
    AspectResult,
    ComponentResult,
    JoinSearch,
    LedgerEntry,
    ReferenceResult,
    SufficiencyArtifact,
    SufficiencyRules,
    TableSufficiency,
)
from voyant.core.engine import Engine
from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register
from voyant.core.tables import Containment, Measure, TableSummary
from voyant.stats import aspects
from voyant.stats.aspects import Aspect
from voyant.stats.event_time import choose_event_time
from voyant.stats.references import FoundBy, Reference, TypeConflict, propose_references
from voyant.stats.scores import UNITS_PER_POINT, apportion, renormalise, weighted_mean
from voyant.stats.semantic import infer_semantic_type

__all__ = ["Joins", "Rules", "compute", "generate_sufficiency", "measure_joins"]

COMPONENT_WEIGHTS: Mapping[str, float] = {
    "coverage": 0.30,
    "cleanliness": 0.30,
    "joinability": 0.20,
    "freshness": 0.20,
}
#: The least score of a verdict; below both it is `insufficient`.
VERDICT_THRESHOLDS: Mapping[str, float] = {"sufficient": 0.80, "usable_with_care": 0.50}

#: Fewer rows than these allow no verdict better than with care, or than insufficient.
_ROWS_FOR_CARE, _ROWS_FOR_ANYTHING = 30, 2
#: A component this low is not made up for by the others.
_WEAK_COMPONENT = 0.25

#: Pairs of columns that are measured at most: each is one join of the two columns' values.
REFERENCE_CAP = 50
#: Containment that bears out a reference that only a shared column name, or only values, suggest.
_MIN_CONTAINMENT = {FoundBy.TABLE_NAME: 0.0, FoundBy.COLUMN_NAME: 0.5, FoundBy.VALUES: 0.8}
_MIN_MATCHED_VALUES = 3

_SCORE_DIGITS = 4
_POINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an operator can set."""

    target_rows: int = 10_000
    half_life_days: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """References between the job's tables, measured.

    Attributes:
        found: Those that the values bear out, and those whose name leaves no doubt.
        proposed_count: Pairs of columns that looked like references.
        measured_count: Those of them that were measured.
        conflicts: References by name whose two sides have different types.
    """

    found: Sequence[tuple[Reference, Containment]] = ()
    proposed_count: int = 0
    measured_count: int = 0
    conflicts: Sequence[TypeConflict] = ()

    def of(self, table: str) -> list[Containment]:
        """Return the references that a table takes part in, on either side."""
        return [join for link, join in self.found if table in {link.child_table, link.parent_table}]

    def lookup_for(self, table: TableSummary) -> str:
        """Name the larger table's column that looks things up in this one; empty if none does."""
        for link, join in self.found:
            is_looked_up = link.parent_table == table.name and join.is_parent_unique
            if is_looked_up and join.child_row_count > table.row_count:
                return f"{link.child_table}.{link.child_column}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    """Points that one aspect of one table costs, before rounding."""

    table: str
    component: str
    aspect: Aspect
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assessment:
    """A table's result, and what the overall ledger needs of it."""

    result: TableSufficiency
    losses: Sequence[_Loss] = field(default_factory=tuple[_Loss, ...])


def compute(
    tables: Sequence[TableSummary],
    duplicates: Mapping[str, Measure],
    joins: Joins,
    as_of: datetime,
    rules: Rules,
) -> SufficiencyArtifact:
    """Judge all tables of a job, each on its own and together.

    Args:
        tables: Summaries, in the job's order.
        duplicates: For each table, its duplicate rows.
        joins: References between them, measured.
        as_of: The moment freshness is judged at, with a time zone.
        rules: The volume target and the half-life.

    Returns:
        The artifact. The overall score is the mean of the tables' scores, so that a small broken
        table is not drowned by a large sound one; no table, no score.
    """
    assessed = {
        table.name: _assess(table, duplicates[table.name], joins, as_of, rules, len(tables))
        for table in tables
    }
    results = {name: assessment.result for name, assessment in assessed.items()}
    losses = [loss for assessment in assessed.values() for loss in assessment.losses]
    score, ledger = _settle(losses, len(results))
    verdict, reason = _overall_verdict(score, results)
    conflicts = [_say_conflict(conflict) for conflict in joins.conflicts]
    return SufficiencyArtifact(
        as_of=as_of.isoformat(),
        rules=SufficiencyRules(
            component_weights=dict(COMPONENT_WEIGHTS),
            verdict_thresholds=dict(VERDICT_THRESHOLDS),
            target_rows=rules.target_rows,
            freshness_half_life_days=rules.half_life_days,
        ),
        score=score,
        verdict=verdict,
        verdict_reason=reason,
        component_scores={
            name: _mean_score([table.components[name].score for table in results.values()])
            for name in COMPONENT_WEIGHTS
        },
        tables=results,
        references=[_show_reference(link, join) for link, join in joins.found],
        join_search=JoinSearch(
            proposed_count=joins.proposed_count,
            measured_count=joins.measured_count,
            cap=REFERENCE_CAP,
            rejected_count=joins.measured_count - len(joins.found),
            type_conflicts=conflicts,
        ),
        ledger=ledger,
        needs=[f"{entry.table}: {entry.needs}" for entry in ledger] + conflicts,
    )


def _mean_score(scores: Sequence[float | None]) -> float | None:
    assessed = [score for score in scores if score is not None]
    return round(sum(assessed) / len(assessed), _SCORE_DIGITS) if assessed else None


# --------------------------------------------------------------------------------- one table


def _assess(
    table: TableSummary,
    duplicates: Measure,
    joins: Joins,
    as_of: datetime,
    rules: Rules,
    table_count: int,
) -> _Assessment:
    seen, event_time = _look(table, duplicates, joins, as_of, rules)
    scores = {name: _component_score(parts) for name, parts in seen.items()}
    shares = renormalise(scores, COMPONENT_WEIGHTS)
    no_joins = (
        "there is only one table"
        if table_count == 1
        else f"no column of {table.name} was found to refer to another table's key, or to be one"
    )
    components = {
        name: _show_component(name, parts, scores[name], shares.get(name, 0.0), no_joins)
        for name, parts in seen.items()
    }
    losses = [
        _Loss(
            table=table.name,
            component=name,
            aspect=part,
            points=_POINTS * components[name].aspects[part.name].weight * (1 - part.score),
        )
        for name, parts in seen.items()
        for part in parts
        if part.score is not None
    ]
    score, ledger = _settle(losses, 1)
    verdict, reason = _table_verdict(score, table, joins, scores)
    result = TableSufficiency(
        row_count=table.row_count,
        score=score,
        verdict=verdict,
        verdict_reason=reason,
        event_time_column=event_time,
        components=components,
        ledger=ledger,
        needs=[entry.needs for entry in ledger] + _suggestions(table, joins, event_time),
    )
    return _Assessment(result=result, losses=losses)


def _look(
    table: TableSummary, duplicates: Measure, joins: Joins, as_of: datetime, rules: Rules
) -> tuple[dict[str, list[Aspect]], str | None]:
    """Look at every aspect of a table; return them by component, and the column of event times."""
    meanings = {
        name: infer_semantic_type(column, table.row_count) for name, column in table.columns.items()
    }
    event_time = choose_event_time(table)
    links = joins.of(table.name)
    found = {
        "coverage": [
            aspects.volume_aspect(table, rules.target_rows, lookup_for=joins.lookup_for(table)),
            aspects.filled_aspect(table),
            aspects.continuity_aspect(event_time),
        ],
        "cleanliness": [
            aspects.nulls_aspect(table),
            aspects.duplicates_aspect(table, duplicates),
            aspects.invalid_aspect(table, meanings),
            aspects.mixed_aspect(table, meanings),
        ],
        "joinability": [
            aspects.containment_aspect(links),
            aspects.orphans_aspect(links),
            aspects.parent_aspect(links),
        ]
        if links
        else [],
        "freshness": [aspects.freshness_aspect(event_time, as_of, rules.half_life_days)],
    }
    rounded = {name: [_rounded(part) for part in parts] for name, parts in found.items()}
    return rounded, event_time.name if event_time else None


def _rounded(part: Aspect) -> Aspect:
    """Round a score first, so that a reader can recompute everything from what is written."""
    if part.score is None:
        return part
    return Aspect(
        name=part.name,
        score=round(min(1.0, max(0.0, part.score)), _SCORE_DIGITS),
        evidence=part.evidence,
        need=part.need,
        facts=part.facts,
    )


def _component_score(parts: Sequence[Aspect]) -> float | None:
    """Return the mean of the assessed aspects: within a component each counts the same."""
    return weighted_mean(
        {part.name: part.score for part in parts}, {part.name: 1.0 for part in parts}
    )


def _show_component(
    name: str, parts: Sequence[Aspect], score: float | None, share: float, no_parts: str
) -> ComponentResult:
    assessed = [part for part in parts if part.score is not None]
    return ComponentResult(
        score=None if score is None else round(score, _SCORE_DIGITS),
        weight=COMPONENT_WEIGHTS[name],
        effective_weight=round(share, 6),
        evidence="; ".join(part.evidence for part in assessed),
        reason="" if assessed else "; ".join(part.reason for part in parts) or no_parts,
        aspects={
            part.name: AspectResult(
                score=part.score,
                weight=0.0 if part.score is None else round(share / len(assessed), 6),
                evidence=part.evidence,
                reason=part.reason,
                facts=dict(part.facts),
            )
            for part in parts
        },
    )


def _settle(losses: Sequence[_Loss], count: int) -> tuple[float | None, list[LedgerEntry]]:
    """Turn losses into a score and a ledger whose points add up to 100 less 100 times the score.

    Args:
        losses: Points lost, each of a table's own hundred.
        count: Tables that the score is the mean of.
    """
    if not losses:
        return None, []
    units = apportion([loss.points / count for loss in losses])
    score = (_POINTS * UNITS_PER_POINT - sum(units)) / (_POINTS * UNITS_PER_POINT)
    entries = [
        LedgerEntry(
            table=loss.table,
            component=loss.component,
            aspect=loss.aspect.name,
            points=unit / UNITS_PER_POINT,
            evidence=loss.aspect.evidence,
            needs=loss.aspect.need,
        )
        for loss, unit in zip(losses, units, strict=True)
        if unit
    ]
    return score, sorted(entries, key=lambda entry: -entry.points)


def _suggestions(table: TableSummary, joins: Joins, event_time: str | None) -> list[str]:
    """Say what would let more be assessed."""
    found = [
        _say_conflict(conflict)
        for conflict in joins.conflicts
        if table.name in {conflict.child_table, conflict.parent_table}
    ]
    if event_time is None:
        texts = [
            column.name
            for column in table.columns.values()
            if infer_semantic_type(column, table.row_count).name == "date_in_text"
        ]
        found += [f"Store {name} as a date, so that freshness can be assessed." for name in texts]
    return found


def _say_conflict(conflict: TypeConflict) -> str:
    return (
        f"Give {conflict.child_table}.{conflict.child_column} ({conflict.child_type}) and"
        f" {conflict.parent_table}.{conflict.parent_column} ({conflict.parent_type}) one type:"
        " as they are they cannot be joined."
    )


# ---------------------------------------------------------------------------------- verdicts


def _by_threshold(score: float) -> tuple[str, str]:
    for verdict, least in VERDICT_THRESHOLDS.items():
        if score >= least:
            return verdict, f"the score is at least {least}"
    return "insufficient", f"the score is below {min(VERDICT_THRESHOLDS.values())}"


def _table_verdict(
    score: float | None, table: TableSummary, joins: Joins, scores: Mapping[str, float | None]
) -> tuple[str, str]:
    """Judge by the score, and by limits that no average may hide."""
    if score is None:
        return "not_assessed", "nothing could be assessed"
    rows = max((column.count for column in table.columns.values()), default=0)
    if rows < _ROWS_FOR_ANYTHING:
        return "insufficient", "only one row holds a value" if rows else "no row holds a value"
    verdict, reason = _by_threshold(score)
    if verdict != "sufficient":
        return verdict, reason
    limits = [
        f"{name} is below {_WEAK_COMPONENT}"
        for name, component in scores.items()
        if component is not None and component < _WEAK_COMPONENT
    ]
    if rows < _ROWS_FOR_CARE and not joins.lookup_for(table):
        limits.append(f"fewer than {_ROWS_FOR_CARE} rows hold a value")
    if limits:
        return "usable_with_care", f"the score is {score}, but {' and '.join(limits)}"
    return verdict, reason


def _overall_verdict(
    score: float | None, results: Mapping[str, TableSufficiency]
) -> tuple[str, str]:
    """Judge by the score, and never better than with care while a table is insufficient."""
    if score is None:
        return "not_assessed", "there are no tables" if not results else "nothing could be assessed"
    verdict, reason = _by_threshold(score)
    short = [name for name, result in results.items() if result.verdict != "sufficient"]
    poor = [name for name in short if results[name].verdict == "insufficient"]
    if verdict == "sufficient" and poor:
        return "usable_with_care", f"the score is {score}, but insufficient: {', '.join(poor)}"
    if verdict == "sufficient" and len(short) == len(results):
        return "usable_with_care", f"the score is {score}, but no table is sufficient on its own"
    return verdict, reason


# ------------------------------------------------------------------------------------- joins


def measure_joins(engine: Engine, tables: Sequence[TableSummary]) -> Joins:
    """Propose references from the summaries, and have the engine measure the surest of them."""
    proposed, conflicts = propose_references(tables)
    measured = [
        (link, engine.containment(
            link.child_table, link.child_column, link.parent_table, link.parent_column
        ))
        for link in proposed[:REFERENCE_CAP]
    ]  # fmt: skip
    return Joins(
        found=[(link, join) for link, join in measured if _is_borne_out(link, join)],
        proposed_count=len(proposed),
        measured_count=len(measured),
        conflicts=conflicts,
    )


def _is_borne_out(link: Reference, join: Containment) -> bool:
    """Decide whether values confirm a name; a column that names the other table needs no more."""
    if link.found_by is FoundBy.VALUES and join.matched_distinct_count < _MIN_MATCHED_VALUES:
        return False
    return join.containment >= _MIN_CONTAINMENT[link.found_by]


def _show_reference(link: Reference, join: Containment) -> ReferenceResult:
    scores = aspects.join_scores(join)
    rows, matched = join.child_row_count, join.matched_distinct_count
    return ReferenceResult(
        child_table=link.child_table,
        child_column=link.child_column,
        parent_table=link.parent_table,
        parent_column=link.parent_column,
        found_by=link.found_by.label,
        score=round(sum(scores) / len(scores), _SCORE_DIGITS),
        containment=join.containment,
        child_row_count=rows,
        orphan_row_count=join.orphan_row_count,
        orphan_row_fraction=join.orphan_row_count / rows if rows else 0.0,
        parent_uniqueness=scores[2],
        mean_fan_out=(rows - join.orphan_row_count) / matched if matched else None,
        max_fan_out=join.max_fan_out,
    )


@register("sufficiency", is_core=True, order=30, produces=("sufficiency",))
def generate_sufficiency(ctx: GeneratorContext) -> ArtifactResult:
    """Score whether the tables are good enough to analyse, and say what cost which points."""
    tables = [ctx.summary(name) for name in ctx.tables]
    model = compute(
        tables,
        {table.name: ctx.engine.duplicate_rows(table.name) for table in tables},
        measure_joins(ctx.engine, tables),
        ctx.as_of,
        Rules(
            target_rows=cast("int", ctx.setting("sufficiency_target_rows")),
            half_life_days=cast("float", ctx.setting("freshness_half_life_days")),
        ),
    )
    model = model.model_copy(update={"selections": selections_of(ctx.engine, ctx.tables)})
    return {"sufficiency": ctx.write_json("sufficiency.json", model)}
