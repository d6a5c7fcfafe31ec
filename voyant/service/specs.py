"""Can this job be carried out at all? What can be told at once is told at once, as a 4xx."""

from __future__ import annotations

from voyant.artifacts.kpis import parse_definitions
from voyant.core.config import Settings
from voyant.core.errors import ConfigurationError
from voyant.core.plan import Plan
from voyant.core.plugin_registry import default_registry
from voyant.jobs.durable.allowed import SourceNotAllowedError, SpecError, check_places
from voyant.jobs.durable.model import JobSpec
from voyant.service.handlers import invalid
from voyant.service.problems import FieldFault, Problem

__all__ = ["check_spec", "plan_spec"]

_MOST_ENTRIES = 500


def check_spec(settings: Settings, tenant_id: str, spec: JobSpec) -> None:
    """Refuse a job that cannot be carried out, or names what it must not.

    Raises:
        Problem: `source-not-allowed` or `invalid-request`, with the part that is meant.
    """
    for part in ("sources", "reference", "tables", "kpis", "flags", "only", "skip"):
        if len(getattr(spec, part)) > _MOST_ENTRIES:
            raise invalid(f"#/{part}", f"At most {_MOST_ENTRIES} entries are taken.")
    try:
        check_places(settings, tenant_id, spec)
    except SourceNotAllowedError as error:
        fault = FieldFault(pointer=error.pointer, detail=error.what)
        raise Problem("source-not-allowed", str(error), errors=[fault]) from None
    except SpecError as error:
        raise invalid(error.pointer, str(error)) from None
    try:
        parse_definitions(spec.kpis)
    except ConfigurationError as error:
        raise invalid("#/kpis", error) from None
    plan_spec(settings, spec)


def plan_spec(settings: Settings, spec: JobSpec) -> Plan:
    """Decide which generators a job would run.

    Raises:
        Problem: `invalid-request` for a generator nobody knows, or a flag without a clear value.
    """
    default_registry.load_plugins(settings)
    try:
        return default_registry.plan(
            {"flags": dict(spec.flags)}, settings, only=spec.only, skip=spec.skip
        )
    except ConfigurationError as error:
        raise invalid("#/only" if spec.only else "#/skip", error) from None
