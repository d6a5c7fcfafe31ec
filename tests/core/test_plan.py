"""Which generators will run, in which order, and why not the others?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from voyant.core.errors import RegistrationError
from voyant.core.plugin_registry import PluginRegistry

NO_OPTIONS = SimpleNamespace(generators={}, run_timeout_seconds=None, enable_x=True)


def reasons(registry: PluginRegistry, settings: Any = NO_OPTIONS, **choice: Any) -> dict[str, str]:
    plan = registry.plan({}, settings, **choice)
    return {step.definition.name: step.skip_reason for step in plan.steps}


def add(registry: PluginRegistry, name: str, order: int = 100, **terms: Any) -> None:
    registry.register(name, order=order, **terms)(lambda ctx: {name: f"/{name}"})


def test_a_requirement_that_runs_before_is_met() -> None:
    registry = PluginRegistry()
    add(registry, "profile", 10)
    add(registry, "mine", 20, requires=("profile",))
    assert reasons(registry) == {"profile": "", "mine": ""}


def test_a_requirement_that_is_off_takes_its_dependents_with_it() -> None:
    registry = PluginRegistry()
    add(registry, "profile", 10, feature_flag="enable_x")
    add(registry, "mine", 20, requires=("profile",))
    add(registry, "yours", 30, requires=("mine",))
    off = SimpleNamespace(generators={}, run_timeout_seconds=None, enable_x=False)
    found = reasons(registry, off)
    assert found["mine"] == (
        "it requires 'profile', which does not run: enable_x is off (settings)"
    )
    assert found["yours"].startswith(
        "it requires 'mine', which does not run: it requires 'profile'"
    )
    assert "not asked for" in reasons(registry, only=["yours"])["yours"]


def test_an_order_that_contradicts_a_requirement_is_said() -> None:
    registry = PluginRegistry()
    add(registry, "late", 50)
    add(registry, "mine", 20, requires=("late",))
    assert reasons(registry)["mine"] == (
        "it requires 'late', which runs after it (order 50, this one 20): set generators.mine.order"
    )
    settings = SimpleNamespace(generators={"mine": {"order": 60}}, run_timeout_seconds=None)
    assert reasons(registry, settings) == {"late": "", "mine": ""}


def test_a_cycle_is_said_and_everything_else_runs() -> None:
    registry = PluginRegistry()
    add(registry, "a", 1, requires=("b",))
    add(registry, "b", 2, requires=("c",))
    add(registry, "c", 3, requires=("a",))
    add(registry, "free", 4)
    found = reasons(registry)
    assert "a cycle" in found["a"]
    assert found["b"]
    assert found["c"]
    assert found["free"] == ""


def test_an_artifact_key_leads_to_who_declares_it() -> None:
    registry = PluginRegistry()
    add(registry, "maker", 50, produces=("thing",))
    add(registry, "user", 20, requires=("thing",))
    assert "runs after it" in reasons(registry)["user"]


def test_a_key_that_nobody_declares_is_looked_for_when_its_turn_has_come() -> None:
    registry = PluginRegistry()
    add(registry, "maker", 10)
    add(registry, "user", 20, requires=("maker", "nothing"))
    assert reasons(registry)["user"] == ""
    result = registry.run({}, NO_OPTIONS)
    assert result.success
    assert result.skipped == {"user": "it requires 'nothing', which nothing before it made"}


def test_a_requirement_that_failed_is_the_reason() -> None:
    registry = PluginRegistry()

    @registry.register("breaks", order=1)
    def breaks(ctx: Any) -> dict[str, str]:
        raise ValueError("no")

    add(registry, "user", 2, requires=("breaks",))
    result = registry.run({}, NO_OPTIONS)
    assert result.skipped == {"user": "it requires 'breaks', which failed"}


@pytest.mark.parametrize(
    "terms",
    [
        {"requires": "profile"},
        {"requires": ("",)},
        {"requires": ("mine",)},
        {"produces": [1]},
        {"timeout_seconds": 0},
        {"timeout_seconds": float("nan")},
        {"timeout_seconds": True},
        {"isolation": "jail"},
        {"memory_limit_bytes": 1.5, "isolation": "process"},
        {"memory_limit_bytes": -1, "isolation": "process"},
        {"memory_limit_bytes": 1024**3},
        {"parameters": {}},
    ],
)
def test_terms_that_cannot_be_kept_are_refused(terms: dict[str, Any]) -> None:
    registry = PluginRegistry()
    with pytest.raises(RegistrationError, match="mine"):
        add(registry, "mine", **terms)
    assert registry.snapshot() == ()


def test_the_runs_time_limit_skips_what_is_left() -> None:
    registry = PluginRegistry()

    @registry.register("slow", order=1)
    def slow(ctx: Any) -> dict[str, str]:
        import time

        time.sleep(0.2)
        return {}

    add(registry, "after", 2)
    settings = SimpleNamespace(generators={}, run_timeout_seconds=0.1)
    result = registry.run({}, settings)
    assert result.results[0].success is False
    assert result.skipped == {"after": "the run's time limit was reached before it"}
