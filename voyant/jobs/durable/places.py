"""Where do the files of a tenant, and of one of its jobs, live?

<artifacts_root>/.voyant/            the service's own: its database, if that is SQLite
<artifacts_root>/<tenant>/<job>/     one job's artifacts
<artifacts_root>/<tenant>/.voyant/   the tenant's baselines and KPI history
<artifacts_root>/<tenant>/.uploads/  the tables it has uploaded
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from voyant.artifacts.names import check_name
from voyant.core.config import Settings

__all__ = ["UPLOAD_PREFIX", "job_folder", "tenant_root", "upload_path", "uploads_folder"]

#: How a job's sources name an uploaded table.
UPLOAD_PREFIX: Final = "upload:"
_UPLOADS: Final = ".uploads"


def tenant_root(settings: Settings, tenant_id: str) -> Path:
    """Return the artifact root of a tenant; it need not exist yet.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    return Path(settings.artifacts_root).absolute() / check_name("tenant", tenant_id)


def job_folder(settings: Settings, tenant_id: str, job_id: str) -> Path:
    """Return the folder of a job's artifacts; it need not exist yet.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    return tenant_root(settings, tenant_id) / check_name("job", job_id)


def uploads_folder(settings: Settings, tenant_id: str) -> Path:
    """Return the folder of a tenant's uploaded tables; it need not exist yet.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    return tenant_root(settings, tenant_id) / _UPLOADS


def upload_path(settings: Settings, tenant_id: str, name: str) -> Path:
    """Return the file of an uploaded table, `upload:` in front of its name or not.

    Raises:
        UnsafeNameError: A name that could lead outside.
    """
    name = name.removeprefix(UPLOAD_PREFIX)
    return uploads_folder(settings, tenant_id) / check_name("artifact", name)
