"""What is in each table: columns, keys, correlations, and what should a reader know first?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import cast

from voyant.artifacts.base import Inexact
from voyant.artifacts.profile import (
    CandidateKey,
    ColumnProfile,
    Correlation,
    Correlations,
    HistogramProfile,
    KeySearch,
    PatternCount,
    ProfileArtifact,
    TableProfile,
    TextProfile,
    TimeProfile,
    TopValue,
)
from voyant.artifacts.selection import SelectedRows, selected_rows
from voyant.core.engine import Engine
from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register
from voyant.core.tables import Association, ColumnKind, ColumnSummary, Measure, TableSummary
from voyant.generators.profile_alerts import table_alerts
from voyant.stats.correlation import cramers_v
from voyant.stats.semantic import SemanticType, infer_semantic_type

__all__ = ["Budget", "Measured", "compute", "generate_profile"]

#: A profile lists so many of the up to 100 top values that a summary holds.
_SHOWN_TOP_VALUES = 10
#: Categories with more different values than this have no Cramer's V.
_MOST_LEVELS = 50
#: A number of these semantic types says nothing by its size.
_NOT_QUANTITIES = frozenset({"id", "constant", "boolean_like", "card", "phone"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much may be spent per table; the artifact repeats these limits."""

    key_pairs: int = 8
    correlation_pairs: int = 200
    spearman_rows: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the engine said about one table beyond its summary."""

    duplicates: Measure
    unique_pairs: Sequence[tuple[str, str]] = ()
    pairs_possible: int = 0
    pairs_checked: int = 0
    pearson: Sequence[Association] = ()
    spearman: Sequence[Association] = ()
    cramers_v: Sequence[Association] = ()
    pairs_omitted: int = 0
    semantic_types: Mapping[str, SemanticType] = field(default_factory=dict[str, SemanticType])
    selection: SelectedRows | None = None


def compute(summary: TableSummary, measured: Measured, budget: Budget) -> TableProfile:
    """Put together one table's profile; nothing is measured here."""
    columns = {
        name: _column(column, measured.semantic_types[name])
        for name, column in summary.columns.items()
    }
    missing = sum(column.null_count for column in summary.columns.values())
    cells = summary.row_count * len(columns)
    keys = [[name] for name, column in summary.columns.items() if column.is_unique]
    keys += [list(pair) for pair in measured.unique_pairs]
    duplicates = measured.duplicates
    profile = TableProfile(
        row_count=summary.row_count,
        column_count=len(columns),
        duplicate_row_count=None if duplicates.value is None else int(duplicates.value),
        missing_cell_count=missing,
        missing_cell_fraction=missing / cells if cells else 0.0,
        candidate_keys=[CandidateKey(columns=key) for key in keys],
        key_search=KeySearch(
            pairs_possible=measured.pairs_possible,
            pairs_checked=measured.pairs_checked,
            budget=budget.key_pairs,
        ),
        correlations=_correlations(measured, budget),
        alerts=[],
        columns=columns,
        approximations={"duplicate_row_count": Inexact.of(duplicates.approximation)}
        if duplicates.approximation
        else {},
        selection=measured.selection,
    )
    return profile.model_copy(update={"alerts": table_alerts(summary.name, profile)})


@register("profile", is_core=True, order=10, produces=("profile", "profile_html"))
def generate_profile(ctx: GeneratorContext) -> ArtifactResult:
    """Profile every table: types and meanings, missing and frequent values, keys, correlations."""
    budget = Budget(
        key_pairs=cast("int", ctx.setting("key_pair_budget")),
        correlation_pairs=cast("int", ctx.setting("correlation_pair_cap")),
        spearman_rows=cast("int", ctx.setting("spearman_sample_rows")),
    )
    artifact = ProfileArtifact(
        tables={
            table: compute(ctx.summary(table), measure(ctx.engine, table, budget), budget)
            for table in ctx.tables
        }
    )
    # Templates cost 100 ms to load.
    from voyant.report.profile_page import render_profile  # noqa: PLC0415

    return {
        "profile": ctx.write_json("profile.json", artifact),
        "profile_html": ctx.write_text("profile.html", render_profile(artifact)),
    }


def measure(engine: Engine, table: str, budget: Budget) -> Measured:
    """Ask the engine what a table's summary does not say."""
    summary = engine.summarize(table)
    types = {
        name: infer_semantic_type(column, summary.row_count)
        for name, column in summary.columns.items()
    }
    pairs = _possible_key_pairs(summary)
    unique, checked = engine.unique_pairs(table, pairs, budget=budget.key_pairs)
    quantities = [
        name
        for name, column in summary.columns.items()
        if column.kind.is_numeric
        and not column.is_constant
        and types[name].name not in _NOT_QUANTITIES
    ]
    kept = _columns_within(len(quantities), budget.correlation_pairs)
    categories = [
        name
        for name, column in summary.columns.items()
        if column.kind in {ColumnKind.TEXT, ColumnKind.BOOLEAN}
        and 1 < (column.distinct_count or 0) <= _MOST_LEVELS
    ]
    category_pairs = list(combinations(categories, 2))
    kept_pairs = category_pairs[: budget.correlation_pairs]
    return Measured(
        duplicates=engine.duplicate_rows(table),
        unique_pairs=unique,
        pairs_possible=len(pairs),
        pairs_checked=checked,
        pearson=engine.pearson(table, quantities[:kept]),
        spearman=engine.spearman(table, quantities[:kept], sample_rows=budget.spearman_rows),
        cramers_v=_cramers_v(engine, table, kept_pairs),
        pairs_omitted=_pairs(len(quantities))
        - _pairs(kept)
        + len(category_pairs)
        - len(kept_pairs),
        semantic_types=types,
        selection=selected_rows(engine, table),
    )


def _cramers_v(engine: Engine, table: str, pairs: Sequence[tuple[str, str]]) -> list[Association]:
    return [
        Association(
            left=found.left,
            right=found.right,
            method="cramers_v",
            value=cramers_v(found.counts),
            row_count=sum(found.counts.values()),
        )
        for found in engine.contingencies(table, pairs)
    ]


def _pairs(columns: int) -> int:
    return columns * (columns - 1) // 2


def _columns_within(columns: int, pair_cap: int) -> int:
    """Return how many of the first columns have no more pairs than the cap.

    >>> _columns_within(14, 200), _columns_within(300, 200)
    (14, 20)
    """
    while columns > 0 and _pairs(columns) > pair_cap:
        columns -= 1
    return columns


def _possible_key_pairs(summary: TableSummary) -> list[tuple[str, str]]:
    """List the pairs that could be keys, those with the fewest combinations first.

    None when a single column is a key. Each value of one column can stand in as many rows as the
    other has different values, so a value that stands in more rules the pair out without a query.
    """
    columns = list(summary.columns.values())
    if summary.row_count < 2 or any(column.is_unique for column in columns):  # noqa: PLR2004
        return []
    able = [
        (column, column.distinct_count)
        for column in columns
        if column.null_count == 0
        and column.distinct_count
        and not column.kind.is_nested
        and column.kind not in {ColumnKind.FLOAT, ColumnKind.BLOB, ColumnKind.OTHER}
    ]
    found: list[tuple[int, tuple[str, str]]] = []
    for (left, left_distinct), (right, right_distinct) in combinations(able, 2):
        if (
            left_distinct * right_distinct >= summary.row_count
            and _most_frequent(left) <= right_distinct
            and _most_frequent(right) <= left_distinct
        ):
            # The column with more values first: its groups are small, so few rows disprove it.
            pair = (left.name, right.name)
            ordered = pair if left_distinct >= right_distinct else (right.name, left.name)
            found.append((left_distinct * right_distinct, ordered))
    return [pair for _, pair in sorted(found, key=lambda item: item[0])]


def _most_frequent(column: ColumnSummary) -> int:
    return column.top_values[0].count if column.top_values else 1


def _correlations(measured: Measured, budget: Budget) -> Correlations:
    inexact = {
        method: Inexact.of(found[0].approximation)
        for method, found in (
            ("pearson", measured.pearson),
            ("spearman", measured.spearman),
            ("cramers_v", measured.cramers_v),
        )
        if found and found[0].approximation
    }
    return Correlations(
        pearson=_strongest_first(measured.pearson),
        spearman=_strongest_first(measured.spearman),
        cramers_v=_strongest_first(measured.cramers_v),
        pair_cap=budget.correlation_pairs,
        pairs_omitted=measured.pairs_omitted,
        approximations=inexact,
    )


def _strongest_first(found: Iterable[Association]) -> list[Correlation]:
    ordered = sorted(found, key=lambda a: (a.value is None, -abs(a.value or 0), a.left, a.right))
    return [
        Correlation(left=a.left, right=a.right, value=a.value, row_count=a.row_count)
        for a in ordered
    ]


def _column(column: ColumnSummary, semantic: SemanticType) -> ColumnProfile:
    is_temporal = column.kind.is_temporal
    return ColumnProfile(
        type=column.type,
        kind=column.kind.value,
        semantic_type=semantic.name,
        semantic_evidence=semantic.evidence,
        count=column.count,
        null_count=column.null_count,
        null_fraction=column.null_fraction,
        distinct_count=column.distinct_count,
        is_unique=column.is_unique,
        min=column.min,
        max=column.max,
        sum=column.sum,
        mean=column.mean,
        std=column.std,
        variance=column.variance,
        skewness=column.skewness,
        kurtosis=column.kurtosis,
        zero_count=column.zero_count,
        negative_count=column.negative_count,
        nan_count=column.nan_count,
        infinite_count=column.infinite_count,
        true_count=column.true_count,
        quantiles={
            f"{share:g}": _moment(value, column) if is_temporal else value
            for share, value in column.quantiles.items()
        },
        histogram=_histogram(column),
        top_values=[
            TopValue(value=top.value, count=top.count, fraction=top.count / column.count)
            for top in column.top_values[:_SHOWN_TOP_VALUES]
        ],
        text=_text(column),
        time=_time(column),
        approximations={
            name: Inexact.of(approximation) for name, approximation in column.approximations.items()
        },
    )


def _histogram(column: ColumnSummary) -> HistogramProfile | None:
    histogram = column.histogram
    if histogram is None:
        return None
    edges = histogram.edges
    return HistogramProfile(
        edges=[_moment(edge, column) for edge in edges] if column.kind.is_temporal else list(edges),
        counts=list(histogram.counts),
    )


def _text(column: ColumnSummary) -> TextProfile | None:
    text = column.text
    if text is None:
        return None
    return TextProfile(
        min_length=text.min_length,
        max_length=text.max_length,
        mean_length=text.mean_length,
        empty_count=text.empty_count,
        whitespace_count=text.whitespace_count,
        padded_count=text.padded_count,
        patterns=[PatternCount(pattern=str(p.value), count=p.count) for p in text.patterns],
    )


def _time(column: ColumnSummary) -> TimeProfile | None:
    time = column.time
    if time is None:
        return None
    return TimeProfile(
        range_seconds=time.range_seconds,
        day_count=time.day_count,
        missing_day_count=time.missing_day_count,
        largest_gap_days=time.largest_gap_days,
        largest_gap_start=time.largest_gap_start,
        largest_gap_end=time.largest_gap_end,
    )


def _moment(seconds: float, column: ColumnSummary) -> str:
    """Write seconds since 1970 as ISO 8601, a date where the column holds whole days.

    Years that no calendar of Python's reaches are left as the number of seconds.
    """
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return f"{seconds:.0f} s"
    if column.kind is ColumnKind.DATE and seconds % 86_400 == 0:
        return moment.date().isoformat()
    return (moment if column.has_time_zone else moment.replace(tzinfo=None)).isoformat()
