"""Three generators that say that they run, and go on when they are let: each waits for a file.

The folder of this file is where they look: `hold-NAME` makes one wait until it is gone.
"""

import os
import subprocess
import time
from pathlib import Path

from voyant.core.plugin_registry import register

HERE = Path(__file__).parent


def _make(name):
    def generate(ctx):
        with (HERE / "ran.log").open("a") as log:
            log.write(f"begin {ctx['job_id']} {name} {os.getpid()} {time.time()}\n")
        while (HERE / f"hold-{name}").exists():
            time.sleep(0.02)
        if (HERE / f"child-{name}").exists():
            subprocess.Popen(["sleep", "600"], start_new_session=True)
        path = ctx.write_json(f"{name}.json", {"made_by": name, "tenant": ctx["tenant_id"]})
        with (HERE / "ran.log").open("a") as log:
            log.write(f"end {ctx['job_id']} {name} {os.getpid()} {time.time()}\n")
        return {f"{name}_json": path}

    return generate


for order, name in enumerate(("steady_a", "steady_b", "steady_c"), start=500):
    register(name, description=name, order=order)(_make(name))
