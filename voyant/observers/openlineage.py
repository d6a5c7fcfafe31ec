"""Which tables went into which artifacts? Told as OpenLineage events, to a server or a file.

Plain JSON as the specification defines it: the official client would bring two HTTP libraries and a
YAML parser along for twenty lines of it.

Source: OpenLineage specification 2-0-2, RunEvent; ParentRunFacet 1-2-0, ErrorMessageRunFacet 1-0-1.
"""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import uuid4

from voyant import __version__
from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.errors import ConfigurationError
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult, PipelineResult
from voyant.observers.opening import Setting

__all__ = ["OpenLineageObserver", "make_observer"]

_PRODUCER: Final = f"urn:voyant:{__version__}"
_SPEC: Final = "https://openlineage.io/spec"
_EVENT_SCHEMA: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_PARENT_SCHEMA: Final = f"{_SPEC}/facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet"
_ERROR_SCHEMA: Final = f"{_SPEC}/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
#: A server that does not answer is waited for once in a run, not at every event.
_TIMEOUT_SECONDS: Final = 5.0

_logger = logging.getLogger("voyant.observers.openlineage")


def make_observer(setting: Setting) -> OpenLineageObserver:
    """Make it from the settings `openlineage_url` and `openlineage_namespace`.

    Raises:
        ConfigurationError: A URL that is missing or of an unknown kind.
    """
    url = str(setting("openlineage_url") or "")
    if urlsplit(url).scheme not in {"http", "https", "file"}:
        raise ConfigurationError(
            "openlineage_url is missing, or not a URL of a kind that events can be sent to.",
            remedy="Use https://server/api/v1/lineage, or file:///folder/events.jsonl.",
        )
    return OpenLineageObserver(url, namespace=cast("str", setting("openlineage_namespace")))


class OpenLineageObserver(Observer):
    """Tells of the run, and of each generator as a child of it.

    After the first event that cannot be delivered it says so in the log, and is silent for the rest
    of the run.
    """

    def __init__(self, url: str, *, namespace: str = "voyant") -> None:
        """Send to a URL.

        Args:
            url: `http(s)`: each event is posted there. `file`: each is appended as a line.
            namespace: Of the jobs; `voyant.run` and `voyant.<generator>` are their names.
        """
        self._url, self._namespace = url, namespace
        self._is_silent = False
        self._inputs: list[dict[str, object]] = []
        self._run_id: str | None = None
        self._child: tuple[str, str] | None = None

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Tell that the run starts."""
        del plan
        self._run_id = str(uuid4())
        self._inputs = _datasets(cast("Mapping[str, object]", context.get("sources") or {}))
        self._tell("START", "run", self._run_id)

    def generator_started(self, definition: GeneratorDefinition) -> None:
        """Tell that it starts."""
        self._child = (definition.name, str(uuid4()))
        self._tell("START", *self._child)

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Tell how it ended, and which artifacts it made."""
        child, self._child = self._child or (definition.name, str(uuid4())), None
        state = "COMPLETE" if result.success else "FAIL"
        self._tell(state, *child, outputs=list(result.artifacts.values()), error=result.error)

    def run_finished(self, result: PipelineResult) -> None:
        """Tell how the run ended."""
        run_id = self._run_id
        if run_id is None:
            return
        failed = result.failed_core
        error = f"The core generator {failed!r} failed." if failed else None
        state = "COMPLETE" if result.success else "FAIL"
        self._tell(state, "run", run_id, outputs=list(result.artifacts.values()), error=error)
        self._run_id = None

    def close(self) -> None:
        """Tell that a run was interrupted; safe to call twice."""
        if self._child is not None:
            self._tell("ABORT", *self._child)
        if self._run_id is not None:
            self._tell("ABORT", "run", self._run_id)
        self._child = self._run_id = None

    def _tell(
        self,
        state: str,
        name: str,
        run_id: str,
        *,
        outputs: Sequence[str] = (),
        error: str | None = None,
    ) -> None:
        if self._is_silent:
            return
        facets: dict[str, object] = {}
        if name != "run" and self._run_id is not None:
            facets["parent"] = {
                **_facet(_PARENT_SCHEMA),
                "run": {"runId": self._run_id},
                "job": self._job("run"),
            }
        if error is not None:
            facets["errorMessage"] = {
                **_facet(_ERROR_SCHEMA),
                "message": error,
                "programmingLanguage": "PYTHON",
            }
        event = {
            "eventType": state,
            "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "run": {"runId": run_id, "facets": facets},
            "job": self._job(name),
            "inputs": self._inputs,
            "outputs": [_file(path) for path in outputs],
            "producer": _PRODUCER,
            "schemaURL": _EVENT_SCHEMA,
        }
        try:
            _deliver(self._url, event)
        except (OSError, ValueError, HTTPException) as failure:
            self._is_silent = True
            host = urlsplit(self._url).hostname or "the file"
            _logger.warning(
                "OpenLineage events not delivered to %s: %s", host, type(failure).__name__
            )

    def _job(self, name: str) -> dict[str, object]:
        return {"namespace": self._namespace, "name": f"voyant.{name}"}


def _facet(schema: str) -> dict[str, object]:
    return {"_producer": _PRODUCER, "_schemaURL": schema}


def _datasets(sources: Mapping[str, object]) -> list[dict[str, object]]:
    """Name the inputs: files by their absolute path, everything else by its table."""
    found: list[dict[str, object]] = []
    for table, source in sources.items():
        parts = cast("Sequence[object]", source if isinstance(source, (list, tuple)) else [source])
        for part in parts:
            if isinstance(part, (str, Path)) and "://" not in str(part):
                found.append(_file(part))
            else:  # a data frame, or a URL that may hold a password
                found.append({"namespace": "voyant", "name": table})
    return found


def _file(path: str | Path) -> dict[str, object]:
    return {"namespace": "file", "name": str(Path(path).absolute())}


class _NoRedirects(HTTPRedirectHandler):
    """Where events go is what the operator has set, not what a server says."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as inherited
        """Follow none."""


def _deliver(url: str, event: Mapping[str, object]) -> None:
    body = json.dumps(event).encode()
    parts = urlsplit(url)
    if parts.scheme == "file":
        with Path(unquote(parts.path)).open("ab") as file:
            file.write(body + b"\n")
        return
    headers = {"Content-Type": "application/json", "User-Agent": f"voyant/{__version__}"}
    owner, _, host = parts.netloc.rpartition("@")
    if owner:
        headers["Authorization"] = f"Basic {b64encode(unquote(owner).encode()).decode()}"
    address = parts._replace(netloc=host).geturl()
    request = Request(address, data=body, headers=headers)  # noqa: S310 - http(s), checked when made
    with build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_SECONDS) as answer:
        answer.read()
