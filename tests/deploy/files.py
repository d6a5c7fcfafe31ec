"""Read what an image and a cluster are made from, as the tools that use it do."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
KUBERNETES = ROOT / "deploy" / "kubernetes"


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, in the stage it stands in."""

    stage: str
    keyword: str
    rest: str


def instructions() -> list[Instruction]:
    """List the Dockerfile's instructions, lines that go on put together."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stage, found = "", []
    for line in joined.splitlines():
        if not line.strip():
            continue
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "FROM":
            stage = rest.split(" AS ")[1]
        found.append(Instruction(stage, keyword, rest.strip()))
    return found


def of(stage: str, keyword: str) -> list[str]:
    """List what a stage says with one keyword."""
    return [it.rest for it in instructions() if (it.stage, it.keyword) == (stage, keyword)]


def environment(stage: str) -> dict[str, str]:
    """Return the variables that a stage sets."""
    pairs = (pair for line in of(stage, "ENV") for pair in shlex.split(line))
    return dict(pair.split("=", 1) for pair in pairs)


_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)")


def compose(**shell: str) -> dict[str, Any]:
    """Return the compose file as `docker compose` would see it in a shell with these variables.

    Source: Compose Specification, "Interpolation" and "environment".
    """

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return shell.get(found[1] or found[3]) or found[2] or ""

    document = yaml.safe_load(COMPOSE.read_text())
    resolved = _walk(document, lambda text: _VARIABLE.sub(value, text))
    for service in resolved["services"].values():
        variables = service.get("environment", {})
        service["environment"] = {
            name: shell.get(name) if given is None else given
            for name, given in variables.items()
            if given is not None or name in shell
        }
    return {key: part for key, part in resolved.items() if not key.startswith("x-")}


def _walk(part: Any, change: Any) -> Any:
    if isinstance(part, dict):
        return {key: _walk(value, change) for key, value in part.items()}
    if isinstance(part, list):
        return [_walk(value, change) for value in part]
    return change(part) if isinstance(part, str) else part


def manifests() -> list[dict[str, Any]]:
    """List the Kubernetes objects that the kustomization names."""
    named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [it for name in named for it in yaml.safe_load_all((KUBERNETES / name).read_text())]
