"""What the report of a run is made from: the artifacts there are, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from voyant.artifacts.charts import ChartsArtifact
from voyant.artifacts.drift import DriftArtifact
from voyant.artifacts.kpis import KpisArtifact
from voyant.artifacts.narrative import NarrativeArtifact
from voyant.artifacts.profile import ProfileArtifact
from voyant.artifacts.quality import QualityArtifact
from voyant.artifacts.sufficiency import SufficiencyArtifact
from voyant.core.results import StepReport

__all__ = ["RunReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run as the page is to tell it; an artifact that is not there is None.

    Attributes:
        drawings: The text of each chart's SVG file, by its path in `charts.json`.
        absent: For each section that has nothing to show, why.
        steps: What became of the generators, in order; their artifacts relative to the page.
        engine: Name and version of what computed, empty if nothing asked for tables.
    """

    as_of: datetime
    version: str
    engine: str = ""
    tables: tuple[str, ...] = ()
    profile: ProfileArtifact | None = None
    kpis: KpisArtifact | None = None
    sufficiency: SufficiencyArtifact | None = None
    quality: QualityArtifact | None = None
    drift: DriftArtifact | None = None
    charts: ChartsArtifact | None = None
    drawings: Mapping[str, str] = field(default_factory=dict[str, str])
    narrative: NarrativeArtifact | None = None
    absent: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: Sequence[StepReport] = ()
