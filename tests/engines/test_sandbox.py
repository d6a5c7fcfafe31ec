"""Does a user's SQL get the right answer, and nothing else: no file, no write, no more memory?"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from tests.engines.hostile_sql.bombs import BOMBS
from tests.engines.hostile_sql.corpus import Hostile, load
from tests.engines.hostile_sql.legitimate import LEGITIMATE, ORDERS
from voyant.core.errors import (
    QueryError,
    QueryMemoryError,
    QueryTimeoutError,
    UnsafeQueryError,
)
from voyant.engines import sandbox as module
from voyant.engines.recipe import ConnectionRecipe, open_connection, quote_literal
from voyant.engines.sandbox import QueryLimits, Sandbox

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits need Linux")

MIB = 1024 * 1024
IS_FLOOR = duckdb.__version__.startswith("1.")
CANARY = "CANARY-5b1f-never-to-be-seen"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The user's folder: the job's one table, and beside it what no query may see."""
    made = tmp_path_factory.mktemp("user's data")
    with duckdb.connect() as connection:
        connection.sql(ORDERS).write_parquet(str(made / "orders.parquet"))
        secret = f"SELECT '{CANARY}' AS secret, 1 AS id"
        connection.sql(secret).write_parquet(str(made / "canary.parquet"))
        connection.sql(secret).write_csv(str(made / "canary.csv"))
        connection.execute(f"ATTACH {quote_literal(str(made / 'other.duckdb'))} AS other")
        connection.execute(f"CREATE TABLE other.secrets AS {secret}")
    return made


@pytest.fixture(scope="module")
def recipe(folder):
    path = str(folder / "orders.parquet")
    view = f"CREATE TEMP VIEW orders AS SELECT * FROM read_parquet({quote_literal(path)})"
    return ConnectionRecipe(statements=(view,), allowed_paths=(path,), tables=("orders",))


@pytest.fixture(scope="module")
def sandbox(recipe):
    with Sandbox(recipe, QueryLimits()) as opened:
        yield opened


# ------------------------------------------------------------------- legitimate queries, by hand


@pytest.mark.parametrize("name", LEGITIMATE)
def test_legitimate_query_gives_the_right_result(name: str, sandbox: Sandbox):
    sql, expected = LEGITIMATE[name]
    result = sandbox.query(sql)
    assert [tuple(row) for row in result.rows] == [
        tuple(pytest.approx(cell) if isinstance(cell, float) else cell for cell in row)
        for row in expected
    ]
    assert not result.truncated


def test_there_are_enough_legitimate_queries():
    assert len(LEGITIMATE) >= 30


CELLS = {
    "NULL::INTEGER": ("INTEGER", None),
    "true": ("BOOLEAN", True),
    "170141183460469231731687303715884105727::HUGEINT": ("HUGEINT", 2**127 - 1),
    "18446744073709551615::UBIGINT": ("UBIGINT", 2**64 - 1),
    "0.1::DOUBLE": ("DOUBLE", 0.1),
    "'nan'::DOUBLE": ("DOUBLE", "NaN"),
    "'inf'::FLOAT": ("FLOAT", "Infinity"),
    "'-inf'::DOUBLE": ("DOUBLE", "-Infinity"),
    "1.50::DECIMAL(10, 2)": ("DECIMAL(10,2)", 1.5),
    "0.1::DECIMAL(3, 1)": ("DECIMAL(3,1)", 0.1),
    "12345678901234567890.123::DECIMAL(38, 3)": ("DECIMAL(38,3)", "12345678901234567890.123"),
    "'ünï 🧀'": ("VARCHAR", "ünï 🧀"),
    "DATE '2024-02-29'": ("DATE", "2024-02-29"),
    "TIME '10:00:00.25'": ("TIME", "10:00:00.25"),
    "TIMESTAMP '2024-01-01 10:00:00'": ("TIMESTAMP", "2024-01-01T10:00:00"),
    "TIMESTAMPTZ '2024-01-01 10:00:00+02'": (
        "TIMESTAMP WITH TIME ZONE",
        "2024-01-01T08:00:00+00",
    ),
    "'infinity'::TIMESTAMP": ("TIMESTAMP", "infinity"),
    "INTERVAL 3 DAYS": ("INTERVAL", "3 days"),
    "'abc'::BLOB": ("BLOB", "<3 bytes>"),
    "[1, NULL]": ("INTEGER[]", "[1, NULL]"),
    "{'a': 1, 'b': 'x'}": ("STRUCT(a INTEGER, b VARCHAR)", "{'a': 1, 'b': x}"),
    "MAP {'k': 1}": ("MAP(VARCHAR, INTEGER)", "{k=1}"),
    """'{"a": [1]}'::JSON""": ("JSON", '{"a": [1]}'),
}


@pytest.mark.parametrize("expression", CELLS)
def test_cell_arrives_as_documented(expression: str, sandbox: Sandbox):
    kind, value = CELLS[expression]
    result = sandbox.query(f"SELECT {expression} AS cell")
    assert [(column.name, column.type) for column in result.columns] == [("cell", kind)]
    assert result.rows == ((value,),)
    assert type(result.rows[0][0]) is type(value)


def test_column_names_are_the_users_even_when_they_repeat(sandbox):
    result = sandbox.query('SELECT 1 AS a, 2 AS a, 3 AS "x y""z", 4 AS \'🧀\'')
    assert [column.name for column in result.columns] == ["a", "a", 'x y"z', "🧀"]
    assert result.rows == ((1, 2, 3, 4),)


def test_empty_result_keeps_its_columns(sandbox):
    result = sandbox.query("SELECT id, customer FROM orders WHERE false")
    assert [column.name for column in result.columns] == ["id", "customer"]
    assert result.rows == ()
    assert not result.truncated


@pytest.mark.parametrize(("count", "truncated"), [(999, False), (1000, False), (1001, True)])
def test_rows_are_capped_and_the_result_says_so(count, truncated, sandbox):
    result = sandbox.query(f"FROM range({count})")
    assert len(result.rows) == min(count, 1000)
    assert result.truncated is truncated


def test_endless_result_stops_at_the_cap(sandbox):
    assert len(sandbox.query("FROM range(100_000_000_000)").rows) == 1000


def test_bytes_are_capped_and_the_result_says_so(recipe):
    with Sandbox(recipe, QueryLimits(max_result_bytes=10_000)) as small:
        result = small.query("SELECT repeat('x', 1000) FROM range(100)")
        # each row is 1,000 letters, two quotes and two brackets
        assert len(result.rows) == 10_000 // 1004
        assert result.truncated
        with pytest.raises(QueryMemoryError, match="One row"):
            small.query("SELECT repeat('x', 20000)")
        assert small.query("SELECT 1").rows == ((1,),)


def test_mistakes_are_explained_and_the_child_lives_on(sandbox):
    sandbox.query("SELECT 1")
    before = sandbox.child_pid
    with pytest.raises(QueryError, match="customr"):
        sandbox.query("SELECT customr FROM orders")
    with pytest.raises(QueryError, match="Could not convert"):
        sandbox.query("SELECT customer::INTEGER FROM orders")
    with pytest.raises(UnsafeQueryError, match=r"Did you mean 'orders'\?"):
        sandbox.query("FROM ordrs")
    with pytest.raises(UnsafeQueryError):
        sandbox.query("x" * 1_000_000)
    assert sandbox.child_pid == before


def test_view_named_like_a_file_or_with_odd_characters_can_be_read(folder):
    path = quote_literal(str(folder / "orders.parquet"))
    names = ("sales.csv", 'say "hi"', "käse 🧀")
    statements = tuple(
        'CREATE TEMP VIEW "{}" AS FROM read_parquet({})'.format(name.replace('"', '""'), path)
        for name in names
    )
    paths = (str(folder / "orders.parquet"),)
    recipe = ConnectionRecipe(statements=statements, allowed_paths=paths, tables=names)
    with Sandbox(recipe, QueryLimits()) as opened:
        for name in names:
            quoted = '"' + name.upper().replace('"', '""') + '"'
            if name.isascii():
                assert opened.query(f"SELECT count(*) FROM {quoted}").rows == ((6,),)
        assert opened.query('SELECT count(*) FROM "käse 🧀"').rows == ((6,),)


def test_recipe_that_cannot_be_opened_is_a_query_error():
    with (
        Sandbox(ConnectionRecipe(statements=("SELEC 1",)), QueryLimits()) as broken,
        pytest.raises(QueryError, match="could not be opened"),
    ):
        broken.query("SELECT 1")


def test_locked_connection_spills_nowhere_without_a_folder(recipe):
    with open_connection(recipe, lock=True) as connection:
        found = connection.execute("SELECT current_setting('temp_directory')").fetchall()
        assert found == [("",)]
        with pytest.raises(duckdb.Error):
            connection.execute("SET memory_limit = '1GB'")


# --------------------------------------------------------- hostile statements, the check bypassed

BYPASS = """
import voyant.engines.sandbox_child as child
def run(connection, sql, *limits):
    rows = connection.execute(sql).fetchall()
    return {"kind": "rows", "columns": [], "rows": [[repr(rows)]], "truncated": False}
child.check_query = lambda *args, **named: None
child._run = run
child.main()
"""


class Unguarded(Sandbox):
    """A sandbox whose child runs everything it is given: layers 2 and 3 on their own."""

    _program = ("-c", BYPASS)


@pytest.fixture(scope="module")
def unguarded(recipe):
    limits = QueryLimits(timeout_seconds=1.0, memory_limit_bytes=256 * MIB)
    with pytest.MonkeyPatch.context() as patch, Unguarded(recipe, limits) as opened:
        patch.setenv("VOYANT_CANARY", CANARY)
        yield opened


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"folder"
        for path in sorted(folder.rglob("*"))
    }


def outcome(sandbox: Sandbox, sql: str) -> str:
    try:
        return str(sandbox.query(sql).rows[0][0])
    except QueryError as error:
        return str(error)


def _is_intact(sandbox: Sandbox) -> bool:
    return outcome(sandbox, "SELECT count(*) FROM orders WHERE customer = 'ann'") == "[(3,)]"


@pytest.mark.parametrize("hostile", load(), ids=str)
def test_without_the_check_nothing_leaks_and_nothing_is_written(
    hostile: Hostile, unguarded, folder
):
    if not _is_intact(unguarded):  # an earlier statement dropped the view in its own memory
        unguarded.close()
        assert _is_intact(unguarded)
    before = snapshot(folder)
    sql = hostile.sql(
        canary=folder / "canary.csv",
        canary_parquet=folder / "canary.parquet",
        orders=folder / "orders.parquet",
        database=folder / "other.duckdb",
        folder=folder,
        parent=os.getpid(),
    ).replace("user's data", "user''s data")
    said = outcome(unguarded, sql)
    assert CANARY not in said
    assert "root:" not in said
    assert snapshot(folder) == before


@pytest.fixture(scope="module")
def has_landlock(tmp_path_factory) -> bool:
    """Whether this kernel can withhold the right to write."""
    script = (
        "import sys\n"
        "from voyant.core.landlock import give_up_writing\n"
        "print(give_up_writing(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path_factory.mktemp("w"))],
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(module.__file__).parents[2],
    )
    return done.stdout.strip() == ""


def test_kernel_refuses_to_overwrite_the_users_file(unguarded, folder, has_landlock, recipe):
    if not has_landlock:
        pytest.skip("this kernel has no Landlock")
    path = folder / "orders.parquet"
    before = path.read_bytes()
    copy = (
        f"COPY (SELECT 1 AS id) TO {quote_literal(str(path))} (FORMAT parquet, USE_TMP_FILE false)"
    )
    assert "Permission denied" in outcome(unguarded, copy)
    assert path.read_bytes() == before
    # The same statement without the kernel's help: layer 2 alone lets it through.
    twin = path.with_name("twin.parquet")
    twin.write_bytes(before)
    try:
        with open_connection(ConnectionRecipe(allowed_paths=(str(twin),)), lock=True) as connection:
            connection.execute(copy.replace("orders.parquet", "twin.parquet"))
        assert twin.read_bytes() != before
    finally:
        twin.unlink()


def test_absent_landlock_is_said_in_the_log(recipe, monkeypatch, caplog):
    without = (
        "import voyant.engines.sandbox_child as child\n"
        "child.give_up_writing = lambda folder: 'no such thing here'\n"
        "child.main()"
    )
    monkeypatch.setattr(Sandbox, "_program", ("-c", without))
    with Sandbox(recipe, QueryLimits()) as opened, caplog.at_level(logging.WARNING):
        assert opened.query("SELECT 1").rows == ((1,),)
    assert "no such thing here" in caplog.text


def test_environment_of_the_child_holds_nothing_of_ours(unguarded, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    unguarded.close()
    _is_intact(unguarded)
    environment = Path(f"/proc/{unguarded.child_pid}/environ").read_bytes()
    assert CANARY.encode() not in environment
    names = {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry}
    assert names == {b"PYTHONPATH", b"HOME", b"TMPDIR", b"LANG", b"TZ", b"MALLOC_ARENA_MAX"}


def test_child_inherits_no_descriptor_and_leads_its_own_group(sandbox, tmp_path):
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        with Sandbox(ConnectionRecipe(), QueryLimits()) as opened:
            opened.query("SELECT 1")
            pid = opened.child_pid
            assert pid is not None
            targets = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
            assert str(tmp_path / "open") not in targets
            assert os.getpgid(pid) == pid != os.getpgid(0)


# ------------------------------------------------------------------------------ resource bombs


class Watch(threading.Thread):
    """Follows how much memory of its own (no file's pages) a process uses, until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.resting = self.peak = self._read()

    def _read(self) -> int:
        try:
            lines = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return 0
        found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")]
        return found[0] if found else 0

    def run(self) -> None:
        while now := self._read():
            self.peak = max(self.peak, now)
            time.sleep(0.002)


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_does_not_outlive_its_limits(name: str, recipe):
    # In 128 MiB DuckDB 1.5 now and then crashes over a query that needs none of it.
    memory = (256 if IS_FLOOR else 128) * MIB
    limits = QueryLimits(timeout_seconds=1.5, memory_limit_bytes=memory)
    with Sandbox(recipe, limits) as opened:
        answer(opened, "SELECT 1")
        pid = opened.child_pid
        assert pid is not None
        watch = Watch(pid)
        watch.start()
        with pytest.raises(QueryError) as caught:
            opened.query(BOMBS[name])
        # Where an allocation fails DuckDB mostly says so, and sometimes crashes.
        is_limit = isinstance(caught.value, (QueryTimeoutError, QueryMemoryError))
        assert is_limit or "crashed the engine" in str(caught.value)
        with pytest.raises(ProcessLookupError):  # killed, and waited for
            os.kill(pid, 0)
        watch.join(10)
        assert 0 < watch.peak <= watch.resting + limits.memory_limit_bytes
        assert answer(opened, "SELECT count(*) FROM orders").rows == ((6,),)
        assert opened.child_pid != pid


def answer(opened, sql):
    """Ask what takes no time, on a machine that may be busy for longer than the limit."""
    for _ in range(4):
        with suppress(QueryTimeoutError):
            return opened.query(sql)
    return opened.query(sql)


def test_there_are_enough_bombs():
    assert len(BOMBS) >= 20


def test_query_larger_than_memory_spills_to_its_own_folder(recipe, tmp_path):
    # DuckDB 1.5 takes more beside what it counts, and would not spill within less.
    size = (448 if IS_FLOOR else 192) * MIB
    limits = QueryLimits(timeout_seconds=60, memory_limit_bytes=size, max_rows=1, threads=2)
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            seen.update(path.name for path in tmp_path.rglob("*.tmp"))

    with Sandbox(recipe, limits, temp_directory=tmp_path) as opened:
        looker = threading.Thread(target=look)
        looker.start()
        try:
            result = opened.query(
                "SELECT count(*), sum(n) FROM "
                "(SELECT hash(i) h, sum(i) n FROM range(6_000_000) t(i) GROUP BY h)"
            )
        finally:
            done.set()
            looker.join()
        assert result.rows == ((6_000_000, 6_000_000 * 5_999_999 // 2),)
        assert seen
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ life and death


def test_start_does_not_wait_and_the_first_query_uses_that_child(recipe):
    with Sandbox(recipe, QueryLimits()) as opened:
        assert opened.child_pid is None
        opened.start()
        pid = opened.child_pid
        assert opened.query("SELECT 1").rows == ((1,),)
        opened.start()
        assert opened.child_pid == pid


def test_close_ends_the_child_and_may_be_repeated(recipe, tmp_path):
    opened = Sandbox(recipe, QueryLimits(), temp_directory=tmp_path)
    opened.close()
    opened.query("SELECT 1")
    pid = opened.child_pid
    opened.close()
    opened.close()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list(tmp_path.iterdir()) == []


def test_child_killed_between_queries_is_replaced(recipe):
    with Sandbox(recipe, QueryLimits()) as opened:
        opened.query("SELECT 1")
        pid = opened.child_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert opened.query("SELECT 2").rows == ((2,),)
        assert opened.child_pid != pid


def test_child_outlives_the_thread_that_started_it(recipe):
    with Sandbox(recipe, QueryLimits()) as opened:
        started: list[int | None] = []

        def start() -> None:
            opened.query("SELECT 0")
            started.append(opened.child_pid)

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        assert opened.query("SELECT 1").rows == ((1,),)
        assert [opened.child_pid] == started


def test_queries_of_several_threads_take_turns(sandbox):
    answers: list[tuple[int, object]] = []

    def ask(number: int) -> None:
        answers.append((number, sandbox.query(f"SELECT {number}").rows[0][0]))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(number, number) for number in range(8)]


def test_child_whose_parent_does_not_look_at_the_clock_runs_out_of_cpu_time(recipe):
    limits = QueryLimits(timeout_seconds=0.1, threads=1)
    child = module._Child(Sandbox._program, recipe, limits, None)
    try:
        child.wait_until_ready()
        with pytest.raises(QueryTimeoutError, match="CPU"):
            child.ask({"sql": BOMBS["levenshtein is quadratic"]}, timeout_seconds=600)
    finally:
        child.kill()


def test_child_dies_with_its_parent():
    script = textwrap.dedent(
        """
        from voyant.engines.recipe import ConnectionRecipe
        from voyant.engines.sandbox import QueryLimits, Sandbox
        opened = Sandbox(ConnectionRecipe(), QueryLimits(timeout_seconds=600))
        opened.query("SELECT 1")
        print(opened.child_pid, flush=True)
        opened.query("SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))")
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        cwd=Path(module.__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    for _ in range(1000):  # the kernel kills it; whoever inherits it must still collect it
        state = _state(child)
        if state in {"", "Z"}:
            break
        time.sleep(0.01)
    assert _state(child) in {"", "Z"}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
