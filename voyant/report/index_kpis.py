"""What a person sees of `kpis.json` on the report: single values as cards, results as drawings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from voyant.artifacts.kpis import KpiResult, KpisArtifact
from voyant.core.tables import Scalar
from voyant.report import svg
from voyant.report.format import Figure, Value, column_name, moment, plural, value, visible
from voyant.report.vega_format import Look, humanised
from voyant.report.views import Badge, Printed

__all__ = ["Cell", "KpiView", "KpisView", "RankedBar", "ResultView", "is_judged", "kpis_view"]

_BARS: Final = 10
_LEAST_COLUMNS: Final = 3
_MOST_COLUMNS: Final = 400
_TABLE_ROWS: Final = 50
_BADGES: Final = {
    "ok": Badge(status="ok", text="within limits"),
    "warn": Badge(status="warn", text="warning"),
    "critical": Badge(status="critical", text="critical"),
    "no_data": Badge(status="not_assessed", text="no data"),
    "error": Badge(status="critical", text="could not run"),
}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_WORD: Final = re.compile(r"[^\W\d_]+")

_Row = Sequence[Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedBar:
    """One line of a drawing of categories."""

    label: list[Value]
    figure: Figure
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a result."""

    shown: Printed
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """A result of several rows or columns: bars or columns, and the table behind them."""

    measure: Value | None
    """What the drawing shows; None where there is nothing to draw."""
    bars: list[RankedBar]
    columns: Markup
    left: Printed
    middle: str
    right: Printed
    heads: list[tuple[Value, bool]]
    rows: list[list[Cell]]
    row_count: str
    rest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiView:
    """One KPI; its figure is None where it is no single value."""

    anchor: str
    title: Value
    description: Value | None
    badge: Badge | None
    figure: Printed | None
    unit: str
    target: str
    change: str
    bullet: Markup
    result: ResultView | None
    error: Value | None
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KpisView:
    """All of them."""

    values: list[KpiView]
    results: list[KpiView]
    masked: str


def kpis_view(artifact: KpisArtifact) -> KpisView:
    """Format the KPIs, in their order."""
    views = [_kpi_view(f"k{place}", kpi) for place, kpi in enumerate(artifact.kpis, start=1)]
    masked = artifact.masked_count
    return KpisView(
        values=[view for view in views if view.result is None],
        results=[view for view in views if view.result is not None],
        masked=f"Masked because they looked personal: {plural(masked, 'value')}." if masked else "",
    )


def is_judged(kpi: KpiResult) -> bool:
    """Say whether there is anything to hold a KPI's value against."""
    return any(limit is not None for limit in (kpi.target, kpi.warn, kpi.critical))


def _kpi_view(anchor: str, kpi: KpiResult) -> KpiView:
    look = Look(title=humanised(kpi.name), unit=visible(kpi.unit), format=kpi.format)
    is_table = len(kpi.columns) > 1 or len(kpi.rows) > 1
    figure = None if is_table or kpi.status == "error" else _single(kpi.value, look)
    return KpiView(
        anchor=anchor,
        title=Value(look.title, visible(kpi.name)),
        description=value(kpi.description, length=300) if kpi.description.strip() else None,
        badge=_BADGES[kpi.status] if is_judged(kpi) or kpi.status != "ok" else None,
        figure=figure,
        unit=look.unit if look.has_unit else "",
        target=_target(kpi, look),
        change=_change(kpi, look),
        bullet=Markup() if is_table else _bullet(kpi),
        result=_result_view(kpi, look) if is_table else None,
        error=None if kpi.error is None else value(kpi.error, length=300),
        sql=visible_lines(kpi.sql),
    )


def visible_lines(sql: str) -> str:
    """Give SQL its own lines back, with nothing unseen in it."""
    lines = textwrap.dedent(sql.strip("\n")).rstrip().splitlines()
    return "\n".join(visible(line.replace("\t", "    ")) for line in lines)


def _single(scalar: Scalar, look: Look) -> Printed:
    if isinstance(scalar, bool) or not isinstance(scalar, int | float):
        return value(scalar, length=40)
    return Figure(look.text(scalar), repr(scalar))


def _distance(amount: float, look: Look) -> str:
    """Write a difference; one of two percentages is in points, which no reader takes for a share.

    >>> _distance(0.066, Look(title="On time", format=".1%"))
    '6.6 points'
    """
    if look.format.endswith("%"):
        return f"{Look(title='', format=look.format[:-1] + 'f').text(100 * amount)} points"
    return look.text(amount)


def _target(kpi: KpiResult, look: Look) -> str:
    """Say how a value stands to its target, in words."""
    if kpi.target is None:
        return ""
    target = look.text(kpi.target)
    gap = kpi.distance_to_target
    if gap is None:
        return f"target {target}"
    if not gap.absolute:
        return f"exactly on the target of {target}"
    side = "above" if gap.absolute > 0 else "below"
    text = f"{_distance(abs(gap.absolute), look)} {side} the target of {target}"
    if kpi.direction is None:
        return text
    is_good = (gap.absolute > 0) == (kpi.direction == "up")
    return f"{'Meets it' if is_good else 'Misses it'}: {text}"


def _change(kpi: KpiResult, look: Look) -> str:
    """Say what moved since the job before, and whether that is good."""
    if kpi.change is None or isinstance(kpi.previous, str):
        return ""
    if not kpi.change.absolute:
        return "unchanged since the last run"
    way = "up" if kpi.change.absolute > 0 else "down"
    verdict = ""
    if kpi.direction is not None:
        verdict = ", better" if kpi.direction == way else ", worse"
    before = look.text(kpi.previous)
    return f"{way} {_distance(abs(kpi.change.absolute), look)} from {before} last time{verdict}"


def _bullet(kpi: KpiResult) -> Markup:
    """Draw a value from zero with its target as a mark; nothing where zero is no start."""
    shown, target = kpi.value, kpi.target
    if target is None or isinstance(shown, bool) or not isinstance(shown, int | float):
        return Markup()
    if min(shown, target) < 0 or max(shown, target) <= 0:
        return Markup()
    return svg.bullet(shown, target, kpi.status if kpi.status in {"warn", "critical"} else "")


def _result_view(kpi: KpiResult, look: Look) -> ResultView:
    cells = [[row[place] for row in kpi.rows] for place in range(len(kpi.columns))]
    numeric = [_are_all(column, _finite) for column in cells]
    names = [column.name for column in kpi.columns]
    measure = _measure(kpi, numeric)
    shown = Look(title="", unit=look.unit, format=look.format) if measure is not None else look
    if measure is not None and not _shares_a_word(names[measure], kpi):
        shown = Look(title="")  # the unit and format speak of something else
    is_ordered = bool(cells) and (numeric[0] or _are_all(cells[0], _date)) and _rises(cells[0])
    drawn: list[tuple[_Row, float]] = []
    if measure is not None:
        drawn = [(row, at) for row in kpi.rows if (at := _finite(row[measure])) is not None]
    draws_columns = is_ordered and _LEAST_COLUMNS <= len(drawn) <= _MOST_COLUMNS
    draws_bars = measure is not None and not is_ordered and len(drawn) > 1
    peak = max(drawn, key=lambda pair: pair[1]) if draws_columns else None
    return ResultView(
        measure=Value(humanised(names[measure]), visible(names[measure]))
        if measure is not None and (draws_columns or draws_bars)
        else None,
        bars=_ranked(drawn[:_BARS], numeric, shown) if draws_bars else [],
        columns=svg.columns([at for _, at in drawn], f"{look.title}, row by row")
        if draws_columns
        else Markup(),
        left=_label(drawn[0][0][0]) if draws_columns else "",
        middle=f"highest {shown.text(peak[1])} at {_label(peak[0][0])}" if peak else "",
        right=_label(drawn[-1][0][0]) if draws_columns else "",
        heads=[(column_name(name), is_n) for name, is_n in zip(names, numeric, strict=True)],
        rows=[
            [
                Cell(shown=_label(cell), is_number=is_number)
                for cell, is_number in zip(row, numeric, strict=True)
            ]
            for row in kpi.rows[:_TABLE_ROWS]
        ],
        row_count=plural(len(kpi.rows), "row") + (", cut short" if kpi.truncated else ""),
        rest=f"{plural(len(kpi.rows) - _TABLE_ROWS, 'more row')} in kpis.json"
        if len(kpi.rows) > _TABLE_ROWS
        else "",
    )


def _measure(kpi: KpiResult, numeric: Sequence[bool]) -> int | None:
    """Choose the column to draw: of the numbers after the first, the one the KPI is about."""
    able = [place for place, is_number in enumerate(numeric) if is_number and place > 0]
    if not able:
        return None
    named = [place for place in able if _shares_a_word(kpi.columns[place].name, kpi)]
    return (named or able)[0]


def _shares_a_word(column: str, kpi: KpiResult) -> bool:
    return bool(_stems(column) & (_stems(kpi.name) | _stems(kpi.unit)))


def _stems(text: str) -> set[str]:
    return {word.casefold().removesuffix("s") for word in _WORD.findall(text)} - {"by", "per", "of"}


def _ranked(
    drawn: Sequence[tuple[_Row, float]], numeric: Sequence[bool], look: Look
) -> list[RankedBar]:
    scale = max((abs(at) for _, at in drawn), default=0.0) or 1.0
    return [
        RankedBar(
            label=[
                value(cell, length=40)
                for cell, is_number in zip(row, numeric, strict=True)
                if not is_number
            ],
            figure=Figure(look.text(at), repr(at)),
            bar=svg.share_bar(abs(at) / scale, "under" if at < 0 else ""),
        )
        for row, at in drawn
    ]


def _are_all(cells: Sequence[Scalar], kind: Callable[[Scalar], object | None]) -> bool:
    """Whether there are values, all of a kind."""
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(kind(cell) is not None for cell in known)


def _rises(cells: Sequence[Scalar]) -> bool:
    """Whether a column of one kind is sorted, so that its neighbours belong side by side."""
    keys = [(0.0, cell) if isinstance(cell, str) else (_finite(cell) or 0.0, "") for cell in cells]
    return keys == sorted(keys)


def _label(cell: Scalar) -> Printed:
    return moment(str(cell)) if _date(cell) else value(cell)


def _date(cell: Scalar) -> re.Match[str] | None:
    return _DATE.match(cell) if isinstance(cell, str) else None


def _finite(cell: Scalar) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    return float(cell)
