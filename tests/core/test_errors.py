from __future__ import annotations

import builtins
import copy
import inspect
import pickle
import re

import pytest

from voyant.core import errors
from voyant.core.errors import (
    ConfigurationError,
    ContextError,
    UnknownTableError,
    VoyantError,
    did_you_mean,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, VoyantError)
]


def make(cls: type[VoyantError]) -> VoyantError:
    if cls is UnknownTableError:
        return UnknownTableError("flihgts", ["flights", "planes"])
    return cls("The thing is 3.", remedy="Make it 2.")


def drawn_tree() -> dict[str, tuple[str, set[str]]]:
    """Class -> its parent and its builtins, as the module's docstring draws them."""
    drawn: dict[str, tuple[str, set[str]]] = {}
    path: list[str] = []
    for line in str(errors.__doc__).splitlines():
        found = re.match(r"    ([│├└─ ]*)(\w+Error)(?: \(([\w, ]+)\))?  +\S", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            builtins = set(found[3].split(", ")) if found[3] else set()
            drawn[found[2]] = (path[depth - 1] if depth else "", builtins)
    return drawn


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = drawn_tree()
    assert set(drawn) == {cls.__name__ for cls in CLASSES}
    for cls in CLASSES:
        parent, names = drawn[cls.__name__]
        ours = [base.__name__ for base in cls.__bases__ if issubclass(base, VoyantError)]
        assert ours == ([parent] if parent else [])
        theirs = {base for base in cls.__bases__ if not issubclass(base, VoyantError)}
        expected = {getattr(builtins, name) for name in names} or {Exception}
        # An inherited builtin may be drawn again, where the reader needs it.
        assert theirs - {Exception} <= expected
        assert all(issubclass(cls, builtin) for builtin in expected)


def test_each_kind_is_also_the_builtin_a_caller_would_guess() -> None:
    for cls in CLASSES:
        if cls is not VoyantError:
            assert set(cls.__mro__) - {VoyantError, Exception, BaseException, object} - set(CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_message_says_what_and_what_to_do(cls: type[VoyantError]) -> None:
    error = make(cls)
    assert str(error) == f"{error.what} {error.remedy}"
    assert error.what
    assert error.remedy
    assert (cls.__doc__ or "").strip()


def there_and_back(error: VoyantError) -> object:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("travel", [copy.copy, there_and_back])
def test_an_error_survives_the_way_to_another_process(cls, travel) -> None:
    error = make(cls)
    arrived = travel(error)
    assert type(arrived) is cls
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


def test_a_remedy_may_be_missing() -> None:
    assert str(ConfigurationError("x is 3.")) == "x is 3."


def test_a_key_error_is_not_shown_as_its_repr() -> None:
    assert str(ContextError("There is no 'x'.")) == "There is no 'x'."


def test_an_unknown_table_keeps_its_name() -> None:
    error = UnknownTableError("flihgts", ["flights"])
    assert error.table == "flihgts"
    assert str(error) == "There is no table 'flihgts'. Did you mean 'flights'?"


@pytest.mark.parametrize(
    ("value", "choices", "expected"),
    [
        ("x", [], ""),
        ("enable_chart", ["enable_charts", "threads"], "Did you mean 'enable_charts'?"),
        ("zzz", [f"name{n:02}" for n in range(13)], "name11, ...."),
        ("zzz", ["b", "a", "a"], "Known: a, b."),
    ],
)
def test_suggestions(value: str, choices: list[str], expected: str) -> None:
    assert did_you_mean(value, choices).endswith(expected)
