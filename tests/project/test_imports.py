"""`import voyant` stays light: heavy libraries load when they are used, not before."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_after(statement: str) -> set[str]:
    """Names of the modules a fresh interpreter holds after one statement."""
    script = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import voyant",
        "from voyant.core.plugin_registry import register, run_generators",
    ],
)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    heavy = {
        *("duckdb", "ibis", "pandas", "numpy", "pyarrow", "arro3", "python_calamine"),
        *("jinja2", "vl_convert", "typer", "rich", "pydantic_settings"),
    }
    assert not heavy & loaded_after(statement)


def test_the_command_line_starts_without_the_engine() -> None:
    script = "import voyant.cli"
    assert not {"duckdb", "vl_convert", "jinja2", "pandas", "numpy"} & loaded_after(script)


def test_the_probe_sees_what_is_loaded() -> None:
    assert "duckdb" in loaded_after("import duckdb")
