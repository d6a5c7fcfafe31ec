"""Which parts may a query have, as sqlglot names them: kinds of node, and what hangs below them?

An allow-list: what a later sqlglot or a later engine adds stays refused until somebody has read it.
Functions are judged elsewhere, by the name that the engine will read (`words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

__all__ = ["KEYS", "KINDS", "ONLY_IN", "REFUSED_TOKENS"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUERIES: Final = {
    exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.With, exp.CTE, exp.From,
    exp.Join, exp.Lateral, exp.Table, exp.TableAlias, exp.Values, exp.Tuple, exp.TableSample,
    exp.Where, exp.Group, exp.GroupingSets, exp.Rollup, exp.Cube, exp.Having, exp.Qualify,
    exp.Order, exp.Ordered, exp.Limit, exp.LimitOptions, exp.Fetch, exp.Offset, exp.Distinct,
    exp.Window, exp.WindowSpec, exp.Pivot, exp.UnpivotColumns, exp.PivotAlias,
}  # fmt: skip
_VALUES: Final = {
    exp.Alias, exp.Aliases, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Boolean,
    exp.Null, exp.Paren, exp.Interval, exp.IntervalSpan, exp.DataType, exp.DataTypeParam, exp.Var,
    exp.HexString, exp.BitString, exp.RawString, exp.Bracket, exp.Slice, exp.Filter,
    exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.Lambda, exp.Kwarg, exp.AtTimeZone,
    exp.FromTimeZone,
    exp.Any, exp.All, exp.Escape, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey,
    exp.JSONPathSubscript, exp.JSONPathWildcard, exp.JSONPathPart, exp.JSONKeyValue,
    exp.PropertyEQ, exp.ColumnDef, exp.Variadic, exp.HavingMax,
}  # fmt: skip
_OPERATIONS: Final = {
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe, exp.And, exp.Or,
    exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.SimilarTo, exp.Glob, exp.Overlaps,
    exp.BitwiseAnd, exp.BitwiseLeftShift, exp.BitwiseNot, exp.BitwiseOr, exp.BitwiseRightShift,
    exp.BitwiseXor, exp.Distance, exp.Adjacent, exp.ExtendsLeft, exp.ExtendsRight,
}  # fmt: skip

#: Kinds of node that are no functions.
KINDS: Final = frozenset(_QUERIES | _VALUES | _OPERATIONS)

#: Kinds allowed in some engines only. `a.b` behind a bracket calls a function in PostgreSQL.
ONLY_IN: Final[Mapping[type[exp.Expr], frozenset[str]]] = {
    exp.Dot: frozenset({"spark", "trino", "snowflake", "bigquery", "clickhouse"}),
    exp.ParameterizedAgg: frozenset({"clickhouse"}),
}

#: What may hang below a node of `KINDS`. Missing on purpose: into, hint, hints, locks, settings,
#: format, options, version, when, system_time, partition, changes, only, connect, match,
#: operation_modifiers, prewhere, field (`x IN table` of ClickHouse), rows_from, indexed.
KEYS: Final = _words(
    "alias alias_column_names aliases all apply_index_offset big_int boolean bucket_denominator "
    "bucket_field bucket_numerator by_name catalog column columns copy count cross_apply cube "
    "cubes db default_value desc direction distinct end end_side escape except_ exclude "
    "explicit expression expressions fields filter first fold_to_null from_ global_ group "
    "grouping_sets having high ilike include_nulls is_integer is_string join_mark joins kind "
    "laterals length limit limit_options low materialized max method negate nested nullable "
    "nulls_first nulls_from_last number offset offset_first_value on only_json_types order "
    "ordinality outer over parens part partition_by percent pivot_column_naming pivots qualify "
    "query quoted recursive rename replace rollup rollups rows safe sample seed select shadow "
    "side size spec start start_side step struct symmetric table template this to totals typed "
    "uncorrelated unit unnest unpivot using value values view where wildcard windows with_ "
    "with_ties zone "
)

#: Tokens of the user's text that no allowed query has.
REFUSED_TOKENS: Final[Mapping[TokenType, str]] = {
    TokenType.HINT: "a hint (/*+ ... */)",
    TokenType.HEREDOC_STRING: "a dollar-quoted text",
    TokenType.UNICODE_STRING: "a text with Unicode escapes (U&'...')",
    TokenType.NATIONAL_STRING: "a text of the form N'...'",
    TokenType.BYTE_STRING: "a text with escapes (E'...')",
    TokenType.PARAMETER: "a parameter",
    TokenType.PLACEHOLDER: "a parameter",
    TokenType.SESSION_PARAMETER: "a session parameter",
    TokenType.BLOCK_START: "a template",
    TokenType.BLOCK_END: "a template",
}
