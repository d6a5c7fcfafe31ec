"""Which fixtures does pytest offer a generator's author? Wherever Voyant is, it loads this file."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from voyant.core.context import GeneratorContext
    from voyant.testing import Report

__all__ = ["awkward_database", "check_generator", "job_context"]


@pytest.fixture(scope="session")
def awkward_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the awkward tables; use it as a source and do not change it."""
    from voyant.testing import write_awkward_database  # noqa: PLC0415 - see the docstring

    return write_awkward_database(tmp_path_factory.mktemp("voyant") / "awkward.duckdb")


@pytest.fixture
def check_generator() -> Callable[..., Report]:
    """`voyant.testing.check_generator`."""
    from voyant import testing  # noqa: PLC0415 - see the docstring

    return testing.check_generator


@pytest.fixture
def job_context(tmp_path: Path) -> Generator[Callable[..., GeneratorContext]]:
    """A function that gives contexts in the test's folder: `job_context({"orders": path})`."""
    from voyant import testing  # noqa: PLC0415 - see the docstring

    with ExitStack() as stack:

        def make(*args: Any, **values: Any) -> GeneratorContext:  # noqa: ANN401 - as job_context
            return stack.enter_context(testing.job_context(tmp_path, *args, **values))

        yield make
