"""What would a good analyst say first, and where does each number come from?

The sentences are written from templates and ranked facts, then every fact is read again from the
files and held against its sentence; a narrative that does not hold is not written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from voyant.artifacts.names import check_name
from voyant.artifacts.narrative import Absence, Fact, NarrativeArtifact
from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register

if TYPE_CHECKING:
    from pydantic import JsonValue

    from voyant.report.narrative_place import Place, Writer

__all__ = ["check_folder", "generate_narrative", "narrate"]

_FILE: Final = "narrative.json"
#: Whom a narrative expects something of, and under which key.
_SOURCES: Final = {
    "profile": "profile",
    "kpi": "kpis",
    "sufficiency": "sufficiency",
    "quality": "quality",
    "drift": "drift",
    "charts": "charts",
}


class _Artifacts(Mapping[str, "Place"]):
    """The run's JSON artifacts by key, read when asked for; one that is not there reads as null."""

    def __init__(self, paths: Mapping[str, str], folder: Path) -> None:
        self._paths = {key: path for key, path in paths.items() if path.endswith(".json")}
        self._folder = folder
        self._places: dict[str, Place] = {}
        self.unreadable: dict[str, str] = {}

    def __getitem__(self, key: str) -> Place:
        if key not in self._places:
            self._places[key] = self._place(key)
        return self._places[key]

    def __contains__(self, key: object) -> bool:
        return key in self._places or key in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths | self._places)

    def __len__(self) -> int:
        return len(self._paths | self._places)

    def _place(self, key: str) -> Place:
        from voyant.report.narrative_place import Place  # noqa: PLC0415 - loads the page kit

        if key not in self._paths:
            return Place(key, (), None)
        try:
            content = _read(self._paths[key])
        except (OSError, ValueError, RecursionError) as error:
            self.unreadable[key] = f"{type(error).__name__}: {error}"
            return Place(key, (), None)
        return Place(self.file_name(key), (), content)

    def put(self, key: str, place: Place) -> None:
        """Add what is no file of an earlier generator."""
        self._places[key] = place

    def file_name(self, key: str) -> str:
        """Name an artifact's file relative to the job's folder, or else by its key."""
        path = Path(self._paths[key])
        is_inside = path.is_relative_to(self._folder)
        return path.relative_to(self._folder).as_posix() if is_inside else key

    def read_again(self, names: set[str]) -> dict[str, JsonValue]:
        """Read files once more, by the names that facts give them."""
        keys = {self.file_name(key): key for key in self._paths}
        return {name: _read(self._paths[keys[name]]) for name in sorted(names & keys.keys())}


def _read(path: str) -> JsonValue:
    return cast("JsonValue", json.loads(Path(path).read_bytes()))


def narrate(ctx: GeneratorContext, write: Writer) -> ArtifactResult:
    """Let a writer say what the run found, check each word of it, and write it down.

    Args:
        ctx: The run's context; its artifacts so far are what can be told.
        write: Makes the sections, with `say` and `Place`; it may be anybody's.

    Raises:
        ArtifactError: A sentence that does not say what the artifacts say; nothing is written.
    """
    from voyant.report.narrative_check import check_narrative  # noqa: PLC0415 - see _place
    from voyant.report.narrative_markdown import to_markdown  # noqa: PLC0415
    from voyant.report.narrative_place import Place  # noqa: PLC0415
    from voyant.report.narrative_text import TITLE  # noqa: PLC0415

    artifacts = _Artifacts(ctx.artifacts, ctx.folder)
    missing = _missing(ctx, artifacts)
    said: dict[str, JsonValue] = {name: absence.model_dump() for name, absence in missing.items()}
    artifacts.put("missing", Place(_FILE, ("missing",), said))
    narrative = NarrativeArtifact(title=TITLE, sections=list(write(artifacts)), missing=missing)
    names = {fact.artifact for fact in _facts(narrative)}
    check_narrative(narrative, {**artifacts.read_again(names), _FILE: {"missing": said}})
    return {
        "narrative": ctx.write_json(_FILE, narrative),
        "narrative_md": ctx.write_text("narrative.md", to_markdown(narrative)),
    }


def check_folder(folder: str | Path) -> None:
    """Check the narrative of a finished job once more, against the files as they are now.

    Raises:
        ArtifactError: A sentence that does not say what the artifacts say.
        UnsafeNameError: A fact of a file outside of the folder.
        OSError: There is no narrative.
    """
    from voyant.report.narrative_check import check_narrative  # noqa: PLC0415 - see _place

    content = (Path(folder) / _FILE).read_bytes()
    narrative = NarrativeArtifact.model_validate_json(content)
    names = {check_name("artifact", fact.artifact) for fact in _facts(narrative)}
    paths = {name: Path(folder) / name for name in sorted(names)}
    check_narrative(narrative, {n: _read(str(p)) for n, p in paths.items() if p.is_file()})


def _missing(ctx: GeneratorContext, artifacts: _Artifacts) -> dict[str, Absence]:
    """Say which generators left nothing to tell, and why."""
    steps = {step.name: step for step in ctx.steps}
    found: dict[str, Absence] = {}
    for generator, key in _SOURCES.items():
        step = steps.pop(generator, None)
        if step is not None and step.status != "ok":
            found[generator] = Absence(status=step.status, reason=step.reason)
        elif key not in artifacts and generator != "charts":
            reason = "it made no such artifact" if step else "no such generator is registered"
            found[generator] = Absence(status="skipped", reason=reason)
        elif key in artifacts and artifacts[key].value is None:
            reason = artifacts.unreadable.get(key, "the file holds nothing")
            found[generator] = Absence(status="unreadable", reason=reason)
    for name, step in steps.items():
        if step.status == "failed":
            found[name] = Absence(status="failed", reason=step.reason)
    return found


def _facts(narrative: NarrativeArtifact) -> Iterator[Fact]:
    for section in narrative.sections:
        for sentence in section.sentences:
            yield from (part for part in sentence.parts if isinstance(part, Fact))


@register(
    "narrative", feature_flag="enable_narrative", order=70, produces=("narrative", "narrative_md")
)
def generate_narrative(ctx: GeneratorContext) -> ArtifactResult:
    """Say in a page what the data is, whether it can be trusted, and what its KPIs say."""
    from voyant.report.narrative_text import write  # noqa: PLC0415 - see _Artifacts

    return narrate(ctx, write)
