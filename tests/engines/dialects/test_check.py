"""Is every hostile statement refused in each engine's dialect, and every honest one kept whole?"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import expressions

from tests.engines.hostile_sql import legitimate_postgres, legitimate_spark
from tests.engines.hostile_sql.corpus import Hostile, load
from voyant.core.errors import UnsafeQueryError
from voyant.engines.dialects.check import DIALECTS, checked_sql
from voyant.engines.dialects.lexer import check_words
from voyant.engines.dialects.tables import JobTable
from voyant.engines.dialects.words import WORDS as ALLOWED
from voyant.engines.guard import MAX_QUERY_LENGTH

PATHS = {
    "canary": "/data/canary.csv",
    "canary_parquet": "/data/canary.parquet",
    "orders": "/data/orders.parquet",
    "database": "/data/other.duckdb",
    "folder": "/data",
    "parent": 1,
}
COLUMNS = (
    *("id", "customer", "region", "amount", "price", "ordered", "at", "seen", "tags", "info"),
    *("is_paid", "Weird Name"),
)


def job(dialect):
    path = {"spark": (), "postgres": ("public",)}.get(dialect, ("shop", "public"))
    orders, customers = "orders", "customers"
    if dialect == "snowflake":
        path, orders, customers = ("SHOP", "PUBLIC"), "ORDERS", "CUSTOMERS"
    return [
        JobTable(path=(*path, orders), columns=COLUMNS, name=orders),
        JobTable(path=(*path, customers), columns=("name", "country", "since"), name=customers),
    ]


def checked(sql, dialect="postgres", **options):
    return checked_sql(sql, dialect=dialect, tables=job(dialect), **options)


# What is no attack in the dialect, because the text means something else there.
HARMLESS = {
    ("postgres", "statements: nested comments end later here than in other engines"): "SELECT 1",
    (
        "spark",
        "statements: a string that ends later than it seems",
    ): """SELECT 'x\\' , reflect("java.lang.System", "getenv", "HOME") , \\''""",
    (
        "spark",
        "statements: a string in double quotes",
    ): """SELECT 'x" , reflect(\\'java.lang.System\\', \\'getenv\\', \\'HOME\\') , "'""",
}
HOSTILE = [
    (dialect, hostile) for dialect in ("postgres", "spark") for hostile in [*load(), *load(dialect)]
]


@pytest.mark.parametrize("dialect", ["postgres", "spark"])
def test_corpora_are_large_and_have_no_repetitions(dialect):
    statements = Counter(hostile.template for hostile in load(dialect))
    assert len(statements) >= 60
    assert [statement for statement, count in statements.items() if count > 1] == []
    legitimate = {"postgres": legitimate_postgres, "spark": legitimate_spark}[dialect].LEGITIMATE
    assert len(legitimate) >= 60


@pytest.mark.parametrize(("dialect", "hostile"), HOSTILE, ids=str)
def test_hostile_statement_is_refused(dialect: str, hostile: Hostile):
    harmless = HARMLESS.get((dialect, str(hostile)))
    if harmless is not None:
        assert checked(hostile.sql(**PATHS), dialect) == harmless
        return
    with pytest.raises(UnsafeQueryError) as caught:
        checked(hostile.sql(**PATHS), dialect)
    assert caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_no_dialect_reads_other_tables_or_calls_other_functions(dialect):
    for hostile in [*load(), *load("postgres"), *load("spark")]:
        with suppress(UnsafeQueryError):
            text = checked(hostile.sql(**PATHS), dialect)
            check_words(text, dialect=dialect)
            read = {
                table.name.lower()
                for table in sqlglot.parse_one(text, read=dialect).find_all(expressions.Table)
                if isinstance(table.this, expressions.Identifier)
            }
            # CTEs are the only others, where one is used that the statement itself defines.
            assert read <= {"orders", "customers"} | (
                {"hidden"} if "RECURSIVE" in text.upper() else set()
            )


EVERYWHERE = [
    "SELECT count(*) FROM orders",
    """SELECT o.customer, sum(o.amount) AS total FROM orders AS o GROUP BY o.customer
       HAVING sum(o.amount) > 10 ORDER BY total DESC LIMIT 5""",
    "WITH big AS (SELECT * FROM orders WHERE amount > 15) SELECT count(*) FROM big",
    """SELECT CASE WHEN amount IS NULL THEN 'none' ELSE 'some' END, CAST(id AS DECIMAL(10, 2))
       FROM orders WHERE customer LIKE 'a%' AND region IN ('north', 'south')""",
    "SELECT id, row_number() OVER (PARTITION BY region ORDER BY id) FROM orders",
    """SELECT c.name FROM customers AS c LEFT JOIN orders AS o ON o.customer = c.name
       WHERE o.id IS NULL""",
    "SELECT extract(YEAR FROM ordered), coalesce(amount, 0), round(amount, 2) FROM orders",
    "SELECT customer FROM orders UNION ALL SELECT name FROM customers",
    "SELECT id FROM orders WHERE amount > (SELECT avg(amount) FROM orders)",
]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize("sql", EVERYWHERE)
def test_plain_sql_passes_in_every_dialect_and_tables_have_their_paths(dialect, sql):
    text = checked(sql, dialect)
    paths = {
        ".".join(part.name for part in table.parts)
        for table in sqlglot.parse_one(text, read=dialect).find_all(expressions.Table)
        if table.name not in {"big", "BIG"}
    }
    assert paths <= {".".join(table.path) for table in job(dialect)}


def test_names_are_folded_and_quoted_as_postgresql_would():
    assert checked('SELECT O.Customer AS "Who" FROM Orders O') == (
        'SELECT "o"."customer" AS "Who" FROM "public"."orders" AS "o"'
    )


def test_short_names_are_those_of_the_job_and_must_be_clear():
    twins = [JobTable(path=("a", "t")), JobTable(path=("b", "t"))]
    with pytest.raises(UnsafeQueryError, match=r"2 tables.*a\.t or b\.t"):
        checked_sql("SELECT * FROM t", dialect="postgres", tables=twins)
    named = [JobTable(path=("a", "t"), name="t"), JobTable(path=("b", "t"), name="b.t")]
    for sql, path in {"t": '"a"."t"', "b.t": '"b"."t"', "a.t": '"a"."t"'}.items():
        text = checked_sql(f"SELECT * FROM {sql}", dialect="postgres", tables=named)
        assert text == f'SELECT * FROM {path} AS "t"'


def test_odd_names_of_tables():
    odd = [JobTable(path=("my shop", 'say "hi"; DROP'), columns=("x",))]
    text = checked_sql('SELECT x FROM "my shop"."say ""hi""; DROP"', dialect="postgres", tables=odd)
    assert text == 'SELECT "x" FROM "my shop"."say ""hi""; DROP" AS "say ""hi""; DROP"'


def test_rows_are_limited_in_the_query_itself():
    assert checked("SELECT id FROM orders", max_rows=5).endswith(" LIMIT 5")
    assert checked("SELECT id FROM orders LIMIT 3", max_rows=5).endswith(" LIMIT 3")
    assert checked("SELECT id FROM orders LIMIT 30 OFFSET 2", max_rows=5).endswith(
        " LIMIT 5 OFFSET 2"
    )
    union = checked("SELECT 1 UNION ALL SELECT 2 ORDER BY 1", max_rows=5)
    assert union == "SELECT 1 UNION ALL SELECT 2 ORDER BY 1 LIMIT 5"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM ordres", r"'ordres', which is not a table of this job\. Did you mean"),
        ("SELECT pg_sleep(1)", r"The function pg_sleep\(\) is not allowed"),
        ("SELECT o.custmer FROM orders o", r"no column 'custmer'\. Did you mean 'customer'\?"),
        ("SELECT 1; SELECT 2", "several statements"),
        ("", "is empty"),
        ("-- nothing", "is empty"),
        ("DROP TABLE orders", "A DROP statement is not allowed"),
        ("SELECT 1 FROM", "cannot be read as PostgreSQL's SQL"),
        ("SELECT $1", "a parameter"),
        ("SELECT * FROM orders FOR UPDATE", "LOCKS"),
        ("SELECT 'x'::regclass", "ObjectIdentifier"),
        ("SELECT 'x'::mood", "type"),
    ],
)
def test_message_says_what_and_what_to_do(sql, said):
    with pytest.raises(UnsafeQueryError, match=said) as caught:
        checked(sql)
    assert caught.value.remedy


@pytest.mark.parametrize("escape", [r"'\u0041'", r"'\101'", r"'\d'", r"'\0'", r"'\Z'"])
def test_escape_that_is_read_differently_is_refused_on_spark(escape):
    with pytest.raises(UnsafeQueryError, match="escape"):
        checked(f"SELECT {escape}", "spark")


def test_number_that_would_lose_its_digits_is_refused_on_spark():
    with pytest.raises(UnsafeQueryError, match="BD"):
        checked("SELECT 1.5BD", "spark")


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize("depth", [5, 50, 5_000])
@pytest.mark.parametrize(
    "shape",
    [
        lambda n: "SELECT " + "(" * n + "1" + ")" * n,
        lambda n: "SELECT " + "NOT " * n + "true",
        lambda n: "SELECT 1" + "+1" * n,
        lambda n: "SELECT " + "- " * n + "1",
        lambda n: "SELECT " + "case when true then " * n + "1" + " end" * n,
        lambda n: "SELECT true" + " and true" * n,
        lambda n: "SELECT 1" + " union all select 1" * n,
        lambda n: "SELECT * FROM " + "(SELECT * FROM " * n + "orders" + ") t" * n,
        lambda n: "SELECT 1 FROM orders" + ",orders" * n,
        lambda n: "SELECT a" + ".a" * n,
        lambda n: "SELECT 1" + "::int" * n,
        lambda n: "SELECT " + "x->" * n + "1",
        lambda n: "SELECT 1" + " -- x\n" * n,
        lambda n: "SELECT " + "abs(" * n + "1" + ")" * n,
        lambda n: "SELECT " + "(" * n,
    ],
)
def test_deep_or_long_text_is_judged_or_refused_but_never_crashes(shape, depth, dialect):
    with suppress(UnsafeQueryError):
        checked(shape(depth), dialect)


def test_too_long_is_refused_before_it_is_read():
    with pytest.raises(UnsafeQueryError, match="characters"):
        checked("SELECT 1" + " " * MAX_QUERY_LENGTH)
    with pytest.raises(UnsafeQueryError, match="words"):
        checked("SELECT 1" + ",1" * 6_000)


# ------------------------------------------------------------------------------- properties

WORDS = [
    *("select", "from", "with", "as", "in", "over", "union", "hidden", "recursive", "lateral"),
    *("filter", "--", "/*", "*/", "||", "pg_sleep(", "current_user", "::regclass", "$$", "E'"),
    *("U&'", "${env:X}", "into", "update"),
]
TOKENS = st.sampled_from([*" ;,()[]{}.'\"`-+*/$?:\\\n\t\0%@&|", *WORDS])
MUTANTS = {
    dialect: st.sampled_from(
        [
            *(h.sql(**PATHS) for h in load(dialect)),
            *(h.sql(**PATHS) for h in load() if "SURROGATE" not in h.template),
            *module.LEGITIMATE.values(),
        ]
    )
    for dialect, module in (("postgres", legitimate_postgres), ("spark", legitimate_spark))
}


def assert_settled(text, dialect):
    """The text means one tree, that tree is written as this text, and all its words are known."""
    check_words(text, dialect=dialect)
    assert checked(text, dialect) == text


@settings(max_examples=300)
@given(data=st.data())
def test_mutated_statements_are_refused_or_settle(data: st.DataObject):
    dialect = data.draw(st.sampled_from(sorted(MUTANTS)))
    text = data.draw(MUTANTS[dialect])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        insert = data.draw(st.one_of(TOKENS, st.text(max_size=6), MUTANTS[dialect]))
        text = text[:start] + insert + text[end:]
    with suppress(UnsafeQueryError):
        assert_settled(checked(text, dialect), dialect)


VALUES = st.one_of(
    st.integers(0, 10**20).map(str),
    st.sampled_from(["id", "o.amount", '"Weird Name"', "customer", "NULL", "true", "1.50", "1e3"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\"), max_size=8).map(
        lambda text: "'" + text.replace("'", "''") + "'"
    ),
)
OPERATORS = ["+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "AND", "OR"]
EXPRESSIONS = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda t: f"(({t[0]}) {t[1]} ({t[2]}))"
        ),
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
        inner.map(lambda x: f"coalesce({x}, 0)"),
        inner.map(lambda x: f"CAST({x} AS text)"),
        inner.map(lambda x: f"- ({x})"),
        inner.map(lambda x: f"NOT ({x})"),
        inner.map(lambda x: f"({x}) IS NOT NULL"),
        inner.map(lambda x: f"sum({x}) OVER (ORDER BY id)"),
        inner.map(lambda x: f"count(*) FILTER (WHERE ({x}) IS NULL)"),
        st.tuples(inner, inner).map(lambda t: f"CASE WHEN {t[0]} THEN {t[1]} ELSE 0 END"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) IN ({t[1]}, 1)"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) BETWEEN ({t[1]}) AND ({t[2]})"),
        inner.map(lambda x: f"(SELECT {x} FROM orders AS o LIMIT 1)"),
    ),
    max_leaves=8,
)
QUERIES = st.builds(
    "SELECT {} AS x, {} FROM orders AS o WHERE {} GROUP BY {} ORDER BY 1 DESC NULLS LAST".format,
    EXPRESSIONS, EXPRESSIONS, EXPRESSIONS, EXPRESSIONS,
)  # fmt: skip


@settings(max_examples=300)
@given(sql=QUERIES)
def test_what_is_written_reads_as_the_tree_that_was_checked(sql: str):
    text = checked(sql)
    tree = sqlglot.parse_one(text, read="postgres")
    again = tree.sql(dialect="postgres", identify=True, comments=False)
    assert again == text
    assert sqlglot.parse_one(again, read="postgres") == tree
    assert_settled(text, "postgres")


@given(word=st.from_regex(r"[a-z_]{3,20}", fullmatch=True))
def test_unlisted_function_is_refused_everywhere(word: str):
    for dialect in DIALECTS:
        if word not in ALLOWED[dialect]:
            with pytest.raises(UnsafeQueryError):
                checked(f"SELECT {word}(1)", dialect)
