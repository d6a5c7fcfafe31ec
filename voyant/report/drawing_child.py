"""What happens inside the process that draws charts?

Started by `drawer.Drawer` as `python -m voyant.report.drawing_child`, never by hand. It draws one
chart after the other until its input ends. A request is a line of JSON, `{"format", "spec"}`; so is
the answer, `{"drawn"}` with the picture in base 64, or `{"error"}`.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys

from voyant.report.vega_render import draw_svg, render_png

__all__ = ["main"]

_FIRST_SPEC = {"data": {"values": [{"x": 1}]}, "mark": "bar", "encoding": {}}


def main() -> None:
    """Draw until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what Ctrl-C ends
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints is no answer
    failure = ""
    try:
        draw_svg(_FIRST_SPEC)  # starts V8, before anybody waits for it
    except (ImportError, OSError, RuntimeError, ValueError) as error:  # whoever asks is told
        failure = json.dumps({"error": f"{type(error).__name__}: {error}"})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        answers.write((failure or _answer(request["format"], request["spec"])) + "\n")
        answers.flush()


def _answer(kind: str, spec: dict[str, object]) -> str:
    try:
        drawn = render_png(spec) if kind == "png" else draw_svg(spec).encode()
    except (OSError, RuntimeError, ValueError) as error:  # what vl-convert raises
        reason = " ".join(str(error).splitlines()[:2])  # the rest is JavaScript's traceback
        return json.dumps({"error": reason})
    return json.dumps({"drawn": base64.b64encode(drawn).decode()})


if __name__ == "__main__":
    main()
