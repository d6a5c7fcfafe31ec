"""What every test gets: a clean environment, repeatable Hypothesis runs, the demo tables."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.postgres import started_server
from tests.servers.spark import SparkCluster, need_spark
from voyant.core.plugin_registry import default_registry
from voyant.demo import table_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

# No deadline: a busy machine is not a bug. On CI the same examples every time; a failure prints the
# lines that reproduce it.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_report_header() -> str:
    """Say which versions the answers came from."""
    names = ("duckdb", "pydantic", "numpy", "scipy", "pandas", "pyarrow")
    return "oracles and engine: " + ", ".join(f"{name} {version(name)}" for name in names)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the VOYANT_* variables of whoever runs the tests."""
    for name in [name for name in os.environ if name.upper().startswith("VOYANT_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _only_our_generators() -> Iterator[None]:
    """Leave no generator of a test to those after it in this process, and plugins to be found."""
    yield
    if default_registry._definitions.keys() != default_registry._builtin_definitions.keys():
        default_registry.clear()
        default_registry.load_builtins()
    default_registry._plugins_are_due = True


@pytest.fixture(autouse=True, scope="module")
def _no_sockets_of_spark_left() -> Iterator[None]:
    """PySpark leaves sockets to the garbage collector, which would blame whichever test is next."""
    yield
    if "pyspark" in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="session")
def demo_tables() -> dict[str, Path]:
    """Paths of the five demo tables, by name."""
    return table_paths()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process; started when a test first asks for it."""
    with started_server() as server:
        yield server


@pytest.fixture(scope="session")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """A Spark master and two workers of this test process, started when first asked for.

    A driver in this process listens on the loopback alone, as they do.
    """
    need_spark()
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    cluster = SparkCluster(tmp_path_factory.mktemp("spark"))
    yield cluster
    cluster.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Keep a file's tests in one process, which starts what they share once; and all of Spark's."""
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):
    """Gives whole files to the processes of a parallel run, those with most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        return "spark" if "test_spark" in file or "[spark" in name else file
