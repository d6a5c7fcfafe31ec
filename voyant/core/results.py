"""What came of a run: one result per generator that ran, one reason per generator that did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from voyant.core.gates import GateDecision

__all__ = ["ArtifactResult", "GeneratorResult", "PipelineResult", "StepReport"]

#: What a generator returns: artifact key -> path of the file it wrote.
ArtifactResult = Mapping[str, str | Path]


@dataclass(slots=True)
class GeneratorResult:
    """What came of one generator.

    Attributes:
        name: The generator's name.
        success: Whether it completed without error.
        artifacts: Artifact key to file path; empty when it failed.
        error: What went wrong; never empty when it failed, None otherwise.
        duration_ms: Time it took, by a clock that cannot go backwards.
        traceback: Where it went wrong, for logs and diagnosis; never written to artifacts.
    """

    name: str
    success: bool
    artifacts: dict[str, str] = field(default_factory=dict[str, str])
    error: str | None = None
    duration_ms: float = 0.0
    traceback: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What later generators of a run are told of an earlier one.

    Attributes:
        name: The generator's name.
        description: One sentence about it.
        status: How it went.
        reason: Why it failed or was skipped; empty when it is ok.
        gate: How its feature flag was decided, if it has one.
        artifacts: The paths of what it made.
        duration_ms: How long it took; None if it did not run. It differs from run to run, so no
            JSON artifact may hold it.
    """

    name: str
    description: str
    status: Literal["ok", "failed", "skipped"]
    reason: str = ""
    gate: GateDecision | None = None
    artifacts: tuple[str, ...] = ()
    duration_ms: float | None = None


@dataclass(slots=True)
class PipelineResult:
    """What came of a run.

    Attributes:
        success: True if no core generator failed.
        artifacts: Artifact key to file path, over all generators.
        results: The generators that ran, in the order they ran.
        failed_core: Name of the core generator that stopped the run, if one did.
        skipped: For each generator that did not run, why not.
        gates: For each generator with a feature flag, how the flag was decided.
    """

    success: bool
    artifacts: dict[str, str] = field(default_factory=dict[str, str])
    results: list[GeneratorResult] = field(default_factory=list[GeneratorResult])
    failed_core: str | None = None
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    gates: dict[str, GateDecision] = field(default_factory=dict[str, GateDecision])
