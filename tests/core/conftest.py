"""What the core's tests get: an empty folder to stand in, and a registry that others do not see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from voyant.core.plugin_registry import PluginRegistry, default_registry


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where there is no `.env` and no `voyant.toml`."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _default_registry_as_it_was() -> Iterator[None]:
    names = ("_definitions", "_sorted", "_builtin_definitions", "_builtins_are_due")
    before = {name: getattr(default_registry, name) for name in names}
    default_registry._definitions = dict(default_registry._definitions)
    yield
    for name, value in before.items():
        setattr(default_registry, name, value)


@pytest.fixture
def registry() -> PluginRegistry:
    return PluginRegistry()
