"""What can go wrong, as a caller may catch it.

    VoyantError                            the root of everything Voyant raises on purpose
    ├── RegistrationError (ValueError)     a generator that cannot be registered
    ├── ConfigurationError (ValueError)    a setting, file or option that cannot be used
    ├── ContextError (KeyError)            a generator used a context key nobody gave
    ├── UnsafeNameError (ValueError)       a job, tenant or file name that could leave its folder
    ├── ArtifactError (ValueError)         an artifact that must not or cannot be written
    ├── FolderError (OSError)              a job folder that is not what it should be
    ├── ObjectStoreError (OSError)         object storage that could not be read or written
    ├── GeneratorError (RuntimeError)      a generator that a limit or a process ended
    │   ├── GeneratorTimeoutError (TimeoutError)   it was not done at its deadline
    │   ├── GeneratorCrashedError                  its process died without an answer
    │   └── GeneratorFailedError                   it raised, in its own process
    └── EngineError (RuntimeError)         the engine that holds the tables
        ├── SourceError (ValueError)           an input that cannot be opened as a table
        ├── UnknownTableError (LookupError)    a table the job does not have
        └── QueryError (RuntimeError)          a user's SQL that did not give a result
            ├── UnsafeQueryError (ValueError)      refused before it ran
            ├── QueryTimeoutError (TimeoutError)   stopped at its time limit
            └── QueryMemoryError (MemoryError)     stopped at its memory limit

Every message says what happened, with which value, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArtifactError",
    "ConfigurationError",
    "ContextError",
    "EngineError",
    "FolderError",
    "GeneratorCrashedError",
    "GeneratorError",
    "GeneratorFailedError",
    "GeneratorTimeoutError",
    "ObjectStoreError",
    "QueryError",
    "QueryMemoryError",
    "QueryTimeoutError",
    "RegistrationError",
    "SourceError",
    "UnknownTableError",
    "UnsafeNameError",
    "UnsafeQueryError",
    "VoyantError",
    "did_you_mean",
]


_SHOWN_CHOICES = 12


def did_you_mean(value: str, choices: Iterable[str]) -> str:
    """Suggest the choice closest to a value, or list the choices, or say nothing.

    >>> did_you_mean("flihgts", ["flights", "planes"])
    "Did you mean 'flights'?"
    >>> did_you_mean("zzz", ["flights", "planes"])
    'Known: flights, planes.'
    """
    known = sorted(set(choices))
    close = difflib.get_close_matches(value, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(known[:_SHOWN_CHOICES]) + (", ..." if len(known) > _SHOWN_CHOICES else "")
    return f"Known: {shown}." if known else ""


class VoyantError(Exception):
    """Say what happened and what to do about it.

    Attributes:
        what: What happened, with the value it happened to.
        remedy: What the reader can do about it; may be empty.
    """

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the whole message (KeyError would show its repr)."""
        return str(self.args[0])


class RegistrationError(VoyantError, ValueError):
    """A generator that cannot be registered; nothing was changed."""


class ConfigurationError(VoyantError, ValueError):
    """A setting, file or option that cannot be used."""


class ContextError(VoyantError, KeyError):
    """A generator used a context key or service that nobody gave."""


class UnsafeNameError(VoyantError, ValueError):
    """A job, tenant or file name that could leave the folder it belongs in."""


class ArtifactError(VoyantError, ValueError):
    """An artifact that must not, or cannot, be written."""


class FolderError(VoyantError, OSError):
    """A job folder that is not what it should be: another tenant's, unfinished, altered."""


class ObjectStoreError(VoyantError, OSError):
    """Object storage that could not be read or written; no server's words are passed on."""


class GeneratorError(VoyantError, RuntimeError):
    """A generator that was ended from outside, or whose end came from another process."""


class GeneratorTimeoutError(GeneratorError, TimeoutError):
    """A generator that was not done at its deadline."""


class GeneratorCrashedError(GeneratorError):
    """A generator whose process died without an answer; the message says of what."""


class GeneratorFailedError(GeneratorError):
    """A generator that raised in a process of its own; its traceback is attached as a note."""


class EngineError(VoyantError, RuntimeError):
    """The engine that holds the tables could not answer."""


class SourceError(EngineError, ValueError):
    """An input that cannot be opened as a table."""


class UnknownTableError(EngineError, LookupError):
    """A table that the job does not have."""

    def __init__(self, table: str, known: Iterable[str]) -> None:
        self.table, self.known = table, tuple(known)
        super().__init__(f"There is no table {table!r}.", remedy=did_you_mean(table, self.known))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from what it was made of: errors cross processes."""
        return type(self), (self.table, self.known)


class QueryError(EngineError):
    """A user's SQL that did not give a result; the engine's own words are in the message."""


class UnsafeQueryError(QueryError, ValueError):
    """A user's SQL that was refused before it ran."""


class QueryTimeoutError(QueryError, TimeoutError):
    """A user's SQL that was stopped at its time limit."""


class QueryMemoryError(QueryError, MemoryError):
    """A user's SQL that was stopped at its memory limit."""
