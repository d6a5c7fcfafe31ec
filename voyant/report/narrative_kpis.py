"""What do the KPIs say against their targets and limits, and against the time before?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from voyant.artifacts.narrative import Fact, Sentence
from voyant.report.narrative_place import Note, Part, Place, listed, noun, say
from voyant.stats.facts import Finding, Urgency
from voyant.stats.sql_types import is_number_type

__all__ = ["kpi_notes"]

_URGENCY: Final = {
    "critical": Urgency.CRITICAL,
    "error": Urgency.CRITICAL,
    "warn": Urgency.SERIOUS,
    "no_data": Urgency.SERIOUS,
}
_LIMIT_WORDS: Final = {"critical": "critical limit", "warn": "warning limit"}
_WORDLESS_UNITS: Final = frozenset({"", "fraction", "share", "ratio", "percent", "%", "count"})
_BREAKDOWNS: Final = 3
_LABELS: Final = 2

Findings = list[Finding[Note]]


def kpi_notes(kpis: Place) -> tuple[list[Sentence], Findings]:
    """Return what opens the section, and the findings to choose from."""
    records = kpis.at("kpis")
    if not isinstance(records.value, list):
        return [], []
    if not records.value:
        return [say("No KPI is defined.")], []
    return [_overview(records)], [_finding(record, records) for record in records]


def _overview(records: Place) -> Sentence:
    total = records.count()
    states = (
        ("critical", " past a critical limit"),
        ("warn", " past a warning limit"),
        ("error", " without a result"),
        ("no_data", " without data"),
    )
    counts = [(records.count({"/status": [status]}), words) for status, words in states]
    bad = [(count, words) for count, words in counts if count.value]
    earlier = [record for record in records if record.at("change").value is not None]
    single = [record for record in records if record.at("value").number is not None]
    first: Part = "; there is no earlier result to compare with" if single and not earlier else ""
    if not bad and total.value == 1:
        return say("The only KPI has a result and is past no limit", first, ".")
    if not bad:
        return say("All ", total, " KPIs have a result and none is past a limit", first, ".")
    verb = " is" if bad[0][0].text == "1" else " are"
    clauses: list[Part] = [
        [count, verb if index == 0 else "", words] for index, (count, words) in enumerate(bad)
    ]
    return say("Of ", noun(total, "KPI"), ", ", listed(clauses), first, ".")


def _finding(record: Place, records: Place) -> Finding[Note]:
    status = record.at("status").text
    urgency = _URGENCY.get(status, Urgency.CONTEXT)
    weight = abs(record.at("distance_to_target", "relative").size)
    has_value = record.at("value").value is not None
    name = record.at("name").text
    if urgency is Urgency.CONTEXT and has_value:
        is_short = _is_worse(record.at("distance_to_target", "absolute").size, record)
        urgency = Urgency.NOTABLE if is_short else Urgency.CONTEXT
        weight += 1 + abs(record.at("change", "relative").size)
    elif urgency is Urgency.CONTEXT and record.at("direction").text:
        weight = 0.5
    return Finding(
        content=_note(record, records),
        subject=("kpi", name) if has_value or status != "ok" else ("rows", "", name),
        urgency=urgency,
        weight=weight,
    )


def _is_worse(difference: float, record: Place) -> bool:
    direction = record.at("direction").text
    return (direction == "up" and difference < 0) or (direction == "down" and difference > 0)


def _note(record: Place, records: Place) -> Note:
    name, status = record.at("name").fact("name"), record.at("status").text
    if status == "error":
        error = record.at("error")
        reason: Part = [": ", error.fact("text")] if error.text else []
        return Note(
            sentence=say(name, " has no result", *reason, "."),
            action=say("Correct the definition of ", name, "."),
        )
    if status == "no_data":
        return Note(
            sentence=say(name, " has no data."),
            action=say("Check whether ", name, " asks for rows that exist."),
        )
    if record.at("value").value is None:
        return Note(sentence=_rows(record, name))
    return Note(sentence=_single(record, name), action=_action(record, records, name))


# ------------------------------------------------------------------------------- single values


def _single(record: Place, name: Fact) -> Sentence:
    value, spec = record.at("value"), record.at("format").text
    if value.number is None:
        shown = value.fact("text") if value.text else None
        return say(name, " is ", shown, ".") if shown else say(name, " has a result.")
    parts: list[Part] = [name, " is ", value.fact(f"kpi:{spec}"), _unit(record)]
    parts += _against_target(record, spec)
    parts += _against_limit(record, spec, has_target=len(parts) > 4)  # noqa: PLR2004 - as built above
    parts += _against_before(record, spec)
    return say(*parts, ".")


def _unit(record: Place) -> Part:
    unit, spec = record.at("unit"), record.at("format").text
    if unit.text.casefold() in _WORDLESS_UNITS or spec.endswith("%"):
        return ""
    return [" ", unit.fact("unit")]


def _against_target(record: Place, spec: str) -> list[Part]:
    distance, target = record.at("distance_to_target", "absolute"), record.at("target")
    if distance.number is None or target.number is None:
        return []
    shown = target.fact(f"kpi:{spec}")
    gap = distance.fact(f"gap:{spec}")
    if not distance.number:
        return [", exactly on its target of ", shown]
    if _is_nil(gap):
        return [", all but on its target of ", shown]
    words = {"up": "better than|short of", "down": "over|better than"}.get(
        record.at("direction").text, "above|below"
    )
    return [", ", gap, " ", distance.fact(f"sign:{words}"), " its target of ", shown]


def _against_limit(record: Place, spec: str, *, has_target: bool) -> list[Part]:
    status = record.at("status").text
    limit = record.at(status)
    if status not in _LIMIT_WORDS or limit.number is None:
        return []
    where = "at" if limit.number == record.at("value").number else "past"
    join = f" and {where}" if has_target else f", {where}"
    return [f"{join} its {_LIMIT_WORDS[status]} of ", limit.fact(f"kpi:{spec}")]


def _against_before(record: Place, spec: str) -> list[Part]:
    change = record.at("change", "absolute")
    if change.number is None:
        return []
    gap = change.fact(f"gap:{spec}")
    if not change.number:
        return ["; unchanged since the last run"]
    if _is_nil(gap):
        return ["; all but unchanged since the last run"]
    return ["; it has ", change.fact("sign:risen|fallen"), " by ", gap, " since the last run"]


def _is_nil(shown: Fact) -> bool:
    """Whether a difference that is there rounds to nothing."""
    return not any(character in "123456789" for character in shown.text)


def _action(record: Place, records: Place, name: Fact) -> Sentence | None:
    """Say where to look for the cause, once a limit is reached or things got worse."""
    status = record.at("status").text
    if status not in _LIMIT_WORDS and not _is_worse(record.at("change", "absolute").size, record):
        return None
    unit = record.at("unit").text.casefold()
    same = [
        other.at("name").fact("name")
        for other in records
        if unit not in _WORDLESS_UNITS
        and other.at("unit").text.casefold() == unit
        and other.at("value").value is None
        and other.at("status").text == "ok"
    ][:_BREAKDOWNS]
    if same:
        return say("To see what drives ", name, ", start with ", listed(same), ".")
    if status not in _LIMIT_WORDS:
        return None
    return say("Break ", name, " down by time or by group to see what drives it.")


# -------------------------------------------------------------------------------------- tables


def _rows(record: Place, name: Fact) -> Sentence:
    """Tell the extreme of the column that a result of many rows is about."""
    rows = record.at("rows")
    measure = _measure(record)
    if measure is None:
        return say(name, " has ", noun(rows.count(), "row"), ".")
    is_max = record.at("direction").text != "up"
    spec = record.at("format").text if _has_unit(record, measure) else ""
    peak = rows.extreme(f"/{measure}", f"kpi:{spec}", is_max=is_max)
    word = "The highest " if is_max else "The lowest "
    column = record.at("columns", measure, "name").fact("name")
    labels = _labels(record, measure, peak)
    unit = _unit(record) if _has_unit(record, measure) else ""
    return say(word, column, " in ", name, " is ", peak, unit, labels, ".")


def _numeric_columns(record: Place) -> Iterator[int]:
    for index, column in enumerate(record.at("columns")):
        if is_number_type(column.at("type").text):
            yield index


def _measure(record: Place) -> int | None:
    """Choose what a result is about: the column it is sorted by, or named after, or the first."""
    numeric = [index for index in _numeric_columns(record) if index or _is_narrow(record)]
    sizes = {index: [row.at(index).number for row in record.at("rows")] for index in numeric}
    usable = [index for index in numeric if any(size is not None for size in sizes[index])]
    if not usable:
        return None
    for index in usable:
        numbers = [size for size in sizes[index] if size is not None]
        is_whole = len(numbers) == len(sizes[index]) and len(set(numbers)) > 1
        if is_whole and numbers in (sorted(numbers), sorted(numbers, reverse=True)):
            return index
    named = [index for index in usable if _shares_word(record, index)]
    return (named or usable)[0]


def _is_narrow(record: Place) -> bool:
    return len(list(record.at("columns"))) == 1


def _shares_word(record: Place, index: int) -> bool:
    words = set(record.at("name").text.casefold().split("_"))
    return bool(words & set(record.at("columns", index, "name").text.casefold().split("_")))


def _has_unit(record: Place, index: int) -> bool:
    """Whether the KPI's unit is about this column: the only measure, or one named after either."""
    measures = [number for number in _numeric_columns(record) if number]
    unit = record.at("unit").text.casefold().rstrip("s")
    column = record.at("columns", index, "name").text.casefold()
    is_named_so = bool(unit and unit in column) or _shares_word(record, index)
    return measures == [index] or is_named_so


def _labels(record: Place, measure: int, peak: Fact) -> Part:
    """Say where the extreme stands: the texts of its row, or its first column."""
    row = next((row for row in record.at("rows") if row.at(measure).value == peak.value), None)
    if row is None:
        return ""
    texts = [cell for cell in row if cell.text and cell.path[-1] != measure][:_LABELS]
    if texts:
        return [", for ", *listed([cell.fact("text") for cell in texts], "to")]
    first = row.at(0)
    if first.number is None or measure == 0:
        return ""
    name = record.at("columns", 0, "name").fact("name")
    return [", where ", name, " is ", first.fact("number")]
