"""`voyant keys`: who may use the service, for which tenant, and how is that taken back?"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug

if TYPE_CHECKING:
    from voyant.jobs.durable.database import Database
    from voyant.service.keys import ApiKey

__all__ = ["app"]

app = typer.Typer(
    help="Make, list and revoke the service's API keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback()
def _keys() -> None:
    """Make, list and revoke the service's API keys."""


@app.command("create")
def create(
    *,
    tenant: Annotated[str, typer.Option(help="Whose jobs and tables the key is for.")],
    role: Annotated[str, typer.Option(metavar="viewer|analyst|admin", help="What the key may do.")],
    name: Annotated[str, typer.Option(help="What to call the key in lists.")] = "",
    config: ConfigFile = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Make a key and print it; it is kept nowhere and cannot be shown again."""
    from datetime import UTC, datetime

    from voyant.artifacts.names import check_name
    from voyant.cli.show import print_json, print_line
    from voyant.core.errors import ConfigurationError, did_you_mean

    with _database(config) as database:
        from voyant.service.audit import AuditLog
        from voyant.service.key_store import DatabaseKeys
        from voyant.service.keys import Role, make_key

        if role not in set(Role):
            raise ConfigurationError(f"There is no role {role!r}.", remedy=did_you_mean(role, Role))
        check_name("tenant", tenant)
        new, stored = make_key(tenant, Role(role), name, datetime.now(UTC))
        DatabaseKeys(database).add(stored)
        AuditLog(database).add(
            action="keys create",
            outcome="done",
            tenant_id=tenant,
            key_id="operator",
            target=new.key.key_id,
        )
    text = new.text.get_secret_value()
    if json:
        print_json({**_facts(new.key), "key": text})
    else:
        print_line(text)


@app.command("list")
def list_keys(
    *,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    config: ConfigFile = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """List the keys: whose they are, what they may do, whether they still count."""
    from voyant.cli.show import print_json, print_line, print_table

    with _database(config) as database:
        from voyant.service.key_store import DatabaseKeys

        found = [_facts(key) for key in DatabaseKeys(database).all(tenant)]
    if json:
        print_json(found)
    elif found:
        headings = ("key_id", "tenant", "role", "name", "created", "revoked")
        print_table(headings, [[fact or "" for fact in facts.values()] for facts in found])
    else:
        print_line("There is no key; make one with `voyant keys create`.")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `voyant keys list` shows it.")],
    *,
    config: ConfigFile = None,
    _debug: Debug = False,
) -> None:
    """Let a key be of no use from now on."""
    from datetime import UTC, datetime

    from voyant.cli.show import print_line
    from voyant.core.errors import ConfigurationError, did_you_mean

    with _database(config) as database:
        from voyant.service.audit import AuditLog
        from voyant.service.key_store import DatabaseKeys

        keys = DatabaseKeys(database)
        key = keys.revoke(key_id, datetime.now(UTC))
        if key is None:
            raise ConfigurationError(
                f"There is no key {key_id!r}.",
                remedy=did_you_mean(key_id, [known.key_id for known in keys.all()]),
            )
        AuditLog(database).add(
            action="keys revoke",
            outcome="done",
            tenant_id=key.tenant_id,
            key_id="operator",
            target=key.key_id,
        )
    print_line(f"Revoked: {key.key_id}, {key.role} of {key.tenant_id}")


@contextmanager
def _database(config: str | None) -> Generator[Database]:
    from voyant.cli.serve import needs_service
    from voyant.core.config import load_settings

    with needs_service():
        from voyant.jobs.durable.database import database_url, open_database
    database = open_database(database_url(load_settings(config)))
    try:
        yield database
    finally:
        database.close()


def _facts(key: ApiKey) -> dict[str, str | None]:
    revoked = key.revoked_at
    return {
        "key_id": key.key_id,
        "tenant": key.tenant_id,
        "role": key.role.value,
        "name": key.name,
        "created": key.created_at.isoformat(timespec="seconds"),
        "revoked": None if revoked is None else revoked.isoformat(timespec="seconds"),
    }
