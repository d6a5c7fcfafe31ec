"""What happens in a worker's process: `python -m voyant.jobs.durable.worker_process NAME`.

Started by `pool.start_workers`, never by hand. The settings are the first line of its standard
input; when that ends, whoever started it is gone, and the worker stops.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Final

from voyant.core.errors import VoyantError
from voyant.jobs.durable.handover import settings_from
from voyant.jobs.durable.logs import log_as_json
from voyant.jobs.durable.worker import run_worker

__all__ = ["main"]

_REFUSED_EXIT_CODE: Final = 2
_PATIENCE_SECONDS: Final = 20.0


def main() -> int:
    """Be a worker; return the exit code."""
    settings = settings_from(json.loads(sys.stdin.buffer.readline()))
    log_as_json(settings, worker_id=sys.argv[1])
    stop = threading.Event()
    threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    try:
        run_worker(settings, sys.argv[1], stop)
    except VoyantError as error:
        sys.stderr.write(f"voyant worker: {error}\n")
        return _REFUSED_EXIT_CODE
    return 0


def _stop_with_parent(stop: threading.Event) -> None:
    while os.read(0, 1):
        pass
    stop.set()
    time.sleep(_PATIENCE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
