"""What has a generator changed that others of its run rely on? It is put back, and said aloud.

A generator in the run's own process can change the current folder, where relative paths lead; the
environment, which settings are read from; the context that all generators of the run share; and the
standard streams. None of these is its own, and the next generator must not fail of it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, TextIO, cast

from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult

__all__ = ["Surroundings"]

#: PySpark keeps notes to itself there, from when a generator is the first to ask the engine.
_DRIVERS_OWN: Final = ("SPARK_", "PYSPARK_")

_logger = logging.getLogger("voyant.jobs")

_STREAMS: Final = ("stdout", "stderr")


class Surroundings(Observer):
    """Remembers, while entered, what is not a generator's own, and puts it back after each one."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._folder: str | None = None
        self._environment: dict[str, str] = {}
        self._context: GeneratorContext | None = None
        self._values: dict[str, object] = {}
        self._streams: dict[str, TextIO] = {}
        #: Duplicates of the descriptors of our own streams, for one that was closed.
        self._descriptors: dict[str, int] = {}
        self._lost: list[TextIO] = []

    def __enter__(self) -> Self:
        """Remember the current folder, the environment and the standard streams."""
        with suppress(OSError):  # it may have been removed
            self._folder = os.getcwd()  # noqa: PTH109 - as chdir will want it
        self._environment = dict(os.environ)
        for name in _STREAMS:
            stream = getattr(sys, name)
            self._streams[name] = stream
            if stream is not None and stream is getattr(sys, f"__{name}__"):
                with suppress(OSError, ValueError):
                    self._descriptors[name] = os.dup(stream.fileno())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the duplicates."""
        for descriptor in self._descriptors.values():
            with suppress(OSError):  # a generator may have closed every file
                os.close(descriptor)
        self._descriptors.clear()

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Remember the context's values."""
        del plan
        self._context, self._values = context, _copied(dict(context))

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Put back what the generator changed, with a warning that names it."""
        del result
        changed: list[str] = []
        if self._folder is not None and _current_folder() != self._folder:
            os.chdir(self._folder)
            changed.append("the current folder")
        drivers = {name: v for name, v in os.environ.items() if name.startswith(_DRIVERS_OWN)}
        if dict(os.environ) != self._environment | drivers:
            os.environ.clear()
            os.environ.update(self._environment | drivers)
            changed.append("the environment")
        if self._context is not None and not _is_same(dict(self._context), self._values):
            self._context.clear()
            self._context.update(_copied(self._values))
            changed.append("the context")
        changed += [f"sys.{name}" for name in _STREAMS if self._restore(name)]
        if changed:
            _logger.warning(
                "%s changed %s, which is not its own; it was put back",
                definition.name,
                " and ".join(changed),
            )

    def _restore(self, name: str) -> bool:
        """Put a standard stream back that was replaced or closed; tell whether it was."""
        ours, theirs, saved = (
            self._streams[name],
            getattr(sys, name),
            self._descriptors.get(name),
        )
        is_lost = ours is not None and saved is not None and not _leads_to(ours, saved)
        if theirs is ours and not is_lost:
            return False
        if is_lost and saved is not None:
            self._lost.append(ours)  # its end would close a descriptor that may be another's by now
            ours = open(  # noqa: SIM115, PTH123 - it stays open, and has no path
                os.dup(saved), "w", encoding=ours.encoding, errors=ours.errors
            )
            self._streams[name] = ours
            setattr(sys, f"__{name}__", ours)
        setattr(sys, name, ours)
        return True


def _leads_to(stream: TextIO, descriptor: int) -> bool:
    """Whether a stream is open and still writes to the same place as a descriptor."""
    try:
        return not stream.closed and os.path.sameopenfile(stream.fileno(), descriptor)
    except (OSError, ValueError):
        return False


def _current_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - as it was remembered
    except OSError:
        return None


def _copied(values: Mapping[str, object]) -> dict[str, Any]:
    """Copy dicts and lists, as deep as they go; what is in them stays itself."""
    return {key: _copy(value) for key, value in values.items()}


def _copy(value: object) -> object:
    if type(value) is dict:
        return _copied(cast("dict[str, object]", value))
    if type(value) is list:
        return [_copy(item) for item in cast("list[object]", value)]
    return value


def _is_same(one: object, other: object) -> bool:
    """Compare dicts, lists and plain values; anything else, a data frame for one, by identity."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        left, right = cast("dict[str, object]", one), cast("dict[str, object]", other)
        return left.keys() == right.keys() and all(_is_same(left[k], right[k]) for k in left)
    if type(one) is list:
        first, second = cast("list[object]", one), cast("list[object]", other)
        return len(first) == len(second) and all(map(_is_same, first, second))
    return isinstance(one, (str, int, float, bytes)) and one == other
