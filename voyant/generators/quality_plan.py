"""What is to be found out about a table, and what does the answer mean: passed, failed, open?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from voyant.artifacts.base import Inexact
from voyant.artifacts.quality import CheckResult, FailingValue
from voyant.artifacts.quality_rules import Limit
from voyant.core.checks import FailureCount, RowCheck, RowCheckKind
from voyant.core.engine import Engine
from voyant.core.tables import Approximation, ColumnSummary, Scalar, TableSummary
from voyant.stats.masking import mask_value
from voyant.stats.patterns import shape
from voyant.stats.quality import Dimension, Severity, Status
from voyant.stats.quality_columns import has_whole_sample

__all__ = ["Planned", "answer", "judge", "with_examples"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One check, on its way from a question to a verdict.

    Attributes:
        title: What must hold.
        fails: What is said of failing rows, after their number: `are missing`.
        check: What the engine is to count; None where `count` or `is_met` is known already.
        count: What was counted.
        is_met: The verdict, of a check that counts no rows.
        reason: Why it cannot be assessed.
        limit: What the number of failing rows must be; `max_fraction` holds without one.
        are_examples_shapes: Whether failing values are shown by their shape only.
    """

    name: str
    title: str
    source: Literal["automatic", "declared"]
    dimension: Dimension
    severity: Severity
    table: str
    columns: tuple[str, ...] = ()
    origin: str = ""
    id: str = ""
    fails: str = "fail"
    check: RowCheck | None = None
    count: FailureCount | None = None
    approximation: Approximation | None = None
    is_met: bool | None = None
    observed: Scalar = None
    threshold: str = ""
    message: str = ""
    reason: str = ""
    max_fraction: float = 0.0
    limit: Limit | None = None
    is_percent: bool = False
    are_examples_shapes: bool = False


def answer(engine: Engine, summary: TableSummary, plans: Sequence[Planned]) -> list[Planned]:
    """Count what is still to be counted: from the summary where it knows, the rest in one scan."""
    known: dict[int, FailureCount] = {}
    open_checks: dict[int, RowCheck] = {}
    for place, plan in enumerate(plans):
        if plan.check is None or plan.count is not None or plan.reason:
            continue
        count = _from_summary(summary.columns, plan.check)
        if count is None:
            open_checks[place] = plan.check
        else:
            known[place] = count
    counted = engine.count_failures(summary.name, list(open_checks.values()))
    known.update(zip(open_checks, counted, strict=True))
    return [
        replace(plan, count=known[place]) if place in known else plan
        for place, plan in enumerate(plans)
    ]


def _from_summary(columns: Mapping[str, ColumnSummary], check: RowCheck) -> FailureCount | None:
    """Answer from what is known, None if a scan is needed."""
    column = columns.get(check.columns[0])
    if column is None or len(check.columns) > 1:
        return None
    if check.kind is RowCheckKind.NOT_NULL:
        return FailureCount(checked_count=column.row_count, failing_count=column.null_count)
    values = column.count - column.nan_count
    if check.kind is RowCheckKind.IN_RANGE and column.kind.is_numeric:
        is_within = _is_above(column.min, check) and _is_below(column.max, check)
        if is_within and not column.infinite_count:
            return FailureCount(checked_count=values, failing_count=0)
    texts_only = check.kind is RowCheckKind.IN_SET and column.text is not None and check.values
    if texts_only and has_whole_sample(column):
        allowed = {str(value) for value in check.values}
        failing = sum(item.count for item in column.sample if str(item.value) not in allowed)
        return FailureCount(checked_count=values, failing_count=failing)
    return None


def _is_above(value: Scalar, check: RowCheck) -> bool:
    low = check.low
    if low is None:
        return True
    if not isinstance(value, int | float) or not isinstance(low, int | float):
        return False
    return value > low if check.is_low_open else value >= low


def _is_below(value: Scalar, check: RowCheck) -> bool:
    high = check.high
    if high is None:
        return True
    if not isinstance(value, int | float) or not isinstance(high, int | float):
        return False
    return value < high if check.is_high_open else value <= high


def judge(plan: Planned) -> CheckResult:
    """Turn a counted check into its result; nothing is asked here."""
    status, reason, message = _verdict(plan)
    count = plan.count
    is_counted = status != "not_assessed" and count is not None
    failing = count.failing_count if is_counted and count is not None else None
    checked = count.checked_count if is_counted and count is not None else None
    made = plan.approximation if is_counted else None
    return CheckResult(
        id=plan.id or ":".join((plan.name, ".".join((plan.table, *plan.columns)))),
        name=plan.name,
        title=plan.title,
        source=plan.source,
        origin=plan.origin,
        dimension=plan.dimension,
        severity=plan.severity,
        table=plan.table,
        columns=list(plan.columns),
        status=status,
        observed=plan.observed if status != "not_assessed" else None,
        threshold=plan.threshold or _say_threshold(plan),
        checked_count=checked,
        failing_count=failing,
        failing_fraction=failing / checked if failing is not None and checked else None,
        message=message,
        reason=reason,
        approximation=Inexact.of(made) if made is not None else None,
        examples=[],
    )


def _verdict(plan: Planned) -> tuple[Status, str, str]:
    """Return the status, why it was not assessed, and what was seen."""
    if plan.reason:
        return "not_assessed", plan.reason, ""
    if plan.is_met is not None:
        return "passed" if plan.is_met else "failed", "", plan.message
    count = plan.count
    if count is None or count.failing_count is None:
        reason = "it was not counted" if count is None else count.reason
        return "not_assessed", reason, ""
    failing, checked = count.failing_count, count.checked_count
    if not checked and plan.limit is None:
        return "not_assessed", "there is no row with a value to check", ""
    share = failing / checked if checked else 0.0
    about = "about " if plan.approximation else ""
    if failing:
        message = f"{about}{failing:,} of {checked:,} rows ({_percent(share)}) {plan.fails}"
    else:
        message = f"none of {checked:,} rows {plan.fails}"
    message += f"; {plan.message}" if plan.message and failing else ""
    if plan.limit is not None:
        is_met = plan.limit.holds(100 * share if plan.is_percent else failing)
    else:
        is_met = share <= plan.max_fraction
    return "passed" if is_met else "failed", "", message


def _percent(share: float) -> str:
    """Print a share so that something is never nothing.

    >>> _percent(0.0245), _percent(0.0000002), _percent(1.0)
    ('2.5%', '<0.01%', '100.0%')
    """
    least = 0.0001
    if 0 < share < least:
        return "<0.01%"
    return f"{share:.1%}" if share >= 0.01 else f"{share:.2%}"  # noqa: PLR2004 - one percent


def _say_threshold(plan: Planned) -> str:
    if plan.limit is not None:
        return f"failing rows {plan.limit}{'%' if plan.is_percent else ''}"
    if plan.is_met is not None:
        return ""
    most = f"at most {100 * plan.max_fraction:.6g}% of the rows"
    return most if plan.max_fraction else "no failing row"


def with_examples(engine: Engine, plan: Planned, result: CheckResult, most: int) -> CheckResult:
    """Add the most frequent failing values, masked: at most `most`, none of a check that passed."""
    if not most or result.status != "failed" or plan.check is None:
        return result
    values = engine.failing_values(plan.table, plan.check, limit=most)
    shown = [
        FailingValue(
            value=shape(str(item.value)) if plan.are_examples_shapes and item.value is not None
            else mask_value(item.value),
            count=item.count,
        )
        for item in values
    ]  # fmt: skip
    return result.model_copy(update={"examples": shown})
