"""Can the data be trusted, and what speaks against it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from voyant.artifacts.narrative import Sentence
from voyant.report.narrative_losses import losses, urgency_of
from voyant.report.narrative_place import Note, Part, Place, listed, noun, say
from voyant.stats.facts import Finding, Urgency

__all__ = ["trust_notes"]

#: Quality checks about what sufficiency, too, takes points for: told once.
_SAME_CAUSE: Final = {
    "missing_values": "missing",
    "near_empty": "missing",
    "duplicate_rows": "duplicates",
    "has_rows": "volume",
    "orphans": "references",
}
#: Notes that are no news to whoever made the table.
_QUIET: Final = frozenset({"constant_column"})
_WEAK_WEIGHT = 50.0  # as if a table's whole share of the score were lost
_SHOWN_TABLES = 3
_SHOWN_COLUMNS = 2


def trust_notes(artifacts: Mapping[str, Place]) -> tuple[list[Sentence], list[Finding[Note]]]:
    """Return what opens the section, and the findings to choose from."""
    opening: list[Sentence] = []
    findings: list[Finding[Note]] = []
    sufficiency, quality = artifacts["sufficiency"], artifacts["quality"]
    if sufficiency.at("verdict").text:
        opening.append(_verdict(sufficiency))
        findings += _weak_tables(sufficiency)
        findings += losses(sufficiency, artifacts["profile"])
    if quality.at("verdict").text:
        opening.append(_checks(quality))
        told = {finding.subject for finding in findings}
        failed = _failed_checks(quality)
        findings += (f for f in failed if f.urgency >= Urgency.SERIOUS or f.subject not in told)
    if not opening:
        findings += _alerts(artifacts["profile"])
    return opening, findings


# -------------------------------------------------------------------------------- sufficiency


def _verdict(sufficiency: Place) -> Sentence:
    verdict, score = sufficiency.at("verdict"), sufficiency.at("score")
    if score.number is None:
        reason = sufficiency.at("verdict_reason").fact("text")
        return say("Whether the data is sufficient could not be assessed: ", reason, ".")
    purpose = "" if verdict.text == "usable_with_care" else " for analysis"
    head: list[Part] = ["The data is ", verdict.fact("words"), purpose]
    lost = "" if sufficiency.at("ledger").value else "; nothing cost points"
    return say(*head, ": its sufficiency score is ", score.fact("score"), lost, ".")


def _weak_tables(sufficiency: Place) -> Iterator[Finding[Note]]:
    """Tell tables that do not suffice on their own, one by one while they are few."""
    tables = sufficiency.at("tables")
    weak = [table for table in tables if table.at("verdict").text == "insufficient"]
    if len(list(tables)) == 1:
        return
    told = dict(map(_weak_table, weak))
    if len(weak) > _SHOWN_TABLES:
        count = tables.count({"/verdict": ["insufficient"]})
        names = listed([table.name() for table in weak[:_SHOWN_TABLES]])
        of: list[Part] = [count, " of ", noun(tables.count(), "table")]
        sentence = say(*of, " are insufficient, among them ", names, ".")
        told = {("weak",): Note(sentence=sentence)}
    for subject, note in told.items():
        yield Finding(
            content=note,
            subject=subject,
            urgency=Urgency.SERIOUS,
            weight=_WEAK_WEIGHT,
        )


def _weak_table(table: Place) -> tuple[tuple[str, ...], Note]:
    """Return what a table that does not suffice is about, and what to say of it."""
    name = table.name()
    if table.at("row_count").number == 0:
        action = say("Find out why ", name, " is empty.")
        return ("volume", table.key), Note(sentence=say(name, " has no rows."), action=action)
    reason = table.at("verdict_reason").fact("text")
    return ("weak", table.key), Note(sentence=say(name, " is insufficient: ", reason, "."))


# ---------------------------------------------------------------------------- quality, alerts


def _checks(quality: Place) -> Sentence:
    checks = quality.at("checks")
    count, failures = checks.count(), checks.count({"/status": ["failed"]})
    unknown = checks.count({"/status": ["not_assessed"]})
    if not count.value:
        return say("No quality check applied.")
    score = quality.at("score")
    ending: list[Part] = []
    if unknown.value:
        ending += [" and ", unknown, " could not be assessed"]
    if score.number is not None:
        ending += ["; the quality score is ", score.fact("score")]
    if not failures.value:
        return say("None of ", noun(count, "quality check"), " failed", *ending, ".")
    errors = checks.count({"/status": ["failed"], "/severity": ["error"]})
    grave: Part = [" (", *noun(errors, "error"), ")"] if errors.value else ""
    return say("Of ", noun(count, "quality check"), ", ", failures, " failed", grave, *ending, ".")


def _failed_checks(quality: Place) -> Iterator[Finding[Note]]:
    """Tell failed checks in the artifact's own words; mere notes come last."""
    points = {loss.at("check").text: loss.at("points").size for loss in quality.at("ledger")}
    for check in quality.at("checks"):
        severity = check.at("severity").text
        is_quiet = severity == "info" and check.at("name").text in _QUIET
        if check.at("status").text != "failed" or is_quiet:
            continue
        table, columns = check.at("table"), list(check.at("columns"))
        place: list[Part] = [table.fact("name")] if table.text else ["All tables"]
        if columns:
            names = listed([column.fact("name") for column in columns[:_SHOWN_COLUMNS]])
            place = [names, " in ", *place]
        cause = _SAME_CAUSE.get(check.at("name").text)
        identity, is_error = check.at("id").text, severity == "error"
        urgency = urgency_of(points.get(identity, 0.0))
        known = (cause or "", table.text, *(column.text for column in columns))
        action = (
            say("Look into ", *place, ": a check that must not fail did.")
            if is_error
            else say("Correct ", *place, " at its source, or leave those rows out.")
        )
        yield Finding(
            content=Note(
                sentence=say(*place, ": ", check.at("message").fact("text"), "."),
                action=action if is_error or urgency >= Urgency.SERIOUS else None,
            ),
            subject=(identity,) if cause is None else known,
            urgency=max(urgency, Urgency.SERIOUS) if is_error else urgency,
            weight=points.get(identity, 0.0),
        )


def _alerts(profile: Place) -> Iterator[Finding[Note]]:
    """Tell what the profile noticed, where nothing judged it."""
    for table in profile.at("tables"):
        for alert in table.at("alerts"):
            severity, column = alert.at("severity").text, alert.at("column")
            if severity not in {"error", "warning"}:
                continue
            place: list[Part] = [column.fact("name"), " in "] if column.text else []
            message = alert.at("message").fact("text")
            yield Finding(
                content=Note(sentence=say(*place, table.name(), ": ", message, ".")),
                subject=(alert.at("kind").text, table.key, column.text),
                urgency=Urgency.SERIOUS if severity == "error" else Urgency.NOTABLE,
            )
