from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock, Mock, NonCallableMock

import pytest

from voyant.core.config import Settings, load_settings
from voyant.core.lookup import SettingsLookup, said


@pytest.mark.parametrize("value", [None, "", print, Mock(), lambda: True])
def test_these_say_nothing(value: object) -> None:
    assert said(value) is None


@pytest.mark.parametrize("value", [False, 0, True, "0", 0.0])
def test_these_say_something(value: object) -> None:
    assert said(value) == value


@pytest.mark.parametrize(
    "given", [None, object(), Mock(), MagicMock(), NonCallableMock(), Mock(spec=Settings)]
)
def test_an_object_that_says_nothing_leaves_it_to_settings(given, monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_ENABLE_CHARTS", "0")
    monkeypatch.setenv("VOYANT_TENANT_ID", "acme")
    lookup = SettingsLookup(given)
    assert lookup.flag("enable_charts") == (False, "VOYANT_ENABLE_CHARTS")
    assert lookup.value("tenant_id") == "acme"


def test_an_object_goes_before_settings(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_ENABLE_CHARTS", "0")
    lookup = SettingsLookup(SimpleNamespace(enable_charts=True, tenant_id="theirs"))
    assert lookup.flag("enable_charts") == (True, "settings")
    assert lookup.value("tenant_id") == "theirs"


def test_what_our_settings_leave_empty_stays_empty(monkeypatch) -> None:
    given = load_settings(threads=None)
    monkeypatch.setenv("VOYANT_THREADS", "3")
    assert SettingsLookup(given).value("threads") is None


def test_settings_are_read_once(monkeypatch) -> None:
    lookup = SettingsLookup(None)
    assert lookup.value("tenant_id") == "default"
    monkeypatch.setenv("VOYANT_TENANT_ID", "later")
    assert lookup.value("tenant_id") == "default"


def test_an_object_that_answers_spares_the_import_of_pydantic() -> None:
    script = """
import sys, types
from voyant.core.plugin_registry import PluginRegistry
registry = PluginRegistry()
registry.register("mine", feature_flag="enable_mine")(lambda ctx: {})
answers = types.SimpleNamespace(enable_mine=True, generators={}, run_timeout_seconds=60)
result = registry.run({"job_id": "j"}, answers)
assert len(result.results) == 1
print("pydantic" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
