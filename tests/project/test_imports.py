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
        *("opentelemetry", "prometheus_client", "pytest", "voyant.testing", "voyant.observers"),
    }
    assert not heavy & loaded_after(statement)


def test_the_command_line_starts_without_the_engine() -> None:
    script = "import voyant.cli"
    assert not {"duckdb", "vl_convert", "jinja2", "pandas", "numpy"} & loaded_after(script)


def test_the_fixtures_for_pytest_load_nothing_until_they_are_used() -> None:
    loaded = loaded_after("import voyant.testing.pytest_plugin")
    assert not {"duckdb", "pydantic_settings", "voyant.testing.conformance"} & loaded


def test_observing_a_run_loads_no_observer_that_is_off() -> None:
    loaded = loaded_after("import voyant.jobs.runner")
    assert not {"opentelemetry", "prometheus_client", "voyant.observers.openlineage"} & loaded


def test_the_probe_sees_what_is_loaded() -> None:
    assert "duckdb" in loaded_after("import duckdb")
