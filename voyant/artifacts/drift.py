"""The shape of `drift.json`: how each table and column has moved from its reference.

Names are keys, in table order, so `/tables/flights/columns/dep_delay/psi` is a stable JSON pointer.
Every field is always there; null says that it has no meaning, or that it could not be assessed.
"""

from __future__ import annotations

from pydantic import Field

from voyant.artifacts.base import Artifact, ArtifactPart, Inexact
from voyant.core.tables import Scalar

__all__ = [
    "CategoryShift",
    "ColumnDrift",
    "DistributionDrift",
    "DriftArtifact",
    "DriftThresholds",
    "FreshnessDrift",
    "SchemaDrift",
    "TableDrift",
    "VolumeDrift",
]


class SchemaDrift(ArtifactPart):
    """One change of a table's columns."""

    kind: str
    """`added`, `removed`, `renamed`, `retyped` or `reordered`."""
    column: str | None
    """Its name now, or before it was removed; null for a new order."""
    before: str | None
    """Earlier name or type."""
    after: str | None
    """Name or type now."""
    is_guess: bool
    """A column is taken for renamed when one went, one came, and their values are alike."""


class VolumeDrift(ArtifactPart):
    """How the number of rows changed."""

    status: str
    """`stable`, `drifted` or `not_assessable`."""
    reference_row_count: int
    current_row_count: int
    change_fraction: float | None
    """Rows more (or less) as a share of the reference's; null if that had none."""
    threshold: float


class FreshnessDrift(ArtifactPart):
    """Whether the newest event has moved on, and how old it is."""

    status: str
    """`stable`; `drifted` if the newest event is older than the reference's; `not_assessable`."""
    column: str | None
    """The column of event times."""
    reference_newest: str | None
    current_newest: str | None
    reason: str


class CategoryShift(ArtifactPart):
    """A category that came or went."""

    value: Scalar
    count: int
    """Rows with it, on the side that has it."""
    fraction: float
    """Share of that side's rows with a value."""


class DistributionDrift(ArtifactPart):
    """Shares of both sides to draw: between edges (one more than shares), by category or shape."""

    edges: list[float] | list[str]
    """Numbers, or ISO 8601 text for dates and timestamps; empty for categories."""
    is_whole: bool
    """Whether only whole numbers lie between the edges: 1 to 13 then holds 1 to 12."""
    categories: list[Scalar]
    reference: list[float]
    current: list[float]
    reference_rest: float
    """Share of the reference that lies in none of them."""
    current_rest: float


class ColumnDrift(ArtifactPart):
    """One column."""

    status: str
    """`stable`, `drifted` or `not_assessable`."""
    reason: str
    """Why it is not assessable, or what else a reader must know."""
    treated_as: str
    """`number`, `time`, `category`, `text` or `none`."""
    measure: str | None
    """The measure that decided: the name of one of the fields below."""
    value: float | None
    """Its value."""
    threshold: float | None
    """Drifted from here on."""
    psi: float | None
    """Population stability index, over the reference's deciles or over categories."""
    js_distance: float | None
    """Jensen-Shannon distance in natural logarithms, 0 to 0.8326."""
    wasserstein_normed: float | None
    """Wasserstein distance over the reference's standard deviation (with n)."""
    ks_statistic: float | None
    """Largest gap between the cumulative distributions."""
    p_value: float | None
    """Only for at most 1,000 rows on each side; it never decides."""
    p_value_test: str | None
    """`Kolmogorov-Smirnov` or `chi-square`."""
    reference_null_fraction: float | None
    current_null_fraction: float | None
    null_fraction_change: float | None
    reference_distinct_count: int | None
    current_distinct_count: int | None
    reference_mean: float | str | None
    """ISO 8601 text for dates and timestamps."""
    current_mean: float | str | None
    reference_median: float | str | None
    current_median: float | str | None
    reference_mean_length: float | None
    """Of text, in characters."""
    current_mean_length: float | None
    length_change: float | None
    """Change of the mean length, as a share of the reference's."""
    pattern_js_distance: float | None
    """Jensen-Shannon distance of the shapes of text; at least so much."""
    new_category_count: int | None
    """Null where categories were not compared."""
    new_categories: list[CategoryShift]
    """The most frequent ones."""
    vanished_category_count: int | None
    vanished_categories: list[CategoryShift]
    distribution: DistributionDrift | None
    approximations: dict[str, Inexact] = Field(default_factory=dict)
    """For each field that is not exact, how it was made; `error` is the most it can be off."""


class TableDrift(ArtifactPart):
    """One table."""

    status: str
    """`no_baseline`, `stable`, `drifted` or `not_assessable`."""
    reasons: list[str]
    """Why it has drifted, or could not be assessed."""
    compared_with: str | None
    """`baseline` (a stored profile) or `reference` (a table, compared exactly)."""
    split: str | None
    """Where the table was cut in two, if it was compared with its own rows before a value."""
    baseline_job_id: str | None
    baseline_stored_at: str | None
    drifted_column_count: int
    assessed_column_count: int
    not_assessable_column_count: int
    drifted_fraction: float | None
    """Drifted columns as a share of those assessed."""
    schema_changes: list[SchemaDrift]
    volume: VolumeDrift | None
    freshness: FreshnessDrift | None
    columns: dict[str, ColumnDrift]
    """Columns the table has now, in order, then removed ones."""


class DriftThresholds(ArtifactPart):
    """From when on something counts as drifted."""

    wasserstein_normed: float
    js_distance: float
    psi: float
    null_fraction_change: float
    volume_change_fraction: float
    drifted_fraction: float
    min_rows: int


class DriftArtifact(Artifact):
    """`drift.json`."""

    thresholds: DriftThresholds
    """The defaults; a column's own stand with the column."""
    unused_rules: list[str]
    """Rules in the settings for columns of these tables that do not exist."""
    tables: dict[str, TableDrift]
    selections: dict[str, str] = Field(default_factory=dict[str, str])
    """For tables of which some rows were selected, which: the numbers are about those."""
