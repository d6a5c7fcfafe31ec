"""Which JSON Schema does each artifact follow? They lie in this folder, made from the models.

`python -m voyant.artifacts.schemas` writes them again after a model has changed.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Final

from voyant.artifacts.base import Artifact
from voyant.artifacts.schemas.descriptions import describe_schema

__all__ = ["ARTIFACT_MODELS", "make_schema", "model_for", "schema_path", "write_schemas"]

#: Artifact file name -> `module:class` of its model. A new JSON artifact is one more line.
ARTIFACT_MODELS: Final = {
    "profile.json": "voyant.artifacts.profile:ProfileArtifact",
    "kpis.json": "voyant.artifacts.kpis:KpisArtifact",
    "sufficiency.json": "voyant.artifacts.sufficiency:SufficiencyArtifact",
    "quality.json": "voyant.artifacts.quality:QualityArtifact",
    "drift.json": "voyant.artifacts.drift:DriftArtifact",
    "baseline.json": "voyant.artifacts.baselines:BaselineArtifact",
    "charts.json": "voyant.artifacts.charts:ChartsArtifact",
    "narrative.json": "voyant.artifacts.narrative:NarrativeArtifact",
    "manifest.json": "voyant.artifacts.manifest:Manifest",
}

_FOLDER: Final = Path(__file__).parent


def model_for(name: str) -> type[Artifact] | None:
    """Return the model an artifact file follows, None for a file that has no schema."""
    where = ARTIFACT_MODELS.get(name)
    if where is None:
        return None
    module, _, attribute = where.partition(":")
    model: type[Artifact] = getattr(importlib.import_module(module), attribute)
    return model


def schema_path(name: str) -> Path:
    """Return where an artifact's published schema lies.

    >>> schema_path("profile.json").name
    'profile.schema.json'
    """
    return _FOLDER / f"{name.removesuffix('.json')}.schema.json"


def make_schema(name: str) -> dict[str, Any]:
    """Make an artifact's JSON Schema (draft 2020-12) from its model.

    Raises:
        KeyError: An artifact that has no model.
    """
    model = model_for(name)
    if model is None:
        raise KeyError(name)
    version = model.model_fields["schema_version"].default
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:voyant:artifact:{name.removesuffix('.json')}:{version}",
        **describe_schema(model.model_json_schema(mode="serialization"), model),
    }


def write_schemas() -> list[Path]:
    """Write every artifact's schema to where it is published, and return the paths."""
    paths: list[Path] = []
    for name in ARTIFACT_MODELS:
        path = schema_path(name)
        text = json.dumps(make_schema(name), indent=2, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
        paths.append(path)
    return paths
