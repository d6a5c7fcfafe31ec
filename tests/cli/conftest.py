"""A registry of the test's own, and a folder of its own to work in."""

from __future__ import annotations

import logging

import pytest
from typer.testing import CliRunner

from voyant.cli import app
from voyant.core.plugin_registry import clear_registry, load_builtin_generators


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty current folder with one small table in it, `orders.csv`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text("id,amount\n1,2.5\n2,3.5\n")
    return tmp_path


@pytest.fixture
def own_registry():
    """No generators but the test's."""
    clear_registry()
    yield
    clear_registry()
    load_builtin_generators()


@pytest.fixture
def voyant(workplace, monkeypatch):
    """Run the command line in this process: `voyant("run", "x.csv").exit_code`."""
    monkeypatch.setenv("COLUMNS", "200")
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn")
    before = root.handlers, root.level, uvicorn.level
    yield lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])
    root.handlers = before[0]
    root.setLevel(before[1])
    uvicorn.setLevel(before[2])
    logger = logging.getLogger("voyant")
    logger.handlers = []
    logger.setLevel(logging.NOTSET)
