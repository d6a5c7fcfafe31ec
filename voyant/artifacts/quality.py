"""The shape of `quality.json`: what was checked, what failed, and what it costs in points.

The points of the ledger add up to exactly 100 less 100 times the score. Null says not assessed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voyant.artifacts.base import Artifact, ArtifactPart, Inexact
from voyant.core.tables import Scalar
from voyant.stats.quality import Dimension, Severity, Status

__all__ = [
    "CheckResult",
    "ContractResult",
    "DimensionResult",
    "FailingValue",
    "QualityArtifact",
    "QualityLedgerEntry",
    "QualityRules",
    "TableQuality",
    "Verdict",
]

Verdict = Literal["failed", "warnings", "passed", "not_assessed"]


class FailingValue(ArtifactPart):
    """A value that fails a check, masked."""

    value: Scalar
    count: int
    """Rows that hold it."""


class CheckResult(ArtifactPart):
    """One thing that was checked."""

    id: str
    """Unique within the artifact and the same from run to run: `missing_values:flights.speed`."""
    name: str
    """The automatic check, or the kind of declared rule."""
    title: str
    """What must hold, in words."""
    source: Literal["automatic", "declared"]
    origin: str
    """Where a declared rule was written: `voyant.toml`, or a contract's file name."""
    dimension: Dimension
    severity: Severity
    table: str
    columns: list[str]
    """The columns it is about; none for a whole table."""
    status: Status
    observed: Scalar
    """What was seen, where it is not a count of rows."""
    threshold: str
    """What was demanded."""
    checked_count: int | None
    """Rows it applies to."""
    failing_count: int | None
    failing_fraction: float | None
    """Share of the checked rows that fail."""
    message: str
    """What was seen, as a sentence."""
    reason: str
    """Why it was not assessed; empty when it was."""
    approximation: Inexact | None
    """How the counts were made when they are not exact."""
    examples: list[FailingValue]
    """The most frequent failing values, masked; empty unless the settings ask for them."""


class DimensionResult(ArtifactPart):
    """All checks of one dimension."""

    score: float | None
    weight: float
    """Its nominal weight."""
    effective_weight: float
    """Its share after the weight of what was not assessed went to the rest."""
    passed_count: int
    failed_count: int
    not_assessed_count: int


class TableQuality(ArtifactPart):
    """All checks of one table."""

    score: float | None
    verdict: Verdict
    passed_count: int
    failed_count: int
    not_assessed_count: int


class QualityLedgerEntry(ArtifactPart):
    """What cost points."""

    check: str
    """The id of the check."""
    dimension: Dimension
    table: str
    points: float
    message: str


class ContractResult(ArtifactPart):
    """A contract that was held against the tables."""

    file: str
    id: str
    name: str
    version: str
    api_version: str
    status: str
    """As the contract states it: `active`, `draft` ..."""
    passed_count: int
    failed_count: int
    not_assessed_count: int


class QualityRules(ArtifactPart):
    """What the score was made with."""

    dimension_weights: dict[str, float]
    severity_weights: dict[str, float]
    full_loss_fraction: float
    """Share of failing rows at which a failed check scores 0."""
    exact_values: int
    """Formats were checked exactly up to so many different suspicious values."""
    outlier_fence: float


class QualityArtifact(Artifact):
    """`quality.json`."""

    verdict: Verdict
    """`failed` if a check of severity error failed, `warnings` if one of severity warning did."""
    score: float | None
    """In [0, 1], over all tables."""
    dimensions: dict[Dimension, DimensionResult]
    tables: dict[str, TableQuality]
    checks: list[CheckResult]
    """Automatic ones first, table by table, then declared ones in their order."""
    ledger: list[QualityLedgerEntry]
    """What cost points, the most first."""
    contracts: list[ContractResult]
    rules: QualityRules
    selections: dict[str, str] = Field(default_factory=dict[str, str])
    """For tables of which some rows were selected, which: the numbers are about those."""
