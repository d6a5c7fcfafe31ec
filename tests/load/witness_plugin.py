"""A generator that sees whether its job runs twice at the same time, and says so in a file."""

import fcntl
import os
import time
from pathlib import Path

from voyant.core.plugin_registry import register

HERE = Path(__file__).parent


@register("witness", order=5, description="Sees whether its job runs twice at the same time.")
def witness(ctx):
    lock = os.open(HERE / f"{ctx['job_id']}.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        (HERE / f"overlap-{ctx['job_id']}-{os.getpid()}").touch()
    time.sleep(0.2)
    with (HERE / "runs.log").open("a") as log:
        log.write(f"{ctx['tenant_id']} {ctx['job_id']} {os.getpid()}\n")
    # The lock is held until this process ends: the generators that follow are under it, too.
    return {"witness_json": ctx.write_json("witness.json", {"tenant": ctx["tenant_id"]})}
