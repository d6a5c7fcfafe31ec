"""What a generator is given: the specification's six plain keys, and services that load on use.

`core` knows the services only by what they can do. The objects behind them are named by the strings
in `_PROVIDERS` and imported when a generator first asks: a run that needs no tables opens none.
"""

from __future__ import annotations

import importlib
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from voyant.core.errors import (
    ConfigurationError,
    ContextError,
    GeneratorTimeoutError,
    did_you_mean,
)
from voyant.core.lookup import SettingsLookup

if TYPE_CHECKING:  # thirty dataclasses, a third of the registry's import, for annotations alone
    from voyant.core.engine import Asked, Engine
    from voyant.core.results import StepReport
    from voyant.core.tables import QueryResult, TableSummary

__all__ = ["ArtifactWriter", "GeneratorContext"]

#: Service name -> `module:function` that makes it from a context.
_PROVIDERS = {
    "engine": "voyant.engines.opening:open_engine",
    "writer": "voyant.artifacts.store:open_store",
}

_logger = logging.getLogger("voyant.context")

_KEYS = ("job_id", "tenant_id", "artifacts_root", "tables", "kpis", "flags")


class ArtifactWriter(Protocol):
    """Writes files whole into the job's folder, and refuses names that would leave it."""

    @property
    def folder(self) -> Path:
        """The job's folder; it exists."""
        ...

    def write_bytes(self, name: str, content: bytes) -> str:
        """Write a file (temporary file, fsync, rename) and return its path."""
        ...

    def write_json(self, name: str, value: object) -> str:
        """Write a pydantic model, or plain values without NaN, as JSON and return the path."""
        ...

    def note(self, name: str, value: object) -> None:
        """Put a fact about this run into the manifest's entry of the generator."""
        ...


class GeneratorContext(dict[str, Any]):
    """A job's context: a dict with the specification's keys, and properties and services on top.

    A missing key is legal until something uses it; then a `ContextError` names it.
    """

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        settings: object | None = None,
        services: Mapping[str, object] | None = None,
    ) -> None:
        """Copy the values, lists and dicts in them too, so that the caller's stay as they are.

        A context made from a context shares its settings and the services it was given.
        """
        super().__init__({} if values is None else values)
        for key, value in self.items():
            self[key] = _copied(value)
        self._given_settings = settings
        self._given: Mapping[str, object] = {} if services is None else services
        self._shut_out: set[int] = set()
        if isinstance(values, GeneratorContext):
            self._shut_out = values._shut_out  # noqa: SLF001 - its own class
            if settings is None:
                self._given_settings = values._given_settings  # noqa: SLF001 - its own class
            if services is None:
                self._given = values._given  # noqa: SLF001 - its own class
        self._lookup = SettingsLookup(self._given_settings)
        self._opened: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._now = datetime.now(UTC)
        #: What earlier generators of the run made: artifact key -> path.
        self.artifacts: Mapping[str, str] = {}
        #: The generator's own parameters, an instance of what it declared; None without any.
        self.parameters: Any = None
        #: Set by the run while an async generator runs: cancels it, from any thread.
        self.cancel: Callable[[], None] | None = None
        #: Set by the run: told what the engine is about to do for the generator that runs.
        self.progressed: Callable[[str], None] = _no_one
        #: Set by the run if somebody wants to know: told what the engine was asked.
        self.asked: Callable[[Asked], None] | None = None
        #: Set by the run: tells `steps`, when somebody asks.
        self.account: Callable[[], tuple[StepReport, ...]] = tuple

    def __missing__(self, key: str) -> Any:  # noqa: ANN401 - a dict's value
        raise ContextError(
            f"The context has no {key!r}.",
            remedy=f"Pass it to run_generators. {did_you_mean(key, [*self, *_KEYS])}",
        )

    @property
    def steps(self) -> tuple[StepReport, ...]:
        """What became of the generators before this one, in order."""
        return self.account()

    @property
    def job_id(self) -> str:
        """Unique job identifier."""
        return cast("str", self["job_id"])

    @property
    def tenant_id(self) -> str:
        """Tenant namespace, from the settings if the caller named none."""
        return cast("str", self.get("tenant_id") or self.setting("tenant_id"))

    @property
    def artifacts_root(self) -> Path:
        """Folder of all job folders, from the settings if the caller named none."""
        return Path(self.get("artifacts_root") or cast("str", self.setting("artifacts_root")))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the job's tables; all that the engine has when none were named."""
        return self.engine.tables()

    @property
    def kpis(self) -> Sequence[Mapping[str, Any]]:
        """KPI definitions: the job's, or those of the settings when the key is absent."""
        given = self.get("kpis")
        return cast("list[dict[str, Any]]", self.setting("kpis") if given is None else given)

    @property
    def flags(self) -> Mapping[str, bool]:
        """Flags of this run; they can only turn things off."""
        return cast("dict[str, bool]", self.get("flags") or {})

    @property
    def as_of(self) -> datetime:
        """The moment the run speaks about, with a time zone: `ctx["as_of"]`, or when the run began.

        Raises:
            ConfigurationError: A value that is not an ISO 8601 date or time.
        """
        given = self.get("as_of")
        if given is None:
            return self._now
        try:
            moment = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
        except ValueError:
            raise ConfigurationError(
                f"as_of is {given!r}.", remedy="Give an ISO 8601 time, 2013-12-31T23:59:59+00:00."
            ) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def setting(self, name: str) -> object:
        """Return a setting: from the object given to the run if it has it, else from `Settings`."""
        return self._lookup.value(name)

    @property
    def engine(self) -> Engine:
        """The engine that holds the job's tables, opened on first use and shared by the run."""
        return cast("Engine", self._service("engine"))

    def summary(self, table: str) -> TableSummary:
        """Return a table's summary; it is computed once per run."""
        return self.engine.summarize(table)

    def query(self, sql: str) -> QueryResult:
        """Run read-only SQL over the job's tables, under the guard and limits of KPIs."""
        return self.engine.query(sql)

    @property
    def folder(self) -> Path:
        """The job's folder; it exists."""
        return self._writer.folder

    def write_json(self, name: str, value: object) -> str:
        """Write an artifact as JSON, whole or not at all, and return its path."""
        return self._writer.write_json(name, value)

    def write_text(self, name: str, text: str) -> str:
        """Write an artifact as UTF-8 text, whole or not at all, and return its path."""
        return self._writer.write_bytes(name, text.encode(errors="replace"))

    def write_bytes(self, name: str, content: bytes) -> str:
        """Write an artifact, whole or not at all, and return its path."""
        return self._writer.write_bytes(name, content)

    def note(self, name: str, value: object) -> None:
        """Put a fact about this run, such as a duration, into the generator's manifest entry.

        Artifacts give the same bytes for the same input; what differs from run to run goes here.
        """
        self._writer.note(name, value)

    def read_json(self, key: str) -> Any:  # noqa: ANN401 - whatever the artifact holds
        """Return what an earlier generator of this run wrote under an artifact key.

        Raises:
            ContextError: No earlier generator made that artifact.
        """
        path = self.artifacts.get(key)
        if path is None:
            raise ContextError(
                f"No generator before this one made the artifact {key!r}.",
                remedy=did_you_mean(key, self.artifacts),
            )
        return json.loads(Path(path).read_text(encoding="utf-8"))

    @property
    def _writer(self) -> ArtifactWriter:
        return cast("ArtifactWriter", self._service("writer"))

    def _service(self, name: str) -> object:
        with self._lock:
            if self._shut_out and threading.get_ident() in self._shut_out:
                raise GeneratorTimeoutError("This generator's time is over.")
            if name in self._given:
                return self._given[name]
            if name not in self._opened:
                module, _, function = _PROVIDERS[name].partition(":")
                provider: Callable[[GeneratorContext], object] = getattr(
                    importlib.import_module(module), function
                )
                self._opened[name] = provider(self)
            return self._opened[name]

    def opened(self, service: str) -> object | None:
        """Return a service that is in use, None if no generator has asked for it."""
        # Without the lock: a generator that is late may hold it, and must be interrupted.
        return self._given.get(service, self._opened.get(service))

    def shut_out(self, thread: int) -> None:
        """Give a thread no service any more: its generator is late and has been abandoned."""
        self._shut_out.add(thread)

    def let_in(self, thread: int) -> None:
        """Forget a thread that has ended; another may get its number."""
        self._shut_out.discard(thread)

    def close(self) -> None:
        """Close the services this context opened itself, not those it was given."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for name, service in opened.items():
            try:
                getattr(service, "close", _nothing)()
            except Exception:  # what the generators made is no worse for it
                _logger.exception("The service %r could not be closed", name)


def _no_one(step: str) -> None:
    """Tell no one."""


def _nothing() -> None:
    """Close what needs no closing."""


def _copied(value: object) -> object:
    if type(value) is dict:
        return {key: _copied(item) for key, item in cast("dict[object, object]", value).items()}
    if type(value) is list:
        return [_copied(item) for item in cast("list[object]", value)]
    return value
