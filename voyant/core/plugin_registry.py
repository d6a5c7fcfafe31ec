"""Which generators are there, and what happens when they run.

    @register("my_generator", order=75)
    def generate_my_artifact(ctx):
        return {"my_artifact": ctx.write_json("my_artifact.json", {"result": "success"})}

    result = run_generators({"job_id": "job_123", "tables": ["orders"]})

The functions here speak to one registry, `default_registry`; embedders can make their own.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from voyant.core.context import GeneratorContext
from voyant.core.definition import (
    GeneratorDefinition,
    Handler,
    Isolation,
    PluginOrigin,
    check_handler,
    check_limits,
    check_terms,
)
from voyant.core.errors import RegistrationError
from voyant.core.gates import parse_flag
from voyant.core.lookup import SettingsLookup
from voyant.core.pipeline import Observer, run_plan
from voyant.core.plan import Plan, make_plan
from voyant.core.results import ArtifactResult, GeneratorResult, PipelineResult

if TYPE_CHECKING:  # importlib.metadata costs as much as the rest of us
    from voyant.core.discovery import Plugin, PluginPolicy

__all__ = [
    "BUILTIN_GENERATORS",
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

_logger = logging.getLogger("voyant.plugins")

#: Built-in generators, in the order they run: each lives in `voyant.generators.<name>`.
BUILTIN_GENERATORS: Final = (
    "profile", "kpi", "sufficiency", "quality", "drift", "charts", "narrative", "report",
)  # fmt: skip

#: Nothing beyond the specification's five parameters.
_PLAIN: Final = ((), (), None, "none", None, None)

#: Plugins that a warning names before it only counts them.
_NAMED_PLUGINS: Final = 3

_H = TypeVar("_H", bound=Handler)


class _Loading:
    """A plugin while it is loaded, in one thread; what other threads register is not its doing."""

    def __init__(self, origin: PluginOrigin) -> None:
        self._origin, self._thread = origin, threading.get_ident()
        #: Names it has registered, each with the generator that had the name before.
        self.replaced: dict[str, GeneratorDefinition | None] = {}

    def origin_here(self) -> PluginOrigin | None:
        """Return its origin in its own thread, None in any other."""
        return self._origin if threading.get_ident() == self._thread else None


class PluginRegistry:
    """Generators by name. All methods may be called from any thread; a run works on a snapshot."""

    def __init__(self, builtins: Sequence[str] = (), *, with_plugins: bool = False) -> None:
        """Start empty.

        Args:
            builtins: Modules imported on first use; each registers the generator it is named after.
            with_plugins: Whether other people's generators are looked for on first use.
        """
        self._lock = threading.RLock()
        self._definitions: dict[str, GeneratorDefinition] = {}
        self._sorted: tuple[GeneratorDefinition, ...] | None = None
        self._builtins = {module.rpartition(".")[2]: module for module in builtins}
        self._builtin_definitions: dict[str, GeneratorDefinition] = {}
        self._builtins_are_due = bool(builtins)
        self._plugins: list[Plugin] = []
        self._plugins_are_due = with_plugins
        self._plugins_are_off = False
        self._warned: set[str] = set()
        self._loading: _Loading | None = None
        self._discovering = threading.RLock()

    def register(  # noqa: PLR0913 - the specification's five, and keyword-only extensions
        self,
        name: str,
        is_core: bool = False,  # noqa: FBT001, FBT002 - positional by the specification
        feature_flag: str | None = None,
        order: int = 100,
        description: str = "",
        *,
        replace: bool = False,
        requires: tuple[str, ...] = (),
        produces: tuple[str, ...] = (),
        timeout_seconds: float | None = None,
        isolation: Isolation = "none",
        memory_limit_bytes: int | None = None,
        parameters: type[Any] | None = None,
    ) -> Callable[[_H], _H]:
        """Return a decorator that registers a generator and gives the function back unchanged.

        Args:
            name: Unique, `[a-z][a-z0-9_]*`.
            is_core: Whether a failure stops the run.
            feature_flag: Settings field that gates it; it runs ungated without one.
            order: Lower runs earlier; equal orders run as registered.
            description: One sentence; the docstring's first paragraph if empty.
            replace: Take the name over from another generator.
            requires: Names of generators, or artifact keys, without which it is skipped.
            produces: Artifact keys it makes: others can require them and not take them.
            timeout_seconds: Time it may take.
            isolation: `process` runs it in a child process, which can be killed.
            memory_limit_bytes: Memory that child may use; needs `process`.
            parameters: A pydantic model or dataclass of what can be configured about it; the
                generator finds an instance in `ctx.parameters`.

        Raises:
            RegistrationError: Something that cannot be registered; nothing was changed.
        """
        check_terms(name, is_core, feature_flag, order, description)
        extended = (requires, produces, timeout_seconds, isolation, memory_limit_bytes, parameters)
        if extended != _PLAIN:
            check_limits(name, *extended)

        def decorate(handler: _H) -> _H:
            check_handler(name, handler)
            loading = self._loading
            self._add(
                GeneratorDefinition(
                    name,
                    handler,
                    is_core,
                    feature_flag,
                    order,
                    description,
                    *extended,
                    None if loading is None else loading.origin_here(),
                ),
                replace=replace,
            )
            return handler

        return decorate

    def _add(self, definition: GeneratorDefinition, *, replace: bool) -> None:
        name = definition.name
        with self._lock:
            if self._is_new_builtin(definition):
                self._builtin_definitions[name] = definition  # listed once the built-ins are loaded
                return
            taken, place = self._definitions.get(name), None
            if taken is None and self._builtins_are_due:
                taken, place = self._builtin_definitions.get(name), self._builtins.get(name)
            if taken is not None and taken.is_same_as(definition):
                return
            if (taken or place) and not replace:
                raise _conflict(definition, taken, place)
            if definition.origin is not None and self._loading is not None:
                self._loading.replaced.setdefault(name, self._definitions.get(name))
            self._definitions[name] = definition
            self._sorted = None

    def _is_new_builtin(self, definition: GeneratorDefinition) -> bool:
        """Whether this is a built-in module's own registration, as somebody first imports it."""
        module = self._builtins.get(definition.name)
        is_ours = module is not None and getattr(definition.handler, "__module__", "") == module
        return is_ours and definition.name not in self._builtin_definitions

    def load_builtins(self) -> None:
        """Bring the built-in generators (back); what took one of their names over stays."""
        self._import_builtins()
        with self._lock:
            self._list_builtins()

    def _import_builtins(self) -> None:
        # Never under our lock: a thread that imports one of them may be waiting for it.
        for module in self._builtins.values():
            importlib.import_module(module)  # its decorator registers, the first time

    def _list_builtins(self) -> None:
        self._definitions = self._builtin_definitions | self._definitions
        self._sorted = None
        self._builtins_are_due = False

    def clear(self) -> None:
        """Forget every generator, the built-in ones too, until `load_builtins`.

        Raises:
            RegistrationError: A plugin asks for it while it is loaded.
        """
        if self._loading is not None and self._loading.origin_here() is not None:
            raise RegistrationError(
                "A plugin cannot clear the registry.",
                remedy="Set plugins_allow, or enabled = false.",
            )
        with self._lock:
            self._definitions = {}
            self._sorted = None
            self._builtins_are_due = self._plugins_are_due = self._plugins_are_off = False
            self._plugins = []
            self._warned = set()

    def load_plugins(self, settings: object | None = None) -> tuple[Plugin, ...]:
        """Find and load other people's generators, once; broken ones are reported, not raised.

        Args:
            settings: Any object with attributes, asked for `plugins`, `plugin_path`,
                `plugins_allow` and `plugins_deny`; `Settings` when None.

        Returns:
            Every plugin that was found, and what became of it.
        """
        with self._discovering:
            if not self._plugins_are_due:
                return tuple(self._plugins)
            self._plugins_are_due = False
            if self._builtins_are_due:
                self._import_builtins()
            from voyant.core.discovery import find_plugins  # noqa: PLC0415 - see the imports

            policy = _policy(settings)
            self._plugins_are_off = not policy.enabled
            self._plugins = [self._load(plugin) for plugin in find_plugins(policy)]
            return tuple(self._plugins)

    def _load(self, plugin: Plugin) -> Plugin:
        if plugin.status != "found":
            return plugin
        from voyant.core.discovery import (  # noqa: PLC0415 - see the imports
            load_plugin,
            warn_of_other_terms,
        )

        self._loading = loading = _Loading(plugin.origin)
        try:
            loaded = load_plugin(plugin, self)
        finally:
            self._loading = None
        if loaded.status == "failed":
            self._forget(loading)
            return loaded
        names = tuple(loading.replaced) or self._adopted(plugin)
        if not names:
            return loaded.failed(
                "It registered no generator.", "Decorate one with @register, or uninstall it."
            )
        with self._lock:
            registered = [self._definitions[name] for name in names if name in self._definitions]
        warn_of_other_terms(plugin, registered)
        return dataclasses.replace(loaded, generators=names)

    def _adopted(self, plugin: Plugin) -> tuple[str, ...]:
        """Return what its module registered when another plugin imported it, as its own now."""
        module = plugin.reference.partition(":")[0]
        with self._lock:
            names = tuple(
                name
                for name, found in self._definitions.items()
                if getattr(found.handler, "__module__", None) == module
            )
            for name in names:
                self._definitions[name] = dataclasses.replace(
                    self._definitions[name], origin=plugin.origin
                )
            self._sorted = None
        return names

    def _forget(self, loading: _Loading) -> None:
        """Take back what a plugin registered before it failed: all of it or nothing of it."""
        with self._lock:
            for name, before in loading.replaced.items():
                if before is None:
                    self._definitions.pop(name, None)
                else:
                    self._definitions[name] = before
            self._sorted = None

    def has_handler(self, handler: object) -> bool:
        """Whether some generator is this very function."""
        with self._lock:
            return any(found.handler is handler for found in self._definitions.values())

    def snapshot(self) -> tuple[GeneratorDefinition, ...]:
        """Return the generators as they are now, in the order they run."""
        if self._builtins_are_due:
            self._import_builtins()
        if self._plugins_are_due:
            self.load_plugins()
        with self._lock:
            if self._builtins_are_due:  # still: nobody has cleared the registry meanwhile
                self._list_builtins()
            if self._sorted is None:
                self._sorted = tuple(sorted(self._definitions.values(), key=lambda d: d.order))
            return self._sorted

    def get(self, name: str) -> GeneratorDefinition | None:
        """Return a generator by name, None if there is none."""
        return next((found for found in self.snapshot() if found.name == name), None)

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
                "requires": list(definition.requires),
                "produces": list(definition.produces),
                "timeout_seconds": definition.timeout_seconds,
                "isolation": definition.isolation,
                "memory_limit_bytes": definition.memory_limit_bytes,
                "plugin": definition.origin.plugin if definition.origin else None,
                "distribution": definition.origin.distribution if definition.origin else None,
                "version": definition.origin.version if definition.origin else None,
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
            ConfigurationError: `only` or `skip` names no generator, a flag has no clear value, or
                something is configured that a generator does not have. Options of an unknown
                generator are only logged, once, where a plugin that may have it is not loaded.
        """
        self.load_plugins(settings)
        plan = make_plan(
            self.snapshot(),
            context or {},
            settings,
            only=only,
            skip=skip,
            unloaded=self._unloaded(),
        )
        for name, why in plan.ignored.items():
            if name not in self._warned:  # a service plans for every request
                self._warned.add(name)
                _logger.warning("%s", why)
        return plan

    def _unloaded(self) -> str:
        """Say why generators of plugins may be missing; nothing if every plugin is loaded."""
        if self._plugins_are_off:
            return "plugins are switched off"
        missing = [plugin for plugin in self._plugins if plugin.status != "loaded"]
        if not missing:
            return ""
        named = [f"{plugin.origin.plugin} ({plugin.status})" for plugin in missing[:_NAMED_PLUGINS]]
        if len(missing) > _NAMED_PLUGINS:
            named.append(f"{len(missing) - _NAMED_PLUGINS} more")
        return f"plugins that may have it are not loaded: {', '.join(named)}"

    def run(
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


def _policy(settings: object | None) -> PluginPolicy:
    from voyant.core.discovery import PluginPolicy  # noqa: PLC0415 - see the imports

    lookup = SettingsLookup(settings)
    return PluginPolicy(
        enabled=parse_flag("plugins", lookup.value("plugins"), lookup.source_of("plugins")),
        path=str(lookup.value("plugin_path")),
        allow=cast("list[str]", lookup.value("plugins_allow")),
        deny=cast("list[str]", lookup.value("plugins_deny")),
    )


def _conflict(
    wanted: GeneratorDefinition, taken: GeneratorDefinition | None, builtin: str | None
) -> RegistrationError:
    if taken is not None and taken.has_handler_of(wanted):
        return RegistrationError(
            f"Generator {wanted.name!r} is already registered, with other parameters: "
            f"{taken.source}.",
            remedy="Pass replace=True to change them.",
        )
    place = f"the built-in one of {builtin}" if taken is None else taken.source
    return RegistrationError(
        f"Two generators are called {wanted.name!r}: {place} and {wanted.source}.",
        remedy="Rename one, or pass replace=True to take the name over.",
    )


default_registry: Final = PluginRegistry(
    [f"voyant.generators.{name}" for name in BUILTIN_GENERATORS], with_plugins=True
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
