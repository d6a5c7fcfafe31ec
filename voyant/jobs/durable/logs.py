"""What do the service and its workers say of themselves? One JSON object a line, on stderr.

Whoever logs gives the ids as `extra={"job_id": ..., "tenant_id": ..., "request_id": ...}`; what is
the same for a whole process, as in the one of a job, is said once.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final

from voyant.core.config import Settings

__all__ = ["JsonFormatter", "log_as_json"]

#: What every record of the standard library has; all else was given as `extra`.
_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
#: Keys and passwords do not belong in a log; should one get there, it is not written.
_SECRETS: Final = (
    (re.compile(r"voyant_([0-9a-z]{12})_[A-Za-z0-9_-]{20,}"), r"voyant_\1_***"),
    (re.compile(r"(?<=://)([^/@:\s]*):[^@\s/]*@"), r"\1:***@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 ***"),
)


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, without secrets."""

    def __init__(self, **ids: object) -> None:
        """Put some ids into every line."""
        super().__init__()
        self._ids = ids

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._ids,
        }
        given = vars(record).items()
        facts |= {k: v for k, v in given if k not in _PLAIN and v is not None}
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        line = json.dumps(facts, default=str)
        for pattern, shown in _SECRETS:
            line = pattern.sub(shown, line)
        return line


def log_as_json(settings: Settings, **ids: object) -> None:
    """Let this process log to stderr: from INFO on, unless the settings say otherwise.

    Args:
        settings: What the operator set.
        **ids: Part of every line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(**ids))
    level = "INFO" if settings.source_of("log_level") == "default" else settings.log_level
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel("WARNING")
    logging.getLogger("voyant").setLevel(level)
    logging.getLogger("uvicorn").setLevel("WARNING" if level == "INFO" else level)
