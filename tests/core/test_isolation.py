"""Generators that hang, crash, leave, write elsewhere: what the containment page says, happens."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import importlib
import importlib.util
import inspect
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from voyant.artifacts.store import ArtifactStore
from voyant.core import isolated_process
from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.errors import (
    ConfigurationError,
    GeneratorCrashedError,
    GeneratorFailedError,
    GeneratorTimeoutError,
)
from voyant.core.isolation import call_in_process, call_with_deadline, handler_reference
from voyant.core.plugin_registry import PluginRegistry
from voyant.core.results import GeneratorResult

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "containment.md"
HOSTILE = ROOT / "tests" / "plugins" / "hostile"
MIB = 1024 * 1024

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def rows() -> dict[str, tuple[str, str]]:
    """Generator -> what the page says of it in the run's process, and in its own."""
    found = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$",
        PAGE.read_text(encoding="utf-8").partition("## Installed packages")[0],
        flags=re.MULTILINE,
    )
    return {name: (inside.replace("**", ""), own) for name, inside, own in found}


def children() -> set[int]:
    """Process ids of this process's children, zombies too."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
            found.update(int(pid) for pid in (task / "children").read_text().split())
    return found


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def until(condition: Callable[[], object], *, seconds: float = 30) -> bool:
    """Wait for something that must come, however busy the machine is."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture(scope="session")
def has_landlock(tmp_path_factory: pytest.TempPathFactory) -> bool:
    script = (
        "import sys; from voyant.core import landlock as l; print(l.give_up_writing(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path_factory.mktemp("writable"))],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout.strip() == ""


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After each test: no child, no zombie, no temporary file."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    before = children()
    yield
    assert children() <= before
    assert list(temporary.iterdir()) == []


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(HOSTILE))
    return importlib.import_module("hostile_generators")


@pytest.fixture
def job(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "orders.csv").write_text("id\n1\n2\n")
    return {
        "sources": {"orders": str(tmp_path / "orders.csv")},
        "job_id": "job",
        "tenant_id": "acme",
        "artifacts_root": str(tmp_path / "artifacts"),
        "elsewhere": str(tmp_path / "elsewhere.txt"),
    }


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Makes a module of the given code that any process with this path can import."""

    def make(code: str, name: str = "made_here") -> ModuleType:
        folder = tmp_path / "modules"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, name, raising=False)
        return __import__(name)

    return make


@pytest.fixture
def context(job: dict[str, object]) -> Iterator[GeneratorContext]:
    ctx = GeneratorContext(job)
    _ = ctx.folder
    yield ctx
    ctx.close()


def call(handler, ctx, *, seconds: float | None = 30, memory: int | None = None) -> object:
    return call_in_process(
        GeneratorDefinition("mine", handler),
        ctx,
        timeout_seconds=seconds,
        memory_limit_bytes=memory,
    )


# ------------------------------------------------------------------------------- the page's table


def test_the_table_has_every_hostile_generator(hostile) -> None:
    functions = inspect.getmembers(hostile, inspect.isfunction)
    assert set(rows()) == {
        name for name, value in functions if value.__module__ == hostile.__name__
    }


@pytest.mark.parametrize("name", rows())
def test_what_happens_in_a_process_of_its_own(
    name: str, hostile, job, registry: PluginRegistry, tmp_path: Path, has_landlock: bool
) -> None:
    if name in {"writes_elsewhere", "kills_its_parent"} and not has_landlock:
        pytest.skip("this kernel has no Landlock")
    seconds = 0.6 if "time limit" in rows()[name][1] else 30
    terms = {"isolation": "process", "timeout_seconds": seconds, "memory_limit_bytes": 256 * MIB}
    registry.register(name, **terms)(getattr(hostile, name))
    registry.register("after", order=200)(lambda ctx: {"after": ctx.write_text("a.txt", "x")})
    result = registry.run(job)
    assert happened(result.results[0], tmp_path) == rows()[name][1]
    assert result.results[1].artifacts.keys() == {"after"}


def happened(result: GeneratorResult, tmp_path: Path) -> str:
    """Say what came of an isolated generator, in the page's words."""
    error = result.error or ""
    found = re.search(r"The process of generator '\w+' (.*?)\.( [A-Z]|$)", error)
    if found:
        outcome = found[1]
    elif "was killed at its time limit" in error:
        outcome = "killed at its time limit"
    else:
        outcome = "succeeds" if result.success else "fails"
    daemon = tmp_path / "artifacts" / "job" / "daemon.pid"
    if daemon.exists():
        outcome += (
            f"; the daemon {'lives on' if is_running(int(daemon.read_text())) else 'is gone'}"
        )
    if result.name == "writes_elsewhere":
        is_there = (tmp_path / "elsewhere.txt").exists()
        outcome += "; the file is there" if is_there else "; nothing was written"
    return outcome


RUN_IN_PROCESS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import hostile_generators
from voyant.core.plugin_registry import PluginRegistry

name, job = sys.argv[2], json.loads(sys.argv[3])
registry = PluginRegistry()
if name == "asks_the_engine_without_end":
    registry.register("opens", order=1)(lambda ctx: {"tables": ctx.tables[0]})
seconds = json.loads(sys.argv[4])
registry.register(name, timeout_seconds=seconds)(getattr(hostile_generators, name))
out = os.fdopen(os.dup(1), "w")
devnull = os.open(os.devnull, os.O_RDWR)
os.dup2(devnull, 1)
os.dup2(devnull, 2)
print("started", file=out, flush=True)
result = registry.run(job).results[-1]
print(json.dumps([result.success, result.error]), file=out, flush=True)
os._exit(0) if result.error and "background" in result.error else None
"""


@pytest.mark.parametrize("name", [name for name in rows() if "not tried" not in rows()[name][0]])
def test_what_happens_in_the_runs_process(name: str, job, tmp_path: Path) -> None:
    expected = rows()[name][0]
    seconds = 0.3 if "timed out" in expected or "hangs" in expected else 30
    if "twice" in expected:
        # A forked process keeps only the thread that forked: the run's own, without a limit.
        seconds = None
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", RUN_IN_PROCESS),
            *(str(HOSTILE), name, json.dumps(job), json.dumps(seconds)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    try:
        # The deadline and the grace after it are 0.8 s; whoever is expected to hang gets longer.
        printed, _ = process.communicate(timeout=2.5 if "hangs" in expected else 60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        printed = "hangs"
    daemon = tmp_path / "artifacts" / "job" / "daemon.pid"
    is_alive = daemon.exists() and is_running(int(daemon.read_text()))
    if is_alive:
        os.kill(int(daemon.read_text()), signal.SIGKILL)
    answers = printed.splitlines()
    if printed == "hangs":
        outcome = "the run hangs"
    elif process.returncode < 0:
        outcome = f"the run dies of {signal.Signals(-process.returncode).name}"
    elif not answers:
        outcome = f"the run ends with code {process.returncode}"
    else:
        success, error = json.loads(answers[0])
        outcome = "succeeds" if success else "fails"
        if "goes on in the background after its time limit" in (error or ""):
            outcome = "timed out; goes on in the background"
        elif "was stopped at its time limit" in (error or ""):
            outcome = "timed out; stopped"
        outcome += "; the daemon lives on" if is_alive else ""
        outcome += "; the file is there" if (tmp_path / "elsewhere.txt").exists() else ""
        outcome += ", and the run goes on twice" if len(answers) == 2 else ""
    assert outcome == expected


# -------------------------------------------------------------------------- what goes in and out


def test_a_good_generator_makes_the_same_file_both_ways(
    hostile, job, registry: PluginRegistry
) -> None:
    job["as_of"] = "2013-12-31T23:59:59+00:00"
    made = {}
    for isolation in ("none", "process"):
        registry.clear()
        registry.register("behaves", isolation=isolation)(hostile.behaves)
        result = registry.run({**job, "job_id": isolation}, {"threads": 1})
        assert result.results[0].error is None
        made[isolation] = json.loads(Path(result.artifacts["behaves"]).read_text())
    assert made["none"].pop("pid") == os.getpid()
    assert made["process"].pop("pid") != os.getpid()
    assert made["none"] == made["process"]
    assert made["none"]["rows"] == 2


def test_a_profile_has_the_same_bytes_both_ways(
    demo_tables, job, registry: PluginRegistry, tmp_path: Path
) -> None:
    from voyant.generators.profile import generate_profile

    job["sources"] = {"airlines": str(demo_tables["airlines"])}
    for isolation in ("none", "process"):
        registry.clear()
        registry.register("profile", isolation=isolation)(generate_profile)
        result = registry.run({**job, "job_id": isolation})
        assert result.results[0].error is None
    folder = tmp_path / "artifacts"
    one, other = (
        (folder / isolation / "profile.json").read_bytes() for isolation in ("none", "process")
    )
    assert one == other


def test_answers_the_engine_remembers_are_not_asked_again(context, module, tmp_path) -> None:
    assert context.summary("orders").row_count == 2
    context.engine._memory["distinct", "orders", "id"] = "remembered"
    (tmp_path / "orders.csv").unlink()  # nor is anything parsed again
    made = module("""
        def generate(ctx):
            columns = ",".join(c.name for c in ctx.engine.columns("orders"))
            rows = ctx.engine.duplicate_rows("orders").value
            return {"a": f"{ctx.engine.distinct_count('orders', ['id'])} {columns} {rows}"}
    """)
    assert call(made.generate, context) == {"a": "remembered id 0"}


def test_a_data_frame_is_seen_through_the_runs_engine(context, module) -> None:
    context["sources"] = {"frame": pa.table({"x": [1, 2, 3]})}
    made = module("""
        def generate(ctx):
            return {"rows": f"{ctx.summary('frame').row_count} {list(ctx['sources'])}"}
    """)
    assert call(made.generate, context) == {"rows": "3 []"}


def test_tables_nobody_has_opened_are_opened_by_the_generator(context, module) -> None:
    made = module("def generate(ctx): return {'rows': str(ctx.summary('orders').row_count)}")
    assert call(made.generate, context) == {"rows": "2"}
    assert context.opened("engine") is None


def test_users_queries_run_within_a_generators_limits(context, module) -> None:
    made = module(
        "def generate(ctx): return {'x': str(ctx.query('SELECT sum(id) FROM orders').rows)}"
    )
    assert call(made.generate, context, memory=512 * MIB) == {"x": "((3,),)"}


def test_what_it_writes_and_notes_is_the_runs(job, module) -> None:
    made = module("""
        def generate(ctx):
            ctx.note("query_ms", 3)
            (ctx.folder / "own.txt").write_text("by itself")
            return {"a": ctx.write_bytes("charts/a.bin", bytes(range(256)) * 5000)}
    """)
    store = ArtifactStore(str(job["artifacts_root"]), job_id="job", tenant_id="acme")
    store.generator = "mine"
    ctx = GeneratorContext(job, services={"writer": store})
    assert call(made.generate, ctx) == {"a": str(store.folder / "charts" / "a.bin")}
    assert (store.folder / "charts" / "a.bin").read_bytes() == bytes(range(256)) * 5000
    assert (store.folder / "own.txt").read_text() == "by itself"
    assert store.written == {"charts/a.bin": "mine"}
    assert store.notes == {"mine": {"query_ms": 3}}
    store.close()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("ctx.write_text('../x', '')", "UnsafeNameError"),
        ("ctx.write_text('manifest.json', '')", "ArtifactError"),
        ("ctx.write_json('a.json', float('nan'))", "ArtifactError"),
        ("ctx.note('a', {1})", "ArtifactError"),
        ("ctx['nothing']", "ContextError"),
        ("ctx.read_json('nothing')", "ContextError"),
        ("ctx.write_text('x.txt/y', '')", "FolderError"),
    ],
)
def test_refusals_reach_the_generator(context, module, statement: str, error: str) -> None:
    context.write_text("x.txt", "")
    made = module(f"""
        from voyant.core.errors import VoyantError
        def generate(ctx):
            try:
                {statement}
            except VoyantError as error:
                return {{"error": type(error).__name__}}
    """)
    assert call(made.generate, context) == {"error": error}


def test_it_reads_what_came_before(context, module) -> None:
    context.artifacts = {"first": context.write_json("first.json", {"a": 1})}
    context.parameters = {"max_charts": 8}
    made = module("def generate(ctx): return {'x': f\"{ctx.read_json('first')} {ctx.parameters}\"}")
    assert call(made.generate, context) == {"x": "{'a': 1} {'max_charts': 8}"}


def test_what_it_raises_has_the_message_and_the_traceback(context, module) -> None:
    made = module("""
        def generate(ctx):
            raise KeyError("orders")
    """)
    with pytest.raises(GeneratorFailedError) as caught:
        call(made.generate, context)
    assert str(caught.value) == "KeyError: 'orders'"
    assert 'raise KeyError("orders")' in caught.value.__notes__[0]


def test_a_crash_shows_where_it_was(context, hostile) -> None:
    with pytest.raises(GeneratorCrashedError) as caught:
        call(hostile.crashes, context)
    assert "in crashes" in caught.value.__notes__[0]


def test_memory_that_runs_out_without_a_limit_is_an_ordinary_failure(context, module) -> None:
    made = module("def generate(ctx): raise MemoryError")
    with pytest.raises(GeneratorFailedError, match="MemoryError"):
        call(made.generate, context)


def test_an_async_generator_is_waited_for(context, module) -> None:
    made = module("""
        import asyncio
        async def generate(ctx):
            await asyncio.sleep(0)
            return {"a": "b"}
    """)
    assert call(made.generate, context) == {"a": "b"}


def test_programs_it_runs_have_the_runs_environment(context, module, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.setenv("TOKEN", "x")
    made = module("""
        import subprocess
        def generate(ctx):
            script = 'echo "$PYTHONPATH $MALLOC_ARENA_MAX $TOKEN $TMPDIR" | tee "$TMPDIR/a"'
            return {"said": subprocess.check_output(script, shell=True, text=True)}
    """)
    said = call(made.generate, context)["said"]  # type: ignore[index]
    assert re.fullmatch(r"/nowhere  x \S+/temporary/voyant-isolated-\w+\n", said)


# ----------------------------------------------------------------------------- logs and output


def test_its_log_is_the_runs_log(context, module, caplog: pytest.LogCaptureFixture) -> None:
    made = module("""
        import logging, warnings
        def generate(ctx):
            logging.getLogger("mine.part").debug("unheard")
            logging.getLogger("mine.part").info("%s rows", 3)
            logging.getLogger("quiet").info("unheard")
            try:
                1 / 0
            except ZeroDivisionError:
                logging.getLogger("mine").exception("broken \\udcff")
            warnings.warn("old")
            print("hello")
            return {}
    """)
    logging.getLogger("quiet").setLevel(logging.ERROR)
    with caplog.at_level(logging.INFO):
        call(made.generate, context)
    logging.getLogger("quiet").setLevel(logging.NOTSET)
    heard = [(r.name, r.levelname, r.getMessage()) for r in caplog.records]
    assert heard[:2] == [("mine.part", "INFO", "3 rows"), ("mine", "ERROR", "broken \\udcff")]
    assert "ZeroDivisionError: division by zero" in caplog.text
    assert [name for name, _, message in heard if "old" in message] == ["py.warnings"]
    assert heard[-1] == ("voyant.isolation", "INFO", "mine printed: hello")
    assert "unheard" not in caplog.text


@pytest.mark.parametrize("name", ["logs_without_end", "prints_without_end"])
def test_a_flood_is_cut_off(context, hostile, caplog: pytest.LogCaptureFixture, name: str) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(GeneratorTimeoutError):
        call(getattr(hostile, name), context, seconds=0.6)
    assert 100 < len(caplog.records) <= 1001
    assert sum(len(record.getMessage()) for record in caplog.records) < 512 * 1024
    assert [r.getMessage() for r in caplog.records if "than is kept" in r.getMessage()]


def test_absent_landlock_is_said_in_the_log(
    context, module, monkeypatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = module("def generate(ctx): return {}")
    # There is no such system call; the worker finds this file when it starts.
    broken = "import voyant.core.landlock as landlock\nlandlock._CREATE_RULESET = 100_000\n"
    (tmp_path / "modules" / "sitecustomize.py").write_text(broken)
    path = os.pathsep.join([str(tmp_path / "modules"), str(ROOT)])
    as_it_is = isolated_process._environment
    monkeypatch.setattr(
        isolated_process, "_environment", lambda folder: {**as_it_is(folder), "PYTHONPATH": path}
    )
    assert call(made.generate, context) == {}
    assert "does not keep generator mine from writing outside the job's folder: " in caplog.text


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )


# ------------------------------------------------------------------------ what cannot be sent


def nested() -> Callable[[GeneratorContext], dict[str, str]]:
    return lambda ctx: {}


@pytest.mark.parametrize(
    "handler",
    [lambda ctx: {}, nested(), functools.partial(nested())],
    ids=["lambda", "nested", "partial"],
)
def test_what_another_process_cannot_import_is_refused(handler, context) -> None:
    with pytest.raises(
        ConfigurationError, match="'mine' cannot run in a process of its own"
    ) as caught:
        call(handler, context)
    assert "Define it at the top level of a module" in str(caught.value)


def test_a_function_of_the_script_is_refused() -> None:
    done = run_script("""
        from voyant.core.definition import GeneratorDefinition
        from voyant.core.errors import ConfigurationError
        from voyant.core.isolation import handler_reference
        def generate(ctx): return {}
        try:
            handler_reference(GeneratorDefinition("mine", generate))
        except ConfigurationError as error:
            print(error)
    """)
    assert "defined in the script that was started, not in a module" in done.stdout


@pytest.mark.parametrize(
    ("key", "what"),
    [("lock", "ctx['lock']"), (None, "the run's settings")],
    ids=["value", "settings"],
)
def test_a_context_that_cannot_be_pickled_is_refused_by_name(job, module, key, what) -> None:
    made = module("def generate(ctx): return {}")
    lock = threading.Lock()
    ctx = GeneratorContext({**job, key: lock}) if key else GeneratorContext(job, settings=lock)
    with pytest.raises(ConfigurationError, match=re.escape(f"{what} cannot be pickled")):
        call(made.generate, ctx)


def test_methods_and_partials_of_what_can_be_pickled_are_sent(context, module) -> None:
    made = module("""
        class Maker:
            def __init__(self, word): self.word = word
            def generate(self, ctx): return {"a": self.word}
            def __call__(self, ctx): return {"a": "called " + self.word}
        def generate(word, ctx): return {"a": word}
    """)
    assert call(made.Maker("method").generate, context) == {"a": "method"}
    assert call(made.Maker("maker"), context) == {"a": "called maker"}
    assert call(functools.partial(made.generate, "partial"), context) == {"a": "partial"}


def test_a_file_of_the_plugin_folder_is_loaded_again_by_its_path(
    context, tmp_path: Path, monkeypatch
) -> None:
    file = tmp_path / "shop.py"
    file.write_text("def generate(ctx): return {'a': __name__}\n")
    spec = importlib.util.spec_from_file_location("voyant_plugins.shop", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "voyant_plugins", ModuleType("voyant_plugins"))
    monkeypatch.setitem(sys.modules, "voyant_plugins.shop", loaded)
    spec.loader.exec_module(loaded)
    definition = GeneratorDefinition("mine", loaded.generate)
    assert handler_reference(definition).file == str(file)
    assert call(loaded.generate, context) == {"a": "voyant_plugins.shop"}


def test_a_module_that_cannot_be_imported_there_is_a_failure(context, module) -> None:
    made = module("""
        import os
        if os.environ.get("GONE"): raise ImportError("not here")
        def generate(ctx): return {}
    """)
    os.environ["GONE"] = "1"
    try:
        with pytest.raises(GeneratorFailedError, match="not here"):
            call(made.generate, context)
    finally:
        del os.environ["GONE"]


# ------------------------------------------------------------------------------ who ends it all


SLEEPER = """
    import json, logging, os, subprocess, sys
    from pathlib import Path
    sys.path.insert(0, {hostile!r})
    import hostile_generators
    from voyant.core.plugin_registry import PluginRegistry
    registry = PluginRegistry()
    registry.register("mine", isolation="process")(hostile_generators.leaves_a_daemon)
    registry.run({job!r})
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_everything_ends_with_the_run(job, tmp_path: Path, number: signal.Signals) -> None:
    job["and_hangs"] = True
    script = SLEEPER.format(hostile=str(HOSTILE), job=job)
    run = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    folder = tmp_path / "artifacts" / "job"
    pid = folder / "daemon.pid"
    assert until(lambda: pid.exists() and pid.read_text())
    daemon = int(pid.read_text())
    assert is_running(daemon)
    below = descendants(run.pid)
    assert len(below) >= 2  # the supervisor and the worker
    run.send_signal(number)
    _, said = run.communicate(timeout=30)
    assert run.returncode != 0
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)
    assert until(lambda: not any(map(is_running, [daemon, *below])))
    assert until(lambda: not list((tmp_path / "temporary").iterdir()))
    assert {path.name for path in folder.iterdir()} == {".voyant-job.json", "daemon.pid"}


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        found += map(int, children)
        waiting += map(int, children)
    return found


def test_ctrl_c_while_it_runs_passes_at_once(context, hostile) -> None:
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call(hostile.sleeps, context, seconds=60)
    timer.join()


def test_a_run_that_isolates_nothing_loads_nothing_for_it(job) -> None:
    done = run_script(f"""
        import sys
        from voyant.core.plugin_registry import PluginRegistry
        registry = PluginRegistry()
        registry.register("mine")(lambda ctx: {{}})
        registry.run({job!r})
        print([name for name in sys.modules if "isolat" in name or name.endswith("landlock")])
    """)
    assert done.stdout == "[]\n"


# -------------------------------------------------------------------------------- the deadline


def test_in_time_it_is_an_ordinary_call(context) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("set")
    assert call_with_deadline(lambda ctx: {"a": variable.get()}, context, 30) == {"a": "set"}
    with pytest.raises(KeyError, match="mine"):
        call_with_deadline(lambda ctx: {}["mine"], context, 30)


def test_a_query_is_interrupted_and_the_engine_goes_on(context, hostile) -> None:
    _ = context.engine
    with pytest.raises(GeneratorTimeoutError, match=r"was stopped at its time limit of 0\.2 s"):
        call_with_deadline(hostile.asks_the_engine_without_end, context, 0.2)
    assert context.summary("orders").row_count == 2


def test_a_users_query_is_interrupted_too(context) -> None:
    assert context.query("SELECT 1").rows == ((1,),)
    endless = "SELECT sum(a.range % 7 + b.range) FROM range(10000000) a, range(10000000) b"
    with pytest.raises(GeneratorTimeoutError, match="was stopped"):
        call_with_deadline(lambda ctx: ctx.query(endless), context, 0.3)
    assert context.query("SELECT 2").rows == ((2,),)


def test_who_is_given_up_can_write_no_more(context) -> None:
    go_on, raised = threading.Event(), []

    def generate(ctx):
        copied = GeneratorContext(ctx, services={"writer": ctx._writer})
        go_on.wait(60)
        for late in (ctx, copied):
            try:
                late.write_text("late.txt", "late")
            except GeneratorTimeoutError as error:
                raised.append(error)

    with pytest.raises(GeneratorTimeoutError, match="goes on in the background"):
        call_with_deadline(generate, context, 0.05)
    (thread,) = (t for t in threading.enumerate() if t.name == "voyant-generator")
    go_on.set()
    thread.join(30)
    assert len(raised) == 2
    assert not (context.folder / "late.txt").exists()
    assert context.write_text("next.txt", "next")  # the next one can
    assert context._shut_out == set()


def test_ctrl_c_is_not_held_up_by_a_thread(context) -> None:
    release = threading.Event()
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call_with_deadline(lambda ctx: release.wait(60), context, 60)
    release.set()
    timer.join()
