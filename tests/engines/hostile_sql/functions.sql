--! query runs text as SQL
SELECT * FROM query('SELECT * FROM ''{canary}''')
--! query_table names a table by text
SELECT * FROM query_table('hidden')
--! query_table with a list
SELECT * FROM query_table(['hidden', 'orders'])
--! query_table of a file
SELECT * FROM query_table('{canary}')
--! a serialised statement runs
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))
--! serialising
SELECT json_serialize_sql('SELECT 1')
--! planning binds the statement
SELECT json_serialize_plan('SELECT * FROM ''{canary}''')
--! deserialising
SELECT json_deserialize_sql('{{}}')
--! the histogram table macro takes a table's name
SELECT * FROM histogram('hidden', 'secret')
--! histogram_values as well
SELECT * FROM histogram_values('hidden', secret)
--! summary
SELECT * FROM summary((FROM orders))
--! getenv
SELECT getenv('VOYANT_CANARY')
--! getenv by another name
SELECT get_env('VOYANT_CANARY')
--! nextval
SELECT nextval('s')
--! currval
SELECT currval('s')
--! sleep_ms
SELECT sleep_ms(100000)
--! pg_sleep
SELECT pg_sleep(100)
--! stats shows the statistics of a column
SELECT stats(id) FROM orders
--! version
SELECT version()
--! current_database as a function
SELECT current_database()
--! pg_get_viewdef
SELECT pg_get_viewdef('orders'::regclass::oid)
--! inet_server_addr
SELECT inet_server_addr()
--! get_block_size
SELECT get_block_size('memory')
--! test_all_types
SELECT * FROM test_all_types()
--! repeat_row
SELECT * FROM repeat_row(1, num_rows = 10)
--! seq_scan takes a table
SELECT * FROM seq_scan('hidden')
--! arrow_scan takes pointers
SELECT * FROM arrow_scan(1, 2, 3)
--! pandas_scan takes a pointer
SELECT * FROM pandas_scan(1)
--! python_map_function takes a pointer
SELECT * FROM python_map_function(1)
--! internal functions
SELECT __internal_decompress_string(1)
--! internal functions with a schema
SELECT system.main.__internal_decompress_string(1)
--! a scalar function with a schema
SELECT main.nextval('s')
--! a scalar function with a catalog
SELECT warehouse.main.leak()
--! a macro of an attached database
SELECT warehouse.leak()
--! an unknown function
SELECT leak()
--! an unknown aggregate in a window
SELECT leak() OVER ()
--! an unknown function behind a dot
SELECT 'x'.leak()
--! a reader behind a dot
SELECT ('{canary}').read_text()
--! a forbidden function inside a lambda
SELECT list_transform(['x'], lambda x: getvariable(x))
--! a forbidden function inside COLUMNS
SELECT COLUMNS(lambda c: current_setting('temp_directory') = c) FROM orders
--! a forbidden function in a default argument
SELECT lag(id, 1, getvariable('x')) OVER () FROM orders
--! a forbidden function in an aggregate's ORDER BY
SELECT first(id ORDER BY getvariable('x')) FROM orders
--! a forbidden function in a window frame
SELECT sum(id) OVER (ROWS BETWEEN getvariable('x') PRECEDING AND CURRENT ROW) FROM orders
--! a forbidden function in PIVOT
PIVOT orders ON customer IN ('a') USING max(getvariable('x'))
--! a forbidden function in TABLESAMPLE's table
SELECT * FROM read_text('{canary}') TABLESAMPLE 10%
--! a type nobody listed
SELECT CAST('a' AS ENUM ('a'))
--! a user's type
SELECT CAST('a' AS mood)
--! a type of another schema
SELECT CAST('a' AS warehouse.main.mood)
--! regclass
SELECT 'hidden'::regclass
