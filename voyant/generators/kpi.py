"""What do the job's KPIs say, how do they stand against their thresholds, and what changed?

The thresholds count as reached at their own value: with direction `up` a KPI is critical at or
below `critical`, with `down` at or above it, and the same for `warn`. A KPI without thresholds is
`ok` once it has a result; one without rows, with nothing but nulls, or with NaN has `no_data`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation, localcontext
from math import isfinite
from time import perf_counter

from voyant.artifacts.kpi_history import KpiHistory
from voyant.artifacts.kpis import (
    KpiColumn,
    KpiDefinition,
    KpiDifference,
    KpiResult,
    KpisArtifact,
    KpiStatus,
    parse_definitions,
)
from voyant.core.engine import Engine
from voyant.core.errors import QueryError
from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register
from voyant.core.selection import Selecting, describe_selection
from voyant.core.tables import QueryResult, Scalar
from voyant.stats.masking import mask_text, mask_value
from voyant.stats.sql_types import is_number_type

__all__ = ["Answer", "compute", "generate_kpis"]

_logger = logging.getLogger("voyant.generators.kpi")

_DIGITS = 60  # enough to subtract the engines' widest whole numbers, of 39 digits, exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine said to one KPI: a result, or else why there is none."""

    result: QueryResult | None
    error: str = ""
    duration_ms: float


def compute(
    definitions: Sequence[KpiDefinition],
    answers: Sequence[Answer],
    previous: Sequence[Scalar],
    *,
    mask_personal_data: bool,
) -> KpisArtifact:
    """Judge and compare each answer; the values are masked last, so nothing is judged by its mask.

    Args:
        definitions: In the order of the artifact.
        answers: One for each definition.
        previous: For each definition the value of an earlier job, None without one.
        mask_personal_data: Whether to mask values that look personal.
    """
    kpis = [_judged(*parts) for parts in zip(definitions, answers, previous, strict=True)]
    if mask_personal_data:
        kpis = [_masked(kpi) for kpi in kpis]
    return KpisArtifact(
        kpis=kpis,
        is_masking_enabled=mask_personal_data,
        masked_count=sum(kpi.masked_count for kpi in kpis),
    )


def _judged(definition: KpiDefinition, answer: Answer, previous: Scalar) -> KpiResult:
    result = answer.result or QueryResult(columns=(), rows=(), truncated=False, duration_ms=0.0)
    value, number = _single(result)
    status, error = _status(definition, answer, number)
    earlier = _number(previous, result.columns[0].type) if result.columns else None
    return KpiResult(
        **definition.model_dump(),
        status=status,
        value=value,
        previous=previous,
        change=_difference(number, earlier),
        distance_to_target=_difference(number, _number(definition.target)),
        columns=[KpiColumn(name=column.name, type=column.type) for column in result.columns],
        rows=[list(row) for row in result.rows],
        truncated=result.truncated,
        masked_count=0,
        error=error,
    )


def _single(result: QueryResult) -> tuple[Scalar, Decimal | None]:
    """Return the only cell of a result as it is and as a number, None where there is none."""
    if len(result.rows) != 1 or len(result.columns) != 1 or result.truncated:
        return None, None
    value = result.rows[0][0]
    return value, _number(value, result.columns[0].type)


def _number(value: Scalar, type_name: str = "") -> Decimal | None:
    """Read a number as it is spelled, so that 0.3 - 0.1 is 0.2; text only of a numeric type.

    >>> _number(0.1), _number("12345678901234567.89", "DECIMAL(19,2)"), _number("12", "VARCHAR")
    (Decimal('0.1'), Decimal('12345678901234567.89'), None)
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, str) and not is_number_type(type_name):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _status(
    definition: KpiDefinition, answer: Answer, number: Decimal | None
) -> tuple[KpiStatus, str | None]:
    """Return the status and, for an error, its text."""
    result = answer.result
    if result is None:
        return "error", answer.error
    is_empty = not result.truncated and all(cell is None for row in result.rows for cell in row)
    if is_empty or (number is not None and number.is_nan()):
        return "no_data", None
    expectations = [
        name for name in ("target", "warn", "critical") if getattr(definition, name) is not None
    ]
    if expectations and number is None:
        return "error", (
            f"The result is {_shape(result)}, so it cannot be compared with its "
            f"{' and '.join(expectations)}: select one number, or leave those out."
        )
    if _reaches(number, definition.critical, definition.direction):
        return "critical", None
    return "warn" if _reaches(number, definition.warn, definition.direction) else "ok", None


def _reaches(number: Decimal | None, threshold: float | None, direction: str | None) -> bool:
    limit = _number(threshold)
    if number is None or limit is None:
        return False
    return number <= limit if direction == "up" else number >= limit


def _shape(result: QueryResult) -> str:
    if len(result.rows) == 1 == len(result.columns) and not result.truncated:
        return f"a {result.columns[0].type}"
    more = "more than " if result.truncated else ""
    return f"{more}{len(result.rows)} x {len(result.columns)} cells"


def _difference(number: Decimal | None, base: Decimal | None) -> KpiDifference | None:
    """Subtract, exactly for whole and decimal numbers; None where either is missing or not finite.

    >>> _difference(Decimal("0.3"), Decimal("-0.1"))
    KpiDifference(absolute=0.4, relative=4.0)
    """
    if number is None or base is None or not (number.is_finite() and base.is_finite()):
        return None
    with localcontext(prec=_DIGITS):
        absolute = number - base
        relative = float(absolute / abs(base)) if base else None
    if not isfinite(float(absolute)):
        return None
    is_whole = absolute.as_tuple().exponent == 0
    return KpiDifference(
        absolute=int(absolute) if is_whole else float(absolute),
        relative=relative if relative is None or isfinite(relative) else None,
    )


def _masked(kpi: KpiResult) -> KpiResult:
    """Mask what looks personal in the values, the earlier value and the error."""
    rows = [[mask_value(cell) for cell in row] for row in kpi.rows]
    error = None if kpi.error is None else mask_text(kpi.error)
    changed = sum(
        new is not old and new != old
        for new_row, old_row in zip(rows, kpi.rows, strict=True)
        for new, old in zip(new_row, old_row, strict=True)
    )
    return kpi.model_copy(
        update={
            "rows": rows,
            "value": mask_value(kpi.value),
            "previous": mask_value(kpi.previous),
            "error": error,
            "masked_count": changed + (error != kpi.error),
        }
    )


@register("kpi", is_core=True, order=20, produces=("kpis",))
def generate_kpis(ctx: GeneratorContext) -> ArtifactResult:
    """Run the job's KPIs and judge them by their thresholds and by the job before.

    Raises:
        ConfigurationError: A definition that cannot be used; nothing was run.
        QueryError: At least one KPI failed; `kpis.json` is written all the same.
    """
    definitions = parse_definitions(ctx.kpis)
    names = [definition.name for definition in definitions]
    before = KpiHistory(ctx.artifacts_root, ctx.tenant_id).last(names, ctx.job_id)
    answers = [_ask(ctx.engine, definition) for definition in definitions]
    artifact = compute(
        definitions,
        answers,
        [before.get(name) for name in names],
        mask_personal_data=bool(ctx.setting("mask_personal_data")),
    )
    if definitions:  # a job without KPIs opens no table for them
        artifact = artifact.model_copy(update={"selections": _seen_rows(ctx)})
    path = ctx.write_json("kpis.json", artifact)
    ctx.note(
        "kpi_duration_ms",
        {d.name: round(a.duration_ms, 3) for d, a in zip(definitions, answers, strict=True)},
    )
    _raise_for_errors(artifact)
    return {"kpis": path}


def _seen_rows(ctx: GeneratorContext) -> dict[str, str]:
    """Say which rows users' queries see of tables that are not shown whole."""
    if not isinstance(ctx.engine, Selecting):
        return {}
    found: dict[str, str] = {}
    for table in ctx.tables:
        selection = ctx.engine.selection(table)
        if selection is not None:
            seen = describe_selection(replace(selection, sample=None))
            found[table] = seen or "all rows; the sample is not for KPIs"
    return found


def _ask(engine: Engine, definition: KpiDefinition) -> Answer:
    started = perf_counter()
    try:
        result = engine.query(definition.sql)
    except QueryError as error:
        duration_ms = (perf_counter() - started) * 1000
        _logger.info("KPI %r failed in %.1f ms", definition.name, duration_ms)
        return Answer(result=None, error=str(error), duration_ms=duration_ms)
    _logger.info("KPI %r answered in %.1f ms", definition.name, result.duration_ms)
    return Answer(result=result, duration_ms=result.duration_ms)


def _raise_for_errors(artifact: KpisArtifact) -> None:
    failed = [kpi for kpi in artifact.kpis if kpi.error is not None]
    if not failed:
        return
    reasons = " ".join(f"{kpi.name!r}: {_first_paragraph(kpi.error or '')}" for kpi in failed)
    raise QueryError(
        f"{len(failed)} of {len(artifact.kpis)} KPIs failed: {reasons}",
        remedy="kpis.json has what the others gave.",
    )


def _first_paragraph(text: str) -> str:
    """Return what an engine says before it quotes the query, as a sentence on one line."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
