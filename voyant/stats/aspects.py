"""How does a table fare in one aspect: rows, filled cells, duplicates, invalid values, age ...?

Each function looks at one aspect and returns a score, the numbers behind it, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from voyant.core.tables import (
    ColumnKind,
    ColumnSummary,
    Containment,
    Measure,
    Scalar,
    TableSummary,
)
from voyant.stats.event_time import find_newest_event
from voyant.stats.formats import FORMATS
from voyant.stats.scores import (
    continuity_score,
    freshness_score,
    limit_score,
    ramp_score,
    volume_score,
)
from voyant.stats.semantic import SemanticType, is_checkable, is_valid

__all__ = [
    "FAULT_LIMIT",
    "NULLS_LIMIT",
    "NULLS_TOLERATED",
    "Aspect",
    "containment_aspect",
    "continuity_aspect",
    "duplicates_aspect",
    "filled_aspect",
    "freshness_aspect",
    "invalid_aspect",
    "join_scores",
    "mixed_aspect",
    "nulls_aspect",
    "orphans_aspect",
    "parent_aspect",
    "volume_aspect",
]

#: Share of duplicate rows, of invalid or of mixed values at which that aspect scores 0.
FAULT_LIMIT = 0.10
#: Share of missing values in a column that does no harm, and at which the column counts as lost.
NULLS_TOLERATED, NULLS_LIMIT = 0.05, 0.20

_SHOWN = 3
_DAY_SECONDS = 86_400.0
#: Typed values that can be wrong all the same.
_TYPED_FORMATS = frozenset({"latitude", "longitude", "card"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """What was seen of one aspect.

    Attributes:
        name: The aspect, as in the artifact.
        score: In [0, 1]; None when not assessed, and then `reason` says why.
        evidence: What was seen, with its numbers.
        need: What to do about it when the score is below 1.
        facts: The numbers behind the score.
    """

    name: str
    score: float | None = None
    evidence: str = ""
    reason: str = ""
    need: str = ""
    facts: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


def _worst(fractions: Mapping[str, float]) -> str:
    """Name the columns that are worst off: `speed 99.3%, wind_gust 79.6%`."""
    bad = sorted(((share, name) for name, share in fractions.items() if share > 0), reverse=True)
    named = ", ".join(f"{name} {share:.1%}" for share, name in bad[:_SHOWN])
    return named + (f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else "")


def _missing_count(column: ColumnSummary) -> int:
    """Count rows that say nothing: null, NaN, empty or blank text."""
    blank = column.text.empty_count + column.text.whitespace_count if column.text else 0
    return column.null_count + column.nan_count + blank


def volume_aspect(table: TableSummary, target: int, *, lookup_for: str = "") -> Aspect:
    """Score the rows that hold any value, unless others decide how many there must be.

    Args:
        table: The table.
        target: Rows at which the score is 1.
        lookup_for: The column that looks things up in this table; its size then follows from what
            it lists, and is no matter of more or less.
    """
    rows = max((column.count for column in table.columns.values()), default=0)
    facts = {"row_count": table.row_count, "filled_row_count": rows, "target_rows": target}
    if lookup_for and 0 < rows < target:
        reason = f"a lookup table for {lookup_for}: its size follows from what it lists"
        return Aspect(name="volume", reason=reason, facts=facts)
    said = f"{table.row_count:,} rows"
    if rows < table.row_count:
        said += f", {rows:,} with a value in the fullest column"
    return Aspect(
        name="volume",
        score=volume_score(rows, target),
        evidence=f"{said}, of a target of {target:,}",
        need=f"Collect more rows: {target:,} make a share known to one percentage point.",
        facts=facts,
    )


def filled_aspect(table: TableSummary) -> Aspect:
    """Score the share of cells that say something."""
    cells = table.row_count * len(table.columns)
    if not cells:
        return Aspect(name="filled_cells", reason="the table has no rows")
    missing = {name: _missing_count(column) for name, column in table.columns.items()}
    total = sum(missing.values())
    worst = _worst({name: count / table.row_count for name, count in missing.items()})
    return Aspect(
        name="filled_cells",
        score=1 - total / cells,
        evidence=f"{total:,} of {cells:,} cells are null, NaN or blank"
        + (f": {worst}" * bool(worst)),
        need=f"Fill or drop the emptiest columns: {worst}.",
        facts={"cell_count": cells, "missing_cell_count": total},
    )


def continuity_aspect(column: ColumnSummary | None) -> Aspect:
    """Score whether the event times run on without a gap too long for chance."""
    if column is None or column.time is None:
        return Aspect(name="continuity", reason="there is no column of event times")
    time = column.time
    score = continuity_score(time.day_count, time.missing_day_count, time.largest_gap_days)
    facts: dict[str, Scalar] = {
        "column": column.name,
        "day_count": time.day_count,
        "missing_day_count": time.missing_day_count,
        "largest_gap_days": time.largest_gap_days,
        "largest_gap_start": time.largest_gap_start,
        "largest_gap_end": time.largest_gap_end,
    }
    if score is None:
        reason = f"{column.name} has {time.day_count} different days: too few to tell a rhythm"
        return Aspect(name="continuity", reason=reason, facts=facts)
    gap = f"{time.largest_gap_days} days after {time.largest_gap_start}"
    longest = f", the longest gap {gap}" if time.largest_gap_days else ""
    return Aspect(
        name="continuity",
        score=score,
        evidence=f"{column.name} has {time.day_count:,} days of"
        f" {time.day_count + time.missing_day_count:,}{longest}",
        need=f"Find out why {column.name} has no rows for {gap}.",
        facts=facts,
    )


def nulls_aspect(table: TableSummary) -> Aspect:
    """Score the columns that can be used without filling in what is missing.

    A column counts in full up to 5 % missing and not at all from 20 %. Source: our choice, after
    Schafer (1999), Multiple imputation: a primer, Statistical Methods in Medical Research 8(1), who
    calls 5 % inconsequential.
    """
    if not table.row_count or not table.columns:
        return Aspect(name="nulls", reason="the table has no rows")
    shares = {
        name: _missing_count(column) / table.row_count for name, column in table.columns.items()
    }
    scores = [ramp_score(share, NULLS_TOLERATED, NULLS_LIMIT) for share in shares.values()]
    gappy = {name: share for name, share in shares.items() if share > NULLS_TOLERATED}
    worst = _worst(gappy)
    return Aspect(
        name="nulls",
        score=sum(scores) / len(scores),
        evidence=f"{len(gappy)} of {len(shares)} columns miss more than {NULLS_TOLERATED:.0%}"
        + (f": {worst}" * bool(worst)),
        need=f"Find out why values are missing, or leave these columns out: {worst}.",
        facts={"column_count": len(shares), "gappy_column_count": len(gappy)},
    )


def duplicates_aspect(table: TableSummary, duplicates: Measure) -> Aspect:
    """Score the rows that repeat an earlier row in every column."""
    if not table.row_count:
        return Aspect(name="duplicates", reason="the table has no rows")
    if duplicates.value is None:
        return Aspect(name="duplicates", reason=duplicates.reason or "the engine could not count")
    share = duplicates.value / table.row_count
    inexact = duplicates.approximation
    note = f" ({inexact.method})" if inexact else ""
    return Aspect(
        name="duplicates",
        score=limit_score(share, FAULT_LIMIT),
        evidence=f"{duplicates.value:,} of {table.row_count:,} rows ({share:.1%}) repeat an earlier"
        f" row{note}",
        need="Remove the repeated rows, or add the column that tells them apart.",
        facts={"duplicate_row_count": duplicates.value, "is_exact": inexact is None},
    )


def _weighted_share(column: ColumnSummary, holds: Callable[[str], bool]) -> tuple[int, int]:
    """Count, over the sample, the rows whose text holds something and those that have text."""
    texts = [(str(item.value).strip(), item.count) for item in column.sample]
    total = sum(count for text, count in texts if text)
    return sum(count for text, count in texts if text and holds(text)), total


def invalid_aspect(table: TableSummary, meanings: Mapping[str, SemanticType]) -> Aspect:
    """Score the values that break their column's format, and infinities among numbers."""
    shares: dict[str, float] = {}
    for name, column in table.columns.items():
        meaning = meanings[name].name
        is_text = column.kind is ColumnKind.TEXT
        if column.kind is ColumnKind.FLOAT and column.count:
            shares[name] = column.infinite_count / column.count
        if is_checkable(meaning) and (is_text or meaning in _TYPED_FORMATS):
            valid, total = _weighted_share(column, partial(is_valid, meaning))
            if total:
                shares[name] = max(shares.get(name, 0.0), 1 - valid / total)
    if not shares:
        reason = "no column has a format that a value could break"
        return Aspect(name="invalid_values", reason=reason)
    scores = [limit_score(share, FAULT_LIMIT) for share in shares.values()]
    bad = {name: share for name, share in shares.items() if share > 0}
    worst = _worst(bad)
    return Aspect(
        name="invalid_values",
        score=sum(scores) / len(scores),
        evidence=f"{len(bad)} of {len(shares)} columns that can be checked hold invalid values"
        + (f", by their sampled values: {worst}" * bool(worst)),
        need=f"Correct or remove the invalid values: {worst}.",
        facts={"checked_column_count": len(shares), "invalid_column_count": len(bad)},
    )


def mixed_aspect(table: TableSummary, meanings: Mapping[str, SemanticType]) -> Aspect:
    """Score text columns in which most values are numbers, or dates, and some are not."""
    shares: dict[str, float] = {}
    for name, column in table.columns.items():
        if column.kind is not ColumnKind.TEXT or not column.sample:
            continue
        shares[name] = 0.0
        if meanings[name].name not in {"number_in_text", "date_in_text", "category", "free_text"}:
            continue
        for form in ("number_in_text", "date_in_text"):
            matching, total = _weighted_share(column, FORMATS[form].matches)
            if total and total / 2 <= matching:
                shares[name] = max(shares[name], 1 - matching / total)
    if not shares:
        return Aspect(name="mixed_values", reason="no column is text: typed columns cannot mix")
    scores = [limit_score(share, FAULT_LIMIT) for share in shares.values()]
    bad = {name: share for name, share in shares.items() if share > 0}
    worst = _worst(bad)
    return Aspect(
        name="mixed_values",
        score=sum(scores) / len(scores),
        evidence=f"{len(bad)} of {len(shares)} text columns mix numbers or dates with other text"
        + (f", by their sampled values: {worst}" * bool(worst)),
        need=f"Give these columns one type: {worst}.",
        facts={"text_column_count": len(shares), "mixed_column_count": len(bad)},
    )


def join_scores(measured: Containment) -> tuple[float, float, float]:
    """Score a reference: values known, rows matched, parent rows with a value of their own."""
    rows = measured.child_row_count
    matched = 1 - measured.orphan_row_count / rows if rows else 0.0
    parents = measured.parent_row_count
    unique = measured.parent_distinct_count / parents if parents else 0.0
    return measured.containment, matched, unique


def _join_aspect(
    name: str, joins: Sequence[Containment], place: int, words: str, need: str
) -> Aspect:
    scores = {
        f"{join.child_table}.{join.child_column} to {join.parent_table}.{join.parent_column}":
        join_scores(join)[place]
        for join in joins
    }  # fmt: skip
    said = ", ".join(f"{score:.1%} for {link}" for link, score in sorted(scores.items()))
    bad = ", ".join(sorted(link for link, score in scores.items() if score < 1))
    return Aspect(
        name=name,
        score=sum(scores.values()) / len(scores),
        evidence=f"{words}: {said}",
        need=f"{need}: {bad}.",
        facts=dict(scores),
    )


def containment_aspect(joins: Sequence[Containment]) -> Aspect:
    """Score how many of the child's different values the parent holds."""
    need = "Add the missing parents, or correct the values that refer to nothing"
    return _join_aspect("containment", joins, 0, "referring values that are known", need)


def orphans_aspect(joins: Sequence[Containment]) -> Aspect:
    """Score how many child rows find their parent."""
    need = "Expect an inner join to drop the rows without a parent; add parents for"
    return _join_aspect("orphans", joins, 1, "referring rows that find their parent", need)


def parent_aspect(joins: Sequence[Containment]) -> Aspect:
    """Score how many of the parent's rows hold a value of their own."""
    need = "Remove the repeated keys, which multiply rows when joined"
    return _join_aspect("parent_uniqueness", joins, 2, "keys by rows on the parent side", need)


def freshness_aspect(
    column: ColumnSummary | None, as_of: datetime, half_life_days: float
) -> Aspect:
    """Score the age of the newest event."""
    if column is None:
        return Aspect(name="age", reason="there is no column of event times")
    newest = find_newest_event(column, as_of)
    if newest.moment is None:
        return Aspect(name="age", reason=f"{column.name}: {newest.note}")
    age = max(0.0, (as_of - newest.moment).total_seconds())
    note = f" ({newest.note})" if newest.note else ""
    return Aspect(
        name="age",
        score=freshness_score(age, half_life_days * _DAY_SECONDS),
        evidence=f"the newest {column.name} is {newest.moment.isoformat()},"
        f" {age / _DAY_SECONDS:,.1f} days before {as_of.isoformat()}{note}",
        need=f"Load newer rows, or judge freshness at the date of the question: {column.name} ends"
        f" on {newest.moment.date().isoformat()}.",
        facts={
            "column": column.name,
            "newest": newest.moment.isoformat(),
            "age_days": round(age / _DAY_SECONDS, 6),
            "half_life_days": half_life_days,
        },
    )
