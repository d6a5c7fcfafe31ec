"""How do settings and a job get from one process to the next?

As one line of JSON through a pipe: not in arguments or variables, which other users of the machine
may read. A process reads the environment and the files itself, and takes over only what differs.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, SecretStr

from voyant.core.config import Settings, get_settings, load_settings
from voyant.jobs.durable.model import JobSpec

__all__ = ["Assignment", "settings_from", "settings_to"]


class Assignment(BaseModel):
    """What a job's process is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: dict[str, Any]
    spec: JobSpec
    tenant_id: str
    job_id: str
    tenant_root: str
    artifacts_root: str
    """The attempt's own root."""
    earlier: str | None
    """Folder of the attempt before, if it got somewhere."""
    scratch: str
    """Folder for temporary files; it goes with the process."""
    max_rows: int | None
    memory_bytes: int | None
    traceparent: str | None
    """The span that the job's spans belong in."""
    request_id: str | None
    """The request in which it was asked for."""
    alive_until: float
    """By `elapsed_seconds`; moved on by every further line."""


def settings_to(settings: Settings, *, with_database: bool) -> dict[str, Any]:
    """Return settings as JSON can hold them, passwords in the clear.

    Args:
        settings: What to hand over.
        with_database: Whether the service's database goes with them: a job's process needs none.
    """
    values = settings.model_dump(mode="json")
    for name in type(settings).model_fields:
        values[name] = _in_the_clear(getattr(settings, name), values[name])
    if not with_database:
        values["database_url"] = None
    return values


def _in_the_clear(value: object, dumped: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict) and isinstance(dumped, dict):
        known = cast("dict[str, object]", dumped)
        items = cast("dict[str, object]", value).items()
        return {name: _in_the_clear(item, known[name]) for name, item in items}
    return dumped


def settings_from(values: dict[str, Any]) -> Settings:
    """Return the settings that another process has handed over.

    Where this process finds the same in its environment and files, they stay the source.

    Raises:
        ConfigurationError: Something in any source that cannot be used.
    """
    mine = settings_to(get_settings(), with_database=True)
    differing = {name: value for name, value in values.items() if value != mine.get(name)}
    return load_settings(**differing) if differing else get_settings()
