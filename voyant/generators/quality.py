"""What is wrong with the tables: which checks failed, how badly, and what does it cost?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from voyant.artifacts.contracts import Contract, read_contract
from voyant.artifacts.quality import (
    CheckResult,
    ContractResult,
    DimensionResult,
    QualityArtifact,
    QualityLedgerEntry,
    QualityRules,
    TableQuality,
    Verdict,
)
from voyant.artifacts.quality_rules import rules_of_settings
from voyant.artifacts.quality_settings import QualitySettings, parse_quality
from voyant.artifacts.selection import selections_of
from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register
from voyant.core.tables import TableSummary
from voyant.generators.quality_automatic import Subject, plan_automatic, settle
from voyant.generators.quality_declared import plan_declared
from voyant.generators.quality_plan import Planned, answer, judge, with_examples
from voyant.generators.sufficiency import measure_joins
from voyant.stats.quality import (
    DIMENSION_WEIGHTS,
    DIMENSIONS,
    FULL_LOSS_FRACTION,
    SEVERITY_WEIGHTS,
    QualityScore,
    Scored,
    quality_score,
)
from voyant.stats.semantic import infer_semantic_type

__all__ = ["compute", "generate_quality"]


def compute(
    tables: Sequence[str],
    checks: Sequence[CheckResult],
    contracts: Sequence[Contract],
    settings: QualitySettings,
) -> QualityArtifact:
    """Score the checks and say what cost which points; nothing is asked here."""
    score = _score(checks)
    return QualityArtifact(
        verdict=_verdict(checks),
        score=score.score,
        dimensions={
            name: DimensionResult(
                score=score.dimensions[name],
                weight=DIMENSION_WEIGHTS[name],
                effective_weight=score.shares.get(name, 0.0),
                **_tally([check for check in checks if check.dimension == name]),
            )
            for name in DIMENSIONS
        },
        tables={name: _table([c for c in checks if c.table == name]) for name in tables},
        checks=list(checks),
        ledger=_ledger(checks, score),
        contracts=[_contract(contract, checks) for contract in contracts],
        rules=QualityRules(
            dimension_weights=dict(DIMENSION_WEIGHTS),
            severity_weights=dict(SEVERITY_WEIGHTS),
            full_loss_fraction=FULL_LOSS_FRACTION,
            exact_values=settings.exact_values,
            outlier_fence=settings.outlier_fence,
        ),
    )


def _score(checks: Sequence[CheckResult]) -> QualityScore:
    return quality_score(
        [
            Scored(
                dimension=check.dimension,
                severity=check.severity,
                status=check.status,
                failing_fraction=check.failing_fraction,
            )
            for check in checks
        ]
    )


def _verdict(checks: Sequence[CheckResult]) -> Verdict:
    failed = {check.severity for check in checks if check.status == "failed"}
    if "error" in failed:
        return "failed"
    if "warning" in failed:
        return "warnings"
    return "passed" if any(c.status != "not_assessed" for c in checks) else "not_assessed"


def _tally(checks: Sequence[CheckResult]) -> dict[str, int]:
    counts = Counter(check.status for check in checks)
    return {
        "passed_count": counts["passed"],
        "failed_count": counts["failed"],
        "not_assessed_count": counts["not_assessed"],
    }


def _table(checks: Sequence[CheckResult]) -> TableQuality:
    return TableQuality(score=_score(checks).score, verdict=_verdict(checks), **_tally(checks))


def _ledger(checks: Sequence[CheckResult], score: QualityScore) -> list[QualityLedgerEntry]:
    entries = [
        QualityLedgerEntry(
            check=check.id,
            dimension=check.dimension,
            table=check.table,
            points=points,
            message=check.message,
        )
        for check, points in zip(checks, score.points, strict=True)
        if points
    ]
    return sorted(entries, key=lambda entry: -entry.points)


def _contract(contract: Contract, checks: Sequence[CheckResult]) -> ContractResult:
    return ContractResult(
        file=contract.file,
        id=contract.id,
        name=contract.name,
        version=contract.version,
        api_version=contract.api_version,
        status=contract.status,
        **_tally([check for check in checks if check.origin == contract.file]),
    )


@register("quality", feature_flag="enable_quality", order=40, produces=("quality", "quality_html"))
def generate_quality(ctx: GeneratorContext) -> ArtifactResult:
    """Check every table, by what its columns look like and by what contracts and rules demand.

    Raises:
        ConfigurationError: A setting or contract that cannot be used.
    """
    settings = parse_quality(ctx.setting("quality"))
    contracts = [
        read_contract(path) for path in dict.fromkeys([*_contract_paths(ctx), *settings.contracts])
    ]
    tables = {name: ctx.summary(name) for name in ctx.tables}
    checks = [
        *_automatic_checks(ctx, tables, settings),
        *_declared_checks(ctx, tables, settings, contracts),
    ]
    artifact = compute(list(tables), checks, contracts, settings).model_copy(
        update={"selections": selections_of(ctx.engine, tables)}
    )
    from voyant.report.quality_page import render_quality  # noqa: PLC0415 - templates cost 100 ms

    return {
        "quality": ctx.write_json("quality.json", artifact),
        "quality_html": ctx.write_text("quality.html", render_quality(artifact)),
    }


def _contract_paths(ctx: GeneratorContext) -> list[str]:
    return [str(path) for path in cast("Sequence[object]", ctx.get("contracts") or ())]


def _automatic_checks(
    ctx: GeneratorContext, tables: Mapping[str, TableSummary], settings: QualitySettings
) -> list[CheckResult]:
    joins = [join for _, join in measure_joins(ctx.engine, list(tables.values())).found]
    results: list[CheckResult] = []
    for name, summary in tables.items():
        subject = Subject(
            summary=summary,
            meanings={
                column.name: infer_semantic_type(column, summary.row_count).name
                for column in summary.columns.values()
            },
            duplicates=ctx.engine.duplicate_rows(name),
            joins=[join for join in joins if name in {join.child_table, join.parent_table}],
        )
        plans = plan_automatic(ctx.engine, subject, settings, ctx.as_of)
        answered = [settle(plan) for plan in answer(ctx.engine, summary, plans)]
        results += _judge_all(ctx, answered, settings)
    return results


def _declared_checks(
    ctx: GeneratorContext,
    tables: Mapping[str, TableSummary],
    settings: QualitySettings,
    contracts: Sequence[Contract],
) -> list[CheckResult]:
    rules = [*rules_of_settings(settings), *(rule for c in contracts for rule in c.rules)]
    plans = plan_declared(ctx.engine, tables, rules, ctx.as_of, settings.exact_values)
    answered: dict[int, Planned] = dict(enumerate(plans))
    for name, summary in tables.items():
        places = [place for place, plan in answered.items() if plan.table == name]
        counted = answer(ctx.engine, summary, [answered[place] for place in places])
        answered.update(zip(places, counted, strict=True))
    return _judge_all(ctx, list(answered.values()), settings)


def _judge_all(
    ctx: GeneratorContext, plans: Sequence[Planned], settings: QualitySettings
) -> list[CheckResult]:
    return [with_examples(ctx.engine, plan, judge(plan), settings.examples) for plan in plans]
