"""May other machines reach a service? Not before it has a key, unless the operator says so."""

from __future__ import annotations

from typing import Final

from voyant.core.config import Settings
from voyant.core.errors import ConfigurationError
from voyant.service.keys import KeyStore

__all__ = ["check_reach", "is_loopback"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    return host in _LOOPBACK


def check_reach(settings: Settings, keys: KeyStore, host: str) -> None:
    """Refuse to be reached from other machines before there is a key.

    Args:
        settings: Whether the operator wants it all the same.
        keys: Those there are.
        host: The address to listen at.

    Raises:
        ConfigurationError: There is none that is valid.
    """
    if is_loopback(host) or settings.service_starts_without_keys:
        return
    if not any(key.revoked_at is None for key in keys.all()):
        raise ConfigurationError(
            f"Other machines could reach the service at {host!r}, and there is no API key.",
            remedy="Make one first: voyant keys create --tenant NAME --role admin.",
        )
