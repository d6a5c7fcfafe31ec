"""`voyant baseline`: what are tables compared with, and how is that changed?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from voyant.cli.config import ConfigFile
from voyant.cli.exits import Debug

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from voyant.artifacts.baselines import BaselineStore

__all__ = ["app"]

app = typer.Typer(
    help="See and choose what tables are compared with.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Folder that job folders are made in.")
]
Tenant = Annotated[str | None, typer.Option(help="Whose baselines.")]
Table = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only this table; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback()
def _baseline() -> None:
    """See and choose what tables are compared with."""


@app.command("list")
def list_baselines(
    *,
    out: Out = None,
    tenant: Tenant = None,
    config: ConfigFile = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """List the tables that have a baseline, and the job it comes from."""
    from voyant.cli.show import print_json, print_line, print_table

    with _opened(out, tenant, config) as store:
        baselines = store.all()
    rows = [
        (b.table, b.job_id, b.stored_at.isoformat(timespec="seconds"), b.profile.row_count)
        for b in baselines
    ]
    if json:
        print_json(
            [
                {"table": table, "job_id": job, "stored_at": moment, "row_count": count}
                for table, job, moment, count in rows
            ]
        )
    elif rows:
        print_table(
            ("table", "job", "stored", "rows"),
            [(table, job, moment, str(count)) for table, job, moment, count in rows],
        )
    else:
        print_line("There is no baseline; the next job that finishes makes one for each table.")


@app.command("show")
def show(
    table: Annotated[str, typer.Argument(help="The table.")],
    *,
    out: Out = None,
    tenant: Tenant = None,
    config: ConfigFile = None,
    json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Show what is stored of a table."""
    from voyant.cli.show import print_json, print_line, print_table
    from voyant.core.errors import ConfigurationError, did_you_mean

    with _opened(out, tenant, config) as store:
        baseline = store.load(table)
        if baseline is None:
            raise ConfigurationError(
                f"The table {table!r} has no baseline.",
                remedy=did_you_mean(table, [b.table for b in store.all()]),
            )
    if json:
        print_json(baseline.model_dump(mode="json"))
        return
    print_line(
        f"{table}: {baseline.profile.row_count} rows, from job {baseline.job_id}, "
        f"stored {baseline.stored_at.isoformat(timespec='seconds')}"
    )
    print_table(
        ("column", "type", "rows with a value", "null", "values"),
        [
            (
                name,
                column.type,
                str(column.count),
                str(column.null_count),
                column.no_values_because if column.values is None else str(len(column.values)),
            )
            for name, column in baseline.profile.columns.items()
        ],
    )


@app.command("set")
def set_baseline(
    job: Annotated[str, typer.Argument(help="A finished job.")],
    *,
    table: Table = None,
    out: Out = None,
    tenant: Tenant = None,
    config: ConfigFile = None,
    _debug: Debug = False,
) -> None:
    """Compare with a finished job's tables from now on."""
    from datetime import UTC, datetime

    from voyant.cli.show import print_line

    with _opened(out, tenant, config, job) as store:
        moved = store.set_from_job(job, datetime.now(UTC), table)
    print_line(f"Compared with job {job} from now on: {', '.join(moved)}")


@app.command("clear")
def clear(
    *,
    table: Table = None,
    out: Out = None,
    tenant: Tenant = None,
    config: ConfigFile = None,
    _debug: Debug = False,
) -> None:
    """Forget baselines; the next job that finishes makes new ones."""
    from voyant.cli.show import print_line

    with _opened(out, tenant, config) as store:
        cleared = store.clear(table)
    print_line(f"Forgotten: {', '.join(cleared)}" if cleared else "There was none to forget.")


def _opened(
    out: str | None, tenant: str | None, config: str | None, job: str | None = None
) -> AbstractContextManager[BaselineStore]:
    from voyant.core.config import load_settings
    from voyant.jobs.staging import opened_baselines

    settings = load_settings(config)
    return opened_baselines(
        out or settings.artifacts_root, tenant or settings.tenant_id, settings, job
    )
