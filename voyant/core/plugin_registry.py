"""Which generators are there, and what happens when they run.

    @register("my_generator", order=75)
    def generate_my_artifact(ctx):
        return {"my_artifact": ctx.write_json("my_artifact.json", {"result": "success"})}

    result = run_generators({"job_id": "job_123", "tables": ["orders"]})

The functions here speak to one registry, `default_registry`; tests and embedders can make their own.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition, Handler
from voyant.core.errors import RegistrationError
from voyant.core.pipeline import Observer, Plan, make_plan, run_plan
from voyant.core.results import ArtifactResult, GeneratorResult, PipelineResult

__all__ = [
    "ArtifactResult",
    "GeneratorContext",
    "GeneratorDefinition",
    "GeneratorResult",
    "PipelineResult",
    "PluginRegistry",
    "clear_registry",
    "default_registry",
    "get_generator",
    "list_generators",
    "load_builtin_generators",
    "register",
    "run_generators",
]

#: Built-in generators, in the order they run: each lives in `voyant.generators.<name>`.
BUILTIN_GENERATORS: Final = ("profile", "kpi", "sufficiency")

_H = TypeVar("_H", bound=Handler)


class PluginRegistry:
    """Generators by name. All methods may be called from any thread; a run works on a snapshot."""

    def __init__(self, builtins: Sequence[str] = ()) -> None:
        """Start empty; `builtins` are modules of generators, imported on first use."""
        self._lock = threading.RLock()
        self._definitions: dict[str, GeneratorDefinition] = {}
        self._sorted: tuple[GeneratorDefinition, ...] | None = None
        self._builtins = tuple(builtins)
        self._builtin_definitions: dict[str, GeneratorDefinition] = {}
        self._has_pending_builtins = bool(builtins)

    def register(  # noqa: PLR0913 - the specification's five parameters
        self,
        name: str,
        is_core: bool = False,  # noqa: FBT001, FBT002 - positional by the specification
        feature_flag: str | None = None,
        order: int = 100,
        description: str = "",
        *,
        replace: bool = False,
    ) -> Callable[[_H], _H]:
        """Return a decorator that registers a generator and gives the function back unchanged.

        Args:
            name: Unique, `[a-z][a-z0-9_]*`.
            is_core: Whether a failure stops the run.
            feature_flag: Settings field that gates it; it runs ungated without one.
            order: Lower runs earlier; equal orders run as registered.
            description: One sentence; the docstring's first paragraph if empty.
            replace: Take the name over from another generator.

        Raises:
            RegistrationError: Something that cannot be registered; nothing was changed.
        """

        def decorate(handler: _H) -> _H:
            definition = GeneratorDefinition(
                name, handler, is_core, feature_flag, order, description
            )
            definition.check()
            self._add(definition, replace=replace)
            return handler

        return decorate

    def _add(self, definition: GeneratorDefinition, *, replace: bool) -> None:
        name = definition.name
        with self._lock:
            if self._has_pending_builtins and any(m.endswith(f".{name}") for m in self._builtins):
                self.load_builtins()
            taken = self._definitions.get(name)
            if taken is not None and not replace:
                if taken.is_same_as(definition):
                    return
                raise RegistrationError(
                    f"Two generators are called {name!r}: {taken.source} and {definition.source}.",
                    remedy="Rename one, or pass replace=True to take the name over.",
                )
            self._definitions[name] = definition
            self._sorted = None
            if getattr(definition.handler, "__module__", None) in self._builtins:
                self._builtin_definitions.setdefault(name, definition)

    def load_builtins(self) -> None:
        """Bring the built-in generators (back); what took one of their names over stays."""
        with self._lock:
            self._has_pending_builtins = False
            for module in self._builtins:
                importlib.import_module(module)  # its decorators register, the first time
            later = self._definitions
            self._definitions = {}
            for name, definition in self._builtin_definitions.items():
                self._definitions[name] = later.pop(name, definition)
            self._definitions.update(later)
            self._sorted = None

    def clear(self) -> None:
        """Forget every generator, the built-in ones too, until `load_builtins`."""
        with self._lock:
            self._definitions = {}
            self._sorted = None
            self._has_pending_builtins = False

    def snapshot(self) -> tuple[GeneratorDefinition, ...]:
        """Return the generators as they are now, in the order they run."""
        with self._lock:
            if self._has_pending_builtins:
                self.load_builtins()
            if self._sorted is None:
                self._sorted = tuple(sorted(self._definitions.values(), key=lambda d: d.order))
            return self._sorted

    def get(self, name: str) -> GeneratorDefinition | None:
        """Return a generator by name, None if there is none."""
        self.snapshot()
        return self._definitions.get(name)

    def describe(self) -> list[dict[str, Any]]:
        """List the generators' metadata, in the order they run."""
        return [
            {
                "name": definition.name,
                "is_core": definition.is_core,
                "feature_flag": definition.feature_flag,
                "order": definition.order,
                "description": definition.description,
                "source": definition.source,
            }
            for definition in self.snapshot()
        ]

    def plan(
        self,
        context: Mapping[str, Any] | None = None,
        settings: object | None = None,
        *,
        only: Collection[str] = (),
        skip: Collection[str] = (),
    ) -> Plan:
        """Say what a run would do: which generators, in which order, which not and why.

        Args:
            context: The run's context; its `flags` can turn generators off.
            settings: Any object with attributes; `Settings` when None.
            only: If any, the only names to run.
            skip: Names not to run.

        Raises:
            ConfigurationError: `only` or `skip` names no generator, or a flag has no clear value.
        """
        return make_plan(self.snapshot(), context or {}, settings, only=only, skip=skip)

    def run(  # noqa: PLR0913 - keyword-only extensions of the specification's two parameters
        self,
        context: Mapping[str, Any],
        settings: object | None = None,
        *,
        only: Collection[str] = (),
        skip: Collection[str] = (),
        observers: Sequence[Observer] = (),
    ) -> PipelineResult:
        """Run the planned generators one after the other; see `run_generators`."""
        plan = self.plan(context, settings, only=only, skip=skip)
        return run_plan(plan, context, settings, observers=observers)


default_registry: Final = PluginRegistry(
    [
        module
        for module in (f"voyant.generators.{name}" for name in BUILTIN_GENERATORS)
        if importlib.util.find_spec(module) is not None
    ]
)

register = default_registry.register


def list_generators() -> list[dict[str, Any]]:
    """List all registered generators with metadata, in the order they run."""
    return default_registry.describe()


def get_generator(name: str) -> GeneratorDefinition | None:
    """Return a specific generator by name, None if there is none."""
    return default_registry.get(name)


def run_generators(context: Mapping[str, Any], settings: object | None = None) -> PipelineResult:
    """Execute all registered generators in order.

    A core generator that fails stops the run; an extended one is recorded and the run goes on.

    Args:
        context: Any mapping; see `GeneratorContext` for its keys. It is not changed.
        settings: Any object with attributes, asked for feature flags first; `Settings` when None.

    Raises:
        ConfigurationError: A flag that has no clear value; nothing ran.
    """
    return default_registry.run(context, settings)


def clear_registry() -> None:
    """Clear all registered generators (for testing); `load_builtin_generators` brings ours back."""
    default_registry.clear()


def load_builtin_generators() -> None:
    """Bring the built-in generators back after `clear_registry`."""
    default_registry.load_builtins()
