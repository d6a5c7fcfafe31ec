"""How many requests of one kind are answered at the same time: a tenant's, and all together?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from voyant.service.problems import Problem

__all__ = ["Slots"]

_RETRY_SECONDS: Final = 5


class Slots:
    """Counts what is being answered; for one event loop, so nothing needs a lock."""

    def __init__(self, *, of_tenant: int, of_all: int | None = None, doing: str) -> None:
        """Begin with nothing taken.

        Args:
            of_tenant: How many one tenant may have.
            of_all: How many there may be of all tenants together; None for any number.
            doing: What a request does that has one, for the tenant to read.
        """
        self._of_tenant, self._of_all, self._doing = of_tenant, of_all, doing
        self._taken = Counter[str]()

    @property
    def taken(self) -> int:
        """How many are taken now, of all tenants together."""
        return self._taken.total()

    @contextmanager
    def take(self, tenant_id: str) -> Generator[None]:
        """Have one while the context lasts.

        Raises:
            Problem: `too-many-requests`: as many are taken as there may be. Nobody waits here.
        """
        if self._taken[tenant_id] >= self._of_tenant:
            raise self._problem(f"The tenant has {self._of_tenant} requests that {self._doing}.")
        if self._of_all is not None and self.taken >= self._of_all:
            raise self._problem(f"All tenants have {self._of_all} requests that {self._doing}.")
        self._taken[tenant_id] += 1
        try:
            yield
        finally:
            self._taken[tenant_id] -= 1
            if not self._taken[tenant_id]:
                del self._taken[tenant_id]

    @staticmethod
    def _problem(detail: str) -> Problem:
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        return Problem("too-many-requests", detail, headers=headers)
