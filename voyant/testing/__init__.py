"""What a generator's author needs to test it: awkward tables, contexts, and a suite of laws.

    from voyant.testing import check_generator

    def test_my_generator_keeps_the_laws():
        report = check_generator(generate_my_artifact)
        assert report.ok, report

With pytest, `check_generator`, `job_context` and `awkward_database` are fixtures without an import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voyant.testing.conformance import BrokenLaw, Report, check_generator
    from voyant.testing.contexts import FakeEngine, job_context
    from voyant.testing.tables import AWKWARD_TABLES, write_awkward_database

__all__ = [
    "AWKWARD_TABLES",
    "BrokenLaw",
    "FakeEngine",
    "Report",
    "check_generator",
    "job_context",
    "write_awkward_database",
]

#: pytest imports this package wherever Voyant is installed: what is in it waits until it is used.
_PLACES = {
    "AWKWARD_TABLES": "tables",
    "BrokenLaw": "conformance",
    "FakeEngine": "contexts",
    "Report": "conformance",
    "check_generator": "conformance",
    "job_context": "contexts",
    "write_awkward_database": "tables",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"voyant.testing.{_PLACES[name]}"), name)
    return value
