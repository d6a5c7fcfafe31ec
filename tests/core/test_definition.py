from __future__ import annotations

import functools
import inspect
from enum import IntEnum
from unittest.mock import Mock

import pytest

from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition, check_handler, check_terms
from voyant.core.errors import RegistrationError


class Reporter:
    """Report on something."""

    def __init__(self, ctx=None) -> None:
        self.ctx = ctx

    def generate(self, ctx):  # noqa: ARG002 - takes it, as a generator must
        """Generate a report."""
        return {}

    def __call__(self, ctx):  # noqa: ARG002 - the same
        return {}

    @staticmethod
    def static(ctx):  # noqa: ARG004 - the same
        return {}

    @classmethod
    def of_class(cls, ctx):  # noqa: ARG003 - the same
        return {}


def plain(ctx):
    """Say one thing.

    Then explain it.
    """
    return {}


def without():
    return {}


def with_option(ctx, extra=1, *, more=2):
    return {}


def two(ctx, extra):
    """Need two arguments."""
    return {}


def injected(function):
    @functools.wraps(function)
    def wrapper(ctx):
        return function(ctx, "extra")

    return wrapper


class Injecting:
    """Give a function its second argument."""

    def __init__(self, function) -> None:
        functools.update_wrapper(self, function)

    def __call__(self, ctx):
        return self.__wrapped__(ctx, "extra")


async def later(ctx):
    return {}


GOOD = {
    "function": plain,
    "option": with_option,
    "varargs": lambda *args: {},
    "async": later,
    "partial": functools.partial(two, extra=1),
    "positional partial": functools.partial(two, {}),
    "bound method": Reporter().generate,
    "static": Reporter.static,
    "class method": Reporter.of_class,
    "callable object": Reporter(),
    "class": Reporter,
    "builtin": dict,
    "builtin function": len,
    "wrapper that takes less than what it wraps": injected(two),
    "object that takes less than what it wraps": Injecting(two),
    "mock": Mock(),
}

BAD = {
    "nothing": without,
    "two": two,
    "two positional-only": lambda a, b, /: {},
    "keyword needed": lambda ctx, *, needed: {},
    "only keywords": lambda **ctx: {},
    "unbound method": Reporter.generate,
    "partial with all": functools.partial(plain, 1),
    "partial with too few": functools.partial(two),
    "class without arguments": object,
    "text": "plain",
    "none": None,
    "result": {},
}


@pytest.mark.parametrize("handler", GOOD.values(), ids=GOOD)
def test_these_can_be_called_with_a_context(handler) -> None:
    check_handler("mine", handler)
    returned = handler(GeneratorContext({}))
    if inspect.iscoroutine(returned):
        returned.close()


@pytest.mark.parametrize("handler", BAD.values(), ids=BAD)
def test_these_cannot(handler: object) -> None:
    with pytest.raises(RegistrationError, match="'mine' cannot be called with one argument"):
        check_handler("mine", handler)


def test_the_error_says_where_the_function_is() -> None:
    with pytest.raises(RegistrationError, match=r"\.two \(.*test_definition\.py:\d+\)"):
        check_handler("mine", two)


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "_a", "a-b", "a b", "a\n", "é", "a.b", "../a", None, 3, b"a"]
)
def test_names_that_are_none(name: object) -> None:
    with pytest.raises(RegistrationError, match="cannot be called"):
        check_terms(name, False, None, 100, "")


def test_a_forgotten_pair_of_parentheses_is_named() -> None:
    with pytest.raises(RegistrationError, match="with parentheses"):
        check_terms(plain, False, None, 100, "")


@pytest.mark.parametrize("name", ["a", "a1", "a_b_", "x" * 200])
def test_names(name: str) -> None:
    check_terms(name, True, "enable_x", -5, "Text.")


class Order(IntEnum):
    FIRST = 1


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        ((1, None, 100, ""), "is_core=1"),
        (("core", None, 100, ""), "is_core='core'"),
        ((False, "enable-x", 100, ""), "feature flag 'enable-x'"),
        ((False, "", 100, ""), "feature flag ''"),
        ((False, True, 100, ""), "feature flag True"),
        ((False, None, "10", ""), "order '10'"),
        ((False, None, 1.0, ""), "order 1.0"),
        ((False, None, True, ""), "order True"),
        ((False, None, None, ""), "order None"),
        ((False, None, 100, 3), "description 3"),
    ],
)
def test_terms_that_are_refused(terms: tuple[object, ...], match: str) -> None:
    with pytest.raises(RegistrationError, match=match):
        check_terms("mine", *terms)


def test_an_enumeration_of_orders_will_do() -> None:
    check_terms("mine", False, None, Order.FIRST, "")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (plain, "Say one thing."),
        (functools.partial(two, extra=1), "Need two arguments."),
        (injected(two), "Need two arguments."),
        (Reporter().generate, "Generate a report."),
        (Reporter(), "Report on something."),
        (lambda ctx: {}, ""),
    ],
)
def test_the_description_falls_back_to_the_docstring(handler, expected: str) -> None:
    assert GeneratorDefinition("mine", handler).description == expected
    given = GeneratorDefinition("mine", handler, given_description="Given.")
    assert given.description == "Given."


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (plain, ".plain ("),
        (functools.partial(two, extra=1), ".two ("),
        (Reporter().generate, ".Reporter.generate ("),
        (Reporter(), ".Reporter"),
        (len, "builtins.len"),
    ],
)
def test_the_source_says_where(handler, expected: str) -> None:
    assert expected in GeneratorDefinition("mine", handler).source


def test_the_same_method_of_the_same_object_is_the_same() -> None:
    reporter = Reporter()
    first = GeneratorDefinition("mine", reporter.generate)
    assert first.is_same_as(GeneratorDefinition("mine", reporter.generate))
    assert not first.is_same_as(GeneratorDefinition("mine", Reporter().generate))
    assert not first.is_same_as(GeneratorDefinition("mine", reporter.generate, order=7))
    assert first.has_handler_of(GeneratorDefinition("mine", reporter.generate, order=7))
