from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from voyant.core.config import load_settings
from voyant.core.errors import ConfigurationError
from voyant.core.gates import Gates, decide_gate, parse_flag
from voyant.core.lookup import SettingsLookup

MINE = "enable_mine"


@pytest.mark.parametrize("word", ["1", "true", "T", " yes ", "Y", "ON", True, 1, 0.5])
def test_on(word: object) -> None:
    assert parse_flag(MINE, word, "here") is True


@pytest.mark.parametrize("word", ["0", "false", "F", "no", "n", "Off\n", False, 0, None])
def test_off(word: object) -> None:
    assert parse_flag(MINE, word, "here") is False


def test_a_word_that_is_neither_is_an_error_with_its_source() -> None:
    with pytest.raises(ConfigurationError, match=r"'enable_mine'.*'maybe'.*from \.env.*Use 1"):
        parse_flag(MINE, "maybe", ".env")


def decision(settings=None, **run_flags) -> tuple[bool, str]:
    made = decide_gate(MINE, settings, run_flags)
    assert made.flag == MINE
    assert made.reason == f"{MINE} is {'on' if made.enabled else 'off'} ({made.source})"
    return made.enabled, made.source


def test_a_flag_nobody_knows_is_on() -> None:
    assert decision() == (True, "default")


@pytest.mark.parametrize(("value", "enabled"), [(False, False), ("no", False), (1, True)])
def test_the_settings_object_decides(value: object, enabled: bool) -> None:
    assert decision(SimpleNamespace(enable_mine=value)) == (enabled, "settings")


def test_an_object_with_computed_attributes_decides() -> None:
    class Computed:
        def __getattr__(self, name: str) -> bool:
            return name != MINE

    assert decision(Computed()) == (False, "settings")


def test_a_mock_decides_only_what_it_was_told() -> None:
    assert decision(Mock()) == (True, "default")
    assert decision(Mock(enable_mine=False)) == (False, "settings")


def test_the_environment_decides(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_ENABLE_MINE", "off")
    assert decision() == (False, "VOYANT_ENABLE_MINE")
    assert decision(object()) == (False, "VOYANT_ENABLE_MINE")
    assert decision(SimpleNamespace(enable_mine=True)) == (True, "settings")


def test_an_empty_variable_says_nothing(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_ENABLE_MINE", "")
    assert decision() == (True, "default")


def test_each_source_of_a_third_party_flag_in_turn(monkeypatch) -> None:
    Path("voyant.toml").write_text("[flags]\nenable_mine = false\n", encoding="utf-8")
    assert decision() == (False, "voyant.toml")
    Path(".env").write_text('VOYANT_FLAGS={"enable_mine": true}\n', encoding="utf-8")
    assert decision() == (True, ".env")
    Path(".env").write_text("VOYANT_ENABLE_MINE=0\n", encoding="utf-8")
    assert decision() == (False, ".env")
    monkeypatch.setenv("VOYANT_FLAGS", '{"enable_mine": true}')
    assert decision() == (True, "VOYANT_FLAGS")
    monkeypatch.setenv("VOYANT_ENABLE_MINE", "0")
    assert decision() == (False, "VOYANT_ENABLE_MINE")
    assert decision(load_settings(flags={MINE: True})) == (True, "argument")


def test_a_flag_table_does_not_hide_another_sources_switch(monkeypatch) -> None:
    Path("voyant.toml").write_text("[flags]\nenable_mine = false\n", encoding="utf-8")
    monkeypatch.setenv("VOYANT_FLAGS", '{"enable_other": true}')
    assert decision() == (False, "voyant.toml")


@pytest.mark.parametrize("word", [False, 0, "off"])
def test_the_run_turns_off(word: object) -> None:
    assert decision(enable_mine=word) == (False, "run flags")
    assert decision(SimpleNamespace(enable_mine=True), enable_mine=word) == (False, "run flags")


def test_what_was_off_already_is_not_the_runs_doing() -> None:
    assert decision(SimpleNamespace(enable_mine=False), enable_mine=False) == (False, "settings")


@pytest.mark.parametrize("word", [True, 1, "on"])
def test_the_run_never_turns_on(word: object, monkeypatch) -> None:
    assert decision(SimpleNamespace(enable_mine=False), enable_mine=word) == (False, "settings")
    monkeypatch.setenv("VOYANT_ENABLE_MINE", "0")
    assert decision(enable_mine=word) == (False, "VOYANT_ENABLE_MINE")


@pytest.mark.parametrize("word", [None, ""])
def test_a_run_flag_that_says_nothing_changes_nothing(word: object) -> None:
    assert decision(enable_mine=word) == (True, "default")


@pytest.mark.parametrize("flags", [["enable_mine"], "enable_mine", 3, True])
def test_run_flags_must_be_a_mapping(flags: object) -> None:
    with pytest.raises(ConfigurationError, match="Pass a dict"):
        Gates(SettingsLookup(None), flags)


def test_a_flag_is_decided_once(monkeypatch) -> None:
    gates = Gates(SettingsLookup(None), {})
    first = gates.decide(MINE)
    monkeypatch.setenv("VOYANT_ENABLE_MINE", "0")
    assert gates.decide(MINE) is first


def drift(settings=None, **run_flags) -> tuple[bool, str]:
    made = decide_gate("enable_drift", settings, run_flags)
    return made.enabled, made.source


FOLLOWS = "follows enable_quality: "


def test_drift_follows_quality_from_every_source(monkeypatch) -> None:
    assert drift() == (True, f"{FOLLOWS}default")
    Path("voyant.toml").write_text("enable_quality = false\n", encoding="utf-8")
    assert drift() == (False, f"{FOLLOWS}voyant.toml")
    Path(".env").write_text("VOYANT_ENABLE_QUALITY=true\n", encoding="utf-8")
    assert drift() == (True, f"{FOLLOWS}.env")
    monkeypatch.setenv("VOYANT_ENABLE_QUALITY", "0")
    assert drift() == (False, f"{FOLLOWS}VOYANT_ENABLE_QUALITY")
    assert drift(load_settings(enable_quality=True)) == (True, f"{FOLLOWS}argument")
    assert drift(SimpleNamespace(enable_quality=True)) == (True, f"{FOLLOWS}settings")
    assert drift(Mock(enable_quality=False)) == (False, f"{FOLLOWS}settings")


@pytest.mark.parametrize("value", [True, False])
def test_drift_set_itself_follows_nobody(value: bool, monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_ENABLE_QUALITY", str(not value))
    assert drift(load_settings(enable_drift=value)) == (value, "argument")
    assert drift(SimpleNamespace(enable_drift=value)) == (value, "settings")
    monkeypatch.setenv("VOYANT_ENABLE_DRIFT", str(value))
    assert drift() == (value, "VOYANT_ENABLE_DRIFT")


def test_drift_follows_the_runs_quality_unless_somebody_set_it() -> None:
    assert drift(enable_quality=False) == (False, f"{FOLLOWS}run flags")
    assert drift(enable_quality=False, enable_drift=True) == (True, "default")
    assert drift(enable_drift=False) == (False, "run flags")
    assert drift(load_settings(enable_drift=True), enable_quality=False) == (True, "argument")
    assert drift(load_settings(enable_quality=False), enable_quality=True)[0] is False
