"""What may the `[quality]` table of `voyant.toml` say: thresholds, exceptions, declared rules?"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from voyant.core.errors import ConfigurationError, did_you_mean
from voyant.stats.quality import CHECKS, Dimension, Severity

__all__ = [
    "CheckException",
    "CheckSettings",
    "QualitySettings",
    "RuleSettings",
    "Tuned",
    "parse_quality",
]

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Fraction = Annotated[float, Field(ge=0, le=1)]
_Plain = bool | int | float | str

#: What makes a declared rule a rule; each says one thing that must hold.
_RULE_FIELDS = (
    "required", "unique", "min", "max", "min_length", "max_length", "values", "pattern", "type",
    "format", "references", "min_rows", "max_rows", "max_age_hours", "sql",
)  # fmt: skip
_WHOLE_TABLE = frozenset({"min_rows", "max_rows", "sql"})
_SEVERAL_COLUMNS = frozenset({"unique", "required"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CheckSettings(_Part):
    """How an automatic check is to be: what is not given stays as it is."""

    enabled: StrictBool | None = None
    """Whether it runs."""
    max_fraction: _Fraction | None = None
    """Share of failing rows that is tolerated."""
    severity: Severity | None = None
    """How bad it is when it fails: `info` (a note, costs no points), `warning`, `error`."""


class CheckException(CheckSettings):
    """What differs for some checks, tables or columns; `*` and `?` stand for any characters."""

    check: _Text = "*"
    """Name of an automatic check."""
    table: _Text = "*"
    column: _Text = "*"
    """A check of a whole table has no column, and only `*` names it."""

    @field_validator("check")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if not any(fnmatchcase(known, name) for known in CHECKS):
            raise ValueError(f"there is no check {name!r}. {did_you_mean(name, CHECKS)}")
        return name


class RuleSettings(_Part):
    """A rule for a table or column; each thing it says becomes a check of its own."""

    table: _Text
    column: _Text | None = None
    columns: list[_Text] = Field(default_factory=list[str])
    """Several columns, for `unique` and `required`."""
    name: _Text | None = None
    description: str = ""
    severity: Severity = "error"
    dimension: Dimension | None = None
    max_fraction: _Fraction = 0.0
    """Share of failing rows that is tolerated."""

    required: StrictBool = False
    """Every row holds a value."""
    unique: StrictBool = False
    """No value (of several columns: no combination) stands in two rows."""
    min: int | float | str | None = None
    """The smallest value: a number, or an ISO date or time."""
    max: int | float | str | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=0)
    values: list[_Plain] | None = None
    """The allowed values."""
    pattern: str | None = None
    """A regular expression (RE2) that some part of the text matches; anchor it with `^` and `$`."""
    type: _Text | None = None
    """A logical type, as in contracts: `string`, `integer`, `number`, `boolean`, `date` ..."""
    format: _Text | None = None
    """`email`, `url`, `uuid`, `ip`, `iban`, `card`, `country_code`, `json`."""
    references: _Text | None = None
    """`table.column` that holds every value."""
    min_rows: int | None = Field(default=None, ge=0)
    max_rows: int | None = Field(default=None, ge=0)
    max_age_hours: float | None = Field(default=None, gt=0)
    """The newest value is at most so old."""
    sql: _Text | None = None
    """A `SELECT` of one number; it is guarded as KPIs are."""
    must_be: float | None = None
    """What the SQL gives, exactly; 0 unless `at_least` or `at_most` is given."""
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> RuleSettings:
        said = [
            name
            for name in _RULE_FIELDS
            if getattr(self, name) is not None and getattr(self, name) is not False
        ]
        if not said:
            raise ValueError(f"it says nothing that must hold. {did_you_mean('', _RULE_FIELDS)}")
        for_columns = [name for name in said if name not in _WHOLE_TABLE]
        if for_columns and not self.column and not self.columns:
            raise ValueError(f"{for_columns[0]} needs a column")
        if self.column and self.columns:
            raise ValueError("give column or columns, not both")
        alone = [name for name in for_columns if name not in _SEVERAL_COLUMNS]
        if len(self.columns) > 1 and alone:
            raise ValueError(f"{alone[0]} is for one column")
        if self.sql is None and any(
            limit is not None for limit in (self.must_be, self.at_least, self.at_most)
        ):
            raise ValueError("must_be, at_least and at_most are for sql")
        return self


class QualitySettings(_Part):
    """`[quality]`."""

    checks: dict[str, CheckSettings] = Field(default_factory=dict[str, CheckSettings])
    """Automatic checks by name."""
    exceptions: list[CheckException] = Field(default_factory=list[CheckException])
    """What differs for some tables and columns; the last that fits wins."""
    rules: list[RuleSettings] = Field(default_factory=list[RuleSettings])
    """Rules of one's own."""
    contracts: list[_Text] = Field(default_factory=list[str])
    """Open Data Contract Standard files, beside those of `--contract`."""
    examples: int = Field(default=0, ge=0, le=100)
    """Failing values shown with each failed check, masked; none by default."""
    exact_values: int = Field(default=20_000, ge=0)
    """Formats are checked exactly in columns with up to so many different suspicious values."""
    outlier_fence: float = Field(default=10.0, gt=0)
    """Outliers lie further than so many interquartile ranges outside of the middle half."""

    @field_validator("checks")
    @classmethod
    def _are_known(cls, checks: dict[str, CheckSettings]) -> dict[str, CheckSettings]:
        for name in checks:
            if name not in CHECKS:
                raise ValueError(f"there is no check {name!r}. {did_you_mean(name, CHECKS)}")
        return checks

    def tuned(self, check: str, table: str, column: str | None = None) -> Tuned:
        """Return how a check is to be for a table or column: the most recent word wins.

        >>> QualitySettings().tuned("missing_values", "orders", "amount")
        Tuned(enabled=True, max_fraction=0.2, severity='warning')
        """
        kind = CHECKS[check]
        enabled, fraction, severity = True, kind.max_fraction, kind.severity
        words: list[CheckSettings] = [self.checks[check]] if check in self.checks else []
        words += [
            word
            for word in self.exceptions
            if fnmatchcase(check, word.check)
            and fnmatchcase(table, word.table)
            and fnmatchcase(column or "", word.column)
        ]
        for word in words:
            enabled = enabled if word.enabled is None else word.enabled
            fraction = fraction if word.max_fraction is None else word.max_fraction
            severity = severity if word.severity is None else word.severity
        return Tuned(enabled=enabled, max_fraction=fraction, severity=severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """How one check of one table or column is to be."""

    enabled: bool
    max_fraction: float | None
    severity: Severity


def parse_quality(given: object) -> QualitySettings:
    """Check the `[quality]` table.

    Raises:
        ConfigurationError: Names each field that cannot be used, and why.
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"quality is {reprlib.repr(given)}, not a table.")
    try:
        return QualitySettings.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError(
            " ".join(_faults(error)), remedy="docs/reference/checks.md has all checks and settings."
        ) from None


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        path = ".".join(str(part) for part in ("quality", *fault["loc"]))
        if fault["type"] == "extra_forbidden":
            name = str(fault["loc"][-1])
            yield f"There is no setting {path!r}. {did_you_mean(name, _known(fault['loc'][:-1]))}"
        else:
            said = str(fault["msg"]).removeprefix("Value error, ").rstrip(".?")
            ending = "?" if str(fault["msg"]).endswith("?") else "."
            yield f"Setting {path!r} is {reprlib.repr(fault['input'])}: {said}{ending}"


def _known(path: tuple[int | str, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "checks": CheckSettings, "exceptions": CheckException, "rules": RuleSettings,
    }  # fmt: skip
    model = models.get(str(path[0]), QualitySettings) if path else QualitySettings
    return list(model.model_fields)
