"""What can be set, where each value came from, and what a wrong one should have been.

A value is looked for in this order: an argument, a `VOYANT_*` environment variable, `.env`,
`voyant.toml` (or the file that `VOYANT_CONFIG` names), the default.
"""

from __future__ import annotations

import os
import re
import tomllib
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.core.gates import FOLLOWED_FLAGS
from voyant.core.lookup import FlagSource

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DriftRule", "Settings", "get_settings", "load_settings", "redact_url"]

_PREFIX = "VOYANT_"
_DEFAULT_FILE = "voyant.toml"
#: Tables that are merged over all sources, and how deep: a switch must not get lost.
_MERGED = {"flags": 1, "generators": 2}


@dataclass(slots=True)
class _Reading:
    """What one reading of all sources is told, and what it finds out on the way."""

    file: Path | None
    #: Field, or `flags.<flag>` -> the first source that set it.
    sources: dict[str, str] = field(default_factory=dict[str, str])
    #: Everything in `.env`, names in lower case: third-party flags are not fields.
    dotenv: dict[str, str | None] = field(default_factory=dict[str, str | None])


#: pydantic-settings builds its sources in a class method; this is how they know for whom.
_reading: ContextVar[_Reading] = ContextVar("voyant_reading")


class DriftRule(BaseModel):
    """How one column's drift is judged, where the defaults do not fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: (
        Literal[
            "wasserstein_normed",
            "js_distance",
            "psi",
            "ks_statistic",
            "pattern_js_distance",
            "length_change",
            "none",
        ]
        | None
    ) = None
    """The measure that decides; `none` leaves the column out of the verdict."""
    threshold: float | None = Field(default=None, gt=0)
    """Drifted from here on."""


class Settings(BaseSettings, FlagSource):
    """Everything an operator can set: each field is `VOYANT_<FIELD>` and a key of `voyant.toml`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
    )

    enable_quality: bool = True
    """Run the quality generator."""
    enable_drift: bool = True
    """Run the drift generator; follows `enable_quality` when not set itself."""
    enable_charts: bool = True
    """Run the charts generator."""
    enable_narrative: bool = True
    """Run the narrative generator."""
    enable_report: bool = True
    """Run the report generator, which writes `index.html`."""
    flags: dict[str, bool] = Field(default_factory=dict[str, bool])
    """Flags of other people's generators; each also works as `VOYANT_<FLAG>`."""

    generators: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """Options by generator: `[generators.charts]` with `enabled`, `order`, `core`,
    `timeout_seconds`, `isolation`, `memory_limit` and the generator's own parameters."""
    plugins: bool = True
    """Look for other people's generators: installed packages and the folders of `plugin_path`."""
    plugin_path: str = ""
    """Folders of plugin files (`*.py`), separated as in `PATH`."""
    plugins_allow: Annotated[list[str], NoDecode] = Field(default_factory=list[str])
    """If any, the only plugins that are loaded, by name; commas separate them in the
    environment."""
    plugins_deny: Annotated[list[str], NoDecode] = Field(default_factory=list[str])
    """Plugins that are not loaded, by name."""
    run_timeout_seconds: float | None = Field(default=None, gt=0)
    """Time a whole run may take; what has not run by then is skipped."""

    observers: Annotated[list[str], NoDecode] = Field(default_factory=list[str])
    """Who else is told of each run: `otel`, `prometheus`, or a plugin's observer."""
    events_path: str | None = None
    """File that each run's events are appended to, a JSON object a line."""
    metrics_path: str | None = None
    """File that Prometheus metrics are written to after each run."""
    openlineage_url: str | None = None
    """Where OpenLineage events go: `https://server/api/v1/lineage`, or `file:///folder/events.jsonl`."""
    openlineage_namespace: str = "voyant"
    """Namespace of the jobs in OpenLineage events."""

    artifacts_root: str = "artifacts"
    """Folder that job folders are written to; may be in object storage: `s3://bucket/prefix`."""
    s3_access_key_id: SecretStr | None = None
    """Key of S3; by default what the SDK's own variables (`AWS_ACCESS_KEY_ID`) and profiles say."""
    s3_secret_access_key: SecretStr | None = None
    """Secret that belongs to the key of S3."""
    s3_session_token: SecretStr | None = None
    """Token of temporary credentials of S3."""
    tenant_id: str = "default"
    """Tenant of a run that names none."""
    warehouse_url: str = "duckdb:///voyant.duckdb"
    """Where tables live when a run names no files: `duckdb:///relative.duckdb`, or an absolute path
    after four slashes; `postgresql://user:password@host/database`."""
    statement_timeout_seconds: float = Field(default=600.0, gt=0)
    """Time one statement may take in a warehouse, where Voyant asks; KPIs have their own limit."""
    tables: dict[str, str] = Field(default_factory=dict[str, str])
    """Tables by name, each a path, a glob or a folder: `orders = "data/orders/*.parquet"`."""
    select: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """Which rows of a table to look at: `[select.orders]` with `where`, `last` and `time_column`,
    `sample`; see docs/how-to/selections.md."""
    max_scan_bytes: ByteSize | None = Field(default=None, gt=0)
    """A table whose full scan would read more is refused, unless its rows are selected: `10GB`."""
    kpis: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    """KPI definitions: `name`, `sql` and optionally `unit`, `format`, `direction`, `target` ..."""

    threads: int | None = Field(default=None, ge=1)
    """Threads the engine may use; all cores by default."""
    memory_limit: ByteSize | None = Field(default=None, gt=0)
    """Memory the engine may use before it spills to disk, `2GB`; by default 80 % of all."""
    temp_directory: str | None = None
    """Folder for scratch and spill files; the system's by default."""

    query_timeout_seconds: float = Field(default=30.0, gt=0)
    """Time one KPI may take."""
    query_max_rows: int = Field(default=1_000, ge=1)
    """Rows of a KPI's result that are kept."""
    query_memory_limit: ByteSize = Field(default=ByteSize(1024**3), gt=0)
    """Memory the process that runs KPIs may use."""
    query_threads: int = Field(default=1, ge=1)
    """Threads one KPI may use; more may vary last digits and the order of unordered rows."""
    mask_personal_data: bool = True
    """Mask KPI values that look like e-mail addresses, card or social-security numbers."""

    key_pair_budget: int = Field(default=8, ge=0)
    """Pairs of columns per table that are checked as candidate keys."""
    correlation_pair_cap: int = Field(default=200, ge=0)
    """Pairs of columns per table and method whose correlation is computed."""
    spearman_sample_rows: int = Field(default=10_000, ge=100)
    """Tables with more rows get their rank correlations from an even sample of so many rows."""
    sufficiency_target_rows: int = Field(default=10_000, ge=2)
    """Rows at which a table's volume counts as full."""
    freshness_half_life_days: float = Field(default=30.0, gt=0)
    """Age of the newest event at which freshness has fallen to one half."""

    quality: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Checks: thresholds, exceptions, rules, contracts; see docs/reference/checks.md."""

    baseline: Literal["pinned", "previous"] = "pinned"
    """What tables are compared with: the profile they had at first (or that was set since), or the
    one of the job before."""
    drift_wasserstein_threshold: float = Field(default=0.1, gt=0)
    """Numbers and dates have drifted when they moved by so many standard deviations on average."""
    drift_js_threshold: float = Field(default=0.1, gt=0)
    """Categories have drifted from this Jensen-Shannon distance on, text by its shapes."""
    drift_psi_threshold: float = Field(default=0.2, gt=0)
    """Population stability index from which a column has drifted, where a rule chooses it."""
    drift_null_threshold: float = Field(default=0.1, gt=0, le=1)
    """Change of the share of nulls from which a column has drifted."""
    drift_volume_threshold: float = Field(default=0.5, gt=0)
    """Change of the number of rows, as a share, from which a table has drifted."""
    drift_table_threshold: float = Field(default=0.5, gt=0, le=1)
    """Share of drifted columns from which a table has drifted."""
    drift_min_rows: int = Field(default=30, ge=2)
    """With fewer rows that hold a value, on either side, a column is not assessed."""
    drift_columns: dict[str, DriftRule] = Field(default_factory=dict[str, DriftRule])
    """Rules for single columns: `"flights.dep_delay" = { measure = "psi", threshold = 0.25 }`."""

    max_charts: int = Field(default=6, ge=0)
    """Charts of what stands out in the tables, beside those of the KPIs."""
    chart_png: bool = False
    """Write each chart as PNG too."""

    database_url: SecretStr | None = None
    """Where the service keeps its jobs: `postgresql://user:password@host/name` or
    `sqlite:///file`; a SQLite file below `artifacts_root` by default."""
    warehouses: dict[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """URLs of the warehouses that jobs of the service may name."""
    workers: int = Field(default=1, ge=0)
    """Worker processes that `voyant serve` starts; each runs one job at a time."""
    worker_lease_seconds: float = Field(default=20.0, ge=1, le=60)
    """A worker that has not been heard of for so long is dead, and its job goes to another."""
    worker_memory_limit: ByteSize | None = Field(default=None, gt=0)
    """Memory one job's process may use; no limit by default."""
    job_max_attempts: int = Field(default=5, ge=1)
    """How often a job is started before it fails because its workers keep dying."""
    job_timeout_seconds: float = Field(default=3_600.0, gt=0)
    """Time one job of the service may take."""
    tenant_max_running: int = Field(default=4, ge=1)
    """Jobs of one tenant that run at the same time."""
    tenant_max_queued: int = Field(default=1_000, ge=1)
    """Jobs of one tenant that wait; more are refused."""
    tenant_max_rows: int | None = Field(default=None, ge=1)
    """Rows that the tables of one job of the service may have together."""
    tenant_max_bytes: ByteSize | None = Field(default=None, gt=0)
    """Bytes that the artifacts of one tenant may take; further jobs are refused."""
    retention_days: float | None = Field(default=None, gt=0)
    """Jobs of the service that ended longer ago are removed."""
    retention_jobs: int | None = Field(default=None, ge=1)
    """Ended jobs of a tenant that are kept; the oldest beyond are removed."""

    service_host: str = "127.0.0.1"
    """Address that `voyant serve` listens at; other machines reach it only where this says so."""
    service_port: int = Field(default=8350, ge=0, le=65_535)
    """Port that `voyant serve` listens at; 0 for one that is free."""
    service_allowed_hosts: Annotated[list[str], NoDecode] = Field(default_factory=list[str])
    """Names that requests may call the service by, beside `localhost` and plain addresses."""
    service_allowed_sources: Annotated[list[str], NoDecode] = Field(default_factory=list[str])
    """Folders and URLs below which requests may name tables; none by default."""
    service_idle_timeout_seconds: float = Field(default=20.0, gt=0)
    """Time a client may take for its request's head, and between two pieces of its body."""
    service_max_body_bytes: ByteSize = Field(default=ByteSize(1024**2), gt=0)
    """Bytes that a request may have, uploads aside."""
    service_starts_without_keys: bool = False
    """Listen to other machines before there is an API key: until then the first page says how to
    make one, and everything else is refused."""
    service_open_metrics: bool = False
    """Answer `/metrics` without a key also where the service listens to other machines."""
    upload_max_bytes: ByteSize = Field(default=ByteSize(1024**3), gt=0)
    """Bytes that one uploaded table may have."""
    upload_max_expanded_bytes: ByteSize = Field(default=ByteSize(8 * 1024**3), gt=0)
    """Bytes that an uploaded table may have once it is unpacked."""
    tenant_max_upload_bytes: ByteSize = Field(default=ByteSize(10 * 1024**3), gt=0)
    """Bytes that one tenant's uploaded tables may have together."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    """Least severity that the command line logs."""

    _sources: dict[str, str] = PrivateAttr(default_factory=dict[str, str])
    _dotenv: dict[str, str | None] = PrivateAttr(default_factory=dict[str, str | None])

    def __init__(self, _config_file: Path | None = None, **values: Any) -> None:  # noqa: ANN401 - pydantic checks each value
        for name in values:
            if name not in type(self).model_fields:
                raise _unknown_key(name, "the arguments", type(self))
        reading = _Reading(_config_file)
        token = _reading.set(reading)
        try:
            super().__init__(**values)
        except (ValidationError, SettingsError, UnicodeDecodeError) as error:
            raise _invalid(error, reading.sources) from None
        finally:
            _reading.reset(token)
        self._sources = reading.sources
        self._dotenv = reading.dotenv
        for flag, followed in FOLLOWED_FLAGS.items():
            if flag not in self._sources:
                object.__setattr__(self, flag, getattr(self, followed))  # the model is frozen

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show every field, and of URLs no password."""
        for name, value in super().__repr_args__():
            yield name, _shown(value) if isinstance(value, str) else value

    @field_validator(
        "plugins_allow",
        "plugins_deny",
        "observers",
        "service_allowed_hosts",
        "service_allowed_sources",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [v.strip() for v in value.split(",") if v.strip()] if isinstance(value, str) else value
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, environment, `.env` and the file, and remember who said what."""
        del file_secret_settings
        toml = _FileSource(settings_cls)
        return (
            _Remembered(settings_cls, init_settings, "argument"),
            _Remembered(settings_cls, env_settings, "environment"),
            _Remembered(settings_cls, dotenv_settings, ".env"),
            _Remembered(settings_cls, toml, toml.path.name),
        )

    def source_of(self, field: str) -> str:
        """Name who set a field: `argument`, `VOYANT_<FIELD>`, `.env`, the file's name, `default`.

        A field that nobody set and that follows another one answers `follows <field>`.
        """
        source = self._sources.get(field)
        if source is None:
            followed = FOLLOWED_FLAGS.get(field)
            return f"follows {followed}" if followed else "default"
        return _variable(field.replace(".", "__")) if source == "environment" else source

    def look_up_flag(self, flag: str) -> tuple[object, str] | None:
        """Return a flag's value and who set it; None for one that nobody set, or that follows.

        In each source a third-party flag's own variable goes before the table `flags`.
        """
        if flag in type(self).model_fields:
            follows = flag in FOLLOWED_FLAGS and flag not in self._sources
            return None if follows else (getattr(self, flag), self.source_of(flag))
        variable, in_table = _variable(flag), self._sources.get(f"flags.{flag}")
        if in_table == "argument":
            return self.flags[flag], "argument"
        if word := os.environ.get(variable):
            return word, variable
        if in_table == "environment":
            return self.flags[flag], _variable("flags")
        if word := self._dotenv.get(variable.lower()):
            return word, ".env"
        return None if in_table is None else (self.flags[flag], in_table)


class _Remembered(PydanticBaseSettingsSource):
    """Pass on what no earlier source has set, and note it, so that each value has one source.

    Left to itself, pydantic-settings would merge tables of different sources.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource, label: str
    ) -> None:
        super().__init__(settings_cls)
        self._source, self._label = source, label

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401 - as inherited
        """Ask the source."""
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """Ask the source and note what it is the first to set."""
        reading = _reading.get()
        if isinstance(self._source, DotEnvSettingsSource):
            reading.dotenv.update(self._source.env_vars)
        values = self._source()
        new: dict[str, Any] = {}
        for name, value in values.items():
            depth = _MERGED.get(name, 0)
            if depth and isinstance(value, dict):
                self._is_first(name)
                new[name] = self._unset(name, cast("dict[str, Any]", value), depth)
            elif self._is_first(name):
                new[name] = value
        return new

    def _unset(self, path: str, table: dict[str, Any], depth: int) -> dict[str, Any]:
        """Return the entries of a table that no earlier source has set."""
        kept: dict[str, Any] = {}
        for key, value in table.items():
            entry = f"{path}.{key}"
            if depth > 1 and isinstance(value, dict):
                self._is_first(entry)
                kept[key] = self._unset(entry, cast("dict[str, Any]", value), depth - 1)
            elif self._is_first(entry):
                kept[key] = value
        return kept

    def _is_first(self, name: str) -> bool:
        return _reading.get().sources.setdefault(name, self._label) == self._label


class _FileSource(PydanticBaseSettingsSource):
    """Read `voyant.toml`, and refuse keys it should not have."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        chosen = _reading.get().file or os.environ.get(_variable("config"))
        self.path, self._is_named = Path(chosen or _DEFAULT_FILE), bool(chosen)

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401 - as inherited
        """Not used: the file is read whole."""
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the file's keys.

        Raises:
            ConfigurationError: A named file that is missing, text that is not TOML, an unknown key.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            if not self._is_named:
                return {}
            raise ConfigurationError(
                f"There is no configuration file {str(self.path)!r}.",
                remedy="Check --config or VOYANT_CONFIG.",
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"The configuration file {str(self.path)!r} cannot be read: {error.strerror}."
            ) from None
        try:
            values = tomllib.loads(content.decode("utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.path} is not valid TOML: {error}.") from None
        for name in values:
            if name not in self.settings_cls.model_fields:
                raise _unknown_key(name, str(self.path), self.settings_cls)
        return values


def get_settings() -> Settings:
    """Return the settings as the environment and the files have them now.

    Reading them all takes milliseconds, so they are read again only when a source has changed.
    """
    global _last_read  # noqa: PLW0603 - one pair, replaced as a whole
    sources, last = _sources_now(), _last_read
    if last is not None and last[0] == sources:
        return last[1]
    settings = Settings()
    _last_read = (sources, settings)
    return settings


def _sources_now() -> tuple[object, ...]:
    """Return what tells whether the environment or a file is another than before."""
    variables = tuple(item for item in os.environ.items() if item[0].upper().startswith(_PREFIX))
    chosen = os.environ.get(_variable("config")) or _DEFAULT_FILE
    return variables, _file_now(".env"), _file_now(chosen)


def _file_now(name: str) -> tuple[object, ...]:
    try:
        path = Path(name).absolute()  # the current folder may be gone, too
        found = path.stat()
    except OSError:
        return (name,)
    return path, found.st_mtime_ns, found.st_size, found.st_ino


#: The sources as they were when the settings were last read, and what was read.
_last_read: tuple[tuple[object, ...], Settings] | None = None


def load_settings(config_file: str | Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401
    """Return settings from a chosen file, with arguments that win over every other source.

    Args:
        config_file: A TOML file; `VOYANT_CONFIG`, then `voyant.toml` in this folder, when None.
        **overrides: Fields of `Settings`.

    Raises:
        ConfigurationError: Something in any source that cannot be used.
    """
    return Settings(None if config_file is None else Path(config_file), **overrides)


def redact_url(url: str) -> str:
    """Hide the password of a URL, its query, and the options behind a semicolon.

    >>> redact_url("postgresql://ann:secret@db/shop?sslkey=x")
    'postgresql://ann:***@db/shop?***'
    >>> redact_url("sc://spark:15002/;token=secret")
    'sc://spark:15002/;***'
    """
    hidden = re.sub(r"(?<=://)([^/@:]*):.*@", r"\1:***@", url)  # to the last @: better too much
    return re.sub(r"(://[^\s;]*;)\S*", r"\1***", re.sub(r"\?.*", "?***", hidden))


def _variable(field: str) -> str:
    return f"{_PREFIX}{field.upper()}"


def _unknown_key(name: str, where: str, settings_cls: type[BaseSettings]) -> ConfigurationError:
    return ConfigurationError(
        f"Unknown setting {name!r} in {where}.",
        remedy=did_you_mean(name, settings_cls.model_fields),
    )


def _invalid(
    error: ValidationError | SettingsError | UnicodeDecodeError, sources: dict[str, str]
) -> ConfigurationError:
    if isinstance(error, UnicodeDecodeError):
        return ConfigurationError(".env is not UTF-8 text.", remedy="Save it as UTF-8.")
    if isinstance(error, SettingsError):
        return ConfigurationError(f"{error}.", remedy="Lists and tables are given as JSON there.")
    parts: list[str] = []
    for fault in error.errors(include_url=False):
        path = ".".join(str(part) for part in fault["loc"])
        field = path.partition(".")[0]
        source = sources.get(field, "argument")
        where = _variable(field) if source == "environment" else source
        value = "***" if _is_secret(field) else _shown(repr(fault["input"]))
        parts.append(f"Setting {path!r} is {value} (from {where}): {fault['msg']}.")
    return ConfigurationError(" ".join(parts), remedy="See `voyant config show`.")


def _shown(text: str) -> str:
    return redact_url(text) if "://" in text else text


def _is_secret(field: str) -> bool:
    """Say whether a field may hold a password, also where its value has the wrong type."""
    info = Settings.model_fields.get(field)
    is_typed_so = info is not None and _mentions_secret(info.annotation)
    return is_typed_so or field.endswith("_url") or field.startswith("s3_")


def _mentions_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_mentions_secret, get_args(annotation)))
