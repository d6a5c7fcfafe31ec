--! a table the job did not name
SELECT * FROM hidden
--! a table the job did not name, with its schema
SELECT * FROM main.hidden
--! a table the job did not name, with its catalog
SELECT * FROM memory.main.hidden
--! with a catalog and no schema
SELECT * FROM memory.hidden
--! with quotes
SELECT * FROM "memory"."main"."hidden"
--! a job's table through its schema
SELECT * FROM temp.orders
--! a name with four parts
SELECT * FROM a.b.c.d
--! an attached database
SELECT * FROM warehouse.secrets
--! an attached database with its schema
SELECT * FROM warehouse.main.secrets
--! a CTE does not name itself: this reads the table
WITH hidden AS (SELECT * FROM hidden) SELECT * FROM hidden
--! nor does a recursive one without recursion
WITH RECURSIVE hidden AS (SELECT * FROM hidden) SELECT * FROM hidden
--! the first half of a recursive CTE does not see it either
WITH RECURSIVE hidden AS (SELECT * FROM hidden UNION ALL SELECT * FROM hidden WHERE false) FROM hidden
--! a CTE does not see a later one
WITH a AS (SELECT * FROM hidden), hidden AS (SELECT 1) SELECT * FROM a
--! a CTE of a subquery is not visible outside
SELECT * FROM (WITH hidden AS (SELECT 1) FROM hidden) t, hidden
--! a CTE of one half of a UNION is not visible in the other
(WITH hidden AS (SELECT 1) FROM hidden) UNION ALL (SELECT 2 FROM hidden)
--! a CTE of a scalar subquery is not visible beside it
SELECT (WITH hidden AS (SELECT 1) SELECT * FROM hidden), (SELECT count(*) FROM hidden)
--! the recurring schema of USING KEY
WITH RECURSIVE r USING KEY (a) AS (SELECT 1 a UNION SELECT a FROM recurring.r) FROM r
--! information_schema tables
SELECT * FROM information_schema.tables
--! information_schema columns
SELECT * FROM information_schema.columns
--! information_schema in a subquery
SELECT (SELECT count(*) FROM information_schema.schemata)
--! pg_catalog
SELECT * FROM pg_catalog.pg_tables
--! pg_catalog without its schema
SELECT * FROM pg_tables
--! sqlite_master
SELECT * FROM sqlite_master
--! sqlite_schema
SELECT * FROM sqlite_schema
--! duckdb_tables as a function
SELECT * FROM duckdb_tables()
--! duckdb_tables as a view
SELECT * FROM duckdb_tables
--! duckdb_views shows the paths of the job's files
SELECT sql FROM duckdb_views()
--! duckdb_columns
SELECT * FROM duckdb_columns()
--! duckdb_databases shows paths
SELECT * FROM duckdb_databases()
--! duckdb_settings
SELECT * FROM duckdb_settings()
--! duckdb_secrets
SELECT * FROM duckdb_secrets()
--! duckdb_functions
SELECT * FROM duckdb_functions()
--! duckdb_extensions shows paths
SELECT * FROM duckdb_extensions()
--! duckdb_temporary_files
SELECT * FROM duckdb_temporary_files()
--! duckdb_memory
SELECT * FROM duckdb_memory()
--! duckdb_logs
SELECT * FROM duckdb_logs()
--! duckdb_variables
SELECT * FROM duckdb_variables()
--! duckdb_prepared_statements
SELECT * FROM duckdb_prepared_statements()
--! duckdb_external_file_cache
SELECT * FROM duckdb_external_file_cache()
--! which_secret
SELECT * FROM which_secret('s3://x', 's3')
--! pragma_table_info
SELECT * FROM pragma_table_info('orders')
--! pragma_show
SELECT * FROM pragma_show('orders')
--! pragma_storage_info
SELECT * FROM pragma_storage_info('orders')
--! pragma_database_size shows paths
SELECT * FROM pragma_database_size()
--! SHOW TABLES
SHOW TABLES
--! SHOW ALL TABLES
SHOW ALL TABLES
--! SHOW DATABASES
SHOW DATABASES
--! SHOW as a table
SELECT * FROM (SHOW TABLES)
--! DESCRIBE
DESCRIBE orders
--! DESCRIBE of a file
DESCRIBE FROM '{canary}'
--! DESCRIBE as a table
SELECT * FROM (DESCRIBE hidden)
--! SUMMARIZE
SUMMARIZE orders
--! SUMMARIZE of a file
SUMMARIZE '{canary}'
--! SUMMARIZE as a table
SELECT * FROM (SUMMARIZE SELECT * FROM '{canary}')
--! an old version of a table
SELECT * FROM orders AT (VERSION => 1)
