"""Which checks make up a table's quality, what does each weigh, and what did a failed one cost?

A check that passed scores 1. One that failed loses with the share of rows that fail it, all at
10 %; one that has no rows to count (a missing column, a value of SQL) loses all. Notes weigh
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from voyant.stats.scores import UNITS_PER_POINT, apportion, limit_score, renormalise

__all__ = [
    "CHECKS",
    "DIMENSIONS",
    "DIMENSION_WEIGHTS",
    "FULL_LOSS_FRACTION",
    "SEVERITIES",
    "SEVERITY_WEIGHTS",
    "CheckKind",
    "Dimension",
    "QualityScore",
    "Scored",
    "Severity",
    "Status",
    "check_score",
    "quality_score",
]

Dimension = Literal[
    "completeness", "uniqueness", "validity", "consistency", "timeliness", "coverage", "accuracy"
]
Severity = Literal["info", "warning", "error"]
Status = Literal["passed", "failed", "not_assessed"]

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
#: From the mildest.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

#: How much each dimension decides of the score; what is not assessed is shared among the rest.
DIMENSION_WEIGHTS: Mapping[str, float] = {
    "completeness": 0.25,
    "uniqueness": 0.15,
    "validity": 0.25,
    "consistency": 0.20,
    "timeliness": 0.05,
    "coverage": 0.05,
    "accuracy": 0.05,
}
#: How much a check decides of its dimension: an info is a note, and costs nothing.
SEVERITY_WEIGHTS: Mapping[str, float] = {"info": 0.0, "warning": 1.0, "error": 3.0}
#: Share of failing rows at which a failed check scores 0.
FULL_LOSS_FRACTION = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckKind:
    """An automatic check, as it is unless somebody sets it differently.

    Attributes:
        max_fraction: Share of failing rows that is tolerated; None where the check has no share.
        asks: What it asks, for documentation and pages.
    """

    dimension: Dimension
    severity: Severity
    max_fraction: float | None
    asks: str


#: Every automatic check by name. Each is described in docs/reference/checks.md.
CHECKS: Mapping[str, CheckKind] = {
    "has_rows": CheckKind(
        dimension="coverage", severity="error", max_fraction=None, asks="Does the table have rows?"
    ),
    "missing_values": CheckKind(
        dimension="completeness",
        severity="warning",
        max_fraction=0.20,
        asks="Is the value null, NaN or blank text?",
    ),
    "near_empty": CheckKind(
        dimension="completeness",
        severity="warning",
        max_fraction=0.95,
        asks="Does hardly any row hold a value?",
    ),
    "duplicate_rows": CheckKind(
        dimension="uniqueness",
        severity="warning",
        max_fraction=0.0,
        asks="Does the row repeat an earlier one in every column?",
    ),
    "duplicate_keys": CheckKind(
        dimension="uniqueness",
        severity="warning",
        max_fraction=0.0,
        asks="Is the key of the row missing, or another row's as well?",
    ),
    "constant_column": CheckKind(
        dimension="coverage",
        severity="info",
        max_fraction=None,
        asks="Do all rows hold one and the same value?",
    ),
    "mixed_types": CheckKind(
        dimension="validity",
        severity="warning",
        max_fraction=0.0,
        asks="Is the value no number (date) although the column's others are?",
    ),
    "invalid_values": CheckKind(
        dimension="validity",
        severity="warning",
        max_fraction=0.0,
        asks="Does the value break the format that the column's others follow?",
    ),
    "impossible_values": CheckKind(
        dimension="validity",
        severity="warning",
        max_fraction=0.0,
        asks="Is the value one that the thing the column is named after cannot have?",
    ),
    "infinite_values": CheckKind(
        dimension="validity", severity="warning", max_fraction=0.0, asks="Is the value infinite?"
    ),
    "outliers": CheckKind(
        dimension="validity",
        severity="info",
        max_fraction=0.0,
        asks="Does the value lie far outside of where the column's others lie?",
    ),
    "padded_text": CheckKind(
        dimension="consistency",
        severity="warning",
        max_fraction=0.0,
        asks="Does the text begin or end with white space?",
    ),
    "case_variants": CheckKind(
        dimension="consistency",
        severity="warning",
        max_fraction=0.0,
        asks="Is the category written in another way more often?",
    ),
    "date_order": CheckKind(
        dimension="consistency",
        severity="warning",
        max_fraction=0.0,
        asks="Does what is named as the later time come before the earlier one?",
    ),
    "orphans": CheckKind(
        dimension="consistency",
        severity="warning",
        max_fraction=0.0,
        asks="Does the value refer to a key that the other table does not hold?",
    ),
    "future_times": CheckKind(
        dimension="timeliness",
        severity="warning",
        max_fraction=0.0,
        asks="Does the event lie more than a day after the moment the run speaks about?",
    ),
    "personal_data": CheckKind(
        dimension="validity",
        severity="info",
        max_fraction=0.0,
        asks="Does the value tell, in the clear, who a person is or how to reach one?",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a score needs to know of a check."""

    dimension: str
    severity: str
    status: Status
    failing_fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityScore:
    """A score and what each check cost.

    Attributes:
        score: In [0, 1], to the ten-thousandth; None when nothing that weighs was assessed.
        dimensions: Each dimension's score, None when nothing in it that weighs was assessed.
        shares: What each assessed dimension decides of the score; they sum to 1.
        points: Points each check cost, in their order; they add up to 100 less 100 times the score.
    """

    score: float | None
    dimensions: Mapping[str, float | None]
    shares: Mapping[str, float]
    points: tuple[float, ...]


def check_score(status: Status, failing_fraction: float | None) -> float:
    """Score one assessed check.

    >>> check_score("passed", 0.01), check_score("failed", 0.05), check_score("failed", None)
    (1.0, 0.5, 0.0)
    """
    if status == "passed":
        return 1.0
    return 0.0 if failing_fraction is None else limit_score(failing_fraction, FULL_LOSS_FRACTION)


def quality_score(checks: Sequence[Scored]) -> QualityScore:
    """Combine checks: a weighted mean in each dimension, and a weighted mean of the dimensions.

    What was not assessed, and notes, are left out; the weights of the rest are scaled up to 1.
    Source: our definition.

    >>> one = Scored(dimension="validity", severity="error", status="failed", failing_fraction=0.05)
    >>> two = Scored(dimension="validity", severity="warning", status="passed")
    >>> quality_score([one, two]).score
    0.625
    """
    weights = [
        0.0 if check.status == "not_assessed" else SEVERITY_WEIGHTS[check.severity]
        for check in checks
    ]
    totals: dict[str, float] = dict.fromkeys(DIMENSIONS, 0.0)
    losses = dict(totals)
    own: list[float] = []
    for check, weight in zip(checks, weights, strict=True):
        loss = weight * (1 - check_score(check.status, check.failing_fraction)) if weight else 0.0
        own.append(loss)
        totals[check.dimension] += weight
        losses[check.dimension] += loss
    scores = {name: 1 - losses[name] / total if total else None for name, total in totals.items()}
    shares = renormalise(scores, DIMENSION_WEIGHTS)
    if not shares:
        return QualityScore(
            score=None, dimensions=scores, shares={}, points=tuple(0.0 for _ in checks)
        )
    exact = [
        100 * shares[check.dimension] * loss / totals[check.dimension] if loss else 0.0
        for check, loss in zip(checks, own, strict=True)
    ]
    units = apportion(exact)
    whole = 100 * UNITS_PER_POINT
    return QualityScore(
        score=(whole - sum(units)) / whole,
        dimensions={
            name: None if score is None else round(score, 4) for name, score in scores.items()
        },
        shares=shares,
        points=tuple(unit / UNITS_PER_POINT for unit in units),
    )
