"""What would a good analyst say first? At most a page, from templates and ranked facts.

This is the writer that Voyant brings; `docs/explanation/narrative.md` shows how to use another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voyant.artifacts.narrative import Section, Sentence
from voyant.report.narrative_drift import drift_notes
from voyant.report.narrative_kpis import kpi_notes
from voyant.report.narrative_place import Note, Part, Place, listed, noun, say
from voyant.report.narrative_trust import trust_notes
from voyant.stats.facts import Finding, Urgency, rank

__all__ = ["TITLE", "write"]

TITLE: Final = "What the data says"

_TITLES: Final = {
    "subject": "What this is",
    "trust": "Can it be trusted?",
    "kpis": "What the KPIs say",
    "drift": "What has moved",
    "next": "What to look at next",
    "missing": "What is missing here",
}
#: Findings a section tells beyond the sentence that opens it, and how many of them may be alike.
_LIMITS: Final = {"trust": (5, 2), "kpis": (6, 2), "drift": (4, 3)}
_ACTIONS: Final = 4
_NAMES: Final = 4
_MISSING: Final = 5


def write(artifacts: Mapping[str, Place]) -> list[Section]:
    """Write the sections that the artifacts at hand have something for.

    Args:
        artifacts: Each JSON artifact by its key; one that is not there reads as null. Under
            `missing` stands why.
    """
    told = {
        "trust": trust_notes(artifacts),
        "kpis": kpi_notes(artifacts["kpis"]),
        "drift": drift_notes(artifacts["drift"]),
    }
    sections = {"subject": _subject(artifacts)}
    said: list[Finding[Note]] = []
    for name, (opening, findings) in told.items():
        limit, alike = _LIMITS[name]
        chosen = rank(findings, limit, group=_kind, per_group=alike)
        said += chosen
        sections[name] = [*opening, *(finding.content.sentence for finding in chosen)]
    sections["next"] = _next(said, is_anything_known=any(sections.values()))
    sections["missing"] = _missing(artifacts["missing"])
    return [
        Section(name=name, title=_TITLES[name], sentences=sentences)
        for name, sentences in sections.items()
        if sentences
    ]


# ------------------------------------------------------------------------------------ subject


def _subject(artifacts: Mapping[str, Place]) -> list[Sentence]:
    tables = artifacts["profile"].at("tables")
    sized = [
        table
        for table in tables
        if table.at("row_count").number is not None and table.at("column_count").number is not None
    ]
    sized.sort(key=lambda table: -table.at("row_count").size)
    if not sized:
        return [say("The job has no tables.")] if tables.value == {} else []
    sentences = [_size(tables, sized), *_selected(sized)]
    if period := _period(artifacts, sized):
        sentences.append(period)
    if relations := _relations(artifacts["sufficiency"].at("references")):
        sentences.append(relations)
    return sentences


def _size(tables: Place, sized: list[Place]) -> Sentence:
    largest = sized[0]
    rows, columns = largest.at("row_count").fact("count"), largest.at("column_count").fact("count")
    if len(sized) == 1:
        return say("This is a table, ", largest.name(), ", of ", noun(rows, "row"), " and ",
                   noun(columns, "column"), ".")  # fmt: skip
    total = tables.total("/row_count")
    head: Part = [*noun(tables.count(), "table"), " with ", *noun(total, "row"), " in all"]
    if not total.value:
        return say("These are ", head, ".")
    return say("These are ", head, "; the largest is ", largest.name(), " with ",
               noun(rows, "row"), " and ", noun(columns, "column"), ".")  # fmt: skip


def _selected(sized: list[Place]) -> list[Sentence]:
    """Say of which rows the numbers are, where they are not of all."""
    said: list[Sentence] = []
    for table in sized:
        selection = table.at("selection")
        if not selection.at("description").text:
            continue
        of: Part = []
        if selection.at("whole_row_count").number is not None:
            rows, whole = table.at("row_count"), selection.at("whole_row_count")
            of = [": ", rows.fact("count"), " of ", *noun(whole.fact("count"), "row")]
        head: Part = ["The numbers of ", table.name(), " are of a selection, not of the whole"]
        said.append(say(*head, " table", *of, ", ", selection.at("description").fact("text"), "."))
    if len(said) > _NAMES:
        said = [*said[:_NAMES], say("Other tables too are not seen whole.")]
    return said


def _period(artifacts: Mapping[str, Place], sized: list[Place]) -> Sentence | None:
    """Say which time the largest table that has times of events covers."""
    for table in sized:
        judged = artifacts["sufficiency"].at("tables", table.key, "event_time_column")
        columns = table.at("columns")
        if judged.text:
            column = columns.at(judged.text)
        elif artifacts["sufficiency"].value is not None:
            continue
        else:
            times = [c for c in columns if c.at("kind").text in {"date", "timestamp"}]
            if not times:
                continue
            column = times[0]
        first, last = column.at("min"), column.at("max")
        if first.text and last.text:
            start, end = first.fact("day"), last.fact("day")
            span: Part = (
                ["is all from ", start]
                if start.text == end.text
                else ["runs from ", start, " to ", end]
            )
            return say("By ", column.name(), ", ", table.name(), " ", span, ".")
    return None


def _relations(references: Place) -> Sentence | None:
    """Say which table leads to which, the table with most references first."""
    links: dict[str, dict[str, Place]] = {}
    for reference in references:
        child, parent = reference.at("child_table"), reference.at("parent_table")
        if child.text and parent.text:
            links.setdefault(child.text, {}).setdefault(parent.text, reference)
    order = sorted(links, key=lambda child: -len(links[child]))[:_NAMES]
    clauses: list[Part] = []
    for referring in order:
        found = list(links[referring].values())
        parents = [link.at("parent_table").fact("name") for link in found[:_NAMES]]
        verb = " refers to " if not clauses else " to "
        more = ["others, among them "] if len(found) > _NAMES else []
        clauses.append([found[0].at("child_table").fact("name"), verb, *more, *listed(parents)])
    return say(*_joined(clauses), ".") if clauses else None


def _joined(clauses: list[Part]) -> list[Part]:
    joined: list[Part] = []
    for index, clause in enumerate(clauses):
        joined += ["; " if index else "", clause]
    return joined


# -------------------------------------------------------------------------- next and missing


def _next(said: list[Finding[Note]], *, is_anything_known: bool) -> list[Sentence]:
    actions = [finding for finding in said if finding.content.action is not None]
    chosen = rank(actions, _ACTIONS, group=_kind, per_group=1)
    sentences = [finding.content.action for finding in chosen if finding.content.action]
    if sentences or not is_anything_known:
        return sentences
    if any(finding.urgency > Urgency.CONTEXT for finding in said):
        return []
    return [say("Nothing here has to be settled before the data is used.")]


def _kind(finding: Finding[Note]) -> tuple[str, ...]:
    """Group what is alike at one table."""
    return finding.subject[:2]


def _missing(missing: Place) -> list[Sentence]:
    generators = list(missing)
    if len(generators) > _MISSING:
        names = listed([generator.name() for generator in generators[:_MISSING]])
        return [say(missing.count(), " generators left nothing to tell, among them ", names, ".")]
    sentences: list[Sentence] = []
    for generator in generators:
        reason = generator.at("reason")
        was = {
            "failed": " failed: ",
            "skipped": " did not run: ",
            "unreadable": " left nothing that can be read: ",
        }.get(generator.at("status").text, ": ")
        sentences.append(say(generator.name(), was, reason.fact("text"), "."))
    return sentences
