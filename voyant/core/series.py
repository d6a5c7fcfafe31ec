"""What charts ask an engine: rows per span of time and per cell of two numbers, means by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from voyant.core.tables import Approximation, Scalar

__all__ = [
    "BinAxis",
    "GridCounts",
    "GroupMean",
    "GroupMeans",
    "SeriesQuestions",
    "TimeCount",
    "TimeGrain",
]


class TimeGrain(StrEnum):
    """How long a span of time is; weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class TimeCount(NamedTuple):
    """Rows of one span of time; `start` is its first moment, in seconds since 1970-01-01 UTC.

    A run makes ten thousand of them.
    """

    start: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class BinAxis:
    """A numeric column and the bins it is cut into: so many of equal width from low to high."""

    column: str
    low: float
    high: float
    bins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCounts:
    """Rows per cell of two axes; cells without rows are not there.

    Attributes:
        counts: By place on x and place on y, each from 0.
        outside_count: Rows that have both numbers, one of them outside its axis.
    """

    x: BinAxis
    y: BinAxis
    counts: Mapping[tuple[int, int], int]
    outside_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMean:
    """The rows that share one value: how many have a finite number, its mean and spread.

    Attributes:
        std: With n - 1; None below two rows.
    """

    value: Scalar
    count: int
    mean: float
    std: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMeans:
    """Means of one column by the values of another, in the order of the values; nulls left out."""

    group: str
    number: str
    groups: tuple[GroupMean, ...]
    approximation: Approximation | None = None


@runtime_checkable
class SeriesQuestions(Protocol):
    """The part of an engine that charts ask."""

    def time_counts(self, table: str, column: str, grain: TimeGrain) -> tuple[TimeCount, ...]:
        """Count the rows of each span of time that has any, in order; UTC where there is a zone."""
        ...

    def group_means(
        self, table: str, groups: Sequence[str], numbers: Sequence[str], *, sample_rows: int
    ) -> tuple[GroupMeans, ...]:
        """Average numeric columns by other ones' values; an even sample above `sample_rows` rows.

        Args:
            table: The table.
            groups: Columns, by the values of each of which all rows are grouped.
            numbers: Columns that are averaged; those without finite spread are left out.
            sample_rows: The most rows that are read closely.

        Returns:
            For each of `groups`, each of `numbers`. A value under which no row has a finite number
            is left out.
        """
        ...

    def grid_counts(self, table: str, x: BinAxis, y: BinAxis) -> GridCounts:
        """Count rows by two numbers at once; bins hold their left edge, the last one both."""
        ...
