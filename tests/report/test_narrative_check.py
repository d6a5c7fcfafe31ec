"""The checker catches each kind of lie: in an artifact, in a fact, in a sentence."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.narrative_samples import documents, facts, narrated
from voyant.artifacts.narrative import NarrativeArtifact, Section
from voyant.artifacts.pointers import split_pointer
from voyant.core.errors import ArtifactError
from voyant.report.narrative_check import check_narrative, find_faults
from voyant.report.narrative_place import Place, say

FILES = documents()
TRUE = narrated(FILES)
FACTS = facts(TRUE)


def changed(value):
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    return value + "x" if isinstance(value, str) else value + 1


def parent_of(files, fact):
    """Return what holds the value a pointer names, and the key it stands under there."""
    *path, last = split_pointer(fact.pointer)
    found = files[fact.artifact]
    for part in path:
        found = found[int(part) if isinstance(found, list) else part]
    return found, int(last) if isinstance(found, list) else last


def members(files, fact):
    holder, last = parent_of(files, fact)
    return holder[last]


def tampered(fact):
    """Return the artifacts with one of them changed where a fact was read."""
    files = deepcopy(FILES)
    holder, last = parent_of(files, fact)
    if fact.operation == "value":
        holder[last] = changed(holder[last])
    elif fact.operation == "key":
        holder[last + "x"] = holder.pop(last)
    else:
        found = members(files, fact)
        keys = list(found) if isinstance(found, dict) else list(range(len(found)))
        fitting = [
            key
            for key in keys
            if all(found[key].get(field[1:]) in wanted for field, wanted in fact.where.items())
        ]
        if fact.operation == "count":
            del found[fitting[0]]
        else:  # a greater number changes a sum and a maximum alike
            member, each = found[fitting[0]], fact.each[1:]
            place = int(each) if isinstance(member, list) else each
            member[place] += 1000
    return files


def edited(place, **update):
    """Return the narrative with one fact changed, its sentence's text following suit."""
    section, sentence, part = place
    lie = TRUE.model_dump()
    found = lie["sections"][section]["sentences"][sentence]
    found["parts"][part] |= update
    found["text"] = "".join(p if isinstance(p, str) else p["text"] for p in found["parts"])
    return NarrativeArtifact.model_validate(lie)


def test_the_truth_passes():
    assert list(find_faults(TRUE, FILES)) == []
    assert len(FACTS) > 60
    assert {fact.operation for _, fact in FACTS} >= {"value", "key", "count", "sum", "max"}


@pytest.mark.parametrize("index", range(len(FACTS)))
def test_a_change_of_an_artifact_is_found_for_every_fact(index):
    place, fact = FACTS[index]
    with pytest.raises(ArtifactError) as caught:
        check_narrative(TRUE, tampered(fact))
    sentence = TRUE.sections[place[0]].sentences[place[1]]
    assert any(
        repr(sentence.text) in fault and repr(fact.text) in fault
        for fault in find_faults(TRUE, tampered(fact))
    )
    assert "remedy" not in str(caught.value)


@given(st.sampled_from(FACTS), st.integers(-(10**6), 10**6) | st.floats(allow_nan=False))
def test_another_number_in_a_fact_is_found(place_and_fact, number):
    place, fact = place_and_fact
    if type(number) is not type(fact.value) or number != fact.value:
        if isinstance(number, float) and abs(number) == float("inf"):
            return
        assert list(find_faults(edited(place, value=number), FILES))


@given(st.sampled_from(FACTS), st.integers(0, 10**9))
def test_another_text_of_a_fact_is_found(place_and_fact, number):
    place, fact = place_and_fact
    if str(number) != fact.text:
        faults = list(find_faults(edited(place, text=str(number)), FILES))
        assert any(f"expected {fact.text!r}" in fault for fault in faults)


PLAIN = [(place, fact) for place, fact in FACTS if fact.operation in {"value", "key"}]


@given(st.sampled_from(PLAIN), st.sampled_from(PLAIN))
def test_another_pointer_is_found(place_and_fact, other):
    place, fact = place_and_fact
    elsewhere = other[1]
    if elsewhere.operation == fact.operation and elsewhere.value != fact.value:
        lie = edited(place, pointer=elsewhere.pointer, artifact=elsewhere.artifact)
        assert list(find_faults(lie, FILES))


@given(st.data())
def test_any_changed_character_of_a_sentence_is_found(data):
    section = data.draw(st.integers(0, len(TRUE.sections) - 1))
    sentence = data.draw(st.integers(0, len(TRUE.sections[section].sentences) - 1))
    lie = TRUE.model_dump()
    found = lie["sections"][section]["sentences"][sentence]
    at = data.draw(st.integers(0, len(found["text"]) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda c: c != found["text"][at]))
    found["text"] = found["text"][:at] + character + found["text"][at + 1 :]
    assert list(find_faults(NarrativeArtifact.model_validate(lie), FILES))


def spoken(*parts, title="Heading"):
    return TRUE.model_copy(
        update={"sections": [Section(name="own", title=title, sentences=[say(*parts)])]}
    )


@pytest.mark.parametrize(
    "words",
    ["We have 3 of them.", "About ½ of it.", "Twelve rows.", "twice as many", "٣ rows", "Ⅳ", "x²"],
)
def test_a_number_outside_of_facts_is_found(words):
    (fault,) = find_faults(spoken(words), FILES)
    assert "belongs to no fact" in fault
    (fault,) = find_faults(spoken("Fine.", title=words), FILES)
    assert "Heading" in fault


def test_words_that_only_look_like_numbers_pass():
    assert not list(find_faults(spoken("One of them is often weighted, second to none."), FILES))


def test_a_fault_names_sentence_fact_expected_and_found():
    fact = Place("kpis.json", (), FILES["kpis.json"]).at("kpis", 0, "value").fact("kpi:.1f")
    lie = spoken("The delay is ", fact.model_copy(update={"text": "9.9"}), ".")
    with pytest.raises(ArtifactError) as caught:
        check_narrative(lie, FILES)
    message = str(caught.value)
    assert "'The delay is 9.9.'" in message
    assert "kpis.json#/kpis/0/value" in message
    assert "shows '9.9'; expected '12.6'" in message


@pytest.mark.parametrize(
    "update",
    [
        {"artifact": "gone.json"},
        {"pointer": "/kpis/99/value"},
        {"pointer": "kpis"},
        {"pointer": "/kpis"},
        {"operation": "count"},
        {"operation": "max", "each": "/x"},
        {"format": "no such"},
        {"format": "day"},
    ],
    ids=str,
)
def test_a_fact_that_cannot_be_read_again_is_a_fault(update):
    fact = Place("kpis.json", (), FILES["kpis.json"]).at("kpis", 0, "value").fact("kpi:.1f")
    assert list(find_faults(spoken(fact.model_copy(update=update)), FILES))


def test_many_faults_are_counted():
    with pytest.raises(ArtifactError, match=r"And \d+ more\."):
        check_narrative(TRUE, {name: {} for name in FILES})
