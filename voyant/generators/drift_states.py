"""What is a column's state now, as a later job may compare itself with it?"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from math import fsum, sqrt
from typing import Final, cast

from voyant.artifacts.baselines import ColumnBaseline, TableBaseline
from voyant.core.engine import Engine
from voyant.core.tables import (
    QUANTILE_GRID_STEPS,
    ColumnKind,
    ColumnSummary,
    Scalar,
    TableSummary,
)
from voyant.stats import distances
from voyant.stats.distances import GridDistance
from voyant.stats.drift import (
    Binned,
    CategoryValue,
    ColumnState,
    Evidence,
    Treatment,
    count_between,
    even_bin_edges,
    psi_edges,
    treat,
)
from voyant.stats.event_time import choose_event_time, find_newest_event
from voyant.stats.semantic import infer_semantic_type, is_personal

__all__ = ["gather", "make_baseline", "newest_event", "restore_states", "table_states"]

#: Columns with at most so many different values are compared, and stored, by value: exactly.
_MOST_VALUES: Final = 5_000
_LONGEST_TEXT: Final = 200
_FAR: Final = sys.float_info.max


def table_states(engine: Engine, table: str) -> dict[str, ColumnState]:
    """Return the state of each column, in table order; the summary is the run's own."""
    summary = engine.summarize(table)
    return {
        name: _state(engine, table, column, summary.row_count)
        for name, column in summary.columns.items()
    }


def _state(engine: Engine, table: str, column: ColumnSummary, rows: int) -> ColumnState:
    meaning = infer_semantic_type(column, rows).name
    values, why_not = _values(engine, table, column, meaning)
    grid = () if is_personal(meaning) else column.quantile_grid
    mean, std = _moments(values, grid) if column.kind.is_temporal else (column.mean, column.std)
    text = column.text
    patterns = {str(p.value): p.count for p in text.patterns} if text is not None else {}
    sampled = sum(item.count for item in column.sample)
    state = ColumnState(
        name=column.name,
        type=column.type,
        kind=column.kind,
        semantic_type=meaning,
        count=column.count,
        null_count=column.null_count,
        number_count=column.count - column.nan_count - column.infinite_count if grid else 0,
        distinct_count=column.distinct_count,
        mean=mean if grid else None,
        std=std if grid else None,
        grid=grid,
        values=values,
        no_values_because=why_not,
        mean_length=None if text is None else text.mean_length,
        patterns=patterns,
        pattern_rest=max(sampled - sum(patterns.values()), 0) if patterns else 0,
        has_time_zone=column.has_time_zone,
    )
    if values is not None or not state.grid:
        return state
    edges = (-_FAR, *psi_edges(state), _FAR)
    return replace(state, bin_counts=engine.bin_counts(table, column.name, edges))


def _values(
    engine: Engine, table: str, column: ColumnSummary, meaning: str
) -> tuple[Mapping[CategoryValue, int] | None, str]:
    """Return all values with their rows, or why they are not known."""
    if is_personal(meaning):
        return None, f"values of the kind {meaning!r} are never kept"
    distinct = column.distinct_count
    if column.kind.is_nested or distinct is None or distinct > _MOST_VALUES:
        return None, f"more than {_MOST_VALUES:,} different values"
    found = _all_values(column)
    if found is None:
        counted = engine.value_counts(table, column.name, limit=_MOST_VALUES)
        if not counted.is_complete:
            return None, f"more than {_MOST_VALUES:,} different values"
        found = counted.counts
    pairs = cast("Sequence[tuple[CategoryValue, int]]", found)
    if column.kind is ColumnKind.INTEGER:  # comes as floats
        return {int(value): rows for value, rows in pairs}, ""
    return dict(pairs), ""


def _all_values(column: ColumnSummary) -> Sequence[tuple[Scalar, int]] | None:
    """Return all values of a column whose summary holds them as drift tells them apart."""
    is_short = column.text is not None and (column.text.max_length or 0) <= _LONGEST_TEXT
    is_whole = column.kind is ColumnKind.INTEGER
    if not is_short and not is_whole and column.kind is not ColumnKind.BOOLEAN:
        return None
    if len(column.top_values) == column.distinct_count:
        return column.top_values
    sampled = sum(item.count for item in column.sample)
    if len(column.sample) != column.distinct_count or sampled != column.count:
        return None
    if is_whole:  # a sample is text
        return [(int(str(text)), count) for text, count in column.sample]
    return column.sample


def _moments(
    values: Mapping[CategoryValue, int] | None, grid: Sequence[float]
) -> tuple[float | None, float | None]:
    """Return mean and standard deviation (n - 1) of moments, from quantiles if there are many."""
    if values:
        pairs = [(float(value), rows) for value, rows in values.items()]
        count = sum(rows for _, rows in pairs)
        mean = fsum(value * rows for value, rows in pairs) / count
        square = fsum((value - mean) ** 2 * rows for value, rows in pairs)
        return mean, sqrt(square / (count - 1)) if count > 1 else None
    if not grid:
        return None, None
    steps = len(grid) - 1
    mean = fsum((a + b) / 2 for a, b in pairwise(grid)) / steps
    deviations = [point - mean for point in grid]
    return mean, sqrt(fsum((a * a + a * b + b * b) / 3 for a, b in pairwise(deviations)) / steps)


def gather(
    engine: Engine,
    reference: ColumnState,
    current: ColumnState,
    *,
    table: str,
    reference_table: str | None,
) -> Evidence:
    """Count what both sides need counted together.

    Args:
        engine: Holds the table, and its reference if there is one.
        reference: The earlier state.
        current: The state now.
        table: The table's name.
        reference_table: The reference's name in the engine; None for a stored profile.
    """
    treatment, _ = treat(reference, current)
    if treatment is Treatment.NONE or not reference.grid or not current.grid:
        return Evidence()
    wasserstein, ks = _distances(engine, reference, current, table, reference_table)
    far = (-_FAR, *psi_edges(reference), _FAR)
    even = even_bin_edges(reference, current)
    return Evidence(
        wasserstein=wasserstein,
        ks=ks,
        deciles=Binned(
            edges=far,
            reference=reference.bin_counts or _counts(engine, reference, reference_table, far),
            current=_counts(engine, current, table, far),
        ),
        even=Binned(
            edges=even,
            reference=_counts(engine, reference, reference_table, even),
            current=_counts(engine, current, table, even),
            error=2 / QUANTILE_GRID_STEPS
            if reference.values is None and reference_table is None
            else 0.0,
        ),
    )


def _distances(
    engine: Engine,
    reference: ColumnState,
    current: ColumnState,
    table: str,
    reference_table: str | None,
) -> tuple[GridDistance | None, GridDistance | None]:
    """Return the Wasserstein distance and the KS statistic: exact wherever that can be had."""
    before, after = reference.numbers, current.numbers
    if before is not None and after is not None:
        return (
            GridDistance(value=distances.wasserstein_distance(before, after), max_error=0.0),
            GridDistance(value=distances.ks_statistic(before, after), max_error=0.0),
        )
    if reference_table is not None:
        found = engine.number_distances(reference_table, table, current.name)
        if found.wasserstein_distance is None or found.ks_statistic is None:
            return None, None
        return (
            GridDistance(value=found.wasserstein_distance, max_error=0.0),
            GridDistance(value=found.ks_statistic, max_error=0.0),
        )
    return (
        distances.grid_wasserstein_distance(reference.grid, current.grid),
        distances.grid_ks_statistic(reference.grid, current.grid),
    )


def _counts(
    engine: Engine, state: ColumnState, table: str | None, edges: Sequence[float]
) -> Sequence[float]:
    """Count between edges: from known values, else in the engine, else told from quantiles."""
    if state.ranked is not None:
        return count_between(state.ranked, edges)
    if table is not None:
        return engine.bin_counts(table, state.name, edges)
    return distances.grid_fractions(state.grid, edges)


def newest_event(summary: TableSummary, as_of: datetime) -> tuple[str | None, str | None]:
    """Return the column of event times and its newest event as ISO 8601 text."""
    column = choose_event_time(summary)
    if column is None:
        return None, None
    moment = find_newest_event(column, as_of).moment
    return column.name, None if moment is None else moment.isoformat()


def make_baseline(
    summary: TableSummary, states: Mapping[str, ColumnState], as_of: datetime
) -> TableBaseline:
    """Return what is kept of a table for later jobs."""
    event_column, newest = newest_event(summary, as_of)
    return TableBaseline(
        row_count=summary.row_count,
        event_column=event_column,
        newest_event=newest,
        columns={
            name: ColumnBaseline(
                type=state.type,
                kind=state.kind.value,
                semantic_type=state.semantic_type,
                count=state.count,
                null_count=state.null_count,
                number_count=state.number_count,
                distinct_count=state.distinct_count,
                mean=state.mean,
                std=state.std,
                quantile_grid=list(state.grid),
                values=None if state.values is None else list(state.values),
                value_counts=[] if state.values is None else list(state.values.values()),
                no_values_because=state.no_values_because,
                bin_counts=list(state.bin_counts),
                mean_length=state.mean_length,
                patterns=dict(state.patterns),
                pattern_rest=state.pattern_rest,
                has_time_zone=state.has_time_zone,
            )
            for name, state in states.items()
        },
    )


def restore_states(baseline: TableBaseline) -> dict[str, ColumnState]:
    """Return the states that `make_baseline` was given."""
    return {
        name: ColumnState(
            name=name,
            type=kept.type,
            kind=ColumnKind(kept.kind),
            semantic_type=kept.semantic_type,
            count=kept.count,
            null_count=kept.null_count,
            number_count=kept.number_count,
            distinct_count=kept.distinct_count,
            mean=kept.mean,
            std=kept.std,
            grid=tuple(kept.quantile_grid),
            values=None
            if kept.values is None
            else dict(zip(kept.values, kept.value_counts, strict=True)),
            no_values_because=kept.no_values_because,
            bin_counts=tuple(kept.bin_counts),
            mean_length=kept.mean_length,
            patterns=kept.patterns,
            pattern_rest=kept.pattern_rest,
            has_time_zone=kept.has_time_zone,
        )
        for name, kept in baseline.columns.items()
    }
