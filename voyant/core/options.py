"""What has been configured about each generator: switched, reordered, limited, given parameters.

    [generators.charts]
    enabled = false
    order = 65
    core = false
    timeout_seconds = 60
    isolation = "process"
    memory_limit = "1GB"
    max_charts = 8          # everything else is a parameter that the generator declares

In the environment the same is `VOYANT_GENERATORS__CHARTS__ORDER=65`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast, get_args

from voyant.core.definition import GeneratorDefinition, Isolation
from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.core.gates import GateDecision, parse_flag
from voyant.core.lookup import SettingsLookup

__all__ = ["GeneratorOptions", "read_options"]

_KEYS: Final = ("enabled", "order", "core", "timeout_seconds", "isolation", "memory_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorOptions:
    """What is configured about one generator; None leaves what it was registered with."""

    name: str
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    sources: Mapping[str, str] = field(default_factory=dict[str, str])

    def applied_to(self, definition: GeneratorDefinition) -> GeneratorDefinition:
        """Return the definition as configured."""
        if not self.values:
            return definition
        changes: dict[str, Any] = {}
        if "order" in self.values:
            changes["order"] = self._whole("order")
        if "core" in self.values:
            changes["is_core"] = parse_flag(*self._told("core"))
        if "timeout_seconds" in self.values:
            changes["timeout_seconds"] = self._seconds()
        if "isolation" in self.values:
            changes["isolation"] = self._isolation()
        if "memory_limit" in self.values:
            changes["memory_limit_bytes"] = self._bytes()
        configured = replace(definition, **changes)
        if configured.memory_limit_bytes is not None and configured.isolation != "process":
            raise self._unlimited()
        return configured

    def gate(self) -> GateDecision | None:
        """Return the decision `enabled` makes, None if it is not configured."""
        if "enabled" not in self.values:
            return None
        flag, value, source = self._told("enabled")
        enabled = parse_flag(flag, value, source)
        state = "on" if enabled else "off"
        return GateDecision(
            flag=flag, enabled=enabled, source=source, reason=f"{flag} is {state} ({source})"
        )

    def parameters_of(self, definition: GeneratorDefinition) -> Any:  # noqa: ANN401 - its own model
        """Return the generator's parameters, checked; None if it declares none.

        Raises:
            ConfigurationError: One it does not have, or a value of the wrong type.
        """
        model = definition.parameters
        given = {key: value for key, value in self.values.items() if key not in _KEYS}
        known = _parameter_names(model)
        for key in given:
            if key not in known:
                raise ConfigurationError(
                    f"Generator {self.name!r} has no parameter {key!r} ({self._source(key)}).",
                    remedy=did_you_mean(key, [*known, *_KEYS]),
                )
        if model is None:
            return None
        if not given:
            return model()
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - only where configured

        try:
            return TypeAdapter(model).validate_python(given)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            key = str(fault["loc"][0]) if fault["loc"] else ""
            raise self._wrong(key, fault["msg"] + ".") from None

    def _told(self, key: str) -> tuple[str, object, str]:
        return f"generators.{self.name}.{key}", self.values[key], self._source(key)

    def _source(self, key: str) -> str:
        return self.sources.get(key, "settings")

    def _wrong(self, key: str, remedy: str) -> ConfigurationError:
        value, source = self.values.get(key), self._source(key)
        return ConfigurationError(
            f"Setting 'generators.{self.name}.{key}' is {value!r} (from {source}).", remedy=remedy
        )

    def _unlimited(self) -> ConfigurationError:
        """Say that the memory limit, configured or registered, would limit nothing."""
        if "memory_limit" in self.values:
            return self._wrong(
                "memory_limit",
                f"Set generators.{self.name}.isolation = 'process' too: only a process of its own "
                "can be held to a memory limit.",
            )
        return self._wrong(
            "isolation",
            "Leave it out: the generator has a memory limit, which needs a process of its own.",
        )

    def _whole(self, key: str) -> int:
        value = self.values[key]
        try:
            return int(str(value))  # neither 1.5 nor true is a whole number
        except ValueError:
            raise self._wrong(key, "Use a whole number.") from None

    def _seconds(self) -> float:
        try:
            seconds = float(str(self.values["timeout_seconds"]))
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            raise self._wrong("timeout_seconds", "Use a number of seconds above 0.")
        return seconds

    def _isolation(self) -> Isolation:
        value = self.values["isolation"]
        if value not in get_args(Isolation):
            raise self._wrong("isolation", "Use 'none' or 'process'.")
        return cast("Isolation", value)

    def _bytes(self) -> int:
        from pydantic import ByteSize, TypeAdapter, ValidationError  # noqa: PLC0415 - see above

        try:
            size = int(TypeAdapter(ByteSize).validate_python(self.values["memory_limit"]))
        except ValidationError:
            size = 0
        if size <= 0:
            raise self._wrong("memory_limit", "Use a size such as '1GB'.")
        return size


def read_options(
    lookup: SettingsLookup, known: Collection[str], unloaded: str = ""
) -> tuple[Mapping[str, GeneratorOptions], Mapping[str, str]]:
    """Return what is configured, by generator; then what is ignored, by generator, and why.

    Args:
        lookup: Where `generators` is looked for.
        known: Names of the generators that exist.
        unloaded: Why there may be others, which plugins would have registered: `plugins are
            switched off`. Options of a generator nobody knows are then ignored.

    Raises:
        ConfigurationError: A generator nobody knows, or something that is not a table of options.
    """
    tables = lookup.value("generators")
    if not isinstance(tables, Mapping) or not tables:
        return {}, {}
    options: dict[str, GeneratorOptions] = {}
    ignored: dict[str, str] = {}
    for name, values in cast("Mapping[str, object]", tables).items():
        where = f"generators.{name}"
        if name not in known:
            source, remedy = lookup.source_of(where), did_you_mean(name, known)
            if not unloaded:
                raise ConfigurationError(
                    f"Setting {where!r}: there is no generator {name!r} (from {source}).",
                    remedy=remedy,
                )
            ignored[name] = (
                f"Setting {where!r} (from {source}) is ignored: there is no generator {name!r}, "
                f"and {unloaded}. {remedy}"
            )
            continue
        if not isinstance(values, Mapping):
            raise ConfigurationError(
                f"Setting {where!r} is {values!r} (from {lookup.source_of(where)}).",
                remedy=f"Use a table: [{where}] with keys such as enabled, order.",
            )
        table = cast("Mapping[str, object]", values)
        options[name] = GeneratorOptions(
            name=name,
            values=dict(table),
            sources={key: lookup.source_of(f"{where}.{key}") for key in table},
        )
    return options, ignored


def _parameter_names(model: type[Any] | None) -> list[str]:
    if model is None:
        return []
    if dataclasses.is_dataclass(model):
        return [entry.name for entry in dataclasses.fields(model)]
    return list(getattr(model, "model_fields", {}))
