"""What happened in a run, as one JSON object a line: for log shippers, dashboards and `tail -f`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.errors import ConfigurationError
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult, PipelineResult
from voyant.observers.opening import Setting

__all__ = ["JsonLinesObserver", "make_observer"]


def make_observer(setting: Setting) -> JsonLinesObserver:
    """Make it from the settings.

    Raises:
        ConfigurationError: `events_path` is missing, or cannot be written.
    """
    path = setting("events_path")
    if not path:
        raise ConfigurationError(
            "The observer 'jsonl' does not know where to write.",
            remedy="Set events_path, or use voyant run --events FILE.",
        )
    return JsonLinesObserver(cast("str", path))


class JsonLinesObserver(Observer):
    """Appends an event a line to a file; several runs can share one, their lines stay whole.

    Every event has `event`, `time` (UTC, ISO 8601), `job_id` and `tenant_id`.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file; it is made if need be, its folder is not.

        Raises:
            ConfigurationError: It cannot be written.
        """
        try:
            self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise ConfigurationError(
                f"The events file {str(path)!r} cannot be written: {error.strerror}.",
                remedy="Check events_path.",
            ) from None
        self._owner: dict[str, object] = {}
        self._is_running = False

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Write who runs, and which generators are planned."""
        self._owner = {key: context.get(key) for key in ("job_id", "tenant_id")}
        self._is_running = True
        planned = [step.definition.name for step in plan.steps if not step.skip_reason]
        self._write("run_started", {"generators": planned})

    def generator_started(self, definition: GeneratorDefinition) -> None:
        """Write its name."""
        self._write("generator_started", {"generator": definition.name})

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Write what came of it."""
        outcome: dict[str, object] = {
            "generator": definition.name,
            "status": "ok" if result.success else "failed",
            "duration_ms": round(result.duration_ms, 3),
            "artifacts": list(result.artifacts),
            "error": result.error,
        }
        self._write("generator_finished", outcome)

    def generator_skipped(self, definition: GeneratorDefinition, reason: str) -> None:
        """Write why."""
        self._write("generator_skipped", {"generator": definition.name, "reason": reason})

    def run_finished(self, result: PipelineResult) -> None:
        """Write what came of the run."""
        self._is_running = False
        outcome: dict[str, object] = {
            "success": result.success,
            "failed_core": result.failed_core,
            "failed": [run.name for run in result.results if not run.success],
            "skipped": list(result.skipped),
            "artifact_count": len(result.artifacts),
        }
        self._write("run_finished", outcome)

    def close(self) -> None:
        """Say so if the run was interrupted, and close the file; safe to call twice."""
        if self._is_running:
            self._is_running = False
            self._write("run_interrupted", {})
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _write(self, event: str, facts: Mapping[str, object]) -> None:
        if self._file is None:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"event": event, "time": time, **self._owner, **facts}, default=str)
        os.write(self._file, f"{line}\n".encode())  # one call, so that lines of two runs do not mix
