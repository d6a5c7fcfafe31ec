"""What a registered generator is, and what makes a registration impossible."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from types import CodeType, FunctionType, MethodType
from typing import Any, Literal, cast, get_args

from voyant.core.context import GeneratorContext
from voyant.core.errors import RegistrationError
from voyant.core.results import ArtifactResult

__all__ = [
    "GeneratorDefinition",
    "Handler",
    "Isolation",
    "PluginOrigin",
    "check_handler",
    "check_limits",
    "check_terms",
]

#: A generator's function: takes a context, returns (or, if async, is awaited for) its artifacts.
Handler = Callable[[GeneratorContext], ArtifactResult | Awaitable[ArtifactResult]]

#: Where a generator runs.
Isolation = Literal["none", "process"]

_name_pattern = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginOrigin:
    """The plugin a generator came with.

    Attributes:
        plugin: The entry point's name, or the file's without its ending.
        distribution: The installed package that declares it; empty for a file.
        version: That package's version.
    """

    plugin: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        """Name the distribution and its version, or the file."""
        return f"{self.distribution} {self.version}" if self.distribution else self.plugin


@dataclass(frozen=True, slots=True, eq=False)
class GeneratorDefinition:
    """One registered generator.

    Attributes:
        name: Unique, `[a-z][a-z0-9_]*`.
        handler: The function, as it was given to `register`.
        is_core: Whether its failure stops the run.
        feature_flag: The settings field that gates it, None if nothing does.
        order: Lower runs earlier; equal orders run as registered.
        given_description: What `register` was told; see `description`.
        requires: Generators, or artifact keys, without which it cannot run.
        produces: Artifact keys it makes, so that others can require them and none can take them.
        timeout_seconds: Time it may take, None for no limit of its own.
        isolation: `none` runs it in this process, `process` in a child that can be killed.
        memory_limit_bytes: Memory its child process may use; needs `process`.
        parameters: A pydantic model or dataclass of what can be configured about it.
        origin: The plugin it came with, None for ours and for one registered by hand.
    """

    name: str
    handler: Handler
    is_core: bool = False
    feature_flag: str | None = None
    order: int = 100
    given_description: str = ""
    requires: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    timeout_seconds: float | None = None
    isolation: Isolation = "none"
    memory_limit_bytes: int | None = None
    parameters: type[Any] | None = None
    origin: PluginOrigin | None = None

    @property
    def description(self) -> str:
        """The description given, else the first paragraph of the handler's docstring."""
        if self.given_description:
            return self.given_description
        paragraph = (inspect.getdoc(_innermost(self.handler)) or "").split("\n\n", 1)[0]
        return " ".join(paragraph.split())

    @property
    def source(self) -> str:
        """Where the handler was defined: `module.function (file:line)`."""
        return _place(self.handler)

    def has_handler_of(self, other: GeneratorDefinition) -> bool:
        """Whether both call the same function, or the same method of the same object."""
        if isinstance(self.handler, MethodType):  # each access makes a new one
            return self.handler == other.handler
        return self.handler is other.handler

    def is_same_as(self, other: GeneratorDefinition) -> bool:
        """Whether registering the other one would change nothing."""
        return self.has_handler_of(other) and self._terms() == other._terms()

    def _terms(self) -> tuple[object, ...]:
        return (
            self.is_core,
            self.feature_flag,
            self.order,
            self.given_description,
            self.requires,
            self.produces,
            self.timeout_seconds,
            self.isolation,
            self.memory_limit_bytes,
            self.parameters,
        )


def check_terms(
    name: object, is_core: object, feature_flag: object, order: object, description: object
) -> None:
    """Refuse what a generator cannot be registered with.

    Raises:
        RegistrationError: Says which part, and which value it should have had.
    """
    if not isinstance(name, str) or not _name_pattern.fullmatch(name):
        remedy = "Use lower-case letters, digits and underscores, a letter first."
        if callable(name):
            remedy = 'Write @register("a_name"), with parentheses.'
        raise RegistrationError(f"A generator cannot be called {name!r}.", remedy=remedy)
    if not isinstance(is_core, bool):
        raise RegistrationError(
            f"Generator {name!r} has is_core={is_core!r}.", remedy="Use True or False."
        )
    if feature_flag is not None and not (
        isinstance(feature_flag, str) and feature_flag.isidentifier()
    ):
        raise RegistrationError(
            f"Generator {name!r} has the feature flag {feature_flag!r}.",
            remedy="Use the name of a settings field, such as 'enable_charts', or None.",
        )
    if not isinstance(order, int) or isinstance(order, bool):
        raise RegistrationError(
            f"Generator {name!r} has the order {order!r}.", remedy="Use a whole number."
        )
    if not isinstance(description, str):
        raise RegistrationError(
            f"Generator {name!r} has the description {description!r}.", remedy="Use text."
        )


def check_limits(
    name: str,
    requires: object,
    produces: object,
    timeout_seconds: object,
    isolation: object,
    memory_limit_bytes: object,
    parameters: object,
) -> None:
    """Refuse requirements, limits and parameters that cannot be kept.

    Raises:
        RegistrationError: Says which part, and which value it should have had.
    """

    def refuse(part: str, value: object, remedy: str) -> RegistrationError:
        return RegistrationError(f"Generator {name!r} has {part}={value!r}.", remedy=remedy)

    for part, value in (("requires", requires), ("produces", produces)):
        if not _are_names(value):
            raise refuse(part, value, "Use a tuple of names, such as ('profile',).")
    if name in cast("tuple[str, ...]", requires):
        raise refuse("requires", requires, "A generator cannot require itself.")
    if timeout_seconds is not None and not _is_positive(timeout_seconds):
        raise refuse("timeout_seconds", timeout_seconds, "Use a number of seconds above 0.")
    if isolation not in get_args(Isolation):
        raise refuse("isolation", isolation, "Use 'none' or 'process'.")
    if memory_limit_bytes is not None and not (
        isinstance(memory_limit_bytes, int) and _is_positive(memory_limit_bytes)
    ):
        raise refuse("memory_limit_bytes", memory_limit_bytes, "Use a number of bytes above 0.")
    if memory_limit_bytes is not None and isolation != "process":
        remedy = "Pass isolation='process' too: only a process of its own can be held to it."
        raise refuse("memory_limit_bytes", memory_limit_bytes, remedy)
    if parameters is not None and not isinstance(parameters, type):
        raise refuse("parameters", parameters, "Use a pydantic model or a dataclass.")


def _are_names(value: object) -> bool:
    if not isinstance(value, tuple):
        return False
    items = cast("tuple[object, ...]", value)
    return all(isinstance(item, str) and item for item in items)


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < inf


def check_handler(name: str, handler: object) -> None:
    """Refuse what cannot be called with a context alone.

    Raises:
        RegistrationError: Says what it is and where it was defined.
    """
    if not _takes_one_argument(handler):
        raise RegistrationError(
            f"Generator {name!r} cannot be called with one argument: {_place(handler)}.",
            remedy="Write it as `def generate(ctx): ...`.",
        )


def _takes_one_argument(handler: object) -> bool:
    if type(handler) is FunctionType:
        # inspect.signature costs ten times as much, and most handlers are plain functions.
        code = handler.__code__
        required = code.co_argcount - len(handler.__defaults__ or ())
        has_room = code.co_argcount >= 1 or bool(code.co_flags & inspect.CO_VARARGS)
        needs_keywords = code.co_kwonlyargcount > len(handler.__kwdefaults__ or ())
        return has_room and required <= 1 and not needs_keywords
    if not callable(handler):
        return False
    try:
        # What is called is the wrapper; what it wraps may well take more.
        inspect.signature(handler, follow_wrapped=False).bind(None)
    except TypeError:
        return False
    except ValueError:  # some functions written in C have no signature; the call itself will tell
        return True
    return True


def _innermost(handler: object) -> object:
    """Return the function inside partials and decorators, which its author named and documented."""
    while isinstance(handler, functools.partial):
        handler = cast("functools.partial[object]", handler).func
    return inspect.unwrap(handler) if callable(handler) else handler


def _place(handler: object) -> str:
    inner = _innermost(handler)
    name = getattr(inner, "__qualname__", type(inner).__qualname__)
    where = f"{getattr(inner, '__module__', None) or type(inner).__module__}.{name}"
    code = getattr(inner, "__code__", None)
    if isinstance(code, CodeType):
        where += f" ({code.co_filename}:{code.co_firstlineno})"
    return where
