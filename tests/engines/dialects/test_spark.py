"""Does Spark give analysts their answers, and attackers nothing?"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engines.hostile_sql.corpus import load
from tests.engines.hostile_sql.legitimate_spark import CUSTOMERS, LEGITIMATE, ORDERS
from voyant.core.errors import QueryError, QueryTimeoutError, UnsafeQueryError
from voyant.engines.dialects.check import checked_sql
from voyant.engines.dialects.running import GuardedQueries
from voyant.engines.dialects.spark import SparkQuerySession
from voyant.engines.dialects.tables import JobTable
from voyant.engines.dialects.words import FUNCTIONS
from voyant.engines.sandbox import QueryLimits

pytestmark = [
    # PySpark's own sockets and its logger, which it leaves to the end of the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CANARY = "CANARY-31d0-never-to-be-seen"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("outside")
    (made / "canary.csv").write_text(f"secret\n{CANARY}\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def spark(folder, tmp_path_factory):
    if shutil.which("java") is None:
        said = "Java is not installed: apt install openjdk-17-jre-headless"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(said)
    from pyspark.sql import SparkSession

    place = tmp_path_factory.mktemp("spark")
    ctrl_c = signal.getsignal(signal.SIGINT)  # PySpark puts a handler of its own there
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(place / "warehouse"))
        .config("spark.local.dir", str(place / "local"))
        .getOrCreate()
    )
    signal.signal(signal.SIGINT, ctrl_c)
    session.sparkContext.setLogLevel("OFF")
    session.sql(f"CREATE TABLE hidden USING parquet AS SELECT '{CANARY}' AS secret, 1 AS id")
    yield session
    session.sql("DROP TABLE hidden")
    session.stop()


def fresh(spark):
    """A session in which the job's tables are temporary views, as for tables that are files."""
    session = spark.newSession()
    session.sql(ORDERS).createOrReplaceTempView("orders")
    session.sql(CUSTOMERS).createOrReplaceTempView("customers")
    return session


TABLES = [JobTable(path=("orders",)), JobTable(path=("customers",))]


def opened(spark, limits):
    return GuardedQueries(
        lambda: SparkQuerySession(lambda: fresh(spark)),
        dialect="spark",
        tables=lambda: TABLES,
        limits=limits,
    )


@pytest.fixture(scope="module")
def queries(spark):
    with opened(spark, QueryLimits(timeout_seconds=120)) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def bare(spark):
    return SparkQuerySession(lambda: fresh(spark))


@pytest.mark.parametrize("name", LEGITIMATE)
def test_rewritten_query_gives_what_the_users_own_text_gives(name: str, queries, bare):
    sql = LEGITIMATE[name]
    answer = bare.run(sql.rstrip("; \n"), max_rows=1000)
    rows = tuple(answer.rows)
    result = queries.query(sql)
    assert result.rows == rows
    assert [c.type for c in result.columns] == [c.type for c in answer.columns]
    assert not result.truncated


CELLS = {
    "CAST(NULL AS INT)": ("int", None),
    "true": ("boolean", True),
    "9223372036854775807": ("bigint", 2**63 - 1),
    "CAST(0.1 AS DOUBLE)": ("double", 0.1),
    "double('NaN')": ("double", "NaN"),
    "-double('Infinity')": ("double", "-Infinity"),
    "CAST(1.50 AS DECIMAL(10, 2))": ("decimal(10,2)", 1.5),
    "CAST('12345678901234567890.123' AS DECIMAL(38, 3))": (
        "decimal(38,3)",
        "12345678901234567890.123",
    ),
    "'ünï 🧀'": ("string", "ünï 🧀"),
    "DATE '2024-02-29'": ("date", "2024-02-29"),
    "TIMESTAMP '2024-01-01 10:00:00+02:00'": ("timestamp", "2024-01-01T08:00:00+00"),
    "CAST('2024-01-01 10:00:00.5' AS TIMESTAMP_NTZ)": ("timestamp_ntz", "2024-01-01T10:00:00.5"),
    "CAST('abc' AS BINARY)": ("binary", "<3 bytes>"),
    "array(1, NULL)": ("array<int>", "[1, null]"),
    "named_struct('a', 1, 'b', 'x')": ("struct<a:int,b:string>", "{1, x}"),
    "map('k', 1)": ("map<string,int>", "{k -> 1}"),
}


@pytest.mark.parametrize("expression", CELLS)
def test_cell_arrives_as_documented(expression: str, queries):
    kind, value = CELLS[expression]
    result = queries.query(f"SELECT {expression} AS cell")
    assert [(column.name, column.type) for column in result.columns] == [("cell", kind)]
    assert result.rows == ((value,),)
    assert type(result.rows[0][0]) is type(value)


@pytest.mark.parametrize("text", ["it's", "back\\slash", "\\'", '"', "`", "é\n\t", "%s", "$x {y}"])
def test_text_arrives_as_it_was_written(text: str, queries):
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert queries.query(f"SELECT {quoted} AS t").rows == ((text,),)


def test_names_of_columns_may_repeat(queries):
    result = queries.query("SELECT 1 AS a, 2 AS a, 3 AS `x y`")
    assert [column.name for column in result.columns] == ["a", "a", "x y"]
    assert result.rows == ((1, 2, 3),)


def test_listed_functions_exist(spark):
    """A word that this Spark does not know is part of the grammar, or of every engine's list."""
    known = {row[0] for row in spark.sql("SHOW ALL FUNCTIONS").collect()}
    assert {"reflect", "java_method", "input_file_name", "version"} <= known
    assert len(FUNCTIONS["spark"] & known) > 300
    dangerous = ("reflect", "java_", "try_reflect", "input_file", "read_", "ai_", "from_avro",
                 "from_protobuf", "current_user", "current_cat", "raise_error")  # fmt: skip
    assert [name for name in FUNCTIONS["spark"] if name.startswith(dangerous)] == []


def test_every_function_of_spark_that_is_not_listed_is_refused(spark):
    names = {row[0] for row in spark.sql("SHOW ALL FUNCTIONS").collect()}
    unlisted = {name for name in names if name.isidentifier()} - FUNCTIONS["spark"]
    assert {"reflect", "java_method", "input_file_name", "current_user"} <= unlisted
    for name in unlisted:
        with suppress(UnsafeQueryError):  # what passes is grammar: x ILIKE y, NOT (x)
            text = checked_sql(f"SELECT {name}('a', 'b', 'c')", dialect="spark", tables=TABLES)
            assert f"{name}(" not in text.lower(), name


HOSTILE = [*load("spark"), *load()]


def listing(place: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in sorted(place.rglob("*"))}


def test_hostile_statements_change_nothing_and_show_nothing(spark, queries, folder, monkeypatch):
    paths = {
        "canary": folder / "canary.csv",
        "canary_parquet": folder / "canary.parquet",
        "orders": folder / "orders.parquet",
        "database": folder / "other.duckdb",
        "folder": folder,
        "parent": 1,
    }
    queries.query("SELECT 1")
    before = (
        listing(folder),
        sorted(spark.sparkContext.getConf().getAll()),
        spark.sql("SELECT * FROM hidden").collect(),
        spark.sql("SHOW TABLES").collect(),
        {row[0] for row in spark.sql("SHOW USER FUNCTIONS").collect()},
        queries._session._spark.sql("SET").collect(),
    )
    refused = 0
    for hostile in HOSTILE:
        try:
            result = queries.query(hostile.sql(**paths))
        except UnsafeQueryError:
            refused += 1
        except QueryError as error:
            assert CANARY not in str(error)  # noqa: PT017 - one of three ways to end
        else:
            assert CANARY not in repr(result), hostile
            assert repr(result).count("/root") == 0, hostile
    assert refused >= len(HOSTILE) - 2  # two are one string each, here
    assert before == (
        listing(folder),
        sorted(spark.sparkContext.getConf().getAll()),
        spark.sql("SELECT * FROM hidden").collect(),
        spark.sql("SHOW TABLES").collect(),
        {row[0] for row in spark.sql("SHOW USER FUNCTIONS").collect()},
        queries._session._spark.sql("SET").collect(),
    )


def test_session_alone_puts_no_variable_in_and_reads_no_path(bare, folder):
    """The layer beneath the check."""
    assert list(bare.run("SELECT '${env:HOME}' AS x", max_rows=1).rows) == [("${env:HOME}",)]
    with pytest.raises(QueryError):
        bare.run(f"SELECT * FROM text.`{folder / 'canary.csv'}`", max_rows=1)


@pytest.mark.parametrize(("count", "truncated"), [(3, False), (4, True)])
def test_rows_are_capped_and_the_result_says_so(count, truncated, spark):
    with opened(spark, QueryLimits(max_rows=3, timeout_seconds=120)) as few:
        result = few.query(f"SELECT id FROM range({count})")
        assert len(result.rows) == 3
        assert result.truncated is truncated


def test_mistakes_are_explained(queries, capfd):
    with pytest.raises(QueryError, match=r"UNRESOLVED_COLUMN.*amuont"):
        queries.query("SELECT amuont FROM orders")
    with pytest.raises(QueryError, match="DIVIDE_BY_ZERO"):
        queries.query("SELECT 1 / 0 FROM orders")
    said = capfd.readouterr()
    assert "Traceback" not in said.err + said.out
    assert "SQLQueryContextLogger" not in said.err + said.out


def test_query_is_stopped_at_its_deadline_and_the_cluster_is_free_again(spark):
    with opened(spark, QueryLimits(timeout_seconds=10)) as brief:
        brief.query("SELECT count(*) FROM range(10)")
        with pytest.raises(QueryTimeoutError, match="10 s"):
            brief.query("SELECT count(*) FROM range(100000000000000)")
        tracker = spark.sparkContext.statusTracker()
        for _ in range(600):
            if not tracker.getActiveJobsIds():
                break
            time.sleep(0.05)
        assert not tracker.getActiveJobsIds()
        assert brief.query("SELECT count(*) FROM range(10)").rows == ((10,),)
