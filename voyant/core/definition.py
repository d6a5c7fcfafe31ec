"""What a registered generator is, and what makes a registration impossible."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from voyant.core.context import GeneratorContext
from voyant.core.errors import RegistrationError
from voyant.core.results import ArtifactResult

__all__ = ["GeneratorDefinition", "Handler"]

#: A generator's function: takes a context, returns (or, if async, is awaited for) its artifacts.
Handler = Callable[[GeneratorContext], ArtifactResult | Awaitable[ArtifactResult]]

_name_pattern = re.compile(r"[a-z][a-z0-9_]*")


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
    """

    name: str
    handler: Handler
    is_core: bool = False
    feature_flag: str | None = None
    order: int = 100
    given_description: str = ""

    @property
    def description(self) -> str:
        """The description given, else the first paragraph of the handler's docstring."""
        if self.given_description:
            return self.given_description
        paragraph = (inspect.getdoc(self.handler) or "").split("\n\n", 1)[0]
        return " ".join(paragraph.split())

    @property
    def source(self) -> str:
        """Where the handler was defined: `module.function (file:line)`."""
        handler = inspect.unwrap(self.handler)
        name = getattr(handler, "__qualname__", type(handler).__qualname__)
        where = f"{getattr(handler, '__module__', None) or type(handler).__module__}.{name}"
        code = getattr(handler, "__code__", None)
        if isinstance(code, CodeType):
            where += f" ({code.co_filename}:{code.co_firstlineno})"
        return where

    def is_same_as(self, other: GeneratorDefinition) -> bool:
        """Whether registering the other one would change nothing."""
        return self.handler is other.handler and self._terms() == other._terms()

    def _terms(self) -> tuple[object, ...]:
        return (self.is_core, self.feature_flag, self.order, self.given_description)

    def check(self) -> None:
        """Refuse what cannot be registered.

        Raises:
            RegistrationError: Says which part, and which value it should have had.
        """
        name: object = self.name
        if not isinstance(name, str) or not _name_pattern.fullmatch(name):
            raise RegistrationError(
                f"A generator cannot be called {name!r}.",
                remedy="Use lower-case letters, digits and underscores, a letter first.",
            )
        if type(self.order) is not int:
            raise RegistrationError(
                f"Generator {name!r} has the order {self.order!r}.", remedy="Use a whole number."
            )
        flag: object = self.feature_flag
        if flag is not None and (not isinstance(flag, str) or not flag.isidentifier()):
            raise RegistrationError(
                f"Generator {name!r} has the feature flag {flag!r}.",
                remedy="Use the name of a settings field, such as 'enable_charts', or None.",
            )
        if type(self.is_core) is not bool:
            raise RegistrationError(
                f"Generator {name!r} has is_core={self.is_core!r}.", remedy="Use True or False."
            )
        if not _takes_one_argument(self.handler):
            raise RegistrationError(
                f"Generator {name!r} cannot be called with one argument: {self.source}.",
                remedy="Write it as `def generate(ctx): ...`.",
            )


def _takes_one_argument(handler: Any) -> bool:  # noqa: ANN401 - it is what is being judged
    if type(handler) is FunctionType and not hasattr(handler, "__wrapped__"):
        # inspect.signature costs ten times as much, and most handlers are plain functions.
        code = handler.__code__
        required = code.co_argcount - len(handler.__defaults__ or ())
        has_room = code.co_argcount >= 1 or bool(code.co_flags & inspect.CO_VARARGS)
        needs_keywords = code.co_kwonlyargcount > len(handler.__kwdefaults__ or ())
        return has_room and required <= 1 and not needs_keywords
    if not callable(handler):
        return False
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        return False
    except ValueError:  # some functions written in C have no signature; the call itself will tell
        return True
    return True
