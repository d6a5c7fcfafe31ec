"""Which checks does a table get without anybody asking, judged by its summary?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import sqrt

from voyant.artifacts.quality_settings import QualitySettings
from voyant.core.checks import FailureCount, RowCheck, RowCheckKind
from voyant.core.engine import Engine
from voyant.core.tables import (
    Approximation,
    ColumnSummary,
    Containment,
    Measure,
    Scalar,
    TableSummary,
)
from voyant.generators.quality_plan import Planned
from voyant.stats.event_time import choose_event_time
from voyant.stats.formats import FORMATS
from voyant.stats.masking import mask_text
from voyant.stats.quality import CHECKS
from voyant.stats.quality_columns import (
    case_variants,
    date_pairs,
    has_whole_sample,
    is_kept_short,
    is_key_named,
    missing_count,
    mixed_form,
    outlier_fences,
    personal_rows,
    possible_range,
    surely_valid,
    written_format,
)
from voyant.stats.semantic import SEMANTIC_TYPES, is_personal, is_valid

__all__ = ["Subject", "count_invalid", "plan_automatic", "settle"]

#: Clocks and time zones may put an honest event up to a day ahead.
_TOLERANCE = timedelta(days=1)
#: A pair of times that breaks its order in most rows was misread by its names.
_MOST_UNORDERED = 0.5
#: More outliers than this, and than a few, are not single faults but the shape of the data.
_MOST_OUTLIERS, _FEW_OUTLIERS = 0.001, 3
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A table and what is known of it.

    Attributes:
        meanings: The semantic type of each column.
        joins: References in which the table is the child or the parent, measured.
    """

    summary: TableSummary
    meanings: Mapping[str, str]
    duplicates: Measure
    joins: Sequence[Containment] = field(default=())

    @property
    def name(self) -> str:
        """The table's name."""
        return self.summary.name


def plan_automatic(
    engine: Engine, subject: Subject, settings: QualitySettings, as_of: datetime
) -> list[Planned]:
    """Plan every automatic check that fits the table and is not switched off."""
    planner = _Planner(settings, subject)
    plans = [*_table_checks(planner)]
    for column in subject.summary.columns.values():
        plans += _column_checks(planner, engine, column, as_of)
    plans += _order_checks(planner)
    plans += _future_checks(planner, as_of)
    return plans


class _Planner:
    """Makes checks as the settings want them; None for those that are switched off."""

    def __init__(self, settings: QualitySettings, subject: Subject) -> None:
        self.settings, self.subject = settings, subject

    def wants(self, name: str, column: str | None = None) -> bool:
        return self.settings.tuned(name, self.subject.name, column).enabled

    def make(self, name: str, title: str, *columns: str, **facts: object) -> Planned:
        tuned = self.settings.tuned(name, self.subject.name, columns[0] if columns else None)
        values = {
            "name": name,
            "title": title,
            "source": "automatic",
            "dimension": CHECKS[name].dimension,
            "severity": tuned.severity,
            "table": self.subject.name,
            "columns": columns,
            "max_fraction": tuned.max_fraction or 0.0,
        }
        return Planned(**(values | facts))  # type: ignore[arg-type]  # names are those of Planned


def _table_checks(planner: _Planner) -> Iterator[Planned]:
    table, rows = planner.subject.name, planner.subject.summary.row_count
    if planner.wants("has_rows"):
        message = f"the table has {rows:,} rows" if rows else "the table has no rows"
        yield planner.make(
            "has_rows", "the table has rows", is_met=rows > 0, observed=rows, message=message
        )
    if planner.wants("duplicate_rows"):
        measured = planner.subject.duplicates
        failing = None if measured.value is None else int(measured.value)
        yield planner.make(
            "duplicate_rows",
            "no row repeats another in every column",
            fails="repeat an earlier row in every column",
            count=FailureCount(checked_count=rows, failing_count=failing, reason=measured.reason),
            approximation=measured.approximation,
        )
    for join in planner.subject.joins:
        if join.child_table == table and planner.wants("orphans", join.child_column):
            parent = f"{join.parent_table}.{join.parent_column}"
            missing = join.child_distinct_count - join.matched_distinct_count
            yield planner.make(
                "orphans",
                f"every value is found in {parent}",
                join.child_column,
                id=f"orphans:{table}.{join.child_column}->{parent}",
                fails=f"refer to nothing in {parent}",
                count=FailureCount(
                    checked_count=join.child_row_count, failing_count=join.orphan_row_count
                ),
                message=f"{missing:,} of {join.child_distinct_count:,} values are unknown",
            )


def _column_checks(
    planner: _Planner, engine: Engine, column: ColumnSummary, as_of: datetime
) -> Iterator[Planned]:
    yield from _completeness(planner, column)
    if not column.count:
        return
    meaning = planner.subject.meanings[column.name]
    yield from _keys(planner, column)
    yield from _constant(planner, column)
    yield from _formats(planner, engine, column, meaning)
    yield from _numbers(planner, column, meaning, as_of)
    yield from _writing(planner, column, meaning)
    yield from _personal(planner, column, meaning)


def _completeness(planner: _Planner, column: ColumnSummary) -> Iterator[Planned]:
    missing, rows = missing_count(column), column.row_count
    count = FailureCount(checked_count=rows, failing_count=missing)
    limit = planner.settings.tuned("near_empty", planner.subject.name, column.name).max_fraction
    is_near_empty = bool(rows) and missing > (limit or 0.0) * rows
    if planner.wants("near_empty", column.name):
        yield planner.make(
            "near_empty",
            "some rows hold a value",
            column.name,
            fails="hold nothing (null, NaN or blank)",
            count=count,
        )
        if is_near_empty:
            return
    if planner.wants("missing_values", column.name):
        yield planner.make(
            "missing_values", "most rows hold a value", column.name,
            fails="hold nothing (null, NaN or blank)", count=count,
        )  # fmt: skip


def _keys(planner: _Planner, column: ColumnSummary) -> Iterator[Planned]:
    subject = planner.subject
    parents = {j.parent_column for j in subject.joins if j.parent_table == subject.name}
    is_key = column.name in parents or is_key_named(column, subject.name)
    if (
        not is_key
        or column.distinct_count is None
        or not planner.wants("duplicate_keys", column.name)
    ):
        return
    repeats = column.count - column.distinct_count
    why = "other tables refer to it" if column.name in parents else "its name says it is the key"
    yield planner.make(
        "duplicate_keys",
        "every row has a key of its own",
        column.name,
        fails="have no key of their own",
        count=FailureCount(
            checked_count=column.row_count, failing_count=repeats + column.null_count
        ),
        approximation=column.approximations.get("distinct_count"),
        message=f"{repeats:,} repeat a key and {column.null_count:,} have none ({why})",
    )


def _constant(planner: _Planner, column: ColumnSummary) -> Iterator[Planned]:
    if column.row_count < 2 or not planner.wants("constant_column", column.name):  # noqa: PLR2004 - one value is no constant
        return
    different = column.distinct_count
    yield planner.make(
        "constant_column",
        "the column tells rows apart",
        column.name,
        is_met=different != 1,
        observed=different,
        message="every row that holds a value holds the same one"
        if different == 1
        else "there are different values",
    )


def _formats(
    planner: _Planner, engine: Engine, column: ColumnSummary, meaning: str
) -> Iterator[Planned]:
    for name, form in (
        ("invalid_values", written_format(column, meaning)),
        ("mixed_types", mixed_form(column, meaning)),
    ):
        if form is None or not planner.wants(name, column.name):
            continue
        noun = SEMANTIC_TYPES[form].removesuffix(" stored as text")
        count, inexact = count_invalid(
            engine, planner.subject.name, column, form, planner.settings.exact_values
        )
        yield planner.make(
            name,
            f"all values are {noun}",
            column.name,
            fails=f"are no {noun}",
            check=surely_valid(form, column.name),
            count=count,
            approximation=inexact,
            are_examples_shapes=is_personal(form),
            message="the others are",
        )


def count_invalid(
    engine: Engine, table: str, column: ColumnSummary, form: str, most: int
) -> tuple[FailureCount, Approximation | None]:
    """Count the rows whose text breaks a format; blank ones are missing, not wrong.

    Exact while the sample is the whole column, or at most `most` different values are not beyond
    doubt; else from the sample.
    """
    fits = FORMATS[form].matches if form in {"number_in_text", "date_in_text"} else None

    def is_wrong(value: object) -> bool:
        text = str(value).strip()
        return bool(text) and not (fits(text) if fits else is_valid(form, text))

    blank = missing_count(column) - column.null_count
    checked = column.count - blank
    if has_whole_sample(column):
        failing = sum(item.count for item in column.sample if is_wrong(item.value))
        return FailureCount(checked_count=checked, failing_count=failing), None
    doubtful = engine.failing_values(table, surely_valid(form, column.name), limit=most + 1)
    if len(doubtful) <= most:
        failing = sum(item.count for item in doubtful if is_wrong(item.value))
        return FailureCount(checked_count=checked, failing_count=failing), None
    sampled = [item for item in column.sample if str(item.value).strip()]
    rows = sum(item.count for item in sampled)
    share = sum(item.count for item in sampled if is_wrong(item.value)) / rows if rows else 0.0
    method = f"{len(sampled):,} different values of {rows:,} rows, scaled up; error in rows"
    return (
        FailureCount(checked_count=checked, failing_count=round(share * checked)),
        Approximation(method=method, error=sqrt(share * (1 - share) / rows) * checked),
    )


def _numbers(
    planner: _Planner, column: ColumnSummary, meaning: str, as_of: datetime
) -> Iterator[Planned]:
    if column.infinite_count and planner.wants("infinite_values", column.name):
        yield planner.make(
            "infinite_values", "all values are finite", column.name, fails="are infinite",
            count=FailureCount(
                checked_count=column.count, failing_count=column.infinite_count
            ),
        )  # fmt: skip
    names = planner.subject.summary.columns
    ahead = (as_of + _TOLERANCE).isoformat()
    possible = possible_range(column, names, ahead)
    if possible is not None and planner.wants("impossible_values", column.name):
        yield planner.make(
            "impossible_values",
            f"only possible values: {possible.why}",
            column.name,
            fails=f"are impossible: {possible.why}",
            check=RowCheck(
                kind=RowCheckKind.IN_RANGE,
                columns=(column.name,),
                low=possible.low,
                high=possible.high,
            ),
        )
    fences = outlier_fences(column, meaning, planner.settings.outlier_fence)
    if fences is not None and planner.wants("outliers", column.name):
        yield planner.make(
            "outliers",
            "no value lies far outside of the others",
            column.name,
            fails=f"lie outside of {fences.low:.6g} to {fences.high:.6g} ({fences.method})",
            check=RowCheck(
                kind=RowCheckKind.IN_RANGE, columns=(column.name,), low=fences.low, high=fences.high
            ),
            reason=fences.reason,
            message=f"the values go from {_brief(column.min)} to {_brief(column.max)}",
        )


def _writing(planner: _Planner, column: ColumnSummary, meaning: str) -> Iterator[Planned]:
    if (
        column.text is not None
        and is_kept_short(column, meaning)
        and planner.wants("padded_text", column.name)
    ):
        yield planner.make(
            "padded_text", "no text begins or ends with white space", column.name,
            fails="begin or end with white space",
            count=FailureCount(
                checked_count=column.row_count - missing_count(column),
                failing_count=column.text.padded_count,
            ),
            check=RowCheck(
                kind=RowCheckKind.MATCHES, columns=(column.name,), pattern=r"^(\S|\S[\s\S]*\S|\s*)$"
            ),
            are_examples_shapes=is_personal(meaning),
        )  # fmt: skip
    is_category = meaning in {"category", "country_code", "constant"}
    variants = case_variants(column) if is_category else None
    if variants is not None and planner.wants("case_variants", column.name):
        rows, spellings = variants
        yield planner.make(
            "case_variants",
            "each category is written in one way",
            column.name,
            fails="are written in another way than usual",
            count=FailureCount(
                checked_count=column.row_count - missing_count(column), failing_count=rows
            ),
            message=_spellings(spellings, is_shown=planner.settings.examples > 0),
        )


def _spellings(groups: Sequence[Sequence[str]], *, is_shown: bool) -> str:
    """Say what is written in several ways: how many, and which only where examples are wanted."""
    if not is_shown:
        several = len(groups) != 1
        return f"{len(groups)} {'categories have' if several else 'category has'} several spellings"
    return "; ".join(
        " / ".join(mask_text(text) for text in group[:_SHOWN]) for group in groups[:_SHOWN]
    )


def _personal(planner: _Planner, column: ColumnSummary, meaning: str) -> Iterator[Planned]:
    if not planner.wants("personal_data", column.name):
        return
    title = "nothing tells who a person is or how to reach one"
    if is_personal(meaning):
        rows = column.row_count - missing_count(column)
        yield planner.make(
            "personal_data", title, column.name, fails=f"hold {SEMANTIC_TYPES[meaning]}",
            count=FailureCount(checked_count=rows, failing_count=rows),
            approximation=Approximation(method="all values of a column that mostly holds such"),
        )  # fmt: skip
        return
    found, rows = personal_rows(column)
    if not rows:
        return
    whole = has_whole_sample(column)
    made = Approximation(method=f"{len(column.sample):,} different values of {rows:,} rows")
    yield planner.make(
        "personal_data", title, column.name,
        fails="hold an e-mail address, a card or a social-security number",
        count=FailureCount(checked_count=rows, failing_count=found),
        approximation=None if whole else made,
    )  # fmt: skip


def _order_checks(planner: _Planner) -> Iterator[Planned]:
    for earlier, later in date_pairs(planner.subject.summary):
        if planner.wants("date_order", earlier) and planner.wants("date_order", later):
            yield planner.make(
                "date_order",
                f"{earlier} is not after {later}",
                earlier,
                later,
                fails=f"have {earlier} after {later}",
                check=RowCheck(kind=RowCheckKind.ORDERED, columns=(earlier, later)),
            )


def _future_checks(planner: _Planner, as_of: datetime) -> Iterator[Planned]:
    column = choose_event_time(planner.subject.summary)
    if column is None or not planner.wants("future_times", column.name):
        return
    limit = as_of + _TOLERANCE
    fails = f"lie more than a day after {as_of.isoformat()}"
    check = RowCheck(kind=RowCheckKind.IN_RANGE, columns=(column.name,), high=limit.isoformat())
    try:
        newest = datetime.fromisoformat(str(column.max))
        newest = newest if newest.tzinfo else newest.replace(tzinfo=UTC)
        is_past = newest <= limit
    except ValueError:
        is_past = False
    yield planner.make(
        "future_times", "no event lies in the future", column.name, fails=fails, check=check,
        count=FailureCount(checked_count=column.count, failing_count=0) if is_past else None,
        message=f"the newest is {column.max}",
    )  # fmt: skip


def settle(plan: Planned) -> Planned:
    """Take back what the counts show to be no fault: an order most rows break, a heavy tail."""
    count = plan.count
    if count is None or not count.failing_count:
        return plan
    share = count.failing_count / count.checked_count
    if plan.name == "date_order" and share > _MOST_UNORDERED:
        reason = "most rows have the two the other way round: the names mislead"
        return replace(plan, reason=reason)
    if plan.name == "outliers" and share > _MOST_OUTLIERS and count.failing_count > _FEW_OUTLIERS:
        reason = f"the tails are heavy ({share:.2%} lie outside of the fences), which is no fault"
        return replace(plan, reason=reason)
    return plan


def _brief(value: Scalar) -> str:
    """Say a value as far as a sentence needs it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
