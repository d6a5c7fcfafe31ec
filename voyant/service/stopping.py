"""Is the service about to end? Whoever waits for something else looks here in between."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

__all__ = ["Stopping"]

_LOOK_SECONDS: Final = 0.25


class Stopping:
    """Set once. Unlike an event of asyncio it belongs to no event loop."""

    def __init__(self) -> None:
        """Start with a service that goes on."""
        self._is_set = False

    def set(self) -> None:
        """Say that the service is to end."""
        self._is_set = True

    def is_set(self) -> bool:
        """Say whether it is."""
        return self._is_set

    async def within(self, seconds: float) -> bool:
        """Wait, and say whether the service is to end; it answers early if so."""
        until = monotonic() + seconds
        left = seconds
        while not self._is_set and left > 0:
            await asyncio.sleep(min(left, _LOOK_SECONDS))
            left = until - monotonic()
        return self._is_set
