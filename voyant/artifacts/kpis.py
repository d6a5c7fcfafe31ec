"""The shape of a KPI definition and of `kpis.json`: one record per KPI, from SQL to status."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, cast

from pydantic import Field, JsonValue, StringConstraints, ValidationError

from voyant.artifacts.base import Artifact, ArtifactPart
from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.core.tables import Scalar

__all__ = [
    "Direction",
    "KpiColumn",
    "KpiDefinition",
    "KpiDifference",
    "KpiResult",
    "KpiStatus",
    "KpisArtifact",
    "parse_definitions",
]

Direction = Literal["up", "down"]
KpiStatus = Literal["ok", "warn", "critical", "no_data", "error"]

_Name = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200)
]
_Text = Annotated[str, Field(strict=True)]
_Number = Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)]


class KpiDefinition(ArtifactPart):
    """What to ask and how to judge the answer, as `parse_definitions` reads it."""

    name: _Name
    """Unique within the job."""
    sql: Annotated[str, Field(strict=True, pattern=r"\S")]
    """One SELECT over the job's tables, as it was given."""
    description: _Text = ""
    unit: _Text = ""
    """What the value counts: `minutes`, `USD`."""
    format: _Text = ""
    """How pages show the number, `,.0f` or `.1%`."""
    direction: Direction | None = None
    """Which way is better; settled from `warn` and `critical` where it was left out."""
    target: _Number | None = None
    warn: _Number | None = None
    """From here on, against the direction, the status is `warn`."""
    critical: _Number | None = None
    """From here on, against the direction, the status is `critical`."""
    chart: dict[str, JsonValue] | None = None
    """How the charts generator is to draw the result."""


class KpiColumn(ArtifactPart):
    """A column of the result; `type` is the engine's own spelling."""

    name: str
    type: str


class KpiDifference(ArtifactPart):
    """How far a value is from another: the difference, and that as a share of the other."""

    absolute: int | float
    """In the unit of the KPI."""
    relative: float | None
    """Over the other's magnitude, so that the sign stays; null when the other is 0."""


class KpiResult(KpiDefinition):
    """One KPI: its definition, what came out, and what that means."""

    status: KpiStatus
    value: Scalar
    """The result where it is one cell, else null."""
    previous: Scalar
    """The value in the last finished job of the same tenant that has one."""
    change: KpiDifference | None
    """From `previous` to `value`, where both are finite numbers."""
    distance_to_target: KpiDifference | None
    """From `target` to `value`, where both are finite numbers."""
    columns: list[KpiColumn]
    rows: list[list[Scalar]]
    """In the order the query gave them."""
    truncated: bool
    """Whether the query had more rows than are kept here."""
    masked_count: int
    """Cells (and the error, as one) in which something that looked personal was masked."""
    error: str | None
    """Why the KPI has no result, or could not be judged."""


class KpisArtifact(Artifact):
    """`kpis.json`."""

    kpis: list[KpiResult]
    """In the order of their definitions."""
    is_masking_enabled: bool
    """Whether values that look personal were masked."""
    masked_count: int
    """The sum over all KPIs."""
    selections: dict[str, str] = Field(default_factory=dict[str, str])
    """For tables of which some rows were selected, the rows that KPIs saw: a condition and a window
    hold for them too, a sample does not."""

    def values(self) -> dict[str, Scalar]:
        """Return the single values by KPI name, for a later job to compare with."""
        return {
            kpi.name: kpi.value
            for kpi in self.kpis
            if kpi.value is not None and kpi.status not in {"error", "no_data"}
        }


def parse_definitions(given: object) -> tuple[KpiDefinition, ...]:
    """Check KPI definitions, all of them, before any of their SQL runs.

    Args:
        given: A list of mappings. A field that is null counts as not given.

    Returns:
        The definitions in their order, with the direction settled wherever there is a threshold.

    Raises:
        ConfigurationError: Names each KPI and field that cannot be used, and why.
    """
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise ConfigurationError(
            f"kpis is {_shown(given)}, not a list.",
            remedy='Give a list of definitions, [{"name": "revenue", "sql": "SELECT ..."}].',
        )
    definitions: dict[str, KpiDefinition] = {}
    faults: list[str] = []
    for position, entry in enumerate(cast("Sequence[object]", given), 1):
        label, definition, found = _parse(entry, position)
        if definition is not None and definition.name in definitions:
            found = ["its name is taken by another KPI before it."]
        elif definition is not None:
            definitions[definition.name] = definition
        faults += (f"{label}: {fault}" for fault in found)
    if faults:
        raise ConfigurationError(" ".join(faults), remedy="No KPI was run.")
    return tuple(definitions.values())


def _parse(entry: object, position: int) -> tuple[str, KpiDefinition | None, list[str]]:
    """Return how to call an entry, and its definition or what is wrong with it."""
    label = f"KPI number {position}"
    if not isinstance(entry, Mapping):
        return label, None, [f"it is {_shown(entry)}, not a mapping with name and sql."]
    given = cast("Mapping[object, object]", entry)
    fields = {key: value for key, value in given.items() if value is not None}
    name = fields.get("name")
    if isinstance(name, str) and name.strip():
        label = f"KPI {name.strip()!r}"
    try:
        definition = KpiDefinition.model_validate(fields)
    except ValidationError as error:
        # One for each field: the last of those that a choice of types gives.
        return label, None, list(dict(_field_faults(error)).values())
    return label, *_settle_direction(definition)


def _field_faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield each field that is wrong, and what is wrong with it."""
    for fault in error.errors(include_url=False):
        field = str(fault["loc"][0])
        kind = fault["type"]
        if kind == "extra_forbidden":
            known = KpiDefinition.model_fields
            yield field, f"there is no field {field!r}. {did_you_mean(field, known)}"
        elif kind == "invalid_key":
            yield field, f"a field is called {_shown(fault['input'])}, which is not text."
        elif kind == "missing":
            yield field, f"{field} is missing."
        elif kind in {"string_too_short", "string_pattern_mismatch"}:
            yield field, f"{field} is empty."
        else:
            yield field, f"{field} is {_shown(fault['input'])}: {fault['msg']}."


def _settle_direction(definition: KpiDefinition) -> tuple[KpiDefinition | None, list[str]]:
    """Infer the direction from two thresholds, and hold it against them."""
    warn, critical, direction = definition.warn, definition.critical, definition.direction
    if warn is not None and critical is not None and warn != critical:
        implied: Direction = "down" if critical > warn else "up"
        if direction not in {None, implied}:
            fault = (
                f"direction is {direction!r}, but that way critical {critical} comes before "
                f"warn {warn}. Swap them, or change the direction."
            )
            return None, [fault]
        return definition.model_copy(update={"direction": implied}), []
    if direction is None and (warn is not None or critical is not None):
        fault = (
            "direction is missing, and the thresholds do not tell it. "
            'Give "up" if more is better, "down" if less is.'
        )
        return None, [fault]
    return definition, []


def _shown(value: object) -> str:
    return reprlib.repr(value)
