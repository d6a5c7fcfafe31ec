"""How does a notebook or a program point Voyant at tables, and read what came of it?"""

from __future__ import annotations

import atexit
import html
import re
import shutil
import tempfile
import webbrowser
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel

from voyant.artifacts.drift import DriftArtifact
from voyant.artifacts.kpis import KpiResult, KpisArtifact
from voyant.artifacts.manifest import Manifest
from voyant.artifacts.profile import ProfileArtifact, TableProfile
from voyant.artifacts.quality import QualityArtifact
from voyant.artifacts.sufficiency import SufficiencyArtifact
from voyant.core.config import Settings
from voyant.core.errors import ArtifactError, ConfigurationError, UnknownTableError
from voyant.jobs.finding import find_page
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import JobResult, run_job

__all__ = ["Analysis", "analyze"]

_FRAME_HEIGHT: Final = 780
#: A link to another file of the job: in a notebook it would lead nowhere.
_FILE_LINK: Final = re.compile(r'<a href="[^#"][^"]*"[^>]*>(.*?)</a>', re.DOTALL)

_M = TypeVar("_M", bound=BaseModel)


def analyze(  # noqa: PLR0913 - what a job can be asked, each by its name
    tables: Mapping[str, object] | None = None,
    /,
    *,
    kpis: Sequence[Mapping[str, Any]] | Mapping[str, str] | None = None,
    reference: Mapping[str, object] | None = None,
    contracts: Sequence[str | Path] = (),
    where: Mapping[str, str] | None = None,
    sample: Mapping[str, int | str] | None = None,
    out: str | Path | None = None,
    job_id: str | None = None,
    tenant_id: str | None = None,
    as_of: datetime | str | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    flags: Mapping[str, bool] | None = None,
    settings: Settings | None = None,
    **named_tables: object,
) -> Analysis:
    """Run the generators over tables and return what they found.

    A table is a path, glob, folder or list of paths, a DuckDB relation, or anything with Arrow's
    stream interface: an Arrow table, a pandas or Polars frame.

    Args:
        tables: Tables by name, for names that are no Python names or are taken by an option.
        kpis: KPI definitions, or just name -> SQL; the settings' when None.
        reference: Earlier states of tables to compare them with, by the table's name; the others
            are compared with their baselines.
        contracts: Open Data Contract Standard files that the tables are held against.
        where: Conditions on tables' rows, in SQL: `{"orders": "region = 'EU'"}`.
        sample: Rows to take of tables, or a share: `{"orders": 100_000, "visits": "1%"}`.
        out: Folder that the job's folder is made in; a temporary one, kept until Python ends, when
            None.
        job_id: Name of the job's folder; made from the time when None.
        tenant_id: Whose job it is; the settings' when None.
        as_of: The moment ages are counted from; now when None.
        only: The only generators to run, if any.
        skip: Generators not to run.
        flags: Feature flags of this run; they can only turn generators off.
        settings: Settings; those of the environment and `voyant.toml` when None.
        named_tables: Tables by name: `orders="orders.csv"`.

    Returns:
        The analysis, also when a generator failed: see `success` and `failures`.

    Raises:
        ConfigurationError: No table, a table named twice, or an option that cannot be used.
    """
    given = dict(tables or {})
    for name in given.keys() & named_tables.keys():
        raise ConfigurationError(
            f"The table {name!r} was given twice.", remedy="Give one of them another name."
        )
    sources = {**given, **named_tables}
    if not sources:
        raise ConfigurationError(
            "No table was given.", remedy='Name at least one: analyze(orders="orders.csv").'
        )
    definitions = (
        [{"name": name, "sql": sql} for name, sql in kpis.items()]
        if isinstance(kpis, Mapping)
        else kpis
    )
    request = JobRequest(
        sources=sources,
        reference=dict(reference or {}),
        contracts=contracts,
        where=[f"{table}={condition}" for table, condition in (where or {}).items()],
        sample=[f"{table}={size}" for table, size in (sample or {}).items()],
        kpis=definitions,
        flags=dict(flags or {}),
        tenant_id=tenant_id,
        job_id=job_id,
        only=only,
        skip=skip,
        artifacts_root=_session_folder() if out is None else out,
        as_of=as_of,
    )
    return Analysis(run_job(request, settings))


class Analysis:
    """What one run found. In a notebook it shows its report."""

    def __init__(self, job: JobResult) -> None:
        """Read a finished job."""
        self._job = job
        self._read: dict[str, BaseModel] = {}

    @property
    def success(self) -> bool:
        """Whether no core generator failed."""
        return self._job.manifest.success

    @property
    def failures(self) -> dict[str, str]:
        """The generators that failed, each with what went wrong."""
        return {step.name: step.error for step in self._job.result.results if step.error}

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._job.folder

    @property
    def manifest(self) -> Manifest:
        """The account of the run, as in `manifest.json`."""
        return self._job.manifest

    @property
    def artifacts(self) -> dict[str, Path]:
        """The files that generators made, by artifact key."""
        return {key: Path(path) for key, path in self._job.result.artifacts.items()}

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(self._job.manifest.tables)

    def profile(self, table: str | None = None) -> TableProfile:
        """Return what is in a table.

        Args:
            table: Its name; may be left out where there is only one.

        Raises:
            UnknownTableError: There is no such table, or several and none was named.
            ArtifactError: This run made no profile.
        """
        profiles = self._artifact("profile", ProfileArtifact).tables
        if table is None and len(profiles) == 1:
            return next(iter(profiles.values()))
        if table not in profiles:
            raise UnknownTableError("" if table is None else table, profiles)
        return profiles[table]

    @property
    def kpis(self) -> dict[str, KpiResult]:
        """The KPIs by name."""
        return {kpi.name: kpi for kpi in self._artifact("kpis", KpisArtifact).kpis}

    @property
    def sufficiency(self) -> SufficiencyArtifact:
        """How fit the tables are for analysis."""
        return self._artifact("sufficiency", SufficiencyArtifact)

    @property
    def quality(self) -> QualityArtifact:
        """What was checked, and what failed."""
        return self._artifact("quality", QualityArtifact)

    @property
    def drift(self) -> DriftArtifact:
        """What has moved since the baseline."""
        return self._artifact("drift", DriftArtifact)

    @property
    def narrative(self) -> str:
        """What an analyst would say first, as Markdown."""
        return self._path("narrative_md").read_text(encoding="utf-8")

    @property
    def page(self) -> Path:
        """The page to open.

        Raises:
            FolderError: This run made none.
        """
        return find_page(self.folder)

    def open(self) -> None:
        """Show the page in the browser."""
        webbrowser.open(self.page.as_uri())

    def __repr__(self) -> str:
        state = "finished" if self.success else f"stopped at {self._job.manifest.failed_core!r}"
        return f"<Analysis of {', '.join(self.tables) or 'no tables'}: {state}, {self.folder}>"

    def _repr_html_(self) -> str:
        """Show the report in a frame that reaches nothing outside itself."""
        report = self.artifacts.get("report")
        if report is None or not report.is_file():
            return f"<p>{html.escape(repr(self))}</p>"
        page = _FILE_LINK.sub(r"\1", report.read_text(encoding="utf-8"))
        return (
            f'<iframe title="Voyant report" sandbox="allow-scripts" width="100%" '
            f'height="{_FRAME_HEIGHT}" style="border: 1px solid #8884; border-radius: 4px" '
            f'srcdoc="{html.escape(page)}"></iframe>'
        )

    def _path(self, key: str) -> Path:
        try:
            return self.artifacts[key]
        except KeyError:
            raise ArtifactError(
                f"This run made no {key!r}{self._reason(key)}.",
                remedy=f"It made: {', '.join(sorted(self.artifacts)) or 'nothing'}.",
            ) from None

    def _reason(self, key: str) -> str:
        """Say what became of the generator that an artifact belongs to."""
        name = {"kpis": "kpi", "narrative_md": "narrative"}.get(key, key)
        if name in self.failures:
            return f": {name} failed, {self.failures[name]}".rstrip(".")
        skipped = self._job.result.skipped.get(name)
        return f": {name} was skipped, {skipped}" if skipped else ""

    def _artifact(self, key: str, model: type[_M]) -> _M:
        if key not in self._read:
            self._read[key] = model.model_validate_json(self._path(key).read_bytes())
        return cast("_M", self._read[key])


@cache
def _session_folder() -> str:
    """Make the folder for this session's jobs; it goes when Python ends."""
    folder = tempfile.mkdtemp(prefix="voyant-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
