"""Which words may a user's query use: functions, types, and kinds of node in DuckDB's parse tree?

Everything here was read and judged one by one; whatever is not here is refused. A function belongs
here when its result depends on its arguments alone (or on the clock, or on chance) and it reads no
file, setting, catalog or session. Resource use is no criterion: the sandbox bounds that.
"""

from __future__ import annotations

__all__ = [
    "CHANGING_FUNCTIONS",
    "EXPRESSION_KINDS",
    "FUNCTIONS",
    "NODE_KINDS",
    "PLAIN_KEYS",
    "TABLE_FUNCTIONS",
    "TREE_KEYS",
    "TYPE_NAMES",
    "WINDOW_FUNCTIONS",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERATORS = _words(
    "!__postfix !~~ !~~* % & && * ** + - ->> / // < << <= <@ = > >= >> @ @> ^ ^@ | || ~ ~~ ~~* "
    "~~~ <-> <=> !="
)

_AGGREGATES = _words(
    "any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null "
    "arg_min arg_min_null argmax argmin array_agg avg bit_and bit_or bit_xor bitstring_agg "
    "bool_and bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg "
    "first fsum geomean geometric_mean group_concat histogram histogram_exact kahan_sum kurtosis "
    "kurtosis_pop last list listagg mad max max_by mean median min min_by mode product quantile "
    "quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope "
    "regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness stddev stddev_pop stddev_samp "
    "string_agg sum sum_no_overflow sumkahan var_pop var_samp variance wavg weighted_avg "
    "json_group_array json_group_object"
)

WINDOW_FUNCTIONS = _words(
    "cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank "
    "rank_dense row_number"
)

_NUMBERS = _words(
    "abs acos acosh add asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot "
    "degrees divide equi_width_bins even exp factorial fdiv floor fmod gamma gcd "
    "greatest_common_divisor isfinite isinf isnan lcm least_common_multiple lgamma ln log log10 "
    "log2 mod multiply nextafter pi pow power radians random round round_even roundbankers sign "
    "signbit sin sinh sqrt subtract tan tanh trunc xor"
)

_CONDITIONS = _words("constant_or_null greatest if least nullif typeof")

_TEXT = _words(
    "ascii bar base64 bin bit_length char_length character_length chr concat concat_ws contains "
    "damerau_levenshtein editdist3 encode decode ends_with format format_bytes from_base64 "
    "from_binary from_hex formatreadabledecimalsize formatreadablesize hamming hash hex "
    "ilike_escape instr jaccard jaro_similarity jaro_winkler_similarity lcase left left_grapheme "
    "len length length_grapheme levenshtein like_escape lower lpad ltrim md5 md5_number mismatches "
    "nfc_normalize not_ilike_escape not_like_escape octet_length ord overlay position prefix "
    "printf regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches "
    "regexp_replace regexp_split_to_array repeat replace reverse right right_grapheme rpad rtrim "
    "sha1 sha256 split split_part starts_with str_split str_split_regex string_split "
    "string_split_regex string_to_array strip_accents strlen strpos substr substring "
    "substring_grapheme suffix to_base to_base64 to_binary to_hex translate trim ucase unbin "
    "unhex unicode upper url_decode url_encode gen_random_uuid uuid uuidv4 uuidv7"
)

_TIMES = _words(
    "age ago century current_date current_localtime current_localtimestamp "
    "date_add date_diff date_part date_sub date_trunc datediff datepart datesub "
    "datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms "
    "epoch_ns epoch_us era get_current_time get_current_timestamp hour isodow isoyear julian "
    "last_day make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns "
    "make_timestamptz microsecond millennium millisecond minute month monthname nanosecond "
    "normalized_interval now quarter second strftime strptime time_bucket timezone timezone_hour "
    "timezone_minute to_centuries to_days to_decades to_hours to_microseconds to_millennia "
    "to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years "
    "today transaction_timestamp try_strptime week weekday weekofyear year yearweek"
)

#: Give another value each time they are asked: no condition that several questions share.
CHANGING_FUNCTIONS = _words(
    "age ago current_date current_localtime current_localtimestamp current_time current_timestamp "
    "gen_random_uuid get_current_time get_current_timestamp now random today "
    "transaction_timestamp uuid uuidv4 uuidv7"
)

_LIST_VERBS = _words(
    "aggr aggregate append apply cat concat contains cosine_distance cosine_similarity distance "
    "distinct dot_product extract filter grade_up has has_all has_any indexof inner_product "
    "intersect negative_dot_product negative_inner_product position "
    "prepend reduce resize reverse reverse_sort select "
    "slice sort transform unique value where zip"
)

_LIST_AGGREGATES = _words(
    "any_value approx_count_distinct avg bit_and bit_or bit_xor bool_and bool_or count entropy "
    "first histogram kurtosis kurtosis_pop last mad max median min mode product sem skewness "
    "stddev_pop stddev_samp string_agg sum var_pop var_samp"
)

_NESTED = (
    frozenset(f"{kind}_{verb}" for kind in ("list", "array") for verb in _LIST_VERBS)
    | frozenset(f"list_{name}" for name in _LIST_AGGREGATES)
    | _words(
        "array_cross_product array_length array_pop_back array_pop_front array_push_back "
        "array_push_front array_to_string list_element list_pack "
        "aggregate apply array_to_json cardinality element_at filter flatten generate_series "
        "grade_up map map_concat map_contains map_contains_entry map_contains_value map_entries "
        "map_extract map_extract_value map_from_entries map_keys map_values range reduce row "
        "struct_concat struct_contains struct_extract struct_extract_at struct_has struct_indexof "
        "struct_insert struct_keys struct_pack struct_position struct_update struct_values "
        "union_extract union_tag union_value unnest unpivot_list generate_subscripts"
    )
)

_JSON = _words(
    "from_json from_json_strict json json_array json_array_length json_contains json_exists "
    "json_extract json_extract_path json_extract_path_text json_extract_string json_keys "
    "json_merge_patch json_object json_pretty json_quote json_structure json_transform "
    "json_transform_strict json_type json_valid json_value row_to_json to_json"
)

# Functions usable wherever a value may stand.
FUNCTIONS = _OPERATORS | _AGGREGATES | _NUMBERS | _CONDITIONS | _TEXT | _TIMES | _NESTED | _JSON

# Functions usable in FROM.
TABLE_FUNCTIONS = _words("generate_series range unnest json_each")

# What a CAST may name.
TYPE_NAMES = _words(
    "array bigint bignum binary bit bitstring blob bool boolean bpchar bytea char date datetime "
    "dec decimal double float float4 float8 hugeint int int1 int128 int16 int2 int32 int4 int64 "
    "int8 integer integral interval json list logical long map numeric nvarchar oid real row "
    "short signed smallint string struct text time time_ns timestamp timestamp_ms timestamp_ns "
    "timestamp_s timestamp_us timestamptz timestamptz_ns timetz tinyint tuple ubigint uhugeint "
    "uint128 uint16 uint32 uint64 uint8 uinteger union usmallint utinyint uuid varbinary varchar "
    "varint"
) | {
    # as DuckDB 1.5 and 2.0 spell the two-word types in the tree
    "time with time zone",
    "timestamp with time zone",
    "timestamp with timezone",
    "time with timezone",
    "timestamp_sec",
}

# The `type` of every tree object that has no `class`: query nodes, FROM items, modifiers, orders.
NODE_KINDS = _words(
    "SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE "
    "BASE_TABLE EMPTY EXPRESSION_LIST JOIN PIVOT SUBQUERY TABLE_FUNCTION "
    "DISTINCT_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER ORDER_MODIFIER "
    "ASCENDING DESCENDING ORDER_DEFAULT"
)

# The `type`s allowed for each `class` of expression.
EXPRESSION_KINDS = {
    "BETWEEN": _words("COMPARE_BETWEEN COMPARE_NOT_BETWEEN"),
    "CASE": _words("CASE_EXPR"),
    "CAST": _words("OPERATOR_CAST"),
    "COLLATE": _words("COLLATE"),
    "COLUMN_REF": _words("COLUMN_REF"),
    "COMPARISON": _words(
        "COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_LESSTHAN COMPARE_GREATERTHAN "
        "COMPARE_LESSTHANOREQUALTO COMPARE_GREATERTHANOREQUALTO COMPARE_DISTINCT_FROM "
        "COMPARE_NOT_DISTINCT_FROM"
    ),
    "CONJUNCTION": _words("CONJUNCTION_AND CONJUNCTION_OR"),
    "CONSTANT": _words("VALUE_CONSTANT"),
    "FUNCTION": _words("FUNCTION"),
    "LAMBDA": _words("LAMBDA"),
    "OPERATOR": _words(
        "ARRAY_CONSTRUCTOR ARRAY_EXTRACT ARRAY_SLICE COMPARE_IN COMPARE_NOT_IN GROUPING_FUNCTION "
        "OPERATOR_COALESCE OPERATOR_IS_NOT_NULL OPERATOR_IS_NULL OPERATOR_NOT OPERATOR_NULLIF "
        "OPERATOR_TRY OPERATOR_UNPACK STRUCT_EXTRACT"
    ),
    "POSITIONAL_REFERENCE": _words("POSITIONAL_REFERENCE"),
    "STAR": _words("STAR"),
    "SUBQUERY": _words("SUBQUERY"),
    "TYPE": _words("TYPE"),
    "WINDOW": _words(
        "WINDOW_AGGREGATE WINDOW_CUME_DIST WINDOW_FILL WINDOW_FIRST_VALUE WINDOW_LAG "
        "WINDOW_LAST_VALUE WINDOW_LEAD WINDOW_NTH_VALUE WINDOW_NTILE WINDOW_PERCENT_RANK "
        "WINDOW_RANK WINDOW_RANK_DENSE WINDOW_ROW_NUMBER"
    ),
}

# Keys under which more tree may hang: all of it is judged.
TREE_KEYS = _words(
    "aggregates arg_orders arguments case_checks child children condition cte_map "
    "default_expr distinct_on_targets else_expr end_expr entries expr expression expressions "
    "filter filter_expr from_table function group_expressions having input key_targets left "
    "lhs limit lower map modifiers node offset offset_expr order_bys orders partitions "
    "pivot_expressions pivots qualify query query_node replace_list right sample sample_size "
    "select_list source star_expr start_expr subquery then_expr type_expr upper value values "
    "when_expr where_clause"
)

# Keys with names, numbers and switches beneath them, never with tree.
PLAIN_KEYS = _words(
    "aggregate_handling alias aliases catalog class collation column_name_alias column_names "
    "columns comparison_type cte_name distinct end exclude_clause exclude_list function_name "
    "group_sets groups has_ignore_nulls ignore_nulls include_nulls index is_implicit is_operator "
    "is_percentage join_type key kind limit_type literal materialized method name null_order "
    "qualified_exclude_list qualified_name query_location query_location_length ref_type "
    "relation_name rename_list repeatable schema seed setop_all setop_type start subquery_type "
    "syntax_type table_name try_cast type type_name union_all unpivot_names using_columns "
    "with_ordinality"
)
