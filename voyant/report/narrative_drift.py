"""What has moved since the baseline?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from voyant.artifacts.narrative import Sentence
from voyant.report.narrative_place import Note, Part, Place, listed, noun, say
from voyant.stats.facts import Finding, Urgency

__all__ = ["drift_notes"]

_MEASURES: Final = {
    "psi": "population stability index",
    "js_distance": "Jensen-Shannon distance",
    "wasserstein_normed": "normed Wasserstein distance",
}
_SCHEMA_WORDS: Final = {
    "added": " is new",
    "removed": " is gone",
    "renamed": " seems to have been renamed",
    "retyped": " has another type",
}
#: Columns that hold parts of dates.
_CALENDAR: Final = frozenset({"year", "quarter", "month", "week", "day", "date", "hour"})
_NAMES: Final = 4

Findings = list[Finding[Note]]


def drift_notes(drift: Place) -> tuple[list[Sentence], Findings]:
    """Return what opens the section, and the findings to choose from."""
    tables = drift.at("tables")
    if not list(tables):
        return [], []
    return _overview(tables), [
        *_schema(tables),
        *_volume(tables),
        *_freshness(tables),
        *_columns(tables),
    ]


def _overview(tables: Place) -> list[Sentence]:
    by_status = {
        status: [table for table in tables if table.at("status").text == status]
        for status in ("no_baseline", "drifted", "stable", "not_assessable")
    }
    total = len(list(tables))
    fresh, drifted, unknown = (
        by_status[status] for status in ("no_baseline", "drifted", "not_assessable")
    )
    if len(fresh) == total:
        what = "this table" if total == 1 else "these tables"
        return [say(f"This is the first run over {what}: it is now the baseline for later ones.")]
    sentences: list[Sentence] = []
    since = _since(tables)
    if drifted:
        verb = " has" if len(drifted) == 1 else " have"
        sentences.append(say(*_some(tables, drifted, "drifted"), f"{verb} drifted {since}."))
    elif by_status["stable"]:
        sentences.append(_none_drifted(tables, by_status["stable"], since))
    if fresh:
        verb = " has" if len(fresh) == 1 else " have"
        sentences.append(say(*_some(tables, fresh, "no_baseline"), f"{verb} no baseline yet."))
    if unknown:
        reason = unknown[0].at("reasons", 0)
        why: Part = [": ", reason.fact("text")] if reason.text and len(unknown) == 1 else ""
        sentences.append(
            say(*_some(tables, unknown, "not_assessable"), " could not be compared", why, ".")
        )
    return sentences


def _since(tables: Place) -> str:
    kinds = {table.at("compared_with").text for table in tables} - {""}
    if kinds == {"reference"}:
        return "from the reference"
    return "since the baseline" if kinds == {"baseline"} else "from the baseline or reference"


def _none_drifted(tables: Place, stable: list[Place], since: str) -> Sentence:
    """Say that no table drifted of those compared, and how many columns did all the same."""
    columns = tables.total("/drifted_column_count")
    which: list[Part] = [stable[0].name(), " has not"]
    if len(stable) > 1:
        what = "table" if len(stable) == len(list(tables)) else "compared table"
        which = ["None of ", *noun(tables.count({"/status": ["stable"]}), what), " has"]
    if not columns.value:
        return say(*which, f" drifted {since}.")
    assessed = noun(tables.total("/assessed_column_count"), "compared column")
    rest: list[Part] = [", but ", columns, " of ", *assessed]
    verb = " has." if columns.text == "1" else " have."
    return say(*which, f" drifted as a whole {since}", *rest, verb)


def _some(tables: Place, chosen: list[Place], status: str) -> list[Part]:
    names = listed([table.name() for table in chosen[:_NAMES]])
    if len(chosen) <= _NAMES:
        return [names]
    count = tables.count({"/status": [status]})
    return [count, " of ", noun(tables.count(), "table"), " (among them ", names, ")"]


def _schema(tables: Place) -> Iterator[Finding[Note]]:
    for table in tables:
        for change in table.at("schema_changes"):
            kind, column = change.at("kind").text, change.at("column")
            if kind not in _SCHEMA_WORDS or not column.text:
                continue
            before, after = change.at("before"), change.at("after")
            detail: Part = ""
            if kind == "retyped" and before.text and after.text:
                detail = [", ", after.fact("name"), " instead of ", before.fact("name")]
            elif kind == "renamed" and before.text:
                detail = [", from ", before.fact("name")]
            name = column.fact("name")
            yield Finding(
                content=Note(
                    sentence=say("The column ", name, " of ", table.name(), _SCHEMA_WORDS[kind],
                                 detail, "."),
                    action=None
                    if kind == "added"
                    else say("Check what still reads ", name, " in ", table.name(), "."),
                ),
                subject=("schema", table.key, column.text),
                urgency=Urgency.NOTABLE if kind == "added" else Urgency.SERIOUS,
                weight=10.0,
            )  # fmt: skip


def _volume(tables: Place) -> Iterator[Finding[Note]]:
    for table in tables:
        volume = table.at("volume")
        change = volume.at("change_fraction")
        if volume.at("status").text != "drifted":
            continue
        before = noun(volume.at("reference_row_count").fact("count"), "row")
        after = volume.at("current_row_count").fact("count")
        verb: Part = (
            [" has ", change.fact("sign:grown|shrunk")] if change.number else " has changed"
        )
        yield Finding(
            content=Note(sentence=say(table.name(), verb, " from ", before, " to ", after, ".")),
            subject=("volume", table.key),
            urgency=Urgency.NOTABLE,
            weight=abs(change.size),
        )


def _freshness(tables: Place) -> Iterator[Finding[Note]]:
    for table in tables:
        freshness = table.at("freshness")
        now, before = freshness.at("current_newest"), freshness.at("reference_newest")
        if freshness.at("status").text != "drifted" or not (now.text and before.text):
            continue
        yield Finding(
            content=Note(
                sentence=say("The newest row of ", table.name(), " is from ", now.fact("day"),
                             ", older than at the baseline (", before.fact("day"), ")."),
                action=say("Check whether ", table.name(), " was loaded in full."),
            ),
            subject=("freshness", table.key),
            urgency=Urgency.SERIOUS,
        )  # fmt: skip


def _columns(tables: Place) -> Iterator[Finding[Note]]:
    for table in tables:
        drifted = [c for c in table.at("columns") if c.at("status").text == "drifted"]
        for column in drifted:
            threshold, value = column.at("threshold").size, abs(column.at("value").size)
            yield Finding(
                content=_column(table, column),
                subject=("column", table.key, column.key),
                urgency=Urgency.CONTEXT if _is_calendar(column) else Urgency.NOTABLE,
                weight=value / threshold if threshold else value,
            )


def _is_calendar(column: Place) -> bool:
    """Whether a column only tells the time: that it moves on is no news."""
    return column.at("treated_as").text == "time" or column.key.casefold() in _CALENDAR


def _column(table: Place, column: Place) -> Note:
    name, owner = column.name(), table.name()
    measure, value, threshold = column.at("measure"), column.at("value"), column.at("threshold")
    what: list[Part] = []
    before, after = _centre(column)
    is_calendar = _is_calendar(column)
    if is_calendar and column.at("treated_as").text != "time":
        before = after = None
    if measure.text == "null_fraction_change":
        old, new = column.at("reference_null_fraction"), column.at("current_null_fraction")
        if old.number is not None and new.number is not None:
            what = [": empty in ", new.fact("percent"), " of the rows, after ", old.fact("percent")]
    elif before is not None and after is not None:
        what = [": its ", before[1], " went from ", before[0], " to ", after[0]]
    elif column.at("new_category_count").number:
        count = column.at("new_category_count").fact("count")
        what = [": ", *noun(count, "new value")]
    size: list[Part] = []
    if value.number is not None and threshold.number is not None and measure.text in _MEASURES:
        size = [f" ({_MEASURES[measure.text]} ", value.fact("number"), "; "]
        size += [threshold.fact("number"), " counts as drift)"]
    return Note(
        sentence=say(name, " in ", owner, " has moved", *what, *size, "."),
        action=None
        if is_calendar
        else say("Find out why ", name, " in ", owner, " has moved before you compare periods."),
    )


def _centre(column: Place) -> tuple[tuple[Part, str] | None, tuple[Part, str] | None]:
    """Return the means (of numbers) or medians (of times) before and now, with their word."""
    for measure, word in (("mean", "mean"), ("median", "median")):
        old, new = column.at(f"reference_{measure}"), column.at(f"current_{measure}")
        if old.number is not None and new.number is not None:
            if old.fact("number").text != new.fact("number").text:
                return ([old.fact("number")], word), ([new.fact("number")], word)
        elif old.text and new.text and old.fact("day").text != new.fact("day").text:
            return ([old.fact("day")], word), ([new.fact("day")], word)
    return None, None
