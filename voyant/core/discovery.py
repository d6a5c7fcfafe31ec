"""Which plugins are there, and what became of loading each?

A plugin is an installed package with an entry point in the group `voyant.generators`, or a Python
file in a folder of `plugin_path`. A broken one is reported by name and remedy; all else runs.

What an entry point leads to may be a module whose decorators register, a function of a `registry`,
an object with such a `register` method, or a generator itself, which is registered under the entry
point's name. A package can declare, without being imported, what its generator will be: an entry
point of the same name in the group `voyant.generators.declared` with the value
`order_75.core.api_1`, each part optional. A generator that is registered for it gets that order and
kind; what one that registers itself says counts more, and a difference is logged.
"""

from __future__ import annotations

import importlib.util
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, Protocol

from voyant.core.definition import GeneratorDefinition, PluginOrigin
from voyant.core.errors import RegistrationError, VoyantError

__all__ = [
    "API_VERSION",
    "Plugin",
    "PluginPolicy",
    "find_plugins",
    "load_plugin",
    "warn_of_other_terms",
]

_logger = logging.getLogger("voyant.plugins")

#: The version of what plugins are promised; it rises when a promise is broken.
API_VERSION: Final = 1
_GROUP: Final = "voyant.generators"
_DECLARED_GROUP: Final = "voyant.generators.declared"
_FILE_PACKAGE: Final = "voyant_plugins"


class _Registrar(Protocol):
    """What a plugin needs of a registry."""

    def register(self, name: str, *, is_core: bool = ..., order: int = ...) -> Callable[[Any], Any]:
        """Return a decorator that registers a generator."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginPolicy:
    """Which plugins are looked for and loaded."""

    enabled: bool = True
    path: str = ""
    allow: Collection[str] = ()
    deny: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One plugin and what became of it.

    Attributes:
        origin: Its name, distribution and version.
        reference: What the entry point names, or the file's path.
        status: `found` until it is loaded, then `loaded` or `failed`; `denied` by the settings.
        generators: Names of the generators it registered.
        error: Why it failed or was denied.
        remedy: What to do about that.
        traceback: Where it failed, for the log.
        order: The order it declares without being imported, None without a declaration.
        is_core: Whether it declares to be core.
        api_version: The version of our promises it declares to need.
    """

    origin: PluginOrigin
    reference: str
    status: Literal["found", "loaded", "failed", "denied"] = "found"
    generators: tuple[str, ...] = ()
    error: str = ""
    remedy: str = ""
    traceback: str = field(default="", repr=False)
    order: int | None = None
    is_core: bool | None = None
    api_version: int | None = None

    def declared(self) -> dict[str, Any]:
        """Return the order and kind it declares, as `register` takes them."""
        terms = {"order": self.order, "is_core": self.is_core}
        return {key: value for key, value in terms.items() if value is not None}

    def failed(self, error: str, remedy: str, trace: str = "") -> Plugin:
        """Return it as failed."""
        return replace(self, status="failed", error=error, remedy=remedy, traceback=trace)


def find_plugins(policy: PluginPolicy) -> list[Plugin]:
    """Find all plugins, by name, without importing any.

    Of two with one name the later one is failed; those the policy does not let in are denied.
    """
    if not policy.enabled:
        return []
    found: dict[str, Plugin] = {}
    repeated: list[Plugin] = []
    for plugin in (*_entry_points(), *_files(policy.path)):
        first = found.setdefault(plugin.origin.plugin, plugin)
        if first is not plugin and first.reference != plugin.reference:
            repeated.append(
                plugin.failed(
                    f"Another plugin is called {plugin.origin.plugin!r}: {first.reference}.",
                    "Rename one, or uninstall it.",
                )
            )
    plugins = [_judged(plugin, policy) for plugin in found.values()] + repeated
    return sorted(plugins, key=lambda p: (p.origin.plugin, p.reference))


def _judged(plugin: Plugin, policy: PluginPolicy) -> Plugin:
    name = plugin.origin.plugin
    if plugin.status != "found":
        return plugin
    if name in policy.deny:
        return replace(plugin, status="denied", error="plugins_deny names it")
    if policy.allow and name not in policy.allow:
        return replace(plugin, status="denied", error="plugins_allow does not name it")
    if plugin.api_version not in (None, API_VERSION):
        return plugin.failed(*_incompatible(plugin.api_version))
    return plugin


def _incompatible(wanted: object) -> tuple[str, str]:
    return (
        f"It needs version {wanted!r} of Voyant's plugin API; this is version {API_VERSION}.",
        "Install a version of it made for this Voyant.",
    )


def _entry_points() -> Iterator[Plugin]:
    found = metadata.entry_points()  # once: each time reads a file of every distribution
    declared = {entry.name: entry.value for entry in found.select(group=_DECLARED_GROUP)}
    for entry in found.select(group=_GROUP):
        # Once, too: `name` and `version` of a distribution parse it anew each time.
        about = entry.dist.metadata if entry.dist else None
        origin = PluginOrigin(
            plugin=entry.name,
            distribution=about["Name"] if about and "Name" in about else "",
            version=about["Version"] if about and "Version" in about else "",
        )
        plugin = Plugin(origin=origin, reference=entry.value)
        yield _with_declaration(plugin, declared.get(entry.name, ""))


def _with_declaration(plugin: Plugin, text: str) -> Plugin:
    """Read a declaration such as `order_75.core.api_1`."""
    for part in filter(None, text.replace(":", ".").split(".")):
        key, _, value = part.partition("_")
        if key == "order" and value.isdigit():
            plugin = replace(plugin, order=int(value))
        elif key == "api" and value.isdigit():
            plugin = replace(plugin, api_version=int(value))
        elif part in {"core", "extended"}:
            plugin = replace(plugin, is_core=part == "core")
        else:
            return plugin.failed(
                f"Its declaration {text!r} has the part {part!r}.",
                "Use order_<number>, core, extended and api_<number>, joined by dots.",
            )
    return plugin


def _files(path: str) -> Iterator[Plugin]:
    for folder in filter(None, map(str.strip, path.split(os.pathsep))):
        place = Path(folder).expanduser()
        if not place.is_dir():
            origin = PluginOrigin(plugin=place.name or folder)
            yield Plugin(origin=origin, reference=str(place)).failed(
                f"There is no folder {folder!r}.", "Check VOYANT_PLUGIN_PATH or plugin_path."
            )
            continue
        for file in sorted(place.glob("*.py")):
            if not file.name.startswith("_"):
                yield Plugin(origin=PluginOrigin(plugin=file.stem), reference=str(file.resolve()))


def load_plugin(plugin: Plugin, registry: _Registrar) -> Plugin:
    """Import a plugin and let it register; whatever it does but Ctrl-C becomes its status.

    The caller fills in `generators`, which only the registry knows.
    """
    try:
        loaded = _import(plugin)
        module = sys.modules.get(getattr(loaded, "__module__", None) or "")
        wanted = getattr(loaded, "VOYANT_API", getattr(module, "VOYANT_API", API_VERSION))
        if wanted != API_VERSION:
            return plugin.failed(*_incompatible(wanted))
        _register(plugin, loaded, registry)
    except KeyboardInterrupt:
        raise
    except BaseException as caught:  # noqa: BLE001 - sys.exit() in a plugin must not end the host
        trace = "".join(traceback.format_exception(caught))
        _logger.warning("Plugin %s: %s", plugin.origin.plugin, _said(caught))
        _logger.debug("%s", trace)
        return plugin.failed(_said(caught), _remedy(caught), trace)
    return replace(plugin, status="loaded")


def _import(plugin: Plugin) -> object:
    if not plugin.reference.endswith(".py"):
        return metadata.EntryPoint(plugin.origin.plugin, plugin.reference, _GROUP).load()
    name = f"{_FILE_PACKAGE}.{plugin.origin.plugin}"
    spec = importlib.util.spec_from_file_location(name, plugin.reference)
    if spec is None or spec.loader is None:
        raise ImportError(f"{plugin.reference} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(_FILE_PACKAGE, ModuleType(_FILE_PACKAGE))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _register(plugin: Plugin, loaded: object, registry: _Registrar) -> None:
    if isinstance(loaded, ModuleType):
        return  # its decorators have registered
    method = getattr(loaded, "register", None)
    if callable(method):
        method(registry)
    elif callable(loaded) and "registry" in _parameters(loaded):
        loaded(registry)
    elif callable(loaded):
        if not getattr(registry, "has_handler", _no_handler)(loaded):
            registry.register(plugin.origin.plugin, **plugin.declared())(loaded)
    else:
        raise RegistrationError(
            f"{plugin.reference} is {type(loaded).__name__}, which registers nothing.",
            remedy="Name a module, a generator, or a function of `registry`.",
        )


def warn_of_other_terms(plugin: Plugin, registered: Sequence[GeneratorDefinition]) -> None:
    """Log it if the generator a plugin declares has registered itself with other terms.

    Args:
        plugin: With its declaration, which is about one generator.
        registered: What it registered: the one with the plugin's name is meant, else the only one.
    """
    named = [found for found in registered if found.name == plugin.origin.plugin]
    for found in named or (registered if len(registered) == 1 else ()):
        actual = {"order": found.order, "is_core": found.is_core}
        for key, declared in plugin.declared().items():
            if actual[key] != declared:
                _logger.warning(
                    "Plugin %s declares %s=%r, but its generator %r registered itself with %s=%r, "
                    "which is what counts. Change one of them.",
                    *(plugin.origin.plugin, key, declared, found.name, key, actual[key]),
                )


def _no_handler(handler: object) -> bool:
    del handler
    return False


def _parameters(function: Callable[..., object]) -> Collection[str]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()


def _said(caught: BaseException) -> str:
    text = " ".join(str(caught).split())
    if isinstance(caught, VoyantError):
        return caught.what
    return f"{type(caught).__name__}: {text}" if text else type(caught).__name__


def _remedy(caught: BaseException) -> str:
    if isinstance(caught, VoyantError):
        return caught.remedy
    if isinstance(caught, ModuleNotFoundError) and caught.name:
        return f"Install {caught.name!r}, or uninstall the plugin."
    return "Update or uninstall the plugin, or name it in plugins_deny."
