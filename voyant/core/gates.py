"""Is a generator's feature flag on, who says so, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from voyant.core.errors import ConfigurationError
from voyant.core.lookup import SettingsLookup, said

__all__ = ["FOLLOWED_FLAGS", "GateDecision", "Gates", "decide_gate", "parse_flag"]

#: A flag that nobody set takes the value of another one.
FOLLOWED_FLAGS: Final[Mapping[str, str]] = {"enable_drift": "enable_quality"}

_WORDS: Final = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """One decision about one flag.

    Attributes:
        flag: The flag's name, `enable_charts`.
        enabled: Whether the generators behind it run.
        source: Who decided: `settings`, `argument`, `VOYANT_<FLAG>`, `.env`, the file's name,
            `run flags`, `default`; `follows enable_quality: ...` for a flag that follows another.
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


class Gates:
    """The flags of one run, each decided once: the operator first, then the run.

    The operator's word is looked for on the settings object, then in `Settings` (environment,
    `.env`, `voyant.toml`); a flag found nowhere is on. The run may only turn things off.
    """

    def __init__(self, lookup: SettingsLookup, run_flags: object) -> None:
        """Take where settings are looked for, and the run's own flags, `ctx["flags"]`.

        Raises:
            ConfigurationError: Run flags that are not a mapping.
        """
        if run_flags is not None and not isinstance(run_flags, Mapping):
            raise ConfigurationError(
                f"The run's flags are {run_flags!r}.", remedy="Pass a dict of flag to bool."
            )
        self._lookup = lookup
        self._run_flags = cast("Mapping[str, object]", run_flags or {})
        self._decided: dict[str, GateDecision] = {}

    def decide(self, flag: str) -> GateDecision:
        """Decide a flag.

        Raises:
            ConfigurationError: A value that is neither on nor off.
        """
        if flag not in self._decided:
            self._decided[flag] = self._decide(flag)
        return self._decided[flag]

    def _decide(self, flag: str) -> GateDecision:
        found, word, prefix = self._operator(flag), self._run(flag), ""
        followed = FOLLOWED_FLAGS.get(flag)
        if found is None and followed is not None:
            found = self._operator(followed)
            if word is None:
                word, prefix = self._run(followed), f"follows {followed}: "
        enabled, source = found or (True, "default")
        if enabled and word is False:
            enabled, source = False, "run flags"
        state = "on" if enabled else "off"
        return GateDecision(
            flag=flag,
            enabled=enabled,
            source=prefix + source,
            reason=f"{flag} is {state} ({prefix}{source})",
        )

    def _operator(self, flag: str) -> tuple[bool, str] | None:
        found = self._lookup.flag(flag)
        return None if found is None else (parse_flag(flag, *found), found[1])

    def _run(self, flag: str) -> bool | None:
        word = said(self._run_flags.get(flag))
        return None if word is None else parse_flag(flag, word, "run flags")


def decide_gate(
    flag: str, settings: object | None, run_flags: Mapping[str, object]
) -> GateDecision:
    """Decide one flag by itself; see `Gates`."""
    return Gates(SettingsLookup(settings), run_flags).decide(flag)
