"""What all JSON artifacts share: a schema version, closed shapes, and no NaN."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from voyant.core.tables import Approximation

__all__ = ["Artifact", "ArtifactPart", "Inexact"]


class ArtifactPart(BaseModel):
    """A part of an artifact: immutable, nothing in it that its schema does not name."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        ser_json_inf_nan="null",
        json_schema_serialization_defaults_required=True,
    )


class Artifact(ArtifactPart):
    """A whole JSON artifact."""

    schema_version: str = "1.0"
    """Changes in the first number break readers; in the second they only add."""


class Inexact(ArtifactPart):
    """How a number that is not exact was made; numbers without one are exact."""

    method: str
    """What was done instead, for instance `row sample of 50,000`."""
    error: float | None = None
    """One standard error of the number, where one can be stated."""

    @classmethod
    def of(cls, approximation: Approximation) -> Inexact:
        """Take over an engine's approximation."""
        return cls(method=approximation.method, error=approximation.error)
