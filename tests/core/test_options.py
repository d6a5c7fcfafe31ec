"""What has been configured about each generator?"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, Field

from voyant.core.config import Settings
from voyant.core.errors import ConfigurationError
from voyant.core.plugin_registry import PluginRegistry


@dataclass
class Plain:
    times: int = 1
    word: str = "hi"


class Checked(BaseModel):
    max_charts: int = Field(default=8, ge=1)


def registry_with(**terms: Any) -> PluginRegistry:
    registry = PluginRegistry()
    registry.register("first", order=10)(lambda ctx: {})
    registry.register("charts", order=60, **terms)(lambda ctx: {})
    return registry


def planned(registry: PluginRegistry, **options: Any) -> dict[str, Any]:
    settings = SimpleNamespace(generators=options, run_timeout_seconds=None)
    return {step.definition.name: step for step in registry.plan({}, settings).steps}


def test_order_kind_and_limits_are_as_configured() -> None:
    registry = registry_with()
    options = {
        "order": "5",
        "core": "true",
        "timeout_seconds": 1.5,
        "isolation": "process",
        "memory_limit": "1GiB",
    }
    steps = planned(registry, charts=options)
    definition = steps["charts"].definition
    assert list(steps) == ["charts", "first"]
    assert (definition.order, definition.is_core, definition.timeout_seconds) == (5, True, 1.5)
    assert (definition.isolation, definition.memory_limit_bytes) == ("process", 1024**3)
    found = registry.get("charts")
    assert found is not None
    assert found.order == 60, "what is registered stays as it is"


def test_a_generator_is_switched_off_and_the_decision_says_who_did() -> None:
    step = planned(registry_with(), charts={"enabled": False})["charts"]
    assert step.skip_reason == "generators.charts.enabled is off (settings)"
    assert step.gate is not None
    assert (step.gate.flag, step.gate.enabled) == ("generators.charts.enabled", False)


def test_an_option_does_not_bring_back_what_a_flag_turned_off() -> None:
    registry = registry_with(feature_flag="enable_charts")
    settings = SimpleNamespace(
        enable_charts=False, generators={"charts": {"enabled": True}}, run_timeout_seconds=None
    )
    step = registry.plan({}, settings).steps[1]
    assert step.skip_reason == "enable_charts is off (settings)"


def test_the_environment_configures_a_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOYANT_GENERATORS__CHARTS__ENABLED", "0")
    monkeypatch.setenv("VOYANT_GENERATORS__CHARTS__MAX_CHARTS", "3")
    step = registry_with(parameters=Checked).plan().steps[1]
    assert step.gate is not None
    assert step.gate.source == "VOYANT_GENERATORS__CHARTS__ENABLED"
    assert step.parameters == Checked(max_charts=3)


def test_file_and_environment_are_merged_key_by_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    file = tmp_path / "voyant.toml"
    file.write_text(
        "[generators.charts]\norder = 5\nmax_charts = 2\n[generators.first]\norder = 7\n"
    )
    monkeypatch.setenv("VOYANT_CONFIG", str(file))
    monkeypatch.setenv("VOYANT_GENERATORS__CHARTS__MAX_CHARTS", "4")
    settings = Settings()
    assert settings.generators == {
        "charts": {"order": 5, "max_charts": "4"},
        "first": {"order": 7},
    }
    assert settings.source_of("generators.charts.order") == "voyant.toml"
    steps = registry_with(parameters=Checked).plan({}, settings).steps
    assert [(s.definition.name, s.definition.order) for s in steps] == [("charts", 5), ("first", 7)]
    assert steps[0].parameters == Checked(max_charts=4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": "sixty"}, "'generators.charts.order' is 'sixty'"),
        ({"order": True}, "Use a whole number"),
        ({"order": 1.5}, "Use a whole number"),
        ({"enabled": "perhaps"}, "perhaps"),
        ({"core": "perhaps"}, "perhaps"),
        ({"timeout_seconds": 0}, "above 0"),
        ({"timeout_seconds": "nan"}, "above 0"),
        ({"timeout_seconds": "soon"}, "above 0"),
        ({"isolation": "jail"}, "'none' or 'process'"),
        ({"memory_limit": "much"}, "such as '1GB'"),
        ({"memory_limit": "1GB"}, "Set generators.charts.isolation = 'process' too"),
        ({"memory_limit": "1GB", "isolation": "none"}, "'generators.charts.memory_limit' is '1GB'"),
        ({"max_chart": 3}, "Did you mean 'max_charts'?"),
        ({"max_charts": "many"}, "'generators.charts.max_charts' is 'many'"),
        ({"max_charts": 0}, "greater than or equal to 1"),
        ({"ordr": 3}, "Did you mean 'order'?"),
    ],
)
def test_a_wrong_option_is_one_clear_error(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match="charts") as caught:
        planned(registry_with(parameters=Checked), charts=options)
    assert said in str(caught.value)


def test_a_registered_memory_limit_keeps_its_process() -> None:
    registry = registry_with(isolation="process", memory_limit_bytes=1024**3)
    with pytest.raises(ConfigurationError, match=r"charts\.isolation' is 'none'.*Leave it out"):
        planned(registry, charts={"isolation": "none"})
    steps = planned(registry, charts={"memory_limit": "2GiB"})
    assert steps["charts"].definition.memory_limit_bytes == 2 * 1024**3


def test_an_unknown_generator_is_named_with_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'charts'"):
        planned(registry_with(), chart={"enabled": False})


def test_something_that_is_no_table_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Use a table"):
        planned(registry_with(), charts=False)


def test_a_parameter_of_a_generator_without_any_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has no parameter 'times'"):
        planned(registry_with(), charts={"times": 2})


def test_the_handler_finds_its_parameters() -> None:
    registry = PluginRegistry()
    seen: dict[str, object] = {}

    @registry.register("greets", parameters=Plain)
    def greets(ctx: Any) -> dict[str, str]:
        seen["greets"] = ctx.parameters
        return {}

    @registry.register("plain")
    def plain(ctx: Any) -> dict[str, str]:
        seen["plain"] = ctx.parameters
        return {}

    settings = SimpleNamespace(generators={"greets": {"times": "3"}}, run_timeout_seconds=None)
    assert registry.run({}, settings).success
    assert seen == {"greets": Plain(times=3), "plain": None}
