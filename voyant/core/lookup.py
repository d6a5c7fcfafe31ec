"""Where a setting is looked for: on the object given to a run, else in `Settings`.

`Settings` stands on pydantic-settings, a quarter of a second to import, so it is imported only when
the given object does not answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast

__all__ = ["FlagSource", "SettingsLookup", "said"]


class FlagSource(ABC):
    """Knows flags and who set them; `Settings` is one."""

    @abstractmethod
    def look_up_flag(self, flag: str) -> tuple[object, str] | None:
        """Return what a flag was set to and who set it, None when nobody did."""

    @abstractmethod
    def source_of(self, field: str) -> str:
        """Name who set a field, or an entry of a table: `generators.charts.order`."""


class SettingsLookup:
    """Asks the object given to a run first, and reads `Settings` at most once."""

    def __init__(self, given: object | None) -> None:
        self._given = given
        self._source: FlagSource | None = None
        # By its type, because isinstance() believes a Mock(spec=Settings).
        if issubclass(type(given), FlagSource):
            self._source = cast("FlagSource", given)

    def flag(self, flag: str) -> tuple[object, str] | None:
        """Return what a flag was set to and who set it, None when nobody did."""
        value = self._foreign(flag)
        if value is not None:
            return value, "settings"
        return self._settings().look_up_flag(flag)

    def value(self, name: str) -> object:
        """Return a setting; what another object does not say, `Settings` does."""
        value = self._foreign(name)
        return getattr(self._settings(), name) if value is None else value

    def source_of(self, name: str) -> str:
        """Name who set a setting: `settings` for another object than `Settings`."""
        field = name.partition(".")[0]
        return "settings" if self._foreign(field) is not None else self._settings().source_of(name)

    def _foreign(self, name: str) -> object | None:
        is_ours = self._given is None or self._given is self._source
        return None if is_ours else said(getattr(self._given, name, None))

    def _settings(self) -> FlagSource:
        if self._source is None:
            from voyant.core.config import get_settings  # noqa: PLC0415 - see the module's docstring

            self._source = get_settings()
        return self._source


def said(value: object) -> object | None:
    """Return a value that says something; None, empty text and methods (a Mock's too) do not.

    >>> said(0), said(""), said(print)
    (0, None, None)
    """
    return None if callable(value) or (isinstance(value, str) and not value) else value
