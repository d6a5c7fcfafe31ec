"""How has each table moved since its baseline, which columns by how much, and does it matter?

A baseline is the stored profile of an earlier job. A job that is given a reference table is
compared with that instead, exactly. The baseline itself is written once the job is finished, from
the `baseline.json` that is made here, so that a job that failed or was killed changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, cast

from voyant.artifacts.base import Inexact
from voyant.artifacts.baselines import BASELINE_FILE, BaselineArtifact, BaselineStore, TableBaseline
from voyant.artifacts.drift import (
    CategoryShift,
    ColumnDrift,
    DistributionDrift,
    DriftArtifact,
    DriftThresholds,
    FreshnessDrift,
    SchemaDrift,
    TableDrift,
    VolumeDrift,
)
from voyant.artifacts.selection import selections_of
from voyant.core.errors import FolderError
from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register
from voyant.core.selection import identify_selection, selection_of
from voyant.core.tables import ColumnKind, Scalar
from voyant.generators.drift_states import (
    gather,
    make_baseline,
    newest_event,
    restore_states,
    table_states,
)
from voyant.stats.drift import (
    CategoryValue,
    ColumnState,
    DriftRules,
    Evidence,
    Finding,
    Status,
    Treatment,
    compare,
)
from voyant.stats.drift_schema import SchemaChange, compare_schemas
from voyant.stats.drift_shares import Distribution, distribution
from voyant.stats.masking import mask_value

__all__ = ["Compared", "Earlier", "compute", "generate_drift"]

_SHOWN_CATEGORIES: Final = 10
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BREAKING: Final = {"removed": "was removed", "renamed": "seems to have been renamed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The state a table is compared with: a stored profile, or a reference table's."""

    row_count: int
    states: Mapping[str, ColumnState]
    event_column: str | None
    newest_event: str | None
    job_id: str | None = None
    stored_at: str | None = None
    selection: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether it is a baseline rather than a table."""
        return self.job_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A table's state now, and what was counted of both states together, by column."""

    row_count: int
    states: Mapping[str, ColumnState]
    event_column: str | None
    newest_event: str | None
    evidence: Mapping[str, Evidence]


class _Rule(Protocol):
    @property
    def measure(self) -> str | None: ...
    @property
    def threshold(self) -> float | None: ...


def compute(
    earlier: Earlier,
    now: Compared,
    rules: Mapping[str, DriftRules],
    thresholds: DriftThresholds,
    *,
    mask_personal_data: bool = True,
    cut: str | None = None,
    is_sampled: bool = False,
) -> TableDrift:
    """Judge one table; nothing is measured here.

    Args:
        earlier: What it is compared with.
        now: What it is, and what was counted.
        rules: By column, for all columns of both.
        thresholds: The table's.
        mask_personal_data: Whether to mask categories that look personal.
        cut: The column that tells the two states apart, where both are rows of one table.
        is_sampled: Whether both states are samples, whose sizes say nothing.
    """
    columns: dict[str, ColumnDrift] = {}
    for name, state in now.states.items():
        before = earlier.states.get(name)
        if before is None:
            columns[name] = _one_sided(None, state, "the reference has no such column")
            continue
        found = compare(before, state, now.evidence.get(name, Evidence()), rules[name])
        if name == cut:
            found = Finding(
                status=Status.NOT_ASSESSABLE,
                treatment=found.treatment,
                reason="the table was cut in two by it",
            )
        columns[name] = _column(before, state, found, mask=mask_personal_data)
    for name, before in earlier.states.items():
        if name not in now.states:
            columns[name] = _one_sided(before, None, "the column is no longer there")
    changes = compare_schemas(earlier.states, now.states)
    drifted = sum(column.status == Status.DRIFTED for column in columns.values())
    assessed = drifted + sum(column.status == Status.STABLE for column in columns.values())
    volume = _volume(earlier.row_count, now.row_count, thresholds)
    if is_sampled:
        volume = volume.model_copy(
            update={"status": Status.NOT_ASSESSABLE.value, "change_fraction": None}
        )
    freshness = _freshness(earlier, now)
    reasons = _reasons(changes, volume, freshness, drifted, assessed, thresholds)
    status = Status.DRIFTED if reasons else Status.STABLE
    if not reasons and not assessed:
        status, reasons = Status.NOT_ASSESSABLE, ["no column could be assessed"]
    return TableDrift(
        status=status.value,
        reasons=reasons,
        compared_with="baseline" if earlier.is_stored else "reference",
        split=None,
        baseline_job_id=earlier.job_id,
        baseline_stored_at=earlier.stored_at,
        drifted_column_count=drifted,
        assessed_column_count=assessed,
        not_assessable_column_count=len(columns) - assessed,
        drifted_fraction=drifted / assessed if assessed else None,
        schema_changes=[_schema_drift(change) for change in changes],
        volume=volume,
        freshness=freshness,
        columns=columns,
    )


@register(
    "drift",
    is_core=False,
    feature_flag="enable_drift",
    order=50,
    produces=("drift", "drift_html", "baseline"),
)
def generate_drift(ctx: GeneratorContext) -> ArtifactResult:
    """Compare each table with its baseline or reference: columns, schema, volume, freshness."""
    thresholds = _thresholds(ctx)
    store = BaselineStore(ctx.artifacts_root, ctx.tenant_id)
    chosen = cast("Mapping[str, _Rule]", ctx.setting("drift_columns"))
    profiles: dict[str, TableBaseline] = {}
    tables: dict[str, TableDrift] = {}
    unused = {key for key in chosen if any(key.startswith(f"{table}.") for table in ctx.tables)}
    for table in ctx.tables:
        profiles[table] = _profile(ctx, table)
        try:
            earlier = _earlier(ctx, store, table)
        except FolderError as error:
            tables[table] = _without(Status.NOT_ASSESSABLE, str(error), compared_with="baseline")
            continue
        if earlier is None:
            tables[table] = _without("no_baseline", "no earlier profile of this table is stored")
            continue
        current = ctx.engine.current(table)
        selection = selection_of(ctx.engine, current)
        if earlier.selection != identify_selection(selection):
            tables[table] = _other_rows(earlier, identify_selection(selection))
            continue
        states = table_states(ctx.engine, current)
        names = {*states, *earlier.states}
        rules = {name: _rules(thresholds, chosen.get(f"{table}.{name}")) for name in sorted(names)}
        unused -= {f"{table}.{name}" for name in names}
        split = _split(ctx, table, current)
        profile = profiles[table] if current == table else _profile(ctx, current)
        now = _now(ctx, table, states, earlier, profile)
        judged = compute(
            earlier,
            now,
            rules,
            thresholds,
            mask_personal_data=bool(ctx.setting("mask_personal_data")),
            cut=None if split is None else split[0],
            is_sampled=selection is not None and selection.sample is not None,
        )
        tables[table] = judged.model_copy(
            update={"split": None if split is None else " ".join(split)}
        )
    assessed = {table for table, drift in tables.items() if drift.columns}
    artifact = DriftArtifact(
        thresholds=thresholds,
        unused_rules=sorted(k for k in unused if any(k.startswith(f"{t}.") for t in assessed)),
        tables=tables,
        selections=selections_of(ctx.engine, ctx.tables),
    )
    kept = BaselineArtifact(tables=profiles).model_dump_json()
    from voyant.report.drift_page import render_drift  # noqa: PLC0415 - templates cost 100 ms to load

    return {
        "baseline": ctx.write_text(BASELINE_FILE, f"{kept}\n"),
        "drift": ctx.write_json("drift.json", artifact),
        "drift_html": ctx.write_text("drift.html", render_drift(artifact)),
    }


def _profile(ctx: GeneratorContext, table: str) -> TableBaseline:
    made = make_baseline(ctx.summary(table), table_states(ctx.engine, table), ctx.as_of)
    selection = identify_selection(selection_of(ctx.engine, table))
    return made.model_copy(update={"selection": selection})


def _other_rows(earlier: Earlier, selection: str) -> TableDrift:
    """Say that two different selections of a table cannot be compared."""
    was, now = (text or "the whole table" for text in (earlier.selection, selection))
    what = "baseline" if earlier.is_stored else "reference"
    return _without(
        Status.NOT_ASSESSABLE,
        f"the {what} is of other rows ({was}) than this run ({now})",
        compared_with=what,
    ).model_copy(
        update={"baseline_job_id": earlier.job_id, "baseline_stored_at": earlier.stored_at}
    )


def _split(ctx: GeneratorContext, table: str, current: str) -> tuple[str, str] | None:
    """Return the column and the value at which a table was cut, to be compared with itself."""
    given = cast("Mapping[str, object]", ctx.get("reference") or {}).get(table)
    if current == table or not isinstance(given, str):
        return None
    column, _, value = given.partition(":")[2].partition("=")
    return column, value


def _thresholds(ctx: GeneratorContext) -> DriftThresholds:
    def number(name: str) -> float:
        return cast("float", ctx.setting(name))

    return DriftThresholds(
        wasserstein_normed=number("drift_wasserstein_threshold"),
        js_distance=number("drift_js_threshold"),
        psi=number("drift_psi_threshold"),
        null_fraction_change=number("drift_null_threshold"),
        volume_change_fraction=number("drift_volume_threshold"),
        drifted_fraction=number("drift_table_threshold"),
        min_rows=cast("int", ctx.setting("drift_min_rows")),
    )


def _rules(thresholds: DriftThresholds, rule: _Rule | None) -> DriftRules:
    return DriftRules(
        wasserstein_normed=thresholds.wasserstein_normed,
        js_distance=thresholds.js_distance,
        psi=thresholds.psi,
        null_fraction_change=thresholds.null_fraction_change,
        min_rows=thresholds.min_rows,
        measure=None if rule is None else rule.measure,
        threshold=None if rule is None else rule.threshold,
    )


def _earlier(ctx: GeneratorContext, store: BaselineStore, table: str) -> Earlier | None:
    """Return what to compare with: the reference table if one was given, else the baseline."""
    reference = ctx.engine.reference(table)
    if reference is not None:
        summary = ctx.summary(reference)
        event_column, newest = newest_event(summary, ctx.as_of)
        return Earlier(
            row_count=summary.row_count,
            states=table_states(ctx.engine, reference),
            event_column=event_column,
            newest_event=newest,
            selection=identify_selection(selection_of(ctx.engine, reference)),
        )
    stored = store.load(table)
    if stored is None:
        return None
    return Earlier(
        row_count=stored.profile.row_count,
        states=restore_states(stored.profile),
        event_column=stored.profile.event_column,
        newest_event=stored.profile.newest_event,
        job_id=stored.job_id,
        stored_at=stored.stored_at.isoformat(),
        selection=stored.profile.selection,
    )


def _now(
    ctx: GeneratorContext,
    table: str,
    states: Mapping[str, ColumnState],
    earlier: Earlier,
    profile: TableBaseline,
) -> Compared:
    reference = ctx.engine.reference(table)
    return Compared(
        row_count=profile.row_count,
        states=states,
        event_column=profile.event_column,
        newest_event=profile.newest_event,
        evidence={
            name: gather(
                ctx.engine,
                earlier.states[name],
                state,
                table=ctx.engine.current(table),
                reference_table=reference,
            )
            for name, state in states.items()
            if name in earlier.states
        },
    )


def _without(status: str, reason: str, compared_with: str | None = None) -> TableDrift:
    return TableDrift(
        status=str(status),
        reasons=[reason],
        compared_with=compared_with,
        split=None,
        baseline_job_id=None,
        baseline_stored_at=None,
        drifted_column_count=0,
        assessed_column_count=0,
        not_assessable_column_count=0,
        drifted_fraction=None,
        schema_changes=[],
        volume=None,
        freshness=None,
        columns={},
    )


def _volume(before: int, after: int, thresholds: DriftThresholds) -> VolumeDrift:
    threshold = thresholds.volume_change_fraction
    change = (after - before) / before if before else None
    status = Status.NOT_ASSESSABLE
    if change is not None:
        status = Status.DRIFTED if abs(change) >= threshold else Status.STABLE
    elif not after:
        status = Status.STABLE
    return VolumeDrift(
        status=status.value,
        reference_row_count=before,
        current_row_count=after,
        change_fraction=change,
        threshold=threshold,
    )


def _freshness(earlier: Earlier, now: Compared) -> FreshnessDrift:
    reason, status = "", Status.NOT_ASSESSABLE
    if now.event_column is None:
        reason = "no column tells when a row's event happened"
    elif now.event_column != earlier.event_column:
        reason = "the reference's events are told by another column, or by none"
    elif now.newest_event is None or earlier.newest_event is None:
        reason = "one side has no event that has happened"
    else:
        newest, newest_before = (
            datetime.fromisoformat(moment) for moment in (now.newest_event, earlier.newest_event)
        )
        status = Status.DRIFTED if newest < newest_before else Status.STABLE
    return FreshnessDrift(
        status=status.value,
        column=now.event_column,
        reference_newest=earlier.newest_event,
        current_newest=now.newest_event,
        reason=reason,
    )


def _reasons(
    changes: Sequence[SchemaChange],
    volume: VolumeDrift,
    freshness: FreshnessDrift,
    drifted: int,
    assessed: int,
    thresholds: DriftThresholds,
) -> list[str]:
    """Say why a table has drifted; nothing if it has not."""
    reasons: list[str] = []
    if drifted and drifted >= thresholds.drifted_fraction * assessed:
        reasons.append(f"{drifted} of {assessed} assessed columns have drifted")
    for change in changes:
        if change.kind in _BREAKING:
            name = change.before if change.is_guess else change.column
            reasons.append(f"column {name!r} {_BREAKING[change.kind]}")
        elif change.kind == "retyped" and change.is_breaking:
            reasons.append(
                f"column {change.column!r} changed its type from {change.before} to {change.after}"
            )
    if volume.status == Status.DRIFTED and volume.change_fraction is not None:
        word = "more" if volume.change_fraction > 0 else "fewer"
        reasons.append(f"{abs(volume.change_fraction):.0%} {word} rows")
    if freshness.status == Status.DRIFTED:
        reasons.append("the newest event is older than the reference's")
    return reasons


def _schema_drift(change: SchemaChange) -> SchemaDrift:
    return SchemaDrift(
        kind=change.kind,
        column=change.column or None,
        before=change.before or None,
        after=change.after or None,
        is_guess=change.is_guess,
    )


def _one_sided(before: ColumnState | None, now: ColumnState | None, reason: str) -> ColumnDrift:
    """Describe a column that only one side has."""
    missing = ColumnState(
        name="", type="", kind=ColumnKind.OTHER, semantic_type="", count=0, null_count=0
    )
    finding = Finding(status=Status.NOT_ASSESSABLE, treatment=Treatment.NONE, reason=reason)
    column = _column(before or missing, now or missing, finding, mask=True)
    absent = "reference" if before is None else "current"
    return column.model_copy(
        update={
            f"{absent}_null_fraction": None,
            f"{absent}_distinct_count": None,
            "null_fraction_change": None,
        }
    )


def _column(before: ColumnState, now: ColumnState, finding: Finding, *, mask: bool) -> ColumnDrift:
    measures = finding.measures
    is_category = finding.treatment is Treatment.CATEGORY
    drawn = distribution(before, now, finding.treatment)
    new = _only_in(now, before) if is_category else []
    vanished = _only_in(before, now) if is_category else []
    return ColumnDrift(
        status=finding.status.value,
        reason=finding.reason,
        treated_as=finding.treatment.value,
        measure=finding.measure,
        value=finding.value,
        threshold=finding.threshold,
        psi=measures.psi,
        js_distance=measures.js_distance,
        wasserstein_normed=measures.wasserstein_normed,
        ks_statistic=measures.ks_statistic,
        p_value=measures.p_value,
        p_value_test=measures.p_value_test,
        reference_null_fraction=before.null_fraction,
        current_null_fraction=now.null_fraction,
        null_fraction_change=now.null_fraction - before.null_fraction,
        reference_distinct_count=before.distinct_count,
        current_distinct_count=now.distinct_count,
        reference_mean=_point(before.mean, before),
        current_mean=_point(now.mean, now),
        reference_median=_point(_median(before), before),
        current_median=_point(_median(now), now),
        reference_mean_length=before.mean_length,
        current_mean_length=now.mean_length,
        length_change=measures.length_change,
        pattern_js_distance=measures.pattern_js_distance,
        new_category_count=len(new) if is_category else None,
        new_categories=_shifts(new, now, mask=mask),
        vanished_category_count=len(vanished) if is_category else None,
        vanished_categories=_shifts(vanished, before, mask=mask),
        distribution=None if drawn is None else _drawing(drawn, now, mask=mask),
        approximations={
            name: Inexact(method="from 201 stored quantiles; error is the most", error=error)
            for name, error in measures.errors.items()
        },
    )


def _median(state: ColumnState) -> float | None:
    return state.grid[len(state.grid) // 2] if state.grid else None


def _only_in(one: ColumnState, other: ColumnState) -> list[CategoryValue]:
    known = other.values or {}
    return [value for value in one.values or {} if value not in known]


def _shifts(
    values: Sequence[CategoryValue], side: ColumnState, *, mask: bool
) -> list[CategoryShift]:
    rows = side.values or {}
    ordered = sorted(values, key=lambda value: (-rows[value], str(value)))
    return [
        CategoryShift(
            value=_shown(value, side, mask=mask),
            count=rows[value],
            fraction=rows[value] / side.count,
        )
        for value in ordered[:_SHOWN_CATEGORIES]
    ]


def _shown(value: CategoryValue, side: ColumnState, *, mask: bool) -> Scalar:
    if side.kind.is_temporal and isinstance(value, (int, float)):
        return _point(value, side)
    return mask_value(value) if mask else value


def _drawing(drawn: Distribution, side: ColumnState, *, mask: bool) -> DistributionDrift:
    return DistributionDrift(
        edges=[str(_point(edge, side)) for edge in drawn.edges]
        if side.kind.is_temporal
        else list(drawn.edges),
        is_whole=drawn.is_whole,
        categories=[_shown(value, side, mask=mask) for value in drawn.categories],
        reference=list(drawn.reference),
        current=list(drawn.current),
        reference_rest=drawn.reference_rest,
        current_rest=drawn.current_rest,
    )


def _point(value: float | None, side: ColumnState) -> float | str | None:
    """Write a moment as ISO 8601, a number as it is."""
    if value is None or not side.kind.is_temporal:
        return value
    try:
        moment = _EPOCH + timedelta(seconds=round(value))
    except OverflowError:
        return f"{value:.0f} s"
    return (moment if side.has_time_zone else moment.replace(tzinfo=None)).isoformat()
