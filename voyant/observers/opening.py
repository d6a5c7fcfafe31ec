"""Which observers do the settings ask for, and how are they made and put away?"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Final, cast

from voyant.core.errors import ConfigurationError, VoyantError, did_you_mean
from voyant.core.lookup import SettingsLookup
from voyant.core.pipeline import Observer

__all__ = ["API_GROUP", "Setting", "observing"]

#: Entry points in this group are functions of the settings that return an `Observer`.
API_GROUP: Final = "voyant.observers"

#: Looks a setting up by name.
Setting = Callable[[str], object]

_OURS: Final[Mapping[str, str]] = {
    "jsonl": "voyant.observers.events:make_observer",
    "openlineage": "voyant.observers.openlineage:make_observer",
    "otel": "voyant.observers.otel:make_observer",
    "prometheus": "voyant.observers.prometheus:make_observer",
}
#: A setting that says where switches its observer on.
_SWITCHES: Final[Mapping[str, str]] = {
    "events_path": "jsonl",
    "openlineage_url": "openlineage",
    "metrics_path": "prometheus",
}
#: Packages of the optional extra that an observer needs, by the module that is missing.
_EXTRAS: Final[Mapping[str, str]] = {
    "opentelemetry": "voyant[otel]",
    "prometheus_client": "voyant[prometheus]",
}

_logger = logging.getLogger("voyant.observers")


@contextmanager
def observing(settings: object | None = None) -> Generator[Sequence[Observer]]:
    """Give the observers that the settings ask for; in the end call `close()` where there is one.

    Args:
        settings: Any object with attributes; `Settings` when None.

    Raises:
        ConfigurationError: An observer that nobody knows, or that cannot be made.
    """
    lookup = SettingsLookup(settings)
    names = list(cast("Sequence[str]", lookup.value("observers")))
    names += [name for setting, name in _SWITCHES.items() if lookup.value(setting)]
    observers = [_make(name, lookup.value) for name in dict.fromkeys(names)]
    try:
        yield observers
    finally:
        for observer in observers:
            try:
                getattr(observer, "close", _nothing)()
            except KeyboardInterrupt:
                raise
            except BaseException:  # an observer never hurts a run, by sys.exit() neither
                _logger.exception("Observer %r could not be closed", observer)


def _nothing() -> None:
    """Close what needs no closing."""


def _make(name: str, setting: Setting) -> Observer:
    entries = {entry.name: entry for entry in metadata.entry_points(group=API_GROUP)}
    if name not in _OURS and name not in entries:
        raise ConfigurationError(
            f"There is no observer {name!r}.", remedy=did_you_mean(name, [*_OURS, *entries])
        )
    try:
        if name in _OURS:
            module, _, function = _OURS[name].partition(":")
            factory: object = getattr(importlib.import_module(module), function)
        else:
            factory = entries[name].load()
        observer = cast("Callable[[Setting], object]", factory)(setting)
    except VoyantError:
        raise
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        package = _EXTRAS.get(missing, missing)
        raise ConfigurationError(
            f"The observer {name!r} needs {missing!r}, which is not installed.",
            remedy=f"pip install '{package}', or switch the observer off.",
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ConfigurationError(
            f"The observer {name!r} could not be made: {type(error).__name__}: {error}.",
            remedy="Update it, or take it out of the setting 'observers'.",
        ) from error
    if not isinstance(observer, Observer):
        raise ConfigurationError(
            f"The observer {name!r} is {type(observer).__name__}, not an Observer.",
            remedy="Its entry point is to name a function that returns a voyant Observer.",
        )
    return observer
