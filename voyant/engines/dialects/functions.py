"""Which functions of other engines were read and found harmless?

By the reference manuals. What an engine adds later stays refused until somebody has read it.
"""

from __future__ import annotations

__all__ = [
    "BIGQUERY",
    "CLICKHOUSE",
    "MYSQL",
    "POSTGRES",
    "SHARED",
    "SNOWFLAKE",
    "SPARK",
    "TRINO",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Standard SQL and what every engine spells alike.
SHARED = _words(
    "abs acos asin atan atan2 ceil ceiling cos cot degrees exp floor ln log log10 log2 mod pi pow "
    "power radians rand random round sign sin sqrt tan trunc truncate greatest least coalesce "
    "nullif if ifnull ascii char_length character_length chr concat concat_ws initcap left length "
    "lower lpad ltrim octet_length overlay position regexp_replace repeat replace reverse right "
    "rpad rtrim split_part strpos substr substring translate trim upper md5 starts_with date_trunc "
    "date_part extract now last_day any_value array_agg avg bit_and bit_or bit_xor corr count "
    "covar_pop covar_samp grouping max median min mode percentile_cont percentile_disc regr_avgx "
    "regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev "
    "stddev_pop stddev_samp sum var_pop var_samp variance cume_dist dense_rank first_value lag "
    "last_value lead nth_value ntile percent_rank rank row_number"
)

# PostgreSQL 17, chapters 9 and F. Read and left out, among many: all of 9.27 to 9.30 (session,
# settings, files, signals, locks, replication), query_to_xml and its kin (they run SQL), xml,
# sequences, large objects, dblink, txid_*, pg_*, to_reg*, ts_stat and ts_rewrite (they run SQL),
# setseed (changes later results), format with %I (harmless, but only SQL needs it).
POSTGRES = _words(
    "acosd acosh asind asinh atan2d atand atanh cbrt cosd cosh cotd div erf erfc exp factorial gcd "
    "lcm min_scale scale sind sinh tand tanh trim_scale width_bucket random_normal bit_length "
    "btrim casefold convert_from convert_to decode encode format get_byte lower normalize "
    "parse_ident quote_literal regexp_count regexp_instr regexp_like regexp_match regexp_matches "
    "regexp_split_to_array regexp_split_to_table regexp_substr sha224 sha256 sha384 sha512 "
    "string_to_array string_to_table to_hex to_bin to_oct unistr levenshtein age clock_timestamp "
    "date_add date_bin date_subtract isfinite justify_days justify_hours justify_interval "
    "make_date make_interval make_time make_timestamp make_timestamptz statement_timestamp "
    "timeofday timezone to_char to_date to_number to_timestamp transaction_timestamp array_append "
    "array_cat array_dims array_fill array_length array_lower array_ndims array_position "
    "array_positions array_prepend array_remove array_replace array_sample array_shuffle "
    "array_to_string array_upper cardinality trim_array unnest generate_series generate_subscripts "
    "isempty lower_inc lower_inf range_merge upper_inc upper_inf daterange int4range int8range "
    "numrange tsrange tstzrange range_agg range_intersect_agg array_to_json json_array_elements "
    "json_array_elements_text json_array_length json_build_array json_build_object json_each "
    "json_each_text json_extract_path json_extract_path_text json_object json_object_keys "
    "json_strip_nulls json_typeof jsonb_array_elements jsonb_array_elements_text "
    "jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text "
    "jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys "
    "jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array "
    "jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_typeof row_to_json "
    "to_json to_jsonb json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or every "
    "string_agg num_nonnulls num_nulls row gen_random_uuid host masklen family netmask network "
    "broadcast hostmask abbrev to_tsvector to_tsquery plainto_tsquery phraseto_tsquery "
    "websearch_to_tsquery ts_rank ts_headline"
)

# Spark 4.0, the list of built-in functions. Read and left out, among others: java_method, reflect,
# try_reflect (call any Java code), input_file_*, current_user, user, session_user, current_catalog,
# current_database, current_schema, version, spark_partition_id, monotonically_increasing_id,
# assert_true and raise_error, from_avro and from_protobuf (they read files), read_files, ai_*,
# http_request, secret, sql_keywords, collations, stack.
SPARK = _words(
    "acosh asinh atanh bin bit_count bround cbrt conv cosh csc e expm1 factorial hex hypot isnan "
    "log1p nanvl negative pmod positive rint sec shiftleft shiftright shiftrightunsigned signum "
    "sinh tanh try_add try_divide try_mod try_multiply try_subtract unhex uniform width_bucket "
    "randn base64 btrim char charindex contains crc32 decode elt encode endswith find_in_set "
    "format_number format_string hash instr lcase len levenshtein like locate luhn_check mask "
    "octet_length parse_url try_parse_url printf regexp regexp_count regexp_extract "
    "regexp_extract_all regexp_instr regexp_like regexp_substr replace sentences sha sha1 sha2 "
    "soundex space split split_part startswith substring_index to_binary to_char to_number "
    "to_varchar try_to_binary try_to_number ucase unbase64 unicode url_decode url_encode "
    "try_url_decode xxhash64 is_valid_utf8 make_valid_utf8 quote add_months convert_timezone "
    "curdate current_timezone date_add date_diff date_format date_from_unix_date date_sub dateadd "
    "datediff datepart day dayname dayofmonth dayofweek dayofyear from_unixtime from_utc_timestamp "
    "hour localtimestamp make_date make_dt_interval make_interval make_timestamp "
    "make_timestamp_ltz make_timestamp_ntz make_ym_interval minute month monthname months_between "
    "next_day quarter second session_window timestamp_micros timestamp_millis timestamp_seconds "
    "timestampadd timestampdiff to_date to_timestamp to_timestamp_ltz to_timestamp_ntz "
    "to_unix_timestamp to_utc_timestamp trunc try_make_interval try_make_timestamp try_to_date "
    "try_to_timestamp unix_date unix_micros unix_millis unix_seconds unix_timestamp weekday "
    "weekofyear window window_time year aggregate array_append array_compact array_contains "
    "array_distinct array_except array_insert array_intersect array_join array_max array_min "
    "array_position array_prepend array_remove array_repeat array_size array_sort array_union "
    "arrays_overlap arrays_zip cardinality element_at exists filter flatten forall get reduce "
    "sequence shuffle size slice sort_array transform transform_keys transform_values "
    "try_element_at zip_with map map_concat map_contains_key map_entries map_filter "
    "map_from_arrays map_from_entries map_keys map_values map_zip_with str_to_map named_struct "
    "struct explode explode_outer posexplode posexplode_outer inline inline_outer json_tuple range "
    "from_json get_json_object json_array_length json_object_keys schema_of_json to_json "
    "parse_json try_parse_json variant_get try_variant_get is_variant_null from_csv to_csv "
    "schema_of_csv grouping_id approx_count_distinct approx_percentile percentile_approx "
    "percentile bit_get bitmap_count bool_and bool_or every some any collect_list collect_set "
    "count_if count_min_sketch first first_value histogram_numeric kurtosis last listagg "
    "string_agg max_by min_by skewness std try_avg try_sum any_value equal_null ifnull iff "
    "isnotnull isnull nvl nvl2 nullifzero zeroifnull typeof uuid array decimal double float int "
    "integer bigint smallint tinyint string boolean binary date timestamp"
)

# Trino 47x, functions and operators. Left out: the table functions (they run SQL or read
# files), current_user, current_groups, version, the AI functions, and what a connector brings.
TRINO = _words(
    "cbrt cosine_similarity cosh e from_base infinity is_finite is_infinite is_nan nan sinh tanh "
    "to_base width_bucket codepoint concat_ws hamming_distance levenshtein_distance luhn_check "
    "normalize regexp_count regexp_extract regexp_extract_all regexp_like regexp_position "
    "regexp_split soundex split split_to_map split_to_multimap strrpos to_utf8 from_utf8 word_stem "
    "date date_add date_diff date_format date_parse day day_of_month day_of_week day_of_year dow "
    "doy format_datetime from_iso8601_date from_iso8601_timestamp from_unixtime "
    "from_unixtime_nanos hour human_readable_seconds last_day_of_month millisecond minute month "
    "parse_datetime parse_duration quarter second timezone_hour timezone_minute to_iso8601 "
    "to_milliseconds to_unixtime week week_of_year with_timezone at_timezone year year_of_week yow "
    "all_match any_match array_distinct array_except array_histogram array_intersect array_join "
    "array_max array_min array_position array_remove array_sort array_union arrays_overlap "
    "cardinality combinations contains contains_sequence element_at filter flatten ngrams "
    "none_match reduce repeat sequence shuffle slice transform trim_array zip zip_with map map_agg "
    "map_concat map_entries map_filter map_from_entries map_keys map_union map_values map_zip_with "
    "transform_keys transform_values multimap_agg histogram approx_distinct approx_percentile "
    "approx_most_frequent arbitrary bool_and bool_or checksum count_if every geometric_mean "
    "kurtosis listagg max_by min_by numeric_histogram skewness is_json_scalar json_array_contains "
    "json_array_get json_array_length json_exists json_extract json_extract_scalar json_format "
    "json_parse json_query json_size json_value typeof uuid try format bar crc32 from_base64 "
    "from_hex sha1 sha256 sha512 to_base64 to_hex url_decode url_encode url_extract_host "
    "url_extract_path bitwise_and bitwise_or bitwise_xor row"
)

# Snowflake. Left out: SYSTEM$*, RESULT_SCAN, GET_DDL, INFER_SCHEMA, external and Cortex functions,
# staged files (GET_PRESIGNED_URL, BUILD_SCOPED_FILE_URL), context functions, sequences.
SNOWFLAKE = _words(
    "cbrt cosh div0 div0null factorial haversine sinh square tanh width_bucket zeroifnull "
    "nullifzero nvl nvl2 iff decode equal_null is_null_value booland boolor boolxor charindex "
    "contains editdistance endswith insert jarowinkler_similarity lcase len like ltrim "
    "regexp_count regexp_instr regexp_like regexp_substr regexp_substr_all rtrimmed_length sha1 "
    "sha2 soundex space split split_to_table startswith strtok strtok_to_array to_varchar to_char "
    "ucase unicode uuid_string hash add_months convert_timezone date date_from_parts dateadd "
    "datediff day dayname dayofmonth dayofweek dayofweekiso dayofyear getdate hour minute month "
    "monthname months_between next_day previous_day quarter second time_from_parts time_slice "
    "timeadd timediff timestamp_from_parts timestampadd timestampdiff to_date to_time to_timestamp "
    "to_timestamp_ltz to_timestamp_ntz to_timestamp_tz try_to_date try_to_timestamp week weekiso "
    "weekofyear year yearofweek yearofweekiso to_number to_decimal to_double to_boolean "
    "try_to_number try_to_decimal try_to_double try_to_boolean try_to_time array_append array_cat "
    "array_compact array_construct array_contains array_distinct array_except array_intersection "
    "array_max array_min array_position array_size array_slice array_sort array_to_string "
    "array_unique_agg arrays_overlap as_array as_char as_date as_double as_integer as_object "
    "check_json flatten get get_path is_array is_boolean is_object object_agg object_construct "
    "object_construct_keep_null object_delete object_insert object_keys parse_json "
    "strip_null_value to_array to_json to_object to_variant try_parse_json typeof "
    "approx_count_distinct approx_percentile approx_top_k bitand_agg booland_agg boolor_agg "
    "conditional_change_event conditional_true_event count_if hash_agg kurtosis listagg max_by "
    "min_by ratio_to_report skew lateral input path"
)

# BigQuery. Left out: EXTERNAL_QUERY, ML.*, AI.*, KEYS.*, SESSION_USER, remote functions.
BIGQUERY = _words(
    "cbrt cosh csc sec coth div ieee_divide is_inf is_nan safe_add safe_divide safe_multiply "
    "safe_negate safe_subtract sinh tanh range_bucket generate_array generate_date_array "
    "generate_timestamp_array array_concat array_first array_last array_length array_reverse "
    "array_to_string byte_length code_points_to_bytes code_points_to_string collate "
    "contains_substr edit_distance ends_with format from_base64 from_hex instr normalize "
    "regexp_contains regexp_extract regexp_extract_all regexp_instr regexp_substr "
    "safe_convert_bytes_to_string sha1 sha256 sha512 soundex split to_base64 to_code_points to_hex "
    "unicode farm_fingerprint generate_uuid current_datetime date date_add date_bucket date_diff "
    "date_from_unix_date date_sub datetime datetime_add datetime_bucket datetime_diff datetime_sub "
    "datetime_trunc format_date format_datetime format_time format_timestamp parse_date "
    "parse_datetime parse_time parse_timestamp string time time_add time_diff time_sub time_trunc "
    "timestamp timestamp_add timestamp_diff timestamp_micros timestamp_millis timestamp_seconds "
    "timestamp_sub timestamp_trunc unix_date unix_micros unix_millis unix_seconds justify_days "
    "justify_hours justify_interval make_interval approx_count_distinct approx_quantiles "
    "approx_top_count approx_top_sum array_concat_agg countif logical_and logical_or max_by min_by "
    "string_agg bool int64 float64 json_array json_extract json_extract_array json_extract_scalar "
    "json_object json_query json_query_array json_type json_value json_value_array lax_bool "
    "lax_float64 lax_int64 lax_string parse_json to_json to_json_string struct parse_bignumeric "
    "parse_numeric offset ordinal safe_offset safe_ordinal"
)

# ClickHouse. Left out: file, url, remote, s3, mysql and the other table functions, dictGet*,
# joinGet, getSetting, getMacro, hostName, currentUser, currentDatabase, evalMLMethod, sleep,
# initializeAggregation, addressTo*, executable, catboostEvaluate.
CLICKHOUSE = _words(
    "intdiv intdivorzero modulo moduloorzero cbrt erf exp10 exp2 factorial hypot lgamma sigmoid "
    "tgamma isnan isfinite isinfinite multiif isnull isnotnull assumenotnull tonullable empty "
    "notempty lengthutf8 lowerutf8 upperutf8 substringutf8 reverseutf8 concatwithseparator "
    "extractall extractgroups match multimatchany ngramdistance replaceall replaceone "
    "replaceregexpall replaceregexpone splitbychar splitbystring splitbyregexp arraystringconcat "
    "endswith startswith trimleft trimright trimboth positioncaseinsensitive countsubstrings "
    "format base64encode base64decode hex unhex cityhash64 siphash64 xxhash64 sha1 sha256 toyear "
    "toquarter tomonth todayofmonth todayofweek todayofyear tohour tominute tosecond toisoweek "
    "toisoyear toweek tostartofyear tostartofquarter tostartofmonth tostartofweek tostartofday "
    "tostartofhour tostartofminute tostartoffiveminutes tostartoffifteenminutes tostartofinterval "
    "tomonday toyyyymm toyyyymmdd tounixtimestamp fromunixtimestamp today yesterday dateadd "
    "datediff date_diff datesub formatdatetime parsedatetime parsedatetimebesteffort "
    "parsedatetimebesteffortornull addyears addmonths addweeks adddays addhours addminutes "
    "addseconds subtractyears subtractmonths subtractweeks subtractdays totimezone timeslots "
    "timeslot makedate tointervalday tointervalmonth tointervalyear tointervalweek tointervalhour "
    "tointervalminute tointervalsecond todate todate32 todatetime todatetime64 todateornull "
    "todatetimeornull tostring toint8 toint16 toint32 toint64 touint8 touint16 touint32 touint64 "
    "tofloat32 tofloat64 todecimal32 todecimal64 todecimal128 toint32ornull toint64ornull "
    "tofloat64ornull toint32orzero toint64orzero tofloat64orzero cast accuratecast "
    "accuratecastornull touuid reinterpretasint64 totypename array arraymap arrayfilter arraysum "
    "arrayavg arraymin arraymax arraycount arrayexists arrayall arrayfirst arrayjoin arraysort "
    "arrayreversesort arraydistinct arrayuniq arrayelement arrayconcat arrayslice arraypushback "
    "arraypushfront arrayenumerate arraycumsum arraydifference arrayreverse arrayreduce "
    "arrayintersect arrayzip has hasall hasany indexof range map mapkeys mapvalues mapcontains "
    "tuple tupleelement jsonextract jsonextractstring jsonextractint jsonextractfloat "
    "jsonextractbool jsonextractraw jsonextractarrayraw jsonhas jsonlength json_value json_query "
    "visitparamextractstring sumif countif avgif minif maxif uniqif anyif uniq uniqexact "
    "uniqcombined uniqhll12 quantile quantileexact quantiletdigest quantiles quantilesexact "
    "medianexact argmax argmin any anylast anyheavy grouparray groupuniqarray groupbitand topk "
    "sumwithoverflow summap stddevpop stddevsamp varpop varsamp covarpop covarsamp skewpop "
    "skewsamp kurtpop kurtsamp entropy simplelinearregression runningdifference neighbor "
    "runningaccumulate laginframe leadinframe numbers generateuuidv4 bitand bitor bitxor bitcount "
    "bar roundbankers rounddown plus minus multiply divide negate equals notequals less greater"
)

# MySQL 8.4, chapter 14. Left out: LOAD_FILE, SLEEP, BENCHMARK, GET_LOCK and its kin, USER(),
# DATABASE(), VERSION(), LAST_INSERT_ID, UUID_SHORT, ExtractValue and UpdateXML, MASTER_POS_WAIT.
MYSQL = _words(
    "conv crc32 bin bit_count bit_length char elt export_set field find_in_set format from_base64 "
    "hex insert instr lcase locate make_set mid oct ord quote regexp_instr regexp_like "
    "regexp_substr sha sha1 sha2 soundex space strcmp substring_index to_base64 ucase unhex "
    "weight_string adddate addtime convert_tz curdate current_date curtime date date_add "
    "date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear from_days "
    "from_unixtime get_format hour makedate maketime microsecond minute month monthname period_add "
    "period_diff quarter sec_to_time second str_to_date subdate subtime sysdate time time_format "
    "time_to_sec timediff timestamp timestampadd timestampdiff to_days to_seconds unix_timestamp "
    "utc_date utc_time utc_timestamp week weekday weekofyear year yearweek group_concat json_array "
    "json_arrayagg json_contains json_contains_path json_depth json_extract json_keys json_length "
    "json_merge_patch json_object json_objectagg json_overlaps json_pretty json_quote json_search "
    "json_type json_unquote json_valid json_value isnull uuid std convert"
)
