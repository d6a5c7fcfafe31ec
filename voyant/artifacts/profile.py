"""The shape of `profile.json`: what each table and column holds.

Names are keys, in table order, so `/tables/flights/columns/dep_delay/mean` is a stable JSON
pointer. Every field is always there; null says that it has no meaning for this column.
"""

from __future__ import annotations

from pydantic import Field

from voyant.artifacts.base import Artifact, ArtifactPart, Inexact
from voyant.artifacts.selection import SelectedRows
from voyant.core.tables import Scalar

__all__ = [
    "Alert",
    "CandidateKey",
    "ColumnProfile",
    "Correlation",
    "Correlations",
    "HistogramProfile",
    "KeySearch",
    "PatternCount",
    "ProfileArtifact",
    "TableProfile",
    "TextProfile",
    "TimeProfile",
    "TopValue",
]


class HistogramProfile(ArtifactPart):
    """Rows between edges; one edge more than counts, the last bin holds its right edge."""

    edges: list[float] | list[str]
    """Numbers, or ISO 8601 text for dates and timestamps."""
    counts: list[int]


class TopValue(ArtifactPart):
    """A frequent value."""

    value: Scalar
    count: int
    fraction: float
    """Share of the rows that hold a value."""


class PatternCount(ArtifactPart):
    """A shape: `A` upper case, `a` lower case, `9` digit, `+` a run of the mark before it."""

    pattern: str
    count: int


class TextProfile(ArtifactPart):
    """What only text has; lengths in characters."""

    min_length: int | None
    max_length: int | None
    mean_length: float | None
    empty_count: int
    whitespace_count: int
    padded_count: int
    """Rows with white space before or after something else."""
    patterns: list[PatternCount]


class TimeProfile(ArtifactPart):
    """What only dates and timestamps have; days are calendar days (UTC where there is a zone)."""

    range_seconds: float
    day_count: int
    missing_day_count: int
    largest_gap_days: int
    largest_gap_start: str | None
    largest_gap_end: str | None


class ColumnProfile(ArtifactPart):
    """One column."""

    type: str
    """The engine's own name of the type."""
    kind: str
    """The family of the type: boolean, integer, decimal, float, text, date, timestamp ..."""
    semantic_type: str
    """What the values mean: id, category, email, money ..."""
    semantic_evidence: str
    """What the semantic type was judged from."""
    count: int
    """Rows with a value."""
    null_count: int
    null_fraction: float
    distinct_count: int | None
    is_unique: bool
    min: Scalar
    max: Scalar
    sum: float | int | None
    mean: float | None
    std: float | None
    """With n - 1."""
    variance: float | None
    skewness: float | None
    """Adjusted Fisher-Pearson G1, as pandas."""
    kurtosis: float | None
    """Excess kurtosis G2, as pandas."""
    zero_count: int | None
    negative_count: int | None
    nan_count: int
    infinite_count: int
    true_count: int | None
    quantiles: dict[str, float | str]
    """From "0.01" "0.05" "0.25" "0.5" "0.75" "0.95" "0.99" to a number, or ISO text for dates."""
    histogram: HistogramProfile | None
    top_values: list[TopValue]
    text: TextProfile | None
    time: TimeProfile | None
    approximations: dict[str, Inexact] = Field(default_factory=dict)
    """For each field above that is not exact, how it was made."""


class CandidateKey(ArtifactPart):
    """Columns whose values, together, are never null and never repeat."""

    columns: list[str]


class KeySearch(ArtifactPart):
    """How far pairs of columns were searched for keys."""

    pairs_possible: int
    """Pairs that could be keys by their distinct counts."""
    pairs_checked: int
    budget: int
    """At most so many pairs are checked."""


class Correlation(ArtifactPart):
    """How strongly two columns go together, over the rows where both have a value."""

    left: str
    right: str
    value: float | None
    row_count: int


class Correlations(ArtifactPart):
    """All pairs under the cap, strongest first."""

    pearson: list[Correlation]
    spearman: list[Correlation]
    cramers_v: list[Correlation]
    pair_cap: int
    """At most so many pairs per method."""
    pairs_omitted: int
    approximations: dict[str, Inexact] = Field(default_factory=dict)


class Alert(ArtifactPart):
    """Something a reader should know before using the table."""

    kind: str
    """For instance `constant`, `mostly_null`, `duplicate_rows`, `high_correlation`."""
    severity: str
    """`info`, `warning` or `error`."""
    column: str | None
    message: str
    pointer: str
    """JSON pointer, in this file, to the number that says so."""


class TableProfile(ArtifactPart):
    """One table."""

    row_count: int
    column_count: int
    duplicate_row_count: int | None
    """Rows that repeat an earlier row in every column."""
    missing_cell_count: int
    missing_cell_fraction: float
    candidate_keys: list[CandidateKey]
    key_search: KeySearch
    correlations: Correlations
    alerts: list[Alert]
    columns: dict[str, ColumnProfile]
    approximations: dict[str, Inexact] = Field(default_factory=dict)
    selection: SelectedRows | None = None
    """Which rows all these numbers are about; null for the whole table."""


class ProfileArtifact(Artifact):
    """`profile.json`."""

    tables: dict[str, TableProfile]
