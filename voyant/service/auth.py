"""Who asks, for which tenant, and may they?"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from voyant.service.keys import KeyStore, Role, check_key
from voyant.service.problems import Problem

__all__ = ["Admin", "Analyst", "Caller", "Viewer", "authenticate", "caller_of", "needs"]

_SCHEME: Final = "bearer "
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="voyant"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Attributes:
        tenant_id: Whose jobs, tables and baselines they see, and no others.
        key_id: The key they use; what jobs and the audit log call them.
        role: What they may do.
    """

    tenant_id: str
    key_id: str
    role: Role


async def authenticate(request: Request, text: str) -> Caller:
    """Return who a key's text belongs to, and remember it with the request.

    Args:
        request: Of the service's application.
        text: The whole key.

    Raises:
        Problem: It is no valid key.
    """
    store: KeyStore = request.app.state.keys
    key = await run_in_threadpool(check_key, store, text)
    if key is None:
        raise Problem("unauthenticated", "The API key is not valid.", headers=_CHALLENGE)
    caller = Caller(tenant_id=key.tenant_id, key_id=key.key_id, role=key.role)
    request.state.caller = caller
    return caller


async def caller_of(request: Request) -> Caller:
    """Return who sent a request with `Authorization: Bearer voyant_...`; nothing else counts.

    No cookie is looked at: another site's page cannot make a browser ask in its user's name.

    Raises:
        Problem: No key, more than one, or none that is valid.
    """
    known = getattr(request.state, "caller", None)
    if isinstance(known, Caller):
        return known
    given = request.headers.getlist("authorization")
    if len(given) != 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
        raise Problem(
            "unauthenticated",
            "Send the key as 'Authorization: Bearer voyant_...'.",
            headers=_CHALLENGE,
        )
    return await authenticate(request, given[0][len(_SCHEME) :].strip(" "))


def needs(role: Role) -> Callable[[Caller], Coroutine[None, None, Caller]]:
    """Return a dependency that gives the caller if their role includes one."""

    async def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.role.includes(role):
            raise Problem(
                "forbidden",
                f"This needs the role {role.value!r}; this key is {caller.role.value!r}.",
            )
        return caller

    return check


Viewer = Annotated[Caller, Depends(needs(Role.VIEWER))]
Analyst = Annotated[Caller, Depends(needs(Role.ANALYST))]
Admin = Annotated[Caller, Depends(needs(Role.ADMIN))]
