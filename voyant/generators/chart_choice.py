"""Which chart shows a KPI's result, judged by the shape of the result, and why that one?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from voyant.artifacts.charts import ChartRequest
from voyant.artifacts.kpis import KpiResult
from voyant.core.errors import did_you_mean
from voyant.generators.chart_columns import (
    MOST_NAMES,
    MOST_PANELS,
    NoChartError,
    ResultColumn,
    Shape,
    is_sorted,
    read_column,
)
from voyant.generators.chart_drawings import draw_number, draw_shape
from voyant.report.vega import Drawing, Heading
from voyant.report.vega_format import humanised

__all__ = ["Choice", "draw_kpi"]

_POINTS: Final = 500
_LEAST_STEPS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A chart and why it is this one; or no chart, and why not."""

    drawing: Drawing | None
    reason: str


def draw_kpi(kpi: KpiResult) -> Choice:
    """Choose and draw a KPI's chart; its own `chart` wins over the shape of the result.

    Returns:
        The chart, or why there is none: no data, nothing to measure, a `chart` that does not fit.
    """
    try:
        return _draw(kpi)
    except NoChartError as fault:
        return Choice(drawing=None, reason=str(fault))


def _draw(kpi: KpiResult) -> Choice:
    request = _request(kpi)
    if request.kind == "none":
        raise NoChartError("its definition asks for none")
    if kpi.status in {"error", "no_data"} or not kpi.rows:
        raise NoChartError("it has no data" if kpi.status != "error" else "it failed")
    heading = Heading(title=request.title or humanised(kpi.name), subtitle=_subtitle(kpi))
    columns = [
        read_column(column.name, column.type, [row[place] for row in kpi.rows])
        for place, column in enumerate(kpi.columns)
    ]
    if len(columns) == 1 == len(kpi.rows) and request.kind in {None, "number"}:
        return Choice(drawing=draw_number(kpi, heading, columns[0]), reason="a single value")
    shape = _asked(kpi, request, heading, columns) or _shape(kpi, request, heading, columns)
    return Choice(drawing=draw_shape(shape), reason=shape.reason)


def _request(kpi: KpiResult) -> ChartRequest:
    if kpi.chart is None:
        return ChartRequest()
    try:
        return ChartRequest.model_validate(kpi.chart)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = str(fault["loc"][0]) if fault["loc"] else ""
        hint = did_you_mean(field, ChartRequest.model_fields) if field else ""
        raise NoChartError(
            f"its chart has a wrong {field!r}: {fault['msg']}. {hint}".strip()
        ) from None


def _subtitle(kpi: KpiResult) -> str:
    cut = f"Only the first {len(kpi.rows):,} rows of the result are kept." if kpi.truncated else ""
    return " ".join(part for part in (kpi.description.strip(), cut) if part)


def _asked(
    kpi: KpiResult, request: ChartRequest, heading: Heading, columns: Sequence[ResultColumn]
) -> Shape | None:
    """Return what the definition asks for; None when it leaves the choice open."""
    if request.kind is None and request.x is None and request.y is None:
        return None
    by_name = {column.name: column for column in columns}

    def find(name: str) -> ResultColumn:
        if name not in by_name:
            raise NoChartError(
                f"its chart names the column {name!r}, which the result does not have. "
                f"{did_you_mean(name, by_name)}"
            )
        return by_name[name]

    asked_y = [request.y] if isinstance(request.y, str) else request.y or []
    series = find(request.series) if request.series else None
    x = find(request.x) if request.x else None
    ys = [find(name) for name in asked_y]
    taken = {column.name for column in (x, series, *ys) if column is not None}
    left = [column for column in columns if column.name not in taken]
    x = x or next((c for c in left if c.role != "number"), next(iter(left), None))
    if x is None:
        raise NoChartError("its chart leaves no column for x")
    ys = ys or [c for c in left if c.numbers and c.name != x.name][:MOST_PANELS]
    if not ys or not all(column.numbers for column in ys):
        raise NoChartError("its chart has no numbers for y")
    kind: str = request.kind or ("bars" if x.role == "category" else "line")
    if kind == "line" and x.role == "category":
        raise NoChartError(f"a line needs dates or numbers for x, and {x.name!r} has neither")
    if kind == "points" and not x.numbers:
        raise NoChartError(f"points need numbers for x, and {x.name!r} has none")
    if len(ys) > 1 and kind in {"line", "bars", "multiples"}:
        kind = "bar_panels" if x.role == "category" or kind == "bars" else "line_panels"
    elif kind == "multiples":
        kind = "bars" if x.role == "category" else "line"
    return Shape(
        kpi=kpi, request=request, heading=heading, kind=kind, x=x, ys=ys, series=series,
        reason="as its definition asks",
    )  # fmt: skip


def _shape(
    kpi: KpiResult, request: ChartRequest, heading: Heading, columns: Sequence[ResultColumn]
) -> Shape:
    numbers = [column for column in columns if column.numbers]
    times = [column for column in columns if column.times]
    names = [column for column in columns if column.role == "category"]
    if not numbers:
        raise NoChartError("no column holds numbers")
    base = Shape(kpi=kpi, request=request, heading=heading, kind="", x=columns[0], ys=numbers)
    if len(kpi.rows) == 1:
        return replace(base, kind="row", reason="one row: each of its numbers")
    if times and not _is_ranking(times[0], numbers):
        return _over_time(base, times[0], names)
    if times:
        names = [times[0], *names]
    if names:
        return _by_name(base, names)
    return _numbers_only(base, numbers)


def _is_ranking(time: ResultColumn, numbers: Sequence[ResultColumn]) -> bool:
    """Whether rows follow a number and not the calendar: the ten worst days."""
    times = [at for at in time.times if at is not None]
    if len(time.values) > MOST_NAMES or times == sorted(times):
        return False
    return any(is_sorted(column.numbers) for column in numbers)


def _over_time(base: Shape, time: ResultColumn, names: Sequence[ResultColumn]) -> Shape:
    known = [at for at in time.times if at is not None]
    is_repeated = len(set(known)) < len(known)
    if not known:
        raise NoChartError(f"no date in {time.name!r} can be placed on an axis")
    if not is_repeated:
        several = len(base.ys) > 1
        reason = "numbers over time: a line for each" if several else "a number over time: a line"
        return replace(base, kind="line_panels" if several else "line", x=time, reason=reason)
    if not names:
        raise NoChartError(f"{time.name!r} repeats, and nothing tells its rows apart")
    reason = f"a number over time by {names[0].name}: a line for each"
    return replace(base, kind="line", x=time, ys=base.ys[:1], series=names[0], reason=reason)


def _by_name(base: Shape, names: Sequence[ResultColumn]) -> Shape:
    first, second = names[0], names[1] if len(names) > 1 else None
    is_repeated = len(set(first.labels)) < len(first.labels)
    if second is not None and is_repeated and _is_filled(first, second) and len(base.ys) == 1:
        reason = "a number for each pair of names: a heat map"
        return replace(base, kind="heat_map", x=second, series=first, reason=reason)
    x = first if second is None or not is_repeated else _joined(names)
    if len(base.ys) > 1:
        reason = "several numbers for each name: bars side by side"
        return replace(base, kind="bar_panels", x=x, reason=reason)
    return replace(base, kind="bars", x=x, reason="a number for each name: sorted bars")


def _is_filled(first: ResultColumn, second: ResultColumn) -> bool:
    """Whether most combinations occur, each once."""
    pairs = set(zip(first.labels, second.labels, strict=True))
    possible = len(set(first.labels)) * len(set(second.labels))
    return len(pairs) == len(first.labels) and len(pairs) >= possible / 2


def _joined(names: Sequence[ResultColumn]) -> ResultColumn:
    """Make one name of several."""
    values = [
        " \N{MIDDLE DOT} ".join(parts) for parts in zip(*(c.labels for c in names), strict=True)
    ]
    return ResultColumn(name=", ".join(column.name for column in names), values=values)


def _numbers_only(base: Shape, numbers: Sequence[ResultColumn]) -> Shape:
    x, *ys = numbers
    if not ys:
        x = ResultColumn(name="row", values=[str(place) for place in range(1, len(x.values) + 1)])
        return replace(base, kind="bars", x=x, ys=numbers, reason="a number in each row: bars")
    steps = [number for number in x.numbers if number is not None]
    is_scale = x.is_whole and len(steps) == len(x.values) >= _LEAST_STEPS
    if is_scale and steps == sorted(set(steps)):
        several = len(ys) > 1
        reason = f"{'numbers' if several else 'a number'} at each {x.name}: a line" + (
            " for each" if several else ""
        )
        return replace(base, kind="line_panels" if several else "line", x=x, ys=ys, reason=reason)
    if len(x.values) > _POINTS:
        reason = "two numbers in many rows: a heat map of how many rows lie where"
        return replace(base, kind="binned", x=x, ys=ys[:1], reason=reason)
    return replace(base, kind="points", x=x, ys=ys[:1], reason="two numbers: a point for each row")
