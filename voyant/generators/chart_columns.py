"""What does a KPI's result hold, column by column, and how does each of its numbers read?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from voyant.artifacts.charts import ChartRequest
from voyant.artifacts.kpis import KpiResult
from voyant.core.tables import Scalar
from voyant.report import format as fmt
from voyant.report.vega import Heading
from voyant.report.vega_format import Look, clipped, humanised
from voyant.stats.sql_types import is_number_type, is_time_type

__all__ = [
    "MOST_NAMES",
    "MOST_PANELS",
    "NoChartError",
    "ResultColumn",
    "Shape",
    "is_additive",
    "is_sorted",
    "looks_of",
    "read_column",
]

#: Names on an axis, and charts side by side.
MOST_NAMES: Final = 20
MOST_PANELS: Final = 4
_MOST_DECIMALS: Final = 5
_ADDS_UP: Final = re.compile(
    r"(?i)(^|_)(count|counts|sum|total|number|n|rows|amount|revenue|sales)(_|$)"
)


class NoChartError(Exception):
    """Says why a result cannot be drawn; never leaves this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultColumn:
    """A column of the result; `numbers` or `times` (seconds since 1970) where it is such."""

    name: str
    values: Sequence[Scalar]
    numbers: Sequence[float | None] = ()
    times: Sequence[float | None] = ()

    @property
    def role(self) -> str:
        """What it can do in a chart: `number`, `time` or `category`."""
        return "number" if self.numbers else "time" if self.times else "category"

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return all(number is None or number == int(number) for number in self.numbers)

    @property
    def labels(self) -> list[str]:
        """Its values as they read on an axis."""
        return [clipped(value) if isinstance(value, str) and value else fmt.value(value).text
                for value in self.values]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What to draw: the columns by what they do in the chart."""

    kpi: KpiResult
    request: ChartRequest
    heading: Heading
    kind: str
    x: ResultColumn
    ys: Sequence[ResultColumn]
    series: ResultColumn | None = None
    reason: str = ""


def read_column(name: str, type_name: str, values: Sequence[Scalar]) -> ResultColumn:
    """Read a column by its type, or by its values where the type says nothing."""
    column = ResultColumn(name=name, values=values)
    present = [value for value in values if value is not None]
    if present and is_number_type(type_name):
        return ResultColumn(
            name=name, values=values, numbers=[_number_of(value) for value in values]
        )
    if present and all(isinstance(v, int | float) and not isinstance(v, bool) for v in present):
        return ResultColumn(
            name=name, values=values, numbers=[_number_of(value) for value in values]
        )
    if present and is_time_type(type_name):
        return replace(column, times=[_seconds(value) for value in values])
    return column


def _number_of(value: Scalar) -> float | None:
    """Return a finite float; None for NaN, infinity and what is no number."""
    try:
        number = float(value) if value is not None else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _seconds(value: Scalar) -> float | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:  # infinity, null, a year beyond 9999
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def looks_of(kpi: KpiResult, columns: Sequence[ResultColumn]) -> dict[str, Look]:
    """Say how each number reads: the KPI's unit and format belong to the ones they can be true of.

    A whole number beside fractions, under a format with decimals, is a count of something else.
    """
    numbers = [column for column in columns if column.numbers]
    wants_fractions = bool(re.search(r"\.[1-9]\d*[fFeE%]?$|%$", kpi.format))
    fitting = [column for column in numbers if column.is_whole is not wants_fractions]
    looks: dict[str, Look] = {}
    for column in numbers:
        title = humanised(column.name)
        if not kpi.format or not fitting or column in fitting or len(numbers) == 1:
            looks[column.name] = Look(title=title, unit=kpi.unit, format=kpi.format)
        else:
            looks[column.name] = Look(title=title, format=_plain_format(column))
    return looks


def _plain_format(column: ResultColumn) -> str:
    """Return one format for all of a column's numbers, with three digits of the largest one."""
    largest = max((abs(number) for number in column.numbers if number is not None), default=0.0)
    if column.is_whole or largest == 0 or largest >= 100:  # noqa: PLR2004 - three digits
        return ",.0f"
    decimals = 2 - math.floor(math.log10(largest))
    return f".{decimals}f" if decimals <= _MOST_DECIMALS else ".3g"


def is_additive(column: ResultColumn, look: Look) -> bool:
    """Whether adding its numbers up makes sense."""
    return column.is_whole and "%" not in look.format and bool(_ADDS_UP.search(column.name))


def is_sorted(numbers: Sequence[float | None]) -> bool:
    """Whether numbers rise or fall throughout, nulls aside."""
    known = [number for number in numbers if number is not None]
    return len(known) > 1 and known in (sorted(known), sorted(known, reverse=True))
