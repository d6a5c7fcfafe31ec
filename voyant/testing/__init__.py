"""What a generator's author needs to test it: awkward tables, contexts, and a suite of laws.

    from voyant.testing import check_generator

    def test_my_generator_keeps_the_laws():
        report = check_generator(generate_my_artifact)
        assert report.ok, report

With pytest, the fixtures `check_generator`, `job_context` and `awkward_database` are there without an import.
"""

from __future__ import annotations

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
