"""Which unquoted words and operators may the SQL hold that other engines are given?

In the SQL that is run every name of a table, column or alias is quoted, so whatever stands outside
of quotes is the language: keywords, types, functions. All of it must be listed here. A function is
listed when its result depends on its arguments alone (or on the clock, or on chance) and it reads
no file, address, setting, catalog or session. Resource use is no criterion: limits bound that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voyant.engines.dialects.functions import (
    BIGQUERY,
    CLICKHOUSE,
    MYSQL,
    POSTGRES,
    SHARED,
    SNOWFLAKE,
    SPARK,
    TRINO,
)

__all__ = ["FUNCTIONS", "KEYWORDS", "OPERATORS", "TYPES", "WORDS"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a query is built of. INTO, UPDATE, SHARE, TABLE, SETTINGS, FORMAT, OUTFILE, CALL, VERSION,
# TRANSFORM ... USING, IDENTIFIER, CURRENT_USER and their like are missing on purpose.
KEYWORDS: Final = _words(
    "select distinct all from where group by having order asc desc nulls first last limit offset "
    "fetch next row rows only ties with recursive as materialized not and or xor in is null true "
    "false like ilike rlike regexp similar to escape between symmetric case when then else end any "
    "some exists join left right full inner outer cross natural semi anti asof on using lateral "
    "union except intersect over partition window range groups unbounded preceding following "
    "current exclude others no filter within grouping sets rollup cube qualify respect ignore cast "
    "try_cast safe_cast extract interval at time zone collate values array unnest ordinality "
    "tablesample bernoulli reservoir percent repeatable div mod current_date current_time "
    "current_timestamp localtime localtimestamp overlaps for both leading trailing overlay placing "
    "position substring view explode pivot unpivot date timestamp"
)

_UNITS: Final = _words(
    "nanosecond nanoseconds microsecond microseconds millisecond milliseconds second seconds "
    "minute minutes hour hours day days week weeks isoweek month months quarter quarters year "
    "years isoyear decade decades century centuries millennium millennia epoch dow isodow doy "
    "dayofweek dayofyear day_hour day_minute day_second hour_minute hour_second minute_second "
    "year_month timezone timezone_hour timezone_minute dayofweekiso yearofweek mins secs"
)

_SHARED_TYPES: Final = _words(
    "bigint bool boolean char character date dec decimal double float float4 float8 int int2 int4 "
    "int8 integer interval json numeric precision real smallint text time timestamp timestamptz "
    "timetz varchar varying without"
)

#: What a CAST may name, beyond what all share.
TYPES: Final[Mapping[str, frozenset[str]]] = {
    "postgres": _words(
        "jsonb bpchar bytea uuid inet money bit varbit point daterange int4range int8range "
        "numrange tsrange tstzrange datemultirange nummultirange"
    ),
    "spark": _words(
        "string byte tinyint short long binary array map struct timestamp_ntz timestamp_ltz "
        "variant void"
    ),
    "trino": _words("tinyint varbinary array map row uuid ipaddress"),
    "snowflake": _words(
        "number string tinyint byteint binary varbinary variant object array datetime timestampntz "
        "timestampltz timestamp_ntz timestamp_ltz timestamp_tz"
    ),
    "bigquery": _words(
        "int64 float64 bignumeric bigdecimal string bytes datetime struct array geography"
    ),
    "clickhouse": _words(
        "string uint8 uint16 uint32 uint64 uint128 uint256 int16 int32 int64 int128 int256 float32 "
        "float64 decimal32 decimal64 decimal128 decimal256 date32 datetime datetime64 nullable "
        "lowcardinality array map tuple fixedstring uuid ipv4 ipv6 nothing"
    ),
    "mysql": _words("signed unsigned binary datetime year tinyint mediumint nchar"),
}

#: What may be called, by engine.
FUNCTIONS: Final[Mapping[str, frozenset[str]]] = {
    "postgres": SHARED | POSTGRES,
    "spark": SHARED | SPARK,
    "trino": SHARED | TRINO,
    "snowflake": SHARED | SNOWFLAKE,
    "bigquery": SHARED | BIGQUERY,
    "clickhouse": SHARED | CLICKHOUSE,
    "mysql": SHARED | MYSQL,
}

#: Every word that may stand outside of quotes, by engine.
WORDS: Final[Mapping[str, frozenset[str]]] = {
    dialect: KEYWORDS | _UNITS | _SHARED_TYPES | TYPES[dialect] | functions
    for dialect, functions in FUNCTIONS.items()
}

#: Runs of symbols, in any engine: none of them opens a comment, a parameter or a statement.
OPERATORS: Final = _words(
    ". + - * / % = == <> != < > <= >= <=> || | & ^ # << >> ~ ~* !~ !~* ~~ ~~* !~~ !~~* -> ->> #> "
    "#>> @> <@ ? ?| ?& && @@ @? -|- :: : => &< &>"
)
