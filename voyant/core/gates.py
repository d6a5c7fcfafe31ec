"""Is a generator's feature flag on, who says so, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MethodType
from typing import Final

from voyant.core.errors import ConfigurationError

__all__ = ["FOLLOWED_FLAGS", "GateDecision", "decide_gate", "parse_flag"]

#: A flag that nobody set takes the value of another one.
FOLLOWED_FLAGS: Final[Mapping[str, str]] = {"enable_drift": "enable_quality"}

_WORDS: Final = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off", ""), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """One decision about one flag.

    Attributes:
        flag: The flag's name, `enable_charts`.
        enabled: Whether the generators behind it run.
        source: Who decided: `settings`, `environment`, `file`, `run flags`, `default`, ...
        reason: The decision as a sentence.
    """

    flag: str
    enabled: bool
    source: str
    reason: str


def parse_flag(flag: str, value: object, source: str) -> bool:
    """Read a flag's value: a bool, or a word such as `0`, `false`, `no`, `off` and their opposites.

    >>> parse_flag("enable_charts", "off", "environment")
    False

    Raises:
        ConfigurationError: A text that is neither.
    """
    if not isinstance(value, str):
        return bool(value)
    word = value.strip().lower()
    if word not in _WORDS:
        raise ConfigurationError(
            f"The flag {flag!r} has the value {value!r} (from {source}).",
            remedy="Use 1, true, yes, on or 0, false, no, off.",
        )
    return _WORDS[word]


def decide_gate(
    flag: str, settings: object | None, run_flags: Mapping[str, object]
) -> GateDecision:
    """Decide a flag: the operator first, then the run, which may only turn things off.

    The operator's word is looked for on `settings`, then in `Settings` (environment, `.env`,
    `voyant.toml`), then in `VOYANT_<FLAG>`; a flag found nowhere is on.

    Args:
        flag: The flag's name.
        settings: Any object with attributes, or None.
        run_flags: The run's own flags, `ctx["flags"]`.
    """
    value, source = _operator_value(flag, settings)
    if value and flag in run_flags and not parse_flag(flag, run_flags[flag], "run flags"):
        value, source = False, "run flags"
    state = "on" if value else "off"
    return GateDecision(
        flag=flag, enabled=value, source=source, reason=f"{flag} is {state} ({source})"
    )


def _operator_value(flag: str, settings: object | None) -> tuple[bool, str]:
    found = _look_up(flag, settings)
    if found is not None:
        return found
    followed = FOLLOWED_FLAGS.get(flag)
    if followed is not None:
        value, source = _operator_value(followed, settings)
        return value, f"follows {followed}: {source}"
    return True, "default"


def _look_up(flag: str, settings: object | None) -> tuple[bool, str] | None:
    """Return what somebody set the flag to, and who; None when nobody did."""
    lookup = getattr(settings, "_voyant_flag", None)  # our own Settings know their sources
    if settings is not None and not isinstance(lookup, MethodType):
        given = getattr(settings, flag, None)
        if given is not None:
            return parse_flag(flag, given, "settings"), "settings"
    if not isinstance(lookup, MethodType):
        from voyant.core.config import get_settings  # a quarter of a second, so only when needed

        lookup = get_settings()._voyant_flag
    found = lookup(flag)
    if found is not None:
        return parse_flag(flag, found[0], found[1]), found[1]
    variable = f"VOYANT_{flag.upper()}"
    word = os.environ.get(variable)
    if word is not None:
        return parse_flag(flag, word, variable), variable
    return None
