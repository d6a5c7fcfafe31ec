"""Whose query runs next? Each tenant has a turn at a time, and nobody holds a thread to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from voyant.mcp.desk import RefusedError

__all__ = ["Turns"]

_QUERIES: Final = 2
_QUERIES_OF_TENANT: Final = 1
_PATIENCE_SECONDS: Final = 60.0


class Turns:
    """Lets so many queries run at the same time; for one event loop."""

    def __init__(
        self,
        *,
        of_all: int = _QUERIES,
        of_tenant: int = _QUERIES_OF_TENANT,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """Begin with none.

        Args:
            of_all: Queries of all tenants that run at the same time; fewer than this of one
                tenant, or it can keep the others waiting.
            of_tenant: Queries of one tenant.
            patience_seconds: How long a query waits until it is refused.
        """
        self._all, self._of_tenant = asyncio.Semaphore(of_all), of_tenant
        self._patience_seconds = patience_seconds
        self._tenants: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, tenant_id: str) -> AsyncGenerator[None]:
        """Wait for a turn, and have it while the context lasts.

        Of the turns there are, the tenant that has waited longest gets the next: each stands in
        that line with no more queries than it may run, whatever else it asks.

        Raises:
            RefusedError: There was none in time.
        """
        mine = self._tenants.setdefault(tenant_id, asyncio.Semaphore(self._of_tenant))
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await stack.enter_async_context(mine)
                    await stack.enter_async_context(self._all)
            except TimeoutError:
                raise RefusedError(
                    "Too many queries are running.", remedy="Ask again in a minute."
                ) from None
            yield
