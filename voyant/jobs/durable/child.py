"""What happens inside the process that one job has for itself?

Started by a worker as `python -m voyant.jobs.durable.child`, never by hand. It splits into a
supervisor, which ends everything when the worker goes or says so, and the process of the job. That
one has no access to the database: it tells the worker, a line of JSON each, what happens. It ends
by itself before its worker's lease does, so that the job never runs twice at the same time.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn

from voyant.core.confinement import adopt_orphans, die_with, limit_memory
from voyant.core.errors import ConfigurationError, VoyantError
from voyant.core.pipeline import Observer
from voyant.core.supervisor import supervise
from voyant.jobs.durable.allowed import BEFORE_PREFIX, resolve_place
from voyant.jobs.durable.clock import elapsed_seconds
from voyant.jobs.durable.handover import Assignment, settings_from
from voyant.jobs.durable.logs import log_as_json
from voyant.jobs.durable.tracing import inside_trace

if TYPE_CHECKING:
    from voyant.core.config import Settings
    from voyant.core.definition import GeneratorDefinition
    from voyant.core.results import GeneratorResult
    from voyant.jobs.request import JobRequest

__all__ = ["LEASE_OVER_EXIT_CODE", "MARGIN_SECONDS", "main"]

LEASE_OVER_EXIT_CODE: Final = 75
#: So long before the lease ends, the job does.
MARGIN_SECONDS: Final = 0.5
_BROKEN_EXIT_CODE: Final = 70
_TICK_SECONDS: Final = 0.1
#: The engine's own share of the memory limit; it spills to disk above.
_ENGINE_SHARE: Final = 0.6


def main() -> NoReturn:
    """Split into a supervisor and the job's process; neither returns."""
    worker_pid, orders, events, scratch = (*map(int, sys.argv[1:4]), sys.argv[4])
    adopt_orphans()
    supervisor = os.getpid()
    job = os.fork()
    if job:
        os.close(orders)
        os.close(events)
        supervise(job, run_pid=worker_pid, folder=scratch)
    code = _BROKEN_EXIT_CODE
    try:
        os.setsid()
        die_with(supervisor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        _work(orders, _Reporter(events))
        code = 0
    except BaseException:  # noqa: BLE001 - the worker is gone, or there is no memory to say more
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(orders: int, reporter: _Reporter) -> None:
    """Take the assignment, do the job, say what came of it."""
    lines = _Lines(orders)
    assignment = Assignment.model_validate_json(lines.next() or "")
    watch = threading.Thread(
        target=_watch, args=(lines, assignment.alive_until), name="voyant-lease", daemon=True
    )
    watch.start()
    faulthandler.enable()
    try:
        outcome = _run(assignment, reporter)
    except VoyantError as error:
        outcome = {"kind": "refused", "error": str(error)}
    except MemoryError:
        outcome = {"kind": "refused", "error": "The job ran out of memory."}
    except Exception as error:  # noqa: BLE001 - whatever it was, the worker is told
        traceback.print_exc()
        outcome = {"kind": "refused", "error": f"{type(error).__name__}: {error}"}
    reporter.say({"event": "outcome", **outcome})


def _watch(lines: _Lines, alive_until: float) -> None:
    """End this process when the worker is gone, or has not renewed its lease in time."""
    wait_seconds = 0.0  # what came while this process was starting counts before anything else
    while True:
        line = lines.next(wait_seconds)
        if line is None:
            if elapsed_seconds() >= alive_until - MARGIN_SECONDS:
                os._exit(LEASE_OVER_EXIT_CODE)
            wait_seconds = _TICK_SECONDS
        elif line:
            alive_until = float(line)
        else:
            os._exit(LEASE_OVER_EXIT_CODE)


class _Lines:
    """Reads lines from a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._rest = descriptor, b""

    def next(self, timeout_seconds: float | None = None) -> str | None:
        """Return the next line, an empty text at the end, None if there is none in time."""
        import select  # noqa: PLC0415 - beside its only use

        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._descriptor], [], [], timeout_seconds)
            if not ready:
                return None
            read = os.read(self._descriptor, 65_536)
            if not read:
                return ""
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


class _Reporter(Observer):
    """Tells the worker what happens."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def say(self, facts: Mapping[str, object]) -> None:
        """Send one line."""
        line = json.dumps(facts, default=str).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]

    def generator_started(self, definition: GeneratorDefinition) -> None:
        """Say which."""
        self.say({"event": "generator_started", "generator": definition.name})

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Say what came of it."""
        self.say(
            {
                "event": "generator_finished",
                "generator": definition.name,
                "status": "ok" if result.success else "failed",
                "duration_ms": round(result.duration_ms, 3),
                "error": result.error,
            }
        )

    def generator_kept(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Say which."""
        del result
        self.say({"event": "generator_kept", "generator": definition.name})

    def generator_skipped(self, definition: GeneratorDefinition, reason: str) -> None:
        """Say why."""
        self.say({"event": "generator_skipped", "generator": definition.name, "reason": reason})


def _run(assignment: Assignment, reporter: _Reporter) -> dict[str, object]:
    """Run the job; say whether it worked."""
    from voyant.jobs.runner import Attempt, run_job  # noqa: PLC0415 - after the limits are known

    settings = settings_from(assignment.settings)
    ids = {"job_id": assignment.job_id, "tenant_id": assignment.tenant_id}
    if assignment.request_id is not None:
        ids["request_id"] = assignment.request_id
    log_as_json(settings, **ids)
    logging.getLogger("voyant.jobs").info("The job has process %d", os.getpid())
    if assignment.memory_bytes is not None:
        limit_memory(assignment.memory_bytes)
    request = _request(assignment, settings)
    if assignment.max_rows is not None:
        _check_rows(request, settings, assignment.max_rows)
    earlier = None if assignment.earlier is None else Path(assignment.earlier)
    with inside_trace(assignment.traceparent):
        done = run_job(request, settings, [reporter], attempt=Attempt(earlier=earlier))
    failed = done.manifest.failed_core
    if failed is None:
        return {"kind": "done", "success": True, "error": None}
    reasons = [e.error for e in done.manifest.generators if e.name == failed]
    return {
        "kind": "done",
        "success": False,
        "error": f"The core generator {failed!r} failed: {reasons[0] if reasons else ''}",
    }


def _request(assignment: Assignment, settings: Settings) -> JobRequest:
    """Say what the job is asked to do as `run_job` is told it.

    Raises:
        ConfigurationError: A warehouse that the settings do not name.
        SpecError: A table that is not there, or that the operator does not allow.
    """
    from voyant.jobs.request import JobRequest  # noqa: PLC0415 - beside its only use

    spec, tenant_id = assignment.spec, assignment.tenant_id

    def place_of(part: Literal["sources", "reference"], name: str) -> str:
        place: str = getattr(spec, part)[name]
        if part == "reference" and place.startswith(BEFORE_PREFIX):
            return place
        return resolve_place(settings, tenant_id, place, f"#/{part}/{name}")

    warehouse_url = None
    if spec.warehouse is not None:
        warehouse = settings.warehouses.get(spec.warehouse)
        if warehouse is None:
            raise ConfigurationError(
                f"There is no warehouse {spec.warehouse!r}.", remedy="Ask the operator for it."
            )
        warehouse_url = warehouse.get_secret_value()
    contracts: list[Path] = []
    if spec.contract is not None:
        contracts.append(Path(assignment.scratch) / "contract.json")
        contracts[0].write_text(json.dumps(spec.contract), encoding="utf-8")
    return JobRequest(
        sources={name: place_of("sources", name) for name in spec.sources},
        reference={name: place_of("reference", name) for name in spec.reference},
        tables=spec.tables,
        kpis=spec.kpis or None,
        flags=spec.flags,
        tenant_id=tenant_id,
        job_id=assignment.job_id,
        only=spec.only,
        skip=spec.skip,
        artifacts_root=assignment.artifacts_root,
        as_of=spec.as_of,
        contracts=contracts,
        warehouse_url=warehouse_url,
    )


def _check_rows(request: JobRequest, settings: Settings, allowed: int) -> None:
    """Refuse tables that have more rows together than the tenant may analyse.

    A reference that is read from a place of its own counts too; a table's own earlier rows have
    been counted with it.

    Raises:
        ConfigurationError: They have.
    """
    counted = _count_rows(request, settings)
    references = {
        table: place
        for table, place in request.reference.items()
        if not str(place).startswith(BEFORE_PREFIX)
    }
    if references and counted <= allowed:
        # As tables of their own, since SQL cannot see references; of these nothing is selected.
        others = replace(request, sources=references, reference={}, tables=tuple(references))
        counted += _count_rows(others, settings.model_copy(update={"select": {}}))
    if counted > allowed:
        raise ConfigurationError(
            f"The tables have {counted} rows together; the tenant may analyse {allowed} in a job.",
            remedy="Name fewer tables, or ask the operator for more.",
        )


def _count_rows(request: JobRequest, settings: Settings) -> int:
    from voyant.jobs.runner import make_context  # noqa: PLC0415 - only where there is a limit

    context = make_context(request, settings)
    try:
        counted = 0
        for table in context.engine.tables():
            quoted = table.replace('"', '""')
            rows = context.engine.query(f'SELECT count(*) FROM "{quoted}"').rows  # noqa: S608 - quoted
            counted += int(str(rows[0][0]))
    finally:
        context.close()
    return counted


if __name__ == "__main__":
    main()
