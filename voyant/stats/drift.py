"""Has a column drifted from an earlier state of itself, by which measure, and by how much?

The verdict rests on the size of the effect, never on a p-value: with enough rows every difference
is significant. What cannot be assessed is said with its reason.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise
from math import ceil, isfinite, log2, sqrt
from typing import Final, NamedTuple, Self

from voyant.core.tables import QUANTILE_GRID_STEPS, ColumnKind
from voyant.stats import distances
from voyant.stats.distances import GridDistance
from voyant.stats.quantiles import even_edges

__all__ = [
    "SMALL_SAMPLE",
    "Binned",
    "CategoryValue",
    "ColumnState",
    "DriftRules",
    "Evidence",
    "Finding",
    "Measures",
    "Ranked",
    "Status",
    "Treatment",
    "compare",
    "count_between",
    "even_bin_edges",
    "is_same_family",
    "pattern_js_distance",
    "psi_edges",
    "treat",
]

#: p-values are given up to so many rows on each side; Evidently's limit for its tests, too.
SMALL_SAMPLE: Final = 1_000
#: Evidently's limits for treating numbers as categories.
_FEW_WHOLE_NUMBERS: Final = 10
_FEW_NUMBERS: Final = 5
#: Up to so many values in the reference, the Jensen-Shannon distance of numbers is taken by value.
_BINNED_FROM: Final = 20
#: Text of which a larger share differs is identifiers or prose: its values always change.
_MOSTLY_DIFFERENT: Final = 0.5
_PSI_BINS: Final = 10

CategoryValue = str | float | bool


class Status(StrEnum):
    """What was found."""

    STABLE = "stable"
    DRIFTED = "drifted"
    NOT_ASSESSABLE = "not_assessable"


class Treatment(StrEnum):
    """As what a column's values are compared."""

    NUMBER = "number"
    TIME = "time"
    CATEGORY = "category"
    TEXT = "text"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)  # no slots: `numbers` is worked out once, and asked for often
class ColumnState:
    """What is known of a column at one time: from a stored profile, or from the engine.

    Attributes:
        number_count: Rows with a finite number or moment.
        mean: Of numbers; of moments in seconds since 1970.
        std: With n - 1.
        grid: 201 quantiles of numbers or moments; empty if not ordered.
        values: Rows by value, all of them; None when there are too many, or they may not be kept.
        no_values_because: Why `values` is None.
        bin_counts: Rows between -infinity, `psi_edges` and infinity; empty where values are known.
        patterns: Rows by shape, of text; `pattern_rest` counts the rows of other shapes.
    """

    name: str
    type: str
    kind: ColumnKind
    semantic_type: str
    count: int
    null_count: int
    number_count: int = 0
    distinct_count: int | None = None
    mean: float | None = None
    std: float | None = None
    grid: tuple[float, ...] = ()
    values: Mapping[CategoryValue, int] | None = None
    no_values_because: str = ""
    bin_counts: tuple[int, ...] = ()
    mean_length: float | None = None
    patterns: Mapping[str, int] = field(default_factory=dict[str, int])
    pattern_rest: int = 0
    has_time_zone: bool = False

    @property
    def null_fraction(self) -> float:
        """Share of rows without a value, 0 for an empty table."""
        rows = self.count + self.null_count
        return self.null_count / rows if rows else 0.0

    @cached_property
    def numbers(self) -> Mapping[float, int] | None:
        """Rows by number or moment; None when not all values are known."""
        if self.values is None:
            return None
        return {
            float(value): rows
            for value, rows in self.values.items()
            if not isinstance(value, (str, bool))
        }

    @cached_property
    def ranked(self) -> Ranked | None:
        """The same in order."""
        return None if self.numbers is None else Ranked.of(self.numbers)

    @property
    def is_constant(self) -> bool:
        """Whether all rows with a value hold the same one."""
        return self.distinct_count == 1


class Ranked(NamedTuple):
    """Numbers in order.

    Attributes:
        values: Rising, each once.
        below: Rows with a smaller number, for each value, and the number of all rows.
    """

    values: list[float]
    below: list[int]

    @classmethod
    def of(cls, numbers: Mapping[float, int]) -> Self:
        """Put rows by number in order."""
        values = sorted(numbers)
        return cls(values, [0, *accumulate(numbers[value] for value in values)])


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRules:
    """From when on a column counts as drifted.

    Attributes:
        measure: Decides in place of the treatment's own measure; `none` leaves the column out.
        threshold: Of the measure that decides; its default when None.
    """

    wasserstein_normed: float = 0.1
    js_distance: float = 0.1
    psi: float = 0.2
    null_fraction_change: float = 0.1
    min_rows: int = 30
    measure: str | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned:
    """Rows, or shares, of both sides in the same bins; `error` is how far off a share can be."""

    edges: tuple[float, ...]
    reference: Sequence[float]
    current: Sequence[float]
    error: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was counted of both sides together; None where it does not apply.

    Attributes:
        wasserstein: Not normed yet.
        deciles: In the bins of the population stability index.
        even: In equally wide bins over both ranges.
    """

    wasserstein: GridDistance | None = None
    ks: GridDistance | None = None
    deciles: Binned | None = None
    even: Binned | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The numbers; None where one has no meaning. `errors` holds what is not exact."""

    wasserstein_normed: float | None = None
    ks_statistic: float | None = None
    js_distance: float | None = None
    psi: float | None = None
    p_value: float | None = None
    p_value_test: str | None = None
    pattern_js_distance: float | None = None
    length_change: float | None = None
    errors: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result for one column.

    Attributes:
        measure: What decided; None if nothing could.
        reason: Why not assessable, or what else a reader must know.
    """

    status: Status
    treatment: Treatment
    reason: str = ""
    measure: str | None = None
    value: float | None = None
    threshold: float | None = None
    measures: Measures = Measures()


def treat(reference: ColumnState, current: ColumnState) -> tuple[Treatment, str]:
    """Decide as what two states of a column are compared, or say why they are not."""
    kind = current.kind
    if reason := _incomparable(reference, current):
        return Treatment.NONE, reason
    if kind.is_numeric:
        return _treat_numbers(reference, current)
    if kind.is_temporal:
        is_empty = not reference.grid or not current.grid
        return (
            (Treatment.NONE, "one side holds no finite moment")
            if is_empty
            else (Treatment.TIME, "")
        )
    is_known = reference.values is not None and current.values is not None
    differ = _is_mostly_different(reference) or _is_mostly_different(current)
    if kind is ColumnKind.BOOLEAN or (is_known and not differ):
        return Treatment.CATEGORY, ""
    if kind is ColumnKind.TEXT:
        return Treatment.TEXT, ""
    why = reference.no_values_because or current.no_values_because
    return Treatment.NONE, why or f"nearly all values of this {kind.value} column differ"


def _incomparable(reference: ColumnState, current: ColumnState) -> str:
    if not is_same_family(reference.kind, current.kind):
        return f"its type changed from {reference.type} to {current.type}"
    if not reference.count and not current.count:
        return "no row holds a value, neither now nor in the reference"
    if not reference.count:
        return "no row of the reference holds a value"
    return "" if current.count else "no row holds a value any more"


def _treat_numbers(reference: ColumnState, current: ColumnState) -> tuple[Treatment, str]:
    if not reference.grid or not current.grid:
        why = reference.no_values_because or current.no_values_because
        return Treatment.NONE, why or "one side holds no finite number"
    if reference.semantic_type == current.semantic_type == "id":
        return _treat_identifiers(reference, current)
    before, after = reference.numbers, current.numbers
    if before is None or after is None:
        return Treatment.NUMBER, ""
    is_whole = reference.kind is current.kind is ColumnKind.INTEGER
    are_few = is_whole and max(len(before), len(after)) <= _FEW_WHOLE_NUMBERS
    if are_few or len({*before, *after}) <= _FEW_NUMBERS:
        return Treatment.CATEGORY, ""
    return Treatment.NUMBER, ""


def _treat_identifiers(reference: ColumnState, current: ColumnState) -> tuple[Treatment, str]:
    """Compare identifiers that repeat by value: their size means nothing, and new ones come."""
    is_known = reference.values is not None and current.values is not None
    if is_known and not (_is_mostly_different(reference) or _is_mostly_different(current)):
        return Treatment.CATEGORY, ""
    return Treatment.NONE, "identifiers: their values are expected to change"


def is_same_family(one: ColumnKind, other: ColumnKind) -> bool:
    """Whether values of the two kinds can be compared: numbers, moments, or equal kinds."""
    return _family(one) == _family(other)


def _family(kind: ColumnKind) -> str:
    if kind.is_numeric:
        return "number"
    return "moment" if kind.is_temporal else kind.value


def _is_mostly_different(state: ColumnState) -> bool:
    return (state.distinct_count or 0) > state.count * _MOSTLY_DIFFERENT


def psi_edges(state: ColumnState) -> tuple[float, ...]:
    """Return the reference's inner deciles, each once; the bins reach to infinity at both ends.

    Source: B. Yurdakul, "Statistical Properties of Population Stability Index" (2018), section 1.1.
    """
    if not state.grid:
        return ()
    step = QUANTILE_GRID_STEPS // _PSI_BINS
    return tuple(dict.fromkeys(state.grid[step:-1:step]))


def even_bin_edges(reference: ColumnState, current: ColumnState) -> tuple[float, ...]:
    """Return equally wide bins over both ranges, by Sturges' rule, as NumPy and Evidently do.

    Source: H. A. Sturges, "The choice of a class interval", Journal of the American Statistical
    Association 21 (1926), 65-66.
    """
    if not reference.grid or not current.grid:
        return ()
    low = min(reference.grid[0], current.grid[0])
    high = max(reference.grid[-1], current.grid[-1])
    bins = ceil(log2(reference.number_count + current.number_count) + 1)
    step = (high - low) / bins
    if not step or not isfinite(step):
        return even_edges(low, high, bins)
    # As NumPy places them: whole numbers that lie on an edge must stay on it.
    return (*(low + place * step for place in range(bins)), high)


def count_between(ranked: Ranked, edges: Sequence[float]) -> list[int]:
    """Count rows between edges; the last bin holds its right edge, what lies outside is left out.

    >>> count_between(Ranked.of({1.0: 2, 9.0: 1, 2.0: 3}), [1.0, 2.0, 3.0])
    [2, 3]
    """
    if len(edges) < 2:  # noqa: PLR2004 - a bin has two edges
        return []
    below = [ranked.below[bisect_left(ranked.values, edge)] for edge in edges[:-1]]
    below.append(ranked.below[bisect_right(ranked.values, edges[-1])])
    return [end - start for start, end in pairwise(below)]


def compare(
    reference: ColumnState, current: ColumnState, evidence: Evidence, rules: DriftRules
) -> Finding:
    """Measure how far a column has moved, and judge it.

    Args:
        reference: The earlier state.
        current: The state now.
        evidence: What was counted of both together.
        rules: Thresholds.
    """
    treatment, reason = treat(reference, current)
    gap = abs(current.null_fraction - reference.null_fraction)
    has_rows = all(side.count + side.null_count >= rules.min_rows for side in (reference, current))
    if rules.measure == "none":
        return Finding(
            status=Status.NOT_ASSESSABLE, treatment=treatment, reason="left out by the settings"
        )
    measures = _measure(treatment, reference, current, evidence)
    name, value, threshold, why = _decisive(treatment, measures, rules)
    if treatment is Treatment.NONE:
        why = reason
    elif reference.is_constant and value is None:
        why = (
            "the reference holds one value only, so there is no spread to measure a change against"
        )
    fewest = min(reference.count, current.count)
    if treatment is not Treatment.NONE and fewest < rules.min_rows:
        why = f"too few rows: one side has {fewest} with a value, {rules.min_rows} are needed"
    is_assessed = value is not None and not why
    if is_assessed and value is not None and threshold is not None and value >= threshold:
        status = Status.DRIFTED
    elif has_rows and gap >= rules.null_fraction_change:
        status, name, value, threshold = (
            Status.DRIFTED, "null_fraction_change", gap, rules.null_fraction_change,
        )  # fmt: skip
    else:
        status = Status.STABLE if is_assessed else Status.NOT_ASSESSABLE
    if status is Status.NOT_ASSESSABLE:
        name = value = threshold = None
    return Finding(
        status=status,
        treatment=treatment,
        reason=why,
        measure=name,
        value=value,
        threshold=threshold,
        measures=measures,
    )


def _decisive(
    treatment: Treatment, measures: Measures, rules: DriftRules
) -> tuple[str | None, float | None, float | None, str]:
    """Return the measure that decides, its value and threshold, and why it cannot."""
    defaults = {
        "wasserstein_normed": rules.wasserstein_normed,
        "js_distance": rules.js_distance,
        "psi": rules.psi,
        "ks_statistic": rules.js_distance,
        "pattern_js_distance": rules.js_distance,
        "length_change": rules.js_distance,
    }
    name = rules.measure or {
        Treatment.NUMBER: "wasserstein_normed",
        Treatment.TIME: "wasserstein_normed",
        Treatment.CATEGORY: "js_distance",
    }.get(treatment)
    if name is None and treatment is Treatment.TEXT:
        shape, length = measures.pattern_js_distance, measures.length_change
        name = "pattern_js_distance" if (shape or 0) >= (length or 0) else "length_change"
    if name is None:
        return None, None, None, ""
    value: float | None = getattr(measures, name)
    threshold = defaults[name] if rules.threshold is None else rules.threshold
    return name, value, threshold, "" if value is not None else f"{name} has no meaning here"


def _measure(
    treatment: Treatment, reference: ColumnState, current: ColumnState, evidence: Evidence
) -> Measures:
    if treatment is Treatment.CATEGORY:
        return _measure_categories(reference, current, evidence)
    if treatment in {Treatment.NUMBER, Treatment.TIME}:
        return _measure_numbers(reference, current, evidence)
    if treatment is Treatment.TEXT:
        return _with_text(Measures(), reference, current)
    return Measures()


def _measure_categories(
    reference: ColumnState, current: ColumnState, evidence: Evidence
) -> Measures:
    before, after = reference.values or {}, current.values or {}
    names = [*before, *(value for value in after if value not in before)]
    old, new = [before.get(n, 0) for n in names], [after.get(n, 0) for n in names]
    is_small = max(sum(old), sum(new)) <= SMALL_SAMPLE
    p_value = distances.chi_square_p_value(old, new) if is_small else None
    spread = _population_std(reference)
    area = evidence.wasserstein
    measures = Measures(
        js_distance=distances.js_distance(old, new),
        psi=distances.psi(old, new),
        wasserstein_normed=area.value / spread if area is not None and spread else None,
        ks_statistic=None if evidence.ks is None else evidence.ks.value,
        p_value=p_value,
        p_value_test=None if p_value is None else "chi-square",
    )
    return _with_text(measures, reference, current)


def _measure_numbers(reference: ColumnState, current: ColumnState, evidence: Evidence) -> Measures:
    spread = _population_std(reference)
    errors: dict[str, float] = {}
    area, gap = evidence.wasserstein, evidence.ks
    normed = None
    if area is not None and spread:
        normed = area.value / spread
        if area.max_error:
            errors["wasserstein_normed"] = area.max_error / spread
    if gap is not None and gap.max_error:
        errors["ks_statistic"] = gap.max_error
    js, js_error = _js_of_numbers(reference, current, evidence.even)
    if js_error:
        errors["js_distance"] = js_error
    deciles = evidence.deciles
    sizes = (reference.number_count, current.number_count)
    is_small = max(sizes) <= SMALL_SAMPLE and gap is not None and not gap.max_error
    return Measures(
        wasserstein_normed=normed,
        ks_statistic=None if gap is None else gap.value,
        js_distance=js,
        psi=distances.psi(deciles.reference, deciles.current)
        if deciles is not None and _has_rows(deciles)
        else None,
        p_value=distances.ks_p_value(gap.value, *sizes) if gap is not None and is_small else None,
        p_value_test="Kolmogorov-Smirnov" if is_small else None,
        errors=errors,
    )


def _has_rows(binned: Binned) -> bool:
    return any(binned.reference) and any(binned.current)


def _js_of_numbers(
    reference: ColumnState, current: ColumnState, even: Binned | None
) -> tuple[float | None, float]:
    before, after = reference.numbers, current.numbers
    if before is not None and after is not None and len(before) <= _BINNED_FROM:
        names = sorted({*before, *after})
        old, new = [before.get(n, 0) for n in names], [after.get(n, 0) for n in names]
        return distances.js_distance(old, new), 0.0
    if even is None or not _has_rows(even):
        return None, 0.0
    value = distances.js_distance(even.reference, even.current)
    if not even.error:
        return value, 0.0
    # The distance is a metric: it moves by at most the distance between the true and the estimated
    # shares, which is at most the root of ln 2 times half the sum of their differences.
    strayed = min(even.error * len(even.reference) / 2, 1.0)
    return value, sqrt(strayed * 0.6931471805599453)


def _population_std(state: ColumnState) -> float | None:
    """Return the standard deviation with n, as Evidently norms by; None without spread."""
    if not state.std or state.number_count < 2:  # noqa: PLR2004 - one value has no spread
        return None
    return state.std * sqrt((state.number_count - 1) / state.number_count)


def _with_text(measures: Measures, reference: ColumnState, current: ColumnState) -> Measures:
    if reference.mean_length is None or current.mean_length is None:
        return measures
    change = abs(current.mean_length - reference.mean_length)
    base = max(reference.mean_length, 1.0)
    return Measures(
        js_distance=measures.js_distance,
        psi=measures.psi,
        p_value=measures.p_value,
        p_value_test=measures.p_value_test,
        pattern_js_distance=pattern_js_distance(reference, current),
        length_change=change / base,
    )


def pattern_js_distance(reference: ColumnState, current: ColumnState) -> float | None:
    """Return the Jensen-Shannon distance of the shapes of text, at least so much.

    Shapes that one side may only have left unlisted count as one, which can but lower the distance.
    """
    sides = (reference, current)
    if not all(side.patterns for side in sides):
        return None
    shapes = [*reference.patterns, *(p for p in current.patterns if p not in reference.patterns)]
    kept = [
        shape
        for shape in shapes
        if all(shape in side.patterns or not side.pattern_rest for side in sides)
    ]
    counts = [
        [
            *(side.patterns.get(shape, 0) for shape in kept),
            side.pattern_rest + sum(n for s, n in side.patterns.items() if s not in kept),
        ]
        for side in sides
    ]
    return distances.js_distance(*counts)
