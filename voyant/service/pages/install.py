"""How do the pages join the service's application?"""

from __future__ import annotations

from fastapi import FastAPI

from voyant.core.config import Settings
from voyant.service.keys import KeyStore
from voyant.service.pages import (
    generators,
    jobs,
    kpis,
    new_job,
    schedules,
    sign_in,
    tables,
)
from voyant.service.pages.sessions import open_sessions

__all__ = ["install_pages"]


def install_pages(app: FastAPI) -> None:
    """Add the pages to an application whose `state` has its `settings` and `keys`.

    Raises:
        FolderError: The secret of sessions cannot be used.
    """
    settings: Settings = app.state.settings
    keys: KeyStore = app.state.keys
    app.state.sessions = open_sessions(keys, settings.artifacts_root)
    for module in (sign_in, new_job, jobs, tables, kpis, schedules, generators):
        app.include_router(module.router)
