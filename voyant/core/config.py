"""What can be set, where each value came from, and what a wrong one should have been.

A value is looked for in this order: an argument, a `VOYANT_*` environment variable, `.env`,
`voyant.toml` (or the file that `VOYANT_CONFIG` names), the default.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

from pydantic import ByteSize, Field, PrivateAttr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.core.gates import FOLLOWED_FLAGS

__all__ = ["Settings", "get_settings", "load_settings", "redact_url"]

_PREFIX = "VOYANT_"
_DEFAULT_FILE = "voyant.toml"

_chosen_file: ContextVar[Path | None] = ContextVar("voyant_config_file", default=None)
_reading: ContextVar[dict[str, str] | None] = ContextVar("voyant_setting_sources", default=None)
_dotenv_words: ContextVar[dict[str, str | None] | None] = ContextVar(
    "voyant_dotenv", default=None
)


class Settings(BaseSettings):
    """Everything an operator can set; every field is also `VOYANT_<FIELD>` and a key of `voyant.toml`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
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

    artifacts_root: str = "artifacts"
    """Folder that job folders are written to."""
    tenant_id: str = "default"
    """Tenant of a run that names none."""
    warehouse_url: str = "duckdb:///voyant.duckdb"
    """Where tables live when a run names no files: `duckdb:///relative.duckdb` or `duckdb:////absolute.duckdb`."""
    tables: dict[str, str] = Field(default_factory=dict[str, str])
    """Tables by name, each a path, a glob or a folder: `orders = "data/orders/*.parquet"`."""
    kpis: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    """KPI definitions: `name`, `sql` and optionally `unit`, `format`, `direction`, `target` ..."""

    threads: int | None = Field(default=None, ge=1)
    """Threads the engine may use; all cores by default."""
    memory_limit: ByteSize | None = Field(default=None, gt=0)
    """Memory the engine may use before it spills to disk, `2GB`; 80 % of the machine's by default."""
    temp_directory: str | None = None
    """Folder for scratch and spill files; the system's by default."""

    query_timeout_seconds: float = Field(default=30.0, gt=0)
    """Time one KPI may take."""
    query_max_rows: int = Field(default=1_000, ge=1)
    """Rows of a KPI's result that are kept."""
    query_memory_limit: ByteSize = Field(default=ByteSize(1024**3), gt=0)
    """Memory the process that runs KPIs may use."""
    mask_personal_data: bool = True
    """Mask values in KPI results that look like e-mail addresses, card or social-security numbers."""

    key_pair_budget: int = Field(default=8, ge=0)
    """Pairs of columns per table that are checked as candidate keys."""
    correlation_pair_cap: int = Field(default=200, ge=0)
    """Pairs of columns per table and method whose correlation is computed."""
    spearman_sample_rows: int = Field(default=50_000, ge=100)
    """Tables with more rows get their rank correlations from an even sample of so many rows."""
    sufficiency_target_rows: int = Field(default=10_000, ge=2)
    """Rows at which a table's volume counts as full."""
    freshness_half_life_days: float = Field(default=30.0, gt=0)
    """Age of the newest event at which freshness has fallen to one half."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    """Least severity that the command line logs."""

    _sources: dict[str, str] = PrivateAttr(default_factory=dict[str, str])
    _dotenv: Mapping[str, str | None] = PrivateAttr(default_factory=dict[str, str | None])

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - pydantic checks each value
        for name in values:
            if name not in type(self).model_fields:
                raise _unknown_key(name, "the arguments", None)
        recorded: dict[str, str] = {}
        words: dict[str, str | None] = {}
        reading, dotenv = _reading.set(recorded), _dotenv_words.set(words)
        try:
            super().__init__(**values)
        except (ValidationError, SettingsError) as error:
            raise _invalid(error, recorded) from None
        finally:
            _reading.reset(reading)
            _dotenv_words.reset(dotenv)
        self._sources = recorded
        self._dotenv = words
        for flag, followed in FOLLOWED_FLAGS.items():
            if flag not in recorded:
                self.__dict__[flag] = getattr(self, followed)

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
            _Remembered(settings_cls, toml, toml.label),
        )

    def source_of(self, field: str) -> str:
        """Name who set a field: `argument`, `environment`, `.env`, the file's name, or `default`."""
        source = self._sources.get(field)
        if source is None:
            followed = FOLLOWED_FLAGS.get(field)
            return f"follows {followed}" if followed else "default"
        return f"{_PREFIX}{field.upper()}" if source == "environment" else source

    def _voyant_flag(self, flag: str) -> tuple[object, str] | None:
        """Return a flag's value and who set it, None when nobody did; unset built-in flags are on."""
        if flag in type(self).model_fields:
            if flag in FOLLOWED_FLAGS and flag not in self._sources:
                return None
            return getattr(self, flag), self.source_of(flag)
        word = os.environ.get(f"{_PREFIX}{flag.upper()}")
        if word is not None:
            return word, f"{_PREFIX}{flag.upper()}"
        if flag in self.flags:
            return self.flags[flag], f"flags, {self.source_of('flags')}"
        word = self._dotenv.get(f"{_PREFIX}{flag}".lower())
        return None if word is None else (word, ".env")


class _Remembered(PydanticBaseSettingsSource):
    """Pass a source on, noting which fields it was the first to set."""

    def __init__(
        self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource, label: str
    ) -> None:
        super().__init__(settings_cls)
        self._source, self._label = source, label

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401
        """Ask the source."""
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """Ask the source and note what it set."""
        values = self._source()
        recorded, words = _reading.get(), _dotenv_words.get()
        if isinstance(self._source, DotEnvSettingsSource) and isinstance(words, dict):
            words.update(self._source.env_vars)
        if recorded is not None:
            for name in values:
                if name in self.settings_cls.model_fields:
                    recorded.setdefault(name, self._label)
        return values


class _FileSource(PydanticBaseSettingsSource):
    """Read `voyant.toml`, and refuse keys it should not have."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self.path, self.is_named = _config_file()
        self.label = self.path.name

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401
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
            if not self.is_named:
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
                raise _unknown_key(name, str(self.path), self.path)
        return values


def get_settings() -> Settings:
    """Return the settings as the environment and the files have them now."""
    return Settings()


def load_settings(config_file: str | Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401
    """Return settings from a chosen file, with arguments that win over every other source.

    Args:
        config_file: A TOML file; `VOYANT_CONFIG`, then `voyant.toml` in this folder, when None.
        **overrides: Fields of `Settings`.

    Raises:
        ConfigurationError: Something in any source that cannot be used.
    """
    with _using_file(config_file):
        return Settings(**overrides)


def redact_url(url: str) -> str:
    """Hide the password and the query of a URL.

    >>> redact_url("postgresql://ann:secret@db/shop?sslkey=x")
    'postgresql://ann:***@db/shop?***'
    """
    hidden = re.sub(r"(?<=://)([^/@:]*):[^@]*@", r"\1:***@", url)
    return re.sub(r"\?.*", "?***", hidden)


@contextmanager
def _using_file(config_file: str | Path | None) -> Iterator[None]:
    token = _chosen_file.set(None if config_file is None else Path(config_file))
    try:
        yield
    finally:
        _chosen_file.reset(token)


def _config_file() -> tuple[Path, bool]:
    """Return the file to read, and whether somebody named it."""
    chosen = _chosen_file.get()
    if chosen is not None:
        return chosen, True
    named = os.environ.get(f"{_PREFIX}CONFIG")
    return (Path(named), True) if named else (Path(_DEFAULT_FILE), False)


def _unknown_key(name: str, where: str, file: Path | None) -> ConfigurationError:
    searched = "" if file is None else f" Looked in: {file}."
    return ConfigurationError(
        f"Unknown setting {name!r} in {where}.",
        remedy=did_you_mean(name, Settings.model_fields) + searched,
    )


def _invalid(
    error: ValidationError | SettingsError, recorded: Mapping[str, str]
) -> ConfigurationError:
    if isinstance(error, SettingsError):
        return ConfigurationError(f"{error}.", remedy="Lists and tables are given as JSON there.")
    parts: list[str] = []
    for fault in error.errors(include_url=False):
        path = ".".join(str(part) for part in fault["loc"]).removeprefix(_PREFIX)
        field = path.split(".", 1)[0].lower()
        value = "***" if "url" in field else repr(fault["input"])
        source = recorded.get(field, "argument")
        parts.append(f"Setting {path.lower()!r} is {value} ({source}): {fault['msg']}.")
    return ConfigurationError(" ".join(parts), remedy="See `voyant config show`.")
