"""What does each SQL dialect call the few things that the engine cannot say in common SQL?

Statements are written once, over safe names, in a small common SQL (PostgreSQL's); sqlglot writes
them in a backend's dialect. What sqlglot does not know how to say stands there as a function named
`VOYANT_...`, which is replaced here. The columns under a statement are Ibis expressions, compiled
by the backend's own compiler; they use the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import sqlglot
import sqlglot.expressions as sge

__all__ = ["DIALECTS", "Dialect", "dialect_of"]

#: What statements are written in.
_COMMON: Final = "postgres"
_PREFIX: Final = "VOYANT_"

#: Common SQL for each function, `a` and `b` its arguments; dialects name what they say otherwise.
_FUNCTIONS: Final[Mapping[str, str]] = {
    # Any value as text that is compared and sorted by code point.
    "VOYANT_TEXT": "CAST(a AS TEXT)",
    # Bytes as hexadecimal digits.
    "VOYANT_HEX": "HEX(a)",
    # A date as days since 1970-01-01, a time stamp as microseconds (UTC where it has a zone).
    "VOYANT_DAYS": "DATEDIFF(a, DATE '1970-01-01')",
    "VOYANT_MICROS": "CAST(EXTRACT(EPOCH FROM a) * 1000000 AS BIGINT)",
    # A double that is neither NaN nor infinite, else null.
    "VOYANT_FINITE": "CASE WHEN a - a = 0 THEN a END",
    "VOYANT_IS_NAN": "(a <> a)",
    # A decimal that is a number, else null.
    "VOYANT_NUMERIC": "a",
    # The nearest whole number, within 64 bits.
    "VOYANT_WHOLE": "CAST(ROUND(a) AS BIGINT)",
    # Whole quotient of two whole numbers, none negative.
    "VOYANT_QUOTIENT": "CAST(FLOOR(a / b) AS BIGINT)",
    # A whole number wide enough to add up 64-bit ones.
    "VOYANT_WIDE": "CAST(a AS DECIMAL(38, 0))",
    # A number that hardly depends on what the text says, but on nothing else.
    "VOYANT_HASH": "MD5(a)",
    # A whole number of 64 bits with a sign, as if thrown by dice, that depends on a text alone.
    "VOYANT_FINGERPRINT": "HASHTEXTEXTENDED(a, 0)",
    # Whether a text is nothing but white space.
    "VOYANT_IS_BLANK": r"REGEXP_LIKE(a, '^[ \t\n\v\f\r]*$')",
    # A number for each row, from 0; where rows have no order, any.
    "VOYANT_ROW": "ROW_NUMBER() OVER (ORDER BY NULL) - 1",
    "VOYANT_LENGTH": "CHAR_LENGTH(a)",
    "VOYANT_LAST": "RIGHT(a, 1)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One dialect of SQL.

    Attributes:
        name: sqlglot's name for it, and that of Ibis' compiler.
        functions: What is said otherwise than in common SQL, in the dialect's own words.
        has_grouping_sets: Whether one statement can group by each of several columns.
        approximate_distinct: A function that estimates the number of different values in one
            aggregate; empty where there is none.
        fingerprint: The function behind `VOYANT_FINGERPRINT`, for people.
        keeps_order: Whether unordered rows come in the same order each time.
        is_executed: Whether the test suite runs it, or only compiles it.
    """

    name: str
    functions: Mapping[str, str] = field(default_factory=dict[str, str])
    has_grouping_sets: bool = True
    approximate_distinct: str = ""
    fingerprint: str = ""
    keeps_order: bool = False
    is_executed: bool = False

    def write(self, text: str, sources: Mapping[str, Any]) -> str:
        """Write a statement in this dialect.

        Args:
            text: Common SQL.
            sources: What stands for each table the text names, as sqlglot expressions.
        """
        tree = _parse(text).copy()
        for table in list(tree.find_all(sge.Table)):
            source = sources.get(table.name)
            if source is not None:
                alias = table.alias or table.name
                table.replace(sge.Subquery(this=source.copy(), alias=_alias(alias)))
        return str(self.finish(tree).sql(dialect=self.name))

    def finish(self, tree: Any) -> Any:
        """Replace the functions that stand for what each dialect says in its own way."""
        return tree.transform(self._replaced, copy=False)

    def _replaced(self, node: Any) -> Any:
        if not isinstance(node, sge.Anonymous):
            return node
        name = str(node.this).upper()
        if not name.startswith(_PREFIX):
            return node
        own = self.functions.get(name)
        template = _parse_function(own, self.name) if own else _parse_function(_FUNCTIONS[name], "")
        arguments = dict(zip("ab", node.expressions, strict=False))
        # The arguments may hold such functions too.

        def fill(part: Any) -> Any:
            return arguments[part.name].copy() if _is_argument(part, arguments) else part

        return sge.Paren(this=self.finish(template.copy().transform(fill)))


def _is_argument(node: Any, arguments: Mapping[str, Any]) -> bool:
    return isinstance(node, sge.Column) and not node.table and node.name in arguments


def _alias(name: str) -> Any:
    return sge.TableAlias(this=sge.to_identifier(name))


@lru_cache(maxsize=512)
def _parse(text: str) -> Any:
    return sqlglot.parse_one(text, read=_COMMON)


@lru_cache(maxsize=256)
def _parse_function(text: str, dialect: str) -> Any:
    return sqlglot.parse_one(text, read=dialect or _COMMON)


_POSTGRES: Final = Dialect(
    name="postgres",
    functions={
        "VOYANT_TEXT": 'CAST(a AS TEXT) COLLATE "C"',
        "VOYANT_HEX": "ENCODE(a, 'hex')",
        "VOYANT_DAYS": "CASE WHEN ISFINITE(a) THEN a - DATE '1970-01-01' "
        "WHEN a > DATE '1970-01-01' THEN 2147483647 WHEN a IS NOT NULL THEN -2147483647 END",
        "VOYANT_MICROS": "CASE WHEN ISFINITE(a) "
        "THEN CAST(EXTRACT(EPOCH FROM a) * 1000000 AS BIGINT) "
        "WHEN a > '1970-01-01' THEN 9223372036854775807 "
        "WHEN a IS NOT NULL THEN -9223372036854775807 END",
        # PostgreSQL takes NaN for equal to itself, and for greater than infinity.
        "VOYANT_FINITE": "CASE WHEN a > CAST('-infinity' AS DOUBLE PRECISION) "
        "AND a < CAST('infinity' AS DOUBLE PRECISION) THEN a END",
        "VOYANT_IS_NAN": "a = CAST('nan' AS DOUBLE PRECISION)",
        "VOYANT_NUMERIC": "NULLIF(a, CAST('nan' AS DECIMAL))",
        "VOYANT_WHOLE": "CAST(a AS BIGINT)",  # as numeric it would keep 15 digits
        "VOYANT_QUOTIENT": "CAST(a AS BIGINT) / CAST(b AS BIGINT)",
        "VOYANT_IS_BLANK": "BTRIM(a, E' \\t\\n\\x0b\\f\\r') = ''",
        "VOYANT_WIDE": "a",  # sums of bigint are numeric
        "VOYANT_HASH": "HASHTEXTEXTENDED(a, 0)",
        "VOYANT_ROW": "ROW_NUMBER() OVER () - 1",
    },
    fingerprint="hashtextextended",
    keeps_order=True,
    is_executed=True,
)
_SPARK: Final = Dialect(
    name="spark",
    functions={
        "VOYANT_TEXT": "CAST(a AS STRING)",
        "VOYANT_DAYS": "UNIX_DATE(a)",
        "VOYANT_MICROS": "UNIX_MICROS(CAST(a AS TIMESTAMP))",
        "VOYANT_IS_NAN": "ISNAN(a)",
        "VOYANT_FINITE": "CASE WHEN NOT ISNAN(a) AND ABS(a) < CAST('infinity' AS DOUBLE) "
        "THEN a END",
        "VOYANT_WHOLE": "CAST(RINT(a) AS BIGINT)",
        "VOYANT_QUOTIENT": "a DIV b",
        "VOYANT_HASH": "XXHASH64(a)",
        "VOYANT_ROW": "MONOTONICALLY_INCREASING_ID()",
        "VOYANT_FINGERPRINT": "XXHASH64(a)",
    },
    approximate_distinct="APPROX_COUNT_DISTINCT",
    fingerprint="xxhash64",
)
_TRINO: Final = Dialect(
    name="trino",
    functions={
        "VOYANT_TEXT": "CAST(a AS VARCHAR)",
        "VOYANT_HEX": "TO_HEX(a)",
        "VOYANT_DAYS": "DATE_DIFF('DAY', DATE '1970-01-01', a)",
        "VOYANT_MICROS": "CAST(TO_UNIXTIME(CAST(a AS TIMESTAMP(6) WITH TIME ZONE)) * 1000000 "
        "AS BIGINT)",
        "VOYANT_FINITE": "CASE WHEN IS_FINITE(a) THEN a END",
        "VOYANT_IS_NAN": "IS_NAN(a)",
        "VOYANT_QUOTIENT": "a / b",
        "VOYANT_HASH": "XXHASH64(TO_UTF8(a))",
        "VOYANT_LENGTH": "LENGTH(a)",
        "VOYANT_LAST": "SUBSTR(a, -1)",
        "VOYANT_FINGERPRINT": "FROM_BIG_ENDIAN_64(XXHASH64(TO_UTF8(a)))",
    },
    approximate_distinct="APPROX_DISTINCT",
    fingerprint="xxhash64",
)
_SNOWFLAKE: Final = Dialect(
    name="snowflake",
    functions={
        "VOYANT_HEX": "HEX_ENCODE(a)",
        "VOYANT_DAYS": "DATEDIFF(DAY, DATE '1970-01-01', a)",
        "VOYANT_MICROS": "DATE_PART(EPOCH_MICROSECOND, a)",
        "VOYANT_FINITE": "CASE WHEN a <> 'NaN' AND ABS(a) < 'inf' THEN a END",
        "VOYANT_IS_NAN": "a = 'NaN'",
        "VOYANT_HASH": "HASH(a)",
        "VOYANT_FINGERPRINT": "HASH(a)",
    },
    approximate_distinct="APPROX_COUNT_DISTINCT",
    fingerprint="hash",
)
_BIGQUERY: Final = Dialect(
    name="bigquery",
    functions={
        "VOYANT_TEXT": "CAST(a AS STRING)",
        "VOYANT_HEX": "TO_HEX(a)",
        "VOYANT_DAYS": "UNIX_DATE(a)",
        "VOYANT_MICROS": "UNIX_MICROS(CAST(a AS TIMESTAMP))",
        "VOYANT_FINITE": "CASE WHEN NOT IS_NAN(a) AND NOT IS_INF(a) THEN a END",
        "VOYANT_IS_NAN": "IS_NAN(a)",
        "VOYANT_QUOTIENT": "DIV(a, b)",
        "VOYANT_WIDE": "CAST(a AS BIGNUMERIC)",
        "VOYANT_HASH": "FARM_FINGERPRINT(a)",
        "VOYANT_FINGERPRINT": "FARM_FINGERPRINT(a)",
    },
    approximate_distinct="APPROX_COUNT_DISTINCT",
    fingerprint="farm_fingerprint",
)
_CLICKHOUSE: Final = Dialect(
    name="clickhouse",
    functions={
        "VOYANT_TEXT": "toString(a)",
        "VOYANT_HEX": "hex(a)",
        "VOYANT_DAYS": "dateDiff('day', toDate32('1970-01-01'), a)",
        "VOYANT_MICROS": "toUnixTimestamp64Micro(toDateTime64(a, 6, 'UTC'))",
        "VOYANT_FINITE": "CASE WHEN isFinite(a) THEN a END",
        "VOYANT_IS_NAN": "isNaN(a)",
        "VOYANT_WHOLE": "toInt64(round(a))",
        "VOYANT_QUOTIENT": "intDiv(a, b)",
        "VOYANT_WIDE": "toInt128(a)",
        "VOYANT_HASH": "xxHash64(a)",
        "VOYANT_LENGTH": "lengthUTF8(a)",
        "VOYANT_LAST": "rightUTF8(a, 1)",
        "VOYANT_FINGERPRINT": "reinterpretAsInt64(xxHash64(a))",
    },
    approximate_distinct="uniq",
    fingerprint="xxHash64",
)
_MYSQL: Final = Dialect(
    name="mysql",
    functions={
        "VOYANT_TEXT": "CAST(a AS CHAR) COLLATE utf8mb4_0900_bin",
        "VOYANT_DAYS": "DATEDIFF(a, DATE '1970-01-01')",
        "VOYANT_MICROS": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', a)",
        "VOYANT_FINITE": "a",  # MySQL stores neither NaN nor infinity
        "VOYANT_IS_NAN": "FALSE",
        "VOYANT_WHOLE": "CAST(ROUND(a) AS SIGNED)",
        "VOYANT_QUOTIENT": "a DIV b",
        "VOYANT_FINGERPRINT": "CAST(CONV(SUBSTRING(MD5(a), 1, 16), 16, -10) AS SIGNED)",
    },
    has_grouping_sets=False,
    fingerprint="md5",
)

#: By the name of the Ibis backend.
DIALECTS: Final[Mapping[str, Dialect]] = {
    "postgres": _POSTGRES,
    "pyspark": _SPARK,
    "trino": _TRINO,
    "snowflake": _SNOWFLAKE,
    "bigquery": _BIGQUERY,
    "clickhouse": _CLICKHOUSE,
    "mysql": _MYSQL,
}


def dialect_of(backend: str) -> Dialect:
    """Return the dialect of an Ibis backend."""
    return DIALECTS[backend]
