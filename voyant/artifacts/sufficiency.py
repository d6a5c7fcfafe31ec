"""The shape of `sufficiency.json`: how good each table is for analysis, and what cost which points.

Scores lie in [0, 1]; null says not assessed, and `reason` why. One point is a hundredth of a score:
the points of a ledger add up to exactly 100 less 100 times its score.
"""

from __future__ import annotations

from pydantic import Field

from voyant.artifacts.base import Artifact, ArtifactPart
from voyant.core.tables import Scalar

__all__ = [
    "AspectResult",
    "ComponentResult",
    "JoinSearch",
    "LedgerEntry",
    "ReferenceResult",
    "SufficiencyArtifact",
    "SufficiencyRules",
    "TableSufficiency",
]


class AspectResult(ArtifactPart):
    """One thing that was looked at."""

    score: float | None
    weight: float
    """Share of the table's score that it decides; 0 when not assessed."""
    evidence: str
    """What was seen, with its numbers."""
    reason: str
    """Why it was not assessed; empty when it was."""
    facts: dict[str, Scalar]
    """The numbers behind the score."""


class ComponentResult(ArtifactPart):
    """Coverage, cleanliness, joinability or freshness: the mean of its assessed aspects."""

    score: float | None
    weight: float
    """Its nominal weight."""
    effective_weight: float
    """Its share after the weight of what was not assessed went to the rest."""
    evidence: str
    reason: str
    """Why it was not assessed; empty when it was."""
    aspects: dict[str, AspectResult]


class LedgerEntry(ArtifactPart):
    """What cost points."""

    table: str
    component: str
    aspect: str
    points: float
    """Hundredths of the score this ledger belongs to, to two decimals."""
    evidence: str
    needs: str
    """What to do about it."""


class TableSufficiency(ArtifactPart):
    """One table."""

    row_count: int
    score: float | None
    verdict: str
    """`sufficient`, `usable_with_care`, `insufficient` or `not_assessed`."""
    verdict_reason: str
    """The threshold or limit that decided."""
    event_time_column: str | None
    components: dict[str, ComponentResult]
    ledger: list[LedgerEntry]
    """Most points first."""
    needs: list[str]
    """What to do, most points first; then what would let more be assessed."""


class ReferenceResult(ArtifactPart):
    """A measured reference from one table's column to another's."""

    child_table: str
    child_column: str
    parent_table: str
    parent_column: str
    found_by: str
    """`table_name`, `column_name` or `values`: what it was recognised by."""
    score: float
    containment: float
    """Share of the child's different values that the parent holds."""
    child_row_count: int
    """Child rows with a value."""
    orphan_row_count: int
    """Those whose value the parent does not hold."""
    orphan_row_fraction: float
    parent_uniqueness: float
    """Different values by rows on the parent side; 1 where each stands in one row."""
    mean_fan_out: float | None
    """Matched child rows for each parent value that has any."""
    max_fan_out: int
    """The most child rows of one parent value."""


class JoinSearch(ArtifactPart):
    """How references were looked for."""

    proposed_count: int
    """Pairs of columns that looked like references."""
    measured_count: int
    cap: int
    """At most so many pairs are measured, the surest first."""
    rejected_count: int
    """Measured pairs whose values did not bear out what they looked like."""
    type_conflicts: list[str]
    """References by name that no join can follow as the two types stand."""


class SufficiencyRules(ArtifactPart):
    """The choices behind the scores."""

    component_weights: dict[str, float]
    verdict_thresholds: dict[str, float]
    """The least score of a verdict."""
    target_rows: int
    freshness_half_life_days: float


class SufficiencyArtifact(Artifact):
    """`sufficiency.json`."""

    as_of: str
    """The moment that freshness is judged at, ISO 8601."""
    rules: SufficiencyRules
    score: float | None
    """Mean of the tables' scores, each table counting once."""
    verdict: str
    verdict_reason: str
    component_scores: dict[str, float | None]
    """Mean over the tables for which the component was assessed; for orientation."""
    tables: dict[str, TableSufficiency] = Field(default_factory=dict)
    selections: dict[str, str] = Field(default_factory=dict[str, str])
    """For tables of which some rows were selected, which: the numbers are about those."""
    references: list[ReferenceResult]
    join_search: JoinSearch
    ledger: list[LedgerEntry]
    """Points of the overall score, most first."""
    needs: list[str]
