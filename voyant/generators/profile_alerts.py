"""What should a reader know before using a table, most serious first?"""

from __future__ import annotations

from collections.abc import Iterator

from voyant.artifacts.pointers import make_pointer
from voyant.artifacts.profile import Alert, ColumnProfile, TableProfile

__all__ = ["table_alerts"]

_MOSTLY_NULL = 0.5
_SOME_NULL = 0.05
_DOMINANT = 0.95
_MOSTLY_ZERO = 0.5
_STRONG_SKEW = 10.0
_STRONG_CORRELATION = 0.95
_SEVERITIES = ("error", "warning", "info")


def table_alerts(table: str, profile: TableProfile) -> list[Alert]:
    """List a table's alerts: errors, then warnings, then information, each in table order.

    Args:
        table: The table's name, for the pointers.
        profile: The table's profile, its own alerts aside.
    """
    found = list(_about_table(table, profile))
    for name, column in profile.columns.items():
        found.extend(_Column(table, name, column).alerts())
    return sorted(found, key=lambda alert: _SEVERITIES.index(alert.severity))


def _about_table(table: str, profile: TableProfile) -> Iterator[Alert]:
    def alert(kind: str, severity: str, message: str, *path: str) -> Alert:
        return Alert(
            kind=kind,
            severity=severity,
            column=None,
            message=message,
            pointer=make_pointer("tables", table, *path),
        )

    if profile.selection is not None:
        of = profile.selection.whole_row_count
        yield alert(
            "selection",
            "info",
            f"All numbers are of {profile.row_count:,}{'' if of is None else f' of {of:,}'} rows: "
            f"{profile.selection.description}.",
            *("selection", "description"),
        )
    if profile.row_count == 0:
        yield alert("empty_table", "error", "The table has no rows.", "row_count")
        return
    repeats = profile.duplicate_row_count or 0
    if repeats:
        yield alert(
            "duplicate_rows",
            "warning",
            f"{repeats:,} rows repeat another row in every column.",
            "duplicate_row_count",
        )
    if not profile.candidate_keys and profile.row_count > 1:
        yield alert(
            "no_key",
            "info",
            "No column is a key, nor was a pair of columns found to be one.",
            "key_search",
        )
    for i, pair in enumerate(profile.correlations.pearson):
        if pair.value is None or abs(pair.value) < _STRONG_CORRELATION:
            break
        yield alert(
            "high_correlation",
            "info",
            f"{pair.left} and {pair.right} say nearly the same: correlation {pair.value:.3f}.",
            *("correlations", "pearson", str(i), "value"),
        )


class _Column:
    """One column's alerts."""

    def __init__(self, table: str, name: str, profile: ColumnProfile) -> None:
        self._table, self._name, self._profile = table, name, profile

    def _alert(self, kind: str, severity: str, message: str, *path: str) -> Alert:
        return Alert(
            kind=kind,
            severity=severity,
            column=self._name,
            message=message,
            pointer=make_pointer("tables", self._table, "columns", self._name, *path),
        )

    def alerts(self) -> Iterator[Alert]:
        column = self._profile
        if column.count + column.null_count == 0:
            return
        if column.count == 0:
            yield self._alert("all_null", "error", "No row has a value.", "null_fraction")
            return
        yield from self._about_gaps()
        yield from self._about_numbers()
        yield from self._about_text()
        if column.distinct_count == 1 and column.count > 1:
            yield self._alert("constant", "warning", "All values are the same.", "distinct_count")
        elif column.top_values and column.top_values[0].fraction >= _DOMINANT:
            top = column.top_values[0]
            yield self._alert(
                "dominant_value",
                "info",
                f"One value stands in {top.fraction:.1%} of the rows with a value.",
                *("top_values", "0", "fraction"),
            )
        if column.time is not None and column.time.largest_gap_days > column.time.day_count:
            yield self._alert(
                "time_gap",
                "info",
                f"{column.time.largest_gap_days:,} days in a row are missing.",
                *("time", "largest_gap_days"),
            )

    def _about_gaps(self) -> Iterator[Alert]:
        fraction = self._profile.null_fraction
        if fraction >= _MOSTLY_NULL:
            yield self._alert(
                "mostly_null", "warning", f"{fraction:.1%} of the rows are null.", "null_fraction"
            )
        elif fraction >= _SOME_NULL:
            yield self._alert(
                "some_null", "info", f"{fraction:.1%} of the rows are null.", "null_fraction"
            )

    def _about_numbers(self) -> Iterator[Alert]:
        column = self._profile
        for kind, count, words in (
            ("nan", column.nan_count, "not a number"),
            ("infinite", column.infinite_count, "infinite"),
        ):
            if count:
                yield self._alert(
                    kind, "warning", f"{count:,} values are {words}.", f"{kind}_count"
                )
        if column.skewness is not None and abs(column.skewness) >= _STRONG_SKEW:
            yield self._alert(
                "skewed",
                "info",
                f"A few values lie far out (skewness {column.skewness:.1f}).",
                "skewness",
            )
        zeros = column.zero_count or 0
        if zeros >= _MOSTLY_ZERO * column.count and column.distinct_count != 1:
            yield self._alert(
                "mostly_zero",
                "info",
                f"{zeros / column.count:.1%} of the values are 0.",
                "zero_count",
            )

    def _about_text(self) -> Iterator[Alert]:
        column, text = self._profile, self._profile.text
        if column.semantic_type in {"number_in_text", "date_in_text"}:
            what = "numbers" if column.semantic_type == "number_in_text" else "dates"
            yield self._alert(
                column.semantic_type,
                "warning",
                f"These {what} are stored as text.",
                "semantic_type",
            )
        if text is None:
            return
        blank = text.empty_count + text.whitespace_count
        if blank:
            yield self._alert(
                "blank_text", "warning", f"{blank:,} values are empty or white space.", "text"
            )
        if text.padded_count:
            yield self._alert(
                "padded_text",
                "info",
                f"{text.padded_count:,} values have white space around them.",
                *("text", "padded_count"),
            )
