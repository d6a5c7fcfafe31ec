"""Should a run that worked end with an error all the same, because of what it found?

`quality` trips when a check of the named severity, or a worse one, failed; `drift` when a table has
drifted. What was asked for and cannot be told - the artifact is missing - trips too: a gate that
nobody guarded must not stand open. Single checks and tables that could not be assessed trip nothing
(a contract may say what cannot be checked, a baseline may be of other rows), but are told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.stats.quality import SEVERITIES

__all__ = ["Gate", "Trip", "find_unassessed", "judge_gates", "parse_gate", "read_artifacts"]

_KINDS: Final = ("quality", "drift")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One `--fail-on`; `severity` is the mildest that counts, of quality."""

    kind: Literal["quality", "drift"]
    severity: str = "error"

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"quality:{self.severity}" if self.kind == "quality" else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A gate that does not hold, and why."""

    gate: Gate
    message: str


def parse_gate(text: str) -> Gate:
    """Read `quality`, `quality:warning` or `drift`.

    Raises:
        ConfigurationError: Anything else.

    >>> str(parse_gate("quality")), str(parse_gate("quality:warning")), str(parse_gate("drift"))
    ('quality:error', 'quality:warning', 'drift')
    """
    kind, colon, severity = text.strip().partition(":")
    if kind not in _KINDS:
        raise ConfigurationError(f"--fail-on is {text!r}.", remedy=did_you_mean(kind, _KINDS))
    if kind == "drift":
        if colon:
            raise ConfigurationError(
                f"--fail-on is {text!r}.", remedy="Drift has no severity: give drift."
            )
        return Gate(kind="drift")
    if colon and severity not in SEVERITIES:
        raise ConfigurationError(
            f"--fail-on is {text!r}.", remedy=did_you_mean(severity, SEVERITIES)
        )
    return Gate(kind="quality", severity=severity or "error")


def judge_gates(gates: Sequence[Gate], artifacts: Mapping[str, Any]) -> list[Trip]:
    """Find the gates that do not hold.

    Args:
        gates: What was asked for.
        artifacts: The contents of `quality.json` and `drift.json` under `quality` and `drift`; what
            the run did not make is not there.
    """
    messages = [(gate, _why(gate, artifacts.get(gate.kind))) for gate in gates]
    return [Trip(gate=gate, message=message) for gate, message in messages if message]


def find_unassessed(gates: Sequence[Gate], artifacts: Mapping[str, Any]) -> list[Trip]:
    """Find what gates look at and could not be assessed: declared checks, tables with a baseline.

    Args:
        gates: What was asked for.
        artifacts: As `judge_gates` takes them.
    """
    found: list[Trip] = []
    for gate in gates:
        artifact = artifacts.get(gate.kind)
        if artifact is None:
            continue
        if gate.kind == "quality":
            checks = _checks(gate, artifact, "not_assessed")
            names = [check["id"] for check in checks if check["source"] == "declared"]
            noun = "declared check"
        else:
            names, noun = _tables(artifact, "not_assessable"), "table"
        if names:
            message = f"{_number(names, noun)} could not be assessed: {_some(names)}"
            found.append(Trip(gate=gate, message=message))
    return found


def _why(gate: Gate, artifact: Any) -> str:  # noqa: ANN401 - JSON
    if artifact is None:
        return f"there is no {gate.kind}.json: the generator {gate.kind} did not run, or failed"
    if gate.kind == "quality":
        found = [check["id"] for check in _checks(gate, artifact, "failed")]
        return f"{_number(found, 'check')} failed: {_some(found)}" if found else ""
    drifted = _tables(artifact, "drifted")
    return f"{_number(drifted, 'table')} drifted: {_some(drifted)}" if drifted else ""


def _checks(gate: Gate, artifact: Any, status: str) -> list[Any]:  # noqa: ANN401 - JSON
    severities = SEVERITIES[SEVERITIES.index(cast("Any", gate.severity)) :]
    return [
        check
        for check in artifact["checks"]
        if check["status"] == status and check["severity"] in severities
    ]


def _tables(artifact: Any, status: str) -> list[str]:  # noqa: ANN401 - JSON
    return [name for name, table in artifact["tables"].items() if table["status"] == status]


def _number(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def read_artifacts(paths: Mapping[str, str]) -> dict[str, Any]:
    """Read the artifacts that gates look at, from a run's artifact keys and paths."""
    return {
        kind: json.loads(Path(paths[kind]).read_text(encoding="utf-8"))
        for kind in _KINDS
        if kind in paths
    }
