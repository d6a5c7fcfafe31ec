"""Many jobs, several tenants, processes that are killed all the time: is each done exactly once?

    python -m tests.load.load --jobs 200 --tenants 4 --workers 4 --database sqlite
    python -m tests.load.load --jobs 200 --tenants 4 --workers 4 --database postgresql

One tenant asks for most of the jobs, and first; the others for a few each, afterwards. Whoever
submits (a script, or with `--through api` the service) is killed twice with SIGKILL, a worker every
few seconds. At the end everything is looked at: the database, the folders, the histories. What is
wrong is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.postgres import started_server
from tests.service.live import LiveService
from voyant.artifacts.verify import verify_folder
from voyant.core.config import load_settings
from voyant.jobs.durable.handover import settings_from, settings_to
from voyant.jobs.durable.model import JobSpec, JobState
from voyant.jobs.durable.queue import open_queue

LARGE = "large"
_POLL_SECONDS = 0.25


@dataclass
class Wanted:
    """A job that is to be asked for, and how it is to end."""

    number: int
    tenant: str
    spec: JobSpec
    state: JobState

    @property
    def key(self):
        return f"load-{self.number}"


@dataclass
class Outcome:
    """What came of a load test."""

    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    worker_kills: int = 0
    submitter_kills: int = 0
    takeovers: int = 0
    most_attempts: int = 0
    kept_generators: int = 0
    takeover_seconds: list[float] = field(default_factory=list)
    large_waiting_when_small_done: int = 0


def plan_jobs(folder, count, tenants, tables_every):
    """The large tenant's jobs first; each tenant's table has a number of rows of its own."""
    small = [f"small-{number}" for number in range(1, tenants)]
    share = max(count // 20, 2)
    owners = [LARGE] * (count - share * len(small)) + [name for name in small for _ in range(share)]
    wanted = []
    for number, tenant in enumerate(owners):
        path = folder / f"{tenant}.csv"
        state = JobState.SUCCEEDED
        sources = {"owned": str(path)}
        if number % 25 == 7:
            state, sources = JobState.FAILED, {"owned": str(folder / "broken.parquet")}
        elif number % 25 == 13:
            state = JobState.CANCELLED
        reads = number % tables_every == 0 or state is not JobState.SUCCEEDED
        spec = JobSpec(
            sources=sources,
            kpis=[{"name": "rows", "sql": "SELECT count(*) FROM owned"}],
            only=["witness", *(["profile", "kpi", "sufficiency"] if reads else [])],
        )
        wanted.append(Wanted(number, tenant, spec, state))
    for place, tenant in enumerate([LARGE, *small], start=1):
        lines = "".join(f"{row},{tenant}\n" for row in range(rows_of(place)))
        (folder / f"{tenant}.csv").write_text(f"number,owner\n{lines}")
    (folder / "broken.parquet").write_bytes(b"PAR1 and then nothing of the kind")
    return wanted


def rows_of(place):
    return 100 * place + place


def submit_all():
    """Be the process that submits: settings and jobs come as lines; each job's name goes out."""
    settings = settings_from(json.loads(sys.stdin.readline()))
    queue = open_queue(settings)
    for line in sys.stdin:
        order = json.loads(line)
        job = queue.submit(
            order["tenant"],
            JobSpec.model_validate(order["spec"]),
            requested_by="load",
            idempotency_key=order["key"],
        )
        if order["cancel"]:
            queue.cancel(order["tenant"], job.job_id)
        sys.stdout.write(f"{order['number']} {job.job_id}\n")
        sys.stdout.flush()
    queue.close()


class Submitter:
    """Submits everything through a process that is killed now and then, and asked again."""

    def __init__(self, settings, wanted, kills):
        self._settings, self._wanted = settings, wanted
        self._kills_at = [len(wanted) * (turn + 1) // (kills + 1) for turn in range(kills)]
        self.names = {}
        self.kills = 0

    def run(self):
        begin = 0
        while begin < len(self._wanted):
            stop_at = self._kills_at.pop(0) if self._kills_at else None
            # Jobs whose answer was lost are asked for again, under the same key.
            begin = self._one_process(max(begin - 3, 0), stop_at)

    def _one_process(self, begin, stop_at):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.load.load", "--submit"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(json.dumps(settings_to(self._settings, with_database=True)) + "\n")
        done = begin
        with process:
            for wanted in self._wanted[begin:]:
                order = {
                    "number": wanted.number,
                    "tenant": wanted.tenant,
                    "key": wanted.key,
                    "spec": wanted.spec.model_dump(mode="json"),
                    "cancel": wanted.state is JobState.CANCELLED,
                }
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
                if stop_at is not None and wanted.number >= stop_at:
                    process.kill()  # perhaps before it has submitted, or before it has answered
                    self.kills += 1
                    break
                number, job_id = process.stdout.readline().split()
                self._remember(int(number), job_id)
                done = wanted.number + 1
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        return done

    def _remember(self, number, job_id):
        assert self.names.setdefault(number, job_id) == job_id, "one key, two jobs"


class ApiSubmitter(Submitter):
    """Submits everything over HTTP, to a service that is killed now and then."""

    def _one_process(self, begin, stop_at):
        folder = Path(self._settings.artifacts_root).parent
        done = begin
        with LiveService(
            folder,
            VOYANT_DATABASE_URL=self._settings.database_url.get_secret_value(),
            VOYANT_ARTIFACTS_ROOT=self._settings.artifacts_root,
            VOYANT_PLUGIN_PATH=self._settings.plugin_path,
            VOYANT_SERVICE_ALLOWED_SOURCES=str(folder / "inputs"),
        ) as service:
            for wanted in self._wanted[begin:]:
                if stop_at is not None and wanted.number >= stop_at:
                    # The request is on its way when the service dies; nobody hears the answer.
                    hasty = ThreadPoolExecutor(1)
                    lost = hasty.submit(self._ask, service, wanted)
                    time.sleep(0.005)
                    service.process.kill()
                    hasty.shutdown()
                    lost.exception()
                    self.kills += 1
                    break
                self._remember(wanted.number, self._ask(service, wanted))
                done = wanted.number + 1
        return done

    def _ask(self, service, wanted):
        made = service.ask(
            "POST",
            "/v1/jobs",
            tenant=wanted.tenant,
            headers={"Idempotency-Key": wanted.key},
            json=wanted.spec.model_dump(mode="json", exclude_defaults=True),
        )
        assert made.status_code == 202, made.text
        job_id = made.json()["job_id"]
        if wanted.state is JobState.CANCELLED:
            stopped = service.ask("POST", f"/v1/jobs/{job_id}/cancel", tenant=wanted.tenant)
            assert stopped.status_code in {200, 202}, stopped.text
        return job_id


class Workers:
    """Worker processes that are killed and started again under the same names."""

    def __init__(self, settings, count):
        self._line = json.dumps(settings_to(settings, with_database=True)).encode() + b"\n"
        self._processes = {f"worker-{number}": None for number in range(1, count + 1)}
        self.kills = 0
        self.tend()

    def tend(self):
        for name, process in self._processes.items():
            if process is None or process.poll() is not None:
                if process is not None:
                    process.stdin.close()
                self._processes[name] = self._start(name)

    def _start(self, name):
        process = subprocess.Popen(
            [sys.executable, "-m", "voyant.jobs.durable.worker_process", name],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        process.stdin.write(self._line)
        process.stdin.flush()
        return process

    def kill(self, name):
        self._processes[name].kill()
        self._processes[name].wait()
        self.kills += 1

    def stop(self):
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(60)
            process.stdin.close()


def run_load(
    folder,
    database_url,
    *,
    jobs,
    tenants,
    workers,
    kill_every,
    tables_every=1,
    through="queue",
    seed=7,
    patience=7_200.0,
):
    """Run it; return what was found."""
    choice = random.Random(seed)
    plugins, inputs = folder / "plugins", folder / "inputs"
    plugins.mkdir()
    inputs.mkdir()
    shutil.copy(Path(__file__).with_name("witness_plugin.py"), plugins / "witness_plugin.py")
    settings = load_settings(
        database_url=database_url,
        artifacts_root=str(folder / "artifacts"),
        plugin_path=str(plugins),
        service_allowed_sources=[str(inputs)],
        job_max_attempts=1_000,
        tenant_max_running=workers,
    )
    wanted = plan_jobs(inputs, jobs, tenants, tables_every)
    outcome = Outcome()
    queue = open_queue(settings)
    began = time.monotonic()
    kind = ApiSubmitter if through == "api" else Submitter
    submitter = kind(settings, wanted, kills=2)
    crew = Workers(settings, workers)
    submitting = ThreadPoolExecutor(1)
    submitted = submitting.submit(submitter.run)
    try:
        next_kill = time.monotonic() + kill_every
        tenants_names = sorted({job.tenant for job in wanted})
        while True:
            counts = queue.statistics().jobs
            if submitted.done() and counts[JobState.QUEUED] == counts[JobState.RUNNING] == 0:
                break
            if time.monotonic() - began > patience:
                outcome.problems.append(f"not done after {patience:g} seconds: {counts}")
                break
            ended = sum(counts[state] for state in JobState if state.is_final)
            # On a machine so busy that a job takes longer than that, some must get through.
            if time.monotonic() >= next_kill and crew.kills <= ended + 2:
                busy = [
                    job.worker_id
                    for tenant in tenants_names
                    for job in queue.list(tenant, state=JobState.RUNNING).jobs
                ]
                if busy:
                    crew.kill(choice.choice(busy))
                next_kill = time.monotonic() + kill_every * choice.uniform(0.5, 1.5)
            crew.tend()
            time.sleep(_POLL_SECONDS)
    finally:
        outcome.seconds = time.monotonic() - began
        crew.stop()
        submitting.shutdown()
    submitted.result()
    outcome.worker_kills, outcome.submitter_kills = crew.kills, submitter.kills
    check(queue, settings, wanted, submitter.names, plugins, outcome)
    queue.close()
    return outcome


def check(queue, settings, wanted, names, plugins, outcome):
    """Look at everything that is left."""
    say = outcome.problems.append
    if len(set(names.values())) != len(wanted):
        say(f"{len(set(names.values()))} names for {len(wanted)} jobs")
    twice = [path.name for path in plugins.glob("overlap-*")]
    outcome.problems += [f"ran twice at the same time: {name}" for name in twice]
    places = {tenant: place for place, tenant in enumerate(_in_order(wanted), start=1)}
    succeeded = {tenant: set() for tenant in places}
    for job in wanted:
        found = queue.get(job.tenant, names[job.number])
        allowed = {job.state}
        if job.state is JobState.CANCELLED:
            allowed.add(JobState.SUCCEEDED)  # it was done before its submitter came to cancel it
        if found.state not in allowed:
            say(f"{found.job_id} of {job.tenant} is {found.state}, not {job.state}: {found.error}")
        _check_events(queue, job, found, outcome)
        folder = queue.folder(job.tenant, found.job_id)
        if found.state is JobState.SUCCEEDED:
            if "kpi" in job.spec.only:
                succeeded[job.tenant].add(found.job_id)
            _check_folder(folder, job, rows_of(places[job.tenant]), outcome)
        elif found.state is JobState.CANCELLED and folder.exists():
            say(f"{found.job_id} was cancelled and has a folder")
    if sum(len(_all_names(queue, tenant)) for tenant in places) != len(wanted):
        say("there are jobs that nobody asked for")
    for tenant in places:
        _check_root(queue, settings, tenant, succeeded[tenant], outcome)
    _check_fairness(queue, wanted, names, outcome)


def _check_root(queue, settings, tenant, succeeded, outcome):
    """A tenant's folder holds its own jobs, and nothing that was left on the way."""
    root = Path(settings.artifacts_root) / tenant
    folders = {path.name for path in root.iterdir() if not path.name.startswith(".")}
    strange = folders - _all_names(queue, tenant)
    if strange:
        outcome.problems.append(f"{tenant} has folders of jobs that are not its own: {strange}")
    left = [path.name for path in (root / ".staging").iterdir()]
    if left:
        outcome.problems.append(f"{tenant} has attempts that nobody cleared away: {left}")
    history = root / ".voyant" / tenant / "kpi_history.jsonl"
    text = history.read_text() if history.exists() else ""
    lines = [json.loads(line)["job_id"] for line in text.splitlines() if line]
    if sorted(lines) != sorted(succeeded):
        outcome.problems.append(f"the KPI history of {tenant} is not a line for each of its jobs")


def _check_events(queue, job, found, outcome):
    events = queue.events(job.tenant, found.job_id)
    kinds = [event.kind for event in events]
    if kinds.count("finished") + kinds.count("cancelled") != 1:
        outcome.problems.append(f"{found.job_id} ended {kinds.count('finished')} times: {kinds}")
    if [event.number for event in events] != list(range(1, len(events) + 1)):
        outcome.problems.append(f"{found.job_id} has gaps in its events")
    outcome.takeovers += kinds.count("taken_over")
    outcome.kept_generators += kinds.count("generator_kept")
    outcome.most_attempts = max(outcome.most_attempts, found.attempt)
    for before, event in pairwise(events):
        if event.kind == "taken_over":
            outcome.takeover_seconds.append((event.at - before.at).total_seconds())


def _check_folder(folder, job, rows, outcome):
    tenant = job.tenant
    found = verify_folder(folder)
    if not found.is_ok:
        outcome.problems.append(f"{folder.name} of {tenant} does not verify: {found}")
        return
    manifest = found.manifest
    counted = {rows}
    if "profile" in job.spec.only:
        profile = json.loads((folder / "profile.json").read_text())
        counted = {table["row_count"] for table in profile["tables"].values()}
    owner = json.loads((folder / "witness.json").read_text())["tenant"]
    if (manifest.tenant_id, owner, counted) != (tenant, tenant, {rows}):
        outcome.problems.append(f"{folder.name} of {tenant} holds what is not its own")


def _check_fairness(queue, wanted, names, outcome):
    """While the small tenants had jobs waiting, the large one got a turn in each round, no more."""
    begun = {LARGE: [], "small": []}
    asked = []
    for job in wanted:
        found = queue.get(job.tenant, names[job.number])
        if job.tenant != LARGE:
            asked.append(found.submitted_at)
        if found.started_at is not None:
            begun[LARGE if job.tenant == LARGE else "small"].append(found.started_at)
    last = max(begun["small"])
    waiting = sum(moment > last for moment in begun[LARGE])
    outcome.large_waiting_when_small_done = waiting
    between = sum(min(asked) < moment <= last for moment in begun[LARGE])
    turns = max(sum(job.tenant == tenant for job in wanted) for tenant in _in_order(wanted)[1:])
    if between > 2 * turns + 8:
        outcome.problems.append(f"the small tenants waited for {between} of the large one's jobs")


def _all_names(queue, tenant):
    found, cursor = set(), None
    while True:
        page = queue.list(tenant, limit=100, cursor=cursor)
        found |= {job.job_id for job in page.jobs}
        cursor = page.next_cursor
        if cursor is None:
            return found


def _in_order(wanted):
    return list(dict.fromkeys(job.tenant for job in wanted))


@contextlib.contextmanager
def database(kind, folder):
    """Give the URL of a new database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'service.sqlite'}"
        return
    with started_server() as server:
        with server.connect() as connection:
            connection.execute("CREATE DATABASE voyant")
        yield server.url("voyant")


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--tenants", type=int, default=4)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kill-every", type=float, default=4.0, metavar="SECONDS")
    parser.add_argument(
        "--tables-every",
        type=int,
        default=1,
        metavar="N",
        help="only each Nth job reads tables; the others are done sooner",
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument(
        "--through",
        choices=["queue", "api"],
        default="queue",
        help="whether jobs are submitted by a script, or by requests to `voyant serve`",
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--submit", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.submit:
        submit_all()
        return 0
    folder = Path(tempfile.mkdtemp(prefix="voyant-load-"))
    with database(options.database, folder) as url:
        outcome = run_load(
            folder,
            url,
            jobs=options.jobs,
            tenants=options.tenants,
            workers=options.workers,
            kill_every=options.kill_every,
            tables_every=options.tables_every,
            through=options.through,
            seed=options.seed,
        )
    took = sorted(outcome.takeover_seconds)
    say(
        f"{options.database}: {options.jobs} jobs of {options.tenants} tenants, {options.workers} "
        f"workers, {outcome.seconds:.0f} s; {outcome.worker_kills} workers and "
        f"{outcome.submitter_kills} submitters killed; {outcome.takeovers} takeovers "
        f"(longest silence before one {took[-1] if took else 0:.1f} s), at most "
        f"{outcome.most_attempts} attempts, {outcome.kept_generators} generators kept; "
        f"{outcome.large_waiting_when_small_done} jobs of the large tenant still waited when the "
        f"last small one began."
    )
    for problem in outcome.problems:
        say(f"  PROBLEM {problem}")
    if outcome.problems:
        say(f"  kept for a look: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    for variable in [name for name in os.environ if name.startswith("VOYANT_")]:
        del os.environ[variable]
    sys.exit(main())
