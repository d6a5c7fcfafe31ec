"""Who should know that a run is done, and how it went? Whoever listens at a webhook."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import BaseModel, Field

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register

VOYANT_API = 1
URL_VARIABLE = "VOYANT_WEBHOOK_URL"

_FIRST_PAUSE_SECONDS = 0.5
_TOO_MANY, _SERVER_ERROR = 429, 500

_logger = logging.getLogger("voyant_webhook")


class Parameters(BaseModel, extra="forbid"):
    """What can be set under [generators.webhook]; the address is not among it."""

    attempt_seconds: float = Field(default=5.0, gt=0)
    """Time one attempt may take."""
    retries: int = Field(default=2, ge=0, le=10)
    """Further attempts after the first."""


class WebhookError(Exception):
    """The summary could not be delivered."""


class _NoRedirects(HTTPRedirectHandler):
    """A secret address is not to be led elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


def summarize(ctx: GeneratorContext) -> dict[str, object]:
    """Say how the run went, up to now."""
    steps = [
        {"generator": step.name, "status": step.status, "reason": step.reason} for step in ctx.steps
    ]
    return {
        "job_id": ctx.job_id,
        "tenant_id": ctx.tenant_id,
        "failed": [step["generator"] for step in steps if step["status"] == "failed"],
        "artifacts": sorted(ctx.artifacts),
        "generators": steps,
    }


def post(
    url: str,
    payload: object,
    parameters: Parameters,
    *,
    pause: Callable[[float], object] = time.sleep,
) -> int:
    """Post JSON, again if that may help, and return the number of attempts.

    Raises:
        WebhookError: It was not delivered. The message names the host and nothing else of the URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WebhookError(f"{URL_VARIABLE} is not an http or https URL.")
    body, headers = json.dumps(payload).encode(), {"Content-Type": "application/json"}
    opener = build_opener(_NoRedirects)
    fault = ""
    for attempt in range(1, parameters.retries + 2):
        try:
            request = Request(url, data=body, headers=headers)  # noqa: S310 - see above
            with opener.open(request, timeout=parameters.attempt_seconds):
                return attempt
        except HTTPError as error:
            error.close()
            fault = f"it answered {error.code}"
            if error.code != _TOO_MANY and error.code < _SERVER_ERROR:
                break
        except (OSError, ValueError, HTTPException) as error:  # their messages can hold the address
            fault = f"no answer ({type(error).__name__})"
        if attempt <= parameters.retries:
            pause(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
    raise WebhookError(f"The summary was not delivered to {parts.hostname}: {fault}.") from None


@register("webhook", order=1000, parameters=Parameters)
def generate_webhook(ctx: GeneratorContext) -> ArtifactResult:
    """Post a summary of the run to the address in VOYANT_WEBHOOK_URL."""
    url = os.environ.get(URL_VARIABLE, "").strip()
    if not url:
        _logger.info("%s is not set: nothing is posted", URL_VARIABLE)
        return {}
    payload = summarize(ctx)
    ctx.note("attempt_count", post(url, payload, ctx.parameters))
    return {"webhook": ctx.write_json("webhook.json", payload)}
