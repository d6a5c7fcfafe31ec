"""On which days did a table get far more, or far fewer, rows than usual?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
from pydantic import BaseModel, Field

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register

VOYANT_API = 1

#: Makes the median absolute deviation comparable with a standard deviation of normal values.
_NORMAL = 0.6745


class Parameters(BaseModel, extra="forbid"):
    """What can be set under [generators.anomalies]."""

    threshold: float = Field(default=3.5, gt=0)
    """Modified z-score beyond which a day is an anomaly."""
    period_days: int = Field(default=7, ge=2)
    """Length of the rhythm that is expected."""
    max_days: int = Field(default=730, ge=28, le=1000)
    """Days, counted back from the newest, that are looked at."""


def fill(counts: Mapping[date, int], max_days: int) -> tuple[list[date], list[int]]:
    """Return a count for each day up to the newest one, 0 for days that do not occur."""
    newest = max(counts)
    oldest = max(min(counts), date.fromordinal(max(1, newest.toordinal() - max_days + 1)))
    days = [oldest + timedelta(days=i) for i in range((newest - oldest).days + 1)]
    return days, [counts.get(day, 0) for day in days]


def find_anomalies(
    days: list[date], counts: list[int], parameters: Parameters
) -> list[dict[str, object]]:
    """Find the days whose count trend and rhythm do not explain.

    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993 (modified z-score), over
    the residuals of Cleveland et al., STL, 1990.
    """
    from statsmodels.tsa.seasonal import STL  # slow to import, and not every job has a series

    fitted = STL(np.asarray(counts, dtype=float), period=parameters.period_days, robust=True).fit()
    rest = fitted.resid - np.median(fitted.resid)
    # Counts are whole numbers: a spread below half a row is rounding, not regularity.
    spread = max(float(np.median(np.abs(rest))), 0.5)
    scores = _NORMAL * rest / spread
    expected = fitted.trend + fitted.seasonal
    return [
        {
            "day": day.isoformat(),
            "row_count": count,
            "expected": round(max(0.0, float(usual)), 1),
            "score": round(float(score), 2),
        }
        for day, count, usual, score in zip(days, counts, expected, scores, strict=True)
        if abs(score) > parameters.threshold
    ]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _count_days(ctx: GeneratorContext, table: str, column: str) -> dict[date, int]:
    """Count rows per day, the newest `max_days` days that occur."""
    day = f"CAST({_quote(column)} AS DATE)"
    result = ctx.query(
        f"SELECT {day} AS day, count(*) AS n FROM {_quote(table)}"
        f" WHERE {_quote(column)} IS NOT NULL GROUP BY 1 ORDER BY 1 DESC"
        f" LIMIT {ctx.parameters.max_days}"
    )
    return {date.fromisoformat(str(row[0])): int(str(row[1])) for row in result.rows}


@register("anomalies", order=80, parameters=Parameters)
def generate_anomalies(ctx: GeneratorContext) -> ArtifactResult:
    """Find the days on which a table got far more, or far fewer, rows than usual."""
    series: list[dict[str, object]] = []
    for table in ctx.tables:
        for column in ctx.summary(table).columns.values():
            if not column.kind.is_temporal:
                continue
            entry: dict[str, object] = {"table": table, "column": column.name}
            counts = _count_days(ctx, table, column.name)
            days, filled = fill(counts, ctx.parameters.max_days) if counts else ([], [])
            needed = 4 * ctx.parameters.period_days
            if len(days) < needed:
                entry["not_assessed"] = f"{len(days)} days, of {needed} that are needed"
            else:
                entry["first_day"], entry["last_day"] = days[0].isoformat(), days[-1].isoformat()
                entry["anomalies"] = find_anomalies(days, filled, ctx.parameters)
            series.append(entry)
    return {"anomalies": ctx.write_json("anomalies.json", {"series": series})}
