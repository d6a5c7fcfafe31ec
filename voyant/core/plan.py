"""Which generators will run, in which order, and why not the others?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from voyant.core.definition import GeneratorDefinition
from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.core.gates import GateDecision, Gates
from voyant.core.lookup import SettingsLookup
from voyant.core.options import GeneratorOptions, read_options

__all__ = ["Plan", "PlannedStep", "make_plan"]


class PlannedStep(NamedTuple):
    """One generator of a run; a tuple, which is made in a quarter of a frozen dataclass's time.

    Attributes:
        definition: As registered, with the configured order, kind and limits.
        skip_reason: Why it is not to run; empty if it is.
        gate: How its flag, or its `enabled` option, was decided.
        parameters: An instance of what the definition declares, None if it declares nothing.
    """

    definition: GeneratorDefinition
    skip_reason: str = ""
    gate: GateDecision | None = None
    parameters: Any = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The generators of a run, in order.

    Attributes:
        steps: All of them, those that are not to run too.
        timeout_seconds: Time the whole run may take.
        ignored: Why options are ignored, by the generator they are for: a plugin's that is not
            loaded.
    """

    steps: tuple[PlannedStep, ...]
    timeout_seconds: float | None = None
    ignored: Mapping[str, str] = field(default_factory=dict[str, str])


def make_plan(
    definitions: Sequence[GeneratorDefinition],
    context: Mapping[str, Any],
    settings: object | None,
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    unloaded: str = "",
) -> Plan:
    """Decide for each generator, in order, whether it is to run; each flag is decided once.

    Args:
        definitions: In the order they run.
        context: Its `flags` can turn generators off.
        settings: Any object with attributes; `Settings` when None.
        only: If any, the only names to run.
        skip: Names not to run.
        unloaded: Why generators of plugins may be missing: options for them are then no mistake.

    Raises:
        ConfigurationError: `only` or `skip` names no generator, a flag has no clear value, or
            something is configured that a generator does not have.
    """
    known = {definition.name for definition in definitions}
    for name in (*only, *skip):
        if name not in known:
            raise ConfigurationError(
                f"There is no generator {name!r}.", remedy=did_you_mean(name, known)
            )
    lookup = SettingsLookup(settings)
    options, ignored = read_options(lookup, known, unloaded)
    if options:
        definitions = _configured(definitions, options)
    gates = Gates(lookup, context.get("flags"))
    steps: list[PlannedStep] = []
    for definition in definitions:
        name, chosen = definition.name, options.get(definition.name)
        gate = parameters = None
        if chosen is not None or definition.feature_flag is not None:
            gate = _gate(definition, chosen, gates)
        if (only and name not in only) or name in skip:
            reason = "not asked for in this run"
        elif gate is not None and not gate.enabled:
            reason = gate.reason
        else:
            reason = ""
        if chosen is not None or definition.parameters is not None:
            parameters = (chosen or GeneratorOptions(name=name)).parameters_of(definition)
        steps.append(PlannedStep(definition, reason, gate, parameters))
    if any(definition.requires for definition in definitions):
        steps = _without_unmet(steps)
    seconds = lookup.value("run_timeout_seconds")
    return Plan(tuple(steps), seconds if isinstance(seconds, (int, float)) else None, ignored)


def _configured(
    definitions: Sequence[GeneratorDefinition], options: Mapping[str, GeneratorOptions]
) -> Sequence[GeneratorDefinition]:
    changed = [
        options[definition.name].applied_to(definition)
        if definition.name in options
        else definition
        for definition in definitions
    ]
    return sorted(changed, key=lambda definition: definition.order)


def _gate(
    definition: GeneratorDefinition, options: GeneratorOptions | None, gates: Gates
) -> GateDecision | None:
    """Return the decision that turns it off, else the more specific one, None without any."""
    flag = definition.feature_flag
    by_flag = None if flag is None else gates.decide(flag)
    by_option = None if options is None else options.gate()
    if by_option is None or (by_flag is not None and not by_flag.enabled):
        return by_flag
    return by_option


def _without_unmet(steps: Iterable[PlannedStep]) -> list[PlannedStep]:
    """Skip, with the reason, each generator whose requirements this plan cannot meet.

    A requirement is a generator's name, or an artifact key that some generator declares to produce;
    a key that none declares is looked for when the generator's turn has come.
    """
    steps = list(steps)
    place = {step.definition.name: i for i, step in enumerate(steps)}
    makers = {key: step.definition.name for step in steps for key in step.definition.produces}
    changed = True
    while changed:  # a skipped generator can be another one's requirement
        changed = False
        for i, step in enumerate(steps):
            if step.skip_reason:
                continue
            for requirement in step.definition.requires:
                needed = requirement if requirement in place else makers.get(requirement)
                reason = _unmet(steps, place, i, requirement, needed)
                if reason:
                    steps[i], changed = step._replace(skip_reason=reason), True
                    break
    return steps


def _unmet(
    steps: Sequence[PlannedStep],
    place: Mapping[str, int],
    at: int,
    requirement: str,
    needed: str | None,
) -> str:
    """Say why a requirement cannot be met; nothing if it can, or if only the run will tell."""
    if needed is None:
        return ""
    there = steps[place[needed]]
    wanted = f"it requires {requirement!r}"
    if _leads_to(steps, place, needed, steps[at].definition.name):
        return f"{wanted}, which in turn requires {steps[at].definition.name!r}: a cycle"
    if there.skip_reason:
        return f"{wanted}, which does not run: {there.skip_reason}"
    if place[needed] > at:
        return (
            f"{wanted}, which runs after it (order {there.definition.order}, this one "
            f"{steps[at].definition.order}): set generators.{steps[at].definition.name}.order"
        )
    return ""


def _leads_to(
    steps: Sequence[PlannedStep], place: Mapping[str, int], start: str, goal: str
) -> bool:
    """Whether a generator requires, directly or through others, another one."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name in place and name not in seen:
            seen.add(name)
            todo.extend(steps[place[name]].definition.requires)
    return False
